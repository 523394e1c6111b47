/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Regions of the shared segment. REGION(id, name, writers, protection, help)
 * Appended, never renumbered: the number is stored in the segment's directory.
 */
REGION(SLOTS, "slots", "master: pid, generation, state; worker: heartbeat, report",
       "one writer per field", "one cell per worker: who lives there and how it is")
REGION(METRICS, "metrics", "master: subject names; worker: the rows of its own slot",
       "one writer per row, names published with a release store",
       "counters, gauges and histograms")
REGION(UPSTREAMS, "upstreams", "every worker", "locks and atomics of src/upstream",
       "what workers share about upstreams: connection limits and server state")
