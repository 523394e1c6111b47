/* SPDX-License-Identifier: BSD-2-Clause */
/* Counters in the segment: subjects, rows, sums, deaths; with processes that count and are
 * killed. */
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "obs/metrics.h"
#include "shm/recover.h"
#include "shm/seg.h"

struct fixture {
	struct seg *seg;
	struct metrics *m;
};

static struct fixture make(unsigned slots)
{
	struct seg_spec spec = {SEG_METRICS, metrics_size(slots), metrics_layout()};
	struct fixture f = {0};

	assert_int_equal(seg_create(&spec, 1, &f.seg), 0);
	f.m = metrics_attach(f.seg);
	assert_non_null(f.m);
	return f;
}

static void unmake(struct fixture *f)
{
	metrics_detach(&f->m);
	seg_free(&f->seg);
}

static void test_table(void **state UNUSED)
{
	assert_true(metrics_desc_count() > 60);
	for (size_t i = 0; i < metrics_desc_count(); i++) {
		const struct metric_desc *d = metrics_desc(i);
		const char *total = strstr(d->name, "_total");
		/* Prometheus conventions: prefix, counters end in _total, base units. */
		assert_int_equal(strncmp(d->name, "tiercel_", 8), 0);
		if ((d->kind == METRIC_KIND_counter) != (total && total[6] == '\0'))
			fail_msg("%s", d->name);
		if ((d->unit == METRIC_UNIT_seconds) != (strstr(d->name, "_seconds") != NULL))
			fail_msg("%s", d->name);
		if (d->unit == METRIC_UNIT_bytes && !strstr(d->name, "_bytes"))
			fail_msg("%s", d->name);
		assert_true(strlen(d->help) > 0);
		assert_true(d->id >> 16 == (int)d->scope && (d->id & 0xffff) > 0);
		/* One family is one block of rows, told apart by their labels. */
		for (size_t k = 0; k < i; k++) {
			const struct metric_desc *o = metrics_desc(k);
			assert_int_not_equal(o->id, d->id);
			if (strcmp(o->name, d->name) == 0) {
				assert_string_equal(metrics_desc(i - 1)->name, d->name);
				assert_string_not_equal(o->label, d->label);
				assert_string_equal(o->help, d->help);
				assert_int_equal(o->kind, d->kind);
			}
		}
	}
}

static void test_subjects(void **state UNUSED)
{
	struct fixture f = make(2);
	const enum metric_scope route = METRIC_SCOPE_ROUTE, server = METRIC_SCOPE_SERVER;

	assert_int_equal(metrics_subjects(f.m, route), 1);
	unsigned a = metrics_subject(f.m, route, "a", NULL);
	unsigned b = metrics_subject(f.m, route, "b", NULL);
	assert_int_equal(a, 1);
	assert_int_equal(b, 2);
	assert_int_equal(metrics_subject(f.m, route, "a", NULL), a);
	assert_int_equal(metrics_find(f.m, route, "b", NULL), b);
	assert_int_equal(metrics_find(f.m, route, "c", NULL), 0);
	assert_int_equal(metrics_find(f.m, METRIC_SCOPE_UPSTREAM, "a", NULL), 0);
	assert_string_equal(metrics_name(f.m, route, b), "b");
	assert_string_equal(metrics_name(f.m, route, 0), METRIC_OTHER);
	assert_int_equal(metrics_subject(f.m, METRIC_SCOPE_WORKER, "x", NULL), 0);

	unsigned one = metrics_subject(f.m, server, "h:1", "up1");
	unsigned two = metrics_subject(f.m, server, "h:1", "up2");
	assert_int_not_equal(one, two);
	assert_int_equal(metrics_find(f.m, server, "h:1", "up2"), two);
	assert_int_equal(metrics_find(f.m, server, "h:1", NULL), 0);
	assert_string_equal(metrics_parent(f.m, server, one), "up1");
	unmake(&f);
}

static void test_long_names(void **state UNUSED)
{
	struct fixture f = make(1);
	char one[400], two[400];

	memset(one, 'n', sizeof(one));
	one[399] = '\0';
	memcpy(two, one, sizeof(one));
	two[398] = 'm';
	unsigned a = metrics_subject(f.m, METRIC_SCOPE_ROUTE, one, NULL);
	unsigned b = metrics_subject(f.m, METRIC_SCOPE_ROUTE, two, NULL);
	assert_int_not_equal(a, b);
	assert_int_equal(metrics_find(f.m, METRIC_SCOPE_ROUTE, one, NULL), a);
	assert_int_equal(metrics_find(f.m, METRIC_SCOPE_ROUTE, two, NULL), b);
	assert_int_equal(strlen(metrics_name(f.m, METRIC_SCOPE_ROUTE, a)), METRIC_NAME_MAX - 1);
	one[METRIC_NAME_MAX - 1] = '\0'; /* just fits */
	a = metrics_subject(f.m, METRIC_SCOPE_ROUTE, one, NULL);
	assert_string_equal(metrics_name(f.m, METRIC_SCOPE_ROUTE, a), one);
	unmake(&f);
}

/* More listeners than the scope has room for: the rest share "(other)". */
static void test_full(void **state UNUSED)
{
	struct fixture f = make(1);
	const enum metric_scope scope = METRIC_SCOPE_LISTENER;
	unsigned last = 0, refused = 0;
	char name[16];

	for (int i = 0; i < 100; i++) {
		snprintf(name, sizeof(name), "l%d", i);
		unsigned n = metrics_subject(f.m, scope, name, NULL);
		last = MAX(last, n);
		refused += n == 0;
	}
	assert_int_equal(metrics_subjects(f.m, scope), last + 1);
	assert_int_equal(last + refused, 100);
	assert_int_equal(metrics_find(f.m, scope, "l99", NULL), 0);
	assert_false(metrics_shown(f.m, scope, 0));
	metric_add(metrics_row(f.m, scope, 0, 0), METRIC_LISTENER_requests, 1);
	assert_true(metrics_shown(f.m, scope, 0));
	/* The last row is within the region. */
	metric_set(metrics_row(f.m, METRIC_SCOPE_SERVER, 511, 0), METRIC_SERVER_addresses, 1);
	unmake(&f);
}

static void test_reload(void **state UNUSED)
{
	struct fixture f = make(1);
	const enum metric_scope scope = METRIC_SCOPE_UPSTREAM;
	unsigned a = metrics_subject(f.m, scope, "a", NULL);
	unsigned b = metrics_subject(f.m, scope, "b", NULL);

	assert_true(metrics_shown(f.m, scope, a) && metrics_shown(f.m, scope, b));
	metrics_reload_begin(f.m); /* b goes, c comes; but the reload fails */
	metrics_subject(f.m, scope, "a", NULL);
	unsigned c = metrics_subject(f.m, scope, "c", NULL);
	assert_false(metrics_shown(f.m, scope, c));
	metrics_reload_abort(f.m);
	assert_true(metrics_shown(f.m, scope, a) && metrics_shown(f.m, scope, b));
	assert_false(metrics_shown(f.m, scope, c));

	metrics_reload_begin(f.m); /* now it does not fail, and d is there instead of c */
	metrics_subject(f.m, scope, "a", NULL);
	unsigned d = metrics_subject(f.m, scope, "d", NULL);
	metrics_reload_commit(f.m);
	assert_true(metrics_shown(f.m, scope, a) && metrics_shown(f.m, scope, d));
	assert_false(metrics_shown(f.m, scope, b) || metrics_shown(f.m, scope, c));

	metrics_reload_begin(f.m); /* b comes back under its number */
	assert_int_equal(metrics_subject(f.m, scope, "b", NULL), b);
	metrics_reload_commit(f.m);
	assert_true(metrics_shown(f.m, scope, b));
	assert_false(metrics_shown(f.m, scope, a));
	unmake(&f);
}

static void test_values(void **state UNUSED)
{
	struct fixture f = make(4);
	unsigned r = metrics_subject(f.m, METRIC_SCOPE_ROUTE, "r", NULL);
	struct metric_row *row1 = metrics_row(f.m, METRIC_SCOPE_ROUTE, r, 1);
	struct metric_row *row3 = metrics_row(f.m, METRIC_SCOPE_ROUTE, r, 3);
	struct hist h = {0};

	metric_add(row1, METRIC_ROUTE_requests, 5);
	metric_add(row3, METRIC_ROUTE_requests, 7);
	metric_add(row3, METRIC_ROUTE_bytes_out, UINT64_C(1) << 40);
	metric_hist(row1, HIST_ROUTE_duration, NS_PER_MS);
	metric_hist(row3, HIST_ROUTE_duration, NS_PER_S);
	assert_int_equal(metric_get(row1, METRIC_ROUTE_requests), 5);
	assert_int_equal(metrics_value(f.m, r, 3, METRIC_ROUTE_requests), 7);
	assert_int_equal(metrics_value(f.m, r, 0, METRIC_ROUTE_requests), 0);
	assert_int_equal(metrics_sum(f.m, METRIC_SCOPE_ROUTE, r, METRIC_ROUTE_requests), 12);
	assert_int_equal(metrics_sum(f.m, METRIC_SCOPE_ROUTE, 0, METRIC_ROUTE_requests), 0);
	assert_int_equal(metrics_sum(f.m, METRIC_SCOPE_ROUTE, r, METRIC_ROUTE_bytes_out),
			 UINT64_C(1) << 40);
	metrics_hist_sum(f.m, METRIC_SCOPE_ROUTE, r, HIST_ROUTE_duration, &h);
	assert_int_equal(hist_count(&h), 2);
	assert_int_equal(h.sum, NS_PER_MS + NS_PER_S);
	assert_int_equal(metrics_slots(f.m), 4);
	assert_false(metrics_slot_used(f.m, 0) || metrics_slot_used(f.m, 2));
	assert_true(metrics_slot_used(f.m, 1) && metrics_slot_used(f.m, 3));
	unmake(&f);
}

static const struct {
	int status;
	enum metric_id id;
} classes[] = {
	{101, METRIC_ROUTE_responses_1xx}, {200, METRIC_ROUTE_responses_2xx},
	{299, METRIC_ROUTE_responses_2xx}, {304, METRIC_ROUTE_responses_3xx},
	{499, METRIC_ROUTE_responses_4xx}, {599, METRIC_ROUTE_responses_5xx},
	{600, METRIC_ROUTE_responses_5xx}, {999, METRIC_ROUTE_responses_5xx},
	{0, METRIC_ROUTE_responses_5xx},
};

static void test_classes(void **state UNUSED)
{
	for (size_t i = 0; i < COUNTOF(classes); i++)
		assert_int_equal(METRIC_RESPONSES(ROUTE, classes[i].status), classes[i].id);
	assert_int_equal(METRIC_RESPONSES(UPSTREAM, 302u), METRIC_UPSTREAM_responses_3xx);
}

/* A second program (after an upgrade) finds everything; a damaged region is refused. */
static void test_attach_again(void **state UNUSED)
{
	struct fixture f = make(2), g = {0};
	unsigned r = metrics_subject(f.m, METRIC_SCOPE_ROUTE, "r", NULL);

	metric_add(metrics_row(f.m, METRIC_SCOPE_ROUTE, r, 1), METRIC_ROUTE_requests, 3);
	assert_int_equal(seg_map(dup(seg_fd(f.seg)), &g.seg), 0);
	assert_true(seg_region_fits(g.seg, SEG_METRICS, metrics_size(2), metrics_layout()));
	g.m = metrics_attach(g.seg);
	assert_non_null(g.m);
	assert_int_equal(metrics_find(g.m, METRIC_SCOPE_ROUTE, "r", NULL), r);
	assert_int_equal(metrics_sum(g.m, METRIC_SCOPE_ROUTE, r, METRIC_ROUTE_requests), 3);
	unmake(&g);

	uint32_t *words = seg_region(f.seg, SEG_METRICS, NULL);
	words[2]++; /* n_slots */
	assert_null(metrics_attach(f.seg));
	words[2]--;
	words[2 + 2 + 4 + METRIC_SCOPE_ROUTE] = 1000; /* more routes than there is room for */
	assert_null(metrics_attach(f.seg));
	unmake(&f);

	struct seg_spec none = {SEG_SLOTS, 100, 0}, small = {SEG_METRICS, 100, 0};
	assert_int_equal(seg_create(&none, 1, &f.seg), 0);
	assert_null(metrics_attach(f.seg));
	seg_free(&f.seg);
	assert_int_equal(seg_create(&small, 1, &f.seg), 0);
	assert_null(metrics_attach(f.seg));
	seg_free(&f.seg);
}

/* ---- processes ---- */

/* Counts until killed; the gauge is above zero most of the time. */
static NORETURN void child_count(struct fixture *f, unsigned subject, unsigned slot)
{
	struct metric_row *row = metrics_row(f->m, METRIC_SCOPE_UPSTREAM, subject, slot);

	for (;;) {
		metric_add(row, METRIC_UPSTREAM_connections_active, 2);
		metric_add(row, METRIC_UPSTREAM_requests, 1);
		metric_hist(row, HIST_UPSTREAM_connect_time, 5000);
		metric_sub(row, METRIC_UPSTREAM_connections_active, 1);
	}
}

/* Workers are killed and replaced: sums never fall, nothing is counted twice, and the dead leave
 * no gauges behind, however often recovery runs. */
static void test_deaths(void **state UNUSED)
{
	enum { SLOTS = 2, ROUNDS = 20 };
	const enum metric_scope scope = METRIC_SCOPE_UPSTREAM;
	struct fixture f = make(SLOTS);
	unsigned u = metrics_subject(f.m, scope, "u", NULL);
	uint64_t last = 0;

	for (int round = 0; round < ROUNDS; round++) {
		pid_t pids[SLOTS];
		for (unsigned i = 0; i < SLOTS; i++)
			if ((pids[i] = fork()) == 0)
				child_count(&f, u, i);
		for (int i = 0; i < 20; i++) {
			uint64_t n = metrics_sum(f.m, scope, u, METRIC_UPSTREAM_requests);
			assert_true(n >= last);
			last = n;
			usleep(200);
		}
		for (unsigned i = 0; i < SLOTS; i++) {
			kill(pids[i], SIGKILL);
			assert_int_equal(waitpid(pids[i], NULL, 0), pids[i]);
		}
		uint64_t dead = metrics_sum(f.m, scope, u, METRIC_UPSTREAM_requests);
		recover_slot(f.seg, 0);
		recover_slot(f.seg, 0); /* a master that died half-way begins again */
		recover_slot(f.seg, 1);
		assert_int_equal(metrics_sum(f.m, scope, u, METRIC_UPSTREAM_requests), dead);
		assert_int_equal(metrics_sum(f.m, scope, u, METRIC_UPSTREAM_connections_active), 0);
	}
	struct hist h = {0};
	metrics_hist_sum(f.m, scope, u, HIST_UPSTREAM_connect_time, &h);
	uint64_t requests = metrics_sum(f.m, scope, u, METRIC_UPSTREAM_requests);
	/* Each death may fall between the counter and the histogram, and between its two parts. */
	assert_true(requests >= hist_count(&h) && requests - hist_count(&h) <= ROUNDS * SLOTS);
	assert_in_range(h.sum, hist_count(&h) * 5000, (hist_count(&h) + ROUNDS * SLOTS) * 5000);
	unmake(&f);
}

/* Exact sums: many writers, each in its own slot, and a reader beside them. */
static void test_many_writers(void **state UNUSED)
{
	enum { SLOTS = 4, ROUNDS = 100000 };
	struct fixture f = make(SLOTS);
	unsigned r = metrics_subject(f.m, METRIC_SCOPE_ROUTE, "r", NULL);
	pid_t pids[SLOTS];

	for (unsigned i = 0; i < SLOTS; i++) {
		if ((pids[i] = fork()) != 0)
			continue;
		struct metric_row *row = metrics_row(f.m, METRIC_SCOPE_ROUTE, r, i);
		for (int k = 0; k < ROUNDS; k++) {
			metric_add(row, METRIC_ROUTE_requests, 1);
			metric_hist(row, HIST_ROUTE_duration, k);
		}
		_exit(0);
	}
	uint64_t last = 0;
	for (unsigned i = 0; i < SLOTS; i++)
		while (waitpid(pids[i], NULL, WNOHANG) == 0) {
			uint64_t n = metrics_sum(f.m, METRIC_SCOPE_ROUTE, r, METRIC_ROUTE_requests);
			assert_in_range(n, last, SLOTS * ROUNDS);
			last = n;
		}
	struct hist h = {0};
	metrics_hist_sum(f.m, METRIC_SCOPE_ROUTE, r, HIST_ROUTE_duration, &h);
	assert_int_equal(hist_count(&h), SLOTS * ROUNDS);
	assert_int_equal(h.sum, (uint64_t)SLOTS * ROUNDS * (ROUNDS - 1) / 2);
	assert_int_equal(metrics_sum(f.m, METRIC_SCOPE_ROUTE, r, METRIC_ROUTE_requests),
			 SLOTS * ROUNDS);
	unmake(&f);
}

/* Names appear whole to a reader that looks while the master adds them. */
static void *thread_namer(void *arg)
{
	char name[METRIC_NAME_MAX];

	for (int i = 1; i < 500; i++) {
		memset(name, 'a' + i % 26, sizeof(name) - 1);
		memcpy(name,
		       (char[]){(char)('0' + i / 100), (char)('0' + i / 10 % 10),
				(char)('0' + i % 10), '-'},
		       4);
		name[METRIC_NAME_MAX - 1] = '\0';
		metrics_subject(arg, METRIC_SCOPE_ROUTE, name, NULL);
	}
	return NULL;
}

static void test_names_beside(void **state UNUSED)
{
	struct fixture f = make(1);
	pthread_t namer;
	unsigned n = 0;

	assert_int_equal(pthread_create(&namer, NULL, thread_namer, f.m), 0);
	while (n < 500) {
		n = metrics_subjects(f.m, METRIC_SCOPE_ROUTE);
		if (n == 1)
			continue;
		const char *name = metrics_name(f.m, METRIC_SCOPE_ROUTE, n - 1);
		assert_int_equal(strlen(name), METRIC_NAME_MAX - 1);
		assert_int_equal(name[METRIC_NAME_MAX - 2], 'a' + (n - 1) % 26);
		metrics_shown(f.m, METRIC_SCOPE_ROUTE, n - 1);
	}
	pthread_join(namer, NULL);
	unmake(&f);
}

/* Reading must not touch the rows of slots that never had a worker: they would become memory. */
static void test_memory(void **state UNUSED)
{
	struct fixture f = make(128);
	unsigned r = metrics_subject(f.m, METRIC_SCOPE_ROUTE, "r", NULL);
	char line[128];
	long kib = -1;

	metric_add(metrics_row(f.m, METRIC_SCOPE_ROUTE, r, 100), METRIC_ROUTE_requests, 1);
	for (int i = 0; i < 10; i++) {
		struct hist h = {0};
		metrics_hist_sum(f.m, METRIC_SCOPE_ROUTE, r, HIST_ROUTE_duration, &h);
	}
	FILE *smaps = fopen("/proc/self/smaps", "r");
	assert_non_null(smaps);
	bool ours = false;
	while (fgets(line, sizeof(line), smaps)) {
		if (strstr(line, "memfd:tiercel"))
			ours = true;
		if (ours && sscanf(line, "Rss: %ld kB", &kib) == 1)
			break;
	}
	fclose(smaps);
	print_message("128 slots: %zu MiB of addresses, %ld KiB of memory\n", seg_size(f.seg) >> 20,
		      kib);
	assert_in_range(kib, 1, 200);
	unmake(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),	     cmocka_unit_test(test_subjects),
		cmocka_unit_test(test_long_names),   cmocka_unit_test(test_full),
		cmocka_unit_test(test_reload),	     cmocka_unit_test(test_values),
		cmocka_unit_test(test_classes),	     cmocka_unit_test(test_attach_again),
		cmocka_unit_test(test_deaths),	     cmocka_unit_test(test_many_writers),
		cmocka_unit_test(test_names_beside), cmocka_unit_test(test_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
