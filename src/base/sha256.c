/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/sha256.h"

enum { BLOCK = 64, ROUNDS = 64, LENGTH_AT = 56 };

static const uint32_t round_constants[ROUNDS] = {
	0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4,
	0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe,
	0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f,
	0x4a7484aa, 0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7,
	0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc,
	0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b,
	0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116,
	0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
	0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7,
	0xc67178f2,
};

static inline uint32_t rotate(uint32_t v, unsigned by)
{
	return v >> by | v << (32 - by);
}

static uint32_t load_be32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static void store_be32(uint8_t *p, uint32_t v)
{
	for (int i = 3; i >= 0; i--, v >>= 8)
		p[i] = (uint8_t)v;
}

/* The message schedule of one block (6.2.2, step 1). */
static void expand(const uint8_t block[BLOCK], uint32_t w[ROUNDS])
{
	for (int i = 0; i < 16; i++)
		w[i] = load_be32(block + 4 * i);
	for (int i = 16; i < ROUNDS; i++) {
		const uint32_t a = w[i - 15], b = w[i - 2];
		const uint32_t s0 = rotate(a, 7) ^ rotate(a, 18) ^ a >> 3;
		const uint32_t s1 = rotate(b, 17) ^ rotate(b, 19) ^ b >> 10;

		w[i] = w[i - 16] + s0 + w[i - 7] + s1;
	}
}

/*
 * One round (step 3). The working variables keep their places and change their names instead: the
 * caller counts <at> down, so that variable a..h is v[(at + 0..7) % 8].
 */
static inline void turn(uint32_t v[8], unsigned at, uint32_t k)
{
	const uint32_t a = v[at % 8], b = v[(at + 1) % 8], c = v[(at + 2) % 8];
	const uint32_t e = v[(at + 4) % 8], f = v[(at + 5) % 8], g = v[(at + 6) % 8];
	const uint32_t s1 = rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25);
	const uint32_t s0 = rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22);
	const uint32_t t1 = v[(at + 7) % 8] + s1 + ((e & f) ^ (~e & g)) + k;

	v[(at + 3) % 8] += t1;
	v[(at + 7) % 8] = t1 + s0 + ((a & b) ^ (a & c) ^ (b & c));
}

static void add_block(uint32_t hash[8], const uint8_t block[BLOCK])
{
	uint32_t w[ROUNDS], v[8];

	expand(block, w);
	memcpy(v, hash, sizeof(v));
	for (unsigned i = 0; i < ROUNDS; i += 8) /* unrolled, so that the places are constants */
#pragma GCC unroll 8
		for (unsigned j = 0; j < 8; j++)
			turn(v, 8 - j, round_constants[i + j] + w[i + j]);
	for (int i = 0; i < 8; i++)
		hash[i] += v[i];
}

/* What is left of the text, a one bit, zeros, and the length in bits (5.1.1). */
static void add_end(uint32_t hash[8], struct str rest, uint64_t length)
{
	uint8_t block[BLOCK] = {0};

	if (rest.n)
		memcpy(block, rest.p, rest.n);
	block[rest.n] = 0x80;
	if (rest.n >= LENGTH_AT) {
		add_block(hash, block);
		memset(block, 0, sizeof(block));
	}
	store_be32(block + LENGTH_AT, (uint32_t)(length >> 29));
	store_be32(block + LENGTH_AT + 4, (uint32_t)(length << 3));
	add_block(hash, block);
}

void sha256(struct str text, uint8_t out[SHA256_N])
{
	uint32_t hash[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
			    0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
	const uint64_t length = text.n;

	for (; text.n >= BLOCK; text = str_of(text.p + BLOCK, text.n - BLOCK))
		add_block(hash, (const uint8_t *)text.p);
	add_end(hash, text, length);
	for (int i = 0; i < 8; i++)
		store_be32(out + 4 * i, hash[i]);
}
