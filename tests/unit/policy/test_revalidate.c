/* SPDX-License-Identifier: BSD-2-Clause */
/* Validation, sentence by sentence of RFC 9111 4.3 and 3.2. */
#include "policy/revalidate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "cache_head.h"

static const char *written(struct http_writer *w)
{
	assert_false(w->overflow);
	*w->at = '\0';
	return w->start;
}

/* 4.3.1: conditions of our own instead of the client's. */
static void marks(void **state)
{
	static struct head h;
	static const char lines[] =
		"Host: h\r\nIf-None-Match: \"a\"\r\nif-none-match: \"b\"\r\n"
		"If-Match: \"a\"\r\nIf-Modified-Since: x\r\nRange: bytes=0-1\r\n"
		"If-Unmodified-Since: x\r\nIf-Range: \"a\"\r\nX: 1\r\n";
	char out[1000];
	struct http_writer w;
	struct http_msg *m = cache_request(&h, lines);

	(void)state;
	http_write_init(&w, out, sizeof(out) - 1);
	revalidate_mark(m, false);
	http_write_fields(&w, m);
	assert_string_equal(written(&w),
			    "Host: h\r\nRange: bytes=0-1\r\nIf-Range: \"a\"\r\nX: 1\r\n");
	http_write_init(&w, out, sizeof(out) - 1);
	revalidate_mark(m, true);
	http_write_fields(&w, m);
	assert_string_equal(written(&w), "Host: h\r\nX: 1\r\n");
}

struct write_row {
	const char *rfc, *why;
	struct revalidate_source sources[3];
	size_t n;
	const char *lines;
};

static void conditions(void **state)
{
	static const struct write_row write_rows[] = {
		{"4.3.1",
		 "an ETag",
		 {{STR("\"a\""), STORED_NO_DATE}},
		 1,
		 "If-None-Match: \"a\"\r\n"},
		{"4.3.1",
		 "a weak one",
		 {{STR("W/\"a\""), STORED_NO_DATE}},
		 1,
		 "If-None-Match: W/\"a\"\r\n"},
		{"4.3.1",
		 "a date",
		 {{{NULL, 0}, NOW_S}},
		 1,
		 "If-Modified-Since: Fri, 15 Mar 2024 12:00:00 GMT\r\n"},
		{"4.3.1",
		 "both",
		 {{STR("\"a\""), NOW_S}},
		 1,
		 "If-None-Match: \"a\"\r\nIf-Modified-Since: Fri, 15 Mar 2024 12:00:00 GMT\r\n"},
		{"4.3.1",
		 "all ETags, the first one's date",
		 {{STR("\"a\""), NOW_S}, {STR("\"b\""), NOW_S + 1}, {STR("\"c\""), NOW_S + 2}},
		 3,
		 "If-None-Match: \"a\", \"b\", \"c\"\r\n"
		 "If-Modified-Since: Fri, 15 Mar 2024 12:00:00 GMT\r\n"},
		{"4.3.1",
		 "the same once; some have none",
		 {{{NULL, 0}, STORED_NO_DATE},
		  {STR("\"a\""), STORED_NO_DATE},
		  {STR("\"a\""), STORED_NO_DATE}},
		 3,
		 "If-None-Match: \"a\"\r\n"},
		{"4.3.1", "nothing to ask with", {{{NULL, 0}, STORED_NO_DATE}}, 1, ""},
		{"4.3.1", "nothing stored", {{{NULL, 0}, 0}}, 0, ""},
	};
	char out[1000];
	struct http_writer w;

	(void)state;
	for (size_t i = 0; i < COUNTOF(write_rows); i++) {
		http_write_init(&w, out, sizeof(out) - 1);
		revalidate_write(&w, write_rows[i].sources, write_rows[i].n);
		if (strcmp(written(&w), write_rows[i].lines) != 0)
			fail_msg("%s, %s: %s", write_rows[i].rfc, write_rows[i].why, out);
	}
}

#define NONE STORED_NO_DATE

struct select_row {
	const char *rfc, *why;
	const char *update;
	const char *etag;
	int64_t last_modified;
	bool sole, yes;
};

static void selects(void **state)
{
	static const struct select_row select_rows[] = {
		{"4.3.4", "the same strong tag", "ETag: \"a\"\r\n", "\"a\"", NONE, false, true},
		{"4.3.4", "whatever the dates", "ETag: \"a\"\r\nLast-Modified: {-5}\r\n", "\"a\"",
		 NOW_S, false, true},
		{"4.3.4", "another strong tag: MUST NOT", "ETag: \"b\"\r\n", "\"a\"", NONE, true,
		 false},
		{"4.3.4", "whatever the dates", "ETag: \"b\"\r\nLast-Modified: {0}\r\n", "\"a\"",
		 NOW_S, true, false},
		{"4.3.4", "strong is not weak", "ETag: \"a\"\r\n", "W/\"a\"", NONE, true, false},
		{"9110 8.8.2.2", "unless the date says the same",
		 "ETag: \"a\"\r\nLast-Modified: {0}\r\n", "W/\"a\"", NOW_S, true, true},
		{"4.3.4", "nothing stored to compare the tag with", "ETag: \"a\"\r\n", NULL, NONE,
		 true, false},
		{"9110 8.8.2.2", "but a date", "ETag: \"a\"\r\nLast-Modified: {0}\r\n", NULL, NOW_S,
		 true, true},
		{"4.3.4", "a weak tag", "ETag: W/\"a\"\r\n", "W/\"a\"", NONE, false, true},
		{"9110 8.8.3.2", "compared weakly", "ETag: W/\"a\"\r\n", "\"a\"", NONE, false,
		 true},
		{"4.3.4", "another weak tag", "ETag: W/\"b\"\r\n", "W/\"a\"", NONE, true, false},
		{"4.3.4", "the date", "Last-Modified: {0}\r\n", NULL, NOW_S, false, true},
		{"4.3.4", "the date of one with a tag", "Last-Modified: {0}\r\n", "\"a\"", NOW_S,
		 false, true},
		{"4.3.4", "another date", "Last-Modified: {-1}\r\n", NULL, NOW_S, true, false},
		{"4.3.4", "no date stored", "Last-Modified: {0}\r\n", "\"a\"", NONE, true, false},
		{"4.3.4", "no validator, one candidate", "X: 1\r\n", "\"a\"", NOW_S, true, true},
		{"4.3.4", "no validator, several", "X: 1\r\n", "\"a\"", NOW_S, false, false},
		{"9110 8.8.3", "a malformed tag is none", "ETag: b\r\n", "\"a\"", NOW_S, true,
		 true},
		{"9110 8.8.2", "a malformed date too", "Last-Modified: b\r\n", "\"a\"", NOW_S, true,
		 true},
	};
	static struct head h;

	(void)state;
	for (size_t i = 0; i < COUNTOF(select_rows); i++) {
		const struct select_row *r = &select_rows[i];

		if (revalidate_selects(cache_response(&h, 304, r->update), str_c(r->etag),
				       r->last_modified, r->sole) != r->yes)
			fail_msg("%s, %s", r->rfc, r->why);
	}
}

struct merge_row {
	const char *rfc, *why, *stored, *update, *merged;
};

#define CC "Cache-Control: "

static const struct merge_row merge_rows[] = {
	{"3.2", "each field is added", "A: 1\r\n", "B: 2\r\n", "A: 1\r\nB: 2\r\n"},
	{"3.2", "and replaces what is there", "A: 1\r\nB: 1\r\n", "a: 2\r\n", "B: 1\r\na: 2\r\n"},
	{"3.2", "all lines by all lines", "A: 1\r\nB: 1\r\nA: 2\r\n", "A: 3\r\nA: 4\r\n",
	 "B: 1\r\nA: 3\r\nA: 4\r\n"},
	{"3.2", "unknown fields, X- or not", "Test-Header: 1\r\nX-Test-Header: 1\r\n",
	 "Test-Header: 2\r\nX-Test-Header: 2\r\n", "Test-Header: 2\r\nX-Test-Header: 2\r\n"},
	{"3.2", "Content- is no signal", "Content-Foo: 1\r\nX-Content-Foo: 1\r\n",
	 "Content-Foo: 2\r\nX-Content-Foo: 2\r\n", "Content-Foo: 2\r\nX-Content-Foo: 2\r\n"},
	{"3.2", "Content-Type is updated", "Content-Type: text/plain\r\n",
	 "Content-Type: text/plain;charset=utf-8\r\n",
	 "Content-Type: text/plain;charset=utf-8\r\n"},
	{"3.2", "Content-Location, -Security-Policy, -Disposition too",
	 "Content-Location: /a\r\nContent-Security-Policy: a\r\nContent-Disposition: a\r\n",
	 "Content-Location: /b\r\nContent-Security-Policy: b\r\nContent-Disposition: b\r\n",
	 "Content-Location: /b\r\nContent-Security-Policy: b\r\nContent-Disposition: b\r\n"},
	{"4.3.4", "freshness", CC "max-age=1\r\nExpires: {0}\r\nVary: a\r\n",
	 CC "max-age=3600\r\nExpires: {+5}\r\nVary: b\r\n",
	 CC "max-age=3600\r\nExpires: {+5}\r\nVary: b\r\n"},
	{"3.2", "Set-Cookie, unless it is marked", "Set-Cookie: a=b\r\n", "Set-Cookie: a=c\r\n",
	 "Set-Cookie: a=c\r\n"},
	{"3.2", "Last-Modified", "Last-Modified: {-9}\r\n", "Last-Modified: {-8}\r\n",
	 "Last-Modified: {-8}\r\n"},
	{"3.2", "not Content-Length", "A: 1\r\n", "Content-Length: 10\r\n", "A: 1\r\n"},
	{"3.2", "not what is removed when received: Content-Range", "Content-Range: a\r\n",
	 "Content-Range: b\r\n", "Content-Range: a\r\n"},
	{"3.2", "not what the stored bytes depend on: Content-Encoding", "Content-Encoding: br\r\n",
	 "Content-Encoding: gzip\r\n", "Content-Encoding: br\r\n"},
	{"3.2", "nor is it added", "A: 1\r\n", "Content-Encoding: gzip\r\n", "A: 1\r\n"},
	{"3.2", "not their sums", "Content-MD5: a\r\nContent-Digest: a\r\n",
	 "Content-MD5: b\r\nContent-Digest: b\r\n", "Content-MD5: a\r\nContent-Digest: a\r\n"},
	{"3.2", "not the name of the bytes: ETag", "ETag: \"a\"\r\n", "ETag: W/\"a\"\r\n",
	 "ETag: \"a\"\r\n"},
	{"3.2", "which is added where there is none", "A: 1\r\n", "ETag: \"a\"\r\n",
	 "A: 1\r\nETag: \"a\"\r\n"},
	{"3.1", "not the connection's", "A: 1\r\nKeep-Alive: a\r\n",
	 "Connection: x\r\nKeep-Alive: b\r\nProxy-Connection: c\r\nUpgrade: d\r\nTE: e\r\n"
	 "Proxy-Authenticate: f\r\nProxy-Authentication-Info: g\r\nTrailer: h\r\n",
	 "A: 1\r\nKeep-Alive: a\r\n"},
	{"5.1", "not Age, which we write", "A: 1\r\n", "Age: 5\r\n", "A: 1\r\n"},
	{"9110 7.6.3", "not Via: the content came the stored way", "Via: 1.1 a, 1.1 tiercel\r\n",
	 "Via: 1.0 b\r\n", "Via: 1.1 a, 1.1 tiercel\r\n"},
	{"9110 6.6.1", "Date is the update's", "Date: {-100}\r\nA: 1\r\n", "Date: {0}\r\n",
	 "A: 1\r\nDate: {0}\r\n"},
	{"9110 6.6.1", "and the caller's where it has none", "Date: {-100}\r\nA: 1\r\n", "B: 1\r\n",
	 "A: 1\r\nB: 1\r\n"},
	{"4.3.4", "nothing new", "A: 1\r\nB: 2\r\n", "", "A: 1\r\nB: 2\r\n"},
};

static void merges(void **state)
{
	static struct head stored, update;
	char out[4000], expected[4000];
	struct http_writer w;

	(void)state;
	for (size_t i = 0; i < COUNTOF(merge_rows); i++) {
		const struct merge_row *r = &merge_rows[i];

		http_write_init(&w, out, sizeof(out) - 1);
		revalidate_merge(&w, cache_response(&stored, 200, r->stored),
				 cache_response(&update, 304, r->update));
		if (strcmp(written(&w), with_dates(r->merged, expected, sizeof(expected))) != 0)
			fail_msg("%s, %s: %s", r->rfc, r->why, out);
	}
}

/* What the caller marked is neither kept nor taken, and a marked update replaces nothing. */
static void marked(void **state)
{
	static struct head stored, update;
	struct http_msg *s = cache_response(&stored, 200, "A: 1\r\nB: 1\r\nC: 1\r\n");
	struct http_msg *u = cache_response(&update, 304, "B: 2\r\nC: 2\r\nC: 3\r\n");
	char out[1000];
	struct http_writer w;

	(void)state;
	s->fields[0].dropped = true;
	u->fields[0].dropped = true;
	u->fields[1].dropped = true;
	http_write_init(&w, out, sizeof(out) - 1);
	revalidate_merge(&w, s, u);
	assert_string_equal(written(&w), "B: 1\r\nC: 3\r\n");
}

struct head_row {
	const char *rfc, *why, *answer, *etag;
	int64_t last_modified;
	bool agrees; /* the stored length is 10 */
};

static void head_answers(void **state)
{
	static const struct head_row head_rows[] = {
		{"4.3.5", "nothing to compare", "A: 1\r\n", "\"a\"", NOW_S, true},
		{"4.3.5", "all agree",
		 "Content-Length: 10\r\nETag: \"a\"\r\nLast-Modified: {0}\r\n", "\"a\"", NOW_S,
		 true},
		{"4.3.5", "another length", "Content-Length: 11\r\nETag: \"a\"\r\n", "\"a\"", NOW_S,
		 false},
		{"4.3.5", "another ETag", "Content-Length: 10\r\nETag: \"b\"\r\n", "\"a\"", NOW_S,
		 false},
		{"4.3.5", "an ETag where none is stored", "ETag: \"b\"\r\n", NULL, NOW_S, false},
		{"4.3.5", "weak and strong", "ETag: W/\"a\"\r\n", "\"a\"", NOW_S, true},
		{"4.3.5", "another date", "Last-Modified: {+1}\r\n", "\"a\"", NOW_S, false},
		{"4.3.5", "a date where none is stored", "Last-Modified: {0}\r\n", "\"a\"", NONE,
		 false},
		{"4.3.5", "only the length", "Content-Length: 10\r\n", NULL, NONE, true},
	};
	static struct head h;

	(void)state;
	for (size_t i = 0; i < COUNTOF(head_rows); i++) {
		const struct head_row *r = &head_rows[i];

		if (revalidate_head_agrees(cache_response(&h, 200, r->answer), str_c(r->etag),
					   r->last_modified, 10) != r->agrees)
			fail_msg("%s, %s", r->rfc, r->why);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(marks),   cmocka_unit_test(conditions),
		cmocka_unit_test(selects), cmocka_unit_test(merges),
		cmocka_unit_test(marked),  cmocka_unit_test(head_answers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
