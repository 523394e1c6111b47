/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One reload: a new configuration is loaded and everything it needs opened by the master, prepared
 * by every worker, then committed by all or by none (DESIGN: the two phases). A second request
 * while one is under way is remembered once and served by one more reload. Master only.
 */
#ifndef PROC_RELOAD_H
#define PROC_RELOAD_H

#include "net/loop.h"
#include "proc/candidate.h"

struct master;
struct worker;

#define RELOAD_PREPARE_TIME (10 * NS_PER_S)
#define RELOAD_SETTLE_TIME (5 * NS_PER_S)

enum reload_phase {
	RELOAD_NONE = 0,
#define MASTER_STATE(id, name, next, help)
#define RELOAD_PHASE(id, name, next, help) RELOAD_##id,
#include "tbl/master_states.h"
#undef MASTER_STATE
#undef RELOAD_PHASE
	RELOAD_PHASE_COUNT
};

enum {
	RELOAD_ASKERS = 16, /* admin questions that one reload answers at most */
	RELOAD_WORKERS = 128,
};

/* Questions of the admin process that wait for an answer. */
struct reload_askers {
	uint32_t ids[RELOAD_ASKERS];
	unsigned n;
};

struct reload {
	enum reload_phase phase;
	struct candidate next; /* what shall come into force */
	uint32_t generation;   /* its number */
	int bundle_fd;
	bool waiting[RELOAD_WORKERS]; /* slots that have not answered in this phase */
	struct reload_askers askers;
	bool again; /* asked for while this one was under way */
	struct reload_askers askers_again;
	struct buf told;   /* the reply */
	bool renew_office; /* its sockets changed */
	struct loop_timer timer;
};

void reload_init(struct reload *r);

/* Asked by a signal (<id> 0) or by the admin process (answered with this id). */
void reload_ask(struct master *m, uint32_t id);

/* Begins the reload that was asked for while there was no time for it, if there is one. */
void reload_resume(struct master *m);

/* PREPARED, REFUSED (with a reason) or DONE came from a worker. */
void reload_answer(struct master *m, struct worker *w, uint32_t generation, bool ok,
		   struct str reason);
void reload_done(struct master *m, struct worker *w, uint32_t generation);

/* A worker died. <fault>: by its own doing, so perhaps because of what it prepared. */
void reload_worker_gone(struct master *m, struct worker *w, bool fault);

/* The master stops: an undecided reload is aborted. */
void reload_cancel(struct master *m);

/* True while replacements wait for the decision what they start with. */
bool reload_undecided(const struct master *m);

const char *reload_phase_name(enum reload_phase phase);

#endif
