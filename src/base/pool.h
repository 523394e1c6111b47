/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pools of equal-sized objects with a name, a live count and a high-water mark. Freed objects
 * wait on a short last-in-first-out list, so the next one is warm in the cache; beyond
 * <keep_max> they go back to malloc. Single-threaded.
 */
#ifndef BASE_POOL_H
#define BASE_POOL_H

#include "base/check.h"

struct pool {
	const char *name; /* for statistics */
	size_t size;	  /* bytes of one object */
	size_t keep_max;  /* free objects kept at most */
	void *free_list;  /* first free object; its first word links to the next */
	size_t kept;	  /* free objects held */
	size_t live;	  /* objects handed out */
	size_t high;	  /* most that were live at once */
};

void pool_init(struct pool *p, const char *name, size_t size, size_t keep_max);

/* Frees the kept objects; none may be live. */
void pool_fini(struct pool *p);

/* An object with undefined contents, or NULL when out of memory. */
MUST_CHECK void *pool_take(struct pool *p);

/* Gives *<object> back and clears the pointer; NULL inside is allowed. */
void pool_give(struct pool *p, void *pointer_to_object);

#endif
