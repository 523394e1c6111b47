/* SPDX-License-Identifier: BSD-2-Clause */
/* A full cache: who leaves, how much fits, changes of object sizes, pins, no memory. Linked with a
 * posix_fallocate of our own, that can say no. */
#include <errno.h>
#include <math.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/rng.h"
#include "l1_test.h"

enum { MIB = 1024 * 1024 };

static int64_t memory_left = INT64_MAX;

int __real_posix_fallocate(int fd, off_t at, off_t n);
int __wrap_posix_fallocate(int fd, off_t at, off_t n);

int __wrap_posix_fallocate(int fd, off_t at, off_t n)
{
	off_t holes = 0;

	for (off_t hole = at; hole < at + n;) {
		hole = lseek(fd, hole, SEEK_HOLE);
		off_t data = lseek(fd, hole, SEEK_DATA);
		if (hole >= at + n)
			break;
		data = data < 0 || data > at + n ? at + n : data;
		holes += data - hole;
		hole = data;
	}
	if (memory_left < holes)
		return ENOSPC;
	memory_left -= holes;
	return __real_posix_fallocate(fd, at, n);
}

struct cache {
	struct seg *seg;
	struct l1 *l1;
	struct l1_figures g;
};

static struct cache open_cache(uint64_t size)
{
	struct cache c = {.seg = l1_test_segment(size)};

	c.l1 = l1_attach(c.seg, 0, size);
	assert_non_null(c.l1);
	return c;
}

static void close_cache(struct cache *c, unsigned flags)
{
	l1_test_whole(c->l1, flags);
	l1_detach(&c->l1);
	seg_free(&c->seg);
}

static double stored_part(struct cache *c)
{
	l1_figures(c->l1, &c->g);
	return (double)c->g.stored / (double)c->g.size;
}

/* A length from a lognormal law, 200 bytes to 2 MiB. */
static uint64_t lognormal(struct rng *r)
{
	double u = (double)(rng_below(r, 1u << 30) + 1) / (1u << 30);
	double v = (double)rng_below(r, 1u << 30) / (1u << 30);
	double z = sqrt(-2 * log(u)) * cos(2 * M_PI * v);
	double n = exp(9.5 + 1.8 * z);

	return (uint64_t)(n < 200 ? 200 : n > 2 * MIB ? 2 * MIB : n);
}

static void mixed(struct cache *c, struct rng *r, unsigned n, bool known)
{
	for (unsigned i = 0; i < n; i++) {
		int rc = l1_test_store(c->l1, rng_next(r), lognormal(r), known);
		/* Refused: large, and not asked for before. */
		assert_true(rc == 0 || rc == ERR_FULL);
	}
}

static void test_mixed_load(void **state UNUSED)
{
	static const struct {
		uint64_t size;
		bool known;
		double least;
	} cases[] = {{64 * MIB, true, 0.90}, {64 * MIB, false, 0.85}, {160 * MIB, true, 0.85}};

	for (size_t i = 0; i < COUNTOF(cases); i++) {
		struct cache c = open_cache(cases[i].size);
		struct rng r;
		rng_seed(&r, 5);
		mixed(&c, &r, (unsigned)(cases[i].size / 40000), cases[i].known);
		double part = stored_part(&c);
		print_message("%llu MiB, %s: %.1f%% stored, %.1f%% used, %llu objects\n",
			      (unsigned long long)(cases[i].size / MIB),
			      cases[i].known ? "known" : "unknown", 100 * part,
			      100.0 * (double)c.g.used / (double)c.g.size,
			      (unsigned long long)c.g.objects);
		assert_true(part >= cases[i].least);
		close_cache(&c, L1_CHECK_IDLE | L1_CHECK_SUMS);
	}
}

static double fill_with(struct cache *c, uint64_t first, uint64_t length, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		assert_int_equal(l1_test_store(c->l1, first + i, length, true), 0);
	return stored_part(c);
}

/* 1 KiB objects, then 256 KiB ones, and back: as much fits as in a fresh cache. */
static void test_change_of_sizes(void **state UNUSED)
{
	enum { SMALL = 1024, LARGE = 256 * 1024, SIZE = 64 * MIB };
	struct cache fresh = open_cache(SIZE), used = open_cache(SIZE);
	double small = fill_with(&fresh, 1, SMALL, 2 * SIZE / SMALL);
	double was = fill_with(&used, 1, SMALL, 2 * SIZE / SMALL);

	assert_true(fabs(small - was) < 0.001);
	close_cache(&fresh, L1_CHECK_IDLE);
	fresh = open_cache(SIZE);
	double large = fill_with(&fresh, 1000000, LARGE, 3 * SIZE / LARGE);
	was = fill_with(&used, 1000000, LARGE, 3 * SIZE / LARGE);
	print_message("256 KiB: %.1f%%, after 1 KiB %.1f%%\n", 100 * large, 100 * was);
	assert_true(was > large - 0.02);
	was = fill_with(&used, 2000000, SMALL, 3 * SIZE / SMALL);
	print_message("1 KiB: %.1f%%, after 256 KiB %.1f%%\n", 100 * small, 100 * was);
	assert_true(was > small - 0.02);
	close_cache(&fresh, L1_CHECK_IDLE);
	close_cache(&used, L1_CHECK_IDLE | L1_CHECK_SUMS);
}

/* What is pinned stays, whatever comes; when everything is, the caller is told. */
static void test_pinned(void **state UNUSED)
{
	enum { N = 60, LENGTH = 30000, SIZE = 4 * MIB };
	struct cache c = open_cache(SIZE);
	struct l1_ref refs[2 * N];
	unsigned n = 0;

	for (unsigned i = 0; i < N; i++) {
		assert_int_equal(l1_test_store(c.l1, i, LENGTH, true), 0);
		assert_true(l1_test_find(c.l1, i, &refs[n++]));
	}
	for (unsigned i = 0; i < 1000; i++)
		assert_int_equal(l1_test_store(c.l1, 1000 + i, i * 37, true), 0);
	for (unsigned i = 0; i < N; i++)
		assert_true(l1_test_right(c.l1, &refs[i], i, 0, LENGTH));
	int rc = 0;
	for (unsigned i = 0; rc == 0 && n < COUNTOF(refs); i++) {
		rc = l1_test_store(c.l1, 5000 + i, LENGTH, true);
		if (rc == 0)
			assert_true(l1_test_find(c.l1, 5000 + i, &refs[n++]));
	}
	/* 4 MiB hold no more than 139 of them. */
	if (rc == 0)
		print_message("%u pinned\n", n);
	l1_figures(c.l1, &c.g);
	while (n > 0)
		l1_unpin(c.l1, &refs[--n]);
	close_cache(&c, L1_CHECK_IDLE | L1_CHECK_SUMS);
}

static void test_all_pinned(void **state UNUSED)
{
	enum { LENGTH = 20000, SIZE = 4 * MIB, MANY = SIZE / LENGTH + 10 };
	struct cache c = open_cache(SIZE);
	struct l1_ref refs[MANY];
	unsigned n = 0;
	int rc = 0;

	while (rc == 0) {
		assert_true(n < MANY);
		rc = l1_test_store(c.l1, n, LENGTH, true);
		if (rc == 0)
			assert_true(l1_test_find(c.l1, n, &refs[n]));
		n += rc == 0;
	}
	assert_int_equal(rc, ERR_FULL);
	l1_figures(c.l1, &c.g);
	assert_true(c.g.rejected_full > 0);
	assert_true(n * LENGTH > SIZE * 8 / 10);
	l1_unpin(c.l1, &refs[0]);
	assert_int_equal(l1_test_store(c.l1, 1000, LENGTH, true), 0);
	for (unsigned i = 1; i < n; i++) {
		assert_true(l1_test_right(c.l1, &refs[i], i, 0, LENGTH));
		l1_unpin(c.l1, &refs[i]);
	}
	close_cache(&c, L1_CHECK_IDLE | L1_CHECK_SUMS);
}

/* A scan over many objects asked for once does not drive out those in use. */
static void test_scan(void **state UNUSED)
{
	enum { HOT = 1000, SIZE = 4 * MIB };
	struct cache c = open_cache(SIZE);
	struct l1_ref ref;
	unsigned hits = 0;

	for (uint64_t id = 0; id < HOT; id++)
		assert_int_equal(l1_test_store(c.l1, id, 1000, true), 0);
	for (int round = 0; round < 3; round++) {
		for (uint64_t id = 0; id < HOT; id++) {
			if (l1_test_find(c.l1, id, &ref))
				l1_unpin(c.l1, &ref);
			else
				assert_int_equal(l1_test_store(c.l1, id, 1000, true), 0);
		}
	}
	for (uint64_t id = 0; id < 20000; id++)
		assert_int_equal(l1_test_store(c.l1, 1000000 + id, 1000, true), 0);
	for (uint64_t id = 0; id < HOT; id++) {
		bool hit = l1_test_find(c.l1, id, &ref);
		hits += hit;
		if (hit)
			l1_unpin(c.l1, &ref);
	}
	print_message("%u of %d survive a scan\n", hits, HOT);
	assert_true(hits > HOT * 95 / 100);
	close_cache(&c, L1_CHECK_IDLE);
}

/* Expired without a validator, or purged: first to go, however often they were used. */
static void test_useless_first(void **state UNUSED)
{
	enum { N = 200, LENGTH = 6000, SIZE = 4 * MIB };
	struct cache c = open_cache(SIZE);
	struct purge *p = purge_attach(c.seg);
	struct l1_ref ref;
	char buf[KEY_MAX];

	clock_set(NS_PER_S, 1000 * NS_PER_S);
	for (uint64_t id = 0; id < N; id++) {
		struct l1_new spec = l1_test_spec(buf, id, LENGTH);
		spec.meta.response_time = 1000 * NS_PER_S;
		spec.meta.lifetime = id % 2 ? 10 : 10000;
		assert_int_equal(l1_create(c.l1, &spec, &ref), 0);
		assert_int_equal(l1_test_fill(c.l1, &ref, id, LENGTH), 0);
		assert_int_equal(l1_commit(c.l1, &ref, STR_NONE), 0);
		l1_unpin(c.l1, &ref);
		for (int i = 0; i < 4; i++) {
			assert_true(l1_test_find(c.l1, id, &ref));
			l1_unpin(c.l1, &ref);
		}
	}
	for (uint64_t id = 0; id < N; id += 4)
		purge_add(p, PURGE_URL, l1_test_key(buf, id).text, false);
	clock_set(NS_PER_S, 1020 * NS_PER_S);
	for (uint64_t id = 0; id < 600; id++)
		assert_int_equal(l1_test_store(c.l1, 1000 + id, LENGTH, true), 0);
	unsigned kept = 0;
	for (uint64_t id = 0; id < N; id++) {
		bool hit = l1_test_find(c.l1, id, &ref);
		if (id % 4 != 2)
			assert_false(hit);
		kept += hit;
		if (hit)
			l1_unpin(c.l1, &ref);
	}
	assert_int_equal(kept, N / 4);
	l1_figures(c.l1, &c.g);
	assert_int_equal(c.g.expired, N * 3 / 4);
	purge_detach(&p);
	close_cache(&c, L1_CHECK_IDLE);
}

/* The system has no memory for the segment: an error, not a signal, and what is there is used. */
static void test_no_memory(void **state UNUSED)
{
	struct cache c = open_cache(16 * MIB);
	struct l1_ref ref;
	struct rng r;

	rng_seed(&r, 9);
	memory_left = 4 * MIB;
	unsigned stored = 0;
	for (unsigned i = 0; i < 3000; i++) {
		int rc = l1_test_store(c.l1, i, rng_below(&r, 60000), i % 2);
		assert_true(rc == 0 || rc == ERR_FULL);
		stored += rc == 0;
	}
	assert_true(stored > 2000);
	l1_figures(c.l1, &c.g);
	assert_true(c.g.used < 5 * MIB);
	memory_left = 0;
	/* lent blocks lose their memory and do not get it back */
	for (unsigned i = 0; i < 3000; i++) {
		uint64_t file_at;
		if (!l1_test_find(c.l1, i, &ref))
			continue;
		for (uint64_t at = 0; at < 60000; at += 4096)
			(void)l1_lend(c.l1, &ref, at, &file_at);
		l1_drop(c.l1, &ref);
		l1_unpin(c.l1, &ref);
	}
	for (unsigned i = 0; i < 1000; i++) {
		int rc = l1_test_store(c.l1, 5000 + i, rng_below(&r, 60000), i % 2);
		assert_true(rc == 0 || rc == ERR_FULL);
	}
	memory_left = INT64_MAX;
	for (unsigned i = 0; i < 1000; i++)
		assert_int_equal(l1_test_store(c.l1, 9000 + i, rng_below(&r, 60000), i % 2), 0);
	close_cache(&c, L1_CHECK_IDLE | L1_CHECK_SUMS);
}

/* Buckets full of other keys: the caller never notices. */
static void test_many_small(void **state UNUSED)
{
	struct cache c = open_cache(4 * MIB);
	struct l1_ref ref;

	for (uint64_t id = 0; id < 40000; id++) {
		assert_int_equal(l1_test_store(c.l1, id, 0, true), 0);
		assert_true(l1_test_find(c.l1, id, &ref));
		l1_unpin(c.l1, &ref);
	}
	l1_figures(c.l1, &c.g);
	assert_true(c.g.objects > 7000); /* blocks of 512 bytes */
	close_cache(&c, L1_CHECK_IDLE | L1_CHECK_SUMS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_mixed_load), cmocka_unit_test(test_change_of_sizes),
		cmocka_unit_test(test_pinned),	   cmocka_unit_test(test_all_pinned),
		cmocka_unit_test(test_scan),	   cmocka_unit_test(test_no_memory),
		cmocka_unit_test(test_many_small), cmocka_unit_test(test_useless_first),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
