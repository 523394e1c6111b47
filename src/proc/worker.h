/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A worker process: one loop that serves clients (req/server.h), told what to do by the master
 * (proc/control.h). It opens no files and no listening sockets: both come from the master.
 */
#ifndef PROC_WORKER_H
#define PROC_WORKER_H

#include "base/prelude.h"

struct conf;
struct metrics;
struct seg;
struct slots;

/* What it starts with; all of it is the master's memory as it was at the fork. */
struct worker_boot {
	struct conf *conf;   /* in force */
	uint32_t generation; /* its number */
	struct seg *seg;
	struct slots *slots;
	struct metrics *metrics;
	unsigned slot;	      /* where it lives */
	unsigned n_workers;   /* how many there shall be */
	const int *doorbells; /* of every slot */
	int control_fd;	      /* to the master; when that ends, so does the worker, in order */
	int access_fd;	      /* the access log, or -1; taken */
};

/* Runs until told to stop. Privileges and descriptors are dropped already. The exit status. */
int worker_main(const struct worker_boot *boot);

#endif
