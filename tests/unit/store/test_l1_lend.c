/* SPDX-License-Identifier: BSD-2-Clause */
/* Blocks sent with sendfile(2) whose receiver is slow: whatever becomes of the object meanwhile, what
 * arrives is what was sent. Real TCP on the loopback, where the kernel keeps references to pages. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <unistd.h>

#include "l1_test.h"

enum { SIZE = 4 * 1024 * 1024, LENGTH = 400000, SOCKET_BYTES = 300000 };

static void connect_pair(int out[2])
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t n = sizeof(a);
	int l = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), room = SOCKET_BYTES;

	assert_int_equal(setsockopt(l, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room)), 0);
	assert_int_equal(bind(l, (struct sockaddr *)&a, n), 0);
	assert_int_equal(listen(l, 1), 0);
	assert_int_equal(getsockname(l, (struct sockaddr *)&a, &n), 0);
	out[0] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(setsockopt(out[0], SOL_SOCKET, SO_SNDBUF, &room, sizeof(room)), 0);
	assert_int_equal(connect(out[0], (struct sockaddr *)&a, n), 0);
	out[1] = accept(l, NULL, NULL);
	assert_true(out[1] >= 0);
	close(l);
}

/* As much as the sockets hold; returns how far it came. */
static uint64_t send_some(struct l1 *l1, const struct l1_ref *ref, int to, uint64_t at)
{
	for (;;) {
		uint64_t file_at;
		size_t n = l1_lend(l1, ref, at, &file_at);
		if (n == 0)
			return at;
		off_t from = (off_t)file_at;
		ssize_t sent = sendfile(to, l1_fd(l1), &from, n);
		if (sent <= 0) {
			assert_int_equal(errno, EAGAIN);
			return at;
		}
		at += (uint64_t)sent;
	}
}

static void receive(int from, uint64_t id, uint64_t at, uint64_t upto)
{
	static char buf[65536];

	while (at < upto) {
		ssize_t n = read(from, buf, MIN(sizeof(buf), (size_t)(upto - at)));
		assert_true(n > 0);
		for (ssize_t i = 0; i < n; i++, at++)
			if (buf[i] != l1_test_byte(id, at))
				fail_msg("wrong byte at %llu", (unsigned long long)at);
	}
}

/* Large for this cache: only what was asked for before gets in (store/admit.h). */
static void store(struct l1 *l1, uint64_t id, bool known)
{
	int rc = l1_test_store(l1, id, LENGTH, known);

	if (rc == ERR_FULL)
		rc = l1_test_store(l1, id, LENGTH, known);
	assert_int_equal(rc, 0);
}

/* The object is dropped and its blocks are used for others while the bytes are under way. */
static void test_reused(void **state UNUSED)
{
	struct seg *seg = l1_test_segment(SIZE);
	struct l1 *l1 = l1_attach(seg, 0, SIZE);
	struct l1_ref ref;
	struct l1_figures g;
	int pair[2];

	assert_non_null(l1);
	for (uint64_t id = 1; id < 6; id++) {
		connect_pair(pair);
		store(l1, id, id % 2);
		assert_true(l1_test_find(l1, id, &ref));
		uint64_t from = 0, file_at;
		while (l1_lend(l1, &ref, from, &file_at) == 0) /* small first blocks */
			from += l1_read(l1, &ref, from).n;
		assert_int_equal(fcntl(pair[0], F_SETFL, O_NONBLOCK), 0);
		uint64_t sent = send_some(l1, &ref, pair[0], from);
		assert_true(sent > from + 50000);
		l1_drop(l1, &ref);
		l1_unpin(l1, &ref);
		for (uint64_t other = 0; other < 30; other++)
			store(l1, 1000 + other, true);
		receive(pair[1], id, from, sent);
		close(pair[0]);
		close(pair[1]);
	}
	l1_figures(l1, &g);
	assert_true(g.lent_holes > 5 * 50000 / 4096);
	l1_test_whole(l1, L1_CHECK_IDLE | L1_CHECK_SUMS);
	l1_detach(&l1);
	seg_free(&seg);
}

/* A stream's front is used again as its end. */
static void test_stream(void **state UNUSED)
{
	struct seg *seg = l1_test_segment(SIZE);
	struct l1 *l1 = l1_attach(seg, 0, SIZE);
	char buf[KEY_MAX];
	struct l1_new spec = l1_test_spec(buf, 1, LENGTH * 10);
	struct l1_ref fill, reader;
	uint64_t at = 0, received = 0, total;
	int pair[2];

	assert_non_null(l1);
	connect_pair(pair);
	assert_int_equal(fcntl(pair[0], F_SETFL, O_NONBLOCK), 0);
	assert_int_equal(l1_create(l1, &spec, &fill), 0);
	assert_true(l1_pin(l1, &fill, &reader));
	assert_int_equal(l1_test_fill(l1, &fill, 1, 100), 0);
	l1_stream(l1, &fill);
	while (at < LENGTH * 10) {
		int rc = l1_test_fill(l1, &fill, 1, MIN(at + 200000, (uint64_t)LENGTH * 10));
		assert_true(rc == 0 || rc == ERR_BUSY);
		uint64_t to = send_some(l1, &reader, pair[0], at);
		if (to < l1_length(l1, &fill, &total)) {
			/* The sockets are full: half of it is read now. */
			receive(pair[1], 1, received, (received + to) / 2);
			received = (received + to) / 2;
		}
		at = to;
		l1_passed(l1, &reader, at);
	}
	receive(pair[1], 1, received, at);
	l1_unpin(l1, &reader);
	l1_unpin(l1, &fill);
	l1_test_whole(l1, L1_CHECK_IDLE | L1_CHECK_SUMS);
	close(pair[0]);
	close(pair[1]);
	l1_detach(&l1);
	seg_free(&seg);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reused),
		cmocka_unit_test(test_stream),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
