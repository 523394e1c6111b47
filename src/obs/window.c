/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Samples live in tiers of rising distance. Each tier keeps the samples of its own rhythm in a
 * ring; a window is answered from the finest tier that reaches back far enough.
 */
#include "obs/window.h"

#include <stdlib.h>

#include "base/check.h"

#define WINDOW_MAGIC 0x51d1d60au

enum { TIERS = 5, KEEP = 21 };

/* Distance of a tier's samples; KEEP of them reach back (KEEP - 1) times as far: 20 s, 80 s, 5 min,
 * 21 min, 85 min. */
static const int64_t distances[TIERS] = {1 * NS_PER_S, 4 * NS_PER_S, 16 * NS_PER_S, 64 * NS_PER_S,
					 256 * NS_PER_S};

struct entry {
	int64_t at; /* monotonic, ns */
	struct window_sample sample;
};

struct tier {
	unsigned n;	 /* entries in use */
	unsigned newest; /* index of the newest one */
	struct entry ring[KEEP];
};

struct window {
	uint32_t magic;	     /* WINDOW_MAGIC */
	bool any;	     /* <newest> is set */
	struct entry newest; /* the last sample, whatever its tiers */
	struct tier tiers[TIERS];
};

struct window *window_new(void)
{
	struct window *w = calloc(1, sizeof(*w));

	if (w)
		w->magic = WINDOW_MAGIC;
	return w;
}

void window_free(struct window **pointer)
{
	struct window *w = *pointer;

	*pointer = NULL;
	if (!w)
		return;
	CHECK_MAGIC(w, WINDOW_MAGIC);
	w->magic = 0;
	free(w);
}

static void tier_add(struct tier *t, const struct entry *e)
{
	if (t->n > 0)
		t->newest = (t->newest + 1) % KEEP;
	t->ring[t->newest] = *e;
	if (t->n < KEEP)
		t->n++;
}

/* The <back>th newest entry, 0..n-1. */
static const struct entry *tier_entry(const struct tier *t, unsigned back)
{
	return &t->ring[(t->newest + KEEP - back) % KEEP];
}

void window_add(struct window *w, int64_t mono_now, const struct window_sample *sample)
{
	CHECK_MAGIC(w, WINDOW_MAGIC);
	if (w->any && mono_now - w->newest.at < NS_PER_S / 2)
		return;
	w->any = true;
	w->newest.at = mono_now;
	w->newest.sample = *sample;
	for (unsigned i = 0; i < TIERS; i++) {
		struct tier *t = &w->tiers[i];
		/* A quarter of slack: a timer that is a little early must not skip a beat. */
		if (t->n == 0 || mono_now - tier_entry(t, 0)->at >= distances[i] - distances[i] / 4)
			tier_add(t, &w->newest);
	}
}

/* The youngest entry of <t> that is at least <length> old; NULL if none is. */
static const struct entry *tier_find(const struct tier *t, int64_t newest, int64_t length)
{
	for (unsigned back = 0; back < t->n; back++)
		if (newest - tier_entry(t, back)->at >= length)
			return tier_entry(t, back);
	return NULL;
}

/* Where the window begins: exactly enough if a tier has it, otherwise the oldest sample of all. */
static const struct entry *find_start(const struct window *w, int64_t length)
{
	const struct entry *oldest = NULL;

	for (unsigned i = 0; i < TIERS; i++) {
		const struct tier *t = &w->tiers[i];
		const struct entry *e = tier_find(t, w->newest.at, length);
		if (e)
			return e;
		if (t->n > 0 && (!oldest || tier_entry(t, t->n - 1)->at < oldest->at))
			oldest = tier_entry(t, t->n - 1);
	}
	return oldest;
}

static uint64_t minus(uint64_t newer, uint64_t older)
{
	return newer > older ? newer - older : 0;
}

void window_get(const struct window *w, int64_t length, struct window_figures *out)
{
	struct hist h;

	CHECK_MAGIC(w, WINDOW_MAGIC);
	*out = (struct window_figures){0};
	const struct entry *from = w->any ? find_start(w, length) : NULL;
	if (!from || from->at >= w->newest.at)
		return;
	const struct window_sample *a = &from->sample, *b = &w->newest.sample;
	out->length = w->newest.at - from->at;
	out->requests = minus(b->requests, a->requests);
	out->errors = MIN(minus(b->errors, a->errors), out->requests);
	out->rate = (double)out->requests * (double)NS_PER_S / (double)out->length;
	if (out->requests)
		out->error_rate = (double)out->errors / (double)out->requests;
	hist_diff(&b->duration, &a->duration, &h);
	out->average = hist_average(&h);
	out->p50 = hist_quantile(&h, 0.50);
	out->p95 = hist_quantile(&h, 0.95);
	out->p99 = hist_quantile(&h, 0.99);
}

/* ---- what to sample ---- */

/* Answers of all classes; <first> is the 1xx counter. */
static uint64_t responses(const struct metrics *m, enum metric_scope scope, unsigned subject,
			  enum metric_id first)
{
	uint64_t n = 0;

	for (int i = 0; i < 5; i++)
		n += metrics_sum(m, scope, subject, (enum metric_id)(first + i));
	return n;
}

static void add_route(const struct metrics *m, unsigned subject, struct window_sample *out)
{
	const enum metric_scope scope = METRIC_SCOPE_ROUTE;

	out->requests += responses(m, scope, subject, METRIC_ROUTE_responses_1xx);
	out->errors += metrics_sum(m, scope, subject, METRIC_ROUTE_responses_5xx);
	metrics_hist_sum(m, scope, subject, HIST_ROUTE_duration, &out->duration);
}

void window_sample_node(const struct metrics *m, struct window_sample *out)
{
	memset(out, 0, sizeof(*out));
	for (unsigned i = 0; i < metrics_subjects(m, METRIC_SCOPE_ROUTE); i++)
		add_route(m, i, out);
}

void window_sample_route(const struct metrics *m, unsigned subject, struct window_sample *out)
{
	memset(out, 0, sizeof(*out));
	add_route(m, subject, out);
}

void window_sample_upstream(const struct metrics *m, unsigned subject, struct window_sample *out)
{
	const enum metric_scope scope = METRIC_SCOPE_UPSTREAM;

	memset(out, 0, sizeof(*out));
	out->requests = responses(m, scope, subject, METRIC_UPSTREAM_responses_1xx);
	out->errors = metrics_sum(m, scope, subject, METRIC_UPSTREAM_responses_5xx);
	metrics_hist_sum(m, scope, subject, HIST_UPSTREAM_response_time, &out->duration);
}
