/* SPDX-License-Identifier: BSD-2-Clause */
/* The node as a whole; its parts are in model_parts.c. */
#include "admin/model.h"

#include <unistd.h>

#include "admin/admin.h"
#include "admin/health.h"
#include "admin/model_parts.h"
#include "admin/series.h"
#include "base/clock.h"
#include "base/err.h"
#include "conf/types.h"
#include "obs/expose.h"
#include "obs/window.h"
#include "shm/slots.h"

json_t *model_seconds(int64_t ns)
{
	return ns < 0 ? json_null() : json_real((double)ns / NS_PER_S);
}

unsigned model_workers_running(const struct admin *admin)
{
	unsigned running = 0;

	for (unsigned i = 0; i < slots_count(admin->slots); i++)
		running += slot_state(slot_get(admin->slots, i)) == WORKER_RUNNING;
	return running;
}

static json_t *classes_object(const uint64_t classes[SERIES_CLASSES])
{
	return json_pack("{s:I, s:I, s:I, s:I, s:I}", "1xx", (json_int_t)classes[0], "2xx",
			 (json_int_t)classes[1], "3xx", (json_int_t)classes[2], "4xx",
			 (json_int_t)classes[3], "5xx", (json_int_t)classes[4]);
}

/* The last <length> ns; classes come from as many points of the series. */
static json_t *window_object(const struct admin *admin, int64_t length)
{
	struct window_figures f;
	struct series_point sum;
	bool none;

	window_get(admin->window, length, &f);
	series_sum(admin->series, (unsigned)(length / NS_PER_S), &sum);
	none = f.requests == 0;
	return json_pack("{s:o, s:I, s:I, s:f, s:f, s:o, s:o, s:o, s:o, s:o}", "length",
			 model_seconds(f.length), "requests", (json_int_t)f.requests, "errors",
			 (json_int_t)f.errors, "rate", f.rate, "error_rate", f.error_rate,
			 "average", model_seconds(none ? -1 : f.average), "p50",
			 model_seconds(none ? -1 : f.p50), "p95", model_seconds(none ? -1 : f.p95),
			 "p99", model_seconds(none ? -1 : f.p99), "classes",
			 classes_object(sum.classes));
}

static json_t *point_object(const struct series_point *p)
{
	double seconds = (double)p->length / NS_PER_S;

	return json_pack("{s:I, s:f, s:o, s:o, s:o, s:{s:f, s:f, s:f, s:f, s:f}}", "t",
			 (json_int_t)(p->wall / NS_PER_S), "rate", (double)p->requests / seconds,
			 "p50", model_seconds(p->p50), "p90", model_seconds(p->p90), "p99",
			 model_seconds(p->p99), "classes", "1xx", (double)p->classes[0] / seconds,
			 "2xx", (double)p->classes[1] / seconds, "3xx",
			 (double)p->classes[2] / seconds, "4xx", (double)p->classes[3] / seconds,
			 "5xx", (double)p->classes[4] / seconds);
}

json_t *model_history(const struct admin *admin)
{
	json_t *points = json_array();

	for (unsigned i = 0; points && i < series_count(admin->series); i++)
		json_array_append_new(points, point_object(series_get(admin->series, i)));
	return json_pack("{s:o}", "points", points);
}

json_t *model_health(const struct admin *admin, bool *out_healthy)
{
	const struct conf_admin_health *limits = &admin->conf->admin.health;
	unsigned workers = model_workers_running(admin);
	struct window_figures f;
	struct health h;

	window_get(admin->window, limits->window, &f);
	h = health_judge(limits, &f, workers, admin->draining);
	*out_healthy = h.healthy;
	return json_pack("{s:s, s:b, s:s?, s:o, s:I, s:o, s:o, s:f, s:f, s:i, s:b}", "status",
			 admin->draining ? "draining"
			 : h.healthy	 ? "ok"
					 : "unhealthy",
			 "healthy", h.healthy, "reason", h.reason, "window",
			 model_seconds(limits->window), "requests", (json_int_t)f.requests,
			 "average", model_seconds(f.requests ? f.average : -1), "max_average",
			 model_seconds(limits->max_average), "error_rate", f.error_rate,
			 "max_error_rate", limits->max_error_rate, "workers", (int)workers,
			 "draining", admin->draining);
}

/* What every answer begins with. */
static json_t *identity(const struct admin *admin)
{
	bool healthy;
	int64_t now = clock_wall();

	return json_pack("{s:s, s:I, s:o, s:I, s:b, s:o}", "version", PACKAGE_VERSION, "time",
			 (json_int_t)(now / NS_PER_S), "uptime",
			 model_seconds(MAX(now - admin->boot->started, 0)), "generation",
			 (json_int_t)admin->generation, "draining", admin->draining, "health",
			 model_health(admin, &healthy));
}

/* Moves the members of <more> (taken; NULL: fails) to <into>, which is given back, or NULL. */
static json_t *with(json_t *into, json_t *more)
{
	if (!more || !into || json_object_update(into, more)) {
		json_decref(into);
		into = NULL;
	}
	json_decref(more);
	return into;
}

json_t *model_status(const struct admin *admin)
{
	return with(identity(admin),
		    json_pack("{s:i, s:i, s:s?, s:o, s:o}", "master", (int)admin->boot->master,
			      "admin", (int)getpid(), "configuration", admin->boot->conf_file,
			      "workers", model_worker_list(admin), "listeners",
			      model_listener_list(admin)));
}

static json_t *now_object(const struct admin *admin)
{
	const struct metrics *m = admin->boot->metrics;
	uint64_t queue = 0;

	for (unsigned i = 0; i < metrics_subjects(m, METRIC_SCOPE_UPSTREAM); i++)
		queue += metrics_sum(m, METRIC_SCOPE_UPSTREAM, i, METRIC_UPSTREAM_queue_length);
	return json_pack(
		"{s:I, s:I, s:I, s:I}", "connections",
		(json_int_t)metrics_sum(m, METRIC_SCOPE_WORKER, 0,
					METRIC_WORKER_connections_active),
		"requests",
		(json_int_t)metrics_sum(m, METRIC_SCOPE_WORKER, 0, METRIC_WORKER_requests_active),
		"tunnels",
		(json_int_t)metrics_sum(m, METRIC_SCOPE_WORKER, 0, METRIC_WORKER_tunnels_active),
		"queue", (json_int_t)queue);
}

json_t *model_live(const struct admin *admin)
{
	unsigned n = series_count(admin->series);
	json_t *second = n ? point_object(series_get(admin->series, n - 1)) : json_null();

	return with(identity(admin),
		    json_pack("{s:{s:o, s:o}, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "window", "10s",
			      window_object(admin, 10 * NS_PER_S), "1m",
			      window_object(admin, 60 * NS_PER_S), "second", second, "now",
			      now_object(admin), "workers", model_worker_list(admin), "listeners",
			      model_listener_list(admin), "routes", model_route_list(admin),
			      "upstreams", model_upstream_list(admin), "cache",
			      cache_model(admin)));
}

json_t *model_upstreams(const struct admin *admin)
{
	return json_pack("{s:o}", "upstreams", model_upstream_list(admin));
}

static int on_json(const char *bytes, size_t n, void *arg)
{
	struct buf *out = arg;

	buf_add(out, bytes, n);
	return out->error;
}

static void dump(json_t *value, struct buf *out)
{
	if (!value ||
	    json_dump_callback(value, on_json, out, JSON_COMPACT | JSON_REAL_PRECISION(9)))
		out->error = out->error ? out->error : ERR_NOMEM;
	json_decref(value);
}

void model_write(json_t *value, struct buf *out)
{
	dump(value, out);
	buf_char(out, '\n');
}

void model_write_stats(json_t *live, const struct admin *admin, struct buf *out)
{
	dump(live, out);
	if (out->error)
		return;
	ASSERT(out->n && out->p[out->n - 1] == '}');
	out->n--; /* one more member before the brace */
	buf_c(out, ",\"counters\":");
	expose_json(admin->boot->metrics, out);
	buf_c(out, "}\n");
}
