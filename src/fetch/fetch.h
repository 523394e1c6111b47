/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A fetch: one request to an upstream and its answer, seen from the origin's side. It finds a
 * connection, sends the request as its body becomes available, reads the answer's heads, and
 * offers the body to whoever takes it. It knows nothing of clients: a taker is told that something
 * changed and looks. Steps are rows of tbl/steps_fetch.h. One loop, one thread.
 */
#ifndef FETCH_FETCH_H
#define FETCH_FETCH_H

#include "net/pump.h"
#include "upstream/exchange.h"

enum fetch_step {
	FETCH_NONE = 0,
#define FSTEP(id, next, help) FETCH_##id,
#include "tbl/steps_fetch.h"
#undef FSTEP
	FETCH_STEP_COUNT
};

enum fetch_upload {
	UPLOAD_RUNNING = 1, /* not everything is with the kernel yet */
	UPLOAD_DONE = 2,
	UPLOAD_DEAD = 3,   /* the server stopped reading; it may have answered all the same */
	UPLOAD_BROKEN = 4, /* the request's body ended badly: the client's fault */
};

/* Interim answers to one request; more is an attack or a fault. */
enum { FETCH_INTERIM_MAX = 16 };

/* What to fetch. All of it belongs to the taker and outlives the fetch. */
struct fetch_spec {
	struct group *group;
	enum http_method method;
	struct str head;       /* the request's head, ready to send */
	struct body_src *body; /* its body, or NULL */
	bool body_chunked;     /* send the body in chunks */
	int64_t deadline;      /* mono ns for the whole exchange; 0 = none */
};

struct fetch {
	uint32_t magic;
	enum fetch_step step;
	struct fetch_spec spec;
	struct loop *loop;
	loop_fn *on_change; /* tells the taker to look */
	void *arg;
	enum fetch_upload upload;
	enum pump_rc upload_rc; /* what the upload waits for */
	enum proxy_error error; /* once FAILED */
	bool replayed;		/* sent once more after a dead pooled connection */
	bool counted;		/* the failure is in the counters */
	bool tunnel_whole;	/* set by the taker: both directions of a tunnel ended well */
	uint8_t attempts;	/* connections tried */
	struct pool_wait wait;
	struct upconn *ready;	      /* handed over by the pool, not yet used */
	bool reused;		      /* the connection came from the pool */
	struct origin_server *server; /* last one tried; a reference */
	struct pump pump;	      /* the request's way up */
	struct loop_timer timer;
	struct loop_task again;	      /* a pump that yielded goes on next turn */
	enum proxy_error timer_error; /* what the set deadline means when it passes */
	int64_t begun, sent, head_at; /* mono ns; 0 = not yet */
	int64_t stuck_since;	      /* mono ns: the server takes nothing; 0 = it does */
	uint64_t stuck_at;	      /* body bytes that it had taken then */
	int64_t queue_ns, connect_ns;
	uint64_t bytes_up;
	struct exchange x; /* last: large */
};

/* Memory for one, not begun; NULL when out of memory. fetch_free ends it if it was begun. */
MUST_CHECK struct fetch *fetch_new(void);
void fetch_free(struct fetch **f);

/*
 * Begins; the taker looks at ->step afterwards and after each on_change. <f> is the caller's
 * memory, uninitialised. fetch_end (or fetch_free) must follow. The taker
 * may hand it over to another one by setting on_change and arg.
 */
void fetch_begin(struct fetch *f, struct loop *loop, const struct fetch_spec *spec,
		 loop_fn *on_change, void *arg);

/* The request's body has more to give (or ended): send on. Does not call on_change. */
void fetch_more_body(struct fetch *f);

/* HEAD, interim: dealt with; look for the next head. */
void fetch_next_head(struct fetch *f);

/* HEAD, final: its slices are no longer needed. -> BODY; the body is f->x.body.src. */
void fetch_take_body(struct fetch *f);

/* The taker waits for body bytes (timeouts.idle runs), or is busy elsewhere (it does not). */
void fetch_awaits_body(struct fetch *f, bool awaits);

/* HEAD, 101: the connection is the taker's tunnel now; no deadline of ours runs any more. */
void fetch_tunnel(struct fetch *f);

/* HEAD, final: the answer is not wanted. What is left of it is thrown away if that is soon done, so
 * that the connection may be kept. Frees. */
void fetch_discard(struct fetch **f);

/* A failure seen by the taker. Counts it, closes the connection; -> FAILED. */
void fetch_fail(struct fetch *f, enum proxy_error error);

/* The taker is no longer interested: the client left. For the counters. */
void fetch_cancelled(struct fetch *f);

/*
 * Ends it: the connection goes back to the pool if everything is whole, else it is closed.
 * Idempotent; <f> may be reused.
 */
void fetch_end(struct fetch *f);

/* "talk"; never NULL. */
const char *fetch_step_name(enum fetch_step step);

#endif
