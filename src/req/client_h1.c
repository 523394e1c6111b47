/* SPDX-License-Identifier: BSD-2-Clause */
#include "req/client.h"

#include <sys/socket.h>

#include "base/clock.h"
#include "net/proxyproto.h"
#include "obs/metrics.h"
#include "req/request.h"

/* After the answer, a client that still sends gets this long to notice. */
#define LINGER_TIME (5 * NS_PER_S)
enum {
	LINGER_READS = 64,    /* in one turn */
	PIPELINED_SHARE = 32, /* requests of one connection answered in one turn */
};

/* Kept in the pool: connections come and go in bursts. */
static struct pool clients = {.name = "client", .size = sizeof(struct client), .keep_max = 128};

static void client_run(struct client *c);

/* ---- time ---- */

static const struct conf_listener_timeouts *timeouts(const struct client *c)
{
	return &c->listener->conf->conf->timeouts;
}

static void count_timeout(struct client *c)
{
	static const enum metric_id ids[] = {
		[CLIENT_WAIT_HEADER] = METRIC_WORKER_timeouts_header,
		[CLIENT_WAIT_KEEPALIVE] = METRIC_WORKER_timeouts_keepalive,
		[CLIENT_WAIT_BODY] = METRIC_WORKER_timeouts_body,
		[CLIENT_WAIT_WRITE] = METRIC_WORKER_timeouts_write,
		[CLIENT_WAIT_LINGER] = METRIC_NONE,
	};

	if (c->wait < COUNTOF(ids) && ids[c->wait])
		metric_add(c->server->row, ids[c->wait], 1);
}

static void on_timer(void *arg)
{
	struct client *c = arg;

	CHECK_MAGIC(c, CLIENT_MAGIC);
	if (c->deadline == 0)
		return;
	if (clock_mono() < c->deadline) {
		loop_timer_set(c->server->loop, &c->timer, c->deadline, on_timer, c);
		return;
	}
	enum client_wait wait = c->wait;
	count_timeout(c);
	c->deadline = 0;
	if (c->state == CLIENT_REQUEST || (c->req && wait == CLIENT_WAIT_HEADER))
		request_on_timeout(c->req, wait);
	else
		client_close(c, wait == CLIENT_WAIT_LINGER);
}

/* The timer may fire too early, never too late: a later deadline costs one store. */
void client_set_wait(struct client *c, enum client_wait wait, int64_t ns)
{
	c->wait = wait;
	c->deadline = ns ? clock_mono() + ns : 0;
	if (ns && (!loop_timer_is_set(&c->timer) || c->timer.due > c->deadline))
		loop_timer_set(c->server->loop, &c->timer, c->deadline, on_timer, c);
}

/* ---- the end ---- */

static void free_client(void *arg)
{
	struct client *c = arg;

	CHECK_MAGIC(c, CLIENT_MAGIC);
	ASSERT(c->state == CLIENT_CLOSED && !c->req);
	c->magic = 0;
	pool_give(&clients, &c);
}

void client_close(struct client *c, bool reset)
{
	struct server *s = c->server;

	if (c->state == CLIENT_CLOSED)
		return;
	c->state = CLIENT_CLOSED;
	if (c->req)
		request_free(&c->req);
	window_give(&c->win);
	loop_timer_clear(s->loop, &c->timer);
	loop_undefer(s->loop, &c->task);
	conn_close(&c->conn, reset);
	list_remove(&s->clients, &c->node);
	metric_sub(s->row, METRIC_WORKER_connections_active, 1);
	metric_sub(c->listener->row, METRIC_LISTENER_connections_active, 1);
	listener_released(c->listener);
	listener_unref(&c->listener);
	loop_defer(s->loop, &c->task, free_client, c);
	server_client_closed(s);
}

/*
 * Closing while the client still sends would make the kernel answer with RST, which can destroy
 * the answer on its way (RFC 9112 9.6). So: say that we are done, then read until the client is.
 */
static void begin_linger(struct client *c)
{
	c->state = CLIENT_LINGER;
	c->have = 0;
	shutdown(c->conn.fd, SHUT_WR);
	client_set_wait(c, CLIENT_WAIT_LINGER, LINGER_TIME);
}

static void on_linger_turn(void *arg);

static void linger(struct client *c)
{
	char waste[4096];
	size_t n;

	for (int reads = 0; c->conn.readable; reads++) {
		if (reads == LINGER_READS) {
			loop_defer(c->server->loop, &c->task, on_linger_turn, c);
			return;
		}
		enum io_rc rc = conn_recv(&c->conn, waste, sizeof(waste), &n);
		if (rc == IO_AGAIN)
			return;
		if (rc != IO_OK) {
			client_close(c, false);
			return;
		}
	}
}

static void on_linger_turn(void *arg)
{
	struct client *c = arg;

	CHECK_MAGIC(c, CLIENT_MAGIC);
	if (c->state == CLIENT_LINGER)
		linger(c);
}

/* ---- reading heads ---- */

static bool take_bytes(struct client *c, enum io_rc *out_rc)
{
	size_t n = 0;

	if (!c->win && !(c->win = window_take())) {
		*out_rc = IO_ERR;
		return false;
	}
	*out_rc = conn_recv(&c->conn, c->win->bytes + c->have, WINDOW_SIZE - c->have, &n);
	c->have += (uint32_t)n;
	return *out_rc == IO_OK;
}

/* The PROXY header: before it, nothing is believed. False: wait, or closed. */
static bool read_preface(struct client *c)
{
	struct proxyproto pp;

	switch (proxyproto_parse(c->win->bytes, c->have, &pp)) {
	case PROXYPROTO_MORE:
		return false;
	case PROXYPROTO_BAD:
		metric_add(c->listener->row, METRIC_LISTENER_proxy_protocol_errors, 1);
		client_close(c, true);
		return false;
	case PROXYPROTO_DONE:
		break;
	}
	struct sock_peer peer = {.family = 0};
	if (pp.has_addresses)
		sock_peer_from(&peer, &pp.source);
	if (peer.family) {
		c->ip = ip_from_bytes(peer.family, peer.addr);
		c->port = peer.port;
	}
	c->have -= (uint32_t)pp.used;
	memmove(c->win->bytes, c->win->bytes + pp.used, c->have);
	c->state = CLIENT_READ;
	return c->have > 0;
}

static void begin_request(struct client *c)
{
	c->state = CLIENT_REQUEST;
	c->requests++;
	client_set_wait(c, CLIENT_WAIT_NONE, 0);
	request_start(c->req);
}

/* Parses what is there; true if a request was begun or the client is gone. */
static bool parse_head(struct client *c)
{
	if (c->have == 0)
		return false;
	if (!c->req) {
		c->req = request_new(c);
		if (!c->req) {
			metric_add(c->server->row, METRIC_WORKER_internal_errors, 1);
			client_close(c, true);
			return true;
		}
		/* from its first byte a head has this long to be complete */
		client_set_wait(c, CLIENT_WAIT_HEADER, timeouts(c)->header);
	}
	if (http_parse(&c->req->parser, c->win->bytes, c->have) == HTTP_MORE)
		return false;
	begin_request(c);
	return true;
}

static void wait_for_bytes(struct client *c)
{
	if (c->have || c->state == CLIENT_PREFACE)
		return; /* the header deadline runs */
	window_give(&c->win);
	if (c->requests)
		client_set_wait(c, CLIENT_WAIT_KEEPALIVE, timeouts(c)->keepalive);
}

static void on_read_turn(void *arg)
{
	struct client *c = arg;

	CHECK_MAGIC(c, CLIENT_MAGIC);
	client_run(c);
}

/* Reads and begins requests until one waits or nothing is left to read. */
static void client_run(struct client *c)
{
	enum io_rc rc = IO_OK;

	if (c->running)
		return;
	c->running = true;
	uint32_t last = c->requests + PIPELINED_SHARE;
	while (c->state == CLIENT_READ || c->state == CLIENT_PREFACE) {
		if (c->state == CLIENT_PREFACE && c->have && !read_preface(c) &&
		    c->state == CLIENT_CLOSED)
			break;
		if (c->requests == last) {
			loop_defer(c->server->loop, &c->task, on_read_turn, c);
			break;
		}
		if (c->state == CLIENT_READ && parse_head(c))
			continue;
		if (!c->conn.readable) {
			wait_for_bytes(c);
			break;
		}
		if (take_bytes(c, &rc))
			continue;
		if (rc != IO_AGAIN) {
			/* a head that breaks off is nobody's request */
			client_close(c, rc == IO_ERR);
			break;
		}
	}
	c->running = false;
}

void client_request_done(struct client *c, struct str rest, bool keep, bool broken)
{
	CHECK_MAGIC(c, CLIENT_MAGIC);
	if (c->state == CLIENT_CLOSED)
		return;
	loop_undefer(c->server->loop, &c->task); /* the request's, if it had yielded */
	if (keep) {
		if (rest.n)
			memmove(c->win->bytes, rest.p, rest.n);
		c->have = (uint32_t)rest.n;
	}
	request_free(&c->req);
	if (broken) {
		client_close(c, true);
	} else if (!keep) {
		begin_linger(c);
		window_give(&c->win);
		linger(c);
	} else {
		c->state = CLIENT_READ;
		conn_settle(&c->conn);
		client_run(c);
	}
}

static void on_client_event(void *arg, unsigned what)
{
	struct client *c = arg;

	CHECK_MAGIC(c, CLIENT_MAGIC);
	conn_note(&c->conn, what);
	switch (c->state) {
	case CLIENT_PREFACE:
	case CLIENT_READ:
		client_run(c);
		break;
	case CLIENT_REQUEST:
		request_on_client(c->req, what);
		break;
	case CLIENT_LINGER:
		linger(c);
		break;
	default:
		break;
	}
}

bool client_is_idle(const struct client *c)
{
	return c->state == CLIENT_READ && c->have == 0;
}

/* ---- the beginning ---- */

void client_accept(struct listener *l, int fd, const struct sock_addr *peer)
{
	struct server *s = l->server;
	struct client *c;
	struct sock_peer p;

	metric_add(s->row, METRIC_WORKER_connections_accepted, 1);
	metric_add(l->row, METRIC_LISTENER_connections, 1);
	c = pool_take(&clients);
	if (c)
		memset(c, 0, sizeof(*c));
	if (!c || conn_open(&c->conn, s->loop, fd, on_client_event, c)) {
		metric_add(s->row, METRIC_WORKER_internal_errors, 1);
		struct conn none = {.fd = c ? -1 : fd};
		conn_close(&none, true);
		pool_give(&clients, &c);
		return;
	}
	c->magic = CLIENT_MAGIC;
	c->state = l->conf->conf->proxy_protocol ? CLIENT_PREFACE : CLIENT_READ;
	c->server = s;
	c->listener = l;
	l->refs++;
	l->active++;
	list_append(&s->clients, &c->node);
	metric_add(s->row, METRIC_WORKER_connections_active, 1);
	metric_add(l->row, METRIC_LISTENER_connections_active, 1);
	sock_peer_from(&p, peer);
	c->ip = ip_from_bytes(p.family, p.addr);
	c->port = p.port;
	client_set_wait(c, CLIENT_WAIT_HEADER, timeouts(c)->header);
}
