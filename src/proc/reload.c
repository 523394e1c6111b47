/* SPDX-License-Identifier: BSD-2-Clause */
#include "proc/reload.h"

#include <unistd.h>

#include "base/clock.h"
#include "conf/bundle.h"
#include "conf/diff.h"
#include "obs/metrics.h"
#include "proc/notify.h"
#include "proc/state.h"
#include "proc/subjects.h"

static const struct {
	const char *name;
	unsigned next;
} phases[RELOAD_PHASE_COUNT] = {
#define MASTER_STATE(id, name, next, help)
#define RELOAD_PHASE(id, name, next, help) [RELOAD_##id] = {name, next},
#include "tbl/master_states.h"
#undef MASTER_STATE
#undef RELOAD_PHASE
};

static void begin(struct master *m);

const char *reload_phase_name(enum reload_phase phase)
{
	return phase > RELOAD_NONE && phase < RELOAD_PHASE_COUNT ? phases[phase].name : "?";
}

static void set_phase(struct reload *r, enum reload_phase phase)
{
	ASSERT(phases[r->phase].next & 1U << phase);
	r->phase = phase;
}

void reload_init(struct reload *r)
{
	*r = (struct reload){.phase = RELOAD_IDLE,
			     .bundle_fd = -1,
			     .next = {.logs = LOGS_INIT},
			     .told = {.cap = CONTROL_TEXT}};
}

bool reload_undecided(const struct master *m)
{
	return m->reload.phase == RELOAD_PREPARING;
}

static void remember(struct reload_askers *a, uint32_t id)
{
	if (id != 0 && a->n < RELOAD_ASKERS) /* more than that: their own deadline answers them */
		a->ids[a->n++] = id;
}

void reload_ask(struct master *m, uint32_t id)
{
	struct reload *r = &m->reload;

	if (m->state == MASTER_STOPPING) {
		if (id)
			office_reply(m, id, ERR_BUSY, STR("stopping: no reload any more\n"));
		return;
	}
	if (r->phase != RELOAD_IDLE || m->state != MASTER_RUNNING) {
		r->again = true;
		remember(&r->askers_again, id);
		return;
	}
	remember(&r->askers, id);
	begin(m);
}

/* ---- the end of a reload ---- */

static void log_lines(struct buf *text, int code)
{
	struct str rest = buf_slice(text), line;

	while (str_next(&rest, '\n', &line)) {
		if (line.n && code != 0)
			log_error("reload", "%.*s", STR_ARG(line));
		else if (line.n)
			log_info("reload", "%.*s", STR_ARG(line));
	}
}

/* Frees everything of this reload and answers those who asked for it. */
static void finish(struct master *m, int code)
{
	struct reload *r = &m->reload;

	loop_timer_clear(m->loop, &r->timer);
	candidate_discard(&r->next);
	if (r->bundle_fd >= 0)
		close(r->bundle_fd);
	r->bundle_fd = -1;
	if (r->phase != RELOAD_IDLE)
		set_phase(r, RELOAD_IDLE);
	log_lines(&r->told, code);
	for (unsigned i = 0; i < r->askers.n; i++)
		office_reply(m, r->askers.ids[i], code, buf_slice(&r->told));
	r->askers.n = 0;
	buf_reset(&r->told);
	notify_ready();
	if (m->state == MASTER_RELOADING)
		master_set_state(m, MASTER_RUNNING);
	master_tell_status(m);
	crew_fill(m);
	if (code == 0 && r->renew_office && m->state == MASTER_RUNNING)
		office_renew(m); /* after the reply went out */
	r->renew_office = false;
}

void reload_resume(struct master *m)
{
	struct reload *r = &m->reload;

	if (!r->again || r->phase != RELOAD_IDLE || m->state != MASTER_RUNNING)
		return;
	r->again = false;
	r->askers = r->askers_again;
	r->askers_again.n = 0;
	begin(m);
}

static void refuse(struct master *m, int code)
{
	buf_c(&m->reload.told, "reload failed: the configuration in force is unchanged\n");
	finish(m, code);
	reload_resume(m);
	upgrade_resume(m);
}

/* ---- phase two ---- */

static bool anybody_waits(const struct reload *r)
{
	for (unsigned i = 0; i < RELOAD_WORKERS; i++)
		if (r->waiting[i])
			return true;
	return false;
}

static void settled(struct master *m)
{
	finish(m, 0);
	reload_resume(m);
	upgrade_resume(m);
}

static void on_settle_timeout(void *arg)
{
	struct master *m = arg;

	for (unsigned i = 0; i < RELOAD_WORKERS; i++)
		if (m->reload.waiting[i])
			buf_printf(&m->reload.told,
				   "warning: worker %u has not said yet that it is "
				   "done\n",
				   i);
	settled(m);
}

/* To all workers that shall know the new configuration, and wait for them to do <type>. */
static void tell_all(struct master *m, enum control_type type, uint32_t id, int fd, bool wait)
{
	struct control_msg msg = {.type = type, .id = id, .fds = {fd}, .n_fds = fd >= 0};

	for (unsigned i = 0; i < SLOT_MAX; i++) {
		struct worker *w = &m->workers[i];

		if (!worker_lives(w) || w->seat == SEAT_NONE)
			continue;
		control_say(&w->link, &msg);
		m->reload.waiting[i] = wait;
	}
}

/* What changes with the number of workers. */
static void resize(struct master *m)
{
	struct buf why = BUF_INIT;

	if (listen_grow(&m->now.listeners, MAX(m->now.workers, m->sockets), &why) != 0)
		buf_printf(&m->reload.told, "warning: %.*s: fewer sockets than workers\n",
			   STR_ARG(buf_slice(&why)));
	buf_fini(&why);
	crew_resize(m, m->now.workers);
	share_balance(m);
}

/* What the reload changes, and what it leaves as it was. */
static void tell_changes(struct reload *r, const struct conf *before, const struct conf *after)
{
	struct conf_changes changes;

	conf_diff(before, after, &r->told, &changes);
	if (changes.most == CONF_RELOAD_NONE)
		buf_c(&r->told, "no setting has changed\n");
}

static void commit(struct master *m)
{
	struct reload *r = &m->reload;
	struct candidate old = m->now;

	loop_timer_clear(m->loop, &r->timer);
	set_phase(r, RELOAD_SETTLING);
	tell_all(m, CONTROL_COMMIT, r->generation, -1, false);
	m->now = r->next;
	r->next = (struct candidate){.logs = LOGS_INIT};
	m->generation = r->generation;
	metrics_reload_commit(m->memory.metrics);
	logs_use(&m->now.logs, "master");
	share_change(m, &old.listeners);
	master_send_logs(m);
	r->renew_office = office_take_config(m, &old, r->bundle_fd);
	master_keep_bundle(m, r->bundle_fd);
	tell_all(m, CONTROL_SYNC, r->generation, -1, true);
	tell_changes(r, old.conf, m->now.conf);
	conf_source_free(&m->now.source); /* the bundle has it */
	resize(m);
	fdstore_change(m, &old.listeners);
	candidate_discard(&old);
	buf_printf(&r->told, "reload done: generation %u is in force\n", m->generation);
	loop_timer_set(m->loop, &r->timer, clock_mono() + RELOAD_SETTLE_TIME, on_settle_timeout, m);
	if (!anybody_waits(r))
		settled(m);
}

void reload_done(struct master *m, struct worker *w, uint32_t generation)
{
	struct reload *r = &m->reload;

	if (r->phase != RELOAD_SETTLING || generation != r->generation || !r->waiting[w->slot])
		return;
	r->waiting[w->slot] = false;
	if (!anybody_waits(r))
		settled(m);
}

/* ---- phase one ---- */

static void abort_all(struct master *m, int code)
{
	struct reload *r = &m->reload;

	metrics_reload_abort(m->memory.metrics);
	tell_all(m, CONTROL_ABORT, r->generation, -1, false);
	memset(r->waiting, 0, sizeof(r->waiting));
	refuse(m, code);
}

static void on_prepare_timeout(void *arg)
{
	struct master *m = arg;

	for (unsigned i = 0; i < RELOAD_WORKERS; i++)
		if (m->reload.waiting[i])
			buf_printf(&m->reload.told, "worker %u did not answer within %d s\n", i,
				   (int)(RELOAD_PREPARE_TIME / NS_PER_S));
	abort_all(m, ERR_TIMEOUT);
}

void reload_answer(struct master *m, struct worker *w, uint32_t generation, bool ok,
		   struct str reason)
{
	struct reload *r = &m->reload;

	if (r->phase != RELOAD_PREPARING || generation != r->generation || !r->waiting[w->slot])
		return;
	r->waiting[w->slot] = false;
	if (!ok) {
		buf_printf(&r->told, "worker %u refuses: %.*s\n", w->slot, STR_ARG(reason));
		abort_all(m, ERR_REFUSED);
	} else if (!anybody_waits(r)) {
		commit(m);
	}
}

void reload_worker_gone(struct master *m, struct worker *w, bool fault)
{
	struct reload *r = &m->reload;

	if (r->phase == RELOAD_IDLE || !r->waiting[w->slot])
		return;
	r->waiting[w->slot] = false;
	if (r->phase == RELOAD_PREPARING && fault) {
		buf_printf(&r->told, "worker %u died while it prepared\n", w->slot);
		abort_all(m, ERR_REFUSED);
	} else if (!anybody_waits(r)) {
		/* its replacement starts with whatever is decided here */
		if (r->phase == RELOAD_PREPARING)
			commit(m);
		else
			settled(m);
	}
}

static int open_next(struct master *m)
{
	struct reload *r = &m->reload;
	size_t before;
	int rc = candidate_load(&r->next, m->conf_file, &r->told);

	if (rc != 0)
		return rc;
	before = r->told.n;
	rc = candidate_open(&r->next, &m->now, &m->jail, &r->told);
	if (rc == 0)
		rc = conf_bundle_memfd(r->next.source, &r->bundle_fd);
	if (rc != 0)
		buf_printf(&r->told, "%s\n", r->told.n > before ? "" : err_text(rc));
	return rc;
}

static void begin(struct master *m)
{
	struct reload *r = &m->reload;
	int rc;

	master_set_state(m, MASTER_RELOADING);
	notify_reloading();
	log_info("reload", "reading %s", m->conf_file);
	rc = open_next(m);
	if (rc != 0) {
		refuse(m, rc);
		return;
	}
	set_phase(r, RELOAD_PREPARING);
	r->generation = m->generation + 1;
	metrics_reload_begin(m->memory.metrics);
	subjects_register(m->memory.metrics, r->next.conf);
	memset(r->waiting, 0, sizeof(r->waiting));
	tell_all(m, CONTROL_PREPARE, r->generation, r->bundle_fd, true);
	loop_timer_set(m->loop, &r->timer, clock_mono() + RELOAD_PREPARE_TIME, on_prepare_timeout,
		       m);
	if (!anybody_waits(r))
		commit(m);
}

void reload_cancel(struct master *m)
{
	struct reload *r = &m->reload;

	r->again = false;
	for (unsigned i = 0; i < r->askers_again.n; i++)
		office_reply(m, r->askers_again.ids[i], ERR_BUSY, STR("stopping\n"));
	r->askers_again.n = 0;
	if (r->phase == RELOAD_PREPARING) {
		buf_c(&r->told, "stopping\n");
		abort_all(m, ERR_BUSY);
	} else if (r->phase == RELOAD_SETTLING) {
		finish(m, 0);
	}
}
