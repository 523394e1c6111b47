/* SPDX-License-Identifier: BSD-2-Clause */
#include "policy/forwarded.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "parse_head.h"
#include "policy/headers.h"

/* Trusted throughout: 10.0.0.0/8 and fd00::/8. */
static struct cidr_set *proxies;

static int make_proxies(void **state)
{
	static const struct cidr list[] = {{4, 8, {10}}, {6, 8, {0xFD}}};

	(void)state;
	return cidr_set_new(list, COUNTOF(list), &proxies);
}

static int free_proxies(void **state)
{
	(void)state;
	cidr_set_free(&proxies);
	return 0;
}

static struct forwarded_peer peer_of(const char *text, const struct forwarded_trust *trust)
{
	struct ip_addr ip = {.family = 0};
	struct forwarded_peer p;

	if (strcmp(text, "unix") != 0)
		assert_int_equal(ip_parse(str_c(text), &ip), 0);
	forwarded_peer_init(&p, &ip, trust);
	return p;
}

struct client_row {
	const char *why, *peer, *lines, *client, *proto, *host;
};

static const struct client_row client_rows[] = {
	{"no fields", "1.1.1.1", "", "1.1.1.1", "", ""},
	{"not trusted", "1.1.1.1",
	 "X-Forwarded-For: 9.9.9.9\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: e\r\n"
	 "Forwarded: for=9.9.9.9\r\n",
	 "1.1.1.1", "", ""},
	{"trusted, no fields", "10.0.0.1", "", "10.0.0.1", "", ""},
	{"one hop", "10.0.0.1", "X-Forwarded-For: 1.1.1.1\r\n", "1.1.1.1", "", ""},
	{"invented by the client", "10.0.0.1", "X-Forwarded-For: 9.9.9.9, 1.1.1.1\r\n", "1.1.1.1",
	 "", ""},
	{"two proxies", "10.0.0.1", "X-Forwarded-For: 9.9.9.9, 1.1.1.1, 10.0.0.2\r\n", "1.1.1.1",
	 "", ""},
	{"several lines are one list", "10.0.0.1",
	 "X-Forwarded-For: 9.9.9.9\r\nX-Forwarded-For: 1.1.1.1,10.0.0.2\r\n", "1.1.1.1", "", ""},
	{"all trusted: the leftmost", "10.0.0.1", "X-Forwarded-For: 10.0.0.3, 10.0.0.2\r\n",
	 "10.0.0.3", "", ""},
	{"no address ends the walk", "10.0.0.1", "X-Forwarded-For: 9.9.9.9, unknown, 10.0.0.2\r\n",
	 "10.0.0.2", "", ""},
	{"garbage ends the walk", "10.0.0.1", "X-Forwarded-For: 9.9.9.9, 1.2.3\r\n", "10.0.0.1", "",
	 ""},
	{"empty members are none", "10.0.0.1", "X-Forwarded-For: 1.1.1.1, ,,\r\n", "1.1.1.1", "",
	 ""},
	{"ports", "10.0.0.1", "X-Forwarded-For: 1.1.1.1:4711, 10.0.0.2:1\r\n", "1.1.1.1", "", ""},
	{"IPv6", "fd00::1", "X-Forwarded-For: 9.9.9.9, [2001:db8::1]:80, fd00::2\r\n",
	 "2001:db8::1", "", ""},
	{"mapped IPv4 peer", "::ffff:10.0.0.1", "X-Forwarded-For: ::ffff:1.1.1.1\r\n", "1.1.1.1",
	 "", ""},
	{"a quote swallows nothing", "10.0.0.1", "X-Forwarded-For: \"9.9.9.9, 1.1.1.1\r\n",
	 "1.1.1.1", "", ""},
	{"proto and host", "10.0.0.1",
	 "X-Forwarded-For: 1.1.1.1\r\nX-Forwarded-Proto: HTTPS\r\nX-Forwarded-Host: shop.example:8443\r\n",
	 "1.1.1.1", "https", "shop.example:8443"},
	{"the peer's own word is the last", "10.0.0.1",
	 "X-Forwarded-Proto: http, https\r\nX-Forwarded-Host: evil\r\nX-Forwarded-Host: good\r\n",
	 "10.0.0.1", "https", "good"},
	{"odd proto and host", "10.0.0.1",
	 "X-Forwarded-Proto: gopher\r\nX-Forwarded-Host: a b/<c>\r\n", "10.0.0.1", "", ""},
	/* RFC 7239 4, 6 */
	{"Forwarded", "10.0.0.1",
	 "Forwarded: for=9.9.9.9;proto=http, For=1.1.1.1 ;host=\"shop.example:1\";proto=https, for=10.0.0.2"
	 ";proto=http;host=inner\r\n",
	 "1.1.1.1", "https", "shop.example:1"},
	{"Forwarded, IPv6 and port", "fd00::1", "Forwarded: for=\"[2001:db8::1]:4711\"\r\n",
	 "2001:db8::1", "", ""},
	{"Forwarded, hidden", "10.0.0.1", "Forwarded: for=9.9.9.9, for=_hidden, for=10.0.0.2\r\n",
	 "10.0.0.2", "", ""},
	{"Forwarded, unknown", "10.0.0.1", "Forwarded: for=9.9.9.9, for=unknown\r\n", "10.0.0.1",
	 "", ""},
	{"Forwarded, no for", "10.0.0.1", "Forwarded: for=9.9.9.9, by=1.1.1.1\r\n", "10.0.0.1", "",
	 ""},
	{"Forwarded, comma in quotes", "10.0.0.1",
	 "Forwarded: for=1.1.1.1;x=\"a, for=9.9.9.9\"\r\n", "1.1.1.1", "", ""},
	{"Forwarded, semicolon in quotes", "10.0.0.1",
	 "Forwarded: x=\";for=9.9.9.9\";for=1.1.1.1\r\n", "1.1.1.1", "", ""},
	{"Forwarded, open quote swallows nothing", "10.0.0.1",
	 "Forwarded: for=\"9.9.9.9, for=1.1.1.1\r\n", "1.1.1.1", "", ""},
	{"Forwarded, open quote and quotes behind", "10.0.0.1",
	 "Forwarded: for=\"9.9.9.9\\, for=\"[2001:db8::1]\"\r\n", "2001:db8::1", "", ""},
	{"X-Forwarded-For wins", "10.0.0.1",
	 "Forwarded: for=9.9.9.9\r\nX-Forwarded-For: 1.1.1.1\r\n", "1.1.1.1", "", ""},
	{"unix socket", "unix", "X-Forwarded-For: 9.9.9.9, 1.1.1.1\r\n", "1.1.1.1", "", ""},
	{"unix socket, no fields", "unix", "", "", "", ""},
};

static void check_client(const struct client_row *row, const struct forwarded_trust *trust)
{
	static struct head h;
	struct forwarded_peer p = peer_of(row->peer, trust);
	struct forwarded_client c;
	char text[IP_TEXT + 1];

	forwarded_client(&p, trust, parse_head(&h, HTTP_REQUEST, row->lines), &c);
	text[ip_text(&c.ip, text)] = '\0';
	if (strcmp(text, row->client) != 0 || !str_eq(c.proto, str_c(row->proto)) ||
	    !str_eq(c.host, str_c(row->host)))
		fail_msg("%s: \"%s\" proto \"%.*s\" host \"%.*s\"", row->why, text,
			 STR_ARG(c.proto), STR_ARG(c.host));
}

static void clients(void **state)
{
	struct forwarded_trust trust = {.proxies = proxies, .unix_peers = true};

	(void)state;
	for (size_t i = 0; i < COUNTOF(client_rows); i++)
		check_client(&client_rows[i], &trust);
}

static void nobody_trusted(void **state)
{
	static const struct client_row rows[] = {
		{"no list", "10.0.0.1", "X-Forwarded-For: 1.1.1.1\r\n", "10.0.0.1", "", ""},
		{"unix not trusted", "unix", "X-Forwarded-For: 1.1.1.1\r\n", "", "", ""},
	};
	struct forwarded_trust trust = {.proxies = NULL};

	(void)state;
	for (size_t i = 0; i < COUNTOF(rows); i++)
		check_client(&rows[i], &trust);
}

/* More elements than are looked at: the walk ends, the rest is not believed. */
static void long_chain(void **state)
{
	static struct head h;
	struct forwarded_trust trust = {.proxies = proxies};
	struct forwarded_peer p = peer_of("10.0.0.1", &trust);
	struct forwarded_client c;
	char lines[2048] = "X-Forwarded-For: 9.9.9.9", text[IP_TEXT + 1];

	(void)state;
	for (int i = 0; i < FORWARDED_MAX; i++)
		snprintf(lines + strlen(lines), sizeof(lines) - strlen(lines), ", 10.1.0.%d", i);
	strcat(lines, "\r\n");
	forwarded_client(&p, &trust, parse_head(&h, HTTP_REQUEST, lines), &c);
	text[ip_text(&c.ip, text)] = '\0';
	assert_string_equal(text, "10.1.0.0");
}

struct write_row {
	const char *why, *peer, *lines, *scheme, *host, *out;
};

static const struct write_row write_rows[] = {
	{"a client of our own", "1.1.1.1", "X-Forwarded-For: 9.9.9.9\r\nForwarded: for=9.9.9.9\r\n",
	 "http", "shop.example",
	 "X-Forwarded-For: 1.1.1.1\r\nX-Forwarded-Proto: http\r\nX-Forwarded-Host: shop.example\r\n"
	 "Forwarded: for=1.1.1.1;host=shop.example;proto=http\r\n"},
	{"IPv6 and a port are quoted (RFC 7239 6)", "2001:db8::1", "", "https", "h:81",
	 "X-Forwarded-For: 2001:db8::1\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: h:81\r\n"
	 "Forwarded: for=\"[2001:db8::1]\";host=\"h:81\";proto=https\r\n"},
	{"no host", "1.1.1.1", "", "http", "",
	 "X-Forwarded-For: 1.1.1.1\r\nX-Forwarded-Proto: http\r\nForwarded: for=1.1.1.1;proto=http\r\n"},
	{"both continued", "10.0.0.1",
	 "X-Forwarded-For: 9.9.9.9\r\nX-Forwarded-For: 1.1.1.1\r\nX-Forwarded-Proto: https\r\n"
	 "Forwarded: for=1.1.1.1\r\n",
	 "http", "inner",
	 "X-Forwarded-For: 9.9.9.9, 1.1.1.1, 10.0.0.1\r\nX-Forwarded-Proto: https\r\n"
	 "X-Forwarded-Host: inner\r\nForwarded: for=1.1.1.1, for=10.0.0.1;host=inner;proto=http\r\n"},
	/* RFC 7239 7.4 */
	{"Forwarded made from the others", "10.0.0.1",
	 "X-Forwarded-For: 2001:db8::1, junk\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: shop\r\n",
	 "http", "inner",
	 "X-Forwarded-For: 2001:db8::1, junk, 10.0.0.1\r\nX-Forwarded-Proto: https\r\n"
	 "X-Forwarded-Host: shop\r\nForwarded: for=\"[2001:db8::1]\";host=shop;proto=https, for=unknown, "
	 "for=10.0.0.1;host=inner;proto=http\r\n"},
	{"the others made from Forwarded", "10.0.0.1",
	 "Forwarded: for=_x, for=\"[2001:db8::1]:5\";proto=https\r\n", "http", "inner",
	 "X-Forwarded-For: unknown, 2001:db8::1, 10.0.0.1\r\nX-Forwarded-Proto: https\r\n"
	 "X-Forwarded-Host: inner\r\nForwarded: for=_x, for=\"[2001:db8::1]:5\";proto=https, "
	 "for=10.0.0.1;host=inner;proto=http\r\n"},
	{"an open quote is not continued", "10.0.0.1", "Forwarded: for=\"1.1.1.1\r\n", "http", "h",
	 "X-Forwarded-For: unknown, 10.0.0.1\r\nX-Forwarded-Proto: http\r\nX-Forwarded-Host: h\r\n"
	 "Forwarded: for=10.0.0.1;host=h;proto=http\r\n"},
	{"unix socket", "unix", "", "http", "h",
	 "X-Forwarded-Proto: http\r\nX-Forwarded-Host: h\r\n"
	 "Forwarded: for=unknown;host=h;proto=http\r\n"},
	{"unix socket continues", "unix", "X-Forwarded-For: 1.1.1.1\r\n", "http", "h",
	 "X-Forwarded-For: 1.1.1.1\r\nX-Forwarded-Proto: http\r\nX-Forwarded-Host: h\r\n"
	 "Forwarded: for=1.1.1.1, for=unknown;host=h;proto=http\r\n"},
};

static void lines(void **state)
{
	static struct head h;
	struct forwarded_trust trust = {.proxies = proxies, .unix_peers = true};

	(void)state;
	for (size_t i = 0; i < COUNTOF(write_rows); i++) {
		const struct write_row *row = &write_rows[i];
		struct http_msg *m = parse_head(&h, HTTP_REQUEST, row->lines);
		struct forwarded_peer p = peer_of(row->peer, &trust);
		struct forwarded_client c;
		struct forwarded_out o = {&p, &c, str_c(row->scheme), str_c(row->host), NULL};
		char out[1024];
		struct http_writer w;
		forwarded_client(&p, &trust, m, &c);
		http_write_init(&w, out, sizeof(out) - 1);
		forwarded_write(&w, m, &o);
		assert_false(w.overflow);
		*w.at = '\0';
		if (strcmp(out, row->out) != 0)
			fail_msg("%s:\n%s", row->why, out);
	}
}

static void operator_replaces(void **state)
{
	static struct head h;
	struct headers_op list[] = {
		{HEADERS_REMOVE, STR("Forwarded"), STR(""), 0},
		{HEADERS_SET, STR("X-Forwarded-Host"), STR("x"), 0},
		{HEADERS_REMOVE, STR("X-Forwarded-For"), STR(""), 0},
	};
	struct headers_ops ops;
	struct forwarded_trust trust = {.proxies = NULL};
	struct forwarded_peer p = peer_of("1.1.1.1", &trust);
	struct forwarded_client c;
	struct forwarded_out o = {&p, &c, STR("http"), STR("h"), &ops};
	char out[256];
	struct http_writer w;

	(void)state;
	assert_int_equal(headers_ops_init(&ops, list, COUNTOF(list), NULL), 0);
	struct http_msg *m = parse_head(&h, HTTP_REQUEST, "");
	forwarded_client(&p, &trust, m, &c);
	http_write_init(&w, out, sizeof(out) - 1);
	forwarded_write(&w, m, &o);
	*w.at = '\0';
	assert_string_equal(out, "X-Forwarded-Proto: http\r\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(clients),	     cmocka_unit_test(nobody_trusted),
		cmocka_unit_test(long_chain),	     cmocka_unit_test(lines),
		cmocka_unit_test(operator_replaces),
	};

	return cmocka_run_group_tests_name("policy/forwarded", tests, make_proxies, free_proxies);
}
