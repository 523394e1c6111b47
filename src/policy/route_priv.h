/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The compiled route table, private to policy/route*.c: route_build.c makes it, route.c searches
 * it. Read-only after it was made (but for the scratch memory of the expressions).
 */
#ifndef POLICY_ROUTE_PRIV_H
#define POLICY_ROUTE_PRIV_H

#include "base/arena.h"
#include "policy/route.h"

enum { ROUTE_HOST_MAX = 253 };

struct route_regex;   /* a compiled expression */
struct route_scratch; /* what matching needs besides */

/* The rules that share one host and one path. */
struct route_entry {
	struct str path; /* as matched: normal form, or the pattern; "/" as prefix is "" */
	enum route_path_kind kind;
	const struct route_regex *regex; /* ROUTE_REGEX */
	const unsigned *rules; /* those with a method list first, each group in the file's order */
	unsigned n_rules;
	unsigned n_with_method;
	int parent; /* ROUTE_PREFIX: the longest other prefix that this path begins with, or -1 */
};

struct route_entries {
	struct route_entry *list; /* exact, prefix: sorted by route_path_cmp; regex: file's order */
	size_t n;
};

/* All paths of one host name. */
struct route_host {
	struct str name; /* lower case; wildcards as ".example"; empty for any host */
	bool wildcard;
	uint64_t hash;
	struct route_entries exact, regex, prefix;
};

struct route_methods {
	struct str *list;
	size_t n;
};

struct route_table {
	struct arena arena; /* owns all that is plain memory */
	size_t n_rules;
	struct route_methods *methods; /* per rule */
	struct route_regex **regexes;  /* per rule, NULL where it has none; owned */
	struct route_scratch *scratch; /* owned */
	struct route_host any;	       /* routes without a host */
	size_t n_named;		       /* hosts in <hash> */
	size_t n_wildcards;	       /* of which wildcards */
	struct route_host **hash;      /* open addressing, at most half full */
	size_t hash_mask;
};

/* FNV-1a, fed from the last byte to the first, so that one pass gives every suffix's hash. */
#define ROUTE_HASH_SEED UINT64_C(0xcbf29ce484222325)

static inline uint64_t route_hash_step(uint64_t h, char c)
{
	return (h ^ (unsigned char)c) * UINT64_C(0x100000001b3);
}

static inline int route_path_cmp(struct str a, struct str b)
{
	size_t n = MIN(a.n, b.n);
	int rc = n ? memcmp(a.p, b.p, n) : 0;

	return rc ? rc : (a.n > b.n) - (a.n < b.n);
}

/* In route.c, the only file that knows the expression library. */
int route_regex_new(const char *pattern, struct route_regex **out_regex, struct route_error *error);
void route_regex_free(struct route_regex **re);
int route_scratch_new(struct route_scratch **out_scratch);
void route_scratch_free(struct route_scratch **s);

#endif
