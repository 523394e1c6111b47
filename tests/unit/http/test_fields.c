/* SPDX-License-Identifier: BSD-2-Clause */
/* Known names, and walking the fields and lists of a parsed message. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "http/parse.h"
#include "http/write.h"

static struct http_field fields[32];
static struct http_msg msg;

static void parse(const char *head)
{
	struct http_parser p;

	msg.fields = fields;
	msg.max_fields = COUNTOF(fields);
	http_parser_init(&p, &msg, HTTP_REQUEST, 4096);
	assert_int_equal(http_parse(&p, head, strlen(head)), HTTP_DONE);
}

/* Every row is found in any case, and not when a byte is changed, added or cut off. */
static void test_lookup(void **state)
{
	(void)state;
	for (int id = 1; id < HTTP_FIELD_COUNT; id++) {
		const struct str text = http_field_text(id);
		char name[64];

		for (size_t i = 0; i < text.n; i++) /* mixed case */
			name[i] = i % 2 ? ascii_lower(text.p[i]) : text.p[i];
		assert_int_equal(http_field_lookup(text), id);
		assert_int_equal(http_field_lookup(str_of(name, text.n)), id);
		for (size_t i = 0; i < text.n; i++) {
			const char kept = name[i];

			name[i] = '~';
			assert_int_equal(http_field_lookup(str_of(name, text.n)), HTTP_FIELD_OTHER);
			name[i] = kept;
		}
		name[text.n] = 'x';
		assert_int_equal(http_field_lookup(str_of(name, text.n + 1)), HTTP_FIELD_OTHER);
		assert_int_not_equal(http_field_lookup(str_of(name, text.n - 1)), id);
	}
}

static void test_lookup_odd(void **state)
{
	(void)state;
	assert_int_equal(http_field_lookup(STR_NONE), HTTP_FIELD_OTHER);
	assert_int_equal(http_field_lookup(STR("x")), HTTP_FIELD_OTHER);
	/* CR with bit 5 set is '-' */
	assert_int_equal(http_field_lookup(STR("content\rlength")), HTTP_FIELD_OTHER);
	assert_int_equal(http_field_lookup(STR("content length")), HTTP_FIELD_OTHER);
	assert_true(http_field_flags(HTTP_FIELD_CONNECTION) & HTTP_FIELD_IS_HOP);
	assert_true(http_field_flags(HTTP_FIELD_VARY) & HTTP_FIELD_IS_LIST);
	assert_true(http_field_flags(HTTP_FIELD_HOST) & HTTP_FIELD_IS_SINGLE);
	assert_int_equal(http_field_flags(HTTP_FIELD_OTHER), 0);
}

/* RFC 9110 9.2 */
static void test_methods(void **state)
{
	(void)state;
	for (int m = 1; m < HTTP_METHOD_COUNT; m++)
		assert_int_equal(http_method_lookup(http_method_text(m)), m);
	assert_int_equal(http_method_lookup(STR("get")), HTTP_METHOD_OTHER);
	assert_int_equal(http_method_lookup(STR("GETS")), HTTP_METHOD_OTHER);
	assert_int_equal(http_method_lookup(STR_NONE), HTTP_METHOD_OTHER);
	assert_true(http_method_safe(HTTP_METHOD_GET) && http_method_idempotent(HTTP_METHOD_GET));
	assert_true(!http_method_safe(HTTP_METHOD_PUT) && http_method_idempotent(HTTP_METHOD_PUT));
	assert_true(!http_method_safe(HTTP_METHOD_POST));
	assert_true(!http_method_idempotent(HTTP_METHOD_POST));
	assert_true(!http_method_safe(HTTP_METHOD_OTHER));
	assert_true(!http_method_idempotent(HTTP_METHOD_OTHER));
}

static void test_find(void **state)
{
	struct http_field *f;

	(void)state;
	parse("GET / HTTP/1.1\r\nX-A: 1\r\nHost: h\r\nVia: a\r\nx-a: 2\r\nVIA: b\r\n\r\n");
	assert_null(http_find(&msg, HTTP_FIELD_COOKIE));
	assert_null(http_value(&msg, HTTP_FIELD_COOKIE).p);
	assert_true(str_eq(http_value(&msg, HTTP_FIELD_HOST), STR("h")));
	f = http_find(&msg, HTTP_FIELD_VIA);
	assert_true(str_eq(http_field_value(&msg, f), STR("a")));
	f = http_find_next(&msg, f);
	assert_true(str_eq(http_field_value(&msg, f), STR("b")));
	assert_true(str_eq(http_field_name(&msg, f), STR("VIA")));
	assert_null(http_find_next(&msg, f));
	f = http_find_name(&msg, STR("X-a"), NULL);
	assert_true(str_eq(http_field_value(&msg, f), STR("1")));
	f = http_find_name(&msg, STR("X-a"), f);
	assert_true(str_eq(http_field_value(&msg, f), STR("2")));
	assert_null(http_find_name(&msg, STR("X-a"), f));
	assert_null(http_find_name(&msg, STR("X-b"), NULL));
}

/* RFC 9110 5.6.1 and 5.6.4; members joined by '|'. */
static void test_list_next(void **state)
{
	static const struct {
		const char *list, *members;
	} cases[] = {
		{"", ""},
		{"a", "a|"},
		{"a,b", "a|b|"},
		{" a , b\t,c ", "a|b|c|"},
		{",,a, ,b,,", "a|b|"},
		{"a;q=\"x,y\", b", "a;q=\"x,y\"|b|"},
		{"\"a\\\",b\",c", "\"a\\\",b\"|c|"},
		{"\"a,b", "\"a,b|"},
		{"a\\,b", "a\\|b|"},
		{"\"a\\", "\"a\\|"},
	};

	(void)state;
	for (size_t i = 0; i < COUNTOF(cases); i++) {
		struct str rest = str_c(cases[i].list), member;
		char joined[64] = "";

		while (http_list_next(&rest, &member))
			sprintf(joined + strlen(joined), "%.*s|", STR_ARG(member));
		assert_string_equal(joined, cases[i].members);
	}
}

static void test_list_has(void **state)
{
	(void)state;
	parse("GET / HTTP/1.1\r\nHost: h\r\nAccept-Encoding: gzip;q=0.5, BR ;x\r\n"
	      "Accept-Encoding: zstd\r\n\r\n");
	assert_true(http_list_has(&msg, HTTP_FIELD_ACCEPT_ENCODING, STR("gzip")));
	assert_true(http_list_has(&msg, HTTP_FIELD_ACCEPT_ENCODING, STR("br")));
	assert_true(http_list_has(&msg, HTTP_FIELD_ACCEPT_ENCODING, STR("ZSTD")));
	assert_false(http_list_has(&msg, HTTP_FIELD_ACCEPT_ENCODING, STR("gz")));
	assert_false(http_list_has(&msg, HTTP_FIELD_ACCEPT_ENCODING, STR("x")));
	assert_false(http_list_has(&msg, HTTP_FIELD_TE, STR("gzip")));
}

static void test_value_checks(void **state)
{
	(void)state;
	assert_true(http_is_token(STR("X-Foo")));
	assert_false(http_is_token(STR("")));
	assert_false(http_is_token(STR("X Foo")));
	assert_false(http_is_token(STR("X:")));
	assert_true(http_is_value(STR("")));
	assert_true(http_is_value(STR("a\tb \xff")));
	assert_false(http_is_value(STR(" a")));
	assert_false(http_is_value(STR("a\t")));
	assert_false(http_is_value(STR("a\r\nX: y")));
	assert_false(http_is_value(STR("a\0")));
	assert_false(http_is_value(STR("0123456789abcdef0123456789abcdef\x7f")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lookup),	     cmocka_unit_test(test_lookup_odd),
		cmocka_unit_test(test_methods),	     cmocka_unit_test(test_find),
		cmocka_unit_test(test_list_next),    cmocka_unit_test(test_list_has),
		cmocka_unit_test(test_value_checks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
