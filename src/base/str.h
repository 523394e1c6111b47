/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Slices: a pointer and a length into memory that somebody else owns. Never NUL-terminated by
 * promise. ASCII rules only; locale never matters.
 */
#ifndef BASE_STR_H
#define BASE_STR_H

#include "base/prelude.h"

struct str {
	const char *p; /* first byte; may be NULL when n is 0 */
	size_t n;      /* length in bytes */
};

#define STR(literal) ((struct str){"" literal, sizeof(literal) - 1})
#define STR_NONE ((struct str){NULL, 0})
/* For printf: "%.*s", STR_ARG(s) */
#define STR_ARG(s) (int)(s).n, (s).p ? (s).p : ""

static inline struct str str_of(const char *p, size_t n)
{
	return (struct str){p, n};
}

/* A C string's slice; NULL gives the empty slice. */
static inline struct str str_c(const char *c)
{
	return (struct str){c, c ? strlen(c) : 0};
}

static inline bool str_eq(struct str a, struct str b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

static inline char ascii_lower(char c)
{
	return (char)(c >= 'A' && c <= 'Z' ? c | 0x20 : c);
}

static inline bool ascii_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Equal without regard to ASCII case. */
bool str_ieq(struct str a, struct str b);

bool str_starts(struct str s, struct str prefix);
bool str_ends(struct str s, struct str suffix);

/* Without leading and trailing SP and HTAB (HTTP's optional white space, RFC 9110 5.6.3). */
struct str str_trim(struct str s);

/* Position of the first <c>, or -1. */
ssize_t str_find(struct str s, char c);

/*
 * Takes the next piece up to <sep> off the front of *<rest> (the separator is dropped); false when
 * nothing is left. An empty piece between two separators is returned as such.
 */
bool str_next(struct str *rest, char sep, struct str *out_piece);

/* Decimal digits only, the whole slice, no sign; ERR_SYNTAX, or ERR_RANGE past UINT64_MAX. */
MUST_CHECK int str_u64(struct str s, uint64_t *out_value);

/* <v> in decimal digits, at the end of <room>. */
enum { STR_U64_MAX = 20 };
struct str str_digits(uint64_t v, char room[STR_U64_MAX]);

/* Length of the well-formed UTF-8 sequence that <s> begins with (RFC 3629), or 0. */
size_t str_utf8_len(struct str s);

/* Copies into <dst> of <size> bytes with a NUL, cutting what does not fit; returns <dst>. */
char *str_copy(char *dst, size_t size, struct str s);

/* A malloc'ed NUL-terminated copy, or NULL when out of memory. The caller frees it. */
char *str_dup(struct str s);

#endif
