/* SPDX-License-Identifier: BSD-2-Clause */
#include "upstream/cells.h"

#include "base/check.h"
#include "shm/lock.h"
#include "shm/recover.h"
#include "shm/seg.h"
#include "shm/slots.h"

enum { UPSTREAMS = 128, SERVERS = 512, LAYOUT = 1 };

/* One upstream. All but <oldest> under the lock. */
struct cell {
	struct lock lock;
	uint32_t conns[SLOT_MAX];  /* open connections of each worker */
	uint32_t queued[SLOT_MAX]; /* waiting requests of each worker */
	int64_t oldest[SLOT_MAX];  /* since when its first one waits; atomic */
};

/* What one worker carries; only it writes here. */
struct active_row {
	uint32_t servers[SERVERS];
};

struct cells {
	uint32_t ready;	   /* 1 once the locks are made */
	uint32_t max_slot; /* no slot at or above was ever used: bounds the sums; atomic */
	uint8_t pad[CACHE_LINE - 8];
	struct cell upstreams[UPSTREAMS];
	struct active_row active[SLOT_MAX];
};

static_assert(sizeof(struct cell) % CACHE_LINE == 0, "cells do not share cache lines");

size_t upstream_region_bytes(void)
{
	return sizeof(struct cells);
}

uint64_t upstream_region_layout(void)
{
	return (uint64_t)LAYOUT << 32 | sizeof(struct cell);
}

static void recover(struct seg *seg, unsigned slot, void *arg)
{
	struct cells *c = arg;

	(void)seg;
	for (unsigned i = 0; i < UPSTREAMS; i++) {
		struct cell *cell = &c->upstreams[i];
		/* each entry is one store: whatever the dead holder did, zero is right */
		(void)!lock_take(&cell->lock);
		cell->conns[slot] = 0;
		cell->queued[slot] = 0;
		__atomic_store_n(&cell->oldest[slot], 0, __ATOMIC_RELAXED);
		lock_give(&cell->lock);
	}
	for (unsigned i = 0; i < SERVERS; i++)
		__atomic_store_n(&c->active[slot].servers[i], 0, __ATOMIC_RELAXED);
}

struct cells *cells_attach(struct seg *seg)
{
	size_t size;
	struct cells *c = seg_region(seg, SEG_UPSTREAMS, &size);

	if (!c || size < sizeof(*c))
		return NULL;
	if (!c->ready) {
		for (unsigned i = 0; i < UPSTREAMS; i++)
			lock_init(&c->upstreams[i].lock, LOCK_UPSTREAM);
		c->ready = 1;
	}
	recover_register(SEG_UPSTREAMS, recover, c);
	return c;
}

static void note_slot(struct cells *c, unsigned slot)
{
	if (UNLIKELY(__atomic_load_n(&c->max_slot, __ATOMIC_RELAXED) <= slot)) {
		uint32_t seen = __atomic_load_n(&c->max_slot, __ATOMIC_RELAXED);
		while (seen <= slot &&
		       !__atomic_compare_exchange_n(&c->max_slot, &seen, slot + 1, false,
						    __ATOMIC_RELAXED, __ATOMIC_RELAXED))
			;
	}
}

static uint32_t sum(const struct cells *c, const uint32_t *per_slot)
{
	unsigned n = __atomic_load_n(&c->max_slot, __ATOMIC_RELAXED);
	uint32_t total = 0;

	for (unsigned i = 0; i < MIN(n, (unsigned)SLOT_MAX); i++)
		total += __atomic_load_n(&per_slot[i], __ATOMIC_RELAXED);
	return total;
}

static struct cell *cell_of(struct cells *c, unsigned upstream)
{
	ASSERT(upstream < UPSTREAMS);
	return &c->upstreams[upstream];
}

/* Adds one to <entry> unless the sum has reached <limit>. */
static bool take_one(struct cells *c, struct cell *cell, uint32_t *entries, unsigned slot,
		     uint32_t limit)
{
	ASSERT(slot < SLOT_MAX);
	note_slot(c, slot);
	/* entries are single words: nothing is left half-done by a holder that died */
	(void)!lock_take(&cell->lock);
	bool ok = sum(c, entries) < limit;
	if (ok)
		entries[slot]++;
	lock_give(&cell->lock);
	return ok;
}

static void give_one(struct cell *cell, uint32_t *entries, unsigned slot)
{
	(void)!lock_take(&cell->lock);
	if (entries[slot] > 0)
		entries[slot]--;
	lock_give(&cell->lock);
}

bool cells_conn_take(struct cells *c, unsigned upstream, unsigned slot, uint32_t limit)
{
	struct cell *cell = cell_of(c, upstream);

	return take_one(c, cell, cell->conns, slot, limit);
}

void cells_conn_give(struct cells *c, unsigned upstream, unsigned slot)
{
	struct cell *cell = cell_of(c, upstream);

	give_one(cell, cell->conns, slot);
}

bool cells_queue_enter(struct cells *c, unsigned upstream, unsigned slot, uint32_t limit)
{
	struct cell *cell = cell_of(c, upstream);

	return take_one(c, cell, cell->queued, slot, limit);
}

void cells_queue_leave(struct cells *c, unsigned upstream, unsigned slot)
{
	struct cell *cell = cell_of(c, upstream);

	give_one(cell, cell->queued, slot);
}

void cells_set_oldest(struct cells *c, unsigned upstream, unsigned slot, int64_t since)
{
	__atomic_store_n(&cell_of(c, upstream)->oldest[slot], since, __ATOMIC_SEQ_CST);
}

unsigned cells_longest_waiting(const struct cells *c, unsigned upstream, unsigned slot,
			       int64_t since)
{
	const struct cell *cell = &c->upstreams[upstream];
	unsigned n = __atomic_load_n(&c->max_slot, __ATOMIC_RELAXED), found = SLOT_NONE;
	int64_t best = since ? since : INT64_MAX;

	for (unsigned i = 0; i < MIN(n, (unsigned)SLOT_MAX); i++) {
		int64_t t = __atomic_load_n(&cell->oldest[i], __ATOMIC_SEQ_CST);
		if (i != slot && t && t < best) {
			best = t;
			found = i;
		}
	}
	return found;
}

uint32_t cells_active(const struct cells *c, unsigned server)
{
	unsigned n = __atomic_load_n(&c->max_slot, __ATOMIC_RELAXED);
	uint32_t total = 0;

	ASSERT(server < SERVERS);
	for (unsigned i = 0; i < MIN(n, (unsigned)SLOT_MAX); i++)
		total += __atomic_load_n(&c->active[i].servers[server], __ATOMIC_RELAXED);
	return total;
}

void cells_active_add(struct cells *c, unsigned server, unsigned slot, int n)
{
	uint32_t *entry = &c->active[slot].servers[server];

	ASSERT(server < SERVERS && slot < SLOT_MAX);
	note_slot(c, slot);
	__atomic_store_n(entry, *entry + (uint32_t)n, __ATOMIC_RELAXED);
}

uint32_t cells_conns(const struct cells *c, unsigned upstream)
{
	return sum(c, c->upstreams[upstream].conns);
}

uint32_t cells_conns_of(const struct cells *c, unsigned upstream, unsigned slot)
{
	ASSERT(slot < SLOT_MAX);
	return __atomic_load_n(&c->upstreams[upstream].conns[slot], __ATOMIC_RELAXED);
}
