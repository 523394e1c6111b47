/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Wall-clock time as text, for logs: the date part is made once per second and kept. UTC.
 */
#ifndef OBS_STAMP_H
#define OBS_STAMP_H

#include "base/prelude.h"

enum {
	STAMP_RFC3339_N = 24, /* 2026-11-22T16:30:00.123Z */
	STAMP_CLF_N = 26,     /* 22/Nov/2026:16:30:00 +0000 */
};

/* The second made last. Zero-initialised is ready to use. */
struct stamp {
	int64_t second;		       /* since the epoch */
	bool valid;		       /* the texts are of <second> */
	char rfc3339[STAMP_RFC3339_N]; /* with ".000" */
	char clf[STAMP_CLF_N];	       /* as in Apache's logs */
};

/* Writes the bytes of <wall> (ns since the epoch), no NUL. */
void stamp_rfc3339(struct stamp *s, int64_t wall, char out[STAMP_RFC3339_N]);
void stamp_clf(struct stamp *s, int64_t wall, char out[STAMP_CLF_N]);

#endif
