/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Inside conf/: a configuration with what the outside does not see: its memory, its references,
 * and for each value the place where it was written.
 */
#ifndef CONF_BOX_H
#define CONF_BOX_H

#include "conf/report.h"
#include "conf/rows.h"
#include "conf/source.h"
#include "conf/yaml.h"

#define CONF_BOX_MAGIC 0xc0f1b0c5u

/*
 * Where a value was written. A member and the struct that it begins share an address, so the row is
 * part of the key; an element of a list has row NULL.
 */
struct origin {
	const void *member;
	const struct conf_row *row;
	struct place at;
	bool bad;      /* reported already: checks between settings leave it alone */
	bool from_env; /* a part came from the environment */
	bool no_block; /* an item of blocks that was something else */
};

struct conf_box {
	struct conf conf; /* first, so that either pointer gives the other */
	uint32_t magic;
	unsigned refs;
	struct arena arena;	/* everything that conf points to */
	struct origin *origins; /* malloc'ed; sorted once loading is done */
	size_t n_origins, size;
	bool sorted;
	struct place root_at; /* the main file's beginning */
};

/* A load at work. */
struct reader {
	struct conf_box *box;
	struct conf_source *src;
	struct conf_report *report;
	int rc; /* the first ERR_NOMEM or ERR_LIMIT; the load fails with it */
};

static inline struct conf_box *conf_box(const struct conf *c)
{
	return (struct conf_box *)(uintptr_t)c;
}

/* Notes where <member> was written. */
void box_note(struct reader *rd, const void *member, const struct conf_row *row,
	      const struct node *n, bool bad);

/* Sorts the notes; lookups work after it. */
void box_sort(struct conf_box *box);

/* The note about a member (row) or an element (row NULL), or NULL for a default. */
const struct origin *box_origin(const struct conf_box *box, const void *member,
				const struct conf_row *row);

/* <n> zeroed bytes of the configuration's arena; NULL with rd->rc set. */
void *box_alloc(struct reader *rd, size_t n);
const char *box_str(struct reader *rd, struct str s);

/* Marks the load as failed for lack of memory. */
void reader_nomem(struct reader *rd);

#endif
