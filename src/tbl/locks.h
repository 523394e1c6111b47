/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Locks in the shared segment. LOCK(id, rank, where, help)
 * A process that holds a lock may take only locks of a higher rank, so of one row only one at a time.
 * Appended, never renumbered: the number is stored in the segment.
 */
LOCK(UPSTREAM, 20, "UPSTREAMS region, one per cell", "an upstream's limits and queue")
LOCK(FILLS, 30, "FILLS region, one per bucket", "who leads a fetch, who waits")
LOCK(L1_SHARD, 40, "L1 region, one per shard", "index, variants and pins of the shard's keys")
LOCK(L1_SPACE, 50, "L1 region, one", "pages, free blocks, eviction queues")
LOCK(PURGE, 60, "PURGE region, one", "purged prefixes")
