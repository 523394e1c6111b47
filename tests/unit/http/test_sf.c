/* SPDX-License-Identifier: BSD-2-Clause */
/* Structured Fields (RFC 9651): what is read is written as text and compared. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "../policy/parse_head.h"
#include "http/sf.h"

enum how { ITEM = 1, LIST = 2, DICT = 3 };

struct out {
	char text[1024];
	size_t n;
};

static void put(struct out *o, const char *text, struct str s)
{
	o->n += (size_t)snprintf(o->text + o->n, sizeof(o->text) - o->n, "%s%.*s", text,
				 STR_ARG(s));
}

static void put_value(struct out *o, const struct sf_value *v)
{
	static const char *const kinds[] = {"?", "i", "d", "s", "t", "b", "?", "@", "u", "("};
	char number[32];

	put(o, kinds[v->type], v->text);
	if (v->type == SF_STRING || v->type == SF_TOKEN || v->type == SF_BYTES ||
	    v->type == SF_DISPLAY || v->type == SF_INNER)
		return;
	snprintf(number, sizeof(number), "%lld", (long long)v->number);
	put(o, number, STR_NONE);
}

static void put_params(struct out *o, struct sf *sf)
{
	struct sf_value v;
	struct str key;

	while (sf_param_next(sf, &key, &v)) {
		put(o, ";", key);
		put(o, "=", STR_NONE);
		put_value(o, &v);
	}
}

static void put_member(struct out *o, struct sf *sf, const struct sf_value *v)
{
	struct sf_value item;

	put_value(o, v);
	if (v->type == SF_INNER) {
		while (sf_inner_next(sf, &item)) {
			put(o, " ", STR_NONE);
			put_value(o, &item);
			put_params(o, sf);
		}
		put(o, ")", STR_NONE);
	}
	put_params(o, sf);
	put(o, "|", STR_NONE);
}

/* <pull>: look at inner lists and parameters; without, they must be checked all the same. */
static bool read_members(struct sf *sf, enum how how, bool pull, struct out *o)
{
	struct sf_value v;
	struct str key = STR_NONE;

	while (how == LIST ? sf_list_next(sf, &v) : sf_dict_next(sf, &key, &v)) {
		put(o, "", key);
		put(o, how == DICT ? "=" : "", STR_NONE);
		if (pull)
			put_member(o, sf, &v);
	}
	assert_false(how == LIST ? sf_list_next(sf, &v) : sf_dict_next(sf, &key, &v));
	return sf_ok(sf);
}

static bool read_text(const char *text, enum how how, bool pull, struct out *o)
{
	struct sf_value v;
	struct sf sf;
	char *copy = malloc(strlen(text) + 1); /* without NUL: the sanitizer sees a byte too far */
	bool ok;

	*o = (struct out){"", 0};
	memcpy(copy, text, strlen(text));
	copy = realloc(copy, strlen(text) ? strlen(text) : 1);
	if (how == ITEM) {
		ok = sf_item(str_of(copy, strlen(text)), &v);
		if (ok)
			put_value(o, &v);
	} else {
		sf_begin(&sf, str_of(copy, strlen(text)));
		ok = read_members(&sf, how, pull, o);
	}
	free(copy);
	return ok;
}

static const struct {
	enum how how;
	const char *rfc, *text, *want; /* NULL: does not parse */
} cases[] = {
	/* RFC 9651 4.2.4 */
	{ITEM, "4.2.4", "42", "i42"},
	{ITEM, "4.2.4", "-0", "i0"},
	{ITEM, "4.2.4", "007", "i7"},
	{ITEM, "4.2.4", "999999999999999", "i999999999999999"},
	{ITEM, "4.2.4", "-999999999999999", "i-999999999999999"},
	{ITEM, "4.2.4", "1000000000000000", NULL},
	{ITEM, "4.2.4", "0000000000000001", NULL},
	{ITEM, "4.2.4", "-", NULL},
	{ITEM, "4.2.4", "--1", NULL},
	{ITEM, "4.2.4", "+1", NULL},
	{ITEM, "4.2.4", "1 2", NULL},
	{ITEM, "4.2.4", "- 1", NULL},
	{ITEM, "4.2.4", "1.5", "d1500"},
	{ITEM, "4.2.4", "-0.125", "d-125"},
	{ITEM, "4.2.4", "123456789012.1", "d123456789012100"},
	{ITEM, "4.2.4", "1234567890123.1", NULL},
	{ITEM, "4.2.4", "1.", NULL},
	{ITEM, "4.2.4", ".5", NULL},
	{ITEM, "4.2.4", "1.2345", NULL},
	{ITEM, "4.2.4", "1.2.3", NULL},
	{ITEM, "4.2.4", "1e3", NULL},
	/* 4.2.5 */
	{ITEM, "4.2.5", "\"\"", "s"},
	{ITEM, "4.2.5", "\"a b\"", "sa b"},
	{ITEM, "4.2.5", "\"a\\\"\\\\\"", "sa\\\"\\\\"},
	{ITEM, "4.2.5", "\"a", NULL},
	{ITEM, "4.2.5", "\"a\\", NULL},
	{ITEM, "4.2.5", "\"a\\n\"", NULL},
	{ITEM, "4.2.5", "\"a\tb\"", NULL},
	{ITEM, "4.2.5", "\"a\x7f\"", NULL},
	{ITEM, "4.2.5", "\"\xc3\xa9\"", NULL},
	{ITEM, "4.2.5", "'a'", NULL},
	/* 4.2.6 */
	{ITEM, "4.2.6", "a", "ta"},
	{ITEM, "4.2.6", "*a/b:c", "t*a/b:c"},
	{ITEM, "4.2.6", "A!#$%&'*+-.^_`|~9", "tA!#$%&'*+-.^_`|~9"},
	{ITEM, "4.2.6", "a(", NULL},
	{ITEM, "4.2.6", "_a", NULL},
	{ITEM, "4.2.6", "a\xc3\xa9", NULL},
	/* 4.2.7 */
	{ITEM, "4.2.7", ":aGVsbG8=:", "baGVsbG8="},
	{ITEM, "4.2.7", ":aGVsbG8:", "baGVsbG8"},
	{ITEM, "4.2.7", "::", "b"},
	{ITEM, "4.2.7", ":aGVsbG8", NULL},
	{ITEM, "4.2.7", ":aGVsb G8=:", NULL},
	{ITEM, "4.2.7", ":aGVsbG8==:", NULL},
	{ITEM, "4.2.7", ":a:", NULL},
	{ITEM, "4.2.7", ":a=b=:", NULL},
	{ITEM, "4.2.7", ":-_8=:", NULL},
	/* 4.2.8 */
	{ITEM, "4.2.8", "?1", "?1"},
	{ITEM, "4.2.8", "?0", "?0"},
	{ITEM, "4.2.8", "?2", NULL},
	{ITEM, "4.2.8", "?", NULL},
	{ITEM, "4.2.8", "?true", NULL},
	{ITEM, "4.2.8", "?10", NULL},
	/* 4.2.9 */
	{ITEM, "4.2.9", "@1659578233", "@1659578233"},
	{ITEM, "4.2.9", "@-1", "@-1"},
	{ITEM, "4.2.9", "@1.5", NULL},
	{ITEM, "4.2.9", "@", NULL},
	/* 4.2.10 */
	{ITEM, "4.2.10", "%\"a %c3%bc\"", "ua %c3%bc"},
	{ITEM, "4.2.10", "%\"%e2%82%ac\"", "u%e2%82%ac"},
	{ITEM, "4.2.10", "%\"%22\"", "u%22"},
	{ITEM, "4.2.10", "%\"\"", "u"},
	{ITEM, "4.2.10", "%\"%C3%BC\"", NULL},
	{ITEM, "4.2.10", "%\"%c3\"", NULL},
	{ITEM, "4.2.10", "%\"%c3a\"", NULL},
	{ITEM, "4.2.10", "%\"%ed%a0%80\"", NULL},
	{ITEM, "4.2.10", "%\"%ff\"", NULL},
	{ITEM, "4.2.10", "%\"%2\"", NULL},
	{ITEM, "4.2.10", "%\"a", NULL},
	{ITEM, "4.2.10", "%a\"", NULL},
	/* 4.2.3: an item is all there is */
	{ITEM, "4.2.3", "", NULL},
	{ITEM, "4.2.3", "  1  ", "i1"},
	{ITEM, "4.2.3", "\t1", NULL},
	{ITEM, "4.2.3", "1\t", NULL},
	{ITEM, "4.2.3", "1,", NULL},
	{ITEM, "4.2.3", "(1)", NULL},
	{ITEM, "4.2.3.2", "?1;a;b=2; c", "?1"},
	{ITEM, "4.2.3.2", "?1;", NULL},
	{ITEM, "4.2.3.2", "?1 ;a", NULL},
	{ITEM, "4.2.3.2", "?1;a =1", NULL},
	{ITEM, "4.2.3.2", "?1;A", NULL},
	{ITEM, "4.2.3.2", "?1;a=", NULL},
	{ITEM, "4.2.3.2", "?1;a=(1)", NULL},
	/* 4.2.1 */
	{LIST, "4.2.1", "", ""},
	{LIST, "4.2.1", "   ", ""},
	{LIST, "4.2.1", "a, b,c\t,\td", "ta|tb|tc|td|"},
	{LIST, "4.2.1", "a;x;y=1, b; z=\"q\"", "ta;x=?1;y=i1|tb;z=sq|"},
	{LIST, "4.2.1", "a,", NULL},
	{LIST, "4.2.1", "a, ", NULL},
	{LIST, "4.2.1", ",a", NULL},
	{LIST, "4.2.1", "a,,b", NULL},
	{LIST, "4.2.1", "a b", NULL},
	{LIST, "4.2.1", "a, \"b", NULL},
	/* 4.2.1.2 */
	{LIST, "4.2.1.2", "()", "()|"},
	{LIST, "4.2.1.2", "(  )", "()|"},
	{LIST, "4.2.1.2", "(1 2), ( a  b ;x);y", NULL},
	{LIST, "4.2.1.2", "(1 2), ( a  b;x );y", "( i1 i2)|( ta tb;x=?1);y=?1|"},
	{LIST, "4.2.1.2", "(\"a\";q=1 \"b\");r", "( sa;q=i1 sb);r=?1|"},
	{LIST, "4.2.1.2", "(1", NULL},
	{LIST, "4.2.1.2", "(1 ", NULL},
	{LIST, "4.2.1.2", "(", NULL},
	{LIST, "4.2.1.2", "(1,2)", NULL},
	{LIST, "4.2.1.2", "(1\t2)", NULL},
	{LIST, "4.2.1.2", "(\"a\"\"b\")", NULL},
	{LIST, "4.2.1.2", "((1))", NULL},
	{LIST, "4.2.1.2", "(1))", NULL},
	{LIST, "4.2.1.2", "(1)2", NULL},
	/* 4.2.2 */
	{DICT, "4.2.2", "", ""},
	{DICT, "4.2.2", "a", "a=?1|"},
	{DICT, "4.2.2", "a=1, b;x, c=?0;y=2,*d_-.9=(1)", "a=i1|b=?1;x=?1|c=?0;y=i2|*d_-.9=( i1)|"},
	{DICT, "4.2.2", "a=1,a=2", "a=i1|a=i2|"},
	{DICT, "4.2.2", "a=", NULL},
	{DICT, "4.2.2", "a =1", NULL},
	{DICT, "4.2.2", "a= 1", NULL},
	{DICT, "4.2.2", "A=1", NULL},
	{DICT, "4.2.2", "1=1", NULL},
	{DICT, "4.2.2", "=1", NULL},
	{DICT, "4.2.2", "a,", NULL},
	{DICT, "4.2.2", "a,,b", NULL},
	{DICT, "4.2.2", "a b", NULL},
	{DICT, "4.2.2", "a=1;b;C", NULL},
	{DICT, "4.2.2", "a=1, &&&&&", NULL},
	{DICT, "4.2.2", "max-age=10000, foo bar", NULL},
};

static void test_cases(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNTOF(cases); i++) {
		struct out o, skipped;
		const bool ok = read_text(cases[i].text, cases[i].how, true, &o);

		if (ok != !!cases[i].want || (ok && strcmp(o.text, cases[i].want) != 0))
			fail_msg("RFC 9651 %s: %s: %s", cases[i].rfc, cases[i].text,
				 ok ? o.text : "refused");
		/* the verdict does not depend on what is looked at */
		if (read_text(cases[i].text, cases[i].how, false, &skipped) != ok)
			fail_msg("RFC 9651 %s: %s: skipped, it is otherwise", cases[i].rfc,
				 cases[i].text);
	}
}

/* Several lines are one field (RFC 9651 4.2), known and unknown names alike. */
static void test_lines(void **state)
{
	static const struct {
		const char *lines, *want;
	} rows[] = {
		{"#: a=1\r\n#: b\r\n", "a=i1|b=?1|"},
		{"#: a=1;x\r\nVia: 1.1 a\r\n#: b=(1 2)\r\n#:c\r\n", "a=i1;x=?1|b=( i1 i2)|c=?1|"},
		{"#: a=1,\r\n#: b\r\n", NULL},
		{"#: a=1\r\n#: ,b\r\n", NULL},
		{"#: a=(1\r\n#: 2)\r\n", NULL},
		{"#: a=\"x\r\n#: y\"\r\n", NULL},
		{"#: a\r\n#:\r\n", NULL},
		{"#:\r\n#: a\r\n", NULL},
		{"#:\r\n", ""},
		{"#:\r\n#:\r\n", NULL},
	};
	static const char *const names[] = {"CDN-Cache-Control", "X-Dict"};

	(void)state;
	for (size_t i = 0; i < COUNTOF(rows) * 2; i++) {
		const char *name = names[i % 2], *from = rows[i / 2].lines;
		static struct head h;
		char lines[512] = "";
		struct out o = {"", 0};
		struct sf sf;

		for (; *from; from++)
			snprintf(lines + strlen(lines), sizeof(lines) - strlen(lines), "%s%.1s",
				 *from == '#' ? name : "", *from == '#' ? "" : from);
		struct http_msg *m = parse_head(&h, HTTP_RESPONSE, lines);
		sf_begin_field(&sf, m, http_find_name(m, str_c(name), NULL));
		const bool ok = read_members(&sf, DICT, true, &o);
		if (ok != !!rows[i / 2].want || (ok && strcmp(o.text, rows[i / 2].want) != 0))
			fail_msg("%s: %s", lines, ok ? o.text : "refused");
	}
}

static void test_string(void **state)
{
	struct str rest = STR("a\\\"b\\\\");
	char text[8];
	size_t n = 0;

	(void)state;
	for (int c; (c = sf_string_next(&rest)) >= 0;)
		text[n++] = (char)c;
	assert_true(str_eq(str_of(text, n), STR("a\"b\\")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases),
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_string),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
