/* SPDX-License-Identifier: BSD-2-Clause */
/* Writing heads. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "http/parse.h"
#include "http/write.h"

static char out[512];

static const char *written(const struct http_writer *w)
{
	assert_false(w->overflow);
	out[http_write_n(w)] = '\0';
	return out;
}

static void test_status_line(void **state)
{
	static const struct {
		unsigned status;
		const char *reason, *line;
	} cases[] = {
		{200, "", "HTTP/1.1 200 OK\r\n"},
		{103, "", "HTTP/1.1 103 Early Hints\r\n"},
		{451, "", "HTTP/1.1 451 Unavailable For Legal Reasons\r\n"},
		{511, "", "HTTP/1.1 511 Network Authentication Required\r\n"},
		{200, "Fine", "HTTP/1.1 200 Fine\r\n"},
		{299, "", "HTTP/1.1 299 \r\n"}, /* RFC 9112 4: the space stays */
		{299, "Odd", "HTTP/1.1 299 Odd\r\n"},
		{999, "", "HTTP/1.1 999 \r\n"},
	};

	(void)state;
	for (size_t i = 0; i < COUNTOF(cases); i++) {
		struct http_writer w;

		http_write_init(&w, out, sizeof(out));
		http_write_status_line(&w, cases[i].status, str_c(cases[i].reason));
		assert_string_equal(written(&w), cases[i].line);
	}
	assert_true(str_eq(http_reason(404), STR("Not Found")));
	assert_int_equal(http_reason(299).n, 0);
	assert_int_equal(http_reason(99).n, 0);
	assert_int_equal(http_reason(600).n, 0);
}

static void test_u64(void **state)
{
	static const struct {
		uint64_t v;
		const char *text;
	} cases[] = {
		{0, "0"},
		{9, "9"},
		{10, "10"},
		{1234567, "1234567"},
		{UINT64_MAX, "18446744073709551615"},
	};

	(void)state;
	for (size_t i = 0; i < COUNTOF(cases); i++) {
		struct http_writer w;

		http_write_init(&w, out, sizeof(out));
		http_write_u64(&w, cases[i].v);
		assert_string_equal(written(&w), cases[i].text);
	}
}

/* What does not fit is latched, also when something shorter would fit later. */
static void test_overflow(void **state)
{
	struct http_writer w;

	(void)state;
	http_write_init(&w, out, 4);
	http_write_lit(&w, "abc");
	assert_false(w.overflow);
	http_write_lit(&w, "de");
	assert_true(w.overflow);
	http_write_lit(&w, "f");
	assert_true(w.overflow);
	assert_true(http_write_n(&w) <= 4);
}

#define START "GET / HTTP/1.1\r\n"

/* Which lines of the source are dropped, by bit, and what is written of them. */
static const struct {
	const char *head;
	unsigned drop;
	const char *text;
} field_cases[] = {
	{START "Host: a\r\n\r\n", 0, "Host: a\r\n"},
	{START "Host: a\r\n\r\n", 1, ""},
	{START "Host: a\r\nB: c\r\nD: e\r\n\r\n", 0, "Host: a\r\nB: c\r\nD: e\r\n"},
	{START "Host: a\r\nB: c\r\nD: e\r\n\r\n", 1, "B: c\r\nD: e\r\n"},
	{START "Host: a\r\nB: c\r\nD: e\r\n\r\n", 2, "Host: a\r\nD: e\r\n"},
	{START "Host: a\r\nB: c\r\nD: e\r\n\r\n", 4, "Host: a\r\nB: c\r\n"},
	{START "Host: a\r\nB: c\r\nD: e\r\n\r\n", 5, "B: c\r\n"},
	{START "Host: a\r\nB: c\r\nD: e\r\n\r\n", 7, ""},
	/* "Name:value" is a line like any other; other white space is made plain */
	{START "Host:a\r\nB:\r\nC: \r\n\r\n", 0, "Host:a\r\nB:\r\nC: \r\n"},
	{START "Host: a\r\nB:   c  \r\nD: e\r\n\r\n", 0, "Host: a\r\nB: c\r\nD: e\r\n"},
	{START "Host: a\r\nB:  c\r\nD: e\r\n\r\n", 0, "Host: a\r\nB: c\r\nD: e\r\n"},
	{START "Host: a\r\nB: c\t\r\nD:\te\r\n\r\n", 0, "Host: a\r\nB: c\r\nD: e\r\n"},
	{START "Host: a\r\nB:   \r\nD: e\r\n\r\n", 2, "Host: a\r\nD: e\r\n"},
	{START "B: c \r\nHost: a\r\n\r\n", 1, "Host: a\r\n"},
	{START "B: c \r\nHost: a \r\n\r\n", 0, "B: c\r\nHost: a\r\n"},
};

static void parse(struct http_msg *m, const char *head)
{
	struct http_parser p;

	http_parser_init(&p, m, HTTP_REQUEST, 4096);
	assert_int_equal(http_parse(&p, head, strlen(head)), HTTP_DONE);
}

static void test_fields(void **state)
{
	struct http_field fields[8];
	struct http_msg m = {.fields = fields, .max_fields = COUNTOF(fields)};

	(void)state;
	for (size_t i = 0; i < COUNTOF(field_cases); i++) {
		struct http_writer w;

		parse(&m, field_cases[i].head);
		for (unsigned k = 0; k < m.n_fields; k++)
			fields[k].dropped = field_cases[i].drop >> k & 1;
		http_write_init(&w, out, sizeof(out));
		http_write_fields(&w, &m);
		if (strcmp(written(&w), field_cases[i].text) != 0)
			fail_msg("row %zu: %s", i, out);
	}
}

/* A run is bounded by the writer's room like any other bytes. */
static void test_fields_overflow(void **state)
{
	struct http_field fields[8];
	struct http_msg m = {.fields = fields, .max_fields = COUNTOF(fields)};
	struct http_writer w;

	(void)state;
	parse(&m, START "Host: a\r\nB: c\r\n\r\n");
	http_write_init(&w, out, 15);
	http_write_fields(&w, &m);
	assert_int_equal(http_write_n(&w), 15);
	assert_false(w.overflow);
	http_write_init(&w, out, 14);
	http_write_fields(&w, &m);
	assert_true(w.overflow);
}

/* The first field of a trailer section sits at offset 0. */
static void test_trailer_fields(void **state)
{
	struct http_field fields[8];
	struct http_msg m = {.fields = fields, .max_fields = COUNTOF(fields)};
	struct http_writer w;
	struct http_parser p;

	(void)state;
	http_parser_init(&p, &m, HTTP_TRAILERS, 4096);
	assert_int_equal(http_parse(&p, "A: b\r\nC: d\r\n\r\n", 14), HTTP_DONE);
	http_write_init(&w, out, sizeof(out));
	http_write_fields(&w, &m);
	assert_string_equal(written(&w), "A: b\r\nC: d\r\n");
	fields[0].dropped = 1;
	http_write_init(&w, out, sizeof(out));
	http_write_fields(&w, &m);
	assert_string_equal(written(&w), "C: d\r\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_status_line),	cmocka_unit_test(test_u64),
		cmocka_unit_test(test_overflow),	cmocka_unit_test(test_fields),
		cmocka_unit_test(test_fields_overflow), cmocka_unit_test(test_trailer_fields),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
