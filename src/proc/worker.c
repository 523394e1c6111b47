/* SPDX-License-Identifier: BSD-2-Clause */
#include "proc/worker.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "conf/bundle.h"
#include "net/doorbell.h"
#include "obs/log.h"
#include "obs/metrics.h"
#include "proc/candidate.h"
#include "proc/control.h"
#include "proc/panic.h"
#include "req/server.h"
#include "shm/slots.h"

#define WORKER_PROC_MAGIC 0x77706d61U

/* What the kernel takes beyond the grace before the process ends whatever is open. */
#define STOP_MARGIN (2 * NS_PER_S)

struct worker_proc {
	uint32_t magic;
	const struct worker_boot *boot;
	pid_t master;
	struct loop *loop;
	struct control_link link;
	struct server *server;
	struct slot *slot;
	struct metric_row *row; /* WORKER */
	struct conf *conf;	/* in force; a reference */
	struct conf *next;	/* prepared; a reference, or NULL */
	uint32_t next_generation;
	bool stopping;
	int signal_fd;
	int statm_fd; /* /proc/self/statm */
	struct loop_io signal_io, bell_io;
	struct loop_timer second;
	struct loop_timer end; /* beyond the grace */
	uint64_t turns;	       /* counted so far, as the next three */
	uint64_t log_dropped;
	int64_t cpu_user, cpu_system;
};

static void tell(struct worker_proc *w, enum control_type type, uint32_t id, const char *text)
{
	control_tell(&w->link, type, id, 0, str_c(text));
}

/* ---- stopping ---- */

static void on_end(void *arg)
{
	struct worker_proc *w = arg;

	CHECK_MAGIC(w, WORKER_PROC_MAGIC);
	loop_stop(w->loop);
}

static void stop(struct worker_proc *w, int64_t grace)
{
	int64_t due = clock_mono() + grace + (grace ? STOP_MARGIN : 0);

	if (!w->stopping) {
		w->stopping = true;
		loop_timer_set(w->loop, &w->end, due, on_end, w);
		server_stop(w->server, grace, on_end, w);
	} else if (due < w->end.due) {
		/* asked again, with less patience */
		loop_timer_clear(w->loop, &w->end);
		loop_timer_set(w->loop, &w->end, due, on_end, w);
	}
}

/* ---- reload ---- */

/* The configuration in the bundle <fd>, or NULL with the reason. */
static struct conf *load_bundle(int fd, struct buf *why)
{
	struct conf_source *source = NULL;
	struct conf_report report;
	struct conf *conf = NULL;
	int rc;

	conf_report_init(&report);
	rc = conf_bundle_source(fd, &source);
	if (rc == 0)
		rc = conf_load(source, NULL, &conf, &report);
	if (rc != 0) {
		buf_printf(why, "cannot load the bundle: %s\n", err_text(rc));
		conf_report_print(&report, why);
	}
	conf_report_fini(&report);
	conf_source_free(&source);
	return conf;
}

static void forget_next(struct worker_proc *w)
{
	if (!w->next)
		return;
	server_abort(w->server);
	conf_unref(&w->next);
}

static void on_prepare(struct worker_proc *w, struct control_msg *msg)
{
	struct buf why = {.cap = CONTROL_TEXT};
	char text[512] = "";
	struct conf *conf = NULL;

	forget_next(w);
	if (msg->n_fds == 1 && !w->stopping)
		conf = load_bundle(msg->fds[0], &why);
	else
		buf_c(&why, w->stopping ? "stopping" : "no bundle");
	if (conf && server_prepare(w->server, conf, text, sizeof(text)) != 0) {
		buf_c(&why, text);
		conf_unref(&conf);
	}
	w->next = conf;
	w->next_generation = msg->id;
	control_tell(&w->link, conf ? CONTROL_PREPARED : CONTROL_REFUSED, msg->id, 0,
		     buf_slice(&why));
	buf_fini(&why);
}

static void on_commit(struct worker_proc *w, const struct control_msg *msg)
{
	if (!w->next || w->next_generation != msg->id)
		return;
	server_commit(w->server);
	conf_unref(&w->conf);
	w->conf = w->next;
	w->next = NULL;
	log_set_level((enum log_level)w->conf->log.level);
	server_set_workers(w->server, candidate_workers(w->conf));
	metric_set(w->row, METRIC_WORKER_config_generation, msg->id);
}

/* ---- what else the master says ---- */

static void on_listen(struct worker_proc *w, struct control_msg *msg)
{
	int fd = control_take_fd(msg, 0), rc;

	if (fd < 0)
		return;
	if (w->stopping) {
		close(fd);
		return;
	}
	rc = server_listen(w->server, msg->text.p, msg->id, fd);
	if (rc != 0)
		log_error("proc", "cannot accept for listener %s: %s", msg->text.p, err_text(rc));
}

static void on_logs(struct worker_proc *w, struct control_msg *msg)
{
	enum log_target target = (enum log_target)msg->status;
	unsigned next = 0;

	if (target == LOG_TARGET_FD && msg->n_fds > 0) {
		log_set_fd(control_take_fd(msg, next++));
	} else if (target != LOG_TARGET_FD) {
		char role[24];

		snprintf(role, sizeof(role), "worker[%u]", w->boot->slot);
		log_init(&(struct log_settings){.level = (enum log_level)w->conf->log.level,
						.target = target,
						.fd = -1,
						.role = role});
	}
	server_set_access_fd(w->server, control_take_fd(msg, next));
}

static void on_stop(struct worker_proc *w, const struct control_msg *msg)
{
	uint64_t grace;

	if (str_u64(msg->text, &grace) != 0 || grace > INT64_MAX / 4)
		grace = 0;
	stop(w, (int64_t)grace);
}

static void on_msg(void *arg, struct control_msg *msg)
{
	struct worker_proc *w = arg;

	CHECK_MAGIC(w, WORKER_PROC_MAGIC);
	switch (msg->type) {
	case CONTROL_PREPARE:
		on_prepare(w, msg);
		break;
	case CONTROL_COMMIT:
		on_commit(w, msg);
		break;
	case CONTROL_ABORT:
		forget_next(w);
		break;
	case CONTROL_LISTEN:
		on_listen(w, msg);
		break;
	case CONTROL_UNLISTEN:
		server_unlisten(w->server, msg->text.p, msg->id);
		break;
	case CONTROL_SYNC:
		tell(w, CONTROL_DONE, msg->id, "");
		break;
	case CONTROL_DRAIN:
		server_drain(w->server, msg->status != 0);
		break;
	case CONTROL_LOGS:
		on_logs(w, msg);
		break;
	case CONTROL_STOP:
		on_stop(w, msg);
		break;
	default: /* not for workers: control_recv() lets none through */
		break;
	}
}

/* The master is gone: its successor, if there is one, has workers of its own. */
static void on_master_gone(void *arg)
{
	struct worker_proc *w = arg;

	CHECK_MAGIC(w, WORKER_PROC_MAGIC);
	if (!w->stopping)
		log_warn("proc", "the master is gone: finishing what is open");
	stop(w, w->conf->shutdown_grace);
}

static void on_term(void *arg, unsigned what)
{
	struct worker_proc *w = arg;
	struct signalfd_siginfo info;

	CHECK_MAGIC(w, WORKER_PROC_MAGIC);
	(void)what;
	while (read(w->signal_fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		if (getppid() != w->master)
			on_master_gone(w);
		else if (!w->stopping)
			tell(w, CONTROL_LEAVE, 0, "");
	}
}

/* ---- what comes again and again ---- */

static void on_bell(void *arg, unsigned what)
{
	struct worker_proc *w = arg;
	struct buf text = {.cap = SLOT_REPORT_MAX};
	uint32_t want;

	CHECK_MAGIC(w, WORKER_PROC_MAGIC);
	(void)what;
	(void)doorbell_answer(w->boot->doorbells[w->boot->slot]);
	if (slot_report_wanted(w->slot, &want)) {
		server_report(w->server, &text);
		slot_report_write(w->slot, SLOT_REPORT_REQUESTS, want, text.p, text.n);
		buf_fini(&text);
	}
	server_on_doorbell(w->server);
}

static int64_t to_ns(struct timeval t)
{
	return t.tv_sec * NS_PER_S + t.tv_usec * NS_PER_US;
}

static void count_cpu(struct worker_proc *w)
{
	struct rusage ru;

	if (getrusage(RUSAGE_SELF, &ru) != 0)
		return;
	metric_add(w->row, METRIC_WORKER_cpu_user, (uint64_t)(to_ns(ru.ru_utime) - w->cpu_user));
	metric_add(w->row, METRIC_WORKER_cpu_system,
		   (uint64_t)(to_ns(ru.ru_stime) - w->cpu_system));
	w->cpu_user = to_ns(ru.ru_utime);
	w->cpu_system = to_ns(ru.ru_stime);
}

/* The second number of statm: resident pages. */
static void measure_memory(struct worker_proc *w)
{
	char line[128];
	struct str rest, word;
	uint64_t pages;
	ssize_t n = w->statm_fd < 0 ? -1 : pread(w->statm_fd, line, sizeof(line), 0);

	if (n <= 0)
		return;
	rest = str_of(line, (size_t)n);
	if (str_next(&rest, ' ', &word) && str_next(&rest, ' ', &word) &&
	    str_u64(word, &pages) == 0)
		metric_set(w->row, METRIC_WORKER_rss_bytes,
			   pages * (uint64_t)sysconf(_SC_PAGESIZE));
}

static void on_second(void *arg)
{
	struct worker_proc *w = arg;

	CHECK_MAGIC(w, WORKER_PROC_MAGIC);
	slot_beat(w->slot, clock_mono_exact());
	count_cpu(w);
	measure_memory(w);
	metric_add(w->row, METRIC_WORKER_loop_turns, loop_turns(w->loop) - w->turns);
	w->turns = loop_turns(w->loop);
	metric_add(w->row, METRIC_WORKER_log_dropped, log_dropped() - w->log_dropped);
	w->log_dropped = log_dropped();
	log_tick();
	server_second(w->server);
	loop_timer_set(w->loop, &w->second, clock_mono() + NS_PER_S, on_second, w);
}

/* Once per turn of the loop, when everything of it is done. */
static void on_turn(void *arg)
{
	struct worker_proc *w = arg;
	int64_t busy = loop_busy_ns(w->loop);

	server_turn(w->server);
	if (busy > 0)
		metric_hist(w->row, HIST_WORKER_loop_busy, busy);
}

/* ---- start, in this order; each step says in <why> what was in its way ---- */

static int step_loop(struct worker_proc *w, char *why, size_t size)
{
	w->loop = loop_new();
	if (w->loop)
		return 0;
	snprintf(why, size, "cannot make an event loop");
	return ERR_NOMEM;
}

static int step_control(struct worker_proc *w, char *why, size_t size)
{
	int rc = control_open(&w->link, w->loop, w->boot->control_fd, CONTROL_TO_WORKER, on_msg,
			      on_master_gone, w);

	if (rc != 0)
		snprintf(why, size, "no control channel: %s", err_text(rc));
	return rc;
}

static int step_signals(struct worker_proc *w, char *why, size_t size)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	if (sigprocmask(SIG_BLOCK, &set, NULL) == 0)
		w->signal_fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	if (w->signal_fd >= 0 &&
	    loop_io_add_level(w->loop, &w->signal_io, w->signal_fd, on_term, w) == 0)
		return 0;
	snprintf(why, size, "signalfd: %s", strerror(errno));
	return ERR_SYS;
}

static int step_metrics(struct worker_proc *w, char *why, size_t size)
{
	(void)why;
	(void)size;
	w->row = metrics_row(w->boot->metrics, METRIC_SCOPE_WORKER, 0, w->boot->slot);
	w->statm_fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC); /* -1: not shown */
	metric_set(w->row, METRIC_WORKER_config_generation, w->boot->generation);
	return 0;
}

static int step_server(struct worker_proc *w, char *why, size_t size)
{
	struct server_env env = {.loop = w->loop,
				 .seg = w->boot->seg,
				 .metrics = w->boot->metrics,
				 .slot = w->boot->slot,
				 .n_workers = w->boot->n_workers,
				 .doorbells = w->boot->doorbells};
	int rc = server_new(&env, w->conf, why, size, &w->server);

	if (rc != 0) {
		if (!why[0])
			snprintf(why, size, "%s", err_text(rc));
		return rc;
	}
	server_set_access_fd(w->server, w->boot->access_fd);
	return 0;
}

static int step_timers(struct worker_proc *w, char *why, size_t size)
{
	int bell = w->boot->doorbells[w->boot->slot];

	if (loop_io_add_level(w->loop, &w->bell_io, bell, on_bell, w) != 0) {
		snprintf(why, size, "cannot watch the doorbell: %s", strerror(errno));
		return ERR_SYS;
	}
	on_second(w);
	loop_set_turn_hook(w->loop, on_turn, w);
	return 0;
}

static int (*const steps[])(struct worker_proc *w, char *why, size_t size) = {
	step_loop, step_signals, step_metrics, step_server, step_timers, step_control,
};

/* The step failed, perhaps before there was a channel to say so. */
static void tell_failure(const struct worker_proc *w, const char *why)
{
	(void)!control_send(w->boot->control_fd,
			    &(struct control_msg){.type = CONTROL_FAILED, .text = str_c(why)});
}

static void fini(struct worker_proc *w)
{
	if (!w->loop)
		return;
	/* whatever could call the server is gone before it is: freeing it turns the loop */
	loop_set_turn_hook(w->loop, NULL, NULL);
	loop_timer_clear(w->loop, &w->second);
	loop_timer_clear(w->loop, &w->end);
	loop_io_del(&w->signal_io);
	loop_io_del(&w->bell_io);
	control_close(&w->link);
	if (w->server)
		forget_next(w);
	server_free(&w->server);
	conf_unref(&w->conf);
	loop_free(&w->loop);
}

int worker_main(const struct worker_boot *boot)
{
	struct worker_proc w = {.magic = WORKER_PROC_MAGIC,
				.boot = boot,
				.master = getppid(),
				.link = {.fd = -1},
				.signal_fd = -1,
				.statm_fd = -1};
	char why[512] = "";
	int rc = 0;

	w.slot = slot_get(boot->slots, boot->slot);
	w.conf = conf_ref(boot->conf);
	panic_init(w.slot, boot->slot, server_doing, NULL);
	for (size_t i = 0; rc == 0 && i < COUNTOF(steps); i++)
		rc = steps[i](&w, why, sizeof(why));
	if (rc == 0) {
		tell(&w, CONTROL_READY, 0, "");
		loop_run(w.loop);
	} else {
		tell_failure(&w, why);
	}
	fini(&w);
	return rc == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
