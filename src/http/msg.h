/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The head of one HTTP/1.x message: start line, fields and what the framing rules made of them.
 * Everything is an offset into one buffer, so the buffer may grow or move: set `base` again and
 * all slices are right. Plain data; the parser fills it, everybody else reads it.
 */
#ifndef HTTP_MSG_H
#define HTTP_MSG_H

#include "base/str.h"

enum http_kind {
	HTTP_REQUEST = 1,
	HTTP_RESPONSE = 2,
	HTTP_TRAILERS = 3, /* a trailer section: fields only */
};

/* Known methods, rows in tbl/methods.h. */
enum http_method {
	HTTP_METHOD_OTHER = 0,
#define METHOD(id, text, safe, idempotent) HTTP_METHOD_##id,
#include "tbl/methods.h"
#undef METHOD
	HTTP_METHOD_COUNT
};

/* Known fields, rows in tbl/fields.h. */
enum http_field_id {
	HTTP_FIELD_OTHER = 0,
#define FIELD(id, text, flags) HTTP_FIELD_##id,
#include "tbl/fields.h"
#undef FIELD
	HTTP_FIELD_COUNT
};

/* How the body's end is found (RFC 9112 6.3). */
enum http_framing {
	HTTP_FRAMING_NONE = 0,	  /* no body */
	HTTP_FRAMING_LENGTH = 1,  /* Content-Length */
	HTTP_FRAMING_CHUNKED = 2, /* Transfer-Encoding: chunked */
	HTTP_FRAMING_CLOSE = 3,	  /* until the connection closes; responses only */
	HTTP_FRAMING_TUNNEL = 4,  /* bytes both ways: 101, or 2xx to CONNECT; responses only */
};

/* Properties of a known field, as its row says; see tbl/fields.h. */
enum http_field_flag {
	HTTP_FIELD_IS_HOP = 1,
	HTTP_FIELD_IS_LIST = 2,
	HTTP_FIELD_IS_SINGLE = 4,
	HTTP_FIELD_IS_NOTRAILER = 8,
	HTTP_FIELD_IS_OWN = 16,
};

struct http_span {
	uint32_t at; /* offset from base */
	uint32_t n;  /* length */
};

struct http_field {
	uint32_t name;	  /* offset of the name */
	uint32_t value;	  /* offset of the value, without surrounding white space */
	uint32_t value_n; /* its length */
	uint16_t name_n;  /* length of the name */
	uint8_t id;	  /* enum http_field_id */
	uint8_t dropped;  /* set by the engine: not to be forwarded (hop-by-hop, replaced) */
};

enum { HTTP_NO_FIELD = 255, HTTP_MAX_FIELDS = 250 };

struct http_msg {
	const char *base;	   /* the buffer that all offsets refer to */
	struct http_field *fields; /* in order of appearance; room for max_fields */
	uint16_t max_fields;	   /* at most HTTP_MAX_FIELDS */
	uint16_t n_fields;
	uint8_t kind;	       /* enum http_kind */
	uint8_t minor;	       /* HTTP/1.<minor>; 0 or 1 (a higher minor is read as 1) */
	uint8_t method;	       /* request: enum http_method */
	uint8_t framing;       /* enum http_framing; for responses see http_response_framing() */
	uint16_t status;       /* response: 100..999 */
	bool keep_alive;       /* persistence per RFC 9112 9.3, of this message alone */
	bool expect_continue;  /* request: Expect: 100-continue, HTTP/1.1 */
	bool upgrade;	       /* Connection lists "upgrade" and an Upgrade field is there */
	bool connection_names; /* Connection lists something besides close/keep-alive/upgrade/te */
	bool te_trailers;      /* request: TE contains "trailers" */
	bool has_length;       /* a valid Content-Length was there */
	uint64_t content_length;	      /* its value */
	struct http_span method_text, target; /* request */
	struct http_span reason;	      /* response */
	uint32_t head_n;		      /* bytes of the head, final empty line included */
	uint8_t first[HTTP_FIELD_COUNT]; /* index of a known field's first line, or HTTP_NO_FIELD */
};

static inline struct str http_span_str(const struct http_msg *m, struct http_span s)
{
	return str_of(m->base + s.at, s.n);
}

static inline struct str http_field_name(const struct http_msg *m, const struct http_field *f)
{
	return str_of(m->base + f->name, f->name_n);
}

static inline struct str http_field_value(const struct http_msg *m, const struct http_field *f)
{
	return str_of(m->base + f->value, f->value_n);
}

/* The first line of a known field, or NULL. */
static inline struct http_field *http_find(const struct http_msg *m, enum http_field_id id)
{
	return m->first[id] == HTTP_NO_FIELD ? NULL : &m->fields[m->first[id]];
}

/* Its value, or {NULL, 0} when absent. */
static inline struct str http_value(const struct http_msg *m, enum http_field_id id)
{
	const struct http_field *f = http_find(m, id);

	return f ? http_field_value(m, f) : STR_NONE;
}

/* The next line of the same known field behind <f>, or NULL. */
struct http_field *http_find_next(const struct http_msg *m, const struct http_field *f);

/* First line of any field by name (case ignored), or NULL; <after> NULL to begin. */
struct http_field *http_find_name(const struct http_msg *m, struct str name,
				  const struct http_field *after);

/*
 * Is <token> (case ignored) a member of the list field <id>, over all its lines? Members are
 * separated by commas outside quoted strings; parameters after ';' are ignored.
 */
bool http_list_has(const struct http_msg *m, enum http_field_id id, struct str token);

/*
 * Walks a list value (RFC 9110 5.6.1): next non-empty member, trimmed; false at the end.
 * Commas inside quoted strings do not separate.
 */
bool http_list_next(struct str *rest, struct str *out_member);

/* Known field of that name (case ignored), or OTHER; flags (enum http_field_flag) and spelling. */
enum http_field_id http_field_lookup(struct str name);
unsigned http_field_flags(enum http_field_id id);
struct str http_field_text(enum http_field_id id);

/* The same for a name known to be a non-empty token, or at least free of control bytes. */
enum http_field_id http_field_lookup_clean(struct str name);

/* Known method of exactly that text, or OTHER. */
enum http_method http_method_lookup(struct str text);

/* Is <s> a token (RFC 9110 5.6.2)? */
bool http_is_token(struct str s);

/* May <s> be sent as a field value (RFC 9110 5.5): no controls, no white space around it? */
bool http_is_value(struct str s);

#endif
