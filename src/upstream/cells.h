/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What workers share about upstreams, in the UPSTREAMS region of the segment: how many connections
 * each worker holds (so that max_connections is exact over all of them), how many requests wait,
 * and how many exchanges each server carries (for balancing). Cells are numbered like the metric
 * subjects, so they keep their meaning over reloads and worker deaths.
 *
 * Counts are kept per worker slot; sums are made when needed. So a dead worker's share is exactly
 * its own entries, and recovery sets them to zero.
 */
#ifndef UPSTREAM_CELLS_H
#define UPSTREAM_CELLS_H

#include "base/prelude.h"

struct seg;
struct cells; /* the region; private to cells.c */

/* For the segment: bytes of the region and the hash of its layout. */
size_t upstream_region_bytes(void);
uint64_t upstream_region_layout(void);

/*
 * The region of <seg>, or NULL if it has none. The master calls it first, before it forks: makes a
 * fresh region ready and registers the recover function.
 */
struct cells *cells_attach(struct seg *seg);

/* One more connection of <slot> to <upstream>, if fewer than <limit> are open on all workers. */
MUST_CHECK bool cells_conn_take(struct cells *c, unsigned upstream, unsigned slot, uint32_t limit);
void cells_conn_give(struct cells *c, unsigned upstream, unsigned slot);

/* One more waiting request, if fewer than <limit> wait on all workers. */
MUST_CHECK bool cells_queue_enter(struct cells *c, unsigned upstream, unsigned slot,
				  uint32_t limit);
void cells_queue_leave(struct cells *c, unsigned upstream, unsigned slot);

/* When this worker's longest waiting request began to wait (mono ns; 0 = none waits). */
void cells_set_oldest(struct cells *c, unsigned upstream, unsigned slot, int64_t since);

/*
 * The other worker whose request has waited longest, if it has waited longer than <since> (0: any
 * will do); or SLOT_NONE. No lock: a hint for whom to wake.
 */
unsigned cells_longest_waiting(const struct cells *c, unsigned upstream, unsigned slot,
			       int64_t since);

/* Exchanges that <server> carries now, of all workers. */
uint32_t cells_active(const struct cells *c, unsigned server);
/* Adds to this worker's share (+1, -1). */
void cells_active_add(struct cells *c, unsigned server, unsigned slot, int n);

/* Open connections of one worker, a hint. */
uint32_t cells_conns_of(const struct cells *c, unsigned upstream, unsigned slot);

/* Open connections to <upstream> of all workers. */
uint32_t cells_conns(const struct cells *c, unsigned upstream);

#endif
