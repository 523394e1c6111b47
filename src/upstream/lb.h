/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Balancers: which of the eligible servers takes the next exchange. One algorithm per file. They
 * see servers with their weights and how many exchanges each carries on all workers.
 */
#ifndef UPSTREAM_LB_H
#define UPSTREAM_LB_H

#include "upstream/group.h"

struct lb_ops {
	const char *name;
	/* One of servers[0..n), n >= 1. */
	struct origin_server *(*pick)(struct group *g, struct origin_server **servers, size_t n);
};

extern const struct lb_ops lb_round_robin; /* smooth weighted round robin */
extern const struct lb_ops lb_least_conn;  /* fewest exchanges per weight, ties by turns */
extern const struct lb_ops lb_p2c;	   /* the better of two drawn at random by weight */

const struct lb_ops *lb_by_conf(enum conf_balance balance);

/* Is <a> less busy than <b>, relative to their weights? */
bool lb_less_busy(const struct group *g, const struct origin_server *a,
		  const struct origin_server *b);

#endif
