/* SPDX-License-Identifier: BSD-2-Clause */
#include "store/body.h"

#include <stdlib.h>

#include "store/admit.h"
#include "store/evict.h"
#include "store/index.h"
#include "store/pins.h"
#include "store/space.h"

enum {
	GROW_PART = 8,	   /* a body of unknown length grows by this part of itself */
	WASTE_PART = 16,   /* a last block may waste this part of what it holds */
	WINDOW_BLOCKS = 4, /* a stream that no reader holds up keeps to so many blocks */
};

int body_fill_new(struct l1 *l1, uint32_t pin)
{
	struct body_fill *f = calloc(1, sizeof(*f));

	if (!f)
		return ERR_NOMEM;
	l1->holders[pin].fill = f;
	return 0;
}

void body_fill_free(struct l1 *l1, uint32_t pin)
{
	struct body_fill *f = l1->holders[pin].fill;

	l1->holders[pin].fill = NULL;
	if (!f)
		return;
	if (f->sum)
		XXH3_freeState(f->sum);
	free(f);
}

uint64_t body_inline(const struct l1 *l1, uint64_t fixed, uint64_t length)
{
	/* Of a body of unknown length only what the rounding of the record's block leaves over. */
	if (length == STORED_UNKNOWN || fixed + length > L1_INLINE_MAX)
		return 0;
	/* In blocks of its own it wastes less. */
	uint64_t waste = l1->class_bytes[space_class(l1, fixed + length)] - fixed - length;
	if (length > L1_GROW_MIN && waste > (fixed + length) / WASTE_PART)
		return 0;
	return length;
}

/* ---- how large a block ---- */

/* For what is known to come: exactly one block, or a smaller one and more behind it if one would
 * waste too much. */
static unsigned class_for_rest(const struct l1 *l1, uint64_t rest)
{
	unsigned class = space_class(l1, rest);

	if (class == l1->n_classes)
		return class - 1;
	uint64_t waste = l1->class_bytes[class] - rest;
	if (class > 0 && rest > L1_GROW_MIN && waste > rest / WASTE_PART)
		return class - 1;
	return class;
}

static unsigned class_to_grow(const struct l1 *l1, const struct record *r)
{
	if (r->total != STORED_UNKNOWN)
		return class_for_rest(l1, r->total - r->length);
	unsigned class = space_class(l1, MAX((uint64_t)L1_GROW_MIN, r->length / GROW_PART));
	return MIN(class, l1->n_classes - 1);
}

/* ---- appending; any moment of it leaves a whole chain ---- */

static void chain_append(struct l1 *l1, struct record *r, uint32_t block, uint64_t at)
{
	if (!r->first) {
		r->first_at = at;
		L1_ORDER();
		__atomic_store_n(&r->first, block, __ATOMIC_RELEASE);
	} else {
		__atomic_store_n(&l1->blocks[r->last].next, block, __ATOMIC_RELEASE);
	}
	L1_ORDER();
	r->last = block;
}

/* A block at the chain's end; evicts what it must. */
static int grow(struct l1 *l1, struct record *r, unsigned class, uint64_t min, uint64_t at,
		bool evict)
{
	struct eviction e = {.want = l1->class_bytes[class]};
	uint64_t owner = l1_offset(l1, r) | OWNER_BODY;

	for (;;) {
		space_lock(l1);
		uint32_t block = space_take_any_locked(l1, class, min, owner);
		if (block)
			chain_append(l1, r, block, at);
		space_unlock(l1);
		if (block)
			return 0;
		if (!evict)
			return ERR_FULL;
		if (!evict_some(l1, &e)) {
			l1->counts.rejected_full++;
			return ERR_FULL;
		}
	}
}

/* ---- streams ---- */

/* The front block moves to the end if every reader has passed it. */
static bool recycle(struct l1 *l1, struct record *r, struct body_fill *f)
{
	unsigned shard = index_shard(l1, r->hash_hi);
	uint64_t end = r->first_at + space_block_bytes(l1, r->first);
	uint32_t front = r->first;

	if (f->passed < end) {
		index_lock(l1, shard);
		f->passed = pins_passed_locked(l1, r, r->length);
		index_unlock(l1, shard);
		if (f->passed < end)
			return false;
	}
	space_lock(l1);
	/* Odd while the front is wrong: if we die now, nobody reads from it again. */
	__atomic_store_n(&r->recycled, r->recycled + 1, __ATOMIC_RELEASE);
	L1_ORDER();
	if (front != r->last) {
		r->first = l1->blocks[front].next;
		l1->blocks[r->last].next = front;
		r->last = front;
	}
	l1->blocks[front].next = 0;
	r->first_at = end;
	space_renew_locked(l1, front);
	L1_ORDER();
	__atomic_store_n(&r->recycled, r->recycled + 1, __ATOMIC_RELEASE);
	space_unlock(l1);
	return true;
}

static unsigned chain_blocks(const struct l1 *l1, const struct record *r)
{
	unsigned n = 0;

	for (uint32_t b = r->first; b; b = l1->blocks[b].next)
		n++;
	return n;
}

static int stream_grow(struct l1 *l1, struct record *r, struct body_fill *f, uint64_t at)
{
	if (r->first && recycle(l1, r, f))
		return 0;
	if (chain_blocks(l1, r) >= WINDOW_BLOCKS)
		return ERR_BUSY;
	unsigned class = space_class(l1, L1_PAGE_MIN);
	int rc = grow(l1, r, class, L1_GROW_MIN, at, !r->first);
	return rc && r->first ? ERR_BUSY : rc;
}

/* ---- the filler ---- */

/* Only bodies with a chain need a running sum: an inline one is summed when it is whole. */
static bool begin_sum(struct record *r, struct body_fill *f)
{
	f->sum = XXH3_createState();
	if (!f->sum)
		return false;
	XXH3_64bits_reset(f->sum);
	XXH3_64bits_update(f->sum, (char *)r + r->inline_at, r->inline_n);
	return true;
}

/* The record's block is used up and so is the last of the chain. */
static int next_block(struct l1 *l1, struct record *r, struct body_fill *f)
{
	uint64_t at = f->block ? f->at + space_block_bytes(l1, f->block) : r->inline_n;
	int rc;

	if (!r->stream && !f->sum && !begin_sum(r, f))
		return ERR_FULL;
	if (r->stream) {
		rc = stream_grow(l1, r, f, at);
	} else {
		unsigned class = class_to_grow(l1, r);
		rc = admit_growth(l1, r, &f->admitted);
		if (rc == 0)
			rc = grow(l1, r, class, MAX(L1_GROW_MIN, l1->class_bytes[class] / 8), at,
				  true);
	}
	if (rc)
		return rc;
	f->block = r->last;
	f->at = at;
	return 0;
}

int body_room(struct l1 *l1, struct record *r, struct body_fill *f, char **out_p, size_t *out_n)
{
	uint64_t length = r->length;
	uint64_t rest = r->total == STORED_UNKNOWN ? UINT64_MAX : r->total - length;
	int rc;

	if (rest == 0)
		return ERR_SYNTAX;
	if (!r->stream) {
		if (length >= l1->max_object)
			return ERR_FULL;
		rest = MIN(rest, l1->max_object - length);
	}
	if (length < r->inline_n) {
		*out_p = (char *)r + r->inline_at + length;
		*out_n = (size_t)MIN(rest, r->inline_n - length);
		return 0;
	}
	if (!f->block || length == f->at + space_block_bytes(l1, f->block)) {
		rc = next_block(l1, r, f);
		if (rc)
			return rc;
	}
	rc = space_back(l1, f->block);
	if (rc)
		return rc;
	uint64_t in_block = length - f->at;
	*out_p = l1->base + space_block_at(l1, f->block) + in_block;
	*out_n = (size_t)MIN(rest, space_block_bytes(l1, f->block) - in_block);
	return 0;
}

void body_filled(struct l1 *l1, struct record *r, struct body_fill *f, size_t n)
{
	uint64_t length = r->length;

	ASSERT(r->total == STORED_UNKNOWN || n <= r->total - length);
	if (length < r->inline_n) {
		ASSERT(n <= r->inline_n - length);
	} else {
		uint64_t in_block = length - f->at;
		ASSERT(f->block && in_block + n <= space_block_bytes(l1, f->block));
		if (!r->stream)
			XXH3_64bits_update(f->sum,
					   l1->base + space_block_at(l1, f->block) + in_block, n);
	}
	__atomic_store_n(&r->length, length + n, __ATOMIC_RELEASE);
}

uint64_t body_sum(struct record *r, struct body_fill *f)
{
	if (f->sum)
		return XXH3_64bits_digest(f->sum);
	return XXH3_64bits((char *)r + r->inline_at, r->length);
}

int body_trailers(struct l1 *l1, struct record *r, struct str trailers)
{
	unsigned class = space_class(l1, trailers.n);

	if (class >= l1->n_classes)
		return ERR_LIMIT;
	int rc = grow(l1, r, class, trailers.n, r->length, true);
	if (rc == 0)
		rc = space_back(l1, r->last);
	if (rc)
		return rc;
	memcpy(l1->base + space_block_at(l1, r->last), trailers.p, trailers.n);
	r->trailer_block = r->last;
	r->trailers_n = (uint32_t)trailers.n;
	return 0;
}

/* ---- readers ---- */

/* The block that holds <at>, from where the reader was last; 0 = lost. */
static uint32_t walk(const struct l1 *l1, uint32_t block, uint64_t *start, uint64_t at)
{
	while (block && space_block_valid(l1, block)) {
		uint32_t n = space_block_bytes(l1, block);
		if (at - *start < n)
			return block;
		*start += n;
		block = __atomic_load_n(&l1->blocks[block].next, __ATOMIC_ACQUIRE);
	}
	return 0;
}

/* A stream's front moved under us: look under the lock. */
static uint32_t walk_locked(struct l1 *l1, const struct record *r, struct holder *h, uint64_t at)
{
	uint32_t block = 0;
	uint64_t start;

	space_lock(l1);
	start = r->first_at;
	/* Odd: its filler died moving it. */
	if (!(r->recycled & 1) && at >= start)
		block = walk(l1, r->first, &start, at);
	h->recycled = r->recycled;
	space_unlock(l1);
	h->block = block;
	h->at = start;
	return block;
}

static uint32_t find_block(struct l1 *l1, const struct record *r, struct holder *h, uint64_t at)
{
	uint32_t recycled = __atomic_load_n(&r->recycled, __ATOMIC_ACQUIRE);
	uint32_t block = h->block;
	uint64_t start = h->at;

	if (recycled & 1 || (recycled && h->recycled != recycled))
		return walk_locked(l1, r, h, at);
	if (!block || at < start) {
		block = __atomic_load_n(&r->first, __ATOMIC_ACQUIRE);
		start = r->first_at;
	}
	if (at >= start)
		block = walk(l1, block, &start, at);
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	if (__atomic_load_n(&r->recycled, __ATOMIC_RELAXED) != recycled || !block)
		return walk_locked(l1, r, h, at);
	*h = (struct holder){.fill = h->fill, .at = start, .block = block, .recycled = recycled};
	return block;
}

/* Following blocks of the chain often lie right behind, in a cache that is not full yet: bytes from
 * the start of <block> to where that ends, or <upto> at least. */
static uint64_t in_one_piece(const struct l1 *l1, uint32_t block, uint64_t upto)
{
	uint64_t n = space_block_bytes(l1, block), start = space_block_at(l1, block);

	while (n < upto) {
		block = __atomic_load_n(&l1->blocks[block].next, __ATOMIC_ACQUIRE);
		if (!block || space_block_at(l1, block) != start + n)
			break;
		n += space_block_bytes(l1, block);
	}
	return n;
}

uint64_t body_lend(struct l1 *l1, uint32_t block, uint64_t at, uint64_t upto)
{
	uint64_t end = space_block_at(l1, block);

	while (block && space_block_bytes(l1, block) >= L1_LEND_MIN &&
	       space_block_at(l1, block) == end && end < upto) {
		struct block *b = &l1->blocks[block];
		if (!(__atomic_load_n(&b->flags, __ATOMIC_RELAXED) & BLOCK_LENT))
			__atomic_fetch_or(&b->flags, BLOCK_LENT, __ATOMIC_RELAXED);
		end += space_block_bytes(l1, block);
		block = b->next;
	}
	return end > at ? MIN(end, upto) - at : 0;
}

struct str body_at(struct l1 *l1, const struct record *r, struct holder *h, uint64_t at,
		   uint32_t *out_block)
{
	uint64_t length = __atomic_load_n(&r->length, __ATOMIC_ACQUIRE);

	*out_block = 0;
	if (at >= length)
		return STR_NONE;
	if (at < r->inline_n)
		return str_of((const char *)r + r->inline_at + at,
			      (size_t)(MIN(length, (uint64_t)r->inline_n) - at));
	uint32_t block = find_block(l1, r, h, at);
	if (!block)
		return STR_NONE;
	*out_block = block;
	uint64_t n = space_block_bytes(l1, block);
	/* A stream's blocks move. */
	if (n < length - h->at && !__atomic_load_n(&r->stream, __ATOMIC_ACQUIRE))
		n = in_one_piece(l1, block, length - h->at);
	n = MIN(length - h->at, n);
	return str_of(l1->base + space_block_at(l1, block) + (at - h->at),
		      (size_t)(n - (at - h->at)));
}

bool body_verify(struct l1 *l1, const struct record *r, struct holder *h)
{
	XXH3_state_t *sum = XXH3_createState();
	uint64_t at = 0;
	uint32_t block;

	if (!sum)
		return false;
	XXH3_64bits_reset(sum);
	while (at < r->length) {
		struct str s = body_at(l1, r, h, at, &block);
		if (s.n == 0)
			break;
		XXH3_64bits_update(sum, s.p, s.n);
		at += s.n;
	}
	bool same = at == r->length && XXH3_64bits_digest(sum) == r->checksum;
	XXH3_freeState(sum);
	return same;
}

void body_follow(struct l1 *l1, const struct record *r, struct holder *h, uint64_t at)
{
	uint32_t block;

	if (at > 0)
		(void)body_at(l1, r, h, at - 1, &block);
}
