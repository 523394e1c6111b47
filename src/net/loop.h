/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The event loop of one process: descriptors, timers, signals, work deferred to the end of the
 * turn. The one place that knows libevent; tests/sim replaces it by a loop on virtual time.
 * Single-threaded: every call comes from the thread that runs the loop.
 *
 * Descriptors are watched edge-triggered for reading and writing with ONE registration for their
 * whole life: a request adds and removes nothing in the kernel. The owner keeps "may be readable"
 * and "may be writable" flags (net/conn.h) and reads when it wants to; not reading is all that
 * back-pressure takes.
 *
 * Timers are coarse (LOOP_TICK): they sit in a hashed wheel, setting one is a few stores and moves
 * nothing in the kernel.
 */
#ifndef NET_LOOP_H
#define NET_LOOP_H

#include "base/list.h"

struct loop;

/* What happened on a descriptor. */
enum {
	LOOP_READ = 1,
	LOOP_WRITE = 2,
	LOOP_HUP = 4, /* the peer sent its last byte (FIN); data may still be unread */
};

typedef void loop_io_fn(void *arg, unsigned what);
typedef void loop_fn(void *arg);
typedef void loop_signal_fn(void *arg, int signo);

enum { LOOP_IO_OPAQUE = 128 };

/* One watched descriptor; embedded in its owner. */
struct loop_io {
	_Alignas(8) unsigned char opaque[LOOP_IO_OPAQUE]; /* the library's struct */
	struct loop *loop;				  /* NULL while not watched */
	loop_io_fn *fn;
	void *arg;
};

/* One timer; zero-initialised is ready to use. */
struct loop_timer {
	struct list_node node; /* on a wheel slot while set */
	int64_t due;	       /* clock_mono() ns */
	loop_fn *fn;
	void *arg;
};

/* Work to be run when the turn ends; zero-initialised is ready to use. */
struct loop_task {
	struct list_node node;
	loop_fn *fn;
	void *arg;
};

#define LOOP_TICK (16 * NS_PER_MS)

/* NULL when out of memory. */
MUST_CHECK struct loop *loop_new(void);
void loop_free(struct loop **loop);

/* Runs turns until loop_stop(). */
void loop_run(struct loop *loop);
void loop_stop(struct loop *loop);

/* One turn; <block> waits for something to happen. */
void loop_turn(struct loop *loop, bool block);

/* Called at the end of each turn, after deferred tasks (one hook; NULL clears). */
void loop_set_turn_hook(struct loop *loop, loop_fn *fn, void *arg);

/* Turns so far, and ns spent outside the wait in the last one. */
uint64_t loop_turns(const struct loop *loop);
int64_t loop_busy_ns(const struct loop *loop);

/* Watches <fd> edge-triggered, both ways, until loop_io_del. The io keeps no ownership of fd. */
MUST_CHECK int loop_io_add(struct loop *loop, struct loop_io *io, int fd, loop_io_fn *fn,
			   void *arg);

/* Watches <fd> level-triggered for reading only: listeners, eventfds, control sockets. */
MUST_CHECK int loop_io_add_level(struct loop *loop, struct loop_io *io, int fd, loop_io_fn *fn,
				 void *arg);

/* Stops watching; before close(fd). Harmless when not watched. */
void loop_io_del(struct loop_io *io);

/* Fires <fn> once, not before <due> (mono ns) and at most about a tick later. Moves a set timer. */
void loop_timer_set(struct loop *loop, struct loop_timer *t, int64_t due, loop_fn *fn, void *arg);
void loop_timer_clear(struct loop *loop, struct loop_timer *t);

static inline bool loop_timer_is_set(const struct loop_timer *t)
{
	return list_linked(&t->node);
}

/*
 * Runs <fn> at the end of this turn. What owns a loop_io is freed this way, never inside the turn
 * that ended it: another event for it may already be on its way.
 */
void loop_defer(struct loop *loop, struct loop_task *task, loop_fn *fn, void *arg);
void loop_undefer(struct loop *loop, struct loop_task *task);

/* Calls <fn> for each arrival of <signo>, in the loop. Lives until loop_free. */
MUST_CHECK int loop_signal(struct loop *loop, int signo, loop_signal_fn *fn, void *arg);

/* The library's base (struct event_base *), for net/resolve.c and admin/ alone. */
void *loop_event_base(struct loop *loop);

#endif
