/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Windows: the fixed pieces of memory that bytes pass through. A stream holds at most one per
 * direction, an idle connection none; so a worker's memory is bounded by its open streams, never
 * by the size of what they carry. One pool per worker process.
 */
#ifndef NET_WINDOW_H
#define NET_WINDOW_H

#include "base/pool.h"

enum { WINDOW_SIZE = 64 * 1024 };

struct window {
	char bytes[WINDOW_SIZE];
};

/* NULL when out of memory. */
MUST_CHECK struct window *window_take(void);

/* Gives *<w> back and clears it; NULL inside is allowed. */
void window_give(struct window **w);

/* Windows in use now. */
size_t windows_live(void);

#endif
