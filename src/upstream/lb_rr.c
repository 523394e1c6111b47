/* SPDX-License-Identifier: BSD-2-Clause */
#include "upstream/lb.h"

/*
 * Smooth weighted round robin: each server earns its weight per turn, the richest one is taken
 * and pays the sum. Spreads the turns of a heavy server instead of bunching them.
 */
static struct origin_server *pick(struct group *g, struct origin_server **servers, size_t n)
{
	struct origin_server *best = NULL;
	int64_t sum = 0;

	(void)g;
	for (size_t i = 0; i < n; i++) {
		struct origin_server *s = servers[i];
		s->rr_credit += s->weight;
		sum += s->weight;
		if (!best || s->rr_credit > best->rr_credit)
			best = s;
	}
	best->rr_credit -= sum;
	return best;
}

const struct lb_ops lb_round_robin = {.name = "round_robin", .pick = pick};
