/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/arena.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { ALIGN = _Alignof(max_align_t), BLOCK = 4096 };

struct arena_block {
	_Alignas(max_align_t) struct arena_block *next;
};

void arena_init(struct arena *a, void *first, size_t n, size_t cap)
{
	*a = (struct arena){.at = first, .end = first ? (char *)first + n : NULL, .cap = cap};
}

void arena_fini(struct arena *a)
{
	while (a->blocks) {
		struct arena_block *b = a->blocks;
		a->blocks = b->next;
		free(b);
	}
	*a = (struct arena){.cap = a->cap};
}

static char *aligned(char *p)
{
	return p + (-(uintptr_t)p & (ALIGN - 1));
}

static bool add_block(struct arena *a, size_t n)
{
	if (n > SIZE_MAX / 2)
		return false;
	size_t size = sizeof(struct arena_block) + MAX(n, (size_t)BLOCK);
	if (a->cap && (size > a->cap || a->used > a->cap - size))
		return false;
	struct arena_block *b = malloc(size);
	if (!b)
		return false;
	b->next = a->blocks;
	a->blocks = b;
	a->used += size;
	a->at = (char *)(b + 1);
	a->end = (char *)b + size;
	return true;
}

void *arena_alloc(struct arena *a, size_t n)
{
	char *p = a->at ? aligned(a->at) : NULL;

	if (!p || p > a->end || (size_t)(a->end - p) < n) {
		if (!add_block(a, n))
			return NULL;
		p = aligned(a->at);
	}
	a->at = p + n;
	return p;
}

void *arena_zalloc(struct arena *a, size_t n)
{
	void *p = arena_alloc(a, n);

	if (p)
		memset(p, 0, n);
	return p;
}

struct str arena_str(struct arena *a, struct str s)
{
	char *p = arena_alloc(a, s.n + 1);

	if (!p)
		return STR_NONE;
	str_copy(p, s.n + 1, s);
	return str_of(p, s.n);
}

struct str arena_printf(struct arena *a, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	int n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	char *p = n >= 0 ? arena_alloc(a, (size_t)n + 1) : NULL;
	if (!p)
		return STR_NONE;
	va_start(ap, fmt);
	vsnprintf(p, (size_t)n + 1, fmt, ap);
	va_end(ap);
	return str_of(p, (size_t)n);
}
