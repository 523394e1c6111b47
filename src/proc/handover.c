/* SPDX-License-Identifier: BSD-2-Clause */
#include "proc/handover.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/err.h"

#define TITLE "tiercel-handover"

static const char *const kinds[] = {"", "spread", "shared", "manager"};

void handover_init(struct handover *h)
{
	*h = (struct handover){.exe = -1, .notes = -1, .bundle = -1, .segment = -1, .admin_fd = -1};
	for (unsigned i = 0; i < HANDOVER_SLOTS; i++)
		h->doorbells[i] = -1;
	for (unsigned i = 0; i < HANDOVER_SEATS; i++)
		h->owner[i] = HANDOVER_SLOTS;
}

void handover_fini(struct handover *h)
{
	free(h->listens);
	handover_init(h);
}

struct handover_listen *handover_add_listen(struct handover *h)
{
	struct handover_listen *list;

	if (h->n_listens == HANDOVER_LISTENS)
		return NULL;
	list = realloc(h->listens, (h->n_listens + 1) * sizeof(*list));
	if (!list)
		return NULL;
	h->listens = list;
	list[h->n_listens] = (struct handover_listen){.kind = HANDOVER_SHARED};
	return &list[h->n_listens++];
}

/* ---- writing ---- */

static void write_askers(struct buf *out, const char *key, const struct handover_askers *a)
{
	for (unsigned i = 0; i < a->n; i++)
		buf_printf(out, "%s %u\n", key, a->ids[i]);
}

static void write_listen(struct buf *out, const struct handover_listen *l)
{
	buf_printf(out, "listen %s %llu %llu", kinds[l->kind], (unsigned long long)l->dev,
		   (unsigned long long)l->ino);
	for (unsigned i = 0; i < l->n; i++)
		buf_printf(out, " %d", l->fds[i]);
	buf_char(out, '\n');
}

static void write_crew(struct buf *out, const struct handover *h)
{
	for (unsigned i = 0; i < h->n_workers; i++) {
		const struct handover_worker *w = &h->workers[i];

		buf_printf(out, "worker %u %u %d %d\n", w->slot, w->seat, (int)w->pid, w->fd);
	}
	for (unsigned k = 0; k < HANDOVER_SEATS; k++)
		if (h->owner[k] < HANDOVER_SLOTS)
			buf_printf(out, "owner %u %u\n", k, h->owner[k]);
	if (h->admin_pid)
		buf_printf(out, "admin %d %d\n", (int)h->admin_pid, h->admin_fd);
}

void handover_write(const struct handover *h, struct buf *out)
{
	buf_printf(out, TITLE " %d\nprogram %s\npid %d\n", HANDOVER_VERSION, h->program,
		   (int)h->pid);
	buf_printf(out, "generation %u\nstarted %lld\ndraining %d\nseats %u\n", h->generation,
		   (long long)h->started, h->draining, h->seats);
	if (h->path[0])
		buf_printf(out, "path %s\n", h->path);
	if (h->reload)
		buf_c(out, "reload 1\n");
	write_askers(out, "reload-asker", &h->reload_askers);
	write_askers(out, "upgrade-asker", &h->upgrade_askers);
	if (h->exe >= 0)
		buf_printf(out, "exe %d\n", h->exe);
	buf_printf(out, "notes %d\nbundle %d\nsegment %d\n", h->notes, h->bundle, h->segment);
	for (unsigned i = 0; i < h->n_doorbells; i++)
		buf_printf(out, "doorbell %d\n", h->doorbells[i]);
	for (unsigned i = 0; i < h->n_listens; i++)
		write_listen(out, &h->listens[i]);
	write_crew(out, h);
	buf_c(out, "end\n");
}

/* ---- reading ---- */

/* A line's words, with the first thing that was wrong with them. */
struct words {
	struct str rest;
	int rc;
};

static struct str next_word(struct words *w)
{
	struct str word;

	if (w->rc == 0 && str_next(&w->rest, ' ', &word) && word.n)
		return word;
	if (w->rc == 0)
		w->rc = ERR_SYNTAX;
	return STR_NONE;
}

/* A number of <min>..<max>; <min> when something is wrong. */
static uint64_t next_u64(struct words *w, uint64_t min, uint64_t max)
{
	struct str word = next_word(w);
	uint64_t v = min;
	int rc = w->rc ? w->rc : str_u64(word, &v);

	if (rc == 0 && (v < min || v > max))
		rc = ERR_RANGE;
	w->rc = rc;
	return rc == 0 ? v : min;
}

static unsigned next_u(struct words *w, unsigned min, unsigned max)
{
	return (unsigned)next_u64(w, min, max);
}

/* A descriptor; those of standard input and output are never handed over. */
static int next_fd(struct words *w)
{
	return (int)next_u64(w, 3, HANDOVER_FD_MAX);
}

static pid_t next_pid(struct words *w)
{
	return (pid_t)next_u64(w, 1, INT32_MAX);
}

static void read_program(struct handover *h, struct words *w)
{
	struct str word = next_word(w);

	if (word.n >= sizeof(h->program))
		w->rc = ERR_LIMIT;
	str_copy(h->program, sizeof(h->program), word);
}

/* All that is left of the line: a path may have spaces. */
static void read_path(struct handover *h, struct words *w)
{
	if (w->rest.n == 0 || w->rest.p[0] != '/')
		w->rc = ERR_SYNTAX;
	else if (w->rest.n >= sizeof(h->path))
		w->rc = ERR_LIMIT;
	else
		str_copy(h->path, sizeof(h->path), w->rest);
	w->rest = STR_NONE;
}

static void read_pid(struct handover *h, struct words *w)
{
	h->pid = next_pid(w);
}

static void read_generation(struct handover *h, struct words *w)
{
	h->generation = next_u(w, 1, UINT32_MAX - 1);
}

static void read_started(struct handover *h, struct words *w)
{
	h->started = (int64_t)next_u64(w, 0, INT64_MAX);
}

static void read_draining(struct handover *h, struct words *w)
{
	h->draining = next_u(w, 0, 1);
}

static void read_seats(struct handover *h, struct words *w)
{
	h->seats = next_u(w, 1, HANDOVER_SEATS);
}

static void read_reload(struct handover *h, struct words *w)
{
	h->reload = next_u(w, 1, 1);
}

static void read_asker(struct handover_askers *a, struct words *w)
{
	uint32_t id = next_u(w, 1, UINT32_MAX);

	if (a->n == HANDOVER_ASKERS)
		w->rc = ERR_LIMIT;
	if (w->rc == 0)
		a->ids[a->n++] = id;
}

static void read_reload_asker(struct handover *h, struct words *w)
{
	read_asker(&h->reload_askers, w);
}

static void read_upgrade_asker(struct handover *h, struct words *w)
{
	read_asker(&h->upgrade_askers, w);
}

static void read_exe(struct handover *h, struct words *w)
{
	h->exe = next_fd(w);
}

static void read_notes(struct handover *h, struct words *w)
{
	h->notes = next_fd(w);
}

static void read_bundle(struct handover *h, struct words *w)
{
	h->bundle = next_fd(w);
}

static void read_segment(struct handover *h, struct words *w)
{
	h->segment = next_fd(w);
}

static void read_doorbell(struct handover *h, struct words *w)
{
	int fd = next_fd(w);

	if (h->n_doorbells == HANDOVER_SLOTS)
		w->rc = ERR_LIMIT;
	if (w->rc == 0)
		h->doorbells[h->n_doorbells++] = fd;
}

static enum handover_kind next_kind(struct words *w)
{
	struct str word = next_word(w);

	for (unsigned k = HANDOVER_SPREAD; k < COUNTOF(kinds); k++)
		if (str_eq(word, str_c(kinds[k])))
			return (enum handover_kind)k;
	w->rc = w->rc ? w->rc : ERR_SYNTAX;
	return HANDOVER_SHARED;
}

static void read_listen(struct handover *h, struct words *w)
{
	struct handover_listen *l;

	if (h->n_listens == HANDOVER_LISTENS) {
		w->rc = ERR_LIMIT;
		return;
	}
	l = handover_add_listen(h);
	if (!l) {
		w->rc = ERR_NOMEM;
		return;
	}
	l->kind = next_kind(w);
	l->dev = next_u64(w, 0, UINT64_MAX);
	l->ino = next_u64(w, 0, UINT64_MAX);
	do {
		if (l->n == (l->kind == HANDOVER_SPREAD ? HANDOVER_SEATS : 1))
			w->rc = ERR_LIMIT;
		else
			l->fds[l->n++] = next_fd(w);
	} while (w->rc == 0 && w->rest.p);
}

static void read_worker(struct handover *h, struct words *w)
{
	struct handover_worker x;

	x.slot = next_u(w, 0, HANDOVER_SLOTS - 1);
	x.seat = next_u(w, 0, HANDOVER_SEATS);
	x.pid = next_pid(w);
	x.fd = next_fd(w);
	for (unsigned i = 0; w->rc == 0 && i < h->n_workers; i++) {
		const struct handover_worker *o = &h->workers[i];

		if (o->slot == x.slot || o->pid == x.pid ||
		    (x.seat < HANDOVER_SEATS && o->seat == x.seat))
			w->rc = ERR_EXISTS;
	}
	if (w->rc == 0) /* no two in one slot: there is room */
		h->workers[h->n_workers++] = x;
}

static void read_owner(struct handover *h, struct words *w)
{
	unsigned k = next_u(w, 0, HANDOVER_SEATS - 1);
	unsigned slot = next_u(w, 0, HANDOVER_SLOTS - 1);

	if (w->rc == 0 && h->owner[k] != HANDOVER_SLOTS)
		w->rc = ERR_EXISTS;
	if (w->rc == 0)
		h->owner[k] = slot;
}

static void read_admin(struct handover *h, struct words *w)
{
	h->admin_pid = next_pid(w);
	h->admin_fd = next_fd(w);
}

/* What a line may begin with, how often, and who reads the rest. */
static const struct {
	const char *key;
	enum { ANY, MAY, MUST } times;
	void (*read)(struct handover *h, struct words *w);
} lines[] = {
	{"program", MUST, read_program},
	{"pid", MUST, read_pid},
	{"generation", MUST, read_generation},
	{"started", MUST, read_started},
	{"draining", MUST, read_draining},
	{"seats", MUST, read_seats},
	{"path", MAY, read_path},
	{"reload", MAY, read_reload},
	{"reload-asker", ANY, read_reload_asker},
	{"upgrade-asker", ANY, read_upgrade_asker},
	{"exe", MAY, read_exe},
	{"notes", MUST, read_notes},
	{"bundle", MUST, read_bundle},
	{"segment", MUST, read_segment},
	{"doorbell", ANY, read_doorbell},
	{"listen", ANY, read_listen},
	{"worker", ANY, read_worker},
	{"owner", ANY, read_owner},
	{"admin", MAY, read_admin},
};

_Static_assert(COUNTOF(lines) <= 32, "a bit per line");

static int read_line(struct handover *h, struct str line, uint32_t *seen)
{
	struct words w = {.rest = line};
	struct str key = next_word(&w);

	for (size_t i = 0; i < COUNTOF(lines); i++) {
		if (!str_eq(key, str_c(lines[i].key)))
			continue;
		if (lines[i].times != ANY && *seen & UINT32_C(1) << i)
			return ERR_EXISTS;
		*seen |= UINT32_C(1) << i;
		lines[i].read(h, &w);
		return w.rc == 0 && w.rest.p ? ERR_SYNTAX : w.rc;
	}
	return ERR_SYNTAX;
}

static int read_title(struct str line)
{
	struct words w = {.rest = line};
	struct str word = next_word(&w);
	uint64_t version = next_u64(&w, 0, UINT64_MAX);

	if (w.rc != 0 || !str_eq(word, STR(TITLE)))
		return ERR_SYNTAX;
	return version == HANDOVER_VERSION && !w.rest.p ? 0 : ERR_VERSION;
}

/* ---- what no single line can tell ---- */

struct fd_list {
	int *fds;
	size_t n;
};

static void count_fd(void *arg, int fd)
{
	(void)fd;
	((struct fd_list *)arg)->n++;
}

static void note_fd(void *arg, int fd)
{
	struct fd_list *list = arg;

	list->fds[list->n++] = fd;
}

static int by_value(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

/* One descriptor under two names would be closed under one and used under the other. */
static int check_distinct(const struct handover *h)
{
	struct fd_list list = {0};
	int rc = 0;

	handover_each_fd(h, count_fd, &list);
	list.fds = calloc(list.n, sizeof(*list.fds));
	if (!list.fds)
		return ERR_NOMEM;
	list.n = 0;
	handover_each_fd(h, note_fd, &list);
	qsort(list.fds, list.n, sizeof(*list.fds), by_value);
	for (size_t i = 1; i < list.n; i++)
		if (list.fds[i] == list.fds[i - 1])
			rc = ERR_EXISTS;
	free(list.fds);
	return rc;
}

static int check_whole(const struct handover *h, uint32_t seen)
{
	for (size_t i = 0; i < COUNTOF(lines); i++)
		if (lines[i].times == MUST && !(seen & UINT32_C(1) << i))
			return ERR_MISSING;
	if (h->n_doorbells != HANDOVER_SLOTS)
		return ERR_MISSING;
	return check_distinct(h);
}

int handover_parse(struct handover *h, struct str text)
{
	struct str line;
	uint32_t seen = 0;
	int rc;

	if (text.n > HANDOVER_BYTES)
		return ERR_LIMIT;
	if (!str_next(&text, '\n', &line))
		return ERR_MISSING;
	rc = read_title(line);
	while (rc == 0 && text.n && str_next(&text, '\n', &line)) {
		if (str_eq(line, STR("end")))
			return text.n ? ERR_SYNTAX : check_whole(h, seen);
		rc = read_line(h, line, &seen);
	}
	return rc ? rc : ERR_MISSING;
}

void handover_each_fd(const struct handover *h, void (*fn)(void *arg, int fd), void *arg)
{
	const int single[] = {h->exe, h->notes, h->bundle, h->segment};

	for (size_t i = 0; i < COUNTOF(single); i++)
		if (single[i] >= 0)
			fn(arg, single[i]);
	for (unsigned i = 0; i < h->n_doorbells; i++)
		fn(arg, h->doorbells[i]);
	for (unsigned i = 0; i < h->n_listens; i++)
		for (unsigned k = 0; k < h->listens[i].n; k++)
			fn(arg, h->listens[i].fds[k]);
	for (unsigned i = 0; i < h->n_workers; i++)
		fn(arg, h->workers[i].fd);
	if (h->admin_pid)
		fn(arg, h->admin_fd);
}
