/* SPDX-License-Identifier: BSD-2-Clause */
/* Inside conf/: is this text? (RFC 3629) */
#ifndef CONF_UTF8_H
#define CONF_UTF8_H

#include "base/str.h"

/* The first byte that does not belong. */
struct utf8_fault {
	unsigned line, column; /* from 1, in characters */
	uint8_t byte;
	bool control; /* a control character, not bad UTF-8 */
};

/*
 * True if <s> is UTF-8 without control characters; tabs and, with <lines>, line ends are allowed.
 * Else *out_fault, which may be NULL, says where.
 */
bool utf8_check(struct str s, bool lines, struct utf8_fault *out_fault);

#endif
