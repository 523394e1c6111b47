/* SPDX-License-Identifier: BSD-2-Clause */
/* Sets of listening sockets: sharing by address, all or nothing, no file left behind. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/err.h"
#include "conf/types.h"
#include "proc/listen.h"

static const struct listen_owner nobody = {(uid_t)-1, (gid_t)-1};
static char dir[64];

static struct conf_address inet(const char *host, uint16_t port)
{
	return (struct conf_address){
		.kind = CONF_ADDR_INET, .host = host, .port = port, .text = host};
}

static struct conf_address unix_path(char *text, size_t size, const char *name)
{
	snprintf(text, size, "%s/%s", dir, name);
	return (struct conf_address){.kind = CONF_ADDR_UNIX, .path = text, .text = text};
}

/* A port that nobody listens on now. */
static uint16_t free_port(void)
{
	struct sock_addr a;
	socklen_t n = sizeof(a.un);
	int fd;

	assert_int_equal(sock_addr_inet(&a, "127.0.0.1", 0), 0);
	assert_int_equal(sock_listen(&a, false, 1, &fd), 0);
	assert_int_equal(getsockname(fd, &a.sa, &n), 0);
	close(fd);
	return ntohs(a.in.sin_port);
}

static bool connects(const struct sock_addr *a)
{
	int fd = socket(a->sa.sa_family, SOCK_STREAM, 0);
	bool ok = connect(fd, &a->sa, a->n) == 0;

	close(fd);
	return ok;
}

static bool exists(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0;
}

static void test_spread_and_grow(void **state)
{
	struct conf_address a = inet("127.0.0.1", free_port());
	struct listen_want want = {.name = "web", .address = &a, .spread = true};
	struct listen_set set;
	struct buf why = BUF_INIT;

	(void)state;
	assert_int_equal(listen_open(&set, &want, 1, 3, NULL, nobody, &why), 0);
	assert_int_equal(set.entries[0].socks->n, 3);
	assert_false(set.entries[0].socks->shared);
	assert_true(connects(&set.entries[0].socks->addr));
	assert_int_equal(listen_grow(&set, 5, &why), 0);
	assert_int_equal(set.entries[0].socks->n, 5);
	assert_int_equal(listen_grow(&set, 2, &why), 0);
	assert_int_equal(set.entries[0].socks->n, 5);
	listen_close(&set);
	assert_int_equal(why.n, 0);
	buf_fini(&why);
}

/* A second instance must not join the port of the first, though SO_REUSEPORT would let it. */
static void test_port_in_use(void **state)
{
	struct conf_address a = inet("127.0.0.1", free_port());
	struct listen_want want = {.name = "web", .address = &a, .spread = true};
	struct listen_set first, second;
	struct buf why = BUF_INIT;

	(void)state;
	assert_int_equal(listen_open(&first, &want, 1, 2, NULL, nobody, &why), 0);
	assert_int_equal(listen_open(&second, &want, 1, 2, NULL, nobody, &why), ERR_EXISTS);
	buf_char(&why, '\0');
	assert_non_null(strstr(why.p, "another process listens there"));
	listen_close(&first);
	buf_fini(&why);
}

/* A reload: what stays is shared, what is new is opened, what is gone is closed with the old set. */
static void test_share_with_old(void **state)
{
	char path_a[128], path_b[128];
	struct conf_address tcp = inet("127.0.0.1", free_port());
	struct conf_address ua = unix_path(path_a, sizeof(path_a), "a");
	struct conf_address ub = unix_path(path_b, sizeof(path_b), "b");
	struct listen_want before[] = {{.name = "web", .address = &tcp, .spread = true},
				       {.name = "ua", .address = &ua, .mode = 0660}};
	struct listen_want after[] = {{.name = "ub", .address = &ub, .mode = 0600},
				      {.name = "renamed", .address = &tcp, .spread = true}};
	struct listen_set old, new;
	struct buf why = BUF_INIT;
	struct stat st;

	(void)state;
	assert_int_equal(listen_open(&old, before, 2, 2, NULL, nobody, &why), 0);
	assert_int_equal(listen_open(&new, after, 2, 4, &old, nobody, &why), 0);
	assert_ptr_equal(new.entries[1].socks, old.entries[0].socks);
	assert_int_equal(new.entries[1].socks->n, 2);
	assert_ptr_equal(listen_find(&new, old.entries[0].socks), &new.entries[1]);
	assert_null(listen_find(&new, old.entries[1].socks));
	assert_true(exists(path_a) && exists(path_b));
	assert_int_equal(stat(path_b, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	listen_close(&old);
	assert_false(exists(path_a));
	assert_true(connects(&new.entries[0].socks->addr));
	assert_true(connects(&new.entries[1].socks->addr));
	listen_close(&new);
	assert_false(exists(path_b));
	buf_fini(&why);
}

/* From one address to the wildcard on the same port, and back. */
static void test_same_port_other_host(void **state)
{
	uint16_t port = free_port();
	struct conf_address one = inet("127.0.0.1", port), all = inet("0.0.0.0", port);
	struct listen_want w1 = {.name = "w", .address = &one, .spread = true};
	struct listen_want w2 = {.name = "w", .address = &all, .spread = true};
	struct listen_set a, b, c;
	struct buf why = BUF_INIT;

	(void)state;
	assert_int_equal(listen_open(&a, &w1, 1, 2, NULL, nobody, &why), 0);
	assert_int_equal(listen_open(&b, &w2, 1, 2, &a, nobody, &why), 0);
	listen_close(&a);
	assert_int_equal(listen_open(&c, &w1, 1, 2, &b, nobody, &why), 0);
	listen_close(&b);
	assert_true(connects(&c.entries[0].socks->addr));
	listen_close(&c);
	buf_fini(&why);
}

static void test_all_or_nothing(void **state)
{
	char path[128], missing[128];
	struct conf_address good = unix_path(path, sizeof(path), "good");
	struct conf_address bad = unix_path(missing, sizeof(missing), "no/such/dir");
	struct listen_want wants[] = {{.name = "good", .address = &good, .mode = 0660},
				      {.name = "bad", .address = &bad, .mode = 0660}};
	struct listen_set set;
	struct buf why = BUF_INIT;

	(void)state;
	assert_int_equal(listen_open(&set, wants, 2, 2, NULL, nobody, &why), ERR_SYS);
	buf_char(&why, '\0');
	assert_non_null(strstr(why.p, "no/such/dir"));
	assert_false(exists(path));
	buf_fini(&why);
}

/* A file that a killed process left is replaced; a file that serves somebody is not. */
static void test_stale_file(void **state)
{
	char path[128];
	struct conf_address a = unix_path(path, sizeof(path), "stale");
	struct listen_want want = {.name = "s", .address = &a, .mode = 0660};
	struct listen_set set, second;
	struct buf why = BUF_INIT;
	struct sock_addr addr;
	int fd;

	(void)state;
	assert_int_equal(sock_addr_unix(&addr, path), 0);
	assert_int_equal(sock_listen(&addr, false, 1, &fd), 0);
	close(fd);
	assert_true(exists(path));
	assert_int_equal(listen_open(&set, &want, 1, 1, NULL, nobody, &why), 0);
	assert_int_equal(listen_open(&second, &want, 1, 1, NULL, nobody, &why), ERR_EXISTS);
	assert_true(exists(path));
	/* somebody else's file at our path is left alone */
	assert_int_equal(unlink(path), 0);
	assert_int_equal(sock_listen(&addr, false, 1, &fd), 0);
	listen_close(&set);
	assert_true(exists(path));
	close(fd);
	unlink(path);
	buf_fini(&why);
}

static void test_names(void **state)
{
	static const struct {
		const char *host;
		int rc;
	} cases[] = {{"localhost", 0}, {"no-such-host.invalid", ERR_MISSING}, {"::1", 0}};

	(void)state;
	for (size_t i = 0; i < COUNTOF(cases); i++) {
		struct conf_address a = inet(cases[i].host, free_port());
		struct listen_want want = {.name = "n", .address = &a, .spread = true};
		struct listen_set set;
		struct buf why = BUF_INIT;
		int rc = listen_open(&set, &want, 1, 1, NULL, nobody, &why);

		/* a machine without IPv6 refuses ::1, which is no fault of ours */
		if (!(strcmp(cases[i].host, "::1") == 0 && rc == ERR_SYS))
			assert_int_equal(rc, cases[i].rc);
		if (rc == 0)
			listen_close(&set);
		else
			assert_true(why.n > 0);
		buf_fini(&why);
	}
}

static int make_dir(void **state)
{
	(void)state;
	str_copy(dir, sizeof(dir), STR("/tmp/tiercel-test-XXXXXX"));
	return mkdtemp(dir) ? 0 : -1;
}

static int remove_dir(void **state)
{
	(void)state;
	return rmdir(dir); /* fails if a test left a file */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_spread_and_grow), cmocka_unit_test(test_port_in_use),
		cmocka_unit_test(test_share_with_old),	cmocka_unit_test(test_same_port_other_host),
		cmocka_unit_test(test_all_or_nothing),	cmocka_unit_test(test_stale_file),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
