/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pins: who holds which object. A slot's table in the segment is the truth (a record's count is made
 * anew from all tables after a crash); which of its numbers are free only the slot's worker knows.
 */
#ifndef STORE_PINS_H
#define STORE_PINS_H

#include "store/layout.h"

MUST_CHECK int pins_open(struct l1 *l1);
void pins_close(struct l1 *l1);

/* Reserves a number; UINT32_MAX: none is free (counted). */
uint32_t pins_reserve(struct l1 *l1);
void pins_unreserve(struct l1 *l1, uint32_t pin);

/* Notes that the reserved <pin> holds <r>. Under the lock of the record's shard, or that for space
 * while the record is being made. */
void pins_set_locked(struct l1 *l1, uint32_t pin, struct record *r, uint64_t flags);
/* The reverse; the number is free again. */
void pins_clear_locked(struct l1 *l1, uint32_t pin, struct record *r);

static inline struct pin *pins_at(const struct l1 *l1, uint32_t pin)
{
	return &l1_pin_table(l1, l1->slot)[pin];
}

/* The position below which no reader of <r> reads any more; <at> if none has a say. Under the
 * lock of its shard. */
uint64_t pins_passed_locked(struct l1 *l1, const struct record *r, uint64_t at);

/* Asks the readers that are furthest behind to go, if others are further. False: none is. Under the
 * lock of its shard. */
bool pins_cut_slowest_locked(struct l1 *l1, const struct record *r);

/* In use, over all slots. */
uint64_t pins_count(const struct l1 *l1);

#endif
