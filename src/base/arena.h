/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A bump allocator with the lifetime of one request (or one configuration): nothing is freed
 * singly. The first block usually lies inside a pooled object, so a typical request never calls
 * malloc. Single-threaded.
 */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include "base/str.h"

struct arena_block;

struct arena {
	char *at, *end;		    /* free part of the newest block */
	struct arena_block *blocks; /* malloc'ed blocks, newest first */
	size_t used;		    /* bytes of malloc'ed blocks */
	size_t cap;		    /* limit for <used>; 0 = none */
};

/* Begins with <n> bytes of the caller's memory at <first> (may be NULL, 0). */
void arena_init(struct arena *a, void *first, size_t n, size_t cap);

/* Frees all blocks; every pointer handed out is dead. */
void arena_fini(struct arena *a);

/* <n> bytes aligned for any type, contents undefined; NULL at the cap or out of memory. */
MUST_CHECK void *arena_alloc(struct arena *a, size_t n);

/* The same, zeroed. */
MUST_CHECK void *arena_zalloc(struct arena *a, size_t n);

/* The newest allocation is used only up to <end>: what lies behind goes back. */
static inline void arena_trim(struct arena *a, char *end)
{
	a->at = end;
}

/* A copy of <s> with a NUL behind it (not counted); {NULL, 0} on failure. */
MUST_CHECK struct str arena_str(struct arena *a, struct str s);

/* A formatted string; {NULL, 0} on failure. */
MUST_CHECK struct str arena_printf(struct arena *a, const char *fmt, ...) PRINTF(2, 3);

#endif
