/* SPDX-License-Identifier: BSD-2-Clause */
#include "conf/report.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { ERRORS_KEPT = 100, WARNINGS_KEPT = 50, TEXT_MAX = 1024 };

void conf_report_init(struct conf_report *r)
{
	*r = (struct conf_report){0};
	arena_init(&r->arena, NULL, 0, 0);
}

void conf_report_fini(struct conf_report *r)
{
	free(r->messages);
	arena_fini(&r->arena);
	*r = (struct conf_report){0};
}

static struct conf_message *message_new(struct conf_report *r)
{
	if (r->n == r->size) {
		size_t size = r->size ? r->size * 2 : 16;
		struct conf_message *bigger = reallocarray(r->messages, size, sizeof(*bigger));

		if (!bigger)
			return NULL;
		r->messages = bigger;
		r->size = size;
	}
	return &r->messages[r->n++];
}

static void add(struct conf_report *r, enum conf_severity severity, struct place at,
		const char *fmt, va_list args)
{
	char text[TEXT_MAX];

	vsnprintf(text, sizeof(text), fmt, args);
	struct str kept = arena_str(&r->arena, str_c(text));
	struct str file = arena_str(&r->arena, str_c(at.file ? at.file : "(built in)"));
	if (!kept.p || !file.p)
		return;
	struct conf_message *m = message_new(r);
	if (m)
		*m = (struct conf_message){.file = file.p,
					   .file_no = at.file_no,
					   .line = at.line,
					   .column = at.column,
					   .severity = severity,
					   .text = kept.p};
}

void report_error(struct conf_report *r, struct place at, const char *fmt, ...)
{
	va_list args;

	if (r->n_errors++ >= ERRORS_KEPT)
		return;
	va_start(args, fmt);
	add(r, CONF_ERROR, at, fmt, args);
	va_end(args);
}

void report_warning(struct conf_report *r, struct place at, const char *fmt, ...)
{
	va_list args;

	if (r->n >= ERRORS_KEPT + WARNINGS_KEPT)
		return;
	va_start(args, fmt);
	add(r, CONF_WARNING, at, fmt, args);
	va_end(args);
}

static int by_position(const void *left, const void *right)
{
	const struct conf_message *a = left, *b = right;

	if (a->file_no != b->file_no)
		return a->file_no < b->file_no ? -1 : 1;
	if (a->line != b->line)
		return a->line < b->line ? -1 : 1;
	if (a->column != b->column)
		return a->column < b->column ? -1 : 1;
	return strcmp(a->text, b->text);
}

void report_sort(struct conf_report *r)
{
	if (r->n)
		qsort(r->messages, r->n, sizeof(*r->messages), by_position);
}

const char *place_text(struct place at, char *buffer, size_t size)
{
	if (!at.file)
		snprintf(buffer, size, "default");
	else if (at.line)
		snprintf(buffer, size, "%s:%u:%u", at.file, at.line, at.column);
	else
		snprintf(buffer, size, "%s", at.file);
	return buffer;
}

void conf_report_print(const struct conf_report *r, struct buf *out)
{
	for (size_t i = 0; i < r->n; i++) {
		const struct conf_message *m = &r->messages[i];

		buf_c(out, m->file);
		if (m->line)
			buf_printf(out, ":%u:%u", m->line, m->column);
		buf_printf(out, ": %s%s\n", m->severity == CONF_WARNING ? "warning: " : "",
			   m->text);
	}
	if (r->n_errors > ERRORS_KEPT)
		buf_printf(out, "and %zu more errors\n", r->n_errors - ERRORS_KEPT);
}
