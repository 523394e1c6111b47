/* SPDX-License-Identifier: BSD-2-Clause */
#include "admin/series.h"

#include <stdlib.h>

#include "obs/window.h"

struct series {
	struct series_point points[SERIES_POINTS]; /* a ring */
	unsigned n, next;			   /* points in it; where the next one goes */
	bool begun;				   /* what follows holds a reading */
	int64_t mono;				   /* when it was taken */
	uint64_t classes[SERIES_CLASSES];
	struct window_sample sample;
};

struct series *series_new(void)
{
	return calloc(1, sizeof(struct series));
}

void series_free(struct series **series)
{
	free(*series);
	*series = NULL;
}

void series_classes(const struct metrics *m, uint64_t out[SERIES_CLASSES])
{
	static const enum metric_id ids[SERIES_CLASSES] = {
		METRIC_ROUTE_responses_1xx, METRIC_ROUTE_responses_2xx, METRIC_ROUTE_responses_3xx,
		METRIC_ROUTE_responses_4xx, METRIC_ROUTE_responses_5xx,
	};
	unsigned routes = metrics_subjects(m, METRIC_SCOPE_ROUTE);

	for (unsigned c = 0; c < SERIES_CLASSES; c++) {
		out[c] = 0;
		for (unsigned r = 0; r < routes; r++)
			out[c] += metrics_sum(m, METRIC_SCOPE_ROUTE, r, ids[c]);
	}
}

static uint64_t grown(uint64_t now, uint64_t before)
{
	return now > before ? now - before : 0;
}

static void fill_point(struct series_point *p, const struct series *s,
		       const uint64_t classes[SERIES_CLASSES], const struct window_sample *sample)
{
	struct hist lately;

	for (unsigned c = 0; c < SERIES_CLASSES; c++)
		p->classes[c] = grown(classes[c], s->classes[c]);
	p->requests = grown(sample->requests, s->sample.requests);
	hist_diff(&sample->duration, &s->sample.duration, &lately);
	if (hist_count(&lately) == 0) {
		p->p50 = p->p90 = p->p99 = -1;
		return;
	}
	p->p50 = hist_quantile(&lately, 0.5);
	p->p90 = hist_quantile(&lately, 0.9);
	p->p99 = hist_quantile(&lately, 0.99);
}

void series_add(struct series *s, const struct metrics *m, int64_t mono, int64_t wall)
{
	uint64_t classes[SERIES_CLASSES];
	struct window_sample sample = {0};

	series_classes(m, classes);
	window_sample_node(m, &sample);
	if (s->begun) {
		struct series_point *p = &s->points[s->next];

		p->wall = wall;
		p->length = MAX(mono - s->mono, 1);
		fill_point(p, s, classes, &sample);
		s->next = (s->next + 1) % SERIES_POINTS;
		s->n = MIN(s->n + 1, (unsigned)SERIES_POINTS);
	}
	s->begun = true;
	s->mono = mono;
	memcpy(s->classes, classes, sizeof(classes));
	s->sample = sample;
}

unsigned series_count(const struct series *s)
{
	return s->n;
}

const struct series_point *series_get(const struct series *s, unsigned i)
{
	return &s->points[(s->next + SERIES_POINTS - s->n + i) % SERIES_POINTS];
}

void series_sum(const struct series *s, unsigned n, struct series_point *out)
{
	*out = (struct series_point){.p50 = -1, .p90 = -1, .p99 = -1};
	n = MIN(n, s->n);
	for (unsigned i = s->n - n; i < s->n; i++) {
		const struct series_point *p = series_get(s, i);

		out->wall = p->wall;
		out->length += p->length;
		out->requests += p->requests;
		for (unsigned c = 0; c < SERIES_CLASSES; c++)
			out->classes[c] += p->classes[c];
	}
}
