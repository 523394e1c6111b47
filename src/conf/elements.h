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

struct element_ops {
	enum element_shape shape;
	size_t size; /* of one element in C */
	/* From a SCALAR; false when it was reported as wrong. */
	bool (*read)(struct reader *rd, const struct conf_row *row, const struct node *n,
		     void *into);
	/* As text without quotes. */
	void (*write)(struct buf *out, const struct conf_row *row, const void *element);
};

/* Never for blocks. */
const struct element_ops *element_ops(const struct conf_row *row);

/* Reports a value that is wrong, and why; false, so that readers can return it. */
bool element_bad(struct reader *rd, const struct conf_row *row, const struct node *n,
		 const struct why *why);

#endif
