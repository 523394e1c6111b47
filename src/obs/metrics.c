/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The METRICS region: header, one table of names per scope, then one block of rows per slot. A
 * slot's rows stand together and begin on a page, so no two workers write to one page.
 */
#include "obs/metrics.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/str.h"
#include "shm/recover.h"
#include "shm/seg.h"
#include "shm/slots.h"

#define METRICS_MAGIC UINT64_C(0x6369727465010001)
#define METRICS_VIEW_MAGIC 0x3e781c50u

/* A name. Written by the master before the table's count tells of it; the name never changes. */
struct subject {
	char name[METRIC_NAME_MAX];   /* NUL-terminated */
	char parent[METRIC_NAME_MAX]; /* "" = none */
	uint32_t shown;		      /* 1: in the current configuration */
	uint32_t mark;		      /* number of the reload that named it last */
	uint8_t pad[CACHE_LINE - 8];
};

_Static_assert(sizeof(struct subject) == 2 * METRIC_NAME_MAX + CACHE_LINE, "subject layout");

enum { USED_WORDS = SLOT_MAX / 64 };

struct metrics_header {
	uint64_t magic;			       /* METRICS_MAGIC */
	uint32_t n_slots;		       /* blocks of rows */
	uint32_t reloads;		       /* number of the last reload begun */
	uint64_t used[USED_WORDS];	       /* bit per slot: ever had a worker */
	uint32_t subjects[METRIC_SCOPE_COUNT]; /* names per scope; only grows */
};

_Static_assert(METRIC_SCOPE_COUNT <= 16, "room for the counts");
_Static_assert(sizeof(struct metrics_header) <= SEG_PAGE, "the header has one page");

/* Facts per scope, from the table. */
static const struct {
	const char *label;
	uint32_t max;	   /* subjects, "(other)" included */
	uint32_t row_size; /* bytes of a row, whole cache lines */
} scopes[METRIC_SCOPE_COUNT] = {
	{"", 0, 0},
#define ROW_BYTES_(scope)                                                                          \
	((sizeof(struct metric_row_##scope) + CACHE_LINE - 1) / CACHE_LINE * CACHE_LINE)
#define SCOPE(scope, label, subjects, help) {label, subjects, ROW_BYTES_(scope)},
#define COUNTER(...)
#define HISTOGRAM(...)
#define SCOPE_END(scope)
#include "tbl/counters.h"
#undef SCOPE
#undef COUNTER
#undef HISTOGRAM
#undef SCOPE_END
};

static const struct metric_desc descs[] = {
#define SCOPE(scope, label, subjects, help)
#define COUNTER(scope, id, name, label, kind, unit, help, more)                                    \
	{METRIC_SCOPE_##scope,                                                                     \
	 METRIC_KIND_##kind,                                                                       \
	 METRIC_UNIT_##unit,                                                                       \
	 METRIC_##scope##_##id,                                                                    \
	 #id,                                                                                      \
	 name,                                                                                     \
	 label,                                                                                    \
	 help},
#define HISTOGRAM(scope, id, name, help, more)                                                     \
	{METRIC_SCOPE_##scope,                                                                     \
	 METRIC_KIND_histogram,                                                                    \
	 METRIC_UNIT_seconds,                                                                      \
	 HIST_##scope##_##id,                                                                      \
	 #id,                                                                                      \
	 name,                                                                                     \
	 "",                                                                                       \
	 help},
#define SCOPE_END(scope)
#include "tbl/counters.h"
#undef SCOPE
#undef COUNTER
#undef HISTOGRAM
#undef SCOPE_END
};

struct metrics {
	uint32_t magic;				      /* METRICS_VIEW_MAGIC */
	uint32_t n_slots;			      /* blocks of rows */
	struct metrics_header *header;		      /* in the segment, as all below */
	struct subject *subjects[METRIC_SCOPE_COUNT]; /* table of names */
	char *rows;				      /* first slot's block */
	size_t row_at[METRIC_SCOPE_COUNT];	      /* a scope's first row in a block */
	size_t block;				      /* bytes of a slot's block */
	bool reloading;				      /* between begin and commit; master */
	struct metric_row_NODE node;		      /* not in the segment */
};

size_t metrics_desc_count(void)
{
	return COUNTOF(descs);
}

const struct metric_desc *metrics_desc(size_t i)
{
	ASSERT(i < COUNTOF(descs));
	return &descs[i];
}

const char *metrics_scope_label(enum metric_scope scope)
{
	return (unsigned)scope < METRIC_SCOPE_COUNT ? scopes[scope].label : "";
}

/* ---- layout ---- */

static size_t page_up(size_t n)
{
	return (n + SEG_PAGE - 1) & ~(size_t)(SEG_PAGE - 1);
}

/* Bytes of one slot's rows; where each scope begins goes to <row_at> (may be NULL). */
static size_t block_size(size_t *row_at)
{
	size_t at = 0;

	for (unsigned s = 1; s < METRIC_SCOPE_COUNT; s++) {
		if (row_at)
			row_at[s] = at;
		at += (size_t)scopes[s].max * scopes[s].row_size;
	}
	return page_up(at);
}

/* Bytes before the first block; the tables of names go to <tables> (offsets; may be NULL). */
static size_t names_size(size_t *tables)
{
	size_t at = SEG_PAGE;

	for (unsigned s = 1; s < METRIC_SCOPE_COUNT; s++) {
		if (tables)
			tables[s] = at;
		at += scopes[s].max * sizeof(struct subject);
	}
	return page_up(at);
}

size_t metrics_size(unsigned slots)
{
	ASSERT(slots > 0 && slots <= SLOT_MAX);
	return names_size(NULL) + slots * block_size(NULL);
}

uint64_t metrics_layout(void)
{
	uint64_t h = seg_hash(0, "metrics 1");
	char sizes[64];

	for (size_t i = 0; i < COUNTOF(descs); i++) {
		const struct metric_desc *d = &descs[i];
		snprintf(sizes, sizeof(sizes), "%d %d %u %u", d->id, d->kind, scopes[d->scope].max,
			 scopes[d->scope].row_size);
		h = seg_hash(seg_hash(h, d->key), sizes);
	}
	return h;
}

/* ---- set-up ---- */

static void format_region(struct metrics_header *header, uint32_t n_slots)
{
	size_t tables[METRIC_SCOPE_COUNT];

	names_size(tables);
	for (unsigned s = 1; s < METRIC_SCOPE_COUNT; s++) {
		struct subject *other = (struct subject *)(void *)((char *)header + tables[s]);
		str_copy(other->name, sizeof(other->name), STR(METRIC_OTHER));
		header->subjects[s] = 1;
	}
	header->n_slots = n_slots;
	header->magic = METRICS_MAGIC;
}

/* Numbers in a region that an earlier program wrote. */
static bool header_good(const struct metrics_header *header, uint32_t n_slots)
{
	if (header->magic != METRICS_MAGIC || header->n_slots != n_slots)
		return false;
	for (unsigned s = 1; s < METRIC_SCOPE_COUNT; s++)
		if (header->subjects[s] == 0 || header->subjects[s] > scopes[s].max)
			return false;
	return true;
}

static void on_worker_death(struct seg *seg UNUSED, unsigned slot, void *arg)
{
	metrics_clear_gauges(arg, slot);
}

struct metrics *metrics_attach(struct seg *seg)
{
	size_t bytes = 0, tables[METRIC_SCOPE_COUNT];
	struct metrics_header *header = seg_region(seg, SEG_METRICS, &bytes);

	if (!header || bytes < metrics_size(1))
		return NULL;
	uint32_t n =
		(uint32_t)MIN((bytes - names_size(tables)) / block_size(NULL), (size_t)SLOT_MAX);
	if (header->magic == 0)
		format_region(header, n);
	struct metrics *m = header_good(header, n) ? calloc(1, sizeof(*m)) : NULL;
	if (!m)
		return NULL;
	m->magic = METRICS_VIEW_MAGIC;
	m->n_slots = n;
	m->header = header;
	for (unsigned s = 1; s < METRIC_SCOPE_COUNT; s++)
		m->subjects[s] = (struct subject *)(void *)((char *)header + tables[s]);
	m->rows = (char *)header + names_size(NULL);
	m->block = block_size(m->row_at);
	m->node.head = (uint64_t)METRIC_SCOPE_NODE << 48;
	recover_register(SEG_METRICS, on_worker_death, m);
	return m;
}

void metrics_detach(struct metrics **pointer)
{
	struct metrics *m = *pointer;

	*pointer = NULL;
	if (!m)
		return;
	CHECK_MAGIC(m, METRICS_VIEW_MAGIC);
	recover_register(SEG_METRICS, NULL, NULL);
	free(m);
}

/* ---- subjects ---- */

/* <name> as it is kept: one that is too long ends in a hash of all of it, to stay unique. */
static const char *name_fit(const char *name, char out[METRIC_NAME_MAX])
{
	if (!name)
		return "";
	if (strlen(name) < METRIC_NAME_MAX)
		return name;
	snprintf(out, METRIC_NAME_MAX, "%.*s~%08x", METRIC_NAME_MAX - 10, name,
		 (unsigned)seg_hash(0, name));
	return out;
}

unsigned metrics_subjects(const struct metrics *m, enum metric_scope scope)
{
	ASSERT(scope > METRIC_SCOPE_NONE && scope < METRIC_SCOPE_COUNT);
	unsigned n = __atomic_load_n(&m->header->subjects[scope], __ATOMIC_ACQUIRE);
	return MIN(n, scopes[scope].max);
}

unsigned metrics_find(const struct metrics *m, enum metric_scope scope, const char *name,
		      const char *parent)
{
	char name_room[METRIC_NAME_MAX], parent_room[METRIC_NAME_MAX];
	unsigned n = metrics_subjects(m, scope);

	name = name_fit(name, name_room);
	parent = name_fit(parent, parent_room);
	for (unsigned i = 1; i < n; i++) {
		const struct subject *s = &m->subjects[scope][i];
		if (strcmp(s->name, name) == 0 && strcmp(s->parent, parent) == 0)
			return i;
	}
	return 0;
}

static unsigned add_subject(struct metrics *m, enum metric_scope scope, const char *name,
			    const char *parent)
{
	char room[METRIC_NAME_MAX];
	unsigned n = metrics_subjects(m, scope);

	if (n == scopes[scope].max)
		return 0;
	struct subject *s = &m->subjects[scope][n];
	str_copy(s->name, sizeof(s->name), str_c(name_fit(name, room)));
	str_copy(s->parent, sizeof(s->parent), str_c(name_fit(parent, room)));
	s->shown = 0;
	__atomic_store_n(&m->header->subjects[scope], n + 1, __ATOMIC_RELEASE);
	return n;
}

unsigned metrics_subject(struct metrics *m, enum metric_scope scope, const char *name,
			 const char *parent)
{
	CHECK_MAGIC(m, METRICS_VIEW_MAGIC);
	unsigned i = metrics_find(m, scope, name, parent);

	if (i == 0)
		i = add_subject(m, scope, name, parent);
	if (i > 0) {
		struct subject *s = &m->subjects[scope][i];
		s->mark = m->header->reloads;
		if (!m->reloading)
			__atomic_store_n(&s->shown, 1, __ATOMIC_RELEASE);
	}
	return i;
}

void metrics_reload_begin(struct metrics *m)
{
	CHECK_MAGIC(m, METRICS_VIEW_MAGIC);
	m->header->reloads++;
	m->reloading = true;
}

void metrics_reload_commit(struct metrics *m)
{
	CHECK_MAGIC(m, METRICS_VIEW_MAGIC);
	ASSERT(m->reloading);
	for (unsigned scope = 1; scope < METRIC_SCOPE_COUNT; scope++)
		for (unsigned i = 1; i < metrics_subjects(m, scope); i++) {
			struct subject *s = &m->subjects[scope][i];
			__atomic_store_n(&s->shown, s->mark == m->header->reloads,
					 __ATOMIC_RELEASE);
		}
	m->reloading = false;
}

void metrics_reload_abort(struct metrics *m)
{
	CHECK_MAGIC(m, METRICS_VIEW_MAGIC);
	m->reloading = false;
}

static const struct subject *subject_at(const struct metrics *m, enum metric_scope scope,
					unsigned subject)
{
	ASSERT(subject < metrics_subjects(m, scope));
	return &m->subjects[scope][subject];
}

const char *metrics_name(const struct metrics *m, enum metric_scope scope, unsigned subject)
{
	return subject_at(m, scope, subject)->name;
}

const char *metrics_parent(const struct metrics *m, enum metric_scope scope, unsigned subject)
{
	return subject_at(m, scope, subject)->parent;
}

/* Whether any counter of the subject is above zero. */
static bool anything_counted(const struct metrics *m, enum metric_scope scope, unsigned subject)
{
	for (size_t i = 0; i < COUNTOF(descs); i++)
		if (descs[i].scope == scope && descs[i].kind == METRIC_KIND_counter &&
		    metrics_sum(m, scope, subject, descs[i].id) > 0)
			return true;
	return false;
}

bool metrics_shown(const struct metrics *m, enum metric_scope scope, unsigned subject)
{
	const struct subject *s = subject_at(m, scope, subject);

	if (subject == 0)
		return scope == METRIC_SCOPE_WORKER || scope == METRIC_SCOPE_NODE ||
		       anything_counted(m, scope, 0);
	return __atomic_load_n(&s->shown, __ATOMIC_ACQUIRE) != 0;
}

/* ---- rows ---- */

static struct metric_row *row_at(const struct metrics *m, enum metric_scope scope, unsigned subject,
				 unsigned slot)
{
	ASSERT(scope > METRIC_SCOPE_NONE && scope < METRIC_SCOPE_COUNT);
	ASSERT(subject < scopes[scope].max && slot < m->n_slots);
	return (struct metric_row *)(void *)(m->rows + slot * m->block + m->row_at[scope] +
					     (size_t)subject * scopes[scope].row_size);
}

struct metric_row *metrics_row(struct metrics *m, enum metric_scope scope, unsigned subject,
			       unsigned slot)
{
	CHECK_MAGIC(m, METRICS_VIEW_MAGIC);
	ASSERT(scope != METRIC_SCOPE_NODE);
	struct metric_row *row = row_at(m, scope, subject, slot);

	row->head = (uint64_t)scope << 48 | (uint64_t)slot << 32 | subject;
	__atomic_fetch_or(&m->header->used[slot / 64], UINT64_C(1) << slot % 64, __ATOMIC_RELEASE);
	return row;
}

struct metric_row *metrics_node(struct metrics *m)
{
	CHECK_MAGIC(m, METRICS_VIEW_MAGIC);
	return (struct metric_row *)(void *)&m->node;
}

bool metrics_slot_used(const struct metrics *m, unsigned slot)
{
	return slot < m->n_slots &&
	       (__atomic_load_n(&m->header->used[slot / 64], __ATOMIC_ACQUIRE) >> slot % 64 & 1);
}

unsigned metrics_slots(const struct metrics *m)
{
	unsigned n = m->n_slots;

	while (n > 0 && !metrics_slot_used(m, n - 1))
		n--;
	return n;
}

void metrics_clear_gauges(struct metrics *m, unsigned slot)
{
	CHECK_MAGIC(m, METRICS_VIEW_MAGIC);
	if (!metrics_slot_used(m, slot))
		return;
	for (size_t d = 0; d < COUNTOF(descs); d++) {
		enum metric_scope scope = descs[d].scope;
		if (descs[d].kind != METRIC_KIND_gauge)
			continue;
		for (unsigned i = 0; i < metrics_subjects(m, scope); i++) {
			struct metric_row *row = row_at(m, scope, i, slot);
			if (row->head) /* otherwise nobody ever wrote there */
				metric_set(row, (enum metric_id)descs[d].id, 0);
		}
	}
}

/* ---- reading ---- */

uint64_t metrics_value(const struct metrics *m, unsigned subject, unsigned slot, enum metric_id id)
{
	if (!metrics_slot_used(m, slot))
		return 0;
	return metric_get(row_at(m, (enum metric_scope)(id >> 16), subject, slot), id);
}

uint64_t metrics_sum(const struct metrics *m, enum metric_scope scope, unsigned subject,
		     enum metric_id id)
{
	uint64_t sum = 0;

	CHECK_MAGIC(m, METRICS_VIEW_MAGIC);
	ASSERT((unsigned)id >> 16 == (unsigned)scope);
	if (scope == METRIC_SCOPE_NODE)
		return metric_get((const struct metric_row *)(const void *)&m->node, id);
	for (unsigned slot = 0; slot < m->n_slots; slot++)
		sum += metrics_value(m, subject, slot, id);
	return sum;
}

void metrics_hist_value(const struct metrics *m, unsigned subject, unsigned slot, enum metric_id id,
			struct hist *into)
{
	if (!metrics_slot_used(m, slot))
		return;
	const void *row = row_at(m, (enum metric_scope)(id >> 16), subject, slot);
	hist_merge(into,
		   (const struct hist *)(const void *)((const uint64_t *)row + (id & 0xffff)));
}

void metrics_hist_sum(const struct metrics *m, enum metric_scope scope, unsigned subject,
		      enum metric_id id, struct hist *into)
{
	CHECK_MAGIC(m, METRICS_VIEW_MAGIC);
	ASSERT((unsigned)id >> 16 == (unsigned)scope);
	for (unsigned slot = 0; slot < m->n_slots; slot++)
		metrics_hist_value(m, subject, slot, id, into);
}
