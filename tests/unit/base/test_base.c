/* SPDX-License-Identifier: BSD-2-Clause */
/* Slices, buffers, error names, the random generator and the clock's override. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/rng.h"

static void assert_str(struct str got, struct str want)
{
	if (!str_eq(got, want))
		fail_msg("got \"%.*s\", want \"%.*s\"", STR_ARG(got), STR_ARG(want));
}

static void test_compare(void **state)
{
	static const struct {
		struct str a, b;
		bool eq, ieq, starts, ends;
	} cases[] = {
		{STR(""), STR_NONE, true, true, true, true},
		{STR("abc"), STR("abc"), true, true, true, true},
		{STR("aBc"), STR("Abc"), false, true, false, false},
		{STR("abc"), STR("ab"), false, false, true, false},
		{STR("abc"), STR("bc"), false, false, false, true},
		{STR("ab"), STR("abc"), false, false, false, false},
		{STR("@["), STR("`{"), false, false, false, false}, /* not letters */
		{STR("\xC4"), STR("\xE4"), false, false, false, false},
	};

	(void)state;
	for (size_t i = 0; i < COUNTOF(cases); i++) {
		assert_int_equal(str_eq(cases[i].a, cases[i].b), cases[i].eq);
		assert_int_equal(str_ieq(cases[i].a, cases[i].b), cases[i].ieq);
		assert_int_equal(str_starts(cases[i].a, cases[i].b), cases[i].starts);
		assert_int_equal(str_ends(cases[i].a, cases[i].b), cases[i].ends);
	}
}

static void test_trim_and_find(void **state)
{
	static const struct {
		struct str in, out;
	} cases[] = {
		{STR(" \ta b\t "), STR("a b")}, {STR("a"), STR("a")},
		{STR(" \t"), STR("")},		{STR(""), STR("")},
		{STR("\ra\n"), STR("\ra\n")}, /* RFC 9110 5.6.3: SP and HTAB only */
	};

	(void)state;
	for (size_t i = 0; i < COUNTOF(cases); i++)
		assert_str(str_trim(cases[i].in), cases[i].out);
	assert_int_equal(str_find(STR("abcb"), 'b'), 1);
	assert_int_equal(str_find(STR("abc"), 'x'), -1);
	assert_int_equal(str_find(STR_NONE, 'x'), -1);
}

static void test_next(void **state)
{
	struct str rest = STR("a,,bc"), piece;

	(void)state;
	assert_true(str_next(&rest, ',', &piece));
	assert_str(piece, STR("a"));
	assert_true(str_next(&rest, ',', &piece));
	assert_str(piece, STR(""));
	assert_true(str_next(&rest, ',', &piece));
	assert_str(piece, STR("bc"));
	assert_false(str_next(&rest, ',', &piece));
}

static void test_u64(void **state)
{
	static const struct {
		struct str in;
		int rc;
		uint64_t value;
	} cases[] = {
		{STR("0"), 0, 0},
		{STR("0042"), 0, 42},
		{STR("18446744073709551615"), 0, UINT64_MAX},
		{STR("18446744073709551616"), ERR_RANGE, 0},
		{STR("99999999999999999999999"), ERR_RANGE, 0},
		{STR(""), ERR_SYNTAX, 0},
		{STR("+1"), ERR_SYNTAX, 0},
		{STR("-1"), ERR_SYNTAX, 0},
		{STR("1 "), ERR_SYNTAX, 0},
		{STR("1a"), ERR_SYNTAX, 0},
	};

	(void)state;
	for (size_t i = 0; i < COUNTOF(cases); i++) {
		uint64_t v = 0;
		assert_int_equal(str_u64(cases[i].in, &v), cases[i].rc);
		if (cases[i].rc == 0)
			assert_true(v == cases[i].value);
	}
}

static void test_utf8(void **state)
{
	static const struct {
		struct str in;
		size_t len;
	} cases[] = {
		{STR("a"), 1},
		{STR("\xC2\x80"), 2},
		{STR("\xE2\x82\xAC!"), 3},
		{STR("\xF4\x8F\xBF\xBF"), 4},
		{STR(""), 0},
		{STR("\x80"), 0},
		{STR("\xC1\xBF"), 0},	      /* overlong */
		{STR("\xE0\x9F\xBF"), 0},     /* overlong */
		{STR("\xF0\x8F\xBF\xBF"), 0}, /* overlong */
		{STR("\xED\xA0\x80"), 0},     /* a surrogate, RFC 3629 section 3 */
		{STR("\xF4\x90\x80\x80"), 0}, /* above U+10FFFF */
		{STR("\xE2\x82"), 0},	      /* cut */
	};

	(void)state;
	for (size_t i = 0; i < COUNTOF(cases); i++)
		assert_int_equal(str_utf8_len(cases[i].in), cases[i].len);
}

static void test_copy(void **state)
{
	char four[4];
	char *copy = str_dup(STR("abc"));

	(void)state;
	assert_string_equal(str_copy(four, sizeof(four), STR("abc")), "abc");
	assert_string_equal(str_copy(four, sizeof(four), STR("abcdef")), "abc");
	assert_string_equal(str_copy(four, sizeof(four), STR_NONE), "");
	assert_string_equal(copy, "abc");
	free(copy);
}

static void test_buf_json(void **state)
{
	static const struct {
		struct str in, out;
	} cases[] = {
		{STR(""), STR("\"\"")},
		{STR("a\"b\\c/"), STR("\"a\\\"b\\\\c/\"")},
		{STR("\n\x01\x7F"), STR("\"\\u000a\\u0001\\u007f\"")},
		{STR("a\0b"), STR("\"a\\u0000b\"")},
		{STR("\xE2\x82\xAC"), STR("\"\xE2\x82\xAC\"")},
		{STR("x\xE2\x82y"), STR("\"x\\ufffd\\ufffdy\"")},
	};
	struct buf b = BUF_INIT;

	(void)state;
	for (size_t i = 0; i < COUNTOF(cases); i++) {
		buf_reset(&b);
		buf_json(&b, cases[i].in);
		assert_str(buf_slice(&b), cases[i].out);
	}
	buf_fini(&b);
}

static void test_buf_grows(void **state)
{
	struct buf b = BUF_INIT;

	(void)state;
	for (unsigned i = 0; i < 10000; i++)
		buf_char(&b, (char)i);
	assert_int_equal(b.error, 0);
	assert_int_equal(b.n, 10000);
	for (unsigned i = 0; i < 10000; i++)
		assert_int_equal(b.p[i], (char)i);
	buf_reset(&b);
	buf_u64(&b, 0);
	buf_char(&b, ' ');
	buf_u64(&b, UINT64_MAX);
	buf_printf(&b, " %s=%d", "x", -7);
	assert_str(buf_slice(&b), STR("0 18446744073709551615 x=-7"));
	buf_fini(&b);
	assert_null(b.p);
}

static void test_buf_latches(void **state)
{
	struct buf b = {.cap = 10};

	(void)state;
	buf_c(&b, "0123456789"); /* the cap itself fits */
	assert_int_equal(b.error, 0);
	buf_char(&b, 'x');
	assert_int_equal(b.error, ERR_LIMIT);
	assert_int_equal(b.n, 10);
	b.n = 0; /* there would be room now, but the error stays */
	buf_char(&b, 'x');
	assert_int_equal(b.n, 0);
	assert_null(buf_room(&b, 1));
	buf_reset(&b);
	buf_char(&b, 'x');
	assert_int_equal(b.error, 0);
	assert_str(buf_slice(&b), STR("x"));
	buf_fini(&b);
	assert_int_equal(b.cap, 10);
}

static void test_rng(void **state)
{
	struct rng a, b, c;
	unsigned counts[7] = {0};
	bool differs = false;

	(void)state;
	rng_seed(&a, 42);
	rng_seed(&b, 42);
	rng_seed(&c, 43);
	for (unsigned i = 0; i < 100; i++) {
		uint64_t v = rng_next(&a);
		assert_true(v == rng_next(&b));
		differs |= v != rng_next(&c);
	}
	assert_true(differs);
	for (unsigned i = 0; i < 70000; i++) {
		uint64_t v = rng_below(&a, 7);
		assert_true(v < 7);
		counts[v]++;
	}
	for (unsigned i = 0; i < 7; i++)
		assert_in_range(counts[i], 9500, 10500);
	assert_int_equal(rng_below(&a, 1), 0);
}

static void test_err(void **state)
{
	(void)state;
	assert_string_equal(err_name(ERR_NOMEM), "NOMEM");
	assert_string_equal(err_text(ERR_NOMEM), "out of memory");
	assert_string_equal(err_name(ERR_CORRUPT), "CORRUPT");
	for (int code = -100; code <= 100; code++) {
		assert_non_null(err_name(code));
		assert_non_null(err_text(code));
	}
	assert_non_null(err_name(INT32_MIN));
	assert_non_null(err_text(INT32_MAX));
}

/* Last: the override cannot be taken back. */
static void test_clock(void **state)
{
	(void)state;
	clock_refresh();
	int64_t before = clock_mono();
	assert_true(before > 0 && clock_mono_exact() >= before);
	assert_true(clock_mono() == before);
	clock_set(123, 456);
	clock_refresh();
	assert_int_equal(clock_mono(), 123);
	assert_int_equal(clock_wall(), 456);
	assert_int_equal(clock_mono_exact(), 123);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_compare),	    cmocka_unit_test(test_trim_and_find),
		cmocka_unit_test(test_next),	    cmocka_unit_test(test_u64),
		cmocka_unit_test(test_utf8),	    cmocka_unit_test(test_copy),
		cmocka_unit_test(test_buf_json),    cmocka_unit_test(test_buf_grows),
		cmocka_unit_test(test_buf_latches), cmocka_unit_test(test_rng),
		cmocka_unit_test(test_err),	    cmocka_unit_test(test_clock),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
