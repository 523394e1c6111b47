/* SPDX-License-Identifier: BSD-2-Clause */
/* Socket addresses as text and back; stale and live unix socket files. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/err.h"
#include "net/sock.h"

static void test_inet(void **state)
{
	static const struct {
		const char *host;
		uint16_t port;
		const char *text, *peer; /* NULL: not numeric */
		int family;
	} rows[] = {
		{"127.0.0.1", 80, "127.0.0.1:80", "127.0.0.1", 4},
		{"::1", 65535, "[::1]:65535", "::1", 6},
		{"2001:DB8:0:0::1", 1, "[2001:db8::1]:1", "2001:db8::1", 6},
		{"localhost", 80, NULL, NULL, 0},
		{"[::1]", 80, NULL, NULL, 0},
		{"1.2.3", 80, NULL, NULL, 0},
		{"1.2.3.256", 80, NULL, NULL, 0},
		{"", 80, NULL, NULL, 0},
	};
	char text[SOCK_TEXT];

	(void)state;
	for (size_t i = 0; i < COUNTOF(rows); i++) {
		struct sock_addr a, b;
		struct sock_peer p;
		int rc = sock_addr_inet(&a, rows[i].host, rows[i].port);
		assert_int_equal(rc, rows[i].text ? 0 : ERR_SYNTAX);
		if (rc)
			continue;
		assert_string_equal(sock_addr_text(&a, text), rows[i].text);
		sock_peer_from(&p, &a);
		assert_int_equal(p.family, rows[i].family);
		assert_int_equal(p.port, rows[i].port);
		assert_int_equal(sock_peer_text(&p, text), strlen(rows[i].peer));
		assert_string_equal(text, rows[i].peer);
		assert_int_equal(sock_addr_inet(&b, rows[i].host, rows[i].port), 0);
		assert_true(sock_addr_eq(&a, &b));
		assert_int_equal(sock_addr_inet(&b, rows[i].host, rows[i].port ^ 2), 0);
		assert_false(sock_addr_eq(&a, &b));
	}
}

static void test_unix(void **state)
{
	char dir[] = "/tmp/test_sock.XXXXXX", path[64], text[SOCK_TEXT], long_path[200];
	struct sock_addr a;
	struct sock_peer p;
	int fd, other;

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/s", dir);
	assert_int_equal(sock_addr_unix(&a, path), 0);
	sock_addr_text(&a, text);
	assert_memory_equal(text, "unix:", 5);
	assert_string_equal(text + 5, path);
	sock_peer_from(&p, &a);
	assert_int_equal(sock_peer_text(&p, text), 4);
	assert_string_equal(text, "unix");
	assert_int_equal(sock_listen(&a, false, 4, &fd), 0);
	assert_int_equal(sock_listen(&a, false, 4, &other), ERR_EXISTS); /* alive */
	close(fd);
	assert_int_equal(sock_listen(&a, false, 4, &fd), 0); /* stale: replaced */
	close(fd);
	unlink(path);
	rmdir(dir);
	memset(long_path, 'x', sizeof(long_path) - 1);
	long_path[sizeof(long_path) - 1] = 0;
	assert_true(sock_addr_unix(&a, long_path) < 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_inet),
		cmocka_unit_test(test_unix),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
