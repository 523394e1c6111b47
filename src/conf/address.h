/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Inside conf/: addresses, networks and host names as texts. Pure functions; a fallible one returns
 * true or says in <why> what is wrong and what to write.
 */
#ifndef CONF_ADDRESS_H
#define CONF_ADDRESS_H

#include "base/arena.h"
#include "conf/number.h"
#include "conf/types.h"

enum { SOCKET_PATH_MAX = 107, HOST_MAX = 253 };

/*
 * host:port, [v6]:port or unix:/path. Strings go to <a>; when it is full, *out has no text and
 * the function returns true.
 */
MUST_CHECK bool address_parse(struct arena *a, struct str s, struct conf_address *out,
			      struct why *why);

/* network/bits, or one address. */
MUST_CHECK bool cidr_parse(struct str s, struct conf_cidr *out, struct why *why);

/* The network as text, with its bits. */
void cidr_print(struct buf *out, const struct conf_cidr *c);

/* An absolute path that fits a unix socket's address. */
MUST_CHECK bool socket_path_check(struct str s, struct why *why);

/* A name (letters, digits, - and _ in labels) or a literal v4 address. */
MUST_CHECK bool host_check(struct str s, struct why *why);

/* The same, or *.name, or [v6]. */
MUST_CHECK bool host_pattern_check(struct str s, struct why *why);

/* host or host:port, as in a Host field (RFC 9110 7.2). */
MUST_CHECK bool authority_check(struct str s, struct why *why);

#endif
