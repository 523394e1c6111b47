/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Validators and preconditions (RFC 9110 8.8, 13) against a stored response. Pure.
 */
#ifndef HTTP_COND_H
#define HTTP_COND_H

#include "http/msg.h"

#define COND_NO_DATE INT64_MIN

/* What a stored response offers to compare with. */
struct cond_validators {
	struct str etag;       /* as sent: "x" or W/"x"; empty = none or malformed */
	int64_t last_modified; /* seconds since the epoch; COND_NO_DATE = none */
	int64_t date;	       /* of the response, seconds; COND_NO_DATE = none */
};

enum cond_rc {
	COND_GO_ON = 1,	       /* no precondition, or it holds: answer in full */
	COND_NOT_MODIFIED = 2, /* 304 */
	COND_FAILED = 3,       /* 412 (If-Match, If-Unmodified-Since) */
};

/* Is <etag> a well-formed entity tag (8.8.3)? And is it strong? */
bool cond_etag_valid(struct str etag);
bool cond_etag_strong(struct str etag);

/* Weak and strong comparison (8.8.3.2). */
bool cond_etag_weak_eq(struct str a, struct str b);
bool cond_etag_strong_eq(struct str a, struct str b);

/* Has the request any precondition (If-Match ... If-Unmodified-Since; not If-Range)? */
bool cond_any(const struct http_msg *request);

/*
 * Evaluates the preconditions of a GET or HEAD (others: GO_ON) in the order of 13.2.2 as a cache
 * does (RFC 9111 4.3.2): If-None-Match before If-Modified-Since, which is compared with the Date
 * where there is no Last-Modified. If-Match and If-Unmodified-Since are the origin's business where
 * a cache has no current copy, so callers pass them on unless fresh. Only for stored 200s (13.2.1:
 * preconditions count where the answer without them would be 2xx). Members of a list that are no
 * entity tags match nothing; a date that is doubled or malformed is ignored (13.1.3).
 */
enum cond_rc cond_evaluate(const struct http_msg *request, const struct cond_validators *v);

/* May a Range be honoured, as If-Range demands (13.1.5)? True without If-Range. Tags are compared
 * strongly; a date must be the Last-Modified, and the Date later than that (8.8.2.2). */
bool cond_if_range(const struct http_msg *request, const struct cond_validators *v);

#endif
