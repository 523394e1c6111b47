/* SPDX-License-Identifier: BSD-2-Clause */
/* Purges: what each kind reaches, numbers, sets and rings that overflow, several purgers at once,
 * purgers that are killed. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/rng.h"
#include "shm/seg.h"
#include "store/purge.h"

static struct seg *seg;
static struct purge *p;

static int setup(void **state)
{
	struct seg_spec spec = {SEG_PURGE, purge_region_bytes(), purge_region_layout()};

	(void)state;
	if (seg_create(&spec, 1, &seg))
		return -1;
	purge_format(seg);
	p = purge_attach(seg);
	return p ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	purge_detach(&p);
	seg_free(&seg);
	return 0;
}

/* An object under test: at http://<host><path>, with up to two tags. */
struct object {
	char url[2048];
	uint64_t hashes[3];
	struct purge_subject s;
};

static void make(struct object *o, const char *host, const char *path, const char *tag,
		 const char *group)
{
	unsigned n = 0;

	snprintf(o->url, sizeof(o->url), "http://%s%s", host, path);
	if (tag)
		o->hashes[n++] = purge_hash(PURGE_TAG, str_c(tag));
	if (group)
		o->hashes[n++] = purge_hash(PURGE_GROUP, str_c(group));
	char *name = strdup(host), *colon = strchr(name, ':');
	if (colon && *host != '[')
		*colon = 0;
	o->s = (struct purge_subject){.url = str_c(o->url),
				      .url_hash = purge_hash(PURGE_URL, str_c(o->url)),
				      .host_hash = purge_hash(PURGE_HOST, str_c(name)),
				      .tag_hashes = o->hashes,
				      .n_tags = n};
	free(name);
}

/* Each kind, hard and soft, against one object: http://a.example:81/x/y?q with tag t and group. */
static void test_kinds(void **state UNUSED)
{
	static const struct {
		enum purge_kind kind;
		const char *subject;
		bool hit;
	} rows[] = {
		{PURGE_URL, "http://a.example:81/x/y?q", true},
		{PURGE_URL, "http://a.example:81/x/y", false},
		{PURGE_URL, "http://a.example:81/x/y?q&", false},
		{PURGE_URL, "a.example", false},
		{PURGE_PREFIX, "http://a.example:81/x/", true},
		{PURGE_PREFIX, "http://a.example:81/x/y?q", true},
		{PURGE_PREFIX, "http://a.example:81/x/y?q1", false},
		{PURGE_PREFIX, "http://a.example:81/X/", false},
		{PURGE_PREFIX, "http://a.example/x/", false},
		{PURGE_PREFIX, "", true},
		{PURGE_TAG, "t", true},
		{PURGE_TAG, "T", false},
		{PURGE_TAG, "u", false},
		{PURGE_TAG, "http://a.example:81 g", false},
		{PURGE_GROUP, "http://a.example:81 g", true},
		{PURGE_GROUP, "t", false},
		{PURGE_GROUP, "http://b.example g", false},
		{PURGE_HOST, "a.example", true},
		{PURGE_HOST, "b.example", false},
		{PURGE_HOST, "t", false},
		{PURGE_ALL, "", true},
	};
	struct object o;

	make(&o, "a.example:81", "/x/y?q", "t", "http://a.example:81 g");
	for (size_t i = 0; i < COUNTOF(rows); i++) {
		for (int soft = 0; soft < 2; soft++) {
			uint64_t before = purge_now(p);
			assert_int_equal(purge_check(p, &o.s, before), PURGED_NOT);
			uint64_t seq = purge_add(p, rows[i].kind, str_c(rows[i].subject), soft);
			assert_int_equal(seq, before + 1);
			assert_int_equal(purge_now(p), seq);
			enum purged want = !rows[i].hit ? PURGED_NOT
					   : soft	? PURGED_SOFT
							: PURGED_HARD;
			assert_int_equal(purge_check(p, &o.s, before), want);
			assert_int_equal(purge_check(p, &o.s, seq), PURGED_NOT); /* stored later */
		}
	}
}

static void test_hard_wins(void **state UNUSED)
{
	struct object o;
	uint64_t before = purge_now(p);

	make(&o, "h", "/", "t", NULL);
	purge_add(p, PURGE_TAG, STR("t"), true);
	assert_int_equal(purge_check(p, &o.s, before), PURGED_SOFT);
	uint64_t seq = purge_add(p, PURGE_PREFIX, STR("http://h/"), true);
	assert_int_equal(purge_check(p, &o.s, before), PURGED_SOFT);
	purge_add(p, PURGE_HOST, STR("h"), false);
	assert_int_equal(purge_check(p, &o.s, before), PURGED_HARD);
	purge_add(p, PURGE_URL, STR("http://h/"), true);
	assert_int_equal(purge_check(p, &o.s, before), PURGED_HARD);
	assert_int_equal(purge_check(p, &o.s, seq), PURGED_HARD);
	assert_int_equal(purge_check(p, &o.s, seq + 1), PURGED_SOFT);
	/* from before a restart that lost the numbers */
	assert_int_equal(purge_check(p, &o.s, seq + 100), PURGED_HARD);
}

static void test_counts(void **state UNUSED)
{
	uint64_t counts[PURGE_ALL + 1];

	for (unsigned kind = PURGE_URL; kind <= PURGE_ALL; kind++)
		for (unsigned i = 0; i < kind; i++)
			purge_add(p, (enum purge_kind)kind, STR("x"), i % 2);
	purge_counts(p, counts);
	for (unsigned kind = 0; kind <= PURGE_ALL; kind++)
		assert_int_equal(counts[kind], kind);
}

/* Hundreds of thousands of URLs: none of them is missed by an object from before, whatever has been
 * pushed out of the sets; objects looked at lately are not touched. */
static void test_sets_overflow(void **state UNUSED)
{
	enum { N = 300000, LATE = 10000 };
	struct object o;
	char path[64];
	unsigned wrong = 0;

	for (unsigned i = 0; i < N; i++) {
		snprintf(path, sizeof(path), "http://h/%u", i);
		purge_add(p, PURGE_URL, str_c(path), false);
	}
	for (unsigned i = 0; i < N; i++) {
		snprintf(path, sizeof(path), "/%u", i);
		make(&o, "h", path, NULL, NULL);
		assert_int_equal(purge_check(p, &o.s, i), PURGED_HARD);
		assert_int_equal(purge_check(p, &o.s, 0), PURGED_HARD);
		if (i >= N - LATE) {
			wrong += purge_check(p, &o.s, i + 1) != PURGED_NOT;
			snprintf(path, sizeof(path), "/never/%u", i);
			make(&o, "h", path, "tag", NULL);
			wrong += purge_check(p, &o.s, N - LATE) != PURGED_NOT;
		}
	}
	/* fingerprints: one in 100,000 by chance */
	assert_true(wrong <= 5);
}

/* One cell purged again and again stays one cell. */
static void test_same_again(void **state UNUSED)
{
	struct object same, other;

	make(&same, "h", "/same", NULL, NULL);
	make(&other, "h", "/other", NULL, NULL);
	for (unsigned i = 0; i < 100000; i++)
		purge_add(p, PURGE_URL, same.s.url, i % 2);
	assert_int_equal(purge_check(p, &same.s, 0), PURGED_HARD);
	assert_int_equal(purge_check(p, &same.s, purge_now(p) - 1), PURGED_SOFT);
	assert_int_equal(purge_check(p, &other.s, 0), PURGED_NOT);
}

/* ---- prefixes ---- */

static void fill_ring(unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		purge_add(p, PURGE_PREFIX, STR("http://filler/x"), false);
}

/* A prefix that falls out of the ring reaches its host, or everything if it names none in full. */
static void test_widening(void **state UNUSED)
{
	static const struct {
		const char *prefix, *host, *path;
		bool early; /* reached while the prefix is on the ring */
		bool late;  /* and after that */
	} rows[] = {
		{"http://a.example/x", "a.example", "/xy", true, true},
		{"http://a.example/x", "a.example", "/y", false, true},
		{"http://a.example/x", "a.example:81", "/x", false, true},
		{"http://a.example:81/x", "a.example", "/x", false, true},
		{"http://a.example/x", "b.example", "/x", false, false},
		{"https://a.example/", "a.example", "/", false, true},
		{"http://a.exam", "b.example", "/", false, true},
		{"http://a.example", "b.example", "/", false, true},
		{"http://[::1]:80/x", "[::1]", "/x", false, true},
		{"http://[::1]/x", "b.example", "/x", false, false},
		{"http://[::", "b.example", "/x", false, true},
		{"http:///x", "b.example", "/x", false, true},
		{"", "b.example", "/x", true, true},
	};

	for (size_t i = 0; i < COUNTOF(rows); i++) {
		for (int soft = 0; soft < 2; soft++) {
			struct object o;
			enum purged want = soft ? PURGED_SOFT : PURGED_HARD;
			fill_ring(PURGE_PREFIXES);
			make(&o, rows[i].host, rows[i].path, NULL, NULL);
			uint64_t before = purge_now(p);
			purge_add(p, PURGE_PREFIX, str_c(rows[i].prefix), soft);
			uint64_t seen = purge_now(p);
			assert_int_equal(purge_check(p, &o.s, before),
					 rows[i].early ? want : PURGED_NOT);
			fill_ring(PURGE_PREFIXES - 1);
			assert_int_equal(purge_check(p, &o.s, before),
					 rows[i].early ? want : PURGED_NOT);
			fill_ring(1);
			assert_int_equal(purge_check(p, &o.s, before),
					 rows[i].late ? want : PURGED_NOT);
			/* looked at when the prefix was there: it is not meant */
			assert_int_equal(purge_check(p, &o.s, seen), PURGED_NOT);
		}
	}
}

/* Longer prefixes are cut: more is purged, not less. */
static void test_long_prefix(void **state UNUSED)
{
	static char path[1500], prefix[1600];
	struct object o;

	memset(path, 'a', sizeof(path) - 1);
	path[0] = '/';
	make(&o, "h", path, NULL, NULL);
	snprintf(prefix, sizeof(prefix), "http://h%s", path);
	uint64_t before = purge_now(p);
	purge_add(p, PURGE_PREFIX, str_c(prefix), false);
	assert_int_equal(purge_check(p, &o.s, before), PURGED_HARD);
	path[1200] = 'b';
	make(&o, "h", path, NULL, NULL);
	assert_int_equal(purge_check(p, &o.s, before), PURGED_HARD);
	path[900] = 'b';
	make(&o, "h", path, NULL, NULL);
	assert_int_equal(purge_check(p, &o.s, before), PURGED_NOT);
}

/* ---- life ---- */

static void test_revive(void **state UNUSED)
{
	struct object o;
	struct seg_spec none = {SEG_FILLS, 4096, 1};
	struct seg *other;

	make(&o, "h", "/x", "t", NULL);
	purge_add(p, PURGE_TAG, STR("t"), true);
	purge_add(p, PURGE_PREFIX, STR("http://h/x"), false);
	assert_int_equal(purge_revive(seg), 0);
	struct purge *again = purge_attach(seg);
	assert_int_equal(purge_now(again), 2);
	assert_int_equal(purge_check(again, &o.s, 0), PURGED_HARD);
	assert_int_equal(purge_add(again, PURGE_ALL, STR_NONE, false), 3);
	purge_detach(&again);
	purge_detach(&again);
	purge_format(seg); /* all anew */
	assert_int_equal(purge_now(p), 0);
	assert_int_equal(purge_check(p, &o.s, 0), PURGED_NOT);
	/* numbers that cannot be */
	memset(seg_region(seg, SEG_PURGE, NULL), 0xff, purge_region_bytes());
	assert_int_equal(purge_revive(seg), ERR_CORRUPT);
	assert_null(purge_attach(seg));
	purge_format(seg);
	assert_int_equal(purge_revive(seg), 0);
	assert_int_equal(seg_create(&none, 1, &other), 0);
	assert_int_equal(purge_revive(other), ERR_CORRUPT);
	assert_null(purge_attach(other));
	purge_recover(other, 0, NULL);
	seg_free(&other);
}

/* ---- several processes ---- */

struct shared {
	uint64_t told[4]; /* the number of the purger's last purge */
	uint64_t stop;
};

/* Purges URLs /<n>/<i> with rising i, and tells its numbers. */
static NORETURN void be_purger(struct shared *shared, unsigned n)
{
	char url[64];

	prctl(PR_SET_PDEATHSIG, SIGKILL); /* a failed test does not wait */
	for (uint64_t i = 0; !__atomic_load_n(&shared->stop, __ATOMIC_ACQUIRE); i++) {
		snprintf(url, sizeof(url), "http://h/%u/%llu", n, (unsigned long long)(i % 64));
		purge_add(p, i % 16 == 15 ? PURGE_PREFIX : PURGE_URL, str_c(url), i % 2);
		__atomic_store_n(&shared->told[n], i + 1, __ATOMIC_RELEASE);
	}
	_exit(0);
}

static struct shared *share(void)
{
	void *m = mmap(NULL, sizeof(struct shared), PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	assert_ptr_not_equal(m, MAP_FAILED);
	return m;
}

/*
 * While two processes purge, no purge is missed: an object whose purge was told after <seen> is
 * found purged, however the numbers interleave. (A purger that published its number before a
 * note of a lower number was there would be caught.)
 */
static void test_purgers_race(void **state UNUSED)
{
	struct shared *shared = share();
	pid_t pids[2];
	int status;

	for (unsigned n = 0; n < 2; n++) {
		pids[n] = fork();
		if (pids[n] == 0)
			be_purger(shared, n);
	}
	for (unsigned round = 0; round < 3000; round++) {
		unsigned n = round % 2;
		struct object o;
		char path[64];
		uint64_t seen = purge_now(p);
		uint64_t i = __atomic_load_n(&shared->told[n], __ATOMIC_ACQUIRE);
		/* purge <i> is not told yet, so its number is not known; <i> + 1 has begun by the
		 * time that this is told, and has a number above <seen> */
		uint64_t next = i + 1;
		while (__atomic_load_n(&shared->told[n], __ATOMIC_ACQUIRE) <= next)
			__asm__ volatile("");
		snprintf(path, sizeof(path), "/%u/%llu", n, (unsigned long long)(next % 64));
		make(&o, "h", path, NULL, NULL);
		assert_int_not_equal(purge_check(p, &o.s, seen), PURGED_NOT);
	}
	__atomic_store_n(&shared->stop, 1, __ATOMIC_RELEASE);
	for (unsigned n = 0; n < 2; n++) {
		assert_int_equal(waitpid(pids[n], &status, 0), pids[n]);
		assert_int_equal(status, 0);
	}
	munmap(shared, sizeof(*shared));
}

/* Purgers are killed at any moment: what was told is never lost, and purging goes on. */
static void test_killed_purger(void **state UNUSED)
{
	struct shared *shared = share();
	struct rng rng;

	rng_seed(&rng, 3);
	for (unsigned round = 0; round < 100; round++) {
		uint64_t before = purge_now(p);
		pid_t pid = fork();
		shared->told[0] = 0;
		if (pid == 0)
			be_purger(shared, 0);
		usleep((useconds_t)(100 + rng_below(&rng, 3000)));
		kill(pid, SIGKILL);
		assert_int_equal(waitpid(pid, NULL, 0), pid);
		if (round % 2)
			purge_recover(seg, 0, NULL);
		uint64_t told = shared->told[0];
		assert_true(purge_now(p) >= before + told);
		assert_true(purge_now(p) <= before + told + 1);
		for (uint64_t i = told > 64 ? told - 64 : 0; i < told; i++) {
			struct object o;
			char path[64];
			snprintf(path, sizeof(path), "/0/%llu", (unsigned long long)(i % 64));
			make(&o, "h", path, NULL, NULL);
			assert_int_not_equal(purge_check(p, &o.s, before + i), PURGED_NOT);
		}
		uint64_t now = purge_now(p);
		assert_int_equal(purge_add(p, PURGE_ALL, STR_NONE, false), now + 1);
	}
	munmap(shared, sizeof(*shared));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_kinds),	  TEST(test_hard_wins),	 TEST(test_counts),
		TEST(test_sets_overflow), TEST(test_same_again), TEST(test_widening),
		TEST(test_long_prefix),	  TEST(test_revive),	 TEST(test_purgers_race),
		TEST(test_killed_purger),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
