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
#include "policy/invalidate.h"
#include "policy/vary.h"
#include "req/request.h"
#include "store/purge.h"

enum {
	KEY_ROOM = 512, /* what a key may have beyond what came with the head */
	ROUNDS_MAX = 4, /* look-ups of one request; then it asks for itself */
};

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

/* ---- content that is part of the key ---- */

static bool keyed_by_content(const struct request *r)
{
	return r->msg.method == HTTP_METHOD_QUERY || r->msg.method == HTTP_METHOD_POST;
}

bool cache_wants_content(const struct request *r)
{
	const struct route_cache *c = &r->route->cache;

	return keyed_by_content(r) && (c->methods & (1u << r->msg.method)) &&
	       r->msg.framing == HTTP_FRAMING_LENGTH && r->msg.content_length <= c->key_body;
}

/* The client may be waiting for leave to send. */
static void say_continue(struct request *r)
{
	if (r->msg.expect_continue && r->interim.n == 0)
		r->interim = request_with_interim(r, STR("HTTP/1.1 100 Continue\r\n\r\n"));
	request_flush_interim(r);
}

static bool begin_content(struct request *r)
{
	char *p = arena_alloc(&r->arena, r->msg.content_length + 1);

	if (!p)
		return false;
	mem_body_init(&r->content, str_of(p, 0));
	say_continue(r);
	return true;
}

static void add_content(struct request *r, struct str data)
{
	struct str *all = &r->content.all;

	memcpy((char *)all->p + all->n, data.p, data.n);
	all->n += data.n;
	r->body.src.ops->consume(&r->body.src, data.n);
}

enum step step_collect(struct request *r)
{
	struct body_src *src = &r->body.src;
	enum body_rc rc;
	struct str data;
	bool last;

	if (!r->content.all.p && !begin_content(r))
		return request_refuse(r, PROXY_ERROR_out_of_memory, STR_NONE);
	while ((rc = src->ops->peek(src, &data, &last)) == BODY_DATA)
		add_content(r, data);
	if (rc == BODY_WAIT) {
		client_set_wait(r->client, CLIENT_WAIT_BODY, r->lconf->conf->timeouts.body);
		return STEP_WAIT;
	}
	client_set_wait(r->client, CLIENT_WAIT_NONE, 0);
	if (rc == BODY_BAD)
		return request_bad_body(r);
	mem_body_init(&r->content, r->content.all);
	return STEP_LOOKUP;
}

/* ---- the key ---- */

/* "http://host:port" of a key. */
static struct str origin_of(struct str url)
{
	size_t slashes = 0, n = 0;

	while (n < url.n && (slashes += url.p[n] == '/') < 3)
		n++;
	return str_of(url.p, n);
}

static bool make_key(struct request *r, struct str query, bool by_content)
{
	struct req_cache *c = &r->cache;
	size_t room = r->msg.head_n + r->path.n + KEY_ROOM;
	char *p = arena_alloc(&r->arena, room);
	struct key_parts parts = {
		.scheme = request_scheme(r),
		.host = r->host,
		.port = r->port,
		.path = r->path,
		.query = query,
		.forwarded_host = str_ieq(r->who.host, r->authority) ? STR_NONE : r->who.host,
		.search_rule = c->search,
		.request = &r->msg,
		.content = r->content.all,
		.by_content = by_content,
	};
	struct http_writer w;

	if (!p)
		return false;
	http_write_init(&w, p, room);
	c->key.url_n = (uint32_t)key_write(&r->route->cache.key, &parts, &w);
	if (w.overflow)
		return false;
	arena_trim(&r->arena, w.at);
	c->key.text = str_of(w.start, http_write_n(&w));
	c->key.hash = l1_hash(c->key.text);
	c->host = origin_of(str_of(w.start, c->key.url_n));
	return true;
}

static bool match(void *arg, const struct l1_view *v, enum l1_state state)
{
	return state == L1_WHOLE && (v->vary.n == 0 || vary_match(v->vary, arg));
}

/* Does the stored part hold all of the one range that is asked for? */
static bool part_covers(struct request *r, const struct l1_view *v, uint64_t have)
{
	struct cond_validators mine = {
		.etag = str_of(v->head.p + v->meta->etag_at, v->meta->etag_n),
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

/* The query without what the origin said does not matter. */
static bool reduce_query(struct request *r, struct str rule, struct str *query)
{
	size_t room = 3 * query->n + KEY_ROOM;
	char *p = arena_alloc(&r->arena, room);
	struct http_writer w;

	if (!p)
		return false;
	http_write_init(&w, p, room);
	if (!key_no_vary_search(rule, *query, &w) || w.overflow)
		return false;
	arena_trim(&r->arena, w.at);
	*query = http_write_n(&w) ? str_of(w.start, http_write_n(&w)) : STR_NONE;
	return true;
}

/* The key as the origin's No-Vary-Search makes it. */
static bool use_search_rule(struct request *r)
{
	struct req_cache *c = &r->cache;
	struct str query = r->target.query;
	struct str rule =
		search_rule(r->server->fills.l1, &r->arena, str_of(c->key.text.p, c->key.url_n));

	if (rule.n == 0 || !reduce_query(r, rule, &query))
		return false;
	c->search = rule;
	return make_key(r, query, keyed_by_content(r));
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
		if (c->fwd || !make_key(r, r->target.query, keyed_by_content(r)))
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

static void unwatch(struct request *r)
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
	unwatch(r);
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
	unwatch(r);
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
		unwatch(r);
		return request_origin_failed(r, PROXY_ERROR_total_timeout);
	}
	if (cache_stale_instead(r)) {
		unwatch(r);
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

/* A fill for this request; takes the ticket and the base. */
static struct fill *new_fill(struct request *r, struct fill_ticket *ticket, struct l1_ref *base,
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

	c->fill = new_fill(r, &c->ticket, &c->base, keyed);
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
		f = new_fill(r, &ticket, &base, true);
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

static enum step on_refreshed(struct request *r)
{
	struct req_cache *c = &r->cache;

	if (!take_object(r, &c->fill->object))
		return no_pin(r);
	c->revalidated = true;
	c->fwd_status = c->fill->status;
	fill_free(&c->fill);
	return STEP_SERVE;
}

static enum step on_stale(struct request *r)
{
	struct req_cache *c = &r->cache;

	if (!take_object(r, &c->fill->base))
		return no_pin(r);
	c->stale = true;
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
		return on_refreshed(r);
	case FILL_STALE:
		return on_stale(r);
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

/* ---- invalidation ---- */

/* The key's URL part for <parts>; empty: out of memory. */
static struct str url_of(struct request *r, const struct key_parts *parts)
{
	size_t room = parts->path.n + 3 * parts->query.n + parts->host.n + KEY_ROOM;
	char *p = arena_alloc(&r->arena, room);
	struct http_writer w;

	if (!p)
		return STR_NONE;
	http_write_init(&w, p, room);
	struct str url = str_of(p, key_write(&r->route->cache.key, parts, &w));
	return w.overflow ? STR_NONE : url;
}

/* Purges what is stored under a URL; the purge's number. What the origin said of the query may have
 * made another key of it: that one too. */
static uint64_t purge_url(struct request *r, const struct key_parts *parts)
{
	struct purge *purge = r->server->fills.purge;
	struct key_parts reduced = *parts;
	struct str url = url_of(r, parts);

	if (url.n == 0)
		return 0;
	uint64_t seq = purge_add(purge, PURGE_URL, url, false);
	struct str rule =
		parts->query.n ? search_rule(r->server->fills.l1, &r->arena, url) : STR_NONE;
	if (rule.n && reduce_query(r, rule, &reduced.query) && (url = url_of(r, &reduced)).n)
		seq = purge_add(purge, PURGE_URL, url, false);
	return seq;
}

static uint64_t purge_uri(struct request *r, const struct invalidate_uri *uri)
{
	struct key_parts parts = {
		.scheme = uri->scheme,
		.host = uri->host,
		.port = uri->port,
		.path = uri->path,
		.query = uri->query,
	};

	return purge_url(r, &parts);
}

static void purge_groups(struct request *r, const struct http_msg *answer)
{
	struct invalidate_groups *groups;
	struct str origin;

	if (!r->route->cache.groups ||
	    !http_find_name(answer, STR("Cache-Group-Invalidation"), NULL))
		return;
	groups = arena_alloc(&r->arena, sizeof(*groups));
	if (!groups)
		return;
	invalidate_group_purges((enum http_method)r->msg.method, answer, groups);
	origin = groups->n && make_key(r, r->target.query, false) ? r->cache.host : STR_NONE;
	for (unsigned i = 0; origin.n && i < groups->n; i++) {
		struct str name = arena_printf(&r->arena, "%.*s %.*s", STR_ARG(origin),
					       STR_ARG(groups->name[i]));
		if (name.p)
			purge_add(r->server->fills.purge, PURGE_GROUP, name, false);
	}
}

static struct invalidate_uri target_of(const struct request *r)
{
	return (struct invalidate_uri){
		.scheme = request_scheme(r),
		.host = r->host,
		.port = r->port,
		.path = r->path,
		.query = r->target.query,
	};
}

void cache_invalidate(struct request *r, const struct http_msg *answer)
{
	struct invalidate_uri target = target_of(r);
	struct invalidate_uri uris[INVALIDATE_URIS_MAX];
	struct invalidate_room *room;

	if (!r->server->fills.l1)
		return;
	purge_groups(r, answer);
	if (!invalidate_applies((enum http_method)r->msg.method, answer->status))
		return;
	room = arena_alloc(&r->arena, sizeof(*room));
	if (!room)
		return;
	size_t n = invalidate_uris(&target, (enum http_method)r->msg.method, answer, room, uris);
	for (size_t i = 0; i < n; i++)
		purge_uri(r, &uris[i]);
	metric_add(r->route->row, METRIC_ROUTE_cache_invalidations, n);
}

/* ---- what POST brings for GET ---- */

bool cache_takes_post(struct request *r)
{
	struct fill_env *env = &r->server->fills;
	struct req_cache *c = &r->cache;
	struct invalidate_uri target = target_of(r);
	const struct fetch *f = r->fetch;

	if (r->msg.method != HTTP_METHOD_POST || c->on || !r->route->cache.on || !env->l1 ||
	    r->on_fallback || f->upload != UPLOAD_DONE || f->x.msg.status != 200 ||
	    !(r->route->cache.methods & (1u << HTTP_METHOD_GET)) ||
	    !invalidate_post_names_target(&target, &f->x.msg))
		return false;
	cache_invalidate(r, &f->x.msg);
	if (!make_key(r, r->target.query, false))
		return false;
	c->on = true;
	c->fill = new_fill(r, &c->ticket, &c->base, false);
	if (c->fill)
		fill_asks(c->fill);
	return c->fill != NULL;
}

/* ---- PURGE ---- */

enum step step_purge(struct request *r)
{
	const struct route_cache *rc = &r->route->cache;

	if (acl_check(&rc->purgers, &r->who.ip) != ACL_ALLOWED)
		return request_refuse(r, PROXY_ERROR_forbidden, STR_NONE);
	struct invalidate_uri target = target_of(r);
	uint64_t seq = purge_uri(r, &target);
	if (seq == 0)
		return request_refuse(r, PROXY_ERROR_out_of_memory, STR_NONE);
	r->purged = arena_printf(&r->arena, "{\"purged\":\"url\",\"sequence\":%llu}\n",
				 (unsigned long long)seq);
	return STEP_ANSWER;
}
