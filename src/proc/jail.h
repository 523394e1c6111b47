/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a child may be and do. The master looks the user up once, at start (name services are slow
 * and may be away later); each child then drops to it before it reads its first byte.
 */
#ifndef PROC_JAIL_H
#define PROC_JAIL_H

#include "base/buf.h"

enum { JAIL_GROUPS = 64 };

struct jail {
	bool drop; /* the master is root: children become this user */
	uid_t uid;
	gid_t gid;
	gid_t groups[JAIL_GROUPS];
	int n_groups;
};

/* Stands in for the default user where nobody has created it (a try-out as root). */
#define JAIL_NOBODY "nobody"

/*
 * Looks <user> up when we are root; else nothing will be dropped. ERR_MISSING with <why>. <asked>:
 * the configuration names the user, so no other will do.
 */
MUST_CHECK int jail_prepare(struct jail *out, const char *user, bool asked, struct buf *why);

/* Master, at start: as many descriptors as the hard limit allows. Returns the limit. */
uint64_t jail_raise_files(void);

/* Child: everything from descriptor 3 up is closed but <keep> (sorted here; -1 is skipped). */
void jail_close_all_but(int *keep, size_t n);

/* Child: default signal actions, nothing blocked, interactive signals ignored. */
void jail_reset_signals(void);

/*
 * Child: drops privileges for good. <master> is the parent's pid: if it is gone already, or when
 * it goes later, SIGTERM comes. ERR_SYS (errno) or ERR_REFUSED (the master is gone).
 */
MUST_CHECK int jail_enter(const struct jail *jail, pid_t master);

#endif
