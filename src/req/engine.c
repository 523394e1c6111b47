/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The driver of the request's machine: runs steps, checks each edge against tbl/steps_req.h, keeps
 * the trace, parks the request while it waits, and wakes it when something happened.
 */
#include <errno.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "obs/metrics.h"
#include "req/request.h"

/* A request that takes this many steps without waiting is a bug. */
enum { STEPS_WITHOUT_WAIT = 64 };

static struct pool requests = {.name = "request", .size = sizeof(struct request), .keep_max = 128};

#define TO(id) (1u << STEP_##id)
static const struct {
	const char *name;
	enum step (*fn)(struct request *r);
	unsigned next;
} steps[STEP_COUNT] = {
	[STEP_NONE] = {"none", NULL, TO(CHECK)},
#define STEP(id, fn, next, help) [STEP_##id] = {#id, fn, next},
#include "tbl/steps_req.h"
#undef STEP
};

static const char *const reasons[REASON_COUNT] = {
	[REASON_NONE] = "",
#define REASON(id, text) [REASON_##id] = text,
#include "tbl/reasons.h"
#undef REASON
};

const char *step_name(unsigned step)
{
	return step < STEP_COUNT ? steps[step].name : "?";
}

const char *reason_text(unsigned reason)
{
	return reason < REASON_COUNT ? reasons[reason] : "?";
}

struct request *request_new(struct client *c)
{
	struct request *r = pool_take(&requests);
	struct server *s = c->server;
	const struct conf_listener_limits *limits;

	if (!r)
		return NULL;
	memset(r, 0, offsetof(struct request, parser));
	r->magic = REQUEST_MAGIC;
	r->client = c;
	r->server = s;
	r->snap = snapshot_ref(s->snap);
	r->lsnap = snapshot_ref(c->listener->snap);
	r->lconf = c->listener->conf;
	arena_init(&r->arena, r->first_block, sizeof(r->first_block), 4 * 1024 * 1024);
	r->pump.pipe_r = r->pump.pipe_w = r->tunnel_up.pipe_r = r->tunnel_up.pipe_w = -1;
	limits = &r->lconf->conf->limits;
	r->msg.fields = r->fields;
	r->msg.max_fields = (uint16_t)MIN(limits->header_fields, (uint32_t)HTTP_MAX_FIELDS);
	http_parser_init(&r->parser, &r->msg, HTTP_REQUEST, (uint32_t)limits->header_size);
	r->body.ended = H1_BODY_OPEN;
	return r;
}

void request_free(struct request **r_p)
{
	struct request *r = *r_p;

	*r_p = NULL;
	if (!r)
		return;
	CHECK_MAGIC(r, REQUEST_MAGIC);
	if (list_linked(&r->node)) {
		list_remove(&r->server->requests, &r->node);
		metric_sub(r->server->row, METRIC_WORKER_requests_active, 1);
	}
	if (r->tunnelling)
		metric_sub(r->server->row, METRIC_WORKER_tunnels_active, 1);
	pump_fini(&r->pump);
	pump_fini(&r->tunnel_up);
	fetch_free(&r->fetch);
	cache_release(r); /* after the fetch: its head may lie in the fill */
	snapshot_unref(&r->snap);
	snapshot_unref(&r->lsnap);
	arena_fini(&r->arena);
	r->magic = 0;
	pool_give(&requests, &r);
}

/* The bytes behind the request's body, if it was read to its end. */
static struct str rest_of(struct request *r)
{
	return h1_body_rest(&r->body);
}

static void over(struct request *r)
{
	struct client *c = r->client;
	bool keep = r->keep && h1_body_whole(&r->body), broken = r->broken;

	client_request_done(c, keep ? rest_of(r) : STR_NONE, keep, broken);
}

static enum step run_steps(struct request *r)
{
	enum step next = STEP_WAIT;

	for (int n = 0; n < STEPS_WITHOUT_WAIT; n++) {
		next = steps[r->step].fn(r);
		if (next == STEP_WAIT || next == STEP_OVER)
			return next;
		ASSERT(next < STEP_COUNT && (steps[r->step].next & (1u << next)));
		r->trace[r->n_trace++ % REQUEST_TRACE] = (uint8_t)next;
		r->step = (uint8_t)next;
	}
	ASSERT(!"a request turns in circles");
	return next;
}

/* What runs right now, for the panic report. */
static const struct request *volatile current;

static size_t add_text(char *out, size_t size, size_t at, struct str s)
{
	size_t n = MIN(s.n, size - at);

	if (n)
		memcpy(out + at, s.p, n);
	return at + n;
}

size_t server_doing(void *unused, char *out, size_t size)
{
	const struct request *r = current;
	size_t n = 0;

	(void)unused;
	if (!r || r->magic != REQUEST_MAGIC)
		return 0;
	n = add_text(out, size, n, str_c(step_name(r->step)));
	n = add_text(out, size, n, STR(" "));
	if (r->target.path.n && r->route)
		n = add_text(out, size, n, str_c(r->route->conf->name));
	n = add_text(out, size, n, STR(" "));
	n = add_text(out, size, n, r->host);
	return add_text(out, size, n, r->path);
}

void request_run(struct request *r)
{
	enum step rc;

	CHECK_MAGIC(r, REQUEST_MAGIC);
	if (r->running) {
		r->again = true;
		return;
	}
	r->running = true;
	current = r;
	do {
		r->again = false;
		rc = run_steps(r);
	} while (rc == STEP_WAIT && r->again);
	r->running = false;
	current = NULL;
	if (rc == STEP_OVER)
		over(r);
}

/* From here on it is a request: counted, listed, logged. */
static void enter(struct request *r)
{
	struct server *s = r->server;

	r->begun = clock_mono();
	list_append(&s->requests, &r->node);
	metric_add(s->row, METRIC_WORKER_requests, 1);
	metric_add(s->row, METRIC_WORKER_requests_active, 1);
	metric_add(r->client->listener->row, METRIC_LISTENER_requests, 1);
}

void request_start(struct request *r)
{
	enter(r);
	r->step = STEP_CHECK;
	r->trace[r->n_trace++] = STEP_CHECK;
	request_run(r);
}

/* Ends the request without an answer, or with what was sent of it. */
static void cut_off(struct request *r, enum reason reason)
{
	if (r->step == STEP_END)
		return;
	if (!r->reason)
		r->reason = (uint8_t)reason;
	r->keep = false;
	r->broken = reason != REASON_SHUTDOWN || r->close_delimited;
	if (reason == REASON_CLIENT_GONE || reason == REASON_CLIENT_BODY)
		cache_leave_fetch(r);
	r->step = STEP_END;
	request_run(r);
}

void request_abort(struct request *r, enum reason reason)
{
	cut_off(r, reason);
}

/* What the client's connection says while nothing is to be read from it. */
enum presence { PRESENT, HALF_CLOSED, LEFT };

/*
 * FIN alone cannot tell a client that left from one that only says it will send no more (RFC 9112
 * 9.6), RST can. Bytes are the next request and wait.
 */
static enum presence client_presence(struct request *r, unsigned what)
{
	struct conn *c = &r->client->conn;
	char byte;

	if (!(what & (LOOP_READ | LOOP_HUP)) || !h1_body_whole(&r->body))
		return PRESENT;
	ssize_t n = recv(c->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
	if (n == 0)
		return HALF_CLOSED;
	return n > 0 || errno == EAGAIN || errno == EINTR ? PRESENT : LEFT;
}

/* After FIN an answer has this long to begin; then the upstream is spared the work. */
#define HALF_CLOSED_TIME NS_PER_S

static void on_half_closed(struct request *r)
{
	r->must_close = true;
	if (r->half_closed || (r->step != STEP_AWAIT && r->step != STEP_QUEUE))
		return;
	r->half_closed = true;
	client_set_wait(r->client, CLIENT_WAIT_ANSWER, HALF_CLOSED_TIME);
}

void request_look_at_client(struct request *r)
{
	if (!r->half_closed && client_presence(r, LOOP_HUP) != PRESENT)
		on_half_closed(r);
}

static void on_turn(void *arg)
{
	struct client *c = arg;

	CHECK_MAGIC(c, CLIENT_MAGIC);
	if (c->state == CLIENT_REQUEST)
		request_run(c->req);
}

void request_run_next_turn(struct request *r)
{
	loop_defer(r->server->loop, &r->client->task, on_turn, r->client);
}

void request_on_client(struct request *r, unsigned what)
{
	CHECK_MAGIC(r, REQUEST_MAGIC);
	enum presence presence = r->tunnelling ? PRESENT : client_presence(r, what);
	if (presence == LEFT) {
		cut_off(r, REASON_CLIENT_GONE);
		return;
	}
	if (presence == HALF_CLOSED)
		on_half_closed(r);
	if (r->fetch && !r->tunnelling)
		fetch_more_body(r->fetch);
	request_run(r);
}

static void timed_out(struct request *r, enum reason reason, enum proxy_error error)
{
	r->keep = false;
	if (r->step == STEP_DRAIN) { /* the answer is out already, whole */
		r->step = STEP_END;
		request_run(r);
		return;
	}
	r->must_close = true; /* RFC 9110 15.5.9; what is missing would be waited for otherwise */
	r->reason = (uint8_t)reason;
	if (r->status || r->pump.started) {
		cut_off(r, reason);
		return;
	}
	if (r->fetch)
		fetch_fail(r->fetch, error);
	r->step = (uint8_t)request_refuse(r, error, STR_NONE);
	request_run(r);
}

void request_on_timeout(struct request *r, enum client_wait wait)
{
	CHECK_MAGIC(r, REQUEST_MAGIC);
	switch (wait) {
	case CLIENT_WAIT_HEADER:
		r->client->state = CLIENT_REQUEST;
		enter(r);
		timed_out(r, REASON_HEADER_TIMEOUT, PROXY_ERROR_request_timeout);
		break;
	case CLIENT_WAIT_BODY:
		timed_out(r, REASON_BODY_TIMEOUT, PROXY_ERROR_request_timeout);
		break;
	case CLIENT_WAIT_CONTINUE:
		r->expects = false;
		r->interim = request_with_interim(r, STR("HTTP/1.1 100 Continue\r\n\r\n"));
		request_run(r);
		break;
	case CLIENT_WAIT_FILL:
		r->cache.waited_out = true;
		request_run(r);
		break;
	case CLIENT_WAIT_ANSWER:
		cut_off(r, REASON_CLIENT_GONE);
		break;
	case CLIENT_WAIT_TUNNEL:
		cut_off(r, REASON_IDLE_TIMEOUT);
		break;
	default:
		cut_off(r, REASON_WRITE_TIMEOUT);
		break;
	}
}
