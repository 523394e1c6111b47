/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One HTTP/1.1 exchange on one upstream connection, the answer's half of it: reading heads (interim
 * ones too) into a window, then the body as a source to pull from. Knows whether the connection may
 * carry another exchange. The request's half is a pump that the fetch owns.
 */
#ifndef UPSTREAM_EXCHANGE_H
#define UPSTREAM_EXCHANGE_H

#include "net/body.h"
#include "policy/problem.h"
#include "upstream/pool.h"

/* Answer heads may be this large; the rest of the window is for the body's first bytes. */
enum { EXCHANGE_HEAD_MAX = 48 * 1024 };

struct exchange {
	struct upconn *uc;  /* lent by the pool; NULL when given back */
	struct window *win; /* holds head and body bytes; NULL until bytes come */
	uint32_t head_at;   /* where the next head begins in the window */
	uint32_t end;	    /* bytes received */
	bool any;	    /* some byte of an answer was received */
	struct http_parser parser;
	struct http_msg msg; /* the head; slices live until the body is pulled */
	struct h1_body body;
	struct http_field fields[HTTP_MAX_FIELDS];
};

enum exchange_rc {
	EXCHANGE_WAIT = 1,   /* no complete head yet */
	EXCHANGE_HEAD = 2,   /* msg holds a head; 1xx ones have to be taken (exchange_next_head) */
	EXCHANGE_FAILED = 3, /* *out_error says why */
};

/* Begins on <uc> (borrowed until exchange_end). <x> needs no other preparation. */
void exchange_begin(struct exchange *x, struct upconn *uc);

/* Reads what has come. */
enum exchange_rc exchange_read_head(struct exchange *x, enum proxy_error *out_error);

/* The interim head was dealt with: look for the next one. */
void exchange_next_head(struct exchange *x);

/*
 * The final head was dealt with: its bytes may be overwritten from now on. <method> of the request
 * decides about the body. After this x->body.src is the body.
 */
void exchange_begin_body(struct exchange *x, enum http_method method);

/* Bytes behind a head that switched protocols. */
struct str exchange_rest(const struct exchange *x);

/* Is the answer whole, nothing behind it, and the connection persistent? */
bool exchange_reusable(const struct exchange *x);

/*
 * Ends: the connection goes back to the pool (closed unless <keep>), the window to its pool.
 * Idempotent.
 */
void exchange_end(struct exchange *x, bool keep, bool reset);

#endif
