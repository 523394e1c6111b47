/* SPDX-License-Identifier: BSD-2-Clause */
/* L1 in one process: storing, finding, variants, pins, shared bodies, figures. */
#include <unistd.h>

#include "l1_test.h"

enum { SIZE = 16 * 1024 * 1024 };

struct fixture {
	struct seg *seg;
	struct l1 *l1;
};

static int setup(void **state)
{
	static struct fixture f;

	f.seg = l1_test_segment(SIZE);
	f.l1 = l1_attach(f.seg, 0, SIZE);
	assert_non_null(f.l1);
	*state = &f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	l1_test_whole(f->l1, L1_CHECK_SUMS | L1_CHECK_IDLE);
	l1_detach(&f->l1);
	seg_free(&f->seg);
	return 0;
}

/* ---- bodies of all sizes ---- */

static const uint64_t lengths[] = {0,	   1,	   100,	   1000,    3000,   4096,
				   12000,  15700,  16384,  20000,   65536,  65537,
				   100000, 262144, 300001, 1048576, 3000000};

static void store_and_read(struct l1 *l1, uint64_t id, uint64_t length, bool known)
{
	struct l1_ref ref;
	uint64_t total;

	assert_int_equal(l1_test_store(l1, id, length, known), 0);
	assert_true(l1_test_find(l1, id, &ref));
	assert_int_equal(l1_state(l1, &ref), L1_WHOLE);
	assert_int_equal(l1_length(l1, &ref, &total), length);
	assert_int_equal(total, length);
	assert_true(l1_test_right(l1, &ref, id, 0, length));
	assert_true(l1_test_right(l1, &ref, id, length / 3, length)); /* backwards too */
	assert_int_equal(l1_read(l1, &ref, length).n, 0);
	assert_true(l1_verify(l1, &ref));
	l1_unpin(l1, &ref);
	assert_int_equal(ref.object, 0);
	l1_unpin(l1, &ref);
}

static void test_sizes(void **state)
{
	struct l1 *l1 = ((struct fixture *)*state)->l1;

	for (size_t i = 0; i < COUNTOF(lengths); i++) {
		store_and_read(l1, 100 + i, lengths[i], true);
		store_and_read(l1, 200 + i, lengths[i], false);
	}
}

static void test_missing(void **state)
{
	struct l1 *l1 = ((struct fixture *)*state)->l1;
	char buf[KEY_MAX];
	struct l1_key key = l1_test_key(buf, 1);
	struct l1_ref ref;
	bool any = true;

	assert_false(l1_find(l1, &key, l1_test_any, NULL, &ref, &any));
	assert_false(any);
}

static void test_view(void **state)
{
	struct l1 *l1 = ((struct fixture *)*state)->l1;
	char buf[KEY_MAX];
	struct l1_new spec = l1_test_spec(buf, 5, 3);
	const uint64_t tags[] = {purge_hash(PURGE_TAG, STR("a")), purge_hash(PURGE_TAG, STR("b"))};
	struct l1_ref ref;
	struct l1_view v;

	spec.vary = STR("some bytes");
	spec.tag_hashes = tags;
	spec.n_tags = 2;
	spec.meta.etag_n = 3;
	assert_int_equal(l1_create(l1, &spec, &ref), 0);
	assert_int_equal(l1_append(l1, &ref, STR("abc")), 0);
	assert_int_equal(l1_append(l1, &ref, STR("d")), ERR_SYNTAX); /* more than announced */
	assert_int_equal(l1_commit(l1, &ref, STR("Sum: 1\r\n")), 0);
	l1_view(l1, &ref, &v);
	assert_true(str_eq(v.key.text, spec.key.text));
	assert_int_equal(v.key.hash.hi, spec.key.hash.hi);
	assert_true(str_eq(v.vary, spec.vary));
	assert_true(str_eq(v.head, spec.head));
	assert_memory_equal(v.meta, &spec.meta, sizeof(spec.meta));
	assert_true(str_eq(l1_read(l1, &ref, 0), STR("abc")));
	assert_true(str_eq(l1_trailers(l1, &ref), STR("Sum: 1\r\n")));
	l1_unpin(l1, &ref);
}

/* ---- filling ---- */

static void test_follow(void **state)
{
	struct l1 *l1 = ((struct fixture *)*state)->l1;
	char buf[KEY_MAX];
	struct l1_new spec = l1_test_spec(buf, 9, STORED_UNKNOWN);
	struct l1_ref fill, reader;
	uint64_t total;

	assert_int_equal(l1_create(l1, &spec, &fill), 0);
	assert_true(l1_test_find(l1, 9, &reader));
	assert_int_equal(l1_state(l1, &reader), L1_FILLING);
	assert_int_equal(l1_read(l1, &reader, 0).n, 0);
	for (uint64_t n = 0; n < 300000; n = n * 2 + 777) {
		assert_int_equal(l1_test_fill(l1, &fill, 9, n), 0);
		assert_int_equal(l1_length(l1, &reader, &total), n);
		assert_int_equal(total, STORED_UNKNOWN);
		assert_true(l1_test_right(l1, &reader, 9, n / 2, n));
	}
	assert_int_equal(l1_commit(l1, &fill, STR_NONE), 0);
	assert_int_equal(l1_state(l1, &reader), L1_WHOLE);
	assert_true(l1_verify(l1, &reader));
	l1_unpin(l1, &fill);
	l1_unpin(l1, &reader);
}

static void test_broken(void **state)
{
	struct l1 *l1 = ((struct fixture *)*state)->l1;
	char buf[KEY_MAX];
	struct l1_new spec = l1_test_spec(buf, 9, 100000);
	struct l1_ref fill, reader, other;

	/* by the filler's word, by a body that is too short, by a filler who leaves */
	for (int how = 0; how < 3; how++) {
		assert_int_equal(l1_create(l1, &spec, &fill), 0);
		assert_true(l1_test_find(l1, 9, &reader));
		assert_int_equal(l1_test_fill(l1, &fill, 9, 50000), 0);
		if (how == 0)
			l1_break(l1, &fill);
		if (how == 1)
			assert_int_equal(l1_commit(l1, &fill, STR_NONE), ERR_SYNTAX);
		l1_unpin(l1, &fill);
		assert_int_equal(l1_state(l1, &reader), L1_BROKEN);
		assert_false(l1_test_find(l1, 9, &other));
		assert_true(l1_test_right(l1, &reader, 9, 0, 50000));
		assert_false(l1_verify(l1, &reader));
		l1_unpin(l1, &reader);
	}
}

static void test_limits(void **state)
{
	struct fixture *f = *state;
	char buf[KEY_MAX];
	struct l1_ref ref;
	struct l1 *small = l1_attach(f->seg, 1, 10000);

	assert_non_null(small);
	struct l1_new spec = l1_test_spec(buf, 1, 10001);
	assert_int_equal(l1_create(small, &spec, &ref), ERR_LIMIT);
	spec.length = STORED_UNKNOWN;
	assert_int_equal(l1_create(small, &spec, &ref), 0);
	assert_int_equal(l1_test_fill(small, &ref, 1, 100000), ERR_FULL);
	l1_break(small, &ref);
	l1_unpin(small, &ref);
	l1_detach(&small);
	spec.length = SIZE + 1;
	assert_int_equal(l1_create(f->l1, &spec, &ref), ERR_LIMIT);
}

/* ---- variants ---- */

static bool match_vary(void *arg, const struct l1_view *v, enum l1_state st UNUSED)
{
	return str_eq(v->vary, *(struct str *)arg);
}

static void store_variant(struct l1 *l1, struct str vary, unsigned max)
{
	char buf[KEY_MAX];
	struct l1_new spec = l1_test_spec(buf, 77, vary.n);
	struct l1_ref ref;

	spec.vary = vary;
	spec.max_variants = max;
	assert_int_equal(l1_create(l1, &spec, &ref), 0);
	assert_int_equal(l1_append(l1, &ref, vary), 0);
	assert_int_equal(l1_commit(l1, &ref, STR_NONE), 0);
	l1_unpin(l1, &ref);
}

static bool has_variant(struct l1 *l1, struct str vary)
{
	char buf[KEY_MAX];
	struct l1_key key = l1_test_key(buf, 77);
	struct l1_ref ref;
	bool any;

	if (!l1_find(l1, &key, match_vary, &vary, &ref, &any))
		return false;
	bool right = str_eq(l1_read(l1, &ref, 0), vary);
	l1_unpin(l1, &ref);
	return right;
}

static void count_peeked(void *arg, const struct l1_view *v UNUSED, enum l1_state s UNUSED,
			 uint64_t length UNUSED, bool purged UNUSED)
{
	++*(int *)arg;
}

static int variants(struct l1 *l1)
{
	char buf[KEY_MAX];
	struct l1_key key = l1_test_key(buf, 77);
	int n = 0;

	l1_peek(l1, &key, count_peeked, &n);
	return n;
}

static void test_variants(void **state)
{
	struct l1 *l1 = ((struct fixture *)*state)->l1;
	static const char *const names[] = {"a", "bb", "ccc", "dddd"};

	for (size_t i = 0; i < 3; i++)
		store_variant(l1, str_c(names[i]), 3);
	for (size_t i = 0; i < 3; i++)
		assert_true(has_variant(l1, str_c(names[i])));
	store_variant(l1, STR("bb"), 3); /* takes its own place */
	assert_int_equal(variants(l1), 3);
	store_variant(l1, STR("dddd"), 3); /* the oldest goes */
	assert_int_equal(variants(l1), 3);
	assert_false(has_variant(l1, STR("a")));
	assert_true(has_variant(l1, STR("ccc")));
}

/* ---- pins ---- */

static void test_pins(void **state)
{
	struct fixture *f = *state;
	struct l1 *other = l1_attach(f->seg, 1, SIZE);
	struct l1_ref a, b, c;
	char buf[KEY_MAX];
	struct l1_key key = l1_test_key(buf, 3);
	struct l1_figures g;

	assert_int_equal(l1_test_store(f->l1, 3, 50000, true), 0);
	assert_true(l1_test_find(f->l1, 3, &a));
	assert_true(l1_pin(f->l1, &a, &b));
	assert_true(l1_pin_at(other, a.object, &key.hash, &c));
	l1_figures(f->l1, &g);
	assert_int_equal(g.pins, 3);
	l1_drop(f->l1, &a);
	l1_unpin(f->l1, &a);
	l1_unpin(f->l1, &b);
	assert_true(l1_test_right(other, &c, 3, 0, 50000));
	assert_false(l1_pin_at(f->l1, c.object, &key.hash, &a)); /* it is not the key's any more */
	l1_figures(f->l1, &g);
	assert_int_equal(g.objects, 1);
	l1_unpin(other, &c);
	l1_figures(f->l1, &g);
	assert_int_equal(g.objects, 0);
	assert_int_equal(g.used, 0);
	assert_int_equal(g.stored, 0);
	assert_int_equal(g.free_pages, g.pages);
	l1_detach(&other);
}

/* ---- figures ---- */

static void test_figures(void **state)
{
	struct l1 *l1 = ((struct fixture *)*state)->l1;
	struct l1_figures g;
	uint64_t stored = 0;
	char buf[KEY_MAX];

	for (uint64_t id = 0; id < 40; id++) {
		struct l1_new spec = l1_test_spec(buf, id, 0);
		assert_int_equal(l1_test_store(l1, id, id * 1000, id % 2), 0);
		stored += spec.key.text.n + spec.head.n + id * 1000;
	}
	l1_figures(l1, &g);
	assert_int_equal(g.objects, 40);
	assert_int_equal(g.stored, stored);
	assert_true(g.used > g.stored && g.used < g.size);
}

/* ---- a 304's new head ---- */

static void test_refresh(void **state)
{
	struct l1 *l1 = ((struct fixture *)*state)->l1;
	struct stored_meta meta = {.lifetime = 7, .status = 200};
	struct l1_ref old, fresh, found;
	struct l1_view v;

	for (size_t i = 0; i < COUNTOF(lengths); i++) {
		for (int known = 0; known < 2; known++) {
			uint64_t id = 1000 + i;
			assert_int_equal(l1_test_store(l1, id, lengths[i], known), 0);
			assert_true(l1_test_find(l1, id, &old));
			assert_int_equal(l1_refresh(l1, &old, &meta, STR("New: 1\r\n"), 0, &fresh),
					 0);
			assert_true(l1_test_find(l1, id, &found));
			assert_int_equal(found.object, fresh.object);
			l1_unpin(l1, &found);
			/* either may go first */
			if (i % 2)
				l1_unpin(l1, &old);
			l1_view(l1, &fresh, &v);
			assert_true(str_eq(v.head, STR("New: 1\r\n")));
			assert_int_equal(v.meta->lifetime, 7);
			assert_true(l1_test_right(l1, &fresh, id, 0, lengths[i]));
			assert_true(l1_verify(l1, &fresh));
			l1_test_whole(l1, 0);
			if (i % 3)
				l1_drop(l1, &fresh);
			l1_unpin(l1, &fresh);
			if (!(i % 2))
				assert_true(l1_test_right(l1, &old, id, 0, lengths[i]));
			l1_unpin(l1, &old);
		}
	}
}

/* ---- purges ---- */

static void test_purge(void **state)
{
	struct fixture *f = *state;
	struct purge *p = purge_attach(f->seg);
	struct l1_ref ref;
	struct l1_view v;
	char buf[KEY_MAX];

	for (uint64_t id = 0; id < 3; id++)
		assert_int_equal(l1_test_store(f->l1, id, 10, true), 0);
	purge_add(p, PURGE_URL, l1_test_key(buf, 1).text, false);
	purge_add(p, PURGE_URL, l1_test_key(buf, 2).text, true);
	assert_true(l1_test_find(f->l1, 0, &ref));
	l1_view(f->l1, &ref, &v);
	assert_false(v.softly_purged);
	l1_unpin(f->l1, &ref);
	assert_false(l1_test_find(f->l1, 1, &ref));
	assert_true(l1_test_find(f->l1, 2, &ref));
	l1_view(f->l1, &ref, &v);
	assert_true(v.softly_purged);
	l1_unpin(f->l1, &ref);
	struct l1_figures g;
	l1_figures(f->l1, &g);
	assert_int_equal(g.purged, 1);
	assert_int_equal(g.objects, 2);
	purge_detach(&p);
}

/* ---- lending ---- */

static void test_lend(void **state)
{
	struct fixture *f = *state;
	struct l1_ref ref;
	uint64_t at = 0, file_at;
	char got[4096];
	struct l1_figures g;

	assert_int_equal(l1_test_store(f->l1, 1, 300000, true), 0);
	assert_true(l1_test_find(f->l1, 1, &ref));
	while (at < 300000) {
		size_t n = l1_lend(f->l1, &ref, at, &file_at);
		if (n == 0) {
			n = l1_read(f->l1, &ref, at).n;
			assert_true(n > 0);
		} else {
			n = MIN(n, sizeof(got));
			assert_int_equal(pread(l1_fd(f->l1), got, n, (off_t)file_at), n);
			for (size_t i = 0; i < n; i++)
				assert_int_equal(got[i], l1_test_byte(1, at + i));
		}
		at += n;
	}
	l1_drop(f->l1, &ref);
	l1_unpin(f->l1, &ref);
	l1_figures(f->l1, &g);
	assert_true(g.lent_holes >= 290000 / 4096);
	assert_int_equal(l1_test_store(f->l1, 2, 300000, true), 0); /* holes are filled again */
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_sizes),   TEST(test_missing), TEST(test_view),     TEST(test_follow),
		TEST(test_broken),  TEST(test_limits),	TEST(test_variants), TEST(test_pins),
		TEST(test_figures), TEST(test_refresh), TEST(test_purge),    TEST(test_lend),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
