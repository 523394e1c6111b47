/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Making room. Objects leave in the order of the queues; where that frees no block of the wanted
 * size, a page of another size is emptied, so that a change of sizes never wedges the cache. Called
 * with no lock held.
 */
#ifndef STORE_EVICT_H
#define STORE_EVICT_H

#include "store/layout.h"

/* One caller's search for room. */
struct eviction {
	uint64_t want;	  /* bytes of the block that it needs */
	unsigned victims; /* evicted in order */
	unsigned pages;	  /* emptied or tried */
	unsigned tries;
};

/* Evicts something. False: there is nothing more to be had. */
bool evict_some(struct l1 *l1, struct eviction *e);

#endif
