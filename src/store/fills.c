/* SPDX-License-Identifier: BSD-2-Clause */
/* The table of fills: who leads what, how far it is. Watching is in fills_watch.c. */
#include "store/fills.h"

#include <stdlib.h>

#include "net/doorbell.h"
#include "shm/seg.h"
#include "store/fills_priv.h"

enum { LAYOUT = 2 };

/* ---- the region ---- */

size_t fills_region_bytes(void)
{
	return sizeof(struct fills_region);
}

uint64_t fills_region_layout(void)
{
	uint64_t h = seg_hash(0, "fills: counts bells buckets entries marks");

	h ^= (uint64_t)LAYOUT << 48 ^ (uint64_t)FILLS_BUCKETS << 24 ^ (uint64_t)FILLS_WAYS << 16;
	return h ^ sizeof(struct fills_region);
}

/* Formatted or not; NULL if there is none. */
static struct fills_region *raw_region(struct seg *seg)
{
	size_t size;
	struct fills_region *r = seg_region(seg, SEG_FILLS, &size);

	return r && size >= sizeof(*r) ? r : NULL;
}

struct fills_region *fills_region_of(struct seg *seg)
{
	struct fills_region *r = raw_region(seg);

	return r && r->magic == FILLS_MAGIC ? r : NULL;
}

void fills_format(struct seg *seg)
{
	struct fills_region *r = raw_region(seg);

	ASSERT(r != NULL);
	for (unsigned i = 0; i < FILLS_BUCKETS; i++) {
		lock_init(&r->buckets[i].lock, LOCK_FILLS);
		r->buckets[i].used = 0;
	}
	r->magic = FILLS_MAGIC;
}

/* Whatever is in the words, the result is a region in order: numbers and marks may have any value,
 * a wrong mark costs one fetch that nobody waits for. */
void fills_revive(struct seg *seg)
{
	struct fills_region *r = raw_region(seg);

	ASSERT(r != NULL);
	for (unsigned i = 0; i < SLOT_MAX; i++) {
		if (r->counts[i].leads)
			r->counts[i].leads = 0;
		if (r->bells[i].rung)
			r->bells[i].rung = 0;
	}
	fills_format(seg);
}

/* ---- buckets: caller holds the lock ---- */

static struct fill_bucket *bucket_of(struct fills_region *r, const struct l1_hash *key)
{
	return &r->buckets[key->lo % FILLS_BUCKETS];
}

static struct fill_entry *way(struct fills_region *r, const struct fill_bucket *b, unsigned i)
{
	return &r->entries[i][b - r->buckets];
}

static unsigned lowest(uint32_t ways)
{
	return (unsigned)__builtin_ctz(ways);
}

/*
 * A holder that died may have marked an entry as ended without having given it up; that is all
 * that can be half-done, because an entry counts from when its bit is set.
 */
static void take_bucket(struct fills_region *r, struct fill_bucket *b)
{
	if (LIKELY(lock_take(&b->lock) == LOCK_TAKEN))
		return;
	for (uint32_t left = b->used; left; left &= left - 1)
		if (way(r, b, lowest(left))->phase == FILL_ENDED)
			b->used &= ~(left & -left);
}

static unsigned find_way(struct fills_region *r, const struct fill_bucket *b,
			 const struct l1_hash *key)
{
	for (uint32_t left = b->used; left; left &= left - 1) {
		const struct fill_entry *e = way(r, b, lowest(left));
		if (e->lo == key->lo && e->hi == key->hi)
			return lowest(left);
	}
	return FILLS_WAYS;
}

/*
 * Makes a free way the entry of <key>. The number comes first: who reads by an old ticket without
 * the lock (fills_state) notices by it that the rest is not his. The bit comes last.
 */
static void claim(struct fill_bucket *b, struct fill_entry *e, unsigned i, unsigned slot,
		  const struct l1_hash *key)
{
	uint32_t number = e->number + 1;

	__atomic_store_n(&e->number, number ? number : 1, __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_RELEASE);
	e->hi = key->hi;
	e->lo = key->lo;
	e->leader = slot;
	__atomic_store_n(&e->object, 0, __ATOMIC_RELAXED);
	__atomic_store_n(&e->result, FILL_RESULT_UNKNOWN, __ATOMIC_RELAXED);
	__atomic_store_n(&e->phase, FILL_WAITING, __ATOMIC_RELEASE);
	__atomic_store_n(&b->used, b->used | UINT32_C(1) << i, __ATOMIC_RELEASE);
}

static void give_up(struct fill_bucket *b, struct fill_entry *e, unsigned i,
		    enum fill_result result)
{
	if (e->phase != FILL_ENDED) {
		__atomic_store_n(&e->result, result, __ATOMIC_RELAXED);
		__atomic_store_n(&e->phase, FILL_ENDED, __ATOMIC_RELEASE);
	}
	__atomic_store_n(&b->used, b->used & ~(UINT32_C(1) << i), __ATOMIC_RELEASE);
}

/* ---- a process's view ---- */

struct fills *fills_attach(struct seg *seg, unsigned slot, const int *doorbells)
{
	struct fills_region *r = fills_region_of(seg);
	struct fills *f = r ? calloc(1, sizeof(*f)) : NULL;

	ASSERT(slot <= SLOT_NONE);
	if (!f)
		return NULL;
	*f = (struct fills){
		.magic = FILLS_VIEW_MAGIC, .slot = slot, .r = r, .doorbells = doorbells};
	list_init(&f->watched);
	list_init(&f->due);
	list_init(&f->run);
	if (slot == SLOT_NONE)
		return f;
	/* pages of it that are never watched are never touched */
	f->groups = calloc(FILLS_MAX, sizeof(*f->groups));
	if (!f->groups) {
		free(f);
		return NULL;
	}
	__atomic_store_n(&r->bells[slot].rung, 0, __ATOMIC_RELEASE); /* rung for an earlier one */
	return f;
}

void fills_detach(struct fills **f_p)
{
	struct fills *f = *f_p;

	*f_p = NULL;
	if (!f)
		return;
	CHECK_MAGIC(f, FILLS_VIEW_MAGIC);
	ASSERT(list_empty(&f->watched) && list_empty(&f->run));
	f->magic = 0;
	free(f->groups);
	free(f);
}

/* This slot's counts have one writer. */
static void count(uint64_t *n, int64_t add)
{
	__atomic_store_n(n, *n + (uint64_t)add, __ATOMIC_RELAXED);
}

static struct fill_counts *counts_of(struct fills *f)
{
	ASSERT(f->slot < SLOT_MAX);
	return &f->r->counts[f->slot];
}

static void count_join(struct fill_counts *c, enum fills_join rc)
{
	if (rc == FILLS_WAIT) {
		count(&c->waited, 1);
	} else if (rc == FILLS_ALONE) {
		count(&c->alone_full, 1);
	} else {
		count(&c->led, 1);
		count(&c->leads, 1);
	}
}

enum fills_join fills_join(struct fills *f, const struct l1_hash *key, bool exclusive,
			   struct fill_ticket *out_ticket)
{
	struct fill_counts *c = counts_of(f);
	struct fill_bucket *b = bucket_of(f->r, key);
	enum fills_join rc = FILLS_WAIT;

	if (!exclusive && fills_marked(f, key)) {
		count(&c->alone_marked, 1);
		return FILLS_ALONE;
	}
	take_bucket(f->r, b);
	unsigned i = find_way(f->r, b, key);
	if (i == FILLS_WAYS && b->used != UINT32_MAX) {
		i = lowest(~b->used);
		claim(b, way(f->r, b, i), i, f->slot, key);
		rc = FILLS_LEAD;
	} else if (i == FILLS_WAYS) {
		rc = FILLS_ALONE;
	}
	if (rc != FILLS_ALONE)
		*out_ticket = (struct fill_ticket){.entry = i * FILLS_BUCKETS +
							    (uint32_t)(b - f->r->buckets) + 1,
						   .number = way(f->r, b, i)->number};
	lock_give(&b->lock);
	count_join(c, rc);
	return rc;
}

bool fills_busy(struct fills *f, const struct l1_hash *key)
{
	struct fill_bucket *b = bucket_of(f->r, key);

	if (fills_marked(f, key))
		return true;
	take_bucket(f->r, b);
	bool found = find_way(f->r, b, key) != FILLS_WAYS;
	lock_give(&b->lock);
	return found;
}

/* ---- the leader ---- */

/* The entry that <t> leads, or NULL if that is over. */
static struct fill_entry *led(struct fills *f, const struct fill_ticket *t)
{
	struct fill_entry *e = t->entry ? fills_entry(f->r, t->entry - 1) : NULL;

	if (!e || __atomic_load_n(&e->number, __ATOMIC_RELAXED) != t->number)
		return NULL;
	ASSERT(e->leader == f->slot);
	return __atomic_load_n(&e->phase, __ATOMIC_RELAXED) != FILL_ENDED ? e : NULL;
}

void fills_object(struct fills *f, const struct fill_ticket *t, uint64_t object)
{
	struct fill_entry *e = led(f, t);

	if (!e)
		return;
	__atomic_store_n(&e->object, object, __ATOMIC_RELAXED);
	__atomic_store_n(&e->phase, FILL_OBJECT, __ATOMIC_RELEASE);
	fills_tell(f, e);
}

void fills_progress(struct fills *f, const struct fill_ticket *t)
{
	struct fill_entry *e = led(f, t);

	if (e)
		fills_tell(f, e);
}

bool fills_wanted(struct fills *f, const struct fill_ticket *t)
{
	struct fill_entry *e = led(f, t);
	uint64_t bits = 0;

	for (unsigned i = 0; e && i < FILLS_MASK_WORDS; i++)
		bits |= __atomic_load_n(&e->mask[i], __ATOMIC_RELAXED);
	return bits != 0;
}

void fills_nudge(struct fills *f, const struct fill_ticket *t)
{
	struct fill_entry *e = t->entry ? fills_entry(f->r, t->entry - 1) : NULL;

	/* at worst the entry is somebody else's by now, whose watchers look once for nothing */
	if (e && __atomic_load_n(&e->number, __ATOMIC_RELAXED) == t->number)
		fills_tell(f, e);
}

void fills_end(struct fills *f, struct fill_ticket *t, enum fill_result result, int64_t mark_ns)
{
	struct fill_ticket mine = *t;
	struct fill_entry *e = led(f, &mine);

	*t = (struct fill_ticket){0};
	if (!e)
		return;
	struct l1_hash key = {.hi = e->hi, .lo = e->lo};
	struct fill_bucket *b = bucket_of(f->r, &key);
	/* before those who wait come back to join */
	if (result == FILL_RESULT_NOT_STORABLE)
		fills_mark(f, &key, mark_ns);
	take_bucket(f->r, b);
	give_up(b, e, (mine.entry - 1) / FILLS_BUCKETS, result);
	lock_give(&b->lock);
	count(&counts_of(f)->leads, -1);
	fills_tell(f, e);
}

void fills_state(struct fills *f, const struct fill_ticket *t, struct fill_state *out)
{
	struct fill_entry *e = t->entry ? fills_entry(f->r, t->entry - 1) : NULL;

	*out = (struct fill_state){.phase = FILL_ENDED, .result = FILL_RESULT_UNKNOWN};
	if (!e || __atomic_load_n(&e->number, __ATOMIC_ACQUIRE) != t->number)
		return;
	uint32_t phase = __atomic_load_n(&e->phase, __ATOMIC_ACQUIRE);
	uint32_t result = __atomic_load_n(&e->result, __ATOMIC_RELAXED);
	uint64_t object = __atomic_load_n(&e->object, __ATOMIC_RELAXED);
	/* pairs with the fence in claim: if any of these is of the next use, so is the number */
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	if (__atomic_load_n(&e->number, __ATOMIC_RELAXED) != t->number)
		return;
	out->phase = (enum fill_phase)phase;
	out->object = object;
	if (phase == FILL_ENDED)
		out->result = (enum fill_result)result;
}

/* ---- death ---- */

static void end_leads_of(struct fills_region *r, struct fill_bucket *b, unsigned slot)
{
	take_bucket(r, b);
	for (uint32_t left = b->used; left; left &= left - 1) {
		struct fill_entry *e = way(r, b, lowest(left));
		/* a bit that is gone means: look (fills_watch.c). At the others too: the dead one may
		 * have been the reader that a leader's window waits for */
		for (unsigned w = 0; w < FILLS_MASK_WORDS; w++)
			__atomic_store_n(&e->mask[w], 0, __ATOMIC_SEQ_CST);
		if (e->leader != slot)
			continue;
		give_up(b, e, lowest(left), FILL_RESULT_UNKNOWN);
		__atomic_fetch_add(&r->ended_by_death, 1, __ATOMIC_RELAXED);
	}
	lock_give(&b->lock);
}

void fills_recover(struct seg *seg, unsigned slot, void *doorbells)
{
	struct fills_region *r = fills_region_of(seg);

	ASSERT(slot < SLOT_MAX);
	if (!r)
		return;
	for (unsigned i = 0; i < FILLS_BUCKETS; i++)
		end_leads_of(r, &r->buckets[i], slot);
	__atomic_store_n(&r->counts[slot].leads, 0, __ATOMIC_RELAXED);
	/* Everybody, whether he watches these entries or not: the dead one may have taken a bit off
	 * or set a bell, and not have come to ring. */
	for (unsigned i = 0; i < SLOT_MAX; i++) {
		__atomic_fetch_or(&r->bells[i].rung, FILLS_RUNG_ALL, __ATOMIC_SEQ_CST);
		if (doorbells && ((const int *)doorbells)[i] >= 0)
			doorbell_ring(((const int *)doorbells)[i]);
	}
}

/* ---- figures ---- */

static uint64_t figure(const uint64_t *n)
{
	return __atomic_load_n(n, __ATOMIC_RELAXED);
}

void fills_figures(struct fills *f, struct fills_figures *out)
{
	*out = (struct fills_figures){.ended_by_death = figure(&f->r->ended_by_death)};
	for (unsigned i = 0; i < SLOT_MAX; i++) {
		const struct fill_counts *c = &f->r->counts[i];
		out->in_flight += figure(&c->leads);
		out->led += figure(&c->led);
		out->waited += figure(&c->waited);
		out->alone_marked += figure(&c->alone_marked);
		out->alone_full += figure(&c->alone_full);
	}
}
