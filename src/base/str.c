/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/str.h"

#include <stdlib.h>

#include "base/err.h"

bool str_ieq(struct str a, struct str b)
{
	if (a.n != b.n)
		return false;
	for (size_t i = 0; i < a.n; i++)
		if (ascii_lower(a.p[i]) != ascii_lower(b.p[i]))
			return false;
	return true;
}

bool str_starts(struct str s, struct str prefix)
{
	return s.n >= prefix.n && str_eq(str_of(s.p, prefix.n), prefix);
}

bool str_ends(struct str s, struct str suffix)
{
	return s.n >= suffix.n && str_eq(str_of(s.p + (s.n - suffix.n), suffix.n), suffix);
}

static bool is_ows(char c)
{
	return c == ' ' || c == '\t';
}

struct str str_trim(struct str s)
{
	while (s.n && is_ows(s.p[0])) {
		s.p++;
		s.n--;
	}
	while (s.n && is_ows(s.p[s.n - 1]))
		s.n--;
	return s;
}

ssize_t str_find(struct str s, char c)
{
	const char *at = s.n ? memchr(s.p, c, s.n) : NULL;

	return at ? at - s.p : -1;
}

bool str_next(struct str *rest, char sep, struct str *out_piece)
{
	if (!rest->p)
		return false;
	ssize_t at = str_find(*rest, sep);
	if (at < 0) {
		*out_piece = *rest;
		*rest = STR_NONE;
		return true;
	}
	*out_piece = str_of(rest->p, (size_t)at);
	*rest = str_of(rest->p + at + 1, rest->n - (size_t)at - 1);
	return true;
}

int str_u64(struct str s, uint64_t *out_value)
{
	uint64_t v = 0;

	if (s.n == 0)
		return ERR_SYNTAX;
	for (size_t i = 0; i < s.n; i++) {
		if (!ascii_digit(s.p[i]))
			return ERR_SYNTAX;
		unsigned digit = (unsigned)(s.p[i] - '0');
		if (v > (UINT64_MAX - digit) / 10)
			return ERR_RANGE;
		v = v * 10 + digit;
	}
	*out_value = v;
	return 0;
}

char *str_copy(char *dst, size_t size, struct str s)
{
	size_t n = MIN(s.n, size - 1);

	if (n)
		memcpy(dst, s.p, n);
	dst[n] = '\0';
	return dst;
}

char *str_dup(struct str s)
{
	char *copy = malloc(s.n + 1);

	if (copy)
		str_copy(copy, s.n + 1, s);
	return copy;
}

/* Two digits at a time: half the divisions. */
struct str str_digits(uint64_t v, char room[STR_U64_MAX])
{
	static const char pairs[] = "00010203040506070809101112131415161718192021222324"
				    "25262728293031323334353637383940414243444546474849"
				    "50515253545556575859606162636465666768697071727374"
				    "75767778798081828384858687888990919293949596979899";
	char *at = room + STR_U64_MAX;

	for (; v >= 100; v /= 100)
		memcpy(at -= 2, pairs + v % 100 * 2, 2);
	if (v >= 10)
		memcpy(at -= 2, pairs + v * 2, 2);
	else
		*--at = (char)('0' + v);
	return str_of(at, (size_t)(room + STR_U64_MAX - at));
}

size_t str_utf8_len(struct str s)
{
	const unsigned char *p = (const unsigned char *)s.p;
	unsigned char lo = 0x80, hi = 0xBF;
	size_t len;

	if (s.n == 0)
		return 0;
	if (p[0] < 0x80)
		return 1;
	if (p[0] >= 0xC2 && p[0] <= 0xDF)
		len = 2;
	else if (p[0] >= 0xE0 && p[0] <= 0xEF)
		len = 3;
	else if (p[0] >= 0xF0 && p[0] <= 0xF4)
		len = 4;
	else
		return 0;
	if (len > s.n)
		return 0;
	if (p[0] == 0xE0)
		lo = 0xA0;
	else if (p[0] == 0xED)
		hi = 0x9F;
	else if (p[0] == 0xF0)
		lo = 0x90;
	else if (p[0] == 0xF4)
		hi = 0x8F;
	if (p[1] < lo || p[1] > hi)
		return 0;
	for (size_t i = 2; i < len; i++)
		if (p[i] < 0x80 || p[i] > 0xBF)
			return 0;
	return len;
}
