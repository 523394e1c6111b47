/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who is evicted next: S3-FIFO (Yang et al., SOSP 2023) in bytes. New objects enter the small queue;
 * what was used again moves to the main one, the rest leaves and is remembered as a ghost; a ghost
 * that comes back enters the main queue. A hit only counts in the record. Under the lock for space.
 */
#ifndef STORE_QUEUE_H
#define STORE_QUEUE_H

#include "store/layout.h"

enum {
	QUEUE_SMALL_PERCENT = 10, /* of the cache */
	QUEUE_USES_MAX = 3,	  /* a record counts up to here */
	QUEUE_PROMOTE = 1,	  /* uses that lead from small to main */
};

/* Who is to leave. A number that is never used again, so that the record can be told from a later
 * one in its place. */
struct victim {
	uint64_t object, born;
	uint64_t hash_hi, hash_lo;
};

/* Queues a whole object with <bytes> to its account: main if its ghost is met. True if it was. */
bool queue_join_locked(struct l1 *l1, struct record *r, uint64_t bytes);

/* Queues <r> where <old>, which it takes the place of, is or was. */
void queue_inherit_locked(struct l1 *l1, struct record *r, enum record_queue queue, uint64_t bytes);

/* If it is queued. */
void queue_leave_locked(struct l1 *l1, struct record *r);

/* The next to leave, which stays queued until it is freed. False: none that is not pinned. */
bool queue_victim_locked(struct l1 *l1, struct victim *out);

/* It was evicted: if from the small queue, its ghost remains. */
void queue_evicted_locked(struct l1 *l1, const struct record *r);

/* Was something of this key evicted lately? With <leave>, remembers it from now on. */
bool queue_ghost_locked(struct l1 *l1, const struct l1_hash *hash, bool leave);

static inline void queue_used(struct record *r)
{
	uint8_t uses = __atomic_load_n(&r->uses, __ATOMIC_RELAXED);

	/* No store when it is at the top: hot records stay shared in all caches. A lost increment
	 * does not matter. */
	if (uses < QUEUE_USES_MAX)
		__atomic_store_n(&r->uses, (uint8_t)(uses + 1), __ATOMIC_RELAXED);
}

#endif
