/* SPDX-License-Identifier: BSD-2-Clause */
/* Histograms against the sorted values themselves. */
#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/rng.h"
#include "obs/hist.h"

static const struct {
	uint64_t ns;
	unsigned index;
} indices[] = {
	{0, 0},
	{1, 0},
	{1023, 0},
	{1024, 1},
	{1151, 1},
	{1152, 2},
	{2047, 8},
	{2048, 9},
	{2303, 9},
	{2304, 10},
	{UINT64_C(1) << 39, 233},
	{(UINT64_C(1) << 40) - 1, 240},
	{UINT64_C(1) << 40, 241},
	{UINT64_MAX, 241},
};

static void test_index(void **state UNUSED)
{
	assert_int_equal(HIST_BUCKETS, 242);
	for (size_t i = 0; i < COUNTOF(indices); i++)
		assert_int_equal(hist_index(indices[i].ns), indices[i].index);
}

/* Bounds and index agree, there are no gaps, and no bucket is wider than an eighth. */
static void test_bounds(void **state UNUSED)
{
	assert_int_equal(hist_lower(0), 0);
	assert_true(hist_upper(HIST_BUCKETS - 1) == UINT64_MAX);
	for (unsigned i = 0; i < HIST_BUCKETS; i++) {
		assert_int_equal(hist_index(hist_lower(i)), i);
		if (i + 1 == HIST_BUCKETS)
			break;
		assert_int_equal(hist_index(hist_upper(i) - 1), i);
		assert_int_equal(hist_upper(i), hist_lower(i + 1));
		if (i > 0)
			assert_true((hist_upper(i) - hist_lower(i)) * 8 <= hist_lower(i));
	}
}

static int compare(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

/* How the values of a series come about, in ns. */
enum shape { UNIFORM, EXPONENTIAL, TWO_HUMPS, ONE_VALUE, WHOLE_RANGE };

static int64_t draw(struct rng *r, enum shape shape)
{
	double u = ((double)(rng_next(r) >> 11) + 1) / 9007199254740993.0;

	switch (shape) {
	case UNIFORM:
		return 2000 + (int64_t)(u * 1e8);
	case EXPONENTIAL:
		return 2000 + (int64_t)(-log(u) * 5e6);
	case TWO_HUMPS:
		return (rng_next(r) & 1 ? 300 * NS_PER_US : 2 * NS_PER_S) + (int64_t)(u * 1e5);
	case ONE_VALUE:
		return 12345678;
	case WHOLE_RANGE:
		return (int64_t)(2000 * pow(2, u * 28));
	}
	return 0;
}

static void check_series(enum shape shape, size_t n)
{
	static const double qs[] = {0, 0.01, 0.25, 0.5, 0.9, 0.95, 0.99, 0.999, 1};
	struct hist *h = calloc(1, sizeof(*h));
	int64_t *values = malloc(n * sizeof(*values));
	struct rng r;
	uint64_t sum = 0;

	rng_seed(&r, (uint64_t)shape * 1000 + n);
	for (size_t i = 0; i < n; i++) {
		values[i] = draw(&r, shape);
		sum += (uint64_t)values[i];
		hist_add(h, values[i]);
	}
	qsort(values, n, sizeof(*values), compare);
	assert_int_equal(hist_count(h), n);
	assert_int_equal(h->sum, sum);
	assert_int_equal(hist_average(h), sum / n);
	for (size_t i = 0; i < COUNTOF(qs); i++) {
		size_t rank = (size_t)ceil(qs[i] * (double)n);
		double exact = (double)values[rank ? rank - 1 : 0];
		double got = (double)hist_quantile(h, qs[i]);
		if (fabs(got - exact) > exact * 0.125)
			fail_msg("shape %d, n %zu, q %g: %g instead of %g", shape, n, qs[i], got,
				 exact);
	}
	for (size_t i = 0; i < n; i += 1 + n / 50) {
		/* Values up to a bucket's end are known exactly. */
		uint64_t bound = hist_upper(hist_index((uint64_t)values[i]));
		size_t exact = 0;
		while (exact < n && (uint64_t)values[exact] < bound)
			exact++;
		assert_int_equal(hist_at_most(h, bound), exact);
	}
	free(values);
	free(h);
}

static void test_against_values(void **state UNUSED)
{
	static const size_t sizes[] = {1, 2, 10, 1000, 100000};

	for (unsigned shape = UNIFORM; shape <= WHOLE_RANGE; shape++)
		for (size_t i = 0; i < COUNTOF(sizes); i++)
			check_series((enum shape)shape, sizes[i]);
}

static void test_edges(void **state UNUSED)
{
	struct hist h = {0};

	assert_int_equal(hist_quantile(&h, 0.5), 0);
	assert_int_equal(hist_average(&h), 0);
	assert_int_equal(hist_at_most(&h, UINT64_MAX), 0);
	hist_add(&h, -5);
	hist_add(&h, 0);
	assert_int_equal(h.buckets[0], 2);
	assert_int_equal(h.sum, 0);
	hist_add(&h, INT64_MAX);
	assert_int_equal(h.buckets[HIST_BUCKETS - 1], 1);
	assert_int_equal(hist_quantile(&h, 1), INT64_C(1) << 40);
	assert_int_equal(hist_quantile(&h, 7), INT64_C(1) << 40);
	assert_true(hist_quantile(&h, -7) <= 1024);
	assert_int_equal(hist_at_most(&h, UINT64_MAX), 2); /* the last bucket has no end */
}

/* Evenly spread within one bucket: quantiles lie within it as they should. */
static void test_interpolation(void **state UNUSED)
{
	struct hist h = {0};

	for (int i = 0; i < 1000; i++)
		hist_add(&h, 8192 + i);
	for (int q = 0; q <= 1000; q += 50) {
		double exact = 8192 + 1024.0 * q / 1000;
		assert_true(fabs((double)hist_quantile(&h, q / 1000.0) - exact) <= 2);
	}
	assert_int_equal(hist_at_most(&h, 8192 + 512), 500);
}

/* The share of a cut bucket: never falls when <ns> or the number of values grows. */
static void test_at_most_is_monotone(void **state UNUSED)
{
	struct hist *h = calloc(1, sizeof(*h));
	struct rng r;
	uint64_t before[40] = {0};

	rng_seed(&r, 5);
	for (int round = 0; round < 200; round++) {
		for (int i = 0; i < 50; i++)
			hist_add(h, draw(&r, WHOLE_RANGE));
		uint64_t last = 0;
		for (unsigned i = 0; i < COUNTOF(before); i++) {
			uint64_t n = hist_at_most(h, (uint64_t)(1000 * pow(2, 0.7 * i)));
			assert_true(n >= last && n >= before[i]);
			last = before[i] = n;
		}
		assert_true(last <= hist_count(h));
	}
	free(h);
}

static void test_merge_and_diff(void **state UNUSED)
{
	struct hist a = {0}, b = {0}, d = {0};

	hist_add(&a, 5000);
	hist_add(&b, 5000);
	hist_add(&b, 7000000);
	hist_merge(&a, &b);
	assert_int_equal(hist_count(&a), 3);
	assert_int_equal(a.sum, 7010000);
	hist_diff(&a, &b, &d);
	assert_int_equal(hist_count(&d), 1);
	assert_int_equal(d.sum, 5000);
	hist_diff(&b, &a, &d); /* the wrong way round: nothing, not a huge number */
	assert_int_equal(hist_count(&d), 0);
	assert_int_equal(d.sum, 0);
}

/* ---- one writer, many readers ---- */

enum { WRITES = 300000 };

static void *thread_writer(void *arg)
{
	for (int i = 0; i < WRITES; i++)
		hist_add(arg, 1000 + i);
	return NULL;
}

static void test_readers_beside(void **state UNUSED)
{
	struct hist *h = calloc(1, sizeof(*h));
	uint64_t last = 0;
	pthread_t writer;

	assert_int_equal(pthread_create(&writer, NULL, thread_writer, h), 0);
	while (last < WRITES) {
		uint64_t n = hist_count(h);
		assert_true(n >= last && n <= WRITES);
		assert_true(hist_quantile(h, 0.5) < 1 << 20);
		last = n;
	}
	pthread_join(writer, NULL);
	free(h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_index),	       cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_against_values), cmocka_unit_test(test_edges),
		cmocka_unit_test(test_interpolation),  cmocka_unit_test(test_at_most_is_monotone),
		cmocka_unit_test(test_merge_and_diff), cmocka_unit_test(test_readers_beside),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
