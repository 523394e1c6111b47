/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One point per second of the last minutes: what the dashboard's charts and `top` show. Admin
 * process only.
 */
#ifndef ADMIN_SERIES_H
#define ADMIN_SERIES_H

#include "base/prelude.h"

struct metrics;
struct series;

enum { SERIES_POINTS = 300, SERIES_CLASSES = 5 };

/* What happened in one second (or a bit more, when the process was held up). */
struct series_point {
	int64_t wall;			  /* end of it, ns since the epoch */
	int64_t length;			  /* ns */
	uint64_t classes[SERIES_CLASSES]; /* answers with 1xx, 2xx ... 5xx */
	uint64_t requests;		  /* answered */
	int64_t p50, p90, p99;		  /* ns; -1 = nothing was answered */
};

/* NULL when out of memory. */
MUST_CHECK struct series *series_new(void);
void series_free(struct series **series);

/* Adds the point since the last call; the first call only remembers where it begins. */
void series_add(struct series *series, const struct metrics *m, int64_t mono, int64_t wall);

/* How many points there are, and the <i>th, oldest first. */
unsigned series_count(const struct series *series);
const struct series_point *series_get(const struct series *series, unsigned i);

/* Sums classes, requests and length of the last <n> points into <out>; percentiles are left -1. */
void series_sum(const struct series *series, unsigned n, struct series_point *out);

/* Answers by class since the segment was made, all routes together. */
void series_classes(const struct metrics *m, uint64_t out[SERIES_CLASSES]);

#endif
