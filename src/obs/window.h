/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sliding windows over growing sums: what happened in the last 10 seconds, minute, five minutes.
 * Somebody takes a sample of the sums every second; a window is the difference of two samples.
 * Samples are thinned out with age, so memory is bounded (about 210 KiB). A window of up to an hour
 * is never shorter than asked for and at most a fifth longer (10 s, 1 min and 5 min: a tenth);
 * rates are over the time that it really spans. Run by the admin process.
 */
#ifndef OBS_WINDOW_H
#define OBS_WINDOW_H

#include "base/err.h"
#include "obs/metrics.h"

/* Readings of things that only grow. */
struct window_sample {
	uint64_t requests;    /* requests answered */
	uint64_t errors;      /* of them, answers of class 5xx */
	struct hist duration; /* their durations */
};

/* What happened in a window. */
struct window_figures {
	int64_t length;	       /* ns that the window really spans; 0 = no two samples yet */
	uint64_t requests;     /* answered */
	uint64_t errors;       /* 5xx */
	double rate;	       /* requests per second */
	double error_rate;     /* errors / requests, 0..1 */
	int64_t average;       /* ns */
	int64_t p50, p95, p99; /* ns */
};

struct window; /* private to window.c */

/* NULL when out of memory. */
struct window *window_new(void);
void window_free(struct window **w);

/* Adds a sample; <mono_now> must not go back. Calls closer together than half a second are
 * ignored, so any timer or request may call it. */
void window_add(struct window *w, int64_t mono_now, const struct window_sample *sample);

/* The figures of the last <length> ns (or since the first sample, if that is shorter). */
void window_get(const struct window *w, int64_t length, struct window_figures *out);

/* The sums of the whole node, over all routes; or of one route; or one upstream. */
void window_sample_node(const struct metrics *m, struct window_sample *out);
void window_sample_route(const struct metrics *m, unsigned subject, struct window_sample *out);
void window_sample_upstream(const struct metrics *m, unsigned subject, struct window_sample *out);

#endif
