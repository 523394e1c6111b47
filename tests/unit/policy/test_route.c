/* SPDX-License-Identifier: BSD-2-Clause */
#include "policy/route.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/err.h"

/* A rule of a test table in one line; lists are separated by blanks. */
struct rule_row {
	const char *hosts, *path, *methods;
};

struct find_row {
	const char *host, *path, *method;
	int want;
};

enum { LIST_MAX = 8 };

struct lists {
	char text[256];
	const char *items[LIST_MAX];
	size_t n;
};

static void split(struct lists *l, const char *text)
{
	char *save = NULL;

	snprintf(l->text, sizeof(l->text), "%s", text ? text : "");
	l->n = 0;
	for (char *at = strtok_r(l->text, " ", &save); at; at = strtok_r(NULL, " ", &save))
		l->items[l->n++] = at;
}

/* "= /x" and "~ x" as in the configuration file. */
static void set_path(struct route_rule *r, const char *path)
{
	r->path_kind = ROUTE_PREFIX;
	r->path = path;
	if (path && (path[0] == '=' || path[0] == '~')) {
		r->path_kind = path[0] == '=' ? ROUTE_EXACT : ROUTE_REGEX;
		r->path = path + 2;
	}
}

static int compile(const struct rule_row *rows, size_t n, struct route_table **out,
		   struct route_error *error)
{
	struct route_rule *rules = calloc(n + 1, sizeof(*rules));
	struct lists *hosts = calloc(n + 1, sizeof(*hosts));
	struct lists *methods = calloc(n + 1, sizeof(*methods));

	for (size_t i = 0; i < n; i++) {
		split(&hosts[i], rows[i].hosts);
		split(&methods[i], rows[i].methods);
		rules[i].hosts = hosts[i].items;
		rules[i].n_hosts = hosts[i].n;
		rules[i].methods = methods[i].items;
		rules[i].n_methods = methods[i].n;
		set_path(&rules[i], rows[i].path);
	}
	int rc = route_compile(rules, n, out, error);
	free(rules);
	free(hosts);
	free(methods);
	return rc;
}

static void run(const struct rule_row *rules, size_t n_rules, const struct find_row *rows, size_t n)
{
	struct route_table *t = NULL;

	assert_int_equal(compile(rules, n_rules, &t, NULL), 0);
	for (size_t i = 0; i < n; i++) {
		int got = route_find(t, str_c(rows[i].host), str_c(rows[i].path),
				     str_c(rows[i].method));
		if (got != rows[i].want)
			fail_msg("%s %s%s: route %d, not %d", rows[i].method, rows[i].host,
				 rows[i].path, got, rows[i].want);
	}
	route_table_free(&t);
	assert_null(t);
}

static void hosts(void **state)
{
	static const struct rule_row rules[] = {
		/* 0 */ {NULL, NULL, NULL},
		/* 1 */ {"*.example", NULL, NULL},
		/* 2 */ {"*.shop.example", NULL, NULL},
		/* 3 */ {"shop.example other.example", NULL, NULL},
		/* 4 */ {"SHOP.example", "/late", NULL},
		/* 5 */ {"*.shop.example", "/only-here", NULL},
		/* 6 */ {"[::1]", NULL, NULL},
		/* 7 */ {"* x.test", "/star", NULL},
		/* 8 */ {"dot.test.", NULL, NULL},
		/* 9 */ {"strict.shop.example", "/p", NULL},
	};
	static const struct find_row rows[] = {
		{"shop.example", "/", "GET", 3},
		{"Shop.EXAMPLE", "/", "GET", 3},
		{"shop.example.", "/", "GET", 3},
		{"other.example", "/x", "GET", 3},
		{"shop.example", "/late", "GET", 4},
		{"a.example", "/", "GET", 1},
		{"a.b.example", "/", "GET", 1},
		{"example", "/", "GET", 0},
		{".example", "/", "GET", 0},
		{"a.shop.example", "/", "GET", 2},
		{"a.b.c.shop.example", "/", "GET", 2},
		{"xshop.example", "/", "GET", 1},
		{"a.shop.example", "/only-here", "GET", 5},
		{"shop.example", "/only-here", "GET", 3},
		{"[::1]", "/", "GET", 6},
		{"", "/", "GET", 0},
		{".", "/", "GET", 0},
		{"nowhere.test", "/", "GET", 0},
		{"nowhere.test", "/star", "GET", 7},
		{"x.test", "/star/y", "GET", 7},
		{"dot.test", "/", "GET", 8},
		/* no path of the exact host matches: the next host is looked at */
		{"strict.shop.example", "/p/1", "GET", 9},
		{"strict.shop.example", "/q", "GET", 2},
	};

	(void)state;
	run(rules, COUNTOF(rules), rows, COUNTOF(rows));
}

static void paths(void **state)
{
	static const struct rule_row rules[] = {
		/* 0 */ {NULL, "/api", NULL},
		/* 1 */ {NULL, "/api/", NULL},
		/* 2 */ {NULL, "/api/v1", NULL},
		/* 3 */ {NULL, "= /api/v1/exact", NULL},
		/* 4 */ {NULL, "~ \\.(png|jpg)$", NULL},
		/* 5 */ {NULL, "~ ^/img/", NULL},
		/* 6 */ {NULL, "/img/long/prefix", NULL},
		/* 7 */ {NULL, "/a", NULL},
		/* 8 */ {NULL, "/ap", NULL},
		/* 9 */ {NULL, "/dir/", NULL},
		/* 10 */ {NULL, "/caf\xc3\xa9/%7euser", NULL},
		/* 11 */ {NULL, "= *", "OPTIONS"},
		/* 12 */ {NULL, "= /dir", NULL},
		/* 13 */ {NULL, "~ (?i)^/case$", NULL},
	};
	static const struct find_row rows[] = {
		{"h", "/api", "GET", 0},
		{"h", "/api/", "GET", 1},
		{"h", "/api/x", "GET", 1},
		{"h", "/apix", "GET", ROUTE_NONE},
		{"h", "/api/v1", "GET", 2},
		{"h", "/api/v1/", "GET", 2},
		{"h", "/api/v1/y/z", "GET", 2},
		{"h", "/api/v10", "GET", 1},
		{"h", "/api/v1/exact", "GET", 3},
		{"h", "/api/v1/exact/", "GET", 2},
		{"h", "/api/v1/x.png", "GET", 4},
		{"h", "/api/v1/x.pngx", "GET", 2},
		{"h", "/img/x.jpg", "GET", 4},
		{"h", "/img/long/prefix/x", "GET", 5},
		{"h", "/a", "GET", 7},
		{"h", "/a/b", "GET", 7},
		{"h", "/ap/i", "GET", 8},
		{"h", "/app", "GET", ROUTE_NONE},
		{"h", "/dir", "GET", 12},
		{"h", "/dir/", "GET", 9},
		{"h", "/dirx", "GET", ROUTE_NONE},
		{"h", "/caf%C3%A9/~user/x", "GET", 10},
		{"h", "/", "GET", ROUTE_NONE},
		{"h", "*", "OPTIONS", 11},
		{"h", "*", "GET", ROUTE_NONE},
		{"h", "/CASE", "GET", 13},
		{"h", "", "GET", ROUTE_NONE},
	};

	(void)state;
	run(rules, COUNTOF(rules), rows, COUNTOF(rows));
}

static void methods(void **state)
{
	static const struct rule_row rules[] = {
		/* 0 */ {NULL, "/", NULL},
		/* 1 */ {NULL, "/m", NULL},
		/* 2 */ {NULL, "/m", "GET HEAD"},
		/* 3 */ {NULL, "/m", "GET"},
		/* 4 */ {NULL, "/post", "POST"},
		/* 5 */ {NULL, "= /post/x", "PUT"},
		/* 6 */ {"h", "/m/deep", "DELETE"},
		/* 7 */ {NULL, "~ ^/r", NULL},
		/* 8 */ {NULL, "~ ^/r", "GET"},
		/* 9 */ {NULL, "~ ^/s", "POST"},
		/* 10 */ {NULL, "~ ^/s(?#second)", NULL},
		/* 11 */ {NULL, "/", NULL},
	};
	static const struct find_row rows[] = {
		{"h", "/m", "GET", 2},
		{"h", "/m", "HEAD", 2},
		{"h", "/m", "POST", 1},
		{"h", "/m", "get", 1}, /* methods are case-sensitive, RFC 9110 9.1 */
		{"h", "/post", "POST", 4},
		{"h", "/post", "GET", 0},
		{"h", "/post/x", "PUT", 5},
		{"h", "/post/x", "POST", 4},
		{"h", "/post/x", "GET", 0},
		{"h", "/m/deep", "DELETE", 6},
		{"h", "/m/deep", "GET", 2},
		{"h", "/r", "GET", 8},
		{"h", "/r", "PUT", 7},
		{"h", "/s", "POST", 9},
		{"h", "/s", "GET", 10},
		{"h", "*", "OPTIONS", 0},
	};

	(void)state;
	run(rules, COUNTOF(rules), rows, COUNTOF(rows));
}

static void nothing_configured(void **state)
{
	static const struct find_row rows[] = {{"h", "/", "GET", ROUTE_NONE}};

	(void)state;
	run(NULL, 0, rows, COUNTOF(rows));
}

static void errors(void **state)
{
	static const struct {
		struct rule_row rule;
		size_t offset;
		const char *text;
	} rows[] = {
		{{NULL, "~ ^/(a|b", NULL}, 6, "missing closing parenthesis"},
		{{NULL, "~ [z-a]", NULL}, 3, "range out of order in character class"},
		{{NULL, "~ (*UTF)x", NULL}, 6, "using UTF is disabled by the application"},
		{{NULL, "api", NULL}, 0, "a path begins with '/'"},
		{{NULL, "= ", NULL}, 0, "a path begins with '/'"},
		{{NULL, "/a?b", NULL}, 2, "a path has no query and no fragment"},
		{{NULL, "/%zz", NULL}, 0, "malformed escape, or a path above the root"},
		{{NULL, "/../x", NULL}, 0, "malformed escape, or a path above the root"},
		{{"*x.example", NULL, NULL}, 1, "a wildcard looks like *.example.com"},
		{{"*.", NULL, NULL}, 1, "a wildcard looks like *.example.com"},
		{{".example", NULL, NULL}, 0, "a wildcard looks like *.example.com"},
		{{"http://x", NULL, NULL}, 5, "not allowed in a host name (no port, no scheme)"},
		{{"a.*.b", NULL, NULL}, 2, "not allowed in a host name (no port, no scheme)"},
	};

	(void)state;
	for (size_t i = 0; i < COUNTOF(rows); i++) {
		struct rule_row rules[2] = {{NULL, "/fine", NULL}, rows[i].rule};
		struct route_table *t = NULL;
		struct route_error e = {0};
		assert_int_equal(compile(rules, 2, &t, &e), ERR_SYNTAX);
		assert_null(t);
		assert_int_equal(e.rule, 1);
		assert_string_equal(e.text, rows[i].text);
		if (e.offset != rows[i].offset)
			fail_msg("%s: offset %zu", e.what, e.offset);
	}
}

/* A pattern that would take years must end in a refusal, soon. */
static void regex_budget(void **state)
{
	static const struct rule_row rules[] = {
		{NULL, "~ ^/(a+)+$", NULL},
		{NULL, "/", NULL},
	};
	struct route_table *t = NULL;
	char path[5000];

	(void)state;
	memset(path, 'a', sizeof(path));
	path[0] = '/';
	assert_int_equal(compile(rules, 2, &t, NULL), 0);
	assert_int_equal(route_find(t, STR("h"), str_of(path, 60), STR("GET")), 0);
	path[59] = '!';
	assert_int_equal(route_find(t, STR("h"), str_of(path, 60), STR("GET")), ROUTE_LIMIT);
	assert_int_equal(route_find(t, STR("h"), STR("/b"), STR("GET")), 1);
	/* paths beyond what expressions look at */
	assert_int_equal(route_find(t, STR("h"), str_of(path, 5000), STR("GET")), ROUTE_LIMIT);
	route_table_free(&t);
}

static void explains(void **state)
{
	static const struct rule_row rules[] = {
		{NULL, NULL, NULL},
		{"*.example", "/api/", NULL},
		{"shop.example", "= /x", "GET"},
		{"shop.example", "~ ^/y", NULL},
		{NULL, "/none", "PUT"},
	};
	static const struct {
		struct find_row find;
		const char *text;
	} rows[] = {
		{{"shop.example", "/x", "GET", 2},
		 "host shop.example, path exactly /x, method GET"},
		{{"shop.example", "/y1", "GET", 3},
		 "host shop.example, first matching expression ^/y, any method"},
		{{"a.example", "/api/z", "PUT", 1},
		 "host *.example, longest matching prefix /api/, any method"},
		{{"b", "/none", "GET", 0},
		 "any host, any path, any method (passed over by method: 1)"},
	};
	struct route_table *t = NULL;
	struct buf b = BUF_INIT;

	(void)state;
	assert_int_equal(compile(rules, COUNTOF(rules), &t, NULL), 0);
	for (size_t i = 0; i < COUNTOF(rows); i++) {
		const struct find_row *f = &rows[i].find;
		buf_reset(&b);
		route_explain(t, str_c(f->host), str_c(f->path), str_c(f->method), &b);
		buf_char(&b, '\0');
		assert_string_equal(b.p, rows[i].text);
	}
	buf_fini(&b);
	route_table_free(&t);
}

/* Against a slow model: try every prefix of the path. */
static int slow_prefix(const char (*prefixes)[32], size_t n, const char *path)
{
	int best = ROUTE_NONE;
	size_t best_n = 0;

	for (size_t i = 0; i < n; i++) {
		size_t len = strlen(prefixes[i]);
		if (strncmp(path, prefixes[i], len) != 0)
			continue;
		if (path[len] != '\0' && path[len] != '/' && prefixes[i][len - 1] != '/')
			continue;
		if (best < 0 || len > best_n) {
			best = (int)i;
			best_n = len;
		}
	}
	return best;
}

static void random_path(unsigned *seed, char out[32])
{
	static const char *const parts[] = {"/", "/a", "/ab", "/b", "a", "b", "/aa"};
	size_t n = 1 + (size_t)rand_r(seed) % 5;

	strcpy(out, "/");
	for (size_t i = 0; i < n; i++)
		strcat(out, parts[(size_t)rand_r(seed) % COUNTOF(parts)]);
}

static void prefixes_against_a_model(void **state)
{
	enum { RULES = 60 };
	static char prefixes[RULES][32];
	struct rule_row rules[RULES] = {{0}};
	unsigned seed = 1;

	(void)state;
	for (int round = 0; round < 50; round++) {
		struct route_table *t = NULL;
		for (size_t i = 0; i < RULES; i++) {
			do
				random_path(&seed, prefixes[i]);
			while (prefixes[i][1] == '\0');
			rules[i].path = prefixes[i];
		}
		assert_int_equal(compile(rules, RULES, &t, NULL), 0);
		for (int i = 0; i < 500; i++) {
			char path[32];
			random_path(&seed, path);
			int want = slow_prefix(prefixes, RULES, path);
			int got = route_find(t, STR("h"), str_c(path), STR("GET"));
			if (got != want)
				fail_msg("%s: %d, not %d", path, got, want);
		}
		route_table_free(&t);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hosts),    cmocka_unit_test(paths),
		cmocka_unit_test(methods),  cmocka_unit_test(nothing_configured),
		cmocka_unit_test(errors),   cmocka_unit_test(regex_budget),
		cmocka_unit_test(explains), cmocka_unit_test(prefixes_against_a_model),
	};

	return cmocka_run_group_tests_name("policy/route", tests, NULL, NULL);
}
