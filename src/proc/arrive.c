/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The program that comes: see upgrade.h. Until arrive_commit() it works on copies of the descriptors
 * that it was handed and changes nothing that the program before could miss.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "obs/metrics.h"
#include "proc/inherit.h"
#include "proc/master.h"
#include "proc/state.h"
#include "shm/recover.h"
#include "shm/seg.h"

extern char **environ;

/* ---- the way back; all of it can be used in a signal handler ---- */

static struct {
	pid_t pid; /* the process that has it; 0 = nobody */
	int exe, notes;
	char **argv, **envp;
} way_back;

static const int fatal[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGSYS, SIGTRAP, SIGALRM};

/* Becomes the program before. Returns when there is no way back, or it is blocked. */
static void go_back(struct str why)
{
	if (way_back.pid == 0 || way_back.pid != getpid())
		return;
	way_back.pid = 0;
	(void)alarm(0); /* an exec would not stop it */
	(void)!write(way_back.notes, why.p, why.n);
	(void)syscall(SYS_execveat, way_back.exe, "", way_back.argv, way_back.envp, AT_EMPTY_PATH);
}

static void on_fatal(int signo)
{
	static const char died[] = "it crashed with signal ";
	char text[sizeof(died) + 2];

	if (signo == SIGALRM) {
		go_back(STR("it was not ready in time"));
	} else {
		memcpy(text, died, sizeof(died) - 1);
		text[sizeof(died) - 1] = (char)('0' + signo / 10);
		text[sizeof(died)] = (char)('0' + signo % 10);
		go_back(str_of(text, sizeof(died) + 1));
	}
	(void)signal(signo, SIG_DFL);
	(void)raise(signo);
}

static void on_exit_early(void)
{
	go_back(STR("it ended"));
}

/* This environment, with the variable that says who comes back. */
static char **back_environment(int from_fd)
{
	static char variable[sizeof(HANDOVER_VARIABLE) + 64];
	char value[64], **envp;
	size_t n = 0;

	while (environ[n])
		n++;
	envp = calloc(n + 2, sizeof(*envp));
	if (!envp)
		return NULL;
	memcpy(envp, environ, n * sizeof(*envp));
	handover_variable(HANDOVER_RESUME, from_fd, value);
	snprintf(variable, sizeof(variable), HANDOVER_VARIABLE "=%s", value);
	envp[n] = variable;
	return envp;
}

static void set_handlers(void (*handler)(int signo))
{
	static char stack[32768];
	const stack_t own = {.ss_sp = stack, .ss_size = sizeof(stack)};
	struct sigaction sa = {.sa_handler = handler, .sa_flags = SA_ONSTACK | SA_NODEFER};
	sigset_t set;

	if (handler != SIG_DFL)
		(void)sigaltstack(&own, NULL);
	sigemptyset(&set);
	for (size_t i = 0; i < COUNTOF(fatal); i++) {
		(void)sigaction(fatal[i], &sa, NULL);
		sigaddset(&set, fatal[i]);
	}
	/* the program before may have come from such a handler itself */
	(void)sigprocmask(SIG_UNBLOCK, &set, NULL);
}

void arrive_guard(struct upgrade *u)
{
	way_back.exe = u->from.exe;
	way_back.notes = u->from.notes;
	way_back.argv = u->argv;
	way_back.envp = back_environment(u->from_fd);
	if (way_back.exe < 0 || !way_back.envp)
		return;
	set_handlers(on_fatal);
	(void)atexit(on_exit_early);
	way_back.pid = getpid();
	(void)alarm(UPGRADE_START_SECONDS);
}

static void end_guard(void)
{
	(void)alarm(0);
	if (way_back.pid == 0)
		return;
	way_back.pid = 0;
	set_handlers(SIG_DFL);
}

void arrive_back(struct upgrade *u, struct str why)
{
	if (u->mode == HANDOVER_UPGRADE)
		go_back(why);
}

/* ---- reading what we were given ---- */

struct fd_check {
	bool good;
};

static void check_open(void *arg, int fd)
{
	struct fd_check *check = arg;

	check->good = check->good && fcntl(fd, F_GETFD) >= 0;
}

static int check_description(const struct upgrade *u)
{
	struct fd_check check = {true};
	pid_t master = u->mode == HANDOVER_TRIAL ? getppid() : getpid();

	if (u->from.pid != master)
		return ERR_REFUSED;
	handover_each_fd(&u->from, check_open, &check);
	return check.good ? 0 : ERR_MISSING;
}

int arrive_read(struct upgrade *u, struct buf *why)
{
	const char *value = getenv(HANDOVER_VARIABLE);
	int rc;

	if (!value)
		return 0;
	u->mode = handover_variable_parse(value, &u->from_fd);
	unsetenv(HANDOVER_VARIABLE);
	rc = u->mode == HANDOVER_NONE ? ERR_VERSION : handover_read(&u->from, u->from_fd);
	if (rc == 0)
		rc = check_description(u);
	if (rc != 0) {
		buf_printf(why, "cannot take over what %s describes: %s", HANDOVER_VARIABLE,
			   err_text(rc));
		return rc;
	}
	/* whatever replaced us may lie there by now: the path is what counts, not what we are */
	if (u->from.path[0])
		snprintf(u->path, sizeof(u->path), "%s", u->from.path);
	return 0;
}

int arrive_trial(struct master *m)
{
	struct upgrade *u = &m->upgrade;
	struct buf told = BUF_INIT;
	struct candidate c;
	int fd, rc = candidate_load(&c, m->conf_file, &told);

	if (rc == 0) {
		fd = fcntl(u->from.segment, F_DUPFD_CLOEXEC, 3);
		rc = fd < 0 ? ERR_SYS : segment_try(fd, c.conf, &told);
		if (rc != 0)
			buf_printf(&told, "the shared memory: %s\n", err_text(rc));
		candidate_discard(&c);
	}
	printf("%.*s", STR_ARG(buf_slice(&told)));
	buf_fini(&told);
	if (rc != 0)
		return MASTER_EXIT_FAILED;
	printf("tiercel %s\n" HANDOVER_PROMISE "\n", PACKAGE_VERSION, HANDOVER_VERSION);
	return fflush(stdout) == 0 ? MASTER_EXIT_OK : MASTER_EXIT_FAILED;
}

/* ---- taking over ---- */

int arrive_sockets(struct upgrade *u)
{
	for (unsigned i = 0; i < u->from.n_listens; i++) {
		int rc = inherit_offer(&u->from.listens[i]);

		if (rc != 0)
			return rc;
	}
	return 0;
}

int arrive_doorbells(struct master *m)
{
	for (unsigned i = 0; i < SLOT_MAX; i++) {
		m->doorbells[i] = fcntl(m->upgrade.from.doorbells[i], F_DUPFD_CLOEXEC, 3);
		if (m->doorbells[i] < 0)
			return ERR_SYS;
	}
	return 0;
}

/* Slots that somebody lives in who was not described: he has no channel, or the program that failed
 * had started him. */
static void find_orphans(struct master *m)
{
	for (unsigned i = 0; i < SLOT_MAX; i++)
		if (!worker_lives(&m->workers[i]) &&
		    slot_state(slot_get(m->memory.slots, i)) != WORKER_FREE)
			crew_adopt_orphan(m, i);
}

void arrive_crew(struct master *m)
{
	const struct handover *h = &m->upgrade.from;
	bool back = m->upgrade.mode == HANDOVER_RESUME;

	m->started_wall = h->started;
	m->generation = h->generation + !back;
	m->draining = h->draining;
	if (back)
		m->n_seats = h->seats;
	for (unsigned i = 0; i < h->n_workers; i++)
		crew_adopt(m, &h->workers[i], back);
	if (m->memory.same_slots)
		find_orphans(m);
	for (unsigned k = 0; back && k < SEAT_MAX; k++)
		m->owner[k] = h->owner[k];
	if (h->admin_pid)
		office_adopt(m, h->admin_pid, h->admin_fd);
	m->reload.again = h->reload;
	m->reload.askers_again.n = h->reload_askers.n;
	memcpy(m->reload.askers_again.ids, h->reload_askers.ids, sizeof(h->reload_askers.ids));
}

_Static_assert((int)RELOAD_ASKERS == HANDOVER_ASKERS, "all that wait are known");

/* ---- the end ---- */

static void close_original(void *arg, int fd)
{
	(void)arg;
	close(fd);
}

static void release_files(struct listen_set *set)
{
	for (size_t i = 0; i < set->n; i++)
		set->entries[i].socks->held = false;
}

static void answer(struct master *m, int code, struct buf *text)
{
	const struct handover_askers *a = &m->upgrade.from.upgrade_askers;

	for (unsigned i = 0; i < a->n; i++)
		office_reply(m, a->ids[i], code, buf_slice(text));
}

/* What the program that failed left behind. */
static void read_notes(int fd, struct buf *out)
{
	char text[4096];
	ssize_t n = pread(fd, text, sizeof(text), 0);

	if (n > 0)
		buf_add(out, text, (size_t)n);
	else
		buf_c(out, "the new program failed");
}

static void tell_failure(struct master *m)
{
	struct buf text = {.cap = CONTROL_TEXT};
	struct str rest, line;

	read_notes(m->upgrade.from.notes, &text);
	buf_printf(&text, "\nupgrade failed: back with tiercel %s, nothing has changed\n",
		   PACKAGE_VERSION);
	rest = buf_slice(&text);
	while (str_next(&rest, '\n', &line))
		if (line.n)
			log_error("upgrade", "%.*s", STR_ARG(line));
	answer(m, ERR_REFUSED, &text);
	buf_fini(&text);
}

static void tell_success(struct master *m)
{
	struct upgrade *u = &m->upgrade;
	struct buf text = {.cap = CONTROL_TEXT};

	buf_printf(&text, "%.*supgraded: tiercel %s took over from tiercel %s\n",
		   STR_ARG(buf_slice(&u->told)), PACKAGE_VERSION, u->from.program);
	log_info("upgrade", "tiercel %s took over from tiercel %s", PACKAGE_VERSION,
		 u->from.program);
	answer(m, 0, &text);
	buf_fini(&text);
}

void arrive_disarm(struct master *m)
{
	struct buf unused = BUF_INIT;

	end_guard();
	release_files(&m->now.listeners);
	release_files(&m->now.office);
	inherit_end(&unused);
	buf_fini(&unused);
	m->upgrade.mode = HANDOVER_NONE;
}

void arrive_commit(struct master *m)
{
	struct upgrade *u = &m->upgrade;
	bool back = u->mode == HANDOVER_RESUME;

	arrive_disarm(m);
	metrics_reload_commit(m->memory.metrics);
	if (back) {
		tell_failure(m);
	} else {
		seg_publish(m->memory.seg);
		share_begin(m);
		crew_stop_elders(m, m->now.conf->shutdown_grace);
		m->trim = true;
		/* it answers the last questions, but takes no new ones: those are for its successor */
		office_renew(m);
		tell_success(m);
	}
	handover_each_fd(&u->from, close_original, NULL);
	close(u->from_fd);
	handover_fini(&u->from);
	buf_fini(&u->told);
	u->from_fd = -1;
}
