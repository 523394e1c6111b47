/* SPDX-License-Identifier: BSD-2-Clause */
#include "store/repair.h"

#include "store/index.h"
#include "store/object.h"
#include "store/queue.h"
#include "store/space.h"

/* ---- walking all records ---- */

typedef void record_fn(struct l1 *l1, void *arg, struct record *r);

static uint32_t page_blocks(const struct l1 *l1, const struct page *p)
{
	return p->class ? MIN(l1->class_blocks[p->class - 1], p->described) : 0;
}

static void each_record(struct l1 *l1, record_fn *fn, void *arg)
{
	for (uint32_t page = 1; page <= l1->region->n_pages; page++) {
		/* <fn> may free what is in the page, and so the page. */
		for (uint32_t i = 0; i < page_blocks(l1, &l1->pages[page]); i++) {
			uint32_t b = page * l1->region->page_blocks + i;
			if ((l1->blocks[b].owner & OWNER_MASK) != OWNER_RECORD)
				continue;
			struct record *r = space_record(l1, space_block_at(l1, b));
			if (r)
				fn(l1, arg, r);
		}
	}
}

/* ---- space: what living records lead to ---- */

static bool seen(const struct l1 *l1, uint32_t block)
{
	return __atomic_load_n(&l1->blocks[block].flags, __ATOMIC_RELAXED) & BLOCK_SEEN;
}

static void set_seen(struct l1 *l1, uint32_t block)
{
	__atomic_fetch_or(&l1->blocks[block].flags, BLOCK_SEEN, __ATOMIC_RELAXED);
}

static void clear_seen(struct l1 *l1)
{
	for (uint32_t page = 1; page <= l1->region->n_pages; page++)
		for (uint32_t i = 0; i < page_blocks(l1, &l1->pages[page]); i++)
			__atomic_fetch_and(&l1->blocks[page * l1->region->page_blocks + i].flags,
					   ~(uint32_t)BLOCK_SEEN, __ATOMIC_RELAXED);
}

static bool has_pin(const struct l1 *l1, const struct record *r)
{
	uint64_t object = l1_offset(l1, r);

	if (r->filler >= SLOT_MAX)
		return false;
	uint32_t high = MIN(l1_pin_head(l1, r->filler)->high, (uint32_t)L1_PINS);
	for (uint32_t i = 0; i < high; i++)
		if ((l1_pin_table(l1, r->filler)[i].object & ~(uint64_t)PIN_FLAGS) == object)
			return true;
	return false;
}

/* A record that was just being made, and whose maker died before or after he noted his pin. */
static void settle_new(struct l1 *l1, void *arg UNUSED, struct record *r)
{
	r->ring = l1_offset(l1, r);
	if (r->state != RECORD_NEW || r->pins > 0)
		return;
	if (has_pin(l1, r))
		r->pins = 1;
	else
		r->magic = RECORD_DEAD;
}

/* Cuts the chain where it does not go on; what a reader gets is then not whole. */
static void cut_chain(struct l1 *l1, struct record *r, uint32_t last)
{
	if (last)
		l1->blocks[last].next = 0;
	else
		r->first = 0;
	if (r->state == L1_WHOLE)
		__atomic_store_n(&r->state, L1_BROKEN, __ATOMIC_RELEASE);
}

static void own_chain(struct l1 *l1, struct record *r)
{
	uint64_t self = l1_offset(l1, r) | OWNER_BODY;
	uint32_t last = 0, b = r->first;

	while (b) {
		if (!space_block_valid(l1, b) || seen(l1, b) ||
		    (l1->blocks[b].owner & OWNER_MASK) != OWNER_BODY) {
			cut_chain(l1, r, last);
			break;
		}
		set_seen(l1, b);
		l1->blocks[b].owner = self;
		last = b;
		b = l1->blocks[b].next;
	}
	r->last = last;
}

/* Marks what <r> leads to. The first of those that share a chain owns it. */
static void reach(struct l1 *l1, void *arg UNUSED, struct record *r)
{
	struct record *o = NULL;

	set_seen(l1, r->block);
	r->chain_payload = 0;
	r->last = 0;
	if (!r->first)
		return;
	if (space_block_valid(l1, r->first) && seen(l1, r->first))
		o = space_record(l1, l1->blocks[r->first].owner & ~(uint64_t)OWNER_MASK);
	if (o && o != r && o->first == r->first) {
		r->ring = o->ring;
		o->ring = l1_offset(l1, r);
		r->last = o->last;
		return;
	}
	own_chain(l1, r);
	if (r->state == L1_WHOLE)
		r->chain_payload =
			r->length - MIN(r->length, (uint64_t)r->inline_n) + r->trailers_n;
}

/* What was not reached is free. */
static void sweep_page(struct l1 *l1, uint32_t page)
{
	struct page *p = &l1->pages[page];
	uint32_t n = page_blocks(l1, p);

	p->used = p->free = 0;
	p->fresh = n;
	p->emptier = 0;
	p->list = PAGE_NOWHERE;
	/* Perhaps it was just being given its memory. */
	if (!p->class)
		p->backed = 0;
	for (uint32_t i = n; i < p->described; i++)
		l1->blocks[page * l1->region->page_blocks + i] = (struct block){0};
	for (uint32_t i = n; i > 0; i--) {
		struct block *b = &l1->blocks[page * l1->region->page_blocks + i - 1];
		if (seen(l1, page * l1->region->page_blocks + i - 1)) {
			p->used++;
			l1_space(l1)->used += l1->class_bytes[p->class - 1];
			continue;
		}
		space_forget_locked(l1, page * l1->region->page_blocks + i - 1);
		b->next = p->free;
		p->free = i;
	}
	space_relist_locked(l1, page);
}

static void sweep(struct l1 *l1)
{
	struct l1_space *s = l1_space(l1);

	memset(s->partial, 0, sizeof(s->partial));
	s->has_partial = 0;
	s->backed = s->bare = s->free_pages = 0;
	s->used = 0;
	for (uint32_t page = l1->region->n_pages; page > 0; page--)
		sweep_page(l1, page);
}

static void count(struct l1 *l1, void *arg UNUSED, struct record *r)
{
	struct l1_space *s = l1_space(l1);

	s->objects++;
	s->filling += r->state == RECORD_NEW || r->state == L1_FILLING;
	s->stored += r->payload + r->chain_payload;
}

/* ---- queues ---- */

/* Is the list as it should be, with <n> records in it? Then the order is kept. */
static bool queue_whole(struct l1 *l1, enum record_queue queue, uint64_t n)
{
	struct l1_queue *q = &l1_space(l1)->queues[queue];
	uint64_t at = q->newest, newer = 0, count_seen = 0, bytes = 0;

	while (at && count_seen <= n) {
		struct record *r = space_record(l1, at);
		if (!r || r->queue != queue || r->newer_in_queue != newer)
			return false;
		count_seen++;
		bytes += r->charge;
		newer = at;
		at = r->older_in_queue;
	}
	if (count_seen != n || newer != q->oldest)
		return false;
	q->bytes = bytes;
	q->count = n;
	return true;
}

static void count_queued(struct l1 *l1 UNUSED, void *arg, struct record *r)
{
	uint64_t *n = arg;

	/* On its way from one end to the other. */
	if (r->queue > QUEUE_MAIN || (r->queue == QUEUE_NONE && r->state == L1_WHOLE && !r->stream))
		r->queue = QUEUE_SMALL;
	n[r->queue]++;
}

static void join_again(struct l1 *l1, void *arg, struct record *r)
{
	enum record_queue queue = *(enum record_queue *)arg;

	if (r->queue != queue)
		return;
	r->queue = QUEUE_NONE;
	queue_inherit_locked(l1, r, queue, r->charge);
}

static void repair_queues(struct l1 *l1)
{
	uint64_t n[3] = {0};

	each_record(l1, count_queued, n);
	for (enum record_queue queue = QUEUE_SMALL; queue <= QUEUE_MAIN; queue++) {
		if (queue_whole(l1, queue, n[queue]))
			continue;
		l1_space(l1)->queues[queue] = (struct l1_queue){0};
		each_record(l1, join_again, &queue);
	}
}

void repair_space_locked(struct l1 *l1)
{
	struct l1_space *s = l1_space(l1);

	each_record(l1, settle_new, NULL);
	clear_seen(l1);
	each_record(l1, reach, NULL);
	sweep(l1);
	clear_seen(l1);
	s->objects = s->filling = s->stored = 0;
	each_record(l1, count, NULL);
	repair_queues(l1);
}

/* ---- a shard: what is linked, and who has it pinned ---- */

static void unpin_all(struct l1 *l1, void *arg, struct record *r)
{
	if (index_shard(l1, r->hash_hi) == *(unsigned *)arg)
		r->pins = 0;
}

static void relink(struct l1 *l1, void *arg, struct record *r)
{
	if (index_shard(l1, r->hash_hi) != *(unsigned *)arg)
		return;
	r->older = 0;
	if (r->state == L1_BROKEN)
		r->linked = 0;
	if (r->linked)
		(void)index_relink_locked(l1, r);
}

static void release(struct l1 *l1, void *arg, struct record *r)
{
	if (index_shard(l1, r->hash_hi) == *(unsigned *)arg && !r->linked && r->pins == 0)
		object_free_locked(l1, r);
}

static void count_pins(struct l1 *l1, unsigned shard)
{
	for (unsigned s = 0; s < SLOT_MAX; s++) {
		uint32_t high = MIN(l1_pin_head(l1, s)->high, (uint32_t)L1_PINS);
		for (uint32_t i = 0; i < high; i++) {
			uint64_t o =
				__atomic_load_n(&l1_pin_table(l1, s)[i].object, __ATOMIC_RELAXED);
			struct record *r = o ? space_record(l1, o & ~(uint64_t)PIN_FLAGS) : NULL;
			if (r && index_shard(l1, r->hash_hi) == shard)
				r->pins++;
		}
	}
}

void repair_shard_locked(struct l1 *l1, unsigned shard)
{
	space_lock(l1);
	/* Older links first, all of them: relinking walks them. */
	index_clear_locked(l1, shard);
	each_record(l1, unpin_all, &shard);
	count_pins(l1, shard);
	each_record(l1, relink, &shard);
	each_record(l1, release, &shard);
	space_unlock(l1);
}

/* ---- everything, when nobody else is there ---- */

/* Do its parts lie inside its block, and is the body as long as it says? Nothing is trusted. */
static bool plausible(const struct l1 *l1, const struct record *r)
{
	uint64_t bytes = space_block_bytes(l1, r->block);
	uint64_t fixed = sizeof(*r) + (uint64_t)r->tags_n * sizeof(uint64_t) + r->key_n +
			 r->vary_n + (uint64_t)r->head_n;
	uint64_t in_chain = 0, at = r->inline_n;
	uint32_t blocks = 0;

	if (r->state != L1_WHOLE || !r->linked || r->stream || r->recycled ||
	    r->total != r->length || r->url_n > r->key_n || r->inline_at != fixed ||
	    fixed + r->inline_n > bytes || r->queue > QUEUE_MAIN ||
	    (uint64_t)r->meta.etag_at + r->meta.etag_n > r->head_n)
		return false;
	for (uint32_t b = r->first; b; b = l1->blocks[b].next) {
		if (!space_block_valid(l1, b) ||
		    ++blocks > l1->region->n_pages * l1->region->page_blocks)
			return false;
		if (b == r->trailer_block)
			return l1->blocks[b].next == 0 &&
			       r->trailers_n <= space_block_bytes(l1, b) &&
			       at + in_chain >= r->length;
		in_chain += space_block_bytes(l1, b);
	}
	return at + in_chain >= r->length && r->trailers_n == 0 && (!r->first || r->first_at == at);
}

static bool hash_right(const struct record *r)
{
	struct l1_hash h = l1_hash(str_of(record_key(r), r->key_n));

	return h.hi == r->hash_hi && h.lo == r->hash_lo;
}

static void revive_record(struct l1 *l1, void *arg UNUSED, struct record *r)
{
	r->pins = 0;
	r->older = 0;
	if (!plausible(l1, r) || !hash_right(r))
		r->magic = RECORD_DEAD;
}

static void relink_any(struct l1 *l1, void *arg UNUSED, struct record *r)
{
	if (r->state != L1_WHOLE) {
		/* Its chain led into another's. */
		r->linked = 0;
		object_free_locked(l1, r);
	} else if (!index_relink_locked(l1, r)) {
		object_free_locked(l1, r);
	}
}

static bool pages_plausible(const struct l1 *l1)
{
	for (uint32_t page = 1; page <= l1->region->n_pages; page++) {
		const struct page *p = &l1->pages[page];
		if (p->class > l1->n_classes || p->described > l1->region->page_blocks ||
		    (p->class && p->described < l1->class_blocks[p->class - 1]))
			return false;
	}
	return true;
}

int repair_all(struct l1 *l1)
{
	if (!pages_plausible(l1))
		return ERR_CORRUPT;
	for (unsigned shard = 0; shard < l1->region->n_shards; shard++)
		index_clear_locked(l1, shard);
	each_record(l1, revive_record, NULL);
	repair_space_locked(l1);
	each_record(l1, relink_any, NULL);
	return 0;
}
