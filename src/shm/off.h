/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Typed offsets: the only way in which something in the segment refers to something else there.
 * The segment lies at different addresses in different programs (and after an upgrade), so a
 * pointer means nothing; an offset from the segment's first byte does.
 */
#ifndef SHM_OFF_H
#define SHM_OFF_H

#include "base/prelude.h"

/* An offset that leads to a <type>; 0 = none (the header lies there). The pointer only carries the
 * type for OFF_GET and is never set. */
#define OFF_OF(type)                                                                               \
	union {                                                                                    \
		uint64_t at;                                                                       \
		type *type_only;                                                                   \
	}

/* The pointer behind <off> in a segment mapped at <base>; bounds are the caller's business. */
#define OFF_GET(base, off) ((__typeof__((off).type_only))(void *)((char *)(base) + (off).at))

/* True if <bytes> bytes at offset <at> lie within <size> bytes. For offsets found in a segment that
 * another program wrote. */
static inline bool off_within(uint64_t at, uint64_t bytes, uint64_t size)
{
	return at <= size && bytes <= size - at;
}

#endif
