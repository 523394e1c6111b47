/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Records: made, shared, evicted, freed.
 */
#ifndef STORE_OBJECT_H
#define STORE_OBJECT_H

#include "store/layout.h"

struct victim;

/*
 * A record in state NEW, in no index, held by the reserved <pin>; room for <inline_n> body bytes or
 * more. Evicts what it must. ERR_LIMIT: larger than a page; ERR_FULL.
 */
MUST_CHECK int object_make(struct l1 *l1, const struct l1_new *spec, uint64_t inline_n,
			   uint32_t pin, struct record **out);

/* Bytes of a record without its body. */
uint64_t object_fixed_bytes(const struct l1_new *spec);

/* The same with the tags' hashes of <old>. */
MUST_CHECK int object_make_like(struct l1 *l1, const struct l1_new *spec, const struct record *old,
				uint64_t inline_n, uint32_t pin, struct record **out);

/* A fill ended too soon: readers see it, nobody finds it. False: it was not filling. Shard locked. */
bool object_break_locked(struct l1 *l1, struct record *r);

/* Links it, in its shard's lock; makes room in the buckets if need be. May stay unlinked. */
void object_publish_locked(struct l1 *l1, struct record *r, unsigned max_variants);

/* Out of the index; freed if nobody holds it. Shard locked. True if it is gone. */
bool object_remove_locked(struct l1 *l1, struct record *r);

/* Frees it if it is in no index and nobody holds it. Shard locked. */
bool object_release_locked(struct l1 *l1, struct record *r);

/* Evicts it, if it still is there, whole, and not pinned. Takes the shard's lock. True if so. */
bool object_evict(struct l1 *l1, const struct victim *v);

/* Takes older variants of <r>'s key with the same selecting fields out of the index. */
void object_supersede_locked(struct l1 *l1, struct record *r);

/* <r> shares the chain of <old>. Both locks. */
void object_share_locked(struct l1 *l1, struct record *r, struct record *old);

/* Gives blocks back; repair uses it too. Lock for space. */
void object_free_locked(struct l1 *l1, struct record *r);

/* Counted in <stored> when it is whole. Lock for space. Returns the bytes of its blocks. */
uint64_t object_account_locked(struct l1 *l1, struct record *r);

/* Was it purged since it was last looked at? Notes what it finds; HARD is not noted, so that it is
 * found again if we die. Shard locked. */
enum purged object_purged_locked(struct l1 *l1, struct record *r);

/* Is it of no use to anybody: purged, or expired beyond all uses? */
bool object_useless(const struct l1 *l1, const struct record *r, int64_t wall_now);

void object_view(const struct record *r, struct l1_view *out);

#endif
