/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The pool of one upstream: connections by state, and a bounded first-come-first-served queue of
 * requests that wait for one. max_connections and the queue's length hold over all workers
 * (upstream/cells.h); a connection slot that becomes free goes to the worker whose request has
 * waited longest. One loop, one thread.
 */
#ifndef UPSTREAM_POOL_H
#define UPSTREAM_POOL_H

#include "net/conn.h"
#include "policy/problem.h"
#include "upstream/group.h"

enum { UPCONN_MAGIC = 0x7570636f, POOL_WAIT_MAGIC = 0x77616974 };

enum upconn_state {
	UPCONN_NONE = 0,
	UPCONN_CONNECTING = 1, /* for the wait in <wait> */
	UPCONN_IDLE = 2,       /* on its server's idle list */
	UPCONN_BUSY = 3,       /* lent to an exchange */
	UPCONN_CLOSED = 4,     /* freed at the end of this turn */
};

struct pool_wait;

/* One connection to one server. */
struct upconn {
	uint32_t magic;
	enum upconn_state state;
	struct conn conn;
	struct origin_server *server; /* a reference */
	struct group *group;	      /* a reference */
	struct pool_wait *wait;	      /* CONNECTING: whose it will be; NULL: nobody's any more */
	struct list_node idle_node;   /* on server->idle while IDLE */
	struct loop_timer timer;      /* connect or idle deadline */
	struct loop_task free_task;
	loop_fn *on_event; /* BUSY: told about readiness */
	void *arg;
	unsigned address;  /* which of the server's addresses */
	uint32_t requests; /* exchanges begun on it */
	int64_t since;	   /* when the connect began */
};

enum pool_rc {
	POOL_READY = 1,	  /* *out_uc is yours */
	POOL_PENDING = 2, /* <fn> will be called */
	POOL_REFUSED = 3, /* *out_error says why */
};

/* Called later, once, from the loop: a connection, or NULL and why not. */
typedef void pool_ready_fn(void *arg, struct upconn *uc, enum proxy_error error);

/* One request that wants a connection; embedded in its owner, zero-initialised. */
struct pool_wait {
	uint32_t magic;
	struct group *group;	     /* while it waits */
	struct list_node node;	     /* on group->queue while queued */
	struct upconn *connecting;   /* while a connection is being made for it */
	struct origin_server *avoid; /* try others first; not a reference, compared only */
	bool fresh;		     /* no pooled connection: the last one was dead */
	int64_t since;		     /* when it began to wait in the queue */
	struct loop_timer timer;     /* acquire deadline */
	pool_ready_fn *fn;
	void *arg;
	bool more_addresses;	      /* the connect failed, and the server has untried addresses */
	struct origin_server *tried;  /* server of the last connect, for the log; compared only */
	int64_t queue_ns, connect_ns; /* how long each took; 0 = did not happen */
};

/* Asks for a connection. <avoid> may be NULL. */
MUST_CHECK enum pool_rc pool_acquire(struct group *g, struct pool_wait *w, pool_ready_fn *fn,
				     void *arg, struct upconn **out_uc,
				     enum proxy_error *out_error);

/* No longer wanted: <fn> will not be called. */
void pool_cancel(struct pool_wait *w);

/*
 * Gives a connection back: kept if <reusable> and the pool has room for it, else closed. <reset>:
 * closed with RST, so that the server sees that its answer is not wanted.
 */
void pool_release(struct upconn **uc, bool reusable, bool reset);

void pool_close_idle(struct origin_server *s);

/* A request of another worker waits and this one has idle connections and none waiting: gives one
 * of the shared slots up. */
void pool_yield_idle(struct group *g);

/* Looks at the queue when this turn ends. */
void pool_serve_later(struct group *g);

#endif
