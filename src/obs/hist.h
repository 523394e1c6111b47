/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Latency histograms: log-linear, 8 buckets per power of two, from 1.024 us (2^10 ns) to 1100 s
 * (2^40 ns), with one catch-all on each side. A value is known to 12.5% of itself. Adding costs a
 * count of leading zeros, a shift and two additions. The memory may lie in the segment; there is
 * one writer, and readers see values that are at most a moment old.
 */
#ifndef OBS_HIST_H
#define OBS_HIST_H

#include "base/prelude.h"

enum {
	HIST_LOW_BITS = 10,  /* below 2^10 ns: the first bucket */
	HIST_HIGH_BITS = 40, /* from 2^40 ns: the last one */
	HIST_SUB_BITS = 3,   /* 2^3 buckets per power of two */
	HIST_BUCKETS = ((HIST_HIGH_BITS - HIST_LOW_BITS) << HIST_SUB_BITS) + 2,
};

struct hist {
	uint64_t sum;			/* of all values, ns */
	uint64_t buckets[HIST_BUCKETS]; /* how many values fell into each */
};

/* The bucket of a value. */
static inline unsigned hist_index(uint64_t ns)
{
	if (UNLIKELY(ns < (UINT64_C(1) << HIST_LOW_BITS)))
		return 0;
	if (UNLIKELY(ns >> HIST_HIGH_BITS))
		return HIST_BUCKETS - 1;
	unsigned exponent = 63 - (unsigned)__builtin_clzll(ns);
	unsigned sub = (unsigned)(ns >> (exponent - HIST_SUB_BITS)) & ((1u << HIST_SUB_BITS) - 1);
	return ((exponent - HIST_LOW_BITS) << HIST_SUB_BITS) + sub + 1;
}

/* Adds to a cell that only this process writes; readers elsewhere never see half a number. */
static inline void hist_bump(uint64_t *cell, uint64_t n)
{
	uint64_t old = __atomic_load_n(cell, __ATOMIC_RELAXED);

	__atomic_store_n(cell, old + n, __ATOMIC_RELAXED);
}

/* Adds one value; a negative one counts as 0. */
static inline void hist_add(struct hist *h, int64_t ns)
{
	uint64_t v = ns > 0 ? (uint64_t)ns : 0;

	hist_bump(&h->sum, v);
	hist_bump(&h->buckets[hist_index(v)], 1);
}

/* First value of bucket <i>, and the first value behind it, in ns. */
uint64_t hist_lower(unsigned i);
uint64_t hist_upper(unsigned i);

/* into += from; <from> may be written to meanwhile. */
void hist_merge(struct hist *into, const struct hist *from);

/* out = newer - older, where both are readings of one growing histogram. Never below zero. */
void hist_diff(const struct hist *newer, const struct hist *older, struct hist *out);

/* How many values. */
uint64_t hist_count(const struct hist *h);

/* The value below which the fraction <q> (0..1) lies, in ns, interpolated within its bucket; 0 if
 * empty. The last bucket has no end: its beginning is given. */
int64_t hist_quantile(const struct hist *h, double q);

/* How many values were at most <ns>: whole buckets, and a share of the one that <ns> cuts. Grows
 * with <ns> and with time. */
uint64_t hist_at_most(const struct hist *h, uint64_t ns);

/* Average in ns; 0 if empty. */
int64_t hist_average(const struct hist *h);

#endif
