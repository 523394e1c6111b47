/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Hit-for-miss marks: a fixed array of words without locks, eight to a set. A mark that is pushed
 * out too early, or that two keys share, costs a wait or a fetch of its own, nothing else: so words
 * are stored without looking who stores beside.
 */
#include "base/clock.h"
#include "store/fills_priv.h"

/* Expiry is counted in units of 67 ms, so that 31 bits reach over 4 years. */
enum { MARK_SHIFT = 26 };
#define MARK_LONGEST (INT64_C(365) * 86400 * NS_PER_S)

static uint64_t *set_of(struct fills *f, const struct l1_hash *key)
{
	return f->r->marks[key->hi >> 32 & (MARK_SETS - 1)];
}

static uint32_t fingerprint(const struct l1_hash *key)
{
	return (uint32_t)key->hi;
}

/* The last unit that <ns> from now still reaches, never 0. */
static uint32_t unit_at(int64_t ns)
{
	uint32_t unit = (uint32_t)((uint64_t)(clock_mono() + ns) >> MARK_SHIFT);

	return unit ? unit : 1;
}

/* Units that the mark <word> has left; 0 or below: expired, or none. */
static int32_t left(uint64_t word)
{
	return word ? (int32_t)((uint32_t)word - unit_at(0)) : 0;
}

/* The way in <set> that marks <key>, expired or not, or MARK_WAYS. */
static unsigned find(const uint64_t *set, uint32_t print)
{
	for (unsigned i = 0; i < MARK_WAYS; i++) {
		uint64_t word = __atomic_load_n(&set[i], __ATOMIC_RELAXED);
		if (word && (uint32_t)(word >> 32) == print)
			return i;
	}
	return MARK_WAYS;
}

/* The way that is missed least: free or with the least time left. */
static unsigned least(const uint64_t *set)
{
	unsigned best = 0;
	int32_t best_left = INT32_MAX;

	for (unsigned i = 0; i < MARK_WAYS; i++) {
		int32_t n = left(__atomic_load_n(&set[i], __ATOMIC_RELAXED));
		if (n < best_left) {
			best = i;
			best_left = n;
		}
	}
	return best;
}

bool fills_marked(struct fills *f, const struct l1_hash *key)
{
	const uint64_t *set = set_of(f, key);
	unsigned i = find(set, fingerprint(key));

	return i < MARK_WAYS && left(__atomic_load_n(&set[i], __ATOMIC_RELAXED)) > 0;
}

void fills_mark(struct fills *f, const struct l1_hash *key, int64_t ns)
{
	uint64_t *set = set_of(f, key);
	unsigned i = find(set, fingerprint(key));

	if (ns <= 0)
		return;
	if (i == MARK_WAYS)
		i = least(set);
	/* the unit that has begun counts as a whole: a mark lasts at least <ns> */
	uint64_t word = (uint64_t)fingerprint(key) << 32 |
			unit_at(MIN(ns, MARK_LONGEST) + (1 << MARK_SHIFT));
	__atomic_store_n(&set[i], word, __ATOMIC_RELAXED);
}

void fills_unmark(struct fills *f, const struct l1_hash *key)
{
	uint64_t *set = set_of(f, key);
	unsigned i = find(set, fingerprint(key));

	if (i < MARK_WAYS)
		__atomic_store_n(&set[i], 0, __ATOMIC_RELAXED);
}
