/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The `requests` command: every worker is asked for a report (shm/slots.h) and its doorbell rung.
 * The admin process has no doorbell of its own, so it looks for the answers once per loop tick
 * while a question is open, half a second at most; a worker that is stuck cannot hold it longer.
 */
#include <jansson.h>
#include <stdlib.h>

#include "admin/admin.h"
#include "admin/ask.h"
#include "admin/cmds.h"
#include "admin/figures.h"
#include "admin/model.h"
#include "admin/table.h"
#include "base/clock.h"
#include "base/err.h"
#include "net/doorbell.h"
#include "shm/slots.h"

#define PATIENCE (500 * NS_PER_MS)

/* One question to all workers. */
struct gather {
	bool json;
	int64_t until;		 /* mono ns */
	unsigned open;		 /* workers that have not answered */
	bool asked[SLOT_MAX];	 /* and has not answered */
	uint32_t want[SLOT_MAX]; /* number of the question */
	json_t *requests;	 /* what came, in no order */
};

static void gather_free(struct gather *g)
{
	if (g)
		json_decref(g->requests);
	free(g);
}

static void on_drop(struct ask *ask, void *waiting)
{
	loop_timer_clear(ask->admin->loop, &ask->timer);
	gather_free(waiting);
}

/* A line that is no JSON object is our own bug, or cut: left out. */
static void take_line(struct gather *g, unsigned worker, struct str line)
{
	json_t *request = json_loadb(line.p, line.n, 0, NULL);

	if (!json_is_object(request) ||
	    json_object_set_new(request, "worker", json_integer(worker)) ||
	    json_array_append(g->requests, request)) {
		/* nothing to keep */
	}
	json_decref(request);
}

/* Reads the answer of one worker if it is there. */
static void look(struct ask *ask, struct gather *g, unsigned worker)
{
	struct slot *slot = slot_get(ask->admin->slots, worker);
	static char report[SLOT_REPORT_MAX];
	enum slot_report kind;
	struct str rest, line;
	size_t n;

	if (slot_report_read(slot, g->want[worker], &kind, report, &n))
		return;
	g->asked[worker] = false;
	g->open--;
	if (kind != SLOT_REPORT_REQUESTS)
		return;
	rest = str_of(report, n);
	while (rest.n && str_next(&rest, '\n', &line))
		take_line(g, worker, line);
}

/* Oldest first. */
static int by_age(const void *a, const void *b)
{
	double x = json_number_value(json_object_get(*(json_t *const *)a, "age"));
	double y = json_number_value(json_object_get(*(json_t *const *)b, "age"));

	return (x < y) - (x > y);
}

static void sort_requests(struct gather *g)
{
	size_t n = json_array_size(g->requests);
	json_t **order = n ? malloc(n * sizeof(json_t *)) : NULL, *sorted = json_array();

	if (!order || !sorted) {
		free(order);
		json_decref(sorted);
		return; /* unsorted is better than nothing */
	}
	for (size_t i = 0; i < n; i++)
		order[i] = json_array_get(g->requests, i);
	qsort(order, n, sizeof(json_t *), by_age);
	for (size_t i = 0; i < n; i++)
		json_array_append(sorted, order[i]);
	free(order);
	json_decref(g->requests);
	g->requests = sorted;
}

static json_t *silent_workers(const struct gather *g)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < SLOT_MAX; i++) {
		if (g->asked[i])
			json_array_append_new(list, json_integer(i));
	}
	return list;
}

static const char *text(const json_t *request, const char *key)
{
	const char *s = json_string_value(json_object_get(request, key));

	return s ? s : "";
}

static void write_table(const struct gather *g, struct buf *out)
{
	struct table t;
	const json_t *r;
	char age[FIGURE];
	size_t i;

	table_init(&t, ">age|worker|client|method|host and target|route|server|doing");
	json_array_foreach(g->requests, i, r)
	{
		table_cell(&t, figure_time(json_object_get(r, "age"), age));
		table_cellf(&t, "%lld",
			    (long long)json_integer_value(json_object_get(r, "worker")));
		table_cell(&t, text(r, "client"));
		table_cell(&t, text(r, "method"));
		table_cellf(&t, "%s%s", text(r, "host"), text(r, "target"));
		table_cell(&t, text(r, "route"));
		table_cell(&t, text(r, "server"));
		table_cellf(&t, "%s%s%s", text(r, "step"), *text(r, "fetch") ? ": " : "",
			    text(r, "fetch"));
	}
	table_end(&t, out);
	buf_printf(out, "%zu in flight\n", json_array_size(g->requests));
	for (unsigned w = 0; w < SLOT_MAX; w++) {
		if (g->asked[w])
			buf_printf(out, "worker %u did not answer\n", w);
	}
}

static void finish(struct ask *ask, struct gather *g)
{
	loop_timer_clear(ask->admin->loop, &ask->timer);
	ask->drop = NULL;
	sort_requests(g);
	if (g->json) {
		model_write(json_pack("{s:O, s:o}", "requests", g->requests, "silent_workers",
				      silent_workers(g)),
			    &ask->out);
	} else {
		write_table(g, &ask->out);
	}
	gather_free(g);
	ask_end(ask, PROTO_OK);
}

static void on_tick(void *arg)
{
	struct ask *ask = arg;
	struct gather *g = ask->waiting;

	CHECK_MAGIC(ask, ASK_MAGIC);
	for (unsigned i = 0; i < slots_count(ask->admin->slots); i++) {
		if (g->asked[i])
			look(ask, g, i);
	}
	if (g->open == 0 || clock_mono() >= g->until)
		finish(ask, g);
	else
		loop_timer_set(ask->admin->loop, &ask->timer, clock_mono() + LOOP_TICK, on_tick,
			       ask);
}

static void ask_workers(struct ask *ask, struct gather *g)
{
	struct slots *slots = ask->admin->slots;

	for (unsigned i = 0; i < slots_count(slots); i++) {
		struct slot *slot = slot_get(slots, i);
		enum worker_state state = slot_state(slot);

		if (state != WORKER_RUNNING && state != WORKER_DRAINING)
			continue;
		g->want[i] = slot_report_ask(slot);
		g->asked[i] = true;
		g->open++;
		doorbell_ring(ask->admin->boot->doorbells[i]);
	}
}

void cmd_requests(struct ask *ask)
{
	struct gather *g;
	bool json;

	if (!cmds_json_only(ask, &json))
		return;
	g = calloc(1, sizeof(*g));
	if (g)
		g->requests = json_array();
	if (!g || !g->requests) {
		gather_free(g);
		ask_fail(ask, PROTO_FAILED, "out of memory");
		return;
	}
	g->json = json;
	g->until = clock_mono() + PATIENCE;
	ask_workers(ask, g);
	ask->waiting = g;
	ask->drop = on_drop;
	if (g->open == 0)
		finish(ask, g);
	else
		loop_timer_set(ask->admin->loop, &ask->timer, clock_mono() + LOOP_TICK, on_tick,
			       ask);
}
