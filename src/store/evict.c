/* SPDX-License-Identifier: BSD-2-Clause */
#include "store/evict.h"

#include "store/object.h"
#include "store/queue.h"
#include "store/space.h"

enum {
	FREE_PART = 16,	     /* this part of the cache may be free in blocks of other sizes */
	TRIES_MAX = 20000,   /* evictions for one block, at most */
	PAGES_MAX = 8,	     /* pages tried */
	LOOK_AT_PARTIAL = 4, /* pages compared, of each size... */
	LOOK_AT = 32,	     /* ...or of all */
	BATCH = 64,	     /* owners of a page asked to go at once */
};

static bool evict_next(struct l1 *l1, struct eviction *e)
{
	struct victim v;

	space_lock(l1);
	bool found = queue_victim_locked(l1, &v);
	space_unlock(l1);
	if (!found)
		return false;
	/* If somebody else was faster, there is room all the same. */
	(void)object_evict(l1, &v);
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

static void consider(struct l1 *l1, uint32_t page, uint64_t *least, uint32_t *best)
{
	const struct page *p = &l1->pages[page];

	if (!p->class || p->emptier)
		return;
	uint64_t used = (uint64_t)p->used * l1->class_bytes[p->class - 1];
	if (used < *least && may_empty(l1, page)) {
		*least = used;
		*best = page;
	}
}

/* Among some pages of each size that has free blocks, the one in which the least is in use; if
 * nothing is free anywhere, one of the next in turn. */
static uint32_t choose_page(struct l1 *l1)
{
	struct l1_space *s = l1_space(l1);
	uint32_t n = l1->region->n_pages, best = 0;
	uint64_t least = UINT64_MAX;

	for (uint32_t class = 0; class < l1->n_classes; class ++) {
		uint32_t page = s->partial[class];
		for (int i = 0; page && i < LOOK_AT_PARTIAL; i++, page = l1->pages[page].next)
			consider(l1, page, &least, &best);
	}
	for (uint32_t i = 0; !best && i < MIN(n, (uint32_t)LOOK_AT); i++) {
		s->hand = s->hand % n + 1;
		consider(l1, s->hand, &least, &best);
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

/* What is free is there in other sizes, and more than the ups and downs of those explain. */
static bool wrong_sizes(struct l1 *l1, const struct eviction *e)
{
	uint64_t used = __atomic_load_n(&l1_space(l1)->used, __ATOMIC_RELAXED);

	return e->victims > 0 && l1->region->size - used > l1->region->size / FREE_PART + e->want;
}

bool evict_some(struct l1 *l1, struct eviction *e)
{
	if (++e->tries > TRIES_MAX)
		return false;
	if (wrong_sizes(l1, e) && e->pages < PAGES_MAX) {
		e->pages++;
		if (evict_page(l1))
			return true;
	}
	if (evict_next(l1, e))
		return true;
	/* Nothing is queued that may go in order. */
	return e->pages++ < PAGES_MAX && evict_page(l1);
}
