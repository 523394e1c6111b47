/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Shared between the files about the cache in req/: the key (cache_key.c), look-up and fetch
 * (steps_cache.c), what makes stored responses void (invalidate.c).
 */
#ifndef REQ_CACHE_H
#define REQ_CACHE_H

#include "req/request.h"

enum { CACHE_KEY_ROOM = 512 }; /* what a key may have beyond what came with the head */

/* Is the request's content part of its key (QUERY, POST)? */
bool cache_keyed_by_content(const struct request *r);

/* Makes r->cache.key and .host, with <query> as the query. False: out of memory. */
bool cache_make_key(struct request *r, struct str query, bool by_content);

/* *query without what the origin's No-Vary-Search <rule> says does not matter. False: all of it does,
 * or out of memory. */
bool cache_reduce_query(struct request *r, struct str rule, struct str *query);

/* Does not follow any fill any more. */
void cache_unwatch(struct request *r);

/* A fill for this request; takes the ticket and the base. NULL: out of memory, nothing was taken. */
struct fill *cache_new_fill(struct request *r, struct fill_ticket *ticket, struct l1_ref *base,
			    bool keyed);

#endif
