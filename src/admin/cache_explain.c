/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The cache's part of `explain`: the key, what is stored under it, and what would become of the
 * request. Decisions are those of policy/, asked with the same values as in a worker.
 */
#include <stdio.h>
#include <stdlib.h>

#include "admin/admin.h"
#include "admin/cache.h"
#include "admin/question.h"
#include "base/clock.h"
#include "base/err.h"
#include "conf/types.h"
#include "policy/reuse.h"
#include "policy/vary.h"

enum { SHOWN = 16, FIELDS_TEXT = 240, SPAN = 32 };

/* One stored answer, copied while the shard was locked. */
struct variant {
	struct stored_meta meta;
	enum l1_state state;
	uint64_t length; /* of the body */
	size_t head_n;
	unsigned n_tags;
	bool softly_purged, purged;
	bool matches;		  /* its selecting fields are those of the request */
	char fields[FIELDS_TEXT]; /* "accept-encoding: gzip; ..." */
};

struct shelf {
	const struct question *q;
	struct variant variants[SHOWN];
	unsigned n; /* all that are stored */
};

/* ---- looking: with the shard locked, no allocation ---- */

static void copy_fields(struct str vary, char out[FIELDS_TEXT])
{
	struct str name, value;
	size_t n = 0;

	out[0] = 0;
	while (n < FIELDS_TEXT - 1 && vary_next(&vary, &name, &value))
		n += (size_t)snprintf(out + n, FIELDS_TEXT - n, "%s%.*s%s%.*s", n ? "; " : "",
				      STR_ARG(name), value.p ? ": " : " absent", STR_ARG(value));
}

static void on_variant(void *arg, const struct l1_view *view, enum l1_state state, uint64_t length,
		       bool purged)
{
	struct shelf *shelf = arg;

	if (shelf->n++ >= SHOWN)
		return;
	struct variant *v = &shelf->variants[shelf->n - 1];
	*v = (struct variant){.meta = *view->meta,
			      .state = state,
			      .length = length,
			      .head_n = view->head.n,
			      .n_tags = view->n_tags,
			      .softly_purged = view->softly_purged,
			      .purged = purged,
			      .matches =
				      view->vary.n == 0 || vary_match(view->vary, &shelf->q->msg)};
	copy_fields(view->vary, v->fields);
}

/* ---- words ---- */

static const char *span(int64_t seconds, char out[SPAN])
{
	long long s = seconds;

	if (s < 120)
		snprintf(out, SPAN, "%lld s", s);
	else if (s < 7200)
		snprintf(out, SPAN, "%lld min %lld s", s / 60, s % 60);
	else if (s < 172800)
		snprintf(out, SPAN, "%lld h %lld min", s / 3600, s % 3600 / 60);
	else
		snprintf(out, SPAN, "%lld days", s / 86400);
	return out;
}

static void write_bytes(struct buf *out, uint64_t n)
{
	if (n < 10240)
		buf_printf(out, "%llu bytes", (unsigned long long)n);
	else if (n < 10 << 20)
		buf_printf(out, "%.1f KiB", (double)n / 1024);
	else
		buf_printf(out, "%.1f MiB", (double)n / (1 << 20));
}

static const char *state_word(const struct variant *v)
{
	if (v->purged)
		return "purged";
	switch (v->state) {
	case L1_FILLING:
		return "being fetched";
	case L1_BROKEN:
		return "broken off";
	case L1_WHOLE:
		break;
	}
	return v->meta.flags & STORED_PARTIAL ? "a part" : "whole";
}

static void write_freshness(struct buf *out, const struct stored_meta *m, int64_t now)
{
	int64_t left = stored_fresh_for(m, now);
	char a[SPAN], b[SPAN];

	if (left > 0)
		buf_printf(out, "fresh for %s", span(left, a));
	else
		buf_printf(out, "stale since %s", span(-left, a));
	buf_printf(out, " (age %s of ", span(stored_age(m, now), a));
	buf_printf(out, "%s)", span(m->lifetime, b));
}

static void write_flags(struct buf *out, const struct stored_meta *m)
{
	static const struct {
		uint32_t flag;
		const char *text;
	} flags[] = {
		{STORED_OPERATOR, "lifetime by the route"},
		{STORED_TARGETED, "lifetime by a targeted field"},
		{STORED_HEURISTIC, "lifetime is a guess"},
		{STORED_NO_CACHE, "no-cache: only after validation"},
		{STORED_MUST_REVALIDATE, "never used stale"},
		{STORED_IMMUTABLE, "immutable"},
		{STORED_NO_TRANSFORM, "no-transform"},
		{STORED_STRONG, "strong validator"},
		{STORED_HAS_TRAILERS, "with trailers"},
	};

	for (size_t i = 0; i < COUNTOF(flags); i++)
		if (m->flags & flags[i].flag)
			buf_printf(out, ", %s", flags[i].text);
	if (m->etag_n == 0 && m->last_modified == STORED_NO_DATE)
		buf_c(out, ", no validator");
}

static void write_windows(struct buf *out, const struct stored_meta *m)
{
	char a[SPAN];

	if (m->while_revalidate > 0)
		buf_printf(out, "\n%-10s     usable %s past its lifetime while it is refreshed", "",
			   span(m->while_revalidate, a));
	if (m->if_error > 0)
		buf_printf(out, "\n%-10s     usable %s past its lifetime when the back end fails",
			   "", span(m->if_error, a));
}

static void write_variant(struct buf *out, unsigned i, const struct variant *v, int64_t now)
{
	buf_printf(out, "%-10s %2u  status %u, %s%s, ", i ? "" : "stored", i + 1, v->meta.status,
		   state_word(v), v->softly_purged && !v->purged ? ", softly purged" : "");
	write_bytes(out, v->length);
	buf_c(out, " and a head of ");
	write_bytes(out, v->head_n);
	if (v->n_tags)
		buf_printf(out, ", %u tag%s", v->n_tags, v->n_tags == 1 ? "" : "s");
	buf_printf(out, "\n%-10s     ", "");
	write_freshness(out, &v->meta, now);
	write_flags(out, &v->meta);
	write_windows(out, &v->meta);
	if (v->fields[0])
		buf_printf(out, "\n%-10s     for %s%s", "", v->fields,
			   v->matches ? "" : " (not this request)");
	buf_char(out, '\n');
}

/* ---- the verdict ---- */

/* What is stored and selected, but must be validated first: why? */
static const char *why_validate(const struct variant *v, const struct reuse_request *rq,
				int64_t now)
{
	struct reuse_request plain = {.cc = rq->cc, .ignore = true};

	if (v->softly_purged)
		return "an operator made it stale";
	if (v->meta.flags & STORED_NO_CACHE)
		return "its no-cache demands it";
	if (reuse_verdict(&v->meta, &plain, false, now) != REUSE_VALIDATE)
		return "the request's Cache-Control or Pragma demands it";
	return "it is stale";
}

static void write_stored_verdict(struct buf *out, const struct variant *v,
				 const struct reuse_request *rq)
{
	int64_t now = clock_wall();

	switch (reuse_verdict(&v->meta, rq, v->softly_purged, now)) {
	case REUSE_FRESH:
		buf_c(out, "a hit");
		break;
	case REUSE_STALE:
		buf_c(out, "a hit: stale, but the request takes it (max-stale)");
		break;
	case REUSE_REFRESH:
		buf_c(out, "a hit: stale, sent at once while one worker refreshes it");
		break;
	default:
		buf_printf(out, "validated with the back end first: %s", why_validate(v, rq, now));
		if (reuse_stale_on_error(&v->meta, rq, now))
			buf_c(out, "; sent as it is if the back end fails");
		break;
	}
	if (v->meta.flags & STORED_PARTIAL)
		buf_c(out, ", for ranges within the part");
	buf_char(out, '\n');
}

static const struct variant *selected(const struct shelf *shelf)
{
	for (unsigned i = 0; i < MIN(shelf->n, (unsigned)SHOWN); i++) {
		const struct variant *v = &shelf->variants[i];
		if (v->matches && !v->purged && v->state == L1_WHOLE)
			return v;
	}
	return NULL;
}

/* The request goes past the cache: why? As the workers decide it (req/steps_cache.c). */
static const char *why_bypass(const struct route_cache *rc, const struct question *q)
{
	if (q->known_method == HTTP_METHOD_OTHER || !(rc->methods & 1u << q->known_method))
		return "its method is not one of the route's cache.methods";
	if (q->known_method == HTTP_METHOD_QUERY || q->known_method == HTTP_METHOD_POST)
		return "its key has the content, which is not known here";
	if (q->msg.upgrade)
		return "it asks for another protocol";
	if (http_find(&q->msg, HTTP_FIELD_IF_MATCH) ||
	    http_find(&q->msg, HTTP_FIELD_IF_UNMODIFIED_SINCE))
		return "its precondition is for the back end to judge";
	return NULL;
}

static void write_verdict(struct admin *admin, const struct cache_place *place,
			  const struct shelf *shelf, struct buf *out)
{
	struct reuse_request rq = {
		.ignore = (place->rules.fill.rules.unsafe_ & CACHE_UNSAFE_REQUEST) != 0};
	const struct variant *v = selected(shelf);
	struct fills *fills = admin->cache.fills;

	cc_parse(&shelf->q->msg, &rq.cc);
	buf_printf(out, "%-10s ", "would be");
	if (v)
		write_stored_verdict(out, v, &rq);
	else if (rq.cc.flags & CC_ONLY_IF_CACHED && !rq.ignore)
		buf_c(out, "answered 504: it wants stored answers only\n");
	else if (shelf->n)
		buf_c(out, "a miss: what is stored is for other requests, or not usable\n");
	else
		buf_c(out, "a miss: nothing is stored under the key\n");
	if (fills_marked(fills, &place->key.hash))
		buf_printf(out,
			   "%-10s marked: answers were not storable lately, requests do not "
			   "wait for each other\n",
			   "fetching");
	else if (fills_busy(fills, &place->key.hash))
		buf_printf(out, "%-10s the back end is being asked right now, others wait for it\n",
			   "fetching");
}

static void on_any(void *arg, const struct l1_view *v UNUSED, enum l1_state state UNUSED,
		   uint64_t length UNUSED, bool purged)
{
	*(bool *)arg |= !purged;
}

static bool has_any(struct admin *admin, const struct cache_place *place)
{
	bool any = false;

	l1_peek(admin->cache.l1, &place->key, on_any, &any);
	return any;
}

static void write_key(struct buf *out, const struct cache_place *place)
{
	struct str rest = place->key.text, line;
	const char *label = "key";

	while (rest.n && str_next(&rest, '\n', &line)) {
		buf_printf(out, "%-10s %.*s\n", label, STR_ARG(line));
		label = "";
	}
}

static void explain_place(struct admin *admin, const struct cache_place *place,
			  const struct question *q, struct buf *out)
{
	struct shelf *shelf = calloc(1, sizeof(*shelf));
	int64_t now = clock_wall();

	if (!shelf) {
		out->error = ERR_NOMEM;
		return;
	}
	shelf->q = q;
	l1_peek(admin->cache.l1, &place->key, on_variant, shelf);
	for (unsigned i = 0; i < MIN(shelf->n, (unsigned)SHOWN); i++)
		write_variant(out, i, &shelf->variants[i], now);
	if (shelf->n > SHOWN)
		buf_printf(out, "%-10s and %u more\n", "", shelf->n - SHOWN);
	write_verdict(admin, place, shelf, out);
	free(shelf);
}

void cache_explain(struct admin *admin, const struct conf_route *route, const struct question *q,
		   struct buf *out)
{
	struct cache_place place;
	int rc;

	if (!admin->cache.l1 || !route->cache.enabled) {
		buf_printf(out, "%-10s never: %s\n", "cached",
			   admin->cache.l1 ? "the route's cache.enabled is false"
					   : "cache.l1.size is 0");
		return;
	}
	rc = cache_place_init(&place, route, q);
	const char *why = why_bypass(&place.rules, q);
	if (rc) {
		buf_printf(out, "%-10s never: its key: %s\n", "cached", err_text(rc));
	} else if (why) {
		buf_printf(out, "%-10s passed on without a look: %s\n", "cached", why);
	} else {
		buf_printf(out, "%-10s %s\n", "cached",
			   route->cache.mode == CONF_MODE_OBSERVE
				   ? "no, only observed (cache.mode): nothing is kept"
				   : "if the answer allows it, by the route's rules");
		if (!has_any(admin, &place) && cache_search(admin, &place, route, q))
			buf_printf(out, "%-10s without what does not count by No-Vary-Search\n",
				   "");
		write_key(out, &place);
		explain_place(admin, &place, q, out);
	}
	cache_place_fini(&place);
}
