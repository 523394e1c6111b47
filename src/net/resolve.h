/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Names of servers to addresses, for ever: each watched name is looked up again when its lifetime
 * ends, and whoever watches it hears only of changes. A failed look-up keeps the last good
 * addresses and is tried again with growing pauses. Runs in the worker's loop; never blocks on the
 * network (the hosts file, a small local file, is read when it changed).
 *
 * Order of sources: numeric addresses (known at once, never looked up); the hosts file; the name
 * "localhost" and names below it (RFC 6761 6.3), without any server; then DNS, A and AAAA together.
 */
#ifndef NET_RESOLVE_H
#define NET_RESOLVE_H

#include "net/sock.h"

struct loop;
struct resolver;
struct resolve_watch;

enum { RESOLVE_MAX = 16 }; /* addresses per name; further ones are ignored */

/* What a name stands for. Port is set in each address. */
struct resolve_set {
	unsigned n;			     /* 0: nothing known yet */
	struct sock_addr addrs[RESOLVE_MAX]; /* in the order of the answer, v4 first */
};

/* NULL or zero in any member means the default. */
struct resolver_settings {
	const char *nameserver; /* "127.0.0.1:5353"; default: those of /etc/resolv.conf */
	const char *hosts_file; /* default /etc/hosts */
	int64_t timeout;   /* ns for one try of one server; default as resolv.conf says, or 5 s */
	unsigned tries;	   /* per look-up; default as resolv.conf says, or 3 */
	int64_t min_ttl;   /* default 1 s */
	int64_t max_ttl;   /* default 5 min */
	int64_t retry_min; /* pause after the first failure; default 1 s; doubles */
	int64_t retry_max; /* default 30 s */
	int64_t hosts_period; /* how often the hosts file is looked at; default 5 s */
};

struct resolver_counts {
	uint64_t lookups;  /* rounds begun with DNS (A and AAAA are one) */
	uint64_t failures; /* rounds that gave no address */
	uint64_t changes;  /* sets that differed from the one before */
};

/* Called from the loop when the set changed (compared without order), never from within a call
 * into this module. <set> is valid during the call; resolve_set() gives it at any time. The watch
 * may be ended from inside. */
typedef void resolve_fn(void *arg, const struct resolve_set *set);

/* ERR_NOMEM, or ERR_SYNTAX for a nameserver that cannot be parsed. <settings> may be NULL. */
MUST_CHECK int resolver_new(struct loop *loop, const struct resolver_settings *settings,
			    struct resolver **out_resolver);

/*
 * Ends everything; watches that are still there are freed with it. Let the loop make one more turn
 * before it is freed: answers on their way are let go of there.
 */
void resolver_free(struct resolver **r);

void resolver_counts(const struct resolver *r, struct resolver_counts *out_counts);

/*
 * Watches <host> (numeric v4 or v6 without brackets, or a name). What can be known at once (numeric,
 * hosts file, localhost) is there when this returns, without a call of <fn>. ERR_SYNTAX for what can be
 * no name (empty, above 253 bytes, odd characters), ERR_NOMEM.
 */
MUST_CHECK int resolve_watch(struct resolver *r, const char *host, uint16_t port, resolve_fn *fn,
			     void *arg, struct resolve_watch **out_watch);
void resolve_unwatch(struct resolve_watch **w);

/* The last good set (n is 0 if there never was one). */
const struct resolve_set *resolve_set(const struct resolve_watch *w);

/* Looks the name up now if that is not going on already: after every address refused. At most
 * once a second. */
void resolve_hurry(struct resolve_watch *w);

/* Failed rounds since the last good one, and the last failure's text ("" if none). */
unsigned resolve_failures(const struct resolve_watch *w);
const char *resolve_error(const struct resolve_watch *w);
/* Was the last failure a time-out? (PROXY_ERROR_dns_timeout or _dns_error) */
bool resolve_timed_out(const struct resolve_watch *w);

#endif
