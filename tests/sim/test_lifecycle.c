/* SPDX-License-Identifier: BSD-2-Clause */
/* Drain, stop and its grace, and tunnels, on virtual time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/sim/sim.h"

#define MS NS_PER_MS
#define S NS_PER_S

static const struct sim_spec plain = {0};

/* ---- drain ---- */

/* RFC 9112 9.6: while draining each answer is the connection's last; new ones are still served. */
static void drain(void **state)
{
	struct sim *s = sim_new(&plain);
	struct peer *c1 = sim_client(s), *c2;

	(void)state;
	struct peer *o = sim_ask(s, c1, "/1");
	sim_drain(s);
	peer_answer(o, "one");
	peer_expect(c1, "\r\nConnection: close\r\n");
	peer_expect_closed(c1);
	c2 = sim_client(s);
	peer_get(c2, "/2");
	peer_answer(o, "two");
	peer_expect(c2, "\r\nConnection: close\r\n");
	sim_free(&s);
}

/* ---- stop ---- */

/* Idle connections get a second for a request that is on its way. */
static void stop_gives_idle_ones_a_moment(void **state)
{
	struct sim *s = sim_new(&plain);
	struct peer *c1 = sim_client(s), *c2 = sim_client(s);

	(void)state;
	struct peer *o = sim_serve(s, c1, "/1", "", "one");
	sim_stop(s, 10 * S);
	sim_advance(s, S - MS);
	peer_expect_silence(c1);
	peer_expect_silence(c2);
	peer_get(c1, "/2");
	peer_answer(o, "two");
	peer_expect(c1, "\r\nConnection: close\r\n");
	peer_close(c1, false);
	assert_int_equal(sim_stopped(s), 0);
	sim_advance(s, MS);
	peer_expect_closed(c2);
	assert_int_equal(sim_stopped(s), 1);
	sim_free(&s);
}

/* An open request may finish within the grace; then nothing waits for its end. */
static void stop_waits_for_requests(void **state)
{
	struct sim *s = sim_new(&plain);
	struct peer *c = sim_client(s);

	(void)state;
	struct peer *o = sim_ask(s, c, "/");
	sim_stop(s, 10 * S);
	sim_advance(s, 9 * S);
	assert_int_equal(sim_stopped(s), 0);
	peer_answer(o, "late");
	peer_expect(c, "late");
	peer_close(c, false);
	assert_int_equal(sim_stopped(s), 1);
	sim_advance(s, 2 * S);
	assert_int_equal(sim_stopped(s), 1);
	sim_free(&s);
}

/* What is open when the grace ends is cut off: short of its length, so the client knows. */
static void stop_grace_ends(void **state)
{
	struct sim *s = sim_new(&plain);
	struct peer *c = sim_client(s);

	(void)state;
	struct peer *o = sim_ask(s, c, "/");
	peer_send(o, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nab");
	peer_expect(c, "\r\n\r\nab");
	sim_stop(s, 10 * S);
	sim_advance(s, 10 * S - MS);
	peer_expect_silence(c);
	assert_int_equal(sim_stopped(s), 0);
	sim_advance(s, MS);
	peer_expect_closed(c);
	peer_expect_broken(o);
	assert_int_equal(sim_stopped(s), 1);
	sim_free(&s);
}

/* Without a length and without chunks only RST shows that something is missing. */
static void stop_grace_ends_in_a_close_delimited_answer(void **state)
{
	struct sim *s = sim_new(&plain);
	struct peer *c = sim_client(s);

	(void)state;
	peer_send(c, "GET / HTTP/1.0\r\n\r\n");
	struct peer *o = sim_origin(s, 0);
	peer_send(o, "HTTP/1.1 200 OK\r\n\r\nab");
	peer_expect(c, "\r\n\r\nab");
	sim_stop(s, 3 * S);
	sim_advance(s, 3 * S);
	peer_expect_broken(c);
	assert_int_equal(sim_stopped(s), 1);
	sim_free(&s);
}

/* A stop without grace ends everything at once. */
static void stop_at_once(void **state)
{
	struct sim *s = sim_new(&plain);
	struct peer *idle = sim_client(s), *busy = sim_client(s);

	(void)state;
	struct peer *o = sim_ask(s, busy, "/");
	sim_stop(s, 0);
	peer_expect_closed(idle);
	peer_expect_closed(busy);
	peer_expect_broken(o);
	assert_int_equal(sim_stopped(s), 1);
	sim_free(&s);
}

/* A head that began before the stop may still become a request. */
static void stop_with_half_a_head(void **state)
{
	struct sim *s = sim_new(&plain);
	struct peer *c = sim_client(s);

	(void)state;
	peer_send(c, "GET / HTTP/1.1\r\n");
	sim_stop(s, 10 * S);
	sim_advance(s, 3 * S);
	peer_expect_silence(c);
	peer_send(c, "Host: a\r\n\r\n");
	peer_answer(sim_origin(s, 0), "x");
	peer_expect(c, "\r\nConnection: close\r\n");
	sim_free(&s);
}

/* ---- tunnels ---- */

static struct peer *open_tunnel(struct sim *s, struct peer *c)
{
	peer_send(c, "GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\n"
		     "Upgrade: websocket\r\n\r\n");
	struct peer *o = sim_origin(s, 0);
	peer_expect(o, "websocket\r\n");
	peer_send(o, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n"
		     "Upgrade: websocket\r\n\r\n");
	peer_expect(c, "HTTP/1.1 101 ");
	return o;
}

/* Bytes either way keep it open; after the upstream's idle time without any it is cut off. */
static void tunnel_idle_timeout(void **state)
{
	struct sim *s = sim_new(&(struct sim_spec){.upstream = ", timeouts: {idle: 4s}"});
	struct peer *c = sim_client(s);
	struct peer *o = open_tunnel(s, c);

	(void)state;
	sim_expect_count(s, WORKER, tunnels_active, 1);
	sim_advance(s, 3 * S);
	peer_send(c, "ping");
	peer_expect(o, "ping");
	sim_advance(s, 3 * S);
	peer_send(o, "pong");
	peer_expect(c, "pong");
	sim_advance(s, 4 * S - MS);
	peer_expect_silence(c);
	peer_expect_silence(o);
	sim_advance(s, MS);
	peer_expect_broken(c);
	peer_expect_broken(o);
	sim_expect_count(s, WORKER, tunnels_active, 0);
	sim_expect_count(s, WORKER, tunnels, 1);
	sim_free(&s);
}

/* One side is done, the other may go on; when both are, the tunnel ends. */
static void tunnel_half_closed(void **state)
{
	struct sim *s = sim_new(&plain);
	struct peer *c = sim_client(s);
	struct peer *o = open_tunnel(s, c);

	(void)state;
	peer_send(c, "all");
	peer_shut(c);
	peer_expect(o, "all");
	peer_expect_closed(o);
	peer_send(o, "answer");
	peer_expect(c, "answer");
	peer_close(o, false);
	peer_expect_closed(c);
	sim_expect_count(s, WORKER, tunnels_active, 0);
	sim_free(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(drain),
		cmocka_unit_test(stop_gives_idle_ones_a_moment),
		cmocka_unit_test(stop_waits_for_requests),
		cmocka_unit_test(stop_grace_ends),
		cmocka_unit_test(stop_grace_ends_in_a_close_delimited_answer),
		cmocka_unit_test(stop_at_once),
		cmocka_unit_test(stop_with_half_a_head),
		cmocka_unit_test(tunnel_idle_timeout),
		cmocka_unit_test(tunnel_half_closed),
	};

	return cmocka_run_group_tests_name("sim_lifecycle", tests, NULL, NULL);
}
