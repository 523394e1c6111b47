/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The middle and the end: begin the fetch, wait for its head, relay interim ones, write the head
 * for the client, move the body.
 */
#include "base/clock.h"
#include "obs/access.h"
#include "obs/metrics.h"
#include "req/request.h"

/* How long the origin is given to answer Expect: 100-continue before we do. */
#define CONTINUE_TIME NS_PER_S

enum {
	DRAIN_SHARE = 64 * 1024, /* bytes of an unwanted body thrown away in one go */
};

static void on_fetch_change(void *arg)
{
	struct request *r = arg;

	CHECK_MAGIC(r, REQUEST_MAGIC);
	request_run(r);
}

/* Where the upstream's copy of the request's content comes from. */
static struct body_src *request_body(struct request *r, struct fill *fill)
{
	if (r->content.all.p)
		return fill ? &fill->content.src : &r->content.src;
	return r->msg.framing == HTTP_FRAMING_NONE ? NULL : &r->body.src;
}

/* Can the request be sent once more, from its first byte? */
static bool can_repeat(struct request *r)
{
	struct body_src *src = request_body(r, NULL);

	return !src || src->ops->rewind(src);
}

enum step step_fetch(struct request *r)
{
	struct group *g = r->on_fallback ? r->route->fallback : r->route->group;
	enum proxy_error error;
	struct fill *fill = r->on_fallback ? NULL : r->cache.fill;
	struct str head = forward_request_head(r, fill ? &fill->arena : &r->arena, fill, &error);

	if (head.n && !r->fetch && !(r->fetch = fetch_new())) {
		head.n = 0;
		error = PROXY_ERROR_out_of_memory;
	}
	if (head.n == 0)
		return request_refuse(r, error, STR_NONE);
	struct fetch_spec spec = {
		.group = g,
		.method = (enum http_method)r->msg.method,
		.head = head,
		.body = request_body(r, fill),
		.body_chunked = r->msg.framing == HTTP_FRAMING_CHUNKED,
		.deadline = r->deadline,
	};
	if (fill)
		fill_asks(fill);
	fetch_begin(r->fetch, r->server->loop, &spec, on_fetch_change, r);
	if (r->expects)
		client_set_wait(r->client, CLIENT_WAIT_CONTINUE, CONTINUE_TIME);
	return STEP_AWAIT;
}

/* ---- waiting for a head ---- */

bool request_flush_interim(struct request *r)
{
	struct conn *c = &r->client->conn;

	while (r->interim.n && c->writable) {
		struct iovec v = {(void *)r->interim.p, r->interim.n};
		size_t n;
		enum io_rc rc = conn_sendv(c, &v, 1, false, &n);
		if (rc == IO_ERR || rc == IO_EOF)
			return false;
		r->interim.p += n;
		r->interim.n -= n;
	}
	return true;
}

struct str request_with_interim(struct request *r, struct str head)
{
	if (r->interim.n == 0 || head.n == 0)
		return head;
	return arena_printf(&r->arena, "%.*s%.*s", STR_ARG(r->interim), STR_ARG(head));
}

/* Puts an interim head behind those that wait; HTTP/1.0 clients get none (RFC 9110 15.2). */
static bool relay_interim(struct request *r)
{
	struct str head;

	if (r->fetch->x.msg.status == 100) {
		r->expects = false;
		client_set_wait(r->client, CLIENT_WAIT_NONE, 0);
	}
	if (r->msg.minor == 0)
		return true;
	head = forward_interim_head(r, &r->fetch->x.msg);
	if (head.n == 0)
		return false;
	r->interim = request_with_interim(r, head);
	return r->interim.n > 0 && request_flush_interim(r);
}

static enum step gone(struct request *r, enum reason reason)
{
	r->reason = (uint8_t)reason;
	r->broken = true;
	r->keep = false;
	cache_leave_fetch(r);
	return STEP_END;
}

/* The request's own body ended badly: the client's fault, told if the client can still hear it. */
enum step request_bad_body(struct request *r)
{
	switch (r->body.ended) {
	case H1_BODY_TOO_LARGE:
		return request_refuse(r, PROXY_ERROR_body_too_large, STR_NONE);
	case H1_BODY_MALFORMED:
		return request_refuse(r, PROXY_ERROR_bad_request,
				      STR("The request's body is malformed."));
	case H1_BODY_TRUNCATED:
		return gone(r, REASON_CLIENT_BODY);
	default:
		return gone(r, REASON_CLIENT_GONE);
	}
}

enum step request_origin_failed(struct request *r, enum proxy_error error)
{
	r->error = (uint8_t)error;
	if (cache_stale_instead(r)) {
		r->error = PROXY_ERROR_NONE;
		return STEP_SERVE;
	}
	if (r->route->fallback && !r->on_fallback && error != PROXY_ERROR_total_timeout &&
	    can_repeat(r)) {
		fetch_free(&r->fetch);
		r->on_fallback = true;
		return STEP_FETCH;
	}
	if (r->route->conf->fallback.status) {
		r->failing = true;
		return STEP_ANSWER;
	}
	return request_refuse(r, error, STR_NONE);
}

static enum step fetch_failed(struct request *r)
{
	return r->fetch->upload == UPLOAD_BROKEN ? request_bad_body(r)
						 : request_origin_failed(r, r->fetch->error);
}

static enum step on_head(struct request *r)
{
	unsigned status = r->fetch->x.msg.status;

	if (status >= 200) {
		bool kept = r->cache.fill && !r->on_fallback;
		return kept || cache_takes_post(r) ? cache_on_head(r) : STEP_HEAD;
	}
	if (status == 101) {
		/* before the whole request was sent, nobody can have agreed to anything */
		if (r->tunnel_asked && r->fetch->upload == UPLOAD_DONE)
			return STEP_TUNNEL;
		fetch_fail(r->fetch, PROXY_ERROR_http_upgrade_failed);
		return fetch_failed(r);
	}
	if (++r->n_interim > FETCH_INTERIM_MAX) {
		fetch_fail(r->fetch, PROXY_ERROR_http_protocol_error);
		return fetch_failed(r);
	}
	if (!relay_interim(r))
		return gone(r, REASON_CLIENT_GONE);
	fetch_next_head(r->fetch);
	return STEP_NONE;
}

enum step step_await(struct request *r)
{
	struct fetch *f = r->fetch;

	if (!request_flush_interim(r))
		return gone(r, REASON_CLIENT_GONE);
	while (f->step == FETCH_HEAD) {
		enum step next = on_head(r);
		if (next != STEP_NONE)
			return next;
	}
	if (f->step == FETCH_FAILED)
		return fetch_failed(r);
	if (r->client->conn.hup)
		request_look_at_client(r);
	if (r->half_closed)
		return STEP_WAIT;
	if (f->step == FETCH_TALK && f->upload == UPLOAD_RUNNING && f->upload_rc == PUMP_WAIT_SRC &&
	    !r->expects)
		client_set_wait(r->client, CLIENT_WAIT_BODY, r->lconf->conf->timeouts.body);
	else if (!r->expects)
		client_set_wait(r->client, CLIENT_WAIT_NONE, 0);
	return STEP_WAIT;
}

enum step step_head(struct request *r)
{
	struct http_msg *m = &r->fetch->x.msg;
	enum http_framing framing = http_response_framing(m, (enum http_method)r->msg.method);
	bool chunked = false;
	struct str head;

	if (!http_method_safe((enum http_method)r->msg.method) && !r->cache.on)
		cache_invalidate(r, m);
	r->status = r->upstream_status = m->status;
	head = forward_response_head(r, m, framing, &chunked);

	head = request_with_interim(r, head);
	if (head.n == 0) {
		r->status = 0;
		fetch_fail(r->fetch, PROXY_ERROR_http_response_header_section_size);
		return request_refuse(r, PROXY_ERROR_http_response_header_section_size, STR_NONE);
	}
	if (access_on(r->server->access_log))
		r->content_type = arena_str(&r->arena, http_value(m, HTTP_FIELD_CONTENT_TYPE));
	fetch_take_body(r->fetch);
	pump_init(&r->pump, &r->client->conn, head,
		  framing == HTTP_FRAMING_NONE ? NULL : &r->fetch->x.body.src, chunked);
	return STEP_DELIVER;
}

/* ---- the body ---- */

static void stop_clocks(struct request *r)
{
	r->waits_for = 0;
	if (r->fetch && r->fetch->step == FETCH_BODY)
		fetch_awaits_body(r->fetch, false);
	client_set_wait(r->client, CLIENT_WAIT_NONE, 0);
}

/* Only bytes that move begin the wait anew: an event alone, say of a client that goes on sending, is
 * no sign of life of the one who is waited for. */
static bool waits_on(struct request *r, bool awaits)
{
	const struct fetch *f = r->fetch;
	uint8_t whom = awaits ? 1 : 2;
	uint64_t moved = awaits && f ? f->x.body.total + f->pump.body_bytes : r->pump.body_bytes;
	bool same = r->waits_for == whom && r->moved == moved;

	r->waits_for = whom;
	r->moved = moved;
	return same;
}

static void await_body(struct request *r, bool awaits)
{
	if (waits_on(r, awaits))
		return;
	if (r->fetch && r->fetch->step == FETCH_BODY)
		fetch_awaits_body(r->fetch, awaits);
	if (awaits)
		client_set_wait(r->client, CLIENT_WAIT_NONE, 0);
	else
		client_set_wait(r->client, CLIENT_WAIT_WRITE, r->lconf->conf->timeouts.write);
}

/* A stored body broke off while it was being filled: what broke it was counted there. */
static enum proxy_error body_error(struct request *r)
{
	if (!r->fetch)
		return PROXY_ERROR_http_response_incomplete;
	if (r->fetch->step != FETCH_FAILED)
		fetch_fail(r->fetch, r->fetch->x.body.ended == H1_BODY_MALFORMED
					     ? PROXY_ERROR_http_protocol_error
					     : PROXY_ERROR_http_response_incomplete);
	return r->fetch->error;
}

/* The origin's body broke off. Before the first byte for the client that is a 502; after it the
 * client's connection breaks off just as visibly. */
static enum step body_failed(struct request *r)
{
	enum proxy_error error = body_error(r);

	r->error = (uint8_t)error;
	r->reason = REASON_TRUNCATED;
	if (!r->pump.started) {
		pump_fini(&r->pump);
		r->status = 0;
		return request_refuse(r, error, STR_NONE);
	}
	r->keep = false;
	r->broken = r->close_delimited;
	return STEP_END;
}

enum step step_deliver(struct request *r)
{
	enum pump_rc rc;

	bool passing = r->fetch && !r->own;

	if (r->cache.object.object && l1_is_cut(r->server->fills.l1, &r->cache.object))
		return body_failed(r); /* too slow for the others of a stream */

	if (passing && r->fetch->step == FETCH_FAILED)
		return body_failed(r);
	if (passing && r->fetch->upload == UPLOAD_BROKEN)
		return gone(r, r->body.ended == H1_BODY_BROKEN ? REASON_CLIENT_GONE
							       : REASON_CLIENT_BODY);
	rc = pump_run(&r->pump);
	if (r->first_byte == 0 && r->pump.started)
		r->first_byte = clock_mono();
	switch (rc) {
	case PUMP_DONE:
		if (!r->reason)
			r->reason = REASON_DONE;
		return r->keep && r->own && !h1_body_whole(&r->body) ? STEP_DRAIN : STEP_END;
	case PUMP_WAIT_SRC:
		await_body(r, true);
		return STEP_WAIT;
	case PUMP_WAIT_DST:
		await_body(r, false);
		return STEP_WAIT;
	case PUMP_YIELD:
		/* it moves, so nobody is late */
		stop_clocks(r);
		request_run_next_turn(r);
		return STEP_WAIT;
	case PUMP_SRC_FAILED:
		return body_failed(r);
	case PUMP_DST_FAILED:
		break;
	}
	return gone(r, REASON_CLIENT_GONE);
}

bool request_drain_body(struct request *r)
{
	struct body_src *s = &r->body.src;
	size_t share = DRAIN_SHARE;
	struct str waste;
	bool last;

	while (share && s->ops->peek(s, &waste, &last) == BODY_DATA) {
		s->ops->consume(s, waste.n);
		share -= MIN(share, waste.n);
	}
	return h1_body_whole(&r->body);
}

/* Reads what is left of a short body that our own answer had no use for. */
enum step step_drain(struct request *r)
{
	if (request_drain_body(r) || r->body.ended != H1_BODY_OPEN)
		return STEP_END;
	client_set_wait(r->client, CLIENT_WAIT_BODY, r->lconf->conf->timeouts.body);
	return STEP_WAIT;
}

enum step step_end(struct request *r)
{
	account_request(r);
	return STEP_OVER;
}
