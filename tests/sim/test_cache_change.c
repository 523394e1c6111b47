/* SPDX-License-Identifier: BSD-2-Clause */
/* What changes stored answers, and fetches under way, from outside: purges and unsafe methods. And
 * keys that content is part of. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/sim/sim.h"

#define MS NS_PER_MS
#define S NS_PER_S

#define V1 "ETag: \"v1\"\r\n"
#define TEN "Cache-Control: max-age=10\r\n"
#define HOUR "Cache-Control: max-age=3600\r\n"
#define NO_STORE "Cache-Control: no-store\r\n"
#define HEAD_OF_6 "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n" HOUR V1 "\r\n"

static const struct sim_spec plain = {0};

/* ---- PURGE ---- */

static const struct sim_spec purging = {.route = ", cache: {purge: {allow: [127.0.0.0/8]}}"};

static void purge_it(struct sim *s, const char *path)
{
	struct peer *p = sim_client(s);
	char line[64];

	(void)snprintf(line, sizeof(line), "PURGE %s", path);
	peer_ask(p, line, "");
	peer_expect_all(p, "HTTP/1.1 200 OK\r\n", "\"purged\":\"url\"");
	peer_close(p, false);
}

static void purge(void **state)
{
	struct sim *s = sim_new(&purging);
	struct peer *c = sim_client(s);
	struct peer *o = sim_serve(s, c, "/a", HOUR V1, "one");

	(void)state;
	peer_get(c, "/b");
	peer_expect(o, "GET /b ");
	peer_reply(o, HOUR, "other");
	peer_expect(c, "other");
	purge_it(s, "/a");
	peer_expect_silence(o);
	peer_get(c, "/a");
	peer_expect(o, "GET /a ");
	peer_expect_no(o, "If-None-Match");
	peer_reply(o, HOUR, "two");
	peer_expect_all(c, "; fwd=uri-miss", "two");
	peer_get(c, "/b");
	peer_expect_all(c, "; hit", "other");
	sim_expect_quiet(s);
	sim_free(&s);
}

/* Off unless asked for: then it is a method like any other. */
static void purge_is_off(void **state)
{
	struct sim *s = sim_new(&plain);
	struct peer *c = sim_client(s);
	struct peer *o = sim_serve(s, c, "/", HOUR V1, "one");

	(void)state;
	peer_ask(c, "PURGE /", "");
	peer_expect(o, "PURGE / ");
	sim_free(&s);
}

/* What was asked for before the purge is not for those who ask after it. */
static void purge_before_the_head(void **state)
{
	struct sim *s = sim_new(&purging);
	struct peer *c = sim_client(s), *late = sim_client(s);
	struct peer *o = sim_ask(s, c, "/"), *o2;

	(void)state;
	purge_it(s, "/");
	peer_get(late, "/");
	peer_send(o, HEAD_OF_6 "old");
	o2 = sim_origin(s, 0); /* at the latest when the old answer is there */
	peer_expect(o2, "GET / ");
	peer_reply(o2, HOUR, "new");
	peer_expect(late, "new");
	peer_send(o, "old");
	peer_expect(c, "oldold");
	peer_get(late, "/");
	peer_expect_all(late, "; hit", "new");
	sim_expect_quiet(s);
	sim_free(&s);
}

static void purge_in_the_body(void **state)
{
	struct sim *s = sim_new(&purging);
	struct peer *c = sim_client(s), *w = sim_client(s), *late = sim_client(s);
	struct peer *o = sim_ask(s, c, "/"), *o2;

	(void)state;
	peer_get(w, "/");
	peer_send(o, HEAD_OF_6 "old");
	peer_expect(w, "old");
	purge_it(s, "/");
	peer_get(late, "/");
	o2 = sim_origin(s, 0);
	peer_expect(o2, "GET / ");
	peer_send(o, "old");
	peer_expect(c, "old");
	peer_expect(w, "old"); /* who has its beginning gets the rest */
	peer_reply(o2, HOUR, "new");
	peer_expect(late, "new");
	peer_get(w, "/");
	peer_expect_all(w, "; hit", "new");
	sim_expect_quiet(s);
	sim_free(&s);
}

/* A validation that was under way: the 304 is about what the purge was meant for. */
static void purge_while_validating(void **state)
{
	struct sim *s = sim_new(&purging);
	struct peer *c = sim_client(s);
	struct peer *o = sim_serve(s, c, "/", TEN V1, "one");

	(void)state;
	sim_advance(s, 20 * S);
	peer_get(c, "/");
	peer_expect(o, "If-None-Match: \"v1\"\r\n");
	purge_it(s, "/");
	peer_send(o, "HTTP/1.1 304 Not Modified\r\n" HOUR V1 "\r\n");
	peer_expect(c, "one");
	peer_get(c, "/");
	peer_expect(o, "GET / ");
	sim_free(&s);
}

/* What was purged is no stand-in for an origin that fails either. */
static void purge_and_failure(void **state)
{
	struct sim *s = sim_new(&purging);
	struct peer *c = sim_client(s);
	struct peer *o = sim_serve(s, c, "/", TEN V1, "one");

	(void)state;
	purge_it(s, "/");
	peer_get(c, "/");
	peer_expect(o, "GET / ");
	peer_send(o, "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n");
	peer_expect(c, "HTTP/1.1 503 ");
	sim_free(&s);
}

/* ---- unsafe methods (RFC 9111 4.4) ---- */

struct unsafe {
	const char *line, *answer;
	bool purges;
};

static const struct unsafe unsafes[] = {
	{"POST /a", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", true},
	{"DELETE /a", "HTTP/1.1 204 No Content\r\n\r\n", true},
	{"PUT /a", "HTTP/1.1 303 See Other\r\nLocation: /b\r\nContent-Length: 0\r\n\r\n", true},
	{"POST /b", "HTTP/1.1 201 Created\r\nLocation: /a\r\nContent-Length: 0\r\n\r\n", true},
	{"POST /b", "HTTP/1.1 200 OK\r\nContent-Location: /a\r\nContent-Length: 0\r\n\r\n", true},
	{"POST /b", "HTTP/1.1 200 OK\r\nLocation: http://x.test/a\r\nContent-Length: 0\r\n\r\n",
	 false},
	{"POST /a", "HTTP/1.1 409 Conflict\r\nContent-Length: 0\r\n\r\n", false},
	{"POST /a", "HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n", false},
	{"OPTIONS /a", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", false},
};

/* The answer's head is what counts; until then what is stored goes out. */
static void unsafe_methods(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNTOF(unsafes); i++) {
		struct sim *s = sim_new(&plain);
		struct peer *c = sim_client(s), *p = sim_client(s);
		struct peer *o = sim_serve(s, c, "/a", HOUR V1, "one");

		peer_ask(p, unsafes[i].line, "");
		peer_expect(o, unsafes[i].line);
		peer_get(c, "/a");
		peer_expect_all(c, "; hit", "one");
		peer_send(o, unsafes[i].answer);
		peer_expect(p, "HTTP/1.1 ");
		peer_get(c, "/a");
		if (unsafes[i].purges)
			peer_expect(o, "GET /a ");
		else
			peer_expect_all(c, "; hit", "one");
		sim_free(&s);
	}
}

/* A fetch that was sent before the POST was answered may bring what was before it. */
static void unsafe_during_a_fill(void **state)
{
	struct sim *s = sim_new(&plain);
	struct peer *c = sim_client(s), *p = sim_client(s);
	struct peer *o = sim_ask(s, c, "/"), *o2;

	(void)state;
	peer_ask(p, "POST /", "Content-Length: 0\r\n");
	o2 = sim_origin(s, 0);
	peer_expect(o2, "POST / ");
	peer_reply(o2, "", "done");
	peer_expect(p, "done");
	peer_send(o, HEAD_OF_6 "before");
	peer_expect(c, "before");
	peer_get(c, "/");
	sim_advance(s, 0);
	peer_expect_silence(c); /* the origin is asked, over either connection */
	sim_expect_count(s, UPSTREAM, requests, 3);
	sim_free(&s);
}

/* ---- keys with content ---- */

static void query(struct peer *p, const char *content)
{
	char fields[64];

	(void)snprintf(fields, sizeof(fields),
		       "Content-Type: text/plain\r\nContent-Length: %zu\r\n", strlen(content));
	peer_ask(p, "QUERY /", fields);
	peer_send(p, content);
}

static void query_by_content(void **state)
{
	struct sim *s =
		sim_new(&(struct sim_spec){.route = ", cache: {methods: [GET, HEAD, QUERY]}"});
	struct peer *c = sim_client(s), *w = sim_client(s), *other = sim_client(s);

	(void)state;
	query(c, "red");
	struct peer *o = sim_origin(s, 0), *o2;
	peer_expect_all(o, "QUERY / HTTP/1.1\r\n", "\r\n\r\nred");
	query(w, "red");
	sim_no_origin(s, 0);
	query(other, "blue");
	o2 = sim_origin(s, 0);
	peer_expect_all(o2, "QUERY / HTTP/1.1\r\n", "\r\n\r\nblue");
	peer_reply(o, HOUR, "roses");
	peer_expect(c, "roses");
	peer_expect_all(w, "; collapsed", "roses");
	peer_reply(o2, HOUR, "violets");
	peer_expect(other, "violets");
	query(c, "blue");
	peer_expect_all(c, "; hit", "violets");
	query(c, "red");
	peer_expect_all(c, "; hit", "roses");
	sim_expect_quiet(s);
	sim_free(&s);
}

/* Nobody but its client can ask for it: it is not refreshed behind its back, but before it is sent. */
static void query_is_not_refreshed(void **state)
{
	struct sim *s = sim_new(&(struct sim_spec){
		.route = ", cache: {methods: [GET, QUERY], stale_while_revalidate: 60s}"});
	struct peer *c = sim_client(s);

	(void)state;
	query(c, "red");
	struct peer *o = sim_origin(s, 0);
	peer_expect(o, "\r\n\r\nred");
	peer_reply(o, TEN V1, "roses");
	peer_expect(c, "roses");
	sim_advance(s, 20 * S);
	query(c, "red");
	peer_expect_all(o, "QUERY / ", "If-None-Match: \"v1\"\r\n", "\r\n\r\nred");
	peer_send(o, "HTTP/1.1 304 Not Modified\r\n" TEN V1 "\r\n");
	peer_expect_all(c, "; fwd=stale; fwd-status=304; ttl=10", "roses");
	sim_expect_quiet(s);
	sim_free(&s);
}

/* Its content may take its time; the fetch begins when it is whole. */
static void query_in_pieces(void **state)
{
	struct sim *s =
		sim_new(&(struct sim_spec){.listener = ", timeouts: {body: 3s}",
					   .route = ", cache: {methods: [GET, HEAD, QUERY]}"});
	struct peer *c = sim_client(s), *slow = sim_client(s);

	(void)state;
	peer_ask(c, "QUERY /", "Content-Length: 4\r\n");
	peer_send(c, "re");
	sim_advance(s, 3 * S - MS);
	sim_no_origin(s, 0);
	peer_send(c, "d!");
	struct peer *o = sim_origin(s, 0);
	peer_expect(o, "\r\n\r\nred!");
	peer_reply(o, HOUR, "roses");
	peer_expect(c, "roses");
	peer_ask(slow, "QUERY /", "Content-Length: 4\r\n");
	sim_advance(s, 3 * S);
	peer_expect(slow, "HTTP/1.1 408 ");
	sim_expect_quiet(s);
	sim_free(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(purge),
		cmocka_unit_test(purge_is_off),
		cmocka_unit_test(purge_before_the_head),
		cmocka_unit_test(purge_in_the_body),
		cmocka_unit_test(purge_while_validating),
		cmocka_unit_test(purge_and_failure),
		cmocka_unit_test(unsafe_methods),
		cmocka_unit_test(unsafe_during_a_fill),
		cmocka_unit_test(query_by_content),
		cmocka_unit_test(query_is_not_refreshed),
		cmocka_unit_test(query_in_pieces),
	};

	return cmocka_run_group_tests_name("sim_cache_change", tests, NULL, NULL);
}
