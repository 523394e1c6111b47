/* SPDX-License-Identifier: BSD-2-Clause */
/* Sets of listening sockets: sharing by address, all or nothing, no file left behind. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/err.h"
#include "conf/types.h"
#include "proc/handover.h"
#include "proc/inherit.h"
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

/* ---- sockets of the program before ---- */

static int open_inet(uint16_t port)
{
	struct sock_addr a;
	int fd;

	assert_int_equal(sock_addr_inet(&a, "127.0.0.1", port), 0);
	assert_int_equal(sock_listen(&a, true, 5, &fd), 0);
	return fd;
}

static unsigned sockets_there(const struct handover_listen *l)
{
	unsigned n = 0;

	for (unsigned i = 0; i < l->n; i++)
		n += fcntl(l->fds[i], F_GETFD) >= 0;
	return n;
}

/* What was offered, what is wanted, and what comes of it. */
static const struct {
	const char *what;
	enum handover_kind kind;
	unsigned offered;
	bool spread;
	unsigned wanted;
	bool shared;
	unsigned n; /* sockets in the end */
} offers[] = {
	{"as many", HANDOVER_SPREAD, 2, true, 2, false, 2},
	{"more workers: further ones", HANDOVER_SPREAD, 2, true, 4, false, 4},
	{"fewer workers: all stay", HANDOVER_SPREAD, 3, true, 1, false, 3},
	{"for an address that has one", HANDOVER_SPREAD, 3, false, 1, true, 1},
	{"one for all", HANDOVER_SHARED, 1, true, 4, true, 1},
	{"the service manager's", HANDOVER_MANAGER, 1, true, 4, true, 1},
};

static void test_offers(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNTOF(offers); i++) {
		uint16_t port = free_port();
		struct conf_address address = inet("127.0.0.1", port);
		struct listen_want want = {
			.name = "n", .address = &address, .spread = offers[i].spread};
		struct handover_listen l = {.kind = offers[i].kind};
		struct listen_set set;
		struct buf why = BUF_INIT;

		print_message("%s\n", offers[i].what);
		while (l.n < offers[i].offered)
			l.fds[l.n++] = open_inet(port);
		assert_int_equal(inherit_offer(&l), 0);
		assert_int_equal(listen_open(&set, &want, 1, offers[i].wanted, NULL, nobody, &why),
				 0);
		inherit_end(&why);
		assert_int_equal(why.n, 0);
		assert_int_equal(set.entries[0].socks->shared, offers[i].shared);
		assert_int_equal(set.entries[0].socks->n, offers[i].n);
		assert_int_equal(set.entries[0].socks->inherited,
				 offers[i].kind == HANDOVER_MANAGER);
		listen_close(&set);
		/* these are copies: the program before can go on with its own */
		assert_int_equal(sockets_there(&l), l.n);
		for (unsigned k = 0; k < l.n; k++)
			close(l.fds[k]);
		buf_fini(&why);
	}
}

/* Its socket file is removed when nobody wants it, not while the program before may come back. */
static void test_offered_file(void **state)
{
	char path[128];
	struct conf_address address = unix_path(path, sizeof(path), "offered");
	struct listen_want want = {.name = "n", .address = &address, .mode = 0600};
	struct handover_listen l = {.kind = HANDOVER_SHARED, .n = 1};
	struct buf why = BUF_INIT;
	struct sock_addr addr;
	struct listen_set set;
	struct stat st;

	(void)state;
	assert_int_equal(sock_addr_unix(&addr, path), 0);
	assert_int_equal(sock_listen(&addr, false, 1, &l.fds[0]), 0);
	assert_int_equal(lstat(path, &st), 0);
	l.dev = st.st_dev;
	l.ino = st.st_ino;
	assert_int_equal(inherit_offer(&l), 0);
	assert_int_equal(listen_open(&set, &want, 1, 1, NULL, nobody, &why), 0);
	listen_close(&set); /* as when the start fails */
	assert_true(exists(path) && connects(&addr));
	inherit_end(&why);

	assert_int_equal(inherit_offer(&l), 0);
	assert_int_equal(listen_open(&set, &want, 1, 1, NULL, nobody, &why), 0);
	set.entries[0].socks->held = false; /* as when it is through */
	listen_close(&set);
	inherit_end(&why);
	assert_false(exists(path));
	close(l.fds[0]);

	assert_int_equal(sock_listen(&addr, false, 1, &l.fds[0]), 0);
	assert_int_equal(lstat(path, &st), 0);
	l.ino = st.st_ino;
	assert_int_equal(inherit_offer(&l), 0);
	inherit_end(&why); /* no address wanted it */
	assert_false(exists(path));
	close(l.fds[0]);
	buf_fini(&why);
}

static void test_offered_rubbish(void **state)
{
	struct handover_listen l = {.kind = HANDOVER_SHARED, .n = 1};
	struct buf why = BUF_INIT;
	int pipes[2], fd = socket(AF_INET, SOCK_STREAM, 0), a, b;

	(void)state;
	assert_int_equal(pipe(pipes), 0);
	l.fds[0] = pipes[0];
	assert_int_equal(inherit_offer(&l), ERR_SYS);
	l.fds[0] = fd; /* does not listen */
	assert_int_equal(inherit_offer(&l), ERR_SYS);
	a = open_inet(free_port());
	b = open_inet(free_port());
	l = (struct handover_listen){.kind = HANDOVER_SPREAD, .fds = {a, b}, .n = 2};
	assert_int_equal(inherit_offer(&l), ERR_SYS); /* two addresses */
	inherit_end(&why);
	assert_int_equal(why.n, 0);
	close(pipes[0]);
	close(pipes[1]);
	close(fd);
	close(a);
	close(b);
	buf_fini(&why);
}

static void test_store_names(void **state)
{
	struct sock_addr a;
	char name[INHERIT_NAME];

	(void)state;
	assert_int_equal(sock_addr_inet(&a, "127.0.0.1", 80), 0);
	inherit_name(&a, name);
	assert_string_equal(name, "tiercel-listen-127.0.0.1_80");
	assert_int_equal(sock_addr_inet(&a, "::1", 8080), 0);
	inherit_name(&a, name);
	assert_string_equal(name, "tiercel-listen-[__1]_8080");
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
		cmocka_unit_test(test_names),		cmocka_unit_test(test_offers),
		cmocka_unit_test(test_offered_file),	cmocka_unit_test(test_offered_rubbish),
		cmocka_unit_test(test_store_names),
	};

	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
