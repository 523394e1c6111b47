/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a request is looked up by, and the content of those whose key includes it.
 */
#include "req/cache.h"

/* ---- content that is part of the key ---- */

bool cache_keyed_by_content(const struct request *r)
{
	return r->msg.method == HTTP_METHOD_QUERY || r->msg.method == HTTP_METHOD_POST;
}

bool cache_wants_content(const struct request *r)
{
	const struct route_cache *c = &r->route->cache;

	return cache_keyed_by_content(r) && (c->methods & (1u << r->msg.method)) &&
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

bool cache_make_key(struct request *r, struct str query, bool by_content)
{
	struct req_cache *c = &r->cache;
	size_t room = r->msg.head_n + r->path.n + CACHE_KEY_ROOM;
	char *p = arena_alloc(&r->arena, room);
	struct key_parts parts = {
		.scheme = request_scheme(r),
		.host = r->host,
		.port = r->port,
		.path = r->path,
		.query = query,
		.spelled = str_eq(r->path, r->target.path) ? STR_NONE : r->target.path,
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

bool cache_reduce_query(struct request *r, struct str rule, struct str *query)
{
	size_t room = 3 * query->n + CACHE_KEY_ROOM;
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
