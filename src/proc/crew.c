/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Workers and their seats: starting, watching, burying, starting again. See state.h.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "proc/child.h"
#include "proc/state.h"
#include "proc/worker.h"
#include "shm/recover.h"

static void on_seat_timer(void *arg);

static struct slot *slot_of(const struct worker *w)
{
	return slot_get(w->master->memory.slots, w->slot);
}

bool worker_lives(const struct worker *w)
{
	return w->pid != 0;
}

bool worker_serves(const struct worker *w)
{
	return w->pid != 0 && w->seat != SEAT_NONE && slot_state(slot_of(w)) == WORKER_RUNNING;
}

void crew_init(struct master *m)
{
	for (unsigned i = 0; i < SLOT_MAX; i++)
		m->workers[i] = (struct worker){.magic = WORKER_MAGIC,
						.master = m,
						.slot = i,
						.seat = SEAT_NONE,
						.link = {.fd = -1}};
	for (unsigned i = 0; i < SEAT_MAX; i++) {
		m->seats[i] = (struct seat){.master = m, .slot = SLOT_NONE};
		m->owner[i] = SLOT_NONE;
	}
}

unsigned crew_alive(const struct master *m)
{
	unsigned n = 0;

	for (unsigned i = 0; i < SLOT_MAX; i++)
		n += worker_lives(&m->workers[i]);
	return n;
}

unsigned crew_running(const struct master *m)
{
	unsigned n = 0;

	for (unsigned i = 0; i < SLOT_MAX; i++)
		n += worker_serves(&m->workers[i]);
	return n;
}

static void on_overdue(void *arg)
{
	struct worker *w = arg;

	CHECK_MAGIC(w, WORKER_MAGIC);
	log_warn("proc", "worker %u (pid %d) does not end: killing it", w->slot, (int)w->pid);
	kill(w->pid, SIGKILL);
}

void worker_kill_after(struct worker *w, int64_t ns)
{
	loop_timer_clear(w->master->loop, &w->killer);
	loop_timer_set(w->master->loop, &w->killer, clock_mono() + ns, on_overdue, w);
}

void worker_tell_stop(struct worker *w, int64_t grace)
{
	char text[24];

	if (slot_state(slot_of(w)) != WORKER_DRAINING)
		slot_set_state(slot_of(w), WORKER_DRAINING);
	snprintf(text, sizeof(text), "%lld", (long long)grace);
	control_tell(&w->link, CONTROL_STOP, 0, 0, str_c(text));
	worker_kill_after(w, grace + (grace ? KILL_MARGIN : NS_PER_S));
}

/* Takes its seat away; it finishes what is open and ends. */
static void retire(struct worker *w, int64_t grace)
{
	struct master *m = w->master;

	if (w->seat != SEAT_NONE)
		m->seats[w->seat].slot = SLOT_NONE;
	w->seat = SEAT_NONE;
	share_balance(m);
	worker_tell_stop(w, grace);
}

void crew_send_logs(struct master *m, struct worker *w)
{
	struct control_msg msg = {.type = CONTROL_LOGS, .status = m->now.logs.target};

	if (m->now.logs.log_fd >= 0)
		msg.fds[msg.n_fds++] = m->now.logs.log_fd;
	if (m->now.logs.access_fd >= 0)
		msg.fds[msg.n_fds++] = m->now.logs.access_fd;
	control_say(&w->link, &msg);
}

static void on_ready(struct worker *w)
{
	struct master *m = w->master;

	if (slot_state(slot_of(w)) != WORKER_STARTING)
		return;
	slot_set_state(slot_of(w), WORKER_RUNNING);
	log_debug("proc", "worker %u (pid %d) is ready", w->slot, (int)w->pid);
	if (m->draining)
		control_tell(&w->link, CONTROL_DRAIN, 0, 1, STR_NONE);
	share_welcome(m, w);
	share_balance(m);
	master_check_progress(m);
}

static void on_worker_msg(void *arg, struct control_msg *msg)
{
	struct worker *w = arg;
	struct master *m = w->master;

	CHECK_MAGIC(w, WORKER_MAGIC);
	switch (msg->type) {
	case CONTROL_READY:
		on_ready(w);
		break;
	case CONTROL_FAILED:
		str_copy(w->reason, sizeof(w->reason), msg->text);
		break;
	case CONTROL_PREPARED:
	case CONTROL_REFUSED:
		reload_answer(m, w, msg->id, msg->type == CONTROL_PREPARED, msg->text);
		break;
	case CONTROL_DONE:
		reload_done(m, w, msg->id);
		break;
	case CONTROL_LEAVE:
		if (worker_serves(w) && m->state != MASTER_STOPPING) {
			log_info("proc", "worker %u (pid %d) was asked to end: replacing it",
				 w->slot, (int)w->pid);
			retire(w, m->now.conf->shutdown_grace);
			crew_fill(m);
		}
		break;
	default: /* what only the admin process asks */
		break;
	}
}

/* It closed its end: the end of the process follows, or is made to. */
static void on_worker_closed(void *arg)
{
	struct worker *w = arg;

	CHECK_MAGIC(w, WORKER_MAGIC);
	if (w->pid != 0 && !loop_timer_is_set(&w->killer))
		worker_kill_after(w, KILL_MARGIN);
}

void worker_open_link(struct worker *w, int fd)
{
	int rc = control_open(&w->link, w->master->loop, fd, CONTROL_TO_MASTER, on_worker_msg,
			      on_worker_closed, w);

	if (rc != 0) /* it sees its end closed and ends */
		log_error("proc", "worker %u (pid %d): no control channel: %s", w->slot,
			  (int)w->pid, err_text(rc));
}

static int worker_child(void *arg, int control_fd)
{
	struct worker *w = arg;
	struct master *m = w->master;
	struct worker_boot boot = {.conf = m->now.conf,
				   .generation = m->generation,
				   .seg = m->memory.seg,
				   .slots = m->memory.slots,
				   .metrics = m->memory.metrics,
				   .slot = w->slot,
				   .n_workers = m->n_seats,
				   .doorbells = m->doorbells,
				   .control_fd = control_fd,
				   .access_fd = m->now.logs.access_fd};

	return worker_main(&boot);
}

static int start_process(struct master *m, struct worker *w)
{
	char name[16], role[24];
	struct child_spec spec = {.name = name,
				  .role = role,
				  .keep = &m->now.logs.access_fd,
				  .n_keep = 1,
				  .main = worker_child,
				  .arg = w};
	int fd, rc;

	snprintf(name, sizeof(name), "tiercel-w%u", w->slot);
	snprintf(role, sizeof(role), "worker[%u]", w->slot);
	rc = child_start(m, &spec, &w->pid, &fd);
	if (rc != 0)
		return rc;
	worker_open_link(w, fd);
	return 0;
}

static void try_again(struct seat *s, int64_t delay)
{
	loop_timer_set(s->master->loop, &s->timer, clock_mono() + delay, on_seat_timer, s);
}

/* A death before everything ran once: perhaps it will never run. */
static void died_at_start(struct master *m, const struct worker *w, int status)
{
	char why[640];

	if (w->reason[0])
		snprintf(why, sizeof(why), "workers cannot start: %s", w->reason);
	else
		snprintf(why, sizeof(why), "workers do not survive their start: %s",
			 child_fate(status));
	if (w->reason[0] || ++m->start_deaths >= START_DEATHS)
		master_fail(m, why);
}

/* The slot for a seat: the one of the same number if it is free, so that numbers stay together. */
static unsigned choose_slot(struct master *m, unsigned seat)
{
	if (slot_state(slot_get(m->memory.slots, seat)) == WORKER_FREE)
		return seat;
	return slots_find_free(m->memory.slots);
}

static void seat_worker(struct seat *s)
{
	struct master *m = s->master;
	unsigned seat = (unsigned)(s - m->seats);
	struct worker *w;
	unsigned slot;

	if (s->slot != SLOT_NONE || seat >= m->n_seats || m->state == MASTER_STOPPING ||
	    reload_undecided(m))
		return;
	slot = choose_slot(m, seat);
	if (slot == SLOT_NONE) { /* all taken by workers that still finish: wait for one */
		try_again(s, BACKOFF_FIRST);
		return;
	}
	w = &m->workers[slot];
	slot_claim(m->memory.slots, slot, clock_wall());
	w->reason[0] = '\0';
	w->hangs = w->foreign = false;
	w->started = clock_mono();
	if (start_process(m, w) != 0) {
		snprintf(w->reason, sizeof(w->reason), "worker %u: %s", slot, strerror(errno));
		slot_gone(slot_of(w), 0, true);
		slot_release(slot_of(w));
		try_again(s, MAX(backoff_take(&s->backoff, w->started), BACKOFF_FIRST));
		if (m->state == MASTER_STARTING)
			died_at_start(m, w, 0);
		else
			log_error("proc", "cannot start %s", w->reason);
		return;
	}
	slot_set_pid(slot_of(w), w->pid);
	w->seat = seat;
	s->slot = slot;
}

static void on_seat_timer(void *arg)
{
	seat_worker(arg);
}

void crew_fill(struct master *m)
{
	for (unsigned i = 0; i < m->n_seats; i++)
		if (m->seats[i].slot == SLOT_NONE && !loop_timer_is_set(&m->seats[i].timer))
			seat_worker(&m->seats[i]);
}

void crew_resize(struct master *m, unsigned n)
{
	ASSERT(n > 0 && n <= SEAT_MAX);
	unsigned before = m->n_seats;

	m->n_seats = n;
	m->sockets = MAX(m->sockets, n);
	for (unsigned i = n; i < before; i++) {
		loop_timer_clear(m->loop, &m->seats[i].timer);
		m->seats[i].backoff.next = 0;
		if (m->seats[i].slot != SLOT_NONE)
			retire(&m->workers[m->seats[i].slot], RETIRE_GRACE);
	}
	crew_fill(m);
}

/* The last words of a worker that failed an assert or got a fatal signal. */
static void log_panic(struct worker *w)
{
	static char text[SLOT_REPORT_MAX];
	enum slot_report kind;
	struct str rest, line;
	size_t n;

	if (slot_report_read(slot_of(w), 0, &kind, text, &n) != 0 || kind != SLOT_REPORT_PANIC)
		return;
	rest = str_of(text, n);
	while (str_next(&rest, '\n', &line))
		if (line.n)
			log_error("panic", "worker %u: %.*s", w->slot, STR_ARG(line));
}

static void log_death(struct worker *w, int status, bool expected)
{
	if (expected && WIFEXITED(status) && WEXITSTATUS(status) == 0) {
		log_info("proc", "worker %u (pid %d) ended", w->slot, (int)w->pid);
		return;
	}
	log_error("proc", "worker %u (pid %d) died: %s%s%s", w->slot, (int)w->pid,
		  child_fate(status), w->reason[0] ? ": " : "", w->reason);
	log_panic(w);
}

/* Frees the seat of a dead worker and plans its successor. */
static void vacate(struct worker *w)
{
	struct master *m = w->master;
	struct seat *s;
	int64_t delay;

	if (w->seat == SEAT_NONE)
		return;
	s = &m->seats[w->seat];
	w->seat = SEAT_NONE;
	s->slot = SLOT_NONE;
	if (m->state == MASTER_STOPPING)
		return;
	delay = backoff_take(&s->backoff, w->started);
	if (crew_running(m) == 0)
		delay = MIN(delay, BACKOFF_FIRST); /* nobody serves */
	if (delay > 0) {
		log_warn("proc", "worker %u: next try in %lld s", w->slot,
			 (long long)(delay / NS_PER_S));
		try_again(s, delay);
	}
}

bool crew_reaped(struct master *m, pid_t pid, int status)
{
	struct worker *w = NULL;
	bool expected, elder;

	for (unsigned i = 0; i < SLOT_MAX && !w; i++)
		if (m->workers[i].pid == pid)
			w = &m->workers[i];
	if (!w)
		return false;
	control_read(&w->link); /* its last words */
	control_close(&w->link);
	loop_timer_clear(m->loop, &w->killer);
	expected = slot_state(slot_of(w)) == WORKER_DRAINING;
	log_death(w, status, expected);
	w->pid = 0;
	slot_gone(slot_of(w), status, expected);
	recover_slot(m->memory.seg, w->slot);
	slot_release(slot_of(w));
	elder = w->seat == SEAT_NONE;
	vacate(w);
	if (m->state == MASTER_STARTING && !expected && !elder)
		died_at_start(m, w, status);
	/* SIGKILL comes from outside (or from want of memory), not from what it was preparing */
	reload_worker_gone(m, w, !(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL));
	share_balance(m);
	crew_fill(m);
	elders_reaped(m);
	master_check_progress(m);
	return true;
}

void crew_stop(struct master *m, int64_t grace)
{
	for (unsigned i = 0; i < SEAT_MAX; i++)
		loop_timer_clear(m->loop, &m->seats[i].timer);
	for (unsigned i = 0; i < SLOT_MAX; i++)
		if (worker_lives(&m->workers[i]))
			worker_tell_stop(&m->workers[i], grace);
}

/* Its heartbeat stopped, or came back. */
static void set_hangs(struct worker *w, bool hangs, int64_t since)
{
	if (w->hangs == hangs)
		return;
	w->hangs = hangs;
	if (hangs)
		log_warn("proc",
			 "worker %u (pid %d) has not moved for %lld s: others accept for it",
			 w->slot, (int)w->pid, (long long)(since / NS_PER_S));
	else
		log_info("proc", "worker %u (pid %d) moves again", w->slot, (int)w->pid);
	share_balance(w->master);
}

void crew_watch(struct master *m)
{
	int64_t now = clock_mono_exact();

	/* who slept itself (a frozen container) cannot tell who did not move */
	if (now - m->watched > 2 * NS_PER_S)
		m->awake = now;
	m->watched = now;
	for (unsigned i = 0; i < SLOT_MAX; i++) {
		struct worker *w = &m->workers[i];
		int64_t silent;

		if (w->pid == 0 || w->foreign)
			continue;
		silent = now - MAX(MAX(slot_of(w)->heartbeat, w->started), m->awake);
		set_hangs(w, silent >= HANG_WARN, silent);
		if (silent > HANG_KILL && !loop_timer_is_set(&w->killer)) {
			log_error("proc", "worker %u (pid %d) hangs: aborting it", i, (int)w->pid);
			kill(w->pid, SIGABRT);
			worker_kill_after(w, KILL_MARGIN);
		}
	}
}
