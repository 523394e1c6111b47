/* SPDX-License-Identifier: BSD-2-Clause */
#include "fetch/fill.h"

#include "base/clock.h"
#include "base/pool.h"
#include "fetch/fill_decide.h"
#include "obs/metrics.h"
#include "store/purge.h"

enum {
	FILL_ARENA_MAX = 4 * 1024 * 1024,
	FILL_SHARE = 512 * 1024, /* bytes of one body stored in one turn */
};

/* A key is not asked together again for so long after its answer was not storable. */
#define MARK_TIME (10 * NS_PER_S)

static struct pool fills_pool = {.name = "fill", .size = sizeof(struct fill), .keep_max = 32};

/* ---- life ---- */

/* What is needed of the request when the answer comes: its head, wherever the client is then. */
static bool copy_request(struct fill *f, const struct http_msg *m, struct str content)
{
	struct str head = arena_str(&f->arena, str_of(m->base, m->head_n));
	struct http_field *fields = arena_alloc(&f->arena, sizeof(*fields) * (m->n_fields + 1u));

	if (!head.p || !fields)
		return false;
	if (content.p) {
		content = arena_str(&f->arena, content);
		mem_body_init(&f->content, content);
		if (!content.p)
			return false;
	}
	if (m->n_fields)
		memcpy(fields, m->fields, sizeof(*fields) * m->n_fields);
	f->request = *m;
	f->request.base = head.p;
	f->request.fields = fields;
	f->request.max_fields = m->n_fields;
	return true;
}

struct fill *fill_new(const struct fill_spec *spec)
{
	struct fill *f = pool_take(&fills_pool);

	if (!f)
		return NULL;
	memset(f, 0, offsetof(struct fill, first_block));
	f->magic = FILL_MAGIC;
	arena_init(&f->arena, f->first_block, sizeof(f->first_block), FILL_ARENA_MAX);
	f->key = spec->key;
	f->key.text = arena_str(&f->arena, spec->key.text);
	f->host = arena_str(&f->arena, spec->host);
	f->search = spec->search.n ? arena_str(&f->arena, spec->search) : STR_NONE;
	if (!f->key.text.p || !f->host.p || !copy_request(f, spec->request, spec->content)) {
		arena_fini(&f->arena);
		pool_give(&fills_pool, &f);
		return NULL;
	}
	f->env = spec->env;
	f->rules = spec->rules;
	f->release = spec->release;
	f->owner = spec->owner;
	f->base = spec->base;
	f->base_prefix = spec->base_prefix;
	f->completes = f->base_prefix && !http_find(&f->request, HTTP_FIELD_RANGE);
	f->ticket = spec->ticket;
	f->keyed = spec->keyed;
	f->asking = true;
	f->ask.ignore = (spec->rules->rules.unsafe_ & CACHE_UNSAFE_REQUEST) != 0;
	cc_parse(&f->request, &f->ask.cc);
	list_append(&f->env->list, &f->node);
	return f;
}

/* The lead is given up, if it still is held. */
static void end_lead(struct fill *f, enum fill_result result, int64_t mark)
{
	fills_unwatch(f->env->fills, &f->watch);
	loop_timer_clear(f->env->loop, &f->timer);
	if (f->ticket.entry)
		fills_end(f->env->fills, &f->ticket, result, f->keyed ? mark : 0);
}

void fill_free(struct fill **f_p)
{
	struct fill *f = *f_p;

	*f_p = NULL;
	if (!f)
		return;
	CHECK_MAGIC(f, FILL_MAGIC);
	struct fill_env *env = f->env;
	end_lead(f, FILL_RESULT_UNKNOWN, 0);
	loop_undefer(env->loop, &f->task);
	fetch_free(&f->fetch);
	l1_unpin(env->l1, &f->base);
	l1_unpin(env->l1, &f->object);
	list_remove(&env->list, &f->node);
	f->release(f->owner);
	arena_fini(&f->arena);
	f->magic = 0;
	pool_give(&fills_pool, &f);
	if (list_empty(&env->list) && env->on_idle)
		env->on_idle(env->on_idle_arg);
}

static void on_end(void *arg)
{
	struct fill *f = arg;

	CHECK_MAGIC(f, FILL_MAGIC);
	fill_free(&f);
}

/* The end of one that lives by itself: freed when nobody on the stack can be using it. */
static void retire(struct fill *f)
{
	if (f->over)
		return;
	f->over = true;
	loop_undefer(f->env->loop, &f->task);
	loop_defer(f->env->loop, &f->task, on_end, f);
}

bool fill_ticket_alone(struct fill_env *env, struct fill_ticket *out)
{
	struct l1_hash nobody = {UINT64_C(0xa10e) << 48 | env->slot, ++env->alone};

	return fills_join(env->fills, &nobody, true, out) == FILLS_LEAD;
}

/* ---- asking ---- */

void fill_asks(struct fill *f)
{
	f->request_time = clock_wall();
	f->purge_seq = purge_now(f->env->purge);
}

/* The rest of what is stored, if it still is the same (RFC 9111 3.3, RFC 9110 13.1.5). */
static void write_range(const struct fill *f, struct http_writer *w, struct str etag)
{
	http_write_lit(w, "Range: bytes=");
	http_write_u64(w, l1_length(f->env->l1, &f->base, NULL));
	http_write_lit(w, "-\r\n");
	http_write_field(w, STR("If-Range"), etag);
}

void fill_write_conditions(const struct fill *f, struct http_writer *w)
{
	struct l1_view v;

	if (!f->base.object || (f->base_prefix && !f->completes))
		return;
	l1_view(f->env->l1, &f->base, &v);
	struct str etag = l1_view_etag(&v);
	if (f->completes) {
		write_range(f, w, etag);
		return;
	}
	struct revalidate_source source = {
		.etag = etag,
		.last_modified = v.meta->last_modified,
	};
	revalidate_write(w, &source, 1);
}

void fill_failed(struct fill *f)
{
	f->asking = false;
	end_lead(f, FILL_RESULT_FAILED, 0);
}

/* ---- the body ---- */

static void body_done(struct fill *f)
{
	struct body_src *src = &f->fetch->x.body.src;
	struct metric_row *row = f->rules->row;
	bool stream = l1_is_stream(f->env->l1, &f->object);
	struct str trailers = stream || f->no_trailers ? STR_NONE : src->ops->trailers(src);

	int rc = l1_commit(f->env->l1, &f->object, trailers);
	if (rc || !stream)
		metric_add(row, rc ? METRIC_ROUTE_cache_broken : METRIC_ROUTE_cache_stored, 1);
	fetch_free(&f->fetch);
	end_lead(f, rc ? FILL_RESULT_FAILED : FILL_RESULT_STORED, 0);
	retire(f);
}

static void body_failed(struct fill *f, enum proxy_error error)
{
	if (f->fetch->step != FETCH_FAILED)
		fetch_fail(f->fetch, error);
	l1_break(f->env->l1, &f->object);
	metric_add(f->rules->row, METRIC_ROUTE_cache_broken, 1);
	fetch_free(&f->fetch);
	end_lead(f, FILL_RESULT_FAILED, 0);
	retire(f);
}

/* Room for more: what cannot be kept becomes a window that its readers move. */
static int find_room(struct fill *f, char **out_p, size_t *out_n)
{
	int rc = l1_room(f->env->l1, &f->object, out_p, out_n);

	if (rc == 0 || l1_is_stream(f->env->l1, &f->object))
		return rc;
	l1_stream(f->env->l1, &f->object);
	metric_add(f->rules->row, METRIC_ROUTE_cache_streamed, 1);
	return l1_room(f->env->l1, &f->object, out_p, out_n);
}

enum pull { PULL_ON = 1, PULL_WAIT = 2, PULL_END = 3, PULL_BAD = 4 };

/* Straight from the socket into the block, where nothing has to be decoded. */
static enum pull pull_direct(struct body_src *src, struct conn *from, uint64_t left, char *p,
			     size_t room, size_t *out_n)
{
	if (!from->readable)
		return PULL_WAIT;
	switch (conn_recv(from, p, MIN(room, left), out_n)) {
	case IO_OK:
		src->ops->took(src, *out_n);
		return PULL_ON;
	case IO_AGAIN:
		return PULL_WAIT;
	case IO_EOF: /* the source's own reading finds out what that means */
		return PULL_END;
	case IO_ERR:
		break;
	}
	return PULL_BAD;
}

/* One piece of the body into <p>. */
static enum pull pull(struct body_src *src, char *p, size_t room, size_t *out_n)
{
	uint64_t left;
	struct str data;
	bool last;
	struct conn *from = src->ops->direct(src, &left);

	if (from) {
		enum pull rc = pull_direct(src, from, left, p, room, out_n);
		if (rc != PULL_END)
			return rc;
	}
	switch (src->ops->peek(src, &data, &last)) {
	case BODY_DATA:
		*out_n = MIN(data.n, room);
		memcpy(p, data.p, *out_n);
		src->ops->consume(src, *out_n);
		return PULL_ON;
	case BODY_WAIT:
		return PULL_WAIT;
	case BODY_END:
		return PULL_END;
	case BODY_BAD:
		break;
	}
	return PULL_BAD;
}

/* Is the body at its end? Asked before room is looked for: an exact fit needs none. */
static bool at_end(const struct fill *f)
{
	return h1_body_whole(&f->fetch->x.body);
}

static void run_again(void *arg);

static void wait_for_origin(struct fill *f)
{
	uint64_t moved = f->fetch->x.body.total;

	if (f->moved == moved + 1)
		return; /* an event alone is no sign of life */
	f->moved = moved + 1;
	fetch_awaits_body(f->fetch, true);
}

/* So long a stream may stand still before the reader in its way has to go. */
#define STANDSTILL (2 * NS_PER_S)

static void on_standstill(void *arg)
{
	struct fill *f = arg;

	CHECK_MAGIC(f, FILL_MAGIC);
	if (f->over || !list_linked(&f->watch.node))
		return;
	if (l1_cut_slowest(f->env->l1, &f->object))
		fills_progress(f->env->fills, &f->ticket);
	loop_timer_set(f->env->loop, &f->timer, clock_mono() + STANDSTILL, on_standstill, f);
}

/* Readers hold the window: whoever moves on, or leaves, tells (fills_nudge). */
static void wait_for_readers(struct fill *f)
{
	fetch_awaits_body(f->fetch, false);
	f->moved = 0;
	if (list_linked(&f->watch.node))
		return;
	fills_progress(f->env->fills, &f->ticket); /* before we watch: it is not for ourselves */
	fills_watch(f->env->fills, &f->watch, &f->ticket, run_again, f);
	loop_timer_set(f->env->loop, &f->timer, clock_mono() + STANDSTILL, on_standstill, f);
	loop_defer(f->env->loop, &f->task, run_again, f); /* watch first, then look once more */
}

/* It moves, so nobody is late. */
static void yield(struct fill *f)
{
	fetch_awaits_body(f->fetch, false);
	f->moved = 0;
	loop_defer(f->env->loop, &f->task, run_again, f);
}

static void store_body(struct fill *f)
{
	size_t share = FILL_SHARE;

	while (!at_end(f)) {
		if (l1_is_stream(f->env->l1, &f->object) && l1_pins(f->env->l1, &f->object) == 1) {
			fetch_cancelled(f->fetch); /* it will not be kept, and nobody reads it */
			body_failed(f, PROXY_ERROR_NONE);
			return;
		}
		char *p;
		size_t room, n = 0;
		int rc = find_room(f, &p, &room);
		if (rc == ERR_BUSY && l1_is_stream(f->env->l1, &f->object)) {
			wait_for_readers(f);
			return;
		}
		if (rc) {
			body_failed(f, PROXY_ERROR_out_of_memory);
			return;
		}
		fills_unwatch(f->env->fills, &f->watch);
		loop_timer_clear(f->env->loop, &f->timer);
		enum pull got = pull(&f->fetch->x.body.src, p, room, &n);
		if (got == PULL_ON) {
			l1_filled(f->env->l1, &f->object, n);
			share -= MIN(share, n);
		}
		if (got == PULL_BAD) {
			body_failed(f, f->fetch->x.body.ended == H1_BODY_MALFORMED
					       ? PROXY_ERROR_http_protocol_error
					       : PROXY_ERROR_http_response_incomplete);
			return;
		}
		if (got == PULL_WAIT || share == 0) {
			fills_progress(f->env->fills, &f->ticket);
			if (got == PULL_WAIT)
				wait_for_origin(f);
			else
				yield(f);
			return;
		}
	}
	body_done(f);
}

static void run_again(void *arg)
{
	struct fill *f = arg;

	CHECK_MAGIC(f, FILL_MAGIC);
	if (!f->over && f->fetch)
		store_body(f);
}

/* ---- on its own ---- */

static void go_to_body(struct fill *f)
{
	fetch_take_body(f->fetch);
	store_body(f);
}

/* Nobody waits for the head but the fill itself. */
static void look_for_head(struct fill *f)
{
	while (f->fetch && f->fetch->step == FETCH_HEAD) {
		if (f->fetch->x.msg.status < 200) {
			if (++f->n_interim > FETCH_INTERIM_MAX)
				fetch_fail(f->fetch, PROXY_ERROR_http_protocol_error);
			else
				fetch_next_head(f->fetch);
			continue;
		}
		switch (fill_take(f, &f->fetch)) {
		case FILL_STORES:
			go_to_body(f);
			return;
		case FILL_PASSES:
			fetch_cancelled(f->fetch);
			fetch_free(&f->fetch);
			break;
		default:
			break;
		}
		retire(f);
		return;
	}
	ASSERT(f->fetch);
	if (f->fetch->step == FETCH_FAILED) {
		fill_failed(f);
		fetch_free(&f->fetch);
		retire(f);
	}
}

static void on_change(void *arg)
{
	struct fill *f = arg;

	CHECK_MAGIC(f, FILL_MAGIC);
	if (f->over || !f->fetch)
		return;
	if (f->asking)
		look_for_head(f);
	else if (f->fetch->step == FETCH_FAILED)
		body_failed(f, f->fetch->error);
	else
		store_body(f);
}

static void own_fetch(struct fill *f, struct fetch **fetch)
{
	if (fetch != &f->fetch) {
		f->fetch = *fetch;
		*fetch = NULL;
	}
	f->fetch->on_change = on_change;
	f->fetch->arg = f;
}

void fill_go(struct fill *f)
{
	CHECK_MAGIC(f, FILL_MAGIC);
	ASSERT(f->fetch && f->object.object && !f->asking);
	go_to_body(f);
}

void fill_detach(struct fill *f, struct fetch **fetch)
{
	CHECK_MAGIC(f, FILL_MAGIC);
	own_fetch(f, fetch);
	look_for_head(f);
}

void fill_run_alone(struct fill *f, const struct fetch_spec *spec)
{
	f->fetch = fetch_new();
	if (!f->fetch) {
		fill_failed(f);
		retire(f);
		return;
	}
	fill_asks(f);
	fetch_begin(f->fetch, f->env->loop, spec, on_change, f);
	look_for_head(f);
}

/*
 * Waiting for each other pays where the answer may be shared, or can stand in when the origin fails;
 * where everybody has to ask in any case, it does not.
 */
static void note_worth(struct fill *f)
{
	struct l1_view v;

	l1_view(f->env->l1, &f->object, &v);
	bool strict = v.meta->flags & (STORED_NO_CACHE | STORED_MUST_REVALIDATE);
	bool fresh = stored_fresh_for(v.meta, clock_wall()) > 0;
	if ((fresh && !(v.meta->flags & STORED_NO_CACHE)) || (!strict && v.meta->if_error > 0))
		fills_unmark(f->env->fills, &f->key.hash);
	else
		fills_mark(f->env->fills, &f->key.hash, MARK_TIME);
}

enum fill_verdict fill_take(struct fill *f, struct fetch **fetch)
{
	struct http_msg *m = &(*fetch)->x.msg;

	CHECK_MAGIC(f, FILL_MAGIC);
	ASSERT((*fetch)->step == FETCH_HEAD && m->status >= 200);
	f->asking = false;
	f->status = m->status;
	enum fill_verdict v = fill_decide(f, m, (*fetch)->spec.method);
	switch (v) {
	case FILL_STORES:
		own_fetch(f, fetch);
		note_worth(f);
		fills_object(f->env->fills, &f->ticket, f->object.object);
		break;
	case FILL_PASSES:
		/* no room now says nothing of the next time */
		end_lead(f, FILL_RESULT_NOT_STORABLE, f->why == STORABLE_NO_ROOM ? 0 : MARK_TIME);
		break;
	case FILL_REFRESHED:
	case FILL_STALE:
	case FILL_AGAIN:
		/* what is left of the answer is thrown away where that is cheap */
		fetch_discard(fetch);
		if (v == FILL_REFRESHED)
			note_worth(f);
		if (v == FILL_AGAIN) {
			f->asking = true;
			f->base_prefix = f->completes = false;
			l1_unpin(f->env->l1, &f->base);
		} else {
			end_lead(f, v == FILL_STALE ? FILL_RESULT_FAILED : FILL_RESULT_STORED, 0);
		}
		break;
	}
	return v;
}

void fills_cut_off(struct fill_env *env)
{
	LIST_EACH (&env->list, n) {
		struct fill *f = CONTAINER_OF(n, struct fill, node);
		if (f->fetch && f->object.object && !f->over)
			l1_break(env->l1, &f->object);
		fill_free(&f);
	}
}
