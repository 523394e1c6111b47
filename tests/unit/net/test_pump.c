/* SPDX-License-Identifier: BSD-2-Clause */
/* A message pumped between two socket pairs, by copy and by splice, at the receiver's speed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"
#include "net/pump.h"

static struct loop *loop;

struct rig {
	struct conn src, dst;
	int origin, client; /* the far ends */
	struct window *win;
	struct h1_body body;
	struct pump pump;
	struct buf got;
};

static void on_event(void *arg, unsigned what)
{
	conn_note(arg, what);
}

static int open_conn(struct conn *c)
{
	int fd[2], small = 4096;

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fd), 0);
	assert_int_equal(setsockopt(fd[0], SOL_SOCKET, SO_SNDBUF, &small, sizeof(small)), 0);
	assert_int_equal(conn_open(c, loop, fd[0], on_event, c), 0);
	return fd[1];
}

static void make(struct rig *r, enum http_framing framing, uint64_t length, bool chunked)
{
	memset(r, 0, sizeof(*r));
	r->origin = open_conn(&r->src);
	r->client = open_conn(&r->dst);
	h1_body_init(&r->body, &r->src, &r->win, 0, 0, framing, length);
	pump_init(&r->pump, &r->dst, STR("HEAD\r\n"), &r->body.src, chunked);
}

static void drop(struct rig *r)
{
	pump_fini(&r->pump);
	conn_close(&r->src, false);
	conn_close(&r->dst, false);
	if (r->client >= 0)
		close(r->client);
	close(r->origin);
	window_give(&r->win);
	buf_fini(&r->got);
}

static void drain(struct rig *r)
{
	char p[3000];
	ssize_t n = recv(r->client, p, sizeof(p), 0);

	if (n > 0)
		buf_add(&r->got, p, (size_t)n);
}

/* Sends <in>, pumps, and reads a little per turn, until the pump is done or fails. */
static enum pump_rc run(struct rig *r, struct str in, bool end)
{
	enum pump_rc rc = PUMP_WAIT_SRC;
	bool behind = false;

	for (unsigned i = 0; i < 20000; i++) {
		ssize_t n = in.n ? send(r->origin, in.p, in.n, MSG_NOSIGNAL) : 0;
		if (n > 0)
			in = str_of(in.p + n, in.n - (size_t)n);
		if (in.n == 0 && end) {
			shutdown(r->origin, SHUT_WR);
			end = false;
		}
		loop_turn(loop, false);
		rc = pump_run(&r->pump);
		if (rc == PUMP_DONE || rc == PUMP_SRC_FAILED || rc == PUMP_DST_FAILED)
			break;
		behind |= rc == PUMP_WAIT_DST;
		drain(r);
	}
	for (size_t n = SIZE_MAX; n != r->got.n;) {
		n = r->got.n;
		drain(r);
	}
	assert_true(behind || r->got.n < 5000);
	return rc;
}

static void test_small(void **state)
{
	static const struct {
		enum http_framing framing;
		uint64_t length;
		bool chunked;
		struct str in, out;
		enum pump_rc rc;
	} rows[] = {
		{HTTP_FRAMING_LENGTH, 3, false, STR("abc"), STR("HEAD\r\nabc"), PUMP_DONE},
		{HTTP_FRAMING_CLOSE, 0, false, STR("abc"), STR("HEAD\r\nabc"), PUMP_DONE},
		{HTTP_FRAMING_CLOSE, 0, true, STR("abc"), STR("HEAD\r\n3\r\nabc\r\n0\r\n\r\n"),
		 PUMP_DONE},
		{HTTP_FRAMING_CHUNKED, 0, true, STR("1\r\na\r\n2\r\nbc\r\n0\r\nX: 1\r\n\r\n"),
		 STR("HEAD\r\n3\r\nabc\r\n0\r\nX: 1\r\n\r\n"), PUMP_DONE},
		{HTTP_FRAMING_CHUNKED, 0, false, STR("3\r\nabc\r\n0\r\nX: 1\r\n\r\n"),
		 STR("HEAD\r\nabc"), PUMP_DONE},
		{HTTP_FRAMING_LENGTH, 4, false, STR("abc"), STR("HEAD\r\nabc"), PUMP_SRC_FAILED},
	};

	(void)state;
	for (size_t i = 0; i < COUNTOF(rows); i++) {
		struct rig r;
		make(&r, rows[i].framing, rows[i].length, rows[i].chunked);
		assert_int_equal(run(&r, rows[i].in, true), rows[i].rc);
		if (!str_eq(buf_slice(&r.got), rows[i].out))
			fail_msg("row %zu: \"%.*s\"", i, STR_ARG(buf_slice(&r.got)));
		drop(&r);
	}
}

enum { LARGE = 700 * 1000 };

static struct str large(void)
{
	static char p[LARGE];

	for (size_t i = 0; i < LARGE; i++)
		p[i] = (char)(i % 251);
	return str_of(p, LARGE);
}

static void test_splice(void **state)
{
	struct rig r;
	struct str in = large();

	(void)state;
	make(&r, HTTP_FRAMING_LENGTH, LARGE, false);
	assert_int_equal(run(&r, in, false), PUMP_DONE);
	assert_int_equal(r.got.n, 6 + LARGE);
	assert_memory_equal(r.got.p + 6, in.p, LARGE);
	assert_int_equal(r.pump.body_bytes, LARGE);
	assert_true(r.pump.spliced_bytes > LARGE / 2);
	drop(&r);
}

/* Chunked out, with sends that are cut anywhere: decoded again, it is what went in. */
static void test_chunked_slow(void **state)
{
	struct rig r;
	struct str in = large();
	struct http_chunked c = HTTP_CHUNKED_INIT;
	size_t at = 6, seen = 0, used;

	(void)state;
	make(&r, HTTP_FRAMING_LENGTH, LARGE, true);
	assert_int_equal(run(&r, in, false), PUMP_DONE);
	assert_int_equal(r.pump.spliced_bytes, 0);
	while (at < r.got.n) {
		struct str d = STR_NONE;
		enum http_chunk_rc rc =
			http_chunked_next(&c, r.got.p + at, r.got.n - at, &used, &d);
		assert_int_not_equal(rc, HTTP_CHUNK_BAD);
		assert_true(seen + d.n <= LARGE);
		if (d.n)
			assert_memory_equal(d.p, in.p + seen, d.n);
		seen += d.n;
		at += used;
		if (rc == HTTP_CHUNK_TRAILERS)
			break;
	}
	assert_int_equal(seen, LARGE);
	assert_int_equal(r.got.n - at, 2);
	drop(&r);
}

static void test_receiver_gone(void **state)
{
	struct rig r;

	(void)state;
	make(&r, HTTP_FRAMING_LENGTH, LARGE, false);
	close(r.client);
	r.client = -1;
	assert_int_equal(run(&r, large(), false), PUMP_DST_FAILED);
	drop(&r);
}

static int setup(void **state)
{
	(void)state;
	loop = loop_new();
	return loop ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	loop_free(&loop);
	return windows_live() == 0 ? 0 : -1;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_small),
		cmocka_unit_test(test_splice),
		cmocka_unit_test(test_chunked_slow),
		cmocka_unit_test(test_receiver_gone),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
