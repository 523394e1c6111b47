/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Locks in the shared segment: robust process-shared mutexes. A process that dies while it holds
 * one passes it on: the next taker is told and repairs what the lock protects. Held for
 * straight-line code only; never across a callback, a log call or a wait.
 *
 * Every lock is a row of tbl/locks.h with a rank. Builds with --enable-slow-checks assert that
 * locks are taken in rising rank and given back by who took them.
 */
#ifndef SHM_LOCK_H
#define SHM_LOCK_H

#include <pthread.h>

#include "base/prelude.h"

/* Rows in tbl/locks.h. */
enum lock_kind {
	LOCK_NONE = 0,
#define LOCK(id, rank, where, help) LOCK_##id,
#include "tbl/locks.h"
#undef LOCK
	LOCK_KIND_COUNT
};

/* What lock_take found. */
enum lock_rc {
	LOCK_TAKEN = 1,	    /* it is yours */
	LOCK_RECOVERED = 2, /* it is yours, and its last owner died holding it: repair first */
};

struct lock {
	pthread_mutex_t mutex;
	uint32_t kind;	    /* enum lock_kind */
	uint32_t reserved;  /* 0 */
	uint64_t recovered; /* how often an owner died holding it */
} __attribute__((aligned(CACHE_LINE)));

_Static_assert(sizeof(struct lock) == CACHE_LINE, "lock layout");

/* Makes a lock in the segment; the master, before others can see it. */
void lock_init(struct lock *lock, enum lock_kind kind);

/* Takes it, waiting if need be. */
MUST_CHECK enum lock_rc lock_take(struct lock *lock);

/* The same if it is free or its owner is dead; ERR_BUSY if somebody holds it. */
MUST_CHECK int lock_try(struct lock *lock, enum lock_rc *out_rc);

/* Gives it back. If it was recovered, the data must be whole again by now. */
void lock_give(struct lock *lock);

/* "UPSTREAM"; never NULL. */
const char *lock_kind_name(unsigned kind);
unsigned lock_kind_rank(unsigned kind);

#endif
