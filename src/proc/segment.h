/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which regions the shared segment has, and how the master comes by a segment: made anew, stored by
 * the service manager over a restart, or handed over by the program before, whose workers still use
 * it. Each region decides by its size and layout whether it stays as it is ("warm"). Master, before
 * it forks.
 */
#ifndef PROC_SEGMENT_H
#define PROC_SEGMENT_H

#include "base/buf.h"
#include "base/err.h"

struct conf;
struct metrics;
struct seg;
struct slots;

struct segment {
	struct seg *seg;
	struct slots *slots;	 /* in it */
	struct metrics *metrics; /* the master's view; malloc'ed */
	bool same_slots;	 /* the slots are those that the program before used */
	bool inherited;		 /* some of it is warm */
};

struct segment_want {
	const struct conf *conf;
	const int *doorbells; /* of every slot; must outlive the segment */
	int fd;		      /* an earlier segment, taken; -1 = none */
	bool live;	      /* workers of the program before are using it */
	bool crowded;	      /* so are those of the program before that one */
};

/*
 * Opens or makes one, whatever <fd> turns out to be, and registers the recover functions. What
 * became warm or cold, and why, goes to <told>, one line each. ERR_SYS (errno), ERR_NOMEM,
 * ERR_LIMIT.
 */
MUST_CHECK int segment_open(const struct segment_want *want, struct segment *out, struct buf *told);

/* Could this program use the segment <fd> (taken)? For a trial: changes nothing; says what is warm. */
MUST_CHECK int segment_try(int fd, const struct conf *conf, struct buf *told);

void segment_close(struct segment *s);

#endif
