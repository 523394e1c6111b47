/* SPDX-License-Identifier: BSD-2-Clause */
#include "http/range.h"

#include "base/check.h"
#include "base/err.h"

/* Larger numbers count as this; no representation is that long. */
#define POSITION_MAX (RANGE_UNKNOWN - 1)

/* 1*DIGIT at the front of *<s>; false if there is none. Any length: too large is POSITION_MAX. */
static bool take_number(struct str *s, uint64_t *out_number)
{
	uint64_t v = 0;
	size_t i = 0;

	for (; i < s->n && ascii_digit(s->p[i]); i++) {
		const uint64_t digit = (uint64_t)(s->p[i] - '0');

		v = v > (POSITION_MAX - digit) / 10 ? POSITION_MAX : v * 10 + digit;
	}
	if (i == 0)
		return false;
	*s = str_of(s->p + i, s->n - i);
	*out_number = v;
	return true;
}

static bool take_byte(struct str *s, char c)
{
	if (s->n == 0 || s->p[0] != c)
		return false;
	*s = str_of(s->p + 1, s->n - 1);
	return true;
}

/* "a-b", "a-" or "-n" (14.1.1, 14.1.2); false if malformed, also for a > b. */
static bool parse_spec(struct str text, struct range_spec *out)
{
	struct range_spec spec = {RANGE_UNKNOWN, RANGE_UNKNOWN};
	const bool has_first = take_number(&text, &spec.first);

	if (!take_byte(&text, '-'))
		return false;
	if (!take_number(&text, &spec.last) && !has_first)
		return false;
	if (text.n || (has_first && spec.first > spec.last))
		return false;
	*out = spec;
	return true;
}

/* The unit of "bytes=..." off the front (14.1: case is ignored). */
static bool take_unit(struct str *s)
{
	const struct str unit = STR("bytes=");

	if (s->n < unit.n || !str_ieq(str_of(s->p, unit.n), unit))
		return false;
	*s = str_of(s->p + unit.n, s->n - unit.n);
	return true;
}

enum range_rc range_parse(const struct http_msg *request, struct range_set *out_set)
{
	const struct http_field *f = http_find(request, HTTP_FIELD_RANGE);
	struct str rest, text;
	struct range_set set;

	/* for GET only (14.2) */
	if (!f || request->method != HTTP_METHOD_GET || http_find_next(request, f))
		return RANGE_NONE;
	rest = http_field_value(request, f);
	if (!take_unit(&rest))
		return RANGE_NONE;
	set.n = 0;
	while (str_next(&rest, ',', &text)) {
		text = str_trim(text);
		if (text.n == 0) /* empty members are passed over (5.6.1.2) */
			continue;
		if (set.n == RANGES_MAX || !parse_spec(text, &set.spec[set.n]))
			return RANGE_NONE;
		set.n++;
	}
	if (set.n == 0)
		return RANGE_NONE;
	out_set->n = set.n;
	memcpy(out_set->spec, set.spec, set.n * sizeof(set.spec[0]));
	return RANGE_SOME;
}

/* False if the range does not lie within <length> bytes (14.1.2). */
static bool resolve_one(const struct range_spec *spec, uint64_t length, struct range *out)
{
	struct range r = {spec->first, MIN(spec->last, length - 1)};

	if (spec->first == RANGE_UNKNOWN) {
		if (spec->last == 0)
			return false;
		r = (struct range){length - MIN(spec->last, length), length - 1};
	}
	if (r.first >= length)
		return false;
	*out = r;
	return true;
}

/* Adds <r> behind the others, or into the last one when it goes on from there or lies in it. */
static unsigned add_range(struct range *out, unsigned n, struct range r)
{
	struct range *last = n ? &out[n - 1] : NULL;

	if (last && r.first >= last->first && r.first <= last->last + 1) {
		last->last = MAX(last->last, r.last);
		return n;
	}
	out[n] = r;
	return n + 1;
}

/* A suffix of an empty representation is satisfiable (14.1.2), but no 206 can say so. */
static enum range_rc resolve_empty(const struct range_set *set)
{
	for (unsigned i = 0; i < set->n; i++)
		if (set->spec[i].first == RANGE_UNKNOWN && set->spec[i].last > 0)
			return RANGE_NONE;
	return RANGE_UNSATISFIABLE;
}

enum range_rc range_resolve(const struct range_set *set, uint64_t length, struct range *out,
			    unsigned *out_n)
{
	struct range found[RANGES_MAX], r;
	uint64_t sum = 0;
	unsigned n = 0;

	ASSERT(set->n <= RANGES_MAX && length != RANGE_UNKNOWN);
	if (length == 0)
		return resolve_empty(set);
	for (unsigned i = 0; i < set->n; i++)
		if (resolve_one(&set->spec[i], length, &r))
			n = add_range(found, n, r);
	if (n == 0)
		return RANGE_UNSATISFIABLE;
	for (unsigned i = 0; i < n; i++) {
		const uint64_t size = found[i].last - found[i].first + 1;

		if (size > length - sum) /* bytes asked for twice: an attack (14.2, 17.15) */
			return RANGE_NONE;
		sum += size;
	}
	memcpy(out, found, n * sizeof(found[0]));
	*out_n = n;
	return RANGE_SOME;
}

int range_content_parse(struct str value, struct range *out_range, uint64_t *out_length)
{
	const struct str unit = STR("bytes ");
	uint64_t length = RANGE_UNKNOWN;
	struct range r;

	if (value.n < unit.n || !str_ieq(str_of(value.p, unit.n), unit))
		return ERR_SYNTAX;
	value = str_of(value.p + unit.n, value.n - unit.n);
	if (!take_number(&value, &r.first) || !take_byte(&value, '-') ||
	    !take_number(&value, &r.last) || !take_byte(&value, '/'))
		return ERR_SYNTAX;
	if (!take_byte(&value, '*') && !take_number(&value, &length))
		return ERR_SYNTAX;
	/* 14.4: with last before first, or not below the length, it is invalid */
	if (value.n || r.last < r.first || r.last >= MIN(length, POSITION_MAX) ||
	    length == POSITION_MAX)
		return ERR_SYNTAX;
	*out_range = r;
	*out_length = length;
	return 0;
}
