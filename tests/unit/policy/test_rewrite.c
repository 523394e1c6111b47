/* SPDX-License-Identifier: BSD-2-Clause */
#include "policy/rewrite.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/err.h"

static void targets(void **state)
{
	static const struct {
		const char *strip, *add, *target, *want;
	} rows[] = {
		{"", "", "/a/b?c=d", "/a/b?c=d"},
		{"", "", "//a/%2e%2E/b?", "//a/%2e%2E/b?"},
		{"/api", "", "/api/x?y=/api", "/x?y=/api"},
		{"/api", "", "/api", "/"},
		{"/api", "", "/api/", "/"},
		{"/api", "", "/api?q", "/?q"},
		{"/api", "", "/apix", "/apix"},
		{"/api", "", "/ap", "/ap"},
		{"/api", "", "/other", "/other"},
		{"/api/", "", "/api/x", "/x"},
		{"/api/", "", "/api", "/api"},
		{"/", "", "/x", "/x"},
		/* matched in normal form, the rest as it came */
		{"/api", "", "/%61p%69/%7ex/%2f", "/%7ex/%2f"},
		{"/%61pi", "", "/api/x", "/x"},
		{"/a%2fb", "", "/a%2Fb/c", "/c"},
		{"/a/b", "", "/a%2Fb/c", "/a%2Fb/c"},
		{"/a%2Fb", "", "/a/b/c", "/a/b/c"},
		{"/api", "", "/api%2Fx", "/api%2Fx"},
		{"/caf%C3%A9", "", "/caf%c3%a9/x", "/x"},
		/* no "//host" comes out of it */
		{"/api", "", "/api//evil.example/x", "/evil.example/x"},
		{"/api", "", "/api///", "/"},
		{"/api", "", "//api/x", "//api/x"},
		{"", "/v2", "//evil.example", "/v2/evil.example"},
		/* dot segments: the normal form goes on, because that is what was routed */
		{"/api", "", "/api/../admin", "/api/../admin"},
		{"/api", "", "/x/../api/y", "/y"},
		{"/api", "", "/api/./%2e%2E/api/y/%7e", "/y/~"},
		{"/api", "", "/api/x/..", "/"},
		{"", "/v2", "/a/../b", "/v2/b"},
		{"/api", "/v2", "/api/.../..x/.y", "/v2/.../..x/.y"},
		/* both */
		{"/api", "/v2", "/api/x", "/v2/x"},
		{"/api", "/v2", "/api", "/v2"},
		{"/api", "/v2", "/api/", "/v2/"},
		{"/api/", "/v2", "/api/x", "/v2/x"},
		{"/api", "/v2/", "/api/x", "/v2/x"},
		{"/api", "/v2/", "/api", "/v2/"},
		{"/api", "/v2", "/other", "/v2/other"},
		{"/api", "/", "/api/x", "/x"},
		{"", "/v2", "/", "/v2/"},
		{"", "/v2", "/?a", "/v2/?a"},
	};

	(void)state;
	for (size_t i = 0; i < COUNTOF(rows); i++) {
		struct rewrite r = {str_c(rows[i].strip), str_c(rows[i].add)};
		struct http_target t;
		char normal[256];
		assert_int_equal(rewrite_check(&r), 0);
		assert_int_equal(http_target_parse(str_c(rows[i].target), HTTP_METHOD_GET, &t), 0);
		ssize_t normal_n = http_path_normalise(t.path, normal);
		assert_true(normal_n > 0);
		/* exactly the promised room, so that a sanitizer sees one byte more */
		size_t room = rewrite_room(&r, &t);
		char *out = malloc(room);
		ssize_t n = rewrite_target(&r, &t, str_of(normal, (size_t)normal_n), out, room);
		assert_true(n > 0);
		if (!str_eq(str_of(out, (size_t)n), str_c(rows[i].want)))
			fail_msg("row %zu %s: \"%.*s\", not \"%s\"", i, rows[i].target, (int)n, out,
				 rows[i].want);
		assert_int_equal(
			rewrite_target(&r, &t, str_of(normal, (size_t)normal_n), out, room - 1),
			ERR_LIMIT);
		free(out);
	}
}

static void asterisk(void **state)
{
	struct rewrite r = {STR("/api"), STR("/v2")};
	struct http_target t;
	char out[32];

	(void)state;
	assert_int_equal(http_target_parse(STR("*"), HTTP_METHOD_OPTIONS, &t), 0);
	assert_int_equal(rewrite_target(&r, &t, STR("*"), out, sizeof(out)), 1);
	assert_int_equal(out[0], '*');
}

static void bad_prefixes(void **state)
{
	static const char *const rows[] = {"api",  "/a b", "/a?b",  "/a#b",   "/%",    "/%4",
					   "/%zz", "/%00", "/a/..", "/%2e/x", "/\xc3", "/x\n"};

	(void)state;
	for (size_t i = 0; i < COUNTOF(rows); i++) {
		struct rewrite strip = {str_c(rows[i]), STR("")}, add = {STR(""), str_c(rows[i])};
		if (rewrite_check(&strip) != ERR_SYNTAX || rewrite_check(&add) != ERR_SYNTAX)
			fail_msg("\"%s\" is taken", rows[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(targets),
		cmocka_unit_test(asterisk),
		cmocka_unit_test(bad_prefixes),
	};

	return cmocka_run_group_tests_name("policy/rewrite", tests, NULL, NULL);
}
