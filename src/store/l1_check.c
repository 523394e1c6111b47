/* SPDX-License-Identifier: BSD-2-Clause */
/* Knows the rules from l1.md, and shares no code with repair: one of them would find the other's
 * mistakes. */
#include "store/l1_check.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "store/index.h"
#include "store/space.h"

struct checker {
	struct l1 *l1;
	unsigned flags;
	struct l1_check *out;
	uint64_t *reached; /* per block: the record that leads to it, by offset */
	uint32_t *pins;	   /* per block of a record: pins in the tables */
	uint8_t *linked;   /* per block of a record: times found in the index */
	uint64_t queued[3], charged[3];
	uint64_t payload, used, filling;
};

static PRINTF(2, 3) void fault(struct checker *c, const char *fmt, ...)
{
	va_list args;

	if (c->out->faults < L1_CHECK_FAULTS) {
		va_start(args, fmt);
		vsnprintf(c->out->text[c->out->faults], sizeof(c->out->text[0]), fmt, args);
		va_end(args);
	}
	c->out->faults++;
}

#define CHECK(cond, ...)                                                                           \
	do {                                                                                       \
		if (!(cond))                                                                       \
			fault(c, __VA_ARGS__);                                                     \
	} while (0)

typedef void block_fn(struct checker *c, uint32_t block, const struct block *b);

static void each_block(struct checker *c, block_fn *fn)
{
	const struct l1 *l1 = c->l1;

	for (uint32_t page = 1; page <= l1->region->n_pages; page++) {
		const struct page *p = &l1->pages[page];
		if (!p->class || p->class > l1->n_classes)
			continue;
		for (uint32_t i = 0; i < l1->class_blocks[p->class - 1]; i++) {
			uint32_t block = page * l1->region->page_blocks + i;
			fn(c, block, &l1->blocks[block]);
		}
	}
}

/* ---- records: their parts and chains ---- */

static void check_parts(struct checker *c, const struct record *r)
{
	unsigned long long at = l1_offset(c->l1, r);
	uint64_t fixed = sizeof(*r) + r->tags_n * sizeof(uint64_t) + r->key_n + r->vary_n +
			 (uint64_t)r->head_n;
	struct l1_hash h;

	if (r->state == RECORD_NEW)
		return;
	CHECK(r->inline_at == fixed && fixed + r->inline_n <= space_block_bytes(c->l1, r->block),
	      "object %llx: parts do not fit", at);
	if (fixed > space_block_bytes(c->l1, r->block))
		return;
	h = l1_hash(str_of(record_key(r), r->key_n));
	CHECK(h.hi == r->hash_hi && h.lo == r->hash_lo, "object %llx: wrong hash", at);
	CHECK(r->state != L1_WHOLE || r->stream || r->length == r->total,
	      "object %llx: %llu of %llu bytes", at, (unsigned long long)r->length,
	      (unsigned long long)r->total);
}

/* The chain holds the body, and nobody else's. */
static void check_chain(struct checker *c, const struct record *r)
{
	const struct l1 *l1 = c->l1;
	unsigned long long at = l1_offset(l1, r);
	uint64_t room = r->inline_n;
	uint32_t last = 0;
	const struct record *o = NULL;

	if (r->first && space_block_valid(l1, r->first) && c->reached[r->first])
		o = l1_record(l1, c->reached[r->first]);
	if (o) { /* shared: looked at already */
		CHECK(o->first == r->first, "object %llx: shares half a chain with %llx", at,
		      (unsigned long long)c->reached[r->first]);
		return;
	}
	for (uint32_t b = r->first; b; b = l1->blocks[b].next) {
		if (!space_block_valid(l1, b) || c->reached[b]) {
			fault(c, "object %llx: chain leads to block %u", at, b);
			return;
		}
		c->reached[b] = l1_offset(l1, r);
		uint64_t owner = l1->blocks[b].owner;
		const struct record *by = space_record(l1, owner & ~(uint64_t)OWNER_MASK);
		CHECK((owner & OWNER_MASK) == OWNER_BODY && by && by->first == r->first,
		      "object %llx: block %u belongs to %llx", at, b, (unsigned long long)owner);
		if (b != r->trailer_block)
			room += space_block_bytes(l1, b);
		last = b;
	}
	CHECK(last == r->last, "object %llx: chain ends at %u, not %u", at, last, r->last);
	CHECK(r->stream || r->state == L1_BROKEN || room >= r->length,
	      "object %llx: %llu bytes in room for %llu", at, (unsigned long long)r->length,
	      (unsigned long long)room);
}

static void check_ring(struct checker *c, const struct record *r)
{
	const struct l1 *l1 = c->l1;
	const struct record *o = r;
	unsigned long long at = l1_offset(l1, r);
	int n = 0;

	do {
		o = space_record(l1, o->ring);
		if (!o || o->first != r->first || ++n > 1000000) {
			fault(c, "object %llx: broken ring", at);
			return;
		}
	} while (o != r);
}

static uint64_t body_sum_of(const struct l1 *l1, const struct record *r)
{
	uint64_t left = r->length, n = MIN(left, (uint64_t)r->inline_n);
	XXH3_state_t *sum = XXH3_createState();
	uint64_t h = 0;

	if (!sum)
		return 0;
	XXH3_64bits_reset(sum);
	XXH3_64bits_update(sum, (const char *)r + r->inline_at, n);
	left -= n;
	for (uint32_t b = r->first; left && space_block_valid(l1, b); b = l1->blocks[b].next) {
		n = MIN(left, space_block_bytes(l1, b));
		XXH3_64bits_update(sum, l1->base + space_block_at(l1, b), n);
		left -= n;
	}
	h = left ? ~r->checksum : XXH3_64bits_digest(sum);
	XXH3_freeState(sum);
	return h;
}

static void check_record(struct checker *c, uint32_t block, const struct block *b)
{
	struct l1 *l1 = c->l1;
	uint64_t at = space_block_at(l1, block);

	if ((b->owner & OWNER_MASK) != OWNER_RECORD)
		return;
	struct record *r = space_record(l1, at);
	if (!r) {
		fault(c, "block %u: owner %llx, but no record", block,
		      (unsigned long long)b->owner);
		return;
	}
	CHECK(c->reached[block] == 0, "block %u: a record and a body", block);
	c->reached[block] = at;
	c->out->objects++;
	check_parts(c, r);
	check_chain(c, r);
	check_ring(c, r);
	c->payload += r->payload + r->chain_payload;
	c->filling += r->state == RECORD_NEW || r->state == L1_FILLING;
	c->out->broken += r->state == L1_BROKEN;
	if (r->queue <= QUEUE_MAIN) {
		c->queued[r->queue]++;
		c->charged[r->queue] += r->charge;
	} else {
		fault(c, "object %llx: queue %u", (unsigned long long)at, r->queue);
	}
	CHECK(r->queue != QUEUE_NONE || r->state != L1_WHOLE || r->stream,
	      "object %llx: whole, but in no queue", (unsigned long long)at);
	if (c->flags & L1_CHECK_SUMS && r->state == L1_WHOLE && !r->stream) {
		CHECK(body_sum_of(l1, r) == r->checksum, "object %llx: wrong checksum",
		      (unsigned long long)at);
		c->out->sums++;
		c->out->body_bytes += r->length;
	}
}

static void check_reached(struct checker *c, uint32_t block, const struct block *b)
{
	if (b->owner == 0)
		return;
	c->out->blocks++;
	c->used += space_block_bytes(c->l1, block);
	CHECK(c->reached[block] != 0, "block %u: lost, owner %llx", block,
	      (unsigned long long)b->owner);
}

/* ---- pins and index ---- */

static void check_pins(struct checker *c)
{
	struct l1 *l1 = c->l1;

	for (unsigned s = 0; s < SLOT_MAX; s++) {
		const struct pin_head *head = l1_pin_head(l1, s);
		uint32_t used = 0;
		CHECK(head->high <= L1_PINS, "slot %u: %u pins", s, head->high);
		for (uint32_t i = 0; i < MIN(head->high, (uint32_t)L1_PINS); i++) {
			uint64_t o = l1_pin_table(l1, s)[i].object & ~(uint64_t)PIN_FLAGS;
			const struct record *r = o ? space_record(l1, o) : NULL;
			if (!o)
				continue;
			used++;
			if (r)
				c->pins[r->block]++;
			else
				fault(c, "slot %u: pin %u leads to no object", s, i);
		}
		CHECK(used == head->used, "slot %u: %u pins, not %u", s, used, head->used);
		c->out->pins += used;
	}
}

/* A key's variants, from an entry: all of one key, each once. */
static void check_variants(struct checker *c, uint64_t bucket, uint64_t entry)
{
	struct l1 *l1 = c->l1;
	uint64_t at = index_entry_offset(entry);
	const struct record *newest = space_record(l1, at);

	if (newest)
		CHECK(index_belongs(l1, newest, bucket, entry), "bucket %llu: %llx is not its",
		      (unsigned long long)bucket, (unsigned long long)at);
	while (at) {
		const struct record *r = space_record(l1, at);
		if (!r || c->linked[r->block] || !r->linked || r->hash_hi != newest->hash_hi ||
		    r->hash_lo != newest->hash_lo) {
			fault(c, "bucket %llu: leads to %llx", (unsigned long long)bucket,
			      (unsigned long long)at);
			return;
		}
		c->linked[r->block]++;
		at = r->older;
	}
}

static void check_linked(struct checker *c)
{
	struct l1 *l1 = c->l1;
	uint64_t n = (uint64_t)l1->region->n_shards * l1->region->n_buckets;

	for (uint64_t i = 0; i < n; i++) {
		for (int k = 0; k < L1_BUCKET; k++)
			if (l1->buckets[i].entry[k])
				check_variants(c, i, l1->buckets[i].entry[k]);
		CHECK(l1->buckets[i].displaced == index_displaced(l1, i),
		      "bucket %llu: %llu displaced entries", (unsigned long long)i,
		      (unsigned long long)l1->buckets[i].displaced);
	}
}

/* Found as often and pinned as often as it says. */
static void check_holding(struct checker *c, uint32_t block, const struct block *b)
{
	struct l1 *l1 = c->l1;
	const struct record *r;

	if ((b->owner & OWNER_MASK) != OWNER_RECORD)
		return;
	r = space_record(l1, space_block_at(l1, block));
	if (!r)
		return;
	unsigned long long at = l1_offset(l1, r);
	CHECK(r->pins == c->pins[block], "object %llx: %u pins, not %u", at, c->pins[block],
	      r->pins);
	CHECK(c->linked[block] == r->linked, "object %llx: in the index %u times, not %u", at,
	      c->linked[block], r->linked);
	CHECK(r->linked || r->pins, "object %llx: leaked", at);
	c->out->unlinked += !r->linked;
}

/* ---- lists ---- */

static void check_queue(struct checker *c, enum record_queue queue)
{
	const struct l1_queue *q = &l1_space(c->l1)->queues[queue];
	uint64_t n = 0, newer = 0;

	for (uint64_t at = q->newest; at; n++) {
		const struct record *r = space_record(c->l1, at);
		if (!r || r->queue != queue || r->newer_in_queue != newer || n > q->count) {
			fault(c, "queue %d: broken at %llx", queue, (unsigned long long)at);
			return;
		}
		newer = at;
		at = r->older_in_queue;
	}
	CHECK(newer == q->oldest, "queue %d: wrong end", queue);
	CHECK(n == q->count && n == c->queued[queue], "queue %d: %llu objects, not %llu or %llu",
	      queue, (unsigned long long)n, (unsigned long long)q->count,
	      (unsigned long long)c->queued[queue]);
	CHECK(q->bytes == c->charged[queue], "queue %d: wrong bytes", queue);
}

static uint32_t free_listed(const struct l1 *l1, uint32_t page)
{
	const struct page *p = &l1->pages[page];
	uint32_t n = 0, blocks = l1->class_blocks[p->class - 1];

	for (uint32_t i = p->free; i && n <= blocks; n++) {
		if (i > blocks || l1->blocks[page * l1->region->page_blocks + i - 1].owner)
			return UINT32_MAX;
		i = l1->blocks[page * l1->region->page_blocks + i - 1].next;
	}
	return n + blocks - p->fresh;
}

static void check_page(struct checker *c, uint32_t page)
{
	const struct l1 *l1 = c->l1;
	const struct page *p = &l1->pages[page];
	uint32_t used = 0;

	if (p->class > l1->n_classes) {
		fault(c, "page %u: class %u", page, p->class);
		return;
	}
	if (!p->class) {
		CHECK(p->used == 0 && p->list == (p->backed ? PAGE_BACKED : PAGE_BARE),
		      "page %u: free, but not in the pool", page);
		return;
	}
	uint32_t n = l1->class_blocks[p->class - 1];
	for (uint32_t i = 0; i < n; i++)
		used += l1->blocks[page * l1->region->page_blocks + i].owner != 0;
	CHECK(used == p->used && used > 0, "page %u: %u blocks in use, not %u", page, used,
	      p->used);
	CHECK(free_listed(l1, page) == n - used, "page %u: free list has not %u blocks", page,
	      n - used);
	CHECK(p->emptier || p->list == (used < n ? PAGE_PARTIAL : PAGE_NOWHERE),
	      "page %u: on list %u with %u of %u blocks in use", page, p->list, used, n);
	CHECK(!p->emptier || !(c->flags & L1_CHECK_IDLE), "page %u: still being emptied", page);
}

/* The list from <head>: how many pages, all of them of <list> (and class). */
static uint64_t list_length(struct checker *c, uint32_t head, enum page_list list, uint32_t class)
{
	const struct l1 *l1 = c->l1;
	uint64_t n = 0;
	uint32_t prev = 0;

	for (uint32_t page = head; page; page = l1->pages[page].next, n++) {
		if (page > l1->region->n_pages || n > l1->region->n_pages ||
		    l1->pages[page].list != list || l1->pages[page].class != class ||
		    l1->pages[page].prev != prev) {
			fault(c, "list %d of class %u: broken at page %u", list, class, page);
			return n;
		}
		prev = page;
	}
	return n;
}

static void check_page_lists(struct checker *c)
{
	const struct l1_space *s = l1_space(c->l1);
	uint64_t partial = 0, listed = 0;

	for (uint32_t i = 0; i < c->l1->n_classes; i++) {
		CHECK((s->partial[i] != 0) == (s->has_partial >> i & 1), "class %u: wrong bit", i);
		partial += list_length(c, s->partial[i], PAGE_PARTIAL, i + 1);
	}
	for (uint32_t page = 1; page <= c->l1->region->n_pages; page++)
		listed += c->l1->pages[page].list == PAGE_PARTIAL;
	CHECK(partial == listed, "%llu pages with free blocks, not %llu",
	      (unsigned long long)partial, (unsigned long long)listed);
	uint64_t pool =
		list_length(c, s->backed, PAGE_BACKED, 0) + list_length(c, s->bare, PAGE_BARE, 0);
	CHECK(pool == s->free_pages, "%llu free pages, not %u", (unsigned long long)pool,
	      s->free_pages);
}

static void check_sums(struct checker *c)
{
	const struct l1_space *s = l1_space(c->l1);

	CHECK(s->used == c->used, "%llu bytes used, not %llu", (unsigned long long)c->used,
	      (unsigned long long)s->used);
	CHECK(s->stored == c->payload, "%llu bytes stored, not %llu",
	      (unsigned long long)c->payload, (unsigned long long)s->stored);
	CHECK(s->objects == c->out->objects && s->filling == c->filling,
	      "%llu objects, %llu filling, not %llu and %llu", (unsigned long long)c->out->objects,
	      (unsigned long long)c->filling, (unsigned long long)s->objects,
	      (unsigned long long)s->filling);
	c->out->filling = c->filling;
	if (c->flags & L1_CHECK_IDLE)
		CHECK(!c->out->pins && !c->filling && !c->out->broken && !c->out->unlinked,
		      "%llu pins, %llu filling, %llu broken, %llu not linked",
		      (unsigned long long)c->out->pins, (unsigned long long)c->filling,
		      (unsigned long long)c->out->broken, (unsigned long long)c->out->unlinked);
}

/* Is the lock open? One that a dead process held waits for repair. */
static bool open_lock(struct checker *c, struct lock *lock, const char *what, unsigned i)
{
	enum lock_rc rc;

	if (lock_try(lock, &rc))
		return false;
	CHECK(rc == LOCK_TAKEN, "%s %u: its owner died, and nobody has repaired it", what, i);
	lock_give(lock);
	return true;
}

bool l1_check_quiet(struct l1 *l1, struct l1_check *out)
{
	struct checker c = {.l1 = l1, .out = out};
	bool quiet = open_lock(&c, &l1_space(l1)->lock, "space", 0);

	for (uint32_t i = 0; i < l1->region->n_shards; i++)
		quiet = open_lock(&c, &l1->shards[i].lock, "shard", i) && quiet;
	return quiet;
}

bool l1_check(struct l1 *l1, unsigned flags, struct l1_check *out)
{
	size_t n = ((size_t)l1->region->n_pages + 1) * l1->region->page_blocks;
	struct checker c = {.l1 = l1, .flags = flags, .out = out};

	c.reached = calloc(n, sizeof(*c.reached));
	c.pins = calloc(n, sizeof(*c.pins));
	c.linked = calloc(n, sizeof(*c.linked));
	if (c.reached && c.pins && c.linked) {
		for (uint32_t page = 1; page <= l1->region->n_pages; page++)
			check_page(&c, page);
		each_block(&c, check_record);
		each_block(&c, check_reached);
		check_pins(&c);
		check_linked(&c);
		each_block(&c, check_holding);
		check_queue(&c, QUEUE_SMALL);
		check_queue(&c, QUEUE_MAIN);
		check_page_lists(&c);
		check_sums(&c);
	} else {
		fault(&c, "out of memory");
	}
	free(c.reached);
	free(c.pins);
	free(c.linked);
	return out->faults == 0;
}
