/* SPDX-License-Identifier: BSD-2-Clause */
#include "store/purge.h"

#include <stdlib.h>
#include <xxhash.h>

#include "base/check.h"
#include "shm/seg.h"
#include "store/purge_priv.h"

enum { VIEW_MAGIC = 0x70757276, LAYOUT = 1, HARD = 0, SOFT = 1 };

struct purge {
	uint32_t magic;
	struct purge_region *r;
};

/* ---- the region ---- */

size_t purge_region_bytes(void)
{
	return sizeof(struct purge_region);
}

uint64_t purge_region_layout(void)
{
	uint64_t h = seg_hash(0, "purge: seq last counts lock sets prefixes; kinds 1 to 6");

	h ^= (uint64_t)LAYOUT << 48 ^ (uint64_t)PURGE_SETS << 24 ^ (uint64_t)PURGE_PRINT_BITS << 16;
	return h ^ sizeof(struct purge_region);
}

static struct purge_region *raw_region(struct seg *seg)
{
	size_t size;
	struct purge_region *r = seg_region(seg, SEG_PURGE, &size);

	return r && size >= sizeof(*r) ? r : NULL;
}

static struct purge_region *region_of(struct seg *seg)
{
	struct purge_region *r = raw_region(seg);

	return r && r->magic == PURGE_MAGIC ? r : NULL;
}

void purge_format(struct seg *seg)
{
	struct purge_region *r = raw_region(seg);

	ASSERT(r != NULL);
	/* a fresh region is zero: do not touch what need not be touched */
	if (r->magic)
		memset(r, 0, sizeof(*r));
	lock_init(&r->lock, LOCK_PURGE);
	r->magic = PURGE_MAGIC;
}

int purge_revive(struct seg *seg)
{
	struct purge_region *r = region_of(seg);

	if (!r || r->seq >> (64 - PURGE_PRINT_BITS))
		return ERR_CORRUPT;
	for (unsigned kind = 0; kind < COUNTOF(r->last[HARD]); kind++)
		if (r->last[HARD][kind] > r->seq || r->last[SOFT][kind] > r->seq)
			return ERR_CORRUPT;
	lock_init(&r->lock, LOCK_PURGE);
	return 0;
}

/* Takes the lock over from a dead holder, so that no worker has to. */
void purge_recover(struct seg *seg, unsigned slot, void *unused)
{
	struct purge_region *r = region_of(seg);

	(void)slot;
	(void)unused;
	if (!r)
		return;
	(void)!lock_take(&r->lock);
	lock_give(&r->lock);
}

struct purge *purge_attach(struct seg *seg)
{
	struct purge_region *r = region_of(seg);
	struct purge *p = r ? calloc(1, sizeof(*p)) : NULL;

	if (p)
		*p = (struct purge){.magic = VIEW_MAGIC, .r = r};
	return p;
}

void purge_detach(struct purge **p)
{
	if (*p)
		(*p)->magic = 0;
	free(*p);
	*p = NULL;
}

/* ---- purging ---- */

uint64_t purge_hash(enum purge_kind kind, struct str subject)
{
	return XXH3_64bits_withSeed(subject.n ? subject.p : "", subject.n, (XXH64_hash_t)kind);
}

static uint64_t load(const uint64_t *word)
{
	return __atomic_load_n(word, __ATOMIC_ACQUIRE);
}

uint64_t purge_now(const struct purge *p)
{
	return load(&p->r->seq);
}

void purge_note_kind(struct purge_region *r, enum purge_kind kind, struct str subject, bool soft,
		     uint64_t seq)
{
	uint64_t *last = &r->last[soft ? SOFT : HARD][kind];

	if (kind == PURGE_PREFIX)
		purge_prefix_add(r, subject, soft, seq);
	else if (kind != PURGE_ALL)
		purge_note(r->sets[soft ? SOFT : HARD], purge_hash(kind, subject), seq);
	/* behind the note: readers who see this look for it */
	if (*last < seq)
		__atomic_store_n(last, seq, __ATOMIC_RELEASE);
}

uint64_t purge_add(struct purge *p, enum purge_kind kind, struct str subject, bool soft)
{
	struct purge_region *r = p->r;

	CHECK_MAGIC(p, VIEW_MAGIC);
	ASSERT(kind >= PURGE_URL && kind <= PURGE_ALL);
	(void)!lock_take(&r->lock); /* no repair needed: see purge_priv.h */
	uint64_t seq = r->seq + 1;
	purge_note_kind(r, kind, subject, soft, seq);
	__atomic_store_n(&r->counts[kind], r->counts[kind] + 1, __ATOMIC_RELAXED);
	__atomic_store_n(&r->seq, seq, __ATOMIC_RELEASE);
	lock_give(&r->lock);
	return seq;
}

/* ---- checking ---- */

/* What the sets of one severity say. Kinds without a purge since <seen> are not looked up. */
static bool noted(const struct purge_region *r, const struct purge_subject *s, unsigned severity,
		  uint64_t seen)
{
	const struct purge_set *sets = r->sets[severity];
	const uint64_t *last = r->last[severity];

	if (load(&last[PURGE_ALL]) > seen)
		return true;
	if (load(&last[PURGE_URL]) > seen && purge_noted(sets, s->url_hash, seen))
		return true;
	if (load(&last[PURGE_HOST]) > seen && purge_noted(sets, s->host_hash, seen))
		return true;
	if (load(&last[PURGE_TAG]) <= seen && load(&last[PURGE_GROUP]) <= seen)
		return false;
	for (unsigned i = 0; i < s->n_tags; i++)
		if (purge_noted(sets, s->tag_hashes[i], seen))
			return true;
	return false;
}

/*
 * Prefixes first: a prefix that is pushed out of the ring has been widened before, under the same
 * lock, so whoever does not find it there any more finds its host in the sets.
 */
enum purged purge_check(const struct purge *p, const struct purge_subject *s, uint64_t seen)
{
	struct purge_region *r = p->r;
	uint64_t now = load(&r->seq);
	enum purged found = PURGED_NOT;

	if (LIKELY(now == seen))
		return PURGED_NOT;
	/* from before a format: it may have missed any number of purges */
	if (now < seen)
		return PURGED_HARD;
	if (load(&r->last[HARD][PURGE_PREFIX]) > seen || load(&r->last[SOFT][PURGE_PREFIX]) > seen)
		found = purge_prefix_check(r, s->url, seen);
	if (found == PURGED_HARD || noted(r, s, HARD, seen))
		return PURGED_HARD;
	return noted(r, s, SOFT, seen) ? PURGED_SOFT : found;
}

void purge_counts(const struct purge *p, uint64_t out[PURGE_ALL + 1])
{
	for (unsigned kind = 0; kind <= PURGE_ALL; kind++)
		out[kind] = __atomic_load_n(&p->r->counts[kind], __ATOMIC_RELAXED);
}
