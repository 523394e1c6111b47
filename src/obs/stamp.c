/* SPDX-License-Identifier: BSD-2-Clause */
#include "obs/stamp.h"

#include <stdio.h>
#include <time.h>

static const char months[12][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
				   "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

static void render(struct stamp *s, int64_t second)
{
	time_t t = (time_t)second;
	struct tm tm;
	char text[96];

	if (!gmtime_r(&t, &tm) || tm.tm_year > 9999 - 1900 || tm.tm_year < -1900)
		memset(&tm, 0, sizeof(tm)); /* a clock beyond year 9999: any valid text will do */
	snprintf(text, sizeof(text), "%04d-%02d-%02dT%02d:%02d:%02d.000Z", tm.tm_year + 1900,
		 tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec);
	memcpy(s->rfc3339, text, STAMP_RFC3339_N);
	snprintf(text, sizeof(text), "%02d/%s/%04d:%02d:%02d:%02d +0000", tm.tm_mday,
		 months[tm.tm_mon], tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec);
	memcpy(s->clf, text, STAMP_CLF_N);
	s->second = second;
	s->valid = true;
}

/* Makes the texts of <wall>'s second; returns its milliseconds. */
static unsigned prepare(struct stamp *s, int64_t wall)
{
	int64_t ns = wall > 0 ? wall : 0;
	int64_t second = ns / NS_PER_S;

	if (UNLIKELY(!s->valid || s->second != second))
		render(s, second);
	return (unsigned)(ns % NS_PER_S / NS_PER_MS);
}

void stamp_rfc3339(struct stamp *s, int64_t wall, char out[STAMP_RFC3339_N])
{
	unsigned ms = prepare(s, wall);

	memcpy(out, s->rfc3339, STAMP_RFC3339_N);
	out[20] = (char)('0' + ms / 100);
	out[21] = (char)('0' + ms / 10 % 10);
	out[22] = (char)('0' + ms % 10);
}

void stamp_clf(struct stamp *s, int64_t wall, char out[STAMP_CLF_N])
{
	prepare(s, wall);
	memcpy(out, s->clf, STAMP_CLF_N);
}
