/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The path that goes upstream: strip_prefix and add_prefix of a route. The client's bytes are
 * forwarded as they came wherever possible; matching is done in the normal form, so "/%61pi/x"
 * loses "/api" as "/api/x" does. Pure.
 *
 * The prefix ends at a segment boundary ("/api" strips from "/api" and "/api/x", not "/apix"); a
 * path that does not match stays as it is. The result always begins with exactly one '/' when
 * something was changed, so that no "//host/" can be made. A path with dot segments is forwarded in
 * its normal form when a prefix was stripped or added: what was routed is what the origin sees.
 */
#ifndef POLICY_REWRITE_H
#define POLICY_REWRITE_H

#include "http/target.h"

struct rewrite {
	struct str strip; /* empty = nothing */
	struct str add;	  /* empty = nothing; begins with '/' */
};

/* False when the target goes upstream unchanged: the caller may forward the raw bytes. */
static inline bool rewrite_wanted(const struct rewrite *r)
{
	return r->strip.n || r->add.n;
}

/* Are the two usable? Each empty or an absolute path of visible ASCII without '?', '#' and dot
 * segments, with whole escapes, none of NUL. ERR_SYNTAX. For the configuration's checks. */
MUST_CHECK int rewrite_check(const struct rewrite *r);

/* Bytes that rewrite_target may need at most. */
size_t rewrite_room(const struct rewrite *r, const struct http_target *t);

/*
 * Writes path and query for upstream into <out>; returns the length, or ERR_LIMIT. <normal> is the
 * path in normal form (http_path_normalise). "*" is left alone.
 */
MUST_CHECK ssize_t rewrite_target(const struct rewrite *r, const struct http_target *t,
				  struct str normal, char *out, size_t size);

#endif
