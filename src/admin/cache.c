/* SPDX-License-Identifier: BSD-2-Clause */
#include "admin/cache.h"

#include "admin/admin.h"
#include "admin/question.h"
#include "base/arena.h"
#include "base/clock.h"
#include "base/err.h"
#include "conf/types.h"
#include "fetch/search.h"
#include "obs/metrics.h"
#include "shm/slots.h"

void cache_attach(struct admin *admin)
{
	struct cache_view *c = &admin->cache;
	const struct admin_boot *boot = admin->boot;

	c->l1 = l1_attach(boot->seg, SLOT_NONE, 0);
	c->fills = fills_attach(boot->seg, SLOT_NONE, NULL);
	c->purge = purge_attach(boot->seg);
	if (!c->l1 || !c->fills || !c->purge)
		cache_detach(admin);
}

void cache_detach(struct admin *admin)
{
	l1_detach(&admin->cache.l1);
	fills_detach(&admin->cache.fills);
	purge_detach(&admin->cache.purge);
}

/* ---- gauges ---- */

static void set_l1(struct metric_row *row, struct l1 *l1)
{
	struct l1_figures f;

	l1_figures(l1, &f);
	metric_set(row, METRIC_NODE_cache_size, f.size);
	metric_set(row, METRIC_NODE_cache_used, f.used);
	metric_set(row, METRIC_NODE_cache_stored, f.stored);
	metric_set(row, METRIC_NODE_cache_objects, f.objects);
	metric_set(row, METRIC_NODE_cache_filling, f.filling);
	metric_set(row, METRIC_NODE_cache_pins, f.pins);
	metric_set(row, METRIC_NODE_cache_pages, f.pages);
	metric_set(row, METRIC_NODE_cache_free_pages, f.free_pages);
	metric_set(row, METRIC_NODE_cache_lent_holes, f.lent_holes);
	metric_set(row, METRIC_NODE_cache_recovered_shards, f.recovered_shards);
}

static void set_fills(struct metric_row *row, struct fills *fills)
{
	struct fills_figures f;

	fills_figures(fills, &f);
	metric_set(row, METRIC_NODE_fills_in_flight, f.in_flight);
	metric_set(row, METRIC_NODE_fills_led, f.led);
	metric_set(row, METRIC_NODE_fills_waited, f.waited);
	metric_set(row, METRIC_NODE_fills_alone_marked, f.alone_marked);
	metric_set(row, METRIC_NODE_fills_alone_full, f.alone_full);
	metric_set(row, METRIC_NODE_fills_ended_by_death, f.ended_by_death);
}

static void set_purges(struct metric_row *row, const struct purge *purge)
{
	uint64_t n[PURGE_ALL + 1];

	purge_counts(purge, n);
	metric_set(row, METRIC_NODE_purges_url, n[PURGE_URL]);
	metric_set(row, METRIC_NODE_purges_prefix, n[PURGE_PREFIX]);
	metric_set(row, METRIC_NODE_purges_tag, n[PURGE_TAG]);
	metric_set(row, METRIC_NODE_purges_group, n[PURGE_GROUP]);
	metric_set(row, METRIC_NODE_purges_host, n[PURGE_HOST]);
	metric_set(row, METRIC_NODE_purges_all, n[PURGE_ALL]);
}

void cache_gauges(struct admin *admin)
{
	struct metric_row *row = metrics_node(admin->boot->metrics);

	if (!admin->cache.l1)
		return;
	set_l1(row, admin->cache.l1);
	set_fills(row, admin->cache.fills);
	set_purges(row, admin->cache.purge);
}

/* ---- keys ---- */

enum { KEY_MAX = 64 * 1024 };

static int write_key(struct cache_place *p, const struct question *q, struct str query,
		     struct str rule)
{
	struct key_parts parts = {
		.scheme = str_ieq(q->target.scheme, STR("https")) ? STR("https") : STR("http"),
		.host = q->host,
		.port = q->port,
		.path = q->path,
		.query = query,
		.search_rule = rule,
		.request = &q->msg,
	};
	struct http_writer w;
	buf_reset(&p->text);
	char *room = buf_room(&p->text, KEY_MAX);

	if (!room)
		return ERR_NOMEM;
	http_write_init(&w, room, KEY_MAX);
	p->key.url_n = (uint32_t)key_write(&p->rules.key, &parts, &w);
	if (w.overflow)
		return ERR_LIMIT;
	p->text.n = http_write_n(&w);
	p->key.text = buf_slice(&p->text);
	p->key.hash = l1_hash(p->key.text);
	return 0;
}

int cache_place_init(struct cache_place *p, const struct conf_route *route,
		     const struct question *q)
{
	int rc;

	*p = (struct cache_place){0};
	rc = route_cache_build(&p->rules, &route->cache, route->name);
	return rc ? rc : write_key(p, q, q->target.query, STR_NONE);
}

void cache_place_fini(struct cache_place *p)
{
	route_cache_fini(&p->rules);
	buf_fini(&p->text);
}

/* ---- No-Vary-Search, as a worker does it (req/steps_cache.c) ---- */

enum { RULE_MAX = 1024 };

struct rule {
	char text[RULE_MAX];
	size_t n;
};

static void on_rule(void *arg, const struct l1_view *v, enum l1_state state, uint64_t length UNUSED,
		    bool purged)
{
	struct rule *rule = arg;

	if (state != L1_WHOLE || purged || v->softly_purged || v->head.n > sizeof(rule->text) ||
	    stored_fresh_for(v->meta, clock_wall()) <= 0)
		return;
	memcpy(rule->text, v->head.p, v->head.n);
	rule->n = v->head.n;
}

static bool reduce(struct cache_place *p, const struct question *q, struct str rule)
{
	struct buf text = BUF_INIT;
	char *room = buf_room(&text, KEY_MAX);
	struct http_writer w;
	bool ok = false;

	http_write_init(&w, room, room ? KEY_MAX : 0);
	if (room && key_no_vary_search(rule, q->target.query, &w) && !w.overflow) {
		size_t n = http_write_n(&w);
		ok = write_key(p, q, n ? str_of(w.start, n) : STR_NONE, rule) == 0;
	}
	buf_fini(&text);
	return ok;
}

bool cache_search(struct admin *admin, struct cache_place *p, const struct conf_route *route,
		  const struct question *q)
{
	struct rule rule = {.n = 0};
	struct arena arena;
	struct l1_key key;

	if (!q->target.query.n || !route->cache.no_vary_search || !admin->cache.l1)
		return false;
	arena_init(&arena, NULL, 0, 0);
	if (search_key(&arena, str_of(p->key.text.p, p->key.url_n), &key))
		l1_peek(admin->cache.l1, &key, on_rule, &rule);
	arena_fini(&arena);
	return rule.n && reduce(p, q, str_of(rule.text, rule.n));
}

/* ---- figures ---- */

static uint64_t routes_sum(const struct admin *admin, enum metric_id id)
{
	const struct metrics *m = admin->boot->metrics;
	uint64_t sum = 0;

	for (unsigned i = 0; i < metrics_subjects(m, METRIC_SCOPE_ROUTE); i++)
		sum += metrics_sum(m, METRIC_SCOPE_ROUTE, i, id);
	return sum;
}

static json_t *results_model(const struct admin *admin)
{
	uint64_t hits = routes_sum(admin, METRIC_ROUTE_cache_hits);
	uint64_t stale = routes_sum(admin, METRIC_ROUTE_cache_stale);
	uint64_t collapsed = routes_sum(admin, METRIC_ROUTE_cache_collapsed);
	uint64_t revalidated = routes_sum(admin, METRIC_ROUTE_cache_revalidated);
	uint64_t misses = routes_sum(admin, METRIC_ROUTE_cache_misses);
	uint64_t all = hits + stale + collapsed + revalidated + misses;

	return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:o}", "hit", (json_int_t)hits, "stale",
			 (json_int_t)stale, "collapsed", (json_int_t)collapsed, "revalidated",
			 (json_int_t)revalidated, "miss", (json_int_t)misses, "bypass",
			 (json_int_t)routes_sum(admin, METRIC_ROUTE_cache_bypassed), "hit_ratio",
			 all ? json_real((double)(hits + stale + collapsed) / (double)all)
			     : json_null());
}

static json_int_t workers_sum(const struct admin *admin, enum metric_id id)
{
	return (json_int_t)metrics_sum(admin->boot->metrics, METRIC_SCOPE_WORKER, 0, id);
}

static json_t *space_model(const struct admin *admin)
{
	struct l1_figures f;

	l1_figures(admin->cache.l1, &f);
	return json_pack(
		"{s:I, s:I, s:I, s:o, s:I, s:I, s:I, s:I, s:I, s:I}", "size", (json_int_t)f.size,
		"used", (json_int_t)f.used, "stored", (json_int_t)f.stored, "overhead",
		f.used ? json_real((double)(f.used - MIN(f.stored, f.used)) / (double)f.used)
		       : json_null(),
		"objects", (json_int_t)f.objects, "filling", (json_int_t)f.filling, "pins",
		(json_int_t)f.pins, "pages", (json_int_t)f.pages, "free_pages",
		(json_int_t)f.free_pages, "lent_holes", (json_int_t)f.lent_holes);
}

static json_t *leaving_model(const struct admin *admin)
{
	return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I}", "evicted_small",
			 workers_sum(admin, METRIC_WORKER_cache_evicted_small), "evicted_main",
			 workers_sum(admin, METRIC_WORKER_cache_evicted_main), "expired",
			 workers_sum(admin, METRIC_WORKER_cache_expired), "purged",
			 workers_sum(admin, METRIC_WORKER_cache_purged), "refused_large",
			 workers_sum(admin, METRIC_WORKER_cache_rejected_large), "refused_full",
			 workers_sum(admin, METRIC_WORKER_cache_rejected_full));
}

static json_t *fills_model(const struct admin *admin)
{
	struct fills_figures f;

	fills_figures(admin->cache.fills, &f);
	return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I}", "in_flight", (json_int_t)f.in_flight,
			 "led", (json_int_t)f.led, "waited", (json_int_t)f.waited, "alone_marked",
			 (json_int_t)f.alone_marked, "alone_full", (json_int_t)f.alone_full,
			 "ended_by_death", (json_int_t)f.ended_by_death);
}

static json_t *purges_model(const struct admin *admin)
{
	uint64_t n[PURGE_ALL + 1];

	purge_counts(admin->cache.purge, n);
	return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "sequence",
			 (json_int_t)purge_now(admin->cache.purge), "url", (json_int_t)n[PURGE_URL],
			 "prefix", (json_int_t)n[PURGE_PREFIX], "tag", (json_int_t)n[PURGE_TAG],
			 "group", (json_int_t)n[PURGE_GROUP], "host", (json_int_t)n[PURGE_HOST],
			 "all", (json_int_t)n[PURGE_ALL]);
}

json_t *cache_model(const struct admin *admin)
{
	if (!admin->cache.l1)
		return json_pack("{s:b}", "enabled", 0);
	return json_pack("{s:b, s:o, s:o, s:o, s:o, s:o}", "enabled", 1, "space",
			 space_model(admin), "results", results_model(admin), "left",
			 leaving_model(admin), "fills", fills_model(admin), "purges",
			 purges_model(admin));
}
