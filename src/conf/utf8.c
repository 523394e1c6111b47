/* SPDX-License-Identifier: BSD-2-Clause */
#include "conf/utf8.h"

/* How many bytes the character at <p> takes; 0 if it is none (RFC 3629 4). */
static size_t char_bytes(const uint8_t *p, size_t left)
{
	static const struct {
		uint8_t first_low, first_high, second_low, second_high, n;
	} forms[] = {
		{0xc2, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3},
		{0xe1, 0xec, 0x80, 0xbf, 3}, {0xed, 0xed, 0x80, 0x9f, 3},
		{0xee, 0xef, 0x80, 0xbf, 3}, {0xf0, 0xf0, 0x90, 0xbf, 4},
		{0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4},
	};

	if (p[0] < 0x80)
		return 1;
	for (size_t i = 0; i < COUNTOF(forms); i++) {
		if (p[0] < forms[i].first_low || p[0] > forms[i].first_high)
			continue;
		if (left < forms[i].n || p[1] < forms[i].second_low || p[1] > forms[i].second_high)
			return 0;
		for (size_t k = 2; k < forms[i].n; k++)
			if ((p[k] & 0xc0) != 0x80)
				return 0;
		return forms[i].n;
	}
	return 0;
}

/* C0 controls and DEL, and the C1 controls U+0080 to U+009F. */
static bool is_control(const uint8_t *p, size_t n, bool lines)
{
	if (n == 2)
		return p[0] == 0xc2 && p[1] < 0xa0;
	if (n != 1 || p[0] == '\t')
		return false;
	if (p[0] == '\n' || p[0] == '\r')
		return !lines;
	return p[0] < 0x20 || p[0] == 0x7f;
}

bool utf8_check(struct str s, bool lines, struct utf8_fault *out_fault)
{
	const uint8_t *p = (const uint8_t *)s.p;
	unsigned line = 1, column = 1;

	for (size_t i = 0; i < s.n;) {
		size_t n = char_bytes(p + i, s.n - i);
		if (n == 0 || is_control(p + i, n, lines)) {
			if (out_fault)
				*out_fault = (struct utf8_fault){line, column, p[i], n > 0};
			return false;
		}
		column++;
		if (p[i] == '\n') {
			line++;
			column = 1;
		}
		i += n;
	}
	return true;
}
