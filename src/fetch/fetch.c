/* SPDX-License-Identifier: BSD-2-Clause */
#include "fetch/fetch.h"

#include "base/clock.h"
#include "base/pool.h"
#include "http/write.h"
#include "obs/metrics.h"

enum { FETCH_MAGIC = 0x66657463, CONNECT_ATTEMPTS = 3, DISCARD_MAX = 64 * 1024 };

static struct pool fetches = {.name = "fetch", .size = sizeof(struct fetch), .keep_max = 64};

#define FTO(id) (1u << FETCH_##id)
static const struct {
	const char *name;
	unsigned next;
} steps[FETCH_STEP_COUNT] = {
	[FETCH_NONE] = {"none", FTO(PICK)},
#define FSTEP(id, next, help) [FETCH_##id] = {#id, next},
#include "tbl/steps_fetch.h"
#undef FSTEP
};

const char *fetch_step_name(enum fetch_step step)
{
	return step < FETCH_STEP_COUNT && steps[step].name ? steps[step].name : "?";
}

static void go_to(struct fetch *f, enum fetch_step next)
{
	ASSERT(steps[f->step].next & (1u << next));
	f->step = next;
}

static void run(struct fetch *f);
static void run_and_tell(void *arg);

/* ---- deadlines ---- */

static void on_deadline(void *arg)
{
	struct fetch *f = arg;

	CHECK_MAGIC(f, FETCH_MAGIC);
	if (f->step == FETCH_FAILED)
		return;
	fetch_fail(f, f->timer_error);
	f->on_change(f->arg);
}

/* Sets the timer to <due> (0 = none of its own), or to the whole exchange's deadline if sooner. */
static void set_deadline(struct fetch *f, int64_t due, enum proxy_error error)
{
	if (f->spec.deadline && (due == 0 || f->spec.deadline < due)) {
		due = f->spec.deadline;
		error = PROXY_ERROR_total_timeout;
	}
	f->timer_error = error;
	if (due)
		loop_timer_set(f->loop, &f->timer, due, on_deadline, f);
	else
		loop_timer_clear(f->loop, &f->timer);
}

static int64_t after(int64_t start, int64_t limit)
{
	return limit ? start + limit : 0;
}

/* Since when the server has taken nothing: what the client sends meanwhile changes nothing. */
static int64_t stuck_since(struct fetch *f)
{
	if (f->stuck_since == 0 || f->stuck_at != f->pump.body_bytes) {
		f->stuck_since = clock_mono();
		f->stuck_at = f->pump.body_bytes;
	}
	return f->stuck_since;
}

static void set_talk_deadline(struct fetch *f)
{
	const struct conf_upstream_timeouts *t = &f->spec.group->set.timeouts;

	if (f->upload != UPLOAD_RUNNING)
		set_deadline(f, after(f->sent, t->first_byte), PROXY_ERROR_http_response_timeout);
	else if (f->upload_rc == PUMP_WAIT_DST)
		set_deadline(f, after(stuck_since(f), t->idle),
			     PROXY_ERROR_connection_write_timeout);
	else
		set_deadline(f, 0, PROXY_ERROR_NONE); /* the taker watches its client */
}

void fetch_awaits_body(struct fetch *f, bool awaits)
{
	int64_t idle = f->spec.group->set.timeouts.idle;

	set_deadline(f, awaits ? after(clock_mono(), idle) : 0,
		     PROXY_ERROR_connection_read_timeout);
}

/* ---- failures ---- */

static void count_failure(struct fetch *f, enum proxy_error error)
{
	struct metric_row *row = f->spec.group->row;
	enum metric_id id;

	switch (error) {
	case PROXY_ERROR_http_response_timeout:
		id = METRIC_UPSTREAM_first_byte_timeouts;
		break;
	case PROXY_ERROR_connection_read_timeout:
	case PROXY_ERROR_connection_write_timeout:
		id = METRIC_UPSTREAM_idle_timeouts;
		break;
	case PROXY_ERROR_total_timeout:
		id = METRIC_UPSTREAM_total_timeouts;
		break;
	case PROXY_ERROR_connection_terminated:
		id = METRIC_UPSTREAM_resets;
		break;
	case PROXY_ERROR_http_response_incomplete:
		id = METRIC_UPSTREAM_truncated;
		break;
	case PROXY_ERROR_http_protocol_error:
	case PROXY_ERROR_http_response_header_section_size:
	case PROXY_ERROR_http_response_transfer_coding:
	case PROXY_ERROR_http_upgrade_failed:
		id = METRIC_UPSTREAM_protocol_errors;
		break;
	default:
		return; /* counted by the pool */
	}
	metric_add(row, id, 1);
	if (f->server)
		metric_add(f->server->row, METRIC_SERVER_failures, 1);
}

static void give_back(struct fetch *f, bool keep, bool reset)
{
	pump_fini(&f->pump);
	exchange_end(&f->x, keep, reset);
}

void fetch_fail(struct fetch *f, enum proxy_error error)
{
	CHECK_MAGIC(f, FETCH_MAGIC);
	if (f->step == FETCH_FAILED)
		return;
	count_failure(f, error);
	pool_cancel(&f->wait);
	loop_undefer(f->loop, &f->again);
	give_back(f, false, true);
	f->error = error;
	set_deadline(f, 0, PROXY_ERROR_NONE);
	loop_timer_clear(f->loop, &f->timer);
	go_to(f, FETCH_FAILED);
}

/*
 * May the request be sent again after its connection died before any byte of an answer? On a
 * pooled connection that is most likely the server's idle timeout. Safe if nothing was sent yet
 * or repeating does no harm (RFC 9110 9.2.2, RFC 9112 9.3.1), and the body can begin again.
 */
static bool may_replay(const struct fetch *f)
{
	bool harmless = !f->pump.started || http_method_idempotent(f->spec.method);

	return f->reused && !f->replayed && !f->x.any && harmless;
}

static bool replay(struct fetch *f, enum proxy_error error)
{
	if (error != PROXY_ERROR_connection_terminated || !may_replay(f))
		return false;
	if (f->spec.body && !f->spec.body->ops->rewind(f->spec.body))
		return false;
	metric_add(f->spec.group->row, METRIC_UPSTREAM_replays, 1);
	f->replayed = true;
	f->wait.fresh = true;
	give_back(f, false, false);
	go_to(f, FETCH_PICK);
	return true;
}

/* ---- steps ---- */

static void on_pool(void *arg, struct upconn *uc, enum proxy_error error)
{
	struct fetch *f = arg;

	CHECK_MAGIC(f, FETCH_MAGIC);
	f->ready = uc;
	f->error = error;
	run_and_tell(f);
}

static void note_server(struct fetch *f)
{
	struct origin_server *s = f->wait.tried;

	f->queue_ns += f->wait.queue_ns;
	f->connect_ns += f->wait.connect_ns;
	if (!s || s == f->server)
		return;
	origin_server_unref(&f->server);
	s->refs++;
	f->server = s;
}

/* Did a connect fail in a way that another server, or another address, may not share? */
static bool try_elsewhere(const struct fetch *f, enum proxy_error error)
{
	bool elsewhere = f->spec.group->n_servers > 1 || f->wait.more_addresses;

	return f->attempts < CONNECT_ATTEMPTS && elsewhere &&
	       (error == PROXY_ERROR_connection_refused ||
		error == PROXY_ERROR_connection_timeout ||
		error == PROXY_ERROR_connection_unroutable ||
		error == PROXY_ERROR_connection_terminated);
}

static void begin_talk(struct fetch *f)
{
	struct upconn *uc = f->ready;

	f->ready = NULL;
	f->reused = uc->requests > 1;
	uc->on_event = run_and_tell;
	uc->arg = f;
	exchange_begin(&f->x, uc);
	pump_init(&f->pump, &uc->conn, f->spec.head, f->spec.body, f->spec.body_chunked);
	f->upload = UPLOAD_RUNNING;
	f->sent = f->stuck_since = 0;
	metric_add(uc->server->row, METRIC_SERVER_requests, 1);
	go_to(f, FETCH_TALK);
}

static bool step_pick(struct fetch *f)
{
	enum proxy_error error;

	f->attempts++;
	switch (pool_acquire(f->spec.group, &f->wait, on_pool, f, &f->ready, &error)) {
	case POOL_READY:
		note_server(f);
		begin_talk(f);
		return true;
	case POOL_PENDING:
		set_deadline(f, 0, PROXY_ERROR_NONE);
		go_to(f, FETCH_CONNECT);
		return false;
	case POOL_REFUSED:
		break;
	}
	note_server(f);
	if (try_elsewhere(f, error)) {
		f->wait.avoid = f->server;
		return true;
	}
	fetch_fail(f, error);
	return false;
}

static bool step_connect(struct fetch *f)
{
	if (!f->ready && !f->error)
		return false;
	note_server(f);
	if (f->ready) {
		begin_talk(f);
		return true;
	}
	enum proxy_error error = f->error;
	f->error = PROXY_ERROR_NONE;
	if (try_elsewhere(f, error)) {
		f->wait.avoid = f->server;
		go_to(f, FETCH_PICK);
		return true;
	}
	fetch_fail(f, error);
	return false;
}

static void run_upload(struct fetch *f)
{
	if (f->upload != UPLOAD_RUNNING)
		return;
	f->upload_rc = pump_run(&f->pump);
	switch (f->upload_rc) {
	case PUMP_DONE:
		f->upload = UPLOAD_DONE;
		f->sent = clock_mono();
		break;
	case PUMP_YIELD:
		loop_defer(f->loop, &f->again, run_and_tell, f);
		break;
	case PUMP_SRC_FAILED:
		f->upload = UPLOAD_BROKEN;
		break;
	case PUMP_DST_FAILED:
		f->upload = UPLOAD_DEAD;
		f->sent = clock_mono();
		f->x.uc->conn.readable = true; /* an answer may lie there all the same */
		break;
	case PUMP_WAIT_SRC:
	case PUMP_WAIT_DST:
		break;
	}
}

static bool step_talk(struct fetch *f)
{
	enum proxy_error error = PROXY_ERROR_NONE;

	run_upload(f);
	if (f->upload == UPLOAD_BROKEN) {
		fetch_fail(f, PROXY_ERROR_bad_request);
		return false;
	}
	switch (exchange_read_head(&f->x, &error)) {
	case EXCHANGE_WAIT:
		if (f->upload != UPLOAD_DEAD) {
			set_talk_deadline(f);
			return false;
		}
		error = PROXY_ERROR_connection_terminated;
		break;
	case EXCHANGE_HEAD:
		if (f->head_at == 0)
			f->head_at = clock_mono();
		go_to(f, FETCH_HEAD);
		return false;
	case EXCHANGE_FAILED:
		break;
	}
	if (replay(f, error))
		return true;
	fetch_fail(f, error);
	return false;
}

static void run(struct fetch *f)
{
	bool more = true;

	CHECK_MAGIC(f, FETCH_MAGIC);
	while (more) {
		switch (f->step) {
		case FETCH_PICK:
			more = step_pick(f);
			break;
		case FETCH_CONNECT:
			more = step_connect(f);
			break;
		case FETCH_TALK:
			more = step_talk(f);
			break;
		case FETCH_HEAD:
		case FETCH_BODY:
			run_upload(f);
			more = false;
			break;
		default:
			more = false;
			break;
		}
	}
}

static void run_and_tell(void *arg)
{
	struct fetch *f = arg;

	run(f);
	f->on_change(f->arg);
}

/* ---- the taker's side ---- */

void fetch_begin(struct fetch *f, struct loop *loop, const struct fetch_spec *spec,
		 loop_fn *on_change, void *arg)
{
	memset(f, 0, offsetof(struct fetch, x));
	f->x.uc = NULL;
	f->x.win = NULL;
	f->magic = FETCH_MAGIC;
	f->spec = *spec;
	f->loop = loop;
	f->on_change = on_change;
	f->arg = arg;
	f->pump.pipe_r = f->pump.pipe_w = -1;
	f->begun = clock_mono();
	int64_t total = spec->group->set.timeouts.total;
	if (total && (f->spec.deadline == 0 || f->begun + total < f->spec.deadline))
		f->spec.deadline = f->begun + total;
	group_ref(f->spec.group);
	metric_add(f->spec.group->row, METRIC_UPSTREAM_requests, 1);
	go_to(f, FETCH_PICK);
	run(f);
}

void fetch_more_body(struct fetch *f)
{
	if (f->step == FETCH_TALK || f->step == FETCH_HEAD || f->step == FETCH_BODY)
		run(f);
}

void fetch_next_head(struct fetch *f)
{
	exchange_next_head(&f->x);
	f->head_at = 0;
	go_to(f, FETCH_TALK);
	run(f);
}

void fetch_take_body(struct fetch *f)
{
	struct metric_row *row = f->spec.group->row;

	metric_add(row, METRIC_RESPONSES(UPSTREAM, f->x.msg.status), 1);
	metric_hist(row, HIST_UPSTREAM_first_byte_time,
		    f->head_at - (f->sent ? f->sent : f->begun));
	exchange_begin_body(&f->x, f->spec.method);
	set_deadline(f, 0, PROXY_ERROR_NONE);
	go_to(f, FETCH_BODY);
}

void fetch_tunnel(struct fetch *f)
{
	f->spec.deadline = 0;
	set_deadline(f, 0, PROXY_ERROR_NONE);
}

void fetch_discard(struct fetch **f_p)
{
	struct fetch *f = *f_p;
	struct body_src *src = &f->x.body.src;
	size_t left = DISCARD_MAX;
	struct str waste;
	bool last;

	fetch_take_body(f);
	while (left && src->ops->peek(src, &waste, &last) == BODY_DATA) {
		src->ops->consume(src, waste.n);
		left -= MIN(left, waste.n);
	}
	fetch_free(f_p);
}

void fetch_cancelled(struct fetch *f)
{
	metric_add(f->spec.group->row, METRIC_UPSTREAM_cancelled, 1);
}

static void count_end(struct fetch *f)
{
	struct metric_row *row = f->spec.group->row;

	f->bytes_up += f->pump.body_bytes;
	if (f->attempts && f->server)
		metric_add(row, METRIC_UPSTREAM_bytes_out, f->spec.head.n + f->bytes_up);
	if (f->step != FETCH_BODY)
		return;
	metric_add(row, METRIC_UPSTREAM_bytes_in, f->x.msg.head_n + f->x.body.total);
	metric_hist(row, HIST_UPSTREAM_response_time,
		    clock_mono() - (f->sent ? f->sent : f->begun));
}

void fetch_end(struct fetch *f)
{
	if (f->magic != FETCH_MAGIC)
		return;
	count_end(f);
	bool whole = f->step == FETCH_BODY && f->upload == UPLOAD_DONE && exchange_reusable(&f->x);
	bool wanted = f->tunnel_whole || (f->step == FETCH_BODY && h1_body_whole(&f->x.body));
	loop_timer_clear(f->loop, &f->timer);
	loop_undefer(f->loop, &f->again);
	pool_cancel(&f->wait);
	give_back(f, whole, !wanted);
	origin_server_unref(&f->server);
	group_unref(&f->spec.group);
	f->step = FETCH_NONE;
	f->magic = 0;
}

struct fetch *fetch_new(void)
{
	struct fetch *f = pool_take(&fetches);

	if (f)
		f->magic = 0;
	return f;
}

void fetch_free(struct fetch **f_p)
{
	if (!*f_p)
		return;
	fetch_end(*f_p);
	pool_give(&fetches, f_p);
}
