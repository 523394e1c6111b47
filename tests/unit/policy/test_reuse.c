/* SPDX-License-Identifier: BSD-2-Clause */
/* When a stored answer may be used, sentence by sentence of RFC 9111 4, 4.2.4 and 5.2.1. */
#include "policy/reuse.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "cache_head.h"

struct row {
	const char *rfc, *why;
	const char *request;
	int64_t lifetime, age;
	unsigned flags;
	enum reuse verdict;
	int64_t while_revalidate;
	bool soft, ignore;
};

#define CC "Cache-Control: "

static const struct row rows[] = {
	{"4.2", "fresh while the lifetime is larger than the age", "", 60, 59, 0,
	 .verdict = REUSE_FRESH},
	{"4.2", "not when they are equal", "", 60, 60, 0, .verdict = REUSE_VALIDATE},
	{"4.2.4", "stale, and nobody allows that", "", 60, 61, 0, .verdict = REUSE_VALIDATE},
	{"4", "no lifetime at all", "", 0, 0, 0, .verdict = REUSE_VALIDATE},
	{"5.2.2.4", "no-cache, though fresh", "", 60, 1, STORED_NO_CACHE,
	 .verdict = REUSE_VALIDATE},
	{"5.2.2.4", "whatever the request takes", CC "max-stale\r\n", 60, 70, STORED_NO_CACHE,
	 .verdict = REUSE_VALIDATE, .while_revalidate = 100},
	{"5.2.2.2", "must-revalidate means nothing while fresh", "", 60, 59, STORED_MUST_REVALIDATE,
	 .verdict = REUSE_FRESH},
	{"5.2.2.2", "once stale, never without validation", "", 60, 60, STORED_MUST_REVALIDATE,
	 .verdict = REUSE_VALIDATE, .while_revalidate = 100},
	{"5.2.2.2", "not for max-stale either", CC "max-stale\r\n", 60, 60, STORED_MUST_REVALIDATE,
	 .verdict = REUSE_VALIDATE},

	/* no-cache in the request */
	{"5.2.1.4", "no-cache", CC "no-cache\r\n", 60, 1, 0, .verdict = REUSE_VALIDATE},
	{"5.2.1.4", "immutable or not", CC "no-cache\r\n", 60, 1, STORED_IMMUTABLE,
	 .verdict = REUSE_VALIDATE},
	{"5.2.1.4", "with an argument", CC "no-cache=x\r\n", 60, 1, 0, .verdict = REUSE_VALIDATE},
	{"5.4", "Pragma: no-cache", "Pragma: no-cache\r\n", 60, 1, 0, .verdict = REUSE_VALIDATE},
	{"5.4", "in any case, among others", "Pragma: foo, No-Cache\r\n", 60, 1, 0,
	 .verdict = REUSE_VALIDATE},
	{"5.4", "not beside Cache-Control", CC "max-age=100\r\nPragma: no-cache\r\n", 60, 1, 0,
	 .verdict = REUSE_FRESH},
	{"5.4", "other words of Pragma mean nothing", "Pragma: foo\r\n", 60, 1, 0,
	 .verdict = REUSE_FRESH},
	{"5.2.1.5", "no-store does not forbid use", CC "no-store\r\n", 60, 1, 0,
	 .verdict = REUSE_FRESH},
	{"5.2.1.7", "only-if-cached is the caller's business", CC "only-if-cached\r\n", 60, 1, 0,
	 .verdict = REUSE_FRESH},
	{"5.2.1.6", "no-transform neither", CC "no-transform\r\n", 60, 1, 0,
	 .verdict = REUSE_FRESH},
	{"5.2.3", "unknown words are ignored", CC "foo=bar\r\n", 60, 1, 0, .verdict = REUSE_FRESH},

	/* max-age */
	{"5.2.1.1", "young enough", CC "max-age=10\r\n", 60, 10, 0, .verdict = REUSE_FRESH},
	{"5.2.1.1", "too old", CC "max-age=10\r\n", 60, 11, 0, .verdict = REUSE_VALIDATE},
	{"5.2.1.1", "0: always too old, ages are rounded down", CC "max-age=0\r\n", 60, 0, 0,
	 .verdict = REUSE_VALIDATE},
	{"5.2.1.1", "malformed: as 0", CC "max-age=x\r\n", 60, 1, 0, .verdict = REUSE_VALIDATE},
	{"5.2.1.1", "2^40", CC "max-age=1099511627776\r\n", 60, 1, 0, .verdict = REUSE_FRESH},
	{"5.2.1.1", "no stale answer, unless max-stale is there", CC "max-age=100\r\n", 60, 61, 0,
	 .verdict = REUSE_VALIDATE, .while_revalidate = 100},
	{"5.2.1.1", "max-stale is there", CC "max-age=100, max-stale=5\r\n", 60, 61, 0,
	 .verdict = REUSE_STALE},
	{"5.2.1.1", "but too old", CC "max-age=60, max-stale=5\r\n", 60, 61, 0,
	 .verdict = REUSE_VALIDATE},
	{"8246 2", "immutable: an age is no reason to validate", CC "max-age=0\r\n", 60, 1,
	 STORED_IMMUTABLE, .verdict = REUSE_FRESH},
	{"8246 2", "only while fresh", CC "max-age=0\r\n", 60, 60, STORED_IMMUTABLE,
	 .verdict = REUSE_VALIDATE},

	/* max-stale */
	{"5.2.1.2", "by no more than that", CC "max-stale=10\r\n", 60, 70, 0,
	 .verdict = REUSE_STALE},
	{"5.2.1.2", "more", CC "max-stale=10\r\n", 60, 71, 0, .verdict = REUSE_VALIDATE},
	{"5.2.1.2", "any age", CC "max-stale\r\n", 60, 1000000, 0, .verdict = REUSE_STALE},
	{"5.2.1.2", "malformed: not said", CC "max-stale=x\r\n", 60, 60, 0,
	 .verdict = REUSE_VALIDATE},
	{"5.2.1.2", "fresh is better", CC "max-stale\r\n", 60, 1, 0, .verdict = REUSE_FRESH},
	{"5.2.1.2", "0: stale by nothing", CC "max-stale=0\r\n", 60, 60, 0, .verdict = REUSE_STALE},
	{"5.2.1.2", "one that can be refreshed meanwhile is", CC "max-stale\r\n", 60, 61, 0,
	 .verdict = REUSE_REFRESH, .while_revalidate = 10},

	/* min-fresh */
	{"5.2.1.3", "fresh for so long", CC "min-fresh=10\r\n", 60, 50, 0, .verdict = REUSE_FRESH},
	{"5.2.1.3", "not so long", CC "min-fresh=10\r\n", 60, 51, 0, .verdict = REUSE_VALIDATE},
	{"5.2.1.3", "0", CC "min-fresh=0\r\n", 60, 59, 0, .verdict = REUSE_FRESH},
	{"5.2.1.3", "malformed: never", CC "min-fresh=x\r\n", 60, 1, 0, .verdict = REUSE_VALIDATE},
	{"5.2.1.3", "stale is not fresh for 0", CC "min-fresh=0\r\n", 60, 61, 0,
	 .verdict = REUSE_VALIDATE, .while_revalidate = 100},
	{"5.2.1.3", "with max-stale: the stricter one", CC "min-fresh=5, max-stale\r\n", 60, 60, 0,
	 .verdict = REUSE_VALIDATE},

	/* stale-while-revalidate */
	{"5861 3", "within the window", "", 60, 69, 0, .verdict = REUSE_REFRESH,
	 .while_revalidate = 10},
	{"5861 3", "behind it", "", 60, 70, 0, .verdict = REUSE_VALIDATE, .while_revalidate = 10},
	{"5861 3", "not for who wants it validated", CC "no-cache\r\n", 60, 61, 0,
	 .verdict = REUSE_VALIDATE, .while_revalidate = 10},

	/* an operator's soft purge */
	{"4.2.4", "purged: no longer fresh", "", 60, 1, 0, .verdict = REUSE_VALIDATE, .soft = true},
	{"4.2.4", "purged, with a window", "", 60, 1, 0, .verdict = REUSE_REFRESH,
	 .while_revalidate = 1, .soft = true},
	{"4.2.4", "purged: max-stale does not count", CC "max-stale\r\n", 60, 1, 0,
	 .verdict = REUSE_VALIDATE, .soft = true},
	{"8246 2", "purged: immutable neither", CC "max-age=5\r\n", 60, 6, STORED_IMMUTABLE,
	 .verdict = REUSE_VALIDATE, .soft = true},

	/* unsafe: request */
	{"5.2.1", "not listened to", CC "no-cache, max-age=0\r\n", 60, 1, 0, .verdict = REUSE_FRESH,
	 .ignore = true},
	{"5.4", "not listened to", "Pragma: no-cache\r\n", 60, 1, 0, .verdict = REUSE_FRESH,
	 .ignore = true},
	{"5.2.1.2", "not in its favour either", CC "max-stale\r\n", 60, 61, 0,
	 .verdict = REUSE_VALIDATE, .ignore = true},
};

static struct stored_meta stored(int64_t lifetime, int64_t age, unsigned flags)
{
	return (struct stored_meta){.response_time = NOW - 3 * NS_PER_S - NS_PER_MS,
				    .initial_age = age - 3,
				    .lifetime = lifetime,
				    .flags = flags};
}

static struct reuse_request read_request(const char *lines, bool ignore)
{
	static struct head h;
	struct reuse_request rq = {.ignore = ignore};

	cc_parse(cache_request(&h, lines), &rq.cc);
	return rq;
}

static void verdicts(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNTOF(rows); i++) {
		const struct row *r = &rows[i];
		struct stored_meta m = stored(r->lifetime, r->age, r->flags);
		const struct reuse_request rq = read_request(r->request, r->ignore);
		enum reuse got;

		m.while_revalidate = r->while_revalidate;
		got = reuse_verdict(&m, &rq, r->soft, NOW);
		if (got != r->verdict)
			fail_msg("%s, %s: %d", r->rfc, r->why, got);
	}
}

struct error_row {
	const char *rfc, *why;
	const char *request;
	int64_t age; /* the lifetime is 60 */
	unsigned flags;
	int64_t if_error;
	bool yes;
};

/* RFC 9111 4.2.4, RFC 5861 4 */
static void on_error(void **state)
{
	static const struct error_row error_rows[] = {
		{"5861 4", "within the window", "", 69, 0, 10, true},
		{"5861 4", "behind it", "", 70, 0, 10, false},
		{"5861 4", "no window", "", 60, 0, 0, false},
		{"5861 4", "still fresh (an early refresh)", "", 50, 0, 10, true},
		{"5.2.2.2", "must-revalidate", "", 61, STORED_MUST_REVALIDATE, 10, false},
		{"5.2.2.2", "and max-stale", CC "max-stale\r\n", 61, STORED_MUST_REVALIDATE, 10,
		 false},
		{"5.2.2.4", "no-cache", "", 61, STORED_NO_CACHE, 10, false},
		{"5.2.1.4", "the request wants it validated", CC "no-cache\r\n", 61, 0, 10, false},
		{"5.4", "Pragma", "Pragma: no-cache\r\n", 61, 0, 10, false},
		{"5.2.1.1", "the request wants nothing stale", CC "max-age=100\r\n", 61, 0, 10,
		 false},
		{"5.2.1.3", "min-fresh", CC "min-fresh=1\r\n", 61, 0, 10, false},
		{"5.2.1.2", "max-stale opens a window", CC "max-stale=20\r\n", 80, 0, 0, true},
		{"5.2.1.2", "of that length", CC "max-stale=20\r\n", 81, 0, 0, false},
		{"5861 4", "the request's own window", CC "stale-if-error=20\r\n", 79, 0, 0, true},
		{"5861 4", "of that length", CC "stale-if-error=20\r\n", 80, 0, 0, false},
		{"5861 4", "the longer one", CC "stale-if-error=5\r\n", 69, 0, 10, true},
		{"5861 4", "not where the answer says 0", CC "stale-if-error=20\r\n", 61,
		 STORED_NO_STALE_ERROR, 0, false},
		{"5861 4", "malformed", CC "stale-if-error=x\r\n", 61, 0, 0, false},
	};

	(void)state;
	for (size_t i = 0; i < COUNTOF(error_rows); i++) {
		const struct error_row *r = &error_rows[i];
		struct stored_meta m = stored(60, r->age, r->flags);
		struct reuse_request rq = read_request(r->request, false);

		m.if_error = r->if_error;
		if (reuse_stale_on_error(&m, &rq, NOW) != r->yes)
			fail_msg("%s, %s", r->rfc, r->why);
	}
	struct stored_meta m = stored(60, 61, 0);
	struct reuse_request rq = read_request(CC "no-cache\r\n", true);
	m.if_error = 10;
	assert_true(reuse_stale_on_error(&m, &rq, NOW));
}

/* 4.2.3: resident time is added; a clock that was set back does not make things younger. */
static void ages(void **state)
{
	struct stored_meta m = {.response_time = NOW, .initial_age = 7, .lifetime = 10};

	(void)state;
	assert_int_equal(stored_age(&m, NOW), 7);
	assert_int_equal(stored_age(&m, NOW + NS_PER_S - 1), 7);
	assert_int_equal(stored_age(&m, NOW + NS_PER_S), 8);
	assert_int_equal(stored_age(&m, NOW - 100 * NS_PER_S), 7);
	assert_int_equal(stored_fresh_for(&m, NOW + 4 * NS_PER_S), -1);
	m.response_time = 0;
	m.initial_age = CC_SECONDS_MAX * 2;
	assert_true(stored_age(&m, INT64_MAX) > CC_SECONDS_MAX * 2);
}

/* A request without directives need not have been read. */
static void unread_request(void **state)
{
	static const struct reuse_request nothing;
	struct stored_meta m = stored(60, 61, 0);

	(void)state;
	m.while_revalidate = m.if_error = 10;
	assert_int_equal(reuse_verdict(&m, &nothing, false, NOW), REUSE_REFRESH);
	assert_true(reuse_stale_on_error(&m, &nothing, NOW));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(verdicts),
		cmocka_unit_test(on_error),
		cmocka_unit_test(ages),
		cmocka_unit_test(unread_request),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
