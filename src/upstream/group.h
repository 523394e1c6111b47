/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Upstreams as one worker has them: a group of servers with their addresses, connections and the
 * queue of requests that wait for one. Groups live over reloads: a new configuration changes their
 * settings and servers in place, so pools stay warm and limits stay right. One loop, one thread.
 */
#ifndef UPSTREAM_GROUP_H
#define UPSTREAM_GROUP_H

#include "base/list.h"
#include "base/rng.h"
#include "conf/types.h"
#include "net/loop.h"
#include "net/sock.h"

struct cells;
struct lb_ops;
struct metric_row;
struct metrics;
struct resolve_watch;
struct resolver;

enum { ORIGIN_SERVER_MAGIC = 0x6f726967, GROUP_MAGIC = 0x67726f75 };

/* One server of a group. */
struct origin_server {
	uint32_t magic;
	uint32_t refs; /* the group's list, and each connection */
	struct group *group;
	char *text; /* address as configured: its name everywhere */
	uint32_t weight;
	bool removed; /* no longer configured: finishes what it carries */
	bool is_unix;
	struct sock_addr unix_addr;
	struct resolve_watch *watch; /* NULL for a unix socket */
	unsigned dns_failures;	     /* of the name, as counted so far */
	unsigned next_addr;	     /* rotates over the addresses */
	uint32_t failed;	     /* addresses that a connect failed to, a bit each */
	int64_t failed_at;	     /* mono ns of the last one; forgotten after a while */
	struct list idle;	     /* struct upconn, most recently used first */
	uint32_t conns;		     /* open connections of this worker */
	int64_t rr_credit;	     /* smooth weighted round robin */
	unsigned cell;		     /* number in the segment */
	struct metric_row *row;
};

struct group_settings {
	struct conf_pool pool;
	struct conf_upstream_timeouts timeouts;
	const struct lb_ops *lb;
};

struct group {
	uint32_t magic;
	uint32_t refs; /* the registry, each configuration and each connection */
	struct upstreams *owner;
	char *name;
	struct list_node node; /* on owner->groups */
	bool retired;	       /* not configured any more: on the list while requests use it */
	struct group_settings set;
	struct origin_server **servers;
	size_t n_servers;
	struct list queue;	/* struct pool_wait, first come first */
	struct loop_task serve; /* serves the queue at the end of the turn */
	uint32_t n_idle, n_busy, n_connecting;
	unsigned cell; /* number in the segment */
	struct metric_row *row;
	struct rng rng;
};

/* All groups of a worker. */
struct upstreams {
	struct loop *loop;
	struct cells *cells;
	struct metrics *metrics;
	struct resolver *resolver;
	unsigned slot, n_workers;
	const int *doorbells;
	struct list groups;
};

/* <u>'s loop, cells, metrics, slot, n_workers and doorbells are set; makes the rest. */
MUST_CHECK int upstreams_init(struct upstreams *u);

/* Closes idle connections and lets go of all groups. Turns the loop once: not from a callback. */
void upstreams_fini(struct upstreams *u);

struct upstreams_plan;

/*
 * A configuration's upstreams, prepared beside what is in force: new groups and servers are made
 * (names begin to resolve), nothing that exists changes. Then commit or abort frees the plan.
 */
MUST_CHECK int upstreams_prepare(struct upstreams *u, const struct conf *conf,
				 struct upstreams_plan **out_plan);
void upstreams_commit(struct upstreams *u, struct upstreams_plan **plan);
void upstreams_abort(struct upstreams *u, struct upstreams_plan **plan);

/* A prepared or existing group by name; a reference for the caller. NULL if there is none. */
struct group *upstreams_plan_group(struct upstreams_plan *plan, const char *name);

struct group *group_ref(struct group *g);
void group_unref(struct group **g);
void origin_server_unref(struct origin_server **s);

/* Does any address stand for this server? */
bool origin_server_known(const struct origin_server *s);

/*
 * The next address to connect to, in turn; those that failed lately are passed over while there are
 * others. False when none is known. *out_index is for origin_server_failed.
 */
bool origin_server_address(struct origin_server *s, struct sock_addr *out, unsigned *out_index);

/* A connect to that address failed. True if another address is worth a try. */
bool origin_server_failed(struct origin_server *s, unsigned index);

/* Once a second: gauges, and a look at queues that might have been missed. */
void upstreams_second(struct upstreams *u);

/* Another worker gave a connection slot free: serve the queues. */
void upstreams_on_doorbell(struct upstreams *u);

#endif
