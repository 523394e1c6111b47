/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is kept of a request: counters, histograms, the access log's line, the slow request's line,
 * and the line that `requests` shows while it lives.
 */
#include "base/clock.h"
#include "obs/access.h"
#include "obs/log.h"
#include "obs/metrics.h"
#include "req/request.h"

/* For the log: the client left before there was an answer (as nginx has it). */
enum { STATUS_CLIENT_GONE = 499 };

static uint64_t bytes_out(const struct request *r)
{
	return r->pump.body_bytes + (r->pump.started ? r->body_in_head : 0);
}

static uint64_t bytes_in(const struct request *r)
{
	return r->body.ended || r->fetch ? r->body.total : 0;
}

static unsigned logged_status(const struct request *r)
{
	return r->status ? r->status : STATUS_CLIENT_GONE;
}

static void count_cache(const struct request *r, struct metric_row *route)
{
	const struct req_cache *c = &r->cache;
	enum metric_id id = METRIC_ROUTE_cache_bypassed;

	if (!r->route || !r->route->cache.on || !r->status)
		return;
	if (c->stale)
		id = METRIC_ROUTE_cache_stale;
	else if (c->hit)
		id = METRIC_ROUTE_cache_hits;
	else if (c->revalidated)
		id = METRIC_ROUTE_cache_revalidated;
	else if (c->collapsed)
		id = METRIC_ROUTE_cache_collapsed;
	else if (c->on)
		id = METRIC_ROUTE_cache_misses;
	metric_add(route, id, 1);
}

static void count(const struct request *r, int64_t duration)
{
	struct metric_row *w = r->server->row;
	struct metric_row *route = r->route ? r->route->row : r->snap->no_route;

	metric_add(w, METRIC_WORKER_bytes_in, r->msg.head_n + bytes_in(r));
	metric_add(w, METRIC_WORKER_bytes_out, bytes_out(r));
	metric_add(w, METRIC_WORKER_spliced_bytes,
		   r->pump.spliced_bytes + (r->fetch ? r->fetch->pump.spliced_bytes : 0));
	if (r->reason == REASON_CLIENT_GONE || r->reason == REASON_CLIENT_BODY)
		metric_add(w, METRIC_WORKER_client_aborts, 1);
	if (r->error == PROXY_ERROR_out_of_memory || r->error == PROXY_ERROR_proxy_internal_error)
		metric_add(w, METRIC_WORKER_internal_errors, 1);
	if (!r->route)
		metric_add(route, METRIC_ROUTE_requests, 1);
	if (r->status)
		metric_add(route, METRIC_RESPONSES(ROUTE, r->status), 1);
	count_cache(r, route);
	metric_add(route, METRIC_ROUTE_bytes_in, bytes_in(r));
	metric_add(route, METRIC_ROUTE_bytes_out, bytes_out(r));
	if (r->tunnelling)
		return; /* its length says nothing about the back end */
	metric_hist(route, HIST_ROUTE_duration, duration);
	if (r->first_byte)
		metric_hist(route, HIST_ROUTE_first_byte, r->first_byte - r->begun);
}

static struct origin_note note_of(const struct fetch *f)
{
	return (struct origin_note){
		.upstream = str_c(f->spec.group->name),
		.server = f->server ? str_c(f->server->text) : STR_NONE,
		.attempts = f->attempts,
		.reused = f->sent ? (int8_t)f->reused : -1,
		.queue_ns = f->queue_ns,
		.connect_ns = f->connect_ns,
		.first_byte_ns = f->sent && f->head_at ? MAX(f->head_at - f->sent, 0) : -1,
		.sent = f->sent,
	};
}

void account_note_fetch(struct request *r)
{
	if (!r->fetch || !r->fetch->spec.group)
		return;
	r->origin = note_of(r->fetch);
	r->origin.upstream = arena_str(&r->arena, r->origin.upstream);
	r->origin.server = arena_str(&r->arena, r->origin.server);
}

static void fill_upstream(const struct request *r, struct access_rec *rec, int64_t now)
{
	bool have = r->fetch && r->fetch->spec.group;
	struct origin_note note = have ? note_of(r->fetch) : r->origin;

	if (note.upstream.n == 0)
		return;
	rec->upstream = note.upstream;
	rec->server = note.server;
	rec->upstream_status = r->upstream_status;
	rec->attempts = note.attempts;
	rec->reused = note.reused;
	rec->queue_time = note.queue_ns ? note.queue_ns : -1;
	rec->connect_time = note.connect_ns ? note.connect_ns : -1;
	rec->first_byte_time = note.first_byte_ns;
	if (note.sent)
		rec->upstream_time = now - note.sent;
}

/* One word for what the cache did. */
static struct str cache_word(const struct request *r)
{
	const struct req_cache *c = &r->cache;

	if (!r->route || !r->route->cache.on)
		return STR_NONE;
	if (c->stale)
		return STR("stale");
	if (c->hit)
		return STR("hit");
	if (c->revalidated)
		return STR("revalidated");
	if (c->collapsed)
		return STR("collapsed");
	return c->on ? STR("miss") : STR("bypass");
}

static void fill(const struct request *r, struct access_rec *rec, char client[IP_TEXT],
		 char peer[IP_TEXT])
{
	const struct http_msg *m = &r->msg;
	int64_t now = clock_mono();

	*rec = access_rec_empty;
	rec->time = clock_wall();
	rec->id = r->id;
	rec->listener = str_c(r->client->listener->name);
	rec->client = r->who.ip.family ? str_of(client, ip_text(&r->who.ip, client)) : STR("unix");
	if (ip_eq(&r->who.ip, &r->client->ip))
		rec->client_port = r->client->port;
	else
		rec->peer = str_of(peer, ip_text(&r->client->ip, peer));
	rec->status = logged_status(r);
	rec->bytes_in = bytes_in(r);
	rec->bytes_out = bytes_out(r);
	rec->duration = now - r->begun;
	rec->first_byte = r->first_byte ? r->first_byte - r->begun : -1;
	rec->route = r->route ? str_c(r->route->conf->name) : STR_NONE;
	rec->connection_requests = r->client->requests;
	rec->reason = r->reason == REASON_DONE ? STR_NONE : str_c(reason_text(r->reason));
	rec->proxy_error = r->error ? str_c(problem_name((enum proxy_error)r->error)) : STR_NONE;
	rec->content_type = r->content_type;
	rec->cache = cache_word(r);
	fill_upstream(r, rec, now);
	if (r->parser.error || m->head_n == 0)
		return; /* there is no head to speak of */
	rec->protocol = m->minor ? STR("HTTP/1.1") : STR("HTTP/1.0");
	rec->method = http_span_str(m, m->method_text);
	rec->target = http_span_str(m, m->target);
	rec->host = r->host;
	rec->path = r->path;
	rec->user_agent = http_value(m, HTTP_FIELD_USER_AGENT);
	rec->referer = http_value(m, HTTP_FIELD_REFERER);
	rec->request_id = http_value(m, HTTP_FIELD_X_REQUEST_ID);
	rec->forwarded_for = http_value(m, HTTP_FIELD_X_FORWARDED_FOR);
	rec->traceparent = http_value(m, HTTP_FIELD_TRACEPARENT);
}

static void warn_slow(const struct request *r, const struct access_rec *rec)
{
	struct buf text = BUF_INIT;

	if (r->route)
		metric_add(r->route->row, METRIC_ROUTE_slow, 1);
	access_slow_text(rec, &text);
	if (!text.error)
		log_warn("slow", "%.*s", (int)text.n, text.p);
	buf_fini(&text);
}

void account_request(struct request *r)
{
	int64_t slow = r->snap->conf->log.slow_request, duration = clock_mono() - r->begun;
	bool is_slow = slow && duration >= slow && !r->tunnelling;
	char client[IP_TEXT], peer[IP_TEXT];
	struct access_rec rec;

	count(r, duration);
	if (!is_slow && !access_on(r->server->access_log))
		return;
	fill(r, &rec, client, peer);
	access_write(r->server->access_log, &rec);
	if (is_slow)
		warn_slow(r, &rec);
}

void account_report(const struct request *r, struct buf *out)
{
	char client[IP_TEXT], peer[IP_TEXT];
	struct access_rec rec;

	fill(r, &rec, client, peer);
	buf_c(out, "{\"id\":");
	buf_json(out, rec.id);
	buf_c(out, ",\"step\":");
	buf_json(out, str_c(step_name(r->step)));
	if (r->fetch) {
		buf_c(out, ",\"fetch\":");
		buf_json(out, str_c(fetch_step_name(r->fetch->step)));
	}
	buf_printf(out, ",\"age\":%.3f,\"client\":", (double)rec.duration / 1e9);
	buf_json(out, rec.client);
	buf_c(out, ",\"method\":");
	buf_json(out, rec.method);
	buf_c(out, ",\"host\":");
	buf_json(out, rec.host);
	buf_c(out, ",\"target\":");
	buf_json(out, rec.target);
	buf_c(out, ",\"route\":");
	buf_json(out, rec.route);
	buf_c(out, ",\"upstream\":");
	buf_json(out, rec.upstream);
	buf_c(out, ",\"server\":");
	buf_json(out, rec.server);
	buf_printf(out, ",\"status\":%u,\"bytes_in\":%llu,\"bytes_out\":%llu}\n", r->status,
		   (unsigned long long)rec.bytes_in, (unsigned long long)rec.bytes_out);
}
