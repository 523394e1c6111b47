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
	return r->pump.body_bytes;
}

static uint64_t bytes_in(const struct request *r)
{
	return r->body.ended || r->fetching ? r->body.total : 0;
}

static unsigned logged_status(const struct request *r)
{
	return r->status ? r->status : STATUS_CLIENT_GONE;
}

static void count(const struct request *r, int64_t duration)
{
	struct metric_row *w = r->server->row;
	struct metric_row *route = r->route ? r->route->row : r->snap->no_route;

	metric_add(w, METRIC_WORKER_bytes_in, r->msg.head_n + bytes_in(r));
	metric_add(w, METRIC_WORKER_bytes_out, bytes_out(r));
	metric_add(w, METRIC_WORKER_spliced_bytes,
		   r->pump.spliced_bytes + r->fetch.pump.spliced_bytes);
	if (r->reason == REASON_CLIENT_GONE || r->reason == REASON_CLIENT_BODY)
		metric_add(w, METRIC_WORKER_client_aborts, 1);
	if (r->error == PROXY_ERROR_out_of_memory || r->error == PROXY_ERROR_proxy_internal_error)
		metric_add(w, METRIC_WORKER_internal_errors, 1);
	if (!r->route)
		metric_add(route, METRIC_ROUTE_requests, 1);
	if (r->status)
		metric_add(route, METRIC_RESPONSES(ROUTE, r->status), 1);
	metric_add(route, METRIC_ROUTE_bytes_in, bytes_in(r));
	metric_add(route, METRIC_ROUTE_bytes_out, bytes_out(r));
	if (r->tunnelling)
		return; /* its length says nothing about the back end */
	metric_hist(route, HIST_ROUTE_duration, duration);
	if (r->first_byte)
		metric_hist(route, HIST_ROUTE_first_byte, r->first_byte - r->begun);
}

static void fill_upstream(const struct request *r, struct access_rec *rec, int64_t now)
{
	const struct fetch *f = &r->fetch;

	if (!r->fetching || !f->spec.group)
		return;
	rec->upstream = str_c(f->spec.group->name);
	rec->server = f->server ? str_c(f->server->text) : STR_NONE;
	rec->upstream_status = r->upstream_status;
	rec->attempts = f->attempts;
	rec->reused = f->sent ? f->reused : -1;
	rec->queue_time = f->queue_ns ? f->queue_ns : -1;
	rec->connect_time = f->connect_ns ? f->connect_ns : -1;
	if (f->sent && f->head_at)
		rec->first_byte_time = MAX(f->head_at - f->sent, 0);
	if (f->sent)
		rec->upstream_time = now - f->sent;
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
	if (r->fetching) {
		buf_c(out, ",\"fetch\":");
		buf_json(out, str_c(fetch_step_name(r->fetch.step)));
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
