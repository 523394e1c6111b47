/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The master's start: everything that can fail before there are children, in order. The same steps
 * make an ordinary start and the arrival of a program that takes over (proc/upgrade.h).
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "net/doorbell.h"
#include "obs/metrics.h"
#include "proc/inherit.h"
#include "proc/master.h"
#include "proc/state.h"
#include "proc/subjects.h"

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
	bool taking_over = m->upgrade.mode != HANDOVER_NONE;
	struct buf unused = BUF_INIT;
	int rc = 0;

	if (taking_over)
		rc = arrive_sockets(&m->upgrade);
	else
		(void)inherit_from_manager(&m->stored_fd);
	if (rc != 0)
		buf_printf(why, "sockets of the program before: %s", err_text(rc));
	else
		rc = candidate_open(&m->now, NULL, &m->jail, why);
	m->sockets = listen_most(&m->now.listeners); /* inherited ones may be more than workers */
	if (taking_over)			     /* it may need the others again */
		return rc;
	inherit_end(&unused);
	if (rc == 0 && unused.n)
		buf_printf(why, "warning: no listener for what the service manager passed: %.*s\n",
			   STR_ARG(buf_slice(&unused)));
	buf_fini(&unused);
	return rc;
}

static int step_segment(struct master *m, struct buf *why)
{
	struct upgrade *u = &m->upgrade;
	bool taking_over = u->mode != HANDOVER_NONE;
	struct segment_want want = {.conf = m->now.conf,
				    .doorbells = m->doorbells,
				    .fd = m->stored_fd,
				    .live = taking_over,
				    .crowded = crew_crowded(&u->from)};
	int rc;

	m->stored_fd = -1;
	if (taking_over)
		want.fd = fcntl(u->from.segment, F_DUPFD_CLOEXEC, 3);
	rc = segment_open(&want, &m->memory, &u->told);
	if (rc != 0) {
		buf_printf(why, "shared memory: %s%s%s", err_text(rc), rc == ERR_SYS ? ": " : "",
			   rc == ERR_SYS ? strerror(errno) : "");
		return rc;
	}
	metrics_reload_begin(m->memory.metrics);
	subjects_register(m->memory.metrics, m->now.conf);
	if (!taking_over) /* else: when there is no way back */
		metrics_reload_commit(m->memory.metrics);
	return 0;
}

static int step_doorbells(struct master *m, struct buf *why)
{
	if (m->upgrade.mode != HANDOVER_NONE) {
		int rc = arrive_doorbells(m);

		if (rc != 0)
			buf_printf(why, "eventfd: %s", strerror(errno));
		return rc;
	}
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
	    loop_io_add_level(m->loop, &m->signal_io, m->signal_fd, master_on_signals, m) == 0)
		return 0;
	buf_c(why, "cannot make an event loop");
	return ERR_SYS;
}

static int (*const steps[])(struct master *m, struct buf *why) = {
	step_user, master_open_signals, step_open, step_doorbells, step_segment, step_loop,
};

/* Warnings and errors of the start: to the terminal, whatever the log is. */
void start_tell(struct buf *text, const char *prefix)
{
	struct str rest = buf_slice(text), line;

	while (str_next(&rest, '\n', &line))
		if (line.n)
			fprintf(stderr, "%s%.*s\n", prefix, STR_ARG(line));
	buf_reset(text);
}

static int load(struct master *m, struct buf *why)
{
	struct upgrade *u = &m->upgrade;

	/* what the file says by now is not what we ran with */
	if (u->mode == HANDOVER_RESUME)
		return candidate_load_bundle(&m->now, u->from.bundle, why);
	return candidate_load(&m->now, m->conf_file, why);
}

int master_start(struct master *m)
{
	struct buf why = BUF_INIT;
	int rc;

	if (m->upgrade.mode == HANDOVER_UPGRADE)
		arrive_guard(&m->upgrade);
	rc = load(m, &why);
	if (rc != 0) {
		arrive_back(&m->upgrade, buf_slice(&why));
		start_tell(&why, "");
		buf_fini(&why);
		return MASTER_EXIT_CONFIG;
	}
	start_tell(&why, "");
	for (size_t i = 0; rc == 0 && i < COUNTOF(steps); i++)
		rc = steps[i](m, &why);
	if (rc != 0)
		arrive_back(&m->upgrade, buf_slice(&why));
	start_tell(&why, "tiercel: ");
	buf_fini(&why);
	return rc == 0 ? MASTER_EXIT_OK : MASTER_EXIT_FAILED;
}
