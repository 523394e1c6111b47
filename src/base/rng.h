/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A small, fast, seeded random generator (xoshiro256**, Blackman and Vigna 2018) for jitter,
 * sampling and balancing. Not for secrets.
 */
#ifndef BASE_RNG_H
#define BASE_RNG_H

#include "base/prelude.h"

struct rng {
	uint64_t s[4];
};

/* The same seed gives the same sequence. */
void rng_seed(struct rng *r, uint64_t seed);

/* Seeds from the kernel's generator. */
void rng_seed_system(struct rng *r);

uint64_t rng_next(struct rng *r);

/* Evenly in [0, n); n > 0. */
uint64_t rng_below(struct rng *r, uint64_t n);

#endif
