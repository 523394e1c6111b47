/* SPDX-License-Identifier: BSD-2-Clause */
#include "req/cache_count.h"

#include "obs/metrics.h"

static const struct {
	size_t at; /* in struct l1_figures */
	enum metric_id id;
} rows[] = {
#define ROW(figure, counter)                                                                       \
	{                                                                                          \
		offsetof(struct l1_figures, figure), METRIC_WORKER_##counter                       \
	}
	ROW(evicted_small, cache_evicted_small),
	ROW(evicted_main, cache_evicted_main),
	ROW(promoted, cache_promoted),
	ROW(ghost_hits, cache_ghost_hits),
	ROW(expired, cache_expired),
	ROW(purged, cache_purged),
	ROW(rejected_large, cache_rejected_large),
	ROW(rejected_full, cache_rejected_full),
	ROW(no_pin, cache_no_pin),
	ROW(broken, cache_broken_off),
#undef ROW
};

static uint64_t figure(const struct l1_figures *f, size_t at)
{
	return *(const uint64_t *)(const void *)((const char *)f + at);
}

void cache_count(struct l1 *l1, struct l1_figures *seen, struct metric_row *row)
{
	struct l1_figures now;

	l1_figures(l1, &now);
	for (size_t i = 0; i < COUNTOF(rows); i++)
		metric_add(row, rows[i].id, figure(&now, rows[i].at) - figure(seen, rows[i].at));
	*seen = now;
}
