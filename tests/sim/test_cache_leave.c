/* SPDX-License-Identifier: BSD-2-Clause */
/* What becomes of a fetch when the client leaves for whom it was begun. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/sim/sim.h"

#define MS NS_PER_MS
#define S NS_PER_S

#define TEN "Cache-Control: max-age=10\r\n"
#define NO_STORE "Cache-Control: no-store\r\n"

static const struct sim_spec plain = {0};

/* Before its request was sent: nothing is lost, the next one in line leads. */
static void leader_leaves_before_it_asks(void **state)
{
	struct sim *s = sim_new(&(struct sim_spec){.upstream = ", pool: {max_connections: 1}"});
	struct peer *busy = sim_client(s), *c = sim_client(s), *w = sim_client(s);
	struct peer *o = sim_ask(s, busy, "/busy");

	(void)state;
	peer_get(c, "/");
	peer_get(w, "/");
	peer_close(c, true);
	sim_expect_count(s, UPSTREAM, cancelled, 1);
	peer_reply(o, NO_STORE, "x");
	peer_expect(o, "GET / ");
	peer_reply(o, TEN, "one");
	peer_expect_all(w, "; fwd=uri-miss; stored", "one");
	sim_expect_quiet(s);
	sim_free(&s);
}

/* Alone in line: the origin is never asked. */
static void leader_leaves_alone(void **state)
{
	struct sim *s = sim_new(&(struct sim_spec){.upstream = ", pool: {max_connections: 1}"});
	struct peer *busy = sim_client(s), *c = sim_client(s);
	struct peer *o = sim_ask(s, busy, "/busy");

	(void)state;
	peer_get(c, "/");
	peer_close(c, true);
	peer_reply(o, NO_STORE, "x");
	peer_expect(busy, "x");
	peer_expect_silence(o);
	sim_expect_quiet(s);
	sim_free(&s);
}

/* Once it was sent the fetch goes on, for those who wait and those who come. */
static void leader_leaves_before_the_head(void **state)
{
	struct sim *s = sim_new(&plain);
	struct peer *c = sim_client(s), *w = sim_client(s);
	struct peer *o = sim_ask(s, c, "/");

	(void)state;
	peer_get(w, "/");
	peer_close(c, true);
	peer_expect_silence(o);
	sim_expect_fills(s, 1, 0);
	sim_advance(s, S);
	peer_reply(o, TEN, "one");
	peer_expect_all(w, "; fwd=uri-miss; collapsed", "one");
	sim_expect_quiet(s);
	peer_get(w, "/");
	peer_expect_all(w, "; hit", "one");
	sim_expect_count(s, UPSTREAM, cancelled, 0);
	sim_free(&s);
}

/* Nobody waits, and what comes is not to be stored: it is not read. */
static void leader_leaves_and_it_is_not_storable(void **state)
{
	struct sim *s = sim_new(&plain);
	struct peer *c = sim_client(s);
	struct peer *o = sim_ask(s, c, "/");

	(void)state;
	peer_close(c, true);
	peer_expect_silence(o);
	peer_send(o, "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n" NO_STORE "\r\nabc");
	peer_expect_broken(o);
	sim_expect_count(s, UPSTREAM, cancelled, 1);
	sim_expect_quiet(s);
	sim_free(&s);
}

static void leader_leaves_in_the_body(void **state)
{
	struct sim *s = sim_new(&plain);
	struct peer *c = sim_client(s), *w = sim_client(s);
	struct peer *o = sim_ask(s, c, "/");

	(void)state;
	peer_send(o, "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n" TEN "\r\nabc");
	peer_expect(c, "abc");
	peer_close(c, true);
	peer_expect_silence(o);
	sim_advance(s, S);
	peer_send(o, "def");
	sim_expect_quiet(s);
	peer_get(w, "/");
	peer_expect_all(w, "; hit", "\r\nAge: 1\r\n", "abcdef");
	sim_no_origin(s, 0);
	sim_free(&s);
}

/* A fetch that no client watches has the same limits as any other. */
struct limit {
	const char *upstream;
	int64_t after; /* the last byte from the origin */
	const char *sent;
};

static const struct limit limits[] = {
	{", timeouts: {first_byte: 3s}", 3 * S, NULL},
	{", timeouts: {total: 5s, first_byte: 10s}", 5 * S, NULL},
	{", timeouts: {idle: 4s}", 4 * S, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n" TEN "\r\nabc"},
	{", timeouts: {total: 5s, idle: 9s}", 5 * S,
	 "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n" TEN "\r\n3\r\nabc\r\n"},
};

static void abandoned_fetch_is_bounded(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNTOF(limits); i++) {
		struct sim *s = sim_new(&(struct sim_spec){.upstream = limits[i].upstream});
		struct peer *c = sim_client(s);
		struct peer *o = sim_ask(s, c, "/");

		if (limits[i].sent)
			peer_send(o, limits[i].sent);
		peer_close(c, true);
		sim_advance(s, limits[i].after - MS);
		peer_expect_silence(o);
		sim_expect_fills(s, 1, limits[i].sent != NULL);
		sim_advance(s, MS);
		peer_expect_broken(o);
		sim_expect_quiet(s);
		sim_expect_fills(s, 0, 0);
		c = sim_client(s);
		peer_get(c, "/");
		peer_expect(sim_origin(s, 0), "GET / ");
		sim_free(&s);
	}
}

/* The route's timeout is the client's, and so the fetch's that it began. */
static void abandoned_fetch_and_the_route_timeout(void **state)
{
	struct sim *s = sim_new(&(struct sim_spec){.route = ", timeout: 2s"});
	struct peer *c = sim_client(s);
	struct peer *o = sim_ask(s, c, "/");

	(void)state;
	sim_advance(s, S);
	peer_close(c, true);
	sim_advance(s, S - MS);
	peer_expect_silence(o);
	sim_advance(s, MS);
	peer_expect_broken(o);
	sim_expect_quiet(s);
	sim_free(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(leader_leaves_before_it_asks),
		cmocka_unit_test(leader_leaves_alone),
		cmocka_unit_test(leader_leaves_before_the_head),
		cmocka_unit_test(leader_leaves_and_it_is_not_storable),
		cmocka_unit_test(leader_leaves_in_the_body),
		cmocka_unit_test(abandoned_fetch_is_bounded),
		cmocka_unit_test(abandoned_fetch_and_the_route_timeout),
	};

	return cmocka_run_group_tests_name("sim_cache_leave", tests, NULL, NULL);
}
