/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Inside conf/: texts with units to numbers and back. Pure functions. A fallible one returns true
 * or says in <why> what is wrong and what to write; the text itself is not repeated there.
 *
 * Times: ms, s, m, h, d (and us). Sizes: B, KiB, MiB, GiB, TiB count by 1024; kB, MB, GB, TB count
 * by 1000. A fraction is fine where the result is whole. Zero needs no unit.
 */
#ifndef CONF_NUMBER_H
#define CONF_NUMBER_H

#include "base/buf.h"

/* Room for a reason. */
struct why {
	char text[256];
};

MUST_CHECK bool number_count(struct str s, uint64_t *out_value, struct why *why);
MUST_CHECK bool number_time(struct str s, int64_t *out_ns, struct why *why);
MUST_CHECK bool number_size(struct str s, uint64_t *out_bytes, struct why *why);
MUST_CHECK bool number_percent(struct str s, double *out_share, struct why *why);

/* The shortest exact text. */
void number_print_time(struct buf *out, int64_t ns);
void number_print_size(struct buf *out, uint64_t bytes);
void number_print_percent(struct buf *out, double share);

/* Fills <why>; false, so that callers can return it. */
bool why_set(struct why *why, const char *fmt, ...) PRINTF(2, 3);

#endif
