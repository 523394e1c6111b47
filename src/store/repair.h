/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Making whole what a killed process left while it held a lock. These words are true at any moment,
 * each changed by one store; everything else is made from them:
 *
 * - a block's owner, and a page's class (a page changes it only while no block has an owner);
 * - a record's magic (alive or dead), <linked> (it is to be found) and <queue>;
 * - the links of a chain: appending leaves a whole chain at every moment; a stream that moves its
 *   front marks it first;
 * - the entries of the slots' pin tables.
 *
 * What no living record leads to is free; what is not linked and not pinned goes.
 */
#ifndef STORE_REPAIR_H
#define STORE_REPAIR_H

#include "store/layout.h"

/* The lock for space was recovered: free blocks, lists of pages, queues, sums. */
void repair_space_locked(struct l1 *l1);

/* A shard's lock was recovered: its index, its records' pins; and space. */
void repair_shard_locked(struct l1 *l1, unsigned shard);

/* Nobody else is there: everything, and no pin remains. ERR_CORRUPT: not to be trusted. */
MUST_CHECK int repair_all(struct l1 *l1);

#endif
