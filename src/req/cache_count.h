/* SPDX-License-Identifier: BSD-2-Clause */
/* What this process has done to L1, as counters of its worker. */
#ifndef REQ_CACHE_COUNT_H
#define REQ_CACHE_COUNT_H

#include "store/l1.h"

struct metric_row;

/* Adds to <row> (WORKER) what was counted since <seen>, which begins as zeros. Once a second. */
void cache_count(struct l1 *l1, struct l1_figures *seen, struct metric_row *row);

#endif
