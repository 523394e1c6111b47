/* SPDX-License-Identifier: BSD-2-Clause */
#include "store/index.h"

#include "store/repair.h"
#include "store/space.h"

enum { OFFSET_BITS = 40 };

#define OFFSET_MASK ((UINT64_C(1) << OFFSET_BITS) - 1)

void index_lock(struct l1 *l1, unsigned shard)
{
	if (lock_take(&l1->shards[shard].lock) == LOCK_RECOVERED)
		repair_shard_locked(l1, shard);
}

void index_unlock(struct l1 *l1, unsigned shard)
{
	lock_give(&l1->shards[shard].lock);
}

/* ---- where a key's entry may lie ---- */

struct place {
	struct l1_bucket *first; /* of the shard */
	uint32_t home;		 /* index of the bucket where it belongs */
	uint64_t tag;		 /* in an entry's upper bits */
};

static struct place place_of(const struct l1 *l1, uint64_t hash_hi, uint64_t hash_lo)
{
	uint64_t n = l1->region->n_buckets;

	return (struct place){
		.first = l1->buckets + index_shard(l1, hash_hi) * n,
		.home = (uint32_t)(((unsigned __int128)hash_lo * n) >> 64),
		.tag = hash_hi >> OFFSET_BITS << OFFSET_BITS,
	};
}

static struct l1_bucket *probe(const struct l1 *l1, const struct place *at, uint32_t i)
{
	uint32_t index = at->home + i;
	uint32_t n = l1->region->n_buckets;

	return &at->first[index < n ? index : index - n];
}

void index_prefetch(const struct l1 *l1, const struct l1_hash *hash)
{
	struct place at = place_of(l1, hash->hi, hash->lo);

	__builtin_prefetch(&at.first[at.home]);
}

static struct record *entry_record(const struct l1 *l1, uint64_t entry)
{
	return l1_record(l1, (entry & OFFSET_MASK) * 64);
}

static uint64_t entry_of(const struct l1 *l1, const struct place *at, const struct record *r)
{
	return at->tag | l1_offset(l1, r) / 64;
}

/* What the entry is looked for by. */
struct wanted {
	uint64_t hash_hi, hash_lo;
	struct str text;
};

static bool same_key(const struct record *r, const struct wanted *w)
{
	return r->hash_lo == w->hash_lo && r->hash_hi == w->hash_hi && r->key_n == w->text.n &&
	       memcmp(record_key(r), w->text.p, w->text.n) == 0;
}

/* An answer will read all of it: the misses had better come at once than one after the other. */
static void prefetch_record(const struct record *r)
{
	for (size_t at = 0; at < sizeof(*r) + 2 * CACHE_LINE; at += CACHE_LINE)
		__builtin_prefetch((const char *)r + at);
}

static struct wanted wanted_like(const struct record *r)
{
	return (struct wanted){r->hash_hi, r->hash_lo, str_of(record_key(r), r->key_n)};
}

/* The key's entry and (out_i) how far from home; NULL = none. */
static uint64_t *find_entry(struct l1 *l1, const struct place *at, const struct wanted *w,
			    uint32_t *out_i)
{
	for (uint32_t i = 0; i < L1_PROBES; i++) {
		struct l1_bucket *b = probe(l1, at, i);
		for (int k = 0; k < L1_BUCKET; k++) {
			uint64_t entry = b->entry[k];
			if (!entry || (entry & ~OFFSET_MASK) != at->tag)
				continue;
			prefetch_record(entry_record(l1, entry));
			if (same_key(entry_record(l1, entry), w)) {
				*out_i = i;
				return &b->entry[k];
			}
		}
		if (i == 0 && b->displaced == 0)
			break;
	}
	return NULL;
}

struct record *index_find_locked(struct l1 *l1, const struct l1_key *key)
{
	const struct wanted w = {key->hash.hi, key->hash.lo, key->text};
	struct place at = place_of(l1, w.hash_hi, w.hash_lo);
	uint32_t i;
	uint64_t *entry = find_entry(l1, &at, &w, &i);

	return entry ? entry_record(l1, *entry) : NULL;
}

struct record *index_holds_locked(struct l1 *l1, uint64_t object, uint64_t hash_hi,
				  uint64_t hash_lo)
{
	struct place at = place_of(l1, hash_hi, hash_lo);

	/* <object> is only a number here: it may lead into what is something else by now. */
	for (uint32_t i = 0; i < L1_PROBES; i++) {
		struct l1_bucket *b = probe(l1, &at, i);
		for (int k = 0; k < L1_BUCKET; k++) {
			if (!b->entry[k] || (b->entry[k] & ~OFFSET_MASK) != at.tag)
				continue;
			struct record *r = entry_record(l1, b->entry[k]);
			for (; r->hash_lo == hash_lo && r->hash_hi == hash_hi;
			     r = l1_record(l1, r->older)) {
				if (l1_offset(l1, r) == object)
					return r;
				if (!r->older)
					break;
			}
		}
		if (i == 0 && b->displaced == 0)
			break;
	}
	return NULL;
}

/* ---- changes; <linked> is the truth if we die here, see repair.h ---- */

/* The entry with the fewest uses that nobody has pinned. */
static void note_worst(struct l1 *l1, const struct l1_bucket *b, struct record **worst)
{
	for (int k = 0; k < L1_BUCKET; k++) {
		struct record *r = entry_record(l1, b->entry[k]);
		if (r->pins == 0 && r->state == L1_WHOLE && (!*worst || r->uses < (*worst)->uses))
			*worst = r;
	}
}

static uint64_t *free_entry(struct l1 *l1, const struct place *at, uint32_t *out_i,
			    struct record **out_worst)
{
	*out_worst = NULL;
	for (uint32_t i = 0; i < L1_PROBES; i++) {
		struct l1_bucket *b = probe(l1, at, i);
		for (int k = 0; k < L1_BUCKET; k++) {
			if (!b->entry[k]) {
				*out_i = i;
				return &b->entry[k];
			}
		}
		note_worst(l1, b, out_worst);
	}
	return NULL;
}

bool index_link_locked(struct l1 *l1, struct record *r, struct record **out_worst)
{
	const struct wanted w = wanted_like(r);
	struct place at = place_of(l1, r->hash_hi, r->hash_lo);
	uint32_t i = 0;
	uint64_t *entry = find_entry(l1, &at, &w, &i);

	ASSERT(!r->linked);
	r->older = entry ? (*entry & OFFSET_MASK) * 64 : 0;
	if (!entry) {
		entry = free_entry(l1, &at, &i, out_worst);
		if (!entry)
			return false;
		if (i > 0)
			at.first[at.home].displaced++;
	}
	L1_ORDER();
	*entry = entry_of(l1, &at, r);
	L1_ORDER();
	r->linked = 1;
	return true;
}

void index_unlink_locked(struct l1 *l1, struct record *r)
{
	const struct wanted w = wanted_like(r);
	struct place at = place_of(l1, r->hash_hi, r->hash_lo);
	uint64_t object = l1_offset(l1, r);
	uint32_t i = 0;

	if (!r->linked)
		return;
	uint64_t *entry = find_entry(l1, &at, &w, &i);
	ASSERT(entry);
	r->linked = 0;
	L1_ORDER();
	struct record *v = entry_record(l1, *entry);
	if (v != r) {
		while (v->older != object)
			v = l1_record(l1, v->older);
		v->older = r->older;
	} else if (r->older) {
		*entry = entry_of(l1, &at, l1_record(l1, r->older));
	} else {
		*entry = 0;
		if (i > 0)
			at.first[at.home].displaced--;
	}
	L1_ORDER();
	r->older = 0;
}

/* ---- whole shards ---- */

bool index_relink_locked(struct l1 *l1, struct record *r)
{
	const struct wanted w = wanted_like(r);
	struct place at = place_of(l1, r->hash_hi, r->hash_lo);
	struct record *worst;
	uint32_t i = 0;

	r->linked = 0;
	uint64_t *entry = find_entry(l1, &at, &w, &i);
	if (!entry || entry_record(l1, *entry)->born < r->born)
		return index_link_locked(l1, r, &worst);
	struct record *v = entry_record(l1, *entry);
	while (v->older && l1_record(l1, v->older)->born > r->born)
		v = l1_record(l1, v->older);
	r->older = v->older;
	L1_ORDER();
	v->older = l1_offset(l1, r);
	L1_ORDER();
	r->linked = 1;
	return true;
}

uint64_t index_entry_offset(uint64_t entry)
{
	return (entry & OFFSET_MASK) * 64;
}

bool index_belongs(const struct l1 *l1, const struct record *r, uint64_t bucket, uint64_t entry)
{
	struct place at = place_of(l1, r->hash_hi, r->hash_lo);

	if (entry != entry_of(l1, &at, r))
		return false;
	for (uint32_t i = 0; i < L1_PROBES; i++)
		if (probe(l1, &at, i) == &l1->buckets[bucket])
			return true;
	return false;
}

uint64_t index_displaced(const struct l1 *l1, uint64_t bucket)
{
	uint64_t per_shard = l1->region->n_buckets, n = 0;
	struct place at = {.first = l1->buckets + bucket / per_shard * per_shard,
			   .home = (uint32_t)(bucket % per_shard)};

	for (uint32_t i = 1; i < L1_PROBES; i++) {
		const struct l1_bucket *b = probe(l1, &at, i);
		for (int k = 0; k < L1_BUCKET; k++) {
			const struct record *r = space_record(l1, index_entry_offset(b->entry[k]));
			n += r && place_of(l1, r->hash_hi, r->hash_lo).home == at.home;
		}
	}
	return n;
}

void index_clear_locked(struct l1 *l1, unsigned shard)
{
	struct l1_bucket *b = l1->buckets + (size_t)shard * l1->region->n_buckets;

	memset(b, 0, sizeof(*b) * l1->region->n_buckets);
}
