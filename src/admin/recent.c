/* SPDX-License-Identifier: BSD-2-Clause */
#include "admin/recent.h"

#include <stdlib.h>

/* What was read of one subject. */
struct reading {
	uint64_t requests, errors;
	struct hist times;
};

/* All subjects of one scope at one moment. */
struct mark {
	struct reading *at; /* by subject; those beyond <n> began later, at zero */
	unsigned n, room;
};

enum { SCOPES = 3 };
static const enum metric_scope scopes[SCOPES] = {
	METRIC_SCOPE_ROUTE,
	METRIC_SCOPE_UPSTREAM,
	METRIC_SCOPE_SERVER,
};

struct recent {
	const struct metrics *m;
	struct mark marks[2][SCOPES]; /* the older one is what is compared with */
	int64_t taken[2];	      /* mono ns */
	unsigned older;		      /* index of the older one */
};

static void take_reading(const struct metrics *m, enum metric_scope scope, unsigned subject,
			 struct reading *out)
{
	struct window_sample sample = {0};

	memset(out, 0, sizeof(*out));
	if (scope == METRIC_SCOPE_SERVER) {
		out->requests = metrics_sum(m, scope, subject, METRIC_SERVER_requests);
		out->errors = metrics_sum(m, scope, subject, METRIC_SERVER_failures);
		return;
	}
	if (scope == METRIC_SCOPE_ROUTE) {
		window_sample_route(m, subject, &sample);
		out->times = sample.duration;
	} else {
		window_sample_upstream(m, subject, &sample);
		metrics_hist_sum(m, scope, subject, HIST_UPSTREAM_first_byte_time, &out->times);
	}
	out->requests = sample.requests;
	out->errors = sample.errors;
}

/* Out of memory: the mark stays shorter, and what is missing counts from the beginning. */
static void take_mark(const struct metrics *m, enum metric_scope scope, struct mark *mark)
{
	unsigned n = metrics_subjects(m, scope);

	if (n > mark->room) {
		struct reading *more = realloc(mark->at, n * sizeof(*more));

		if (more) {
			mark->at = more;
			mark->room = n;
		}
	}
	mark->n = MIN(n, mark->room);
	for (unsigned i = 0; i < mark->n; i++)
		take_reading(m, scope, i, &mark->at[i]);
}

static void take_marks(struct recent *r, unsigned which, int64_t now)
{
	for (unsigned s = 0; s < SCOPES; s++)
		take_mark(r->m, scopes[s], &r->marks[which][s]);
	r->taken[which] = now;
}

struct recent *recent_new(const struct metrics *m, int64_t now)
{
	struct recent *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	r->m = m;
	take_marks(r, 0, now);
	take_marks(r, 1, now);
	return r;
}

void recent_free(struct recent **recent)
{
	struct recent *r = *recent;

	if (!r)
		return;
	for (unsigned i = 0; i < 2; i++) {
		for (unsigned s = 0; s < SCOPES; s++)
			free(r->marks[i][s].at);
	}
	free(r);
	*recent = NULL;
}

void recent_tick(struct recent *r, int64_t now)
{
	unsigned newer = !r->older;

	if (now - r->taken[newer] < RECENT_MARK)
		return;
	take_marks(r, r->older, now);
	r->older = newer;
}

static const struct reading *reading_at(const struct recent *r, enum metric_scope scope,
					unsigned subject)
{
	static const struct reading nothing;

	for (unsigned s = 0; s < SCOPES; s++) {
		const struct mark *mark = &r->marks[r->older][s];

		if (scopes[s] == scope)
			return subject < mark->n ? &mark->at[subject] : &nothing;
	}
	ASSERT(false);
	return &nothing;
}

static uint64_t grown(uint64_t now, uint64_t before)
{
	return now > before ? now - before : 0;
}

void recent_get(const struct recent *r, enum metric_scope scope, unsigned subject, int64_t now,
		struct recent_figures *out)
{
	const struct reading *before = reading_at(r, scope, subject);
	struct reading reading;
	struct hist lately;

	take_reading(r->m, scope, subject, &reading);
	*out = (struct recent_figures){.length = MAX(now - r->taken[r->older], 0),
				       .requests = grown(reading.requests, before->requests),
				       .errors = grown(reading.errors, before->errors),
				       .p50 = -1,
				       .p99 = -1};
	if (out->length)
		out->rate = (double)out->requests * NS_PER_S / (double)out->length;
	hist_diff(&reading.times, &before->times, &lately);
	if (hist_count(&lately)) {
		out->p50 = hist_quantile(&lately, 0.5);
		out->p99 = hist_quantile(&lately, 0.99);
	}
}
