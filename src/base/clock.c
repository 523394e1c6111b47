/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/clock.h"

#include <time.h>

static int64_t cached_mono, cached_wall;
static bool overridden;

static int64_t read_clock(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (int64_t)ts.tv_sec * NS_PER_S + ts.tv_nsec;
}

void clock_refresh(void)
{
	if (overridden)
		return;
	cached_mono = read_clock(CLOCK_MONOTONIC);
	cached_wall = read_clock(CLOCK_REALTIME);
}

int64_t clock_mono(void)
{
	if (UNLIKELY(cached_mono == 0))
		clock_refresh();
	return cached_mono;
}

int64_t clock_wall(void)
{
	if (UNLIKELY(cached_wall == 0))
		clock_refresh();
	return cached_wall;
}

int64_t clock_mono_exact(void)
{
	return overridden ? cached_mono : read_clock(CLOCK_MONOTONIC);
}

void clock_set(int64_t mono, int64_t wall)
{
	overridden = true;
	cached_mono = mono;
	cached_wall = wall;
}
