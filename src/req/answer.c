/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Answers of our own: a route's static answer, its fallback, OPTIONS for ourselves, and errors
 * (RFC 9457 problem details with Proxy-Status, RFC 9209).
 */
#include "obs/metrics.h"
#include "req/request.h"

enum { HEAD_ROOM = 2048, DRAIN_MAX = 64 * 1024 };

/* What a static answer consists of. */
struct own_answer {
	unsigned status;
	struct str content_type, location, body;
	enum proxy_error error; /* for Proxy-Status; NONE: none */
	bool allow;		/* tell the methods */
};

static struct str next_hop(const struct request *r)
{
	return r->fetch && r->fetch->server ? str_c(r->fetch->server->text) : STR_NONE;
}

static void write_head(struct request *r, struct http_writer *w, const struct own_answer *a)
{
	const struct headers_ops *ops = r->route ? &r->route->response_ops : NULL;

	http_write_status_line(w, a->status, STR_NONE);
	http_write_str(w, server_date_line(r->server));
	if (a->content_type.n && !headers_replaced(ops, HTTP_FIELD_CONTENT_TYPE))
		http_write_field(w, STR("Content-Type"), a->content_type);
	if (a->location.n)
		http_write_field(w, STR("Location"), a->location);
	if (a->allow)
		http_write_lit(w, "Allow: GET, HEAD, POST, PUT, DELETE, OPTIONS, PATCH, QUERY\r\n");
	if (a->status != 204 && a->status != 304) {
		http_write_lit(w, "Content-Length: ");
		http_write_u64(w, a->body.n);
		http_write_lit(w, "\r\n");
	}
	if (a->error) {
		http_write_lit(w, "Cache-Control: no-store\r\n");
		problem_proxy_status(w, a->error, r->detail, next_hop(r));
	}
	if (r->retry_after.n)
		http_write_field(w, STR("Retry-After"), r->retry_after);
	request_write_cache_status(r, w);
	request_write_connection(r, w);
	if (r->route && r->route->conf->security_headers)
		headers_write_security(w, NULL, ops, false);
	headers_write_ops(w, ops);
	http_write_lit(w, "\r\n");
}

/*
 * A body that is not read to its end makes the connection useless. A short one is read and thrown
 * away, unless the client waits for 100 (Continue), which will not come.
 */
static bool can_drain(struct request *r)
{
	const struct h1_body *b = &r->body;

	if (h1_body_whole(b))
		return !r->must_close && r->error != PROXY_ERROR_body_too_large;
	if (r->must_close || r->error == PROXY_ERROR_body_too_large)
		return false;
	return request_drain_body(r) || (b->ended == H1_BODY_OPEN && !r->msg.expect_continue &&
					 b->framing == HTTP_FRAMING_LENGTH && b->left <= DRAIN_MAX);
}

/* Sends <a>; its body must live as long as the request. */
static enum step answer(struct request *r, const struct own_answer *a)
{
	size_t room = HEAD_ROOM + a->location.n + a->content_type.n + r->detail.n + r->interim.n +
		      (r->route ? r->route->response_ops.room : 0);
	char *p = arena_alloc(&r->arena, room);
	bool bodiless = r->msg.method == HTTP_METHOD_HEAD || a->body.n == 0 || a->status == 204 ||
			a->status == 304;
	struct http_writer w;

	r->keep = !request_must_close(r) && can_drain(r);
	r->status = (uint16_t)a->status;
	r->content_type = a->content_type;
	if (!p)
		goto no_memory;
	http_write_init(&w, p, room);
	http_write_str(&w, r->interim);
	write_head(r, &w, a);
	if (w.overflow)
		goto no_memory;
	arena_trim(&r->arena, w.at);
	r->own = true;
	mem_body_init(&r->mem, a->body);
	pump_init(&r->pump, &r->client->conn, str_of(w.start, http_write_n(&w)),
		  bodiless ? NULL : &r->mem.src, false);
	return STEP_DELIVER;

no_memory:
	r->keep = false;
	pump_init(&r->pump, &r->client->conn,
		  STR("HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n"
		      "Connection: close\r\n\r\n"),
		  NULL, false);
	return STEP_DELIVER;
}

static struct str or_default(const char *configured, struct str otherwise)
{
	return configured ? str_c(configured) : otherwise;
}

enum step step_answer(struct request *r)
{
	struct own_answer a = {.status = 200, .allow = true};

	if (r->failing) {
		const struct conf_fallback *c = &r->route->conf->fallback;
		a = (struct own_answer){
			.status = c->status,
			.content_type = or_default(c->content_type, STR("text/html")),
			.body = c->body,
			.error = (enum proxy_error)r->error,
		};
	} else if (r->purged.n) {
		a = (struct own_answer){
			.status = 200,
			.content_type = STR("application/json"),
			.body = r->purged,
		};
	} else if (r->route) {
		const struct conf_answer *c = &r->route->conf->answer;
		a = (struct own_answer){
			.status = c->status,
			.content_type = c->body.n ? or_default(c->content_type, STR("text/plain"))
						  : STR_NONE,
			.location = or_default(c->location, STR_NONE),
			.body = c->body,
		};
	}
	return answer(r, &a);
}

enum step request_refuse(struct request *r, enum proxy_error error, struct str detail)
{
	r->error = (uint8_t)error;
	r->detail = detail;
	if (!r->reason)
		r->reason = problem_status(error) < 500 ? REASON_REFUSED : REASON_UPSTREAM_FAILED;
	return STEP_REFUSE;
}

enum step step_refuse(struct request *r)
{
	request_make_id(r);
	enum proxy_error error = (enum proxy_error)r->error;
	struct http_writer w;
	char *p = arena_alloc(&r->arena, PROBLEM_ROOM);

	if (r->route)
		metric_add(r->route->row, METRIC_ROUTE_own_errors, 1);
	if (problem_status(error) == 503)
		r->retry_after = STR("1");
	http_write_init(&w, p, p ? PROBLEM_ROOM : 0);
	if (p)
		problem_body(&w, error, r->detail, r->id);
	struct own_answer a = {
		.status = problem_status(error),
		.content_type = problem_content_type,
		.body = str_of(w.start, http_write_n(&w)),
		.error = error,
	};
	return answer(r, &a);
}
