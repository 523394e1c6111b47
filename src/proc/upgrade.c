/* SPDX-License-Identifier: BSD-2-Clause */
#include "proc/upgrade.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "proc/child.h"
#include "proc/notify.h"
#include "proc/state.h"
#include "shm/seg.h"

/* ---- what to start ---- */

static bool same_file(const char *path, int fd)
{
	struct stat a, b;

	return stat(path, &a) == 0 && fstat(fd, &b) == 0 && a.st_dev == b.st_dev &&
	       a.st_ino == b.st_ino;
}

/* The name we were started by, links and all: an upgrade may change where a link leads. */
static bool path_by_name(char *out, size_t size, const char *name, int exe_fd)
{
	char dir[PATH_MAX];
	int n = 0;

	if (!strchr(name, '/'))
		return false;
	if (name[0] == '/')
		n = snprintf(out, size, "%s", name);
	else if (getcwd(dir, sizeof(dir)))
		n = snprintf(out, size, "%s/%s", dir, name);
	return n > 0 && (size_t)n < size && same_file(out, exe_fd);
}

void upgrade_init(struct upgrade *u, char **argv)
{
	ssize_t n;

	*u = (struct upgrade){.argv = argv, .said_fd = -1, .from_fd = -1};
	u->said.cap = UPGRADE_SAID;
	handover_init(&u->from);
	u->exe_fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	if (u->exe_fd < 0 || path_by_name(u->path, sizeof(u->path), argv[0], u->exe_fd))
		return;
	n = readlink("/proc/self/exe", u->path, sizeof(u->path) - 1);
	u->path[MAX(n, 0)] = '\0';
	if (!same_file(u->path, u->exe_fd))
		u->path[0] = '\0';
}

void upgrade_fini(struct upgrade *u)
{
	if (u->exe_fd >= 0)
		close(u->exe_fd);
	buf_fini(&u->said);
	buf_fini(&u->told);
	handover_fini(&u->from);
}

/* ---- the description ---- */

static void describe_set(struct handover *h, const struct listen_set *set, bool *out_ok)
{
	for (size_t i = 0; i < set->n; i++) {
		const struct listen_socks *s = set->entries[i].socks;
		struct handover_listen *l;

		if (listen_find(set, s) != &set->entries[i])
			continue; /* two names, one address */
		l = s->n <= HANDOVER_SEATS ? handover_add_listen(h) : NULL;
		if (!l) {
			*out_ok = false;
			return;
		}
		l->kind = s->inherited ? HANDOVER_MANAGER
			  : s->shared  ? HANDOVER_SHARED
				       : HANDOVER_SPREAD;
		l->dev = s->dev;
		l->ino = s->ino;
		l->n = s->n;
		memcpy(l->fds, s->fds, s->n * sizeof(s->fds[0]));
	}
}

static void describe_crew(struct handover *h, const struct master *m)
{
	for (unsigned i = 0; i < SLOT_MAX; i++) {
		const struct worker *w = &m->workers[i];

		if (!worker_lives(w) || w->link.fd < 0)
			continue;
		h->workers[h->n_workers++] = (struct handover_worker){
			.slot = i, .seat = w->seat, .pid = w->pid, .fd = w->link.fd};
	}
	for (unsigned k = 0; k < SEAT_MAX; k++)
		h->owner[k] = m->owner[k];
	if (m->admin.pid && m->admin.link.fd >= 0) {
		h->admin_pid = m->admin.pid;
		h->admin_fd = m->admin.link.fd;
	}
}

static void copy_askers(struct handover_askers *to, const uint32_t *ids, unsigned n)
{
	to->n = MIN(n, (unsigned)HANDOVER_ASKERS);
	memcpy(to->ids, ids, to->n * sizeof(ids[0]));
}

_Static_assert((int)HANDOVER_SLOTS == SLOT_MAX && (int)HANDOVER_SEATS == SEAT_MAX,
	       "the description knows as many as there are");

static int describe(struct handover *h, const struct master *m)
{
	const struct upgrade *u = &m->upgrade;
	bool ok = true;

	snprintf(h->program, sizeof(h->program), "%s", PACKAGE_VERSION);
	snprintf(h->path, sizeof(h->path), "%s", u->path);
	h->pid = getpid();
	h->generation = m->generation;
	h->started = m->started_wall;
	h->draining = m->draining;
	h->seats = m->n_seats;
	h->reload = m->reload.again;
	copy_askers(&h->reload_askers, m->reload.askers_again.ids, m->reload.askers_again.n);
	h->upgrade_askers = u->askers;
	h->exe = u->exe_fd;
	h->bundle = m->bundle_fd;
	h->segment = seg_fd(m->memory.seg);
	memcpy(h->doorbells, m->doorbells, sizeof(h->doorbells));
	h->n_doorbells = SLOT_MAX;
	describe_set(h, &m->now.listeners, &ok);
	describe_set(h, &m->now.office, &ok);
	describe_crew(h, m);
	h->notes = memfd_create("tiercel-notes", MFD_CLOEXEC);
	return ok && h->notes >= 0 && h->bundle >= 0 ? 0 : ERR_SYS;
}

/* ---- the environment of who comes next ---- */

static void keep_open(void *arg, int fd)
{
	(void)arg;
	(void)fcntl(fd, F_SETFD, 0);
}

static void close_on_exec(void *arg, int fd)
{
	(void)arg;
	(void)fcntl(fd, F_SETFD, FD_CLOEXEC);
}

/* Execs the program; returns when that failed, with errno. <h> is described in <fd>. */
static void exec_with(const struct upgrade *u, const struct handover *h, int fd,
		      enum handover_mode mode)
{
	char value[64];
	int saved;

	handover_variable(mode, fd, value);
	setenv(HANDOVER_VARIABLE, value, 1);
	handover_each_fd(h, keep_open, NULL);
	keep_open(NULL, fd);
	execv(u->path, u->argv);
	saved = errno;
	handover_each_fd(h, close_on_exec, NULL);
	close_on_exec(NULL, fd);
	unsetenv(HANDOVER_VARIABLE);
	errno = saved;
}

/* ---- the end of an attempt that came to nothing ---- */

static void log_lines(struct str text, enum log_level level)
{
	struct str line;

	while (str_next(&text, '\n', &line))
		if (line.n)
			log_write(level, "upgrade", "%.*s", STR_ARG(line));
}

/* Tells everybody why we are still the same. */
static void refuse(struct master *m, const char *why)
{
	struct upgrade *u = &m->upgrade;
	struct buf text = {.cap = CONTROL_TEXT};

	buf_str(&text, buf_slice(&u->said));
	buf_printf(&text, "upgrade failed: %s: the running program goes on\n", why);
	log_lines(buf_slice(&text), LOG_LEVEL_ERROR);
	for (unsigned i = 0; i < u->askers.n; i++)
		office_reply(m, u->askers.ids[i], ERR_REFUSED, buf_slice(&text));
	u->askers.n = 0;
	buf_fini(&text);
	buf_reset(&u->said);
	if (m->state == MASTER_UPGRADING) {
		master_set_state(m, MASTER_RUNNING);
		notify_ready();
		master_tell_status(m);
	}
	reload_resume(m);
	upgrade_resume(m);
}

/* ---- the exec ---- */

/* A message that waits in this process would be lost. */
static bool all_said(const struct master *m)
{
	for (unsigned i = 0; i < SLOT_MAX; i++)
		if (worker_lives(&m->workers[i]) && m->workers[i].link.queued)
			return false;
	return m->admin.pid == 0 || m->admin.link.queued == 0;
}

static void take_off(struct master *m)
{
	struct handover h;
	char why[160];
	int fd = -1, rc;

	if (!all_said(m)) {
		refuse(m, "a process does not read what it is told");
		return;
	}
	handover_init(&h);
	rc = describe(&h, m);
	if (rc == 0)
		rc = handover_memfd(&h, &fd);
	if (rc == 0) {
		log_info("upgrade", "starting %s in place of tiercel %s", m->upgrade.path,
			 PACKAGE_VERSION);
		fflush(NULL);
		exec_with(&m->upgrade, &h, fd, HANDOVER_UPGRADE);
	}
	snprintf(why, sizeof(why), "cannot hand over: %s", strerror(errno));
	if (fd >= 0)
		close(fd);
	if (h.notes >= 0)
		close(h.notes);
	handover_fini(&h);
	refuse(m, why);
}

/* ---- the trial ---- */

static void read_said(struct upgrade *u)
{
	char piece[1024];
	ssize_t n;

	while (u->said_fd >= 0 && (n = read(u->said_fd, piece, sizeof(piece))) > 0)
		buf_add(&u->said, piece, (size_t)n);
}

static void on_said(void *arg, unsigned what)
{
	(void)what;
	read_said(arg);
}

static void end_trial(struct master *m)
{
	struct upgrade *u = &m->upgrade;

	loop_timer_clear(m->loop, &u->timer);
	read_said(u);
	if (u->said_fd >= 0) {
		loop_io_del(&u->said_io);
		close(u->said_fd);
	}
	u->said_fd = -1;
	u->trial = 0;
}

/* What a program that manages says last; takes it off the text. */
static bool take_promise(struct buf *said)
{
	char promise[64];
	size_t n =
		(size_t)snprintf(promise, sizeof(promise), HANDOVER_PROMISE "\n", HANDOVER_VERSION);

	if (!str_ends(buf_slice(said), str_of(promise, n)))
		return false;
	said->n -= n;
	return true;
}

bool upgrade_reaped(struct master *m, pid_t pid, int status)
{
	struct upgrade *u = &m->upgrade;
	char why[HANDOVER_PATH + 64];
	bool promised;

	if (pid == 0 || pid != u->trial)
		return false;
	end_trial(m);
	if (m->state != MASTER_UPGRADING)
		return true;
	promised = take_promise(&u->said);
	if (promised && WIFEXITED(status) && WEXITSTATUS(status) == 0) {
		log_lines(buf_slice(&u->said), LOG_LEVEL_INFO);
		take_off(m);
		return true;
	}
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		snprintf(why, sizeof(why), "%s is no program that could take over", u->path);
	else
		snprintf(why, sizeof(why), "the trial run ended with %s", child_fate(status));
	refuse(m, why);
	return true;
}

static void on_trial_late(void *arg)
{
	struct master *m = arg;

	buf_printf(&m->upgrade.said, "no answer within %d s\n",
		   (int)(UPGRADE_TRIAL_TIME / NS_PER_S));
	kill(m->upgrade.trial, SIGKILL);
}

/* The child: what it says goes to <out>. */
NORETURN static void run_trial(const struct upgrade *u, const struct handover *h, int fd, int out)
{
	jail_reset_signals();
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	(void)dup2(out, STDOUT_FILENO);
	(void)dup2(out, STDERR_FILENO);
	exec_with(u, h, fd, HANDOVER_TRIAL);
	dprintf(STDERR_FILENO, "%s: %s\n", u->path, strerror(errno));
	_exit(EXIT_FAILURE);
}

static int fork_trial(struct master *m, const struct handover *h, int fd)
{
	struct upgrade *u = &m->upgrade;
	int ends[2];

	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0)
		return ERR_SYS;
	fflush(NULL);
	u->trial = fork();
	if (u->trial == 0) {
		(void)fcntl(ends[1], F_SETFL, O_WRONLY); /* it need not be able to wait */
		run_trial(u, h, fd, ends[1]);
	}
	close(ends[1]);
	if (u->trial < 0) {
		u->trial = 0;
		close(ends[0]);
		return ERR_SYS;
	}
	u->said_fd = ends[0];
	if (loop_io_add(m->loop, &u->said_io, u->said_fd, on_said, u) != 0)
		log_warn("upgrade", "cannot listen to the trial run");
	loop_timer_set(m->loop, &u->timer, clock_mono() + UPGRADE_TRIAL_TIME, on_trial_late, m);
	return 0;
}

static int start_trial(struct master *m)
{
	struct handover h;
	int fd = -1, rc;

	handover_init(&h);
	rc = describe(&h, m);
	if (rc == 0)
		rc = handover_memfd(&h, &fd);
	if (rc == 0)
		rc = fork_trial(m, &h, fd);
	if (fd >= 0)
		close(fd);
	if (h.notes >= 0)
		close(h.notes);
	handover_fini(&h);
	return rc;
}

/* Slots that new workers could take. */
static unsigned free_slots(struct master *m)
{
	unsigned n = 0;

	for (unsigned i = 0; i < SLOT_MAX; i++)
		n += slot_state(slot_get(m->memory.slots, i)) == WORKER_FREE;
	return n;
}

static void begin(struct master *m)
{
	struct upgrade *u = &m->upgrade;

	master_set_state(m, MASTER_UPGRADING);
	notify_reloading();
	master_tell_status(m);
	if (u->exe_fd < 0 || !u->path[0] || strchr(u->path, '\n'))
		refuse(m, "the path of this program is not known");
	else if (free_slots(m) < m->n_seats)
		refuse(m, "too many workers of earlier upgrades have not ended yet");
	else if (start_trial(m) != 0)
		refuse(m, strerror(errno));
	else
		log_info("upgrade", "trying %s", u->path);
}

/* ---- who asks ---- */

static void remember(struct handover_askers *a, uint32_t id)
{
	if (id != 0 && a->n < HANDOVER_ASKERS) /* more than that: their own deadline answers them */
		a->ids[a->n++] = id;
}

void upgrade_ask(struct master *m, uint32_t id)
{
	struct upgrade *u = &m->upgrade;

	if (m->state == MASTER_STOPPING) {
		if (id)
			office_reply(m, id, ERR_BUSY, STR("stopping: no upgrade any more\n"));
	} else if (m->state == MASTER_UPGRADING) {
		remember(&u->askers, id);
	} else if (m->state != MASTER_RUNNING) {
		u->again = true;
		remember(&u->askers_again, id);
	} else {
		remember(&u->askers, id);
		begin(m);
	}
}

void upgrade_resume(struct master *m)
{
	struct upgrade *u = &m->upgrade;

	if (!u->again || m->state != MASTER_RUNNING)
		return;
	u->again = false;
	u->askers = u->askers_again;
	u->askers_again.n = 0;
	begin(m);
}

void upgrade_cancel(struct master *m)
{
	struct upgrade *u = &m->upgrade;

	if (u->trial) {
		kill(u->trial, SIGKILL);
		end_trial(m);
	}
	for (unsigned i = 0; i < u->askers.n; i++)
		office_reply(m, u->askers.ids[i], ERR_BUSY, STR("stopping\n"));
	for (unsigned i = 0; i < u->askers_again.n; i++)
		office_reply(m, u->askers_again.ids[i], ERR_BUSY, STR("stopping\n"));
	u->askers.n = u->askers_again.n = 0;
	u->again = false;
}
