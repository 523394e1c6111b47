/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Inside conf/: one setting's value, whatever its type: from a node into its struct member, and
 * back to text. Blocks are walked by schema.c, print.c, diff.c and never come here.
 */
#ifndef CONF_VALUES_H
#define CONF_VALUES_H

#include "conf/box.h"

/*
 * Reads <n> into the member of <row> in <base>; false when it was reported as wrong. Notes origins.
 */
bool value_read(struct reader *rd, const struct conf_row *row, const struct node *n, void *base);

/* Puts the default of <row> into its member. */
void value_default(struct reader *rd, const struct conf_row *row, void *base);

/* Is the value a list (printed as [a, b]), or a map (printed as a block)? */
bool value_is_list(const struct conf_row *row, const void *base);
bool value_is_map(const struct conf_row *row);

/* Is there a value? An empty list counts as none, unless it stands in place of a default. */
bool value_is_set(const struct conf_row *row, const void *base);

/* How many elements a list or PAIRS has, and one of them; else 1, the member itself. */
size_t value_count(const struct conf_row *row, const void *base);
const void *value_at(const struct conf_row *row, const void *base, size_t i);

/* Of a SIZE: is it the row's default? */
bool size_is_default(const struct conf_row *row, const void *base);

/* The text of an element, as one would write it but without quotes; of a map: key and value. */
void value_write(struct buf *out, const struct conf_row *row, const void *element);
void value_write_key(struct buf *out, const struct conf_row *row, const void *element);

/* A list's pointer and length, for members that are made of these two. */
struct list_view {
	void *items;
	size_t n;
};
struct list_view list_get(const void *base, const struct conf_row *row);
void list_set(void *base, const struct conf_row *row, struct list_view v);

/* "text", cut and made printable, for messages. */
struct shown {
	char text[100];
};
const char *show(struct str s, struct shown *buffer);

#endif
