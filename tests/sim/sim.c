/* SPDX-License-Identifier: BSD-2-Clause */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "conf/load.h"
#include "conf/source.h"
#include "obs/log.h"
#include "proc/subjects.h"
#include "req/server.h"
#include "shm/seg.h"
#include "store/fills.h"
#include "store/l1_check.h"
#include "tests/sim/world.h"

/* Small, so that its end is met, and all of it can be checked after each scenario. */
#define L1_SIZE "8MiB"

/* ---- the world ---- */

static const char *text(const char *extra)
{
	return extra ? extra : "";
}

static struct conf *load(struct sim *s, const struct sim_spec *spec)
{
	const char *host = spec->host ? spec->host : "127.0.0.1";
	char servers[256] = "", yaml[2048];
	struct conf_source *src = NULL;
	struct conf_report report;
	struct conf *conf = NULL;
	struct buf told = BUF_INIT;

	for (unsigned i = 0; i < MAX(spec->servers, 1u); i++) {
		size_t n = strlen(servers);
		snprintf(servers + n, sizeof(servers) - n, "%s\"%s:%u\"", i ? ", " : "", host,
			 s->origins[i].port);
	}
	snprintf(yaml, sizeof(yaml),
		 "log: {slow_request: 0s}\n"
		 "cache: {l1: {size: " L1_SIZE "%s}}\n"
		 "listeners: [{name: web, address: \"127.0.0.1:%u\"%s}]\n"
		 "upstreams: {app: {servers: [%s]%s}}\n"
		 "routes: [%s{name: r, upstream: app%s}]\n",
		 text(spec->l1), s->port, text(spec->listener), servers, text(spec->upstream),
		 text(spec->before), text(spec->route));
	conf_report_init(&report);
	assert_int_equal(source_new(false, &src), 0);
	assert_int_equal(source_add(src, SOURCE_FILE, 0, STR("t.yaml"), str_c(yaml)), 0);
	int rc = conf_load(src, "t.yaml", &conf, &report);
	conf_report_print(&report, &told);
	if (rc)
		fail_msg("%s%.*s", yaml, (int)told.n, told.p);
	buf_fini(&told);
	conf_report_fini(&report);
	conf_source_free(&src);
	return conf;
}

static void make_memory(struct sim *s)
{
	struct segment_want want = {.conf = s->conf, .doorbells = s->doorbells, .fd = -1};
	struct buf told = BUF_INIT;

	for (unsigned i = 0; i < SLOT_MAX; i++)
		s->doorbells[i] = -1;
	assert_int_equal(segment_open(&want, &s->memory, &told), 0);
	buf_fini(&told);
}

static void on_turn(void *arg)
{
	struct sim *s = arg;

	server_turn(s->server);
}

static void start_server(struct sim *s, int front)
{
	char why[256];
	struct server_env env = {.loop = s->loop,
				 .seg = s->memory.seg,
				 .metrics = s->memory.metrics,
				 .n_workers = 1,
				 .doorbells = s->doorbells};

	for (unsigned i = 0; i < SLOT_MAX; i++)
		s->doorbells[i] = -1;
	subjects_register(s->memory.metrics, s->conf);
	if (server_new(&env, s->conf, why, sizeof(why), &s->server))
		fail_msg("server_new: %s", why);
	assert_int_equal(listen(front, 64), 0);
	assert_int_equal(server_listen(s->server, "web", 0, front), 0);
	loop_set_turn_hook(s->loop, on_turn, s);
}

struct sim *sim_new(const struct sim_spec *spec)
{
	struct sim *s = calloc(1, sizeof(*s));
	int front;

	assert_non_null(s);
	log_init(&(struct log_settings){.level = LOG_LEVEL_ERROR,
					.target = LOG_TARGET_FD,
					.fd = open("/dev/null", O_WRONLY | O_CLOEXEC)});
	s->loop = loop_new();
	assert_non_null(s->loop);
	front = sim_bound_socket("127.0.0.1", &s->port);
	for (unsigned i = 0; i < SIM_ORIGINS; i++) {
		s->origins[i].fd = sim_bound_socket("127.0.0.1", &s->origins[i].port);
		assert_int_equal(listen(s->origins[i].fd, 64), 0);
	}
	s->conf = load(s, spec);
	make_memory(s);
	start_server(s, front);
	return s;
}

/* Counts of the whole cache, as nobody's worker sees them. */
static void look_at_cache(struct sim *s, struct l1_figures *l1_out, struct fills_figures *fills_out)
{
	struct l1 *l1 = l1_attach(s->memory.seg, SLOT_NONE, 0);
	struct fills *fills = fills_attach(s->memory.seg, SLOT_NONE, s->doorbells);

	assert_non_null(l1);
	assert_non_null(fills);
	l1_figures(l1, l1_out);
	fills_figures(fills, fills_out);
	l1_detach(&l1);
	fills_detach(&fills);
}

void sim_expect_fills(struct sim *s, unsigned in_flight, unsigned objects)
{
	struct l1_figures l1;
	struct fills_figures fills;

	look_at_cache(s, &l1, &fills);
	if (fills.in_flight != in_flight || l1.objects != objects)
		fail_msg("%llu fills in flight and %llu objects, not %u and %u",
			 (unsigned long long)fills.in_flight, (unsigned long long)l1.objects,
			 in_flight, objects);
}

void sim_expect_quiet(struct sim *s)
{
	struct l1_figures l1;
	struct fills_figures fills;

	look_at_cache(s, &l1, &fills);
	if (fills.in_flight || l1.filling || l1.pins)
		fail_msg("%llu fills in flight, %llu objects filling, %llu pins",
			 (unsigned long long)fills.in_flight, (unsigned long long)l1.filling,
			 (unsigned long long)l1.pins);
}

/* The whole region, block by block, sums of bodies too: nobody is there any more. */
static void check_cache(struct sim *s)
{
	struct l1 *l1 = l1_attach(s->memory.seg, SLOT_NONE, 0);
	struct l1_check seen = {0};

	sim_expect_quiet(s);
	assert_non_null(l1);
	if (!l1_check_quiet(l1, &seen) || !l1_check(l1, L1_CHECK_SUMS | L1_CHECK_IDLE, &seen))
		fail_msg("l1: %llu faults, the first: %s", (unsigned long long)seen.faults,
			 seen.text[0]);
	l1_detach(&l1);
}

void sim_free(struct sim **s_p)
{
	struct sim *s = *s_p;

	*s_p = NULL;
	loop_set_turn_hook(s->loop, NULL, NULL);
	server_free(&s->server);
	/* whatever a test did, nothing may be counted as open at its end */
	sim_expect_count(s, WORKER, connections_active, 0);
	sim_expect_count(s, WORKER, requests_active, 0);
	sim_expect_count(s, WORKER, internal_errors, 0);
	check_cache(s);
	loop_free(&s->loop);
	for (size_t i = 0; i < s->n_peers; i++)
		sim_free_peer(s->peers[i]);
	for (unsigned i = 0; i < SIM_ORIGINS; i++)
		sim_close_origin(&s->origins[i]);
	conf_unref(&s->conf);
	segment_close(&s->memory);
	free(s);
}

void sim_advance(struct sim *s, int64_t ns)
{
	loop_sim_settle(s->loop); /* first what was sent before, now */
	loop_sim_until(s->loop, clock_mono() + ns);
	loop_sim_settle(s->loop);
}

void sim_reload(struct sim *s, const struct sim_spec *spec)
{
	struct conf *next = load(s, spec);
	char why[256];

	subjects_register(s->memory.metrics, next);
	if (server_prepare(s->server, next, why, sizeof(why)))
		fail_msg("server_prepare: %s", why);
	server_commit(s->server);
	conf_unref(&s->conf);
	s->conf = next;
	loop_sim_settle(s->loop);
}

void sim_drain(struct sim *s)
{
	server_drain(s->server, true);
}

static void on_stopped(void *arg)
{
	((struct sim *)arg)->stopped++;
}

void sim_stop(struct sim *s, int64_t grace)
{
	server_stop(s->server, grace, on_stopped, s);
	loop_sim_settle(s->loop);
}

unsigned sim_stopped(const struct sim *s)
{
	return s->stopped;
}

uint64_t sim_count_value(struct sim *s, enum metric_scope scope, enum metric_id id)
{
	static const char *const subjects[METRIC_SCOPE_COUNT] = {
		[METRIC_SCOPE_LISTENER] = "web",
		[METRIC_SCOPE_ROUTE] = "r",
		[METRIC_SCOPE_UPSTREAM] = "app",
	};
	const char *subject = subjects[scope];
	unsigned n = subject ? metrics_find(s->memory.metrics, scope, subject, NULL) : 0;

	return metrics_sum(s->memory.metrics, scope, n, id);
}

void sim_expect_value(struct sim *s, enum metric_scope scope, enum metric_id id, uint64_t want,
		      const char *name)
{
	uint64_t is = sim_count_value(s, scope, id);

	if (is != want)
		fail_msg("%s is %llu, not %llu", name, (unsigned long long)is,
			 (unsigned long long)want);
}
