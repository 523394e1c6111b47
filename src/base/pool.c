/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/pool.h"

#include <stdlib.h>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(p, n) ((void)(p), (void)(n))
#define ASAN_UNPOISON_MEMORY_REGION(p, n) ((void)(p), (void)(n))
#endif

void pool_init(struct pool *p, const char *name, size_t size, size_t keep_max)
{
	*p = (struct pool){.name = name, .size = MAX(size, sizeof(void *)), .keep_max = keep_max};
}

static void *unlink_first(struct pool *p)
{
	void *o = p->free_list;

	ASAN_UNPOISON_MEMORY_REGION(o, p->size);
	memcpy(&p->free_list, o, sizeof(void *));
	p->kept--;
	return o;
}

void pool_fini(struct pool *p)
{
	ASSERT(p->live == 0);
	while (p->free_list)
		free(unlink_first(p));
}

void *pool_take(struct pool *p)
{
	void *o = p->free_list ? unlink_first(p) : malloc(p->size);

	if (o && ++p->live > p->high)
		p->high = p->live;
	return o;
}

void pool_give(struct pool *p, void *pointer_to_object)
{
	void *o;

	memcpy(&o, pointer_to_object, sizeof(o));
	if (!o)
		return;
	memset(pointer_to_object, 0, sizeof(o));
	ASSERT(p->live > 0);
	p->live--;
	if (p->kept >= p->keep_max) {
		free(o);
		return;
	}
	memcpy(o, &p->free_list, sizeof(void *));
	p->free_list = o;
	p->kept++;
	ASAN_POISON_MEMORY_REGION((char *)o + sizeof(void *), p->size - sizeof(void *));
}
