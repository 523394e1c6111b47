/* SPDX-License-Identifier: BSD-2-Clause */
#include "store/queue.h"

#include "base/clock.h"
#include "store/object.h"

enum {
	VISITS_MAX = 256,  /* records looked at before the next one must leave */
	PINNED_MAX = 1024, /* pinned ones met before we give up */
};

/* ---- ghosts: fingerprint and time, in groups of one cache line ---- */

/* The ghosts' clock counts evicted bytes in this unit: 32 bits then last for 16 TiB in memory. */
enum { GHOST_SHIFT = 12 };

static uint64_t *ghost_group(const struct l1 *l1, const struct l1_hash *hash)
{
	uint64_t n = l1->region->n_ghosts;
	uint64_t group = (uint64_t)(((unsigned __int128)hash->lo * n) >> 64);

	return (uint64_t *)(void *)(l1->base + l1->region->ghosts) + group * L1_GHOSTS;
}

static uint32_t ghost_now(const struct l1 *l1)
{
	return (uint32_t)(l1_space(l1)->ghost_clock >> GHOST_SHIFT);
}

/* As many bytes as the main queue holds are remembered. */
static bool ghost_lives(const struct l1 *l1, uint64_t ghost)
{
	uint64_t span = l1->region->size / 100 * (100 - QUEUE_SMALL_PERCENT);

	return ghost && ghost_now(l1) - (uint32_t)ghost <= span >> GHOST_SHIFT;
}

bool queue_ghost_locked(struct l1 *l1, const struct l1_hash *hash, bool leave)
{
	uint64_t *group = ghost_group(l1, hash), *oldest = group;
	uint32_t print = (uint32_t)(hash->hi >> 32) | 1;
	uint32_t now = ghost_now(l1);
	bool found = false;

	for (int i = 0; i < L1_GHOSTS; i++) {
		if (!ghost_lives(l1, group[i]))
			group[i] = 0;
		if (group[i] >> 32 == print) {
			found = true;
			group[i] = 0;
		}
		/* Free ones first, then by age. */
		if (*oldest && (!group[i] || now - (uint32_t)group[i] > now - (uint32_t)*oldest))
			oldest = &group[i];
	}
	if (leave)
		*oldest = (uint64_t)print << 32 | now;
	return found;
}

/* ---- the queues ---- */

static void link_newest(struct l1 *l1, struct record *r, enum record_queue queue)
{
	struct l1_queue *q = &l1_space(l1)->queues[queue];
	uint64_t object = l1_offset(l1, r);

	r->newer_in_queue = 0;
	r->older_in_queue = q->newest;
	if (q->newest)
		l1_record(l1, q->newest)->newer_in_queue = object;
	else
		q->oldest = object;
	q->newest = object;
	q->bytes += r->charge;
	q->count++;
	L1_ORDER();
	r->queue = (uint8_t)queue;
}

void queue_leave_locked(struct l1 *l1, struct record *r)
{
	if (r->queue == QUEUE_NONE)
		return;
	struct l1_queue *q = &l1_space(l1)->queues[r->queue];
	if (r->newer_in_queue)
		l1_record(l1, r->newer_in_queue)->older_in_queue = r->older_in_queue;
	else
		q->newest = r->older_in_queue;
	if (r->older_in_queue)
		l1_record(l1, r->older_in_queue)->newer_in_queue = r->newer_in_queue;
	else
		q->oldest = r->newer_in_queue;
	ASSERT(q->bytes >= r->charge && q->count > 0);
	q->bytes -= r->charge;
	q->count--;
	L1_ORDER();
	r->queue = QUEUE_NONE;
}

static void requeue(struct l1 *l1, struct record *r, enum record_queue queue)
{
	queue_leave_locked(l1, r);
	link_newest(l1, r, queue);
}

void queue_inherit_locked(struct l1 *l1, struct record *r, enum record_queue queue, uint64_t bytes)
{
	ASSERT(r->queue == QUEUE_NONE);
	r->charge = bytes;
	link_newest(l1, r, queue == QUEUE_MAIN ? QUEUE_MAIN : QUEUE_SMALL);
}

bool queue_join_locked(struct l1 *l1, struct record *r, uint64_t bytes)
{
	const struct l1_hash hash = {r->hash_hi, r->hash_lo};
	bool ghost = queue_ghost_locked(l1, &hash, false);

	queue_inherit_locked(l1, r, ghost ? QUEUE_MAIN : QUEUE_SMALL, bytes);
	return ghost;
}

void queue_evicted_locked(struct l1 *l1, const struct record *r)
{
	const struct l1_hash hash = {r->hash_hi, r->hash_lo};

	if (r->queue != QUEUE_SMALL)
		return;
	l1_space(l1)->ghost_clock += r->charge;
	queue_ghost_locked(l1, &hash, true);
}

static struct record *next_candidate(struct l1 *l1)
{
	struct l1_space *s = l1_space(l1);
	const struct l1_queue *small = &s->queues[QUEUE_SMALL], *main = &s->queues[QUEUE_MAIN];
	uint64_t limit = l1->region->size / 100 * QUEUE_SMALL_PERCENT;

	if (small->count && (small->bytes > limit || !main->count))
		return l1_record(l1, small->oldest);
	return main->count ? l1_record(l1, main->oldest) : NULL;
}

/* A candidate that may leave, by its uses; otherwise it is where it goes on. */
static bool may_leave(struct l1 *l1, struct record *r)
{
	unsigned uses = __atomic_load_n(&r->uses, __ATOMIC_RELAXED);

	if (object_useless(l1, r, clock_wall()))
		return true;
	if (r->queue == QUEUE_SMALL && uses >= QUEUE_PROMOTE) {
		__atomic_store_n(&r->uses, 0, __ATOMIC_RELAXED);
		requeue(l1, r, QUEUE_MAIN);
		l1->counts.promoted++;
		return false;
	}
	if (r->queue == QUEUE_MAIN && uses > 0) {
		__atomic_store_n(&r->uses, (uint8_t)(uses - 1), __ATOMIC_RELAXED);
		requeue(l1, r, QUEUE_MAIN);
		return false;
	}
	return true;
}

bool queue_victim_locked(struct l1 *l1, struct victim *out)
{
	int pinned = 0;

	for (int visits = 0; pinned < PINNED_MAX; visits++) {
		struct record *r = next_candidate(l1);
		if (!r)
			return false;
		if (__atomic_load_n(&r->pins, __ATOMIC_RELAXED) > 0) {
			/* In use right now: not one to lose. */
			requeue(l1, r, QUEUE_MAIN);
			pinned++;
			continue;
		}
		if (visits < VISITS_MAX && !may_leave(l1, r))
			continue;
		*out = (struct victim){l1_offset(l1, r), r->born, r->hash_hi, r->hash_lo};
		/* To the end, so that nobody else picks it as well, and nothing is wedged if we
		 * do not come to evict it. */
		requeue(l1, r, (enum record_queue)r->queue);
		return true;
	}
	return false;
}
