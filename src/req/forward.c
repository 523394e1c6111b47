/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Heads that are passed on: the request's for the upstream, the answer's for the client. What is
 * dropped and what is added follows policy/headers.h; framing and connection are ours.
 */
#include "req/request.h"

/* Room for what we add beside the fields that came: request line, Via, Date, framing, preset. */
enum { ADDED_ROOM = 2048 };

/* Begins a head of at most <room> bytes in the arena. */
static bool begin(struct arena *arena, struct http_writer *w, size_t room)
{
	char *p = arena_alloc(arena, room);

	if (p)
		http_write_init(w, p, room);
	return p != NULL;
}

static struct str finish(struct arena *arena, struct http_writer *w)
{
	http_write_lit(w, "\r\n");
	arena_trim(arena, w->at);
	return w->overflow ? STR_NONE : str_of(w->start, http_write_n(w));
}

/* ---- the request ---- */

/* Is a switch of protocols asked for that may be passed on? Not h2c: behind it requests would
 * pass unseen. */
static bool wants_upgrade(const struct request *r)
{
	return r->msg.upgrade && r->msg.minor >= 1 && r->msg.framing == HTTP_FRAMING_NONE &&
	       !http_list_has(&r->msg, HTTP_FIELD_UPGRADE, STR("h2c"));
}

static void write_target(struct request *r, struct http_writer *w)
{
	const struct rewrite *rw = &r->route->rewrite;
	const struct http_target *t = &r->target;

	if (rewrite_wanted(rw)) {
		ssize_t n = rewrite_target(rw, t, r->path, w->at, (size_t)(w->end - w->at));
		if (n < 0)
			w->overflow = true;
		else
			w->at += n;
		return;
	}
	http_write_str(w, t->path); /* as it came (RFC 9110 7.7) */
	if (t->query.p) {
		http_write_lit(w, "?");
		http_write_str(w, t->query);
	}
}

/* The host to ask for: configured, or of an absolute target, or as it came. */
static struct str new_host(const struct request *r)
{
	const char *configured = r->route->conf->rewrite.host;

	if (configured)
		return str_c(configured);
	if (r->target.form == HTTP_TARGET_ABSOLUTE)
		return r->authority;
	if (!http_find(&r->msg, HTTP_FIELD_HOST))
		return str_c(r->route->group->name); /* HTTP/1.0 client: HTTP/1.1 needs one */
	return STR_NONE;
}

static void write_request_id(struct request *r, struct http_writer *w)
{
	struct str came = http_value(&r->msg, HTTP_FIELD_X_REQUEST_ID);

	if (headers_replaced(&r->route->request_ops, HTTP_FIELD_X_REQUEST_ID) || came.n)
		return;
	http_write_lit(w, "X-Request-Id: ");
	http_write_str(w, r->id);
	http_write_lit(w, "\r\n");
}

static void write_max_forwards(struct request *r, struct http_writer *w)
{
	struct http_field *f = http_find(&r->msg, HTTP_FIELD_MAX_FORWARDS);
	uint64_t hops;

	if (!f || r->msg.method != HTTP_METHOD_OPTIONS ||
	    str_u64(http_field_value(&r->msg, f), &hops) || hops == 0)
		return;
	f->dropped = true;
	http_write_lit(w, "Max-Forwards: ");
	http_write_u64(w, hops - 1);
	http_write_lit(w, "\r\n");
}

static void write_request_framing(struct request *r, struct http_writer *w)
{
	if (r->msg.framing == HTTP_FRAMING_CHUNKED)
		http_write_lit(w, "Transfer-Encoding: chunked\r\n");
	else if (r->msg.framing == HTTP_FRAMING_NONE && !r->msg.has_length &&
		 (r->msg.method == HTTP_METHOD_POST || r->msg.method == HTTP_METHOD_PUT ||
		  r->msg.method == HTTP_METHOD_PATCH))
		http_write_lit(w, "Content-Length: 0\r\n"); /* RFC 9110 8.6 */
}

static void write_forwarded(struct request *r, struct http_writer *w)
{
	struct forwarded_out out = {
		.peer = &r->peer,
		.client = &r->who,
		.scheme = STR("http"),
		.host = r->authority,
		.ops = &r->route->request_ops,
	};

	if (r->route->conf->forwarded)
		forwarded_write(w, &r->msg, &out);
}

void request_make_id(struct request *r)
{
	struct str came = r->parser.error || r->msg.head_n == 0
				  ? STR_NONE
				  : http_value(&r->msg, HTTP_FIELD_X_REQUEST_ID);

	if (r->id.n)
		return;
	if (came.n && came.n <= 128) {
		r->id = came;
		return;
	}
	char *p = arena_alloc(&r->arena, REQUEST_ID_N);
	if (p) {
		server_request_id(r->server, p);
		r->id = str_of(p, REQUEST_ID_N);
	}
}

struct str forward_request_head(struct request *r, struct arena *arena, const struct fill *fill,
				enum proxy_error *out_error)
{
	const struct route *route = r->route;
	struct str host = new_host(r);
	bool upgrade = wants_upgrade(r);
	struct headers_request how = {
		.ops = &route->request_ops,
		.write_forwarded = route->conf->forwarded,
		.peer_trusted = r->peer.trusted,
		.replace_host = host.n > 0,
		.keep_expect = r->msg.expect_continue && r->msg.framing != HTTP_FRAMING_NONE,
	};
	struct http_writer w;
	size_t room = 3 * (size_t)r->msg.head_n + ADDED_ROOM + route->request_ops.room +
		      rewrite_room(&route->rewrite, &r->target) + host.n;

	request_make_id(r);
	*out_error = PROXY_ERROR_bad_request;
	if (fill) /* the cache asks for itself; a range only where nothing is there to validate */
		revalidate_mark(&r->msg, fill->base.object && !fill->base_prefix);
	if (headers_mark_request(&r->msg, &how))
		return STR_NONE;
	*out_error = PROXY_ERROR_out_of_memory;
	if (!begin(arena, &w, room))
		return STR_NONE;
	r->tunnel_asked = upgrade;
	r->expects = how.keep_expect;
	http_write_str(&w, http_span_str(&r->msg, r->msg.method_text));
	http_write_lit(&w, " ");
	write_target(r, &w);
	http_write_lit(&w, " HTTP/1.1\r\n");
	if (host.n)
		http_write_field(&w, STR("Host"), host);
	write_max_forwards(r, &w);
	http_write_fields(&w, &r->msg);
	write_forwarded(r, &w);
	write_request_id(r, &w);
	headers_write_via(&w, &r->msg, &route->request_ops);
	headers_write_connection(&w, &r->msg,
				 (upgrade ? HEADERS_UPGRADE : 0) |
					 (r->msg.te_trailers ? HEADERS_TE : 0));
	write_request_framing(r, &w);
	if (fill)
		fill_write_conditions(fill, &w);
	headers_write_ops(&w, &route->request_ops);
	return finish(arena, &w);
}

/* ---- the answer ---- */

bool request_must_close(const struct request *r)
{
	const struct server *s = r->server;

	return r->must_close || !r->msg.keep_alive || s->draining || s->stopping ||
	       r->client->listener->removed;
}

void request_write_connection(const struct request *r, struct http_writer *w)
{
	unsigned keep = r->msg.minor == 0 ? HEADERS_KEEP_ALIVE : 0; /* HTTP/1.1 needs no word */

	headers_write_connection(w, NULL, r->keep ? keep : HEADERS_CLOSE);
}

/*
 * Will the origin have no use for the rest of the request's body? It refuses, or its answer is whole
 * already. One that answers while it reads goes on, and the connection may live.
 */
static bool ignores_body(const struct request *r, enum http_framing framing)
{
	const struct exchange *x = &r->fetch->x;

	if (r->fetch->upload == UPLOAD_DONE)
		return false;
	return r->status >= 400 || framing == HTTP_FRAMING_NONE ||
	       (framing == HTTP_FRAMING_LENGTH &&
		x->end - x->head_at - x->msg.head_n >= x->msg.content_length);
}

/* What the client needs to be told about the body's end, and about the connection's. */
static void write_response_framing(struct request *r, struct http_writer *w,
				   enum http_framing framing, bool *out_chunked)
{
	bool unknown = framing == HTTP_FRAMING_CHUNKED || framing == HTTP_FRAMING_CLOSE;

	*out_chunked = unknown && r->msg.minor >= 1;
	r->close_delimited = unknown && !*out_chunked;
	r->keep = !request_must_close(r) && !ignores_body(r, framing) && (!unknown || *out_chunked);
	if (*out_chunked)
		http_write_lit(w, "Transfer-Encoding: chunked\r\n");
	request_write_connection(r, w);
}

static void write_date(struct request *r, struct http_writer *w, const struct http_msg *m)
{
	if (!http_find(m, HTTP_FIELD_DATE))
		http_write_str(w, server_date_line(r->server)); /* RFC 9110 6.6.1 */
}

struct str forward_response_head(struct request *r, struct http_msg *m, enum http_framing framing,
				 bool *out_chunked)
{
	const struct headers_ops *ops = &r->route->response_ops;
	struct headers_response how = {
		.ops = ops,
		.security = r->route->conf->security_headers,
		.drop_length = m->status == 204,
	};
	struct http_writer w;

	if (headers_mark_response(m, &how) ||
	    !begin(&r->arena, &w, m->head_n + ADDED_ROOM + ops->room))
		return STR_NONE;
	http_write_status_line(&w, m->status, http_span_str(m, m->reason));
	http_write_fields(&w, m);
	write_date(r, &w, m);
	headers_write_via(&w, m, ops);
	if (m->status == 101)
		headers_write_connection(&w, m, HEADERS_UPGRADE);
	else
		write_response_framing(r, &w, framing, out_chunked);
	request_write_cache_status(r, &w);
	if (how.security)
		headers_write_security(&w, m, ops, false);
	headers_write_ops(&w, ops);
	return finish(&r->arena, &w);
}

struct str forward_interim_head(struct request *r, struct http_msg *m)
{
	struct headers_response how = {.ops = NULL, .drop_length = true};
	struct http_writer w;

	if (headers_mark_response(m, &how) || !begin(&r->arena, &w, m->head_n + 64))
		return STR_NONE;
	http_write_status_line(&w, m->status, http_span_str(m, m->reason));
	http_write_fields(&w, m);
	return finish(&r->arena, &w);
}
