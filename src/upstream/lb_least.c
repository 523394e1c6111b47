/* SPDX-License-Identifier: BSD-2-Clause */
#include "upstream/lb.h"

/* Begins at a random place, so that equals take turns over workers too. */
static struct origin_server *pick(struct group *g, struct origin_server **servers, size_t n)
{
	size_t first = rng_below(&g->rng, n);
	struct origin_server *best = servers[first];

	for (size_t i = 1; i < n; i++) {
		struct origin_server *s = servers[(first + i) % n];
		if (lb_less_busy(g, s, best))
			best = s;
	}
	return best;
}

const struct lb_ops lb_least_conn = {.name = "least_conn", .pick = pick};
