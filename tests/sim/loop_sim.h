/* SPDX-License-Identifier: BSD-2-Clause */
/* The loop on virtual time: what only the simulation may do with it. */
#ifndef TESTS_LOOP_SIM_H
#define TESTS_LOOP_SIM_H

#include "net/loop.h"

/* Time never goes beyond this (mono ns); LOOP_SIM_START at first. */
#define LOOP_SIM_START (1000 * NS_PER_S)
void loop_sim_until(struct loop *loop, int64_t limit);

/* Turns until no descriptor is ready, no task waits, and no timer is due up to the limit; then the
 * clock stands at the limit. */
void loop_sim_settle(struct loop *loop);

#endif
