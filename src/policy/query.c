/* SPDX-License-Identifier: BSD-2-Clause */
#include "policy/query.h"

#include "base/check.h"

bool query_next(struct str *rest, struct str *out_param)
{
	struct str param;

	while (str_next(rest, '&', &param)) {
		if (param.n) {
			*out_param = param;
			return true;
		}
	}
	return false;
}

struct str query_name(struct str param)
{
	const ssize_t at = str_find(param, '=');

	return at < 0 ? param : str_of(param.p, (size_t)at);
}

struct str query_value(struct str param)
{
	const ssize_t at = str_find(param, '=');

	return at < 0 ? STR_NONE : str_of(param.p + at + 1, param.n - (size_t)at - 1);
}

static int hex_value(char c)
{
	if (ascii_digit(c))
		return c - '0';
	c = ascii_lower(c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int query_byte(struct str *rest)
{
	size_t used = 1;
	int c;

	if (rest->n == 0)
		return -1;
	c = (uint8_t)rest->p[0];
	if (c == '+') {
		c = ' ';
	} else if (c == '%' && rest->n > 2) {
		const int high = hex_value(rest->p[1]), low = hex_value(rest->p[2]);

		if (high >= 0 && low >= 0) {
			c = high * 16 + low;
			used = 3;
		}
	}
	*rest = str_of(rest->p + used, rest->n - used);
	return c;
}

int query_name_cmp(struct str a, struct str b)
{
	int x, y;

	do {
		x = query_byte(&a);
		y = query_byte(&b);
	} while (x == y && x >= 0);
	return x - y;
}

bool query_name_matches(struct str name, struct str pattern)
{
	if (pattern.n == 0 || pattern.p[pattern.n - 1] != '*')
		return query_name_cmp(name, pattern) == 0;
	pattern.n--;
	for (int c; (c = query_byte(&pattern)) >= 0;)
		if (query_byte(&name) != c)
			return false;
	return true;
}

/* Two sorted runs, a[0..half) and a[half..n), into one. */
static void merge(struct str *a, size_t half, size_t n)
{
	struct str left[QUERY_PARAMS_MAX];
	size_t i = 0, j = half, to = 0;

	memcpy(left, a, half * sizeof(a[0]));
	while (i < half) {
		const bool right =
			j < n && query_name_cmp(query_name(a[j]), query_name(left[i])) < 0;

		a[to++] = right ? a[j++] : left[i++];
	}
}

void query_sort(struct str *params, size_t n)
{
	ASSERT(n <= QUERY_PARAMS_MAX);
	for (size_t width = 1; width < n; width *= 2)
		for (size_t at = 0; at + width < n; at += 2 * width)
			merge(params + at, width, MIN(2 * width, n - at));
}
