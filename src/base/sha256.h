/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * SHA-256 (FIPS 180-4), for digests that a client must not be able to make collide, such as the
 * content in a cache key. About 5 ns per byte; for tables and checksums there are faster hashes.
 */
#ifndef BASE_SHA256_H
#define BASE_SHA256_H

#include "base/str.h"

enum { SHA256_N = 32 };

void sha256(struct str text, uint8_t out[SHA256_N]);

#endif
