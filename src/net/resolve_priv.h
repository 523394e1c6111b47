/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Private to net/resolve*.c: resolve.c talks to the DNS library and keeps the resolver,
 * resolve_watch.c takes one watched name round and round.
 */
#ifndef NET_RESOLVE_PRIV_H
#define NET_RESOLVE_PRIV_H

#include <sys/stat.h>

#include "net/hosts.h"
#include "net/loop.h"
#include "net/resolve.h"

struct evdns_base;

enum { RESOLVER_MAGIC = 0x5e501e01, WATCH_MAGIC = 0x5e501e02 };

/* How one family's question ended. */
enum outcome {
	OUTCOME_NONE = 0,    /* not yet */
	OUTCOME_GOOD = 1,    /* addresses */
	OUTCOME_EMPTY = 2,   /* no such name, or none of this family */
	OUTCOME_FAILED = 3,  /* nothing was learnt */
	OUTCOME_TIMEOUT = 4, /* the same, for want of an answer */
};

struct query;

struct family {
	struct query *query; /* on its way, or NULL; resolve.c's */
	enum outcome outcome;
	const char *error; /* why it was not good; a constant */
	int ttl;	   /* seconds, of a good outcome */
	unsigned n_new, n; /* addresses of this round, and the last good ones */
	struct sock_addr fresh[RESOLVE_MAX], good[RESOLVE_MAX];
};

enum { FAMILY_V4 = 0, FAMILY_V6 = 1, FAMILIES = 2 };

struct resolve_watch {
	uint32_t magic;
	struct resolver *resolver;
	struct list_node node; /* on resolver->watches */
	char *host;	       /* without a trailing dot */
	bool absolute;	       /* had a trailing dot: no search domains */
	bool numeric;	       /* never looked up */
	bool asking;	       /* a round is on its way */
	uint16_t port;
	resolve_fn *fn;
	void *arg;
	struct resolve_set set; /* what the owner sees */
	struct family families[FAMILIES];
	struct loop_timer timer; /* end of the wait, or of the sleep */
	struct loop_task finish; /* ends the round */
	int64_t begun;		 /* start of the last round, mono ns */
	unsigned failures;	 /* since the last good round */
	bool timed_out;
	const char *error; /* of the last failure; a constant, "" if none */
};

struct resolver {
	uint32_t magic;
	struct loop *loop;
	struct evdns_base *dns;
	struct hosts *hosts;
	struct resolver_settings settings; /* with defaults filled in, but for strings */
	bool own_server;		   /* settings name the server: resolv.conf is not read */
	struct stat resolv_seen;
	struct resolver_counts counts;
	struct list watches;
	struct loop_timer tick; /* looks at the hosts file and resolv.conf */
};

/* resolve.c */

/* Sends both questions. An outcome is in its family at once (a failure), or later, and then
 * resolve_on_answers runs as the watch's task. */
void resolve_ask(struct resolve_watch *w);

/* Is a question on its way? */
static inline bool resolve_is_waiting(const struct resolve_watch *w)
{
	return w->families[FAMILY_V4].query || w->families[FAMILY_V6].query;
}

/* Nobody waits for the questions on their way any more: they timed out, or the watch ends. */
void resolve_drop(struct resolve_watch *w);

/* resolve_watch.c */

/* The task that ends a round. */
void resolve_on_answers(void *watch);

/* The hosts file changed: begins anew, soon. */
void resolve_look_again(struct resolve_watch *w);

void resolve_watch_free(struct resolve_watch *w);

#endif
