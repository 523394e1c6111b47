/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A stored response's body as something to pull from: straight from the segment, whole or a range,
 * while it is still being filled or after. Large pieces are offered as ranges of the segment's file
 * for sendfile. parts_body wraps it for several ranges (multipart/byteranges, RFC 9110 14.6).
 */
#ifndef REQ_STORED_BODY_H
#define REQ_STORED_BODY_H

#include "http/range.h"
#include "net/body.h"
#include "store/fills.h"

struct stored_body {
	struct body_src src;
	struct l1 *l1;
	struct l1_ref ref;	 /* the owner's pin */
	struct fills *fills;	 /* to tell the filler of a window that there is room */
	struct fill_ticket fill; /* of the fill, if it was filling */
	uint64_t at;		 /* next byte to give, as stored */
	uint64_t end;		 /* first byte not to give; STORED_UNKNOWN = the body's end */
};

/* <first>, <end>: offsets into what is stored; <end> STORED_UNKNOWN for all there will be. */
void stored_body_init(struct stored_body *b, struct l1 *l1, const struct l1_ref *ref,
		      uint64_t first, uint64_t end);

/* The parts of a multipart/byteranges answer, each with a head of its own. */
struct parts_body {
	struct body_src src;
	struct stored_body body;
	struct range ranges[RANGES_MAX];  /* as stored */
	struct str heads[RANGES_MAX + 1]; /* before each part; the last one ends the message */
	unsigned n, part;
	size_t head_at; /* bytes of the current head that were given */
};

void parts_body_init(struct parts_body *p, struct l1 *l1, const struct l1_ref *ref);

#endif
