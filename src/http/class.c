/* SPDX-License-Identifier: BSD-2-Clause */
/* The table of byte classes, worked out by the compiler from the grammar's words. */
#include "http/scan.h"

#define IN(c, from, to) ((c) >= (from) && (c) <= (to))
#define DIGIT(c) IN(c, '0', '9')
#define ALPHA(c) IN((c) | 0x20, 'a', 'z')
#define ONE_OF4(c, w, x, y, z) ((c) == (w) || (c) == (x) || (c) == (y) || (c) == (z))

#define UNRESERVED(c) (DIGIT(c) || ALPHA(c) || ONE_OF4(c, '-', '.', '_', '~'))
/* RFC 9110 5.6.2: unreserved and ! # $ % & ' * + ^ ` | */
#define TOKEN(c)                                                                                   \
	(UNRESERVED(c) || ONE_OF4(c, '!', '#', '$', '%') || ONE_OF4(c, '&', '\'', '*', '+') ||     \
	 ONE_OF4(c, '^', '`', '|', '|'))
#define CTL(c) (((c) < 0x20 && (c) != '\t') || (c) == 0x7f)
#define TARGET(c) (IN(c, 0x21, 0x7e) && (c) != '#')
/* RFC 3986 reg-name without ',' (how repeated lines get joined) and '%': see target.c */
#define HOST(c)                                                                                    \
	(UNRESERVED(c) || ONE_OF4(c, '!', '$', '&', '\'') || ONE_OF4(c, '(', ')', '*', '+') ||     \
	 ONE_OF4(c, ';', '=', '=', '='))

#define CLASS(c)                                                                                   \
	((TOKEN(c) ? HTTP_C_TOKEN : 0) | (CTL(c) ? HTTP_C_CTL : 0) |                               \
	 (TARGET(c) ? HTTP_C_TARGET : 0) | (HOST(c) ? HTTP_C_HOST : 0) |                           \
	 (UNRESERVED(c) ? HTTP_C_UNRESERVED : 0) | (DIGIT(c) ? HTTP_C_DIGIT : 0))
#define CLASS4(c) CLASS(c), CLASS((c) + 1), CLASS((c) + 2), CLASS((c) + 3)
#define CLASS16(c) CLASS4(c), CLASS4((c) + 4), CLASS4((c) + 8), CLASS4((c) + 12)
#define CLASS64(c) CLASS16(c), CLASS16((c) + 16), CLASS16((c) + 32), CLASS16((c) + 48)

const uint8_t http_class[256] = {CLASS64(0), CLASS64(64), CLASS64(128), CLASS64(192)};
