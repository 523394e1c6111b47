/* SPDX-License-Identifier: BSD-2-Clause */
#include "conf/print.h"

#include <stdio.h>

#include "conf/box.h"
#include "conf/httptext.h"
#include "conf/scalar.h"
#include "conf/values.h"

/* Where the comments stand, unless the line is longer. */
enum { COMMENT_COLUMN = 48 };

/* One print. */
struct printer {
	const struct conf_box *box;
	struct buf *out;
	size_t line; /* where the current line begins */
};

static void begin_line(struct printer *p, unsigned indent, const char *mark)
{
	p->line = p->out->n;
	buf_printf(p->out, "%*s%s", (int)(indent * 2), "", mark);
}

/* Ends the line with where its value comes from. */
static void end_line(struct printer *p, const struct origin *o)
{
	size_t width = p->out->n - p->line;

	buf_printf(p->out, "%*s# ", width < COMMENT_COLUMN ? (int)(COMMENT_COLUMN - width) : 1, "");
	if (!o || !o->at.file)
		buf_c(p->out, "default");
	else
		buf_printf(p->out, "%s:%u%s", o->at.file, o->at.line,
			   o->from_env ? " and the environment" : "");
	buf_char(p->out, '\n');
}

static void print_scalar(struct printer *p, const struct conf_row *row, const void *element,
			 enum scalar_use use)
{
	struct buf text = BUF_INIT;

	value_write(&text, row, element);
	if (text.error)
		p->out->error = text.error;
	scalar_print(p->out, buf_slice(&text), use);
	buf_fini(&text);
}

static void print_list(struct printer *p, const struct conf_row *row, const void *base)
{
	buf_char(p->out, '[');
	for (size_t i = 0; i < value_count(row, base); i++) {
		buf_c(p->out, i ? ", " : "");
		print_scalar(p, row, value_at(row, base, i), SCALAR_ITEM);
	}
	buf_char(p->out, ']');
}

/* A field's value is a secret by its name, or because it came from the environment. */
static bool is_secret(const struct conf_row *row, const void *element, const struct origin *o)
{
	if (row->type != CONF_TYPE_PAIRS)
		return false;
	return (o && o->from_env) ||
	       field_is_secret(str_c(((const struct conf_pair *)element)->name));
}

static void print_key(struct printer *p, const struct conf_row *row, const void *element)
{
	struct buf text = BUF_INIT;

	value_write_key(&text, row, element);
	if (text.error)
		p->out->error = text.error;
	scalar_print(p->out, buf_slice(&text), SCALAR_KEY);
	buf_fini(&text);
}

static void print_pairs(struct printer *p, const struct conf_row *row, const void *base,
			unsigned indent)
{
	begin_line(p, indent, "");
	buf_printf(p->out, "%s:\n", row->key);
	for (size_t i = 0; i < value_count(row, base); i++) {
		const void *element = value_at(row, base, i);
		const struct origin *o = box_origin(p->box, element, NULL);
		begin_line(p, indent + 1, "");
		print_key(p, row, element);
		buf_c(p->out, ": ");
		if (is_secret(row, element, o))
			buf_c(p->out, "(hidden)");
		else
			print_scalar(p, row, element, SCALAR_VALUE);
		end_line(p, o);
	}
}

/* A setting without a value is shown as a comment, so that it can be seen to exist. */
static void print_value(struct printer *p, const struct conf_row *row, const void *base,
			unsigned indent, const char *mark)
{
	bool set = value_is_set(row, base);

	if (value_is_map(row) && set) {
		print_pairs(p, row, base, indent);
		return;
	}
	begin_line(p, indent, mark);
	if (!set)
		buf_printf(p->out, "# %s: not set\n", row->key);
	if (!set)
		return;
	buf_printf(p->out, "%s: ", row->key);
	const struct origin *o = box_origin(p->box, (const char *)base + row->offset, row);
	if (value_is_list(row, base))
		print_list(p, row, base);
	else if (!o && row->def && (row->type != CONF_TYPE_SIZE || size_is_default(row, base)))
		scalar_print(p->out, str_c(row->def), SCALAR_VALUE); /* 60s rather than 1m */
	else
		print_scalar(p, row, value_at(row, base, 0), SCALAR_VALUE);
	end_line(p, o);
}

static void print_section(struct printer *p, const struct conf_section *s, const void *base,
			  unsigned indent);

static void print_head(struct printer *p, unsigned indent, const char *key)
{
	begin_line(p, indent, "");
	scalar_print(p->out, str_c(key), SCALAR_KEY);
	buf_c(p->out, ":\n");
}

/* An item of a list begins with a dash of its own line, whatever its first setting is. */
static void print_array(struct printer *p, const struct conf_row *row, const void *base,
			unsigned indent)
{
	const struct conf_section *s = conf_section(row->of);
	struct list_view v = list_get(base, row);

	if (!v.n) {
		begin_line(p, indent, "");
		buf_printf(p->out, "# %s: not set\n", row->key);
		return;
	}
	print_head(p, indent, row->key);
	for (size_t i = 0; i < v.n; i++) {
		const char *item = (const char *)v.items + i * s->size;
		if (row->type == CONF_TYPE_NAMED) {
			print_head(p, indent + 1, *(const char *const *)(item + s->rows[0].offset));
		} else {
			begin_line(p, indent + 1, "-\n");
		}
		print_section(p, s, item, indent + 2);
	}
}

static void print_row(struct printer *p, const struct conf_row *row, const void *base,
		      unsigned indent)
{
	if (row->type == CONF_TYPE_MAP_KEY || row->type == CONF_TYPE_INCLUDE)
		return; /* printed as the head; merged into the rest */
	if (row->type == CONF_TYPE_BLOCK) {
		print_head(p, indent, row->key);
		print_section(p, conf_section(row->of), (const char *)base + row->offset,
			      indent + 1);
	} else if (conf_row_is_block(row)) {
		print_array(p, row, base, indent);
	} else {
		print_value(p, row, base, indent, "");
	}
}

static void print_section(struct printer *p, const struct conf_section *s, const void *base,
			  unsigned indent)
{
	for (size_t i = 0; i < s->n_rows; i++)
		print_row(p, &s->rows[i], base, indent);
}

void conf_print(const struct conf *c, struct buf *out)
{
	struct printer p = {.box = conf_box(c), .out = out};

	print_section(&p, conf_section(CONF_SECTION_root), c, 0);
}
