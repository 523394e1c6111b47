/* SPDX-License-Identifier: BSD-2-Clause */
#include "req/server.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "http/date.h"
#include "net/window.h"
#include "obs/access.h"
#include "obs/log.h"
#include "obs/metrics.h"
#include "req/cache_count.h"
#include "req/request.h"
#include "store/purge.h"
#include "upstream/cells.h"

/* A stopping server gives connections without a request this long for one that is on its way. */
#define IDLE_MOMENT NS_PER_S

/* Accepted in one go before others get their turn. */
enum { ACCEPT_BURST = 64 };

/* ---- small things ---- */

struct str server_date_line(struct server *s)
{
	int64_t second = clock_wall() / NS_PER_S;

	if (second != s->date_second) {
		memcpy(s->date_line, "Date: ", 6);
		http_date_write(s->date_line + 6, second);
		memcpy(s->date_line + 6 + HTTP_DATE_N, "\r\n", 2);
		s->date_n = 6 + HTTP_DATE_N + 2;
		s->date_second = second;
	}
	return str_of(s->date_line, s->date_n);
}

void server_request_id(struct server *s, char out[REQUEST_ID_N])
{
	static const char hex[] = "0123456789abcdef";

	s->ids[1]++;
	for (int half = 0; half < 2; half++) {
		uint64_t v = s->ids[half];
		for (int i = 15; i >= 0; i--, v >>= 4)
			out[half * 16 + i] = hex[v & 15];
	}
}

static int access_log_of(const struct conf *conf, struct access **out)
{
	const struct conf_log_access *c = &conf->log.access;
	enum access_format format = ACCESS_JSON;
	size_t bad;

	if (c->format && strcmp(c->format, "combined") == 0)
		format = ACCESS_COMBINED;
	else if (c->format && strcmp(c->format, "fields") == 0)
		format = ACCESS_FIELDS;
	return access_new(format, c->fields, c->n_fields, out, &bad);
}

/* ---- listeners ---- */

void listener_unref(struct listener **l_p)
{
	struct listener *l = *l_p;

	*l_p = NULL;
	if (!l || --l->refs)
		return;
	ASSERT(list_empty(&l->acceptors) && !list_linked(&l->node));
	snapshot_unref(&l->snap);
	l->magic = 0;
	free(l->name);
	free(l);
}

/* The server's own reference goes when the listener is removed and accepts no more. */
static void let_go_if_removed(struct listener *l)
{
	if (!l->removed || !list_empty(&l->acceptors) || !list_linked(&l->node))
		return;
	list_remove(&l->server->listeners, &l->node);
	listener_unref(&l);
}

static struct listener *find_listener(struct server *s, const char *name)
{
	LIST_EACH (&s->listeners, n) {
		struct listener *l = CONTAINER_OF(n, struct listener, node);
		if (strcmp(l->name, name) == 0)
			return l;
	}
	return NULL;
}

static struct listener *new_listener(struct server *s, const char *name)
{
	struct listener *l = snapshot_listener(s->snap, name) ? calloc(1, sizeof(*l)) : NULL;

	if (!l)
		return NULL;
	l->magic = LISTENER_MAGIC;
	l->server = s;
	l->name = str_dup(str_c(name));
	if (!l->name) {
		free(l);
		return NULL;
	}
	l->refs = 1; /* the server's, given up when the listener is removed */
	l->snap = snapshot_ref(s->snap);
	l->conf = snapshot_listener(s->snap, name);
	list_init(&l->acceptors);
	l->row = metrics_row(s->env.metrics, METRIC_SCOPE_LISTENER,
			     metrics_find(s->env.metrics, METRIC_SCOPE_LISTENER, name, NULL),
			     s->env.slot);
	list_append(&s->listeners, &l->node);
	return l;
}

/* This worker's share of the listener's limit. */
static bool is_full(const struct listener *l)
{
	uint32_t n = l->server->env.n_workers, limit = l->conf->conf->limits.connections;

	return l->active >= (limit + n - 1) / n;
}

static void on_acceptable(void *arg, unsigned what);

/* Clients beyond the limit wait in the kernel's queue. */
static void pause_listener(struct listener *l)
{
	l->paused = true;
	metric_add(l->server->row, METRIC_WORKER_accept_pauses, 1);
	LIST_EACH (&l->acceptors, n)
		loop_io_del(&CONTAINER_OF(n, struct acceptor, node)->io);
}

static void resume_listener(struct listener *l)
{
	if (!l->paused || is_full(l))
		return;
	l->paused = false;
	LIST_EACH (&l->acceptors, n) {
		struct acceptor *a = CONTAINER_OF(n, struct acceptor, node);
		if (loop_io_add_level(l->server->loop, &a->io, a->fd, on_acceptable, a))
			l->paused = true; /* tried again in a second */
	}
}

void listener_released(struct listener *l)
{
	l->active--;
	resume_listener(l);
}

/* Accepts what is queued, <max> at most; false when the queue is empty. */
static bool accept_some(struct acceptor *a, int max)
{
	struct server *s = a->listener->server;
	struct sock_addr peer;
	int fd;

	for (int i = 0; i < max && !is_full(a->listener); i++) {
		int rc = sock_accept(a->fd, &peer, &fd);
		if (rc == 0) {
			client_accept(a->listener, fd, &peer);
			continue;
		}
		if (rc == -ECONNABORTED || rc == -EINTR)
			continue;
		if (rc != -EAGAIN) {
			metric_add(s->row, METRIC_WORKER_accept_errors, 1);
			log_error("listen", "%s: accept: %s", a->listener->name, strerror(-rc));
			pause_listener(a->listener);
		}
		return false;
	}
	return !is_full(a->listener);
}

static void on_acceptable(void *arg, unsigned what)
{
	struct acceptor *a = arg;

	(void)what;
	CHECK_MAGIC(a->listener, LISTENER_MAGIC);
	accept_some(a, ACCEPT_BURST);
	if (is_full(a->listener) && !a->listener->paused)
		pause_listener(a->listener);
}

static void close_acceptor(struct acceptor *a)
{
	list_remove(&a->listener->acceptors, &a->node);
	loop_io_del(&a->io);
	close(a->fd);
	free(a);
}

static void close_acceptors(struct listener *l, bool accept_first)
{
	LIST_EACH (&l->acceptors, n) {
		struct acceptor *a = CONTAINER_OF(n, struct acceptor, node);
		while (accept_first && accept_some(a, ACCEPT_BURST))
			;
		close_acceptor(a);
	}
}

static struct acceptor *find_acceptor(struct server *s, const char *name, unsigned index)
{
	struct listener *l = find_listener(s, name);

	if (!l)
		return NULL;
	LIST_EACH (&l->acceptors, n) {
		struct acceptor *a = CONTAINER_OF(n, struct acceptor, node);
		if (a->index == index)
			return a;
	}
	return NULL;
}

int server_listen(struct server *s, const char *name, unsigned index, int fd)
{
	struct listener *l = find_listener(s, name);
	struct acceptor *a = NULL;
	int rc = find_acceptor(s, name, index) ? ERR_EXISTS : ERR_NOMEM;

	if (rc == ERR_NOMEM && !l)
		l = new_listener(s, name);
	if (rc == ERR_NOMEM && l)
		a = calloc(1, sizeof(*a));
	if (a) {
		a->listener = l;
		a->fd = fd;
		a->index = index;
		rc = l->paused ? 0 : loop_io_add_level(s->loop, &a->io, fd, on_acceptable, a);
	}
	if (rc) {
		free(a);
		close(fd);
		return rc;
	}
	list_append(&l->acceptors, &a->node);
	return 0;
}

void server_unlisten(struct server *s, const char *name, unsigned index)
{
	struct acceptor *a = find_acceptor(s, name, index);

	if (!a)
		return;
	while (accept_some(a, ACCEPT_BURST))
		;
	struct listener *l = a->listener;
	close_acceptor(a);
	let_go_if_removed(l);
}

/* ---- configurations ---- */

int server_prepare(struct server *s, struct conf *next, char *why, size_t why_size)
{
	struct snapshot_env env = {.metrics = s->env.metrics, .slot = s->env.slot};
	int rc;

	ASSERT(!s->next && !s->plan);
	rc = upstreams_prepare(&s->ups, next, &s->plan);
	if (rc) {
		snprintf(why, why_size, "upstreams: %s", err_text(rc));
		return rc;
	}
	env.plan = s->plan;
	rc = snapshot_new(&env, next, why, why_size, &s->next);
	if (rc)
		upstreams_abort(&s->ups, &s->plan);
	return rc;
}

/* Listeners point to their settings in the new snapshot; removed ones keep the old. */
static void rebind_listeners(struct server *s)
{
	LIST_EACH (&s->listeners, n) {
		struct listener *l = CONTAINER_OF(n, struct listener, node);
		const struct listener_conf *conf = snapshot_listener(s->snap, l->name);
		l->removed = conf == NULL;
		if (conf) {
			snapshot_unref(&l->snap);
			l->snap = snapshot_ref(s->snap);
			l->conf = conf;
		}
		let_go_if_removed(l);
	}
}

static void renew_access_log(struct server *s)
{
	struct access *fresh;

	if (access_log_of(s->snap->conf, &fresh)) {
		log_error("reload", "access log: out of memory; the old format stays");
		return;
	}
	access_free(&s->access_log);
	s->access_log = fresh;
	if (s->access_fd >= 0)
		access_set_fd(fresh, fcntl(s->access_fd, F_DUPFD_CLOEXEC, 0));
}

static bool same_access_format(const struct conf_log_access *a, const struct conf_log_access *b)
{
	if (a->n_fields != b->n_fields || !a->format != !b->format ||
	    (a->format && strcmp(a->format, b->format) != 0))
		return false;
	for (size_t i = 0; i < a->n_fields; i++)
		if (strcmp(a->fields[i], b->fields[i]) != 0)
			return false;
	return true;
}

void server_commit(struct server *s)
{
	struct snapshot *old = s->snap;

	ASSERT(s->next && s->plan);
	upstreams_commit(&s->ups, &s->plan);
	s->snap = s->next;
	s->next = NULL;
	rebind_listeners(s);
	if (s->fills.l1)
		l1_set_max_object(s->fills.l1, s->snap->conf->cache.l1.max_object);
	if (!same_access_format(&old->conf->log.access, &s->snap->conf->log.access))
		renew_access_log(s);
	snapshot_unref(&old);
	metric_add(s->row, METRIC_WORKER_reloads, 1);
}

void server_abort(struct server *s)
{
	if (s->plan)
		upstreams_abort(&s->ups, &s->plan);
	snapshot_unref(&s->next);
}

void server_set_workers(struct server *s, unsigned n)
{
	s->env.n_workers = s->ups.n_workers = MAX(n, 1u);
}

int server_check(const struct conf *conf, struct buf *told)
{
	return snapshot_check(conf, told);
}

void server_set_access_fd(struct server *s, int fd)
{
	if (s->access_fd >= 0)
		close(s->access_fd);
	s->access_fd = fd >= 0 ? fcntl(fd, F_DUPFD_CLOEXEC, 0) : -1;
	access_set_fd(s->access_log, fd);
}

/* ---- life ---- */

/* Without the regions there is no cache, and everything is passed on. */
static void attach_cache(struct server *s, const struct conf *conf)
{
	struct fill_env *env = &s->fills;

	list_init(&env->list);
	env->loop = s->loop;
	env->slot = s->env.slot;
	env->l1 = l1_attach(s->env.seg, s->env.slot, conf->cache.l1.max_object);
	env->fills = fills_attach(s->env.seg, s->env.slot, s->env.doorbells);
	env->purge = purge_attach(s->env.seg);
	if (env->fills && env->purge)
		return;
	l1_detach(&env->l1);
}

static int server_init(struct server *s, struct conf *conf, char *why, size_t why_size)
{
	struct rng rng;
	int rc;

	rng_seed_system(&rng);
	s->ids[0] = rng_next(&rng);
	s->ids[1] = rng_next(&rng) >> 16 << 16;
	list_init(&s->listeners);
	list_init(&s->clients);
	list_init(&s->requests);
	s->row = metrics_row(s->env.metrics, METRIC_SCOPE_WORKER, 0, s->env.slot);
	s->ups = (struct upstreams){
		.loop = s->loop,
		.cells = cells_attach(s->env.seg),
		.metrics = s->env.metrics,
		.slot = s->env.slot,
		.n_workers = MAX(s->env.n_workers, 1u),
		.doorbells = s->env.doorbells,
	};
	s->env.n_workers = s->ups.n_workers;
	if (!s->ups.cells)
		return ERR_CORRUPT;
	rc = upstreams_init(&s->ups);
	if (!rc)
		rc = access_log_of(conf, &s->access_log);
	if (!rc)
		rc = server_prepare(s, conf, why, why_size);
	if (rc)
		return rc;
	upstreams_commit(&s->ups, &s->plan);
	s->snap = s->next;
	s->next = NULL;
	attach_cache(s, conf);
	return 0;
}

int server_new(const struct server_env *env, struct conf *conf, char *why, size_t why_size,
	       struct server **out)
{
	struct server *s = calloc(1, sizeof(*s));
	int rc;

	snprintf(why, why_size, "%s", err_text(ERR_NOMEM));
	if (!s)
		return ERR_NOMEM;
	s->magic = SERVER_MAGIC;
	s->env = *env;
	s->loop = env->loop;
	s->access_fd = -1;
	rc = server_init(s, conf, why, why_size);
	if (rc) {
		free(s); /* the worker exits on this: what it made goes with the process */
		return rc;
	}
	*out = s;
	return 0;
}

static void close_clients(struct server *s)
{
	LIST_EACH (&s->clients, n) {
		struct client *c = CONTAINER_OF(n, struct client, node);
		if (c->state == CLIENT_REQUEST)
			request_abort(c->req, REASON_SHUTDOWN);
		client_close(c, false);
	}
}

void server_free(struct server **s_p)
{
	struct server *s = *s_p;

	*s_p = NULL;
	if (!s)
		return;
	CHECK_MAGIC(s, SERVER_MAGIC);
	close_clients(s);
	LIST_EACH (&s->listeners, n) {
		struct listener *l = CONTAINER_OF(n, struct listener, node);
		close_acceptors(l, false);
		list_remove(&s->listeners, &l->node);
		listener_unref(&l);
	}
	loop_timer_clear(s->loop, &s->stop_timer);
	loop_timer_clear(s->loop, &s->idle_timer);
	fills_cut_off(&s->fills);
	loop_turn(s->loop, false); /* deferred frees */
	server_abort(s);
	snapshot_unref(&s->snap);
	upstreams_fini(&s->ups);
	loop_turn(s->loop, false);
	access_free(&s->access_log);
	if (s->access_fd >= 0)
		close(s->access_fd);
	l1_detach(&s->fills.l1);
	fills_detach(&s->fills.fills);
	purge_detach(&s->fills.purge);
	s->magic = 0;
	free(s);
}

/* ---- drain and stop ---- */

void server_drain(struct server *s, bool on)
{
	s->draining = on;
}

static void tell_stopped(void *arg)
{
	struct server *s = arg;
	void (*done)(void *) = s->stop_done;

	s->stop_done = NULL;
	if (done)
		done(s->stop_arg);
}

static void check_stopped(struct server *s)
{
	if (s->stopping && s->stop_done && list_empty(&s->clients))
		loop_defer(s->loop, &s->stop_task, tell_stopped, s);
}

void server_client_closed(struct server *s)
{
	check_stopped(s);
}

static void on_idle_moment(void *arg)
{
	struct server *s = arg;

	LIST_EACH (&s->clients, n) {
		struct client *c = CONTAINER_OF(n, struct client, node);
		if (client_is_idle(c))
			client_close(c, false);
	}
	check_stopped(s);
}

static void on_grace_over(void *arg)
{
	struct server *s = arg;

	if (!list_empty(&s->clients))
		log_warn("stop", "%zu connections were still open when shutdown_grace ended",
			 s->clients.count);
	close_clients(s);
	check_stopped(s);
}

void server_stop(struct server *s, int64_t grace, void (*done)(void *arg), void *arg)
{
	int64_t now = clock_mono();

	s->stopping = true;
	s->stop_done = done;
	s->stop_arg = arg;
	LIST_EACH (&s->listeners, n)
		close_acceptors(CONTAINER_OF(n, struct listener, node), grace > 0);
	if (grace == 0) {
		on_grace_over(s);
		return;
	}
	loop_timer_set(s->loop, &s->stop_timer, now + grace, on_grace_over, s);
	loop_timer_set(s->loop, &s->idle_timer, now + MIN(grace, IDLE_MOMENT), on_idle_moment, s);
	check_stopped(s);
}

/* ---- for the operator ---- */

void server_report(struct server *s, struct buf *out)
{
	LIST_EACH (&s->requests, n)
		account_report(CONTAINER_OF(n, struct request, node), out);
}

void server_on_doorbell(struct server *s)
{
	upstreams_on_doorbell(&s->ups);
	if (s->fills.fills)
		fills_turn(s->fills.fills);
}

static void fills_again(void *arg)
{
	struct server *s = arg;

	fills_turn(s->fills.fills);
}

void server_turn(struct server *s)
{
	/* who waits for a fill of this worker goes on now; what that sets going, next turn */
	if (s->fills.fills && fills_due(s->fills.fills)) {
		fills_turn(s->fills.fills);
		if (fills_due(s->fills.fills))
			loop_defer(s->loop, &s->fills_task, fills_again, s);
	}
	access_flush(s->access_log);
}

void server_second(struct server *s)
{
	metric_set(s->row, METRIC_WORKER_buffers_live, windows_live());
	metric_add(s->row, METRIC_WORKER_access_log_dropped, access_take_dropped(s->access_log));
	upstreams_second(&s->ups);
	if (s->fills.l1)
		cache_count(s->fills.l1, &s->l1_seen, s->row);
	LIST_EACH (&s->listeners, n)
		resume_listener(CONTAINER_OF(n, struct listener, node));
	if (s->stopping && !loop_timer_is_set(&s->idle_timer)) /* their moment is over */
		on_idle_moment(s);
}
