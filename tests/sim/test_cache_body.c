/* SPDX-License-Identifier: BSD-2-Clause */
/* Bodies that are followed while they grow: parts of them, and ones that break off. */
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
	};

	return cmocka_run_group_tests_name("sim_cache_body", tests, NULL, NULL);
}
