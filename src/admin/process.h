/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The admin process: unprivileged, one loop; serves tiercelctl on a unix socket, and /metrics,
 * /health, the JSON API and the dashboard over TCP. The master forks it with everything it needs
 * already open; it reads the shared segment, and asks the master over <control_fd>
 * (proc/control.h, side CONTROL_TO_ADMIN) for what only the master can do.
 */
#ifndef ADMIN_PROCESS_H
#define ADMIN_PROCESS_H

#include "base/prelude.h"

struct conf;
struct metrics;
struct seg;

enum { ADMIN_LISTEN_MAX = 8 };

/* Everything here belongs to the master's memory before the fork and lives as long as the process. */
struct admin_boot {
	struct conf *conf;		  /* in force at the start; later ones come as CONFIG */
	const char *conf_file;		  /* as given to the master */
	struct seg *seg;		  /* mapped; read, but for slot->report_want */
	struct metrics *metrics;	  /* attached */
	int control_fd;			  /* to the master; its end (EOF) means: stop */
	int socket_fd;			  /* listening unix socket for tiercelctl, or -1 (off) */
	int listen_fds[ADMIN_LISTEN_MAX]; /* listening TCP sockets for HTTP */
	unsigned n_listen;
	const int *doorbells; /* eventfd of every slot (SLOT_MAX entries) */
	int log_fd;	      /* what obs/log writes to; already set when admin_main runs */
	uint32_t generation;  /* of the configuration: 1, then +1 per reload */
	int64_t started;      /* master's start, wall clock ns */
	pid_t master;	      /* its process id */
};

/*
 * Runs in the child after the fork: privileges dropped, other descriptors closed, signals at
 * their defaults but SIGPIPE, SIGHUP, SIGINT, SIGUSR1 and SIGUSR2 ignored. Sends READY when it
 * serves; ends on STOP or when the control socket ends. Returns the exit status.
 * What it asks the master (id chosen by admin, answered by REPLY with the same id):
 * RELOAD, REOPEN, SET_DRAIN, STATUS. From the master: REPLY, CONFIG, DRAIN, LOGS (fds[0] = log),
 * STOP.
 */
int admin_main(const struct admin_boot *boot);

#endif
