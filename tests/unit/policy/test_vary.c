/* SPDX-License-Identifier: BSD-2-Clause */
/* Content negotiation by Vary, sentence by sentence of RFC 9111 4.1. */
#include "policy/vary.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "cache_head.h"

struct match_row {
	const char *rfc, *why;
	const char *vary;	    /* field lines of the answer */
	const char *first, *second; /* field lines of the two requests */
	bool matches;
};

#define AE "Accept-Encoding: "
#define AL "Accept-Language: "

static const struct match_row match_rows[] = {
	{"4.1", "the same", "Vary: Foo\r\n", "Foo: 1\r\n", "Foo: 1\r\n", true},
	{"4.1", "another value", "Vary: Foo\r\n", "Foo: 1\r\n", "Foo: 2\r\n", false},
	{"4.1", "a longer one", "Vary: Foo\r\n", "Foo: 1\r\n", "Foo: 11\r\n", false},
	{"4.1", "a shorter one", "Vary: Foo\r\n", "Foo: 11\r\n", "Foo: 1\r\n", false},
	{"4.1", "names are case-insensitive", "Vary: fOO\r\n", "Foo: 1\r\n", "foo: 1\r\n", true},
	{"4.1", "values of unknown fields are not", "Vary: Foo\r\n", "Foo: a\r\n", "Foo: A\r\n",
	 false},
	{"4.1", "other fields do not matter", "Vary: Foo\r\n", "Foo: 1\r\nBar: 1\r\n",
	 "Foo: 1\r\nBar: 2\r\n", true},
	{"4.1", "absent in both", "Vary: Foo\r\n", "", "", true},
	{"4.1", "absent in the first", "Vary: Foo\r\n", "", "Foo: 1\r\n", false},
	{"4.1", "absent in the second", "Vary: Foo\r\n", "Foo: 1\r\n", "", false},
	{"4.1", "empty is not absent", "Vary: Foo\r\n", "Foo:\r\n", "", false},
	{"4.1", "absent is not empty", "Vary: Foo\r\n", "", "Foo:\r\n", false},
	{"4.1", "empty twice", "Vary: Foo\r\n", "Foo:\r\n", "Foo:\r\n", true},
	{"4.1", "all of a list", "Vary: Foo, Bar\r\n", "Foo: 1\r\nBar: a\r\n",
	 "Bar: a\r\nFoo: 1\r\n", true},
	{"4.1", "one of a list differs", "Vary: Foo, Bar\r\n", "Foo: 1\r\nBar: a\r\n",
	 "Foo: 1\r\nBar: b\r\n", false},
	{"4.1", "one of a list is gone", "Vary: Foo, Bar\r\n", "Foo: 1\r\nBar: a\r\n", "Foo: 1\r\n",
	 false},
	{"4.1", "several lines of Vary", "Vary: Foo\r\nVary: Bar\r\n", "Foo: 1\r\nBar: a\r\n",
	 "Foo: 1\r\nBar: b\r\n", false},
	{"9110 5.6.1.2", "empty members", "Vary: , Foo,,\r\n", "Foo: 1\r\n", "Foo: 2\r\n", false},
	{"4.1", "no Vary: everything matches", "X: 1\r\n", "Foo: 1\r\n", "Foo: 2\r\n", true},
	/* white space, lines */
	{"4.1", "white space around commas", "Vary: Foo\r\n", "Foo: 1,2\r\n", "Foo:  1 ,\t2 \r\n",
	 true},
	{"4.1", "white space inside a member", "Vary: Foo\r\n", "Foo: a b\r\n", "Foo: a  b\r\n",
	 false},
	{"4.1", "inside quotes", "Vary: Foo\r\n", "Foo: \"a, b\"\r\n", "Foo: \"a,b\"\r\n", false},
	{"4.1", "lines combined", "Vary: Foo\r\n", "Foo: 1, 2\r\n", "Foo: 1\r\nFoo: 2\r\n", true},
	{"4.1", "in another order", "Vary: Foo\r\n", "Foo: 1, 2\r\n", "Foo: 2\r\nFoo: 1\r\n",
	 false},
	{"4.1", "with a line between", "Vary: Foo\r\n", "Foo: 1, 2\r\n",
	 "Foo: 1\r\nX: 1\r\nFoo: 2\r\n", true},
	{"4.1", "no list: commas are bytes", "Vary: User-Agent\r\n", "User-Agent: a,b\r\n",
	 "User-Agent: a, b\r\n", false},
	{"4.1", "no list: the same", "Vary: Referer\r\n", "Referer: http://a/?b, c\r\n",
	 "Referer: http://a/?b, c\r\n", true},
	{"4.1", "no list: an empty line adds nothing", "Vary: Cookie\r\n",
	 "Cookie: a\r\nCookie:\r\n", "Cookie: a\r\n", true},
	{"4.1", "Cookie", "Vary: Cookie\r\n", "Cookie: a=1; b=2\r\n", "Cookie: a=1; b=3\r\n",
	 false},
	{"4.1", "a known list", "Vary: If-None-Match\r\n", "If-None-Match: \"a\",\"b\"\r\n",
	 "If-None-Match: \"a\" , \"b\"\r\n", true},
	/* Accept-Encoding */
	{"9110 12.5.3", "order", "Vary: Accept-Encoding\r\n", AE "gzip, br\r\n", AE "br,gzip\r\n",
	 true},
	{"9110 12.5.3", "case", "Vary: Accept-Encoding\r\n", AE "GZIP\r\n", AE "gzip\r\n", true},
	{"9110 12.5.3", "others", "Vary: Accept-Encoding\r\n", AE "gzip, br\r\n", AE "gzip\r\n",
	 false},
	{"9110 12.5.3", "others", "Vary: Accept-Encoding\r\n", AE "gzip\r\n", AE "gzip, br\r\n",
	 false},
	{"9110 12.4.2", "a weight of 1", "Vary: Accept-Encoding\r\n", AE "gzip;q=1.000\r\n",
	 AE "gzip\r\n", true},
	{"9110 12.4.2", "how it is written", "Vary: Accept-Encoding\r\n", AE "gzip;q=0.50, br\r\n",
	 AE "br ; Q=1, gzip; q=0.5\r\n", true},
	{"9110 12.4.2", "another weight", "Vary: Accept-Encoding\r\n", AE "gzip;q=0.5\r\n",
	 AE "gzip;q=0.05\r\n", false},
	{"9110 12.4.2", "0 is a refusal", "Vary: Accept-Encoding\r\n", AE "gzip;q=0\r\n",
	 AE "gzip\r\n", false},
	{"9110 12.4.2", "0 is a refusal", "Vary: Accept-Encoding\r\n", AE "gzip;q=0.000\r\n",
	 AE "gzip;q=0\r\n", true},
	{"9110 8.4.1.3", "x-gzip", "Vary: Accept-Encoding\r\n", AE "X-GZip\r\n", AE "gzip\r\n",
	 true},
	{"9110 8.4.1.1", "x-compress", "Vary: Accept-Encoding\r\n", AE "x-compress;q=0.1\r\n",
	 AE "compress;q=0.1\r\n", true},
	{"9110 12.5.3", "x-br is no br", "Vary: Accept-Encoding\r\n", AE "x-br\r\n", AE "br\r\n",
	 false},
	{"9110 12.5.3", "the same twice", "Vary: Accept-Encoding\r\n", AE "gzip, gzip\r\n",
	 AE "gzip\r\n", true},
	{"9110 12.5.3", "lines", "Vary: Accept-Encoding\r\n", AE "gzip\r\n" AE "br\r\n",
	 AE "br, gzip\r\n", true},
	{"9110 12.5.3", "*", "Vary: Accept-Encoding\r\n", AE "*;q=0.1, gzip\r\n",
	 AE "gzip, *;q=0.1\r\n", true},
	{"9110 12.5.3", "empty means something", "Vary: Accept-Encoding\r\n", AE "\r\n", "", false},
	{"9110 12.5.3", "empty and identity differ", "Vary: Accept-Encoding\r\n", AE "\r\n",
	 AE "identity\r\n", false},
	{"9110 12.4.2", "a malformed weight: left as it is", "Vary: Accept-Encoding\r\n",
	 AE "gzip;q=2, br\r\n", AE "br, gzip;q=2\r\n", false},
	{"9110 12.4.2", "a malformed weight, twice the same", "Vary: Accept-Encoding\r\n",
	 AE "gzip;q=0.1234\r\n", AE " gzip;q=0.1234 \r\n", true},
	{"9110 12.4.2", "a malformed weight is none of 1", "Vary: Accept-Encoding\r\n",
	 AE "gzip;q=1.001\r\n", AE "gzip\r\n", false},
	{"9110 12.5.3", "an unknown parameter", "Vary: Accept-Encoding\r\n", AE "gzip;x=1\r\n",
	 AE "gzip\r\n", false},
	/* Accept-Language */
	{"9110 12.5.4", "order", "Vary: Accept-Language\r\n", AL "en, de\r\n", AL "de, en\r\n",
	 true},
	{"9110 12.5.4", "case", "Vary: Accept-Language\r\n", AL "en, de\r\n", AL "eN, De\r\n",
	 true},
	{"9110 12.5.4", "space", "Vary: Accept-Language\r\n", AL "en, de\r\n", AL " en ,   de\r\n",
	 true},
	{"9110 12.5.4", "weights", "Vary: Accept-Language\r\n", AL "de-CH;q=0.9, en;q=0.1\r\n",
	 AL "en;q=0.10,de-ch;q=0.900\r\n", true},
	{"4.1", "what a server might choose does not make a match", "Vary: Accept-Language\r\n",
	 AL "en, de\r\n", AL "fr;q=0.5, de;q=1.0\r\n", false},
	{"9110 12.5.4", "x-gzip is no language", "Vary: Accept-Language\r\n", AL "x-gzip\r\n",
	 AL "gzip\r\n", false},
};

static char spec_bytes[8192];

static struct str spec_of(const char *vary, const char *request, enum vary_rc expected)
{
	static struct head rq, rs;
	struct http_writer w;

	http_write_init(&w, spec_bytes, sizeof(spec_bytes));
	assert_int_equal(
		vary_write(cache_request(&rq, request), cache_response(&rs, 200, vary), &w),
		expected);
	assert_false(w.overflow);
	return str_of(spec_bytes, http_write_n(&w));
}

static void matches(void **state)
{
	static struct head h;

	(void)state;
	for (size_t i = 0; i < COUNTOF(match_rows); i++) {
		const struct match_row *r = &match_rows[i];
		const bool any = strstr(r->vary, "Vary") != NULL;
		const struct str spec = spec_of(r->vary, r->first, any ? VARY_SOME : VARY_NONE);

		assert_true(vary_valid(spec));
		if (!vary_match(spec, cache_request(&h, r->first)))
			fail_msg("%s, %s: does not match itself", r->rfc, r->why);
		if (vary_match(spec, cache_request(&h, r->second)) != r->matches)
			fail_msg("%s, %s", r->rfc, r->why);
	}
}

struct form_row {
	const char *why, *vary, *request, *form; /* "name=value;", absent: "name;" */
};

/* The form that is kept. */
static void forms(void **state)
{
	static const struct form_row form_rows[] = {
		{"sorted, lower case, once", "Vary: Foo, BAR, foo\r\n", "Foo: 1\r\n", "bar|foo=1|"},
		{"codings", "Vary: Accept-Encoding\r\n",
		 AE "gzip, deflate, BR;q=1.0, x;q=0.250\r\n",
		 "accept-encoding=gzip, deflate, br, x;q=0.25|"},
		{"a small weight", "Vary: Accept-Encoding\r\n", AE "x;q=0.001, y;q=0.\r\n",
		 "accept-encoding=x;q=0.001, y;q=0|"},
		{"a weight above 1 is none", "Vary: Accept-Encoding\r\n", AE "gzip;q=1.9,br\r\n",
		 "accept-encoding=gzip;q=1.9, br|"},
		{"lines", "Vary: A\r\n", "A: x ,y\r\nA: ,\r\nA: z\r\n", "a=x, y, , , z|"},
		{"empty members", "Vary: A\r\n", "A: ,\r\n", "a=, |"},
	};
	char text[1000];

	(void)state;
	for (size_t i = 0; i < COUNTOF(form_rows); i++) {
		const struct form_row *r = &form_rows[i];
		struct str rest = spec_of(r->vary, r->request, VARY_SOME), name, value;
		size_t n = 0;

		while (vary_next(&rest, &name, &value))
			n += (size_t)snprintf(text + n, sizeof(text) - n, "%.*s%s%.*s|",
					      STR_ARG(name), value.p ? "=" : "", STR_ARG(value));
		if (strcmp(text, r->form) != 0)
			fail_msg("%s: %s", r->why, text);
	}
}

/* A member "*" never matches, wherever it stands (4.1). */
static void stars(void **state)
{
	static const char *const lines[] = {
		"Vary: *\r\n",	     "Vary: *, *\r\n",		 "Vary: *\r\nVary: *\r\n",
		"Vary: , *\r\n",     "Vary:\r\nVary: *\r\n",	 "Vary: *, Foo\r\n",
		"Vary: Foo, *\r\n",  "Vary: Foo\r\nVary: *\r\n", "Vary: Foo Bar\r\n",
		"Vary: \"Foo\"\r\n",
	};

	(void)state;
	for (size_t i = 0; i < COUNTOF(lines); i++)
		assert_int_equal(spec_of(lines[i], "Foo: 1\r\n", VARY_STAR).n, 0);
	assert_int_equal(spec_of("Vary:\r\n", "", VARY_NONE).n, 0);
	assert_int_equal(spec_of("Vary: ,,\r\n", "", VARY_NONE).n, 0);
}

static void limits(void **state)
{
	static struct head rq, rs;
	char lines[1000];
	char small[20];
	struct http_writer w;
	size_t n = 6;

	(void)state;
	strcpy(lines, "Vary: ");
	for (unsigned i = 0; i < VARY_FIELDS_MAX; i++)
		n += (size_t)snprintf(lines + n, sizeof(lines) - n, "f%u, ", i);
	strcpy(lines + n, "\r\n");
	assert_true(vary_valid(spec_of(lines, "F3: 1\r\n", VARY_SOME)));
	strcpy(lines + n, "f99\r\n");
	spec_of(lines, "F3: 1\r\n", VARY_LIMIT);
	/* no room: nothing is left behind */
	http_write_init(&w, small, sizeof(small));
	http_write_lit(&w, "x");
	assert_int_equal(vary_write(cache_request(&rq, "Foo: 123456789012345\r\n"),
				    cache_response(&rs, 200, "Vary: Foo\r\n"), &w),
			 VARY_LIMIT);
	assert_false(w.overflow);
	assert_int_equal(http_write_n(&w), 1);
	/* more codings than can be sorted: still the same for the same */
	n = (size_t)snprintf(lines, sizeof(lines), "Accept-Encoding: ");
	for (unsigned i = 40; i > 0; i--)
		n += (size_t)snprintf(lines + n, sizeof(lines) - n, "c%u%s", i,
				      i > 1 ? "," : "\r\n");
	assert_true(vary_match(spec_of("Vary: Accept-Encoding\r\n", lines, VARY_SOME),
			       cache_request(&rq, lines)));
}

/* Bytes from outside. */
static void invalid_specs(void **state)
{
	static const struct {
		const char *bytes;
		size_t n;
	} bad[] = {
#define BAD(literal) {literal, sizeof(literal) - 1}
		BAD("\x01"),
		BAD("\x01\x00"),
		BAD("\x01\x00"
		    "a"),
		BAD("\x01\x00"
		    "a\x01\x00"),
		BAD("\x01\x00"
		    "a\x00"),
		BAD("\x00\x00\x00\x00"),
		BAD("\xff\xff\xff\xff"),
		BAD("\x01\x00"
		    "A\x00\x00"),
		BAD("\x01\x00"
		    " \x00\x00"),
		BAD("\x01\x00"
		    "a\x01\x00\r"),
		BAD("\x01\x00"
		    "b\x00\x00\x01\x00"
		    "a\x00\x00"),
		BAD("\x01\x00"
		    "a\x00\x00\x01\x00"
		    "a\x00\x00"),
	};

	(void)state;
	for (size_t i = 0; i < COUNTOF(bad); i++)
		if (vary_valid(str_of(bad[i].bytes, bad[i].n)))
			fail_msg("row %zu", i);
	assert_true(vary_valid(STR_NONE));
	assert_true(vary_valid(str_of("\x01\x00"
				      "a\xff\xff\x01\x00"
				      "b\x01\x00x",
				      11)));
}

/* An empty spec matches without a look at the request. */
static void empty_spec(void **state)
{
	(void)state;
	assert_true(vary_match(STR_NONE, NULL));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(matches),	 cmocka_unit_test(forms),
		cmocka_unit_test(stars),	 cmocka_unit_test(limits),
		cmocka_unit_test(invalid_specs), cmocka_unit_test(empty_spec),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
