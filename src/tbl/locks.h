/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Locks in the shared segment. LOCK(id, rank, where, help)
 * A process that holds a lock may take only locks of a higher rank, so of one row only one at a time.
 * Appended, never renumbered: the number is stored in the segment.
 */
LOCK(UPSTREAM, 20, "UPSTREAMS region, one per cell", "an upstream's limits and queue")
