/* SPDX-License-Identifier: BSD-2-Clause */
/* How long a stored answer is good for, to the millisecond: fresh, stale but usable, gone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "tests/sim/sim.h"

#define MS NS_PER_MS
#define S NS_PER_S

#define V1 "ETag: \"v1\"\r\n"
#define TEN "Cache-Control: max-age=10\r\n"

static const struct sim_spec plain = {0};

static const struct sim_spec quick = {
	.upstream = ", timeouts: {connect: 2s, first_byte: 3s, idle: 4s}"};

/* The client gets <body> from the cache, <age> seconds old. */
static void expect_hit(struct peer *c, const char *path, const char *body, const char *age)
{
	peer_get(c, path);
	peer_expect_all(c, "HTTP/1.1 200 OK\r\n", age, "Cache-Status: tiercel; hit", body);
}

/* ---- fresh ---- */

/* RFC 9111 4.2: fresh while the age is below the lifetime; 5.1: Age counts from the answer. */
static void fresh_until_its_lifetime(void **state)
{
	struct sim *s = sim_new(&plain);
	struct peer *c = sim_client(s);

	(void)state;
	struct peer *o = sim_ask(s, c, "/");
	peer_reply(o, TEN V1, "one");
	peer_expect_no(c, "\r\nAge: ");
	peer_expect_all(c, "; fwd=uri-miss; stored; ttl=10\r\n", "one");
	sim_advance(s, S - MS);
	expect_hit(c, "/", "one", "\r\nAge: 0\r\n");
	sim_advance(s, MS);
	expect_hit(c, "/", "one", "\r\nAge: 1\r\n");
	sim_advance(s, 9 * S - MS);
	expect_hit(c, "/", "one", "\r\nAge: 9\r\n");
	peer_expect_silence(o);
	sim_advance(s, MS);
	peer_get(c, "/");
	peer_expect_all(o, "GET / HTTP/1.1\r\n", "If-None-Match: \"v1\"\r\n");
	peer_reply(o, TEN, "two");
	peer_expect(c, "two");
	expect_hit(c, "/", "two", "\r\nAge: 0\r\n");
	sim_expect_count(s, ROUTE, cache_hits, 4);
	sim_expect_quiet(s);
	sim_free(&s);
}

/* RFC 9111 4.2.3: an Age that came, and the time the answer took, count (corrected_age_value). */
static void age_that_came(void **state)
{
	struct sim *s = sim_new(&plain);
	struct peer *c = sim_client(s);

	(void)state;
	peer_get(c, "/");
	struct peer *o = sim_origin(s, 0);
	sim_advance(s, 2 * S);
	peer_reply(o, TEN "Age: 3\r\n", "one");
	peer_expect_all(c, "\r\nAge: 5\r\n", "ttl=5\r\n", "one");
	sim_advance(s, 5 * S - MS);
	expect_hit(c, "/", "one", "\r\nAge: 9\r\n");
	sim_advance(s, MS);
	peer_get(c, "/");
	peer_expect(o, "GET / ");
	sim_free(&s);
}

/* RFC 9111 4.3.4: a 304 makes it fresh again, from then on. */
static void validated(void **state)
{
	struct sim *s = sim_new(&plain);
	struct peer *c = sim_client(s);
	struct peer *o = sim_serve(s, c, "/", TEN V1, "one");

	(void)state;
	sim_advance(s, 25 * S);
	peer_get(c, "/");
	peer_expect(o, "If-None-Match: \"v1\"\r\n");
	peer_send(o, "HTTP/1.1 304 Not Modified\r\nCache-Control: max-age=20\r\n" V1 "\r\n");
	peer_expect_all(c, "HTTP/1.1 200 OK\r\n", "; fwd=stale; fwd-status=304", "ttl=20", "one");
	sim_advance(s, 20 * S - MS);
	expect_hit(c, "/", "one", "\r\nAge: 19\r\n");
	sim_advance(s, MS);
	peer_get(c, "/");
	peer_expect(o, "If-None-Match: \"v1\"\r\n");
	sim_expect_count(s, ROUTE, cache_revalidated, 1);
	sim_free(&s);
}

/* A request's own limits (RFC 9111 5.2.1): max-age, min-fresh, max-stale, only-if-cached. */
static void request_limits(void **state)
{
	struct sim *s = sim_new(&plain);
	struct peer *c = sim_client(s);
	struct peer *o = sim_serve(s, c, "/", TEN V1, "one");

	(void)state;
	sim_advance(s, 4 * S - MS);
	peer_ask(c, "GET /", "Cache-Control: max-age=3\r\n");
	peer_expect(c, "; hit");
	peer_ask(c, "GET /", "Cache-Control: min-fresh=7\r\n");
	peer_expect(c, "; hit");
	sim_advance(s, MS);
	peer_ask(c, "GET /", "Cache-Control: min-fresh=6\r\n");
	peer_expect(c, "; hit");
	sim_advance(s, 9 * S - MS); /* stale for 2.999 s */
	peer_ask(c, "GET /", "Cache-Control: max-stale=2\r\n");
	peer_expect_all(c, "; hit", "ttl=-2");
	sim_advance(s, MS);
	peer_ask(c, "GET /", "Cache-Control: max-stale=2, only-if-cached\r\n");
	peer_expect_all(c, "HTTP/1.1 504 ", "\r\n\r\n");
	peer_expect_silence(o);
	peer_ask(c, "GET /", "Cache-Control: max-stale=2\r\n");
	peer_expect(o, "If-None-Match: \"v1\"\r\n");
	sim_free(&s);
}

/* ---- stale-while-revalidate (RFC 5861 3) ---- */

#define SWR "Cache-Control: max-age=10, stale-while-revalidate=5\r\n"

/* In the window a stale answer goes out, and one refresh goes its way, however many ask. */
static void refresh_in_the_background(void **state)
{
	struct sim *s = sim_new(&plain);
	struct peer *c1 = sim_client(s), *c2;
	struct peer *o = sim_serve(s, c1, "/", SWR V1, "one");

	(void)state;
	sim_advance(s, 10 * S - MS);
	c2 = sim_client(s);
	expect_hit(c1, "/", "one", "\r\nAge: 9\r\n");
	peer_expect_silence(o);
	sim_advance(s, MS);
	expect_hit(c1, "/", "one", "\r\nAge: 10\r\n");
	peer_expect_all(o, "GET / HTTP/1.1\r\n", "If-None-Match: \"v1\"\r\n");
	for (int i = 0; i < 4; i++) {
		sim_advance(s, S);
		expect_hit(i % 2 ? c1 : c2, "/", "one", "\r\nAge: 1");
	}
	sim_no_origin(s, 0);
	peer_expect_silence(o);
	sim_expect_count(s, ROUTE, cache_refreshes, 1);
	sim_expect_fills(s, 1, 1);
	peer_reply(o, SWR "ETag: \"v2\"\r\n", "two");
	sim_expect_quiet(s);
	expect_hit(c2, "/", "two", "\r\nAge: 4\r\n"); /* it was four seconds on its way */
	sim_advance(s, 8 * S);
	expect_hit(c1, "/", "two", "\r\nAge: 12\r\n");
	peer_expect(o, "If-None-Match: \"v2\"\r\n");
	sim_expect_count(s, ROUTE, cache_refreshes, 2);
	sim_free(&s);
}

/* Behind the window the client waits for the origin. */
static void refresh_window_ends(void **state)
{
	struct sim *s = sim_new(&plain);
	struct peer *c = sim_client(s);
	struct peer *o = sim_serve(s, c, "/", SWR V1, "one");

	(void)state;
	sim_advance(s, 15 * S - MS);
	expect_hit(c, "/", "one", "\r\nAge: 14\r\n");
	peer_expect(o, "GET / ");
	peer_send(o, "HTTP/1.1 304 Not Modified\r\n" V1 "\r\n");
	expect_hit(c, "/", "one", "\r\nAge: 0\r\n");
	sim_advance(s, 15 * S);
	peer_get(c, "/");
	peer_expect(o, "GET / ");
	peer_expect_silence(c);
	sim_expect_count(s, ROUTE, cache_refreshes, 1);
	peer_reply(o, SWR, "two");
	peer_expect_all(c, "; fwd=stale", "two");
	sim_free(&s);
}

/* A refresh that is still under way when the window ends is waited for, not doubled. */
static void refresh_outlives_the_window(void **state)
{
	struct sim *s = sim_new(&plain);
	struct peer *c = sim_client(s);
	struct peer *o = sim_serve(s, c, "/", SWR V1, "one");

	(void)state;
	sim_advance(s, 14 * S);
	expect_hit(c, "/", "one", "\r\nAge: 14\r\n");
	peer_expect(o, "GET / ");
	sim_advance(s, S);
	peer_get(c, "/");
	peer_expect_silence(c);
	sim_no_origin(s, 0);
	peer_send(o, "HTTP/1.1 304 Not Modified\r\n" V1 "\r\n");
	peer_expect_all(c, "200 OK", "; collapsed", "one");
	sim_free(&s);
}

/* A refresh that fails is nobody's error; the next request in the window tries again. */
static void refresh_fails(void **state)
{
	struct sim *s = sim_new(&quick);
	struct peer *c = sim_client(s);
	struct peer *o = sim_serve(s, c, "/", SWR V1, "one");

	(void)state;
	sim_advance(s, 10 * S);
	expect_hit(c, "/", "one", "\r\nAge: 10\r\n");
	peer_expect(o, "GET / ");
	sim_advance(s, 3 * S - MS);
	expect_hit(c, "/", "one", "\r\nAge: 12\r\n");
	sim_no_origin(s, 0);
	sim_advance(s, MS);
	peer_expect_broken(o);
	sim_expect_count(s, UPSTREAM, first_byte_timeouts, 1);
	sim_expect_quiet(s);
	expect_hit(c, "/", "one", "\r\nAge: 13\r\n");
	peer_expect(sim_origin(s, 0), "GET / ");
	sim_expect_count(s, ROUTE, cache_refreshes, 2);
	sim_free(&s);
}

/* The refresh asks for the whole answer, whatever the client that set it going wanted of it. */
static void refresh_asks_for_all(void **state)
{
	static const char *const fields[] = {"Range: bytes=0-0\r\n", "If-None-Match: \"v1\"\r\n"};
	static const char *const answers[] = {"206 Partial", "304 Not Modified"};

	(void)state;
	for (size_t i = 0; i < COUNTOF(fields); i++) {
		struct sim *s = sim_new(&plain);
		struct peer *c = sim_client(s);
		struct peer *o = sim_serve(s, c, "/", SWR V1, "one");

		sim_advance(s, 10 * S);
		peer_ask(c, "GET /", fields[i]);
		peer_expect(c, answers[i]);
		peer_expect_no(o, "Range: ");
		peer_expect_all(o, "GET / HTTP/1.1\r\n", "If-None-Match: \"v1\"\r\n");
		peer_reply(o, SWR, "two");
		sim_expect_quiet(s);
		expect_hit(c, "/", "two", "\r\nAge: 0\r\n");
		sim_free(&s);
	}
}

/* HEAD gets what is stale and sets nothing going: the next GET does. */
static void head_refreshes_nothing(void **state)
{
	struct sim *s = sim_new(&plain);
	struct peer *c = sim_client(s);
	struct peer *o = sim_serve(s, c, "/", SWR V1, "one");

	(void)state;
	sim_advance(s, 10 * S);
	peer_ask(c, "HEAD /", "");
	peer_expect_all(c, "\r\nAge: 10\r\n", "\r\nContent-Length: 3\r\n\r\n");
	peer_expect_silence(o);
	peer_get(c, "/");
	peer_expect(o, "GET / ");
	sim_free(&s);
}

/* RFC 9111 5.2.1.4: who insists on the origin's own answer does not wait for one that others asked
 * for. */
static void refresh_and_no_cache(void **state)
{
	struct sim *s = sim_new(&plain);
	struct peer *c1 = sim_client(s), *c2, *o2;
	struct peer *o = sim_serve(s, c1, "/", SWR V1, "one");

	(void)state;
	sim_advance(s, 10 * S);
	c2 = sim_client(s);
	expect_hit(c1, "/", "one", "\r\nAge: 10\r\n");
	peer_expect(o, "GET / ");
	peer_ask(c2, "GET /", "Cache-Control: no-cache\r\n");
	o2 = sim_origin(s, 0);
	peer_expect(o2, "GET / ");
	peer_reply(o, SWR, "two");
	peer_expect_silence(c2);
	peer_reply(o2, SWR, "three");
	peer_expect(c2, "three");
	expect_hit(c1, "/", "three", "\r\nAge: 0\r\n");
	sim_expect_quiet(s);
	sim_free(&s);
}

/* ---- stale-if-error (RFC 5861 4, RFC 9111 4.2.4) ---- */

#define SIE "Cache-Control: max-age=10, stale-if-error=20\r\n"
#define SIE_NEVER "Cache-Control: max-age=10, stale-if-error=20, must-revalidate\r\n"

/* Ways of an origin to fail; each takes <after> ns after the request. */
struct failure {
	const char *name;
	void (*happens)(struct sim *s, struct peer *o);
	int64_t after;
	unsigned status;
	const char *token; /* of our own error; NULL = the origin's answer is passed on */
};

static void fails_by_reset(struct sim *s, struct peer *o)
{
	peer_close(o, true);
	peer_close(sim_origin(s, 0), true); /* a pooled connection may die: it is asked again */
}

static void fails_by_503(struct sim *s, struct peer *o)
{
	(void)s;
	peer_send(o, "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 4\r\n\r\nbusy");
}

static void fails_by_500(struct sim *s, struct peer *o)
{
	(void)s;
	peer_send(o, "HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n");
}

static void fails_by_silence(struct sim *s, struct peer *o)
{
	(void)o;
	sim_advance(s, 3 * S);
}

static void fails_by_nonsense(struct sim *s, struct peer *o)
{
	(void)s;
	peer_send(o, "SSH-2.0\r\n\r\n");
}

static const struct failure failures[] = {
	{"reset", fails_by_reset, 0, 502, "connection_terminated"},
	{"503", fails_by_503, 0, 503, NULL},
	{"500", fails_by_500, 0, 500, NULL},
	{"first byte", fails_by_silence, 3 * S, 504, "http_response_timeout"},
	{"no HTTP", fails_by_nonsense, 0, 502, "http_protocol_error"},
};

static void expect_failure(struct peer *c, const struct failure *f)
{
	char line[32];

	if (f->token) {
		peer_expect_error(c, f->status, f->token);
		return;
	}
	(void)snprintf(line, sizeof(line), "HTTP/1.1 %u ", f->status);
	peer_expect(c, line);
}

/* Stale for <stale> ns when the origin fails: is the stored answer sent all the same? */
static void fail_at(const char *cache_control, int64_t stale, const struct failure *f, bool want)
{
	struct sim *s = sim_new(&quick);
	struct peer *c = sim_client(s);
	struct peer *o = sim_serve(s, c, "/", cache_control, "one");

	sim_advance(s, 10 * S + stale - f->after);
	peer_get(c, "/");
	peer_expect(o, "GET / ");
	f->happens(s, o);
	if (want)
		peer_expect_all(c, "HTTP/1.1 200 OK\r\n", "; fwd=stale", "one");
	else
		expect_failure(c, f);
	peer_expect_silence(c);
	sim_expect_count(s, ROUTE, cache_stale, want);
	sim_expect_quiet(s);
	sim_free(&s);
}

static void stale_if_error(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNTOF(failures); i++) {
		fail_at(SIE, 3 * S, &failures[i], true);
		fail_at(SIE, 20 * S - MS, &failures[i], true);
		fail_at(SIE, 20 * S, &failures[i], false);
		fail_at(SIE_NEVER, 3 * S, &failures[i], false);
		fail_at("Cache-Control: s-maxage=10, stale-if-error=20\r\n", 3 * S, &failures[i],
			false);
	}
}

/* Where nobody listens it is the same; the route's window counts where the answer names none. */
static void stale_if_refused(void **state)
{
	struct sim *s = sim_new(&(struct sim_spec){.route = ", cache: {stale_if_error: 20s}"});
	struct peer *c = sim_client(s);
	struct peer *o = sim_serve(s, c, "/", TEN, "one");

	(void)state;
	peer_close(o, false);
	sim_origin_refuses(s, 0);
	sim_advance(s, 30 * S - MS);
	peer_get(c, "/");
	peer_expect_all(c, "200 OK", "\r\nAge: 29\r\n", "one");
	sim_advance(s, MS);
	peer_get(c, "/");
	peer_expect_error(c, 502, "connection_refused");
	sim_expect_count(s, ROUTE, cache_stale, 1);
	sim_expect_quiet(s);
	sim_free(&s);
}

/* Nobody answers the connect. */
static void stale_if_deaf(void **state)
{
	struct sim *s = sim_new(&quick);
	struct peer *c = sim_client(s);
	struct peer *o = sim_serve(s, c, "/", SIE, "one");

	(void)state;
	peer_close(o, false);
	sim_origin_is_deaf(s, 0);
	sim_advance(s, 20 * S);
	peer_get(c, "/");
	sim_advance(s, 2 * S - MS);
	peer_expect_silence(c);
	sim_advance(s, MS);
	peer_expect_all(c, "200 OK", "\r\nAge: 22\r\n", "one");
	sim_advance(s, 6 * S);
	peer_get(c, "/");
	sim_advance(s, 2 * S); /* the window closes meanwhile: what counts is when it goes out */
	peer_expect_error(c, 504, "connection_timeout");
	sim_free(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fresh_until_its_lifetime),
		cmocka_unit_test(age_that_came),
		cmocka_unit_test(validated),
		cmocka_unit_test(request_limits),
		cmocka_unit_test(refresh_in_the_background),
		cmocka_unit_test(refresh_window_ends),
		cmocka_unit_test(refresh_outlives_the_window),
		cmocka_unit_test(refresh_fails),
		cmocka_unit_test(refresh_asks_for_all),
		cmocka_unit_test(head_refreshes_nothing),
		cmocka_unit_test(refresh_and_no_cache),
		cmocka_unit_test(stale_if_error),
		cmocka_unit_test(stale_if_refused),
		cmocka_unit_test(stale_if_deaf),
	};

	return cmocka_run_group_tests_name("sim_cache_time", tests, NULL, NULL);
}
