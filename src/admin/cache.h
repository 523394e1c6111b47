/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The cache as the admin process sees it: it reads the segment's regions as the workers do, without
 * pins, and purges. Private to this folder.
 */
#ifndef ADMIN_CACHE_H
#define ADMIN_CACHE_H

#include <jansson.h>

#include "base/buf.h"
#include "req/route_cache.h"
#include "store/fills.h"
#include "store/l1.h"
#include "store/purge.h"

struct admin;
struct ask;
struct conf_route;
struct question;

/* All NULL: no cache in this configuration. */
struct cache_view {
	struct l1 *l1;
	struct fills *fills;
	struct purge *purge;
};

void cache_attach(struct admin *admin);
void cache_detach(struct admin *admin);

/* Puts what the regions say into the NODE row of the metrics, for whoever shows it next. */
void cache_gauges(struct admin *admin);

/* ---- keys ---- */

/* A route's rules, and the key of a request under them. */
struct cache_place {
	struct route_cache rules;
	struct buf text;
	struct l1_key key;
};

/* ERR_NOMEM, or ERR_LIMIT: too long for a key. cache_place_fini in any case. */
MUST_CHECK int cache_place_init(struct cache_place *p, const struct conf_route *route,
				const struct question *q);
void cache_place_fini(struct cache_place *p);

/* If the origin said that parts of the query do not matter (No-Vary-Search): makes it the key
 * without them; true. Workers do so when they find nothing under the key as it is. */
bool cache_search(struct admin *admin, struct cache_place *p, const struct conf_route *route,
		  const struct question *q);

/* ---- words ---- */

/* What is stored for <q> on <route>, and what the cache would do. */
void cache_explain(struct admin *admin, const struct conf_route *route, const struct question *q,
		   struct buf *out);

/* The figures; {"enabled": false} without a cache. NULL when out of memory. */
json_t *cache_model(const struct admin *admin);

#endif
