/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The master's memory, private to src/proc. One process, one thread, one loop. The functions are
 * grouped by the file that defines them.
 *
 * A *seat* is a worker's place: seats 0..n_seats-1 shall be taken, and socket <k> of every TCP
 * listener belongs to seat <k>. A *slot* is a cell in the shared segment, where one process lives.
 * A worker that is replaced while it still finishes requests keeps its slot and loses its seat.
 */
#ifndef PROC_STATE_H
#define PROC_STATE_H

#include "obs/log.h"
#include "proc/candidate.h"
#include "proc/control.h"
#include "proc/jail.h"
#include "proc/reload.h"
#include "proc/segment.h"
#include "proc/upgrade.h"
#include "shm/slots.h"

#define MASTER_MAGIC 0x6d737472U
#define WORKER_MAGIC 0x776f726bU

enum {
	SEAT_MAX = 64,	      /* most workers that shall run */
	SEAT_NONE = SEAT_MAX, /* a worker without a seat */
	START_DEATHS = 3,     /* deaths during start-up that make us give up */
};

#define BACKOFF_FIRST NS_PER_S
#define BACKOFF_MAX (30 * NS_PER_S)
#define BACKOFF_HEALTHY (5 * NS_PER_S) /* who lived this long is restarted at once again */
#define KILL_MARGIN (5 * NS_PER_S)     /* beyond the grace, before SIGKILL */
#define RETIRE_GRACE (3600 * NS_PER_S) /* for the open requests of a worker that gave up its seat */
#define HANG_WARN (5 * NS_PER_S)       /* without a heartbeat */
#define HANG_KILL (30 * NS_PER_S)

enum master_state {
	MASTER_NONE = 0,
#define MASTER_STATE(id, name, next, help) MASTER_##id,
#define RELOAD_PHASE(id, name, next, help)
#include "tbl/master_states.h"
#undef MASTER_STATE
#undef RELOAD_PHASE
	MASTER_STATE_COUNT
};

/* The delay before the next try, doubling while tries fail. */
struct backoff {
	int64_t next; /* ns; 0 = at once */
};

/* One worker process; its place in the array is its slot. */
struct worker {
	uint32_t magic;
	struct master *master;
	unsigned slot;
	unsigned seat; /* or SEAT_NONE */
	pid_t pid;     /* 0 = nobody */
	struct control_link link;
	int64_t started;	  /* mono ns */
	bool foreign;		  /* its slot lies in another segment: no heartbeat is seen */
	bool hangs;		  /* no heartbeat for HANG_WARN: others accept in its place */
	struct loop_timer killer; /* it was told to stop and is late */
	char reason[512];	  /* what it said in FAILED */
};

struct seat {
	struct master *master;
	unsigned slot; /* who sits there, or SLOT_NONE */
	struct backoff backoff;
	struct loop_timer timer; /* for the next try */
};

/* The admin process. */
struct admin_child {
	struct master *master;
	pid_t pid; /* 0 = none */
	struct control_link link;
	int64_t started;
	struct backoff backoff;
	struct loop_timer timer;
	struct loop_timer killer;
	bool stopping; /* told to */
};

struct master {
	uint32_t magic;
	enum master_state state;
	const char *conf_file;
	struct loop *loop;
	struct jail jail;
	int exit_status;
	bool stop_at_once;
	bool finished;	/* no child is left */
	bool draining;	/* answers carry Connection: close, by command */
	uint64_t files; /* RLIMIT_NOFILE */
	int64_t started_wall;

	struct candidate now; /* the configuration in force and what was opened for it */
	uint32_t generation;  /* of the configuration: 1, then +1 per reload */

	struct segment memory;
	bool trim; /* once the workers of the program before are gone: what only they used is freed */
	int doorbells[SLOT_MAX];

	struct worker workers[SLOT_MAX];
	struct seat seats[SEAT_MAX];
	unsigned n_seats;
	unsigned sockets;	  /* sockets per TCP listener: the most seats there ever were */
	unsigned owner[SEAT_MAX]; /* slot that accepts from socket <k>, or SLOT_NONE */
	unsigned start_deaths;
	struct admin_child admin;

	struct reload reload;
	struct upgrade upgrade;
	int stored_fd; /* the segment that the service manager kept; -1 = none */
	int bundle_fd; /* the configuration in force, as its files were; -1 = none */

	int signal_fd;
	struct loop_io signal_io;
	struct loop_timer second;
	int64_t watched;  /* when heartbeats were last looked at, mono ns */
	int64_t awake;	  /* since when this was done every second */
	int64_t watchdog; /* ns between signs of life to the service manager; 0 = none */
};

/* ---- master.c ---- */

/* Moves to <state>; an edge that is not in the table fails an assert. */
void master_set_state(struct master *m, enum master_state state);
const char *master_state_name(enum master_state state);

/* Drain and stop, or (also the second time) stop at once. */
void master_stop(struct master *m, bool at_once);

/* The same, with a reason and a status that is not 0. */
void master_fail(struct master *m, const char *why);

/* Keeps a copy of <fd>, the bundle of the configuration that is in force now. */
void master_keep_bundle(struct master *m, int fd);

/* True between an upgrade's exec and the moment when our own workers are ready: the workers of the
 * program before serve, ours have no sockets yet. */
static inline bool master_arriving(const struct master *m)
{
	return m->upgrade.mode == HANDOVER_UPGRADE;
}

/* After something ended or became ready: is start-up complete, or the stop? */
void master_check_progress(struct master *m);

/* All children: answers carry Connection: close (or no longer). */
void master_drain(struct master *m, bool on);

/* USR1 and REOPEN: opens the log files again and hands them out. */
MUST_CHECK int master_reopen(struct master *m, struct buf *why);

/* Hands the log files out to all children. */
void master_send_logs(struct master *m);

/* What `systemctl status` shows. */
void master_tell_status(struct master *m);

/* Delay before the next try of something that lived since <started>; advances. */
int64_t backoff_take(struct backoff *b, int64_t started);

/* From here on signals wait until the loop asks for them; then this handles them. */
MUST_CHECK int master_open_signals(struct master *m, struct buf *why);
void master_on_signals(void *arg, unsigned what);

/* ---- start.c ---- */

/* All that comes before the first child. MASTER_EXIT_OK, or the exit status, told on stderr. */
MUST_CHECK int master_start(struct master *m);

/* Warnings and errors of the start: to the terminal, whatever the log is. Empties <text>. */
void start_tell(struct buf *text, const char *prefix);

/* ---- crew.c: workers and seats ---- */

void crew_init(struct master *m);

/* Fills the first <n> seats and retires who sits beyond. */
void crew_resize(struct master *m, unsigned n);

/* The process <pid> ended; false when it is none of ours. */
bool crew_reaped(struct master *m, pid_t pid, int status);

/* Tells all to stop; <grace> 0 = at once. */
void crew_stop(struct master *m, int64_t grace);

/* Workers that live, and those that serve. */
unsigned crew_alive(const struct master *m);
unsigned crew_running(const struct master *m);

/* Starts workers on empty seats that wait for nothing (after a reload was decided). */
void crew_fill(struct master *m);

/* Heartbeats. Once a second. */
void crew_watch(struct master *m);

bool worker_serves(const struct worker *w);
bool worker_lives(const struct worker *w);

/* Opens logs anew or after a change: LOGS to one worker. */
void crew_send_logs(struct master *m, struct worker *w);

/* Its control channel over <fd>, which it takes. */
void worker_open_link(struct worker *w, int fd);

/* STOP: what is open may take <grace>; who is late is killed. */
void worker_tell_stop(struct worker *w, int64_t grace);
void worker_kill_after(struct worker *w, int64_t ns);

/* ---- elders.c: workers of the program before ---- */

/* Takes over a worker of the program before: with its seat (<keep>), or until it is told to end. */
void crew_adopt(struct master *m, const struct handover_worker *h, bool keep);

/* The same for one without a control channel; a slot whose worker is gone is repaired. */
void crew_adopt_orphan(struct master *m, unsigned slot);

/* Tells those who have no seat to finish what is open. */
void crew_stop_elders(struct master *m, int64_t grace);

/* True while a worker of an earlier program than the one before us lives. */
bool crew_crowded(const struct handover *h);

/* A worker has ended: was it the last of them? */
void elders_reaped(struct master *m);

/* ---- share.c: who accepts from which socket ---- */

/*
 * Makes owner[] right and tells workers: each socket is served by the worker on its seat, else by
 * some other one that serves. After a worker became ready, died, or gave up its seat.
 */
void share_balance(struct master *m);

/* Worker <w> is ready: it gets the sockets that all share. */
void share_welcome(struct master *m, struct worker *w);

/* After an upgrade: until now the workers of the program before had everything. */
void share_begin(struct master *m);

/* A reload: from <old> to m->now.listeners. */
void share_change(struct master *m, const struct listen_set *old);

/* ---- office.c: the admin process ---- */

void office_start(struct master *m);

/* Replaces it: it answers what it was asked and ends, then a new one starts. */
void office_renew(struct master *m);

/*
 * After a reload: tells it what is in force now (the bundle <fd>). True if it must be renewed all
 * the same, because its sockets are others than <old> had.
 */
bool office_take_config(struct master *m, const struct candidate *old, int fd);
/* Takes over the one of the program before. */
void office_adopt(struct master *m, pid_t pid, int fd);

bool office_reaped(struct master *m, pid_t pid, int status);
void office_stop(struct master *m, int64_t grace);
bool office_alive(const struct master *m);

/* Answer to a question of the admin process; when that one is gone, nothing happens. */
void office_reply(struct master *m, uint32_t id, int code, struct str text);

/* ---- fdstore.c: what the service manager keeps for the next start ---- */

/* When all is ready. */
void fdstore_begin(struct master *m);

/* After a reload: from <old> to m->now.listeners. */
void fdstore_change(struct master *m, const struct listen_set *old);

/* ---- status.c ---- */

/* One JSON object about the processes. */
void status_write(const struct master *m, struct buf *out);

#endif
