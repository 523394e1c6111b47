/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The shared segment: one sealed memfd, created and mapped by the master before it forks, so that
 * every worker and the admin process have it at the same address. Its size never changes (sealed),
 * so no process can make another one fault by cutting it. Fresh pages are zero and cost no memory
 * until touched.
 *
 * Layout: header and directory on the first page, then the regions, each beginning on a page, then
 * spare room. The drawing is in doc/internals/segment.md.
 */
#ifndef SHM_SEG_H
#define SHM_SEG_H

#include "base/err.h"
#include "base/prelude.h"
#include "shm/off.h"

/* Regions, rows in tbl/regions.h. */
enum seg_region {
	SEG_NONE = 0,
#define REGION(id, name, writers, protection, help) SEG_##id,
#include "tbl/regions.h"
#undef REGION
	SEG_REGION_COUNT
};

enum {
	SEG_PAGE = 4096,      /* alignment of regions */
	SEG_VERSION = 1,      /* of header and directory */
	SEG_REGIONS_MAX = 32, /* room in the directory */
};

#define SEG_MAGIC UINT64_C(0x6c65637265697401) /* "\x01tiercel" in memory */
#define SEG_SIZE_MAX (UINT64_C(1) << 46)

/* What the caller wants in the segment. */
struct seg_spec {
	enum seg_region id; /* each at most once */
	size_t bytes;	    /* size; rounded up to whole pages */
	uint64_t layout; /* hash of what is inside: another value = not readable by this program */
};

struct seg; /* one process's view of the segment; private to seg.c */

/*
 * Master, before the first fork: makes a segment of the <n> regions, all zero, marked dirty.
 * ERR_SYS (errno is set), ERR_NOMEM, ERR_LIMIT.
 */
MUST_CHECK int seg_create(const struct seg_spec *specs, size_t n, struct seg **out);

/* The same with <spare> bytes behind the regions, for those that a later program lays out anew. */
MUST_CHECK int seg_create_spare(const struct seg_spec *specs, size_t n, size_t spare,
				struct seg **out);

/*
 * Maps a segment that an earlier program left behind (takes <fd>, on failure too). Trusts nothing
 * in it: ERR_SYS, ERR_CORRUPT (not a segment, or the directory is wrong), ERR_VERSION.
 */
MUST_CHECK int seg_map(int fd, struct seg **out);

/*
 * Checks header and directory of <bytes> bytes at <base>: magic, version, sizes, bounds, overlap.
 * 0, ERR_CORRUPT or ERR_VERSION. Called by seg_map.
 */
MUST_CHECK int seg_check(const void *base, size_t bytes);

/* Unmaps and closes; the memory lives as long as any process maps it. */
void seg_free(struct seg **seg);

/* The region's first byte (page-aligned) and size; NULL if the segment has no such region. */
void *seg_region(const struct seg *seg, enum seg_region id, size_t *out_size);

/*
 * True if the region is there with exactly <bytes> (before rounding) and this layout: it may be
 * used as it is ("warm"). Otherwise it must be made anew ("cold").
 */
bool seg_region_fits(const struct seg *seg, enum seg_region id, size_t bytes, uint64_t layout);

/* Who else uses the segment while it is refitted. */
enum seg_others {
	SEG_ALONE = 1,	 /* nobody: room of regions that are not wanted any more is used again */
	SEG_SHARED = 2,	 /* whoever knows the published directory: its regions stay untouched */
	SEG_CROWDED = 3, /* also programs before that: only room that was never used */
};

/*
 * Gives this view (and those of children) the regions of <specs>: where keep[i] is set and the
 * region fits it stays as and where it is, else keep[i] is cleared and the region begins as zeros in
 * spare room; other regions leave the view. Other programs see no change until seg_publish().
 * ERR_LIMIT: no room left; ERR_SYS; the view is unchanged then.
 */
MUST_CHECK int seg_refit(struct seg *seg, const struct seg_spec *specs, size_t n,
			 enum seg_others others, bool *keep);

/* Writes this view's directory to the segment: the next program finds these regions. */
void seg_publish(struct seg *seg);

/* Gives back the memory of everything that this view has no region for. Nobody else may use it. */
void seg_trim(struct seg *seg);

/* Copies what is in region <id>, which must have the same size in both; untouched pages stay so.
 * ERR_MISSING, ERR_RANGE, ERR_SYS. */
MUST_CHECK int seg_copy_region(struct seg *to, const struct seg *from, enum seg_region id);

/* Makes the region all zeros again and gives its memory back. ERR_MISSING, ERR_SYS. */
MUST_CHECK int seg_clear_region(struct seg *seg, enum seg_region id);

/*
 * Clean means: every process that wrote has ended in order. The master marks the segment clean as
 * its last deed; whoever maps it again marks it dirty and repairs first if it was dirty.
 */
void seg_mark_clean(struct seg *seg);
bool seg_mark_dirty(struct seg *seg); /* returns whether it was clean */

/* The descriptor, to hand over to the next program; stays owned by <seg>. */
int seg_fd(const struct seg *seg);

void *seg_base(const struct seg *seg);
size_t seg_size(const struct seg *seg);

/* A stable hash of text (FNV-1a, 64 bits), to build layout hashes from tables; start with 0. */
uint64_t seg_hash(uint64_t so_far, const char *text);

/* "slots"; never NULL. */
const char *seg_region_name(enum seg_region id);

#endif
