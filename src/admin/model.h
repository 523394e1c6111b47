/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the admin process knows, as JSON values: made once here, served by the HTTP API and
 * rendered for people by show.c. Each function gives a new reference, or NULL when out of memory.
 * Times are seconds, shares are 0..1; what nothing was measured for is null.
 */
#ifndef ADMIN_MODEL_H
#define ADMIN_MODEL_H

#include <jansson.h>

#include "base/buf.h"

struct admin;

/* Is the node fit for requests, and the figures behind it; *out_healthy is the verdict. */
MUST_CHECK json_t *model_health(const struct admin *admin, bool *out_healthy);

/* Who we are, workers, listeners. */
MUST_CHECK json_t *model_status(const struct admin *admin);

/* Windows, what is open now, workers, listeners, routes, upstreams: what the dashboard draws. */
MUST_CHECK json_t *model_live(const struct admin *admin);

/* {"upstreams": [...]} */
MUST_CHECK json_t *model_upstreams(const struct admin *admin);

/* {"points": [...]}: one per second, oldest first. */
MUST_CHECK json_t *model_history(const struct admin *admin);

/* Worker processes that serve now. */
unsigned model_workers_running(const struct admin *admin);

/* Appends <value> (which it takes; NULL latches ERR_NOMEM) and a newline. */
void model_write(json_t *value, struct buf *out);

/* The same with all counters as a member "counters". */
void model_write_stats(json_t *live, const struct admin *admin, struct buf *out);

#endif
