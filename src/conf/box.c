/* SPDX-License-Identifier: BSD-2-Clause */
#include "conf/box.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/err.h"

void reader_nomem(struct reader *rd)
{
	if (!rd->rc)
		rd->rc = ERR_NOMEM;
}

void *box_alloc(struct reader *rd, size_t n)
{
	void *p = arena_zalloc(&rd->box->arena, n);

	if (!p)
		reader_nomem(rd);
	return p;
}

const char *box_str(struct reader *rd, struct str s)
{
	const char *p = arena_str(&rd->box->arena, s).p;

	if (!p)
		reader_nomem(rd);
	return p;
}

void box_note(struct reader *rd, const void *member, const struct conf_row *row,
	      const struct node *n, bool bad)
{
	struct conf_box *box = rd->box;

	if (box->n_origins == box->size) {
		size_t size = box->size ? box->size * 2 : 64;
		struct origin *bigger = reallocarray(box->origins, size, sizeof(*bigger));
		if (!bigger) {
			reader_nomem(rd);
			return;
		}
		box->origins = bigger;
		box->size = size;
	}
	box->origins[box->n_origins++] = (struct origin){.member = member,
							 .row = row,
							 .at = n->at,
							 .bad = bad,
							 .from_env = n->from_env,
							 .no_block = n->kind != NODE_MAP};
	box->sorted = false;
}

static int compare_pointers(const void *a, const void *b)
{
	return (uintptr_t)a < (uintptr_t)b ? -1 : (uintptr_t)a > (uintptr_t)b;
}

static int by_member(const void *left, const void *right)
{
	const struct origin *a = left, *b = right;
	int by_address = compare_pointers(a->member, b->member);

	return by_address ? by_address : compare_pointers(a->row, b->row);
}

void box_sort(struct conf_box *box)
{
	if (box->n_origins)
		qsort(box->origins, box->n_origins, sizeof(*box->origins), by_member);
	box->sorted = true;
}

const struct origin *box_origin(const struct conf_box *box, const void *member,
				const struct conf_row *row)
{
	struct origin key = {.member = member, .row = row};

	CHECK_MAGIC(box, CONF_BOX_MAGIC);
	ASSERT(box->sorted);
	if (!box->n_origins)
		return NULL;
	return bsearch(&key, box->origins, box->n_origins, sizeof(key), by_member);
}

struct conf *conf_ref(struct conf *c)
{
	if (c) {
		CHECK_MAGIC(conf_box(c), CONF_BOX_MAGIC);
		conf_box(c)->refs++;
	}
	return c;
}

void conf_unref(struct conf **c)
{
	struct conf_box *box = *c ? conf_box(*c) : NULL;

	*c = NULL;
	if (!box)
		return;
	CHECK_MAGIC(box, CONF_BOX_MAGIC);
	ASSERT(box->refs > 0);
	if (--box->refs)
		return;
	box->magic = 0;
	arena_fini(&box->arena);
	free(box->origins);
	free(box);
}

const char *conf_origin(const struct conf *c, const void *member, unsigned *out_line)
{
	const struct conf_box *box = conf_box(c);

	/* Few ask, so a walk will do: the row is not known here. A block begins with a member. */
	for (size_t i = 0; i < box->n_origins; i++) {
		const struct conf_row *row = box->origins[i].row;
		if (box->origins[i].member == member && row && row->type != CONF_TYPE_BLOCK) {
			*out_line = box->origins[i].at.line;
			return box->origins[i].at.file;
		}
	}
	return NULL;
}

struct conf_upstream *conf_find_upstream(const struct conf *c, const char *name)
{
	for (size_t i = 0; name && i < c->n_upstreams; i++)
		if (strcmp(c->upstreams[i].name, name) == 0)
			return &c->upstreams[i];
	return NULL;
}

struct conf_listener *conf_find_listener(const struct conf *c, const char *name)
{
	for (size_t i = 0; name && i < c->n_listeners; i++)
		if (c->listeners[i].name && strcmp(c->listeners[i].name, name) == 0)
			return &c->listeners[i];
	return NULL;
}

struct conf_route *conf_find_route(const struct conf *c, const char *name)
{
	for (size_t i = 0; name && i < c->n_routes; i++)
		if (c->routes[i].name && strcmp(c->routes[i].name, name) == 0)
			return &c->routes[i];
	return NULL;
}
