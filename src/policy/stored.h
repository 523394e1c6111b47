/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is known of a stored response besides its bytes: the values that RFC 9111's decisions need.
 * Made once when it is stored, read on every hit. Fixed-width: it lies in the shared segment as it
 * is, and the L2 envelope carries the same values.
 */
#ifndef POLICY_STORED_H
#define POLICY_STORED_H

#include "base/prelude.h"

enum stored_flag {
	STORED_MUST_REVALIDATE = 1u
				 << 0, /* must-revalidate, proxy-revalidate, s-maxage: never stale
					     (RFC 9111 5.2.2.2, 5.2.2.8, 5.2.2.10) */
	STORED_NO_CACHE = 1u << 1,     /* only after validation (5.2.2.4) */
	STORED_HEURISTIC = 1u << 2,    /* lifetime is a guess (4.2.2) */
	STORED_PARTIAL = 1u << 3,      /* a 206: <first> and <total> count */
	STORED_NO_TRANSFORM = 1u << 4,
	STORED_IMMUTABLE = 1u << 5, /* RFC 8246 */
	STORED_STRONG = 1u << 6,    /* has a strong validator: parts may be combined (3.4) */
	STORED_OPERATOR = 1u << 7,  /* lifetime is the route's, not the origin's */
	STORED_HAS_TRAILERS = 1u << 8,
	STORED_NO_STALE_ERROR = 1u << 9, /* the answer says stale-if-error=0 */
	STORED_TARGETED = 1u << 10,	 /* a targeted field decided (RFC 9213) */
};

#define STORED_NO_DATE INT64_MIN
#define STORED_UNKNOWN UINT64_MAX

struct stored_meta {
	int64_t request_time;  /* wall clock ns when the request was sent (4.2.3) */
	int64_t response_time; /* wall clock ns when the head came */
	int64_t date;	       /* Date, seconds since the epoch; as received, else response_time */
	int64_t last_modified; /* seconds; STORED_NO_DATE = none or malformed */
	int64_t initial_age;   /* corrected_initial_age, seconds (4.2.3) */
	int64_t lifetime;      /* freshness_lifetime, seconds (4.2.1), 0 = stale at once */
	int64_t while_revalidate; /* seconds behind the lifetime in which a stale answer may go out
				     while it is refreshed (RFC 5861 3); 0 = none */
	int64_t if_error;	  /* the same when the origin fails (RFC 5861 4); 0 = none */
	uint64_t first;		  /* PARTIAL: offset of the first byte stored */
	uint64_t total;		  /* PARTIAL: length of the whole, STORED_UNKNOWN = "*" */
	uint32_t flags;		  /* enum stored_flag */
	uint16_t status;
	uint16_t reserved; /* 0 */
	uint32_t etag_at;  /* the ETag's value within the stored head... */
	uint32_t etag_n;   /* ...and its length; 0 = none */
};

_Static_assert(sizeof(struct stored_meta) == 96, "stored_meta layout");

/* Age now, seconds (RFC 9111 4.2.3); <now> wall clock ns. Never negative, never overflows. */
static inline int64_t stored_age(const struct stored_meta *m, int64_t now)
{
	int64_t resident =
		now > m->response_time ? (now - m->response_time) / INT64_C(1000000000) : 0;

	return m->initial_age + resident;
}

/* Seconds of freshness left; 0 or below = stale. A response is fresh while age < lifetime... */
static inline int64_t stored_fresh_for(const struct stored_meta *m, int64_t now)
{
	return m->lifetime - stored_age(m, now);
}

#endif
