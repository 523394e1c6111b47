/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Inside conf/: the types of tbl/conf_types.h, how one element of each is read and written. An
 * element is the member itself, or one item of a list. values.c puts elements into members.
 */
#ifndef CONF_ELEMENTS_H
#define CONF_ELEMENTS_H

#include "conf/number.h"
#include "conf/values.h"

/* What a value looks like in the file and in C. */
enum element_shape {
	ONE = 1,    /* a scalar; the member is the element */
	MANY = 2,   /* a scalar or a list of scalars; pointer and length */
	PAIRS = 3,  /* a map of scalars; pointer and length */
	FORMAT = 4, /* a word, or a list of scalars: struct conf_log_access */
};

typedef bool element_reader(struct reader *rd, const struct conf_row *row, const struct node *n,
			    void *into);
typedef void element_writer(struct buf *out, const struct conf_row *row, const void *element);

struct element_ops {
	enum element_shape shape;
	size_t size; /* of one element in C */
	/* From a SCALAR; false when it was reported as wrong. */
	element_reader *read;
	/* As text without quotes; of PAIRS: the value. */
	element_writer *write;
	/* PAIRS: the key. */
	void (*write_key)(struct buf *out, const void *element);
};

/* Never for blocks. */
const struct element_ops *element_ops(const struct conf_row *row);

/* Reports a value that is wrong, and why; false, so that readers can return it. */
bool element_bad(struct reader *rd, const struct conf_row *row, const struct node *n,
		 const struct why *why);

/* Puts a copy of <s> into the `const char *` at <into>; true. */
bool element_take(struct reader *rd, struct str s, void *into);

/* Rows of the table in elements.c: of elements.c, for use in elements_multi.c ... */
element_reader read_string, read_time;
element_writer write_string, write_time;

/* ... and of elements_multi.c. */
element_reader read_route_path, read_body_file, read_log_field, read_pair, read_status_time;
element_writer write_route_path, write_pair, write_status_time;
void write_pair_key(struct buf *out, const void *element);
void write_status_time_key(struct buf *out, const void *element);

#endif
