/* SPDX-License-Identifier: BSD-2-Clause */
#include "admin/table.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/check.h"

enum { CELL_MAX = 512, WIDEST = 60 };

void table_init(struct table *t, const char *headings)
{
	struct str rest = str_c(headings), heading;

	memset(t, 0, sizeof(*t));
	t->widest = WIDEST;
	while (str_next(&rest, '|', &heading)) {
		bool right = heading.n && heading.p[0] == '>';

		ASSERT(t->columns < TABLE_COLUMNS);
		t->right[t->columns++] = right;
		table_cellf(t, "%.*s", (int)heading.n - right, heading.p + right);
	}
}

/* Length of the UTF-8 sequence at <p>, or 0 when it is none, or a control character. */
static size_t printable(const unsigned char *p)
{
	size_t n = p[0] < 0x80 ? 1 : p[0] < 0xc2 ? 0 : p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;

	if (p[0] < 0x20 || p[0] == 0x7f || p[0] > 0xf4 || (p[0] == 0xc2 && p[1] < 0xa0))
		return 0;
	for (size_t i = 1; i < n; i++) {
		if ((p[i] & 0xc0) != 0x80) /* also stops at the NUL */
			return 0;
	}
	return n;
}

void table_cell(struct table *t, const char *text)
{
	const unsigned char *p = (const unsigned char *)text;
	unsigned columns = 0;

	for (; *p && columns < t->widest; columns++) {
		size_t n = printable(p);

		if (n)
			buf_add(&t->cells, p, n);
		else
			buf_char(&t->cells, '?');
		p += n ? n : 1;
	}
	if (*p)
		buf_c(&t->cells, "...");
	buf_char(&t->cells, '\0');
	t->n++;
}

void table_cellf(struct table *t, const char *fmt, ...)
{
	char cell[CELL_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(cell, sizeof(cell), fmt, ap);
	va_end(ap);
	table_cell(t, cell);
}

/* Columns that a cell takes on the screen: bytes that do not continue a sequence. */
static unsigned width_of(const char *cell)
{
	unsigned columns = 0;

	for (; *cell; cell++)
		columns += ((unsigned char)*cell & 0xc0) != 0x80;
	return columns;
}

static void write_row(const struct table *t, const unsigned *widths, const char **cell,
		      struct buf *out)
{
	for (unsigned c = 0; c < t->columns; c++) {
		int gap = (int)(widths[c] - width_of(*cell));

		if (c)
			buf_c(out, "  ");
		if (t->right[c])
			buf_printf(out, "%*s", gap, "");
		buf_c(out, *cell);
		if (!t->right[c] && c + 1 < t->columns)
			buf_printf(out, "%*s", gap, "");
		*cell += strlen(*cell) + 1;
	}
	buf_char(out, '\n');
}

void table_end(struct table *t, struct buf *out)
{
	unsigned widths[TABLE_COLUMNS] = {0};
	const char *cell = t->cells.p;

	ASSERT(t->n % t->columns == 0);
	if (t->cells.error) {
		out->error = out->error ? out->error : t->cells.error;
		buf_fini(&t->cells);
		return;
	}
	for (size_t i = 0; i < t->n; i++, cell += strlen(cell) + 1)
		widths[i % t->columns] = MAX(widths[i % t->columns], width_of(cell));
	cell = t->cells.p;
	for (size_t i = 0; i < t->n; i += t->columns)
		write_row(t, widths, &cell, out);
	buf_fini(&t->cells);
}
