/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Life of a worker slot. WORKER_STATE(id, name, bits of the states that may follow, help)
 * Appended, never renumbered: the number is stored in the segment. FREE is 0.
 */
WORKER_STATE(FREE, "free", 1 << 1, "nobody lives here")
WORKER_STATE(STARTING, "starting", 1 << 2 | 1 << 3 | 1 << 4, "forked, not yet serving")
WORKER_STATE(RUNNING, "running", 1 << 3 | 1 << 4, "serving")
WORKER_STATE(DRAINING, "draining", 1 << 2 | 1 << 4, "finishes what is open")
WORKER_STATE(GONE, "gone", 1 << 0, "the process has ended; its slot is being repaired")
