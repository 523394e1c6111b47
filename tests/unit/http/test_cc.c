/* SPDX-License-Identifier: BSD-2-Clause */
/* Cache-Control (RFC 9111 5.2), Pragma (5.4), targeted fields (RFC 9213). */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "../policy/parse_head.h"
#include "http/cc.h"

static void put(char *text, size_t size, const char *what, struct str s)
{
	const size_t n = strlen(text);

	snprintf(text + n, size - n, "%s%s%.*s", n ? " " : "", what, STR_ARG(s));
}

static void put_seconds(char *text, size_t size, const char *what, int64_t v)
{
	char number[64];

	if (v == CC_NONE)
		return;
	snprintf(number, sizeof(number), "%s=%lld", what, (long long)v);
	put(text, size, v == CC_BAD ? what : number, v == CC_BAD ? STR("=bad") : STR_NONE);
}

/* What was read: "no-store max-age=60 no-cache(a) no-cache(b)". */
static const char *cc_text(const struct cc *cc, char *text, size_t size)
{
	static const char *const flags[] = {
		"no-store",
		"no-cache",
		"no-cache()",
		"private",
		"private()",
		"public",
		"must-revalidate",
		"proxy-revalidate",
		"must-understand",
		"no-transform",
		"immutable",
		"only-if-cached",
		"",
		"pragma",
	};

	text[0] = '\0';
	for (size_t i = 0; i < COUNTOF(flags); i++)
		if (cc->flags & 1u << i && flags[i][0])
			put(text, size, flags[i], STR_NONE);
	put_seconds(text, size, "max-age", cc->max_age);
	put_seconds(text, size, "s-maxage", cc->s_maxage);
	put_seconds(text, size, "swr", cc->stale_while_revalidate);
	put_seconds(text, size, "sie", cc->stale_if_error);
	if (cc->max_stale == CC_ANY)
		put(text, size, "max-stale=any", STR_NONE);
	else
		put_seconds(text, size, "max-stale", cc->max_stale);
	put_seconds(text, size, "min-fresh", cc->min_fresh);
	for (size_t i = 0; cc->flags & CC_NO_CACHE_FIELDS && i < cc->n_no_cache; i++)
		put(text, size, "nc:", cc->no_cache[i]);
	for (size_t i = 0; cc->flags & CC_PRIVATE_FIELDS && i < cc->n_private; i++)
		put(text, size, "p:", cc->private_[i]);
	return text;
}

struct row {
	const char *rfc, *value, *want;
};

/* <value>: the field's value; a '|' begins a further line. */
static const char *lines_of(const char *name, const char *value, char *out, size_t size)
{
	struct str rest = str_c(value), line;

	out[0] = '\0';
	while (str_next(&rest, '|', &line))
		snprintf(out + strlen(out), size - strlen(out), "%s: %.*s\r\n", name,
			 STR_ARG(line));
	return out;
}

static void run(const struct row *rows, size_t n, enum http_kind kind)
{
	static struct head h;
	char lines[1024], text[1024];

	for (size_t i = 0; i < n; i++) {
		struct cc cc;

		cc_parse(parse_head(&h, kind,
				    lines_of("Cache-Control", rows[i].value, lines, sizeof(lines))),
			 &cc);
		assert_true(cc.flags & CC_PRESENT);
		if (strcmp(cc_text(&cc, text, sizeof(text)), rows[i].want) != 0)
			fail_msg("RFC %s: %s: %s", rows[i].rfc, rows[i].value, text);
	}
}

static void test_response(void **state)
{
	static const struct row rows[] = {
		{"9111 5.2.2", "max-age=60", "max-age=60"},
		{"9111 5.2", "MaX-aGe=60, No-StOrE", "no-store max-age=60"},
		{"9111 5.2.2", "public, max-age=1,s-maxage=2 ,must-revalidate\t,\tproxy-revalidate",
		 "public must-revalidate proxy-revalidate max-age=1 s-maxage=2"},
		{"9111 5.2.2", "must-understand, no-store, no-transform, private, no-cache",
		 "no-store no-cache private must-understand no-transform"},
		{"8246 2", "immutable", "immutable"},
		{"5861 3", "stale-while-revalidate=30, stale-if-error=40", "swr=30 sie=40"},
		{"9110 5.6.1", ",, max-age=1,,,no-cache,", "no-cache max-age=1"},
		{"9110 5.3", "max-age=1|no-cache|public", "no-cache public max-age=1"},
		{"9110 5.6.1", "", ""},
		/* both forms of an argument (5.2) */
		{"9111 5.2", "max-age=\"60\", s-maxage=\"70\"", "max-age=60 s-maxage=70"},
		{"9111 5.2", "no-cache=a, private=b", "no-cache() private() nc:a p:b"},
		/* delta-seconds (1.2.2) */
		{"9111 1.2.2", "max-age=0", "max-age=0"},
		{"9111 1.2.2", "max-age=003600", "max-age=3600"},
		{"9111 1.2.2", "max-age=2147483647", "max-age=2147483647"},
		{"9111 1.2.2", "max-age=2147483648", "max-age=2147483648"},
		{"9111 1.2.2", "max-age=2147483649", "max-age=2147483648"},
		{"9111 1.2.2", "max-age=99999999999999999999999999", "max-age=2147483648"},
		{"9111 1.2.2", "max-age=18446744073709551616", "max-age=2147483648"},
		{"9111 4.2.1", "max-age=-3600", "max-age=bad"},
		{"9111 4.2.1", "max-age=+3600", "max-age=bad"},
		{"9111 4.2.1", "max-age='3600'", "max-age=bad"},
		{"9111 4.2.1", "max-age=3600.0", "max-age=bad"},
		{"9111 4.2.1", "max-age=a3600", "max-age=bad"},
		{"9111 4.2.1", "max-age=3600a", "max-age=bad"},
		{"9111 4.2.1", "max-age=0x10", "max-age=bad"},
		{"9111 4.2.1", "max-age", "max-age=bad"},
		{"9111 4.2.1", "max-age=", "max-age=bad"},
		{"9111 4.2.1", "max-age=\"\"", "max-age=bad"},
		{"9111 4.2.1", "max-age=\" 60\"", "max-age=bad"},
		{"9111 4.2.1", "max-age=\"6\\0\"", "max-age=bad"},
		{"9111 4.2.1", "max-age=\"60\"x", "max-age=bad"},
		{"9111 4.2.1", "max-age=\"60\" x", "max-age=bad"},
		{"9111 5.2", "max-age =3600", "max-age=bad"},
		{"9111 5.2", "max-age= 3600", "max-age=bad"},
		{"9111 5.2", "max-age 3600", "max-age=bad"},
		{"9111 5.2", "max-age=60;x=1", "max-age=bad"},
		{"9111 5.2", "max-age==60", "max-age=bad"},
		/* more than one value (4.2.1) */
		{"9111 4.2.1", "max-age=60, max-age=60", "max-age=60"},
		{"9111 4.2.1", "max-age=60|max-age=\"060\"", "max-age=60"},
		{"9111 4.2.1", "max-age=1800, max-age=1", "max-age=bad"},
		{"9111 4.2.1", "max-age=1|max-age=1800", "max-age=bad"},
		{"9111 4.2.1", "max-age=1, max-age=1800, max-age=1800", "max-age=bad"},
		{"9111 4.2.1", "max-age=x, max-age=60", "max-age=bad"},
		{"9111 4.2.1", "max-age=60, max-age", "max-age=bad"},
		/* extensions (5.2.3) */
		{"9111 5.2.3", "foobar, max-age=3600", "max-age=3600"},
		{"9111 5.2.3", "extension=\"max-age=3600\", max-age=1", "max-age=1"},
		{"9111 5.2.3", "max-age=1, extension=\"max-age=3600\"", "max-age=1"},
		{"9111 5.2.3", "e=\"a,no-store, \\\", max-age=1\", max-age=2", "max-age=2"},
		{"9111 5.2.3", "x-max-age=1, max-agex=2, max-ag=3", ""},
		{"9111 5.2.3", "max-stale=5, min-fresh=6, only-if-cached", ""},
		/* field names (5.2.2.4, 5.2.2.7) */
		{"9111 5.2.2.4", "no-cache=\"a, b\"", "no-cache() nc:a nc:b"},
		{"9111 5.2.2.4", "no-cache=\"a\", no-cache=\" , Set-Cookie\t,\"",
		 "no-cache() nc:a nc:Set-Cookie"},
		{"9111 5.2.2.7", "private=\"x\", max-age=5", "private() max-age=5 p:x"},
		{"9111 5.2.2.7", "private=\"x\", private", "private private() p:x"},
		{"9111 5.2.2.4", "no-cache=", "no-cache"},
		{"9111 5.2.2.4", "no-cache=\"\"", "no-cache"},
		{"9111 5.2.2.4", "no-cache=\" , \"", "no-cache"},
		{"9111 5.2.2.4", "no-cache=\"a b\"", "no-cache"},
		{"9111 5.2.2.4", "no-cache=\"a, b c\"", "no-cache"},
		{"9111 5.2.2.4", "no-cache=\"a\\, b\"", "no-cache"},
		{"9111 5.2.2.4", "no-cache=\"a\" b", "no-cache"},
		{"9111 5.2.2.4", "no-cache =\"a\"", "no-cache"},
		{"9111 5.2.2.4", "no-cache=\"a,b,c,d\"", "no-cache() nc:a nc:b nc:c nc:d"},
		{"9111 5.2.2.4", "no-cache=\"a,b,c,d,e\"", "no-cache"},
		{"9111 5.2.2.7", "private=\"a,b,c,d\", private=e",
		 "private private() p:a p:b p:c p:d"},
		/* what restricts counts in any shape, what permits does not */
		{"9111 5.2.2.5", "no-store=1", "no-store"},
		{"9111 5.2.2.5", "no-store;x", "no-store"},
		{"9111 5.2.2.5", "no-store max-age=60", "no-store"},
		{"9111 5.2.2.2", "must-revalidate=\"x\"", "must-revalidate"},
		{"9111 5.2.2.9", "public=1, immutable=, must-understand x", ""},
		/* a quoted string that does not end */
		{"9110 5.6.4", "e=\"x, max-age=60, no-store", "no-store max-age=bad"},
		{"9110 5.6.4", "max-age=60, e=\"x, public, private", "private max-age=60"},
		{"9110 5.6.4", "no-cache=\"a, b", "no-cache"},
		{"9110 5.6.4", "max-age=\"60", "max-age=bad"},
		{"9110 5.6.4", "e=\"x\\\", no-store", "no-store"},
		{"9110 5.6.4", "no-cache=\"a|b\", max-age=60", "no-cache max-age=bad"},
	};

	(void)state;
	run(rows, COUNTOF(rows), HTTP_RESPONSE);
}

static void test_request(void **state)
{
	static const struct row rows[] = {
		{"9111 5.2.1", "no-cache, no-store, no-transform, only-if-cached",
		 "no-store no-cache no-transform only-if-cached"},
		{"9111 5.2.1.1", "max-age=0", "max-age=0"},
		{"9111 5.2.1.1", "max-age=\"10\"", "max-age=10"},
		{"9111 5.2.1.2", "max-stale", "max-stale=any"},
		{"9111 5.2.1.2", "max-stale=10", "max-stale=10"},
		{"9111 5.2.1.2", "max-stale=", "max-stale=bad"},
		{"9111 5.2.1.2", "max-stale=x", "max-stale=bad"},
		{"9111 5.2.1.2", "max-stale, max-stale=5", "max-stale=bad"},
		{"9111 5.2.1.2", "max-stale x", "max-stale=bad"},
		{"9111 5.2.1.3", "min-fresh=5", "min-fresh=5"},
		{"9111 5.2.1.3", "min-fresh", "min-fresh=bad"},
		{"9111 5.2.1.4", "no-cache=\"a\"", "no-cache"},
		{"5861 4", "stale-if-error=60", "sie=60"},
		{"9111 5.2.3", "public, s-maxage=1, private, immutable, must-revalidate", ""},
		{"9111 5.2.3", "stale-while-revalidate=1", ""},
	};

	(void)state;
	run(rows, COUNTOF(rows), HTTP_REQUEST);
}

/* RFC 9111 5.4 */
static void test_pragma(void **state)
{
	static const struct {
		enum http_kind kind;
		const char *lines, *want;
	} rows[] = {
		{HTTP_REQUEST, "", ""},
		{HTTP_REQUEST, "Pragma: no-cache\r\n", "pragma"},
		{HTTP_REQUEST, "Pragma: x, No-Cache\r\n", "pragma"},
		{HTTP_REQUEST, "Pragma: unknown\r\n", ""},
		{HTTP_REQUEST, "Pragma: no-cache\r\nCache-Control: max-age=5\r\n", "max-age=5"},
		{HTTP_REQUEST, "Pragma: no-cache\r\nCache-Control:\r\n", ""},
		{HTTP_RESPONSE, "Pragma: no-cache\r\n", ""},
	};
	static struct head h;
	char text[256];
	struct cc cc;

	(void)state;
	for (size_t i = 0; i < COUNTOF(rows); i++) {
		cc_parse(parse_head(&h, rows[i].kind, rows[i].lines), &cc);
		if (strcmp(cc_text(&cc, text, sizeof(text)), rows[i].want) != 0)
			fail_msg("%s: %s", rows[i].lines, text);
	}
}

static void test_targeted(void **state)
{
	static const struct row rows[] = {
		{"9213 2.1", "max-age=60", "max-age=60"},
		{"9213 2.1", "none", ""},
		{"9213 2.1", "foobar, max-age=3600", "max-age=3600"},
		{"9213 2.1", "no-store, private, no-cache, must-revalidate, public, immutable",
		 "no-store no-cache private public must-revalidate immutable"},
		{"9213 2.1", "max-age=60|s-maxage=70|stale-if-error=1,stale-while-revalidate=2",
		 "max-age=60 s-maxage=70 swr=2 sie=1"},
		{"9111 1.2.2", "max-age=2147483649", "max-age=2147483648"},
		{"9111 1.2.2", "max-age=99999999999", "max-age=2147483648"},
		{"9111 4.2.1", "max-age=-1", "max-age=bad"},
		/* wrong types are not coerced */
		{"9213 2.1", "max-age=\"10000\"", ""},
		{"9213 2.1", "max-age=10.5", ""},
		{"9213 2.1", "max-age=a", ""},
		{"9213 2.1", "max-age", ""},
		{"9213 2.1", "max-age=(10)", ""},
		{"9213 2.1", "max-age=@10", ""},
		{"9213 2.1", "no-store=?0, private=?0, no-cache=?0, public=?0", ""},
		{"9213 2.1", "no-store=1, must-revalidate=\"x\", public=yes", ""},
		{"9213 2.1", "no-cache=?1, no-store=?1", "no-store no-cache"},
		{"9213 2.1", "no-cache=\"a, b\", private=\"c\"",
		 "no-cache() private() nc:a nc:b p:c"},
		{"9213 2.1", "private=c", "private() p:c"},
		{"9213 2.1", "private=\"\"", "private"},
		{"9213 2.1", "private=1", ""},
		{"9213 2.1", "private=(\"a\")", ""},
		{"9213 2.1", "max-age=60;x=1;y, no-store;z", "no-store max-age=60"},
		/* the last one counts (RFC 9651 4.2.2) */
		{"9651 4.2.2", "max-age=1, max-age=2", "max-age=2"},
		{"9651 4.2.2", "max-age=1|max-age=\"2\"", ""},
		{"9651 4.2.2", "no-cache, no-cache=\"a\", no-cache=\"b\"", "no-cache() nc:b"},
		{"9651 4.2.2", "private=\"a\", private", "private"},
		{"9651 4.2.2", "private=\"a\", private=\"b\"", "private() p:b"},
		{"9111 5.2.3", "max-stale=1, only-if-cached", ""},
		/* absent, empty or malformed: NULL */
		{"9213 2.1", "", NULL},
		{"9213 2.1", "max-age=10000, &&&&&", NULL},
		{"9213 2.1", "max-age =100", NULL},
		{"9213 2.1", "max-age= 100", NULL},
		{"9213 2.1", "MaX-aGe=3600", NULL},
		{"9213 2.1", "max-age=60,", NULL},
		{"9213 2.1", "max-age=60,,no-store", NULL},
		{"9213 2.1", "max-age=60|", NULL},
		{"9213 2.1", "max-age=60 no-store", NULL},
		{"9213 2.1", "no-cache=\"a", NULL},
		{"9213 2.1", "max-age=9999999999999999", NULL},
	};
	static const char *const names[] = {"CDN-Cache-Control", "Tiercel-Cache-Control"};
	static struct head h;
	char lines[512], text[512];

	(void)state;
	for (size_t i = 0; i < COUNTOF(rows) * 2; i++) {
		const struct row *row = &rows[i / 2];
		const char *name = names[i % 2];
		struct cc cc = {.flags = 0x12345};
		bool ok = cc_parse_targeted(
			parse_head(&h, HTTP_RESPONSE,
				   lines_of(name, row->value, lines, sizeof(lines))),
			str_c(name), &cc);

		if (!ok && cc.flags != 0x12345)
			fail_msg("RFC %s: %s: touched", row->rfc, row->value);
		if (ok != !!row->want ||
		    (ok && strcmp(cc_text(&cc, text, sizeof(text)), row->want) != 0))
			fail_msg("RFC %s: %s: %s", row->rfc, row->value, ok ? text : "refused");
		assert_false(cc_parse_targeted(&h.msg, STR("Other-Cache-Control"), &cc));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_response),
		cmocka_unit_test(test_request),
		cmocka_unit_test(test_pragma),
		cmocka_unit_test(test_targeted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
