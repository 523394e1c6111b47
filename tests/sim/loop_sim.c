/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * net/loop.h on virtual time. Descriptors are real and edge-triggered, as in net/loop.c. The clock
 * stands still while anything can be done, then jumps to the next timer: each one fires exactly
 * when it is due, in order, and nothing ever sleeps.
 */
#include "tests/sim/loop_sim.h"

#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"

/* Loopback delivers at once, but under load the kernel may leave it to another thread: so many ms
 * of quiet before time moves. */
enum { EVENTS = 64, QUIET_MS = 2 };

/* What a loop_io's opaque bytes hold. */
struct sim_io {
	int fd;
};

struct loop {
	int epoll;
	struct list timers, tasks;
	int64_t limit;
	loop_fn *turn_fn;
	void *turn_arg;
	uint64_t turns;
	bool stop;
	struct epoll_event events[EVENTS];
	int n_events; /* of this turn, some of them perhaps still to be delivered */
};

static void set_time(int64_t mono)
{
	clock_set(mono, mono + 1700000000 * NS_PER_S);
}

struct loop *loop_new(void)
{
	struct loop *loop = calloc(1, sizeof(*loop));

	if (!loop)
		return NULL;
	loop->epoll = epoll_create1(EPOLL_CLOEXEC);
	list_init(&loop->timers);
	list_init(&loop->tasks);
	loop->limit = LOOP_SIM_START;
	set_time(LOOP_SIM_START);
	return loop;
}

void loop_free(struct loop **loop_p)
{
	struct loop *loop = *loop_p;

	*loop_p = NULL;
	if (!loop)
		return;
	ASSERT(list_empty(&loop->timers) && list_empty(&loop->tasks));
	close(loop->epoll);
	free(loop);
}

/* ---- descriptors ---- */

static int add_io(struct loop *loop, struct loop_io *io, int fd, uint32_t events, loop_io_fn *fn,
		  void *arg)
{
	struct epoll_event ev = {.events = events, .data.ptr = io};

	ASSERT(io->loop == NULL);
	if (epoll_ctl(loop->epoll, EPOLL_CTL_ADD, fd, &ev))
		return ERR_SYS;
	((struct sim_io *)(void *)io->opaque)->fd = fd;
	io->loop = loop;
	io->fn = fn;
	io->arg = arg;
	return 0;
}

int loop_io_add(struct loop *loop, struct loop_io *io, int fd, loop_io_fn *fn, void *arg)
{
	return add_io(loop, io, fd, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, fn, arg);
}

int loop_io_add_level(struct loop *loop, struct loop_io *io, int fd, loop_io_fn *fn, void *arg)
{
	return add_io(loop, io, fd, EPOLLIN, fn, arg);
}

void loop_io_del(struct loop_io *io)
{
	struct loop *loop = io->loop;

	if (!loop)
		return;
	int rc = epoll_ctl(loop->epoll, EPOLL_CTL_DEL, ((struct sim_io *)(void *)io->opaque)->fd,
			   NULL);
	ASSERT(rc == 0); /* or the descriptor was closed too early */
	io->loop = NULL;
	for (int i = 0; i < loop->n_events; i++)
		if (loop->events[i].data.ptr == io)
			loop->events[i].data.ptr = NULL;
}

static void deliver(const struct epoll_event *ev)
{
	struct loop_io *io = ev->data.ptr;
	unsigned what = 0;

	if (!io)
		return;
	/* as libevent reports them: an error or a full hang-up is both */
	if (ev->events & (EPOLLERR | EPOLLHUP))
		what |= LOOP_READ | LOOP_WRITE;
	if (ev->events & EPOLLIN)
		what |= LOOP_READ;
	if (ev->events & EPOLLOUT)
		what |= LOOP_WRITE;
	if (ev->events & EPOLLRDHUP)
		what |= LOOP_HUP;
	io->fn(io->arg, what);
}

static bool run_io(struct loop *loop, int wait_ms)
{
	int n = epoll_wait(loop->epoll, loop->events, EVENTS, wait_ms);

	loop->n_events = MAX(n, 0);
	for (int i = 0; i < loop->n_events; i++)
		deliver(&loop->events[i]);
	loop->n_events = 0;
	return n > 0;
}

/* ---- timers and tasks ---- */

void loop_timer_set(struct loop *loop, struct loop_timer *t, int64_t due, loop_fn *fn, void *arg)
{
	loop_timer_clear(loop, t);
	t->due = due;
	t->fn = fn;
	t->arg = arg;
	list_append(&loop->timers, &t->node);
}

void loop_timer_clear(struct loop *loop, struct loop_timer *t)
{
	if (list_linked(&t->node))
		list_remove(&loop->timers, &t->node);
}

/* The timer that is due first, and of several the one that was set first. */
static struct loop_timer *next_timer(struct loop *loop)
{
	struct loop_timer *first = NULL;

	LIST_EACH (&loop->timers, n) {
		struct loop_timer *t = CONTAINER_OF(n, struct loop_timer, node);
		if (!first || t->due < first->due)
			first = t;
	}
	return first;
}

static bool run_timer(struct loop *loop, int64_t upto)
{
	struct loop_timer *t = next_timer(loop);

	if (!t || t->due > upto)
		return false;
	set_time(MAX(t->due, clock_mono()));
	loop_timer_clear(loop, t);
	t->fn(t->arg);
	return true;
}

void loop_defer(struct loop *loop, struct loop_task *task, loop_fn *fn, void *arg)
{
	if (list_linked(&task->node))
		return;
	task->fn = fn;
	task->arg = arg;
	list_append(&loop->tasks, &task->node);
}

void loop_undefer(struct loop *loop, struct loop_task *task)
{
	if (list_linked(&task->node))
		list_remove(&loop->tasks, &task->node);
}

static bool run_tasks(struct loop *loop)
{
	struct list_node end = {0}, *n;

	if (list_empty(&loop->tasks))
		return false;
	/* as in net/loop.c: what tasks defer stands behind the mark and runs in the next turn */
	list_append(&loop->tasks, &end);
	while ((n = list_pop(&loop->tasks)) != &end) {
		struct loop_task *t = CONTAINER_OF(n, struct loop_task, node);
		t->fn(t->arg);
	}
	return true;
}

/* ---- turns ---- */

/* One turn; with <jump>, time may move to the next timer. False: nothing happened. */
static bool turn(struct loop *loop, bool jump)
{
	bool any = run_io(loop, 0);

	while (run_timer(loop, clock_mono()))
		any = true;
	if (!any && jump && list_empty(&loop->tasks))
		any = run_io(loop, QUIET_MS) || run_timer(loop, loop->limit);
	any |= run_tasks(loop);
	if (loop->turn_fn)
		loop->turn_fn(loop->turn_arg);
	loop->turns++;
	return any;
}

void loop_turn(struct loop *loop, bool block)
{
	turn(loop, block);
}

void loop_run(struct loop *loop)
{
	loop->stop = false;
	while (!loop->stop && turn(loop, true))
		;
}

void loop_sim_until(struct loop *loop, int64_t limit)
{
	ASSERT(limit >= clock_mono());
	loop->limit = limit;
}

void loop_sim_settle(struct loop *loop)
{
	while (turn(loop, true))
		;
	set_time(loop->limit);
}

void loop_stop(struct loop *loop)
{
	loop->stop = true;
}

void loop_set_turn_hook(struct loop *loop, loop_fn *fn, void *arg)
{
	loop->turn_fn = fn;
	loop->turn_arg = arg;
}

uint64_t loop_turns(const struct loop *loop)
{
	return loop->turns;
}

int64_t loop_busy_ns(const struct loop *loop)
{
	(void)loop;
	return 0;
}

int loop_signal(struct loop *loop, int signo, loop_signal_fn *fn, void *arg)
{
	(void)loop;
	(void)signo;
	(void)fn;
	(void)arg;
	return ERR_LIMIT; /* no signals here */
}

void *loop_event_base(struct loop *loop)
{
	(void)loop;
	return NULL;
}
