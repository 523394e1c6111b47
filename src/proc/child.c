/* SPDX-License-Identifier: BSD-2-Clause */
#include "proc/child.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "proc/state.h"
#include "shm/seg.h"

enum { KEEP_OWN = SLOT_MAX + 4, KEEP_MAX = KEEP_OWN + 16 };

static void close_rest(struct master *m, const struct child_spec *spec, int control_fd, int log_fd)
{
	int keep[KEEP_MAX];
	size_t n = 0;

	ASSERT(spec->n_keep <= KEEP_MAX - KEEP_OWN);
	for (size_t i = 0; i < SLOT_MAX; i++)
		keep[n++] = m->doorbells[i];
	keep[n++] = control_fd;
	keep[n++] = log_fd;
	keep[n++] = seg_fd(m->memory.seg);
	for (size_t i = 0; i < spec->n_keep; i++)
		keep[n++] = spec->keep[i];
	jail_close_all_but(keep, n);
}

/*
 * The child's log goes where the master's goes, but through the descriptor that this struct knows:
 * the copy that the log module holds is among those that are closed here.
 */
static void own_log(struct master *m, const struct child_spec *spec, int control_fd)
{
	const struct logs *logs = &m->now.logs;

	log_init(&(struct log_settings){.level = logs->level, .role = spec->role});
	close_rest(m, spec, control_fd, logs->log_fd);
	log_init(&(struct log_settings){.level = logs->level,
					.target = logs->target,
					.fd = logs->log_fd,
					.role = spec->role});
}

/* Nothing of the child runs before this is through. */
static int enter(struct master *m, const struct child_spec *spec, int control_fd, pid_t master_pid)
{
	char text[128];
	int rc;

	(void)prctl(PR_SET_NAME, spec->name, 0, 0, 0);
	jail_reset_signals();
	own_log(m, spec, control_fd);
	rc = jail_enter(&m->jail, master_pid);
	if (rc == 0)
		return 0;
	if (rc == ERR_REFUSED) /* nobody is left to be told */
		return rc;
	snprintf(text, sizeof(text), "cannot give up privileges: %s", strerror(errno));
	(void)!control_send(control_fd,
			    &(struct control_msg){.type = CONTROL_FAILED, .text = str_c(text)});
	return rc;
}

int child_start(struct master *m, const struct child_spec *spec, pid_t *out_pid, int *out_fd)
{
	pid_t master_pid = getpid(), pid;
	int fds[2];
	int rc = control_pair(fds);

	if (rc != 0)
		return rc;
	fflush(NULL); /* or the copy writes it again */
	pid = fork();
	if (pid < 0) {
		int saved = errno;
		close(fds[0]);
		close(fds[1]);
		errno = saved;
		return ERR_SYS;
	}
	if (pid == 0) {
		clock_refresh();
		if (enter(m, spec, fds[1], master_pid) != 0)
			exit(EXIT_FAILURE);
		exit(spec->main(spec->arg, fds[1]));
	}
	close(fds[1]);
	*out_pid = pid;
	*out_fd = fds[0];
	return 0;
}

bool child_is_ours(pid_t pid)
{
	siginfo_t info;

	return waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0;
}

const char *child_fate(int status)
{
	static char text[96];

	if (WIFSIGNALED(status))
		snprintf(text, sizeof(text), "signal %d (%s)%s", WTERMSIG(status),
			 strsignal(WTERMSIG(status)), WCOREDUMP(status) ? ", core dumped" : "");
	else
		snprintf(text, sizeof(text), "exit status %d", WEXITSTATUS(status));
	return text;
}
