/* SPDX-License-Identifier: BSD-2-Clause */
/* How long an upstream may take, and what its pool and its queue do as time passes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/sim/sim.h"

#define MS NS_PER_MS
#define S NS_PER_S

static const struct sim_spec quick = {
	.upstream = ", timeouts: {connect: 2s, first_byte: 3s, idle: 4s}"};

/* ---- deadlines of one exchange ---- */

static void connect_timeout(void **state)
{
	struct sim *s = sim_new(&quick);
	struct peer *c = sim_client(s);

	(void)state;
	sim_origin_is_deaf(s, 0);
	peer_get(c, "/");
	sim_advance(s, 2 * S - MS);
	peer_expect_silence(c);
	sim_advance(s, MS);
	peer_expect_error(c, 504, "connection_timeout");
	peer_expect_silence(c); /* the client's connection lives */
	sim_expect_count(s, UPSTREAM, connect_timeouts, 1);
	sim_expect_count(s, UPSTREAM, connect_failures, 0);
	sim_free(&s);
}

/* A head that drips in does not move the deadline. */
static void first_byte_timeout(void **state)
{
	struct sim *s = sim_new(&quick);
	struct peer *c = sim_client(s);

	(void)state;
	struct peer *o = sim_ask(s, c, "/");
	sim_advance(s, 2 * S);
	peer_send(o, "HTTP/1.1 200");
	sim_advance(s, S - MS);
	peer_expect_silence(c);
	sim_advance(s, MS);
	peer_expect_error(c, 504, "http_response_timeout");
	peer_expect_broken(o);
	sim_expect_count(s, UPSTREAM, first_byte_timeouts, 1);
	sim_free(&s);
}

/* The clock begins when the request's last byte was sent. */
static void first_byte_waits_for_the_request(void **state)
{
	struct sim *s = sim_new(&quick);
	struct peer *c = sim_client(s);

	(void)state;
	peer_send(c, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\na");
	sim_advance(s, 10 * S);
	peer_send(c, "b");
	sim_advance(s, 3 * S - MS);
	peer_expect_silence(c);
	sim_advance(s, MS);
	peer_expect_error(c, 504, "http_response_timeout");
	sim_free(&s);
}

/* What was sent cannot be taken back: the answer ends short of its length, and the connection. */
static void idle_timeout_in_a_body(void **state)
{
	struct sim *s = sim_new(&quick);
	struct peer *c = sim_client(s);

	(void)state;
	struct peer *o = sim_ask(s, c, "/");
	peer_send(o, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nab");
	peer_expect(c, "\r\n\r\nab");
	sim_advance(s, 3 * S);
	peer_send(o, "cd");
	peer_expect(c, "cd");
	sim_advance(s, 4 * S - MS);
	peer_expect_silence(c);
	sim_advance(s, MS);
	peer_expect_closed(c);
	peer_expect_broken(o);
	sim_expect_count(s, UPSTREAM, idle_timeouts, 1);
	sim_free(&s);
}

/* RFC 9112 8: without the last chunk the client knows that it is incomplete. */
static void idle_timeout_in_chunks(void **state)
{
	struct sim *s = sim_new(&quick);
	struct peer *c = sim_client(s);

	(void)state;
	peer_get(c, "/");
	peer_send(sim_origin(s, 0),
		  "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n");
	peer_expect(c, "2\r\nab\r\n");
	sim_advance(s, 4 * S);
	peer_expect_closed(c);
	sim_free(&s);
}

/* What the client sends meanwhile is no sign of life of the origin. */
static void idle_timeout_whatever_the_client_sends(void **state)
{
	struct sim *s = sim_new(&quick);
	struct peer *c = sim_client(s);

	(void)state;
	peer_get(c, "/");
	peer_send(sim_origin(s, 0), "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nab");
	peer_expect(c, "\r\n\r\nab");
	for (int i = 0; i < 3; i++) {
		sim_advance(s, S);
		peer_send(c, "x");
	}
	sim_advance(s, S);
	peer_expect_closed(c);
	sim_expect_count(s, UPSTREAM, idle_timeouts, 1);
	sim_free(&s);
}

/* The origin takes no more of a request's body, though the client still sends a little. */
static void idle_timeout_in_an_upload(void **state)
{
	static char block[32 * 1024];
	struct sim *s = sim_new(&quick);
	struct peer *c = sim_client(s);

	(void)state;
	peer_send(c, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10000000\r\n\r\n");
	for (int i = 0; i < 600 && peer_try_send(c, block, sizeof(block)); i++)
		;
	(void)peer_try_send(c, block, sizeof(block));
	sim_advance(s, 4 * S - MS);
	peer_expect_silence(c);
	sim_advance(s, MS);
	peer_expect_error(c, 504, "connection_write_timeout");
	sim_expect_count(s, UPSTREAM, idle_timeouts, 1);
	sim_free(&s);
}

static const struct sim_spec total = {.upstream = ", timeouts: {total: 5s, idle: 4s}"};

static void total_timeout_before_the_head(void **state)
{
	struct sim *s = sim_new(&total);
	struct peer *c = sim_client(s);

	(void)state;
	peer_get(c, "/");
	sim_advance(s, 5 * S - MS);
	peer_expect_silence(c);
	sim_advance(s, MS);
	peer_expect_error(c, 504, "http_response_timeout");
	sim_expect_count(s, UPSTREAM, total_timeouts, 1);
	sim_free(&s);
}

static void total_timeout_in_the_body(void **state)
{
	struct sim *s = sim_new(&total);
	struct peer *c = sim_client(s);

	(void)state;
	struct peer *o = sim_ask(s, c, "/");
	peer_send(o, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n");
	for (int i = 0; i < 4; i++) {
		sim_advance(s, S);
		peer_send(o, "x");
	}
	peer_expect(c, "\r\n\r\nxxxx");
	sim_advance(s, S - MS);
	peer_expect_silence(c);
	sim_advance(s, MS);
	peer_expect_closed(c);
	sim_expect_count(s, UPSTREAM, total_timeouts, 1);
	sim_free(&s);
}

static void route_timeout(void **state)
{
	struct sim *s = sim_new(&(struct sim_spec){.route = ", timeout: 2s"});
	struct peer *c = sim_client(s);

	(void)state;
	peer_get(c, "/");
	sim_advance(s, 2 * S - MS);
	peer_expect_silence(c);
	sim_advance(s, MS);
	peer_expect_error(c, 504, "http_response_timeout");
	sim_free(&s);
}

/* The time in the queue counts for the route's timeout. */
static void route_timeout_in_the_queue(void **state)
{
	struct sim *s = sim_new(&(struct sim_spec){.route = ", timeout: 2s",
						   .upstream = ", pool: {max_connections: 1}"});
	struct peer *c1 = sim_client(s), *c2 = sim_client(s);

	(void)state;
	peer_get(c1, "/1");
	sim_advance(s, S);
	peer_get(c2, "/2");
	sim_advance(s, S);
	peer_expect_error(c1, 504, "http_response_timeout");
	sim_advance(s, S - MS);
	peer_expect_silence(c2);
	sim_advance(s, MS);
	peer_expect_error(c2, 504, "http_response_timeout");
	sim_free(&s);
}

/* ---- queue and pool ---- */

static const struct sim_spec narrow = {
	.upstream = ", pool: {max_connections: 1, queue: 2, acquire_timeout: 2s}"};

/* First come, first served; beyond the queue 503 at once; beyond the wait 503. */
static void queue(void **state)
{
	struct sim *s = sim_new(&narrow);
	struct peer *c1 = sim_client(s), *c2 = sim_client(s), *c3 = sim_client(s),
		    *c4 = sim_client(s);

	(void)state;
	struct peer *o = sim_ask(s, c1, "/1");
	peer_get(c2, "/2");
	sim_advance(s, S);
	peer_get(c3, "/3");
	peer_get(c4, "/4");
	peer_expect_error(c4, 503, "connection_limit_reached");
	sim_expect_count(s, UPSTREAM, queue_full, 1);
	sim_advance(s, S - MS);
	peer_answer(o, "one");
	peer_expect(c1, "one");
	peer_expect(o, "GET /2 ");
	sim_advance(s, S);
	peer_expect_silence(c3);
	sim_advance(s, MS);
	peer_expect_error(c3, 503, "connection_limit_reached");
	peer_answer(o, "two");
	peer_expect(c2, "two");
	sim_no_origin(s, 0);
	sim_expect_count(s, UPSTREAM, queued, 2);
	sim_expect_count(s, UPSTREAM, acquire_timeouts, 1);
	sim_expect_count(s, UPSTREAM, connects, 1);
	sim_free(&s);
}

/* A client that leaves leaves the queue too; the next one moves up. */
static void queue_cancelled(void **state)
{
	struct sim *s = sim_new(&narrow);
	struct peer *c1 = sim_client(s), *c2 = sim_client(s), *c3 = sim_client(s);

	(void)state;
	struct peer *o = sim_ask(s, c1, "/1");
	peer_get(c2, "/2");
	peer_get(c3, "/3");
	peer_close(c2, true);
	peer_answer(o, "one");
	peer_expect(o, "GET /3 ");
	peer_answer(o, "three");
	peer_expect(c3, "three");
	sim_expect_count(s, UPSTREAM, cancelled, 1);
	sim_free(&s);
}

static void pool_idle_timeout(void **state)
{
	struct sim *s = sim_new(&(struct sim_spec){.upstream = ", pool: {idle_timeout: 3s}"});
	struct peer *c = sim_client(s);

	(void)state;
	struct peer *o = sim_ask(s, c, "/1");
	peer_answer(o, "x");
	sim_advance(s, 2 * S);
	peer_get(c, "/2");
	peer_expect(o, "GET /2 "); /* reused: the idle time begins anew */
	peer_answer(o, "x");
	sim_advance(s, 3 * S - MS);
	peer_expect_silence(o);
	sim_advance(s, MS);
	peer_expect_closed(o);
	peer_get(c, "/3");
	peer_expect(sim_origin(s, 0), "GET /3 ");
	sim_expect_count(s, UPSTREAM, connects, 2);
	sim_expect_count(s, UPSTREAM, reuses, 1);
	sim_free(&s);
}

static void pool_max_requests(void **state)
{
	struct sim *s = sim_new(&(struct sim_spec){.upstream = ", pool: {max_requests: 2}"});
	struct peer *c = sim_client(s);

	(void)state;
	struct peer *o = sim_ask(s, c, "/1");
	peer_answer(o, "x");
	peer_get(c, "/2");
	peer_expect(o, "GET /2 ");
	peer_answer(o, "x");
	peer_expect_closed(o);
	peer_get(c, "/3");
	peer_expect(sim_origin(s, 0), "GET /3 ");
	sim_free(&s);
}

/* RFC 9112 9.3.1: a pooled connection that dies under a GET; it is sent again on a fresh one. */
static void replay(void **state)
{
	struct sim *s = sim_new(&quick);
	struct peer *c = sim_client(s);

	(void)state;
	struct peer *o = sim_serve(s, c, "/1", "", "x");
	peer_get(c, "/2");
	peer_close(o, true);
	o = sim_origin(s, 0);
	peer_expect(o, "GET /2 ");
	peer_close(o, true); /* once, not for ever */
	peer_expect_error(c, 502, "connection_terminated");
	sim_no_origin(s, 0);
	sim_expect_count(s, UPSTREAM, replays, 1);
	sim_free(&s);
}

/* ---- servers and addresses that fail ---- */

static void refused_goes_on(void **state)
{
	struct sim *s =
		sim_new(&(struct sim_spec){.servers = 2, .upstream = ", balance: round_robin"});
	struct peer *c = sim_client(s);

	(void)state;
	sim_origin_refuses(s, 0);
	peer_get(c, "/");
	struct peer *o = sim_origin(s, 1);
	peer_expect(o, "GET / ");
	peer_answer(o, "other");
	peer_expect(c, "other");
	sim_expect_count(s, UPSTREAM, connect_failures, 1);
	sim_expect_count(s, UPSTREAM, requests, 1);
	sim_free(&s);
}

static void deaf_goes_on(void **state)
{
	struct sim *s = sim_new(&(struct sim_spec){
		.servers = 2, .upstream = ", balance: round_robin, timeouts: {connect: 2s}"});
	struct peer *c = sim_client(s);

	(void)state;
	sim_origin_is_deaf(s, 0);
	peer_get(c, "/");
	sim_advance(s, 2 * S - MS);
	sim_no_origin(s, 1);
	sim_advance(s, MS);
	peer_answer(sim_origin(s, 1), "other");
	peer_expect(c, "other");
	sim_expect_count(s, UPSTREAM, connect_timeouts, 1);
	sim_free(&s);
}

static void get_from_second_address(struct sim *s, uint64_t failures)
{
	struct peer *c = sim_client(s);

	sim_serve(s, c, "/", "", "x");
	sim_expect_count(s, UPSTREAM, connect_failures, failures);
}

/* Of a name's two addresses one refuses: it is passed over for ten seconds, then tried again. */
static void failed_address(void **state)
{
	struct sim *s = sim_new(
		&(struct sim_spec){.host = "pair.test", .upstream = ", pool: {max_idle: 0}"});

	(void)state;
	sim_origin_listens(s, 0, "127.0.0.2");
	get_from_second_address(s, 1);
	sim_advance(s, 5 * S);
	get_from_second_address(s, 1);
	sim_advance(s, 5 * S);
	get_from_second_address(s, 1);
	sim_advance(s, MS);
	get_from_second_address(s, 2);
	get_from_second_address(s, 2);
	sim_free(&s);
}

/* Nobody listens: 502 at once, tried again with the next request. */
static void refused_everywhere(void **state)
{
	struct sim *s = sim_new(&quick);
	struct peer *c = sim_client(s);

	(void)state;
	sim_origin_refuses(s, 0);
	peer_get(c, "/");
	peer_expect_error(c, 502, "connection_refused");
	sim_origin_listens(s, 0, "127.0.0.1");
	sim_serve(s, c, "/", "", "back");
	sim_free(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(connect_timeout),
		cmocka_unit_test(first_byte_timeout),
		cmocka_unit_test(first_byte_waits_for_the_request),
		cmocka_unit_test(idle_timeout_in_a_body),
		cmocka_unit_test(idle_timeout_in_chunks),
		cmocka_unit_test(idle_timeout_whatever_the_client_sends),
		cmocka_unit_test(idle_timeout_in_an_upload),
		cmocka_unit_test(total_timeout_before_the_head),
		cmocka_unit_test(total_timeout_in_the_body),
		cmocka_unit_test(route_timeout),
		cmocka_unit_test(route_timeout_in_the_queue),
		cmocka_unit_test(queue),
		cmocka_unit_test(queue_cancelled),
		cmocka_unit_test(pool_idle_timeout),
		cmocka_unit_test(pool_max_requests),
		cmocka_unit_test(replay),
		cmocka_unit_test(refused_goes_on),
		cmocka_unit_test(deaf_goes_on),
		cmocka_unit_test(failed_address),
		cmocka_unit_test(refused_everywhere),
	};

	return cmocka_run_group_tests_name("sim_upstream_time", tests, NULL, NULL);
}
