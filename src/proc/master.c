/* SPDX-License-Identifier: BSD-2-Clause */
#include "proc/master.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "conf/bundle.h"
#include "proc/notify.h"
#include "proc/state.h"
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
		if (master_arriving(m))
			arrive_disarm(m);
		reload_cancel(m);
		upgrade_cancel(m);
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
	arrive_back(&m->upgrade, str_c(why));
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
	if (master_arriving(m))
		arrive_commit(m);
	log_info("proc", "ready: %u workers, %zu listeners", m->n_seats, m->now.listeners.n);
	notify_ready();
	fdstore_begin(m);
	master_tell_status(m);
	reload_resume(m);
	upgrade_resume(m);
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
		if (!crew_reaped(m, pid, status) && !office_reaped(m, pid, status))
			(void)upgrade_reaped(m, pid, status);
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
		upgrade_ask(m, 0);
		break;
	}
}

void master_on_signals(void *arg, unsigned what)
{
	struct master *m = arg;
	struct signalfd_siginfo info;

	CHECK_MAGIC(m, MASTER_MAGIC);
	(void)what;
	while (read(m->signal_fd, &info, sizeof(info)) == (ssize_t)sizeof(info))
		on_signal(m, (int)info.ssi_signo);
}

/* From here on signals wait until the loop asks for them. */
int master_open_signals(struct master *m, struct buf *why)
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

static struct master *master_new(const char *conf_file, char **argv)
{
	struct master *m = calloc(1, sizeof(*m));

	if (!m)
		return NULL;
	m->magic = MASTER_MAGIC;
	m->state = MASTER_STARTING;
	m->conf_file = conf_file;
	m->signal_fd = m->stored_fd = m->bundle_fd = -1;
	m->generation = 1;
	m->started_wall = clock_wall();
	m->now = (struct candidate){.logs = LOGS_INIT};
	m->admin.link.fd = -1;
	for (unsigned i = 0; i < SLOT_MAX; i++)
		m->doorbells[i] = -1;
	reload_init(&m->reload);
	upgrade_init(&m->upgrade, argv);
	crew_init(m);
	return m;
}

static void master_free(struct master *m)
{
	candidate_discard(&m->now);
	segment_close(&m->memory);
	for (unsigned i = 0; i < SLOT_MAX; i++)
		if (m->doorbells[i] >= 0)
			close(m->doorbells[i]);
	loop_free(&m->loop);
	if (m->signal_fd >= 0)
		close(m->signal_fd);
	if (m->bundle_fd >= 0)
		close(m->bundle_fd);
	buf_fini(&m->reload.told);
	upgrade_fini(&m->upgrade);
	m->magic = 0;
	free(m);
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

void master_keep_bundle(struct master *m, int fd)
{
	int copy = fcntl(fd, F_DUPFD_CLOEXEC, 3);

	if (m->bundle_fd >= 0)
		close(m->bundle_fd);
	m->bundle_fd = copy; /* -1: an upgrade will be refused */
}

static void make_bundle(struct master *m)
{
	if (m->upgrade.mode == HANDOVER_RESUME)
		master_keep_bundle(m, m->upgrade.from.bundle);
	else if (conf_bundle_memfd(m->now.source, &m->bundle_fd) != 0)
		m->bundle_fd = -1;
	conf_source_free(&m->now.source);
}

/* The crew of an ordinary start, or the one that is there already. */
static void man(struct master *m)
{
	enum handover_mode mode = m->upgrade.mode;

	if (mode != HANDOVER_NONE)
		arrive_crew(m);
	if (mode == HANDOVER_RESUME) {
		(void)prctl(PR_SET_NAME, "tiercel", 0, 0, 0);
		master_set_state(m, MASTER_RUNNING);
		arrive_commit(m);
		crew_fill(m);
		notify_ready();
		reload_resume(m);
	} else {
		crew_resize(m, m->now.workers);
	}
	office_start(m);
}

static void run(struct master *m)
{
	struct str rest = buf_slice(&m->upgrade.told), line;

	make_bundle(m);
	logs_use(&m->now.logs, "master");
	log_info("proc", "tiercel %s, pid %d, configuration %s", PACKAGE_VERSION, (int)getpid(),
		 m->conf_file);
	while (str_next(&rest, '\n', &line))
		if (line.n)
			log_info("proc", "%.*s", STR_ARG(line));
	check_files(m);
	m->watchdog = notify_watchdog_interval();
	man(m);
	on_second(m);
	if (!m->finished) /* the start may have failed at once */
		loop_run(m->loop);
	seg_mark_clean(m->memory.seg);
	log_info("proc", "stopped");
}

/* Ordinary, taken over, or only tried. */
static int run_as_told(struct master *m)
{
	struct buf why = BUF_INIT;
	int status;

	if (arrive_read(&m->upgrade, &why) != 0) {
		start_tell(&why, "tiercel: ");
		buf_fini(&why);
		return MASTER_EXIT_FAILED;
	}
	if (m->upgrade.mode == HANDOVER_TRIAL)
		return arrive_trial(m);
	status = master_start(m);
	if (status != MASTER_EXIT_OK)
		return status;
	run(m);
	return m->exit_status;
}

int master_run(const char *conf_file, char **argv)
{
	struct master *m = master_new(conf_file, argv);
	int status;

	if (!m) {
		fprintf(stderr, "tiercel: out of memory\n");
		return MASTER_EXIT_FAILED;
	}
	status = run_as_told(m);
	master_free(m);
	return status;
}
