/* SPDX-License-Identifier: BSD-2-Clause */
#include "admin/proto.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/err.h"

/* A request line and its words, joined by '|'; or the error. */
static void split(void **state)
{
	static const struct {
		const char *line;
		int rc;
		const char *words;
	} rows[] = {
		{"tiercel/1 status", 0, "status"},
		{"tiercel/1 status\r", 0, "status"},
		{"tiercel/1", 0, ""},
		{"tiercel/1   ", 0, ""},
		{"tiercel/1\tstats\t --json ", 0, "stats|--json"},
		{"tiercel/1 a 'b c' \"d e\"", 0, "a|b c|d e"},
		{"tiercel/1 a'b'\"c\"d", 0, "abcd"},
		{"tiercel/1 '' \"\"", 0, "|"},
		{"tiercel/1 '\\' '\"'", 0, "\\|\""},
		{"tiercel/1 \"\\\"\\\\\\n\"", 0, "\"\\\\n"},
		{"tiercel/1 a\\ b \\'", 0, "a b|'"},
		{"tiercel/1 \xc3\xa4", 0, "\xc3\xa4"},
		/* open ends */
		{"tiercel/1 'a", ERR_SYNTAX, NULL},
		{"tiercel/1 \"a", ERR_SYNTAX, NULL},
		{"tiercel/1 \"a\\\"", ERR_SYNTAX, NULL},
		{"tiercel/1 a\\", ERR_SYNTAX, NULL},
		/* control characters, quoted or not */
		{"tiercel/1 a\x01", ERR_SYNTAX, NULL},
		{"tiercel/1 'a\x1b[2J'", ERR_SYNTAX, NULL},
		{"tiercel/1 a\x7f", ERR_SYNTAX, NULL},
		{"tiercel/1 a\r b", ERR_SYNTAX, NULL},
		/* another protocol, another version */
		{"", ERR_VERSION, NULL},
		{"status", ERR_VERSION, NULL},
		{"tiercel/2 status", ERR_VERSION, NULL},
		{"tiercel/ status", ERR_VERSION, NULL},
		{"tiercel/1x status", ERR_VERSION, NULL},
		{"tiercel/11 status", ERR_VERSION, NULL},
		{"tiercel/99999999999999999999 status", ERR_VERSION, NULL},
		{" tiercel/1 status", ERR_VERSION, NULL},
		{"TIERCEL/1 status", ERR_VERSION, NULL},
		{"GET / HTTP/1.1", ERR_VERSION, NULL},
		{"'tiercel/1' status", ERR_VERSION, NULL},
	};

	(void)state;
	for (size_t i = 0; i < COUNTOF(rows); i++) {
		struct proto_request r;
		struct buf words = BUF_INIT;

		if (proto_split(str_c(rows[i].line), &r) != rows[i].rc)
			fail_msg("row %zu: %s", i, rows[i].line);
		if (rows[i].rc)
			continue;
		for (unsigned w = 0; w < r.n; w++)
			buf_printf(&words, "%s%s", w ? "|" : "", r.word[w]);
		buf_char(&words, '\0');
		assert_string_equal(words.p, rows[i].words);
		assert_null(r.word[r.n]);
		buf_fini(&words);
	}
}

static void nul_is_refused(void **state)
{
	struct proto_request r;

	(void)state;
	assert_int_equal(proto_split(STR("tiercel/1 a\0b"), &r), ERR_SYNTAX);
}

/* At each limit the largest thing passes and the next one does not. */
static void limits(void **state)
{
	static char line[PROTO_LINE + 16];
	struct proto_request r;
	size_t n;

	(void)state;
	memset(line, 'x', sizeof(line));
	memcpy(line, "tiercel/1 ", 10);
	assert_int_equal(proto_split(str_of(line, PROTO_LINE - 1), &r), 0);
	assert_int_equal(strlen(r.word[0]), PROTO_LINE - 1 - 10);
	assert_int_equal(proto_split(str_of(line, PROTO_LINE), &r), ERR_LIMIT);
	/* the smallest words, as many as fit */
	for (n = 10; n < 10 + 2 * PROTO_WORDS; n += 2)
		memcpy(line + n, "a ", 2);
	assert_int_equal(proto_split(str_of(line, n), &r), 0);
	assert_int_equal(r.n, PROTO_WORDS);
	line[n++] = 'a';
	assert_int_equal(proto_split(str_of(line, n), &r), ERR_LIMIT);
}

/* What join writes, split reads back. */
static void round_trip(void **state)
{
	static const char *const words[] = {
		"explain", "GET", "http://a/b?c=d&e='f'", "-H",	   "X: \"q\\\"", "", "a b",
		"\\",	   "'",	  "\xe2\x82\xac",	  "\ttab", "$x",	 "*"};
	struct proto_request r;
	struct buf line = BUF_INIT;

	(void)state;
	assert_int_equal(proto_join(&line, words, COUNTOF(words)), 0);
	assert_int_equal(line.p[line.n - 1], '\n');
	assert_int_equal(proto_split(str_of(line.p, line.n - 1), &r), 0);
	assert_int_equal(r.n, COUNTOF(words));
	for (unsigned i = 0; i < r.n; i++)
		assert_string_equal(r.word[i], words[i]);
	buf_fini(&line);
}

static void join_refuses(void **state)
{
	static char huge[PROTO_LINE];
	const char *many[PROTO_WORDS + 1], *bad[] = {"a", "b\nc"}, *too_long[] = {huge};
	struct buf line = BUF_INIT;

	(void)state;
	memset(huge, 'a', sizeof(huge) - 1);
	for (size_t i = 0; i < COUNTOF(many); i++)
		many[i] = "a";
	assert_int_equal(proto_join(&line, bad, 2), ERR_SYNTAX);
	assert_int_equal(proto_join(&line, too_long, 1), ERR_LIMIT);
	assert_int_equal(proto_join(&line, many, COUNTOF(many)), ERR_LIMIT);
	assert_int_equal(proto_join(&line, many, PROTO_WORDS), 0);
	buf_fini(&line);
}

static void heads(void **state)
{
	static const struct {
		const char *line;
		int rc;
		enum proto_code code;
		bool until_eof;
		uint64_t length;
	} rows[] = {
		{"tiercel/1 ok 0", 0, PROTO_OK, false, 0},
		{"tiercel/1 ok 18446744073709551615", 0, PROTO_OK, false, UINT64_MAX},
		{"tiercel/1 failed 12", 0, PROTO_FAILED, false, 12},
		{"tiercel/1 usage -", 0, PROTO_USAGE, true, 0},
		{"tiercel/2 ok 0", ERR_VERSION, 0, false, 0},
		{"HTTP/1.1 200 OK", ERR_VERSION, 0, false, 0},
		{"tiercel/1", ERR_SYNTAX, 0, false, 0},
		{"tiercel/1 ok", ERR_SYNTAX, 0, false, 0},
		{"tiercel/1 ok ", ERR_SYNTAX, 0, false, 0},
		{"tiercel/1 ok -1", ERR_SYNTAX, 0, false, 0},
		{"tiercel/1 ok 1 2", ERR_SYNTAX, 0, false, 0},
		{"tiercel/1 ok 18446744073709551616", ERR_SYNTAX, 0, false, 0},
		{"tiercel/1 fine 0", ERR_SYNTAX, 0, false, 0},
		{"tiercel/1  ok 0", ERR_SYNTAX, 0, false, 0},
	};

	(void)state;
	for (size_t i = 0; i < COUNTOF(rows); i++) {
		char again[PROTO_HEAD];
		struct proto_head h;
		size_t n;

		if (proto_head_read(str_c(rows[i].line), &h) != rows[i].rc)
			fail_msg("row %zu: %s", i, rows[i].line);
		if (rows[i].rc)
			continue;
		assert_int_equal(h.code, rows[i].code);
		assert_int_equal(h.until_eof, rows[i].until_eof);
		assert_int_equal(h.length, rows[i].length);
		n = proto_head_write(again, &h);
		assert_int_equal(n, strlen(rows[i].line) + 1);
		assert_memory_equal(again, rows[i].line, n - 1);
		assert_int_equal(again[n - 1], '\n');
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(split),	cmocka_unit_test(nul_is_refused),
		cmocka_unit_test(limits),	cmocka_unit_test(round_trip),
		cmocka_unit_test(join_refuses), cmocka_unit_test(heads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
