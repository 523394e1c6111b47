/* SPDX-License-Identifier: BSD-2-Clause */
#include "upstream/lb.h"

#include "upstream/cells.h"

const struct lb_ops *lb_by_conf(enum conf_balance balance)
{
	switch (balance) {
	case CONF_BALANCE_ROUND_ROBIN:
		return &lb_round_robin;
	case CONF_BALANCE_LEAST_CONN:
		return &lb_least_conn;
	default:
		return &lb_p2c;
	}
}

bool lb_less_busy(const struct group *g, const struct origin_server *a,
		  const struct origin_server *b)
{
	const struct cells *c = g->owner->cells;

	/* active / weight, without the division */
	return (uint64_t)cells_active(c, a->cell) * b->weight <
	       (uint64_t)cells_active(c, b->cell) * a->weight;
}
