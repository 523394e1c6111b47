/* SPDX-License-Identifier: BSD-2-Clause */
#include "obs/hist.h"

#include "base/check.h"

enum { SUBS = 1 << HIST_SUB_BITS };

static uint64_t load(const uint64_t *cell)
{
	return __atomic_load_n(cell, __ATOMIC_RELAXED);
}

uint64_t hist_lower(unsigned i)
{
	ASSERT(i < HIST_BUCKETS);
	if (i == 0)
		return 0;
	unsigned octave = (i - 1) >> HIST_SUB_BITS, sub = (i - 1) & (SUBS - 1);
	return (uint64_t)(SUBS + sub) << (octave + HIST_LOW_BITS - HIST_SUB_BITS);
}

uint64_t hist_upper(unsigned i)
{
	return i + 1 < HIST_BUCKETS ? hist_lower(i + 1) : UINT64_MAX;
}

void hist_merge(struct hist *into, const struct hist *from)
{
	into->sum += load(&from->sum);
	for (unsigned i = 0; i < HIST_BUCKETS; i++)
		into->buckets[i] += load(&from->buckets[i]);
}

static uint64_t minus(uint64_t newer, uint64_t older)
{
	return newer > older ? newer - older : 0;
}

void hist_diff(const struct hist *newer, const struct hist *older, struct hist *out)
{
	out->sum = minus(newer->sum, older->sum);
	for (unsigned i = 0; i < HIST_BUCKETS; i++)
		out->buckets[i] = minus(newer->buckets[i], older->buckets[i]);
}

uint64_t hist_count(const struct hist *h)
{
	uint64_t n = 0;

	for (unsigned i = 0; i < HIST_BUCKETS; i++)
		n += load(&h->buckets[i]);
	return n;
}

/* The value at <share> (0..1) of bucket <i>; the last bucket has no width. */
static int64_t inside(unsigned i, double share)
{
	double low = (double)hist_lower(i);

	if (i + 1 == HIST_BUCKETS)
		return (int64_t)low;
	return (int64_t)(low + share * ((double)hist_upper(i) - low));
}

int64_t hist_quantile(const struct hist *h, double q)
{
	double rank = (q < 0 ? 0 : q > 1 ? 1 : q) * (double)hist_count(h);
	double before = 0;
	int64_t last = 0;

	for (unsigned i = 0; i < HIST_BUCKETS; i++) {
		double n = (double)load(&h->buckets[i]);
		if (n == 0)
			continue;
		if (before + n >= rank)
			return inside(i, (rank - before) / n);
		before += n;
		last = inside(i, 1);
	}
	return last; /* empty, or values came in while we walked */
}

uint64_t hist_at_most(const struct hist *h, uint64_t ns)
{
	unsigned cut = hist_index(ns);
	uint64_t n = 0;

	for (unsigned i = 0; i < cut; i++)
		n += load(&h->buckets[i]);
	if (cut + 1 < HIST_BUCKETS) {
		uint64_t low = hist_lower(cut), width = hist_upper(cut) - low;
		/* Rounded down, so the result never falls when values are added. */
		n += (uint64_t)((double)load(&h->buckets[cut]) * (double)(ns - low) /
				(double)width);
	}
	return n;
}

int64_t hist_average(const struct hist *h)
{
	uint64_t n = hist_count(h);

	return n ? (int64_t)(load(&h->sum) / n) : 0;
}
