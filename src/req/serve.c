/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Answers made of stored responses: the head is copied and completed, the body stays where it is.
 * Preconditions and ranges of the request are judged here (RFC 9110 13, 14; RFC 9111 4.3.2).
 */
#include "base/clock.h"
#include "http/cond.h"
#include "http/range.h"
#include "obs/access.h"
#include "policy/cache_status.h"
#include "req/cache.h"

enum {
	ADDED_ROOM = 1024,    /* Age, Cache-Status, framing, Connection, preset */
	PART_HEAD_ROOM = 256, /* boundary and Content-Range of one part, without its type */
	BOUNDARY_N = REQUEST_ID_N,
	ONE_PIECE_MAX = 4096, /* a body that is copied behind its head: cheaper than two pieces */
};

/* What is about to be answered. */
struct serving {
	struct request *r;
	struct l1_view v;
	enum l1_state state;
	uint64_t total;	 /* bytes of the stored body; STORED_UNKNOWN while it grows */
	unsigned status; /* of the answer */
	int64_t now;
	unsigned n_ranges;
	bool chunked, no_body;
	uint64_t first, end; /* what is sent, as stored */
	uint64_t length;     /* of the answer's content, if known */
	struct str boundary; /* several ranges */
	struct str content_type;
	struct range ranges[RANGES_MAX]; /* of the representation; last: not cleared */
};

/* ---- what to answer ---- */

static struct cond_validators validators(const struct l1_view *v)
{
	return (struct cond_validators){
		.etag = l1_view_etag(v),
		.last_modified = v->meta->last_modified,
		.date = v->meta->date,
	};
}

static bool is_part(const struct serving *s)
{
	return (s->v.meta->flags & STORED_PARTIAL) != 0;
}

/* Length of the whole representation; STORED_UNKNOWN if nobody knows. */
static uint64_t whole_length(const struct serving *s)
{
	return is_part(s) ? s->v.meta->total : s->total;
}

/* All that is stored, as it is: also a part whose range cannot be judged. */
static void choose_all(struct serving *s)
{
	s->status = s->v.meta->status;
	s->first = 0;
	s->end = STORED_UNKNOWN;
	s->length = s->total;
}

static bool within_part(const struct serving *s)
{
	for (unsigned i = 0; i < s->n_ranges; i++)
		if (s->ranges[i].first < s->v.meta->first ||
		    (s->total != STORED_UNKNOWN &&
		     s->ranges[i].last >= s->v.meta->first + s->total))
			return false;
	return true;
}

static void choose_ranges(struct serving *s, const struct cond_validators *mine)
{
	const struct http_msg *m = &s->r->msg;
	struct range_set set;
	uint64_t length = whole_length(s);

	choose_all(s);
	if (m->method != HTTP_METHOD_GET || length == STORED_UNKNOWN ||
	    !http_find(m, HTTP_FIELD_RANGE) || !cond_if_range(m, mine) ||
	    range_parse(m, &set) != RANGE_SOME)
		return;
	switch (range_resolve(&set, length, s->ranges, &s->n_ranges)) {
	case RANGE_NONE:
		s->n_ranges = 0;
		return;
	case RANGE_UNSATISFIABLE:
		s->n_ranges = 0;
		s->status = 416;
		return;
	case RANGE_SOME:
		break;
	}
	if (is_part(s) && !within_part(s)) {
		s->n_ranges = 0;
		return;
	}
	uint64_t base = is_part(s) ? s->v.meta->first : 0;
	s->status = 206;
	s->first = s->ranges[0].first - base;
	s->end = s->ranges[0].last + 1 - base;
	s->length = s->end - s->first;
}

static void choose(struct serving *s)
{
	const struct http_msg *m = &s->r->msg;
	struct cond_validators mine = validators(&s->v);
	unsigned stored = s->v.meta->status;

	choose_all(s);
	/* preconditions count only where the answer without them is 2xx (RFC 9110 13.2.1) */
	if (stored / 100 == 2 && cond_any(m)) {
		switch (cond_evaluate(m, &mine)) {
		case COND_NOT_MODIFIED:
			s->status = 304;
			return;
		case COND_FAILED:
			s->status = 412;
			return;
		case COND_GO_ON:
			break;
		}
	}
	if (stored == 200 || stored == 206)
		choose_ranges(s, &mine);
}

/* ---- several ranges ---- */

static bool make_boundary(struct serving *s)
{
	char *p = arena_alloc(&s->r->arena, BOUNDARY_N);

	if (!p)
		return false;
	server_request_id(s->r->server, p);
	s->boundary = str_of(p, BOUNDARY_N);
	return true;
}

static void write_content_range(struct http_writer *w, const struct range *range, uint64_t length)
{
	http_write_lit(w, "Content-Range: bytes ");
	if (range) {
		http_write_u64(w, range->first);
		http_write_lit(w, "-");
		http_write_u64(w, range->last);
	} else {
		http_write_lit(w, "*");
	}
	http_write_lit(w, "/");
	http_write_u64(w, length);
	http_write_lit(w, "\r\n");
}

static struct str part_head(struct serving *s, unsigned i)
{
	size_t room = PART_HEAD_ROOM + s->content_type.n;
	char *p = arena_alloc(&s->r->arena, room);
	struct http_writer w;

	if (!p)
		return STR_NONE;
	http_write_init(&w, p, room);
	if (i)
		http_write_lit(&w, "\r\n");
	http_write_lit(&w, "--");
	http_write_str(&w, s->boundary);
	if (i == s->n_ranges) {
		http_write_lit(&w, "--\r\n");
	} else {
		http_write_lit(&w, "\r\n");
		if (s->content_type.n)
			http_write_field(&w, STR("Content-Type"), s->content_type);
		write_content_range(&w, &s->ranges[i], whole_length(s));
		http_write_lit(&w, "\r\n");
	}
	arena_trim(&s->r->arena, w.at);
	return str_of(w.start, http_write_n(&w));
}

static bool make_parts(struct serving *s)
{
	struct request *r = s->r;
	struct parts_body *p = arena_alloc(&r->arena, sizeof(*p));
	uint64_t base = is_part(s) ? s->v.meta->first : 0;

	if (!p || !make_boundary(s))
		return false;
	s->length = 0;
	p->n = s->n_ranges;
	for (unsigned i = 0; i <= p->n; i++) {
		p->heads[i] = part_head(s, i);
		if (!p->heads[i].n)
			return false;
		s->length += p->heads[i].n;
		if (i == p->n)
			break;
		p->ranges[i] = (struct range){s->ranges[i].first - base, s->ranges[i].last - base};
		s->length += s->ranges[i].last - s->ranges[i].first + 1;
	}
	parts_body_init(p, r->server->fills.l1, &r->cache.object);
	r->cache.parts = p;
	return true;
}

/* ---- the head ---- */

void request_write_cache_status(const struct request *r, struct http_writer *w)
{
	const struct req_cache *c = &r->cache;
	struct cache_status s = {
		.hit = c->hit,
		.fwd = c->hit ? CACHE_FWD_NONE : c->fwd,
		.fwd_status = c->fwd_status,
		.stored = c->stored,
		.collapsed = c->collapsed,
		.ttl = CACHE_STATUS_NO_TTL,
	};
	struct l1_view v;

	if (!r->route || !r->route->cache.on || !r->route->cache.status || !r->server->fills.l1)
		return;
	if (c->object.object) {
		l1_view(r->server->fills.l1, &c->object, &v);
		s.ttl = stored_fresh_for(v.meta, clock_wall());
		s.detail = c->hit ? STR("l1") : STR_NONE;
	} else if (c->why) {
		s.detail = str_c(storable_name((enum storable)c->why));
	}
	cache_status_write(w, &s);
}

static void write_age(const struct serving *s, struct http_writer *w)
{
	const struct req_cache *c = &s->r->cache;
	int64_t age = stored_age(s->v.meta, s->now);

	/* an answer that comes straight from the origin has an age only if it came with one */
	if (!c->hit && !c->stale && age == 0)
		return;
	http_write_lit(w, "Age: ");
	http_write_u64(w, (uint64_t)MIN(age, CC_SECONDS_MAX));
	http_write_lit(w, "\r\n");
}

static void write_framing(struct serving *s, struct http_writer *w)
{
	struct request *r = s->r;

	if (s->status == 304 || (s->status < 200) || s->status == 204) {
		r->close_delimited = false;
	} else if (s->chunked) {
		http_write_lit(w, "Transfer-Encoding: chunked\r\n");
	} else if (s->length != STORED_UNKNOWN) {
		http_write_lit(w, "Content-Length: ");
		http_write_u64(w, s->length);
		http_write_lit(w, "\r\n");
	} else {
		r->close_delimited = r->msg.method != HTTP_METHOD_HEAD;
	}
	r->keep = !request_must_close(r) && !r->close_delimited && h1_body_whole(&r->body);
	request_write_connection(r, w);
}

/* Representation metadata has no place in a 304, but for what caches need (RFC 9110 15.4.5). */
static bool left_out_of_304(const struct http_msg *m, const struct http_field *f)
{
	static const struct str content = {"content-", 8};
	struct str name = http_field_name(m, f);

	if (f->id == HTTP_FIELD_CONTENT_LOCATION)
		return false;
	if (f->id == HTTP_FIELD_LAST_MODIFIED)
		return http_find(m, HTTP_FIELD_ETAG) != NULL;
	return name.n > content.n && str_ieq(str_of(name.p, content.n), content) &&
	       !str_ieq(name, STR("Content-Security-Policy"));
}

/* Fields that describe the stored body where another one is sent. */
static void mark_for_status(const struct serving *s, struct http_msg *m)
{
	for (struct http_field *f = m->fields; f < m->fields + m->n_fields; f++) {
		if (f->id == HTTP_FIELD_CONTENT_RANGE && (s->n_ranges || s->status != 206))
			f->dropped = 1;
		else if (s->status == 304 && left_out_of_304(m, f))
			f->dropped = 1;
		else if (f->id == HTTP_FIELD_CONTENT_TYPE && (s->boundary.n || s->status >= 412))
			f->dropped = 1;
	}
}

/* Field by field, where something has to be left out or is the operator's to change. */
static bool write_chosen(struct serving *s, struct http_writer *w)
{
	const struct route *route = s->r->route;
	struct http_field fields[HTTP_MAX_FIELDS];
	struct headers_response how = {.ops = &route->response_ops,
				       .security = route->conf->security_headers};
	struct http_msg m;

	if (!http_parse_response(s->v.head, &m, fields) || headers_mark_response(&m, &how))
		return false;
	mark_for_status(s, &m);
	http_write_status_line(w, s->status,
			       s->status == m.status ? http_span_str(&m, m.reason) : STR_NONE);
	http_write_fields(w, &m);
	if (s->boundary.n) {
		http_write_lit(w, "Content-Type: multipart/byteranges; boundary=");
		http_write_str(w, s->boundary);
		http_write_lit(w, "\r\n");
	} else if (s->n_ranges || s->status == 416) {
		write_content_range(w, s->n_ranges ? &s->ranges[0] : NULL, whole_length(s));
	}
	if (how.security)
		headers_write_security(w, &m, how.ops, false);
	headers_write_ops(w, how.ops);
	return true;
}

/* As it is stored: the empty line at the end is left off. */
static void write_copy(const struct serving *s, struct http_writer *w)
{
	http_write_bytes(w, s->v.head.p, s->v.head.n - 2);
}

static bool is_copy(const struct serving *s)
{
	const struct route *route = s->r->route;

	return s->status == s->v.meta->status && !s->n_ranges && route->response_ops.n == 0 &&
	       !route->conf->security_headers;
}

/* May the body go out in one piece with its head? Then nothing of the segment is held any more. */
static bool is_small(const struct serving *s)
{
	return !s->no_body && !s->chunked && s->n_ranges <= 1 && s->state == L1_WHOLE &&
	       s->length <= ONE_PIECE_MAX;
}

static void write_body(struct serving *s, struct http_writer *w)
{
	struct l1 *l1 = s->r->server->fills.l1;
	uint64_t at = s->first, end = s->first + s->length;

	while (at < end) {
		struct str data = l1_read(l1, &s->r->cache.object, at);
		data.n = MIN(data.n, end - at);
		if (data.n == 0) {
			w->overflow = true; /* cannot be: it is whole */
			return;
		}
		http_write_str(w, data);
		at += data.n;
	}
	s->r->body_in_head = s->length;
}

/* Lines for this client alone, but for those that the operator sets or removes. */
static void write_own_fields(const struct request *r, struct http_writer *w)
{
	struct str rest = r->cache.own_fields, line;

	while (str_next(&rest, '\n', &line)) {
		ssize_t colon = str_find(line, ':');
		if (colon < 0 ||
		    headers_replaced_name(&r->route->response_ops, str_of(line.p, (size_t)colon)))
			continue;
		http_write_str(w, line);
		http_write_lit(w, "\n");
	}
}

static struct str write_head(struct serving *s)
{
	struct request *r = s->r;
	size_t room = (is_small(s) ? s->length : 0) + s->v.head.n + ADDED_ROOM + r->interim.n +
		      r->cache.own_fields.n + r->route->response_ops.room;
	char *p = arena_alloc(&r->arena, room);
	struct http_writer w;

	if (!p)
		return STR_NONE;
	http_write_init(&w, p, room);
	http_write_str(&w, r->interim);
	if (is_copy(s))
		write_copy(s, &w);
	else if (!write_chosen(s, &w))
		return STR_NONE;
	write_own_fields(r, &w);
	write_age(s, &w);
	request_write_cache_status(r, &w);
	write_framing(s, &w);
	http_write_lit(&w, "\r\n");
	if (is_small(s))
		write_body(s, &w);
	if (w.overflow)
		return STR_NONE;
	arena_trim(&r->arena, w.at);
	return str_of(w.start, http_write_n(&w));
}

/* ---- the step ---- */

static struct str stored_content_type(const struct serving *s)
{
	struct http_field fields[HTTP_MAX_FIELDS];
	struct http_msg m;

	if (!http_parse_response(s->v.head, &m, fields))
		return STR_NONE;
	return arena_str(&s->r->arena, http_value(&m, HTTP_FIELD_CONTENT_TYPE));
}

/* Trailers need chunks, and so does a length that nobody knows yet. */
static void choose_framing(struct serving *s)
{
	const struct request *r = s->r;

	s->no_body = r->msg.method == HTTP_METHOD_HEAD || s->status == 304 || s->status == 204 ||
		     s->status == 412 || s->status == 416;
	if (s->status == 412 || s->status == 416)
		s->length = 0;
	bool trailers = s->status == s->v.meta->status && s->state == L1_WHOLE &&
			s->end == STORED_UNKNOWN &&
			l1_trailers(r->server->fills.l1, &r->cache.object).n;
	s->chunked = r->msg.minor >= 1 && s->status != 304 && s->status != 204 &&
		     (s->length == STORED_UNKNOWN || (trailers && !s->no_body));
}

/* It broke before anything was sent: as if it had never been there. */
static enum step start_over(struct request *r)
{
	struct req_cache *c = &r->cache;

	bool asked = c->stored; /* it was our own fetch: once is enough */

	cache_unwatch(r);
	l1_unpin(r->server->fills.l1, &c->object);
	c->collapsed = c->stored = false;
	if (asked || c->rounds > 2)
		return request_refuse(r, PROXY_ERROR_http_response_incomplete, STR_NONE);
	c->alone = true;
	return STEP_LOOKUP;
}

enum step step_serve(struct request *r)
{
	struct l1 *l1 = r->server->fills.l1;
	struct req_cache *c = &r->cache;
	struct serving s;

	memset(&s, 0, offsetof(struct serving, ranges));
	s.r = r;
	s.now = clock_wall();

	s.state = l1_state(l1, &c->object);
	if (s.state == L1_BROKEN)
		return start_over(r);
	l1_view(l1, &c->object, &s.v);
	l1_length(l1, &c->object, &s.total);
	choose(&s);
	if (s.n_ranges > 1 || access_on(r->server->access_log))
		s.content_type = stored_content_type(&s);
	if (s.n_ranges > 1 && !make_parts(&s))
		return request_refuse(r, PROXY_ERROR_out_of_memory, STR_NONE);
	choose_framing(&s);
	r->status = (uint16_t)s.status;
	r->content_type = s.content_type;
	struct str head = write_head(&s);
	if (head.n == 0) {
		r->status = 0;
		return request_refuse(r, PROXY_ERROR_out_of_memory, STR_NONE);
	}
	if (s.state == L1_WHOLE)
		cache_unwatch(r);
	stored_body_init(&c->body, l1, &c->object, s.first, s.end);
	c->body.fills = r->server->fills.fills;
	c->body.fill = c->ticket;
	struct body_src *src = s.boundary.n ? &c->parts->src : &c->body.src;
	if (is_small(&s)) {
		l1_unpin(l1, &c->object);
		src = NULL;
	}
	pump_init(&r->pump, &r->client->conn, head, s.no_body ? NULL : src, s.chunked);
	return STEP_DELIVER;
}
