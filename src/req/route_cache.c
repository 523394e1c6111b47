/* SPDX-License-Identifier: BSD-2-Clause */
#include "req/route_cache.h"

#include <stdlib.h>

#include "base/err.h"
#include "conf/types.h"

/* Each list of names is one allocation, kept in <memory>. */
static const struct str *names(struct route_cache *rc, unsigned which, const char *const *list,
			       size_t n, bool *ok)
{
	struct str *to = calloc(n + 1, sizeof(*to));

	rc->memory[which] = to;
	for (size_t i = 0; to && i < n; i++)
		to[i] = str_c(list[i]);
	*ok = *ok && to;
	return to;
}

static bool build_key(struct route_cache *rc, const struct conf_cache_key *c)
{
	bool ok = true;

	rc->key = (struct key_rules){
		.query = (uint8_t)c->query,
		.sort_query = c->sort_query,
		.host = c->host,
		.n_ignore_query = c->n_ignore_query,
		.n_keep_query = c->n_keep_query,
		.n_headers = c->n_headers,
		.n_cookies = c->n_cookies,
	};
	rc->key.ignore_query = names(rc, 0, c->ignore_query, c->n_ignore_query, &ok);
	rc->key.keep_query = names(rc, 1, c->keep_query, c->n_keep_query, &ok);
	rc->key.headers = names(rc, 2, c->headers, c->n_headers, &ok);
	rc->key.cookies = names(rc, 3, c->cookies, c->n_cookies, &ok);
	return ok;
}

static uint32_t methods(const struct conf_route_cache *c)
{
	static const enum http_method ids[] = {
		[CONF_CACHE_GET] = HTTP_METHOD_GET,
		[CONF_CACHE_HEAD] = HTTP_METHOD_HEAD,
		[CONF_CACHE_QUERY] = HTTP_METHOD_QUERY,
		[CONF_CACHE_POST] = HTTP_METHOD_POST,
	};
	uint32_t set = 0;

	for (size_t i = 0; i < c->n_methods; i++)
		set |= 1u << ids[c->methods[i]];
	return set;
}

static bool build_statuses(struct route_cache *rc, const struct conf_route_cache *c)
{
	struct cache_status_ttl *to = calloc(c->n_statuses + 1, sizeof(*to));

	rc->fill.rules.n_statuses = c->n_statuses;
	rc->fill.rules.statuses = to;
	for (size_t i = 0; to && i < c->n_statuses; i++)
		to[i] = (struct cache_status_ttl){(uint16_t)c->statuses[i].status,
						  c->statuses[i].time / NS_PER_S};
	return to != NULL;
}

static int build_purge(struct route_cache *rc, const struct conf_purge *c)
{
	struct cidr *list = calloc(c->n_allow + 1, sizeof(*list));
	int err = ERR_NOMEM;

	for (size_t i = 0; list && i < c->n_allow; i++) {
		list[i].family = c->allow[i].family;
		list[i].bits = c->allow[i].bits;
		memcpy(list[i].addr, c->allow[i].addr, sizeof(list[i].addr));
	}
	if (list)
		err = acl_init(&rc->purgers, list, c->n_allow, NULL, 0);
	free(list);
	rc->purge = c->n_allow > 0;
	return err;
}

static bool build_rules(struct route_cache *rc, const struct conf_route_cache *c)
{
	struct cache_rules *r = &rc->fill.rules;
	bool ok = true;

	*r = (struct cache_rules){
		.ttl = c->ttl / NS_PER_S,
		.override = c->override,
		.l1_ttl = c->l1_ttl / NS_PER_S,
		.while_revalidate = c->stale_while_revalidate / NS_PER_S,
		.if_error = c->stale_if_error / NS_PER_S,
		.set_cookie = (uint8_t)c->set_cookie,
		.n_targeted = c->n_targeted,
	};
	for (size_t i = 0; i < c->n_unsafe; i++)
		r->unsafe_ |= (uint8_t)(1u << (c->unsafe[i] - 1));
	r->targeted = names(rc, 4, c->targeted, c->n_targeted, &ok);
	rc->fill.tags = names(rc, 5, c->tags, c->n_tags, &ok);
	rc->fill.n_tags = c->n_tags;
	return build_statuses(rc, c) && ok;
}

int route_cache_build(struct route_cache *rc, const struct conf_route_cache *c, const char *name)
{
	rc->on = c->enabled;
	rc->status = c->status_header;
	rc->fill.search = c->no_vary_search;
	rc->groups = c->cache_groups;
	rc->methods = methods(c);
	rc->key_body = c->key_body;
	rc->wait = c->coalesce.wait;
	rc->fill.max_variants = c->variants;
	rc->fill.groups = c->cache_groups;
	rc->fill.observe = c->mode == CONF_MODE_OBSERVE;
	if (!build_key(rc, &c->key) || !build_rules(rc, c))
		return ERR_NOMEM;
	rc->key.realm = str_c(name);
	return build_purge(rc, &c->purge);
}

void route_cache_fini(struct route_cache *rc)
{
	for (size_t i = 0; i < COUNTOF(rc->memory); i++)
		free(rc->memory[i]);
	free((void *)rc->fill.rules.statuses);
	acl_fini(&rc->purgers);
}
