/* SPDX-License-Identifier: BSD-2-Clause */
/* The chunked decoder: each input whole, byte by byte, and cut at every place. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "http/body.h"

struct row {
	const char *name, *rfc;
	const char *input;
	size_t n;
	const char *data; /* decoded, or NULL when the input is malformed */
	size_t data_n, rest_n;
};

#define GOOD(name, rfc, input, data, rest)                                                         \
	{#name, rfc, input, sizeof(input) - 1, data, sizeof(data) - 1, rest},
#define BAD(name, rfc, input) {#name, rfc, input, sizeof(input) - 1, NULL, 0, 0},
static const struct row rows[] = {
#include "cases_chunked.h"
};

struct sink {
	char data[256];
	size_t n, used;
};

/* Feeds in[0..n) from a block of just that size until nothing of it is left or the end. */
static enum http_chunk_rc feed(struct http_chunked *c, const char *in, size_t n, struct sink *out)
{
	enum http_chunk_rc rc = HTTP_CHUNK_MORE;
	char *copy = malloc(n ? n : 1);
	size_t at = 0, used;
	struct str data;

	assert_non_null(copy);
	memcpy(copy, in, n);
	do {
		rc = http_chunked_next(c, copy + at, n - at, &used, &data);
		assert_true(used <= n - at);
		if (rc == HTTP_CHUNK_DATA) {
			assert_true(data.n > 0 && data.p >= copy + at);
			assert_true(data.p + data.n == copy + at + used);
			assert_true(out->n + data.n <= sizeof(out->data));
			memcpy(out->data + out->n, data.p, data.n);
			out->n += data.n;
		}
		at += used;
	} while (rc == HTTP_CHUNK_DATA);
	if (rc == HTTP_CHUNK_MORE)
		assert_int_equal(at, n);
	out->used += at;
	free(copy);
	return rc;
}

static void expect(const struct row *r, enum http_chunk_rc rc, const struct sink *s)
{
	if (!r->data) {
		if (rc != HTTP_CHUNK_BAD)
			fail_msg("%s (%s): %d, not refused", r->name, r->rfc, rc);
		return;
	}
	if (rc != HTTP_CHUNK_TRAILERS)
		fail_msg("%s (%s): %d", r->name, r->rfc, rc);
	if (s->n != r->data_n || memcmp(s->data, r->data, s->n) != 0 || r->n - s->used != r->rest_n)
		fail_msg("%s (%s): wrong data or rest", r->name, r->rfc);
}

static void test_splits(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNTOF(rows); i++) {
		for (size_t cut = 0; cut <= rows[i].n; cut++) {
			struct http_chunked c = HTTP_CHUNKED_INIT;
			struct sink s = {.n = 0};
			enum http_chunk_rc rc = feed(&c, rows[i].input, cut, &s);

			if (rc == HTTP_CHUNK_MORE)
				rc = feed(&c, rows[i].input + cut, rows[i].n - cut, &s);
			expect(&rows[i], rc, &s);
		}
	}
}

static void test_bytewise(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNTOF(rows); i++) {
		struct http_chunked c = HTTP_CHUNKED_INIT;
		struct sink s = {.n = 0};
		enum http_chunk_rc rc = HTTP_CHUNK_MORE;

		for (size_t at = 0; at < rows[i].n && rc == HTTP_CHUNK_MORE; at++)
			rc = feed(&c, rows[i].input + at, 1, &s);
		expect(&rows[i], rc, &s);
	}
}

/* A verdict stays. */
static void test_final(void **state)
{
	struct http_chunked c = HTTP_CHUNKED_INIT;
	struct str data;
	size_t used;

	(void)state;
	assert_int_equal(http_chunked_next(&c, "0\r\nA", 4, &used, &data), HTTP_CHUNK_TRAILERS);
	assert_int_equal(used, 3);
	assert_int_equal(http_chunked_next(&c, "A", 1, &used, &data), HTTP_CHUNK_TRAILERS);
	assert_int_equal(used, 0);
	c = HTTP_CHUNKED_INIT;
	assert_int_equal(http_chunked_next(&c, "x", 1, &used, &data), HTTP_CHUNK_BAD);
	assert_int_equal(http_chunked_next(&c, "0\r\n", 3, &used, &data), HTTP_CHUNK_BAD);
}

/* Extensions are bounded per line, not per body (RFC 9112 7.1.1 leaves the bound to us). */
static void test_extension_limit(void **state)
{
	char line[400];

	(void)state;
	for (size_t n = 250; n < 260; n++) {
		struct http_chunked c = HTTP_CHUNKED_INIT;
		struct sink s = {.n = 0};
		enum http_chunk_rc rc;

		memset(line, 'x', sizeof(line));
		memcpy(line, "1;", 2);
		memcpy(line + 1 + n, "\r\na\r\n", 5);
		rc = feed(&c, line, 1 + n + 5, &s);
		assert_int_equal(rc, n <= 256 ? HTTP_CHUNK_MORE : HTTP_CHUNK_BAD);
		if (rc == HTTP_CHUNK_MORE)
			assert_int_equal(feed(&c, line, 1 + n + 5, &s), HTTP_CHUNK_MORE);
	}
}

/* White space in front of an extension counts like one. */
static void test_space_limit(void **state)
{
	char line[400];
	size_t used;
	struct str data;

	(void)state;
	memset(line, ' ', sizeof(line));
	line[0] = '1';
	for (size_t n = 250; n < 260; n++) {
		struct http_chunked c = HTTP_CHUNKED_INIT;

		assert_int_equal(http_chunked_next(&c, line, 1 + n, &used, &data),
				 n <= 256 ? HTTP_CHUNK_MORE : HTTP_CHUNK_BAD);
	}
}

/* The largest size passes and counts down over pieces (RFC 9112 7.1: beware of overflow). */
static void test_big_chunk(void **state)
{
	struct http_chunked c = HTTP_CHUNKED_INIT;
	struct str data;
	size_t used;

	(void)state;
	assert_int_equal(http_chunked_next(&c, "fffffffffffffff\r\nab", 19, &used, &data),
			 HTTP_CHUNK_DATA);
	assert_int_equal(used, 19);
	assert_int_equal(data.n, 2);
	assert_true(c.left == (UINT64_C(1) << 60) - 3);
}

static void test_line(void **state)
{
	static const struct {
		uint64_t size;
		const char *line;
	} cases[] = {
		{0, "0\r\n"},
		{15, "f\r\n"},
		{16, "10\r\n"},
		{0x2000, "2000\r\n"},
		{UINT64_C(0xfedcba9876543210), "fedcba9876543210\r\n"},
	};

	(void)state;
	for (size_t i = 0; i < COUNTOF(cases); i++) {
		char line[HTTP_CHUNK_LINE_MAX];
		const size_t n = http_chunk_line(line, cases[i].size);

		assert_int_equal(n, strlen(cases[i].line));
		assert_memory_equal(line, cases[i].line, n);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_splits),	    cmocka_unit_test(test_bytewise),
		cmocka_unit_test(test_final),	    cmocka_unit_test(test_extension_limit),
		cmocka_unit_test(test_space_limit), cmocka_unit_test(test_big_chunk),
		cmocka_unit_test(test_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
