/* SPDX-License-Identifier: BSD-2-Clause */
/* The master's channel: codec, garbage, descriptors, the queue for a peer that does not read. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/err.h"
#include "proc/control.h"

enum { SPACE = CONTROL_TEXT + 64 };

static char space[SPACE];

static void pair(int fds[2])
{
	assert_int_equal(control_pair(fds), 0);
}

static void close_pair(int fds[2])
{
	close(fds[0]);
	close(fds[1]);
}

static bool is_open(int fd)
{
	return fcntl(fd, F_GETFD) >= 0;
}

static void test_round_trip(void **state)
{
	struct control_msg out = {
		.type = CONTROL_REFUSED, .id = 7, .status = -3, .text = STR("no")};
	struct control_msg in;
	int fds[2];

	(void)state;
	pair(fds);
	assert_int_equal(control_recv(fds[1], CONTROL_TO_MASTER, space, SPACE, &in), ERR_BUSY);
	assert_int_equal(control_send(fds[0], &out), 0);
	assert_int_equal(control_recv(fds[1], CONTROL_TO_MASTER, space, SPACE, &in), 0);
	assert_int_equal(in.type, CONTROL_REFUSED);
	assert_int_equal(in.id, 7);
	assert_int_equal(in.status, -3);
	assert_true(str_eq(in.text, STR("no")));
	assert_int_equal(in.text.p[in.text.n], '\0');
	assert_int_equal(in.n_fds, 0);
	close(fds[0]);
	assert_int_equal(control_recv(fds[1], CONTROL_TO_MASTER, space, SPACE, &in), ERR_MISSING);
	assert_int_equal(control_send(fds[1], &out), ERR_MISSING);
	close(fds[1]);
}

static void test_long_text_is_cut(void **state)
{
	static char text[CONTROL_TEXT * 2];
	struct control_msg in;
	int fds[2];

	(void)state;
	memset(text, 'x', sizeof(text));
	pair(fds);
	assert_int_equal(
		control_send(fds[0], &(struct control_msg){.type = CONTROL_FAILED,
							   .text = str_of(text, sizeof(text))}),
		0);
	assert_int_equal(control_recv(fds[1], CONTROL_TO_MASTER, space, SPACE, &in), 0);
	assert_int_equal(in.text.n, CONTROL_TEXT);
	close_pair(fds);
}

static void test_descriptors(void **state)
{
	struct control_msg out = {.type = CONTROL_LOGS, .n_fds = 2}, in;
	int fds[2], pipes[2];
	char c;

	(void)state;
	pair(fds);
	assert_int_equal(pipe(pipes), 0);
	out.fds[0] = pipes[0];
	out.fds[1] = pipes[1];
	assert_int_equal(control_send(fds[0], &out), 0);
	close_pair(pipes);
	assert_int_equal(control_recv(fds[1], CONTROL_TO_WORKER, space, SPACE, &in), 0);
	assert_int_equal(in.n_fds, 2);
	int r = control_take_fd(&in, 0), w = control_take_fd(&in, 1);
	assert_int_equal(control_take_fd(&in, 0), -1);
	assert_int_equal(control_take_fd(&in, 2), -1);
	assert_true(fcntl(r, F_GETFD) & FD_CLOEXEC);
	assert_int_equal(write(w, "y", 1), 1);
	assert_int_equal(read(r, &c, 1), 1);
	close(r);
	close(w);
	close_pair(fds);
}

/* Each case is sent as it stands; the receiver drops it and goes on. */
static void test_garbage(void **state)
{
	static const uint32_t good[] = {0x74636d31U, CONTROL_READY, 0, 0, 0};
	static const struct {
		uint32_t words[6];
		size_t n; /* bytes */
		unsigned side;
		int rc;
	} cases[] = {
		{{0x74636d31U, CONTROL_READY, 0, 0, 0}, 20, CONTROL_TO_MASTER, 0},
		{{0x74636d31U, CONTROL_READY, 0, 0, 0},
		 20,
		 CONTROL_TO_WORKER,
		 ERR_SYNTAX}, /* not for it */
		{{0x74636d31U, CONTROL_LISTEN, 0, 0, 0}, 20, CONTROL_TO_ADMIN, ERR_SYNTAX},
		{{0x74636d31U, CONTROL_STOP, 0, 0, 0}, 20, CONTROL_TO_ADMIN, 0},
		{{0x74636d30U, CONTROL_READY, 0, 0, 0},
		 20,
		 CONTROL_TO_MASTER,
		 ERR_SYNTAX}, /* magic */
		{{0x74636d31U, CONTROL_NONE, 0, 0, 0},
		 20,
		 CONTROL_TO_MASTER,
		 ERR_SYNTAX}, /* type */
		{{0x74636d31U, CONTROL_COUNT, 0, 0, 0}, 20, CONTROL_TO_MASTER, ERR_SYNTAX},
		{{0x74636d31U, 0xffffffffU, 0, 0, 0}, 20, CONTROL_TO_MASTER, ERR_SYNTAX},
		{{0x74636d31U, CONTROL_READY, 0, 0, 4},
		 20,
		 CONTROL_TO_MASTER,
		 ERR_SYNTAX}, /* length */
		{{0x74636d31U, CONTROL_READY, 0, 0, 0, 0}, 24, CONTROL_TO_MASTER, ERR_SYNTAX},
		{{0x74636d31U, CONTROL_READY, 0, 0, 0xffffffffU, 0},
		 24,
		 CONTROL_TO_MASTER,
		 ERR_SYNTAX},
		{{0x74636d31U}, 4, CONTROL_TO_MASTER, ERR_SYNTAX},
		{{0x74636d31U}, 1, CONTROL_TO_MASTER, ERR_SYNTAX},
	};
	struct control_msg in;

	(void)state;
	for (size_t i = 0; i < COUNTOF(cases); i++) {
		int fds[2];

		pair(fds);
		assert_int_equal(send(fds[0], cases[i].words, cases[i].n, 0), (ssize_t)cases[i].n);
		assert_int_equal(send(fds[0], good, sizeof(good), 0), (ssize_t)sizeof(good));
		assert_int_equal(control_recv(fds[1], cases[i].side, space, SPACE, &in),
				 cases[i].rc);
		if (cases[i].side == CONTROL_TO_MASTER)
			assert_int_equal(control_recv(fds[1], CONTROL_TO_MASTER, space, SPACE, &in),
					 0);
		close_pair(fds);
	}
}

/* Descriptors that come with what may have none are closed. */
static void test_unwanted_descriptors(void **state)
{
	_Alignas(struct cmsghdr) char ctl[CMSG_SPACE(4 * sizeof(int))] = {0};
	static const unsigned counts[] = {1, 2, 3, 4};
	uint32_t words[] = {0x74636d31U, CONTROL_READY, 0, 0, 0};

	(void)state;
	for (size_t i = 0; i < COUNTOF(counts); i++) {
		struct iovec v = {words, sizeof(words)};
		struct msghdr h = {.msg_iov = &v,
				   .msg_iovlen = 1,
				   .msg_control = ctl,
				   .msg_controllen = CMSG_SPACE(counts[i] * sizeof(int))};
		struct cmsghdr *c = CMSG_FIRSTHDR(&h);
		struct control_msg in;
		int fds[2], lowest, after;

		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(counts[i] * sizeof(int));
		memset(CMSG_DATA(c), 0, counts[i] * sizeof(int)); /* descriptor 0, each */
		pair(fds);
		lowest = dup(0);
		close(lowest);
		assert_int_equal(sendmsg(fds[0], &h, 0), (ssize_t)sizeof(words));
		assert_int_equal(control_recv(fds[1], CONTROL_TO_MASTER, space, SPACE, &in),
				 ERR_SYNTAX);
		assert_int_equal(in.n_fds, 0);
		after = dup(0);
		close(after);
		assert_int_equal(after, lowest);
		close_pair(fds);
	}
}

/* ---- links ---- */

struct side {
	struct control_link link;
	unsigned messages, closed;
	uint32_t last_id;
	int fd;		    /* taken from the last message that had one */
	bool close_at_next; /* the handler closes its own link */
};

static void on_msg(void *arg, struct control_msg *msg)
{
	struct side *s = arg;

	if (s->messages > 0)
		assert_int_equal(msg->id, s->last_id + 1); /* order is kept */
	s->last_id = msg->id;
	s->messages++;
	if (msg->n_fds) {
		if (s->fd >= 0)
			close(s->fd);
		s->fd = control_take_fd(msg, 0);
	}
	if (s->close_at_next)
		control_close(&s->link);
}

static void on_closed(void *arg)
{
	((struct side *)arg)->closed++;
}

static void open_sides(struct loop *loop, struct side *a, struct side *b)
{
	int fds[2];

	pair(fds);
	*a = (struct side){.fd = -1};
	*b = (struct side){.fd = -1};
	assert_int_equal(
		control_open(&a->link, loop, fds[0], CONTROL_TO_MASTER, on_msg, on_closed, a), 0);
	assert_int_equal(
		control_open(&b->link, loop, fds[1], CONTROL_TO_WORKER, on_msg, on_closed, b), 0);
}

static void turns(struct loop *loop, unsigned n)
{
	while (n--)
		loop_turn(loop, false);
}

/* Far more than a socket's buffer holds: nothing is lost, order is kept, descriptors too. */
static void test_queue(void **state)
{
	static char text[1000];
	struct loop *loop = loop_new();
	struct side a, b;
	int pipes[2];

	(void)state;
	open_sides(loop, &a, &b);
	assert_int_equal(pipe(pipes), 0);
	for (uint32_t i = 0; i < 5000; i++) {
		struct control_msg m = {.type = CONTROL_LISTEN,
					.id = i,
					.text = str_of(text, sizeof(text)),
					.fds = {pipes[0]},
					.n_fds = i % 64 == 0};
		control_say(&a.link, &m);
	}
	assert_true(a.link.queued > 0);
	close_pair(pipes);
	for (int i = 0; i < 1000 && b.messages < 5000; i++)
		turns(loop, 1);
	assert_int_equal(b.messages, 5000);
	assert_int_equal(a.link.queued, 0);
	assert_true(is_open(b.fd));
	close(b.fd);
	control_close(&a.link);
	turns(loop, 3);
	assert_int_equal(b.closed, 1);
	assert_int_equal(a.closed, 0);
	control_say(&a.link, &(struct control_msg){.type = CONTROL_COMMIT}); /* harmless */
	control_close(&a.link);
	loop_free(&loop);
}

static void test_last_words(void **state)
{
	struct loop *loop = loop_new();
	struct side a, b;

	(void)state;
	open_sides(loop, &a, &b);
	control_tell(&b.link, CONTROL_FAILED, 1, 0, STR("why"));
	control_close(&b.link);
	control_read(&a.link); /* as after waitpid, before the loop saw anything */
	assert_int_equal(a.messages, 1);
	assert_int_equal(a.closed, 1);
	turns(loop, 3);
	assert_int_equal(a.closed, 1);
	loop_free(&loop);
}

static void test_close_in_handler(void **state)
{
	struct loop *loop = loop_new();
	struct side a, b;

	(void)state;
	open_sides(loop, &a, &b);
	b.close_at_next = true;
	control_tell(&a.link, CONTROL_COMMIT, 1, 0, STR_NONE);
	control_tell(&a.link, CONTROL_COMMIT, 2, 0, STR_NONE);
	turns(loop, 4);
	assert_int_equal(b.messages, 1);
	assert_int_equal(b.closed, 0);
	assert_int_equal(a.closed, 1);
	loop_free(&loop);
}

/* A peer that never reads is cut off, not waited for. */
static void test_hopeless_peer(void **state)
{
	static char text[CONTROL_TEXT];
	struct loop *loop = loop_new();
	struct side a;
	int fds[2];

	(void)state;
	pair(fds);
	a = (struct side){.fd = -1};
	assert_int_equal(
		control_open(&a.link, loop, fds[0], CONTROL_TO_MASTER, on_msg, on_closed, &a), 0);
	for (int i = 0; i < CONTROL_QUEUE / CONTROL_TEXT + 100; i++)
		control_tell(&a.link, CONTROL_REPLY, 0, 0, str_of(text, sizeof(text)));
	assert_true(a.link.queued <= CONTROL_QUEUE);
	turns(loop, 4);
	assert_int_equal(a.closed, 1);
	close(fds[1]);
	loop_free(&loop);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_long_text_is_cut),
		cmocka_unit_test(test_descriptors),
		cmocka_unit_test(test_garbage),
		cmocka_unit_test(test_unwanted_descriptors),
		cmocka_unit_test(test_queue),
		cmocka_unit_test(test_last_words),
		cmocka_unit_test(test_close_in_handler),
		cmocka_unit_test(test_hopeless_peer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
