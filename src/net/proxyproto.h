/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The PROXY protocol, versions 1 and 2, as load balancers send it in front of the first byte of a
 * connection. A listener that has it switched on accepts nothing else: the header is required, so
 * that nobody can leave it out to hide. Strict, bounded, pure but for socket address types.
 */
#ifndef NET_PROXYPROTO_H
#define NET_PROXYPROTO_H

#include "net/sock.h"

enum proxyproto_rc {
	PROXYPROTO_MORE = 0, /* not complete; call again with more bytes */
	PROXYPROTO_DONE = 1, /* filled; <used> bytes belong to the header */
	PROXYPROTO_BAD = 2,  /* not a PROXY header; close the connection */
};

enum {
	PROXYPROTO_V1_MAX = 107,       /* with CRLF */
	PROXYPROTO_V2_MAX = 16 + 2048, /* our limit for address and extensions */
};

struct proxyproto {
	unsigned version;   /* 1 or 2 */
	bool has_addresses; /* false: LOCAL or UNKNOWN, the connection's own addresses stand */
	struct sock_addr source, destination; /* if has_addresses; inet, inet6 or unix */
	size_t used;			      /* bytes of the header */
};

/*
 * Reads a header at p[0..n): all bytes of the connection so far, from its first. Reads nothing
 * behind the header. *out is untouched unless the result is DONE.
 */
enum proxyproto_rc proxyproto_parse(const void *p, size_t n, struct proxyproto *out);

#endif
