/* SPDX-License-Identifier: BSD-2-Clause */
#include "net/loop.h"

#include <event2/event.h>
#include <event2/event_struct.h>
#include <signal.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/err.h"

/*
 * The timer wheel: a timer stands in the slot of its due tick modulo the number of slots. One
 * whose due time was moved back, or lies beyond one round, is found too early and goes on to
 * the slot where it belongs then.
 */
enum { WHEEL_SLOTS = 512, WHEEL_WORDS = WHEEL_SLOTS / 64, MAX_SIGNALS = 8 };

static_assert(sizeof(struct event) <= LOOP_IO_OPAQUE, "loop_io holds the library's event");

struct signal_watch {
	struct event *ev;
	struct loop *loop;
	loop_signal_fn *fn;
	void *arg;
};

struct loop {
	struct event_base *base;
	struct list slots[WHEEL_SLOTS];
	uint64_t filled[WHEEL_WORDS]; /* one bit per slot that holds a timer */
	int64_t tick;		      /* last tick whose slot was emptied */
	int64_t wake_at;	      /* when the library's timer fires; INT64_MAX = not set */
	struct event *wake;
	struct list tasks; /* to run at the end of this turn */
	loop_fn *turn_fn;  /* hook at the end of each turn */
	void *turn_arg;
	int64_t turn_start; /* when the first callback of this turn began */
	int64_t busy_ns;    /* length of the last turn without the wait */
	uint64_t turns;
	bool fresh; /* the clock was read in this turn */
	bool stop;
	struct signal_watch signals[MAX_SIGNALS];
	size_t n_signals;
};

/* Each callback passes here first, so that the first one of a turn reads the clock. */
static void begin_callback(struct loop *loop)
{
	if (loop->fresh)
		return;
	loop->fresh = true;
	clock_refresh();
	loop->turn_start = clock_mono();
}

static void on_io(evutil_socket_t fd, short what, void *arg)
{
	struct loop_io *io = arg;
	unsigned flags = 0;

	(void)fd;
	begin_callback(io->loop);
	if (what & EV_READ)
		flags |= LOOP_READ;
	if (what & EV_WRITE)
		flags |= LOOP_WRITE;
	if (what & EV_CLOSED)
		flags |= LOOP_HUP;
	io->fn(io->arg, flags);
}

static int add_io(struct loop *loop, struct loop_io *io, int fd, short flags, loop_io_fn *fn,
		  void *arg)
{
	struct event *ev = (struct event *)io->opaque;

	ASSERT(io->loop == NULL);
	if (event_assign(ev, loop->base, fd, flags, on_io, io) || event_add(ev, NULL))
		return ERR_SYS;
	io->loop = loop;
	io->fn = fn;
	io->arg = arg;
	return 0;
}

int loop_io_add(struct loop *loop, struct loop_io *io, int fd, loop_io_fn *fn, void *arg)
{
	return add_io(loop, io, fd, EV_READ | EV_WRITE | EV_CLOSED | EV_ET | EV_PERSIST, fn, arg);
}

int loop_io_add_level(struct loop *loop, struct loop_io *io, int fd, loop_io_fn *fn, void *arg)
{
	return add_io(loop, io, fd, EV_READ | EV_PERSIST, fn, arg);
}

void loop_io_del(struct loop_io *io)
{
	if (!io->loop)
		return;
	event_del((struct event *)io->opaque);
	io->loop = NULL;
}

static unsigned slot_of(int64_t due)
{
	return (unsigned)((due + LOOP_TICK - 1) / LOOP_TICK) % WHEEL_SLOTS;
}

static void wake_by(struct loop *loop, int64_t due)
{
	if (due >= loop->wake_at)
		return;
	int64_t wait = MAX(due - clock_mono(), 0) + NS_PER_MS; /* the library counts in ms */
	struct timeval tv = {.tv_sec = wait / NS_PER_S, .tv_usec = (wait % NS_PER_S) / NS_PER_US};
	loop->wake_at = due;
	event_add(loop->wake, &tv);
}

static void wheel_insert(struct loop *loop, struct loop_timer *t)
{
	unsigned s = slot_of(MAX(t->due, (loop->tick + 1) * LOOP_TICK));

	list_append(&loop->slots[s], &t->node);
	loop->filled[s / 64] |= UINT64_C(1) << (s % 64);
}

static void wheel_remove(struct loop *loop, struct loop_timer *t)
{
	struct list *slot = t->node.owner;
	size_t s = (size_t)(slot - loop->slots);

	ASSERT(s < WHEEL_SLOTS);
	list_remove(slot, &t->node);
	if (list_empty(slot))
		loop->filled[s / 64] &= ~(UINT64_C(1) << (s % 64));
}

/* The next tick at or after <from> whose slot holds a timer; -1 when the wheel is empty. */
static int64_t next_filled(const struct loop *loop, int64_t from)
{
	for (unsigned i = 0; i < WHEEL_SLOTS;) {
		unsigned s = (unsigned)(from + i) % WHEEL_SLOTS;
		uint64_t word = loop->filled[s / 64] >> (s % 64);
		if (word)
			return from + i + __builtin_ctzll(word);
		i += 64 - s % 64;
	}
	return -1;
}

static void run_slot(struct loop *loop, struct list *slot, int64_t now)
{
	/* what a callback sets anew goes behind the end: look at each node once */
	for (size_t left = slot->count; left && !list_empty(slot); left--) {
		struct loop_timer *t = CONTAINER_OF(list_first(slot), struct loop_timer, node);
		wheel_remove(loop, t);
		if (t->due > now)
			wheel_insert(loop, t);
		else
			t->fn(t->arg);
	}
}

static void run_timers(struct loop *loop)
{
	int64_t now = clock_mono(), upto = now / LOOP_TICK;

	/* after a long sleep one round visits every slot */
	if (upto - loop->tick > WHEEL_SLOTS)
		loop->tick = upto - WHEEL_SLOTS;
	for (;;) {
		int64_t t = next_filled(loop, loop->tick + 1);
		if (t < 0 || t > upto)
			break;
		loop->tick = t;
		run_slot(loop, &loop->slots[t % WHEEL_SLOTS], now);
	}
	loop->tick = MAX(loop->tick, upto);
	int64_t next = next_filled(loop, loop->tick + 1);
	if (next >= 0)
		wake_by(loop, next * LOOP_TICK);
}

static void on_wake(evutil_socket_t fd, short what, void *arg)
{
	struct loop *loop = arg;

	(void)fd;
	(void)what;
	begin_callback(loop);
	loop->wake_at = INT64_MAX;
	run_timers(loop);
}

void loop_timer_set(struct loop *loop, struct loop_timer *t, int64_t due, loop_fn *fn, void *arg)
{
	bool later = list_linked(&t->node) && due >= t->due;

	t->due = due;
	t->fn = fn;
	t->arg = arg;
	if (later)
		return; /* found too early in its old slot, it will move on */
	if (list_linked(&t->node))
		wheel_remove(loop, t);
	wheel_insert(loop, t);
	wake_by(loop, due);
}

void loop_timer_clear(struct loop *loop, struct loop_timer *t)
{
	if (list_linked(&t->node))
		wheel_remove(loop, t);
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

static void run_tasks(struct loop *loop)
{
	struct list_node end = {0}, *n;

	if (list_empty(&loop->tasks))
		return;
	/* tasks that tasks defer stand behind the mark: they run in the next turn */
	list_append(&loop->tasks, &end);
	while ((n = list_pop(&loop->tasks)) != &end) {
		struct loop_task *t = CONTAINER_OF(n, struct loop_task, node);
		begin_callback(loop);
		t->fn(t->arg);
	}
}

void loop_turn(struct loop *loop, bool block)
{
	int flags = EVLOOP_ONCE | EVLOOP_NO_EXIT_ON_EMPTY;

	if (!block || !list_empty(&loop->tasks))
		flags |= EVLOOP_NONBLOCK;
	loop->fresh = false;
	event_base_loop(loop->base, flags);
	run_tasks(loop);
	if (loop->turn_fn)
		loop->turn_fn(loop->turn_arg);
	loop->turns++;
	loop->busy_ns = loop->fresh ? clock_mono_exact() - loop->turn_start : 0;
}

void loop_run(struct loop *loop)
{
	loop->stop = false;
	while (!loop->stop)
		loop_turn(loop, true);
}

void loop_stop(struct loop *loop)
{
	loop->stop = true;
	event_base_loopbreak(loop->base);
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
	return loop->busy_ns;
}

static void on_signal(evutil_socket_t signo, short what, void *arg)
{
	struct signal_watch *w = arg;

	(void)what;
	begin_callback(w->loop);
	w->fn(w->arg, (int)signo);
}

int loop_signal(struct loop *loop, int signo, loop_signal_fn *fn, void *arg)
{
	if (loop->n_signals == MAX_SIGNALS)
		return ERR_LIMIT;
	struct signal_watch *w = &loop->signals[loop->n_signals];
	*w = (struct signal_watch){.loop = loop, .fn = fn, .arg = arg};
	w->ev = evsignal_new(loop->base, signo, on_signal, w);
	if (!w->ev)
		return ERR_NOMEM;
	loop->n_signals++;
	return event_add(w->ev, NULL) ? ERR_SYS : 0;
}

void *loop_event_base(struct loop *loop)
{
	return loop->base;
}

static struct event_base *new_base(void)
{
	struct event_config *cfg = event_config_new();
	struct event_base *base = NULL;

	if (!cfg)
		return NULL;
	if (!event_config_set_flag(cfg, EVENT_BASE_FLAG_NOLOCK) &&
	    !event_config_require_features(cfg,
					   EV_FEATURE_ET | EV_FEATURE_O1 | EV_FEATURE_EARLY_CLOSE))
		base = event_base_new_with_config(cfg);
	event_config_free(cfg);
	return base;
}

struct loop *loop_new(void)
{
	struct loop *loop = calloc(1, sizeof(*loop));

	if (!loop)
		return NULL;
	for (size_t i = 0; i < WHEEL_SLOTS; i++)
		list_init(&loop->slots[i]);
	list_init(&loop->tasks);
	clock_refresh();
	loop->tick = clock_mono() / LOOP_TICK;
	loop->wake_at = INT64_MAX;
	loop->base = new_base();
	if (loop->base)
		loop->wake = evtimer_new(loop->base, on_wake, loop);
	if (!loop->wake)
		loop_free(&loop);
	return loop;
}

void loop_free(struct loop **loop_p)
{
	struct loop *loop = *loop_p;

	*loop_p = NULL;
	if (!loop)
		return;
	for (size_t i = 0; i < loop->n_signals; i++)
		event_free(loop->signals[i].ev);
	if (loop->wake)
		event_free(loop->wake);
	if (loop->base)
		event_base_free(loop->base);
	free(loop);
}
