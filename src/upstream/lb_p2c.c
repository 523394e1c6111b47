/* SPDX-License-Identifier: BSD-2-Clause */
#include "upstream/lb.h"

static size_t draw(struct group *g, struct origin_server **servers, size_t n, size_t but)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += i == but ? 0 : servers[i]->weight;
	uint64_t ticket = rng_below(&g->rng, sum);
	for (size_t i = 0; i < n; i++) {
		uint64_t share = i == but ? 0 : servers[i]->weight;
		if (ticket < share)
			return i;
		ticket -= share;
	}
	return 0;
}

/* Two different servers drawn by weight, the less busy one of them (Mitzenmacher 2001). */
static struct origin_server *pick(struct group *g, struct origin_server **servers, size_t n)
{
	if (n == 1)
		return servers[0];
	size_t a = draw(g, servers, n, n);
	size_t b = draw(g, servers, n, a);
	return lb_less_busy(g, servers[b], servers[a]) ? servers[b] : servers[a];
}

const struct lb_ops lb_p2c = {.name = "p2c", .pick = pick};
