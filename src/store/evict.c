/* SPDX-License-Identifier: BSD-2-Clause */
#include "store/evict.h"

#include "store/object.h"
#include "store/queue.h"
#include "store/space.h"

enum {
	VICTIMS_MIN = 8,   /* objects evicted in order before a page is emptied */
	TIMES_WANT = 3,	   /* and so many times the bytes that are wanted */
	TRIES_MAX = 20000, /* in all */
	PAGES_MAX = 4,	   /* pages tried */
	LOOK_AT = 32,	   /* pages compared */
	BATCH = 64,	   /* owners of a page asked to go at once */
};

static bool evict_next(struct l1 *l1, struct eviction *e)
{
	struct victim v;

	space_lock(l1);
	uint64_t used = l1_space(l1)->used;
	bool found = queue_victim_locked(l1, &v);
	space_unlock(l1);
	if (!found)
		return false;
	/* If somebody else was faster, there is room all the same. */
	if (object_evict(l1, &v)) {
		uint64_t now = __atomic_load_n(&l1_space(l1)->used, __ATOMIC_RELAXED);
		e->freed += used > now ? used - now : 0;
	}
	e->victims++;
	return true;
}

/* ---- emptying a page ---- */

/* The record that owns block <index> of the page, whichever part of it the block is. */
static struct record *owner_of(const struct l1 *l1, uint32_t page, uint32_t index)
{
	uint64_t owner = l1->blocks[page * l1->region->page_blocks + index].owner;

	return owner > OWNER_MASK ? l1_record(l1, owner & ~(uint64_t)OWNER_MASK) : NULL;
}

/* Everything in it could go right now. */
static bool may_empty(const struct l1 *l1, uint32_t page)
{
	const struct page *p = &l1->pages[page];

	for (uint32_t i = 0; i < l1->class_blocks[p->class - 1]; i++) {
		const struct record *r = owner_of(l1, page, i);
		if (r && (__atomic_load_n(&r->pins, __ATOMIC_RELAXED) > 0 ||
			  r->queue == QUEUE_NONE || r->ring != l1_offset(l1, r)))
			return false;
	}
	return true;
}

/* Of the next pages, the one in which the least is in use. */
static uint32_t choose_page(struct l1 *l1)
{
	struct l1_space *s = l1_space(l1);
	uint32_t n = l1->region->n_pages, best = 0;
	uint64_t least = UINT64_MAX;

	for (uint32_t i = 0; i < MIN(n, (uint32_t)LOOK_AT); i++) {
		uint32_t page = s->hand % n + 1;
		const struct page *p = &l1->pages[page];
		s->hand = page;
		if (!p->class || p->emptier)
			continue;
		uint64_t used = (uint64_t)p->used * l1->class_bytes[p->class - 1];
		if (used < least && may_empty(l1, page)) {
			least = used;
			best = page;
		}
	}
	return best;
}

static unsigned collect(struct l1 *l1, uint32_t page, struct victim *out)
{
	const struct page *p = &l1->pages[page];
	unsigned n = 0;

	for (uint32_t i = 0; n < BATCH && i < l1->class_blocks[p->class - 1]; i++) {
		const struct record *r = owner_of(l1, page, i);
		if (!r || (n > 0 && out[n - 1].born == r->born))
			continue;
		out[n++] = (struct victim){l1_offset(l1, r), r->born, r->hash_hi, r->hash_lo};
	}
	return n;
}

/* True if all that was in the page could leave, or is leaving: then it is in the pool. */
static bool empty_page(struct l1 *l1, uint32_t page)
{
	struct victim batch[BATCH];
	struct page *p = &l1->pages[page];
	uint16_t me = (uint16_t)(l1->slot + 1);
	bool moved = true;

	while (moved) {
		moved = false;
		space_lock(l1);
		/* Freed to the last block it forgets us. */
		bool ours = p->class && p->emptier == me;
		unsigned n = ours ? collect(l1, page, batch) : 0;
		space_unlock(l1);
		if (!ours)
			return true;
		for (unsigned i = 0; i < n; i++)
			moved |= object_evict(l1, &batch[i]);
	}
	space_lock(l1);
	if (p->emptier == me) {
		p->emptier = 0;
		space_relist_locked(l1, page);
	}
	space_unlock(l1);
	return false;
}

static bool evict_page(struct l1 *l1)
{
	space_lock(l1);
	uint32_t page = choose_page(l1);
	if (page) {
		/* Off its list, so that nobody takes what becomes free in it. */
		l1->pages[page].emptier = (uint16_t)(l1->slot + 1);
		space_relist_locked(l1, page);
	}
	space_unlock(l1);
	return page && empty_page(l1, page);
}

bool evict_some(struct l1 *l1, struct eviction *e)
{
	if (++e->tries > TRIES_MAX)
		return false;
	if (e->victims >= VICTIMS_MIN && e->freed >= e->want * TIMES_WANT) {
		if (e->pages++ >= PAGES_MAX)
			return false;
		e->victims = 0;
		e->freed = 0;
		if (evict_page(l1))
			return true;
	}
	if (evict_next(l1, e))
		return true;
	/* Nothing is queued that may go in order. */
	return e->pages++ < PAGES_MAX && evict_page(l1);
}
