/* SPDX-License-Identifier: BSD-2-Clause */
#include "conf/diff.h"

#include <stdio.h>

#include "conf/box.h"
#include "conf/httptext.h"
#include "conf/values.h"

enum { PATH_MAX_BYTES = 512, SHOWN_MAX = 120 };

/* One comparison. <path> grows and shrinks with the walk: "routes.api.match". */
struct diff {
	struct buf *out;
	struct conf_changes *changes;
	char path[PATH_MAX_BYTES];
	size_t n; /* length of <path> */
};

static enum conf_reload reload_of(const struct conf_row *row)
{
	return row->reload[0] == 'W'   ? CONF_RELOAD_WORKERS
	       : row->reload[0] == 'R' ? CONF_RELOAD_RESTART
				       : CONF_RELOAD_LIVE;
}

/* Begins a line: "live: routes.api.timeout: ". */
static void begin_change(struct diff *d, const struct conf_row *row)
{
	static const char *const words[] = {
		[CONF_RELOAD_LIVE] = "live",
		[CONF_RELOAD_WORKERS] = "needs new workers",
		[CONF_RELOAD_RESTART] = "needs a restart",
	};
	enum conf_reload r = reload_of(row);

	d->changes->n[r]++;
	d->changes->most = MAX(d->changes->most, r);
	buf_printf(d->out, "%s: %s: ", words[r], d->path);
}

/* Adds ".name" to the path and returns its length before. */
static size_t enter(struct diff *d, const char *name)
{
	size_t before = d->n;
	int added = snprintf(d->path + d->n, sizeof(d->path) - d->n, "%s%s", d->n ? "." : "", name);

	d->n = MIN(d->n + (size_t)MAX(added, 0), sizeof(d->path) - 1);
	return before;
}

static void leave(struct diff *d, size_t before)
{
	d->n = before;
	d->path[before] = 0;
}

/* A whole value as one text, for comparing. Names of fields are part of it. */
static void write_all(struct buf *out, const struct conf_row *row, const void *base)
{
	if (!value_is_set(row, base))
		return;
	for (size_t i = 0; i < value_count(row, base); i++) {
		const void *element = value_at(row, base, i);
		if (value_is_map(row)) {
			value_write_key(out, row, element);
			buf_c(out, ": ");
		}
		value_write(out, row, element);
		buf_c(out, i + 1 < value_count(row, base) ? ", " : "");
	}
}

static void show_value(struct diff *d, const struct conf_row *row, struct str text)
{
	if (!text.n)
		buf_c(d->out, row->def ? "[]" : "not set");
	for (size_t i = 0; i < MIN(text.n, (size_t)SHOWN_MAX); i++)
		buf_char(d->out, (uint8_t)text.p[i] < 0x20 ? ' ' : text.p[i]);
	if (text.n > SHOWN_MAX)
		buf_c(d->out, "...");
}

/* Field values may be secrets: only that they changed is told. */
static void report_change(struct diff *d, const struct conf_row *row, struct str a, struct str b)
{
	begin_change(d, row);
	if (row->type == CONF_TYPE_PAIRS || str_eq(a, b)) {
		buf_c(d->out, str_eq(a, b) ? "contents changed" : "changed");
	} else {
		show_value(d, row, a);
		buf_c(d->out, " -> ");
		show_value(d, row, b);
	}
	buf_char(d->out, '\n');
}

/* The contents of a body file, which may differ under the same name. */
static bool same_contents(const struct conf_row *row, const void *a, const void *b)
{
	if (row->type != CONF_TYPE_BODY_FILE)
		return true;
	return str_eq(*(const struct str *)((const char *)a + row[1].offset),
		      *(const struct str *)((const char *)b + row[1].offset));
}

static void diff_value(struct diff *d, const struct conf_row *row, const void *a, const void *b)
{
	struct buf was = BUF_INIT, is = BUF_INIT;

	write_all(&was, row, a);
	write_all(&is, row, b);
	if (was.error || is.error)
		d->out->error = was.error ? was.error : is.error;
	else if (!str_eq(buf_slice(&was), buf_slice(&is)) || !same_contents(row, a, b))
		report_change(d, row, buf_slice(&was), buf_slice(&is));
	buf_fini(&was);
	buf_fini(&is);
}

/* What an item is known by: its name, or a server's address. */
static const char *name_of(const struct conf_section *s, const void *item)
{
	const struct conf_row *first = &s->rows[0];
	const void *member = (const char *)item + first->offset;
	const char *name = first->type == CONF_TYPE_ADDRESS
				   ? ((const struct conf_address *)member)->text
				   : *(const char *const *)member;

	return name ? name : "";
}

static const void *find_item(const struct conf_section *s, struct list_view v, const char *name,
			     size_t *out_i)
{
	for (size_t i = 0; i < v.n; i++) {
		const char *item = (const char *)v.items + i * s->size;
		if (strcmp(name_of(s, item), name) == 0) {
			*out_i = i;
			return item;
		}
	}
	return NULL;
}

static void diff_section(struct diff *d, const struct conf_section *s, const void *a,
			 const void *b);

/* Items that only <v> has. */
static void report_only(struct diff *d, const struct conf_row *row, struct list_view v,
			struct list_view other, const char *what)
{
	const struct conf_section *s = conf_section(row->of);
	size_t ignored;

	for (size_t i = 0; i < v.n; i++) {
		const char *name = name_of(s, (const char *)v.items + i * s->size);
		if (find_item(s, other, name, &ignored))
			continue;
		size_t before = enter(d, name);
		begin_change(d, row);
		buf_printf(d->out, "%s\n", what);
		leave(d, before);
	}
}

/* Of lists, the order counts where it decides: routes. Elsewhere it does not matter. */
static void diff_array(struct diff *d, const struct conf_row *row, const void *a, const void *b)
{
	const struct conf_section *s = conf_section(row->of);
	struct list_view was = list_get(a, row), is = list_get(b, row);
	size_t last = 0, at = 0;
	bool moved = false;

	report_only(d, row, was, is, "removed");
	report_only(d, row, is, was, "added");
	for (size_t i = 0; i < was.n; i++) {
		const char *item = (const char *)was.items + i * s->size;
		const void *now = find_item(s, is, name_of(s, item), &at);
		if (!now)
			continue;
		moved = moved || at < last;
		last = at;
		size_t before = enter(d, name_of(s, item));
		diff_section(d, s, item, now);
		leave(d, before);
	}
	if (moved && row->of == CONF_SECTION_route) {
		begin_change(d, row);
		buf_c(d->out, "in another order\n");
	}
}

static void diff_row(struct diff *d, const struct conf_row *row, const void *a, const void *b)
{
	if (row->type == CONF_TYPE_MAP_KEY || row->type == CONF_TYPE_INCLUDE)
		return;
	if (row->type == CONF_TYPE_BLOCK)
		diff_section(d, conf_section(row->of), (const char *)a + row->offset,
			     (const char *)b + row->offset);
	else if (conf_row_is_block(row))
		diff_array(d, row, a, b);
	else
		diff_value(d, row, a, b);
}

static void diff_section(struct diff *d, const struct conf_section *s, const void *a, const void *b)
{
	for (size_t i = 0; i < s->n_rows; i++) {
		size_t before = enter(d, s->rows[i].key);
		diff_row(d, &s->rows[i], a, b);
		leave(d, before);
	}
}

void conf_diff(const struct conf *before, const struct conf *after, struct buf *out,
	       struct conf_changes *out_changes)
{
	struct diff d = {.out = out, .changes = out_changes};

	*out_changes = (struct conf_changes){0};
	diff_section(&d, conf_section(CONF_SECTION_root), before, after);
}
