/* SPDX-License-Identifier: BSD-2-Clause */
/* Sliding windows against a plain list of everything that happened. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/rng.h"
#include "obs/window.h"
#include "shm/seg.h"

static void test_empty(void **state UNUSED)
{
	struct window *w = window_new();
	struct window_sample s = {.requests = 100};
	struct window_figures f = {.requests = 5};

	window_get(w, NS_PER_S, &f);
	assert_int_equal(f.length, 0);
	assert_int_equal(f.requests, 0);
	window_add(w, NS_PER_S, &s); /* what was before the first sample is not in the window */
	window_get(w, NS_PER_S, &f);
	assert_int_equal(f.length, 0);
	assert_int_equal(f.requests, 0);
	window_free(&w);
	assert_null(w);
	window_free(&w);
}

static void test_figures(void **state UNUSED)
{
	struct window *w = window_new();
	struct window_sample s = {.requests = 1000, .errors = 10};
	struct window_figures f;

	window_add(w, 100 * NS_PER_S, &s);
	s.requests += 200;
	s.errors += 50;
	for (int i = 0; i < 200; i++)
		hist_add(&s.duration, i < 190 ? 10 * NS_PER_MS : NS_PER_S);
	window_add(w, 104 * NS_PER_S, &s);
	window_get(w, 10 * NS_PER_S, &f);
	assert_int_equal(f.length, 4 * NS_PER_S);
	assert_int_equal(f.requests, 200);
	assert_int_equal(f.errors, 50);
	assert_true(f.rate == 50.0);
	assert_true(f.error_rate == 0.25);
	assert_int_equal(f.average, (190 * 10 * NS_PER_MS + 10 * NS_PER_S) / 200);
	assert_in_range(f.p50, 9 * NS_PER_MS, 11 * NS_PER_MS);
	assert_in_range(f.p99, 900 * NS_PER_MS, 1100 * NS_PER_MS);

	window_add(w, 104 * NS_PER_S + NS_PER_S / 4, &s); /* too soon: not taken */
	window_get(w, 10 * NS_PER_S, &f);
	assert_int_equal(f.length, 4 * NS_PER_S);
	window_free(&w);
}

/* Nothing happens for a while: the window empties. */
static void test_idle(void **state UNUSED)
{
	struct window *w = window_new();
	struct window_sample s = {.requests = 0};
	struct window_figures f;

	for (int i = 0; i < 60; i++) {
		s.requests += i < 30 ? 100 : 0;
		window_add(w, i * NS_PER_S, &s);
	}
	window_get(w, 10 * NS_PER_S, &f);
	assert_int_equal(f.requests, 0);
	assert_true(f.error_rate == 0 && f.average == 0 && f.p95 == 0);
	window_get(w, 60 * NS_PER_S, &f);
	assert_int_equal(f.requests, 2900);
	window_free(&w);
}

/* Counters that fall (a new segment under the same eyes) give zero, not a huge number. */
static void test_backwards(void **state UNUSED)
{
	struct window *w = window_new();
	struct window_sample s = {.requests = 1000, .errors = 5};
	struct window_figures f;

	window_add(w, NS_PER_S, &s);
	s = (struct window_sample){.requests = 3};
	window_add(w, 2 * NS_PER_S, &s);
	window_get(w, 10 * NS_PER_S, &f);
	assert_int_equal(f.requests, 0);
	assert_int_equal(f.errors, 0);
	window_free(&w);
}

/* Two hours of samples, with a clock that jitters and skips: for every length the window spans at
 * least what was asked for, not much more, and counts exactly what happened in it. */
static void test_against_list(void **state UNUSED)
{
	static const int64_t lengths[] = {1, 5, 10, 30, 60, 120, 300, 900, 1800, 3600};
	enum { SAMPLES = 7200 };
	struct window *w = window_new();
	struct window_sample *s = calloc(1, sizeof(*s));
	int64_t *at = calloc(SAMPLES, sizeof(*at)), now = 12345;
	uint64_t *sums = calloc(SAMPLES, sizeof(*sums));
	struct rng r;

	rng_seed(&r, 3);
	for (int i = 0; i < SAMPLES; i++) {
		now += NS_PER_S - 50 * NS_PER_MS + (int64_t)rng_below(&r, 100 * NS_PER_MS);
		if (rng_below(&r, 500) == 0)
			now += 3 * NS_PER_S; /* the process was held up */
		s->requests += rng_below(&r, 1000);
		window_add(w, now, s);
		at[i] = now;
		sums[i] = s->requests;
		for (size_t k = 0; k < COUNTOF(lengths) && i % 7 == 0; k++) {
			struct window_figures f;
			int64_t length = lengths[k] * NS_PER_S;
			window_get(w, length, &f);
			if (i == 0)
				continue;
			int from = i;
			while (from > 0 && at[from] > now - f.length)
				from--;
			assert_int_equal(at[from], now - f.length);
			assert_int_equal(f.requests, sums[i] - sums[from]);
			if (now - at[0] < length) {
				assert_int_equal(from, 0);
				continue;
			}
			int64_t slack = length / 5 + 4 * NS_PER_S;
			if (f.length < length || f.length > length + slack)
				fail_msg("asked for %lld s, got %g s", (long long)lengths[k],
					 (double)f.length / 1e9);
		}
	}
	free(at);
	free(sums);
	free(s);
	window_free(&w);
}

static void test_samples(void **state UNUSED)
{
	struct seg_spec spec = {SEG_METRICS, metrics_size(2), metrics_layout()};
	struct seg *seg = NULL;
	struct window_sample s;

	assert_int_equal(seg_create(&spec, 1, &seg), 0);
	struct metrics *m = metrics_attach(seg);
	unsigned a = metrics_subject(m, METRIC_SCOPE_ROUTE, "a", NULL);
	unsigned b = metrics_subject(m, METRIC_SCOPE_ROUTE, "b", NULL);
	unsigned u = metrics_subject(m, METRIC_SCOPE_UPSTREAM, "u", NULL);
	for (unsigned slot = 0; slot < 2; slot++) {
		struct metric_row *row = metrics_row(m, METRIC_SCOPE_ROUTE, slot ? b : a, slot);
		metric_add(row, METRIC_RESPONSES(ROUTE, 200), 10);
		metric_add(row, METRIC_RESPONSES(ROUTE, 502), slot);
		metric_hist(row, HIST_ROUTE_duration, NS_PER_S);
	}
	metric_add(metrics_row(m, METRIC_SCOPE_UPSTREAM, u, 1), METRIC_RESPONSES(UPSTREAM, 500), 2);
	window_sample_node(m, &s);
	assert_int_equal(s.requests, 21);
	assert_int_equal(s.errors, 1);
	assert_int_equal(hist_count(&s.duration), 2);
	window_sample_route(m, a, &s);
	assert_int_equal(s.requests, 10);
	assert_int_equal(s.errors, 0);
	window_sample_upstream(m, u, &s);
	assert_int_equal(s.requests, 2);
	assert_int_equal(s.errors, 2);
	metrics_detach(&m);
	seg_free(&seg);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_empty),	     cmocka_unit_test(test_figures),
		cmocka_unit_test(test_idle),	     cmocka_unit_test(test_backwards),
		cmocka_unit_test(test_against_list), cmocka_unit_test(test_samples),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
