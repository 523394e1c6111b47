/* SPDX-License-Identifier: BSD-2-Clause */
/* Bodies too large to be kept: all who read them share one fetch, and a window of what has come. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "tests/sim/sim.h"

#define MS NS_PER_MS
#define S NS_PER_S

#define TEN "Cache-Control: max-age=10\r\n"
#define HEAD_TO_THE_END "HTTP/1.1 200 OK\r\nConnection: close\r\n" TEN "\r\n"

enum { LARGE = 4 * 1024 * 1024, PIECE = 64 * 1024 };

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

/* Sends <n> pieces, and all of <peers> (NULL at the end) read along; returns what went out. */
static size_t send_pieces(struct peer *o, int n, struct peer *const *peers)
{
	size_t sum = 0;

	for (int i = 0; i < n; i++) {
		sum += peer_send_counted(o, PIECE);
		for (struct peer *const *p = peers; *p; p++)
			peer_take_counted(*p);
	}
	return sum;
}

/* The slowest reader holds the fetch up; when it reads on, so does the fetch. */
static void stream_waits_for_the_slowest(void **state)
{
	struct sim *s = sim_new(&quick);
	struct peer *fast = ask_old(s, "/"), *o = sim_origin(s, 0), *slow = ask_old(s, "/");
	struct peer *const both[] = {slow, fast, NULL};

	(void)state;
	peer_send(o, HEAD_TO_THE_END);
	size_t sent = send_until_stuck(o, fast);
	uint64_t got = peer_take_counted(fast);
	assert_true(got < sent);
	sim_advance(s, 2 * S - MS);
	peer_expect_silence(fast);
	sim_expect_fills(s, 1, 1);
	sent += send_pieces(o, 40, both);
	assert_true(peer_take_counted(fast) > got);
	peer_shut(o);
	send_pieces(o, 0, both);
	peer_take_counted(slow);
	assert_int_equal(peer_take_counted(fast), sent);
	assert_int_equal(peer_take_counted(slow), sent);
	peer_expect_closed(fast);
	peer_expect_closed(slow);
	sim_expect_quiet(s);
	sim_free(&s);
}

/* While its only reader takes nothing, no clock runs for the origin: it is not the one to wait for. */
static void stream_with_one_slow_reader(void **state)
{
	struct sim *s = sim_new(&(struct sim_spec){.listener = ", timeouts: {write: 60s}",
						   .upstream = ", timeouts: {idle: 5s}",
						   .l1 = ", max_object: 256KiB"});
	struct peer *slow = ask_old(s, "/"), *o = sim_origin(s, 0);
	struct peer *const one[] = {slow, NULL};

	(void)state;
	peer_send(o, HEAD_TO_THE_END);
	size_t sent = send_until_stuck(o, NULL);
	sim_advance(s, 20 * S);
	sim_expect_fills(s, 1, 1);
	peer_take_counted(slow);
	sent += send_pieces(o, 10, one);
	sim_advance(s, 5 * S - MS); /* now it is */
	sent += send_pieces(o, 10, one);
	sim_advance(s, 5 * S - MS);
	peer_shut(o);
	assert_int_equal(peer_take_counted(slow), sent);
	peer_expect_closed(slow);
	sim_expect_count(s, UPSTREAM, idle_timeouts, 0);
	sim_expect_quiet(s);
	sim_free(&s);
}

/* ... but the client's own limit ends it, and the fetch with it: nobody else wants it. */
static void stream_with_one_dead_reader(void **state)
{
	struct sim *s = sim_new(&quick);
	struct peer *dead = ask_old(s, "/"), *o = sim_origin(s, 0);

	(void)state;
	peer_expect(o, "GET / ");
	peer_send(o, HEAD_TO_THE_END);
	send_until_stuck(o, NULL);
	sim_advance(s, 4 * S - MS);
	sim_expect_fills(s, 1, 1);
	sim_advance(s, MS);
	sim_expect_count(s, WORKER, timeouts_write, 1);
	sim_expect_count(s, UPSTREAM, cancelled, 1);
	sim_expect_quiet(s);
	peer_take_counted(dead);
	peer_expect_broken(dead);
	peer_expect_broken(o);
	sim_free(&s);
}

/* One that reads nothing for two seconds while others wait behind it is cut off, visibly; nobody
 * else loses a byte. */
static void stream_and_a_dead_reader(void **state)
{
	struct sim *s = sim_new(&quick);
	struct peer *fast = ask_old(s, "/"), *o = sim_origin(s, 0), *dead = ask_old(s, "/"),
		    *other = ask_old(s, "/");
	struct peer *const rest[] = {fast, other, NULL};

	(void)state;
	peer_send(o, HEAD_TO_THE_END);
	size_t sent = send_until_stuck(o, fast);
	peer_take_counted(other);
	uint64_t got = peer_take_counted(fast);
	sim_advance(s, 2 * S - MS);
	assert_int_equal(peer_take_counted(fast), got);
	sim_advance(s, MS);
	assert_true(peer_take_counted(fast) > got);
	sent += send_pieces(o, 40, rest);
	peer_shut(o);
	assert_int_equal(peer_take_counted(fast), sent);
	assert_int_equal(peer_take_counted(other), sent);
	peer_expect_closed(fast);
	peer_expect_closed(other);
	assert_true(peer_take_counted(dead) < sent);
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
	peer_expect_all(c, "; fwd=uri-miss; detail=too-large", "\r\nContent-Length: 262145\r\n",
			"abc");
	peer_expect(sim_origin(s, 0), "GET / ");
	sim_expect_fills(s, 0, 0);
	sim_free(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(stream),
		cmocka_unit_test(largest_that_is_kept),
		cmocka_unit_test(stream_waits_for_the_slowest),
		cmocka_unit_test(stream_with_one_slow_reader),
		cmocka_unit_test(stream_with_one_dead_reader),
		cmocka_unit_test(stream_and_a_dead_reader),
		cmocka_unit_test(stream_and_a_reader_that_leaves),
		cmocka_unit_test(stream_that_all_leave),
		cmocka_unit_test(stream_breaks),
		cmocka_unit_test(stream_and_a_late_one),
		cmocka_unit_test(too_large_by_its_length),
	};

	return cmocka_run_group_tests_name("sim_cache_stream", tests, NULL, NULL);
}
