/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What purge.c (sequence, kinds, life of the region) and purge_notes.c (the notes) share.
 *
 * One purge at a time, under the lock. Its deeds come in an order in which each prefix is in order
 * too: notes first, the number last (release). A purger that dies before the last step leaves notes
 * with a number that the next purge will have: the half purge becomes part of it, nothing is
 * lost. So the lock needs no repair.
 */
#ifndef STORE_PURGE_PRIV_H
#define STORE_PURGE_PRIV_H

#include "shm/lock.h"
#include "store/purge.h"

#define PURGE_MAGIC UINT64_C(0x7075726765000001)

enum {
	PURGE_SETS = 8192,
	PURGE_WAYS = 7,
	PURGE_PRINT_BITS = 20,
};

/*
 * Purges whose subjects hash into this set: the last one of each of seven subjects, as number <<
 * PURGE_PRINT_BITS | fingerprint (0 = free), and the last one of all subjects pushed out. One
 * cache line, atomic words; written under the lock. Readers look at <ways> before <any>, the
 * writer stores <any> before it reuses a way: who misses the old way sees <any>.
 */
struct purge_set {
	uint64_t any;
	uint64_t ways[PURGE_WAYS];
};

/* One of the last prefixes. All under the lock. */
struct purge_prefix {
	uint64_t seq;  /* 0 = none, or being written */
	uint32_t soft; /* 0 or 1 */
	uint32_t n;
	char text[PURGE_PREFIX_MAX];
};

struct purge_region {
	uint64_t magic;
	uint64_t seq;	      /* of the last purge; atomic */
	uint64_t next_prefix; /* prefixes so far: the ring's next place; under the lock */
	uint64_t reserved[5];
	uint64_t last[2][8]; /* of the last purge of each kind, hard and soft; atomic */
	uint64_t counts[8];  /* purges of each kind; atomic */
	struct lock lock;    /* PURGE */
	struct purge_set sets[2][PURGE_SETS]; /* hard, soft */
	struct purge_prefix prefixes[PURGE_PREFIXES];
};

_Static_assert(sizeof(struct purge_set) == CACHE_LINE, "purge_set layout");
_Static_assert(sizeof(struct purge_prefix) == PURGE_PREFIX_MAX + 16, "purge_prefix layout");
_Static_assert(offsetof(struct purge_region, lock) == 4 * CACHE_LINE, "purge_region layout");
_Static_assert(PURGE_ALL < 8, "a word for each kind");

/* Notes that <hash> was purged as number <seq>. Under the lock. */
void purge_note(struct purge_set *sets, uint64_t hash, uint64_t seq);
/* Was it purged after <seen>, for all that the set knows? */
bool purge_noted(const struct purge_set *sets, uint64_t hash, uint64_t seen);

/* Adds a prefix; the one that it pushes out is widened. Under the lock. */
void purge_prefix_add(struct purge_region *r, struct str text, bool soft, uint64_t seq);
/* What prefixes later than <seen> say of <url>. Takes the lock. */
enum purged purge_prefix_check(struct purge_region *r, struct str url, uint64_t seen);

/* Notes purge <seq> of one subject and that there was one of this kind. Under the lock. */
void purge_note_kind(struct purge_region *r, enum purge_kind kind, struct str subject, bool soft,
		     uint64_t seq);

#endif
