/* SPDX-License-Identifier: BSD-2-Clause */
/* Validators and preconditions (RFC 9110 8.8, 13; RFC 9111 4.3.2). */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "../policy/parse_head.h"
#include "http/cond.h"

/* 1994-11-06 08:49:37 GMT */
#define MODIFIED INT64_C(784111777)
#define AT "Sun, 06 Nov 1994 08:49:37 GMT"
#define BEFORE "Sun, 06 Nov 1994 08:49:36 GMT"
#define AFTER "Sun, 06 Nov 1994 08:49:38 GMT"

static void test_etag(void **state)
{
	static const struct {
		const char *etag;
		bool valid, strong;
	} rows[] = {
		{"\"a\"", true, true},	     {"\"\"", true, true},
		{"W/\"a\"", true, false},    {"W/\"\"", true, false},
		{"\"!#[]~\\\"", true, true}, {"\"a,b\"", true, true},
		{"\"\xfc\"", true, true},    {"", false, false},
		{"a", false, false},	     {"\"", false, false},
		{"\"a", false, false},	     {"a\"", false, false},
		{"\"a\"b", false, false},    {"\"a b\"", false, false},
		{"\"a\tb\"", false, false},  {"\"a\x7f\"", false, false},
		{"\"a\"b\"", false, false},  {"w/\"a\"", false, false},
		{"W\"a\"", false, false},    {"W\\\"a\"", false, false},
		{"W/a", false, false},	     {"W/", false, false},
		{"W/ \"a\"", false, false},  {"*", false, false},
	};

	(void)state;
	for (size_t i = 0; i < COUNTOF(rows); i++)
		if (cond_etag_valid(str_c(rows[i].etag)) != rows[i].valid ||
		    cond_etag_strong(str_c(rows[i].etag)) != rows[i].strong)
			fail_msg("RFC 9110 8.8.3: %s", rows[i].etag);
}

/* RFC 9110 8.8.3.2, its table and malformed ones */
static void test_compare(void **state)
{
	static const struct {
		const char *a, *b;
		bool strong, weak;
	} rows[] = {
		{"W/\"1\"", "W/\"1\"", false, true}, {"W/\"1\"", "W/\"2\"", false, false},
		{"W/\"1\"", "\"1\"", false, true},   {"\"1\"", "\"1\"", true, true},
		{"\"1\"", "\"2\"", false, false},    {"\"a\"", "\"A\"", false, false},
		{"abc", "abc", false, false},	     {"", "", false, false},
		{"W/abc", "abc", false, false},	     {"w/\"1\"", "w/\"1\"", false, false},
	};

	(void)state;
	for (size_t i = 0; i < COUNTOF(rows); i++) {
		const struct str a = str_c(rows[i].a), b = str_c(rows[i].b);

		if (cond_etag_strong_eq(a, b) != rows[i].strong ||
		    cond_etag_strong_eq(b, a) != rows[i].strong ||
		    cond_etag_weak_eq(a, b) != rows[i].weak ||
		    cond_etag_weak_eq(b, a) != rows[i].weak)
			fail_msg("RFC 9110 8.8.3.2: %s %s", rows[i].a, rows[i].b);
	}
}

enum { NO = COND_GO_ON, YES = COND_NOT_MODIFIED, FAIL = COND_FAILED };

/* The stored answer has ETag "x", Last-Modified AT, and a Date ten seconds later, if not said
 * otherwise. */
static const struct {
	const char *rfc, *lines;
	int want;
	const char *etag; /* NULL: "x" */
	bool no_modified, no_date;
} evaluations[] = {
	{"9110 13.2", "", NO, NULL, false, false},
	/* If-None-Match (13.1.2): weak comparison */
	{"9110 13.1.2", "If-None-Match: \"x\"\r\n", YES, NULL, false, false},
	{"9110 13.1.2", "If-None-Match: W/\"x\"\r\n", YES, NULL, false, false},
	{"9110 13.1.2", "If-None-Match: \"x\"\r\n", YES, "W/\"x\"", false, false},
	{"9110 13.1.2", "If-None-Match: \"y\"\r\n", NO, NULL, false, false},
	{"9110 13.1.2", "If-None-Match: \"x\", \"y\", \"z\"\r\n", YES, NULL, false, false},
	{"9110 13.1.2", "If-None-Match: \"y\", \"x\", \"z\"\r\n", YES, NULL, false, false},
	{"9110 13.1.2", "If-None-Match: \"y\",\"z\"\t,\tW/\"x\"\r\n", YES, NULL, false, false},
	{"9110 13.1.2", "If-None-Match: \"y\"\r\nIf-None-Match: \"x\"\r\n", YES, NULL, false,
	 false},
	{"9110 5.6.1", "If-None-Match: ,, \"x\",\r\n", YES, NULL, false, false},
	{"9110 8.8.3", "If-None-Match: \"a,\", \"x\"\r\n", YES, NULL, false, false},
	{"9110 8.8.3", "If-None-Match: \"\\\", \"x\"\r\n", YES, NULL, false, false},
	{"9110 8.8.3", "If-None-Match: \"a,b\"\r\n", YES, "\"a,b\"", false, false},
	{"9110 8.8.3", "If-None-Match: \"abcdef\xfc\"\r\n", YES, "\"abcdef\xfc\"", false, false},
	{"9110 13.1.2", "If-None-Match: *\r\n", YES, NULL, false, false},
	{"9110 13.1.2", "If-None-Match: *\r\n", YES, "", false, false},
	/* malformed members match nothing */
	{"9110 13.1.2", "If-None-Match: *, \"y\"\r\n", NO, NULL, false, false},
	{"9110 13.1.2", "If-None-Match: *\r\nIf-None-Match: *\r\n", NO, NULL, false, false},
	{"9110 13.1.2", "If-None-Match: x\r\n", NO, NULL, false, false},
	{"9110 13.1.2", "If-None-Match: x\r\n", NO, "x", false, false},
	{"9110 13.1.2", "If-None-Match: \"x\r\n", NO, NULL, false, false},
	{"9110 13.1.2", "If-None-Match: \"x\"x\r\n", NO, NULL, false, false},
	{"9110 13.1.2", "If-None-Match: \"y\" \"x\"\r\n", NO, NULL, false, false},
	{"9110 13.1.2", "If-None-Match: w/\"x\"\r\n", NO, NULL, false, false},
	{"9110 13.1.2", "If-None-Match: W/ \"x\"\r\n", NO, NULL, false, false},
	{"9110 13.1.2", "If-None-Match: y, \"x\"\r\n", YES, NULL, false, false},
	{"9110 13.1.2", "If-None-Match:\r\n", NO, "", false, false},
	{"9110 13.1.2", "If-None-Match: \"\"\r\n", NO, "", false, false},
	{"9110 13.1.2", "If-None-Match: \"\"\r\n", YES, "\"\"", false, false},
	/* If-Modified-Since (13.1.3) */
	{"9110 13.1.3", "If-Modified-Since: " AT "\r\n", YES, NULL, false, false},
	{"9110 13.1.3", "If-Modified-Since: " AFTER "\r\n", YES, NULL, false, false},
	{"9110 13.1.3", "If-Modified-Since: " BEFORE "\r\n", NO, NULL, false, false},
	{"9110 5.6.7", "If-Modified-Since: Sunday, 06-Nov-94 08:49:37 GMT\r\n", YES, NULL, false,
	 false},
	{"9110 5.6.7", "If-Modified-Since: Sun Nov  6 08:49:37 1994\r\n", YES, NULL, false, false},
	{"9110 13.1.3", "If-Modified-Since: Sun, 06 Nov 1994 08:49:38 UTC\r\n", NO, NULL, false,
	 false},
	{"9110 13.1.3", "If-Modified-Since: " AFTER ", " AFTER "\r\n", NO, NULL, false, false},
	{"9110 13.1.3", "If-Modified-Since: " AT "\r\nIf-Modified-Since: " AT "\r\n", NO, NULL,
	 false, false},
	{"9110 13.1.3", "If-Modified-Since: 0\r\n", NO, NULL, false, false},
	{"9110 13.1.3", "If-Modified-Since:\r\n", NO, NULL, false, false},
	/* without Last-Modified the Date counts */
	{"9111 4.3.2", "If-Modified-Since: Sun, 06 Nov 1994 08:49:47 GMT\r\n", YES, NULL, true,
	 false},
	{"9111 4.3.2", "If-Modified-Since: Sun, 06 Nov 1994 08:49:46 GMT\r\n", NO, NULL, true,
	 false},
	{"9111 4.3.2", "If-Modified-Since: " AFTER "\r\n", NO, NULL, true, true},
	/* precedence (13.2.2) */
	{"9110 13.1.3", "If-None-Match: \"x\"\r\nIf-Modified-Since: " BEFORE "\r\n", YES, NULL,
	 false, false},
	{"9110 13.1.3", "If-None-Match: \"y\"\r\nIf-Modified-Since: " AT "\r\n", NO, NULL, false,
	 false},
	{"9110 13.1.3", "If-None-Match: y\r\nIf-Modified-Since: " AT "\r\n", NO, NULL, false,
	 false},
	/* If-Match (13.1.1): strong comparison */
	{"9110 13.1.1", "If-Match: \"x\"\r\n", NO, NULL, false, false},
	{"9110 13.1.1", "If-Match: \"y\", \"x\"\r\n", NO, NULL, false, false},
	{"9110 13.1.1", "If-Match: *\r\n", NO, NULL, false, false},
	{"9110 13.1.1", "If-Match: \"y\"\r\n", FAIL, NULL, false, false},
	{"9110 13.1.1", "If-Match: W/\"x\"\r\n", FAIL, NULL, false, false},
	{"9110 13.1.1", "If-Match: W/\"x\"\r\n", FAIL, "W/\"x\"", false, false},
	{"9110 13.1.1", "If-Match: x\r\n", FAIL, NULL, false, false},
	{"9110 13.1.1", "If-Match: \"x\"\r\n", FAIL, "", false, false},
	{"9110 13.2.2", "If-Match: \"x\"\r\nIf-None-Match: \"x\"\r\n", YES, NULL, false, false},
	{"9110 13.2.2", "If-Match: \"y\"\r\nIf-None-Match: \"x\"\r\n", FAIL, NULL, false, false},
	/* If-Unmodified-Since (13.1.4) */
	{"9110 13.1.4", "If-Unmodified-Since: " AT "\r\n", NO, NULL, false, false},
	{"9110 13.1.4", "If-Unmodified-Since: " BEFORE "\r\n", FAIL, NULL, false, false},
	{"9110 13.1.4", "If-Unmodified-Since: x\r\n", NO, NULL, false, false},
	{"9110 13.1.4", "If-Unmodified-Since: " BEFORE "\r\n", NO, NULL, true, false},
	{"9110 13.1.4", "If-Match: \"x\"\r\nIf-Unmodified-Since: " BEFORE "\r\n", NO, NULL, false,
	 false},
	{"9110 13.2.2", "If-Unmodified-Since: " BEFORE "\r\nIf-None-Match: \"x\"\r\n", FAIL, NULL,
	 false, false},
};

static struct cond_validators stored(const char *etag, bool no_modified, bool no_date)
{
	return (struct cond_validators){
		.etag = etag ? str_c(etag) : STR("\"x\""),
		.last_modified = no_modified ? COND_NO_DATE : MODIFIED,
		.date = no_date ? COND_NO_DATE : MODIFIED + 10,
	};
}

static void test_evaluate(void **state)
{
	static struct head h;

	(void)state;
	for (size_t i = 0; i < COUNTOF(evaluations); i++) {
		const struct cond_validators v = stored(
			evaluations[i].etag, evaluations[i].no_modified, evaluations[i].no_date);
		struct http_msg *m = parse_head(&h, HTTP_REQUEST, evaluations[i].lines);
		const int rc = cond_evaluate(m, &v);

		if (rc != evaluations[i].want)
			fail_msg("RFC %s: %s: %d", evaluations[i].rfc, evaluations[i].lines, rc);
		assert_int_equal(cond_any(m), evaluations[i].lines[0] != '\0');
		m->method = HTTP_METHOD_HEAD;
		assert_int_equal(cond_evaluate(m, &v), rc);
		m->method = HTTP_METHOD_POST; /* 13.2.1: not ours to decide */
		assert_int_equal(cond_evaluate(m, &v), COND_GO_ON);
	}
}

static void test_any(void **state)
{
	static struct head h;

	(void)state;
	assert_false(
		cond_any(parse_head(&h, HTTP_REQUEST, "If-Range: \"x\"\r\nRange: bytes=0-\r\n")));
	assert_true(cond_any(parse_head(&h, HTTP_REQUEST,
					"If-Match: x\r\nIf-None-Match: x\r\n"
					"If-Modified-Since: x\r\n"
					"If-Unmodified-Since: x\r\n")));
}

/* RFC 9110 13.1.5 */
static void test_if_range(void **state)
{
	static const struct {
		const char *rfc, *lines;
		bool want;
		const char *etag;
		int64_t date; /* behind Last-Modified */
	} rows[] = {
		{"13.1.5", "", true, NULL, 10},
		{"13.1.5", "If-Range: \"x\"\r\n", true, NULL, 10},
		{"13.1.5", "If-Range: \"y\"\r\n", false, NULL, 10},
		{"8.8.3.2", "If-Range: W/\"x\"\r\n", false, "W/\"x\"", 10},
		{"8.8.3.2", "If-Range: W/\"x\"\r\n", false, NULL, 10},
		{"8.8.3.2", "If-Range: \"x\"\r\n", false, "W/\"x\"", 10},
		{"13.1.5", "If-Range: \"x\"\r\n", false, "", 10},
		{"13.1.5", "If-Range: x\r\n", false, NULL, 10},
		{"13.1.5", "If-Range: \"x\", \"y\"\r\n", false, NULL, 10},
		{"13.1.5", "If-Range: *\r\n", false, NULL, 10},
		{"13.1.5", "If-Range: \"x\"\r\nIf-Range: \"x\"\r\n", false, NULL, 10},
		{"13.1.5", "If-Range:\r\n", false, "", 10},
		{"13.1.5", "If-Range: " AT "\r\n", true, NULL, 10},
		{"8.8.2.2", "If-Range: " AT "\r\n", true, NULL, 1},
		{"8.8.2.2", "If-Range: " AT "\r\n", false, NULL, 0},
		{"8.8.2.2", "If-Range: " AT "\r\n", false, NULL, -5},
		{"13.1.5", "If-Range: " AFTER "\r\n", false, NULL, 10},
		{"13.1.5", "If-Range: " BEFORE "\r\n", false, NULL, 10},
	};
	static struct head h;
	struct cond_validators v;

	(void)state;
	for (size_t i = 0; i < COUNTOF(rows); i++) {
		struct http_msg *m = parse_head(&h, HTTP_REQUEST, rows[i].lines);

		v = stored(rows[i].etag, false, false);
		v.date = MODIFIED + rows[i].date;
		if (cond_if_range(m, &v) != rows[i].want)
			fail_msg("RFC 9110 %s: %s", rows[i].rfc, rows[i].lines);
		v.date = COND_NO_DATE;
		v.last_modified = COND_NO_DATE;
		if (strstr(rows[i].lines, "GMT"))
			assert_false(cond_if_range(m, &v));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_etag),	 cmocka_unit_test(test_compare),
		cmocka_unit_test(test_evaluate), cmocka_unit_test(test_any),
		cmocka_unit_test(test_if_range),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
