/* SPDX-License-Identifier: BSD-2-Clause */
/* Byte ranges (RFC 9110 14). */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "../policy/parse_head.h"
#include "base/err.h"
#include "http/range.h"

/* "0-4 7-9", "none" or "416" for a representation of <length> bytes. */
static const char *ranges_text(const struct http_msg *m, uint64_t length, char *text, size_t size)
{
	struct range ranges[RANGES_MAX];
	struct range_set set;
	unsigned n = 0;
	enum range_rc rc = range_parse(m, &set);

	if (rc == RANGE_SOME)
		rc = range_resolve(&set, length, ranges, &n);
	text[0] = '\0';
	if (rc != RANGE_SOME)
		snprintf(text, size, "%s", rc == RANGE_NONE ? "none" : "416");
	for (unsigned i = 0; i < n; i++)
		snprintf(text + strlen(text), size - strlen(text), "%s%" PRIu64 "-%" PRIu64,
			 i ? " " : "", ranges[i].first, ranges[i].last);
	return text;
}

static const struct {
	const char *rfc, *value;
	uint64_t length;
	const char *want;
} cases[] = {
	{"14.1.2", "bytes=0-4", 10, "0-4"},
	{"14.1.2", "bytes=0-0", 10, "0-0"},
	{"14.1.2", "bytes=9-9", 10, "9-9"},
	{"14.1.2", "bytes=5-", 10, "5-9"},
	{"14.1.2", "bytes=0-", 10, "0-9"},
	{"14.1.2", "bytes=5-100", 10, "5-9"},
	{"14.1.2", "bytes=-3", 10, "7-9"},
	{"14.1.2", "bytes=-10", 10, "0-9"},
	{"14.1.2", "bytes=-11", 10, "0-9"},
	{"14.1", "BYTES=1-2", 10, "1-2"},
	{"14.1.2", "bytes=00001-002", 10, "1-2"},
	/* unsatisfiable */
	{"14.1.2", "bytes=10-", 10, "416"},
	{"14.1.2", "bytes=10-20", 10, "416"},
	{"14.1.2", "bytes=-0", 10, "416"},
	{"14.1.2", "bytes=-00", 10, "416"},
	{"14.1.2", "bytes=10-,20-30,-0", 10, "416"},
	{"14.1.2", "bytes=10-,2-3", 10, "2-3"},
	/* numbers of any size */
	{"14.1.2", "bytes=99999999999999999999-", 10, "416"},
	{"14.1.2", "bytes=18446744073709551615-", 10, "416"},
	{"14.1.2", "bytes=18446744073709551616-18446744073709551617", 10, "416"},
	{"14.1.2", "bytes=3-99999999999999999999", 10, "3-9"},
	{"14.1.2", "bytes=3-18446744073709551615", 10, "3-9"},
	{"14.1.2", "bytes=-99999999999999999999", 10, "0-9"},
	{"14.1.2", "bytes=-18446744073709551615", 10, "0-9"},
	{"14.1.2", "bytes=99999999999999999999-5", 10, "none"},
	{"14.1.2", "bytes=9223372036854775807-", UINT64_MAX - 1,
	 "9223372036854775807-18446744073709551613"},
	/* several, in the order asked, joined where that keeps it */
	{"14.2", "bytes=0-1,4-5", 10, "0-1 4-5"},
	{"14.2", "bytes=4-5,0-1", 10, "4-5 0-1"},
	{"14.2", "bytes=0-1,2-3", 10, "0-3"},
	{"14.2", "bytes=0-5,2-3", 10, "0-5"},
	{"14.2", "bytes=0-5,2-7", 10, "0-7"},
	{"14.2", "bytes=2-3,0-1", 10, "2-3 0-1"},
	{"14.2", "bytes=0-3,3-3,3-5,9-", 10, "0-5 9-9"},
	{"14.2", "bytes=0-0,-1", 10, "0-0 9-9"},
	{"14.2", "bytes=500-600,601-999", 10000, "500-999"},
	{"14.2", "bytes=500-700,601-999", 10000, "500-999"},
	/* the same bytes again and again */
	{"17.15", "bytes=0-,0-,0-", 10, "0-9"},
	{"17.15", "bytes=0-,5-5,0-", 10, "0-9"},
	{"17.15", "bytes=5-,0-,5-,0-", 10, "none"},
	{"17.15", "bytes=5-9,0-6", 10, "none"},
	{"17.15", "bytes=5-9,0-4", 10, "5-9 0-4"},
	{"17.15",
	 "bytes=0-0,2-2,4-4,6-6,8-8,10-10,12-12,14-14,16-16,18-18,20-20,22-22,24-24,26-26,"
	 "28-28,30-30",
	 40,
	 "0-0 2-2 4-4 6-6 8-8 10-10 12-12 14-14 16-16 18-18 20-20 22-22 24-24 26-26 28-28 30-30"},
	{"17.15",
	 "bytes=0-0,2-2,4-4,6-6,8-8,10-10,12-12,14-14,16-16,18-18,20-20,22-22,24-24,26-26,"
	 "28-28,30-30,32-32",
	 40, "none"},
	/* list syntax */
	{"5.6.1", "bytes=0-1, 4-5\t,\t7-7", 10, "0-1 4-5 7-7"},
	{"5.6.1", "bytes=,0-1,,4-5,", 10, "0-1 4-5"},
	/* malformed: ignored as a whole */
	{"14.2", "bytes=", 10, "none"},
	{"14.2", "bytes=,", 10, "none"},
	{"14.2", "bytes", 10, "none"},
	{"14.2", "", 10, "none"},
	{"14.2", "0-4", 10, "none"},
	{"14.2", "bytes=-", 10, "none"},
	{"14.2", "bytes=5-3", 10, "none"},
	{"14.2", "bytes=0-1,5-3", 10, "none"},
	{"14.2", "bytes=a-b", 10, "none"},
	{"14.2", "bytes=1-b", 10, "none"},
	{"14.2", "bytes=1", 10, "none"},
	{"14.2", "bytes=0 -1", 10, "none"},
	{"14.2", "bytes=0- 1", 10, "none"},
	{"14.2", "bytes =0-1", 10, "none"},
	{"14.2", "bytes:0-1", 10, "none"},
	{"14.2", "bytes=--1", 10, "none"},
	{"14.2", "bytes=+1-2", 10, "none"},
	{"14.2", "bytes=1-2-3", 10, "none"},
	{"14.2", "bytes=0-1;4-5", 10, "none"},
	{"14.2", "bytes=0-1|bytes=0-1", 10, "none"},
	/* another unit */
	{"14.2", "items=0-4", 10, "none"},
	{"14.2", "byte=0-4", 10, "none"},
	{"14.2", "bytes2=0-4", 10, "none"},
	/* nothing to take a part of */
	{"14.1.2", "bytes=0-", 0, "416"},
	{"14.1.2", "bytes=0-0", 0, "416"},
	{"14.1.2", "bytes=-0", 0, "416"},
	{"14.1.2", "bytes=-5", 0, "none"},
	{"14.1.2", "bytes=0-0", 1, "0-0"},
	{"14.1.2", "bytes=-5", 1, "0-0"},
};

static void test_ranges(void **state)
{
	static struct head h;
	char lines[512], text[512];

	(void)state;
	for (size_t i = 0; i < COUNTOF(cases); i++) {
		struct str rest = str_c(cases[i].value), line;

		lines[0] = '\0';
		while (str_next(&rest, '|', &line))
			snprintf(lines + strlen(lines), sizeof(lines) - strlen(lines),
				 "Range: %.*s\r\n", STR_ARG(line));
		struct http_msg *m = parse_head(&h, HTTP_REQUEST, lines);
		ranges_text(m, cases[i].length, text, sizeof(text));
		if (strcmp(text, cases[i].want) != 0)
			fail_msg("RFC 9110 %s: %s of %" PRIu64 ": %s", cases[i].rfc, cases[i].value,
				 cases[i].length, text);
		m->method = HTTP_METHOD_HEAD; /* GET only (14.2) */
		assert_string_equal(ranges_text(m, 10, text, sizeof(text)), "none");
	}
	assert_string_equal(ranges_text(parse_head(&h, HTTP_REQUEST, ""), 5, text, sizeof(text)),
			    "none");
}

/* RFC 9110 14.4 */
static void test_content_range(void **state)
{
	static const struct {
		const char *value;
		int want;
		uint64_t first, last, length;
	} rows[] = {
		{"bytes 0-4/10", 0, 0, 4, 10},
		{"bytes 4-9/10", 0, 4, 9, 10},
		{"bytes 0-0/1", 0, 0, 0, 1},
		{"BYTES 42-1233/*", 0, 42, 1233, RANGE_UNKNOWN},
		{"bytes 0-9223372036854775807/9223372036854775808", 0, 0, INT64_MAX,
		 UINT64_C(9223372036854775808)},
		{"bytes */10", ERR_SYNTAX, 0, 0, 0},
		{"bytes 4-3/10", ERR_SYNTAX, 0, 0, 0},
		{"bytes 0-10/10", ERR_SYNTAX, 0, 0, 0},
		{"bytes 0-4/0", ERR_SYNTAX, 0, 0, 0},
		{"bytes 0-4", ERR_SYNTAX, 0, 0, 0},
		{"bytes 0-4/", ERR_SYNTAX, 0, 0, 0},
		{"bytes 0-/10", ERR_SYNTAX, 0, 0, 0},
		{"bytes -4/10", ERR_SYNTAX, 0, 0, 0},
		{"bytes 0-4/10 ", ERR_SYNTAX, 0, 0, 0},
		{"bytes 0-4/10x", ERR_SYNTAX, 0, 0, 0},
		{"bytes 0-4/**", ERR_SYNTAX, 0, 0, 0},
		{"bytes  0-4/10", ERR_SYNTAX, 0, 0, 0},
		{"bytes=0-4/10", ERR_SYNTAX, 0, 0, 0},
		{"items 0-4/10", ERR_SYNTAX, 0, 0, 0},
		{"bytes", ERR_SYNTAX, 0, 0, 0},
		{"", ERR_SYNTAX, 0, 0, 0},
		{"bytes 0-99999999999999999999/*", ERR_SYNTAX, 0, 0, 0},
		{"bytes 0-4/99999999999999999999", ERR_SYNTAX, 0, 0, 0},
		{"ananananananana", ERR_SYNTAX, 0, 0, 0},
	};

	(void)state;
	for (size_t i = 0; i < COUNTOF(rows); i++) {
		struct range r = {77, 78};
		uint64_t length = 79;
		const int rc = range_content_parse(str_c(rows[i].value), &r, &length);

		if (rc != rows[i].want)
			fail_msg("%s: %d", rows[i].value, rc);
		if (rc == 0 && (r.first != rows[i].first || r.last != rows[i].last ||
				length != rows[i].length))
			fail_msg("%s: %" PRIu64 "-%" PRIu64 "/%" PRIu64, rows[i].value, r.first,
				 r.last, length);
		if (rc < 0)
			assert_true(r.first == 77 && r.last == 78 && length == 79);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ranges),
		cmocka_unit_test(test_content_range),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
