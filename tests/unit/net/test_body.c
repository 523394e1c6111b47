/* SPDX-License-Identifier: BSD-2-Clause */
/* HTTP/1.x bodies over a socket pair: each case cut at every point of its input. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"
#include "net/body.h"
#include "net/sock.h"

static struct loop *loop;

struct wire {
	struct conn conn;
	int peer;
	struct window *win;
	struct h1_body body;
};

static void no_event(void *arg, unsigned what)
{
	(void)arg, (void)what;
}

static void open_pair(struct wire *w)
{
	int fd[2];

	memset(w, 0, sizeof(*w));
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fd), 0);
	assert_int_equal(conn_open(&w->conn, loop, fd[0], no_event, w), 0);
	w->peer = fd[1];
}

static void close_pair(struct wire *w)
{
	conn_close(&w->conn, false);
	if (w->peer >= 0)
		close(w->peer);
	window_give(&w->win);
}

static void feed(struct wire *w, struct str s)
{
	if (s.n)
		assert_int_equal(write(w->peer, s.p, s.n), s.n);
	conn_note(&w->conn, LOOP_READ);
}

static void feed_end(struct wire *w)
{
	assert_int_equal(shutdown(w->peer, SHUT_WR), 0);
	conn_note(&w->conn, LOOP_READ | LOOP_HUP);
}

/* Pulls until the source waits or ends; at most <bite> bytes at a time. */
static enum body_rc pull(struct wire *w, struct buf *out, size_t bite)
{
	for (unsigned i = 0; i < 100000; i++) {
		struct str data;
		bool last;
		enum body_rc rc = w->body.src.ops->peek(&w->body.src, &data, &last);
		assert_true(w->body.end <= WINDOW_SIZE);
		if (rc != BODY_DATA)
			return rc;
		assert_true(data.n > 0);
		size_t n = MIN(data.n, bite);
		buf_add(out, data.p, n);
		w->body.src.ops->consume(&w->body.src, n);
	}
	fail_msg("the body never ends");
	return BODY_BAD;
}

static const struct body_case {
	const char *what;
	enum http_framing framing;
	uint64_t length;
	struct str in, out;
	enum h1_body_end end;
	struct str trailers;
} cases[] = {
	{"length", HTTP_FRAMING_LENGTH, 5, STR("hello"), STR("hello"), H1_BODY_WHOLE, STR("")},
	{"no bytes", HTTP_FRAMING_LENGTH, 0, STR(""), STR(""), H1_BODY_WHOLE, STR("")},
	{"length, cut (RFC 9112 8)", HTTP_FRAMING_LENGTH, 6, STR("hello"), STR("hello"),
	 H1_BODY_TRUNCATED, STR("")},
	{"until close (RFC 9112 6.3)", HTTP_FRAMING_CLOSE, 0, STR("hello"), STR("hello"),
	 H1_BODY_WHOLE, STR("")},
	{"chunks (RFC 9112 7.1)", HTTP_FRAMING_CHUNKED, 0,
	 STR("3\r\nabc\r\n5;x=y\r\ndefgh\r\n0\r\n\r\n"), STR("abcdefgh"), H1_BODY_WHOLE, STR("")},
	{"trailers (RFC 9112 7.1.2)", HTTP_FRAMING_CHUNKED, 0,
	 STR("1\r\na\r\n0\r\nX-Sum: 1\r\nX-Two: 2\r\n\r\n"), STR("a"), H1_BODY_WHOLE,
	 STR("X-Sum: 1\r\nX-Two: 2\r\n")},
	{"forbidden trailers (RFC 9110 6.5.1)", HTTP_FRAMING_CHUNKED, 0,
	 STR("1\r\na\r\n0\r\nX-A: 1\r\nContent-Length: 7\r\nX-B: 2\r\n"
	     "Transfer-Encoding: chunked\r\n\r\n"),
	 STR("a"), H1_BODY_WHOLE, STR("X-A: 1\r\nX-B: 2\r\n")},
	{"bad size", HTTP_FRAMING_CHUNKED, 0, STR("1\r\na\r\nzz\r\n"), STR("a"), H1_BODY_MALFORMED,
	 STR("")},
	{"no CRLF behind data", HTTP_FRAMING_CHUNKED, 0, STR("1\r\nabb\r\n"), STR("a"),
	 H1_BODY_MALFORMED, STR("")},
	{"chunks, cut (RFC 9112 8)", HTTP_FRAMING_CHUNKED, 0, STR("3\r\nabc\r\n0\r\n"), STR("abc"),
	 H1_BODY_TRUNCATED, STR("")},
};

static void check_end(const struct body_case *c, struct wire *w, enum body_rc rc, struct buf *got)
{
	struct str t = w->body.src.ops->trailers(&w->body.src);

	if (w->body.ended != c->end || !str_eq(buf_slice(got), c->out) || !str_eq(t, c->trailers))
		fail_msg("%s: end %d, data \"%.*s\", trailers \"%.*s\"", c->what, w->body.ended,
			 STR_ARG(buf_slice(got)), STR_ARG(t));
	assert_int_equal(rc, c->end == H1_BODY_WHOLE ? BODY_END : BODY_BAD);
	assert_int_equal(h1_body_whole(&w->body), c->end == H1_BODY_WHOLE);
	assert_int_equal(w->body.total, c->out.n);
}

/* The first <cut> bytes come with the head (in the window) or by themselves, the rest later. */
static void run_case(const struct body_case *c, size_t cut, bool with_head, size_t bite)
{
	enum { FLOOR = 7 };
	struct wire w;
	struct buf got = BUF_INIT;

	open_pair(&w);
	w.win = window_take();
	assert_non_null(w.win);
	memset(w.win->bytes, 'H', FLOOR);
	if (with_head)
		memcpy(w.win->bytes + FLOOR, c->in.p, cut);
	else
		feed(&w, str_of(c->in.p, cut));
	h1_body_init(&w.body, &w.conn, &w.win, FLOOR, FLOOR + (with_head ? (uint32_t)cut : 0),
		     c->framing, c->length);
	enum body_rc rc = pull(&w, &got, bite);
	feed(&w, str_of(c->in.p + cut, c->in.n - cut));
	feed_end(&w);
	if (rc == BODY_WAIT)
		rc = pull(&w, &got, bite);
	check_end(c, &w, rc, &got);
	assert_memory_equal(w.win->bytes, "HHHHHHH", FLOOR);
	buf_fini(&got);
	close_pair(&w);
}

static void test_every_split(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNTOF(cases); i++)
		for (size_t cut = 0; cut <= cases[i].in.n; cut++) {
			run_case(&cases[i], cut, false, SIZE_MAX);
			run_case(&cases[i], cut, true, SIZE_MAX);
			run_case(&cases[i], cut, true, 1);
		}
}

static void test_rest(void **state)
{
	static const struct {
		enum http_framing framing;
		uint64_t length;
		struct str in;
	} rows[] = {
		{HTTP_FRAMING_LENGTH, 2, STR("abGET /")},
		{HTTP_FRAMING_NONE, 0, STR("GET /")},
		{HTTP_FRAMING_CHUNKED, 0, STR("2\r\nab\r\n0\r\n\r\nGET /")},
		{HTTP_FRAMING_CHUNKED, 0, STR("2\r\nab\r\n0\r\nX: 1\r\n\r\nGET /")},
	};

	(void)state;
	for (size_t i = 0; i < COUNTOF(rows); i++) {
		struct wire w;
		struct buf got = BUF_INIT;
		open_pair(&w);
		w.win = window_take();
		memcpy(w.win->bytes, rows[i].in.p, rows[i].in.n);
		h1_body_init(&w.body, &w.conn, &w.win, 0, (uint32_t)rows[i].in.n, rows[i].framing,
			     rows[i].length);
		assert_int_equal(pull(&w, &got, SIZE_MAX), BODY_END);
		assert_true(str_eq(h1_body_rest(&w.body), STR("GET /")));
		buf_fini(&got);
		close_pair(&w);
	}
}

static void test_rewind(void **state)
{
	struct wire w;
	struct buf got = BUF_INIT;

	(void)state;
	open_pair(&w);
	h1_body_init(&w.body, &w.conn, &w.win, 0, 0, HTTP_FRAMING_LENGTH, 5);
	feed(&w, STR("hello"));
	assert_int_equal(pull(&w, &got, SIZE_MAX), BODY_END);
	assert_true(h1_body_rewind(&w.body));
	assert_false(h1_body_whole(&w.body));
	assert_int_equal(pull(&w, &got, SIZE_MAX), BODY_END);
	assert_true(str_eq(buf_slice(&got), STR("hellohello")));
	buf_fini(&got);
	close_pair(&w);
}

/* Three windows of data: nothing is lost, the window is reused, and there is no way back. */
static void test_larger_than_window(void **state)
{
	enum { TOTAL = 3 * WINDOW_SIZE };
	struct wire w;
	struct buf got = BUF_INIT;
	static char block[8192];
	size_t sent = 0;

	(void)state;
	open_pair(&w);
	h1_body_init(&w.body, &w.conn, &w.win, 0, 0, HTTP_FRAMING_LENGTH, TOTAL);
	while (sent < TOTAL) {
		for (size_t i = 0; i < sizeof(block); i++)
			block[i] = (char)((sent + i) % 251);
		feed(&w, str_of(block, sizeof(block)));
		sent += sizeof(block);
		assert_int_equal(pull(&w, &got, 1000), sent < TOTAL ? BODY_WAIT : BODY_END);
	}
	assert_int_equal(got.n, TOTAL);
	for (size_t i = 0; i < TOTAL; i++)
		assert_int_equal((unsigned char)got.p[i], i % 251);
	assert_false(h1_body_rewind(&w.body));
	buf_fini(&got);
	close_pair(&w);
}

static void test_limit(void **state)
{
	static const struct {
		uint64_t limit;
		enum h1_body_end end;
	} rows[] = {{0, H1_BODY_WHOLE}, {6, H1_BODY_WHOLE}, {5, H1_BODY_TOO_LARGE}};

	(void)state;
	for (size_t i = 0; i < COUNTOF(rows); i++) {
		struct wire w;
		struct buf got = BUF_INIT;
		open_pair(&w);
		h1_body_init(&w.body, &w.conn, &w.win, 0, 0, HTTP_FRAMING_CHUNKED, 0);
		h1_body_limit(&w.body, rows[i].limit);
		feed(&w, STR("3\r\nabc\r\n3\r\ndef\r\n0\r\n\r\n"));
		pull(&w, &got, SIZE_MAX);
		assert_int_equal(w.body.ended, rows[i].end);
		buf_fini(&got);
		close_pair(&w);
	}
}

/* A TCP pair on loopback: only there is an RST. */
static void open_tcp(struct wire *w)
{
	struct sock_addr a;
	socklen_t n = sizeof(a.un);
	int listener, fd;

	memset(w, 0, sizeof(*w));
	assert_int_equal(sock_addr_inet(&a, "127.0.0.1", 0), 0);
	assert_int_equal(sock_listen(&a, false, 1, &listener), 0);
	assert_int_equal(getsockname(listener, &a.sa, &n), 0);
	w->peer = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(connect(w->peer, &a.sa, a.n), 0);
	assert_int_equal(sock_accept(listener, &a, &fd), 0);
	close(listener);
	assert_int_equal(conn_open(&w->conn, loop, fd, no_event, w), 0);
}

/* Data and RST share one wake-up: after the bytes, a recv still reports the error. */
static void test_data_then_reset(void **state)
{
	struct wire w;
	struct buf got = BUF_INIT;
	char byte[100];
	size_t n;

	(void)state;
	open_tcp(&w);
	h1_body_init(&w.body, &w.conn, &w.win, 0, 0, HTTP_FRAMING_LENGTH, 10);
	assert_int_equal(write(w.peer, "hello", 5), 5);
	conn_note(&w.conn, LOOP_READ);
	assert_int_equal(conn_recv(&w.conn, byte, 2, &n), IO_OK);
	assert_int_equal(n, 2);
	assert_false(w.conn.drained);
	assert_int_equal(conn_recv(&w.conn, byte, sizeof(byte), &n), IO_OK);
	assert_int_equal(n, 3);
	assert_true(w.conn.drained);
	assert_true(w.conn.readable);
	sock_set_reset_on_close(w.peer);
	close(w.peer);
	w.peer = -1;
	assert_int_equal(pull(&w, &got, SIZE_MAX), BODY_BAD);
	assert_int_equal(w.body.ended, H1_BODY_BROKEN);
	assert_int_equal(w.conn.error, ECONNRESET);
	buf_fini(&got);
	close_pair(&w);
}

static void test_conn_flags(void **state)
{
	struct wire w;
	char p[10];
	size_t n;

	(void)state;
	open_pair(&w);
	assert_false(conn_unexpected(&w.conn)); /* no event, no call */
	conn_note(&w.conn, LOOP_READ);
	assert_int_equal(conn_recv(&w.conn, p, sizeof(p), &n), IO_AGAIN);
	assert_false(w.conn.readable);
	feed(&w, STR("abc"));
	assert_true(conn_unexpected(&w.conn));
	assert_int_equal(conn_recv(&w.conn, p, sizeof(p), &n), IO_OK);
	conn_settle(&w.conn);
	assert_false(w.conn.readable || w.conn.drained);
	feed(&w, STR("de"));
	feed_end(&w);
	assert_true(w.conn.hup);
	assert_int_equal(conn_recv(&w.conn, p, sizeof(p), &n), IO_OK);
	assert_false(w.conn.drained); /* the FIN is still to be read */
	assert_int_equal(conn_recv(&w.conn, p, sizeof(p), &n), IO_EOF);
	assert_true(conn_unexpected(&w.conn));
	conn_close(&w.conn, false);
	assert_int_equal(conn_recv(&w.conn, p, sizeof(p), &n), IO_ERR);
	assert_int_equal(w.conn.error, EBADF);
	close_pair(&w);
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
		cmocka_unit_test(test_every_split),
		cmocka_unit_test(test_rest),
		cmocka_unit_test(test_rewind),
		cmocka_unit_test(test_limit),
		cmocka_unit_test(test_larger_than_window),
		cmocka_unit_test(test_data_then_reset),
		cmocka_unit_test(test_conn_flags),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
