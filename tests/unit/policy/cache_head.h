/* SPDX-License-Identifier: BSD-2-Clause */
/* For tests of the cache's rules: heads with dates relative to one fixed now. */
#ifndef TESTS_POLICY_CACHE_HEAD_H
#define TESTS_POLICY_CACHE_HEAD_H

#include "base/prelude.h"
#include "http/date.h"
#include "parse_head.h"

/* Fri, 15 Mar 2024 12:00:00 GMT */
#define NOW_S INT64_C(1710504000)
#define NOW (NOW_S * NS_PER_S)

/* <lines> with "{+10}", "{-10}" and "{0}" made dates so many seconds from now. */
static inline const char *with_dates(const char *lines, char *out, size_t size)
{
	char *at = out;

	while (*lines) {
		if (*lines == '{') {
			char *end;

			http_date_write(at, NOW_S + strtoll(lines + 1, &end, 10));
			at += HTTP_DATE_N;
			lines = end + 1;
		} else {
			*at++ = *lines++;
		}
		assert_true((size_t)(at - out) + HTTP_DATE_N < size);
	}
	*at = '\0';
	return out;
}

static inline struct http_msg *cache_request(struct head *h, const char *lines)
{
	return parse_head(h, HTTP_REQUEST, lines ? lines : "");
}

static inline struct http_msg *cache_response(struct head *h, unsigned status, const char *lines)
{
	char text[3000];
	struct http_msg *m =
		parse_head(h, HTTP_RESPONSE, with_dates(lines ? lines : "", text, sizeof(text)));

	m->status = (uint16_t)status;
	return m;
}

#endif
