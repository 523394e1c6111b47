/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the fuzz targets share. A target is one file fuzz_<name>.c with this entry point, a corpus
 * under corpus/<name>/, and in its first comment a line "fuzz-sources:" with what to compile (and,
 * if need be, "fuzz-libs:" and "fuzz-dict:" lines). tests/fuzz/run does the rest; a row in local.mk
 * replays the corpus in `make check`.
 */
#ifndef TESTS_FUZZ_H
#define TESTS_FUZZ_H

#include <stdio.h>
#include <stdlib.h>

#include "base/prelude.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

/* Like an assert, but never compiled out and not the program's own. */
#define MUST(cond)                                                                                 \
	do {                                                                                       \
		if (!(cond)) {                                                                     \
			fprintf(stderr, "%s:%d: must hold: %s\n", __FILE__, __LINE__, #cond);      \
			abort();                                                                   \
		}                                                                                  \
	} while (0)

/* A block of exactly <n> bytes, so that the sanitizer sees a read one byte too far. */
static inline char *exact_copy(const void *data, size_t n)
{
	char *copy = malloc(n ? n : 1);

	MUST(copy);
	if (n)
		memcpy(copy, data, n);
	return copy;
}

/* A seed that depends on the input alone: cuts can be repeated. */
static inline uint64_t seed_of(const uint8_t *data, size_t n)
{
	uint64_t h = UINT64_C(14695981039346656037);

	for (size_t i = 0; i < n; i++)
		h = (h ^ data[i]) * UINT64_C(1099511628211);
	return h;
}

#endif
