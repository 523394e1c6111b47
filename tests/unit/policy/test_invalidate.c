/* SPDX-License-Identifier: BSD-2-Clause */
/* Invalidation (RFC 9111 4.4), references (RFC 3986 5.2) and groups (RFC 9875). */
#include "policy/invalidate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/err.h"
#include "cache_head.h"

static const struct invalidate_uri base = {
	STR("http"), STR("a"), {NULL, 0}, STR("/b/c/d;p"), STR("q")};

/* "http://host:port/path?query" */
static const char *text_of(const struct invalidate_uri *u, char *out, size_t size)
{
	snprintf(out, size, "%.*s://%.*s%s%.*s%.*s%s%.*s", STR_ARG(u->scheme), STR_ARG(u->host),
		 u->port.n ? ":" : "", STR_ARG(u->port), STR_ARG(u->path), u->query.p ? "?" : "",
		 STR_ARG(u->query));
	return out;
}

struct resolve_row {
	const char *rfc, *reference, *uri; /* NULL: refused */
};

static const struct resolve_row resolve_rows[] = {
	/* RFC 3986 5.4.1 (without the schemes that are not ours) */
	{"3986 5.4.1", "g", "http://a/b/c/g"},
	{"3986 5.4.1", "./g", "http://a/b/c/g"},
	{"3986 5.4.1", "g/", "http://a/b/c/g/"},
	{"3986 5.4.1", "/g", "http://a/g"},
	{"3986 5.4.1", "//g", "http://g/"},
	{"3986 5.4.1", "?y", "http://a/b/c/d;p?y"},
	{"3986 5.4.1", "g?y", "http://a/b/c/g?y"},
	{"3986 5.4.1", "#s", "http://a/b/c/d;p?q"},
	{"3986 5.4.1", "g#s", "http://a/b/c/g"},
	{"3986 5.4.1", "g?y#s", "http://a/b/c/g?y"},
	{"3986 5.4.1", ";x", "http://a/b/c/;x"},
	{"3986 5.4.1", "g;x", "http://a/b/c/g;x"},
	{"3986 5.4.1", "", "http://a/b/c/d;p?q"},
	{"3986 5.4.1", ".", "http://a/b/c/"},
	{"3986 5.4.1", "./", "http://a/b/c/"},
	{"3986 5.4.1", "..", "http://a/b/"},
	{"3986 5.4.1", "../", "http://a/b/"},
	{"3986 5.4.1", "../g", "http://a/b/g"},
	{"3986 5.4.1", "../..", "http://a/"},
	{"3986 5.4.1", "../../", "http://a/"},
	{"3986 5.4.1", "../../g", "http://a/g"},
	/* 5.4.2 */
	{"3986 5.4.2", "../../../g", "http://a/g"},
	{"3986 5.4.2", "../../../../g", "http://a/g"},
	{"3986 5.4.2", "/./g", "http://a/g"},
	{"3986 5.4.2", "/../g", "http://a/g"},
	{"3986 5.4.2", "g.", "http://a/b/c/g."},
	{"3986 5.4.2", ".g", "http://a/b/c/.g"},
	{"3986 5.4.2", "g..", "http://a/b/c/g.."},
	{"3986 5.4.2", "..g", "http://a/b/c/..g"},
	{"3986 5.4.2", "./../g", "http://a/b/g"},
	{"3986 5.4.2", "./g/.", "http://a/b/c/g/"},
	{"3986 5.4.2", "g/./h", "http://a/b/c/g/h"},
	{"3986 5.4.2", "g/../h", "http://a/b/c/h"},
	{"3986 5.4.2", "g;x=1/./y", "http://a/b/c/g;x=1/y"},
	{"3986 5.4.2", "g;x=1/../y", "http://a/b/c/y"},
	{"3986 5.4.2", "g?y/./x", "http://a/b/c/g?y/./x"},
	{"3986 5.4.2", "g?y/../x", "http://a/b/c/g?y/../x"},
	{"3986 5.4.2", "g#s/../x", "http://a/b/c/g"},
	{"3986 5.4.2", "http:g", NULL},
	/* absolute */
	{"3986 5.2.2", "http://h:81/x?y", "http://h:81/x?y"},
	{"3986 5.2.2", "HTTPS://h", "HTTPS://h/"},
	{"3986 5.2.2", "http://h?y", "http://h/?y"},
	{"3986 5.2.2", "http://[2001:db8::1]:8/x", "http://[2001:db8::1]:8/x"},
	{"3986 5.2.2", "http://h/a/../b", "http://h/b"},
	{"3986 6.2.2", "/%7ea/%2e%2e/%c3", "http://a/%C3"},
	{"3986 5.2.2", "?", "http://a/b/c/d;p?"},
	{"3986 4.2", "a//b", "http://a/b/c/a//b"},
	/* refused */
	{"9110 4.2", "ftp://a/", NULL},
	{"9110 4.2", "urn:x", NULL},
	{"9110 4.2", "mailto:a@b", NULL},
	{"9110 4.2", "g:h", NULL},
	{"9110 4.2.4", "http://user@a/", NULL},
	{"9110 4.2.1", "http:///x", NULL},
	{"9110 4.2.1", "//", NULL},
	{"9110 4.2.1", "http://a:0/", NULL},
	{"9110 4.2.1", "http://a:x/", NULL},
	{"3986 2.1", "/%zz", NULL},
	{"3986 2.1", "/%00", NULL},
	{"3986 2", "/a b", NULL},
	{"3986 2", "/\xc3\xa4", NULL},
};

static void resolves(void **state)
{
	static char path[INVALIDATE_PATH_MAX];
	char text[500];

	(void)state;
	for (size_t i = 0; i < COUNTOF(resolve_rows); i++) {
		const struct resolve_row *r = &resolve_rows[i];
		struct invalidate_uri uri;
		const int rc = invalidate_resolve(&base, str_c(r->reference), path, &uri);

		if ((rc == 0) != !!r->uri ||
		    (rc == 0 && strcmp(text_of(&uri, text, sizeof(text)), r->uri) != 0))
			fail_msg("%s: \"%s\": %d %s", r->rfc, r->reference, rc,
				 rc ? "" : text_of(&uri, text, sizeof(text)));
	}
}

static void too_long(void **state)
{
	static char path[INVALIDATE_PATH_MAX], reference[INVALIDATE_PATH_MAX + 10];
	struct invalidate_uri uri;

	(void)state;
	memset(reference, 'x', sizeof(reference));
	assert_int_equal(
		invalidate_resolve(&base, str_of(reference, INVALIDATE_PATH_MAX), path, &uri),
		ERR_LIMIT);
	reference[0] = '/';
	assert_int_equal(
		invalidate_resolve(&base, str_of(reference, INVALIDATE_PATH_MAX), path, &uri), 0);
	assert_int_equal(uri.path.n, INVALIDATE_PATH_MAX);
}

struct uris_row {
	const char *rfc, *why;
	enum http_method method;
	unsigned status;
	const char *response, *uris;
};

#define TARGET "http://a/b/c/d;p?q "

static void uris(void **state)
{
	static const struct uris_row uris_rows[] = {
		{"4.4", "POST", HTTP_METHOD_POST, 200, "", TARGET},
		{"4.4", "PUT", HTTP_METHOD_PUT, 201, "", TARGET},
		{"4.4", "DELETE", HTTP_METHOD_DELETE, 204, "", TARGET},
		{"4.4", "PATCH", HTTP_METHOD_PATCH, 200, "", TARGET},
		{"4.4", "a method of unknown safety", HTTP_METHOD_OTHER, 200, "", TARGET},
		{"4.4", "3xx is no error", HTTP_METHOD_POST, 303, "", TARGET},
		{"4.4", "4xx is", HTTP_METHOD_POST, 404, "Location: /x\r\n", ""},
		{"4.4", "5xx is", HTTP_METHOD_POST, 500, "", ""},
		{"4.4", "1xx is no answer", HTTP_METHOD_POST, 103, "", ""},
		{"9110 9.2.1", "GET is safe", HTTP_METHOD_GET, 200, "Content-Location: /x\r\n", ""},
		{"9110 9.2.1", "HEAD", HTTP_METHOD_HEAD, 200, "", ""},
		{"9110 9.2.1", "OPTIONS", HTTP_METHOD_OPTIONS, 200, "", ""},
		{"10008 2", "QUERY", HTTP_METHOD_QUERY, 200, "", ""},
		{"4.4", "Location", HTTP_METHOD_POST, 201, "Location: x\r\n",
		 TARGET "http://a/b/c/x "},
		{"4.4", "Content-Location", HTTP_METHOD_POST, 200, "Content-Location: /x?y\r\n",
		 TARGET "http://a/x?y "},
		{"4.4", "both", HTTP_METHOD_POST, 200, "Content-Location: /x\r\nLocation: /y\r\n",
		 TARGET "http://a/y http://a/x "},
		{"4.4", "both the same", HTTP_METHOD_POST, 200,
		 "Content-Location: /x\r\nLocation: /x\r\n", TARGET "http://a/x "},
		{"4.4", "the target again", HTTP_METHOD_POST, 200,
		 "Location: http://A:80/b/c/d;p?q\r\n", TARGET},
		{"4.4", "another host: MUST NOT", HTTP_METHOD_POST, 201, "Location: http://b/x\r\n",
		 TARGET},
		{"4.4", "another port", HTTP_METHOD_POST, 201, "Location: http://a:81/x\r\n",
		 TARGET},
		{"4.4", "another scheme", HTTP_METHOD_POST, 201, "Location: https://a/x\r\n",
		 TARGET},
		{"4.4", "another scheme on the same port", HTTP_METHOD_POST, 201,
		 "Location: https://a:80/x\r\n", TARGET},
		{"4.4", "the same origin, written out", HTTP_METHOD_POST, 201,
		 "Location: HTTP://A:080/x\r\n", TARGET "HTTP://A:080/x "},
		{"4.4", "no URI", HTTP_METHOD_POST, 201,
		 "Location: http://\r\nContent-Location: /x\r\n", TARGET "http://a/x "},
	};
	static struct invalidate_room room;
	static struct head h;
	struct invalidate_uri out[INVALIDATE_URIS_MAX];
	char text[200], all[1000];

	(void)state;
	for (size_t i = 0; i < COUNTOF(uris_rows); i++) {
		const struct uris_row *r = &uris_rows[i];
		const size_t n = invalidate_uris(
			&base, r->method, cache_response(&h, r->status, r->response), &room, out);

		all[0] = '\0';
		for (size_t k = 0; k < n; k++) {
			strcat(all, text_of(&out[k], text, sizeof(text)));
			strcat(all, " ");
		}
		if (strcmp(all, r->uris) != 0)
			fail_msg("%s, %s: %s", r->rfc, r->why, all);
	}
}

/* RFC 9110 9.3.3 */
static void post_names_target(void **state)
{
	static struct head h;

	(void)state;
	assert_true(invalidate_post_names_target(
		&base, cache_response(&h, 200, "Content-Location: d;p?q\r\n")));
	assert_true(invalidate_post_names_target(
		&base, cache_response(&h, 200, "Content-Location: http://a/b/c/d;p?q\r\n")));
	assert_true(invalidate_post_names_target(&base,
						 cache_response(&h, 200, "Content-Location:\r\n")));
	assert_false(invalidate_post_names_target(
		&base, cache_response(&h, 200, "Content-Location: d;p\r\n")));
	assert_false(invalidate_post_names_target(&base,
						  cache_response(&h, 200, "Location: d;p?q\r\n")));
}

struct group_row {
	const char *rfc, *why, *lines, *groups;
};

static void groups(void **state)
{
	static const struct group_row group_rows[] = {
		{"9875 2", "a list of strings", "Cache-Groups: \"a\", \"b c\"\r\n", "a|b c|"},
		{"9875 2", "on several lines", "Cache-Groups: \"a\"\r\nCache-Groups: \"b\"\r\n",
		 "a|b|"},
		{"9875 2", "parameters are ignored", "Cache-Groups: \"a\";x=1, \"b\";y\r\n",
		 "a|b|"},
		{"9875 2", "case counts", "Cache-Groups: \"a\", \"A\"\r\n", "a|A|"},
		{"9651 3.3.3", "escapes", "Cache-Groups: \"a\\\"b\\\\\"\r\n", "a\"b\\|"},
		{"9875 2", "another type: none of them", "Cache-Groups: \"a\", b\r\n", ""},
		{"9875 2", "a number", "Cache-Groups: 1\r\n", ""},
		{"9875 2", "an inner list", "Cache-Groups: (\"a\")\r\n", ""},
		{"9651 4.2", "it does not parse", "Cache-Groups: \"a\", \"b\r\n", ""},
		{"9651 4.2", "a comma at the end", "Cache-Groups: \"a\",\r\n", ""},
		{"9875 2", "an empty name groups nothing", "Cache-Groups: \"\", \"a\"\r\n", "a|"},
		{"9875 2", "absent", "X: 1\r\n", ""},
	};
	static struct head h;
	struct invalidate_groups g;
	char all[500];

	(void)state;
	for (size_t i = 0; i < COUNTOF(group_rows); i++) {
		const struct group_row *r = &group_rows[i];

		invalidate_member_of(cache_response(&h, 200, r->lines), &g);
		all[0] = '\0';
		for (unsigned k = 0; k < g.n; k++)
			snprintf(all + strlen(all), sizeof(all) - strlen(all), "%.*s|",
				 STR_ARG(g.name[k]));
		if (strcmp(all, r->groups) != 0)
			fail_msg("%s, %s: %s", r->rfc, r->why, all);
	}
}

/* RFC 9875 2: at least 32 groups of at least 32 characters. */
static void many_groups(void **state)
{
	static struct head h;
	struct invalidate_groups g;
	char lines[3000] = "Cache-Groups: ";

	(void)state;
	for (unsigned i = 0; i < 64; i++)
		snprintf(lines + strlen(lines), sizeof(lines) - strlen(lines), "%s\"%032u\"",
			 i ? ", " : "", i);
	strcat(lines, "\r\n");
	invalidate_member_of(cache_response(&h, 200, lines), &g);
	assert_int_equal(g.n, 64);
	assert_int_equal(g.name[63].n, 32);
	assert_memory_equal(g.name[63].p + 30, "63", 2);
}

/* RFC 9875 3 */
static void group_purges(void **state)
{
	static struct head h;
	struct http_msg *m = cache_response(&h, 200,
					    "Cache-Group-Invalidation: \"a\", \"b\"\r\n"
					    "Cache-Groups: \"c\"\r\n");
	struct invalidate_groups g;

	(void)state;
	invalidate_group_purges(HTTP_METHOD_POST, m, &g);
	assert_int_equal(g.n, 2);
	invalidate_group_purges(HTTP_METHOD_OTHER, m, &g);
	assert_int_equal(g.n, 2);
	invalidate_group_purges(HTTP_METHOD_GET, m, &g); /* MUST be ignored */
	assert_int_equal(g.n, 0);
	invalidate_group_purges(HTTP_METHOD_QUERY, m, &g);
	assert_int_equal(g.n, 0);
	invalidate_member_of(m, &g);
	assert_int_equal(g.n, 1);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(resolves),	cmocka_unit_test(too_long),
		cmocka_unit_test(uris),		cmocka_unit_test(post_names_target),
		cmocka_unit_test(groups),	cmocka_unit_test(many_groups),
		cmocka_unit_test(group_purges),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
