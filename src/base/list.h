/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Intrusive doubly linked lists. A node knows its list, so that removing it through the wrong
 * head is caught, and "is it queued?" needs no flag of its own.
 */
#ifndef BASE_LIST_H
#define BASE_LIST_H

#include "base/check.h"

struct list_node {
	struct list_node *next, *prev;
	struct list *owner; /* the list it is on, or NULL */
};

struct list {
	struct list_node head; /* sentinel: head.next is the first */
	size_t count;	       /* nodes on the list */
};

static inline void list_init(struct list *l)
{
	l->head.next = l->head.prev = &l->head;
	l->head.owner = l;
	l->count = 0;
}

static inline bool list_empty(const struct list *l)
{
	return l->count == 0;
}

static inline bool list_linked(const struct list_node *n)
{
	return n->owner != NULL;
}

static inline void list_insert_between_(struct list *l, struct list_node *n, struct list_node *prev,
					struct list_node *next)
{
	ASSERT(n->owner == NULL);
	n->prev = prev;
	n->next = next;
	prev->next = n;
	next->prev = n;
	n->owner = l;
	l->count++;
}

static inline void list_append(struct list *l, struct list_node *n)
{
	list_insert_between_(l, n, l->head.prev, &l->head);
}

static inline void list_prepend(struct list *l, struct list_node *n)
{
	list_insert_between_(l, n, &l->head, l->head.next);
}

/* Takes <n> off <l>; it must be on that very list. */
static inline void list_remove(struct list *l, struct list_node *n)
{
	ASSERT(n->owner == l && l->count > 0);
	n->prev->next = n->next;
	n->next->prev = n->prev;
	n->next = n->prev = NULL;
	n->owner = NULL;
	l->count--;
}

/* First node, or NULL. */
static inline struct list_node *list_first(const struct list *l)
{
	return l->count ? l->head.next : NULL;
}

static inline struct list_node *list_last(const struct list *l)
{
	return l->count ? l->head.prev : NULL;
}

/* Takes the first node off and returns it, or NULL. */
static inline struct list_node *list_pop(struct list *l)
{
	struct list_node *n = list_first(l);

	if (n)
		list_remove(l, n);
	return n;
}

/* Walks the list; <n> may be removed in the body. */
#define LIST_EACH(l, n)                                                                            \
	for (struct list_node *n = (l)->head.next, *n##_next = n->next; n != &(l)->head;           \
	     n = n##_next, n##_next = n->next)

#endif
