/* SPDX-License-Identifier: BSD-2-Clause */
/* Sets of hashed subjects, and the ring of prefixes. */
#include "base/check.h"
#include "store/purge_priv.h"

/* ---- sets ---- */

static uint64_t load(const uint64_t *word)
{
	return __atomic_load_n(word, __ATOMIC_ACQUIRE);
}

static void store(uint64_t *word, uint64_t value)
{
	__atomic_store_n(word, value, __ATOMIC_RELEASE);
}

static uint64_t seq_of(uint64_t way)
{
	return way >> PURGE_PRINT_BITS;
}

/* Bits that the set's number does not use. */
static uint64_t print_of(uint64_t hash)
{
	return hash >> (64 - PURGE_PRINT_BITS);
}

static bool is_of(uint64_t way, uint64_t hash)
{
	uint64_t mask = (UINT64_C(1) << PURGE_PRINT_BITS) - 1;

	return way != 0 && (way & mask) == print_of(hash);
}

/* Where <hash> is noted: its own way, else a free one, else the oldest. */
static uint64_t *place(struct purge_set *set, uint64_t hash)
{
	uint64_t *oldest = &set->ways[0];

	for (unsigned i = 0; i < PURGE_WAYS; i++) {
		if (is_of(set->ways[i], hash))
			return &set->ways[i];
		if (set->ways[i] < *oldest) /* 0, free, is below all */
			oldest = &set->ways[i];
	}
	return oldest;
}

void purge_note(struct purge_set *sets, uint64_t hash, uint64_t seq)
{
	struct purge_set *set = &sets[hash % PURGE_SETS];
	uint64_t *way = place(set, hash);

	if (is_of(*way, hash)) {
		if (seq_of(*way) >= seq) /* a widened prefix brings an old number */
			return;
	} else if (seq_of(*way) > set->any) {
		store(&set->any, seq_of(*way));
	}
	store(way, seq << PURGE_PRINT_BITS | print_of(hash));
}

bool purge_noted(const struct purge_set *sets, uint64_t hash, uint64_t seen)
{
	const struct purge_set *set = &sets[hash % PURGE_SETS];

	for (unsigned i = 0; i < PURGE_WAYS; i++) {
		uint64_t way = load(&set->ways[i]);
		if (is_of(way, hash) && seq_of(way) > seen)
			return true;
	}
	return load(&set->any) > seen;
}

/* ---- prefixes ---- */

/* The host that "scheme://host:port/..." names in full; empty if it does not. */
static struct str host_of(struct str prefix)
{
	const char *at = memmem(prefix.p, prefix.n, "://", 3);

	if (!at)
		return STR_NONE;
	struct str rest = str_of(at + 3, prefix.n - (size_t)(at + 3 - prefix.p));
	size_t n = 0;
	if (rest.n && rest.p[0] == '[') { /* IPv6: colons before the bracket are the address's */
		ssize_t end = str_find(rest, ']');
		n = end < 0 ? rest.n : (size_t)end;
	}
	while (n < rest.n && rest.p[n] != '/' && rest.p[n] != ':')
		n++;
	return n < rest.n ? str_of(rest.p, n) : STR_NONE;
}

/* The prefix's number stays: what was looked at since then has been compared with it. */
static void widen(struct purge_region *r, const struct purge_prefix *p)
{
	struct str host = host_of(str_of(p->text, MIN(p->n, (uint32_t)PURGE_PREFIX_MAX)));

	purge_note_kind(r, host.n ? PURGE_HOST : PURGE_ALL, host, p->soft != 0, p->seq);
}

void purge_prefix_add(struct purge_region *r, struct str text, bool soft, uint64_t seq)
{
	struct purge_prefix *p = &r->prefixes[r->next_prefix % PURGE_PREFIXES];
	size_t n = MIN(text.n, (size_t)PURGE_PREFIX_MAX);

	if (p->seq)
		widen(r, p);
	/* not there while it is half-written: we may be killed here */
	__atomic_store_n(&p->seq, 0, __ATOMIC_RELEASE);
	if (n)
		memcpy(p->text, text.p, n);
	p->n = (uint32_t)n;
	p->soft = soft;
	__atomic_store_n(&p->seq, seq, __ATOMIC_RELEASE);
	__atomic_store_n(&r->next_prefix, r->next_prefix + 1, __ATOMIC_RELEASE);
}

/* From the newest back to the first that the object has been compared with. */
static enum purged walk(const struct purge_region *r, struct str url, uint64_t seen)
{
	enum purged found = PURGED_NOT;

	for (uint64_t i = 0; i < PURGE_PREFIXES; i++) {
		const struct purge_prefix *p =
			&r->prefixes[(r->next_prefix - 1 - i) % PURGE_PREFIXES];
		if (p->seq <= seen)
			break;
		uint32_t n = MIN(p->n, (uint32_t)PURGE_PREFIX_MAX);
		if (!str_starts(url, str_of(p->text, n)))
			continue;
		if (!p->soft)
			return PURGED_HARD;
		found = PURGED_SOFT;
	}
	return found;
}

enum purged purge_prefix_check(struct purge_region *r, struct str url, uint64_t seen)
{
	/* nothing to repair after a dead holder: see purge_priv.h */
	(void)!lock_take(&r->lock);
	enum purged found = walk(r, url, seen);
	lock_give(&r->lock);
	return found;
}
