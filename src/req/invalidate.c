/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What makes stored responses void: answers to unsafe methods (RFC 9111 4.4), groups (RFC 9875), PURGE.
 * And what an answer to POST brings for GET (RFC 9110 9.3.3).
 */
#include "policy/invalidate.h"

#include "fetch/search.h"
#include "obs/metrics.h"
#include "req/cache.h"
#include "store/purge.h"

/* The key's URL part for <parts>; empty: out of memory. */
static struct str url_of(struct request *r, const struct key_parts *parts)
{
	size_t room = parts->path.n + 3 * parts->query.n + parts->host.n + CACHE_KEY_ROOM;
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
	if (rule.n && cache_reduce_query(r, rule, &reduced.query) && (url = url_of(r, &reduced)).n)
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
	origin = groups->n && cache_make_key(r, r->target.query, false) ? r->cache.host : STR_NONE;
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
	if (!cache_make_key(r, r->target.query, false))
		return false;
	c->on = true;
	c->fill = cache_new_fill(r, &c->ticket, &c->base, false);
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
