/* SPDX-License-Identifier: BSD-2-Clause */
#include "conf/address.h"

#include <arpa/inet.h>
#include <stdio.h>

#include "base/err.h"

#define HOW "write host:port, [v6]:port or unix:/path"

static bool is_v6(struct str s)
{
	char text[INET6_ADDRSTRLEN];
	struct in6_addr ignored;

	return s.n < sizeof(text) &&
	       inet_pton(AF_INET6, str_copy(text, sizeof(text), s), &ignored) == 1;
}

static bool is_v4(struct str s)
{
	char text[INET_ADDRSTRLEN];
	struct in_addr ignored;

	return s.n < sizeof(text) &&
	       inet_pton(AF_INET, str_copy(text, sizeof(text), s), &ignored) == 1;
}

/* Only digits and points: meant as a v4 address. */
static bool looks_v4(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!ascii_digit(s.p[i]) && s.p[i] != '.')
			return false;
	return s.n > 0;
}

static bool label_check(struct str label, struct why *why)
{
	if (label.n == 0)
		return why_set(why, "has an empty part between two points");
	if (label.n > 63)
		return why_set(why, "has a part of more than 63 characters");
	if (label.p[0] == '-' || label.p[label.n - 1] == '-')
		return why_set(why, "has a part that begins or ends with -");
	for (size_t i = 0; i < label.n; i++) {
		char c = ascii_lower(label.p[i]);
		if ((uint8_t)c >= 0x80)
			return why_set(why, "is not ASCII; write an international name as xn--...");
		if (!(c >= 'a' && c <= 'z') && !ascii_digit(c) && c != '-' && c != '_')
			return why_set(why, "has a character that no host name has");
	}
	return true;
}

bool host_check(struct str s, struct why *why)
{
	struct str rest = s, label;

	if (s.n == 0)
		return why_set(why, "has no host");
	if (s.n > HOST_MAX)
		return why_set(why, "is too long for a host name; 253 characters are allowed");
	if (looks_v4(s))
		return is_v4(s) ? true
				: why_set(why, "is not an IPv4 address; write four numbers "
					       "from 0 to 255");
	if (s.p[s.n - 1] == '.')
		return why_set(why, "ends with a point; leave it out");
	while (str_next(&rest, '.', &label))
		if (!label_check(label, why))
			return false;
	return true;
}

static bool bracketed(struct str s)
{
	return s.n > 2 && s.p[0] == '[' && s.p[s.n - 1] == ']';
}

bool host_pattern_check(struct str s, struct why *why)
{
	if (bracketed(s))
		return is_v6(str_of(s.p + 1, s.n - 2)) ? true
						       : why_set(why, "is not an IPv6 address");
	if (str_eq(s, STR("*")))
		return why_set(why, "is not needed; leave host out to match every host");
	if (str_starts(s, STR("*.")))
		return host_check(str_of(s.p + 2, s.n - 2), why);
	if (s.n && memchr(s.p, '*', s.n))
		return why_set(why, "may have * only as the whole first part: *.example");
	if (s.n && memchr(s.p, ':', s.n))
		return why_set(why, "must not have a port; hosts are compared without");
	return host_check(s, why);
}

static bool port_parse(struct str s, uint16_t *out, struct why *why)
{
	uint64_t port;

	if (s.n == 0)
		return why_set(why, "has no port; " HOW);
	if (str_u64(s, &port) || port < 1 || port > 65535)
		return why_set(why, "has a bad port; ports are 1 to 65535");
	*out = (uint16_t)port;
	return true;
}

/* Splits "[v6]:port". */
static bool split_brackets(struct str s, struct str *out_host, struct str *out_port,
			   struct why *why)
{
	ssize_t close = str_find(s, ']');

	if (close < 0)
		return why_set(why, "has no closing ]; " HOW);
	*out_host = str_of(s.p + 1, (size_t)close - 1);
	struct str rest = str_of(s.p + close + 1, s.n - (size_t)close - 1);
	if (!is_v6(*out_host))
		return why_set(why, "has no IPv6 address in its brackets");
	if (rest.n == 0 || rest.p[0] != ':')
		return why_set(why, "has no port; " HOW);
	*out_port = str_of(rest.p + 1, rest.n - 1);
	return true;
}

/* Splits "host:port". */
static bool split_colon(struct str s, struct str *out_host, struct str *out_port, struct why *why)
{
	ssize_t colon = str_find(s, ':');

	if (is_v6(s) ||
	    (colon >= 0 && str_find(str_of(s.p + colon + 1, s.n - (size_t)colon - 1), ':') >= 0))
		return why_set(why, "looks like IPv6; write [address]:port");
	if (colon < 0)
		return looks_v4(s) && str_find(s, '.') < 0
			       ? why_set(why, "has no host; write 127.0.0.1:%.*s or 0.0.0.0:%.*s",
					 (int)MIN(s.n, (size_t)5), s.p, (int)MIN(s.n, (size_t)5),
					 s.p)
			       : why_set(why, "has no port; " HOW);
	*out_host = str_of(s.p, (size_t)colon);
	*out_port = str_of(s.p + colon + 1, s.n - (size_t)colon - 1);
	if (out_host->n == 0 || str_eq(*out_host, STR("*")))
		return why_set(why, "has no host; write 0.0.0.0 or [::] for every address");
	return host_check(*out_host, why);
}

static const char *lower(struct arena *a, struct str s)
{
	struct str copy = arena_str(a, s);

	for (size_t i = 0; copy.p && i < copy.n; i++)
		((char *)copy.p)[i] = ascii_lower(copy.p[i]);
	return copy.p;
}

static bool unix_parse(struct arena *a, struct str path, struct conf_address *out, struct why *why)
{
	if (!socket_path_check(path, why))
		return false;
	out->kind = CONF_ADDR_UNIX;
	out->path = arena_str(a, path).p;
	if (!out->path)
		out->text = NULL;
	return true;
}

bool address_parse(struct arena *a, struct str s, struct conf_address *out, struct why *why)
{
	struct str host = STR_NONE, port = STR_NONE;
	struct conf_address parsed = {.kind = CONF_ADDR_INET, .text = arena_str(a, s).p};

	if (s.n == 0)
		return why_set(why, "is empty; " HOW);
	if (str_find(s, '/') >= 0 && str_find(s, ':') >= 0 && !str_starts(s, STR("unix:")))
		return why_set(why, "is a URL; " HOW);
	if (s.p[0] == '/')
		return why_set(why, "is a path; write unix:/path");
	if (str_starts(s, STR("unix:"))) {
		if (!unix_parse(a, str_of(s.p + 5, s.n - 5), &parsed, why))
			return false;
		*out = parsed;
		return true;
	}
	if (!(s.p[0] == '[' ? split_brackets : split_colon)(s, &host, &port, why))
		return false;
	if (!port_parse(port, &parsed.port, why))
		return false;
	parsed.host = lower(a, host);
	if (!parsed.host)
		parsed.text = NULL;
	*out = parsed;
	return true;
}

bool socket_path_check(struct str s, struct why *why)
{
	if (s.n == 0 || s.p[0] != '/')
		return why_set(why, "must be an absolute path: /...");
	if (s.n > SOCKET_PATH_MAX)
		return why_set(why, "is too long for a socket; 107 bytes are allowed");
	if (memchr(s.p, 0, s.n))
		return why_set(why, "has a NUL byte");
	return true;
}

bool authority_check(struct str s, struct why *why)
{
	uint16_t port;
	struct str host = s, rest = STR_NONE;

	if (s.n && s.p[0] == '[') {
		ssize_t close = str_find(s, ']');
		size_t n = close < 0 ? s.n : (size_t)close + 1;
		host = str_of(s.p, n);
		rest = str_of(s.p + n, s.n - n);
	} else if (str_find(s, ':') >= 0) {
		size_t n = (size_t)str_find(s, ':');
		host = str_of(s.p, n);
		rest = str_of(s.p + n, s.n - n);
	}
	if (s.n && memchr(s.p, '*', s.n))
		return why_set(why, "must be one host, without *");
	if (!host_pattern_check(host, why))
		return false;
	if (rest.n && rest.p[0] != ':')
		return why_set(why, "has something behind ]");
	return rest.n == 0 || port_parse(str_of(rest.p + 1, rest.n - 1), &port, why);
}

/* Clears the bits beyond the prefix; true if none was set. */
static bool mask(uint8_t *addr, unsigned bytes, unsigned bits)
{
	bool clean = true;

	for (unsigned i = 0; i < bytes; i++) {
		unsigned kept = bits >= 8 * (i + 1) ? 8 : bits > 8 * i ? bits - 8 * i : 0;
		uint8_t masked = (uint8_t)(addr[i] & (0xff00u >> kept));
		clean = clean && masked == addr[i];
		addr[i] = masked;
	}
	return clean;
}

/* ::ffff:a.b.c.d means the v4 address: that is how the kernel shows it on a v6 socket. */
static void unmap(struct conf_cidr *c)
{
	static const uint8_t prefix[12] = {[10] = 0xff, [11] = 0xff};

	if (c->family != 6 || c->bits < 96 || memcmp(c->addr, prefix, 12) != 0)
		return;
	memmove(c->addr, c->addr + 12, 4);
	memset(c->addr + 4, 0, 12);
	c->family = 4;
	c->bits = (uint8_t)(c->bits - 96);
}

bool cidr_parse(struct str s, struct conf_cidr *out, struct why *why)
{
	char text[INET6_ADDRSTRLEN];
	struct conf_cidr c = {0};
	ssize_t slash = str_find(s, '/');
	struct str addr = slash < 0 ? s : str_of(s.p, (size_t)slash);
	uint64_t bits;

	if (addr.n < sizeof(text) && addr.n > 0) {
		str_copy(text, sizeof(text), addr);
		c.family = inet_pton(AF_INET, text, c.addr) == 1    ? 4
			   : inet_pton(AF_INET6, text, c.addr) == 1 ? 6
								    : 0;
	}
	if (!c.family)
		return why_set(why, "is not a network; write one as 10.0.0.0/8 or 2001:db8::/32");
	const unsigned most = c.family == 4 ? 32 : 128;
	bits = most;
	if (slash >= 0 &&
	    (str_u64(str_of(s.p + slash + 1, s.n - (size_t)slash - 1), &bits) || bits > most))
		return why_set(why, "has a bad length; 0 to %u is allowed behind the /", most);
	c.bits = (uint8_t)bits;
	if (!mask(c.addr, most / 8, c.bits)) {
		struct buf fixed = BUF_INIT;
		cidr_print(&fixed, &c);
		why_set(why, "has bits set beyond its length; did you mean %.*s?",
			STR_ARG(buf_slice(&fixed)));
		buf_fini(&fixed);
		return false;
	}
	unmap(&c);
	*out = c;
	return true;
}

void cidr_print(struct buf *out, const struct conf_cidr *c)
{
	char text[INET6_ADDRSTRLEN] = "";

	inet_ntop(c->family == 4 ? AF_INET : AF_INET6, c->addr, text, sizeof(text));
	buf_printf(out, "%s/%u", text, c->bits);
}
