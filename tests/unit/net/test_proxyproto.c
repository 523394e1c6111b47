/* SPDX-License-Identifier: BSD-2-Clause */
/* The PROXY protocol, versions 1 and 2; the numbers are sections of its specification. */
#include "net/proxyproto.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

struct row {
	const char *why;
	const char *in;
	size_t n;
	enum proxyproto_rc want;
	size_t used;
	const char *source, *destination; /* NULL: none */
};

#define IN(text) "" text, sizeof(text) - 1
#define SIGNATURE "\r\n\r\n\0\r\nQUIT\n"
#define LINE107                                                                                     \
	"PROXY UNKNOWN ffff:f....f:ffff ffff:f...f:ffff 65535 65535 .............................." \
	"................\r\n"
#define REST "GET / HTTP/1.1\r\n"

static const struct row rows[] = {
	/* 2.1 */
	{"TCP4", IN("PROXY TCP4 1.2.3.4 5.6.7.8 4711 80\r\n" REST), PROXYPROTO_DONE, 36,
	 "1.2.3.4:4711", "5.6.7.8:80"},
	{"TCP6", IN("PROXY TCP6 2001:db8::1 ::1 65535 0\r\n"), PROXYPROTO_DONE, 36,
	 "[2001:db8::1]:65535", "[::1]:0"},
	{"UNKNOWN alone", IN("PROXY UNKNOWN\r\n"), PROXYPROTO_DONE, 15, NULL, NULL},
	{"UNKNOWN and something", IN("PROXY UNKNOWN a  b\r\n"), PROXYPROTO_DONE, 20, NULL, NULL},
	{"107 bytes", IN(LINE107), PROXYPROTO_DONE, 107, NULL, NULL},
	{"108 bytes", IN("PROXY UNKNOWN " LINE107), PROXYPROTO_BAD, 0, NULL, NULL},
	{"nothing", "", 0, PROXYPROTO_MORE, 0, NULL, NULL},
	{"no CRLF yet", IN("PROXY TCP4 1.2.3.4 5.6.7.8 4711 80\r"), PROXYPROTO_MORE, 0, NULL, NULL},
	{"HTTP instead", IN("GET / HTTP/1.1\r\n"), PROXYPROTO_BAD, 0, NULL, NULL},
	{"its first byte", IN("G"), PROXYPROTO_BAD, 0, NULL, NULL},
	{"POST begins alike", IN("PO"), PROXYPROTO_BAD, 0, NULL, NULL},
	{"lower case", IN("proxy TCP4 1.2.3.4 5.6.7.8 1 2\r\n"), PROXYPROTO_BAD, 0, NULL, NULL},
	{"bare LF", IN("PROXY TCP4 1.2.3.4 5.6.7.8 1 2\n"), PROXYPROTO_BAD, 0, NULL, NULL},
	{"CR and no LF", IN("PROXY TCP4 1.2.3.4 5.6.7.8 1 2\rX"), PROXYPROTO_BAD, 0, NULL, NULL},
	{"NUL", IN("PROXY UNKNOWN\0\r\n"), PROXYPROTO_BAD, 0, NULL, NULL},
	{"families mixed", IN("PROXY TCP4 ::1 ::1 1 2\r\n"), PROXYPROTO_BAD, 0, NULL, NULL},
	{"families mixed", IN("PROXY TCP6 1.2.3.4 5.6.7.8 1 2\r\n"), PROXYPROTO_BAD, 0, NULL, NULL},
	{"unknown family", IN("PROXY UDP4 1.2.3.4 5.6.7.8 1 2\r\n"), PROXYPROTO_BAD, 0, NULL, NULL},
	{"two spaces", IN("PROXY TCP4  1.2.3.4 5.6.7.8 1 2\r\n"), PROXYPROTO_BAD, 0, NULL, NULL},
	{"trailing space", IN("PROXY TCP4 1.2.3.4 5.6.7.8 1 2 \r\n"), PROXYPROTO_BAD, 0, NULL,
	 NULL},
	{"too few words", IN("PROXY TCP4 1.2.3.4 5.6.7.8 1\r\n"), PROXYPROTO_BAD, 0, NULL, NULL},
	{"no words", IN("PROXY \r\n"), PROXYPROTO_BAD, 0, NULL, NULL},
	{"port too large", IN("PROXY TCP4 1.2.3.4 5.6.7.8 65536 2\r\n"), PROXYPROTO_BAD, 0, NULL,
	 NULL},
	{"leading zero", IN("PROXY TCP4 1.2.3.4 5.6.7.8 01 2\r\n"), PROXYPROTO_BAD, 0, NULL, NULL},
	{"sign", IN("PROXY TCP4 1.2.3.4 5.6.7.8 +1 2\r\n"), PROXYPROTO_BAD, 0, NULL, NULL},
	{"bad address", IN("PROXY TCP4 1.2.3.256 5.6.7.8 1 2\r\n"), PROXYPROTO_BAD, 0, NULL, NULL},
	/* 2.2 */
	{"v2 TCP4", IN(SIGNATURE "\x21\x11\0\x0c\1\2\3\4\5\6\7\x08\x12\x67\0\x50" REST),
	 PROXYPROTO_DONE, 28, "1.2.3.4:4711", "5.6.7.8:80"},
	{"v2 TCP6",
	 IN(SIGNATURE "\x21\x21\0\x24\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1"
		      "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1\0\x50\1\xbb"),
	 PROXYPROTO_DONE, 52, "[2001:db8::1]:80", "[::1]:443"},
	{"v2 LOCAL", IN(SIGNATURE "\x20\0\0\0" REST), PROXYPROTO_DONE, 16, NULL, NULL},
	{"v2 LOCAL with something", IN(SIGNATURE "\x20\x11\0\2xy"), PROXYPROTO_DONE, 18, NULL,
	 NULL},
	{"v2 UNSPEC", IN(SIGNATURE "\x21\0\0\3abc"), PROXYPROTO_DONE, 19, NULL, NULL},
	{"v2 extensions",
	 IN(SIGNATURE "\x21\x11\0\x13\1\2\3\4\5\6\7\x08\x12\x67\0\x50\4\0\0\1\0\1x"),
	 PROXYPROTO_DONE, 35, "1.2.3.4:4711", "5.6.7.8:80"},
	{"v2 extension too long",
	 IN(SIGNATURE "\x21\x11\0\x10\1\2\3\4\5\6\7\x08\x12\x67\0\x50\4\0\2x"), PROXYPROTO_BAD, 0,
	 NULL, NULL},
	{"v2 half an extension", IN(SIGNATURE "\x21\x11\0\x0e\1\2\3\4\5\6\7\x08\x12\x67\0\x50\4\0"),
	 PROXYPROTO_BAD, 0, NULL, NULL},
	{"v2 addresses cut off", IN(SIGNATURE "\x21\x11\0\x0b\1\2\3\4\5\6\7\x08\x12\x67\0"),
	 PROXYPROTO_BAD, 0, NULL, NULL},
	{"v2 datagrams", IN(SIGNATURE "\x21\x12\0\x0c\1\2\3\4\5\6\7\x08\x12\x67\0\x50"),
	 PROXYPROTO_BAD, 0, NULL, NULL},
	{"v2 unknown family", IN(SIGNATURE "\x21\x41\0\0"), PROXYPROTO_BAD, 0, NULL, NULL},
	{"v2 unknown command", IN(SIGNATURE "\x22"), PROXYPROTO_BAD, 0, NULL, NULL},
	{"version 1 in binary", IN(SIGNATURE "\x11"), PROXYPROTO_BAD, 0, NULL, NULL},
	{"v2 too large", IN(SIGNATURE "\x20\0\x08\1"), PROXYPROTO_BAD, 0, NULL, NULL},
	{"v2 as large as may be", IN(SIGNATURE "\x20\0\x08\0"), PROXYPROTO_MORE, 0, NULL, NULL},
	{"v2 signature broken", IN("\r\n\r\n\0\r\nQUIX"), PROXYPROTO_BAD, 0, NULL, NULL},
	{"empty lines before HTTP", IN("\r\nG"), PROXYPROTO_BAD, 0, NULL, NULL},
};

static void check_address(const struct row *row, const struct sock_addr *got, const char *want)
{
	char text[SOCK_TEXT];

	if (strcmp(sock_addr_text(got, text), want) != 0)
		fail_msg("%s: %s, not %s", row->why, text, want);
}

static void check_row(const struct row *row)
{
	struct proxyproto pp;
	/* a copy of exactly that size: a sanitizer sees one byte too far */
	char *copy = malloc(row->n ? row->n : 1);

	if (row->n)
		memcpy(copy, row->in, row->n);
	enum proxyproto_rc rc = proxyproto_parse(copy, row->n, &pp);
	free(copy);
	if (rc != row->want)
		fail_msg("%s: %d", row->why, rc);
	if (rc != PROXYPROTO_DONE)
		return;
	if (pp.used != row->used || pp.has_addresses != (row->source != NULL))
		fail_msg("%s: used %zu, addresses %d", row->why, pp.used, pp.has_addresses);
	if (row->source) {
		check_address(row, &pp.source, row->source);
		check_address(row, &pp.destination, row->destination);
	}
}

static void table(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNTOF(rows); i++)
		check_row(&rows[i]);
}

/* Every prefix of a good header wants more, and nothing is done before its last byte. */
static void every_split(void **state)
{
	struct proxyproto pp;

	(void)state;
	for (size_t i = 0; i < COUNTOF(rows); i++) {
		if (rows[i].want != PROXYPROTO_DONE)
			continue;
		for (size_t n = 0; n < rows[i].used; n++)
			if (proxyproto_parse(rows[i].in, n, &pp) != PROXYPROTO_MORE)
				fail_msg("%s: %zu bytes", rows[i].why, n);
		assert_int_equal(proxyproto_parse(rows[i].in, rows[i].used, &pp), PROXYPROTO_DONE);
	}
}

/* 2.2, addresses of unix sockets. */
static void unix_paths(void **state)
{
	char in[16 + 216] = SIGNATURE "\x21\x31";
	struct proxyproto pp;
	char text[SOCK_TEXT];

	(void)state;
	in[15] = (char)216;
	strcpy(in + 16, "/run/a");
	assert_int_equal(proxyproto_parse(in, sizeof(in), &pp), PROXYPROTO_DONE);
	assert_string_equal(sock_addr_text(&pp.source, text), "unix:/run/a");
	assert_string_equal(sock_addr_text(&pp.destination, text), "unix:");
	memset(in + 16, 'x', 108);
	assert_int_equal(proxyproto_parse(in, sizeof(in), &pp), PROXYPROTO_BAD);
	in[16 + 107] = '\0';
	assert_int_equal(proxyproto_parse(in, sizeof(in), &pp), PROXYPROTO_DONE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(table),
		cmocka_unit_test(every_split),
		cmocka_unit_test(unix_paths),
	};

	return cmocka_run_group_tests_name("net/proxyproto", tests, NULL, NULL);
}
