/* SPDX-License-Identifier: BSD-2-Clause */
/* The edges of each type: what its text means, and how it is written back. */
#include "conf_test.h"

#include "conf/address.h"
#include "conf/httptext.h"
#include "conf/number.h"
#include "conf/rows.h"
#include "conf/scalar.h"
#include "conf/suggest.h"
#include "conf/utf8.h"

static void must_print(struct buf *b, const char *expected)
{
	assert_int_equal(b->n, strlen(expected));
	assert_memory_equal(b->p, expected, b->n);
	buf_fini(b);
}

static void test_time(void **state)
{
	static const struct {
		const char *text;
		int64_t ns; /* -1: refused */
		const char *back;
	} cases[] = {
		{"0", 0, "0s"},
		{"0s", 0, "0s"},
		{"1us", 1000, "1us"},
		{"250ms", 250 * NS_PER_MS, "250ms"},
		{"1000ms", NS_PER_S, "1s"},
		{"1.5s", 1500 * NS_PER_MS, "1500ms"},
		{"0.000000001s", 1, "0.000000001s"},
		{"90s", 90 * NS_PER_S, "90s"},
		{"5m", 300 * NS_PER_S, "5m"},
		{"1h", 3600 * NS_PER_S, "1h"},
		{"1d", 86400 * NS_PER_S, "1d"},
		{"106751d", INT64_C(9223286400) * NS_PER_S, "106751d"},
		{"106752d", -1, NULL}, /* past 2^63 ns */
		{"99999999999999999999s", -1, NULL},
		{"0.0000000001s", -1, NULL},
		{"0.0000001ms", -1, NULL}, /* a tenth of a ns */
		{"30", -1, NULL},
		{"", -1, NULL},
		{"s", -1, NULL},
		{"1 s", -1, NULL},
		{" 1s", -1, NULL},
		{"1s ", -1, NULL},
		{"1.s", -1, NULL},
		{".5s", -1, NULL},
		{"+1s", -1, NULL},
		{"-1s", -1, NULL},
		{"1S", -1, NULL},
		{"1m30s", -1, NULL},
		{"1e3s", -1, NULL},
	};

	(void)state;
	for (size_t i = 0; i < COUNTOF(cases); i++) {
		int64_t ns = -1;
		struct why why;
		struct buf b = BUF_INIT;
		bool ok = number_time(str_c(cases[i].text), &ns, &why);
		if (ok != (cases[i].ns >= 0) || ns != cases[i].ns)
			fail_msg("%s: %d %lld", cases[i].text, ok, (long long)ns);
		if (!ok)
			continue;
		number_print_time(&b, ns);
		must_print(&b, cases[i].back);
	}
}

static void test_size(void **state)
{
	static const struct {
		const char *text;
		bool good;
		uint64_t bytes;
		const char *back;
	} cases[] = {
		{"0", true, 0, "0"},
		{"0B", true, 0, "0"},
		{"1B", true, 1, "1B"},
		{"1kB", true, 1000, "1kB"},
		{"1KB", true, 1000, "1kB"},
		{"1KiB", true, 1024, "1KiB"},
		{"64KiB", true, 65536, "64KiB"},
		{"10MB", true, 10000000, "10MB"},
		{"10MiB", true, 10485760, "10MiB"},
		{"1.5MiB", true, 1572864, "1536KiB"},
		{"1GiB", true, 1u << 30, "1GiB"},
		{"1GB", true, 1000000000, "1GB"},
		{"1024TiB", true, UINT64_C(1) << 50, "1024TiB"},
		{"16777215TiB", true, UINT64_C(16777215) << 40, "16777215TiB"},
		{"16777216TiB", false, 0, NULL}, /* 2^64 */
		{"18446744073709551615B", true, UINT64_MAX, "18446744073709551615B"},
		{"18446744073709551616B", false, 0, NULL},
		{"0.3KiB", false, 0, NULL}, /* no whole number of bytes */
		{"10M", false, 0, NULL},
		{"10mib", false, 0, NULL},
		{"10Mi", false, 0, NULL},
		{"10", false, 0, NULL},
		{"-1B", false, 0, NULL},
	};

	(void)state;
	for (size_t i = 0; i < COUNTOF(cases); i++) {
		uint64_t bytes = 0;
		struct why why;
		struct buf b = BUF_INIT;
		bool ok = number_size(str_c(cases[i].text), &bytes, &why);
		if (ok != cases[i].good || bytes != cases[i].bytes)
			fail_msg("%s: %d %llu", cases[i].text, ok, (unsigned long long)bytes);
		if (!ok)
			continue;
		number_print_size(&b, bytes);
		must_print(&b, cases[i].back);
	}
}

static void test_percent(void **state)
{
	static const struct {
		const char *text;
		double share; /* negative: refused */
		const char *back;
	} cases[] = {
		{"0%", 0, "0%"},     {"25%", 0.25, "25%"}, {"2.5%", 0.025, "2.5%"},
		{"100%", 1, "100%"}, {"7%", 0.07, "7%"},   {"0.1%", 0.001, "0.1%"},
		{"5", -1, NULL},     {"%", -1, NULL},	   {"5 %", -1, NULL},
		{"5p", -1, NULL},
	};

	(void)state;
	for (size_t i = 0; i < COUNTOF(cases); i++) {
		double share = -1;
		struct why why;
		struct buf b = BUF_INIT;
		bool ok = number_percent(str_c(cases[i].text), &share, &why);
		if (ok != (cases[i].share >= 0) || share < cases[i].share - 1e-12 ||
		    share > cases[i].share + 1e-12)
			fail_msg("%s: %d %g", cases[i].text, ok, share);
		if (!ok)
			continue;
		number_print_percent(&b, share);
		must_print(&b, cases[i].back);
	}
}

static void test_address(void **state)
{
	static const struct {
		const char *text;
		enum conf_address_kind kind; /* 0: refused */
		const char *host;	     /* or path */
		uint16_t port;
	} cases[] = {
		{"127.0.0.1:80", CONF_ADDR_INET, "127.0.0.1", 80},
		{"0.0.0.0:65535", CONF_ADDR_INET, "0.0.0.0", 65535},
		{"[::]:1", CONF_ADDR_INET, "::", 1},
		{"[2001:DB8::1]:8080", CONF_ADDR_INET, "2001:db8::1", 8080},
		{"[::ffff:1.2.3.4]:80", CONF_ADDR_INET, "::ffff:1.2.3.4", 80},
		{"App-1.Internal:80", CONF_ADDR_INET, "app-1.internal", 80},
		{"a_b:80", CONF_ADDR_INET, "a_b", 80},
		{"unix:/run/a.sock", CONF_ADDR_UNIX, "/run/a.sock", 0},
		{"unix:/a:80", CONF_ADDR_UNIX, "/a:80", 0},
		{"", 0, NULL, 0},
		{":", 0, NULL, 0},
		{"a", 0, NULL, 0},
		{"a:", 0, NULL, 0},
		{"a:0", 0, NULL, 0},
		{"a:65536", 0, NULL, 0},
		{"a:+80", 0, NULL, 0},
		{"a:80x", 0, NULL, 0},
		{"a:80:80", 0, NULL, 0},
		{"*:80", 0, NULL, 0},
		{"8080", 0, NULL, 0},
		{"1.2.3:80", 0, NULL, 0},
		{"1.2.3.256:80", 0, NULL, 0},
		{"a..b:80", 0, NULL, 0},
		{"-a:80", 0, NULL, 0},
		{"a.:80", 0, NULL, 0},
		{"::1", 0, NULL, 0},
		{"::1:80", 0, NULL, 0},
		{"[::1]", 0, NULL, 0},
		{"[::1]80", 0, NULL, 0},
		{"[::1:80", 0, NULL, 0},
		{"[1.2.3.4]:80", 0, NULL, 0},
		{"[]:80", 0, NULL, 0},
		{"[fe80::1%eth0]:80", 0, NULL, 0},
		{"http://a:80", 0, NULL, 0},
		{"a:80/", 0, NULL, 0},
		{"unix:", 0, NULL, 0},
		{"unix:a", 0, NULL, 0},
		{"/run/a", 0, NULL, 0},
		{"b\xc3\xbc"
		 "cher:80",
		 0, NULL, 0},
	};
	struct arena arena;

	(void)state;
	arena_init(&arena, NULL, 0, 0);
	for (size_t i = 0; i < COUNTOF(cases); i++) {
		struct conf_address a = {0};
		struct why why;
		bool ok = address_parse(&arena, str_c(cases[i].text), &a, &why);
		if (ok != (cases[i].kind != 0))
			fail_msg("%s: %d", cases[i].text, ok);
		if (!ok)
			continue;
		assert_int_equal(a.kind, cases[i].kind);
		assert_int_equal(a.port, cases[i].port);
		assert_string_equal(a.kind == CONF_ADDR_UNIX ? a.path : a.host, cases[i].host);
		assert_string_equal(a.text, cases[i].text);
	}
	arena_fini(&arena);
}

/* A unix path fits 107 bytes, and not 108. */
static void test_long_path(void **state)
{
	char path[109];
	struct why why;

	(void)state;
	memset(path, 'a', sizeof(path));
	path[0] = '/';
	assert_true(socket_path_check(str_of(path, 107), &why));
	assert_false(socket_path_check(str_of(path, 108), &why));
}

static void test_cidr(void **state)
{
	static const struct {
		const char *text, *back; /* NULL: refused */
	} cases[] = {
		{"10.0.0.0/8", "10.0.0.0/8"},
		{"10.1.2.3", "10.1.2.3/32"},
		{"0.0.0.0/0", "0.0.0.0/0"},
		{"192.168.4.0/22", "192.168.4.0/22"},
		{"128.0.0.0/1", "128.0.0.0/1"},
		{"::/0", "::/0"},
		{"2001:db8::/32", "2001:db8::/32"},
		{"::1", "::1/128"},
		{"fe80::/10", "fe80::/10"},
		{"::ffff:10.0.0.0/104", "10.0.0.0/8"}, /* a v4 network on a v6 socket */
		{"::ffff:0:0/96", "0.0.0.0/0"},
		{"::ffff:0:0/95", NULL},
		{"10.0.0.1/8", NULL},
		{"10.0.0.0/33", NULL},
		{"10.0.0.0/", NULL},
		{"10.0.0.0/-1", NULL},
		{"10.0.0/8", NULL},
		{"::/129", NULL},
		{"fe80::/8", NULL},
		{"localhost", NULL},
		{"", NULL},
		{"/8", NULL},
	};

	(void)state;
	for (size_t i = 0; i < COUNTOF(cases); i++) {
		struct conf_cidr c;
		struct why why;
		struct buf b = BUF_INIT;
		bool ok = cidr_parse(str_c(cases[i].text), &c, &why);
		if (ok != (cases[i].back != NULL))
			fail_msg("%s: %d", cases[i].text, ok);
		if (!ok)
			continue;
		cidr_print(&b, &c);
		must_print(&b, cases[i].back);
	}
}

typedef bool check_fn(struct str s, struct why *why);

static bool change_request(struct str s, struct why *why)
{
	return field_change_check(s, true, why);
}

static bool change_response(struct str s, struct why *why)
{
	return field_change_check(s, false, why);
}

static void test_texts(void **state)
{
	static const struct {
		check_fn *check;
		const char *text;
		bool good;
	} cases[] = {
		{host_pattern_check, "shop.example", true},
		{host_pattern_check, "*.example", true},
		{host_pattern_check, "[::1]", true},
		{host_pattern_check, "10.0.0.1", true},
		{host_pattern_check, "*", false},
		{host_pattern_check, "*example", false},
		{host_pattern_check, "*.*.example", false},
		{host_pattern_check, "a.*", false},
		{host_pattern_check, "a:80", false},
		{host_pattern_check, "", false},
		{host_pattern_check, "*.", false},
		{authority_check, "a", true},
		{authority_check, "a:80", true},
		{authority_check, "[::1]:80", true},
		{authority_check, "[::1]", true},
		{authority_check, "[::1]x", false},
		{authority_check, "[::1", false},
		{authority_check, "a:", false},
		{authority_check, "a:b", false},
		{authority_check, "*.a", false},
		{authority_check, "", false},
		{authority_check, "a b", false},
		/* RFC 9110 5.6.2 */
		{field_name_check, "X-A", true},
		{field_name_check, "!#$%&'*+-.^_`|~09azAZ", true},
		{field_name_check, "", false},
		{field_name_check, "X A", false},
		{field_name_check, "X:", false},
		{field_name_check, "X\r", false},
		{field_name_check, "X\xc3", false},
		/* RFC 9110 5.5 */
		{field_value_check, "", true},
		{field_value_check, "a\tb c", true},
		{field_value_check, "\xc3\xbc", true},
		{field_value_check, " a", false},
		{field_value_check, "a\t", false},
		{field_value_check, "a\rb", false},
		{field_value_check, "a\nb", false},
		{field_value_check, "a\x01", false},
		{field_value_check, "a\x7f", false},
		{method_check, "GET", true},
		{method_check, "M-SEARCH", true},
		{method_check, "get", false},
		{method_check, "CONNECT", false},
		{method_check, "", false},
		{method_check, "A B", false},
		{path_check, "/", true},
		{path_check, "/a%20b/", true},
		{path_check, "", false},
		{path_check, "a", false},
		{path_check, "/a b", false},
		{path_check, "/a?", false},
		{path_check, "/a#", false},
		{path_check, "/./a", false},
		{path_check, "/a/..", false},
		{path_check, "/..a", true},
		{path_check, "/\xc3\xbc", false},
		{name_check, "web-1.a:/*@[]=~_", true},
		{name_check, "", false},
		{name_check, "a b", false},
		{name_check, "a\"b", false},
		{name_check, "a{b", false},
		/* RFC 6265 4.1.1 */
		{cookie_name_check, "__Host-id", true},
		{cookie_name_check, "a=b", false},
		{cookie_name_check, "a b", false},
		{cookie_name_check, "", false},
		{query_name_check, "utm_*", true},
		{query_name_check, "a[]", true},
		{query_name_check, "%20", true},
		{query_name_check, "?", true},
		{query_name_check, "", false},
		{query_name_check, "*", false},
		{query_name_check, "**", false},
		{query_name_check, "a*b", false},
		{query_name_check, "a=", false},
		{query_name_check, "a b", false},
		{query_name_check, "\xc3\xbc", false},
		{field_key_check, "X-Tenant", true},
		{field_key_check, "Cookie", true},
		{field_key_check, "Authorization", true},
		{field_key_check, "HOST", false},
		{field_key_check, "TE", false},
		{field_key_check, "Expect", false},
		{field_key_check, "content-length", false},
		{field_key_check, "if-range", false},
		/* RFC 9213 2 */
		{field_targeted_check, "CDN-Cache-Control", true},
		{field_targeted_check, "Surrogate-Control", true},
		{field_targeted_check, "cache-control", false},
		{field_targeted_check, "Expires", false},
		{field_targeted_check, "Connection", false},
		{field_tags_check, "xkey", true},
		{field_tags_check, "Cache-Tag", true},
		{field_tags_check, "vary", false},
		{field_tags_check, "Date", false},
		{field_tags_check, "Transfer-Encoding", false},
		/* RFC 9110 7.6.1, RFC 9112 6 */
		{change_request, "X-A", true},
		{change_request, "connection", false},
		{change_request, "Keep-Alive", false},
		{change_request, "Proxy-Connection", false},
		{change_request, "TE", false},
		{change_request, "Trailer", false},
		{change_request, "Transfer-Encoding", false},
		{change_request, "Upgrade", false},
		{change_request, "CONTENT-LENGTH", false},
		{change_request, "Host", false},
		{change_request, "Expect", false},
		{change_response, "Host", true},
		{change_response, "Content-Length", false},
		{change_response, "Server", true},
	};

	(void)state;
	for (size_t i = 0; i < COUNTOF(cases); i++) {
		struct why why;
		if (cases[i].check(str_c(cases[i].text), &why) != cases[i].good)
			fail_msg("row %zu: %s", i, cases[i].text);
	}
}

static void test_suggest(void **state)
{
	static const struct {
		const char *a, *b;
		unsigned distance;
	} distances[] = {
		{"", "", 0},	   {"a", "", 1},      {"", "ab", 2},
		{"abc", "abc", 0}, {"ABC", "abc", 0}, {"abc", "acb", 1},
		{"abc", "abd", 1}, {"abc", "ac", 1},  {"kitten", "sitting", 3},
		{"ca", "abc", 3},
	};
	static const struct {
		const char *wrong, *best;
	} words[] = {
		{"levle", "level"},
		{"lvl", "level"},
		{"l", NULL},
		{"upstreams", "upstream"},
		{"UPSTREAM", "upstream"},
		{"", NULL},
		{"upstraem", "upstream"},
		{"an_extremely_long_word_that_is_longer_than_forty_letters", NULL},
	};

	(void)state;
	for (size_t i = 0; i < COUNTOF(distances); i++)
		assert_int_equal(suggest_distance(str_c(distances[i].a), str_c(distances[i].b)),
				 distances[i].distance);
	for (size_t i = 0; i < COUNTOF(words); i++) {
		struct suggestion s;
		suggest_begin(&s, str_c(words[i].wrong));
		suggest_offer(&s, "level");
		suggest_offer(&s, "upstream");
		if (words[i].best ? !s.best || strcmp(s.best, words[i].best) != 0 : s.best != NULL)
			fail_msg("%s: %s", words[i].wrong, s.best ? s.best : "none");
	}
}

/* RFC 3629 4 */
static void test_utf8(void **state)
{
	static const struct {
		const char *text;
		unsigned line, column; /* 0: good */
	} cases[] = {
		{"", 0, 0},
		{"a\tb\r\nc", 0, 0},
		{"\xc3\xbc\xe2\x82\xac\xf0\x9f\x98\x80", 0, 0},
		{"a\n\xc3\xbc\xff", 2, 2},
		{"\xc0\xaf", 1, 1},	    /* overlong */
		{"\xe0\x9f\xbf", 1, 1},	    /* overlong */
		{"\xed\xa0\x80", 1, 1},	    /* a surrogate */
		{"\xf4\x90\x80\x80", 1, 1}, /* past U+10FFFF */
		{"ab\xe2\x82", 1, 3},	    /* cut off */
		{"\x80", 1, 1},
		{"a\x01", 1, 2},
		{"a\x7f", 1, 2},
		{"\xc2\x85", 1, 1}, /* a C1 control */
	};

	(void)state;
	for (size_t i = 0; i < COUNTOF(cases); i++) {
		struct utf8_fault fault = {0};
		bool ok = utf8_check(str_c(cases[i].text), true, &fault);
		if (ok != (cases[i].line == 0) || fault.line != cases[i].line ||
		    fault.column != cases[i].column)
			fail_msg("row %zu: %d %u:%u", i, ok, fault.line, fault.column);
	}
	assert_false(utf8_check(STR("a\nb"), false, NULL));
}

/* What is printed is read back as the same text. */
static void test_scalar(void **state)
{
	static const struct {
		const char *text, *alone, *listed;
	} cases[] = {
		{"info", "info", "info"},
		{"127.0.0.1:80", "127.0.0.1:80", "\"127.0.0.1:80\""},
		{"a b", "a b", "a b"},
		{"", "\"\"", "\"\""},
		{"~", "\"~\"", "\"~\""},
		{"null", "\"null\"", "\"null\""},
		{"*.x", "\"*.x\"", "\"*.x\""},
		{"[::]:80", "\"[::]:80\"", "\"[::]:80\""},
		{"a: b", "\"a: b\"", "\"a: b\""},
		{"a #b", "\"a #b\"", "\"a #b\""},
		{"- a", "\"- a\"", "\"- a\""},
		{"a:", "\"a:\"", "\"a:\""},
		{"a,b", "\"a,b\"", "\"a,b\""},
		{"%a", "\"%a\"", "\"%a\""},
		{"25%", "25%", "25%"},
		{"$a", "\"$$a\"", "\"$$a\""},
		{"q\"\\\n\t\x01", "\"q\\\"\\\\\\n\\t\\x01\"", "\"q\\\"\\\\\\n\\t\\x01\""},
	};

	(void)state;
	for (size_t i = 0; i < COUNTOF(cases); i++) {
		struct buf b = BUF_INIT;
		scalar_print(&b, str_c(cases[i].text), SCALAR_VALUE);
		must_print(&b, cases[i].alone);
		scalar_print(&b, str_c(cases[i].text), SCALAR_ITEM);
		must_print(&b, cases[i].listed);
	}
}

/* Rules that every row keeps: whole, and with a default inside its range. */
static void test_rows(void **state)
{
	(void)state;
	for (unsigned id = 1; id < CONF_SECTION_COUNT; id++) {
		const struct conf_section *s = conf_section(id);
		assert_true(strlen(s->title) > 0 && strlen(s->brief) > 0);
		for (size_t i = 0; i < s->n_rows; i++) {
			const struct conf_row *row = &s->rows[i];
			assert_true(strlen(row->brief) > 0 && strlen(row->since) > 0);
			assert_true(row->brief[strlen(row->brief) - 1] == '.');
			assert_true(!row->least == !row->most);
			assert_true(conf_row_is_block(row) || !row->of ||
				    row->type == CONF_TYPE_ENUM || row->type == CONF_TYPE_ENUMS);
			assert_null(conf_later_find(s, str_c(row->key)));
			for (size_t k = 0; k < i; k++)
				assert_string_not_equal(row->key, s->rows[k].key);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_time),	  cmocka_unit_test(test_size),
		cmocka_unit_test(test_percent),	  cmocka_unit_test(test_address),
		cmocka_unit_test(test_long_path), cmocka_unit_test(test_cidr),
		cmocka_unit_test(test_texts),	  cmocka_unit_test(test_suggest),
		cmocka_unit_test(test_utf8),	  cmocka_unit_test(test_scalar),
		cmocka_unit_test(test_rows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
