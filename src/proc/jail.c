/* SPDX-License-Identifier: BSD-2-Clause */
#include "proc/jail.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/check.h"
#include "base/err.h"

int jail_prepare(struct jail *out, const char *user, bool asked, struct buf *why)
{
	struct passwd *pw;
	int n = JAIL_GROUPS;

	*out = (struct jail){.uid = geteuid(), .gid = getegid()};
	if (geteuid() != 0)
		return 0;
	errno = 0;
	pw = getpwnam(user);
	if (!pw && !asked) {
		user = JAIL_NOBODY;
		pw = getpwnam(user);
	}
	if (!pw) {
		buf_printf(
			why,
			"user: no user \"%s\" on this machine: create it (useradd --system %s) or "
			"name another one",
			user, user);
		return ERR_MISSING;
	}
	out->drop = pw->pw_uid != 0;
	out->uid = pw->pw_uid;
	out->gid = pw->pw_gid;
	if (getgrouplist(user, pw->pw_gid, out->groups, &n) < 0)
		n = JAIL_GROUPS; /* more than that: the first ones */
	out->n_groups = n;
	return 0;
}

uint64_t jail_raise_files(void)
{
	struct rlimit r;

	if (getrlimit(RLIMIT_NOFILE, &r) != 0)
		return 0;
	if (r.rlim_cur < r.rlim_max) {
		struct rlimit wish = {r.rlim_max, r.rlim_max};

		if (setrlimit(RLIMIT_NOFILE, &wish) == 0)
			r = wish;
	}
	return r.rlim_cur;
}

static int by_value(const void *a, const void *b)
{
	int x = *(const int *)a, y = *(const int *)b;

	return (x > y) - (x < y);
}

void jail_close_all_but(int *keep, size_t n)
{
	unsigned from = 3;

	qsort(keep, n, sizeof(*keep), by_value);
	for (size_t i = 0; i < n; i++) {
		if (keep[i] < (int)from)
			continue;
		if (keep[i] > (int)from)
			(void)close_range(from, (unsigned)keep[i] - 1, 0);
		from = (unsigned)keep[i] + 1;
	}
	(void)close_range(from, ~0U, 0);
}

void jail_reset_signals(void)
{
	/* a terminal sends these to the whole group; what to do about them is the master's business */
	static const int ignored[] = {SIGPIPE, SIGHUP, SIGINT, SIGQUIT, SIGUSR1, SIGUSR2, SIGTSTP};
	sigset_t none;

	for (int s = 1; s < NSIG; s++)
		if (s != SIGKILL && s != SIGSTOP)
			(void)signal(s, SIG_DFL);
	for (size_t i = 0; i < COUNTOF(ignored); i++)
		(void)signal(ignored[i], SIG_IGN);
	sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
}

static int drop_user(const struct jail *jail)
{
	if (setgroups((size_t)jail->n_groups, jail->groups) != 0)
		return ERR_SYS;
	if (setresgid(jail->gid, jail->gid, jail->gid) != 0)
		return ERR_SYS;
	if (setresuid(jail->uid, jail->uid, jail->uid) != 0)
		return ERR_SYS;
	/* the point of it all: there must be no way back */
	if (setuid(0) == 0 || geteuid() == 0) {
		errno = EPERM;
		return ERR_SYS;
	}
	return 0;
}

/*
 * What a service manager granted for the master's sake (ports below 1024) is not for its children.
 * Who runs as root by choice keeps what root has.
 */
static int drop_capabilities(void)
{
	struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {{0}};

	if (geteuid() == 0)
		return 0;
	(void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	return syscall(SYS_capset, &head, none) == 0 ? 0 : ERR_SYS;
}

/* A changed user makes the process undumpable; undo that only where cores were asked for. */
static void allow_core(void)
{
	struct rlimit r;

	if (getrlimit(RLIMIT_CORE, &r) == 0 && r.rlim_cur > 0)
		(void)prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
}

int jail_enter(const struct jail *jail, pid_t master)
{
	if (jail->drop) {
		int rc = drop_user(jail);
		if (rc != 0)
			return rc;
		allow_core();
	}
	if (drop_capabilities() != 0)
		return ERR_SYS;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return ERR_SYS;
	/* after the change of user, which clears it */
	if (prctl(PR_SET_PDEATHSIG, SIGTERM, 0, 0, 0) != 0)
		return ERR_SYS;
	return getppid() == master ? 0 : ERR_REFUSED;
}
