/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Byte ranges (RFC 9110 14). Pure.
 */
#ifndef HTTP_RANGE_H
#define HTTP_RANGE_H

#include "http/msg.h"

enum { RANGES_MAX = 16 };

#define RANGE_UNKNOWN UINT64_MAX /* length of the representation not known: "*" */

struct range {
	uint64_t first, last; /* both included */
};

/* One range of a request before the length is known. */
struct range_spec {
	uint64_t first; /* RANGE_UNKNOWN: a suffix of <last> bytes */
	uint64_t last;	/* RANGE_UNKNOWN: to the end */
};

struct range_set {
	unsigned n;
	struct range_spec spec[RANGES_MAX];
};

enum range_rc {
	RANGE_NONE = 1, /* no Range field, another unit, malformed, or too many: ignore it (14.2) */
	RANGE_SOME = 2, /* *out is filled */
	RANGE_UNSATISFIABLE = 3, /* 416 */
};

/*
 * Reads Range of a request; GET only (14.2). Several lines, more than RANGES_MAX ranges and last
 * before first make it malformed. Numbers of any size are read: a first position past every end is
 * unsatisfiable, a last one is the end.
 */
enum range_rc range_parse(const struct http_msg *request, struct range_set *out_set);

/*
 * The ranges of <set> within a representation of <length> bytes, in the order asked; one that
 * overlaps the range before it, or goes on from there, becomes part of it. A single range 0- stays
 * a range (206).
 * RANGE_SOME: out[0..*out_n) is filled, room for RANGES_MAX. UNSATISFIABLE: none lies within (416).
 * RANGE_NONE: answer in full (200): what is asked for is more than the whole, so bytes are asked
 * for twice (14.2, 17.15); or a suffix of nothing, which is satisfiable but has no Content-Range.
 */
enum range_rc range_resolve(const struct range_set *set, uint64_t length, struct range *out,
			    unsigned *out_n);

/* Reads Content-Range "bytes a-b/n" of a response; <n> RANGE_UNKNOWN for "*". ERR_SYNTAX. */
MUST_CHECK int range_content_parse(struct str value, struct range *out_range, uint64_t *out_length);

#endif
