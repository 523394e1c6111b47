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
REGION(L1, "l1", "every worker", "shard locks, one lock for space and queues, pins",
       "stored responses: index, pages of blocks, pins of each worker")
REGION(FILLS, "fills", "every worker", "one lock per bucket of entries",
       "fetches in flight that others wait for, and hit-for-miss marks")
REGION(PURGE, "purge", "every worker and the admin process", "atomics; a lock for prefixes",
       "generations of purged URLs, tags, hosts; prefixes")
