/* SPDX-License-Identifier: BSD-2-Clause */
/* Arenas, pools and lists. Broken invariants must end the process: those run in a child. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/list.h"
#include "base/pool.h"
#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#endif

static void quiet(const char *file, int line, const char *func, const char *what)
{
	(void)file, (void)line, (void)func, (void)what;
	_exit(77);
}

/* Does <fn> fail an ASSERT? */
static bool asserts(void (*fn)(void))
{
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		check_set_hook(quiet);
		fn();
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) && WEXITSTATUS(status) == 77;
}

static void test_arena_alignment(void **state)
{
	_Alignas(max_align_t) char first[256];
	struct arena a;

	(void)state;
	arena_init(&a, first + 1, sizeof(first) - 1, 0);
	for (size_t n = 1; n < 600; n++) {
		char *p = arena_zalloc(&a, n);
		assert_non_null(p);
		assert_int_equal((uintptr_t)p % _Alignof(max_align_t), 0);
		for (size_t i = 0; i < n; i++)
			assert_int_equal(p[i], 0);
		memset(p, 0xFF, n);
	}
	arena_fini(&a);
	assert_int_equal(a.used, 0);
}

static void test_arena_first_and_trim(void **state)
{
	_Alignas(max_align_t) char first[128];
	struct arena a;

	(void)state;
	arena_init(&a, first, sizeof(first), 0);
	char *p = arena_alloc(&a, 128); /* all of it */
	assert_ptr_equal(p, first);
	assert_int_equal(a.used, 0);
	arena_trim(&a, p + 10);
	char *q = arena_alloc(&a, 112);
	assert_ptr_equal(q, first + 16);
	assert_int_equal(a.used, 0);
	q = arena_alloc(&a, 1);
	assert_non_null(q);
	assert_true(a.used > 0);
	struct str s = arena_str(&a, STR("abc"));
	assert_int_equal(s.n, 3);
	assert_string_equal(s.p, "abc");
	s = arena_printf(&a, "%05d", 42);
	assert_int_equal(s.n, 5);
	assert_string_equal(s.p, "00042");
	arena_fini(&a);
}

static void test_arena_cap(void **state)
{
	struct arena a;
	unsigned n = 0;

	(void)state;
	arena_init(&a, NULL, 0, 20000);
	while (arena_alloc(&a, 1000) && n < 100)
		n++;
	assert_in_range(n, 10, 20);
	assert_true(a.used <= 20000);
	assert_null(arena_alloc(&a, 20000));
	assert_null(arena_alloc(&a, SIZE_MAX - 8));
	arena_fini(&a);
	assert_non_null(arena_alloc(&a, 1000)); /* and the cap is still there */
	assert_null(arena_alloc(&a, 20000));
	arena_fini(&a);
}

static void test_pool_counts(void **state)
{
	struct pool p;
	void *o[4], *was[4];

	(void)state;
	pool_init(&p, "test", 64, 2);
	for (unsigned i = 0; i < 4; i++)
		was[i] = o[i] = pool_take(&p);
	assert_int_equal(p.live, 4);
	assert_int_equal(p.high, 4);
	pool_give(&p, &o[0]);
	assert_null(o[0]);
	pool_give(&p, &o[0]); /* NULL inside */
	pool_give(&p, &o[1]);
	assert_int_equal(p.live, 2);
	assert_int_equal(p.kept, 2);
	pool_give(&p, &o[2]); /* beyond keep_max */
	assert_int_equal(p.kept, 2);
	o[1] = pool_take(&p); /* last in, first out */
	o[0] = pool_take(&p);
	assert_ptr_equal(o[1], was[1]);
	assert_ptr_equal(o[0], was[0]);
	assert_int_equal(p.kept, 0);
	assert_int_equal(p.live, 3);
	assert_int_equal(p.high, 4);
	for (unsigned i = 0; i < 4; i++)
		pool_give(&p, &o[i]);
	assert_int_equal(p.live, 0);
	pool_fini(&p);
}

static void test_pool_poison(void **state)
{
	struct pool p;

	(void)state;
	pool_init(&p, "test", 64, 2);
	char *o = pool_take(&p), *was = o;
	memset(o, 1, 64);
	pool_give(&p, &o);
#if defined(__SANITIZE_ADDRESS__)
	assert_true(__asan_address_is_poisoned(was + 8));
	assert_true(__asan_address_is_poisoned(was + 63));
#endif
	o = pool_take(&p);
	assert_ptr_equal(o, was);
	memset(o, 2, 64); /* usable again, all of it */
	pool_give(&p, &o);
	pool_fini(&p);
}

static void fini_while_live(void)
{
	struct pool p;

	pool_init(&p, "test", 64, 2);
	if (pool_take(&p))
		pool_fini(&p);
}

static struct list one, two;
static struct list_node n[5];

static void setup_lists(void)
{
	list_init(&one);
	list_init(&two);
	memset(n, 0, sizeof(n));
}

static void test_list_order(void **state)
{
	(void)state;
	setup_lists();
	assert_true(list_empty(&one));
	assert_null(list_first(&one));
	assert_null(list_last(&one));
	assert_null(list_pop(&one));
	list_append(&one, &n[1]);
	list_append(&one, &n[2]);
	list_prepend(&one, &n[0]);
	assert_int_equal(one.count, 3);
	assert_ptr_equal(list_last(&one), &n[2]);
	for (unsigned i = 0; i < 3; i++) {
		assert_true(list_linked(&n[i]));
		assert_ptr_equal(list_pop(&one), &n[i]);
		assert_false(list_linked(&n[i]));
	}
	assert_true(list_empty(&one));
}

static void test_list_walk(void **state)
{
	/* which nodes are removed while walking, as bits */
	(void)state;
	for (unsigned mask = 0; mask < 32; mask++) {
		unsigned seen = 0, left = 0;
		setup_lists();
		for (unsigned i = 0; i < 5; i++)
			list_append(&one, &n[i]);
		LIST_EACH (&one, at) {
			assert_ptr_equal(at, &n[seen]);
			if (mask & 1U << seen++)
				list_remove(&one, at);
		}
		assert_int_equal(seen, 5);
		LIST_EACH (&one, at)
			left |= 1U << (at - n);
		assert_int_equal(left, ~mask & 31);
	}
}

static void remove_by_other_head(void)
{
	setup_lists();
	list_append(&one, &n[0]);
	list_append(&two, &n[1]);
	list_remove(&two, &n[0]);
}

static void append_twice(void)
{
	setup_lists();
	list_append(&one, &n[0]);
	list_append(&two, &n[0]);
}

static void remove_unlinked(void)
{
	setup_lists();
	list_append(&one, &n[1]);
	list_remove(&one, &n[0]);
}

static void nothing_wrong(void)
{
	setup_lists();
	list_append(&one, &n[0]);
	list_remove(&one, &n[0]);
}

static void test_invariants(void **state)
{
	(void)state;
	assert_false(asserts(nothing_wrong));
	assert_true(asserts(remove_by_other_head));
	assert_true(asserts(append_twice));
	assert_true(asserts(remove_unlinked));
	assert_true(asserts(fini_while_live));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_arena_alignment), cmocka_unit_test(test_arena_first_and_trim),
		cmocka_unit_test(test_arena_cap),	cmocka_unit_test(test_pool_counts),
		cmocka_unit_test(test_pool_poison),	cmocka_unit_test(test_list_order),
		cmocka_unit_test(test_list_walk),	cmocka_unit_test(test_invariants),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
