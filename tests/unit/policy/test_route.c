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

/*
 * Against a slow model that looks at every rule and ranks those that match, as route.h says.
 */
struct model_rank {
	int host; /* longer is better; an exact name beats every wildcard */
	int path; /* exact 1000; expression 500 - first rule with it; prefix: its length */
	int method;
	int order;
};

static int model_host(const char *hosts, const char *host)
{
	struct lists l;
	int best = -1;

	split(&l, hosts);
	if (l.n == 0)
		return 0;
	for (size_t i = 0; i < l.n; i++) {
		const char *want = l.items[i];
		size_t n = strlen(want + 1), host_n = strlen(host);
		if (strcmp(want, host) == 0)
			best = 1000;
		else if (want[0] == '*' && host_n > n && strcmp(host + host_n - n, want + 1) == 0)
			best = MAX(best, (int)n);
	}
	return best;
}

static int model_path(const struct rule_row *rules, size_t i, const char *path)
{
	const char *want = rules[i].path;
	size_t n = strlen(want), path_n = strlen(path), first = 0;

	if (want[0] == '=')
		return strcmp(want + 2, path) == 0 ? 1000 : -1;
	if (want[0] == '/') {
		if (n == 1)
			return 0;
		if (strncmp(path, want, n) != 0)
			return -1;
		return path[n] == '\0' || path[n] == '/' || want[n - 1] == '/' ? (int)n : -1;
	}
	/* "~ ^start" or "~ end$" */
	if (want[2] == '^' ? strncmp(path, want + 3, n - 3) != 0
			   : strncmp(path + path_n - (n - 3), want + 2, n - 3) != 0)
		return -1;
	while (strcmp(rules[first].path, want) != 0)
		first++;
	return 500 - (int)first;
}

static int model_method(const char *methods, const char *method)
{
	if (!methods)
		return 0;
	return strstr(methods, method) ? 1 : -1;
}

static bool better(const struct model_rank *a, const struct model_rank *b)
{
	if (a->host != b->host)
		return a->host > b->host;
	if (a->path != b->path)
		return a->path > b->path;
	if (a->method != b->method)
		return a->method > b->method;
	return a->order < b->order;
}

static int model_find(const struct rule_row *rules, size_t n, const char *host, const char *path,
		      const char *method)
{
	struct model_rank best = {.host = -1};

	for (size_t i = 0; i < n; i++) {
		struct model_rank r = {
			.host = model_host(rules[i].hosts, host),
			.path = model_path(rules, i, path),
			.method = model_method(rules[i].methods, method),
			.order = (int)i,
		};
		if (r.host < 0 || r.path < 0 || r.method < 0)
			continue;
		if (best.host < 0 || better(&r, &best))
			best = r;
	}
	return best.host < 0 ? ROUTE_NONE : best.order;
}

static const char *one_of(unsigned *seed, const char *const *list, size_t n)
{
	return list[(size_t)rand_r(seed) % n];
}

static void random_path(unsigned *seed, char *out)
{
	static const char *const parts[] = {"/", "/a", "/ab", "/b", "a", "b", "/aa"};
	size_t n = 1 + (size_t)rand_r(seed) % 5;

	strcpy(out, "/");
	for (size_t i = 0; i < n; i++)
		strcat(out, one_of(seed, parts, COUNTOF(parts)));
}

/* Expressions come once each: then "the first with it" does not depend on the host. */
static void random_rule(unsigned *seed, size_t i, struct rule_row *rule, char path[40])
{
	static const char *const hosts[] = {NULL,  NULL,    "x.a",	 "*.a",
					    "y.a", "*.x.a", "*.a *.b.c", "b.c x.a *.c"};
	static const char *const methods[] = {NULL, NULL, "GET", "POST PUT", "PUT"};
	static const char *const expressions[] = {"~ ^/a", "~ b$", "~ ^/ab/", "~ a$"};

	rule->hosts = one_of(seed, hosts, COUNTOF(hosts));
	rule->methods = one_of(seed, methods, COUNTOF(methods));
	rule->path = path;
	if (i < COUNTOF(expressions)) {
		strcpy(path, expressions[i]);
	} else if (rand_r(seed) % 4 == 0) {
		strcpy(path, "= ");
		random_path(seed, path + 2);
	} else {
		random_path(seed, path);
	}
}

static void against_a_model(void **state)
{
	static const char *const hosts[] = {"x.a", "y.a", "z.x.a", "a", "b.c", "d.b.c", "c", "w"};
	static const char *const methods[] = {"GET", "POST", "PUT", "PATCH"};
	enum { RULES = 60 };
	static char paths[RULES][40];
	struct rule_row rules[RULES];
	unsigned seed = 1;

	(void)state;
	for (int round = 0; round < 60; round++) {
		size_t n = 5 + (size_t)rand_r(&seed) % (RULES - 5);
		struct route_table *t = NULL;
		for (size_t i = 0; i < n; i++)
			random_rule(&seed, i, &rules[i], paths[i]);
		assert_int_equal(compile(rules, n, &t, NULL), 0);
		for (int i = 0; i < 400; i++) {
			const char *host = one_of(&seed, hosts, COUNTOF(hosts));
			const char *method = one_of(&seed, methods, COUNTOF(methods));
			char path[40];
			random_path(&seed, path);
			int want = model_find(rules, n, host, path, method);
			int got = route_find(t, str_c(host), str_c(path), str_c(method));
			if (got != want)
				fail_msg("%s %s%s: %d, not %d", method, host, path, got, want);
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
		cmocka_unit_test(explains), cmocka_unit_test(against_a_model),
	};

	return cmocka_run_group_tests_name("policy/route", tests, NULL, NULL);
}
