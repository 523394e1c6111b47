/* SPDX-License-Identifier: BSD-2-Clause */
/* The `cache` command: cache_model() for people. */
#include "admin/admin.h"
#include "admin/ask.h"
#include "admin/cmds.h"
#include "admin/figures.h"
#include "admin/model.h"

static const json_t *at(const json_t *object, const char *key)
{
	return json_object_get(object, key);
}

static long long number(const json_t *object, const char *key)
{
	return (long long)json_integer_value(at(object, key));
}

static void write_space(const json_t *space, struct buf *out)
{
	double size = json_number_value(at(space, "size"));
	json_t *share = json_real(size > 0 ? json_number_value(at(space, "used")) / size : 0);
	char a[FIGURE], b[FIGURE], c[FIGURE];

	buf_printf(out, "%-10s %s, ", "size", figure_bytes(at(space, "size"), a));
	buf_printf(out, "%s in use (%s), %s of that is overhead\n",
		   figure_bytes(at(space, "used"), a), figure_percent(share, b),
		   figure_percent(at(space, "overhead"), c));
	json_decref(share);
	buf_printf(out, "%-10s %lld of %lld are free\n", "pages", number(space, "free_pages"),
		   number(space, "pages"));
	buf_printf(out, "%-10s %lld answers, %lld of them being fetched; requests hold %lld\n",
		   "stored", number(space, "objects"), number(space, "filling"),
		   number(space, "pins"));
}

static void write_results(const json_t *results, struct buf *out)
{
	char ratio[FIGURE];

	buf_printf(out,
		   "%-10s %lld hits, %lld sent stale, %lld collapsed, %lld revalidated, "
		   "%lld misses; %s answered from the cache\n",
		   "requests", number(results, "hit"), number(results, "stale"),
		   number(results, "collapsed"), number(results, "revalidated"),
		   number(results, "miss"), figure_percent(at(results, "hit_ratio"), ratio));
	buf_printf(out, "%-10s %lld were passed on without a look\n", "",
		   number(results, "bypass"));
}

static void write_left(const json_t *left, struct buf *out)
{
	buf_printf(
		out,
		"%-10s %lld to make room (%lld had been used again), %lld expired, %lld purged\n",
		"left", number(left, "evicted_small") + number(left, "evicted_main"),
		number(left, "evicted_main"), number(left, "expired"), number(left, "purged"));
	buf_printf(out, "%-10s %lld too large, %lld for want of room\n", "refused",
		   number(left, "refused_large"), number(left, "refused_full"));
}

static void write_fills(const json_t *fills, struct buf *out)
{
	buf_printf(
		out,
		"%-10s %lld now; so far %lld asked for all, %lld waited for another, %lld did not "
		"wait (%lld found no room)\n",
		"fetches", number(fills, "in_flight"), number(fills, "led"),
		number(fills, "waited"),
		number(fills, "alone_marked") + number(fills, "alone_full"),
		number(fills, "alone_full"));
}

static void write_purges(const json_t *purges, struct buf *out)
{
	buf_printf(out,
		   "%-10s %lld: %lld by url, %lld by prefix, %lld by tag, %lld by group, "
		   "%lld by host, %lld of all\n",
		   "purges", number(purges, "sequence"), number(purges, "url"),
		   number(purges, "prefix"), number(purges, "tag"), number(purges, "group"),
		   number(purges, "host"), number(purges, "all"));
}

static void write_cache(const json_t *model, struct buf *out)
{
	if (!json_is_true(at(model, "enabled"))) {
		buf_c(out, "there is no cache: cache.l1.size is 0\n");
		return;
	}
	write_space(at(model, "space"), out);
	write_results(at(model, "results"), out);
	write_left(at(model, "left"), out);
	write_fills(at(model, "fills"), out);
	write_purges(at(model, "purges"), out);
}

void cmd_cache(struct ask *ask)
{
	json_t *model;
	bool json;

	if (!cmds_json_only(ask, &json))
		return;
	model = cache_model(ask->admin);
	if (json) {
		model_write(model, &ask->out);
	} else if (model) {
		write_cache(model, &ask->out);
		json_decref(model);
	} else {
		ask_fail(ask, PROTO_FAILED, "out of memory");
		return;
	}
	ask_end(ask, PROTO_OK);
}
