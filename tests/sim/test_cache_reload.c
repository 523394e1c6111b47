/* SPDX-License-Identifier: BSD-2-Clause */
/* A new configuration, and the end of the worker, while answers are fetched and followed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/sim/sim.h"

#define MS NS_PER_MS
#define S NS_PER_S

#define V1 "ETag: \"v1\"\r\n"
#define TEN "Cache-Control: max-age=10\r\n"
#define HOUR "Cache-Control: max-age=3600\r\n"
#define HEAD_OF_6 "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n" HOUR V1 "\r\n"

static const struct sim_spec plain = {0};

/* ---- reload ---- */

/* What is under way ends by the rules it began with; what begins later has the new ones. */
static void reload_with_another_ttl(void **state)
{
	static const struct sim_spec before = {.route = ", cache: {ttl: 10s}"},
				     after = {.route = ", cache: {ttl: 100s}"};
	struct sim *s = sim_new(&before);
	struct peer *c = sim_client(s), *w = sim_client(s);
	struct peer *o = sim_ask(s, c, "/");

	(void)state;
	sim_reload(s, &after);
	peer_get(w, "/");
	sim_no_origin(s, 0);
	peer_reply(o, "", "one");
	peer_expect_all(c, "; stored; ttl=10\r\n", "one");
	peer_expect_all(w, "; collapsed; ttl=10\r\n", "one");
	sim_advance(s, 10 * S);
	peer_get(c, "/");
	peer_expect(o, "GET / ");
	peer_reply(o, "", "two");
	peer_expect_all(c, "ttl=100\r\n", "two");
	sim_expect_quiet(s);
	sim_free(&s);
}

/* The cache is off for new requests; a fetch whose client has left ends all the same. */
static void reload_that_switches_off(void **state)
{
	struct sim *s = sim_new(&plain);
	struct peer *c = sim_client(s), *w = sim_client(s);
	struct peer *o = sim_ask(s, c, "/"), *o2;

	(void)state;
	peer_send(o, HEAD_OF_6 "abc");
	peer_expect(c, "abc");
	peer_close(c, true);
	sim_reload(s, &(struct sim_spec){.route = ", cache: {enabled: false}"});
	o2 = sim_ask(s, w, "/");
	peer_reply(o2, HOUR, "two");
	peer_expect_no(w, "Cache-Status: ");
	peer_expect(w, "two");
	peer_send(o, "def");
	sim_expect_quiet(s);
	sim_reload(s, &plain);
	peer_get(w, "/");
	peer_expect_all(w, "; hit", "abcdef");
	sim_free(&s);
}

/* The route itself is gone while its fetch waits for the head, with and without a client. */
static void reload_without_the_route(void **state)
{
	struct sim *s = sim_new(&plain);
	struct peer *c1 = sim_client(s), *c2 = sim_client(s), *late = sim_client(s);
	struct peer *o1 = sim_ask(s, c1, "/1"), *o2 = sim_ask(s, c2, "/2");

	(void)state;
	peer_close(c2, true);
	sim_reload(s, &(struct sim_spec){
			      .before = "{name: gone, match: {host: x.test}, upstream: app}, ",
			      .route = ", match: {host: other.test}"});
	peer_get(late, "/1");
	peer_expect(late, "HTTP/1.1 404 ");
	peer_reply(o1, HOUR, "one");
	peer_expect_all(c1, "; stored", "one");
	peer_reply(o2, HOUR, "two");
	sim_expect_quiet(s);
	sim_expect_fills(s, 0, 2);
	sim_free(&s);
}

/* Two reloads in a row, a refresh without a client, a follower: nobody keeps a configuration. */
static void reload_during_a_refresh(void **state)
{
	static const struct sim_spec with = {.route = ", cache: {stale_while_revalidate: 60s}"};
	struct sim *s = sim_new(&with);
	struct peer *c = sim_client(s);
	struct peer *o = sim_serve(s, c, "/", TEN V1, "one");

	(void)state;
	sim_advance(s, 11 * S);
	peer_get(c, "/");
	peer_expect(c, "one");
	peer_expect(o, "GET / ");
	sim_reload(s, &plain);
	sim_reload(s, &with);
	peer_send(o, HEAD_OF_6 "sec");
	peer_get(c, "/");
	peer_expect_all(c, "; hit", "one");
	sim_expect_fills(s, 1, 2);
	peer_send(o, "ond");
	peer_get(c, "/");
	peer_expect_all(c, "; hit", "second");
	sim_expect_quiet(s);
	sim_free(&s);
}

/* The largest object may change at any time. */
static void reload_with_another_max_object(void **state)
{
	struct sim *s = sim_new(&(struct sim_spec){.l1 = ", max_object: 1KiB"});
	struct peer *c = sim_client(s);
	char body[512];

	(void)state;
	memset(body, 'x', sizeof(body) - 1);
	body[sizeof(body) - 1] = 0;
	struct peer *o = sim_serve(s, c, "/1", HOUR, body);
	peer_get(c, "/1");
	peer_expect(c, "; hit");
	sim_reload(s, &(struct sim_spec){.l1 = ", max_object: 2KiB"});
	peer_get(c, "/2");
	peer_expect(o, "GET /2 ");
	peer_send(o, "HTTP/1.1 200 OK\r\nContent-Length: 1533\r\n" HOUR "\r\n");
	for (int i = 0; i < 3; i++)
		peer_send(o, body);
	peer_expect(c, "; stored");
	peer_get(c, "/2");
	peer_expect(c, "; hit");
	sim_free(&s);
}

/* ---- stop ---- */

/* Requests that wait for a fill are requests: they have the grace. */
static void stop_waits_for_fills_with_clients(void **state)
{
	struct sim *s = sim_new(&plain);
	struct peer *c = sim_client(s), *w = sim_client(s);
	struct peer *o = sim_ask(s, c, "/");

	(void)state;
	peer_get(w, "/");
	sim_stop(s, 10 * S);
	sim_advance(s, 4 * S);
	peer_expect_silence(w);
	peer_reply(o, HOUR, "late");
	peer_expect_all(c, "\r\nConnection: close\r\n", "late");
	peer_expect_all(w, "\r\nConnection: close\r\n", "late");
	peer_close(c, false);
	peer_close(w, false);
	assert_int_equal(sim_stopped(s), 1);
	sim_expect_quiet(s);
	sim_free(&s);
}

/* What is open when the grace ends is cut off: clients short of the length, fills, the origin. */
static void stop_grace_ends(void **state)
{
	struct sim *s = sim_new(&plain);
	struct peer *c = sim_client(s), *w = sim_client(s), *q = sim_client(s);
	struct peer *o = sim_ask(s, c, "/"), *o2;

	(void)state;
	peer_get(w, "/");
	peer_send(o, HEAD_OF_6 "abc");
	peer_expect(c, "abc");
	peer_expect(w, "abc");
	o2 = sim_ask(s, q, "/other");
	sim_stop(s, 10 * S);
	sim_advance(s, 10 * S - MS);
	peer_expect_silence(c);
	peer_expect_silence(q);
	assert_int_equal(sim_stopped(s), 0);
	sim_advance(s, MS);
	peer_expect_closed(c);
	peer_expect_closed(w);
	peer_expect_closed(q);
	peer_expect_broken(o2);
	assert_int_equal(sim_stopped(s), 1);
	sim_free(&s);
}

/* A fetch that no client waits for holds nobody up; what it has is not kept for whole. */
static void stop_with_abandoned_fills(void **state)
{
	struct sim *s = sim_new(&plain);
	struct peer *c1 = sim_client(s), *c2 = sim_client(s);
	struct peer *o1 = sim_ask(s, c1, "/1"), *o2 = sim_ask(s, c2, "/2");

	(void)state;
	peer_send(o2, HEAD_OF_6 "abc");
	peer_expect(c2, "abc");
	peer_close(c1, true);
	peer_close(c2, true);
	peer_expect_silence(o1);
	sim_expect_fills(s, 2, 1);
	sim_stop(s, 10 * S);
	sim_advance(s, 10 * S);
	assert_int_equal(sim_stopped(s), 1);
	sim_free(&s);
}

static void stop_at_once(void **state)
{
	struct sim *s = sim_new(&plain);
	struct peer *c = sim_client(s), *w = sim_client(s);
	struct peer *o = sim_ask(s, c, "/");

	(void)state;
	peer_get(w, "/");
	peer_send(o, HEAD_OF_6 "abc");
	sim_stop(s, 0);
	peer_expect(c, "abc");
	peer_expect_closed(c);
	assert_int_equal(sim_stopped(s), 1);
	sim_free(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reload_with_another_ttl),
		cmocka_unit_test(reload_that_switches_off),
		cmocka_unit_test(reload_without_the_route),
		cmocka_unit_test(reload_during_a_refresh),
		cmocka_unit_test(reload_with_another_max_object),
		cmocka_unit_test(stop_waits_for_fills_with_clients),
		cmocka_unit_test(stop_grace_ends),
		cmocka_unit_test(stop_with_abandoned_fills),
		cmocka_unit_test(stop_at_once),
	};

	return cmocka_run_group_tests_name("sim_cache_reload", tests, NULL, NULL);
}
