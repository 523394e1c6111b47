/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Cache-Status (RFC 9211): one member that says what this cache did. Pure.
 */
#ifndef POLICY_CACHE_STATUS_H
#define POLICY_CACHE_STATUS_H

#include "http/write.h"

/* Why the request went forward (RFC 9211 2.2); rows in tbl/forwarded_why.h. */
enum cache_fwd {
	CACHE_FWD_NONE = 0,
#define CACHE_FWD(id, name, help) CACHE_FWD_##id,
#include "tbl/cache_fwd.h"
#undef CACHE_FWD
	CACHE_FWD_COUNT
};

#define CACHE_STATUS_NO_TTL INT64_MIN

struct cache_status {
	bool hit;
	uint8_t fwd; /* enum cache_fwd; with hit: none */
	uint16_t
		fwd_status; /* status of the origin's answer where it differs from ours; 0 = leave out */
	bool stored, collapsed;
	int64_t ttl;	   /* seconds, may be negative; CACHE_STATUS_NO_TTL = leave out */
	struct str detail; /* a token: l1, l2, no-store, ...; empty = leave out */
};

/* "Cache-Status: tiercel; hit; ttl=42; detail=l1\r\n" */
void cache_status_write(struct http_writer *w, const struct cache_status *s);

/* "uri-miss"; never NULL. */
const char *cache_fwd_name(unsigned fwd);

#endif
