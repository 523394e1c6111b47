/* SPDX-License-Identifier: BSD-2-Clause */
#include "fetch/fill_decide.h"

#include "base/clock.h"
#include "fetch/search.h"
#include "http/cond.h"
#include "http/date.h"
#include "http/range.h"
#include "obs/metrics.h"
#include "policy/headers.h"
#include "policy/invalidate.h"
#include "policy/vary.h"
#include "store/purge.h"

enum { HEAD_ADDED = 128, VARY_ROOM = 8 * 1024 };

/* ---- the stored head ---- */

static void drop_all(struct http_msg *m, enum http_field_id id)
{
	for (struct http_field *f = http_find(m, id); f; f = http_find_next(m, f))
		f->dropped = 1;
}

static void drop_named(struct http_msg *m, struct str name)
{
	struct http_field *f = NULL;

	while ((f = http_find_name(m, name, f)))
		f->dropped = 1;
}

/* Finds the stored ETag's value again in the text that was written. */
static void note_etag(struct stored_meta *meta, struct str head, struct str etag)
{
	const char *p = etag.n ? memmem(head.p, head.n, etag.p, etag.n) : NULL;

	/* a value that only looks like it in another field has the same bytes */
	meta->etag_at = p ? (uint32_t)(p - head.p) : 0;
	meta->etag_n = p ? (uint32_t)etag.n : 0;
}

static void write_date(struct http_writer *w)
{
	char text[HTTP_DATE_N];

	http_date_write(text, clock_wall() / NS_PER_S);
	http_write_field(w, STR("Date"), str_of(text, HTTP_DATE_N));
}

struct str fill_stored_head(struct fill *f, struct http_msg *m, bool via, struct stored_meta *meta)
{
	struct http_writer w;
	size_t room = m->head_n + HEAD_ADDED;
	char *p = arena_alloc(&f->arena, room);

	if (!p)
		return STR_NONE;
	drop_all(m, HTTP_FIELD_CONTENT_LENGTH);
	drop_all(m, HTTP_FIELD_AGE);
	for (size_t i = 0; i < f->rules->n_tags; i++)
		drop_named(m, f->rules->tags[i]);
	http_write_init(&w, p, room);
	http_write_status_line(&w, meta->status, http_span_str(m, m->reason));
	http_write_fields(&w, m);
	if (!http_find(m, HTTP_FIELD_DATE))
		write_date(&w);
	if (via)
		headers_write_via(&w, m, NULL);
	http_write_lit(&w, "\r\n");
	if (w.overflow)
		return STR_NONE;
	arena_trim(&f->arena, w.at);
	struct str head = str_of(w.start, http_write_n(&w));
	struct str etag = http_value(m, HTTP_FIELD_ETAG);
	note_etag(meta, head, cond_etag_valid(etag) ? etag : STR_NONE);
	return head;
}

/* Is the field one that we write ourselves, whatever the origin calls private? */
static bool is_ours(const struct http_field *field)
{
	return field->id == HTTP_FIELD_CONTENT_LENGTH || field->id == HTTP_FIELD_AGE ||
	       field->id == HTTP_FIELD_DATE || field->id == HTTP_FIELD_CACHE_STATUS ||
	       (http_field_flags(field->id) & HTTP_FIELD_IS_HOP);
}

/* Lines that storable() keeps from others: the client that asked gets them all the same. <before>: what
 * was dropped for everybody. */
static bool keep_own_fields(struct fill *f, const struct http_msg *m, const uint8_t *before)
{
	struct http_writer w;
	size_t room = 0;

	for (unsigned i = 0; i < m->n_fields; i++)
		if (m->fields[i].dropped && !before[i])
			room += m->fields[i].name_n + m->fields[i].value_n + 4u;
	if (room == 0)
		return true;
	char *p = arena_alloc(&f->arena, room);
	if (!p)
		return false;
	http_write_init(&w, p, room);
	for (unsigned i = 0; i < m->n_fields; i++)
		if (m->fields[i].dropped && !before[i] && !is_ours(&m->fields[i]))
			http_write_field(&w, http_field_name(m, &m->fields[i]),
					 http_field_value(m, &m->fields[i]));
	f->own_fields = str_of(w.start, http_write_n(&w));
	return true;
}

/* ---- purge tags ---- */

struct tags {
	uint64_t hashes[L1_MAX_TAGS];
	size_t n;
};

static void add_tag(struct tags *t, enum purge_kind kind, struct str subject)
{
	if (t->n < L1_MAX_TAGS)
		t->hashes[t->n++] = purge_hash(kind, subject);
}

/* Words of Surrogate-Key and its like: separated by spaces or commas. */
static void add_words(struct tags *t, struct str v)
{
	while (v.n) {
		size_t n = 0;
		while (n < v.n && v.p[n] != ' ' && v.p[n] != ',' && v.p[n] != '\t')
			n++;
		if (n)
			add_tag(t, PURGE_TAG, str_of(v.p, n));
		n += n < v.n;
		v = str_of(v.p + n, v.n - n);
	}
}

/* Groups belong to an origin (RFC 9875 2.1): its name is part of theirs. */
static void add_groups(struct fill *f, const struct http_msg *m, struct tags *t)
{
	struct invalidate_groups groups;

	if (!f->rules->groups || !http_find(m, HTTP_FIELD_CACHE_GROUPS))
		return;
	invalidate_member_of(m, &groups);
	for (unsigned i = 0; i < groups.n; i++) {
		struct str name = arena_printf(&f->arena, "%.*s %.*s", STR_ARG(f->host),
					       STR_ARG(groups.name[i]));
		if (name.p)
			add_tag(t, PURGE_GROUP, name);
	}
}

static void find_tags(struct fill *f, const struct http_msg *m, struct tags *t)
{
	t->n = 0;
	for (size_t i = 0; i < f->rules->n_tags; i++) {
		const struct http_field *field = NULL;
		while ((field = http_find_name(m, f->rules->tags[i], field)))
			add_words(t, http_field_value(m, field));
	}
	add_groups(f, m, t);
}

/* The host in "http://host:port", without the port. */
static struct str host_name(struct str origin)
{
	ssize_t at = str_find(origin, ':');
	size_t n;

	if (at < 0 || (size_t)at + 3 > origin.n)
		return STR_NONE;
	struct str host = str_of(origin.p + at + 3, origin.n - (size_t)at - 3);
	ssize_t bracket = str_find(host, ']');
	n = bracket < 0 ? 0 : (size_t)bracket;
	while (n < host.n && host.p[n] != ':')
		n++;
	return str_of(host.p, n);
}

/* ---- storing ---- */

static enum fill_verdict passes(struct fill *f, enum storable why)
{
	f->why = (uint8_t)why;
	metric_add(f->rules->row, METRIC_ROUTE_cache_not_stored, 1);
	return FILL_PASSES;
}

static uint64_t length_of(const struct http_msg *m, enum http_method method)
{
	switch (http_response_framing(m, method)) {
	case HTTP_FRAMING_NONE:
		return 0;
	case HTTP_FRAMING_LENGTH:
		return m->content_length;
	default:
		return STORED_UNKNOWN;
	}
}

/* The stored beginning goes first where it fits before the part that came (RFC 9111 3.4). */
static bool fits_prefix(const struct fill *f, const struct http_msg *m,
			const struct stored_meta *meta)
{
	struct l1_view v;

	if (!f->base_prefix || !(meta->flags & STORED_PARTIAL))
		return false;
	l1_view(f->env->l1, &f->base, &v);
	uint64_t have = l1_length(f->env->l1, &f->base, NULL);
	struct str etag = l1_view_etag(&v);
	return (v.meta->flags & STORED_STRONG) && v.meta->first <= meta->first &&
	       meta->first <= v.meta->first + have && meta->total != STORED_UNKNOWN &&
	       (v.meta->total == meta->total || v.meta->total == STORED_UNKNOWN) &&
	       cond_etag_strong_eq(etag, http_value(m, HTTP_FIELD_ETAG));
}

/* Copies the first <n> bytes of the base. */
static int copy_prefix(struct fill *f, uint64_t n)
{
	uint64_t at = 0;

	while (at < n) {
		struct str s = l1_read(f->env->l1, &f->base, at);
		if (s.n == 0)
			return ERR_CORRUPT;
		s.n = MIN(s.n, n - at);
		int rc = l1_append(f->env->l1, &f->object, s);
		if (rc)
			return rc;
		at += s.n;
	}
	return 0;
}

/* The values of what becomes of a stored beginning and a new part together. */
static uint64_t join_parts(struct fill *f, struct stored_meta *meta, uint64_t length)
{
	struct l1_view v;

	l1_view(f->env->l1, &f->base, &v);
	uint64_t prefix = meta->first - v.meta->first;
	meta->first = v.meta->first;
	if (meta->first == 0 && length != STORED_UNKNOWN && prefix + length == meta->total) {
		meta->flags &= ~(uint32_t)STORED_PARTIAL;
		meta->status = 200;
	}
	return prefix;
}

/* The origin says which parts of the query matter: known from the next request on. */
static void learn_search(struct fill *f, const struct http_msg *m, const struct stored_meta *meta)
{
	struct str rule = http_value(m, HTTP_FIELD_NO_VARY_SEARCH);

	if (rule.n && f->search.n == 0)
		search_remember(f->env->l1, &f->arena, str_of(f->key.text.p, f->key.url_n), rule,
				meta, f->purge_seq);
}

/* The key leaves out what the origin said does not matter; does it still say so? */
static bool search_holds(struct fill *f, const struct http_msg *m)
{
	if (f->search.n == 0 || str_eq(f->search, http_value(m, HTTP_FIELD_NO_VARY_SEARCH)))
		return true;
	search_forget(f->env->l1, &f->arena, str_of(f->key.text.p, f->key.url_n));
	return false;
}

static int make_object(struct fill *f, struct http_msg *m, struct stored_meta *meta,
		       uint64_t length)
{
	char vary[VARY_ROOM];
	struct http_writer w;
	struct tags tags;
	uint64_t prefix = 0;

	http_write_init(&w, vary, sizeof(vary));
	if (vary_write(&f->request, m, &w) >= VARY_STAR || w.overflow)
		return ERR_REFUSED;
	find_tags(f, m, &tags);
	bool joined = fits_prefix(f, m, meta);
	if (joined)
		prefix = join_parts(f, meta, length);
	if (joined && meta->status == 200)
		drop_all(m, HTTP_FIELD_CONTENT_RANGE);
	struct l1_new spec = {
		.key = f->key,
		.vary = str_of(w.start, http_write_n(&w)),
		.head = fill_stored_head(f, m, true, meta),
		.tag_hashes = tags.hashes,
		.n_tags = tags.n,
		.host = host_name(f->host),
		.meta = *meta,
		.length = length == STORED_UNKNOWN ? length : prefix + length,
		.purge_seq = f->purge_seq,
		.max_variants = f->rules->max_variants,
		.wanted = f->keyed && fills_wanted(f->env->fills, &f->ticket),
	};
	if (!spec.head.p)
		return ERR_NOMEM;
	int rc = l1_create(f->env->l1, &spec, &f->object);
	if (rc == 0 && f->rules->search)
		learn_search(f, m, meta);
	if (rc == 0 && prefix && copy_prefix(f, prefix)) {
		l1_break(f->env->l1, &f->object);
		l1_unpin(f->env->l1, &f->object);
		return ERR_FULL;
	}
	return rc;
}

/* Names of fields that are not for all may mean lines of the trailer section: then none is kept. */
static void note_private_trailers(struct fill *f, const struct http_msg *m)
{
	struct cc cc;

	storable_policy(&f->rules->rules, m, &cc);
	f->no_trailers = (cc.flags & (CC_PRIVATE_FIELDS | CC_NO_CACHE_FIELDS)) != 0;
}

static enum fill_verdict try_store(struct fill *f, struct http_msg *m, enum http_method method,
				   const uint8_t *before)
{
	struct stored_meta meta;
	enum storable why =
		storable(&f->rules->rules, &f->request, m, f->request_time, clock_wall(), &meta);

	if (why != STORABLE_YES)
		return passes(f, why);
	if (f->rules->observe)
		return passes(f, STORABLE_OBSERVED);
	if (!search_holds(f, m))
		return passes(f, STORABLE_VARY);
	/* whoever follows the body as it comes, its own client too, needs a ticket to watch */
	if (!f->ticket.entry && !fill_ticket_alone(f->env, &f->ticket))
		return passes(f, STORABLE_NO_ROOM);
	note_private_trailers(f, m);
	if (!keep_own_fields(f, m, before))
		return passes(f, STORABLE_NO_ROOM);
	switch (make_object(f, m, &meta, length_of(m, method))) {
	case 0:
		return FILL_STORES;
	case ERR_REFUSED:
		return passes(f, STORABLE_VARY);
	case ERR_LIMIT:
		return passes(f, STORABLE_TOO_LARGE);
	default:
		return passes(f, STORABLE_NO_ROOM);
	}
}

static enum fill_verdict store(struct fill *f, struct http_msg *m, enum http_method method)
{
	struct headers_response how = {.ops = NULL};
	uint8_t before[HTTP_MAX_FIELDS];

	if (method == HTTP_METHOD_HEAD)
		return passes(f, STORABLE_METHOD);
	if (headers_mark_response(m, &how))
		return passes(f, STORABLE_NO_ROOM);
	for (unsigned i = 0; i < m->n_fields; i++)
		before[i] = m->fields[i].dropped;
	enum fill_verdict v = try_store(f, m, method, before);
	/* an answer that is passed on has all its fields */
	for (unsigned i = 0; v != FILL_STORES && i < m->n_fields; i++)
		m->fields[i].dropped = before[i];
	return v;
}

/* ---- validating ---- */

/* The merged head as text, ready to be parsed: what is stored with what the 304 says. */
static struct str merged_text(struct fill *f, const struct http_msg *stored,
			      const struct http_msg *update)
{
	struct http_writer w;
	size_t room = stored->head_n + update->head_n + HEAD_ADDED;
	char *p = arena_alloc(&f->arena, room);

	if (!p)
		return STR_NONE;
	http_write_init(&w, p, room);
	http_write_status_line(&w, stored->status, http_span_str(stored, stored->reason));
	revalidate_merge(&w, stored, update);
	http_write_lit(&w, "\r\n");
	return w.overflow ? STR_NONE : str_of(w.start, http_write_n(&w));
}

/* Pins the base as what is answered with: it was validated, but its record stays as it is. */
static enum fill_verdict serve_base(struct fill *f)
{
	return l1_pin(f->env->l1, &f->base, &f->object) ? FILL_REFRESHED : FILL_AGAIN;
}

static enum fill_verdict refresh(struct fill *f, const struct l1_view *v,
				 const struct http_msg *stored, struct http_msg *update)
{
	struct http_field fields[HTTP_MAX_FIELDS];
	struct stored_meta meta;
	struct http_msg m;

	struct str text = merged_text(f, stored, update);
	if (!text.p || !http_parse_response(text, &m, fields))
		return serve_base(f);
	enum storable why = storable_updated(&f->rules->rules, &f->request, &m, update, v->meta,
					     f->request_time, clock_wall(), &meta);
	if (why == STORABLE_REQUEST_NO_STORE || why == STORABLE_AUTHORIZATION)
		return serve_base(f);
	if (why != STORABLE_YES) {
		/* it may answer this request, and is not to be kept */
		f->why = (uint8_t)why;
		l1_drop(f->env->l1, &f->base);
		return serve_base(f);
	}
	struct str head = fill_stored_head(f, &m, false, &meta);
	if (!head.p || l1_refresh(f->env->l1, &f->base, &meta, head, f->purge_seq, &f->object))
		return serve_base(f);
	fills_object(f->env->fills, &f->ticket, f->object.object);
	return FILL_REFRESHED;
}

/* A 304 to our own conditions, or a 200 to HEAD that agrees with what is stored (RFC 9111 4.3.4,
 * 4.3.5). */
static enum fill_verdict on_validated(struct fill *f, struct http_msg *m, bool head_answer)
{
	struct http_field fields[HTTP_MAX_FIELDS];
	struct http_msg stored;
	struct l1_view v;

	l1_view(f->env->l1, &f->base, &v);
	struct str etag = l1_view_etag(&v);
	if (head_answer && etag.n == 0 && v.meta->last_modified == STORED_NO_DATE)
		return passes(f, STORABLE_METHOD); /* it proves nothing, for or against */
	bool agrees = head_answer ? revalidate_head_agrees(m, etag, v.meta->last_modified,
							   l1_length(f->env->l1, &f->base, NULL))
				  : revalidate_selects(m, etag, v.meta->last_modified, true);
	if (!agrees) {
		l1_drop(f->env->l1, &f->base);
		return head_answer ? passes(f, STORABLE_METHOD) : FILL_AGAIN;
	}
	struct headers_response how = {.drop_length = true};
	if (!http_parse_response(v.head, &stored, fields) || headers_mark_response(m, &how))
		return FILL_AGAIN;
	return refresh(f, &v, &stored, m);
}

static bool failed(unsigned status)
{
	return status == 500 || status == 502 || status == 503 || status == 504;
}

/* We asked for the rest and the client for all: only all, put together, is an answer. */
static enum fill_verdict complete(struct fill *f, struct http_msg *m)
{
	struct range part;
	struct l1_view v;
	uint64_t total;

	l1_view(f->env->l1, &f->base, &v);
	struct str etag = l1_view_etag(&v);
	if (m->status != 206 || !cond_etag_strong_eq(etag, http_value(m, HTTP_FIELD_ETAG)) ||
	    range_content_parse(http_value(m, HTTP_FIELD_CONTENT_RANGE), &part, &total) ||
	    part.first != l1_length(f->env->l1, &f->base, NULL) || total == RANGE_UNKNOWN ||
	    part.last + 1 != total || !m->has_length || m->content_length != total - part.first)
		return FILL_AGAIN;
	return store(f, m, HTTP_METHOD_GET) == FILL_STORES ? FILL_STORES : FILL_AGAIN;
}

enum fill_verdict fill_decide(struct fill *f, struct http_msg *m, enum http_method method)
{
	struct l1_view v;

	if (f->completes && (m->status == 206 || m->status == 416))
		return complete(f, m);
	if (!f->base.object)
		return store(f, m, method);
	l1_view(f->env->l1, &f->base, &v);
	if (m->status == 304 && !f->base_prefix)
		return on_validated(f, m, false);
	if (failed(m->status) && !f->base_prefix &&
	    reuse_stale_on_error(v.meta, &f->ask, clock_wall()))
		return FILL_STALE;
	if (method == HTTP_METHOD_HEAD && m->status == 200 && !f->base_prefix)
		return on_validated(f, m, true);
	enum fill_verdict verdict = store(f, m, method);
	/* what is stored is not the resource's state any more, even if this cannot take its place */
	if (verdict == FILL_PASSES && m->status < 500 && method == HTTP_METHOD_GET)
		l1_drop(f->env->l1, &f->base);
	return verdict;
}
