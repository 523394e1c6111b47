/* SPDX-License-Identifier: BSD-2-Clause */
#include "conf/suggest.h"

#include <limits.h>
#include <stdio.h>

enum { WORD_MAX = 40 };

static unsigned min3(unsigned a, unsigned b, unsigned c)
{
	return MIN(MIN(a, b), c);
}

static bool same(char a, char b)
{
	return ascii_lower(a) == ascii_lower(b);
}

/* Optimal string alignment (Damerau-Levenshtein without repeated edits), three rows at a time. */
unsigned suggest_distance(struct str a, struct str b)
{
	unsigned rows[3][WORD_MAX + 1];
	unsigned *before = rows[0], *above = rows[1], *row = rows[2];

	if (a.n > WORD_MAX || b.n > WORD_MAX)
		return UINT_MAX;
	for (unsigned k = 0; k <= b.n; k++)
		above[k] = k;
	for (unsigned i = 1; i <= a.n; i++) {
		row[0] = i;
		for (unsigned k = 1; k <= b.n; k++) {
			unsigned change = same(a.p[i - 1], b.p[k - 1]) ? 0 : 1;
			row[k] = min3(above[k] + 1, row[k - 1] + 1, above[k - 1] + change);
			if (i > 1 && k > 1 && same(a.p[i - 1], b.p[k - 2]) &&
			    same(a.p[i - 2], b.p[k - 1]))
				row[k] = MIN(row[k], before[k - 2] + 1);
		}
		unsigned *spare = before;
		before = above;
		above = row;
		row = spare;
	}
	return above[b.n];
}

void suggest_begin(struct suggestion *s, struct str wrong)
{
	*s = (struct suggestion){.wrong = wrong, .distance = UINT_MAX};
}

/* Near enough: a third of the letters may differ, three at most. */
void suggest_offer(struct suggestion *s, const char *candidate)
{
	struct str c = str_c(candidate);
	unsigned d = suggest_distance(s->wrong, c);
	size_t longest = MAX(s->wrong.n, c.n);

	if (d < s->distance && d <= MIN((longest + 2) / 3, (size_t)3) && d < c.n) {
		s->distance = d;
		s->best = candidate;
	}
}

const char *suggest_text(const struct suggestion *s, char *buffer, size_t size)
{
	buffer[0] = 0;
	if (s->best)
		snprintf(buffer, size, "; did you mean \"%s\"?", s->best);
	return buffer;
}
