/* SPDX-License-Identifier: BSD-2-Clause */
/* One fetch for all who want the same: who waits, and for how long. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/sim/sim.h"

#define MS NS_PER_MS
#define S NS_PER_S

#define V1 "ETag: \"v1\"\r\n"
#define TEN "Cache-Control: max-age=10\r\n"
#define ZERO "Cache-Control: max-age=0\r\n"
#define NO_STORE "Cache-Control: no-store\r\n"

enum { WAITERS = 5 };

static const struct sim_spec plain = {0};

static const struct sim_spec quick = {.upstream =
					      ", timeouts: {connect: 2s, first_byte: 3s, idle: 4s}",
				      .route = ", cache: {coalesce: {wait: 2s}}"};

static void join(struct sim *s, struct peer **w, size_t n, const char *path)
{
	for (size_t i = 0; i < n; i++) {
		w[i] = sim_client(s);
		peer_get(w[i], path);
	}
	sim_no_origin(s, 0);
}

static void silent(struct peer **w, size_t n)
{
	for (size_t i = 0; i < n; i++)
		peer_expect_silence(w[i]);
}

static void expect_each(struct peer **w, size_t n, const char *text)
{
	for (size_t i = 0; i < n; i++)
		peer_expect(w[i], text);
}

/* ---- waiting ---- */

/* All get head and body as they come, over one connection. */
static void one_fetch(void **state)
{
	struct sim *s = sim_new(&plain);
	struct peer *w[WAITERS], *c = sim_client(s);
	struct peer *o = sim_ask(s, c, "/");

	(void)state;
	join(s, w, WAITERS, "/");
	silent(w, WAITERS);
	peer_send(o, "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n" TEN "\r\nabc");
	peer_expect_all(c, "; fwd=uri-miss; stored; ttl=10", "\r\n\r\nabc");
	for (int i = 0; i < WAITERS; i++)
		peer_expect_all(w[i], "; fwd=uri-miss; collapsed; ttl=10", "\r\n\r\nabc");
	silent(w, WAITERS);
	peer_send(o, "def");
	peer_expect(c, "def");
	expect_each(w, WAITERS, "def");
	sim_no_origin(s, 0);
	sim_expect_count(s, ROUTE, cache_collapsed, WAITERS);
	sim_expect_count(s, ROUTE, cache_misses, 1);
	sim_expect_count(s, UPSTREAM, requests, 1);
	sim_expect_quiet(s);
	sim_free(&s);
}

/* Who comes while the body is under way follows it from its beginning. */
static void late_follower(void **state)
{
	struct sim *s = sim_new(&plain);
	struct peer *c = sim_client(s), *late = sim_client(s);
	struct peer *o = sim_ask(s, c, "/");

	(void)state;
	peer_send(o, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n" TEN "\r\n3\r\nabc\r\n");
	peer_expect(c, "abc");
	sim_advance(s, 2 * S);
	peer_get(late, "/");
	peer_expect_all(late, "200 OK", "\r\nTransfer-Encoding: chunked\r\n", "3\r\nabc\r\n");
	peer_send(o, "3\r\ndef\r\n0\r\n\r\n");
	peer_expect(late, "3\r\ndef\r\n0\r\n\r\n");
	sim_no_origin(s, 0);
	sim_free(&s);
}

/* RFC 9111 4: an answer that is stale at once is for nobody but who asked for it. */
static void late_follower_of_what_is_stale(void **state)
{
	struct sim *s = sim_new(&plain);
	struct peer *c = sim_client(s), *w = sim_client(s), *late = sim_client(s), *o2;
	struct peer *o = sim_ask(s, c, "/");

	(void)state;
	peer_get(w, "/");
	peer_send(o, "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n" ZERO V1 "\r\nabc");
	peer_expect(c, "abc");
	peer_reply(o2 = sim_origin(s, 0), ZERO, "his");
	peer_expect(w, "his");
	sim_advance(s, S);
	peer_get(late, "/");
	peer_expect_all(o2, "GET / ", "GET / ");
	peer_reply(o2, ZERO, "new");
	peer_expect(late, "new");
	peer_send(o, "def");
	peer_expect(c, "def");
	sim_expect_quiet(s);
	sim_free(&s);
}

/* The same for one that was fresh when it came, and is not any more while it is still coming. */
static void late_follower_of_a_slow_body(void **state)
{
	struct sim *s = sim_new(&plain);
	struct peer *c = sim_client(s), *soon, *late;
	struct peer *o = sim_ask(s, c, "/");

	(void)state;
	peer_send(o, "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n" TEN "\r\nabc");
	sim_advance(s, 10 * S - MS);
	soon = sim_client(s);
	late = sim_client(s);
	peer_get(soon, "/");
	peer_expect_all(soon, "\r\nAge: 9\r\n", "abc");
	sim_advance(s, MS);
	peer_get(late, "/");
	peer_expect(sim_origin(s, 0), "GET / ");
	sim_free(&s);
}

/* A head that says "not for others" lets all who wait go, before its body has come. */
static void not_storable(void **state)
{
	struct sim *s = sim_new(&plain);
	struct peer *w[WAITERS], *c = sim_client(s);
	struct peer *o = sim_ask(s, c, "/");

	(void)state;
	join(s, w, WAITERS, "/");
	peer_send(o, "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n" NO_STORE "\r\nmi");
	peer_expect_all(c, "; fwd=uri-miss; detail=no-store\r\n", "\r\nContent-Length: 4\r\n",
			"\r\n\r\nmi");
	for (int i = 0; i < WAITERS; i++)
		peer_reply(sim_origin(s, 0), NO_STORE, "your");
	expect_each(w, WAITERS, "your");
	peer_send(o, "ne");
	peer_expect(c, "ne");
	sim_expect_count(s, UPSTREAM, requests, WAITERS + 1);
	sim_expect_quiet(s);
	sim_free(&s);
}

/* Two who ask at once: each over a connection of its own, or both with one request. */
static void ask_twice(struct sim *s, const char *path, bool together, const char *fields)
{
	struct peer *c[] = {sim_client(s), sim_client(s)}, *o[2];

	for (int i = 0; i < 2; i++) {
		peer_get(c[i], path);
		if (i == 0 || !together)
			o[i] = sim_origin(s, 0);
	}
	sim_no_origin(s, 0);
	for (int i = 0; i < 2; i++) {
		if (i == 0 || !together)
			peer_reply(o[i], fields, "x");
		peer_expect(c[i], "200 OK");
		peer_close(c[i], true);
	}
}

/* After that nobody waits for the key's answers, for ten seconds; other keys are as before. */
static void hit_for_miss(void **state)
{
	struct sim *s = sim_new(&(struct sim_spec){.upstream = ", pool: {max_idle: 0}"});

	(void)state;
	sim_serve(s, sim_client(s), "/a", NO_STORE, "x");
	sim_advance(s, 10 * S - MS);
	ask_twice(s, "/a", false, NO_STORE);
	ask_twice(s, "/b", true, TEN);
	sim_advance(s, 150 * MS); /* its time is counted in pieces of 67 ms */
	ask_twice(s, "/a", true, TEN);
	sim_expect_quiet(s);
	sim_free(&s);
}

/* An answer that can be stored ends that before its time. */
static void hit_for_miss_is_over(void **state)
{
	struct sim *s = sim_new(&(struct sim_spec){.upstream = ", pool: {max_idle: 0}"});

	(void)state;
	sim_serve(s, sim_client(s), "/", NO_STORE, "x");
	sim_advance(s, S);
	sim_serve(s, sim_client(s), "/", "Cache-Control: max-age=1\r\n", "y");
	sim_advance(s, 2 * S);
	ask_twice(s, "/", true, TEN);
	sim_free(&s);
}

/* RFC 9111 4.1: an answer chosen by other fields of the request is not for all who waited. */
static void not_for_all(void **state)
{
	struct sim *s = sim_new(&plain);
	struct peer *c = sim_client(s), *same = sim_client(s), *other = sim_client(s), *o2;

	(void)state;
	peer_ask(c, "GET /", "Accept-Language: de\r\n");
	peer_ask(same, "GET /", "Accept-Language: de\r\n");
	peer_ask(other, "GET /", "Accept-Language: fr\r\n");
	struct peer *o = sim_origin(s, 0);
	sim_no_origin(s, 0);
	peer_send(o,
		  "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nVary: Accept-Language\r\n" TEN "\r\nha");
	peer_expect(c, "ha");
	peer_expect_all(same, "; collapsed", "ha");
	o2 = sim_origin(s, 0);
	peer_expect(o2, "Accept-Language: fr\r\n");
	peer_reply(o2, "Vary: Accept-Language\r\n" TEN, "salut");
	peer_expect(other, "salut");
	peer_send(o, "llo");
	peer_expect(same, "llo");
	peer_ask(c, "GET /", "Accept-Language: fr\r\n");
	peer_expect_all(c, "llo", "; hit", "salut");
	sim_expect_quiet(s);
	sim_free(&s);
}

/* coalesce.wait: then each asks for itself; what the first one brings is stored all the same. */
static void wait_ends(void **state)
{
	struct sim *s = sim_new(&quick);
	struct peer *c = sim_client(s), *w = sim_client(s);
	struct peer *o = sim_ask(s, c, "/");

	(void)state;
	sim_advance(s, S - MS);
	peer_get(w, "/");
	sim_advance(s, 2 * S - MS);
	peer_expect_silence(w);
	sim_no_origin(s, 0);
	sim_advance(s, MS);
	struct peer *o2 = sim_origin(s, 0);
	peer_expect(o2, "GET / ");
	peer_reply(o, TEN, "first");
	peer_expect(c, "first");
	peer_reply(o2, TEN, "second");
	peer_expect(w, "second");
	sim_expect_quiet(s);
	sim_free(&s);
}

/* Where something stale may go out on errors, that is better than one more request. */
static void wait_ends_stale(void **state)
{
	struct sim *s = sim_new(&quick);
	struct peer *c = sim_client(s), *w;
	struct peer *o = sim_serve(s, c, "/", TEN V1, "old");

	(void)state;
	sim_advance(s, 20 * S);
	w = sim_client(s);
	peer_get(c, "/");
	peer_expect(o, "If-None-Match: \"v1\"\r\n");
	sim_advance(s, S - MS);
	peer_get(w, "/");
	sim_advance(s, 2 * S - MS);
	peer_expect_silence(w);
	sim_advance(s, MS);
	peer_expect_all(w, "200 OK", "\r\nAge: 22\r\n", "old");
	sim_no_origin(s, 0);
	peer_reply(o, TEN, "new");
	peer_expect(c, "new");
	sim_expect_count(s, ROUTE, cache_stale, 1);
	sim_free(&s);
}

/* The route's timeout goes on while somebody else's fetch is waited for. */
static void wait_within_the_route_timeout(void **state)
{
	struct sim *s = sim_new(&(struct sim_spec){
		.route = ", timeout: 2s, cache: {stale_while_revalidate: 5s, stale_if_error: 0s}"});
	struct peer *c = sim_client(s), *w;
	struct peer *o = sim_serve(s, c, "/", TEN, "old");

	(void)state;
	sim_advance(s, 14 * S);
	w = sim_client(s);
	peer_get(c, "/"); /* a refresh without a client, which no route's timeout ends */
	peer_expect(c, "old");
	peer_expect(o, "GET / ");
	sim_advance(s, S);
	peer_get(w, "/");
	sim_advance(s, 2 * S - MS);
	peer_expect_silence(w);
	sim_advance(s, MS);
	peer_expect(w, "HTTP/1.1 504 ");
	sim_free(&s);
}

/* RFC 9112 9.6: one that waits and says FIN has a second left, like everybody. */
static void waiter_half_closes(void **state)
{
	struct sim *s = sim_new(&plain);
	struct peer *c = sim_client(s), *w = sim_client(s);
	struct peer *o = sim_ask(s, c, "/");

	(void)state;
	peer_get(w, "/");
	peer_shut(w);
	sim_advance(s, S - MS);
	peer_expect_silence(w);
	sim_advance(s, MS);
	peer_expect_broken(w);
	peer_reply(o, TEN, "one");
	peer_expect(c, "one");
	sim_expect_count(s, UPSTREAM, cancelled, 0);
	sim_free(&s);
}

/* The second goes on when it has to ask for itself. */
static void waiter_half_closes_and_asks(void **state)
{
	struct sim *s = sim_new(&plain);
	struct peer *c = sim_client(s), *w = sim_client(s), *o2;
	struct peer *o = sim_ask(s, c, "/");

	(void)state;
	peer_get(w, "/");
	peer_shut(w);
	sim_advance(s, 400 * MS);
	peer_reply(o, NO_STORE, "mine");
	o2 = o;
	peer_expect(o2, "GET / ");
	sim_advance(s, 600 * MS - MS);
	peer_expect_silence(w);
	sim_advance(s, MS);
	peer_expect_broken(w);
	peer_expect_broken(o2);
	sim_expect_quiet(s);
	sim_free(&s);
}

/* One that leaves while it waits is missed by nobody. */
static void waiter_leaves(void **state)
{
	struct sim *s = sim_new(&plain);
	struct peer *w[WAITERS], *c = sim_client(s);
	struct peer *o = sim_ask(s, c, "/");

	(void)state;
	join(s, w, WAITERS, "/");
	peer_close(w[0], true);
	peer_close(w[2], true);
	peer_reply(o, TEN, "one");
	peer_expect(c, "one");
	peer_expect(w[1], "one");
	expect_each(&w[3], WAITERS - 3, "one");
	sim_expect_quiet(s);
	sim_free(&s);
}

/* ---- the fetch fails ---- */

/* Everybody hears of it at once, and nobody asks again. */
static void failure_is_told(void **state)
{
	struct sim *s = sim_new(&plain);
	struct peer *w[WAITERS], *c = sim_client(s);
	struct peer *o = sim_ask(s, c, "/");

	(void)state;
	join(s, w, WAITERS, "/");
	peer_close(o, true);
	peer_expect_error(c, 502, "connection_terminated");
	expect_each(w, WAITERS, "HTTP/1.1 502 ");
	sim_no_origin(s, 0);
	sim_expect_quiet(s);
	sim_free(&s);
}

static void timeout_is_told(void **state)
{
	struct sim *s = sim_new(&quick);
	struct peer *c = sim_client(s), *w = sim_client(s);
	struct peer *o = sim_ask(s, c, "/");

	(void)state;
	sim_advance(s, 2 * S);
	peer_get(w, "/");
	sim_advance(s, S - MS);
	peer_expect_silence(w);
	sim_advance(s, MS);
	peer_expect_error(c, 504, "http_response_timeout");
	peer_expect(w, "HTTP/1.1 502 ");
	peer_expect_broken(o);
	sim_expect_quiet(s);
	sim_free(&s);
}

/* With something stale all get that. */
static void failure_with_a_stale_copy(void **state)
{
	struct sim *s = sim_new(&quick);
	struct peer *w[WAITERS], *c = sim_client(s);
	struct peer *o = sim_serve(s, c, "/", TEN, "old");

	(void)state;
	sim_advance(s, 20 * S);
	peer_get(c, "/");
	peer_expect(o, "GET / ");
	join(s, w, WAITERS, "/");
	peer_send(o, "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n");
	peer_expect_all(c, "200 OK", "; fwd=stale; fwd-status=503", "old");
	expect_each(w, WAITERS, "old");
	sim_no_origin(s, 0);
	sim_expect_count(s, ROUTE, cache_stale, WAITERS + 1);
	sim_expect_quiet(s);
	sim_free(&s);
}

/* ---- validation for all ---- */

static void one_validation(void **state)
{
	struct sim *s = sim_new(&plain);
	struct peer *w[WAITERS], *c = sim_client(s);
	struct peer *o = sim_serve(s, c, "/", TEN V1, "one");

	(void)state;
	sim_advance(s, 20 * S);
	peer_get(c, "/");
	peer_expect(o, "If-None-Match: \"v1\"\r\n");
	join(s, w, WAITERS, "/");
	peer_send(o, "HTTP/1.1 304 Not Modified\r\n" TEN V1 "\r\n");
	peer_expect_all(c, "; fwd=stale; fwd-status=304; ttl=10", "one");
	for (int i = 0; i < WAITERS; i++)
		peer_expect_all(w[i], "; fwd=stale; collapsed; ttl=10", "one");
	sim_no_origin(s, 0);
	sim_expect_count(s, UPSTREAM, requests, 2);
	sim_expect_quiet(s);
	sim_free(&s);
}

/* An answer that is stale at once and of no use when the origin fails: each has to ask for himself, so
 * for a while nobody waits. */
static void validated_each_time(void **state)
{
	static const struct sim_spec no_stale = {.route = ", cache: {stale_if_error: 0s}"};
	struct sim *s = sim_new(&no_stale);
	struct peer *c = sim_client(s), *w = sim_client(s), *o2;
	struct peer *o = sim_serve(s, c, "/", ZERO V1, "one");

	(void)state;
	sim_advance(s, MS);
	peer_get(c, "/");
	peer_expect(o, "If-None-Match: \"v1\"\r\n");
	peer_get(w, "/");
	o2 = sim_origin(s, 0);
	peer_expect(o2, "If-None-Match: \"v1\"\r\n");
	peer_send(o, "HTTP/1.1 304 Not Modified\r\n" ZERO V1 "\r\n");
	peer_expect(c, "one");
	peer_expect_silence(w);
	peer_send(o2, "HTTP/1.1 304 Not Modified\r\n" ZERO V1 "\r\n");
	peer_expect(w, "one");
	sim_expect_count(s, ROUTE, cache_revalidated, 2);
	sim_expect_quiet(s);
	sim_free(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_fetch),
		cmocka_unit_test(late_follower),
		cmocka_unit_test(late_follower_of_what_is_stale),
		cmocka_unit_test(late_follower_of_a_slow_body),
		cmocka_unit_test(not_storable),
		cmocka_unit_test(hit_for_miss),
		cmocka_unit_test(hit_for_miss_is_over),
		cmocka_unit_test(not_for_all),
		cmocka_unit_test(wait_ends),
		cmocka_unit_test(wait_ends_stale),
		cmocka_unit_test(wait_within_the_route_timeout),
		cmocka_unit_test(waiter_half_closes),
		cmocka_unit_test(waiter_half_closes_and_asks),
		cmocka_unit_test(waiter_leaves),
		cmocka_unit_test(failure_is_told),
		cmocka_unit_test(timeout_is_told),
		cmocka_unit_test(failure_with_a_stale_copy),
		cmocka_unit_test(one_validation),
		cmocka_unit_test(validated_each_time),
	};

	return cmocka_run_group_tests_name("sim_cache_coalesce", tests, NULL, NULL);
}
