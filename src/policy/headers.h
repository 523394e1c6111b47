/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which fields are forwarded and which ones the proxy writes itself. Works in two steps: mark what
 * must not be forwarded (`dropped`), let http_write_fields() copy the rest, then append our own
 * lines. Pure.
 *
 * Hop-by-hop (RFC 9110 7.6.1): fields with HOP in tbl/fields.h never pass, and neither does what
 * Connection names. But a client must not be able to take a field away that means something to the
 * origin or to us, so a name in Connection has no effect on the known end-to-end fields of
 * tbl/fields.h (Authorization, Cookie, Cache-Control, X-Forwarded-For, ...): RFC 9110 7.6.1 forbids
 * naming such fields, so nothing correct is lost. (The parser refuses Host and Content-Length there.)
 * Trailer passes (we forward trailers). TE, Connection and Upgrade are written anew by
 * headers_write_connection().
 *
 * Underscores: servers in the CGI tradition cannot tell X_Forwarded_For from X-Forwarded-For. A
 * field whose name has '_' and, with '-' instead, is a known field or one that the operator sets
 * or removes, is dropped from requests.
 *
 * A peer that is not trusted may not speak of clients at all: besides the fields that we write,
 * every other X-Forwarded-* (-Port, -Prefix, -Ssl, ...) and X-Real-IP of it is dropped.
 */
#ifndef POLICY_HEADERS_H
#define POLICY_HEADERS_H

#include "http/write.h"

enum headers_op_kind {
	HEADERS_SET = 1,    /* replaces all fields of that name */
	HEADERS_ADD = 2,    /* one more line */
	HEADERS_REMOVE = 3, /* drops all fields of that name */
};

/* One operation of the operator's. */
struct headers_op {
	enum headers_op_kind kind;
	struct str name;
	struct str value; /* empty for REMOVE */
	uint8_t id;	  /* enum http_field_id; headers_ops_init fills it */
};

/* The operations of one route and direction. The array and its strings stay the caller's. */
struct headers_ops {
	const struct headers_op *list;
	size_t n;
	size_t room;			    /* bytes that headers_write_ops writes at most */
	bool other;			    /* some SET or REMOVE is for a name without an id */
	uint8_t replaced[HTTP_FIELD_COUNT]; /* per known field: a SET or REMOVE is for it */
};

/*
 * Checks and indexes <list> (fills each id). ERR_SYNTAX with *out_bad (may be NULL) the row: a
 * name that is no token, or a value with control bytes; ERR_REFUSED: a field that belongs to
 * framing or the connection (HOP fields, Content-Length, Trailer, Expect), or Host, which
 * `rewrite: {host}` sets.
 */
MUST_CHECK int headers_ops_init(struct headers_ops *ops, struct headers_op *list, size_t n,
				size_t *out_bad);

/* Does the operator set or remove this field? Then we do not write ours. <ops> may be NULL. */
static inline bool headers_replaced(const struct headers_ops *ops, enum http_field_id id)
{
	return ops && ops->replaced[id];
}

/* The same for any field by its name. */
bool headers_replaced_name(const struct headers_ops *ops, struct str name);

/* How a request's fields are to be treated. */
struct headers_request {
	const struct headers_ops *ops; /* may be NULL */
	bool write_forwarded; /* Forwarded and X-Forwarded-* are ours to write: drop what came */
	bool peer_trusted;    /* if not, those and their like are dropped in any case */
	bool replace_host;    /* Host is written by the caller: drop what came */
	bool keep_expect;     /* let Expect through (the engine wants the origin's 100) */
	bool drop_length;     /* Content-Length is written by the caller: drop what came */
};

/* How a response's fields are to be treated. */
struct headers_response {
	const struct headers_ops *ops; /* may be NULL */
	bool security;		       /* the security_headers preset is on */
	bool drop_length;
};

/*
 * Marks what is not forwarded. ERR_LIMIT: Connection names more than HEADERS_NAMED_MAX fields;
 * answer 400 (or 502). Never clears a mark.
 */
enum { HEADERS_NAMED_MAX = 32 };
MUST_CHECK int headers_mark_request(struct http_msg *m, const struct headers_request *how);
MUST_CHECK int headers_mark_response(struct http_msg *m, const struct headers_response *how);

/* Marks HOP fields and everything else that has no place in a forwarded trailer section. */
void headers_mark_trailers(struct http_msg *m);

/* What our Connection line says. */
enum {
	HEADERS_CLOSE = 1,	/* close */
	HEADERS_KEEP_ALIVE = 2, /* keep-alive, for HTTP/1.0 clients */
	HEADERS_UPGRADE = 4,	/* upgrade, and the message's Upgrade fields after it */
	HEADERS_TE = 8,		/* TE, and "TE: trailers" after it (RFC 9110 10.1.4) */
};

/* "Connection: ..." and the fields it announces; nothing when <flags> is 0. <m> may be NULL
 * without HEADERS_UPGRADE. */
void headers_write_connection(struct http_writer *w, const struct http_msg *m, unsigned flags);

/* "Via: 1.1 tiercel" with the version <m> was received in (RFC 9110 7.6.3). Comes after the
 * forwarded Via lines, so it is the last member. Skipped where the operator replaces Via. */
void headers_write_via(struct http_writer *w, const struct http_msg *m,
		       const struct headers_ops *ops);

/* How often a proxy of our name is in Via: many times means a loop (RFC 9110 7.6.3). */
unsigned headers_via_count(const struct http_msg *m);

/* The lines of SET and ADD, in the configured order. <ops> may be NULL. */
void headers_write_ops(struct http_writer *w, const struct headers_ops *ops);

/*
 * The security_headers preset (tbl/security_headers.h): each row that the response <m> (NULL: our
 * own answer) does not have and the operator does not replace. <tls>: the client's connection is
 * encrypted, as Strict-Transport-Security needs (RFC 6797 7.2).
 */
void headers_write_security(struct http_writer *w, const struct http_msg *m,
			    const struct headers_ops *ops, bool tls);

#endif
