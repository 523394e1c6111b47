/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The master replaces itself by another program, in place: it execs, so the process id, the children
 * and the descriptors stay. Nothing is at stake at any moment:
 *
 *   1. A trial: the new program is run beside us with the description of what it would take over
 *      (proc/handover.h). It reads that, the configuration and the segment, and says so.
 *   2. The exec. The old workers go on accepting and know nothing.
 *   3. The new program starts workers of its own. If that fails, if it crashes or takes too long,
 *      it execs back: the old program finds everything as it left it, and resumes.
 *   4. When all are ready, they get the listening sockets; the old workers finish and end.
 *
 * upgrade.c is the side of the program that goes, arrive.c that of the one that comes. Master only.
 */
#ifndef PROC_UPGRADE_H
#define PROC_UPGRADE_H

#include "net/loop.h"
#include "proc/handover.h"

struct master;

#define UPGRADE_TRIAL_TIME (10 * NS_PER_S)

enum {
	UPGRADE_START_SECONDS = 30, /* for the new program, until its workers are ready */
	UPGRADE_SAID = 8192,	    /* bytes of what a trial said that are kept */
};

struct upgrade {
	char path[HANDOVER_PATH]; /* what to start; "" = unknown */
	char **argv;		  /* with what */
	int exe_fd;		  /* this program, whatever is at <path> by now; -1 = unknown */

	/* going */
	pid_t trial; /* 0 = none */
	int said_fd;
	struct loop_io said_io;
	struct loop_timer timer;
	struct buf said;
	struct handover_askers askers;
	bool again; /* asked for while there was no time for it */
	struct handover_askers askers_again;

	/* coming */
	enum handover_mode mode; /* NONE: an ordinary start, or all is over */
	struct handover from;	 /* its descriptors stay open until arrive_commit() */
	int from_fd;		 /* the description itself */
	struct buf told;	 /* what became of the shared memory */
};

/* ---- upgrade.c ---- */

/* Finds out what program this is. Once, first of all. */
void upgrade_init(struct upgrade *u, char **argv);

void upgrade_fini(struct upgrade *u);

/* Asked by a signal (<id> 0) or by the admin process (answered with this id). */
void upgrade_ask(struct master *m, uint32_t id);

/* Begins the one that was asked for while there was no time for it, if there is one. */
void upgrade_resume(struct master *m);

/* The process <pid> ended; false when it is no trial. */
bool upgrade_reaped(struct master *m, pid_t pid, int status);

/* The master stops: a trial is ended. */
void upgrade_cancel(struct master *m);

/* ---- arrive.c ---- */

/*
 * Were we started to take over? Reads the description. ERR_ code with <why>: we were, and it is no
 * good. u->mode tells the rest.
 */
MUST_CHECK int arrive_read(struct upgrade *u, struct buf *why);

/* A trial: looks at everything, tells, and returns the exit status. */
int arrive_trial(struct master *m);

/* From here on, until arrive_commit(), whatever ends this program leads back to the one before. */
void arrive_guard(struct upgrade *u);

/* Offers the sockets to listen_open(). */
MUST_CHECK int arrive_sockets(struct upgrade *u);

/* Takes the doorbells; copies. */
MUST_CHECK int arrive_doorbells(struct master *m);

/* Takes over the children and what the master before knew; there are a loop and a segment. */
void arrive_crew(struct master *m);

/* Our own workers are ready (or we are back): the way back is closed, the rest changes hands. */
void arrive_commit(struct master *m);

/* The master stops before it was ready: no way back any more. */
void arrive_disarm(struct master *m);

/* It did not work: back to the program before. Returns only where there is none to go back to. */
void arrive_back(struct upgrade *u, struct str why);

#endif
