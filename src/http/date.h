/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * HTTP dates (RFC 9110 5.6.7): the preferred form out, all three forms in. Pure: no time zone
 * data, no locale.
 */
#ifndef HTTP_DATE_H
#define HTTP_DATE_H

#include "base/str.h"

enum { HTTP_DATE_N = 29 };

/* "Sun, 06 Nov 1994 08:49:37 GMT" of <seconds> since the epoch, 29 bytes, no NUL. */
void http_date_write(char out[HTTP_DATE_N], int64_t seconds);

/* Reads IMF-fixdate, RFC 850 and asctime forms, strictly but for letter case, which a cache should
 * not look at (RFC 9111 4.2); two-digit years relative to <now>
 * (seconds; RFC 9110 5.6.7: more than 50 years ahead means the past). ERR_SYNTAX otherwise. */
MUST_CHECK int http_date_parse(struct str text, int64_t now, int64_t *out_seconds);

#endif
