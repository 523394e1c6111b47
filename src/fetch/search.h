/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * No-Vary-Search (draft-ietf-httpbis-no-vary-search): what an origin says about the query of a path
 * must be known before the key is made. It is kept in L1 beside the answers, as an object of its
 * own under the path, and lives as long as the answer that said so.
 */
#ifndef FETCH_SEARCH_H
#define FETCH_SEARCH_H

#include "base/arena.h"
#include "store/l1.h"

/* The key under which the rule for the path of <url> is kept; text in <arena>. False: no memory. */
bool search_key(struct arena *arena, struct str url, struct l1_key *out_key);

/* The rule known for the path of <url> (a key's URL part), in <arena>; empty: none. */
struct str search_rule(struct l1 *l1, struct arena *arena, struct str url);

/* Remembers <rule>, said by an answer with these values. Failure only means that it is not known. */
void search_remember(struct l1 *l1, struct arena *arena, struct str url, struct str rule,
		     const struct stored_meta *meta, uint64_t purge_seq);

/* It does not hold any more. */
void search_forget(struct l1 *l1, struct arena *arena, struct str url);

#endif
