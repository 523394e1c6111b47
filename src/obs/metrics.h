/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Counters, gauges and histograms in the shared segment. Rows of tbl/counters.h; each scope has
 * subjects (a route, an upstream), and each worker slot has one row per subject that only the
 * slot's worker writes. Reading sums the rows; writing costs an addition.
 *
 * A slot's rows are never cleared: the next worker in the slot goes on counting in them. So a
 * death loses nothing and nothing is counted twice, whoever dies when; only gauges are set to
 * zero, by the master, because what they measured died too.
 *
 * The names of subjects are written by the master alone. A name keeps its number as long as the
 * segment lives. When a scope is full, further names share number 0, "(other)".
 */
#ifndef OBS_METRICS_H
#define OBS_METRICS_H

#include "base/check.h"
#include "base/err.h"
#include "obs/hist.h"

struct seg;
struct metrics; /* one process's view; private to metrics.c */

enum metric_scope {
	METRIC_SCOPE_NONE = 0,
#define SCOPE(scope, label, subjects, help) METRIC_SCOPE_##scope,
#define COUNTER(...)
#define HISTOGRAM(...)
#define SCOPE_END(scope)
#include "tbl/counters.h"
#undef SCOPE
#undef COUNTER
#undef HISTOGRAM
#undef SCOPE_END
	METRIC_SCOPE_COUNT
};

/* The layout of each scope's rows: struct metric_row_ROUTE { head; requests; ... duration; ... } */
#define SCOPE(scope, label, subjects, help)                                                        \
	struct metric_row_##scope {                                                                \
		uint64_t head;
#define COUNTER(scope, id, name, label, kind, unit, help, more) uint64_t id;
#define HISTOGRAM(scope, id, name, help, more) struct hist id;
#define SCOPE_END(scope)                                                                           \
	}                                                                                          \
	;
#include "tbl/counters.h"
#undef SCOPE
#undef COUNTER
#undef HISTOGRAM
#undef SCOPE_END

/*
 * METRIC_ROUTE_requests, HIST_ROUTE_duration: where the value lies in its row (in words), with the
 * scope above, so that slow-check builds notice a row of the wrong scope.
 */
enum metric_id {
	METRIC_NONE = 0,
#define METRIC_AT_(scope, id)                                                                      \
	(METRIC_SCOPE_##scope << 16 | (int)(offsetof(struct metric_row_##scope, id) / 8))
#define SCOPE(scope, label, subjects, help)
#define COUNTER(scope, id, name, label, kind, unit, help, more)                                    \
	METRIC_##scope##_##id = METRIC_AT_(scope, id),
#define HISTOGRAM(scope, id, name, help, more) HIST_##scope##_##id = METRIC_AT_(scope, id),
#define SCOPE_END(scope)
#include "tbl/counters.h"
#undef SCOPE
#undef COUNTER
#undef HISTOGRAM
#undef SCOPE_END
};

enum metric_kind { METRIC_KIND_counter = 1, METRIC_KIND_gauge = 2, METRIC_KIND_histogram = 3 };
enum metric_unit { METRIC_UNIT_none = 1, METRIC_UNIT_bytes = 2, METRIC_UNIT_seconds = 3 };

/* One row of the table. */
struct metric_desc {
	enum metric_scope scope;
	enum metric_kind kind;
	enum metric_unit unit; /* seconds are stored in ns */
	int id;		       /* METRIC_... or HIST_... */
	const char *key;       /* "requests": the id as text, for JSON */
	const char *name;      /* Prometheus family */
	const char *label;     /* a fixed label (class="2xx"), or "" */
	const char *help;      /* one line */
};

/* One (slot, scope, subject): cells as in struct metric_row_<scope>. The first one is the head. */
struct metric_row {
	uint64_t head; /* scope << 48 | slot << 32 | subject */
	uint64_t cells[];
};

#define METRIC_OTHER "(other)" /* subject 0: all that found no room */

/* Bytes of a subject's name, NUL included; longer ones are cut and end in a hash. */
#define METRIC_NAME_MAX 128

/* ---- set-up ---- */

/* For seg_spec: bytes for <slots> worker slots, and the layout hash (of the table). Most of it is
 * never touched and costs no memory. */
size_t metrics_size(unsigned slots);
uint64_t metrics_layout(void);

/*
 * This process's view of the METRICS region, malloc'ed; NULL if there is none or it is damaged, or
 * out of memory. The master calls it first, before it forks (children inherit it); a fresh region
 * is made ready. Also registers the region's recover function (shm/recover.h).
 */
struct metrics *metrics_attach(struct seg *seg);
void metrics_detach(struct metrics **m);

/* Sets the gauges of all rows of <slot> to zero. What the recover function does. */
void metrics_clear_gauges(struct metrics *m, unsigned slot);

/* ---- subjects: master ---- */

/*
 * The number of a subject, made if it is new; 0 ("(other)") when the scope is full. <parent> may be
 * NULL (SERVER: the upstream's name). WORKER has one subject, 0.
 */
unsigned metrics_subject(struct metrics *m, enum metric_scope scope, const char *name,
			 const char *parent);

/*
 * A reload: begin, name every subject of the new configuration, then commit: subjects that were not
 * named are hidden (their counters stay). Without commit (a reload that failed) nothing changes,
 * and new ones stay hidden. Outside begin..commit a new subject is shown at once.
 */
void metrics_reload_begin(struct metrics *m);
void metrics_reload_commit(struct metrics *m);
void metrics_reload_abort(struct metrics *m);

/* ---- subjects: any process ---- */

/* The subject's number; 0 ("(other)") if the master gave it none. */
unsigned metrics_find(const struct metrics *m, enum metric_scope scope, const char *name,
		      const char *parent);

/* How many there are, "(other)" included; numbers are 0..n-1. */
unsigned metrics_subjects(const struct metrics *m, enum metric_scope scope);
const char *metrics_name(const struct metrics *m, enum metric_scope scope, unsigned subject);
const char *metrics_parent(const struct metrics *m, enum metric_scope scope, unsigned subject);

/* False: not in the current configuration (or "(other)", unless something was counted there). */
bool metrics_shown(const struct metrics *m, enum metric_scope scope, unsigned subject);

/* ---- writing: the worker of <slot> ---- */

/* The row to write to; valid for the life of the process. Touches the slot: only its worker may
 * call this. */
struct metric_row *metrics_row(struct metrics *m, enum metric_scope scope, unsigned subject,
			       unsigned slot);

static inline uint64_t *metric_cell(struct metric_row *row, enum metric_id id)
{
	ASSERT_SLOW(row->head >> 48 == (uint64_t)id >> 16);
	return (uint64_t *)(void *)row + (id & 0xffff);
}

/* Adds to a counter or a gauge. */
static inline void metric_add(struct metric_row *row, enum metric_id id, uint64_t n)
{
	hist_bump(metric_cell(row, id), n);
}

/* Takes from a gauge. */
static inline void metric_sub(struct metric_row *row, enum metric_id id, uint64_t n)
{
	hist_bump(metric_cell(row, id), -n);
}

/* Sets a gauge. Counters are only added to: their row outlives the process. */
static inline void metric_set(struct metric_row *row, enum metric_id id, uint64_t v)
{
	__atomic_store_n(metric_cell(row, id), v, __ATOMIC_RELAXED);
}

/* What this row says. */
static inline uint64_t metric_get(const struct metric_row *row, enum metric_id id)
{
	return __atomic_load_n((const uint64_t *)(const void *)row + (id & 0xffff),
			       __ATOMIC_RELAXED);
}

/* Adds a duration to a histogram (HIST_...). */
static inline void metric_hist(struct metric_row *row, enum metric_id id, int64_t ns)
{
	hist_add((struct hist *)(void *)metric_cell(row, id), ns);
}

/*
 * The id of the responses_<n>xx counter for a status, 100..599, of ROUTE or UPSTREAM:
 * metric_add(row, METRIC_RESPONSES(ROUTE, status), 1). Other statuses count as 5xx.
 */
#define METRIC_RESPONSES(scope, status)                                                            \
	((enum metric_id)(METRIC_##scope##_responses_1xx +                                         \
			  ((status) >= 100 && (status) < 600 ? (int)(status) / 100 - 1 : 4)))

/* This process's own row of NODE (tbl/counters.h), not in the segment: set before it is shown. */
struct metric_row *metrics_node(struct metrics *m);

/* ---- reading: any process, without touching rows that no worker ever had ---- */

/* Slots that ever had a worker: 0..n-1 contains all of them. */
unsigned metrics_slots(const struct metrics *m);
bool metrics_slot_used(const struct metrics *m, unsigned slot);

/* One slot's value (0 for a slot that was never used), and the sum over slots. */
uint64_t metrics_value(const struct metrics *m, unsigned subject, unsigned slot, enum metric_id id);
uint64_t metrics_sum(const struct metrics *m, enum metric_scope scope, unsigned subject,
		     enum metric_id id);

/* Adds one slot's histogram, or all slots', to *into. */
void metrics_hist_value(const struct metrics *m, unsigned subject, unsigned slot, enum metric_id id,
			struct hist *into);
void metrics_hist_sum(const struct metrics *m, enum metric_scope scope, unsigned subject,
		      enum metric_id id, struct hist *into);

/* ---- the table ---- */

size_t metrics_desc_count(void);
const struct metric_desc *metrics_desc(size_t i);
const char *metrics_scope_label(enum metric_scope scope); /* "route" */

#endif
