/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Structured Fields (RFC 9651), read strictly and without allocation: the caller pulls members out
 * one by one; what it does not pull (an inner list, parameters) is still checked on the way. Values
 * are slices of the text. An error latches; everything pulled before it must then be thrown away
 * (RFC 9651 4.2: a field that does not parse is ignored as a whole), so callers gather first and
 * act when sf_ok() holds at the end.
 *
 *	struct sf sf;
 *	sf_begin(&sf, text);
 *	while (sf_dict_next(&sf, &key, &value))		(or sf_list_next)
 *		while (value.type == SF_INNER && sf_inner_next(&sf, &item)) ...
 *	if (!sf_ok(&sf)) ...
 *
 * A key that comes again replaces the earlier member (RFC 9651 4.2.2): the last one counts.
 */
#ifndef HTTP_SF_H
#define HTTP_SF_H

#include "http/msg.h"

enum sf_type {
	SF_NONE = 0,
	SF_INTEGER = 1, /* <number> */
	SF_DECIMAL = 2, /* <number>: thousandths */
	SF_STRING = 3,	/* <text>: between the quotes, escapes not resolved (sf_string_next) */
	SF_TOKEN = 4,	/* <text> */
	SF_BYTES = 5,	/* <text>: base64 between the colons */
	SF_BOOLEAN = 6, /* <number>: 0 or 1 */
	SF_DATE = 7,	/* <number>: seconds since the epoch */
	SF_DISPLAY = 8, /* <text>: between the quotes, percent-encoded UTF-8 */
	SF_INNER = 9,	/* an inner list: pull its items with sf_inner_next() */
};

struct sf_value {
	enum sf_type type;
	int64_t number;
	struct str text;
};

/* Private to sf.c but for its size. */
struct sf {
	const char *p, *end;
	const struct http_msg *m;      /* further lines come from here; NULL: a single text */
	const struct http_field *line; /* the line that is being read */
	bool begun;		       /* a member was read */
	bool inner;		       /* inside an inner list */
	bool spaced;		       /* inner: an item came before, so a space must follow */
	bool params;		       /* parameters may follow here */
	bool bad;		       /* latched */
};

/* Begins with one text, or with all lines of the field that <line> is the first of. Lines are read
 * as if joined by commas; a member or string cannot span two lines, and an empty line among others
 * is an error as an empty member is. */
void sf_begin(struct sf *sf, struct str text);
void sf_begin_field(struct sf *sf, const struct http_msg *m, const struct http_field *line);

/* The next member of a dictionary or list; false at the end and after an error. */
bool sf_dict_next(struct sf *sf, struct str *out_key, struct sf_value *out_value);
bool sf_list_next(struct sf *sf, struct sf_value *out_value);

/* The next item of the inner list that was pulled last; false at its end. */
bool sf_inner_next(struct sf *sf, struct sf_value *out_value);

/* The next parameter of what was pulled last (of an inner list: after its last item). */
bool sf_param_next(struct sf *sf, struct str *out_key, struct sf_value *out_value);

/* The whole text as one item; its parameters are checked and dropped. False if malformed. */
MUST_CHECK bool sf_item(struct str text, struct sf_value *out_value);

/* Was there no error so far? Asked when a `next` function gave false. */
static inline bool sf_ok(const struct sf *sf)
{
	return !sf->bad;
}

/* Walks the bytes of a string's <text> with escapes resolved: -1 at the end. */
int sf_string_next(struct str *rest);

#endif
