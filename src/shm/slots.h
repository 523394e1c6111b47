/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Worker slots: who lives where, and how it is. The master claims and releases; the worker in the
 * slot beats its heart and answers when asked for a report; anybody may read. Every field has one
 * writer, so there is no lock.
 */
#ifndef SHM_SLOTS_H
#define SHM_SLOTS_H

#include "base/err.h"
#include "base/prelude.h"

struct seg;

enum {
	SLOT_MAX = 128,		     /* slots in a segment, at most */
	SLOT_REPORT_MAX = 64 * 1024, /* bytes of a report */
	SLOT_NONE = SLOT_MAX,	     /* "no slot": the master, the admin process */
};

/* States, rows in tbl/worker_states.h. */
enum worker_state {
#define WORKER_STATE(id, name, next, help) WORKER_##id,
#include "tbl/worker_states.h"
#undef WORKER_STATE
	WORKER_STATE_COUNT
};

/* What a report is. */
enum slot_report {
	SLOT_REPORT_NONE = 0,
	SLOT_REPORT_REQUESTS = 1, /* requests in flight, one JSON object per line */
	SLOT_REPORT_PANIC = 2,	  /* last words of a worker that failed an assert */
};

struct slot {
	/* Written by the master. */
	int32_t pid;	     /* process that lives here; 0 = none */
	uint32_t state;	     /* enum worker_state (the worker may set RUNNING and DRAINING) */
	uint32_t generation; /* how many processes have lived here */
	uint32_t deaths;     /* how many of them ended without being told to */
	int32_t last_status; /* wait status of the last one that ended */
	uint32_t reserved;   /* 0 */
	int64_t started;     /* wall clock of the claim, ns since the epoch */
	uint8_t pad1[CACHE_LINE - 32];
	/* Written by the worker. */
	int64_t heartbeat;    /* monotonic clock, ns; 0 = none yet */
	uint32_t report_seq;  /* odd while a report is being written */
	uint32_t report_kind; /* enum slot_report */
	uint32_t report_n;    /* bytes in the report */
	uint32_t report_seen; /* the value of report_want that it answers */
	uint8_t pad2[CACHE_LINE - 24];
	/* Written by whoever asks. */
	uint32_t report_want; /* number of the last question */
	uint8_t pad3[CACHE_LINE - 4];
	uint64_t report[SLOT_REPORT_MAX / 8];
};

_Static_assert(sizeof(struct slot) == 3 * CACHE_LINE + SLOT_REPORT_MAX, "slot layout");

struct slots; /* the region; private to slots.c */

/* For seg_spec: bytes for <n> slots (1..SLOT_MAX), and the layout hash. */
size_t slots_size(unsigned n);
uint64_t slots_layout(void);

/* The slots of <seg>, or NULL if it has none. The master calls it first, before it forks; a fresh
 * region is made ready. */
struct slots *slots_attach(const struct seg *seg);

unsigned slots_count(const struct slots *slots);

/* Slot <i>, which must be below slots_count. */
struct slot *slot_get(struct slots *slots, unsigned i);

/* ---- master ---- */

/* Takes slot <i> for a process about to be forked: FREE -> STARTING, next generation, no report. */
void slot_claim(struct slots *slots, unsigned i, int64_t wall_now);

/* The first free slot, or SLOT_NONE. */
unsigned slots_find_free(struct slots *slots);

/* Tells who lives there, after fork. */
void slot_set_pid(struct slot *slot, int32_t pid);

/* The process has ended (wait status): -> GONE. <expected> = it was told to. */
void slot_gone(struct slot *slot, int status, bool expected);

/* GONE -> FREE, after recovery. The last report stays readable. */
void slot_release(struct slot *slot);

/* The slot where <pid> lives, or SLOT_NONE. */
unsigned slots_find_pid(struct slots *slots, int32_t pid);

/* ---- master and worker ---- */

/* Moves to <state>; false, and nothing is changed, if the table has no such edge. */
bool slot_set_state(struct slot *slot, enum worker_state state);
enum worker_state slot_state(const struct slot *slot);

/* True if the table allows it. */
bool slot_may_follow(enum worker_state from, enum worker_state to);

/* "running"; never NULL. */
const char *worker_state_name(unsigned state);

/* ---- worker ---- */

static inline void slot_beat(struct slot *slot, int64_t mono_now)
{
	__atomic_store_n(&slot->heartbeat, mono_now, __ATOMIC_RELAXED);
}

/* A question that has no answer yet: true once per question asked, with its number. */
bool slot_report_wanted(const struct slot *slot, uint32_t *out_want);

/*
 * Publishes a report, cut at SLOT_REPORT_MAX (behind the last whole line). <want> is the question
 * it answers (0 with PANIC). Plain stores only: safe in a signal handler.
 */
void slot_report_write(struct slot *slot, enum slot_report kind, uint32_t want, const char *text,
		       size_t n);

/* ---- reader ---- */

/* Asks for a report and returns the question's number; the caller rings the worker's doorbell. */
uint32_t slot_report_ask(struct slot *slot);

/*
 * Copies the report that answers <want> (or a later question; 0 = whatever is there) to <out>,
 * which has SLOT_REPORT_MAX bytes. ERR_BUSY: not there yet, or being written; ask again later.
 * Never waits and never returns a torn report.
 */
MUST_CHECK int slot_report_read(const struct slot *slot, uint32_t want, enum slot_report *out_kind,
				char *out, size_t *out_n);

#endif
