/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The master process: reads and checks the configuration, opens listeners and logs, makes the
 * shared segment, forks workers and the admin process, restarts what dies, reloads, stops. It
 * reads nothing that comes from the network. The only process that may keep privileges.
 */
#ifndef PROC_MASTER_H
#define PROC_MASTER_H

#include "base/prelude.h"

/* Exit statuses of the program. */
enum {
	MASTER_EXIT_OK = 0,	/* stopped as asked */
	MASTER_EXIT_FAILED = 1, /* could not start, or could not go on */
	MASTER_EXIT_CONFIG = 2, /* wrong command line or configuration */
};

/* Runs in the foreground until it is told to stop. Returns the exit status. <argv>: the command line, to
 * start the next program with (proc/upgrade.h). */
int master_run(const char *conf_file, char **argv);

#endif
