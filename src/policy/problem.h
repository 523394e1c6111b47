/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Our own error answers: status, problem+json body (RFC 9457) and Proxy-Status (RFC 9209) from the
 * rows of tbl/proxy_errors.h. Pure; needs no memory beyond the caller's buffer.
 */
#ifndef POLICY_PROBLEM_H
#define POLICY_PROBLEM_H

#include "http/write.h"

enum proxy_error {
	PROXY_ERROR_NONE = 0,
#define PROXY_ERROR(id, status, token, title, detail) PROXY_ERROR_##id,
#include "tbl/proxy_errors.h"
#undef PROXY_ERROR
	PROXY_ERROR_COUNT
};

/* The HTTP status, the row's name ("connection_refused", for logs and metrics), the RFC 9209 error
 * token (empty: the error is not the proxy's or upstream's, no Proxy-Status), the standing detail. */
unsigned problem_status(enum proxy_error e);
const char *problem_name(enum proxy_error e);
struct str problem_token(enum proxy_error e);
struct str problem_detail(enum proxy_error e);

/* "application/problem+json" */
extern const struct str problem_content_type;

/*
 * The body: {"type":"about:blank","title":...,"status":...,"detail":...,"instance":...}. An empty
 * <detail> means the row's; an empty <request_id> leaves "instance" out (else "urn:tiercel:<id>").
 * <detail> may hold any bytes; it is cut at 512. Below PROBLEM_ROOM bytes it always fits.
 */
enum { PROBLEM_ROOM = 4096 };
void problem_body(struct http_writer *w, enum proxy_error e, struct str detail,
		  struct str request_id);

/*
 * The line "Proxy-Status: tiercel; error=connection_refused; details=\"...\"\r\n", or nothing where
 * the row has no token. <details> may be empty: left out; bytes that a structured string cannot
 * hold become '?'. <next_hop> (RFC 9209 2.1.2), the server's address, may be empty too.
 */
void problem_proxy_status(struct http_writer *w, enum proxy_error e, struct str details,
			  struct str next_hop);

#endif
