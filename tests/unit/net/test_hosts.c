/* SPDX-License-Identifier: BSD-2-Clause */
#include "net/hosts.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

static const char sample[] = "# a comment\n"
			     "127.0.0.1\tlocalhost\n"
			     "::1 localhost ip6-localhost # behind\n"
			     "  10.0.0.1   app.internal  APP # app2\r\n"
			     "10.0.0.2 app.internal\n"
			     "10.0.0.1 app.internal\n"
			     "2001:db8::5 six.internal app.internal\n"
			     "nonsense app.internal\n"
			     "fe80::1%eth0 zone\n"
			     "10.0.0.9\n"
			     "\n"
			     "10.0.0.3 last";

static void lookups(void **state)
{
	static const struct {
		const char *name, *want;
	} rows[] = {
		{"localhost", "127.0.0.1:80 [::1]:80 "},
		{"LocalHost", "127.0.0.1:80 [::1]:80 "},
		{"ip6-localhost", "[::1]:80 "},
		{"app.internal", "10.0.0.1:80 10.0.0.2:80 [2001:db8::5]:80 "},
		{"app", "10.0.0.1:80 "},
		{"app2", ""},
		{"behind", ""},
		{"10.0.0.9", ""},
		{"10.0.0.2", ""},
		{"zone", ""},
		{"last", "10.0.0.3:80 "},
		{"las", ""},
		{"", ""},
	};

	(void)state;
	for (size_t i = 0; i < COUNTOF(rows); i++) {
		struct sock_addr addrs[4];
		char got[256] = "", text[SOCK_TEXT];
		unsigned n = hosts_find_in(str_c(sample), str_c(rows[i].name), 80, addrs, 4);
		for (unsigned a = 0; a < n; a++) {
			strcat(got, sock_addr_text(&addrs[a], text));
			strcat(got, " ");
		}
		if (strcmp(got, rows[i].want) != 0)
			fail_msg("%s: %s", rows[i].name, got);
	}
}

static void bounded(void **state)
{
	struct sock_addr addrs[2];

	(void)state;
	assert_int_equal(hosts_find_in(str_c(sample), STR("app.internal"), 80, addrs, 2), 2);
}

static void write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

static void refresh(void **state)
{
	char path[] = "/tmp/tiercel-hosts-XXXXXX";
	struct sock_addr a;

	(void)state;
	close(mkstemp(path));
	unlink(path);
	struct hosts *h = hosts_new(path);
	assert_non_null(h);
	assert_int_equal(hosts_find(h, STR("x"), 1, &a, 1), 0);
	assert_false(hosts_refresh(h));
	write_file(path, "10.0.0.1 x\n");
	assert_true(hosts_refresh(h));
	assert_false(hosts_refresh(h));
	assert_int_equal(hosts_find(h, STR("x"), 1, &a, 1), 1);
	write_file(path, "10.0.0.1 y and more\n");
	assert_true(hosts_refresh(h));
	assert_int_equal(hosts_find(h, STR("x"), 1, &a, 1), 0);
	unlink(path);
	assert_true(hosts_refresh(h));
	assert_int_equal(hosts_find(h, STR("y"), 1, &a, 1), 0);
	hosts_free(&h);
	assert_null(h);
	/* something that is no file must not hang or fail */
	h = hosts_new("/dev/zero");
	assert_int_equal(hosts_find(h, STR("x"), 1, &a, 1), 0);
	hosts_free(&h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lookups),
		cmocka_unit_test(bounded),
		cmocka_unit_test(refresh),
	};

	return cmocka_run_group_tests_name("net/hosts", tests, NULL, NULL);
}
