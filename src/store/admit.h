/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which large objects may enter a full cache: one of more than a hundredth of it would drive out
 * many for a single request, so it must have been asked for before (its ghost is met), or there
 * must be room that nobody uses.
 */
#ifndef STORE_ADMIT_H
#define STORE_ADMIT_H

#include "store/layout.h"

/* For an object of known length (or STORED_UNKNOWN). <wanted>: more than one ask for it right now,
 * which is as good as its ghost. ERR_LIMIT, ERR_FULL; counted. */
MUST_CHECK int admit(struct l1 *l1, const struct l1_hash *hash, uint64_t length, bool wanted);

/* For one of unknown length, when it needs its next block. *admitted remembers a yes. A no is
 * counted when it becomes a stream. */
MUST_CHECK int admit_growth(struct l1 *l1, const struct record *r, bool *admitted);

#endif
