/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Is this node fit to be sent requests? Pure: figures in, verdict out. What a load balancer asks.
 */
#ifndef ADMIN_HEALTH_H
#define ADMIN_HEALTH_H

#include "base/prelude.h"

struct conf_admin_health;
struct window_figures;

/* Fewer requests than this in the window say nothing: one slow answer at night is no illness. */
enum { HEALTH_MIN_REQUESTS = 10 };

struct health {
	bool healthy;
	const char *reason; /* a string constant; NULL when healthy */
};

/*
 * <figures> are those of limits->window; <workers> counts the running ones. A node that drains,
 * or has no worker, is unhealthy whatever the figures say.
 */
struct health health_judge(const struct conf_admin_health *limits,
			   const struct window_figures *figures, unsigned workers, bool draining);

#endif
