/* SPDX-License-Identifier: BSD-2-Clause */
/* Inside conf/: "did you mean". */
#ifndef CONF_SUGGEST_H
#define CONF_SUGGEST_H

#include "base/str.h"

/* The best candidate so far. */
struct suggestion {
	struct str wrong; /* what was written */
	const char *best; /* the nearest candidate, or NULL if none is near enough */
	unsigned distance;
};

/* Begins with what was written; then offer all candidates. */
void suggest_begin(struct suggestion *s, struct str wrong);
void suggest_offer(struct suggestion *s, const char *candidate);

/* "; did you mean "x"?" or "" in <buffer>. */
const char *suggest_text(const struct suggestion *s, char *buffer, size_t size);

/* Insertions, deletions, changes and swaps of neighbours from <a> to <b>; case is no difference. */
unsigned suggest_distance(struct str a, struct str b);

#endif
