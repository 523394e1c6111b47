/* SPDX-License-Identifier: BSD-2-Clause */
#include "req/snapshot.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/err.h"
#include "conf/load.h"
#include "obs/metrics.h"

/* conf and policy do not know each other: their networks are alike, field by field. */
static struct cidr *to_cidrs(const struct conf_cidr *from, size_t n)
{
	struct cidr *to = calloc(n + 1, sizeof(*to));

	for (size_t i = 0; to && i < n; i++) {
		to[i].family = from[i].family;
		to[i].bits = from[i].bits;
		memcpy(to[i].addr, from[i].addr, sizeof(to[i].addr));
	}
	return to;
}

static int build_access(struct route *r)
{
	const struct conf_access *c = &r->conf->access;
	struct cidr *allow = to_cidrs(c->allow, c->n_allow), *deny = to_cidrs(c->deny, c->n_deny);
	int rc = allow && deny ? acl_init(&r->access, allow, c->n_allow, deny, c->n_deny)
			       : ERR_NOMEM;

	free(allow);
	free(deny);
	return rc;
}

static struct headers_op *add_rows(struct headers_op *at, enum headers_op_kind kind,
				   const struct conf_pair *pairs, size_t n)
{
	for (size_t i = 0; i < n; i++)
		*at++ = (struct headers_op){
			.kind = kind, .name = str_c(pairs[i].name), .value = str_c(pairs[i].value)};
	return at;
}

/* Remove, then set, then add. */
static int build_ops(struct headers_ops *ops, struct headers_op *rows,
		     const struct conf_header_ops *c, struct headers_op **out_end)
{
	struct headers_op *at = rows;

	for (size_t i = 0; i < c->n_remove; i++)
		*at++ = (struct headers_op){.kind = HEADERS_REMOVE, .name = str_c(c->remove[i])};
	at = add_rows(at, HEADERS_SET, c->set, c->n_set);
	at = add_rows(at, HEADERS_ADD, c->add, c->n_add);
	*out_end = at;
	return headers_ops_init(ops, rows, (size_t)(at - rows), NULL);
}

static size_t count_ops(const struct conf_header_ops *c)
{
	return c->n_remove + c->n_set + c->n_add;
}

static int build_headers(struct route *r)
{
	const struct conf_headers *c = &r->conf->headers;
	struct headers_op *at;
	int rc;

	r->op_rows =
		calloc(count_ops(&c->request) + count_ops(&c->response) + 1, sizeof(*r->op_rows));
	if (!r->op_rows)
		return ERR_NOMEM;
	rc = build_ops(&r->request_ops, r->op_rows, &c->request, &at);
	return rc ? rc : build_ops(&r->response_ops, at, &c->response, &at);
}

/* The part of a route that is made from the configuration alone. */
static int build_rules(struct route *r, const struct conf_route *c)
{
	r->conf = c;
	r->rewrite.strip = str_c(c->rewrite.strip_prefix);
	r->rewrite.add = str_c(c->rewrite.add_prefix);
	int rc = rewrite_check(&r->rewrite);
	if (!rc)
		rc = build_access(r);
	if (!rc)
		rc = build_headers(r);
	return rc ? rc : route_cache_build(&r->cache, &c->cache, c->name);
}

static int bind_route(const struct snapshot_env *env, struct route *r)
{
	const struct conf_route *c = r->conf;

	if (c->upstream && !(r->group = upstreams_plan_group(env->plan, c->upstream)))
		return ERR_MISSING;
	if (c->fallback.upstream &&
	    !(r->fallback = upstreams_plan_group(env->plan, c->fallback.upstream)))
		return ERR_MISSING;
	r->row = metrics_row(env->metrics, METRIC_SCOPE_ROUTE,
			     metrics_find(env->metrics, METRIC_SCOPE_ROUTE, c->name, NULL),
			     env->slot);
	r->cache.fill.row = r->row;
	return 0;
}

static int build_listener(struct listener_conf *l, const struct conf_listener *c)
{
	struct cidr *list = to_cidrs(c->trusted_proxies, c->n_trusted_proxies);
	int rc = list ? 0 : ERR_NOMEM;

	l->conf = c;
	if (!rc && c->n_trusted_proxies)
		rc = cidr_set_new(list, c->n_trusted_proxies, &l->trusted);
	free(list);
	/* who can connect to a unix socket was let in by its file's permissions */
	l->trust = (struct forwarded_trust){.proxies = l->trusted, .unix_peers = true};
	return rc;
}

static int build_table(struct snapshot *s, char *why, size_t why_size)
{
	struct route_rule *rules = calloc(s->n_routes + 1, sizeof(*rules));
	struct route_error error;
	int rc;

	if (!rules)
		return ERR_NOMEM;
	for (size_t i = 0; i < s->n_routes; i++) {
		const struct conf_match *m = &s->routes[i].conf->match;
		rules[i] = (struct route_rule){
			.hosts = m->host,
			.n_hosts = m->n_host,
			.path_kind = (enum route_path_kind)m->path_kind,
			.path = m->path,
			.methods = m->method,
			.n_methods = m->n_method,
		};
	}
	rc = route_compile(rules, s->n_routes, &s->table, &error);
	if (rc == ERR_SYNTAX)
		snprintf(why, why_size, "route \"%s\": %s: %s at offset %zu",
			 s->routes[error.rule].conf->name, error.what, error.text, error.offset);
	free(rules);
	return rc;
}

static int build(const struct snapshot_env *env, struct snapshot *s, char *why, size_t why_size)
{
	const struct conf *c = s->conf;
	int rc = 0;

	s->routes = calloc(c->n_routes + 1, sizeof(*s->routes));
	s->listeners = calloc(c->n_listeners + 1, sizeof(*s->listeners));
	if (!s->routes || !s->listeners)
		return ERR_NOMEM;
	for (size_t i = 0; rc == 0 && i < c->n_routes; i++) {
		s->n_routes = i + 1;
		rc = build_rules(&s->routes[i], &c->routes[i]);
		if (!rc && env)
			rc = bind_route(env, &s->routes[i]);
		if (rc)
			snprintf(why, why_size, "route \"%s\": %s", c->routes[i].name,
				 err_text(rc));
	}
	for (size_t i = 0; rc == 0 && i < c->n_listeners; i++) {
		s->n_listeners = i + 1;
		rc = build_listener(&s->listeners[i], &c->listeners[i]);
	}
	return rc ? rc : build_table(s, why, why_size);
}

int snapshot_new(const struct snapshot_env *env, struct conf *conf, char *why, size_t why_size,
		 struct snapshot **out)
{
	struct snapshot *s = calloc(1, sizeof(*s));
	int rc;

	snprintf(why, why_size, "%s", err_text(ERR_NOMEM));
	if (!s)
		return ERR_NOMEM;
	s->refs = 1;
	s->conf = conf_ref(conf);
	s->no_route = metrics_row(env->metrics, METRIC_SCOPE_ROUTE, 0, env->slot);
	rc = build(env, s, why, why_size);
	if (rc)
		snapshot_unref(&s);
	else
		*out = s;
	return rc;
}

int snapshot_check(const struct conf *conf, struct buf *told)
{
	struct snapshot *s = calloc(1, sizeof(*s));
	char why[512] = "";
	int rc;

	if (!s)
		return ERR_NOMEM;
	s->refs = 1;
	s->conf = conf_ref((struct conf *)conf);
	rc = build(NULL, s, why, sizeof(why));
	if (rc && why[0])
		buf_printf(told, "%s\n", why);
	snapshot_unref(&s);
	return rc;
}

struct snapshot *snapshot_ref(struct snapshot *s)
{
	s->refs++;
	return s;
}

static void free_route(struct route *r)
{
	group_unref(&r->group);
	group_unref(&r->fallback);
	acl_fini(&r->access);
	free(r->op_rows);
	route_cache_fini(&r->cache);
}

void snapshot_unref(struct snapshot **s_p)
{
	struct snapshot *s = *s_p;

	*s_p = NULL;
	if (!s || --s->refs)
		return;
	for (size_t i = 0; i < s->n_routes; i++)
		free_route(&s->routes[i]);
	for (size_t i = 0; i < s->n_listeners; i++)
		cidr_set_free(&s->listeners[i].trusted);
	route_table_free(&s->table);
	free(s->routes);
	free(s->listeners);
	conf_unref(&s->conf);
	free(s);
}

const struct listener_conf *snapshot_listener(const struct snapshot *s, const char *name)
{
	for (size_t i = 0; i < s->n_listeners; i++)
		if (strcmp(s->listeners[i].conf->name, name) == 0)
			return &s->listeners[i];
	return NULL;
}
