/* SPDX-License-Identifier: BSD-2-Clause */
/* Metrics as text: the Prometheus format checked line by line, JSON read back by another library. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <jansson.h>

#include "obs/expose.h"
#include "shm/seg.h"

#ifdef PACKAGE_VERSION
#define EXPECTED_VERSION PACKAGE_VERSION
#else
#define EXPECTED_VERSION "unknown"
#endif

static struct seg *seg;
static struct metrics *m;
static struct buf text;

static int set_up(void **state UNUSED)
{
	struct seg_spec spec = {SEG_METRICS, metrics_size(4), metrics_layout()};

	assert_int_equal(seg_create(&spec, 1, &seg), 0);
	m = metrics_attach(seg);
	assert_non_null(m);
	text = BUF_INIT;
	return 0;
}

static int tear_down(void **state UNUSED)
{
	buf_fini(&text);
	metrics_detach(&m);
	seg_free(&seg);
	return 0;
}

/* Two workers, a listener, a route with a nasty name, an upstream with two servers. */
static void count_something(void)
{
	struct metric_row *w0 = metrics_row(m, METRIC_SCOPE_WORKER, 0, 0);
	struct metric_row *w2 = metrics_row(m, METRIC_SCOPE_WORKER, 0, 2);
	unsigned route = metrics_subject(m, METRIC_SCOPE_ROUTE, "a\"b\\c\nd", NULL);
	unsigned up = metrics_subject(m, METRIC_SCOPE_UPSTREAM, "legacy", NULL);
	unsigned s1 = metrics_subject(m, METRIC_SCOPE_SERVER, "h:1", "legacy");
	unsigned s2 = metrics_subject(m, METRIC_SCOPE_SERVER, "h:2", "legacy");

	metrics_subject(m, METRIC_SCOPE_SERVER, "h:1", "another");
	metrics_subject(m, METRIC_SCOPE_LISTENER, "web", NULL);
	metric_add(w0, METRIC_WORKER_requests, 10);
	metric_add(w2, METRIC_WORKER_requests, 5);
	metric_add(w0, METRIC_WORKER_cpu_user, 1500000000);
	metric_set(w0, METRIC_WORKER_connections_active, 7);
	metric_sub(w2, METRIC_WORKER_connections_active, 2);
	struct metric_row *r0 = metrics_row(m, METRIC_SCOPE_ROUTE, route, 0);
	struct metric_row *r2 = metrics_row(m, METRIC_SCOPE_ROUTE, route, 2);
	metric_add(r0, METRIC_RESPONSES(ROUTE, 200), 3);
	metric_add(r2, METRIC_RESPONSES(ROUTE, 204), 4);
	metric_add(r2, METRIC_RESPONSES(ROUTE, 503), 1);
	metric_hist(r0, HIST_ROUTE_duration, 200 * NS_PER_US);
	metric_hist(r2, HIST_ROUTE_duration, 40 * NS_PER_MS);
	metric_hist(r2, HIST_ROUTE_duration, 2000 * NS_PER_S);
	metric_add(metrics_row(m, METRIC_SCOPE_UPSTREAM, up, 0), METRIC_UPSTREAM_connects, 2);
	metric_add(metrics_row(m, METRIC_SCOPE_SERVER, s1, 0), METRIC_SERVER_requests, 8);
	metric_add(metrics_row(m, METRIC_SCOPE_SERVER, s2, 0), METRIC_SERVER_requests, 9);
	metric_set(metrics_node(m), METRIC_NODE_cache_objects, 12);
	metric_set(metrics_node(m), METRIC_NODE_purges_tag, 3);
}

static const char *render(void (*fn)(const struct metrics *, struct buf *))
{
	buf_reset(&text);
	fn(m, &text);
	buf_char(&text, '\0');
	assert_int_equal(text.error, 0);
	return text.p;
}

static void has_line(const char *line)
{
	char framed[512];

	snprintf(framed, sizeof(framed), "\n%s\n", line);
	if (!strstr(text.p, framed))
		fail_msg("no line: %s", line);
}

static void test_prometheus(void **state UNUSED)
{
	static const char *const lines[] = {
		"# HELP tiercel_requests_total Requests begun",
		"# TYPE tiercel_requests_total counter",
		"tiercel_requests_total{worker=\"0\"} 10",
		"tiercel_requests_total{worker=\"2\"} 5",
		"# TYPE tiercel_connections_active gauge",
		"tiercel_connections_active{worker=\"0\"} 7",
		"tiercel_connections_active{worker=\"2\"} -2",
		"tiercel_worker_cpu_seconds_total{worker=\"0\",mode=\"user\"} 1.5",
		"tiercel_worker_cpu_seconds_total{worker=\"0\",mode=\"system\"} 0",
		"tiercel_listener_requests_total{listener=\"web\"} 0",
		"tiercel_route_responses_total{route=\"a\\\"b\\\\c\\nd\",class=\"2xx\"} 7",
		"tiercel_route_responses_total{route=\"a\\\"b\\\\c\\nd\",class=\"5xx\"} 1",
		"# TYPE tiercel_route_duration_seconds histogram",
		"tiercel_route_duration_seconds_bucket{route=\"a\\\"b\\\\c\\nd\",le=\"0.0001\"} 0",
		"tiercel_route_duration_seconds_bucket{route=\"a\\\"b\\\\c\\nd\",le=\"0.00025\"} 1",
		"tiercel_route_duration_seconds_bucket{route=\"a\\\"b\\\\c\\nd\",le=\"0.05\"} 2",
		"tiercel_route_duration_seconds_bucket{route=\"a\\\"b\\\\c\\nd\",le=\"300\"} 2",
		"tiercel_route_duration_seconds_bucket{route=\"a\\\"b\\\\c\\nd\",le=\"+Inf\"} 3",
		"tiercel_route_duration_seconds_sum{route=\"a\\\"b\\\\c\\nd\"} 2000.0402",
		"tiercel_route_duration_seconds_count{route=\"a\\\"b\\\\c\\nd\"} 3",
		"tiercel_upstream_connects_total{upstream=\"legacy\"} 2",
		"tiercel_upstream_timeouts_total{upstream=\"legacy\",phase=\"idle\"} 0",
		"tiercel_server_requests_total{upstream=\"legacy\",server=\"h:2\"} 9",
		"tiercel_server_requests_total{upstream=\"another\",server=\"h:1\"} 0",
		"# TYPE tiercel_cache_objects gauge",
		"tiercel_cache_objects 12",
		"tiercel_purges_total{kind=\"tag\"} 3",
		"tiercel_purges_total{kind=\"all\"} 0",
		"tiercel_build_info{version=\"" EXPECTED_VERSION "\"} 1",
	};

	count_something();
	render(expose_prometheus);
	for (size_t i = 0; i < COUNTOF(lines); i++)
		has_line(lines[i]);
	assert_null(strstr(text.p, "worker=\"1\"")); /* never lived */
	assert_null(strstr(text.p, "(other)"));
}

/* name{label="value",...} number -- returns the end of the name, or NULL. */
static const char *check_series(const char *line)
{
	static const char *const name_chars = "abcdefghijklmnopqrstuvwxyz0123456789_";
	const char *name_end = line + strspn(line, name_chars), *p = name_end;
	char *end;

	if (name_end != line && *p == ' ') { /* a row of NODE needs no label */
		strtod(p + 1, &end);
		return *end == '\0' ? name_end : NULL;
	}
	if (name_end == line || *p != '{')
		return NULL;
	do {
		p++;
		size_t n = strspn(p, name_chars);
		if (n == 0 || strncmp(p + n, "=\"", 2) != 0)
			return NULL;
		for (p += n + 2; *p && *p != '"'; p++)
			if (*p == '\\' && !strchr("\\\"n", *++p))
				return NULL;
		if (*p++ != '"')
			return NULL;
	} while (*p == ',');
	if (strncmp(p, "} ", 2) != 0)
		return NULL;
	strtod(p + 2, &end);
	return *end == '\0' ? name_end : NULL;
}

/* The rules of the text format: a family is one block, HELP and TYPE once before it, no series
 * twice, the buckets of a histogram rise to +Inf. */
static void test_prometheus_rules(void **state UNUSED)
{
	static char *seen[20000];
	char family[128] = "", kind[32] = "", prefix[160] = "";
	size_t n_seen = 0;
	double last_bucket = 0;

	count_something();
	render(expose_prometheus);
	assert_int_equal(text.p[text.n - 2], '\n');
	for (char *save = NULL, *line = strtok_r(text.p, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save)) {
		if (strncmp(line, "# HELP ", 7) == 0) {
			assert_int_equal(sscanf(line, "# HELP %127s %*s", family), 1);
			snprintf(prefix, sizeof(prefix), "# HELP %s ", family);
			for (size_t i = 0; i < n_seen; i++)
				assert_int_not_equal(strncmp(seen[i], prefix, strlen(prefix)), 0);
		} else if (strncmp(line, "# TYPE ", 7) == 0) {
			char again[128];
			assert_int_equal(sscanf(line, "# TYPE %127s %31s", again, kind), 2);
			assert_string_equal(again, family);
			last_bucket = 0;
		} else {
			const char *end = check_series(line);
			if (!end)
				fail_msg("malformed: %s", line);
			assert_int_equal(strncmp(line, family, strlen(family)), 0);
			const char *suffix = line + strlen(family);
			if (strcmp(kind, "histogram") != 0)
				assert_ptr_equal(suffix, end);
			if (strncmp(suffix, "_bucket", 7) == 0) {
				double v = strtod(strrchr(line, ' '), NULL);
				if (strstr(line, "le=\"0.0001\""))
					last_bucket = 0;
				assert_true(v >= last_bucket);
				last_bucket = v;
			} else if (strncmp(suffix, "_count", 6) == 0) {
				assert_true(strtod(strrchr(line, ' '), NULL) == last_bucket);
			}
		}
		char *value = line[0] == '#' ? NULL : strrchr(line, ' ');
		if (value)
			*value = '\0';
		for (size_t i = 0; i < n_seen; i++)
			assert_string_not_equal(seen[i], line);
		assert_true(n_seen < COUNTOF(seen));
		seen[n_seen++] = line;
	}
	assert_true(n_seen > 300);
}

static json_t *member(json_t *root, const char *path)
{
	char step[64];

	while (*path && root) {
		size_t n = strcspn(path, ".");
		snprintf(step, sizeof(step), "%.*s", (int)n, path);
		root = json_is_array(root) ? json_array_get(root, (size_t)atoi(step))
					   : json_object_get(root, step);
		path += n + (path[n] == '.');
	}
	return root;
}

static void test_json(void **state UNUSED)
{
	static const struct {
		const char *path;
		double value;
	} numbers[] = {
		{"totals.requests", 15},
		{"totals.connections_active", 5},
		{"totals.cpu_user", 1.5},
		{"workers.0.worker", 0},
		{"workers.0.requests", 10},
		{"workers.1.worker", 2},
		{"workers.1.connections_active", -2},
		{"workers.0.loop_busy.count", 0},
		{"workers.0.loop_busy.p99", 0},
		{"listeners.0.requests", 0},
		{"routes.0.responses_2xx", 7},
		{"routes.0.duration.count", 3},
		{"routes.0.duration.sum", 2000.0402},
		{"routes.0.duration.average", 666.6800666666},
		{"upstreams.0.connects", 2},
		{"upstreams.0.servers.0.requests", 8},
		{"upstreams.0.servers.1.requests", 9},
	};
	json_error_t error;

	count_something();
	render(expose_json);
	json_t *root = json_loads(text.p, JSON_REJECT_DUPLICATES, &error);
	if (!root)
		fail_msg("%s at %d", error.text, error.position);
	for (size_t i = 0; i < COUNTOF(numbers); i++) {
		json_t *v = member(root, numbers[i].path);
		double difference = json_number_value(v) - numbers[i].value;
		if (!json_is_number(v) || difference > 1e-6 || difference < -1e-6)
			fail_msg("%s: %g", numbers[i].path, json_number_value(v));
	}
	assert_string_equal(json_string_value(member(root, "routes.0.name")), "a\"b\\c\nd");
	assert_string_equal(json_string_value(member(root, "upstreams.0.servers.1.name")), "h:2");
	assert_int_equal(json_array_size(member(root, "upstreams.0.servers")), 2);
	assert_int_equal(json_array_size(member(root, "workers")), 2);
	double p50 = json_number_value(member(root, "routes.0.duration.p50"));
	assert_true(p50 > 0.035 && p50 < 0.045);
	json_decref(root);
}

static void test_json_values(void **state UNUSED)
{
	json_error_t error;

	count_something();
	for (unsigned scope = 1; scope < METRIC_SCOPE_COUNT; scope++) {
		buf_reset(&text);
		buf_char(&text, '{');
		expose_json_values(m, (enum metric_scope)scope, 0, &text);
		buf_add(&text, "}", 2);
		json_t *root = json_loads(text.p, JSON_REJECT_DUPLICATES, &error);
		assert_non_null(root);
		const char *one = scope == METRIC_SCOPE_NODE ? "cache_objects" : "requests";
		assert_true(json_is_integer(json_object_get(root, one)));
		json_decref(root);
	}
}

static void plain_short(const struct metrics *metrics, struct buf *out)
{
	expose_plain(metrics, false, out);
}

static void plain_all(const struct metrics *metrics, struct buf *out)
{
	expose_plain(metrics, true, out);
}

static void test_plain(void **state UNUSED)
{
	count_something();
	metric_add(metrics_row(m, METRIC_SCOPE_WORKER, 0, 0), METRIC_WORKER_bytes_out, 3 << 20);
	render(plain_short);
	assert_int_equal(strncmp(text.p, "all workers\n", 12), 0);
	has_line("  requests               15");
	has_line("  bytes_out              3.0 MiB");
	has_line("  cpu_user               1.5s");
	has_line("server legacy h:2");
	assert_null(strstr(text.p, "tunnels"));
	assert_non_null(strstr(text.p, "  duration               3  average 666.68s  p50 "));
	render(plain_all);
	has_line("  tunnels                0");
}

/* Everything at its fullest, and a buffer that must not grow: no crash, the error is latched. */
static void test_full(void **state UNUSED)
{
	char name[32];

	for (int i = 0; i < 600; i++) {
		snprintf(name, sizeof(name), "r%d", i);
		metrics_subject(m, METRIC_SCOPE_ROUTE, name, NULL);
	}
	for (unsigned slot = 0; slot < 4; slot++)
		metric_add(metrics_row(m, METRIC_SCOPE_ROUTE, 0, slot), METRIC_ROUTE_requests, 1);
	render(expose_prometheus);
	has_line("tiercel_route_requests_total{route=\"(other)\"} 4");
	has_line("tiercel_route_requests_total{route=\"r510\"} 0");
	buf_fini(&text);
	text.cap = 1000;
	expose_prometheus(m, &text);
	assert_int_equal(text.error, ERR_LIMIT);
	assert_true(text.n <= 1000);
	buf_reset(&text);
	expose_json(m, &text);
	assert_int_equal(text.error, ERR_LIMIT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_prometheus, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_prometheus_rules, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_json, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_json_values, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_plain, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_full, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
