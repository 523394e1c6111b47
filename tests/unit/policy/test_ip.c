/* SPDX-License-Identifier: BSD-2-Clause */
#include "policy/acl.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/err.h"

static struct cidr cidr(const char *text)
{
	struct cidr c = {.family = strchr(text, ':') ? 6 : 4};
	char address[64];
	unsigned bits;

	assert_int_equal(sscanf(text, "%63[^/]/%u", address, &bits), 2);
	assert_int_equal(inet_pton(c.family == 6 ? AF_INET6 : AF_INET, address, c.addr), 1);
	c.bits = (uint8_t)bits;
	return c;
}

static void parse(void **state)
{
	static const struct {
		const char *text;
		const char *want; /* NULL: refused */
		bool node;
	} rows[] = {
		{"1.2.3.4", "1.2.3.4", false},
		{"255.255.255.255", "255.255.255.255", false},
		{"0.0.0.0", "0.0.0.0", false},
		{"1.2.3", NULL, false},
		{"1.2.3.4.5", NULL, false},
		{"1.2.3.256", NULL, false},
		{"01.2.3.4", NULL, false},
		{"0x1.2.3.4", NULL, false},
		{" 1.2.3.4", NULL, false},
		{"1.2.3.4 ", NULL, false},
		{"1.2.3.4:80", NULL, false},
		{"::1", "::1", false},
		{"2001:DB8::1", "2001:db8::1", false},
		{"[::1]", NULL, false},
		{"fe80::1%eth0", NULL, false},
		{"::ffff:10.1.2.3", "10.1.2.3", false},
		{"::ffff:a01:203", "10.1.2.3", false},
		{"::10.1.2.3", "::10.1.2.3", false},
		{"", NULL, false},
		{"unknown", NULL, false},
		{"1:2:3:4:5:6:7:8:9", NULL, false},
		{"1.2.3.4", "1.2.3.4", true},
		{"1.2.3.4:80", "1.2.3.4", true},
		{"1.2.3.4:0", NULL, true},
		{"1.2.3.4:65536", NULL, true},
		{"1.2.3.4:", NULL, true},
		{"1.2.3.4:_abc", NULL, true},
		{"::1", "::1", true},
		{"[::1]", "::1", true},
		{"[::1]:443", "::1", true},
		{"[::1]443", NULL, true},
		{"[::1]:", NULL, true},
		{"[::1", NULL, true},
		{"[]", NULL, true},
		{"[1.2.3.4]", NULL, true},
		{":80", NULL, true},
		{"[::ffff:1.2.3.4]:5", "1.2.3.4", true},
	};

	(void)state;
	for (size_t i = 0; i < COUNTOF(rows); i++) {
		struct ip_addr ip;
		char text[IP_TEXT + 1] = "";
		int rc = rows[i].node ? ip_parse_node(str_c(rows[i].text), &ip)
				      : ip_parse(str_c(rows[i].text), &ip);
		if (rc == 0)
			text[ip_text(&ip, text)] = '\0';
		if (rc != (rows[i].want ? 0 : ERR_SYNTAX) ||
		    (rows[i].want && strcmp(text, rows[i].want) != 0))
			fail_msg("row %zu \"%s\": %d %s", i, rows[i].text, rc, text);
	}
	struct ip_addr ip;
	assert_int_equal(ip_parse(str_of("1.2.3.4\0x", 9), &ip), ERR_SYNTAX);
}

static void no_address(void **state)
{
	struct ip_addr ip = ip_from_bytes(0, NULL);
	char text[IP_TEXT];

	(void)state;
	assert_int_equal(ip.family, 0);
	assert_int_equal(ip_text(&ip, text), 0);
}

struct acl_row {
	const char *allow[4], *deny[4];
	const char *client; /* NULL: no address */
	enum acl_verdict want;
};

static size_t cidrs(const char *const *texts, struct cidr out[4])
{
	size_t n = 0;

	for (; n < 4 && texts[n]; n++)
		out[n] = cidr(texts[n]);
	return n;
}

static void decisions(void **state)
{
	static const struct acl_row rows[] = {
		{{0}, {0}, "1.2.3.4", ACL_ALLOWED},
		{{0}, {0}, NULL, ACL_ALLOWED},
		{{"10.0.0.0/8"}, {0}, "10.255.0.1", ACL_ALLOWED},
		{{"10.0.0.0/8"}, {0}, "11.0.0.0", ACL_NOT_LISTED},
		{{"10.0.0.0/8"}, {0}, "9.255.255.255", ACL_NOT_LISTED},
		{{"10.0.0.0/8"}, {0}, NULL, ACL_NOT_LISTED},
		{{0}, {"10.0.0.0/8"}, "10.0.0.0", ACL_DENIED},
		{{0}, {"10.0.0.0/8"}, "11.0.0.0", ACL_ALLOWED},
		{{0}, {"10.0.0.0/8"}, NULL, ACL_ALLOWED},
		/* the deny list is asked first */
		{{"10.0.0.0/8"}, {"10.1.0.0/16"}, "10.1.2.3", ACL_DENIED},
		{{"10.0.0.0/8"}, {"10.1.0.0/16"}, "10.2.2.3", ACL_ALLOWED},
		/* bits behind the prefix do not count */
		{{"10.9.9.9/8"}, {0}, "10.1.1.1", ACL_ALLOWED},
		{{"1.2.3.4/32"}, {0}, "1.2.3.4", ACL_ALLOWED},
		{{"1.2.3.4/32"}, {0}, "1.2.3.5", ACL_NOT_LISTED},
		{{"1.2.3.4/31"}, {0}, "1.2.3.5", ACL_ALLOWED},
		/* the families do not match each other */
		{{"0.0.0.0/0"}, {0}, "255.1.2.3", ACL_ALLOWED},
		{{"0.0.0.0/0"}, {0}, "::1", ACL_NOT_LISTED},
		{{"::/0"}, {0}, "1.2.3.4", ACL_NOT_LISTED},
		{{"::/0"}, {0}, "2001:db8::1", ACL_ALLOWED},
		/* an IPv4-mapped address is the IPv4 address, on both sides */
		{{"10.0.0.0/8"}, {0}, "::ffff:10.2.3.4", ACL_ALLOWED},
		{{"::ffff:10.0.0.0/104"}, {0}, "10.2.3.4", ACL_ALLOWED},
		{{"::ffff:10.0.0.0/104"}, {0}, "11.2.3.4", ACL_NOT_LISTED},
		{{"::ffff:0:0/96"}, {0}, "11.2.3.4", ACL_ALLOWED},
		{{"2001:db8::/33"}, {0}, "2001:db8:7fff::1", ACL_ALLOWED},
		{{"2001:db8::/33"}, {0}, "2001:db8:8000::1", ACL_NOT_LISTED},
		{{"::1/128"}, {0}, "::1", ACL_ALLOWED},
		/* one network within another, and neighbours */
		{{"10.1.0.0/16", "10.0.0.0/8", "10.200.0.0/16"}, {0}, "10.2.0.0", ACL_ALLOWED},
		{{"10.1.0.0/16", "10.0.0.0/8"}, {0}, "10.255.255.255", ACL_ALLOWED},
		{{"10.0.0.0/25", "10.0.0.128/25"}, {0}, "10.0.0.128", ACL_ALLOWED},
		{{"10.0.0.0/25", "10.0.0.128/25"}, {0}, "10.0.1.0", ACL_NOT_LISTED},
	};

	(void)state;
	for (size_t i = 0; i < COUNTOF(rows); i++) {
		struct cidr allow[4], deny[4];
		struct ip_addr client = {.family = 0};
		struct acl a;
		size_t n_allow = cidrs(rows[i].allow, allow), n_deny = cidrs(rows[i].deny, deny);
		assert_int_equal(acl_init(&a, allow, n_allow, deny, n_deny), 0);
		assert_int_equal(acl_open(&a), n_allow + n_deny == 0);
		if (rows[i].client)
			assert_int_equal(ip_parse(str_c(rows[i].client), &client), 0);
		if (acl_check(&a, &client) != rows[i].want)
			fail_msg("row %zu: %d", i, acl_check(&a, &client));
		acl_fini(&a);
	}
}

static void impossible_networks(void **state)
{
	static const struct cidr rows[] = {{4, 33, {0}}, {6, 129, {0}}, {5, 1, {0}}, {0, 0, {0}}};

	(void)state;
	for (size_t i = 0; i < COUNTOF(rows); i++) {
		struct cidr_set *set = NULL;
		struct acl a;
		assert_int_equal(cidr_set_new(&rows[i], 1, &set), ERR_RANGE);
		assert_null(set);
		struct cidr good = {4, 8, {10}};
		assert_int_equal(acl_init(&a, &good, 1, &rows[i], 1), ERR_RANGE);
	}
}

/* Many networks, against a list that is walked. */
static void many_networks(void **state)
{
	enum { N = 500 };
	static struct cidr list[N];
	struct cidr_set *set = NULL;
	unsigned seed = 7;

	(void)state;
	for (size_t i = 0; i < N; i++) {
		list[i] = (struct cidr){.family = 4, .bits = (uint8_t)(8 + rand_r(&seed) % 25)};
		for (int b = 0; b < 4; b++)
			list[i].addr[b] = (uint8_t)(rand_r(&seed) % (b < 2 ? 16 : 256));
	}
	assert_int_equal(cidr_set_new(list, N, &set), 0);
	for (int round = 0; round < 20000; round++) {
		struct ip_addr ip = {.family = 4};
		bool want = false;
		for (int b = 0; b < 4; b++)
			ip.addr[b] = (uint8_t)(rand_r(&seed) % (b < 2 ? 17 : 256));
		uint32_t a = (uint32_t)ip.addr[0] << 24 | (uint32_t)ip.addr[1] << 16 |
			     (uint32_t)ip.addr[2] << 8 | ip.addr[3];
		for (size_t i = 0; i < N; i++) {
			const uint8_t *n = list[i].addr;
			uint32_t net = (uint32_t)n[0] << 24 | (uint32_t)n[1] << 16 |
				       (uint32_t)n[2] << 8 | n[3];
			want |= (a ^ net) >> (32 - list[i].bits) == 0;
		}
		assert_int_equal(cidr_set_has(set, &ip), want);
	}
	cidr_set_free(&set);
	assert_null(set);
	assert_true(cidr_set_empty(NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parse),	 cmocka_unit_test(no_address),
		cmocka_unit_test(decisions),	 cmocka_unit_test(impossible_networks),
		cmocka_unit_test(many_networks),
	};

	return cmocka_run_group_tests_name("policy/ip", tests, NULL, NULL);
}
