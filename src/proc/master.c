/* SPDX-License-Identifier: BSD-2-Clause */
#include "proc/master.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "net/doorbell.h"
#include "obs/metrics.h"
#include "proc/notify.h"
#include "proc/segment.h"
#include "proc/state.h"
#include "proc/subjects.h"
#include "shm/seg.h"

static const struct {
	const char *name;
	unsigned next;
} states[MASTER_STATE_COUNT] = {
#define MASTER_STATE(id, name, next, help) [MASTER_##id] = {name, next},
#define RELOAD_PHASE(id, name, next, help)
#include "tbl/master_states.h"
#undef MASTER_STATE
#undef RELOAD_PHASE
};

void master_set_state(struct master *m, enum master_state state)
{
	ASSERT(states[m->state].next & 1U << state);
	m->state = state;
}

const char *master_state_name(enum master_state state)
{
	return state > MASTER_NONE && state < MASTER_STATE_COUNT ? states[state].name : "?";
}

int64_t backoff_take(struct backoff *b, int64_t started)
{
	int64_t delay;

	if (clock_mono() - started >= BACKOFF_HEALTHY)
		b->next = 0;
	delay = b->next;
	b->next = delay ? MIN(delay * 2, BACKOFF_MAX) : BACKOFF_FIRST;
	return delay;
}

void master_tell_status(struct master *m)
{
	notify_status("%s, %u of %u workers, configuration %u%s", master_state_name(m->state),
		      crew_running(m), m->n_seats, m->generation, m->draining ? ", draining" : "");
}

/* ---- stop ---- */

void master_stop(struct master *m, bool at_once)
{
	if (m->state == MASTER_STOPPING && (m->stop_at_once || !at_once))
		return;
	m->stop_at_once = at_once;
	if (m->state != MASTER_STOPPING) {
		reload_cancel(m);
		master_set_state(m, MASTER_STOPPING);
		notify_stopping();
		/* workers have their copies; they accept what is queued, then close them */
		listen_close(&m->now.listeners);
	}
	log_info("proc", "%s", at_once ? "stopping at once" : "stopping: finishing what is open");
	master_tell_status(m);
	crew_stop(m, at_once ? 0 : m->now.conf->shutdown_grace);
	master_check_progress(m);
}

void master_fail(struct master *m, const char *why)
{
	if (m->exit_status == MASTER_EXIT_OK) {
		log_error("proc", "%s", why);
		if (m->now.logs.target != LOG_TARGET_STDERR)
			fprintf(stderr, "tiercel: %s\n", why);
	}
	m->exit_status = MASTER_EXIT_FAILED;
	master_stop(m, true);
}

static void check_started(struct master *m)
{
	if (crew_running(m) < m->n_seats)
		return;
	master_set_state(m, MASTER_RUNNING);
	log_info("proc", "ready: %u workers, %zu listeners", m->n_seats, m->now.listeners.n);
	notify_ready();
	master_tell_status(m);
	reload_resume(m);
}

static void check_stopped(struct master *m)
{
	if (crew_alive(m) > 0)
		return;
	/* last of all: until here the operator could watch */
	if (office_alive(m)) {
		office_stop(m, NS_PER_S);
		return;
	}
	m->finished = true;
	loop_stop(m->loop);
}

void master_check_progress(struct master *m)
{
	if (m->state == MASTER_STARTING)
		check_started(m);
	else if (m->state == MASTER_STOPPING)
		check_stopped(m);
}

/* ---- what operators ask ---- */

void master_drain(struct master *m, bool on)
{
	m->draining = on;
	log_info("proc", on ? "draining: answers close their connections" : "no longer draining");
	for (unsigned i = 0; i < SLOT_MAX; i++)
		if (worker_lives(&m->workers[i]))
			control_tell(&m->workers[i].link, CONTROL_DRAIN, 0, on, STR_NONE);
	control_tell(&m->admin.link, CONTROL_DRAIN, 0, on, STR_NONE);
	master_tell_status(m);
}

void master_send_logs(struct master *m)
{
	const struct logs *logs = &m->now.logs;

	for (unsigned i = 0; i < SLOT_MAX; i++)
		if (worker_lives(&m->workers[i]))
			crew_send_logs(m, &m->workers[i]);
	if (logs->log_fd >= 0)
		control_say(&m->admin.link, &(struct control_msg){.type = CONTROL_LOGS,
								  .status = logs->target,
								  .fds = {logs->log_fd},
								  .n_fds = 1});
}

int master_reopen(struct master *m, struct buf *why)
{
	struct logs fresh;
	int rc = logs_open(&fresh, &m->now.conf->log, &m->jail, why);

	if (rc != 0) {
		log_error("proc", "log files stay as they are: %.*s", STR_ARG(buf_slice(why)));
		return rc;
	}
	logs_close(&m->now.logs);
	m->now.logs = fresh;
	logs_use(&m->now.logs, "master");
	master_send_logs(m);
	log_info("proc", "log files opened again");
	return 0;
}

/* ---- signals ---- */

static void reap(struct master *m)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		if (!crew_reaped(m, pid, status))
			(void)office_reaped(m, pid, status);
}

static void on_usr1(struct master *m)
{
	struct buf why = BUF_INIT;

	(void)!master_reopen(m, &why);
	buf_fini(&why);
}

static void on_signal(struct master *m, int signo)
{
	switch (signo) {
	case SIGCHLD:
		reap(m);
		break;
	case SIGTERM:
		master_stop(m, m->state == MASTER_STOPPING);
		break;
	case SIGINT:
	case SIGQUIT:
		master_stop(m, true);
		break;
	case SIGHUP:
		reload_ask(m, 0);
		break;
	case SIGUSR1:
		on_usr1(m);
		break;
	case SIGUSR2:
		log_warn("proc", "SIGUSR2: upgrade is not in this version yet");
		break;
	}
}

static void on_signal_fd(void *arg, unsigned what)
{
	struct master *m = arg;
	struct signalfd_siginfo info;

	CHECK_MAGIC(m, MASTER_MAGIC);
	(void)what;
	while (read(m->signal_fd, &info, sizeof(info)) == (ssize_t)sizeof(info))
		on_signal(m, (int)info.ssi_signo);
}

/* From here on signals wait until the loop asks for them. */
static int open_signals(struct master *m, struct buf *why)
{
	static const int handled[] = {SIGCHLD, SIGTERM, SIGINT, SIGQUIT, SIGHUP, SIGUSR1, SIGUSR2};
	sigset_t set;

	(void)signal(SIGPIPE, SIG_IGN);
	sigemptyset(&set);
	for (size_t i = 0; i < COUNTOF(handled); i++)
		sigaddset(&set, handled[i]);
	if (sigprocmask(SIG_BLOCK, &set, NULL) == 0)
		m->signal_fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	if (m->signal_fd >= 0)
		return 0;
	buf_printf(why, "signalfd: %s", strerror(errno));
	return ERR_SYS;
}

static void on_second(void *arg)
{
	struct master *m = arg;

	CHECK_MAGIC(m, MASTER_MAGIC);
	crew_watch(m);
	log_tick();
	if (m->watchdog)
		notify_watchdog();
	loop_timer_set(m->loop, &m->second, clock_mono() + NS_PER_S, on_second, m);
}

/* ---- start: in this order; each step says in <why> what was in its way ---- */

static int step_user(struct master *m, struct buf *why)
{
	(void)umask(027);
	m->files = jail_raise_files();
	unsigned line;
	bool asked = conf_origin(m->now.conf, &m->now.conf->user, &line) != NULL;
	return jail_prepare(&m->jail, m->now.conf->user, asked, why);
}

static int step_open(struct master *m, struct buf *why)
{
	struct buf unused = BUF_INIT;
	int rc;

	(void)listen_inherit();
	rc = candidate_open(&m->now, NULL, &m->jail, why);
	listen_inherit_end(&unused);
	if (rc == 0 && unused.n)
		buf_printf(why, "warning: no listener for what the service manager passed: %.*s\n",
			   STR_ARG(buf_slice(&unused)));
	buf_fini(&unused);
	return rc;
}

static int step_segment(struct master *m, struct buf *why)
{
	int rc = segment_new(&m->seg, &m->slots, &m->metrics);

	if (rc != 0)
		buf_printf(why, "shared memory: %s%s%s", err_text(rc), rc == ERR_SYS ? ": " : "",
			   rc == ERR_SYS ? strerror(errno) : "");
	else
		subjects_register(m->metrics, m->now.conf);
	return rc;
}

static int step_doorbells(struct master *m, struct buf *why)
{
	for (unsigned i = 0; i < SLOT_MAX; i++) {
		m->doorbells[i] = doorbell_new();
		if (m->doorbells[i] < 0) {
			buf_printf(why, "eventfd: %s", strerror(errno));
			return ERR_SYS;
		}
	}
	return 0;
}

static int step_loop(struct master *m, struct buf *why)
{
	m->loop = loop_new();
	if (m->loop &&
	    loop_io_add_level(m->loop, &m->signal_io, m->signal_fd, on_signal_fd, m) == 0)
		return 0;
	buf_c(why, "cannot make an event loop");
	return ERR_SYS;
}

static int (*const steps[])(struct master *m, struct buf *why) = {
	step_user, open_signals, step_open, step_segment, step_doorbells, step_loop,
};

static struct master *master_new(const char *conf_file)
{
	struct master *m = calloc(1, sizeof(*m));

	if (!m)
		return NULL;
	m->magic = MASTER_MAGIC;
	m->state = MASTER_STARTING;
	m->conf_file = conf_file;
	m->signal_fd = -1;
	m->generation = 1;
	m->started_wall = clock_wall();
	m->now = (struct candidate){.logs = LOGS_INIT};
	m->admin.link.fd = -1;
	for (unsigned i = 0; i < SLOT_MAX; i++)
		m->doorbells[i] = -1;
	reload_init(&m->reload);
	crew_init(m);
	return m;
}

static void master_free(struct master *m)
{
	candidate_discard(&m->now);
	metrics_detach(&m->metrics);
	seg_free(&m->seg);
	for (unsigned i = 0; i < SLOT_MAX; i++)
		if (m->doorbells[i] >= 0)
			close(m->doorbells[i]);
	loop_free(&m->loop);
	if (m->signal_fd >= 0)
		close(m->signal_fd);
	buf_fini(&m->reload.told);
	m->magic = 0;
	free(m);
}

/* Warnings and errors of the start: to the terminal, whatever the log is. */
static void tell(struct buf *text, const char *prefix)
{
	struct str rest = buf_slice(text), line;

	while (str_next(&rest, '\n', &line))
		if (line.n)
			fprintf(stderr, "%s%.*s\n", prefix, STR_ARG(line));
	buf_reset(text);
}

static int start(struct master *m)
{
	struct buf why = BUF_INIT;
	int rc = candidate_load(&m->now, m->conf_file, &why);

	tell(&why, "");
	if (rc != 0) {
		buf_fini(&why);
		return MASTER_EXIT_CONFIG;
	}
	for (size_t i = 0; rc == 0 && i < COUNTOF(steps); i++)
		rc = steps[i](m, &why);
	tell(&why, "tiercel: ");
	buf_fini(&why);
	return rc == 0 ? MASTER_EXIT_OK : MASTER_EXIT_FAILED;
}

/* Would full listeners fit into what a worker may open? */
static void check_files(const struct master *m)
{
	const struct conf *conf = m->now.conf;
	uint64_t clients = 0, servers = 0, need;

	for (size_t i = 0; i < conf->n_listeners; i++)
		clients += conf->listeners[i].limits.connections;
	for (size_t i = 0; i < conf->n_upstreams; i++)
		servers += conf->upstreams[i].pool.max_connections;
	/* the kernel's spread over workers is even only roughly; upstream limits are the node's */
	need = clients / m->now.workers + servers + SLOT_MAX + 100;
	if (m->files && need > m->files)
		log_warn("proc",
			 "the configured limits may need %llu descriptors in one worker, %llu are "
			 "allowed: raise LimitNOFILE or lower limits.connections",
			 (unsigned long long)need, (unsigned long long)m->files);
}

static void run(struct master *m)
{
	conf_source_free(&m->now.source);
	logs_use(&m->now.logs, "master");
	log_info("proc", "tiercel %s, pid %d, configuration %s", PACKAGE_VERSION, (int)getpid(),
		 m->conf_file);
	check_files(m);
	m->watchdog = notify_watchdog_interval();
	crew_resize(m, m->now.workers);
	office_start(m);
	on_second(m);
	if (!m->finished) /* the start may have failed at once */
		loop_run(m->loop);
	seg_mark_clean(m->seg);
	log_info("proc", "stopped");
}

int master_run(const char *conf_file)
{
	struct master *m = master_new(conf_file);
	int status;

	if (!m) {
		fprintf(stderr, "tiercel: out of memory\n");
		return MASTER_EXIT_FAILED;
	}
	status = start(m);
	if (status == MASTER_EXIT_OK) {
		run(m);
		status = m->exit_status;
	}
	master_free(m);
	return status;
}
