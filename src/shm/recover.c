/* SPDX-License-Identifier: BSD-2-Clause */
#include "shm/recover.h"

#include "base/check.h"

static struct {
	recover_fn *fn;
	void *arg;
} registered[SEG_REGION_COUNT];

void recover_register(enum seg_region region, recover_fn *fn, void *arg)
{
	ASSERT(region > SEG_NONE && region < SEG_REGION_COUNT);
	registered[region].fn = fn;
	registered[region].arg = arg;
}

void recover_slot(struct seg *seg, unsigned slot)
{
	for (unsigned i = SEG_NONE + 1; i < SEG_REGION_COUNT; i++)
		if (registered[i].fn)
			registered[i].fn(seg, slot, registered[i].arg);
}
