/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Purges by generation. A purge is one number, the next of a sequence, noted under the hash of its
 * subject; it touches no object, and is visible to all workers at once. An object keeps the
 * sequence number up to which it has been looked at; a hit compares that with the current one,
 * and only if there was a purge since, looks its subjects up. The notes are a table of fixed size:
 * a subject that is pushed out of its set leaves its number to the set as a whole. So sometimes
 * more is purged than was asked for (objects that nobody asked for during the last tens of
 * thousands of purges), never less.
 *
 * Any process. Reading takes no lock, except for prefixes, when there was a purge by prefix since.
 */
#ifndef STORE_PURGE_H
#define STORE_PURGE_H

#include "base/err.h"
#include "base/str.h"

struct seg;
struct purge; /* one process's view */

enum purge_kind {
	PURGE_URL = 1,	  /* URL part of a key */
	PURGE_PREFIX = 2, /* URL parts that begin so; cut at PURGE_PREFIX_MAX bytes */
	PURGE_TAG = 3,	  /* an operator's tag, on any host */
	PURGE_GROUP = 4,  /* Cache-Groups (RFC 9875): "scheme://host[:port] group" */
	PURGE_HOST = 5,	  /* as in a key's URL part, without the port: all ports */
	PURGE_ALL = 6,	  /* no subject */
};

enum { PURGE_PREFIX_MAX = 1024, PURGE_PREFIXES = 512 };

enum purged {
	PURGED_NOT = 0,
	PURGED_SOFT = 1, /* treat as stale */
	PURGED_HARD = 2, /* treat as gone */
};

size_t purge_region_bytes(void);
uint64_t purge_region_layout(void);
/* Master, on a fresh region. The numbers begin anew: what L1 holds must go too. */
void purge_format(struct seg *seg);
/* Master, on what an earlier program left in order: all purges stay. ERR_CORRUPT: format it (and
 * L1). */
MUST_CHECK int purge_revive(struct seg *seg);
/* Master, after a death. A purge that was under way is whole or was never told. */
void purge_recover(struct seg *seg, unsigned slot, void *unused);

/* NULL: no such region, or no memory. */
struct purge *purge_attach(struct seg *seg);
void purge_detach(struct purge **p);

/* The number of the last purge. An object stored by a request sent at that moment carries it. Who
 * wants to note that an object was looked at reads this first, then calls purge_check. */
uint64_t purge_now(const struct purge *p);

/* Purges; returns its number. When the list of prefixes is full the oldest is widened to its host
 * (to everything if it names none in full). */
uint64_t purge_add(struct purge *p, enum purge_kind kind, struct str subject, bool soft);

/* What an object is known by. Hashes are made once, when it is stored. */
struct purge_subject {
	struct str url; /* URL part of the key */
	uint64_t url_hash, host_hash;
	const uint64_t *tag_hashes; /* tags and groups */
	unsigned n_tags;
};

/* The hash of one subject, as purge_add makes it. */
uint64_t purge_hash(enum purge_kind kind, struct str subject);

/* Was it purged after <seen>? A <seen> that is yet to come is PURGED_HARD. */
enum purged purge_check(const struct purge *p, const struct purge_subject *s, uint64_t seen);

/* For metrics: purges so far by kind. Only grow. */
void purge_counts(const struct purge *p, uint64_t out[PURGE_ALL + 1]);

#endif
