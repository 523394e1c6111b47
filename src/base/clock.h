/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Time as the process sees it: read from the system once per loop turn, then cached, so that a
 * request costs no clock calls of its own. Pure code gets `now` as an argument instead.
 * Single-threaded per process; helper threads must not call these.
 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include "base/prelude.h"

/* Cached monotonic time in ns (CLOCK_MONOTONIC, so comparable between processes). */
int64_t clock_mono(void);

/* Cached wall-clock time in ns since the epoch. */
int64_t clock_wall(void);

/* Reads both clocks again. The loop calls it once per turn, before the first callback. */
void clock_refresh(void);

/* Monotonic time now, past the cache: for measuring inside one turn. */
int64_t clock_mono_exact(void);

/* Tests: time stands still at these values until changed; refresh becomes a no-op. */
void clock_set(int64_t mono, int64_t wall);

#endif
