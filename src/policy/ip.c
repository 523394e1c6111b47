/* SPDX-License-Identifier: BSD-2-Clause */
#include "policy/ip.h"

#include <arpa/inet.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/err.h"

/* The first 12 bytes of ::ffff:0:0/96 (RFC 4291 2.5.5.2). */
static const uint8_t mapped_prefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};

struct ip_addr ip_from_bytes(unsigned family, const void *bytes)
{
	struct ip_addr ip = {.family = 0};

	if (family == 6 && memcmp(bytes, mapped_prefix, sizeof(mapped_prefix)) == 0) {
		ip.family = 4;
		memcpy(ip.addr, (const uint8_t *)bytes + 12, 4);
	} else if (family == 4 || family == 6) {
		ip.family = (uint8_t)family;
		memcpy(ip.addr, bytes, family == 4 ? 4 : 16);
	}
	return ip;
}

int ip_parse(struct str text, struct ip_addr *out_ip)
{
	char copy[IP_TEXT];
	uint8_t bytes[16];

	if (text.n == 0 || text.n >= sizeof(copy) || memchr(text.p, '\0', text.n))
		return ERR_SYNTAX;
	str_copy(copy, sizeof(copy), text);
	unsigned family = str_find(text, ':') >= 0 ? 6 : 4;
	if (inet_pton(family == 6 ? AF_INET6 : AF_INET, copy, bytes) != 1)
		return ERR_SYNTAX;
	*out_ip = ip_from_bytes(family, bytes);
	return 0;
}

static bool is_port(struct str s)
{
	uint64_t port;

	return s.n <= 5 && str_u64(s, &port) == 0 && port >= 1 && port <= 65535;
}

int ip_parse_node(struct str text, struct ip_addr *out_ip)
{
	struct str host = text, port = STR_NONE;
	ssize_t at;

	if (text.n && text.p[0] == '[') {
		at = str_find(text, ']');
		if (at < 0)
			return ERR_SYNTAX;
		host = str_of(text.p + 1, (size_t)at - 1);
		port = str_of(text.p + at + 1, text.n - (size_t)at - 1);
		if (str_find(host, ':') < 0)
			return ERR_SYNTAX;
	} else if ((at = str_find(text, ':')) >= 0 &&
		   str_find(str_of(text.p + at + 1, text.n - (size_t)at - 1), ':') < 0) {
		/* exactly one colon: an IPv4 address and its port */
		host = str_of(text.p, (size_t)at);
		port = str_of(text.p + at, text.n - (size_t)at);
	}
	if (port.n && (port.p[0] != ':' || !is_port(str_of(port.p + 1, port.n - 1))))
		return ERR_SYNTAX;
	return ip_parse(host, out_ip);
}

static size_t v4_text(const uint8_t *addr, char *out)
{
	char *at = out;

	for (int i = 0; i < 4; i++) {
		unsigned v = addr[i];
		if (i)
			*at++ = '.';
		if (v >= 100)
			*at++ = (char)('0' + v / 100);
		if (v >= 10)
			*at++ = (char)('0' + v / 10 % 10);
		*at++ = (char)('0' + v % 10);
	}
	return (size_t)(at - out);
}

size_t ip_text(const struct ip_addr *ip, char out[IP_TEXT])
{
	if (ip->family == 4)
		return v4_text(ip->addr, out);
	if (ip->family == 6 && inet_ntop(AF_INET6, ip->addr, out, IP_TEXT))
		return strlen(out);
	return 0;
}

bool ip_eq(const struct ip_addr *a, const struct ip_addr *b)
{
	return a->family == b->family && memcmp(a->addr, b->addr, sizeof(a->addr)) == 0;
}

/*
 * Sets. Each family is an array of ranges that do not overlap, sorted, so that a binary search
 * finds the only one that can hold an address.
 */

struct ip_range {
	uint8_t first[16], last[16]; /* v4 in the first four, the rest zero */
};

struct cidr_set {
	size_t n4, n6;		  /* ranges per family */
	struct ip_range *v4, *v6; /* into <ranges> */
	struct ip_range ranges[]; /* v4, then v6 */
};

static struct ip_range range_of(const uint8_t *addr, unsigned bits, unsigned bytes)
{
	struct ip_range r = {{0}, {0}};

	for (unsigned i = 0; i < bytes; i++) {
		unsigned fixed = bits > i * 8 ? MIN(bits - i * 8, 8U) : 0;
		uint8_t mask = (uint8_t)(0xFF00 >> fixed);
		r.first[i] = addr[i] & mask;
		r.last[i] = (uint8_t)(addr[i] | ~mask);
	}
	return r;
}

static int by_first(const void *a, const void *b)
{
	return memcmp(((const struct ip_range *)a)->first, ((const struct ip_range *)b)->first, 16);
}

/* Sorts, and joins ranges of which one holds the other (two networks never overlap partly). */
static size_t tidy(struct ip_range *r, size_t n)
{
	size_t kept = 0;

	if (n == 0)
		return 0;
	qsort(r, n, sizeof(*r), by_first);
	for (size_t i = 1; i < n; i++) {
		if (memcmp(r[i].first, r[kept].last, 16) > 0)
			r[++kept] = r[i];
		else if (memcmp(r[i].last, r[kept].last, 16) > 0)
			memcpy(r[kept].last, r[i].last, 16);
	}
	return kept + 1;
}

/* The family a network counts for: ::ffff:a.b.c.d/96+x is IPv4; 0 if it is impossible. */
static unsigned effective_family(const struct cidr *c)
{
	if (c->family == 4)
		return c->bits <= 32 ? 4 : 0;
	if (c->family != 6 || c->bits > 128)
		return 0;
	return c->bits >= 96 && memcmp(c->addr, mapped_prefix, 12) == 0 ? 4 : 6;
}

int cidr_set_new(const struct cidr *list, size_t n, struct cidr_set **out_set)
{
	size_t n4 = 0, i4 = 0, i6 = 0;

	for (size_t i = 0; i < n; i++) {
		unsigned family = effective_family(&list[i]);
		if (!family)
			return ERR_RANGE;
		n4 += family == 4;
	}
	struct cidr_set *set = calloc(1, sizeof(*set) + n * sizeof(set->ranges[0]));
	if (!set)
		return ERR_NOMEM;
	set->v4 = set->ranges;
	set->v6 = set->ranges + n4;
	for (size_t i = 0; i < n; i++) {
		const struct cidr *c = &list[i];
		if (effective_family(c) == 6)
			set->v6[i6++] = range_of(c->addr, c->bits, 16);
		else if (c->family == 6)
			set->v4[i4++] = range_of(c->addr + 12, c->bits - 96U, 4);
		else
			set->v4[i4++] = range_of(c->addr, c->bits, 4);
	}
	set->n4 = tidy(set->v4, i4);
	set->n6 = tidy(set->v6, i6);
	*out_set = set;
	return 0;
}

void cidr_set_free(struct cidr_set **set)
{
	free(*set);
	*set = NULL;
}

static bool ranges_have(const struct ip_range *r, size_t n, const uint8_t *addr)
{
	size_t low = 0, high = n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (memcmp(r[middle].first, addr, 16) <= 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low > 0 && memcmp(addr, r[low - 1].last, 16) <= 0;
}

bool cidr_set_has(const struct cidr_set *set, const struct ip_addr *ip)
{
	if (!set)
		return false;
	if (ip->family == 4)
		return ranges_have(set->v4, set->n4, ip->addr);
	return ip->family == 6 && ranges_have(set->v6, set->n6, ip->addr);
}

bool cidr_set_empty(const struct cidr_set *set)
{
	return !set || set->n4 + set->n6 == 0;
}
