/* SPDX-License-Identifier: BSD-2-Clause */
/* The cache key (RFC 9111 2, RFC 3986 6, RFC 10008 2.7) and No-Vary-Search. */
#include "policy/key.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "parse_head.h"

static const char *key_text(const struct key_rules *rules, const struct key_parts *parts,
			    size_t *out_url_n)
{
	static char text[32768];
	struct http_writer w;

	http_write_init(&w, text, sizeof(text) - 1);
	*out_url_n = key_write(rules, parts, &w);
	assert_false(w.overflow);
	text[http_write_n(&w)] = '\0';
	return text;
}

static void test_url(void **state)
{
	static const struct {
		const char *rfc, *scheme, *host, *port, *path, *query, *want;
	} rows[] = {
		{"9110 4.2.3", "http", "h", "", "/", NULL, "http://h/"},
		{"9110 4.2.3", "http", "h", "80", "/", NULL, "http://h/"},
		{"9110 4.2.3", "http", "h", "0080", "/", NULL, "http://h/"},
		{"9110 4.2.3", "http", "h", "443", "/", NULL, "http://h:443/"},
		{"9110 4.2.3", "https", "h", "443", "/", NULL, "https://h/"},
		{"9110 4.2.3", "https", "h", "80", "/", NULL, "https://h:80/"},
		{"9110 4.2.3", "http", "h", "08080", "/", NULL, "http://h:8080/"},
		{"9110 4.2.3", "http", "WWW.Example.COM", "", "/A", NULL,
		 "http://www.example.com/A"},
		{"3986 3.2.2", "http", "[2001:DB8::1]", "", "/", NULL, "http://[2001:db8::1]/"},
		{"3986 3.4", "http", "h", "", "/a", "", "http://h/a?"},
		{"3986 3.4", "http", "h", "", "/a", "b=1&a=2", "http://h/a?b=1&a=2"},
		{"3986 3.4", "http", "h", "", "/a", "&&a=&&", "http://h/a?&&a=&&"},
		{"3986 6.2.2", "http", "h", "", "/", "%41%7e=%2f%2F", "http://h/?A~=%2F%2F"},
		{"3986 6.2.2", "http", "h", "", "/", "a+b%20c", "http://h/?a+b%20c"},
		{"3986 2.1", "http", "h", "", "/", "%", "http://h/?%"},
		{"3986 2.1", "http", "h", "", "/", "%4", "http://h/?%4"},
		{"3986 2.1", "http", "h", "", "/", "%zz%%41%g", "http://h/?%zz%%41%g"},
		{"3986 2.1", "http", "h", "", "/", "%c%320b", "http://h/?%c%320b"},
		{"3986 2.1", "http", "h", "", "/", "%c20b", "http://h/?%C20b"},
		{"3986 2.1", "http", "h", "", "/", "a%", "http://h/?a%"},
		{"3986 2.1", "http", "h", "", "/", "%00%ff%0a", "http://h/?%00%FF%0A"},
	};
	const struct key_rules rules = {.query = KEY_QUERY_ALL, .host = true};
	size_t url_n;

	(void)state;
	for (size_t i = 0; i < COUNTOF(rows); i++) {
		const struct key_parts parts = {
			.scheme = str_c(rows[i].scheme),
			.host = str_c(rows[i].host),
			.port = str_c(rows[i].port),
			.path = str_c(rows[i].path),
			.query = str_c(rows[i].query),
		};
		const char *text = key_text(&rules, &parts, &url_n);

		if (strcmp(text, rows[i].want) != 0 || url_n != strlen(text))
			fail_msg("RFC %s: row %zu: %s", rows[i].rfc, i, text);
	}
}

enum { ALL = KEY_QUERY_ALL, NONE = KEY_QUERY_NONE, LISTED = KEY_QUERY_LISTED };

static void test_query(void **state)
{
	static const struct {
		uint8_t mode;
		bool sort;
		const char *names, *query, *want; /* names: separated by spaces */
	} rows[] = {
		{NONE, false, "", "a=1", ""},
		{NONE, true, "", "", ""},
		{ALL, false, "utm_source", "a=1&utm_source=x&b=2", "?a=1&b=2"},
		{ALL, false, "utm_*", "utm_source=x&utm_id=1&utm&a", "?utm&a"},
		{ALL, false, "utm_*", "utm_source=x", ""},
		{ALL, false, "utm_*", NULL, ""},
		{ALL, false, "utm_*", "", ""},
		{ALL, false, "*", "a=1&b", ""},
		{ALL, false, "a", "A=1&a=2&aa=3", "?A=1&aa=3"},
		{ALL, false, "a", "&&b=1&&c&", "?b=1&c"},
		{ALL, false, "a", "=1&b==2&b=a=", "?=1&b==2&b=a="},
		/* names are compared decoded */
		{ALL, false, "utm_source", "utm%5Fsource=x&u%74m_source=y&b=%5f", "?b=_"},
		{ALL, false, "a[] b c", "a%5B%5D=1&a[]=2&b+c=3", "?b+c=3"},
		{ALL, false, "b%20c", "b+c=3&b%20c=4&b=5", "?b=5"},
		{ALL, false, "%7a*", "zoo=1&y", "?y"},
		{LISTED, false, "a b", "b=2&c=3&a=1&a=0", "?b=2&a=1&a=0"},
		{LISTED, false, "p*", "page=2&q=3&p=1", "?page=2&p=1"},
		{LISTED, false, "a", "b=1", ""},
		/* sorted by name; values of one name keep their order */
		{ALL, true, "", "b=1&a=2", "?a=2&b=1"},
		{ALL, true, "", "b=2&a=9&b=1&a=3", "?a=9&a=3&b=2&b=1"},
		{ALL, true, "", "b&&a=&", "?a=&b"},
		{ALL, true, "", "aa=1&a=2&=3&B=4", "?=3&B=4&a=2&aa=1"},
		{ALL, true, "", "%62=1&a=2&%61=3", "?a=2&a=3&b=1"},
		{ALL, true, "", "b=%z%41&a=%41", "?a=A&b=%z%41"},
		{ALL, true, "", "", ""},
		{ALL, true, "x", "x=1&c&x=2&b", "?b&c"},
		{LISTED, true, "a b c", "c=1&x=2&b=3&a=4&c=0", "?a=4&b=3&c=1&c=0"},
		{ALL, true, "", "h=1&g=2&f=3&e=4&d=5&c=6&b=7&a=8&g=0",
		 "?a=8&b=7&c=6&d=5&e=4&f=3&g=2&g=0&h=1"},
	};
	size_t url_n;

	(void)state;
	for (size_t i = 0; i < COUNTOF(rows); i++) {
		struct str names[4], rest = str_c(rows[i].names);
		size_t n = 0;
		char want[128];

		while (rest.n && str_next(&rest, ' ', &names[n]))
			n++;
		const struct key_rules rules = {
			.query = rows[i].mode,
			.sort_query = rows[i].sort,
			.host = true,
			.ignore_query = rows[i].mode == ALL ? names : NULL,
			.n_ignore_query = rows[i].mode == ALL ? n : 0,
			.keep_query = rows[i].mode == LISTED ? names : NULL,
			.n_keep_query = rows[i].mode == LISTED ? n : 0,
		};
		const struct key_parts parts = {.scheme = STR("http"),
						.host = STR("h"),
						.path = STR("/p"),
						.query = str_c(rows[i].query)};
		const char *text = key_text(&rules, &parts, &url_n);

		snprintf(want, sizeof(want), "http://h/p%s", rows[i].want);
		if (strcmp(text, want) != 0)
			fail_msg("row %zu: %s", i, text);
	}
}

/* As many as fit are sorted; one more, and the query stays as it came. */
static void test_many_parameters(void **state)
{
	static char query[16384], want[16384];
	const struct key_rules rules = {.query = KEY_QUERY_ALL, .sort_query = true};
	struct key_parts parts = {.scheme = STR("http"), .path = STR("/")};
	size_t url_n;

	(void)state;
	for (int i = 0; i < 256; i++) {
		sprintf(query + strlen(query), "%sk%03d=%d", i ? "&" : "", (i * 37) % 256, i);
		sprintf(want + strlen(want), "&k%03d=", i);
	}
	parts.query = str_c(query);
	const char *at = strchr(key_text(&rules, &parts, &url_n), '?');
	for (int i = 0; i < 256; i++) {
		char name[16];

		sprintf(name, "k%03d=", i);
		at++;
		assert_memory_equal(at, name, 5);
		at = i < 255 ? strchr(at, '&') : at;
	}
	strcat(query, "&a=1");
	parts.query = str_c(query);
	assert_string_equal(strchr(key_text(&rules, &parts, &url_n), '?') + 1, query);
}

static void test_fields(void **state)
{
	static const struct str headers[] = {STR("Accept"), STR("X-Device")};
	static const struct str cookies[] = {STR("lang"), STR("ab")};
	static const struct {
		const char *lines, *want;
	} rows[] = {
		{"", ""},
		{"Accept: a/b\r\n", "\naccept: a/b"},
		{"accept: a\r\nX-Other: q\r\nACCEPT:b\r\nx-device: Phone\r\n",
		 "\naccept: a, b\nx-device: Phone"},
		{"Accept:\r\n", "\naccept: "},
		{"Cookie: x=1; lang=de; ab=2; lang=en\r\n",
		 "\ncookie lang=de\ncookie lang=en\ncookie ab=2"},
		{"Cookie: lang=de\r\nCookie: ab=1;lang=\r\n",
		 "\ncookie lang=de\ncookie lang=\ncookie ab=1"},
		{"Cookie: Lang=de; lan=1; langx=2; =lang\r\n", ""},
		{"Cookie: lang; ab = 3 ;\r\n", "\ncookie lang\ncookie ab = 3"},
		{"Cookie: lang=\"a=b\"\r\n", "\ncookie lang=\"a=b\""},
	};
	const struct key_rules rules = {.query = KEY_QUERY_ALL,
					.headers = headers,
					.realm = STR("r"),
					.n_headers = COUNTOF(headers),
					.cookies = cookies,
					.n_cookies = COUNTOF(cookies)};
	struct key_parts parts = {.scheme = STR("http"),
				  .host = STR("not-in-the-key"),
				  .port = STR("81"),
				  .path = STR("/p")};
	static struct head h;
	char want[256];
	size_t url_n;

	(void)state;
	for (size_t i = 0; i < COUNTOF(rows); i++) {
		parts.request = parse_head(&h, HTTP_REQUEST, rows[i].lines);
		const char *text = key_text(&rules, &parts, &url_n);

		snprintf(want, sizeof(want), "http://@r/p%s", rows[i].want);
		if (strcmp(text, want) != 0)
			fail_msg("%s: %s", rows[i].lines, text);
		assert_int_equal(url_n, strlen("http://@r/p"));
	}
	parts.request = NULL; /* what a purge by URL means */
	assert_string_equal(key_text(&rules, &parts, &url_n), "http://@r/p");
}

/* RFC 10008 2.7: content and its metadata are part of the key. */
static void test_content(void **state)
{
	const struct key_rules rules = {.query = KEY_QUERY_ALL, .host = true};
	struct key_parts parts = {.scheme = STR("http"),
				  .host = STR("h"),
				  .path = STR("/q"),
				  .content = STR("abc"),
				  .by_content = true};
	struct http_parser p;
	struct http_field fields[8];
	struct http_msg m = {.fields = fields, .max_fields = COUNTOF(fields)};
	static const char head[] = "QUERY /q HTTP/1.1\r\nHost: h\r\nContent-Type: text/x; a=b\r\n"
				   "Content-Encoding: gzip\r\nContent-Length: 3\r\n\r\n";
	size_t url_n;

	(void)state;
	http_parser_init(&p, &m, HTTP_REQUEST, 1024);
	assert_int_equal(http_parse(&p, head, sizeof(head) - 1), HTTP_DONE);
	parts.request = &m;
	assert_string_equal(key_text(&rules, &parts, &url_n),
			    "http://h/q\nQUERY 3 "
			    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
			    "\ncontent-type: text/x; a=b\ncontent-encoding: gzip");
	assert_int_equal(url_n, strlen("http://h/q"));
	parts.content = STR_NONE;
	assert_true(strstr(key_text(&rules, &parts, &url_n), "\nQUERY 0 e3b0c44298fc1c149afb"));
}

static void test_no_room(void **state)
{
	const struct key_rules rules = {.query = KEY_QUERY_ALL, .sort_query = true, .host = true};
	const struct key_parts parts = {.scheme = STR("http"),
					.host = STR("h"),
					.port = STR("81"),
					.path = STR("/p"),
					.query = STR("b=%41&a")};
	char text[32];

	(void)state;
	for (size_t n = 0; n <= sizeof(text); n++) {
		struct http_writer w;

		http_write_init(&w, text, n);
		key_write(&rules, &parts, &w);
		assert_int_equal(w.overflow, n < strlen("http://h:81/p?a&b=A"));
	}
}

static const struct {
	const char *rule, *query, *want; /* NULL: no query; not applied */
} searches[] = {
	/* the draft's section 4: not a rule, or the default */
	{"", "a=1", NULL},
	{"unknown-key", "a=1", NULL},
	{"key-order=\"not a boolean\"", "a=1", NULL},
	{"params=\"not a boolean or inner list\"", "a=1", NULL},
	{"params=(not-a-string)", "a=1", NULL},
	{"params=(\"a\" b)", "a=1", NULL},
	{"params=(\"a\"), except=(\"x\")", "a=1", NULL},
	{"params=(), except=()", "a=1", NULL},
	{"params=?0, except=(\"x\")", "a=1", NULL},
	{"params, except=(not-a-string)", "a=1", NULL},
	{"params, except=\"not an inner list\"", "a=1", NULL},
	{"params, except=?1", "a=1", NULL},
	{"except=(\"x\")", "a=1", NULL},
	{"except=()", "a=1", NULL},
	{"params=?0", "a=1", NULL},
	{"params=()", "a=1", NULL},
	{"key-order=?0", "a=1", NULL},
	{"params=(\"a\"", "a=1", NULL},
	{"params=(\"a\"),", "a=1", NULL},
	{"Params", "a=1", NULL},
	{"key-order=1, params", "a=1", NULL},
	/* a member again replaces the one before (RFC 9651 4.2.2) */
	{"params=(\"a\"), params=?0", "a=1", NULL},
	{"params=(\"a\"), params=(\"b\")", "a=1&b=2", "a=1"},
	/* params */
	{"params", "a=1&b", ""},
	{"params=?1", "a=1", ""},
	{"params", NULL, ""},
	{"params=(\"a\")", "a=1&b=2&a=3&c", "b=2&c="},
	{"params=(\"utm_source\" \"utm_id\")", "utm_id=1&x=2&utm_source=3", "x=2"},
	{"params=(\"a\"), key-order=?0", "b&a", "b="},
	{"params=(\"a\");x, unknown=(1 2)", "a&b", "b="},
	{"params=(\"a\";x=1)", "a&b", "b="},
	{"params, except=(\"a\" \"b\")", "b=1&c=2&a=3", "b=1&a=3"},
	{"params, except=()", "b=1", ""},
	/* key-order */
	{"key-order", "b=1&a=2&b=0", "a=2&b=1&b=0"},
	{"key-order, params=(\"c\")", "b=1&c=5&a=2", "a=2&b=1"},
	{"params, key-order, except=(\"x\" \"a\")", "x=1&b&a=2", "a=2&x=1"},
	/* the draft's section 5: what parses to the same is the same */
	{"key-order", "", ""},
	{"key-order", "%61=%78", "a=x"},
	{"key-order", "a=x&&&&", "a=x"},
	{"key-order", "a", "a="},
	{"key-order", "a=%20", "a=%20"},
	{"key-order", "a=+", "a=%20"},
	{"key-order", "a=\xc3\xa9", "a=%C3%A9"},
	{"key-order", "a=%c3%a9", "a=%C3%A9"},
	{"key-order", "a=%26%3D%2B&b==", "a=%26%3D%2B&b=%3D"},
	{"key-order", "a=%zz", "a=%25zz"},
	{"params=(\"%C3%A9+%E6%B0%97\")", "%c3%a9%20%e6%b0%97=3&x", "x="},
	{"params=(\"\\\"\")", "%22=3&x", "x="},
	{"params=(\"\")", "=3&x", "x="},
};

static void test_no_vary_search(void **state)
{
	char text[256];

	(void)state;
	for (size_t i = 0; i < COUNTOF(searches); i++) {
		struct http_writer w;

		http_write_init(&w, text, sizeof(text) - 1);
		const bool ok =
			key_no_vary_search(str_c(searches[i].rule), str_c(searches[i].query), &w);
		text[http_write_n(&w)] = '\0';
		if (ok != !!searches[i].want || strcmp(text, ok ? searches[i].want : "") != 0)
			fail_msg("%s: %s: %s", searches[i].rule,
				 searches[i].query ? searches[i].query : "-", ok ? text : "no");
	}
}

static void test_no_vary_search_limits(void **state)
{
	char rule[1024] = "params=(", query[2048] = "a", text[4096];
	struct http_writer w;

	(void)state;
	for (int i = 0; i < 64; i++)
		strcat(rule, "\"b\" ");
	http_write_init(&w, text, sizeof(text));
	assert_true(key_no_vary_search(str_c(strcat(rule, ")")), str_c(query), &w));
	rule[strlen(rule) - 1] = '\0';
	assert_false(key_no_vary_search(str_c(strcat(rule, "\"c\")")), str_c(query), &w));
	for (int i = 1; i < 256; i++)
		strcat(query, "&a");
	assert_true(key_no_vary_search(STR("key-order"), str_c(query), &w));
	strcat(query, "&a");
	assert_false(key_no_vary_search(STR("key-order"), str_c(query), &w));
	assert_true(key_no_vary_search(STR("params=(\"a\")"), str_c(query), &w));
	snprintf(rule, sizeof(rule), "params=(\"%0256d\")", 0);
	assert_true(key_no_vary_search(str_c(rule), STR("a"), &w));
	snprintf(rule, sizeof(rule), "params=(\"%0257d\")", 0);
	assert_false(key_no_vary_search(str_c(rule), STR("a"), &w));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_url),
		cmocka_unit_test(test_query),
		cmocka_unit_test(test_many_parameters),
		cmocka_unit_test(test_fields),
		cmocka_unit_test(test_content),
		cmocka_unit_test(test_no_room),
		cmocka_unit_test(test_no_vary_search),
		cmocka_unit_test(test_no_vary_search_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
