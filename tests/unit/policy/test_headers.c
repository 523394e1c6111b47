/* SPDX-License-Identifier: BSD-2-Clause */
#include "policy/headers.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/err.h"
#include "parse_head.h"

/* What http_write_fields() lets through, as text. */
static const char *passed(const struct http_msg *m)
{
	static char out[4096];
	struct http_writer w;

	http_write_init(&w, out, sizeof(out) - 1);
	http_write_fields(&w, m);
	assert_false(w.overflow);
	*w.at = '\0';
	return out;
}

static const char *written(struct http_writer *w)
{
	assert_false(w->overflow);
	*w->at = '\0';
	return w->start;
}

/* One operator's list for all rows that ask for it. */
static struct headers_op op_rows[] = {
	{HEADERS_SET, STR("X-Tenant"), STR("a"), 0},
	{HEADERS_REMOVE, STR("x-debug"), STR(""), 0},
	{HEADERS_ADD, STR("X-Added"), STR("1"), 0},
	{HEADERS_SET, STR("User-Agent"), STR("tiercel"), 0},
	{HEADERS_REMOVE, STR("Referer"), STR(""), 0},
	{HEADERS_ADD, STR("Cookie"), STR("k=v"), 0},
};

struct request_row {
	const char *why;
	const char *in;
	struct headers_request how;
	bool ops;
	const char *out; /* Host left out of both unless it matters */
};

/* Most rows: we write Forwarded ourselves, nobody is trusted. */
#define USUAL                                                                                      \
	{                                                                                          \
		.write_forwarded = true                                                            \
	}

static const struct request_row request_rows[] = {
	{"plain fields pass", "Host: h\r\nAccept: */*\r\nX-A: 1\r\n", USUAL, false,
	 "Host: h\r\nAccept: */*\r\nX-A: 1\r\n"},
	/* RFC 9110 7.6.1 */
	{"hop-by-hop fields stay here",
	 "Host: h\r\nConnection: keep-alive\r\nKeep-Alive: timeout=5\r\nProxy-Connection: close\r\n"
	 "TE: trailers\r\nUpgrade: websocket\r\nTransfer-Encoding: chunked\r\nX: 1\r\n"
	 "Proxy-Authorization: Basic x\r\n",
	 USUAL, false, "Host: h\r\nX: 1\r\n"},
	{"Trailer passes", "Host: h\r\nTrailer: X-Sum\r\n", USUAL, false,
	 "Host: h\r\nTrailer: X-Sum\r\n"},
	{"fields named in Connection",
	 "Host: h\r\nConnection: X-One, close\r\nX-One: 1\r\nX-Two: 2\r\n", USUAL, false,
	 "Host: h\r\nX-Two: 2\r\n"},
	{"case and several lines",
	 "Host: h\r\nConnection: x-ONE\r\nX-One: 1\r\nConnection: ,, X-Two\r\nX-TWO: 2\r\nx-one: 3\r\n",
	 USUAL, false, "Host: h\r\n"},
	{"essentials cannot be named away",
	 "Host: h\r\nConnection: Authorization, Cookie, Cache-Control, "
	 "Content-Type, X-Request-Id, Range\r\nAuthorization: a\r\nCookie: b\r\nCache-Control: c\r\n"
	 "Content-Length: 0\r\nContent-Type: d\r\nX-Request-Id: e\r\nRange: bytes=0-\r\n",
	 USUAL, false,
	 "Host: h\r\nAuthorization: a\r\nCookie: b\r\nCache-Control: c\r\nContent-Length: 0\r\n"
	 "Content-Type: d\r\nX-Request-Id: e\r\nRange: bytes=0-\r\n"},
	{"a name inside quotes is not named", "Host: h\r\nConnection: \"X-One\"\r\nX-One: 1\r\n",
	 USUAL, false, "Host: h\r\nX-One: 1\r\n"},
	/* forwarding information */
	{"ours to write: dropped, whoever sent it",
	 "Host: h\r\nX-Forwarded-For: 1.1.1.1\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: e\r\n"
	 "Forwarded: for=1.1.1.1\r\n",
	 {.write_forwarded = true, .peer_trusted = true},
	 false,
	 "Host: h\r\n"},
	{"not written, and not believed",
	 "Host: h\r\nX-Forwarded-For: 1.1.1.1\r\nForwarded: for=x\r\n",
	 {.peer_trusted = false},
	 false,
	 "Host: h\r\n"},
	{"not written, believed: handed on",
	 "Host: h\r\nX-Forwarded-For: 1.1.1.1\r\n",
	 {.peer_trusted = true},
	 false,
	 "Host: h\r\nX-Forwarded-For: 1.1.1.1\r\n"},
	{"the rest of the family, not believed",
	 "Host: h\r\nX-Forwarded-Port: 1\r\nx-forwarded-prefix: /e\r\nX-Real-IP: 1.1.1.1\r\n"
	 "X_Real_IP: 1\r\nX-Forwarded_Ssl: on\r\nX-Forward: 1\r\nX-Really: 1\r\n",
	 USUAL, false, "Host: h\r\nX-Forward: 1\r\nX-Really: 1\r\n"},
	{"the rest of the family, believed",
	 "Host: h\r\nX-Forwarded-Port: 1\r\nX-Real-IP: 1.1.1.1\r\n",
	 {.write_forwarded = true, .peer_trusted = true},
	 false,
	 "Host: h\r\nX-Forwarded-Port: 1\r\nX-Real-IP: 1.1.1.1\r\n"},
	/* underscores */
	{"disguised fields",
	 "Host: h\r\nX_Forwarded_For: 1\r\nX-Forwarded_Proto: 1\r\nContent_Length: 5\r\n"
	 "x_request-id: 1\r\nTransfer_Encoding: chunked\r\nmy_own: 1\r\n",
	 USUAL, false, "Host: h\r\nmy_own: 1\r\n"},
	{"disguised as what the operator sets", "Host: h\r\nX_Tenant: evil\r\nX_Added: 1\r\n",
	 USUAL, true, "Host: h\r\nX_Added: 1\r\n"},
	/* operations */
	{"set and remove drop every line of the name",
	 "Host: h\r\nX-Tenant: b\r\nx-tenant: c\r\nX-Debug: 1\r\nUser-Agent: u\r\nReferer: r\r\n"
	 "Cookie: c=d\r\nX-Added: 0\r\n",
	 USUAL, true, "Host: h\r\nCookie: c=d\r\nX-Added: 0\r\n"},
	/* what the engine writes itself */
	{"Expect is the engine's", "Host: h\r\nExpect: 100-continue\r\n", USUAL, false,
	 "Host: h\r\n"},
	{"Expect kept on request",
	 "Host: h\r\nExpect: 100-continue\r\n",
	 {.keep_expect = true},
	 false,
	 "Host: h\r\nExpect: 100-continue\r\n"},
	{"Host and length replaced",
	 "Host: h\r\nContent-Length: 5\r\nX: 1\r\n",
	 {.replace_host = true, .drop_length = true},
	 false,
	 "X: 1\r\n"},
};

static void requests(void **state)
{
	static struct head h;
	struct headers_ops ops;

	(void)state;
	assert_int_equal(headers_ops_init(&ops, op_rows, COUNTOF(op_rows), NULL), 0);
	for (size_t i = 0; i < COUNTOF(request_rows); i++) {
		const struct request_row *row = &request_rows[i];
		struct headers_request how = row->how;
		struct http_msg *m = parse_head(&h, HTTP_REQUEST, row->in);
		how.ops = row->ops ? &ops : NULL;
		assert_int_equal(headers_mark_request(m, &how), 0);
		if (strcmp(passed(m), row->out) != 0)
			fail_msg("%s:\n%s", row->why, passed(m));
	}
}

static void too_many_named(void **state)
{
	static struct head h;
	static const struct headers_request how = USUAL;
	char lines[1024] = "Connection: a";

	(void)state;
	for (int i = 1; i < HEADERS_NAMED_MAX; i++)
		strcat(lines, ", close");
	strcat(lines, "\r\n");
	assert_int_equal(headers_mark_request(parse_head(&h, HTTP_REQUEST, lines), &how), 0);
	strcpy(lines + strlen(lines) - 2, ", one-more\r\n");
	assert_int_equal(headers_mark_request(parse_head(&h, HTTP_REQUEST, lines), &how),
			 ERR_LIMIT);
}

static void responses(void **state)
{
	static const struct {
		const char *in;
		struct headers_response how;
		const char *out;
	} rows[] = {
		{"Connection: close, X-H\r\nX-H: 1\r\nServer: s\r\nX_Forwarded_For: 1\r\n",
		 {0},
		 "Server: s\r\nX_Forwarded_For: 1\r\n"},
		{"Set-Cookie: a\r\nSet-Cookie: b\r\nKeep-Alive: x\r\nUpgrade: h2\r\n"
		 "Proxy-Authenticate: Basic\r\nAge: 1\r\n",
		 {0},
		 "Set-Cookie: a\r\nSet-Cookie: b\r\nAge: 1\r\n"},
		{"X-Powered-By: PHP\r\nx-powered-by: x\r\nContent-Length: 3\r\n",
		 {.security = true},
		 "Content-Length: 3\r\n"},
		{"X-Powered-By: PHP\r\nContent-Length: 3\r\n",
		 {.drop_length = true},
		 "X-Powered-By: PHP\r\n"},
		{"Forwarded: x\r\n", {0}, "Forwarded: x\r\n"},
	};
	static struct head h;

	(void)state;
	for (size_t i = 0; i < COUNTOF(rows); i++) {
		struct http_msg *m = parse_head(&h, HTTP_RESPONSE, rows[i].in);
		assert_int_equal(headers_mark_response(m, &rows[i].how), 0);
		assert_string_equal(passed(m), rows[i].out);
	}
}

static void trailers(void **state)
{
	static struct head h;
	struct http_msg *m = parse_head(&h, HTTP_TRAILERS, "X-Sum: 1\r\nProxy-Status: a\r\n");

	(void)state;
	headers_mark_trailers(m);
	assert_string_equal(passed(m), "X-Sum: 1\r\nProxy-Status: a\r\n");
	/* the parser refuses such a field; should it ever not, it stays here */
	m->fields[0].id = HTTP_FIELD_CONTENT_LENGTH;
	headers_mark_trailers(m);
	assert_string_equal(passed(m), "Proxy-Status: a\r\n");
}

static void bad_operations(void **state)
{
	static const struct {
		const char *name, *value;
		int want;
	} rows[] = {
		{"X-Fine", "v", 0},
		{"X-Fine", "", 0},
		{"", "v", ERR_SYNTAX},
		{"X Y", "v", ERR_SYNTAX},
		{"X:", "v", ERR_SYNTAX},
		{"X", "a\r\nB: c", ERR_SYNTAX},
		{"X", "a\n", ERR_SYNTAX},
		{"X", " a", ERR_SYNTAX},
		{"Content-Length", "5", ERR_REFUSED},
		{"transfer-encoding", "chunked", ERR_REFUSED},
		{"Connection", "close", ERR_REFUSED},
		{"Upgrade", "x", ERR_REFUSED},
		{"Host", "x", ERR_REFUSED},
		{"Expect", "x", ERR_REFUSED},
	};

	(void)state;
	for (size_t i = 0; i < COUNTOF(rows); i++) {
		struct headers_op list[2] = {
			{HEADERS_ADD, STR("X-First"), STR("1"), 0},
			{HEADERS_SET, str_c(rows[i].name), str_c(rows[i].value), 0},
		};
		struct headers_ops ops;
		size_t bad = 99;
		int rc = headers_ops_init(&ops, list, 2, &bad);
		if (rc != rows[i].want || bad != (rc ? 1 : 99))
			fail_msg("%s: %s: %d", rows[i].name, rows[i].value, rc);
	}
}

static void own_lines(void **state)
{
	static struct head h;
	char out[1024];
	struct http_writer w;
	struct headers_ops ops;
	struct headers_op no_via = {HEADERS_REMOVE, STR("via"), STR(""), 0};

	(void)state;
	struct http_msg *m = parse_head(&h, HTTP_REQUEST,
					"Connection: Upgrade, TE\r\nUpgrade: websocket\r\n"
					"TE: trailers\r\n");
	http_write_init(&w, out, sizeof(out) - 1);
	headers_write_connection(&w, m, 0);
	assert_string_equal(written(&w), "");
	headers_write_connection(&w, m, HEADERS_UPGRADE | HEADERS_TE);
	assert_string_equal(written(&w), "Connection: upgrade, TE\r\nUpgrade: websocket\r\n"
					 "TE: trailers\r\n");
	http_write_init(&w, out, sizeof(out) - 1);
	headers_write_connection(&w, NULL, HEADERS_CLOSE);
	headers_write_connection(&w, NULL, HEADERS_KEEP_ALIVE);
	headers_write_via(&w, m, NULL);
	m->minor = 0;
	headers_write_via(&w, m, NULL);
	assert_int_equal(headers_ops_init(&ops, &no_via, 1, NULL), 0);
	headers_write_via(&w, m, &ops);
	assert_string_equal(written(&w), "Connection: close\r\nConnection: keep-alive\r\n"
					 "Via: 1.1 tiercel\r\nVia: 1.0 tiercel\r\n");
	assert_int_equal(headers_ops_init(&ops, op_rows, COUNTOF(op_rows), NULL), 0);
	http_write_init(&w, out, sizeof(out) - 1);
	headers_write_ops(&w, NULL);
	headers_write_ops(&w, &ops);
	assert_string_equal(written(&w), "X-Tenant: a\r\nX-Added: 1\r\nUser-Agent: tiercel\r\n"
					 "Cookie: k=v\r\n");
}

static void via_count(void **state)
{
	static const struct {
		const char *lines;
		unsigned want;
	} rows[] = {
		{"", 0},
		{"Via: 1.1 other, 1.0 tiercel.example\r\n", 0},
		{"Via: 1.1 tiercel\r\n", 1},
		{"Via: 1.1  TIERCEL (x), 1.1 a\r\nVia: HTTP/2.0 tiercel\r\n", 2},
		{"Via: tiercel\r\n", 0},
	};
	static struct head h;

	(void)state;
	for (size_t i = 0; i < COUNTOF(rows); i++)
		assert_int_equal(headers_via_count(parse_head(&h, HTTP_REQUEST, rows[i].lines)),
				 rows[i].want);
}

static bool has_line(const char *text, const char *line)
{
	const char *at = strstr(text, line);

	return at && (at == text || at[-1] == '\n');
}

static void security_preset(void **state)
{
	static struct head h;
	char out[2048];
	struct http_writer w;
	struct headers_op op = {HEADERS_REMOVE, STR("Referrer-Policy"), STR(""), 0};
	struct headers_ops ops;

	(void)state;
	http_write_init(&w, out, sizeof(out) - 1);
	headers_write_security(&w, NULL, NULL, true);
	assert_true(has_line(written(&w), "X-Content-Type-Options: nosniff\r\n"));
	assert_true(has_line(out, "X-Frame-Options: SAMEORIGIN\r\n"));
	assert_true(has_line(out, "X-XSS-Protection: 0\r\n"));
	assert_true(has_line(out, "Referrer-Policy: strict-origin-when-cross-origin\r\n"));
	assert_true(has_line(out, "Strict-Transport-Security: max-age="));
	assert_null(strstr(out, "Content-Security-Policy"));

	/* the origin's own word counts, and so does the operator's */
	struct http_msg *m = parse_head(&h, HTTP_RESPONSE, "x-frame-options: DENY\r\n");
	assert_int_equal(headers_ops_init(&ops, &op, 1, NULL), 0);
	http_write_init(&w, out, sizeof(out) - 1);
	headers_write_security(&w, m, &ops, false);
	assert_true(has_line(written(&w), "X-Content-Type-Options: nosniff\r\n"));
	assert_null(strstr(out, "X-Frame-Options"));
	assert_null(strstr(out, "Referrer-Policy"));
	assert_null(strstr(out, "Strict-Transport-Security"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(requests),	  cmocka_unit_test(too_many_named),
		cmocka_unit_test(responses),	  cmocka_unit_test(trailers),
		cmocka_unit_test(bad_operations), cmocka_unit_test(own_lines),
		cmocka_unit_test(via_count),	  cmocka_unit_test(security_preset),
	};

	return cmocka_run_group_tests_name("policy/headers", tests, NULL, NULL);
}
