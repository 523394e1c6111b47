/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * May this answer be stored in a shared cache, and for how long is it fresh (RFC 9111 3, 4.2)?
 * Pure: heads, the route's rules and two times go in; a verdict with its reason and the values to
 * keep come out.
 */
#ifndef POLICY_STORABLE_H
#define POLICY_STORABLE_H

#include "http/cc.h"
#include "policy/stored.h"

/* Why not; rows in tbl/storable.h. */
enum storable {
	STORABLE_YES = 0,
#define STORABLE(id, name, help) STORABLE_##id,
#include "tbl/storable.h"
#undef STORABLE
	STORABLE_COUNT
};

enum cache_set_cookie { CACHE_COOKIE_EXPLICIT = 1, CACHE_COOKIE_STORE = 2, CACHE_COOKIE_NEVER = 3 };

/* Rules of HTTP that the operator breaks by name (routes[].cache.unsafe). */
enum cache_unsafe {
	CACHE_UNSAFE_NO_STORE = 1,
	CACHE_UNSAFE_PRIVATE = 2,
	CACHE_UNSAFE_SET_COOKIE = 4,
	CACHE_UNSAFE_AUTHORIZATION = 8,
	CACHE_UNSAFE_REQUEST = 16, /* Cache-Control and Pragma of requests are not looked at */
};

struct cache_status_ttl {
	uint16_t status;
	int64_t ttl; /* seconds */
};

/* The operator's rules for one route, as plain values (seconds). */
struct cache_rules {
	int64_t ttl;	/* lifetime where the answer gives none; 0 = only what HTTP allows */
	bool override;	/* ttl replaces what the origin says */
	int64_t l1_ttl; /* upper bound for the lifetime; 0 = none */
	int64_t while_revalidate, if_error; /* where the answer gives none */
	uint8_t set_cookie;		    /* enum cache_set_cookie */
	uint8_t unsafe_;		    /* enum cache_unsafe */
	const struct cache_status_ttl *statuses;
	size_t n_statuses;
	const struct str *targeted; /* names, in order (RFC 9213 2.2) */
	size_t n_targeted;
};

/*
 * The verdict on <response> to <request>, both times in wall clock ns. <request> is as the client
 * sent it: a HEAD is METHOD. On YES and USELESS *out_meta is filled but for etag_at (the caller
 * writes the head). On YES `dropped` is set on response fields that must not be stored for others:
 * those named by private="..." and no-cache="..." (5.2.2.4, 5.2.2.7), and those that belong to the
 * proxy before us (3.1). For 206 the Content-Range is checked; partial answers without one are not
 * storable. What can never be used without the origin, and has neither a validator nor a word of
 * its own that allows it to be used stale, is USELESS.
 *
 * A stored answer is shared with those who wait for it only if reuse_verdict() lets it (RFC 9111
 * 4): being storable does not say that.
 */
enum storable storable(const struct cache_rules *rules, const struct http_msg *request,
		       struct http_msg *response, int64_t request_time, int64_t response_time,
		       struct stored_meta *out_meta);

/*
 * The same for a stored answer that was updated (4.3.4, 4.3.5): <merged> are the fields that
 * revalidate_merge() made, parsed, <update> the 304, or the 200 to a HEAD, that they were updated
 * by: Age and Date are its own. Status and part come from <old>. A Set-Cookie of the update that
 * may not be shared is `dropped` and no reason against it. REQUEST_NO_STORE, AUTHORIZATION: this
 * exchange may change nothing, the stored answer stays as it is. Anything else but YES: use it for
 * this request, then forget it.
 */
enum storable storable_updated(const struct cache_rules *rules, const struct http_msg *request,
			       struct http_msg *merged, const struct http_msg *update,
			       const struct stored_meta *old, int64_t request_time,
			       int64_t response_time, struct stored_meta *out_meta);

/*
 * The directives that count for <response>: those of the first target that is there, not empty and
 * well-formed (true: then Expires is ignored, RFC 9213 2.2), else Cache-Control's (false).
 */
bool storable_policy(const struct cache_rules *rules, const struct http_msg *response,
		     struct cc *out_cc);

/* "no-store"; for Cache-Status, explain and metrics; never NULL. One sentence: storable_help. */
const char *storable_name(enum storable why);
const char *storable_help(enum storable why);

/* May requests of the method be answered from what is stored (GET, HEAD from what GET left, QUERY
 * and POST by key)? */
bool storable_method(enum http_method m);

#endif
