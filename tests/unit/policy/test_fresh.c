/* SPDX-License-Identifier: BSD-2-Clause */
/* Freshness, sentence by sentence of RFC 9111 4.2 and 5.1. Citations are RFC 9111's. */
#include "policy/fresh.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "cache_head.h"
#include "http/write.h"

struct lifetime_row {
	const char *rfc, *why, *lines;
	int64_t lifetime;
	enum fresh_source source;
};

#define CC "Cache-Control: "

static const struct lifetime_row lifetime_rows[] = {
	/* the order of 4.2.1 */
	{"4.2.1", "s-maxage first", CC "max-age=1, s-maxage=60\r\nExpires: {+5}\r\n", 60,
	 FRESH_S_MAXAGE},
	{"4.2.1", "in either order", CC "s-maxage=60, max-age=1\r\n", 60, FRESH_S_MAXAGE},
	{"4.2.1", "shorter too", CC "max-age=3600\r\n" CC "s-maxage=1\r\n", 1, FRESH_S_MAXAGE},
	{"4.2.1", "then max-age", CC "max-age=60\r\nExpires: {-7200}\r\n", 60, FRESH_MAX_AGE},
	{"5.3", "max-age goes before an invalid Expires", CC "max-age=60\r\nExpires: 0\r\n", 60,
	 FRESH_MAX_AGE},
	{"4.2.1", "max-age=0 before Expires", CC "max-age=0\r\nExpires: {+3600}\r\n", 0,
	 FRESH_MAX_AGE},
	{"4.2.1", "then Expires less Date", "Expires: {+60}\r\nDate: {+10}\r\n", 50, FRESH_EXPIRES},
	{"4.2.1", "before a guess", "Expires: {+60}\r\nDate: {0}\r\nLast-Modified: {-1000}\r\n", 60,
	 FRESH_EXPIRES},
	{"5.3", "no Date: less the time it was received", "Expires: {+60}\r\n", 60, FRESH_EXPIRES},
	{"5.3", "a Date that is none", "Expires: {+60}\r\nDate: foo\r\n", 60, FRESH_EXPIRES},
	{"4.2.1", "Expires before Date", "Expires: {+300}\r\nDate: {+400}\r\n", 0, FRESH_EXPIRES},
	{"4.2", "Expires is Date: not fresh", "Expires: {0}\r\nDate: {0}\r\n", 0, FRESH_EXPIRES},
	{"4.2.1", "nothing", "Foo: bar\r\n", 0, FRESH_NOWHERE},
	/* malformed, repeated */
	{"4.2.1", "max-age is no number", CC "max-age=a60\r\n", 0, FRESH_MAX_AGE},
	{"4.2.1", "max-age with a fraction", CC "max-age=60.5\r\n", 0, FRESH_MAX_AGE},
	{"4.2.1", "negative", CC "max-age=-60\r\n", 0, FRESH_MAX_AGE},
	{"4.2.1", "nothing behind =", CC "max-age=\r\n", 0, FRESH_MAX_AGE},
	{"4.2.1", "nothing", CC "max-age\r\n", 0, FRESH_MAX_AGE},
	{"4.2.1", "bad s-maxage hides max-age", CC "s-maxage=x, max-age=60\r\n", 0, FRESH_S_MAXAGE},
	{"4.2.1", "twice, differently", CC "max-age=60, max-age=1\r\n", 0, FRESH_MAX_AGE},
	{"4.2.1", "twice, on two lines", CC "max-age=1\r\n" CC "max-age=60\r\n", 0, FRESH_MAX_AGE},
	{"4.2.1", "twice the same", CC "max-age=60, max-age=60\r\n", 60, FRESH_MAX_AGE},
	{"5.2", "leading zeros", CC "max-age=0060\r\n", 60, FRESH_MAX_AGE},
	{"5.2", "quoted", CC "max-age=\"60\"\r\n", 60, FRESH_MAX_AGE},
	{"5.2", "in other quotes", CC "max-age='60'\r\n", 0, FRESH_MAX_AGE},
	{"5.2", "inside another's value", CC "x=\"max-age=60\", max-age=1\r\n", 1, FRESH_MAX_AGE},
	{"1.2.2", "2^31 and above", CC "max-age=99999999999999999999999\r\n", CC_SECONDS_MAX,
	 FRESH_MAX_AGE},
	{"4.2.1", "two Expires", "Expires: {+60}\r\nExpires: {+90}\r\nDate: {0}\r\n", 0,
	 FRESH_EXPIRES},
	{"4.2.1", "two Expires that agree", "Expires: {+60}\r\nExpires: {+60}\r\nDate: {0}\r\n", 60,
	 FRESH_EXPIRES},
	{"5.3", "Expires: 0 is the past", "Expires: 0\r\n", 0, FRESH_EXPIRES},
	{"5.3", "-1 too", "Expires: -1\r\n", 0, FRESH_EXPIRES},
	{"5.3", "an empty one too", "Expires:\r\n", 0, FRESH_EXPIRES},
	/* Expires in all forms (RFC 9110 5.6.7): 12:01:00 is one minute from now */
	{"9110 5.6.7", "IMF-fixdate", "Expires: Fri, 15 Mar 2024 12:01:00 GMT\r\n", 60,
	 FRESH_EXPIRES},
	{"9110 5.6.7", "RFC 850", "Expires: Friday, 15-Mar-24 12:01:00 GMT\r\n", 60, FRESH_EXPIRES},
	{"9110 5.6.7", "asctime", "Expires: Fri Mar 15 12:01:00 2024\r\n", 60, FRESH_EXPIRES},
	{"9110 5.6.7", "two digits, at most 50 years ahead",
	 "Expires: Friday, 15-Mar-74 12:00:00 GMT\r\n", 1577836800, FRESH_EXPIRES},
	{"9110 5.6.7", "else it is the past", "Expires: Friday, 15-Mar-75 12:00:00 GMT\r\n", 0,
	 FRESH_EXPIRES},
	{"4.2", "case is ignored: day", "Expires: FRI, 15 Mar 2024 12:01:00 GMT\r\n", 60,
	 FRESH_EXPIRES},
	{"4.2", "month", "Expires: Fri, 15 MAR 2024 12:01:00 GMT\r\n", 60, FRESH_EXPIRES},
	{"4.2", "zone", "Expires: Fri, 15 Mar 2024 12:01:00 gMT\r\n", 60, FRESH_EXPIRES},
	{"4.2", "RFC 850", "Expires: friDAY, 15-mAR-24 12:01:00 gmt\r\n", 60, FRESH_EXPIRES},
	{"4.2", "asctime", "Expires: fri mar 15 12:01:00 2024\r\n", 60, FRESH_EXPIRES},
	{"4.2", "other zones", "Expires: Fri, 15 Mar 2024 12:01:00 UTC\r\n", 0, FRESH_EXPIRES},
	{"4.2", "other zones", "Expires: Fri, 15 Mar 2024 12:01:00 AEST\r\n", 0, FRESH_EXPIRES},
	{"4.2", "offsets", "Expires: Fri, 15 Mar 2024 12:01:00 +0000\r\n", 0, FRESH_EXPIRES},
	{"9110 5.6.7", "no comma", "Expires: Fri 15 Mar 2024 12:01:00 GMT\r\n", 0, FRESH_EXPIRES},
	{"9110 5.6.7", "two spaces", "Expires: Fri, 15  Mar  2024 12:01:00 GMT\r\n", 0,
	 FRESH_EXPIRES},
	{"9110 5.6.7", "dashes", "Expires: Fri, 15-Mar-2024 12:01:00 GMT\r\n", 0, FRESH_EXPIRES},
	{"9110 5.6.7", "full stops", "Expires: Fri, 15 Mar 2024 12.01.00 GMT\r\n", 0,
	 FRESH_EXPIRES},
	{"9110 5.6.7", "one digit", "Expires: Fri, 15 Mar 2024 2:01:00 GMT\r\n", 0, FRESH_EXPIRES},
	{"9110 5.6.7", "two-digit year", "Expires: Fri, 15 Mar 50 12:01:00 GMT\r\n", 0,
	 FRESH_EXPIRES},
	{"9110 5.6.7", "32 bits", "Expires: Tue, 19 Jan 2038 14:14:08 GMT\r\nDate: {0}\r\n",
	 437019248, FRESH_EXPIRES},
	{"9110 5.6.7", "far away", "Expires: Sun, 21 Nov 2286 04:46:39 GMT\r\nDate: {0}\r\n",
	 8289535599, FRESH_EXPIRES},
	{"4.2", "longer than any date",
	 "Expires: Fri, 15 Mar 2024 12:01:00 GMT xxxxxxxxxxxxxxxxxxx\r\n", 0, FRESH_EXPIRES},
	/* guesses */
	{"4.2.2", "a tenth", "Last-Modified: {-1000}\r\nDate: {0}\r\n", 100, FRESH_GUESS},
	{"4.2.2", "rounded down", "Last-Modified: {-19}\r\nDate: {0}\r\n", 1, FRESH_GUESS},
	{"4.2.2", "counted to Date", "Last-Modified: {-1000}\r\nDate: {-500}\r\n", 50, FRESH_GUESS},
	{"4.2.2", "without Date: to now", "Last-Modified: {-1000}\r\n", 100, FRESH_GUESS},
	{"4.2.2", "at most a day", "Last-Modified: {-100000000}\r\n", 86400, FRESH_GUESS},
	{"4.2.2", "changed in the future", "Last-Modified: {+1000}\r\nDate: {0}\r\n", 0,
	 FRESH_GUESS},
	{"4.2.2", "no date", "Last-Modified: long ago\r\n", 0, FRESH_NOWHERE},
};

static struct fresh_question question(const struct http_msg *m, struct cc *cc)
{
	struct fresh_question q = {.response = m, .cc = cc, .may_guess = true};

	cc_parse(m, cc);
	q.date = fresh_date(http_value(m, HTTP_FIELD_DATE), NOW_S);
	if (q.date == FRESH_NO_DATE)
		q.date = NOW_S;
	q.last_modified = fresh_date(http_value(m, HTTP_FIELD_LAST_MODIFIED), NOW_S);
	return q;
}

static void lifetimes(void **state)
{
	static struct head h;

	(void)state;
	for (size_t i = 0; i < COUNTOF(lifetime_rows); i++) {
		const struct lifetime_row *r = &lifetime_rows[i];
		struct cc cc;
		struct fresh_question q = question(cache_response(&h, 200, r->lines), &cc);
		enum fresh_source source;
		const int64_t lifetime = fresh_lifetime(&q, &source);

		if (lifetime != r->lifetime || source != r->source)
			fail_msg("%s, %s: %lld from %d", r->rfc, r->why, (long long)lifetime,
				 source);
	}
}

/* What a targeted field or the status takes away. */
static void left_out(void **state)
{
	static struct head h;
	struct cc cc;
	struct fresh_question q = question(
		cache_response(&h, 200, "Expires: {+60}\r\nLast-Modified: {-1000}\r\n"), &cc);
	enum fresh_source source;

	(void)state;
	q.no_expires = true; /* RFC 9213 2.2 */
	assert_int_equal(fresh_lifetime(&q, &source), 100);
	assert_int_equal(source, FRESH_GUESS);
	q.may_guess = false;
	assert_int_equal(fresh_lifetime(&q, &source), 0);
	assert_int_equal(source, FRESH_NOWHERE);
}

struct age_row {
	const char *rfc, *why, *lines;
	int64_t age;
};

static void age_values(void **state)
{
	static const struct age_row age_rows[] = {
		{"5.1", "seconds", "Age: 30\r\n", 30},
		{"5.1", "absent", "Foo: 1\r\n", 0},
		{"5.1", "no number: ignored", "Age: abc\r\n", 0},
		{"5.1", "negative: ignored", "Age: -7200\r\n", 0},
		{"5.1", "a sign: ignored", "Age: +7200\r\n", 0},
		{"5.1", "a fraction: ignored", "Age: 7200.0\r\n", 0},
		{"5.1", "empty: ignored", "Age:\r\n", 0},
		{"5.1", "a parameter: ignored", "Age: 7200;foo=bar\r\n", 0},
		{"5.1", "quoted: ignored", "Age: \"7200\"\r\n", 0},
		{"5.1", "a list: the first member", "Age: 7200, 0\r\n", 7200},
		{"5.1", "a list: the first member", "Age: 0, 7200\r\n", 0},
		{"5.1", "two lines: the first", "Age: 7200\r\nAge: 0\r\n", 7200},
		{"5.1", "two lines: the first", "Age: 0\r\nAge: 7200\r\n", 0},
		{"5.1", "the first member is no number", "Age: x, 7200\r\n", 0},
		{"9110 5.6.1.2", "empty members are none", "Age: , 5\r\n", 5},
		{"1.2.2", "2^31 - 1", "Age: 2147483647\r\n", 2147483647},
		{"1.2.2", "2^31", "Age: 2147483648\r\n", CC_SECONDS_MAX},
		{"1.2.2", "more than any integer", "Age: 99999999999999999999999999\r\n",
		 CC_SECONDS_MAX},
	};
	static struct head h;

	(void)state;
	for (size_t i = 0; i < COUNTOF(age_rows); i++) {
		const struct age_row *r = &age_rows[i];
		const int64_t age = fresh_age_value(cache_response(&h, 200, r->lines));

		if (age != r->age)
			fail_msg("%s, %s: %lld", r->rfc, r->why, (long long)age);
	}
}

struct initial_row {
	const char *why;
	int64_t age, date, delay_ns, expected; /* date: from the time of receipt; NONE */
};

#define NONE INT64_MIN

/* 4.2.3: max(apparent_age, corrected_age_value) */
static void initial_ages(void **state)
{
	static const struct initial_row initial_rows[] = {
		{"nothing", 0, 0, 0, 0},
		{"Age", 30, 0, 0, 30},
		{"Age and the time the answer took", 30, 0, 5 * NS_PER_S, 35},
		{"that time alone", 0, 0, 5 * NS_PER_S, 5},
		{"Date in the past", 0, -7200, 0, 7200},
		{"the larger one", 30, -7200, 0, 7200},
		{"the larger one", 7200, -30, 0, 7200},
		{"apparent age has no delay added", 0, -10, 5 * NS_PER_S, 10},
		{"Date in the future", 15, 10, 0, 15},
		{"Date far in the future", 0, 1000000000, 0, 0},
		{"no Date", 7, NONE, 0, 7},
		{"less than a second", 0, 0, NS_PER_S - 1, 0},
		{"the clock was set back meanwhile", 4, 0, -100 * NS_PER_S, 4},
		{"Date in the year 0", 0, INT64_C(-62167219200) - NOW_S, 0,
		 INT64_C(62167219200) + NOW_S},
		{"the largest Age", CC_SECONDS_MAX, 0, 9 * NS_PER_S, CC_SECONDS_MAX + 9},
	};

	(void)state;
	for (size_t i = 0; i < COUNTOF(initial_rows); i++) {
		const struct initial_row *r = &initial_rows[i];
		const int64_t date = r->date == NONE ? FRESH_NO_DATE : NOW_S + r->date;
		const int64_t age = fresh_initial_age(r->age, date, NOW - r->delay_ns, NOW);

		if (age != r->expected)
			fail_msg("%s: %lld", r->why, (long long)age);
	}
}

/* RFC 9110 15 and its registry: what must-understand may rely on. */
static void statuses(void **state)
{
	(void)state;
	for (unsigned s = 0; s < 1100; s++) {
		if (s < 200 || s >= 600)
			assert_false(fresh_status_storable(s));
		if (fresh_status_understood(s)) {
			assert_true(fresh_status_storable(s));
			assert_true(http_reason(s).n > 0);
		}
		if (fresh_status_heuristic(s))
			assert_true(fresh_status_understood(s));
	}
	assert_false(fresh_status_understood(299));
	assert_false(fresh_status_understood(499));
	assert_false(fresh_status_understood(599));
	assert_true(fresh_status_understood(200) && fresh_status_understood(503));
	assert_true(fresh_status_heuristic(206));
}

static void dates(void **state)
{
	(void)state;
	assert_int_equal(fresh_date(STR("Fri, 15 Mar 2024 12:00:00 GMT"), NOW_S), NOW_S);
	assert_int_equal(fresh_date(STR("fri, 15 mar 2024 12:00:00 gmt"), NOW_S), NOW_S);
	assert_true(fresh_date(STR(""), NOW_S) == FRESH_NO_DATE);
	assert_true(fresh_date(STR("gmt"), NOW_S) == FRESH_NO_DATE);
	assert_true(fresh_date(STR_NONE, NOW_S) == FRESH_NO_DATE);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(lifetimes),  cmocka_unit_test(left_out),
		cmocka_unit_test(age_values), cmocka_unit_test(initial_ages),
		cmocka_unit_test(statuses),   cmocka_unit_test(dates),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
