/* SPDX-License-Identifier: BSD-2-Clause */
/* How long a client may take: each deadline to the millisecond, what it sees then, what is counted. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/sim/sim.h"

#define MS NS_PER_MS
#define S NS_PER_S

static const struct sim_spec quick = {
	.listener = ", timeouts: {header: 2s, keepalive: 5s, body: 3s, write: 4s}"};

/* Without a cache: what a client asked for ends with it. */
static const struct sim_spec passing = {
	.listener = ", timeouts: {header: 2s, keepalive: 5s, body: 3s, write: 4s}",
	.route = ", cache: {enabled: false}"};

/* RFC 9110 15.5.9: a head that began and does not end. */
static void header_timeout(void **state)
{
	struct sim *s = sim_new(&quick);
	struct peer *c = sim_client(s);

	(void)state;
	sim_serve(s, c, "/1", "", "x"); /* so that it is the second head of the connection */
	sim_advance(s, 4 * S);
	peer_send(c, "GET / HT");
	sim_advance(s, 2 * S - MS);
	peer_expect_silence(c);
	sim_advance(s, MS);
	peer_expect(c, "HTTP/1.1 408 Request Timeout\r\n");
	peer_expect_closed(c);
	sim_expect_count(s, WORKER, timeouts_header, 1);
	sim_free(&s);
}

/* A connection without a byte: nothing to answer, so nothing is said. */
static void silent_connection(void **state)
{
	struct sim *s = sim_new(&quick);
	struct peer *c = sim_client(s);

	(void)state;
	sim_advance(s, 2 * S - MS);
	peer_expect_silence(c);
	sim_advance(s, MS);
	peer_expect_closed(c);
	sim_expect_count(s, WORKER, timeouts_header, 1);
	sim_expect_count(s, WORKER, requests, 0);
	sim_free(&s);
}

/* One byte a second does not move the deadline. */
static void slow_drip(void **state)
{
	struct sim *s = sim_new(&quick);
	struct peer *c = sim_client(s);

	(void)state;
	for (int i = 0; i < 4; i++) {
		peer_send_n(c, &"GET "[i], 1);
		sim_advance(s, 499 * MS);
	}
	peer_expect_silence(c);
	sim_advance(s, 4 * MS);
	peer_expect(c, "HTTP/1.1 408 ");
	sim_expect_count(s, WORKER, timeouts_header, 1);
	sim_free(&s);
}

/* The first byte of a new connection starts the clock, not the connect. */
static void header_clock_starts_with_first_byte(void **state)
{
	struct sim *s = sim_new(&quick);
	struct peer *c = sim_client(s);

	(void)state;
	sim_advance(s, S);
	peer_send(c, "GET / HT");
	sim_advance(s, 2 * S - MS);
	peer_expect_silence(c);
	sim_advance(s, MS);
	peer_expect(c, "HTTP/1.1 408 ");
	sim_free(&s);
}

static void keepalive_timeout(void **state)
{
	struct sim *s = sim_new(&quick);
	struct peer *c = sim_client(s);

	(void)state;
	struct peer *o = sim_ask(s, c, "/");
	sim_advance(s, S);
	peer_answer(o, "x");
	peer_expect(c, "200 OK");
	sim_advance(s, 5 * S - MS);
	peer_expect_silence(c);
	sim_advance(s, MS);
	peer_expect_closed(c);
	sim_expect_count(s, WORKER, timeouts_keepalive, 1);
	sim_expect_count(s, WORKER, timeouts_header, 0);
	sim_free(&s);
}

/* A pause within the body; each piece starts the clock again. */
static void body_timeout(void **state)
{
	struct sim *s = sim_new(&quick);
	struct peer *c = sim_client(s);

	(void)state;
	peer_send(c, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nab");
	struct peer *o = sim_origin(s, 0);
	peer_expect(o, "\r\n\r\nab");
	sim_advance(s, 2 * S);
	peer_send(c, "cd");
	peer_expect(o, "cd");
	sim_advance(s, 3 * S - MS);
	peer_expect_silence(c);
	sim_advance(s, MS);
	peer_expect(c, "HTTP/1.1 408 ");
	peer_expect_closed(c);
	peer_expect_broken(o); /* half a request must not look like a whole one */
	sim_expect_count(s, WORKER, timeouts_body, 1);
	sim_free(&s);
}

/* A client that gets more than fits and reads nothing; returns its origin. */
static struct peer *begin_stuck_answer(struct sim *s, struct peer *c)
{
	static char block[32 * 1024];
	struct peer *o;

	o = sim_ask(s, c, "/");
	peer_send(o, "HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n");
	for (int i = 0; i < 1000 && peer_try_send(o, block, sizeof(block)); i++)
		;
	return o;
}

/* It is cut off so long after the last byte that it took. */
static void write_timeout(void **state)
{
	struct sim *s = sim_new(&quick);
	struct peer *c = sim_client(s);

	(void)state;
	begin_stuck_answer(s, c);
	sim_advance(s, 4 * S - MS);
	sim_expect_count(s, WORKER, connections_active, 1);
	sim_advance(s, MS);
	sim_expect_count(s, WORKER, timeouts_write, 1);
	sim_expect_count(s, WORKER, connections_active, 0);
	peer_swallow(c);
	peer_expect_broken(c);
	sim_free(&s);
}

/* Bytes that it sends meanwhile are no sign that it reads. */
static void write_timeout_whatever_the_client_sends(void **state)
{
	struct sim *s = sim_new(&quick);
	struct peer *c = sim_client(s);

	(void)state;
	begin_stuck_answer(s, c);
	for (int i = 0; i < 3; i++) {
		sim_advance(s, S);
		peer_send(c, "x");
	}
	sim_advance(s, S);
	sim_expect_count(s, WORKER, timeouts_write, 1);
	sim_expect_count(s, WORKER, connections_active, 0);
	sim_free(&s);
}

/* RFC 9110 10.1.1: we answer for an origin that does not, after a second. */
static void expect_continue(void **state)
{
	struct sim *s = sim_new(&quick);
	struct peer *c = sim_client(s);

	(void)state;
	peer_send(c, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n"
		     "Expect: 100-continue\r\n\r\n");
	struct peer *o = sim_origin(s, 0);
	peer_expect(o, "Expect: 100-continue\r\n");
	sim_advance(s, S - MS);
	peer_expect_silence(c);
	sim_advance(s, MS);
	peer_expect(c, "HTTP/1.1 100 Continue\r\n\r\n");
	peer_send(c, "hi");
	peer_expect(o, "hi");
	peer_answer(o, "done");
	peer_expect(c, "done");
	sim_free(&s);
}

/* When it does answer, we do not: the client hears it once. */
static void expect_continue_relayed(void **state)
{
	struct sim *s = sim_new(&quick);
	struct peer *c = sim_client(s);

	(void)state;
	peer_send(c, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n"
		     "Expect: 100-continue\r\n\r\n");
	struct peer *o = sim_origin(s, 0);
	peer_send(o, "HTTP/1.1 100 Continue\r\n\r\n");
	peer_expect(c, "HTTP/1.1 100 Continue\r\n\r\n");
	sim_advance(s, 2 * S);
	peer_expect_silence(c);
	peer_send(c, "hi");
	peer_answer(o, "done");
	peer_expect(c, "done");
	sim_free(&s);
}

/* After the 100 the body's own deadline runs. */
static void expect_continue_then_nothing(void **state)
{
	struct sim *s = sim_new(&quick);
	struct peer *c = sim_client(s);

	(void)state;
	peer_send(c, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n"
		     "Expect: 100-continue\r\n\r\n");
	sim_advance(s, S);
	peer_expect(c, "100 Continue");
	sim_advance(s, 3 * S - MS);
	peer_expect_silence(c);
	sim_advance(s, MS);
	peer_expect(c, "HTTP/1.1 408 ");
	sim_expect_count(s, WORKER, timeouts_body, 1);
	sim_free(&s);
}

/* RFC 9112 9.6: FIN may only mean "no more requests": an answer that begins within a second goes out. */
static void half_closed_in_time(void **state)
{
	struct sim *s = sim_new(&quick);
	struct peer *c = sim_client(s);

	(void)state;
	struct peer *o = sim_ask(s, c, "/");
	peer_shut(c);
	sim_advance(s, S - MS);
	peer_expect_silence(c);
	peer_expect_silence(o);
	peer_send(o, "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nsl");
	sim_advance(s, 2 * S);
	peer_send(o, "ow");
	peer_expect(c, "slow");
	peer_expect_closed(c);
	sim_expect_count(s, UPSTREAM, cancelled, 0);
	sim_free(&s);
}

/* Later nobody is likely to wait for it: the upstream is spared the work. */
static void half_closed_too_long(void **state)
{
	struct sim *s = sim_new(&passing);
	struct peer *c = sim_client(s);

	(void)state;
	struct peer *o = sim_ask(s, c, "/");
	peer_shut(c);
	sim_advance(s, S);
	peer_expect_broken(c);
	peer_expect_broken(o);
	sim_expect_count(s, UPSTREAM, cancelled, 1);
	sim_expect_count(s, WORKER, connections_active, 0);
	sim_free(&s);
}

/* RST leaves no doubt. */
static void client_reset(void **state)
{
	struct sim *s = sim_new(&passing);
	struct peer *c = sim_client(s);

	(void)state;
	struct peer *o = sim_ask(s, c, "/");
	peer_close(c, true);
	peer_expect_broken(o);
	sim_expect_count(s, UPSTREAM, cancelled, 1);
	sim_free(&s);
}

/* After a refusal that ends the connection, a client that goes on sending gets five seconds. */
static void linger(void **state)
{
	struct sim *s = sim_new(&quick);
	struct peer *c = sim_client(s);

	(void)state;
	peer_send(c, "NONSENSE\r\n\r\n");
	peer_expect(c, "HTTP/1.1 400 ");
	for (int i = 0; i < 9; i++) {
		sim_advance(s, 500 * MS);
		peer_send(c, "more");
	}
	sim_expect_count(s, WORKER, connections_active, 1);
	sim_advance(s, 500 * MS);
	sim_expect_count(s, WORKER, connections_active, 0);
	sim_free(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(header_timeout),
		cmocka_unit_test(silent_connection),
		cmocka_unit_test(slow_drip),
		cmocka_unit_test(header_clock_starts_with_first_byte),
		cmocka_unit_test(keepalive_timeout),
		cmocka_unit_test(body_timeout),
		cmocka_unit_test(write_timeout),
		cmocka_unit_test(write_timeout_whatever_the_client_sends),
		cmocka_unit_test(expect_continue),
		cmocka_unit_test(expect_continue_relayed),
		cmocka_unit_test(expect_continue_then_nothing),
		cmocka_unit_test(half_closed_in_time),
		cmocka_unit_test(half_closed_too_long),
		cmocka_unit_test(client_reset),
		cmocka_unit_test(linger),
	};

	return cmocka_run_group_tests_name("sim_client_time", tests, NULL, NULL);
}
