/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The head parser against its tables. Each input is also fed byte by byte and cut at every place,
 * each time from a buffer of exactly that size at a new address: offsets must hold, nothing behind
 * the given bytes may be read, and the verdict must be the same.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "head_text.h"

enum { MAX_HEAD = 1024, MAX_FIELDS = 8 };

struct row {
	const char *name, *rfc;
	const char *input;
	size_t n;
	const char *text; /* expected head_text(), or NULL */
	enum http_parse_error error;
};

#define GOOD(name, rfc, input, text) {#name, rfc, input, sizeof(input) - 1, text, HTTP_PARSE_OK},
#define BAD(name, rfc, input, error)                                                               \
	{#name, rfc, input, sizeof(input) - 1, NULL, HTTP_PARSE_##error},
static const struct row requests[] = {
#include "cases_request.h"
};
static const struct row responses[] = {
#include "cases_response.h"
};
static const struct row trailers[] = {
#include "cases_trailers.h"
};
#undef GOOD
#undef BAD

/* A parser with its message, fed through buffers that never stay where they are. */
struct feeder {
	struct http_parser parser;
	struct http_msg msg;
	struct http_field fields[MAX_FIELDS];
	char *copy;
};

static void feeder_init(struct feeder *f, enum http_kind kind)
{
	f->msg.fields = f->fields;
	f->msg.max_fields = MAX_FIELDS;
	f->copy = NULL;
	http_parser_init(&f->parser, &f->msg, kind, MAX_HEAD);
}

static enum http_parse_rc feed(struct feeder *f, const struct row *r, size_t n)
{
	char *fresh = malloc(n ? n : 1);

	assert_non_null(fresh);
	memcpy(fresh, r->input, n);
	free(f->copy);
	f->copy = fresh;
	return http_parse(&f->parser, fresh, n);
}

static void expect(const struct feeder *f, const struct row *r, enum http_parse_rc rc)
{
	char text[MAX_HEAD + 200];

	if (r->text && rc == HTTP_DONE) {
		head_text(&f->msg, text, sizeof(text));
		if (strcmp(text, r->text) != 0)
			fail_msg("%s (%s): \"%s\", not \"%s\"", r->name, r->rfc, text, r->text);
	} else if (r->text) {
		fail_msg("%s (%s): %s", r->name, r->rfc,
			 rc == HTTP_MORE ? "not complete" : http_parse_error_name(f->parser.error));
	} else if (rc != HTTP_BAD || f->parser.error != r->error) {
		fail_msg("%s (%s): %s, not %s", r->name, r->rfc,
			 rc == HTTP_MORE ? "MORE" : http_parse_error_name(f->parser.error),
			 http_parse_error_name(r->error));
	}
}

/* A verdict stays: the next call says the same. */
static void expect_final(struct feeder *f, const struct row *r, enum http_parse_rc rc)
{
	expect(f, r, rc);
	if (rc != HTTP_MORE)
		assert_int_equal(feed(f, r, r->n), rc);
	free(f->copy);
}

static void run_split(const struct row *r, enum http_kind kind, size_t cut)
{
	struct feeder f;
	enum http_parse_rc rc;

	feeder_init(&f, kind);
	rc = feed(&f, r, cut);
	if (rc == HTTP_MORE)
		rc = feed(&f, r, r->n);
	expect_final(&f, r, rc);
}

static void run_bytewise(const struct row *r, enum http_kind kind)
{
	struct feeder f;
	enum http_parse_rc rc = HTTP_MORE;

	feeder_init(&f, kind);
	for (size_t n = 0; rc == HTTP_MORE && n <= r->n; n++) {
		rc = feed(&f, r, n);
		if (rc == HTTP_DONE)
			assert_int_equal(n, f.msg.head_n);
	}
	expect_final(&f, r, rc);
}

static void run_rows(const struct row *rows, size_t n, enum http_kind kind)
{
	for (size_t i = 0; i < n; i++) {
		for (size_t cut = 0; cut <= rows[i].n; cut++)
			run_split(&rows[i], kind, cut);
		run_bytewise(&rows[i], kind);
	}
}

static void test_requests(void **state)
{
	(void)state;
	run_rows(requests, COUNTOF(requests), HTTP_REQUEST);
}

static void test_responses(void **state)
{
	(void)state;
	run_rows(responses, COUNTOF(responses), HTTP_RESPONSE);
}

static void test_trailers(void **state)
{
	(void)state;
	run_rows(trailers, COUNTOF(trailers), HTTP_TRAILERS);
}

/* Without its last byte no good head is complete, and none of it is refused. */
static void test_prefixes(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNTOF(requests); i++) {
		struct feeder f;

		if (!requests[i].text)
			continue;
		feeder_init(&f, HTTP_REQUEST);
		assert_int_equal(feed(&f, &requests[i], requests[i].n), HTTP_DONE);
		const size_t head_n = f.msg.head_n;
		free(f.copy);
		feeder_init(&f, HTTP_REQUEST);
		assert_int_equal(feed(&f, &requests[i], head_n - 1), HTTP_MORE);
		free(f.copy);
	}
}

/* Every byte value at one place of a request: allowed there or not (RFC 9110 5.1, 5.5; 9112 3). */
struct place {
	const char *what, *before, *after;
	bool (*allowed)(int c);
};

static bool in_value(int c)
{
	return c == '\t' || (c >= ' ' && c != 0x7f);
}

static bool in_name(int c)
{
	return c && strchr("!#$%&'*+-.^_`|~:" /* ':' ends the name early, that is fine */
			   "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ",
			   c);
}

static bool in_target(int c)
{
	return c > ' ' && c < 0x7f && c != '#';
}

static bool in_method(int c)
{
	return c != ':' && in_name(c);
}

static void test_every_byte(void **state)
{
	static const struct place places[] = {
		{"value", "GET / HTTP/1.1\r\nHost: a\r\nA: b", "c\r\n\r\n", in_value},
		{"far value", "GET / HTTP/1.1\r\nHost: a\r\nA: 0123456789abcdef01234567",
		 "0123456789abcdef\r\n\r\n", in_value},
		{"name", "GET / HTTP/1.1\r\nHost: a\r\nA", "b: c\r\n\r\n", in_name},
		{"long name", "GET / HTTP/1.1\r\nHost: a\r\nABCDEFGHIJKLMNOPQRST", "b: c\r\n\r\n",
		 in_name},
		{"target", "GET /a", "b HTTP/1.1\r\nHost: a\r\n\r\n", in_target},
		{"far target", "GET /0123456789abcdef",
		 "0123456789abcdef HTTP/1.1\r\nHost: a\r\n\r\n", in_target},
		{"method", "GE", "T / HTTP/1.1\r\nHost: a\r\n\r\n", in_method},
	};

	(void)state;
	for (size_t i = 0; i < COUNTOF(places); i++) {
		for (int c = 0; c < 256; c++) {
			struct feeder f;
			char input[256];
			size_t n = strlen(places[i].before);

			memcpy(input, places[i].before, n);
			input[n++] = (char)c;
			memcpy(input + n, places[i].after, strlen(places[i].after));
			n += strlen(places[i].after);
			feeder_init(&f, HTTP_REQUEST);
			const struct row r = {.input = input, .n = n};
			if ((feed(&f, &r, n) == HTTP_DONE) != places[i].allowed(c))
				fail_msg("byte %d in %s", c, places[i].what);
			free(f.copy);
		}
	}
}

/* A head of exactly the limit passes, one byte more does not (RFC 9112 3, RFC 9110 5.4). */
static void test_limits(void **state)
{
	static const struct {
		const char *before, *after;
		enum http_parse_error error;
	} cases[] = {
		{"GET /", " HTTP/1.1\r\nHost: a\r\n\r\n", HTTP_PARSE_HEAD_TOO_LARGE},
		{"GET / HTTP/1.1\r\nHost: a\r\nA: b", "\r\n\r\n", HTTP_PARSE_HEAD_TOO_LARGE},
		{"GET / HTTP/1.1\r\nHost: a\r\nA", ":\r\n\r\n", HTTP_PARSE_HEAD_TOO_LARGE},
	};

	(void)state;
	for (size_t i = 0; i < COUNTOF(cases); i++) {
		const size_t before = strlen(cases[i].before), after = strlen(cases[i].after);
		char input[MAX_HEAD + 64];
		struct row r = {"limit", "RFC 9110 5.4", input, MAX_HEAD, "", HTTP_PARSE_OK};
		struct feeder f;

		memset(input, 'x', sizeof(input));
		memcpy(input, cases[i].before, before);
		memcpy(input + MAX_HEAD - after, cases[i].after, after);
		feeder_init(&f, HTTP_REQUEST);
		assert_int_equal(feed(&f, &r, MAX_HEAD), HTTP_DONE);
		assert_int_equal(f.msg.head_n, MAX_HEAD);
		free(f.copy);
		memset(input + before, 'x', MAX_HEAD);
		memcpy(input + MAX_HEAD + 1 - after, cases[i].after, after);
		r.n = MAX_HEAD + 1;
		r.text = NULL;
		r.error = cases[i].error;
		for (size_t cut = 0; cut <= r.n; cut += 7)
			run_split(&r, HTTP_REQUEST, cut);
		run_bytewise(&r, HTTP_REQUEST);
	}
}

/* A buffer full to the limit without the end of the head is refused at once, not waited on. */
static void test_full(void **state)
{
	char input[MAX_HEAD];
	struct row r = {.input = input, .n = MAX_HEAD};
	struct feeder f;

	(void)state;
	memset(input, 'x', sizeof(input));
	memcpy(input, "GET / HTTP/1.1\r\nHost:", 21);
	for (int last_cr = 0; last_cr < 2; last_cr++) {
		input[MAX_HEAD - 1] = last_cr ? '\r' : 'x';
		feeder_init(&f, HTTP_REQUEST);
		assert_int_equal(feed(&f, &r, MAX_HEAD - 1), HTTP_MORE);
		assert_int_equal(feed(&f, &r, MAX_HEAD), HTTP_BAD);
		assert_int_equal(f.parser.error, HTTP_PARSE_HEAD_TOO_LARGE);
		free(f.copy);
	}
}

/* A request line that fills the limit is 414, not 431 (RFC 9112 3). */
static void test_long_target(void **state)
{
	char input[MAX_HEAD + 8];
	const struct row r = {"target",	     "RFC 9112 3", input,
			      sizeof(input), NULL,	   HTTP_PARSE_TARGET_LONG};

	(void)state;
	memset(input, '/', sizeof(input));
	memcpy(input, "GET ", 4);
	for (size_t cut = 0; cut <= r.n; cut += 7)
		run_split(&r, HTTP_REQUEST, cut);
	assert_int_equal(http_parse_error_status(HTTP_PARSE_TARGET_LONG), 414);
}

/* A name beyond what its 16-bit length holds, where the limit would let it in. */
static void test_long_name(void **state)
{
	static const char start[] = "GET / HTTP/1.0\r\n", end[] = ":\r\n\r\n";

	(void)state;
	for (size_t name_n = UINT16_MAX; name_n <= UINT16_MAX + 1; name_n++) {
		const size_t n = sizeof(start) - 1 + name_n + sizeof(end) - 1;
		char *input = malloc(n);
		struct feeder f;

		assert_non_null(input);
		memset(input, 'x', n);
		memcpy(input, start, sizeof(start) - 1);
		memcpy(input + n - (sizeof(end) - 1), end, sizeof(end) - 1);
		feeder_init(&f, HTTP_REQUEST);
		f.parser.max_head = 1 << 20;
		const enum http_parse_rc rc = http_parse(&f.parser, input, n);
		if (name_n <= UINT16_MAX) {
			assert_int_equal(rc, HTTP_DONE);
			assert_int_equal(f.fields[0].name_n, UINT16_MAX);
		} else {
			assert_int_equal(rc, HTTP_BAD);
			assert_int_equal(f.parser.error, HTTP_PARSE_HEAD_TOO_LARGE);
		}
		free(input);
	}
}

/* Framing by request method and status (RFC 9112 6.3 items 1 to 8). */
static void test_response_framing(void **state)
{
	static const struct {
		unsigned status;
		enum http_method method;
		enum http_framing parsed, expected;
	} cases[] = {
		{200, HTTP_METHOD_GET, HTTP_FRAMING_LENGTH, HTTP_FRAMING_LENGTH},
		{200, HTTP_METHOD_GET, HTTP_FRAMING_CHUNKED, HTTP_FRAMING_CHUNKED},
		{200, HTTP_METHOD_GET, HTTP_FRAMING_CLOSE, HTTP_FRAMING_CLOSE},
		{200, HTTP_METHOD_HEAD, HTTP_FRAMING_LENGTH, HTTP_FRAMING_NONE},
		{404, HTTP_METHOD_HEAD, HTTP_FRAMING_CHUNKED, HTTP_FRAMING_NONE},
		{100, HTTP_METHOD_POST, HTTP_FRAMING_CLOSE, HTTP_FRAMING_NONE},
		{103, HTTP_METHOD_GET, HTTP_FRAMING_LENGTH, HTTP_FRAMING_NONE},
		{101, HTTP_METHOD_GET, HTTP_FRAMING_CLOSE, HTTP_FRAMING_TUNNEL},
		{204, HTTP_METHOD_GET, HTTP_FRAMING_CHUNKED, HTTP_FRAMING_NONE},
		{205, HTTP_METHOD_GET, HTTP_FRAMING_LENGTH, HTTP_FRAMING_LENGTH},
		{304, HTTP_METHOD_GET, HTTP_FRAMING_LENGTH, HTTP_FRAMING_NONE},
		{200, HTTP_METHOD_CONNECT, HTTP_FRAMING_LENGTH, HTTP_FRAMING_TUNNEL},
		{299, HTTP_METHOD_CONNECT, HTTP_FRAMING_CLOSE, HTTP_FRAMING_TUNNEL},
		{403, HTTP_METHOD_CONNECT, HTTP_FRAMING_LENGTH, HTTP_FRAMING_LENGTH},
	};

	(void)state;
	for (size_t i = 0; i < COUNTOF(cases); i++) {
		const struct http_msg m = {.kind = HTTP_RESPONSE,
					   .status = (uint16_t)cases[i].status,
					   .framing = (uint8_t)cases[i].parsed};

		if (http_response_framing(&m, cases[i].method) != cases[i].expected)
			fail_msg("row %zu, status %u", i, cases[i].status);
	}
}

/* RFC 9110 8.6: of identical Content-Length lines only one is forwarded. */
static void test_length_dropped(void **state)
{
	static const char input[] = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nA: b\r\n"
				    "Content-Length: 05\r\n\r\n";
	const struct row r = {.input = input, .n = sizeof(input) - 1};
	struct feeder f;

	(void)state;
	feeder_init(&f, HTTP_RESPONSE);
	assert_int_equal(feed(&f, &r, r.n), HTTP_DONE);
	assert_int_equal(f.fields[0].dropped, 0);
	assert_int_equal(f.fields[1].dropped, 0);
	assert_int_equal(f.fields[2].dropped, 1);
	free(f.copy);
}

static void test_error_texts(void **state)
{
	(void)state;
	for (int e = 1; e < HTTP_PARSE_ERROR_COUNT; e++) {
		assert_true(http_parse_error_status(e) >= 400);
		assert_non_null(http_parse_error_name(e));
		assert_non_null(http_parse_error_text(e));
	}
	assert_string_equal(http_parse_error_name(HTTP_PARSE_BARE_LF), "BARE_LF");
	assert_int_equal(http_parse_error_status(HTTP_PARSE_VERSION), 505);
	assert_int_equal(http_parse_error_status(HTTP_PARSE_CODING_UNKNOWN), 501);
	assert_int_equal(http_parse_error_status(HTTP_PARSE_TOO_MANY_FIELDS), 431);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_requests),       cmocka_unit_test(test_responses),
		cmocka_unit_test(test_trailers),       cmocka_unit_test(test_prefixes),
		cmocka_unit_test(test_every_byte),     cmocka_unit_test(test_limits),
		cmocka_unit_test(test_full),	       cmocka_unit_test(test_long_target),
		cmocka_unit_test(test_long_name),      cmocka_unit_test(test_response_framing),
		cmocka_unit_test(test_length_dropped), cmocka_unit_test(test_error_texts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
