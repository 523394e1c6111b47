/* SPDX-License-Identifier: BSD-2-Clause */
#include "fetch/search.h"

#include "base/clock.h"

/* No URL begins like it. */
bool search_key(struct arena *arena, struct str url, struct l1_key *out_key)
{
	ssize_t query = str_find(url, '?');
	struct str path = query < 0 ? url : str_of(url.p, (size_t)query);
	struct str text = arena_printf(arena, "No-Vary-Search %.*s", STR_ARG(path));

	if (!text.p)
		return false;
	*out_key = (struct l1_key){.text = text, .url_n = (uint32_t)text.n, .hash = l1_hash(text)};
	return true;
}

static bool is_fresh(void *arg, const struct l1_view *v, enum l1_state state)
{
	const int64_t *now = arg;

	return state == L1_WHOLE && !v->softly_purged && stored_fresh_for(v->meta, *now) > 0;
}

struct str search_rule(struct l1 *l1, struct arena *arena, struct str url)
{
	int64_t now = clock_wall();
	struct l1_view v;
	struct l1_ref ref;
	struct l1_key key;
	bool any;

	if (!search_key(arena, url, &key) || !l1_find(l1, &key, is_fresh, &now, &ref, &any))
		return STR_NONE;
	l1_view(l1, &ref, &v);
	struct str rule = arena_str(arena, v.head);
	l1_unpin(l1, &ref);
	return rule;
}

void search_remember(struct l1 *l1, struct arena *arena, struct str url, struct str rule,
		     const struct stored_meta *meta, uint64_t purge_seq)
{
	struct l1_new spec = {
		.head = rule, .meta = *meta, .purge_seq = purge_seq, .max_variants = 1};
	struct l1_ref ref;

	spec.meta.etag_at = spec.meta.etag_n = 0;
	if (!search_key(arena, url, &spec.key) || l1_create(l1, &spec, &ref))
		return;
	if (l1_commit(l1, &ref, STR_NONE))
		l1_break(l1, &ref);
	l1_unpin(l1, &ref);
}

void search_forget(struct l1 *l1, struct arena *arena, struct str url)
{
	int64_t now = clock_wall();
	struct l1_ref ref;
	struct l1_key key;
	bool any;

	if (!search_key(arena, url, &key) || !l1_find(l1, &key, is_fresh, &now, &ref, &any))
		return;
	l1_drop(l1, &ref);
	l1_unpin(l1, &ref);
}
