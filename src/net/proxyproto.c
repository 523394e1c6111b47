/* SPDX-License-Identifier: BSD-2-Clause */
#include "net/proxyproto.h"

#include <arpa/inet.h>

#include "base/err.h"

/* Version 1: one line of text. */

static const char v1_start[6] = "PROXY ";

/* The next word; words are separated by exactly one space. */
static bool next_word(struct str *rest, struct str *out_word)
{
	return str_next(rest, ' ', out_word) && out_word->n > 0;
}

/* Decimal without a leading zero, 0..65535. */
static int parse_port(struct str s, uint16_t *out_port)
{
	uint64_t port;

	if (s.n == 0 || s.n > 5 || (s.p[0] == '0' && s.n > 1) || str_u64(s, &port) || port > 65535)
		return ERR_SYNTAX;
	*out_port = (uint16_t)port;
	return 0;
}

static int parse_text_addr(struct str host, struct str port_text, bool v6, struct sock_addr *out)
{
	char copy[INET6_ADDRSTRLEN];
	uint16_t port;

	if (host.n >= sizeof(copy) || (str_find(host, ':') >= 0) != v6)
		return ERR_SYNTAX;
	if (parse_port(port_text, &port))
		return ERR_SYNTAX;
	return sock_addr_inet(out, str_copy(copy, sizeof(copy), host), port);
}

/* What stands behind "PROXY ", without CRLF. */
static int parse_v1_line(struct str rest, struct proxyproto *out)
{
	struct str word[5];
	bool v6;

	if (!next_word(&rest, &word[0]))
		return ERR_SYNTAX;
	if (str_eq(word[0], STR("UNKNOWN")))
		return 0; /* what follows is to be ignored */
	v6 = str_eq(word[0], STR("TCP6"));
	if (!v6 && !str_eq(word[0], STR("TCP4")))
		return ERR_SYNTAX;
	for (int i = 1; i < 5; i++)
		if (!next_word(&rest, &word[i]))
			return ERR_SYNTAX;
	if (rest.p || parse_text_addr(word[1], word[3], v6, &out->source) ||
	    parse_text_addr(word[2], word[4], v6, &out->destination))
		return ERR_SYNTAX;
	out->has_addresses = true;
	return 0;
}

static enum proxyproto_rc parse_v1(const char *p, size_t n, struct proxyproto *out)
{
	size_t end = sizeof(v1_start);

	/* visible characters and spaces up to CRLF */
	while (end < n && end < PROXYPROTO_V1_MAX && p[end] >= ' ' && p[end] <= '~')
		end++;
	if (end + 2 > PROXYPROTO_V1_MAX)
		return PROXYPROTO_BAD;
	if (end == n)
		return PROXYPROTO_MORE;
	if (p[end] != '\r')
		return PROXYPROTO_BAD;
	if (end + 1 == n)
		return PROXYPROTO_MORE;
	if (p[end + 1] != '\n')
		return PROXYPROTO_BAD;
	out->version = 1;
	out->used = end + 2;
	struct str line = str_of(p + sizeof(v1_start), end - sizeof(v1_start));
	return parse_v1_line(line, out) ? PROXYPROTO_BAD : PROXYPROTO_DONE;
}

/* Version 2: 12 bytes of signature, version and command, family, length, addresses, extensions. */

static const char v2_start[12] = "\r\n\r\n\0\r\nQUIT\n";

enum {
	V2_HEAD = 16,
	V2_LOCAL = 0x20, /* version 2, the balancer's own connection */
	V2_PROXY = 0x21,
	V2_UNSPEC = 0x00,
	V2_TCP4 = 0x11,
	V2_TCP6 = 0x21,
	V2_UNIX = 0x31,
	V2_PATH = 108,
};

static unsigned get16(const char *p)
{
	return (unsigned)(uint8_t)p[0] << 8 | (uint8_t)p[1];
}

static void inet_from(struct sock_addr *out, const char *addr, const char *port)
{
	memset(out, 0, sizeof(*out));
	out->in.sin_family = AF_INET;
	memcpy(&out->in.sin_addr, addr, 4);
	memcpy(&out->in.sin_port, port, 2);
	out->n = sizeof(out->in);
}

static void inet6_from(struct sock_addr *out, const char *addr, const char *port)
{
	memset(out, 0, sizeof(*out));
	out->in6.sin6_family = AF_INET6;
	memcpy(&out->in6.sin6_addr, addr, 16);
	memcpy(&out->in6.sin6_port, port, 2);
	out->n = sizeof(out->in6);
}

/* A path, ended by NUL within its field; an unnamed socket has none. */
static int unix_from(struct sock_addr *out, const char *path)
{
	size_t n = strnlen(path, V2_PATH);

	if (n == V2_PATH)
		return ERR_SYNTAX;
	memset(out, 0, sizeof(*out));
	out->un.sun_family = AF_UNIX;
	memcpy(out->un.sun_path, path, n);
	out->n = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + (n ? n + 1 : 0));
	return 0;
}

/* Bytes that the addresses take, or 0 for a family that does not belong here. */
static size_t v2_address_bytes(uint8_t family)
{
	switch (family) {
	case V2_TCP4:
		return 2 * 4 + 2 * 2;
	case V2_TCP6:
		return 2 * 16 + 2 * 2;
	case V2_UNIX:
		return 2 * V2_PATH;
	default:
		return 0;
	}
}

static int v2_addresses(const char *p, uint8_t family, struct proxyproto *out)
{
	if (family == V2_UNIX) {
		if (unix_from(&out->source, p) || unix_from(&out->destination, p + V2_PATH))
			return ERR_SYNTAX;
	} else if (family == V2_TCP4) {
		inet_from(&out->source, p, p + 8);
		inet_from(&out->destination, p + 4, p + 10);
	} else {
		inet6_from(&out->source, p, p + 32);
		inet6_from(&out->destination, p + 16, p + 34);
	}
	out->has_addresses = true;
	return 0;
}

/* Extensions: type, 16 bits of length, value. They must fill the rest exactly. */
static bool extensions_fit(const char *p, size_t n)
{
	while (n >= 3) {
		size_t size = 3 + get16(p + 1);
		if (size > n)
			return false;
		p += size;
		n -= size;
	}
	return n == 0;
}

static int parse_v2_body(const char *p, size_t n, uint8_t family, struct proxyproto *out)
{
	size_t addresses = v2_address_bytes(family);

	if (family == V2_UNSPEC)
		return 0; /* what follows is to be ignored */
	if (!addresses || n < addresses || !extensions_fit(p + addresses, n - addresses))
		return ERR_SYNTAX;
	return v2_addresses(p, family, out);
}

static enum proxyproto_rc parse_v2(const char *p, size_t n, struct proxyproto *out)
{
	if (n > 12 && p[12] != V2_LOCAL && p[12] != V2_PROXY)
		return PROXYPROTO_BAD;
	if (n < V2_HEAD)
		return PROXYPROTO_MORE;
	size_t body = get16(p + 14);
	if (V2_HEAD + body > PROXYPROTO_V2_MAX)
		return PROXYPROTO_BAD;
	if (n < V2_HEAD + body)
		return PROXYPROTO_MORE;
	out->version = 2;
	out->used = V2_HEAD + body;
	if (p[12] == V2_LOCAL)
		return PROXYPROTO_DONE;
	return parse_v2_body(p + V2_HEAD, body, (uint8_t)p[13], out) ? PROXYPROTO_BAD
								     : PROXYPROTO_DONE;
}

static bool begins(const char *p, size_t n, const char *start, size_t start_n)
{
	return memcmp(p, start, MIN(n, start_n)) == 0;
}

enum proxyproto_rc proxyproto_parse(const void *p, size_t n, struct proxyproto *out)
{
	struct proxyproto parsed = {.used = 0};
	enum proxyproto_rc rc = PROXYPROTO_BAD;

	if (n == 0)
		return PROXYPROTO_MORE;
	if (begins(p, n, v1_start, sizeof(v1_start)))
		rc = n < sizeof(v1_start) ? PROXYPROTO_MORE : parse_v1(p, n, &parsed);
	else if (begins(p, n, v2_start, sizeof(v2_start)))
		rc = n < sizeof(v2_start) ? PROXYPROTO_MORE : parse_v2(p, n, &parsed);
	if (rc == PROXYPROTO_DONE)
		*out = parsed;
	return rc;
}
