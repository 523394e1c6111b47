/* SPDX-License-Identifier: BSD-2-Clause */
#include "net/window.h"

/* Free windows kept for reuse: 4 MiB at most. */
enum { KEEP_MAX = 64 };

static struct pool windows = {
	.name = "window", .size = sizeof(struct window), .keep_max = KEEP_MAX};

struct window *window_take(void)
{
	return pool_take(&windows);
}

void window_give(struct window **w)
{
	pool_give(&windows, w);
}

size_t windows_live(void)
{
	return windows.live;
}
