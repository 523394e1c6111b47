/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Locks in the shared segment. LOCK(id, rank, where, help)
 * A process that holds a lock may take only locks of a higher rank. Rows are sorted by rank;
 * the id's number is stored in the segment, so rows are appended within equal meaning only.
 */
LOCK(UPSTREAM_TABLE, 10, "UPSTREAMS region, one", "which upstream has which cell")
LOCK(UPSTREAM, 20, "UPSTREAMS region, one per cell", "an upstream's limits and queue")
