/* SPDX-License-Identifier: BSD-2-Clause */
/* Bodies that are followed while they grow: parts of them, ones that break off, and ones too large to
 * be kept. */
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
#define HEAD_OF_10 "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n" TEN V1 "\r\n"
#define HEAD_OF_CHUNKS "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n" TEN V1 "\r\n"
#define HEAD_TO_THE_END "HTTP/1.1 200 OK\r\nConnection: close\r\n" TEN "\r\n"

static const struct sim_spec plain = {0};

static const struct sim_spec quick = {.listener = ", timeouts: {write: 4s}",
				      .upstream =
					      ", timeouts: {connect: 2s, first_byte: 3s, idle: 5s}",
				      .l1 = ", max_object: 256KiB"};

/* A client of HTTP/1.0, which gets the body without chunks. */
static struct peer *ask_old(struct sim *s, const char *path)
{
	struct peer *c = sim_client(s);
	char text[64];

	(void)snprintf(text, sizeof(text), "GET %s HTTP/1.0\r\nHost: a.test\r\n\r\n", path);
	peer_send(c, text);
	return c;
}

/* ---- the body breaks off ---- */

/* What was sent cannot be taken back: all connections end short of the length. */
static void breaks_with_a_length(void **state)
{
	struct sim *s = sim_new(&plain);
	struct peer *c = sim_client(s), *w = sim_client(s);
	struct peer *o = sim_ask(s, c, "/");

	(void)state;
	peer_get(w, "/");
	peer_send(o, HEAD_OF_10 "abc");
	peer_expect(c, "\r\n\r\nabc");
	peer_expect(w, "\r\n\r\nabc");
	peer_close(o, false);
	peer_expect_closed(c);
	peer_expect_closed(w);
	sim_expect_count(s, ROUTE, cache_broken, 1);
	sim_expect_count(s, UPSTREAM, truncated, 1);
	sim_expect_fills(s, 0, 0);
	sim_expect_quiet(s);
	peer_get(w = sim_client(s), "/");
	peer_expect(sim_origin(s, 0), "GET / ");
	sim_free(&s);
}

/* RFC 9112 8: without the last chunk it is incomplete; HTTP/1.0 has no chunks, so RST must show it. */
static void breaks_in_chunks(void **state)
{
	struct sim *s = sim_new(&plain);
	struct peer *c = sim_client(s), *w = sim_client(s), *old = sim_client(s);
	struct peer *o = sim_ask(s, c, "/");

	(void)state;
	peer_get(w, "/");
	peer_send(old, "GET / HTTP/1.0\r\nHost: a.test\r\n\r\n");
	peer_send(o, HEAD_OF_CHUNKS "3\r\nabc\r\n");
	peer_expect(c, "\r\n\r\n3\r\nabc\r\n");
	peer_expect(w, "\r\n\r\n3\r\nabc\r\n");
	peer_expect_no(old, "Transfer-Encoding");
	peer_expect(old, "\r\n\r\nabc");
	peer_send(o, "nonsense\r\n");
	peer_expect_closed(c);
	peer_expect_closed(w);
	peer_expect_broken(old);
	peer_expect_broken(o);
	sim_expect_count(s, UPSTREAM, protocol_errors, 1);
	sim_expect_quiet(s);
	sim_free(&s);
}

/* RFC 9112 8: where the connection's end is the body's, an RST is no such end. */
static void breaks_off_by_reset(void **state)
{
	static const char *const routes[] = {NULL, ", cache: {enabled: false}"};

	(void)state;
	for (size_t i = 0; i < COUNTOF(routes); i++) {
		struct sim *s = sim_new(&(struct sim_spec){.route = routes[i]});
		struct peer *c = sim_client(s), *old;
		struct peer *o = sim_ask(s, c, "/");

		peer_send(o, HEAD_TO_THE_END "abc");
		peer_expect(c, "3\r\nabc\r\n");
		peer_close(o, true);
		peer_expect_closed(c); /* without a last chunk */
		old = ask_old(s, "/");
		o = sim_origin(s, 0);
		peer_send(o, HEAD_TO_THE_END "abc");
		peer_expect(old, "\r\n\r\nabc");
		peer_close(o, true);
		peer_expect_broken(old);
		sim_expect_fills(s, 0, 0);
		sim_free(&s);
	}
}

/* The same for time-outs of the body, whoever looks on. */
static void breaks_by_idle_timeout(void **state)
{
	struct sim *s = sim_new(&quick);
	struct peer *c = sim_client(s), *w = sim_client(s);
	struct peer *o = sim_ask(s, c, "/");

	(void)state;
	peer_get(w, "/");
	peer_send(o, HEAD_OF_10 "abc");
	sim_advance(s, 3 * S);
	peer_send(o, "d");
	peer_expect(c, "abcd");
	peer_expect(w, "abcd");
	sim_advance(s, 5 * S - MS);
	peer_expect_silence(c);
	peer_expect_silence(w);
	sim_advance(s, MS);
	peer_expect_closed(c);
	peer_expect_closed(w);
	peer_expect_broken(o);
	sim_expect_count(s, UPSTREAM, idle_timeouts, 1);
	sim_expect_quiet(s);
	sim_free(&s);
}

/* Nothing was sent yet: everybody gets a proper error, and the origin is asked once. */
static void breaks_at_once(void **state)
{
	static const char *const bodies[] = {HEAD_OF_CHUNKS "zzz\r\n",
					     HEAD_OF_CHUNKS "3\r\nabc\r\nzzz"};

	(void)state;
	for (size_t i = 0; i < COUNTOF(bodies); i++) {
		struct sim *s = sim_new(&plain);
		struct peer *c = sim_client(s), *w = sim_client(s);
		struct peer *o = sim_ask(s, c, "/");

		peer_get(w, "/");
		peer_send(o, bodies[i]);
		sim_no_origin(s, 0);
		peer_expect(c, "HTTP/1.1 502 ");
		peer_expect(w, "HTTP/1.1 502 ");
		peer_expect_broken(o);
		sim_expect_count(s, UPSTREAM, requests, 1);
		sim_expect_quiet(s);
		sim_free(&s);
	}
}

/* RFC 9110 9.2.2: a POST is not sent twice, even if its answer was to be kept for GETs (9.3.3). */
static void breaks_after_a_post(void **state)
{
	struct sim *s = sim_new(&plain);
	struct peer *c = sim_client(s), *o;

	(void)state;
	peer_ask(c, "POST /a", "Content-Length: 2\r\n");
	peer_send(c, "hi");
	o = sim_origin(s, 0);
	peer_expect(o, "\r\n\r\nhi");
	peer_send(o, "HTTP/1.1 200 OK\r\nContent-Location: /a\r\n" TEN
		     "Transfer-Encoding: chunked\r\n\r\nzzz\r\n");
	sim_no_origin(s, 0);
	peer_expect(c, "HTTP/1.1 502 ");
	sim_expect_count(s, UPSTREAM, requests, 1);
	sim_expect_quiet(s);
	sim_free(&s);
}

/* A follower that comes after the break is no follower: it asks anew. */
static void comes_after_the_break(void **state)
{
	struct sim *s = sim_new(&plain);
	struct peer *c = sim_client(s), *w = sim_client(s);
	struct peer *o = sim_ask(s, c, "/");

	(void)state;
	peer_send(o, HEAD_OF_10 "abc");
	peer_close(o, true);
	o = sim_ask(s, w, "/");
	peer_send(o, HEAD_OF_10 "0123456789");
	peer_expect_all(w, "; stored", "0123456789");
	peer_expect(c, "abc");
	peer_expect_closed(c);
	sim_free(&s);
}

/* ---- parts, while it grows ---- */

/* RFC 9110 14.2: with a known length a range is judged at once, its bytes go out as they come. */
static void range_while_it_fills(void **state)
{
	struct sim *s = sim_new(&plain);
	struct peer *c = sim_client(s), *early = sim_client(s), *late = sim_client(s),
		    *tail = sim_client(s), *none = sim_client(s);
	struct peer *o = sim_ask(s, c, "/");

	(void)state;
	peer_ask(early, "GET /", "Range: bytes=1-2\r\n");
	peer_send(o, HEAD_OF_10 "0123");
	peer_expect_all(early, "206 Partial Content", "Content-Range: bytes 1-2/10\r\n",
			"\r\nContent-Length: 2\r\n", "\r\n\r\n12");
	peer_ask(late, "GET /", "Range: bytes=3-5\r\n");
	peer_expect_all(late, "Content-Range: bytes 3-5/10\r\n", "\r\n\r\n3");
	peer_ask(tail, "GET /", "Range: bytes=-2\r\n");
	peer_expect_all(tail, "Content-Range: bytes 8-9/10\r\n", "\r\n\r\n");
	peer_ask(none, "GET /", "Range: bytes=10-\r\n");
	peer_expect_all(none, "HTTP/1.1 416 ", "Content-Range: bytes */10\r\n");
	peer_send(o, "456");
	peer_expect(late, "45");
	peer_expect_silence(tail);
	peer_send(o, "789");
	peer_expect(tail, "89");
	peer_expect(c, "0123456789");
	sim_no_origin(s, 0);
	sim_expect_quiet(s);
	sim_free(&s);
}

/* While nobody knows the length, all is sent (RFC 9110 14.2: a range may be ignored). */
static void range_of_unknown_length(void **state)
{
	struct sim *s = sim_new(&plain);
	struct peer *c = sim_client(s), *w = sim_client(s);
	struct peer *o = sim_ask(s, c, "/");

	(void)state;
	peer_ask(w, "GET /", "Range: bytes=1-2\r\n");
	peer_send(o, HEAD_OF_CHUNKS "3\r\nabc\r\n");
	peer_expect_all(w, "HTTP/1.1 200 OK\r\n", "3\r\nabc\r\n");
	peer_send(o, "0\r\n\r\n");
	peer_expect(w, "0\r\n\r\n");
	peer_ask(w, "GET /", "Range: bytes=1-2\r\n");
	peer_expect_all(w, "Content-Range: bytes 1-2/3\r\n", "\r\n\r\nbc");
	sim_free(&s);
}

/* A range whose origin dies before its bytes came. */
static void range_breaks(void **state)
{
	struct sim *s = sim_new(&plain);
	struct peer *c = sim_client(s), *w = sim_client(s);
	struct peer *o = sim_ask(s, c, "/");

	(void)state;
	peer_ask(w, "GET /", "Range: bytes=2-7\r\n");
	peer_send(o, HEAD_OF_10 "0123");
	peer_expect(w, "\r\n\r\n23");
	peer_close(o, true);
	peer_expect_closed(w);
	sim_expect_quiet(s);
	sim_free(&s);
}

/* ---- HEAD ---- */

/* RFC 9110 9.3.2: what GET stored answers it; what is not there, it asks for by itself. */
static void head(void **state)
{
	struct sim *s = sim_new(&plain);
	struct peer *c = sim_client(s), *h = sim_client(s);
	struct peer *o = sim_ask(s, c, "/"), *o2;

	(void)state;
	peer_ask(h, "HEAD /", "");
	o2 = sim_origin(s, 0);
	peer_expect(o2, "HEAD / ");
	peer_send(o2, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n" TEN "\r\n");
	peer_expect_all(h, "; fwd=uri-miss", "\r\n\r\n");
	peer_send(o, HEAD_OF_10 "0123456789");
	peer_expect(c, "0123456789");
	peer_ask(h, "HEAD /", "");
	peer_expect_all(h, "; hit", "\r\nContent-Length: 10\r\n", "\r\n\r\n");
	peer_expect_silence(h);
	peer_get(h, "/");
	peer_expect_all(h, "; hit", "0123456789");
	sim_expect_quiet(s);
	sim_free(&s);
}

/* ---- too large to be kept ---- */

enum { LARGE = 4 * 1024 * 1024, PIECE = 64 * 1024 };

/* More than max_object: readers that keep up get all of it, nothing is left. */
static void stream(void **state)
{
	struct sim *s = sim_new(&quick);
	struct peer *c1 = ask_old(s, "/"), *o = sim_origin(s, 0), *c2 = ask_old(s, "/");

	(void)state;
	peer_expect(o, "GET / ");
	peer_send(o, HEAD_TO_THE_END);
	for (size_t sent = 0; sent < LARGE;) {
		sent += peer_send_counted(o, PIECE);
		peer_take_counted(c1);
		peer_take_counted(c2);
	}
	peer_shut(o);
	assert_int_equal(peer_take_counted(c1), LARGE);
	assert_int_equal(peer_take_counted(c2), LARGE);
	peer_expect_closed(c1);
	peer_expect_closed(c2);
	sim_expect_count(s, ROUTE, cache_streamed, 1);
	sim_expect_fills(s, 0, 0);
	sim_expect_quiet(s);
	sim_free(&s);
}

/* Whether an answer of unknown length is too large is known with the next byte, or the end. */
static void largest_that_is_kept(void **state)
{
	static const size_t lengths[] = {256 * 1024 - 1, 256 * 1024 + 1};

	(void)state;
	for (size_t i = 0; i < COUNTOF(lengths); i++) {
		struct sim *s = sim_new(&quick);
		struct peer *c = ask_old(s, "/"), *o = sim_origin(s, 0);

		peer_send(o, HEAD_TO_THE_END);
		for (size_t sent = 0; sent < lengths[i];) {
			sent += peer_send_counted(o, MIN(lengths[i] - sent, (size_t)PIECE));
			peer_take_counted(c);
		}
		peer_shut(o);
		assert_int_equal(peer_take_counted(c), lengths[i]);
		peer_expect_closed(c);
		sim_expect_fills(s, 0, i == 0);
		sim_expect_count(s, ROUTE, cache_stored, i == 0);
		sim_expect_quiet(s);
		sim_free(&s);
	}
}

/* Sends until nobody takes more; returns how much went out in all. */
static size_t send_until_stuck(struct peer *o, struct peer *fast)
{
	size_t sum = 0, n;

	while ((n = peer_send_counted(o, PIECE)) > 0) {
		sum += n;
		if (fast)
			peer_take_counted(fast);
	}
	return sum;
}

/* The slowest reader holds the fetch up, for the origin no clock runs meanwhile; when it reads on,
 * so does the fetch. */
static void stream_waits_for_the_slowest(void **state)
{
	struct sim *s = sim_new(&(struct sim_spec){.listener = ", timeouts: {write: 60s}",
						   .upstream = ", timeouts: {idle: 5s}",
						   .l1 = ", max_object: 256KiB"});
	struct peer *fast = ask_old(s, "/"), *o = sim_origin(s, 0), *slow = ask_old(s, "/");

	(void)state;
	peer_send(o, HEAD_TO_THE_END);
	size_t sent = send_until_stuck(o, fast);
	uint64_t got = peer_take_counted(fast);
	assert_true(got < sent);
	sim_advance(s, 20 * S);
	peer_expect_silence(fast);
	sim_expect_fills(s, 1, 1);
	for (int i = 0; i < 40; i++) {
		peer_take_counted(slow);
		sent += peer_send_counted(o, PIECE);
		peer_take_counted(fast);
	}
	assert_true(peer_take_counted(fast) > got);
	peer_take_counted(slow);
	peer_shut(o);
	for (int i = 0; i < 10; i++) {
		peer_take_counted(slow);
		peer_take_counted(fast);
	}
	assert_int_equal(peer_take_counted(fast), sent);
	assert_int_equal(peer_take_counted(slow), sent);
	peer_expect_closed(fast);
	peer_expect_closed(slow);
	sim_expect_quiet(s);
	sim_free(&s);
}

/* One that reads nothing is cut off by its write time-out: the others go on, nobody loses a byte. */
static void stream_and_a_dead_reader(void **state)
{
	struct sim *s = sim_new(&quick);
	struct peer *fast = ask_old(s, "/"), *o = sim_origin(s, 0), *dead = ask_old(s, "/");

	(void)state;
	peer_send(o, HEAD_TO_THE_END);
	size_t sent = send_until_stuck(o, fast);
	sim_advance(s, 4 * S - MS);
	peer_take_counted(fast);
	sim_expect_count(s, WORKER, timeouts_write, 0);
	sim_advance(s, MS);
	sim_expect_count(s, WORKER, timeouts_write, 1);
	uint64_t got = peer_take_counted(fast);
	for (int i = 0; i < 40; i++) {
		sent += peer_send_counted(o, PIECE);
		got = peer_take_counted(fast);
	}
	peer_shut(o);
	got = peer_take_counted(fast);
	assert_int_equal(got, sent);
	peer_expect_closed(fast);
	peer_take_counted(dead);
	peer_expect_broken(dead);
	sim_expect_quiet(s);
	sim_free(&s);
}

/* One that leaves makes room, too. */
static void stream_and_a_reader_that_leaves(void **state)
{
	struct sim *s = sim_new(&quick);
	struct peer *fast = ask_old(s, "/"), *o = sim_origin(s, 0), *slow = ask_old(s, "/");

	(void)state;
	peer_send(o, HEAD_TO_THE_END);
	size_t sent = send_until_stuck(o, fast);
	uint64_t got = peer_take_counted(fast);
	peer_close(slow, true);
	assert_true(peer_take_counted(fast) > got);
	for (int i = 0; i < 40; i++) {
		sent += peer_send_counted(o, PIECE);
		peer_take_counted(fast);
	}
	peer_shut(o);
	assert_int_equal(peer_take_counted(fast), sent);
	peer_expect_closed(fast);
	sim_expect_quiet(s);
	sim_free(&s);
}

/* With nobody left there is nothing to store either: the origin is let go. */
static void stream_that_all_leave(void **state)
{
	struct sim *s = sim_new(&quick);
	struct peer *c1 = ask_old(s, "/"), *o = sim_origin(s, 0), *c2 = ask_old(s, "/");

	(void)state;
	peer_send(o, HEAD_TO_THE_END);
	send_until_stuck(o, c1);
	peer_close(c1, true);
	peer_close(c2, true);
	sim_advance(s, S);
	sim_expect_quiet(s);
	while (peer_try_send(o, "xxxxxxxxxxxxxxxx", 16))
		;
	sim_expect_fills(s, 0, 0);
	sim_free(&s);
}

/* The origin breaks off a stream: nobody takes what there is for the whole. */
static void stream_breaks(void **state)
{
	struct sim *s = sim_new(&quick);
	struct peer *c1 = ask_old(s, "/"), *o = sim_origin(s, 0), *c2 = ask_old(s, "/");

	(void)state;
	peer_send(o, HEAD_TO_THE_END);
	for (int i = 0; i < 20; i++) {
		peer_send_counted(o, PIECE);
		peer_take_counted(c1);
		peer_take_counted(c2);
	}
	peer_close(o, true);
	peer_take_counted(c1);
	peer_take_counted(c2);
	peer_expect_broken(c1);
	peer_expect_broken(c2);
	sim_expect_quiet(s);
	sim_free(&s);
}

/* Who comes when its beginning is gone cannot follow: it asks for itself. */
static void stream_and_a_late_one(void **state)
{
	struct sim *s = sim_new(&quick);
	struct peer *c = ask_old(s, "/"), *o = sim_origin(s, 0), *late;

	(void)state;
	peer_send(o, HEAD_TO_THE_END);
	for (int i = 0; i < 20; i++) {
		peer_send_counted(o, PIECE);
		peer_take_counted(c);
	}
	late = sim_client(s);
	struct peer *o2 = sim_ask(s, late, "/");
	peer_reply(o2, TEN, "small");
	peer_expect(late, "small");
	peer_shut(o);
	assert_int_equal(peer_take_counted(c), 20 * PIECE);
	peer_expect_closed(c);
	peer_get(late, "/");
	peer_expect_all(late, "; hit", "small");
	sim_expect_quiet(s);
	sim_free(&s);
}

/* A known length that is too large is not stored to begin with: passed on, and nobody waits. */
static void too_large_by_its_length(void **state)
{
	struct sim *s = sim_new(&quick);
	struct peer *c = sim_client(s), *w = sim_client(s);
	struct peer *o = sim_ask(s, c, "/");

	(void)state;
	peer_get(w, "/");
	peer_send(o, "HTTP/1.1 200 OK\r\nContent-Length: 262145\r\n" TEN "\r\nabc");
	peer_expect_all(c, "; fwd=uri-miss; detail=too-large", "abc");
	peer_expect(sim_origin(s, 0), "GET / ");
	sim_expect_fills(s, 0, 0);
	sim_free(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(breaks_with_a_length),
		cmocka_unit_test(breaks_in_chunks),
		cmocka_unit_test(breaks_off_by_reset),
		cmocka_unit_test(breaks_by_idle_timeout),
		cmocka_unit_test(breaks_at_once),
		cmocka_unit_test(breaks_after_a_post),
		cmocka_unit_test(comes_after_the_break),
		cmocka_unit_test(range_while_it_fills),
		cmocka_unit_test(range_of_unknown_length),
		cmocka_unit_test(range_breaks),
		cmocka_unit_test(head),
		cmocka_unit_test(stream),
		cmocka_unit_test(largest_that_is_kept),
		cmocka_unit_test(stream_waits_for_the_slowest),
		cmocka_unit_test(stream_and_a_dead_reader),
		cmocka_unit_test(stream_and_a_reader_that_leaves),
		cmocka_unit_test(stream_that_all_leave),
		cmocka_unit_test(stream_breaks),
		cmocka_unit_test(stream_and_a_late_one),
		cmocka_unit_test(too_large_by_its_length),
	};

	return cmocka_run_group_tests_name("sim_cache_body", tests, NULL, NULL);
}
