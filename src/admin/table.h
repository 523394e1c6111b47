/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Text tables for people: cells are collected, then written in aligned columns. Bytes that could
 * command a terminal are written as `?`, since cells hold what clients sent.
 */
#ifndef ADMIN_TABLE_H
#define ADMIN_TABLE_H

#include "base/buf.h"

enum { TABLE_COLUMNS = 16 };

struct table {
	struct buf cells; /* each ends in a NUL, row after row, the headings first */
	unsigned columns; /* per row */
	size_t n;	  /* cells so far */
	unsigned widest;  /* columns of text per cell; longer ones are cut */
	bool right[TABLE_COLUMNS];
};

/* <headings>: separated by '|'; one that begins with '>' is aligned to the right. */
void table_init(struct table *t, const char *headings);

/* The next cell; the row ends when it is full. */
void table_cell(struct table *t, const char *text);
void table_cellf(struct table *t, const char *fmt, ...) PRINTF(2, 3);

/* Appends the table to <out> and frees it. */
void table_end(struct table *t, struct buf *out);

#endif
