/* SPDX-License-Identifier: BSD-2-Clause */
#include "conf/number.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/err.h"

/* A unit and what one of it is. */
struct unit {
	const char *name;
	uint64_t factor;
};

static const struct unit times[] = {
	{"d", 86400 * NS_PER_S}, {"h", 3600 * NS_PER_S}, {"m", 60 * NS_PER_S},
	{"s", NS_PER_S},	 {"ms", NS_PER_MS},	 {"us", NS_PER_US},
};

static const struct unit sizes[] = {
	{"TiB", UINT64_C(1) << 40},	 {"GiB", UINT64_C(1) << 30},
	{"MiB", UINT64_C(1) << 20},	 {"KiB", UINT64_C(1) << 10},
	{"TB", UINT64_C(1000000000000)}, {"GB", UINT64_C(1000000000)},
	{"MB", UINT64_C(1000000)},	 {"kB", UINT64_C(1000)},
	{"KB", UINT64_C(1000)},		 {"B", 1},
};

/* What people write instead, and what we would have them write. */
static const struct {
	const char *wrong, *right;
} time_habits[] = {
	{"sec", "s"},  {"secs", "s"},  {"second", "s"},	 {"seconds", "s"},
	{"min", "m"},  {"mins", "m"},  {"minute", "m"},	 {"minutes", "m"},
	{"hour", "h"}, {"hours", "h"}, {"hr", "h"},	 {"day", "d"},
	{"days", "d"}, {"msec", "ms"}, {"millis", "ms"}, {"usec", "us"},
};

bool why_set(struct why *why, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(why->text, sizeof(why->text), fmt, args);
	va_end(args);
	return false;
}

/* A number in parts: whole.fraction and what follows. */
struct number {
	uint64_t whole;
	uint64_t fraction; /* numerator ... */
	uint64_t scale;	   /* ... and denominator, a power of ten */
	struct str digits; /* the number as written */
	struct str unit;
};

static size_t count_digits(struct str s)
{
	size_t n = 0;

	while (n < s.n && ascii_digit(s.p[n]))
		n++;
	return n;
}

static bool split(struct str s, struct number *out, struct why *why)
{
	size_t n = count_digits(s), fraction = 0;

	*out = (struct number){.scale = 1};
	if (s.n == 0)
		return why_set(why, "is empty");
	if (s.p[0] == '-')
		return why_set(why, "must not be negative");
	if (n == 0)
		return why_set(why, "does not begin with a number");
	if (str_u64(str_of(s.p, n), &out->whole))
		return why_set(why, "is too large");
	if (n < s.n && s.p[n] == '.') {
		fraction = count_digits(str_of(s.p + n + 1, s.n - n - 1));
		if (fraction == 0 || fraction > 9)
			return why_set(why, "needs one to nine digits after the point");
		for (size_t i = 0; i < fraction; i++) {
			out->fraction = out->fraction * 10 + (uint64_t)(s.p[n + 1 + i] - '0');
			out->scale *= 10;
		}
		n += fraction + 1;
	}
	out->digits = str_of(s.p, n);
	out->unit = str_of(s.p + n, s.n - n);
	return true;
}

bool number_count(struct str s, uint64_t *out_value, struct why *why)
{
	struct number n;

	if (!split(s, &n, why))
		return false;
	if (n.unit.n || n.scale > 1)
		return why_set(why, "is not a whole number");
	*out_value = n.whole;
	return true;
}

/* number x unit, which must come out whole and at most <most>. */
static bool scale(const struct number *n, uint64_t factor, uint64_t most, uint64_t *out,
		  struct why *why)
{
	unsigned __int128 v = (unsigned __int128)n->whole * factor;
	unsigned __int128 part = (unsigned __int128)n->fraction * factor;

	if (part % n->scale)
		return why_set(why, "is finer than can be told apart");
	v += part / n->scale;
	if (v > most)
		return why_set(why, "is too large");
	*out = (uint64_t)v;
	return true;
}

static const struct unit *unit_find(const struct unit *units, size_t n, struct str name)
{
	for (size_t i = 0; i < n; i++)
		if (str_eq(str_c(units[i].name), name))
			return &units[i];
	return NULL;
}

static bool is_bare_zero(const struct number *n)
{
	return n->unit.n == 0 && n->whole == 0 && n->fraction == 0;
}

/* What to write instead of a unit that is none. */
static bool bad_time_unit(const struct number *n, struct why *why)
{
	const int digits = (int)n->digits.n;

	if (n->unit.n == 0)
		return why_set(why,
			       "has no unit; write %.*ss for seconds or %.*sms for milliseconds",
			       digits, n->digits.p, digits, n->digits.p);
	for (size_t i = 0; i < COUNTOF(time_habits); i++)
		if (str_ieq(n->unit, str_c(time_habits[i].wrong)))
			return why_set(why, "has an unknown unit; did you mean %.*s%s?", digits,
				       n->digits.p, time_habits[i].right);
	return why_set(why, "has an unknown unit; units of time are ms, s, m, h and d");
}

bool number_time(struct str s, int64_t *out_ns, struct why *why)
{
	struct number n;
	uint64_t v = 0;

	if (!split(s, &n, why))
		return false;
	const struct unit *u = unit_find(times, COUNTOF(times), n.unit);
	if (!u && !is_bare_zero(&n))
		return bad_time_unit(&n, why);
	if (u && !scale(&n, u->factor, INT64_MAX, &v, why))
		return false;
	*out_ns = (int64_t)v;
	return true;
}

/* K, M, G and T alone, and units in another case: say both ways to count. */
static bool bad_size_unit(const struct number *n, struct why *why)
{
	const int digits = (int)n->digits.n;
	const char *text = n->digits.p;
	char letter = n->unit.n ? (char)(n->unit.p[0] & ~0x20) : 0;

	if (n->unit.n == 0)
		return why_set(why, "has no unit; write %.*sB for bytes, or KiB, MiB, GiB", digits,
			       text);
	if (letter != 'K' && letter != 'M' && letter != 'G' && letter != 'T')
		return why_set(why,
			       "has an unknown unit; units of size are B, KiB, MiB, GiB and TiB");
	return why_set(why, "has an unknown unit; write %.*s%ciB (by 1024) or %.*s%cB (by 1000)",
		       digits, text, letter, digits, text, letter == 'K' ? 'k' : letter);
}

bool number_size(struct str s, uint64_t *out_bytes, struct why *why)
{
	struct number n;
	uint64_t v = 0;

	if (!split(s, &n, why))
		return false;
	const struct unit *u = unit_find(sizes, COUNTOF(sizes), n.unit);
	if (!u && !is_bare_zero(&n))
		return bad_size_unit(&n, why);
	if (u && !scale(&n, u->factor, UINT64_MAX, &v, why))
		return false;
	*out_bytes = v;
	return true;
}

bool number_percent(struct str s, double *out_share, struct why *why)
{
	struct number n;

	if (!split(s, &n, why))
		return false;
	if (n.unit.n == 0)
		return why_set(why, "has no unit; write %.*s%%", (int)n.digits.n, n.digits.p);
	if (!str_eq(n.unit, STR("%")))
		return why_set(why, "has an unknown unit; write %.*s%%", (int)n.digits.n,
			       n.digits.p);
	*out_share = ((double)n.whole + (double)n.fraction / (double)n.scale) / 100;
	return true;
}

/* In the largest unit that leaves a whole number; units are listed largest first. */
static void print_in(struct buf *out, uint64_t v, const struct unit *units, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (v % units[i].factor == 0) {
			buf_u64(out, v / units[i].factor);
			buf_c(out, units[i].name);
			return;
		}
	}
}

void number_print_time(struct buf *out, int64_t ns)
{
	/* Minutes and more only where they say something: 90s stays, 60s is 1m, 0 is 0s. */
	if (ns == 0)
		buf_c(out, "0s");
	else if (ns % NS_PER_US)
		buf_printf(out, "%lld.%09llds", (long long)(ns / NS_PER_S),
			   (long long)(ns % NS_PER_S));
	else
		print_in(out, (uint64_t)ns, times, COUNTOF(times));
}

void number_print_size(struct buf *out, uint64_t bytes)
{
	if (bytes == 0)
		buf_c(out, "0");
	else
		print_in(out, bytes, sizes, COUNTOF(sizes));
}

void number_print_percent(struct buf *out, double share)
{
	buf_printf(out, "%.12g%%", share * 100);
}
