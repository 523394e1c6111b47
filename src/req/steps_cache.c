/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The cache in a request's life: look up, join or lead a fetch, wait for another's, decide what the
 * origin's head means. What is served is written by serve.c.
 */
#include "base/clock.h"
#include "fetch/search.h"
#include "http/cond.h"
#include "obs/metrics.h"
#include "policy/cache_status.h"
#include "policy/vary.h"
#include "req/cache.h"
#include "store/purge.h"

enum { ROUNDS_MAX = 4 }; /* look-ups of one request; then it asks for itself */

/* ---- look-up ---- */

/* May this request be answered from the cache at all? */
static enum cache_fwd why_not(const struct request *r)
{
	const struct http_msg *m = &r->msg;

	if (!(r->route->cache.methods & (1u << m->method)) || m->method == HTTP_METHOD_OTHER)
		return CACHE_FWD_METHOD;
	if ((m->framing != HTTP_FRAMING_NONE && !r->content.all.p) || m->upgrade ||
	    r->target.form == HTTP_TARGET_ASTERISK)
		return CACHE_FWD_BYPASS;
	/* a field that Connection names does not reach the origin: it must not select for others either;
	 * and what has no host is not a resource that can be named */
	if (m->connection_names || (r->route->cache.key.host && r->host.n == 0))
		return CACHE_FWD_BYPASS;
	/* preconditions that only the origin can judge (RFC 9111 4.3.2) */
	if (http_find(m, HTTP_FIELD_IF_MATCH) || http_find(m, HTTP_FIELD_IF_UNMODIFIED_SINCE))
		return CACHE_FWD_BYPASS;
	return CACHE_FWD_NONE;
}

static bool match(void *arg, const struct l1_view *v, enum l1_state state)
{
	return state == L1_WHOLE && (v->vary.n == 0 || vary_match(v->vary, arg));
}

/* Does the stored part hold all of the one range that is asked for? */
static bool part_covers(struct request *r, const struct l1_view *v, uint64_t have)
{
	struct cond_validators mine = {
		.etag = l1_view_etag(v),
		.last_modified = v->meta->last_modified,
		.date = v->meta->date,
	};
	struct range_set set;
	struct range range[RANGES_MAX];
	unsigned n;

	if (range_parse(&r->msg, &set) != RANGE_SOME || !cond_if_range(&r->msg, &mine))
		return false;
	if (v->meta->total == STORED_UNKNOWN ||
	    range_resolve(&set, v->meta->total, range, &n) != RANGE_SOME)
		return false;
	for (unsigned i = 0; i < n; i++)
		if (range[i].first < v->meta->first || range[i].last >= v->meta->first + have)
			return false;
	return true;
}

/* A stored part that is not all that is asked for may be the beginning of it. */
static void keep_part(struct request *r, const struct l1_view *v)
{
	struct req_cache *c = &r->cache;

	c->fwd = CACHE_FWD_PARTIAL;
	bool beginning = v->meta->first == 0 || http_find(&r->msg, HTTP_FIELD_RANGE);
	if ((v->meta->flags & STORED_STRONG) && r->msg.method == HTTP_METHOD_GET && beginning) {
		c->base = c->object;
		c->base_prefix = true;
		c->object = (struct l1_ref){0};
		return;
	}
	l1_unpin(r->server->fills.l1, &c->object);
}

static void begin_refresh(struct request *r);

/* It wants to be asked for itself: what others fetch is of no use to it. */
static bool insists(const struct request *r)
{
	return (r->ask.cc.flags & CC_NO_CACHE) && !r->ask.ignore;
}

/* What the stored response is good for. */
static enum step judge(struct request *r)
{
	struct l1 *l1 = r->server->fills.l1;
	struct req_cache *c = &r->cache;
	int64_t now = clock_wall();
	struct l1_view v;

	l1_view(l1, &c->object, &v);
	enum reuse verdict = reuse_verdict(v.meta, &r->ask, v.softly_purged, now);
	if (verdict == REUSE_REFRESH && r->content.all.p)
		verdict = REUSE_VALIDATE; /* nothing refreshes it in the background */
	bool part = (v.meta->flags & STORED_PARTIAL) != 0;
	bool waited = c->since && v.meta->response_time >= c->since;
	if (verdict == REUSE_VALIDATE && c->since)
		c->alone = true; /* or those who waited would validate it one after the other */
	if (part &&
	    (verdict == REUSE_VALIDATE || !part_covers(r, &v, l1_length(l1, &c->object, NULL)))) {
		if (verdict == REUSE_VALIDATE) {
			c->fwd = CACHE_FWD_STALE;
			l1_unpin(l1, &c->object);
		} else {
			keep_part(r, &v);
		}
		return STEP_JOIN;
	}
	if (verdict == REUSE_VALIDATE) {
		bool fresh = stored_fresh_for(v.meta, now) > 0 && !v.softly_purged &&
			     !(v.meta->flags & STORED_NO_CACHE);
		c->fwd = fresh ? CACHE_FWD_REQUEST : CACHE_FWD_STALE;
		c->base = c->object;
		c->object = (struct l1_ref){0};
		return STEP_JOIN;
	}
	c->collapsed = waited;
	c->hit = !waited;
	c->stale = verdict != REUSE_FRESH;
	if (verdict == REUSE_REFRESH)
		begin_refresh(r);
	return STEP_SERVE;
}

static enum step go_forward(struct request *r)
{
	if ((r->ask.cc.flags & CC_ONLY_IF_CACHED) && !r->ask.ignore)
		return request_refuse(r, PROXY_ERROR_not_in_cache, STR_NONE);
	return STEP_JOIN;
}

/* The key as the origin's No-Vary-Search makes it. */
static bool use_search_rule(struct request *r)
{
	struct req_cache *c = &r->cache;
	struct str query = r->target.query;
	struct str rule =
		search_rule(r->server->fills.l1, &r->arena, str_of(c->key.text.p, c->key.url_n));

	if (rule.n == 0 || !cache_reduce_query(r, rule, &query))
		return false;
	c->search = rule;
	return cache_make_key(r, query, cache_keyed_by_content(r));
}

static bool find(struct request *r, bool *out_any)
{
	struct l1 *l1 = r->server->fills.l1;
	struct req_cache *c = &r->cache;

	*out_any = false;
	if (r->route->cache.fill.observe)
		return false; /* what is stored is from before a reload */
	if (l1_find(l1, &c->key, match, &r->msg, &c->object, out_any))
		return true;
	if (*out_any || c->search.n || !r->target.query.n || !r->route->cache.fill.search ||
	    !use_search_rule(r))
		return false;
	return l1_find(l1, &c->key, match, &r->msg, &c->object, out_any);
}

enum step step_lookup(struct request *r)
{
	struct req_cache *c = &r->cache;
	bool any;

	if (c->rounds++ == 0) {
		c->fwd = (uint8_t)why_not(r);
		if (c->fwd || !cache_make_key(r, r->target.query, cache_keyed_by_content(r)))
			return STEP_FETCH;
		c->on = true;
		r->ask.ignore = (r->route->cache.fill.rules.unsafe_ & CACHE_UNSAFE_REQUEST) != 0;
		cc_parse(&r->msg, &r->ask.cc);
	}
	if (!find(r, &any)) {
		c->fwd = any ? CACHE_FWD_VARY_MISS : CACHE_FWD_URI_MISS;
		return go_forward(r);
	}
	enum step next = judge(r);
	return next == STEP_JOIN ? go_forward(r) : next;
}

/* ---- one fetch for all ---- */

/* It passed through here before: to wait for the fetch that it is part of would be for ever. */
static bool came_round(const struct request *r)
{
	return http_find(&r->msg, HTTP_FIELD_VIA) && headers_via_count(&r->msg) > 0;
}

/* Requests that can neither use nor give what others fetch. */
static bool goes_alone(const struct request *r)
{
	const struct req_cache *c = &r->cache;

	return c->alone || c->rounds > ROUNDS_MAX || r->msg.method == HTTP_METHOD_HEAD ||
	       r->route->cache.wait == 0 || r->route->cache.fill.observe ||
	       ((r->ask.cc.flags & CC_NO_STORE) && !r->ask.ignore) || came_round(r) ||
	       (http_find(&r->msg, HTTP_FIELD_AUTHORIZATION) != NULL);
}

static void on_fill(void *arg)
{
	struct request *r = arg;

	CHECK_MAGIC(r, REQUEST_MAGIC);
	request_run(r);
}

static void watch(struct request *r)
{
	struct req_cache *c = &r->cache;

	fills_watch(r->server->fills.fills, &c->watch, &c->ticket, on_fill, r);
}

void cache_unwatch(struct request *r)
{
	fills_unwatch(r->server->fills.fills, &r->cache.watch);
	r->cache.ticket = (struct fill_ticket){0};
}

/* A client that sent FIN has its own deadline, set once. */
static void set_wait(struct request *r, enum client_wait wait, int64_t ns)
{
	if (!r->half_closed)
		client_set_wait(r->client, wait, ns);
}

/* As long as coalesce.wait, and not longer than the request may take. */
static int64_t time_to_wait(const struct request *r)
{
	int64_t wait = r->route->cache.wait, left = r->deadline - clock_mono();

	return r->deadline && left < wait ? MAX(left, 1) : wait;
}

enum step step_join(struct request *r)
{
	struct req_cache *c = &r->cache;

	if (goes_alone(r)) {
		c->alone = true;
		return STEP_ASK;
	}
	switch (fills_join(r->server->fills.fills, &c->key.hash, false, &c->ticket)) {
	case FILLS_LEAD:
		return STEP_ASK;
	case FILLS_WAIT:
		if (insists(r))
			break;
		if (c->since == 0)
			c->since = clock_wall();
		watch(r);
		set_wait(r, CLIENT_WAIT_FILL, time_to_wait(r));
		return STEP_QUEUE;
	case FILLS_ALONE:
		break;
	}
	c->ticket = (struct fill_ticket){0};
	c->alone = true;
	return STEP_ASK;
}

static enum step ask_alone(struct request *r)
{
	cache_unwatch(r);
	r->cache.alone = true;
	set_wait(r, CLIENT_WAIT_NONE, 0);
	return STEP_ASK;
}

/* Another's object is there, perhaps still growing: is it what we want? */
static enum step follow(struct request *r, uint64_t object)
{
	struct l1 *l1 = r->server->fills.l1;
	struct req_cache *c = &r->cache;
	struct l1_view v;

	if (!l1_pin_at(l1, object, &c->key.hash, &c->object))
		return ask_alone(r);
	l1_view(l1, &c->object, &v);
	bool usable =
		str_eq(v.key.text, c->key.text) && vary_match(v.vary, &r->msg) &&
		!(v.meta->flags & STORED_PARTIAL) && l1_state(l1, &c->object) != L1_BROKEN &&
		reuse_verdict(v.meta, &r->ask, v.softly_purged, clock_wall()) != REUSE_VALIDATE;
	if (!usable) {
		l1_unpin(l1, &c->object);
		return ask_alone(r);
	}
	l1_unpin(l1, &c->base);
	c->collapsed = true;
	client_set_wait(r->client, CLIENT_WAIT_NONE, 0);
	return STEP_SERVE;
}

/* The fill that was waited for is over. */
static enum step look_again(struct request *r, enum fill_result result)
{
	if (result == FILL_RESULT_NOT_STORABLE)
		return ask_alone(r);
	cache_unwatch(r);
	set_wait(r, CLIENT_WAIT_NONE, 0);
	if (result == FILL_RESULT_FAILED)
		return request_origin_failed(r, PROXY_ERROR_collapsed_failed);
	l1_unpin(r->server->fills.l1, &r->cache.base);
	r->cache.base_prefix = false;
	return STEP_LOOKUP;
}

enum step step_queue(struct request *r)
{
	struct req_cache *c = &r->cache;
	struct fill_state state;

	fills_state(r->server->fills.fills, &c->ticket, &state);
	switch (state.phase) {
	case FILL_OBJECT:
		return follow(r, state.object);
	case FILL_ENDED:
		return look_again(r, state.result);
	case FILL_WAITING:
		break;
	}
	if (!c->waited_out)
		return STEP_WAIT;
	if (r->deadline && clock_mono() >= r->deadline) {
		cache_unwatch(r);
		return request_origin_failed(r, PROXY_ERROR_total_timeout);
	}
	if (cache_stale_instead(r)) {
		cache_unwatch(r);
		return STEP_SERVE;
	}
	return ask_alone(r);
}

/* ---- asking the origin ---- */

static void release_snapshot(void *owner)
{
	struct snapshot *s = owner;

	snapshot_unref(&s);
}

struct fill *cache_new_fill(struct request *r, struct fill_ticket *ticket, struct l1_ref *base,
			    bool keyed)
{
	struct req_cache *c = &r->cache;
	struct fill_spec spec = {
		.env = &r->server->fills,
		.rules = &r->route->cache.fill,
		.release = release_snapshot,
		.owner = snapshot_ref(r->snap),
		.request = &r->msg,
		.key = c->key,
		.host = c->host,
		.search = c->search,
		.content = r->content.all,
		.base = *base,
		.base_prefix = c->base_prefix,
		.ticket = *ticket,
		.keyed = keyed,
	};
	struct fill *f = fill_new(&spec);

	if (!f) {
		release_snapshot(spec.owner);
		return NULL;
	}
	*ticket = (struct fill_ticket){0};
	*base = (struct l1_ref){0};
	return f;
}

enum step step_ask(struct request *r)
{
	struct req_cache *c = &r->cache;
	bool keyed = c->ticket.entry != 0;

	c->fill = cache_new_fill(r, &c->ticket, &c->base, keyed);
	if (!c->fill && c->ticket.entry)
		fills_end(r->server->fills.fills, &c->ticket, FILL_RESULT_UNKNOWN, 0);
	return STEP_FETCH;
}

/* A hit on a stale response sets a refresh going, by one worker for all. */
static void begin_refresh(struct request *r)
{
	struct fill_env *env = &r->server->fills;
	struct fill_ticket ticket;
	struct l1_ref base;
	enum proxy_error error;

	if (r->msg.method != HTTP_METHOD_GET || r->content.all.p ||
	    fills_join(env->fills, &r->cache.key.hash, true, &ticket) != FILLS_LEAD)
		return;
	struct fill *f = NULL;
	if (l1_pin(env->l1, &r->cache.object, &base)) {
		f = cache_new_fill(r, &ticket, &base, true);
		if (!f)
			l1_unpin(env->l1, &base);
	}
	if (!f) {
		fills_end(env->fills, &ticket, FILL_RESULT_UNKNOWN, 0);
		return;
	}
	struct fetch_spec spec = {
		.group = r->route->group,
		.method = HTTP_METHOD_GET,
		.head = forward_request_head(r, &f->arena, f, &error),
	};
	if (spec.head.n == 0) {
		fill_free(&f);
		return;
	}
	metric_add(r->route->row, METRIC_ROUTE_cache_refreshes, 1);
	fill_run_alone(f, &spec);
}

/* ---- the origin's answer ---- */

/* Pins for the request what its fill has found. */
static bool take_object(struct request *r, const struct l1_ref *found)
{
	return l1_pin(r->server->fills.l1, found, &r->cache.object);
}

static enum step no_pin(struct request *r)
{
	fill_free(&r->cache.fill);
	return request_refuse(r, PROXY_ERROR_out_of_memory, STR_NONE);
}

/* The body goes into the store by itself; the request reads it there like everybody else. */
static enum step on_stores(struct request *r)
{
	struct req_cache *c = &r->cache;
	struct fill *f = c->fill;

	c->fill = NULL;
	c->stored = true;
	c->own_fields = arena_str(&r->arena, f->own_fields);
	c->ticket = f->ticket;
	bool pinned = take_object(r, &f->object);
	if (pinned)
		watch(r);
	fill_go(f);
	if (!pinned)
		return request_refuse(r, PROXY_ERROR_out_of_memory, STR_NONE);
	return STEP_SERVE;
}

/* <found> answers: the stored response that was validated, or that stands in for a failure. */
static enum step on_found(struct request *r, const struct l1_ref *found)
{
	struct req_cache *c = &r->cache;

	if (!take_object(r, found))
		return no_pin(r);
	c->fwd_status = c->fill->status;
	fill_free(&c->fill);
	return STEP_SERVE;
}

enum step cache_on_head(struct request *r)
{
	struct req_cache *c = &r->cache;

	account_note_fetch(r);
	r->upstream_status = r->fetch->x.msg.status;
	enum fill_verdict v = fill_take(c->fill, &r->fetch);
	client_set_wait(r->client, CLIENT_WAIT_NONE, 0);
	switch (v) {
	case FILL_STORES:
		return on_stores(r);
	case FILL_REFRESHED:
		c->revalidated = true;
		return on_found(r, &c->fill->object);
	case FILL_STALE:
		c->stale = true;
		return on_found(r, &c->fill->base);
	case FILL_AGAIN:
		return STEP_FETCH;
	case FILL_PASSES:
		break;
	}
	c->why = c->fill->why;
	return STEP_HEAD;
}

bool cache_stale_instead(struct request *r)
{
	struct req_cache *c = &r->cache;
	struct fill *f = c->fill;
	struct l1 *l1 = r->server->fills.l1;
	struct l1_view v;

	if (!c->on)
		return false;
	if (f)
		fill_failed(f);
	if (c->base_prefix)
		return false;
	const struct l1_ref *base = f ? &f->base : &c->base;
	if (!base->object)
		return false;
	l1_view(l1, base, &v);
	if (!reuse_stale_on_error(v.meta, &r->ask, clock_wall()) || !take_object(r, base))
		return false;
	account_note_fetch(r);
	fetch_free(&r->fetch);
	c->stale = true;
	return true;
}

void cache_leave_fetch(struct request *r)
{
	struct fill *f = r->cache.fill;

	if (!r->fetch || r->fetch->step == FETCH_FAILED)
		return;
	if (f && f->keyed && f->asking && !r->on_fallback && r->fetch->upload == UPLOAD_DONE) {
		/* others may wait for it, and who asked may come back */
		account_note_fetch(r);
		r->cache.fill = NULL;
		fill_detach(f, &r->fetch);
		return;
	}
	fetch_cancelled(r->fetch);
}

void cache_release(struct request *r)
{
	struct req_cache *c = &r->cache;

	if (!c->on)
		return;
	struct fill_env *env = &r->server->fills;
	bool stream = c->ticket.entry && c->object.object && l1_is_stream(env->l1, &c->object);
	fills_unwatch(env->fills, &c->watch);
	l1_unpin(env->l1, &c->base);
	l1_unpin(env->l1, &c->object);
	if (stream)
		fills_nudge(env->fills, &c->ticket); /* one reader less in its way */
	fill_free(&c->fill);
}
