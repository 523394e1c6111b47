/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How a route caches, made from its settings: conf and policy do not know each other, here they
 * meet. Built with the snapshot, lives as long as it.
 */
#ifndef REQ_ROUTE_CACHE_H
#define REQ_ROUTE_CACHE_H

#include "fetch/fill.h"
#include "policy/acl.h"
#include "policy/key.h"

struct conf_route_cache;

struct route_cache {
	bool on;     /* answers of this route are looked up and stored */
	bool status; /* Cache-Status is written */
	bool groups;
	uint32_t methods; /* bit per enum http_method */
	size_t key_body;  /* largest content that may be part of a key, bytes */
	int64_t wait;	  /* ns behind another's fetch; 0 = no waiting */
	bool purge;	  /* PURGE is understood, from <purgers> */
	struct acl purgers;
	struct key_rules key;
	struct fill_rules fill;
	void *memory[6]; /* the lists that the rules point to */
};

/* For the route <name>, all but fill.row, the route's counters. ERR_NOMEM. */
MUST_CHECK int route_cache_build(struct route_cache *rc, const struct conf_route_cache *conf,
				 const char *name);
void route_cache_fini(struct route_cache *rc);

#endif
