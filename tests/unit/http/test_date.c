/* SPDX-License-Identifier: BSD-2-Clause */
/* HTTP dates (RFC 9110 5.6.7). */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <time.h>

#include <cmocka.h>

#include "base/err.h"
#include "http/date.h"

/* 2024-06-11 10:00:00 GMT */
#define NOW INT64_C(1718100000)

static void test_parse(void **state)
{
	static const struct {
		const char *text;
		int64_t seconds;
	} cases[] = {
		{"Sun, 06 Nov 1994 08:49:37 GMT", 784111777},
		{"Sunday, 06-Nov-94 08:49:37 GMT", 784111777},
		{"Sun Nov  6 08:49:37 1994", 784111777},
		{"Sun Nov 06 08:49:37 1994", 784111777},
		{"Wed Nov 16 08:49:37 1994", 784975777},
		{"Thu, 01 Jan 1970 00:00:00 GMT", 0},
		{"Wed, 31 Dec 1969 23:59:59 GMT", -1},
		{"Thu, 29 Feb 2024 12:00:00 GMT", 1709208000},
		{"Tue, 29 Feb 2000 00:00:00 GMT", 951782400},
		{"Fri, 31 Dec 9999 23:59:59 GMT", 253402300799},
		{"Sat, 01 Jan 0000 00:00:00 GMT", -62167219200},
		{"Sat, 31 Dec 2016 23:59:60 GMT", 1483228800}, /* a leap second */
		{"Mon, 06 Nov 1994 08:49:37 GMT", 784111777},  /* the wrong day is let pass */
		/* letter case does not count for a cache (RFC 9111 4.2) */
		{"SUN, 06 Nov 1994 08:49:37 GMT", 784111777},
		{"sun, 06 NOV 1994 08:49:37 gMT", 784111777},
		{"SUNDAY, 06-nov-94 08:49:37 GMT", 784111777},
		{"sun nov  6 08:49:37 1994", 784111777},
		/* two digits: at most 50 years ahead of 2024 */
		{"Monday, 01-Jan-74 00:00:00 GMT", 3281990400},
		{"Tuesday, 01-Jan-75 00:00:00 GMT", 157766400},
		{"Saturday, 01-Jan-00 00:00:00 GMT", 946684800},
		{"Tuesday, 11-Jun-24 10:00:00 GMT", NOW},
	};

	(void)state;
	for (size_t i = 0; i < COUNTOF(cases); i++) {
		int64_t seconds = 42;
		const int r = http_date_parse(str_c(cases[i].text), NOW, &seconds);

		if (r || seconds != cases[i].seconds)
			fail_msg("%s: %d, %lld", cases[i].text, r, (long long)seconds);
	}
}

/* The same in the second half of a century: 2060-01-01. */
static void test_two_digits_later(void **state)
{
	static const struct {
		const char *text;
		int64_t seconds;
	} cases[] = {
		{"Monday, 01-Jan-60 00:00:00 GMT", 2840140800}, /* 2060 */
		{"Monday, 01-Jan-11 00:00:00 GMT", 1293840000}, /* 2011 */
		{"Monday, 01-Jan-10 00:00:00 GMT", 4417977600}, /* 2110 */
		{"Monday, 01-Jan-99 00:00:00 GMT", 4070908800}, /* 2099 */
	};

	(void)state;
	for (size_t i = 0; i < COUNTOF(cases); i++) {
		int64_t seconds = 42;

		assert_int_equal(http_date_parse(str_c(cases[i].text), 2840140800, &seconds), 0);
		if (seconds != cases[i].seconds)
			fail_msg("%s: %lld", cases[i].text, (long long)seconds);
	}
}

static void test_refused(void **state)
{
	static const char *const cases[] = {
		"",
		"0",
		"-1",
		"784111777",
		"Sun",
		"Sun, ",
		"Sun, 06 Nov 1994 08:49:37",
		"Sun, 06 Nov 1994 08:49:37 UTC",
		"Sun, 06 Nov 1994 08:49:37 +0000",
		"Sun, 06 Nov 1994 08:49:37 GMT ",
		" Sun, 06 Nov 1994 08:49:37 GMT",
		"Sun, 6 Nov 1994 08:49:37 GMT",
		"Sun,06 Nov 1994 08:49:37 GMT",
		"Sun, 06 Nov 94 08:49:37 GMT",
		"Sun, 06 Nov 1994 8:49:37 GMT",
		"Sun, 06 Nov 1994 24:00:00 GMT",
		"Sun, 06 Nov 1994 08:60:00 GMT",
		"Sun, 06 Nov 1994 08:49:61 GMT",
		"Sun, 00 Nov 1994 08:49:37 GMT",
		"Sun, 31 Nov 1994 08:49:37 GMT",
		"Wed, 29 Feb 2023 00:00:00 GMT",
		"Thu, 29 Feb 1900 00:00:00 GMT",
		"Sun, 06 Foo 1994 08:49:37 GMT",
		"Foo, 06 Nov 1994 08:49:37 GMT",
		"Sun, 06-Nov-94 08:49:37 GMT", /* the day of another form */
		"Sunday, 06 Nov 1994 08:49:37 GMT",
		"Sunday Nov  6 08:49:37 1994",
		"Thu, 18 Aug 2050 02.01.18 GMT",
		"Thu, 18  Aug  2050 02:01:18 GMT",
		"Thu 18 Aug 2050 02:01:18 GMT",
		"Thu, 18 Aug 2050 02:01:18 AEST",
		"Sunday, 06-Nov-1994 08:49:37 GMT",
		"Sunday 06-Nov-94 08:49:37 GMT",
		"Sun Nov 6 08:49:37 1994",
		"Sun Nov  6 08:49:37 94",
		"Sun Nov  6 08:49:37 1994 GMT",
		"Sun, 06 Nov 1994 08-49-37 GMT",
		"Sun, 06 Nov -994 08:49:37 GMT",
		"Sun, 0x Nov 1994 08:49:37 GMT",
	};

	(void)state;
	for (size_t i = 0; i < COUNTOF(cases); i++) {
		int64_t seconds = 42;

		if (http_date_parse(str_c(cases[i]), NOW, &seconds) != ERR_SYNTAX || seconds != 42)
			fail_msg("%s: accepted", cases[i]);
	}
}

/* Written dates against the C library, and read back, over the whole range in odd steps. */
static void test_round_trip(void **state)
{
	(void)state;
	for (int64_t t = -INT64_C(62167219200); t <= INT64_C(253402300799); t += 8640017) {
		char ours[HTTP_DATE_N + 1] = {0}, libc[64];
		const time_t seconds = (time_t)t;
		struct tm tm;
		int64_t back = 0;

		http_date_write(ours, t);
		gmtime_r(&seconds, &tm);
		strftime(libc, sizeof(libc), "%a, %d %b ", &tm);
		snprintf(libc + 12, sizeof(libc) - 12, "%04d %02d:%02d:%02d GMT", tm.tm_year + 1900,
			 tm.tm_hour, tm.tm_min, tm.tm_sec);
		assert_string_equal(ours, libc);
		assert_int_equal(http_date_parse(str_of(ours, HTTP_DATE_N), NOW, &back), 0);
		assert_true(back == t);
	}
}

/* Beyond four-digit years the nearest date that can be written. */
static void test_clamped(void **state)
{
	char out[HTTP_DATE_N + 1] = {0};

	(void)state;
	http_date_write(out, INT64_MAX);
	assert_string_equal(out, "Fri, 31 Dec 9999 23:59:59 GMT");
	http_date_write(out, INT64_MIN);
	assert_string_equal(out, "Sat, 01 Jan 0000 00:00:00 GMT");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),	cmocka_unit_test(test_two_digits_later),
		cmocka_unit_test(test_refused), cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_clamped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
