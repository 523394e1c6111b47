/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * All metrics as text, by walking tbl/counters.h: Prometheus, JSON, plain. Run by the admin
 * process; reads the segment without disturbing the workers. Errors are latched in the buffer.
 */
#ifndef OBS_EXPOSE_H
#define OBS_EXPOSE_H

#include "base/buf.h"
#include "obs/metrics.h"

#define EXPOSE_PROMETHEUS_TYPE "text/plain; version=0.0.4; charset=utf-8"

/* Text exposition format 0.0.4: HELP and TYPE per family, labels worker, listener, route,
 * upstream, server; histograms in about 20 steps. */
void expose_prometheus(const struct metrics *m, struct buf *out);

/*
 * One JSON object (no newline behind it):
 * {"totals":{...}, "workers":[{"worker":0,...}], "listeners":[{"name":"web",...}],
 *  "routes":[...], "upstreams":[{"name":...,"servers":[...]}], "node":{...}}
 * Values are keyed by the ids of tbl/counters.h; seconds are decimals; a histogram is
 * {"count","sum","average","p50","p90","p95","p99"}. "totals" is the sum of the workers.
 */
void expose_json(const struct metrics *m, struct buf *out);

/* The values of one subject as `"requests":1,...` (no braces), for objects with other members.
 * WORKER, 0: the sums over all workers. */
void expose_json_values(const struct metrics *m, enum metric_scope scope, unsigned subject,
			struct buf *out);

/* The same for one worker. */
void expose_json_worker(const struct metrics *m, unsigned slot, struct buf *out);

/* For people: a block per subject, `name value` lines, zero values left out unless <all>. */
void expose_plain(const struct metrics *m, bool all, struct buf *out);

#endif
