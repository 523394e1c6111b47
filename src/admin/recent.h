/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What each route, upstream and server did lately: the difference between now and a mark that is
 * RECENT_MARK to twice as old. Marks cost a histogram per subject, windows per subject would cost
 * sixty. Admin process only.
 */
#ifndef ADMIN_RECENT_H
#define ADMIN_RECENT_H

#include "obs/window.h"

struct recent;

#define RECENT_MARK (10 * NS_PER_S)

struct recent_figures {
	int64_t length;	   /* ns that they span; 0 = nothing to compare with yet */
	uint64_t requests; /* answered; SERVER: sent */
	uint64_t errors;   /* 5xx; SERVER: failures */
	double rate;	   /* requests per second */
	int64_t p50, p99;  /* ns; -1 = nothing was answered. ROUTE: whole duration, UPSTREAM: first
			      byte; SERVER: always -1 */
};

/* NULL when out of memory. Takes the first mark. */
MUST_CHECK struct recent *recent_new(const struct metrics *m, int64_t now);
void recent_free(struct recent **recent);

/* Sets a mark when it is time; call it once a second. */
void recent_tick(struct recent *recent, int64_t now);

/* Of scope ROUTE, UPSTREAM or SERVER. */
void recent_get(const struct recent *recent, enum metric_scope scope, unsigned subject, int64_t now,
		struct recent_figures *out);

#endif
