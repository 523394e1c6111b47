/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The admin process: started after the segment is there, restarted when it dies, replaced when
 * the configuration that it shows has changed. Nothing in the data path depends on it.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "admin/process.h"
#include "base/clock.h"
#include "proc/child.h"
#include "proc/state.h"

static int office_child(void *arg, int control_fd)
{
	struct master *m = arg;
	struct admin_boot boot = {.conf = m->now.conf,
				  .conf_file = m->conf_file,
				  .seg = m->memory.seg,
				  .metrics = m->memory.metrics,
				  .control_fd = control_fd,
				  .socket_fd = -1,
				  .doorbells = m->doorbells,
				  .log_fd = m->now.logs.log_fd,
				  .generation = m->generation,
				  .started = m->started_wall,
				  .master = getppid()};

	for (size_t i = 0; i < m->now.office.n; i++) {
		struct listen_entry *e = &m->now.office.entries[i];

		if (strcmp(e->name, "admin.socket") == 0)
			boot.socket_fd = e->socks->fds[0];
		else if (boot.n_listen < ADMIN_LISTEN_MAX)
			boot.listen_fds[boot.n_listen++] = e->socks->fds[0];
	}
	return admin_main(&boot);
}

void office_reply(struct master *m, uint32_t id, int code, struct str text)
{
	control_tell(&m->admin.link, CONTROL_REPLY, id, code, text);
}

static void on_office_msg(void *arg, struct control_msg *msg)
{
	struct admin_child *a = arg;
	struct master *m = a->master;
	struct buf text = {.cap = CONTROL_TEXT};
	int rc;

	switch (msg->type) {
	case CONTROL_RELOAD:
		reload_ask(m, msg->id);
		break;
	case CONTROL_UPGRADE:
		upgrade_ask(m, msg->id);
		break;
	case CONTROL_REOPEN:
		rc = master_reopen(m, &text);
		control_tell(&a->link, CONTROL_REPLY, msg->id, rc, buf_slice(&text));
		break;
	case CONTROL_SET_DRAIN:
		master_drain(m, msg->status != 0);
		control_tell(&a->link, CONTROL_REPLY, msg->id, 0, STR_NONE);
		break;
	case CONTROL_STATUS:
		status_write(m, &text);
		control_tell(&a->link, CONTROL_REPLY, msg->id, 0, buf_slice(&text));
		break;
	case CONTROL_READY:
		log_debug("proc", "admin (pid %d) is ready", (int)a->pid);
		break;
	case CONTROL_FAILED:
		log_error("proc", "admin (pid %d): %.*s", (int)a->pid, STR_ARG(msg->text));
		break;
	default: /* what only workers say */
		break;
	}
	buf_fini(&text);
}

static void on_overdue(void *arg)
{
	struct admin_child *a = arg;

	log_warn("proc", "admin (pid %d) does not end: killing it", (int)a->pid);
	kill(a->pid, SIGKILL);
}

static void kill_after(struct admin_child *a, int64_t ns)
{
	loop_timer_clear(a->master->loop, &a->killer);
	loop_timer_set(a->master->loop, &a->killer, clock_mono() + ns, on_overdue, a);
}

static void on_office_closed(void *arg)
{
	struct admin_child *a = arg;

	if (a->pid != 0 && !loop_timer_is_set(&a->killer))
		kill_after(a, KILL_MARGIN);
}

static void try_again(void *arg)
{
	office_start(arg);
}

void office_start(struct master *m)
{
	struct admin_child *a = &m->admin;
	int keep[2 + ADMIN_LISTEN_MAX];
	struct child_spec spec = {.name = "tiercel-admin",
				  .role = "admin",
				  .keep = keep,
				  .main = office_child,
				  .arg = m};
	int fd;

	if (m->now.office.n == 0 || a->pid != 0 || m->state == MASTER_STOPPING ||
	    master_arriving(m))
		return; /* nothing to answer on, or another one answers */
	for (size_t i = 0; i < m->now.office.n && i < COUNTOF(keep); i++)
		keep[spec.n_keep++] = m->now.office.entries[i].socks->fds[0];
	a->master = m;
	a->stopping = false;
	a->started = clock_mono();
	if (child_start(m, &spec, &a->pid, &fd) != 0) {
		log_error("proc", "cannot start the admin process: %s", strerror(errno));
		loop_timer_set(m->loop, &a->timer,
			       clock_mono() + backoff_take(&a->backoff, a->started), try_again, m);
		return;
	}
	if (control_open(&a->link, m->loop, fd, CONTROL_TO_MASTER, on_office_msg, on_office_closed,
			 a) != 0)
		log_error("proc", "admin: no control channel");
	if (m->draining)
		control_tell(&a->link, CONTROL_DRAIN, 0, 1, STR_NONE);
}

static void tell_stop(struct admin_child *a, int64_t grace)
{
	char text[24];

	a->stopping = true;
	snprintf(text, sizeof(text), "%lld", (long long)grace);
	control_tell(&a->link, CONTROL_STOP, 0, 0, str_c(text));
	kill_after(a, grace + NS_PER_S);
}

void office_stop(struct master *m, int64_t grace)
{
	loop_timer_clear(m->loop, &m->admin.timer);
	if (m->admin.pid != 0)
		tell_stop(&m->admin, grace);
}

bool office_alive(const struct master *m)
{
	return m->admin.pid != 0;
}

/* The old one ends first; meanwhile its sockets, and who connects to them, wait with the master. */
void office_renew(struct master *m)
{
	if (m->admin.pid == 0) {
		loop_timer_clear(m->loop, &m->admin.timer);
		office_start(m);
	} else if (!m->admin.stopping) {
		tell_stop(&m->admin, NS_PER_S);
	}
}

void office_adopt(struct master *m, pid_t pid, int fd)
{
	struct admin_child *a = &m->admin;
	int copy;

	if (!child_is_ours(pid))
		return; /* the program that failed has buried it */
	copy = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	a->master = m;
	a->pid = pid;
	a->started = clock_mono();
	if (copy < 0 || control_open(&a->link, m->loop, copy, CONTROL_TO_MASTER, on_office_msg,
				     on_office_closed, a) != 0)
		log_error("proc", "admin (pid %d): no control channel", (int)pid);
}

static void bury(struct admin_child *a, int status)
{
	control_read(&a->link);
	control_close(&a->link);
	loop_timer_clear(a->master->loop, &a->killer);
	if (!a->stopping)
		log_error("proc", "admin (pid %d) died: %s", (int)a->pid, child_fate(status));
	a->pid = 0;
}

static bool same_sockets(const struct listen_set *a, const struct listen_set *b)
{
	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++)
		if (a->entries[i].socks != b->entries[i].socks)
			return false;
	return true;
}

bool office_take_config(struct master *m, const struct candidate *old, int fd)
{
	control_say(&m->admin.link,
		    &(struct control_msg){
			    .type = CONTROL_CONFIG, .id = m->generation, .fds = {fd}, .n_fds = 1});
	/* another kind of log cannot be handed over either */
	return !same_sockets(&old->office, &m->now.office) ||
	       old->logs.target != m->now.logs.target;
}

bool office_reaped(struct master *m, pid_t pid, int status)
{
	struct admin_child *a = &m->admin;
	int64_t delay;

	if (pid == 0 || a->pid != pid)
		return false;
	bury(a, status);
	delay = a->stopping ? 0 : backoff_take(&a->backoff, a->started);
	if (m->state != MASTER_STOPPING && delay > 0)
		loop_timer_set(m->loop, &a->timer, clock_mono() + delay, try_again, m);
	else
		office_start(m);
	master_check_progress(m);
	return true;
}
