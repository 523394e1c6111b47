/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the answer to an unsafe request makes invalid (RFC 9111 4.4, RFC 9875), as URIs and group
 * names: the caller purges them. Pure.
 */
#ifndef POLICY_INVALIDATE_H
#define POLICY_INVALIDATE_H

#include "http/msg.h"

/* A URI as the cache key's URL part is made of; see struct key_parts. */
struct invalidate_uri {
	struct str scheme; /* "http" or "https"; case ignored */
	struct str host;   /* without port, IPv6 in brackets; case ignored */
	struct str port;   /* digits or empty */
	struct str path;   /* normal form (http_path_normalise) */
	struct str query;  /* as sent; p == NULL when there is no '?' */
};

enum {
	INVALIDATE_URIS_MAX = 3,   /* the target, Location, Content-Location */
	INVALIDATE_PATH_MAX = 8192 /* longer references are ignored */
};

/* Room for the paths that had to be built. */
struct invalidate_room {
	char bytes[2][INVALIDATE_PATH_MAX];
};

/*
 * The URI reference <text> as seen from <base> (RFC 3986 5.2), its path in normal form in <path>
 * (INVALIDATE_PATH_MAX bytes). Slices point into <text>, <base> and <path>. ERR_SYNTAX for what is
 * no http(s) URI, ERR_LIMIT when the path is too long.
 */
MUST_CHECK int invalidate_resolve(const struct invalidate_uri *base, struct str text, char *path,
				  struct invalidate_uri *out_uri);

/* Do both have the same scheme, host and port (RFC 9110 4.3.1)? The same URI? */
bool invalidate_same_origin(const struct invalidate_uri *a, const struct invalidate_uri *b);
bool invalidate_same_uri(const struct invalidate_uri *a, const struct invalidate_uri *b);

/* Does an answer of that status to that method invalidate anything: unsafe or unknown method, no
 * error (2xx, 3xx)? */
bool invalidate_applies(enum http_method method, unsigned status);

/*
 * The URIs that <response> to <method> on <target> invalidates: none for a safe method or an error;
 * else the target first, then Location and Content-Location where they are of the same origin and
 * not the same again. Returns how many of <out> were filled.
 */
size_t invalidate_uris(const struct invalidate_uri *target, enum http_method method,
		       const struct http_msg *response, struct invalidate_room *room,
		       struct invalidate_uri out[INVALIDATE_URIS_MAX]);

/*
 * May the answer to a POST be stored for later GETs of the target (RFC 9110 9.3.3): does its
 * Content-Location name the target? storable() says the rest (explicit freshness).
 */
bool invalidate_post_names_target(const struct invalidate_uri *target,
				  const struct http_msg *response);

/*
 * The groups in Cache-Groups of an answer, or in its Cache-Group-Invalidation (RFC 9875 2, 3): a
 * list of strings; as a whole ignored if it does not parse or has a member of another type. Groups
 * belong to an origin: the caller adds it. Case counts. More than fit are left out, as are empty
 * and overlong ones.
 */
enum { INVALIDATE_GROUPS_MAX = 64, INVALIDATE_GROUP_MAX = 128, INVALIDATE_GROUPS_ROOM = 8192 };

struct invalidate_groups {
	unsigned n;
	struct str name[INVALIDATE_GROUPS_MAX]; /* slices of <bytes> */
	char bytes[INVALIDATE_GROUPS_ROOM];
};

/* The groups that the answer belongs to. */
void invalidate_member_of(const struct http_msg *response, struct invalidate_groups *out_groups);

/* The groups that the answer invalidates, error or not; none if the method is safe. */
void invalidate_group_purges(enum http_method method, const struct http_msg *response,
			     struct invalidate_groups *out_groups);

#endif
