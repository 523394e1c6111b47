/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A configuration made ready to serve: compiled routes, header operations, address lists, and
 * references to upstream groups. Requests hold a reference to the snapshot they began with; a reload
 * replaces the server's current one, and the old one goes when its last request ends.
 */
#ifndef REQ_SNAPSHOT_H
#define REQ_SNAPSHOT_H

#include "conf/types.h"
#include "policy/acl.h"
#include "policy/forwarded.h"
#include "policy/headers.h"
#include "policy/rewrite.h"
#include "policy/route.h"
#include "req/route_cache.h"
#include "upstream/group.h"

struct metric_row;
struct metrics;

/* One route, ready to use. */
struct route {
	const struct conf_route *conf;
	struct group *group;	/* reference; NULL for a static answer */
	struct group *fallback; /* reference or NULL */
	struct acl access;
	struct headers_ops request_ops, response_ops;
	struct headers_op *op_rows; /* memory of both */
	struct rewrite rewrite;
	struct route_cache cache;
	struct metric_row *row;
};

/* A listener's settings, ready to use; found by name. */
struct listener_conf {
	const struct conf_listener *conf;
	struct cidr_set *trusted; /* NULL: nobody */
	struct forwarded_trust trust;
};

struct snapshot {
	uint32_t refs;
	struct conf *conf; /* reference */
	struct route_table *table;
	struct route *routes;
	size_t n_routes;
	struct listener_conf *listeners;
	size_t n_listeners;
	struct metric_row *no_route; /* requests that found none: the route scope's "(other)" */
};

struct snapshot_env {
	struct metrics *metrics;
	unsigned slot;
	struct upstreams_plan *plan;
};

/* Builds it from <conf> (takes a reference). ERR_ code with a reason in <why>. */
MUST_CHECK int snapshot_new(const struct snapshot_env *env, struct conf *conf, char *why,
			    size_t why_size, struct snapshot **out);

/* Is <conf> usable? One line per fault goes to <told>; 0, ERR_SYNTAX or ERR_NOMEM. */
MUST_CHECK int snapshot_check(const struct conf *conf, struct buf *told);

struct snapshot *snapshot_ref(struct snapshot *s);
void snapshot_unref(struct snapshot **s);

/* The settings of a listener, or NULL when it is gone. */
const struct listener_conf *snapshot_listener(const struct snapshot *s, const char *name);

#endif
