/* SPDX-License-Identifier: BSD-2-Clause */
/* Request targets, authorities and path normalisation. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/err.h"
#include "http/target.h"

/* "origin scheme|host|port|path|query"; "-" for a query that is not there. */
static const char *target_text(const struct http_target *t, char *out, size_t size)
{
	static const char *const forms[] = {"none", "origin", "absolute", "authority", "asterisk"};

	snprintf(out, size, "%s %.*s|%.*s|%.*s|%.*s|%.*s", forms[t->form], STR_ARG(t->scheme),
		 STR_ARG(t->host), STR_ARG(t->port), STR_ARG(t->path),
		 STR_ARG(t->query.p ? t->query : STR("-")));
	return out;
}

static void test_targets(void **state)
{
	static const struct {
		const char *rfc;
		enum http_method method;
		const char *target, *text;
	} cases[] = {
		{"RFC 9112 3.2.1", HTTP_METHOD_GET, "/", "origin |||/|-"},
		{"RFC 9112 3.2.1", HTTP_METHOD_GET, "/a/b?c=d", "origin |||/a/b|c=d"},
		{"RFC 9112 3.2.1", HTTP_METHOD_GET, "/a?", "origin |||/a|"},
		{"RFC 9112 3.2.1", HTTP_METHOD_GET, "/a?b?c", "origin |||/a|b?c"},
		{"RFC 9112 3.2.1", HTTP_METHOD_GET, "//h/p", "origin |||//h/p|-"},
		{"RFC 9112 3.2.1", HTTP_METHOD_GET, "/http://h/", "origin |||/http://h/|-"},
		{"RFC 9112 3.2.1", HTTP_METHOD_OPTIONS, "/a", "origin |||/a|-"},
		{"RFC 9112 3.2.1", HTTP_METHOD_OTHER, "/a", "origin |||/a|-"},
		{"RFC 9112 3.2.2", HTTP_METHOD_GET, "http://h/p?q", "absolute http|h||/p|q"},
		{"RFC 9112 3.2.2", HTTP_METHOD_GET, "HTTPS://h:1/", "absolute HTTPS|h|1|/|-"},
		{"RFC 9110 4.2.3", HTTP_METHOD_GET, "http://h", "absolute http|h||/|-"},
		{"RFC 9110 4.2.3", HTTP_METHOD_GET, "http://h?q", "absolute http|h||/|q"},
		{"RFC 3986 3.2.3", HTTP_METHOD_GET, "http://h:/", "absolute http|h||/|-"},
		{"RFC 3986 3.2.2", HTTP_METHOD_GET, "http://[::1]:8/", "absolute http|[::1]|8|/|-"},
		{"RFC 9112 3.2.4", HTTP_METHOD_OPTIONS, "http://h", "absolute http|h||*|-"},
		{"RFC 9112 3.2.4", HTTP_METHOD_OPTIONS, "http://h/", "absolute http|h||/|-"},
		{"RFC 9112 3.2.4", HTTP_METHOD_OPTIONS, "http://h?q", "absolute http|h||/|q"},
		{"RFC 9112 3.2.4", HTTP_METHOD_OPTIONS, "*", "asterisk |||*|-"},
		{"RFC 9112 3.2.3", HTTP_METHOD_CONNECT, "h:443", "authority |h|443||-"},
		{"RFC 9112 3.2.3", HTTP_METHOD_CONNECT, "[::1]:443", "authority |[::1]|443||-"},
		{"RFC 9112 3.2", HTTP_METHOD_GET, "", NULL},
		{"RFC 9112 3.2", HTTP_METHOD_GET, "a", NULL},
		{"RFC 9112 3.2", HTTP_METHOD_GET, "?a", NULL},
		{"RFC 9112 3.2", HTTP_METHOD_GET, "h:80", NULL},
		{"RFC 9112 3.2.4", HTTP_METHOD_GET, "*", NULL},
		{"RFC 9112 3.2.4", HTTP_METHOD_OPTIONS, "**", NULL},
		{"RFC 9112 3.2.3", HTTP_METHOD_CONNECT, "/", NULL},
		{"RFC 9112 3.2.3", HTTP_METHOD_CONNECT, "*", NULL},
		{"RFC 9110 9.3.6", HTTP_METHOD_CONNECT, "h", NULL},
		{"RFC 9110 9.3.6", HTTP_METHOD_CONNECT, "h:", NULL},
		{"RFC 9110 9.3.6", HTTP_METHOD_CONNECT, "h:0", NULL},
		{"RFC 9112 3.2.3", HTTP_METHOD_CONNECT, "http://h:443/", NULL},
		{"RFC 9112 3.2.3", HTTP_METHOD_CONNECT, "h:443/", NULL},
		{"RFC 9112 3.2.2", HTTP_METHOD_GET, "ftp://h/", NULL},
		{"RFC 9112 3.2.2", HTTP_METHOD_GET, "http:/h/", NULL},
		{"RFC 9112 3.2.2", HTTP_METHOD_GET, "http:h", NULL},
		{"RFC 9112 3.2.2", HTTP_METHOD_GET, "://h/", NULL},
		{"RFC 9110 4.2.1", HTTP_METHOD_GET, "http://", NULL},
		{"RFC 9110 4.2.1", HTTP_METHOD_GET, "http:///p", NULL},
		{"RFC 9110 4.2.1", HTTP_METHOD_GET, "http://:80/p", NULL},
		{"RFC 9110 4.2.4", HTTP_METHOD_GET, "http://u@h/", NULL},
		{"RFC 9110 4.2.4", HTTP_METHOD_GET, "http://u:p@h/", NULL},
		{"RFC 9112 3.2", HTTP_METHOD_GET, "/a b", NULL},
		{"RFC 9112 3.2", HTTP_METHOD_GET, "/a\tb", NULL},
		{"RFC 9112 3.2", HTTP_METHOD_GET, "/a#b", NULL},
		{"RFC 9112 3.2", HTTP_METHOD_GET, "/\xc3\xa4", NULL},
		{"RFC 9112 3.2", HTTP_METHOD_GET, "/a\x7f", NULL},
		{"RFC 9112 3.2", HTTP_METHOD_GET, "/0123456789abc\x7fg012", NULL},
		{"RFC 9112 3.2", HTTP_METHOD_GET, "/0123456789abc\xffg012", NULL},
		{"RFC 9112 3.2", HTTP_METHOD_GET, "http://h\\x/", NULL},
	};
	char text[256];

	(void)state;
	for (size_t i = 0; i < COUNTOF(cases); i++) {
		struct http_target t = {0};
		const int r = http_target_parse(str_c(cases[i].target), cases[i].method, &t);

		if (!cases[i].text && r != ERR_SYNTAX)
			fail_msg("%s (%s): accepted", cases[i].target, cases[i].rfc);
		if (!cases[i].text)
			assert_int_equal(t.form, HTTP_TARGET_NONE);
		else if (r || strcmp(target_text(&t, text, sizeof(text)), cases[i].text) != 0)
			fail_msg("%s (%s): %d \"%s\"", cases[i].target, cases[i].rfc, r,
				 target_text(&t, text, sizeof(text)));
	}
}

static void test_authorities(void **state)
{
	static const struct {
		const char *text, *host, *port; /* host NULL: refused */
	} cases[] = {
		{"a", "a", ""},
		{"example.com", "example.com", ""},
		{"example.com:80", "example.com", "80"},
		{"example.com:", "example.com", ""},
		{"example.com:00080", "example.com", "00080"},
		{"a_b-c.d~e", "a_b-c.d~e", ""},
		{"127.0.0.1:65535", "127.0.0.1", "65535"},
		{"[::]", "[::]", ""},
		{"[::ffff:192.0.2.1]:1", "[::ffff:192.0.2.1]", "1"},
		{"[2001:db8:1111:2222:3333:4444:5555:6666]",
		 "[2001:db8:1111:2222:3333:4444:5555:6666]", ""},
		{"", NULL, NULL},
		{":80", NULL, NULL},
		{"a:0", NULL, NULL},
		{"a:65536", NULL, NULL},
		{"a:000080", NULL, NULL},
		{"a:99999999999999999999", NULL, NULL},
		{"a:8 0", NULL, NULL},
		{"a:+80", NULL, NULL},
		{"a:80:80", NULL, NULL},
		{"a b", NULL, NULL},
		{"a\tb", NULL, NULL},
		{"a@b", NULL, NULL},
		{"a/b", NULL, NULL},
		{"a?b", NULL, NULL},
		{"a,b", NULL, NULL},
		{"a%41", NULL, NULL},
		{"a\\b", NULL, NULL},
		{"\xc3\xa4", NULL, NULL},
		{"::1", NULL, NULL},
		{"[", NULL, NULL},
		{"[]", NULL, NULL},
		{"[::1", NULL, NULL},
		{"[::1]x", NULL, NULL},
		{"[::1]]", NULL, NULL},
		{"[127.0.0.1]", NULL, NULL},
		{"[fe80::1%eth0]", NULL, NULL},
		{"[v1.a]", NULL, NULL},
		{"[1111:2222:3333:4444:5555:6666:123.123.123.123]",
		 "[1111:2222:3333:4444:5555:6666:123.123.123.123]", ""},
		{"[1111:2222:3333:4444:5555:6666:123.123.123.1239]", NULL, NULL},
		{"[:::]", NULL, NULL},
		{"[00000000000000000000000000000000000000000000000000::1]", NULL, NULL},
	};

	(void)state;
	for (size_t i = 0; i < COUNTOF(cases); i++) {
		struct str host = STR("untouched"), port = STR("untouched");
		const int r = http_authority_parse(str_c(cases[i].text), &host, &port);

		if ((r == 0) != (cases[i].host != NULL))
			fail_msg("\"%s\": %d", cases[i].text, r);
		if (r == 0)
			assert_true(str_eq(host, str_c(cases[i].host)) &&
				    str_eq(port, str_c(cases[i].port)));
		else
			assert_true(str_eq(host, STR("untouched")) && str_eq(port, host));
	}
	assert_int_equal(http_authority_parse(STR("a\0b"), &(struct str){0}, &(struct str){0}),
			 ERR_SYNTAX);
	assert_int_equal(http_authority_parse(STR("[::1\0]"), &(struct str){0}, &(struct str){0}),
			 ERR_SYNTAX);
}

static void test_paths(void **state)
{
	static const struct {
		const char *rfc, *path, *normal; /* normal NULL: refused */
	} cases[] = {
		{"RFC 3986 6.2.2", "/", "/"},
		{"RFC 3986 6.2.2", "/a/b.c/", "/a/b.c/"},
		{"RFC 9112 3.2.4", "*", "*"},
		{"RFC 3986 6.2.2.2", "/%61%7E%2d%5F%2E%39", "/a~-_.9"},
		{"RFC 3986 6.2.2.1", "/%2f%3a%c3%A4", "/%2F%3A%C3%A4"},
		{"RFC 3986 6.2.2.2", "/%2561", "/%2561"},
		{"RFC 3986 6.2.2.3", "/a/./b", "/a/b"},
		{"RFC 3986 6.2.2.3", "/a/../b", "/b"},
		{"RFC 3986 6.2.2.3", "/a/b/..", "/a/"},
		{"RFC 3986 6.2.2.3", "/a/b/.", "/a/b/"},
		{"RFC 3986 6.2.2.3", "/.", "/"},
		{"RFC 3986 6.2.2.3", "/./", "/"},
		{"RFC 3986 6.2.2.3", "/a/..", "/"},
		{"RFC 3986 5.4.1", "/b/c/d/../../g", "/b/g"},
		{"RFC 3986 5.4.2", "/b/c/g;x=1/../y", "/b/c/y"},
		{"RFC 3986 5.4.2", "/b/c/..g", "/b/c/..g"},
		{"RFC 3986 5.4.2", "/b/c/g..", "/b/c/g.."},
		{"RFC 3986 5.4.2", "/b/c/...", "/b/c/..."},
		{"RFC 3986 5.4.2", "/b/c/.g", "/b/c/.g"},
		{"RFC 3986 6.2.2", "/a/%2e%2E/b", "/b"},
		{"RFC 3986 6.2.2", "/a/.%2e/b", "/b"},
		{"RFC 3986 6.2.2", "/a/%2e/b", "/a/b"},
		{"RFC 3986 3.3", "/a//b", "/a//b"},
		{"RFC 3986 3.3", "//", "//"},
		{"RFC 3986 5.2.4", "//../a", "/a"},
		{"RFC 3986 5.2.4", "/a//../b", "/a/b"},
		{"RFC 3986 5.2.4", "/..", NULL},
		{"RFC 3986 5.2.4", "/../a", NULL},
		{"RFC 3986 5.2.4", "/a/../../b", NULL},
		{"RFC 3986 5.2.4", "/%2e%2e/a", NULL},
		{"RFC 3986 5.2.4", "/./..", NULL},
		{"RFC 3986 2.1", "/%", NULL},
		{"RFC 3986 2.1", "/%4", NULL},
		{"RFC 3986 2.1", "/a%4", NULL},
		{"RFC 3986 2.1", "/%g0", NULL},
		{"RFC 3986 2.1", "/%0g", NULL},
		{"RFC 3986 2.1", "/% 41", NULL},
		{"RFC 3986 7.3", "/a%00b", NULL},
		{"RFC 9112 3.2.1", "", NULL},
		{"RFC 9112 3.2.1", "a", NULL},
	};

	(void)state;
	for (size_t i = 0; i < COUNTOF(cases); i++) {
		const struct str path = str_c(cases[i].path);
		char *out = malloc(path.n ? path.n : 1), *again = malloc(path.n ? path.n : 1);
		const ssize_t n = http_path_normalise(path, out);

		if (!cases[i].normal)
			assert_int_equal(n, ERR_SYNTAX);
		else if (n < 0 || !str_eq(str_of(out, (size_t)n), str_c(cases[i].normal)))
			fail_msg("%s (%s): %.*s", cases[i].path, cases[i].rfc, n < 0 ? 0 : (int)n,
				 out);
		else /* the normal form is its own normal form */
			assert_true(http_path_normalise(str_of(out, (size_t)n), again) == n &&
				    memcmp(out, again, (size_t)n) == 0);
		free(out);
		free(again);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_targets),
		cmocka_unit_test(test_authorities),
		cmocka_unit_test(test_paths),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
