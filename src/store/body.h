/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Bodies: an inline part in the record's block, then a chain of blocks. The filler appends and
 * publishes the length; readers follow without locks. A stream gives its front back to its end.
 */
#ifndef STORE_BODY_H
#define STORE_BODY_H

#include "store/layout.h"

/* What the filler of an object knows besides. */
struct body_fill {
	uint32_t block;	   /* being filled; 0 = none */
	uint64_t at;	   /* position of its first byte */
	uint64_t passed;   /* stream: what all readers had passed when last looked at */
	bool admitted;	   /* a large object: it may use what others must leave for */
	XXH3_state_t *sum; /* of the body so far; NULL: it is all inline */
};

MUST_CHECK int body_fill_new(struct l1 *l1, uint32_t pin);
void body_fill_free(struct l1 *l1, uint32_t pin);

/* Body bytes that lie in the record's own block, for a body of <length>. */
uint64_t body_inline(const struct l1 *l1, uint64_t fixed, uint64_t length);

MUST_CHECK int body_room(struct l1 *l1, struct record *r, struct body_fill *f, char **out_p,
			 size_t *out_n);
void body_filled(struct l1 *l1, struct record *r, struct body_fill *f, size_t n);

/* The checksum, once everything is there. */
uint64_t body_sum(struct record *r, struct body_fill *f);

/* Does the body of a whole record match its checksum? */
bool body_verify(struct l1 *l1, const struct record *r, struct holder *h);

/* A block behind the body for <trailers>. */
MUST_CHECK int body_trailers(struct l1 *l1, struct record *r, struct str trailers);

/* Published bytes at <at>. *out_block: the block they lie in, 0 = inline. */
struct str body_at(struct l1 *l1, const struct record *r, struct holder *h, uint64_t at,
		   uint32_t *out_block);

/* Marks the blocks that hold what lies from offset <at>, which is in <block>, to <upto>; returns how
 * many bytes of it are lent: they end where a block is too small. */
uint64_t body_lend(struct l1 *l1, uint32_t block, uint64_t at, uint64_t upto);

/* For l1_passed: the holder is not left in a block that may be recycled. */
void body_follow(struct l1 *l1, const struct record *r, struct holder *h, uint64_t at);

#endif
