/* SPDX-License-Identifier: BSD-2-Clause */
/* Workers from their slots, everything else from the metrics: what the segment says is in use. */
#include "admin/model_parts.h"

#include "admin/admin.h"
#include "admin/recent.h"
#include "base/clock.h"
#include "conf/load.h"
#include "obs/metrics.h"
#include "shm/slots.h"

static json_t *worker_object(const struct admin *admin, unsigned i, const struct slot *slot)
{
	const struct metrics *m = admin->boot->metrics;
	int64_t age = MAX(clock_wall() - slot->started, 0);
	/* one that never beat counts from its start: it may be stuck in starting */
	int64_t beat = slot->heartbeat ? MAX(clock_mono() - slot->heartbeat, 0) : age;

	return json_pack(
		"{s:i, s:i, s:s, s:o, s:o, s:I, s:I, s:I, s:I, s:i, s:I, s:o, s:o}", "slot", (int)i,
		"pid", (int)slot->pid, "state", worker_state_name(slot_state(slot)), "uptime",
		model_seconds(age), "heartbeat", model_seconds(beat), "connections",
		(json_int_t)metrics_value(m, 0, i, METRIC_WORKER_connections_active), "inflight",
		(json_int_t)metrics_value(m, 0, i, METRIC_WORKER_requests_active), "requests",
		(json_int_t)metrics_value(m, 0, i, METRIC_WORKER_requests), "rss",
		(json_int_t)metrics_value(m, 0, i, METRIC_WORKER_rss_bytes), "restarts",
		(int)slot->deaths, "generation",
		(json_int_t)metrics_value(m, 0, i, METRIC_WORKER_config_generation), "cpu_user",
		model_seconds((int64_t)metrics_value(m, 0, i, METRIC_WORKER_cpu_user)),
		"cpu_system",
		model_seconds((int64_t)metrics_value(m, 0, i, METRIC_WORKER_cpu_system)));
}

json_t *model_worker_list(const struct admin *admin)
{
	json_t *list = json_array();

	for (unsigned i = 0; list && i < slots_count(admin->slots); i++) {
		const struct slot *slot = slot_get(admin->slots, i);

		if (slot_state(slot) != WORKER_FREE)
			json_array_append_new(list, worker_object(admin, i, slot));
	}
	return list;
}

static json_t *listener_object(const struct admin *admin, unsigned subject)
{
	const struct metrics *m = admin->boot->metrics;
	const char *name = metrics_name(m, METRIC_SCOPE_LISTENER, subject);
	const struct conf_listener *listener = conf_find_listener(admin->conf, name);

	return json_pack("{s:s, s:s?, s:I, s:I, s:I}", "name", name, "address",
			 listener ? listener->address.text : NULL, "active",
			 (json_int_t)metrics_sum(m, METRIC_SCOPE_LISTENER, subject,
						 METRIC_LISTENER_connections_active),
			 "connections",
			 (json_int_t)metrics_sum(m, METRIC_SCOPE_LISTENER, subject,
						 METRIC_LISTENER_connections),
			 "requests",
			 (json_int_t)metrics_sum(m, METRIC_SCOPE_LISTENER, subject,
						 METRIC_LISTENER_requests));
}

/* One object per subject of <scope> that is in the configuration. */
static json_t *list_of(const struct admin *admin, enum metric_scope scope,
		       json_t *(*object)(const struct admin *admin, unsigned subject))
{
	const struct metrics *m = admin->boot->metrics;
	json_t *list = json_array();

	for (unsigned i = 0; list && i < metrics_subjects(m, scope); i++) {
		if (metrics_shown(m, scope, i))
			json_array_append_new(list, object(admin, i));
	}
	return list;
}

json_t *model_listener_list(const struct admin *admin)
{
	return list_of(admin, METRIC_SCOPE_LISTENER, listener_object);
}

static json_int_t route_sum(const struct admin *admin, unsigned subject, enum metric_id id)
{
	return (json_int_t)metrics_sum(admin->boot->metrics, METRIC_SCOPE_ROUTE, subject, id);
}

static json_t *route_object(const struct admin *admin, unsigned subject)
{
	const char *name = metrics_name(admin->boot->metrics, METRIC_SCOPE_ROUTE, subject);
	struct recent_figures f;

	recent_get(admin->recent, METRIC_SCOPE_ROUTE, subject, clock_mono(), &f);
	return json_pack("{s:s, s:f, s:o, s:o, s:I, s:I, s:{s:I, s:I, s:I, s:I, s:I}}", "name",
			 name, "rate", f.rate, "p50", model_seconds(f.p50), "p99",
			 model_seconds(f.p99), "requests",
			 route_sum(admin, subject, METRIC_ROUTE_requests), "own_errors",
			 route_sum(admin, subject, METRIC_ROUTE_own_errors), "classes", "1xx",
			 route_sum(admin, subject, METRIC_ROUTE_responses_1xx), "2xx",
			 route_sum(admin, subject, METRIC_ROUTE_responses_2xx), "3xx",
			 route_sum(admin, subject, METRIC_ROUTE_responses_3xx), "4xx",
			 route_sum(admin, subject, METRIC_ROUTE_responses_4xx), "5xx",
			 route_sum(admin, subject, METRIC_ROUTE_responses_5xx));
}

json_t *model_route_list(const struct admin *admin)
{
	return list_of(admin, METRIC_SCOPE_ROUTE, route_object);
}

/*
 * There are no health checks in this version; what happened to requests lately is all there is.
 * A server to which nothing went lately counts as up.
 */
static const char *server_state(const struct recent_figures *f)
{
	if (f->errors == 0)
		return "up";
	return f->errors >= f->requests ? "failing" : "shaky";
}

static json_t *server_object(const struct admin *admin, unsigned subject)
{
	const struct metrics *m = admin->boot->metrics;
	enum metric_scope scope = METRIC_SCOPE_SERVER;
	struct recent_figures f;

	recent_get(admin->recent, scope, subject, clock_mono(), &f);
	return json_pack(
		"{s:s, s:s, s:f, s:I, s:I, s:I}", "address", metrics_name(m, scope, subject),
		"state", server_state(&f), "rate", f.rate, "active",
		(json_int_t)metrics_sum(m, scope, subject, METRIC_SERVER_connections_active),
		"requests", (json_int_t)metrics_sum(m, scope, subject, METRIC_SERVER_requests),
		"failures", (json_int_t)metrics_sum(m, scope, subject, METRIC_SERVER_failures));
}

static json_t *server_list(const struct admin *admin, const char *upstream)
{
	const struct metrics *m = admin->boot->metrics;
	json_t *list = json_array();

	for (unsigned i = 0; list && i < metrics_subjects(m, METRIC_SCOPE_SERVER); i++) {
		const char *parent = metrics_parent(m, METRIC_SCOPE_SERVER, i);

		if (metrics_shown(m, METRIC_SCOPE_SERVER, i) && parent && !strcmp(parent, upstream))
			json_array_append_new(list, server_object(admin, i));
	}
	return list;
}

/* The upstream's, from those of its servers: up while one of them is. */
static const char *upstream_state(const json_t *servers, uint64_t queue)
{
	size_t n = json_array_size(servers), failing = 0;

	for (size_t i = 0; i < n; i++) {
		const json_t *state = json_object_get(json_array_get(servers, i), "state");

		failing += !strcmp(json_string_value(state), "failing");
	}
	if (n && failing == n)
		return "failing";
	return queue ? "busy" : "up";
}

/* Requests that the upstream did not answer, for whatever reason. */
static uint64_t upstream_failures(const struct metrics *m, unsigned subject)
{
	static const enum metric_id ids[] = {
		METRIC_UPSTREAM_connect_failures,    METRIC_UPSTREAM_connect_timeouts,
		METRIC_UPSTREAM_first_byte_timeouts, METRIC_UPSTREAM_idle_timeouts,
		METRIC_UPSTREAM_total_timeouts,	     METRIC_UPSTREAM_resets,
		METRIC_UPSTREAM_protocol_errors,     METRIC_UPSTREAM_truncated,
		METRIC_UPSTREAM_queue_full,	     METRIC_UPSTREAM_acquire_timeouts,
	};
	uint64_t sum = 0;

	for (size_t i = 0; i < COUNTOF(ids); i++)
		sum += metrics_sum(m, METRIC_SCOPE_UPSTREAM, subject, ids[i]);
	return sum;
}

static json_t *upstream_object(const struct admin *admin, unsigned subject)
{
	const struct metrics *m = admin->boot->metrics;
	enum metric_scope scope = METRIC_SCOPE_UPSTREAM;
	const char *name = metrics_name(m, scope, subject);
	const struct conf_upstream *conf = conf_find_upstream(admin->conf, name);
	uint64_t queue = metrics_sum(m, scope, subject, METRIC_UPSTREAM_queue_length);
	json_t *servers = server_list(admin, name);
	struct recent_figures f;

	if (!servers)
		return NULL;
	recent_get(admin->recent, scope, subject, clock_mono(), &f);
	return json_pack(
		"{s:s, s:s, s:f, s:o, s:o, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:o}", "name", name,
		"state", upstream_state(servers, queue), "rate", f.rate, "p50",
		model_seconds(f.p50), "p99", model_seconds(f.p99), "active",
		(json_int_t)metrics_sum(m, scope, subject, METRIC_UPSTREAM_connections_active),
		"idle",
		(json_int_t)metrics_sum(m, scope, subject, METRIC_UPSTREAM_connections_idle),
		"max_connections", (json_int_t)(conf ? conf->pool.max_connections : 0), "queue",
		(json_int_t)queue, "requests",
		(json_int_t)metrics_sum(m, scope, subject, METRIC_UPSTREAM_requests), "failures",
		(json_int_t)upstream_failures(m, subject), "errors",
		(json_int_t)metrics_sum(m, scope, subject, METRIC_UPSTREAM_responses_5xx),
		"servers", servers);
}

json_t *model_upstream_list(const struct admin *admin)
{
	return list_of(admin, METRIC_SCOPE_UPSTREAM, upstream_object);
}
