/* SPDX-License-Identifier: BSD-2-Clause */
/* Commands that show what the segment says: the models of model.h, written for people. */
#include <stdio.h>

#include "admin/admin.h"
#include "admin/ask.h"
#include "admin/cmds.h"
#include "admin/figures.h"
#include "admin/model.h"
#include "admin/table.h"
#include "obs/expose.h"

static const json_t *at(const json_t *object, const char *key)
{
	return json_object_get(object, key);
}

static const char *text(const json_t *object, const char *key)
{
	const char *s = json_string_value(at(object, key));

	return s ? s : "-";
}

static void cell_number(struct table *t, const json_t *object, const char *key)
{
	char figure[FIGURE];

	table_cell(t, figure_number(at(object, key), figure));
}

static void cell_time(struct table *t, const json_t *object, const char *key)
{
	char figure[FIGURE];

	table_cell(t, figure_time(at(object, key), figure));
}

/* One line about who and how. */
static void write_head(const json_t *model, struct buf *out)
{
	char age[FIGURE];
	const json_t *health = at(model, "health");

	buf_printf(out, "tiercel %s, up %s, configuration %lld, %s", text(model, "version"),
		   figure_age(at(model, "uptime"), age),
		   (long long)json_integer_value(at(model, "generation")), text(health, "status"));
	if (json_is_string(at(health, "reason")) && !json_is_true(at(model, "draining")))
		buf_printf(out, ": %s", text(health, "reason"));
	buf_char(out, '\n');
}

static void write_workers(const json_t *model, struct buf *out)
{
	struct table t;
	const json_t *w;
	char figure[FIGURE];
	size_t i;

	table_init(&t, ">worker|>pid|state|>up for|>connections|>in flight|>requests|>resident|"
		       ">restarts");
	json_array_foreach(at(model, "workers"), i, w)
	{
		table_cellf(&t, "%lld", (long long)json_integer_value(at(w, "slot")));
		table_cellf(&t, "%lld", (long long)json_integer_value(at(w, "pid")));
		/* A worker beats its heart once a second; silence means that it is stuck. */
		table_cellf(&t, "%s%s", text(w, "state"),
			    json_number_value(at(w, "heartbeat")) > 5 ? ", silent" : "");
		table_cell(&t, figure_age(at(w, "uptime"), figure));
		cell_number(&t, w, "connections");
		cell_number(&t, w, "inflight");
		cell_number(&t, w, "requests");
		table_cell(&t, figure_bytes(at(w, "rss"), figure));
		cell_number(&t, w, "restarts");
	}
	table_end(&t, out);
}

static void write_listeners(const json_t *model, struct buf *out)
{
	struct table t;
	const json_t *l;
	size_t i;

	table_init(&t, "listener|address|>open|>connections|>requests");
	json_array_foreach(at(model, "listeners"), i, l)
	{
		table_cell(&t, text(l, "name"));
		table_cell(&t, text(l, "address"));
		cell_number(&t, l, "active");
		cell_number(&t, l, "connections");
		cell_number(&t, l, "requests");
	}
	table_end(&t, out);
}

static void cell_upstream(struct table *t, const json_t *u)
{
	table_cell(t, text(u, "name"));
	table_cell(t, text(u, "state"));
	cell_number(t, u, "rate");
	cell_number(t, u, "active");
	cell_number(t, u, "idle");
	cell_number(t, u, "max_connections");
	cell_number(t, u, "queue");
	cell_number(t, u, "requests");
	cell_number(t, u, "failures");
	cell_time(t, u, "p50");
	cell_time(t, u, "p99");
}

static void cell_server(struct table *t, const json_t *s)
{
	table_cellf(t, "  %s", text(s, "address"));
	table_cell(t, text(s, "state"));
	cell_number(t, s, "rate");
	cell_number(t, s, "active");
	table_cell(t, "");
	table_cell(t, "");
	table_cell(t, "");
	cell_number(t, s, "requests");
	cell_number(t, s, "failures");
	table_cell(t, "");
	table_cell(t, "");
}

static void write_upstreams(const json_t *model, struct buf *out)
{
	struct table t;
	const json_t *u, *s;
	size_t i, j;

	table_init(&t,
		   "upstream, server|state|>req/s|>active|>idle|>max|>waiting|>requests|>failures|"
		   ">median|>99%");
	json_array_foreach(at(model, "upstreams"), i, u)
	{
		cell_upstream(&t, u);
		json_array_foreach(at(u, "servers"), j, s) cell_server(&t, s);
	}
	table_end(&t, out);
}

static void cell_window(struct table *t, const char *name, const json_t *w)
{
	const json_t *classes = at(w, "classes");
	char figure[FIGURE];

	table_cell(t, name);
	cell_number(t, w, "rate");
	cell_time(t, w, "average");
	cell_time(t, w, "p50");
	cell_time(t, w, "p95");
	cell_time(t, w, "p99");
	cell_number(t, classes, "2xx");
	cell_number(t, classes, "3xx");
	cell_number(t, classes, "4xx");
	cell_number(t, classes, "5xx");
	table_cell(t, figure_percent(at(w, "error_rate"), figure));
}

static void write_windows(const json_t *model, struct buf *out)
{
	struct table t;

	table_init(&t, "last|>req/s|>average|>median|>95%|>99%|>2xx|>3xx|>4xx|>5xx|>errors");
	cell_window(&t, "10 s", at(at(model, "window"), "10s"));
	cell_window(&t, "1 min", at(at(model, "window"), "1m"));
	table_end(&t, out);
}

static void write_routes(const json_t *model, struct buf *out)
{
	struct table t;
	const json_t *r;
	size_t i;

	table_init(&t, "route|>req/s|>requests|>2xx|>4xx|>5xx|>median|>99%");
	json_array_foreach(at(model, "routes"), i, r)
	{
		table_cell(&t, text(r, "name"));
		cell_number(&t, r, "rate");
		cell_number(&t, r, "requests");
		cell_number(&t, at(r, "classes"), "2xx");
		cell_number(&t, at(r, "classes"), "4xx");
		cell_number(&t, at(r, "classes"), "5xx");
		cell_time(&t, r, "p50");
		cell_time(&t, r, "p99");
	}
	table_end(&t, out);
}

static void write_status(const json_t *model, struct buf *out)
{
	write_head(model, out);
	buf_printf(out, "%s, master process %lld\n\n", text(model, "configuration"),
		   (long long)json_integer_value(at(model, "master")));
	write_workers(model, out);
	buf_char(out, '\n');
	write_listeners(model, out);
}

static void write_cache_line(const json_t *cache, struct buf *out)
{
	const json_t *space = at(cache, "space");
	char used[FIGURE], size[FIGURE], ratio[FIGURE];

	if (json_is_true(at(cache, "enabled")))
		buf_printf(out, "cache: %lld answers in %s of %s; %s answered from it\n",
			   (long long)json_integer_value(at(space, "objects")),
			   figure_bytes(at(space, "used"), used),
			   figure_bytes(at(space, "size"), size),
			   figure_percent(at(at(cache, "results"), "hit_ratio"), ratio));
}

static void write_top(const json_t *model, struct buf *out)
{
	const json_t *now = at(model, "now");

	write_head(model, out);
	buf_printf(out,
		   "%lld connections, %lld requests in flight, %lld waiting for an upstream, "
		   "%lld tunnels\n",
		   (long long)json_integer_value(at(now, "connections")),
		   (long long)json_integer_value(at(now, "requests")),
		   (long long)json_integer_value(at(now, "queue")),
		   (long long)json_integer_value(at(now, "tunnels")));
	write_cache_line(at(model, "cache"), out);
	buf_char(out, '\n');
	write_windows(model, out);
	buf_char(out, '\n');
	write_workers(model, out);
	buf_char(out, '\n');
	write_upstreams(model, out);
	buf_char(out, '\n');
	write_routes(model, out);
}

static void write_stats(const json_t *model, struct buf *out)
{
	write_head(model, out);
	buf_char(out, '\n');
	write_windows(model, out);
	buf_char(out, '\n');
}

/* Renders <model> (taken) and ends the ask. */
static void end_with(struct ask *ask, json_t *model,
		     void (*write)(const json_t *model, struct buf *out))
{
	if (!model) {
		ask_fail(ask, PROTO_FAILED, "out of memory");
		return;
	}
	write(model, &ask->out);
	json_decref(model);
	ask_end(ask, PROTO_OK);
}

static void end_with_json(struct ask *ask, json_t *model)
{
	model_write(model, &ask->out);
	ask_end(ask, PROTO_OK);
}

void cmd_status(struct ask *ask)
{
	bool json;

	if (!cmds_json_only(ask, &json))
		return;
	if (json)
		end_with_json(ask, model_status(ask->admin));
	else
		end_with(ask, model_status(ask->admin), write_status);
}

void cmd_upstreams(struct ask *ask)
{
	bool json;

	if (!cmds_json_only(ask, &json))
		return;
	if (json)
		end_with_json(ask, model_upstreams(ask->admin));
	else
		end_with(ask, model_upstreams(ask->admin), write_upstreams);
}

void cmd_top(struct ask *ask)
{
	if (ask->request->n > 1)
		cmds_usage(ask);
	else
		end_with(ask, model_live(ask->admin), write_top);
}

void cmd_stats(struct ask *ask)
{
	json_t *live;
	bool json;

	if (!cmds_json_only(ask, &json))
		return;
	cache_gauges(ask->admin);
	live = model_live(ask->admin);
	if (!live) {
		ask_fail(ask, PROTO_FAILED, "out of memory");
		return;
	}
	if (json) {
		model_write_stats(live, ask->admin, &ask->out);
	} else {
		write_stats(live, &ask->out);
		json_decref(live);
		expose_plain(ask->admin->boot->metrics, false, &ask->out);
	}
	ask_end(ask, PROTO_OK);
}
