/* SPDX-License-Identifier: BSD-2-Clause */
#include "proc/segment.h"

#include "obs/metrics.h"
#include "shm/seg.h"
#include "shm/slots.h"
#include "upstream/cells.h"

int segment_new(struct seg **out_seg, struct slots **out_slots, struct metrics **out_metrics)
{
	const struct seg_spec specs[] = {
		{SEG_SLOTS, slots_size(SLOT_MAX), slots_layout()},
		{SEG_METRICS, metrics_size(SLOT_MAX), metrics_layout()},
		{SEG_UPSTREAMS, upstream_region_bytes(), upstream_region_layout()},
	};
	struct seg *seg;
	int rc = seg_create(specs, COUNTOF(specs), &seg);

	if (rc != 0)
		return rc;
	*out_slots = slots_attach(seg);
	*out_metrics = metrics_attach(seg);
	if (!*out_slots || !*out_metrics || !cells_attach(seg)) {
		seg_free(&seg);
		return ERR_NOMEM;
	}
	*out_seg = seg;
	return 0;
}
