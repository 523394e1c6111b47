/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * IP addresses as plain bytes, and sets of networks (CIDR). An IPv4-mapped IPv6 address
 * (::ffff:1.2.3.4) is the IPv4 address everywhere; the two families never match each other
 * otherwise ("::/0" does not mean IPv4). Pure.
 */
#ifndef POLICY_IP_H
#define POLICY_IP_H

#include "base/str.h"

struct ip_addr {
	uint8_t addr[16]; /* network order; v4 in the first four, the rest zero */
	uint8_t family;	  /* 4, 6, or 0: no address (unix socket, unknown) */
};

/* One network: the first <bits> of <addr> count. */
struct cidr {
	uint8_t family; /* 4 or 6 */
	uint8_t bits;	/* 0..32 or 0..128 */
	uint8_t addr[16];
};

struct cidr_set;

/* "1.2.3.4", "2001:db8::1" (no brackets, no zone); ERR_SYNTAX. Mapped v4 becomes v4. */
MUST_CHECK int ip_parse(struct str text, struct ip_addr *out_ip);

/*
 * An address with an optional port, as proxies write it: "1.2.3.4", "1.2.3.4:80", "2001:db8::1",
 * "[2001:db8::1]", "[2001:db8::1]:80". The port is checked (1..65535) and forgotten.
 */
MUST_CHECK int ip_parse_node(struct str text, struct ip_addr *out_ip);

/* From raw bytes (family 4 or 6; else "no address"); mapped v4 becomes v4. */
struct ip_addr ip_from_bytes(unsigned family, const void *bytes);

/* The text, without brackets; returns its length (0 for "no address"). No NUL is promised. */
enum { IP_TEXT = 46 };
size_t ip_text(const struct ip_addr *ip, char out[IP_TEXT]);

bool ip_eq(const struct ip_addr *a, const struct ip_addr *b);

/*
 * Makes a set of <n> networks; bits behind the prefix are ignored. ERR_RANGE for an impossible
 * family or length, ERR_NOMEM. Look-ups cost O(log n). An empty set contains nothing.
 */
MUST_CHECK int cidr_set_new(const struct cidr *list, size_t n, struct cidr_set **out_set);
void cidr_set_free(struct cidr_set **set);

/* False for a NULL set, and for "no address". */
bool cidr_set_has(const struct cidr_set *set, const struct ip_addr *ip);
bool cidr_set_empty(const struct cidr_set *set);

#endif
