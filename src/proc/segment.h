/* SPDX-License-Identifier: BSD-2-Clause */
/* Which regions the shared segment has, and their first attachment. Master, before it forks. */
#ifndef PROC_SEGMENT_H
#define PROC_SEGMENT_H

#include "base/err.h"
#include "base/prelude.h"

struct metrics;
struct seg;
struct slots;

/* Makes the segment and attaches what the master itself uses of it. */
MUST_CHECK int segment_new(struct seg **out_seg, struct slots **out_slots,
			   struct metrics **out_metrics);

#endif
