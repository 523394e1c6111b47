/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * May this stored response answer this request (RFC 9111 4, 4.2.4, 5.2.1; RFC 5861)? One question
 * with plain values, one verdict. Pure.
 */
#ifndef POLICY_REUSE_H
#define POLICY_REUSE_H

#include "http/cc.h"
#include "policy/stored.h"

enum reuse {
	REUSE_NONE = 0,
	REUSE_FRESH = 1,    /* answer with it */
	REUSE_STALE = 2,    /* stale, but the client takes it (max-stale): answer with it */
	REUSE_REFRESH = 3,  /* stale, answer with it and refresh in the background (RFC 5861 3) */
	REUSE_VALIDATE = 4, /* ask the origin first */
};

/* The request's side, read once per request. */
struct reuse_request {
	struct cc cc;
	bool ignore; /* CACHE_UNSAFE_REQUEST: directives of the request do not count */
};

/* <softly_purged>: an operator marked it stale. <now> wall clock ns. */
enum reuse reuse_verdict(const struct stored_meta *m, const struct reuse_request *rq,
			 bool softly_purged, int64_t now);

/*
 * The origin cannot be reached or answers 500, 502, 503, 504: may the stale response go out
 * instead (4.2.4, RFC 5861 4)? Also <waited_too_long>: others' fetch did not end in time.
 */
bool reuse_stale_on_error(const struct stored_meta *m, const struct reuse_request *rq, int64_t now);

#endif
