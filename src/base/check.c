/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/check.h"

#include <stdio.h>
#include <stdlib.h>

static check_hook_fn *panic_hook;

void check_set_hook(check_hook_fn *hook)
{
	panic_hook = hook;
}

NORETURN void check_failed(const char *file, int line, const char *func, const char *what)
{
	check_hook_fn *hook = panic_hook;

	panic_hook = NULL; /* a hook that fails itself must not be entered again */
	fprintf(stderr, "assertion failed: %s (%s:%d, %s)\n", what, file, line, func);
	if (hook)
		hook(file, line, func, what);
	abort();
}
