/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pages and blocks. A page is cut into blocks of one size class; wholly free pages go back to a
 * pool and may be cut anew. Every block knows its owner: that word is the truth, all lists are made
 * from it after a crash. Everything under the lock for space, O(1) but for a page's first use.
 */
#ifndef STORE_SPACE_H
#define STORE_SPACE_H

#include "store/layout.h"

/* Takes the lock for space; repairs first if its last owner died. */
void space_lock(struct l1 *l1);
void space_unlock(struct l1 *l1);

/* Page size for a cache of <size> bytes, and the table of classes in the view. */
uint32_t space_page_bytes(uint64_t size);
void space_classes(struct l1 *l1);

/* The smallest class whose blocks hold <n> bytes; n_classes if none does. */
unsigned space_class(const struct l1 *l1, uint64_t n);

/* All pages to the pool (l1_format). */
void space_format(struct l1 *l1);

/* A block of class <class>, owned from now on; 0 = none is free. Its contents are undefined, and it
 * may have no memory yet: space_back. */
uint32_t space_take_locked(struct l1 *l1, unsigned class, uint64_t owner);

/* Like it, but content with other sizes: tries <class>, then smaller ones down to <min> bytes, then
 * larger ones, of what pages have free. */
uint32_t space_take_any_locked(struct l1 *l1, unsigned class, uint64_t min, uint64_t owner);

void space_give_locked(struct l1 *l1, uint32_t block);

/* Its owner is about to write to it anew: if it was lent its memory is replaced (space_back). */
void space_renew_locked(struct l1 *l1, uint32_t block);

/* Sees to it that the block has memory, without touching it: with none left a touch would be
 * SIGBUS. Only the block's owner; no lock needed. ERR_FULL. */
MUST_CHECK int space_back(struct l1 *l1, uint32_t block);

/* Puts a page that has lost or gained blocks on the list where it belongs; also after a repair. */
void space_relist_locked(struct l1 *l1, uint32_t page);

static inline uint32_t space_page_of(const struct l1 *l1, uint32_t block)
{
	return block / l1->region->page_blocks;
}

/* Bytes of the block's class. The page cannot change it while a block is in use. */
static inline uint32_t space_block_bytes(const struct l1 *l1, uint32_t block)
{
	return l1->class_bytes[l1->pages[space_page_of(l1, block)].class - 1];
}

/* Its first byte's offset. */
static inline uint64_t space_block_at(const struct l1 *l1, uint32_t block)
{
	uint32_t page = space_page_of(l1, block);
	uint64_t index = block % l1->region->page_blocks;

	return l1->region->data + ((uint64_t)(page - 1) << l1->page_shift) +
	       index * l1->class_bytes[l1->pages[page].class - 1];
}

/* For repair: nobody owns the block; the caller makes the lists anew. */
void space_forget_locked(struct l1 *l1, uint32_t block);

/* True if a block of a used page: whatever number it is given. */
bool space_block_valid(const struct l1 *l1, uint32_t block);

/* The record at <object>, if one that is alive begins exactly there; NULL for any other number. */
struct record *space_record(const struct l1 *l1, uint64_t object);

#endif
