/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What fills.c, fills_watch.c and fills_marks.c share: the region's bytes and one process's view.
 *
 * An entry belongs to its leader from the moment that its bit in the bucket's <used> is set until
 * it is cleared; both happen under the bucket's lock. In between the leader alone writes <phase>,
 * <result> and <object>, without a lock; everybody may set bits in <mask>. <used> is the one word
 * that decides: whoever dies before or after storing it leaves a whole bucket.
 */
#ifndef STORE_FILLS_PRIV_H
#define STORE_FILLS_PRIV_H

#include "base/check.h"
#include "shm/lock.h"
#include "shm/slots.h"
#include "store/fills.h"

#define FILLS_MAGIC UINT64_C(0x66696c6c73000001)

enum {
	FILLS_VIEW_MAGIC = 0x66696c76,
	FILLS_BUCKETS = 512,
	FILLS_WAYS = 32, /* entries per bucket: bits of <used> */
	FILLS_MASK_WORDS = SLOT_MAX / 64,
	MARK_SETS = 8192,
	MARK_WAYS = 8, /* one cache line */
};

/* One fill. The order of stores and loads is explained in fills_watch.c. */
struct fill_entry {
	uint64_t hi, lo;		 /* key; under the lock */
	uint64_t object;		 /* written before <state> says OBJECT; atomic */
	uint64_t mask[FILLS_MASK_WORDS]; /* slots that want to be told of the next step; atomic */
	uint32_t number; /* of this use, never 0 once used; guards what follows; atomic */
	uint32_t phase;	 /* enum fill_phase; atomic */
	uint32_t result; /* enum fill_result, written before ENDED; atomic */
	uint32_t leader; /* slot; under the lock */
	uint64_t reserved;
};

struct fill_bucket {
	struct lock lock;
	uint32_t used; /* bit per way; under the lock */
	uint8_t pad[CACHE_LINE - 4];
};

/* Counts of one slot, written by its worker alone; the numbers outlive the worker. */
struct fill_counts {
	uint64_t leads; /* now; set to 0 when the worker dies */
	uint64_t led, waited, alone_marked, alone_full;
	uint64_t reserved[3];
};

/*
 * What a worker is told: which of the entries that it watches have moved. Leaders set the entry's
 * bit in <moved>, then that word's bit in <words>, then <rung>, then ring; the worker takes them off
 * in the opposite order.
 */
struct fill_bell {
	uint32_t rung; /* bits FILLS_RUNG_ */
	uint32_t reserved;
	uint64_t words[FILLS_MAX / 64 / 64];
	uint8_t pad[CACHE_LINE - 8 - FILLS_MAX / 64 / 8];
	uint64_t moved[FILLS_MAX / 64];
};

enum {
	FILLS_RUNG_MOVED = 1, /* look at <words> */
	FILLS_RUNG_ALL = 2,   /* after a death: look at everything */
};

struct fills_region {
	uint64_t magic;
	uint64_t ended_by_death; /* atomic */
	uint8_t pad[CACHE_LINE - 16];
	struct fill_counts counts[SLOT_MAX];
	struct fill_bell bells[SLOT_MAX];
	struct fill_bucket buckets[FILLS_BUCKETS];
	/* First all first ways, then all second ones: few pages are touched when few are used. */
	struct fill_entry entries[FILLS_WAYS][FILLS_BUCKETS];
	/* Marks: fingerprint in the upper half, expiry in units of MARK_UNIT in the lower; 0 = free. */
	uint64_t marks[MARK_SETS][MARK_WAYS];
};

_Static_assert(sizeof(struct fill_entry) == CACHE_LINE, "fill_entry layout");
_Static_assert(sizeof(struct fill_bucket) == 2 * CACHE_LINE, "fill_bucket layout");
_Static_assert(sizeof(struct fill_bell) == CACHE_LINE + FILLS_MAX / 8, "fill_bell layout");
_Static_assert(sizeof(struct fill_counts) == CACHE_LINE, "fill_counts layout");
_Static_assert(offsetof(struct fills_region, entries) % CACHE_LINE == 0, "entries on lines");
_Static_assert(offsetof(struct fills_region, marks) % CACHE_LINE == 0, "marks on lines");
_Static_assert(FILLS_BUCKETS *FILLS_WAYS == FILLS_MAX, "entries");

/* Those of this process who watch one entry. */
struct fill_group {
	struct list watchers;
	struct list_node node; /* on <watched> while there are watchers */
	struct list_node due;  /* on <due>: look in the next turn without being rung */
};

struct fills {
	uint32_t magic;
	unsigned slot; /* SLOT_NONE: looks only */
	struct fills_region *r;
	const int *doorbells;
	struct list watched; /* groups that have watchers */
	struct list due;     /* groups to look at in the next turn */
	struct list run;     /* watchers to be called in this turn, by their run_node */
	bool in_turn;
	struct fill_group *groups; /* one per entry, made ready when first watched */
};

struct fills_region *fills_region_of(struct seg *seg);

static inline struct fill_entry *fills_entry(struct fills_region *r, uint32_t index)
{
	ASSERT(index < FILLS_MAX);
	return &r->entries[index / FILLS_BUCKETS][index % FILLS_BUCKETS];
}

/* The leader has changed something that watchers look at: they are told. */
void fills_tell(struct fills *f, struct fill_entry *e);

#endif
