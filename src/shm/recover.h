/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What to repair after a worker's death. Whoever owns a region registers a function; the master
 * runs them all after it has reaped the worker and before a replacement moves into the slot.
 * Registration is per process (function pointers do not go into the segment).
 */
#ifndef SHM_RECOVER_H
#define SHM_RECOVER_H

#include "base/prelude.h"
#include "shm/seg.h"

/*
 * Repairs what the dead worker of <slot> left in one region. Runs in the master; must not wait
 * for anything but locks, and must be safe to run twice (the master may die half-way).
 */
typedef void recover_fn(struct seg *seg, unsigned slot, void *arg);

/* One function per region; a later call replaces it, NULL removes it. */
void recover_register(enum seg_region region, recover_fn *fn, void *arg);

/* Runs all functions for <slot>, in the order of the regions. */
void recover_slot(struct seg *seg, unsigned slot);

#endif
