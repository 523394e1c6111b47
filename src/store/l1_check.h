/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Proves an L1 region whole: every block owned once and reachable, every pin accounted for, sums
 * right, lists consistent. Walks everything; trusts nothing it reads; takes no lock. Nobody may
 * change the region meanwhile: for tests, and for copies (tools/tiercel-shm.c).
 */
#ifndef STORE_L1_CHECK_H
#define STORE_L1_CHECK_H

#include "store/l1.h"

enum { L1_CHECK_FAULTS = 32 }; /* described, at most */

struct l1_check {
	uint64_t objects, blocks, body_bytes; /* looked at */
	uint64_t pins;
	uint64_t unlinked;	  /* objects that live only by their pins */
	uint64_t filling, broken; /* objects */
	uint64_t sums;		  /* checksums verified */
	uint64_t faults;
	char text[L1_CHECK_FAULTS][160]; /* the first of them */
};

enum l1_check_flag {
	L1_CHECK_SUMS = 1u << 0, /* read all bodies */
	L1_CHECK_IDLE =
		1u << 1, /* no process is there: pins, fills and broken objects are faults */
};

/* On a copy: was no lock held when it was made? What a dead process left locked is a fault. */
bool l1_check_quiet(struct l1 *l1, struct l1_check *out);

/* True if whole. <out>, zeroed by the caller, tells what was seen. */
bool l1_check(struct l1 *l1, unsigned flags, struct l1_check *out);

#endif
