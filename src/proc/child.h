/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From the master to a child: fork, then everything that makes the copy a smaller process (signals,
 * descriptors, privileges) before its own work begins. Master only, and the child's first steps.
 */
#ifndef PROC_CHILD_H
#define PROC_CHILD_H

#include "base/prelude.h"

struct master;

struct child_spec {
	const char *name; /* as ps and top show it, at most 15 bytes */
	const char *role; /* in the log: "worker[3]" */
	const int *keep;  /* descriptors it may keep, besides its control socket, the segment's, the
			     doorbells and the log; -1 is skipped */
	size_t n_keep;
	int (*main)(void *arg, int control_fd); /* returns the exit status */
	void *arg;
};

/* Starts one; the master's end of its control socket goes to *out_fd. ERR_SYS, with errno. */
MUST_CHECK int child_start(struct master *m, const struct child_spec *spec, pid_t *out_pid,
			   int *out_fd);

/* Is it a child of this process, alive or not yet reaped? */
bool child_is_ours(pid_t pid);

/* How a process ended, in words: "signal 11 (Segmentation fault), core dumped". */
const char *child_fate(int status);

#endif
