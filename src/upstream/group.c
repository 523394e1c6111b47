/* SPDX-License-Identifier: BSD-2-Clause */
#include "upstream/group.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/err.h"
#include "net/resolve.h"
#include "obs/log.h"
#include "obs/metrics.h"
#include "upstream/cells.h"
#include "upstream/lb.h"
#include "upstream/pool.h"

/* So long an address is passed over after a failed connect, if there are others. */
#define FAILED_ADDRESS_TIME (10 * NS_PER_S)

/* What one upstream of the new configuration will be. */
struct group_plan {
	struct group *group; /* a reference; existing, or new and not in the registry yet */
	bool is_new;
	struct group_settings set;
	struct origin_server **servers; /* references: existing ones, or new ones */
	uint32_t *weights;
	size_t n_servers;
};

struct upstreams_plan {
	struct group_plan *groups;
	size_t n;
};

/* ---- servers ---- */

static void on_addresses(void *arg, const struct resolve_set *set)
{
	struct origin_server *s = arg;

	CHECK_MAGIC(s, ORIGIN_SERVER_MAGIC);
	s->failed = 0;
	log_info("upstream", "%s: %s has %u address%s now", s->group->name, s->text, set->n,
		 set->n == 1 ? "" : "es");
	pool_serve_later(s->group);
}

void origin_server_unref(struct origin_server **s_p)
{
	struct origin_server *s = *s_p;

	*s_p = NULL;
	if (!s || --s->refs)
		return;
	ASSERT(list_empty(&s->idle) && s->conns == 0);
	resolve_unwatch(&s->watch);
	s->magic = 0;
	free(s->text);
	free(s);
}

static int set_address(struct origin_server *s, const struct conf_address *a)
{
	if (a->kind == CONF_ADDR_UNIX) {
		s->is_unix = true;
		return sock_addr_unix(&s->unix_addr, a->path);
	}
	return resolve_watch(s->group->owner->resolver, a->host, a->port, on_addresses, s,
			     &s->watch);
}

static struct origin_server *new_server(struct group *g, const struct conf_server *c)
{
	struct upstreams *u = g->owner;
	struct origin_server *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->magic = ORIGIN_SERVER_MAGIC;
	s->refs = 1;
	s->group = g;
	list_init(&s->idle);
	s->text = str_dup(str_c(c->address.text));
	if (!s->text || set_address(s, &c->address)) {
		origin_server_unref(&s);
		return NULL;
	}
	s->cell = metrics_find(u->metrics, METRIC_SCOPE_SERVER, s->text, g->name);
	s->row = metrics_row(u->metrics, METRIC_SCOPE_SERVER, s->cell, u->slot);
	return s;
}

static struct origin_server *find_server(const struct group *g, const char *text)
{
	for (size_t i = 0; i < g->n_servers; i++)
		if (strcmp(g->servers[i]->text, text) == 0)
			return g->servers[i];
	return NULL;
}

bool origin_server_known(const struct origin_server *s)
{
	return s->is_unix || (s->watch && resolve_set(s->watch)->n > 0);
}

static uint32_t all_of(const struct resolve_set *set)
{
	return (uint32_t)((UINT64_C(1) << set->n) - 1);
}

bool origin_server_address(struct origin_server *s, struct sock_addr *out, unsigned *out_index)
{
	*out_index = 0;
	if (s->is_unix) {
		*out = s->unix_addr;
		return true;
	}
	const struct resolve_set *set = resolve_set(s->watch);
	if (set->n == 0)
		return false;
	if ((s->failed & all_of(set)) == all_of(set) ||
	    clock_mono() - s->failed_at > FAILED_ADDRESS_TIME)
		s->failed = 0;
	unsigned i = s->next_addr % set->n;
	while (s->failed & (1u << i))
		i = (i + 1) % set->n;
	s->next_addr = i + 1;
	*out = set->addrs[i];
	*out_index = i;
	return true;
}

bool origin_server_failed(struct origin_server *s, unsigned index)
{
	if (s->is_unix)
		return false;
	const struct resolve_set *set = resolve_set(s->watch);
	s->failed |= 1u << index;
	s->failed_at = clock_mono();
	return set->n > 0 && (s->failed & all_of(set)) != all_of(set);
}

/* ---- groups ---- */

static struct group *new_group(struct upstreams *u, const char *name)
{
	struct group *g = calloc(1, sizeof(*g));

	if (!g)
		return NULL;
	g->magic = GROUP_MAGIC;
	g->refs = 1;
	g->owner = u;
	list_init(&g->queue);
	rng_seed_system(&g->rng);
	g->name = str_dup(str_c(name));
	if (!g->name) {
		free(g);
		return NULL;
	}
	g->cell = metrics_find(u->metrics, METRIC_SCOPE_UPSTREAM, name, NULL);
	g->row = metrics_row(u->metrics, METRIC_SCOPE_UPSTREAM, g->cell, u->slot);
	return g;
}

struct group *group_ref(struct group *g)
{
	g->refs++;
	return g;
}

static void drop_servers(struct origin_server **servers, size_t n)
{
	for (size_t i = 0; i < n; i++)
		origin_server_unref(&servers[i]);
	free(servers);
}

void group_unref(struct group **g_p)
{
	struct group *g = *g_p;

	*g_p = NULL;
	if (!g || --g->refs)
		return;
	ASSERT(list_empty(&g->queue));
	loop_undefer(g->owner->loop, &g->serve);
	if (list_linked(&g->node))
		list_remove(&g->owner->groups, &g->node);
	drop_servers(g->servers, g->n_servers);
	g->magic = 0;
	free(g->name);
	free(g);
}

static struct group *find_group(struct upstreams *u, const char *name)
{
	LIST_EACH (&u->groups, n) {
		struct group *g = CONTAINER_OF(n, struct group, node);
		if (strcmp(g->name, name) == 0)
			return g;
	}
	return NULL;
}

int upstreams_init(struct upstreams *u)
{
	list_init(&u->groups);
	return resolver_new(u->loop, NULL, &u->resolver);
}

void upstreams_fini(struct upstreams *u)
{
	LIST_EACH (&u->groups, n) {
		struct group *g = CONTAINER_OF(n, struct group, node);
		for (size_t i = 0; i < g->n_servers; i++)
			pool_close_idle(g->servers[i]);
	}
	loop_turn(u->loop, false); /* connections let go of their servers */
	LIST_EACH (&u->groups, n) {
		struct group *g = CONTAINER_OF(n, struct group, node);
		list_remove(&u->groups, &g->node);
		if (!g->retired)
			group_unref(&g);
	}
	resolver_free(&u->resolver);
}

/* ---- reload ---- */

static int plan_servers(struct group_plan *p, const struct conf_upstream *c)
{
	p->servers = calloc(c->n_servers, sizeof(*p->servers));
	p->weights = calloc(c->n_servers, sizeof(*p->weights));
	if (!p->servers || !p->weights)
		return ERR_NOMEM;
	for (size_t i = 0; i < c->n_servers; i++) {
		struct origin_server *s = find_server(p->group, c->servers[i].address.text);
		if (s)
			s->refs++;
		else
			s = new_server(p->group, &c->servers[i]);
		if (!s)
			return ERR_NOMEM;
		p->servers[p->n_servers] = s;
		p->weights[p->n_servers++] = c->servers[i].weight;
	}
	return 0;
}

static int plan_group(struct upstreams *u, struct group_plan *p, const struct conf_upstream *c)
{
	struct group *g = find_group(u, c->name);

	p->is_new = g == NULL;
	p->group = g ? group_ref(g) : new_group(u, c->name);
	if (!p->group)
		return ERR_NOMEM;
	p->set = (struct group_settings){
		.pool = c->pool, .timeouts = c->timeouts, .lb = lb_by_conf(c->balance)};
	return plan_servers(p, c);
}

static void free_plan(struct upstreams_plan **plan_p)
{
	struct upstreams_plan *plan = *plan_p;

	*plan_p = NULL;
	for (size_t i = 0; plan && i < plan->n; i++) {
		struct group_plan *p = &plan->groups[i];
		if (p->servers)
			drop_servers(p->servers, p->n_servers);
		free(p->weights);
		group_unref(&p->group);
	}
	if (plan)
		free(plan->groups);
	free(plan);
}

int upstreams_prepare(struct upstreams *u, const struct conf *conf,
		      struct upstreams_plan **out_plan)
{
	struct upstreams_plan *plan = calloc(1, sizeof(*plan));
	int rc = 0;

	if (!plan)
		return ERR_NOMEM;
	plan->groups = calloc(conf->n_upstreams + 1, sizeof(*plan->groups));
	if (!plan->groups)
		rc = ERR_NOMEM;
	for (size_t i = 0; rc == 0 && i < conf->n_upstreams; i++) {
		plan->n = i + 1;
		rc = plan_group(u, &plan->groups[i], &conf->upstreams[i]);
	}
	if (rc)
		free_plan(&plan);
	else
		*out_plan = plan;
	return rc;
}

struct group *upstreams_plan_group(struct upstreams_plan *plan, const char *name)
{
	for (size_t i = 0; i < plan->n; i++)
		if (strcmp(plan->groups[i].group->name, name) == 0)
			return group_ref(plan->groups[i].group);
	return NULL;
}

static bool planned(const struct group_plan *p, const struct origin_server *s)
{
	for (size_t i = 0; i < p->n_servers; i++)
		if (p->servers[i] == s)
			return true;
	return false;
}

static void retire_server(struct origin_server *s)
{
	s->removed = true;
	pool_close_idle(s);
}

static void commit_group(struct upstreams *u, struct group_plan *p)
{
	struct group *g = p->group;

	if (p->is_new)
		list_append(&u->groups, &group_ref(g)->node);
	else if (g->retired)
		group_ref(g);
	g->retired = false;
	g->set = p->set;
	for (size_t i = 0; i < g->n_servers; i++)
		if (!planned(p, g->servers[i]))
			retire_server(g->servers[i]);
	drop_servers(g->servers, g->n_servers);
	g->servers = p->servers;
	g->n_servers = p->n_servers;
	for (size_t i = 0; i < g->n_servers; i++) {
		g->servers[i]->weight = p->weights[i];
		g->servers[i]->removed = false;
	}
	p->servers = NULL;
	p->n_servers = 0;
	pool_serve_later(g);
}

static bool group_planned(const struct upstreams_plan *plan, const struct group *g)
{
	for (size_t i = 0; i < plan->n; i++)
		if (plan->groups[i].group == g)
			return true;
	return false;
}

/*
 * No longer configured: the registry gives its reference up. Requests that still use the group keep
 * it alive, and on the list, so that their queue is looked after.
 */
static void retire_group(struct group *g)
{
	for (size_t i = 0; i < g->n_servers; i++)
		pool_close_idle(g->servers[i]);
	g->set.pool.max_idle = 0;
	g->retired = true;
	group_unref(&g);
}

void upstreams_commit(struct upstreams *u, struct upstreams_plan **plan_p)
{
	struct upstreams_plan *plan = *plan_p;

	LIST_EACH (&u->groups, n) {
		struct group *g = CONTAINER_OF(n, struct group, node);
		if (!g->retired && !group_planned(plan, g))
			retire_group(g);
	}
	for (size_t i = 0; i < plan->n; i++)
		commit_group(u, &plan->groups[i]);
	free_plan(plan_p);
}

void upstreams_abort(struct upstreams *u, struct upstreams_plan **plan)
{
	(void)u;
	free_plan(plan);
}

/* ---- once a second ---- */

static void count_dns_failures(struct origin_server *s)
{
	unsigned n = s->is_unix ? 0 : resolve_failures(s->watch);

	if (n > s->dns_failures)
		metric_add(s->group->row, METRIC_UPSTREAM_dns_failures, n - s->dns_failures);
	s->dns_failures = n;
}

static void second_of_server(struct origin_server *s)
{
	count_dns_failures(s);
	metric_set(s->row, METRIC_SERVER_addresses, s->is_unix ? 1 : resolve_set(s->watch)->n);
}

/* Serves our own waiting requests, or makes room for those of other workers. */
static void look_at_queue(struct group *g)
{
	if (!list_empty(&g->queue))
		pool_serve_later(g);
	else
		pool_yield_idle(g);
}

void upstreams_second(struct upstreams *u)
{
	LIST_EACH (&u->groups, n) {
		struct group *g = CONTAINER_OF(n, struct group, node);
		metric_set(g->row, METRIC_UPSTREAM_queue_length, g->queue.count);
		metric_set(g->row, METRIC_UPSTREAM_connections_active, g->n_busy + g->n_connecting);
		metric_set(g->row, METRIC_UPSTREAM_connections_idle, g->n_idle);
		for (size_t i = 0; i < g->n_servers; i++)
			second_of_server(g->servers[i]);
		look_at_queue(g);
	}
}

void upstreams_on_doorbell(struct upstreams *u)
{
	LIST_EACH (&u->groups, n) {
		look_at_queue(CONTAINER_OF(n, struct group, node));
	}
}
