/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Asserts that are always compiled in, and the hook that runs before the process dies of one.
 * They state invariants of our own code. Bytes from a client, an origin, YAML or a segment that a
 * crash left behind are never asserted on: wrong input is an error path.
 */
#ifndef BASE_CHECK_H
#define BASE_CHECK_H

#include "base/prelude.h"

/* Ends the process with a report if <cond> is false. Cheap; stays in release builds. */
#define ASSERT(cond) (LIKELY(cond) ? (void)0 : check_failed(__FILE__, __LINE__, __func__, #cond))

/* For checks that walk structures: only in builds configured with --enable-slow-checks. */
#ifdef SLOW_CHECKS
#define ASSERT_SLOW(cond) ASSERT(cond)
#else
#define ASSERT_SLOW(cond) ((void)0)
#endif

/* A long-lived struct begins with `uint32_t magic`; checked where a void * comes back. */
#define CHECK_MAGIC(ptr, value) ASSERT((ptr) != NULL && (ptr)->magic == (value))

/* Called once, with what failed, before abort(); must not return control to the caller's state. */
typedef void check_hook_fn(const char *file, int line, const char *func, const char *what);

/* Sets the hook (NULL: print to stderr only). Process-wide. */
void check_set_hook(check_hook_fn *hook);

/* Runs the hook, then aborts. */
NORETURN void check_failed(const char *file, int line, const char *func, const char *what);

#endif
