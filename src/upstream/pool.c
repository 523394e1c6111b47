/* SPDX-License-Identifier: BSD-2-Clause */
#include "upstream/pool.h"

#include <errno.h>

#include "base/clock.h"
#include "base/pool.h"
#include "net/doorbell.h"
#include "net/resolve.h"
#include "obs/metrics.h"
#include "shm/slots.h"
#include "upstream/cells.h"
#include "upstream/pick.h"

/*
 * Another worker's request goes first only if it has waited this much longer than ours: handing
 * over costs a connection, so small differences are not worth it.
 */
#define HAND_OVER_AFTER (250 * NS_PER_MS)

static struct pool upconns = {.name = "upconn", .size = sizeof(struct upconn), .keep_max = 256};

static void on_upconn_event(void *arg, unsigned what);
static void on_connect_timeout(void *arg);
static void on_idle_timeout(void *arg);

/* ---- connections ---- */

static void free_upconn(void *arg)
{
	struct upconn *uc = arg;
	struct group *g;

	CHECK_MAGIC(uc, UPCONN_MAGIC);
	ASSERT(uc->state == UPCONN_CLOSED);
	g = uc->group;
	uc->magic = 0;
	origin_server_unref(&uc->server);
	group_unref(&g);
	pool_give(&upconns, &uc);
}

/* Leaves the state it is in: lists and counts say the truth again. */
static void leave_state(struct upconn *uc)
{
	struct group *g = uc->group;

	loop_timer_clear(g->owner->loop, &uc->timer);
	switch (uc->state) {
	case UPCONN_CONNECTING:
		g->n_connecting--;
		cells_active_add(g->owner->cells, uc->server->cell, g->owner->slot, -1);
		break;
	case UPCONN_IDLE:
		list_remove(&uc->server->idle, &uc->idle_node);
		g->n_idle--;
		break;
	case UPCONN_BUSY:
		g->n_busy--;
		cells_active_add(g->owner->cells, uc->server->cell, g->owner->slot, -1);
		metric_sub(uc->server->row, METRIC_SERVER_connections_active, 1);
		break;
	default:
		break;
	}
}

static void enter_busy(struct upconn *uc)
{
	struct group *g = uc->group;

	leave_state(uc);
	uc->state = UPCONN_BUSY;
	uc->requests++;
	g->n_busy++;
	cells_active_add(g->owner->cells, uc->server->cell, g->owner->slot, 1);
	metric_add(uc->server->row, METRIC_SERVER_connections_active, 1);
}

static void enter_idle(struct upconn *uc)
{
	struct group *g = uc->group;

	leave_state(uc);
	uc->state = UPCONN_IDLE;
	uc->on_event = NULL;
	uc->arg = NULL;
	g->n_idle++;
	list_prepend(&uc->server->idle, &uc->idle_node);
	loop_timer_set(g->owner->loop, &uc->timer, clock_mono() + g->set.pool.idle_timeout,
		       on_idle_timeout, uc);
}

/* Someone else may have waited for the slot that becomes free. */
static void offer_slot(struct group *g)
{
	struct upstreams *u = g->owner;

	if (!list_empty(&g->queue))
		pool_serve_later(g);
	unsigned slot = cells_longest_waiting(u->cells, g->cell, u->slot, 0);
	if (slot != SLOT_NONE && u->doorbells[slot] >= 0)
		doorbell_ring(u->doorbells[slot]);
}

static void close_upconn(struct upconn *uc, bool reset)
{
	struct group *g = uc->group;

	if (uc->state == UPCONN_CLOSED)
		return;
	leave_state(uc);
	uc->state = UPCONN_CLOSED;
	conn_close(&uc->conn, reset);
	uc->server->conns--;
	cells_conn_give(g->owner->cells, g->cell, g->owner->slot);
	loop_defer(g->owner->loop, &uc->free_task, free_upconn, uc);
	offer_slot(g);
}

void pool_close_idle(struct origin_server *s)
{
	LIST_EACH (&s->idle, n)
		close_upconn(CONTAINER_OF(n, struct upconn, idle_node), false);
}

static void on_idle_timeout(void *arg)
{
	struct upconn *uc = arg;

	CHECK_MAGIC(uc, UPCONN_MAGIC);
	close_upconn(uc, false);
}

/* An idle connection of <s> that is still good, or NULL. */
static struct upconn *take_idle(struct origin_server *s)
{
	struct list_node *n;

	while ((n = list_first(&s->idle))) {
		struct upconn *uc = CONTAINER_OF(n, struct upconn, idle_node);
		if (!conn_unexpected(&uc->conn)) {
			enter_busy(uc);
			return uc;
		}
		close_upconn(uc, false);
	}
	return NULL;
}

/* ---- the wait ends ---- */

static void leave_queue(struct pool_wait *w)
{
	struct group *g = w->group;
	struct upstreams *u = g->owner;

	list_remove(&g->queue, &w->node);
	cells_queue_leave(u->cells, g->cell, u->slot);
	struct list_node *first = list_first(&g->queue);
	cells_set_oldest(u->cells, g->cell, u->slot,
			 first ? CONTAINER_OF(first, struct pool_wait, node)->since : 0);
	w->queue_ns = clock_mono() - w->since;
	metric_hist(g->row, HIST_UPSTREAM_queue_time, w->queue_ns);
}

/* Takes <w> off whatever it waits on. */
static void detach(struct pool_wait *w)
{
	if (list_linked(&w->node))
		leave_queue(w);
	if (w->connecting) {
		w->connecting->wait = NULL;
		w->connecting = NULL;
	}
	loop_timer_clear(w->group->owner->loop, &w->timer);
	w->magic = 0;
	group_unref(&w->group);
}

static void finish(struct pool_wait *w, struct upconn *uc, enum proxy_error error)
{
	pool_ready_fn *fn = w->fn;

	detach(w);
	fn(w->arg, uc, error);
}

void pool_cancel(struct pool_wait *w)
{
	struct upconn *uc = w->connecting;

	if (w->magic != POOL_WAIT_MAGIC)
		return;
	detach(w);
	if (uc)
		close_upconn(uc, true);
}

static void on_acquire_timeout(void *arg)
{
	struct pool_wait *w = arg;
	enum proxy_error error = PROXY_ERROR_NONE;

	CHECK_MAGIC(w, POOL_WAIT_MAGIC);
	metric_add(w->group->row, METRIC_UPSTREAM_acquire_timeouts, 1);
	if (!pick_server(w->group, NULL, &error) && error == PROXY_ERROR_NONE)
		error = PROXY_ERROR_dns_timeout;
	finish(w, NULL, error ? error : PROXY_ERROR_acquire_timeout);
}

/* ---- connecting ---- */

static enum proxy_error connect_error(int error)
{
	switch (error) {
	case ECONNREFUSED:
	case ENOENT:
		return PROXY_ERROR_connection_refused;
	case ETIMEDOUT:
		return PROXY_ERROR_connection_timeout;
	case ENETUNREACH:
	case EHOSTUNREACH:
	case EACCES:
	case EPERM:
		return PROXY_ERROR_connection_unroutable;
	case EMFILE:
	case ENFILE:
	case ENOBUFS:
	case ENOMEM:
	case EADDRNOTAVAIL:
		return PROXY_ERROR_proxy_internal_error;
	default:
		return PROXY_ERROR_connection_terminated;
	}
}

static void count_connect_failure(struct origin_server *s, enum proxy_error error)
{
	struct group *g = s->group;

	metric_add(s->row, METRIC_SERVER_failures, 1);
	metric_add(g->row,
		   error == PROXY_ERROR_connection_timeout ? METRIC_UPSTREAM_connect_timeouts
							   : METRIC_UPSTREAM_connect_failures,
		   1);
	if (s->watch)
		resolve_hurry(s->watch);
}

static void connect_failed(struct upconn *uc, enum proxy_error error)
{
	struct pool_wait *w = uc->wait;

	count_connect_failure(uc->server, error);
	bool more = origin_server_failed(uc->server, uc->address);
	if (w) {
		w->tried = uc->server;
		w->more_addresses = more;
	}
	uc->wait = NULL;
	if (w)
		w->connecting = NULL;
	close_upconn(uc, false);
	if (w)
		finish(w, NULL, error);
}

static void on_connect_timeout(void *arg)
{
	struct upconn *uc = arg;

	CHECK_MAGIC(uc, UPCONN_MAGIC);
	connect_failed(uc, PROXY_ERROR_connection_timeout);
}

static void on_connected(struct upconn *uc)
{
	struct pool_wait *w = uc->wait;
	int error = sock_error(uc->conn.fd);

	if (error) {
		connect_failed(uc, connect_error(error));
		return;
	}
	int64_t took = clock_mono() - uc->since;
	metric_hist(uc->group->row, HIST_UPSTREAM_connect_time, took);
	uc->wait = NULL;
	enter_busy(uc);
	if (!w) {
		pool_release(&uc, true, false);
		return;
	}
	w->connecting = NULL;
	w->connect_ns = took;
	w->tried = uc->server;
	finish(w, uc, PROXY_ERROR_NONE);
}

static void on_upconn_event(void *arg, unsigned what)
{
	struct upconn *uc = arg;

	CHECK_MAGIC(uc, UPCONN_MAGIC);
	conn_note(&uc->conn, what);
	switch (uc->state) {
	case UPCONN_CONNECTING:
		on_connected(uc);
		break;
	case UPCONN_IDLE:
		if (conn_unexpected(&uc->conn))
			close_upconn(uc, false);
		break;
	case UPCONN_BUSY:
		uc->on_event(uc->arg);
		break;
	default:
		break;
	}
}

/* Begins a connection to <s>; its slot is already counted. */
static struct upconn *begin_connect(struct origin_server *s, struct pool_wait *w,
				    enum proxy_error *out_error)
{
	struct group *g = s->group;
	struct upconn *uc = pool_take(&upconns);
	struct sock_addr addr;
	int fd, rc;

	*out_error = PROXY_ERROR_out_of_memory;
	if (!uc)
		return NULL;
	memset(uc, 0, sizeof(*uc));
	*out_error = PROXY_ERROR_dns_error;
	rc = origin_server_address(s, &addr, &uc->address) ? sock_connect(&addr, &fd) : -ENOENT;
	if (rc) {
		*out_error = connect_error(-rc);
		w->more_addresses = rc != -ENOENT && origin_server_failed(s, uc->address);
		pool_give(&upconns, &uc);
		count_connect_failure(s, *out_error);
		return NULL;
	}
	if (conn_open(&uc->conn, g->owner->loop, fd, on_upconn_event, uc)) {
		*out_error = PROXY_ERROR_proxy_internal_error;
		pool_give(&upconns, &uc);
		return NULL;
	}
	uc->magic = UPCONN_MAGIC;
	uc->state = UPCONN_CONNECTING;
	uc->server = s;
	s->refs++;
	s->conns++;
	uc->group = group_ref(g);
	g->n_connecting++;
	cells_active_add(g->owner->cells, s->cell, g->owner->slot, 1);
	uc->since = clock_mono();
	metric_add(g->row, METRIC_UPSTREAM_connects, 1);
	loop_timer_set(g->owner->loop, &uc->timer, uc->since + g->set.timeouts.connect,
		       on_connect_timeout, uc);
	return uc;
}

/* The least recently used idle connection of the group: its slot is worth more elsewhere. */
static bool close_one_idle(struct group *g)
{
	for (size_t i = 0; i < g->n_servers; i++) {
		struct list_node *n = list_last(&g->servers[i]->idle);
		if (n) {
			close_upconn(CONTAINER_OF(n, struct upconn, idle_node), false);
			return true;
		}
	}
	return false;
}

static bool take_slot(struct group *g)
{
	struct upstreams *u = g->owner;
	uint32_t max = g->set.pool.max_connections;

	return cells_conn_take(u->cells, g->cell, u->slot, max) ||
	       (close_one_idle(g) && cells_conn_take(u->cells, g->cell, u->slot, max));
}

enum attempt { ATTEMPT_NONE, ATTEMPT_READY, ATTEMPT_CONNECTING, ATTEMPT_FAILED };

/* Tries to serve <w> now, from the pool or by a new connection. NONE: all slots are taken, or no
 * name is resolved yet. */
static enum attempt attempt(struct group *g, struct pool_wait *w, struct upconn **out_uc,
			    enum proxy_error *out_error)
{
	*out_error = PROXY_ERROR_NONE;
	struct origin_server *s = pick_server(g, w->avoid, out_error);
	if (!s)
		return *out_error ? ATTEMPT_FAILED : ATTEMPT_NONE;
	struct upconn *uc = w->fresh ? NULL : take_idle(s);
	if (uc) {
		metric_add(g->row, METRIC_UPSTREAM_reuses, 1);
		w->tried = s;
		*out_uc = uc;
		return ATTEMPT_READY;
	}
	if (!take_slot(g))
		return ATTEMPT_NONE;
	uc = begin_connect(s, w, out_error);
	if (!uc) {
		cells_conn_give(g->owner->cells, g->cell, g->owner->slot);
		w->tried = s;
		return ATTEMPT_FAILED;
	}
	uc->wait = w;
	w->connecting = uc;
	return ATTEMPT_CONNECTING;
}

/* ---- the queue ---- */

static void serve(void *arg)
{
	struct group *g = arg;
	struct list_node *n;

	CHECK_MAGIC(g, GROUP_MAGIC);
	group_ref(g); /* the last waiter may be the last to hold it */
	while ((n = list_first(&g->queue))) {
		struct pool_wait *w = CONTAINER_OF(n, struct pool_wait, node);
		struct upconn *uc = NULL;
		enum proxy_error error;
		enum attempt rc = attempt(g, w, &uc, &error);
		if (rc == ATTEMPT_NONE)
			break;
		if (rc == ATTEMPT_CONNECTING) {
			leave_queue(w);
			loop_timer_clear(g->owner->loop, &w->timer);
		} else {
			finish(w, uc, error);
		}
	}
	group_unref(&g);
}

void pool_serve_later(struct group *g)
{
	loop_defer(g->owner->loop, &g->serve, serve, g);
}

/* Others may hold idle connections that they do not need: their slots are wanted here. */
static void ask_others(const struct group *g)
{
	const struct upstreams *u = g->owner;

	for (unsigned i = 0; i < SLOT_MAX; i++)
		if (i != u->slot && u->doorbells[i] >= 0 && cells_conns_of(u->cells, g->cell, i))
			doorbell_ring(u->doorbells[i]);
}

static enum pool_rc enter_queue(struct group *g, struct pool_wait *w, enum proxy_error *out_error)
{
	struct upstreams *u = g->owner;

	if (!cells_queue_enter(u->cells, g->cell, u->slot, g->set.pool.queue)) {
		metric_add(g->row, METRIC_UPSTREAM_queue_full, 1);
		*out_error = PROXY_ERROR_queue_full;
		return POOL_REFUSED;
	}
	w->since = clock_mono();
	if (list_empty(&g->queue))
		cells_set_oldest(u->cells, g->cell, u->slot, w->since);
	list_append(&g->queue, &w->node);
	metric_add(g->row, METRIC_UPSTREAM_queued, 1);
	loop_timer_set(u->loop, &w->timer, w->since + g->set.pool.acquire_timeout,
		       on_acquire_timeout, w);
	/* a slot may have become free between the attempt and our name being on the list */
	if (cells_conns(u->cells, g->cell) < g->set.pool.max_connections)
		pool_serve_later(g);
	else
		ask_others(g);
	return POOL_PENDING;
}

enum pool_rc pool_acquire(struct group *g, struct pool_wait *w, pool_ready_fn *fn, void *arg,
			  struct upconn **out_uc, enum proxy_error *out_error)
{
	struct upconn *uc = NULL;
	enum attempt rc = ATTEMPT_NONE;

	ASSERT(w->magic == 0);
	w->fn = fn;
	w->arg = arg;
	w->queue_ns = w->connect_ns = 0;
	w->more_addresses = false;
	*out_error = PROXY_ERROR_NONE;
	if (list_empty(&g->queue))
		rc = attempt(g, w, &uc, out_error);
	switch (rc) {
	case ATTEMPT_READY:
		*out_uc = uc;
		return POOL_READY;
	case ATTEMPT_FAILED:
		return POOL_REFUSED;
	case ATTEMPT_CONNECTING:
		break;
	case ATTEMPT_NONE:
		if (enter_queue(g, w, out_error) == POOL_REFUSED)
			return POOL_REFUSED;
		break;
	}
	w->magic = POOL_WAIT_MAGIC;
	w->group = group_ref(g);
	return POOL_PENDING;
}

/* ---- giving back ---- */

/* Has a request of another worker waited clearly longer than ours, or waits at all? */
static bool wanted_elsewhere(const struct group *g)
{
	struct upstreams *u = g->owner;
	struct list_node *first = list_first(&g->queue);
	int64_t since =
		first ? CONTAINER_OF(first, struct pool_wait, node)->since - HAND_OVER_AFTER : 0;

	return cells_longest_waiting(u->cells, g->cell, u->slot, since) != SLOT_NONE;
}

static bool worth_keeping(const struct upconn *uc)
{
	const struct group *g = uc->group;
	uint32_t max_idle = g->set.pool.max_idle, max_requests = g->set.pool.max_requests;
	uint32_t share = (max_idle + g->owner->n_workers - 1) / g->owner->n_workers;

	if (uc->server->removed || (max_requests && uc->requests >= max_requests))
		return false;
	if (wanted_elsewhere(g))
		return false;
	return !list_empty(&g->queue) || g->n_idle < share;
}

void pool_release(struct upconn **uc_p, bool reusable, bool reset)
{
	struct upconn *uc = *uc_p;

	*uc_p = NULL;
	if (!uc)
		return;
	CHECK_MAGIC(uc, UPCONN_MAGIC);
	ASSERT(uc->state == UPCONN_BUSY);
	conn_settle(&uc->conn);
	if (!reusable || conn_unexpected(&uc->conn) || !worth_keeping(uc)) {
		close_upconn(uc, reset);
		return;
	}
	enter_idle(uc);
	if (!list_empty(&uc->group->queue))
		pool_serve_later(uc->group);
}

void pool_yield_idle(struct group *g)
{
	if (list_empty(&g->queue) && g->n_idle && wanted_elsewhere(g))
		(void)close_one_idle(g);
}
