/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The index: shards of buckets, each bucket a cache line. An entry leads to the newest variant of a
 * key, which leads to older ones. Everything under the shard's lock.
 */
#ifndef STORE_INDEX_H
#define STORE_INDEX_H

#include "store/layout.h"

static inline unsigned index_shard(const struct l1 *l1, uint64_t hash_hi)
{
	return (unsigned)hash_hi & (l1->region->n_shards - 1);
}

/* Takes the shard's lock; repairs first if its last owner died. */
void index_lock(struct l1 *l1, unsigned shard);
void index_unlock(struct l1 *l1, unsigned shard);

/* Asks for the bucket's line to be fetched, while other things are done. */
void index_prefetch(const struct l1 *l1, const struct l1_hash *hash);

/* The newest variant of the key; NULL = none. */
struct record *index_find_locked(struct l1 *l1, const struct l1_key *key);

/* Links <r> as the newest variant. False: the buckets are full of other keys (see out_worst: whose
 * place might be had). */
bool index_link_locked(struct l1 *l1, struct record *r, struct record **out_worst);

/* Takes it out, if it is in. */
void index_unlink_locked(struct l1 *l1, struct record *r);

/* Is <object> in the index under this hash? */
struct record *index_holds_locked(struct l1 *l1, uint64_t object, uint64_t hash_hi,
				  uint64_t hash_lo);

/* For repair: links it where it belongs by age. False: the buckets are full. */
bool index_relink_locked(struct l1 *l1, struct record *r);

/* For the checker: what an entry leads to; whether <bucket> (of all shards) is where the entry of
 * <r> may lie, and its tag right; how many entries of the bucket's keys lie in following ones. */
uint64_t index_entry_offset(uint64_t entry);
bool index_belongs(const struct l1 *l1, const struct record *r, uint64_t bucket, uint64_t entry);
uint64_t index_displaced(const struct l1 *l1, uint64_t bucket);

/* Forgets everything in the shard. */
void index_clear_locked(struct l1 *l1, unsigned shard);

#endif
