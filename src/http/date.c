/* SPDX-License-Identifier: BSD-2-Clause */
#include "http/date.h"

#include "base/err.h"

static const char day_names[7][10] = {"Sunday",	  "Monday", "Tuesday", "Wednesday",
				      "Thursday", "Friday", "Saturday"};
static const char month_names[12][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
					"Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

enum { SECONDS_PER_DAY = 86400, SHORT_NAME = 3 };

/* The years that four digits hold. */
#define FIRST_SECOND INT64_C(-62167219200)
#define LAST_SECOND INT64_C(253402300799)

struct civil {
	int64_t year;
	int month; /* 1..12 */
	int day;   /* 1..31 */
	int hour, minute, second;
};

/*
 * Days since the epoch of a date in the Gregorian calendar. Years are counted from March, so that
 * the leap day is the last one and the months before it have one formula.
 */
static int64_t days_of(const struct civil *c)
{
	const int64_t year = c->year - (c->month <= 2);
	const int64_t cycle = (year >= 0 ? year : year - 399) / 400;
	const int64_t of_cycle = year - cycle * 400;
	const int64_t month = (c->month + 9) % 12;
	const int64_t of_year = (153 * month + 2) / 5 + c->day - 1;
	const int64_t days = of_cycle * 365 + of_cycle / 4 - of_cycle / 100 + of_year;

	return cycle * 146097 + days - 719468;
}

/* The inverse, for days not before 0000-03-01 (earlier ones are clamped away by the caller). */
static void civil_of_days(int64_t days, struct civil *out)
{
	const int64_t shifted = days + 719468;
	const int64_t cycle = (shifted >= 0 ? shifted : shifted - 146096) / 146097;
	const int64_t of_cycle = shifted - cycle * 146097;
	const int64_t year =
		(of_cycle - of_cycle / 1460 + of_cycle / 36524 - of_cycle / 146096) / 365;
	const int64_t of_year = of_cycle - (365 * year + year / 4 - year / 100);
	const int64_t month = (5 * of_year + 2) / 153;

	out->day = (int)(of_year - (153 * month + 2) / 5 + 1);
	out->month = (int)(month < 10 ? month + 3 : month - 9);
	out->year = year + cycle * 400 + (out->month <= 2);
}

static char *put_two(char *p, int v)
{
	p[0] = (char)('0' + v / 10 % 10);
	p[1] = (char)('0' + v % 10);
	return p + 2;
}

static char *put_text(char *p, const char *text, size_t n)
{
	memcpy(p, text, n);
	return p + n;
}

void http_date_write(char out[HTTP_DATE_N], int64_t seconds)
{
	struct civil c;

	seconds = MIN(MAX(seconds, FIRST_SECOND), LAST_SECOND);
	int64_t days = seconds / SECONDS_PER_DAY;
	int of_day = (int)(seconds % SECONDS_PER_DAY);

	if (of_day < 0) {
		of_day += SECONDS_PER_DAY;
		days--;
	}
	civil_of_days(days, &c);
	out = put_text(out, day_names[((days + 4) % 7 + 7) % 7], SHORT_NAME);
	out = put_text(out, ", ", 2);
	out = put_two(out, c.day);
	*out++ = ' ';
	out = put_text(out, month_names[c.month - 1], SHORT_NAME);
	*out++ = ' ';
	out = put_two(out, (int)(c.year / 100));
	out = put_two(out, (int)(c.year % 100));
	*out++ = ' ';
	out = put_two(out, of_day / 3600);
	*out++ = ':';
	out = put_two(out, of_day / 60 % 60);
	*out++ = ':';
	out = put_two(out, of_day % 60);
	put_text(out, " GMT", 4);
}

/*
 * Reads a text from the left; the first thing that does not fit latches. The formats are
 * case-sensitive, but a cache should not be (RFC 9111 4.2).
 */
struct reader {
	struct str rest;
	bool bad;
};

static bool begins(const struct reader *r, struct str text)
{
	return !r->bad && r->rest.n >= text.n && str_ieq(str_of(r->rest.p, text.n), text);
}

static void take_text(struct reader *r, struct str text)
{
	if (!begins(r, text)) {
		r->bad = true;
		return;
	}
	r->rest = str_of(r->rest.p + text.n, r->rest.n - text.n);
}

/* Exactly <digits> digits. */
static int take_number(struct reader *r, size_t digits)
{
	int v = 0;

	if (r->bad || r->rest.n < digits) {
		r->bad = true;
		return 0;
	}
	for (size_t i = 0; i < digits; i++) {
		r->bad |= !ascii_digit(r->rest.p[i]);
		v = v * 10 + (r->rest.p[i] - '0');
	}
	r->rest = str_of(r->rest.p + digits, r->rest.n - digits);
	return v;
}

/* asctime's day of the month: two digits, or a space and one. */
static int take_padded_day(struct reader *r)
{
	if (r->rest.n == 0 || r->rest.p[0] != ' ')
		return take_number(r, 2);
	take_text(r, STR(" "));
	return take_number(r, 1);
}

static int take_month(struct reader *r)
{
	for (int i = 0; i < 12; i++) {
		if (begins(r, str_of(month_names[i], SHORT_NAME))) {
			take_text(r, str_of(month_names[i], SHORT_NAME));
			return i + 1;
		}
	}
	r->bad = true;
	return 0;
}

static void take_time(struct reader *r, struct civil *c)
{
	c->hour = take_number(r, 2);
	take_text(r, STR(":"));
	c->minute = take_number(r, 2);
	take_text(r, STR(":"));
	c->second = take_number(r, 2);
}

/* "06 Nov 1994 08:49:37 GMT" */
static void take_fixdate(struct reader *r, struct civil *c)
{
	c->day = take_number(r, 2);
	take_text(r, STR(" "));
	c->month = take_month(r);
	take_text(r, STR(" "));
	c->year = take_number(r, 4);
	take_text(r, STR(" "));
	take_time(r, c);
	take_text(r, STR(" GMT"));
}

/* "06-Nov-94 08:49:37 GMT"; the year is the one of the last hundred up to 50 years ahead. */
static void take_rfc850(struct reader *r, struct civil *c, int64_t now)
{
	struct civil today;

	c->day = take_number(r, 2);
	take_text(r, STR("-"));
	c->month = take_month(r);
	take_text(r, STR("-"));
	c->year = take_number(r, 2);
	take_text(r, STR(" "));
	take_time(r, c);
	take_text(r, STR(" GMT"));
	civil_of_days(MIN(MAX(now, 0), LAST_SECOND) / SECONDS_PER_DAY, &today);
	c->year += today.year - today.year % 100;
	if (c->year > today.year + 50)
		c->year -= 100;
	else if (c->year <= today.year - 50)
		c->year += 100;
}

/* "Nov  6 08:49:37 1994" */
static void take_asctime(struct reader *r, struct civil *c)
{
	c->month = take_month(r);
	take_text(r, STR(" "));
	c->day = take_padded_day(r);
	take_text(r, STR(" "));
	take_time(r, c);
	take_text(r, STR(" "));
	c->year = take_number(r, 4);
}

/* The day's name and what is behind it tell the form. That it is the right day is not asked for. */
static void take_date(struct reader *r, struct civil *c, int64_t now)
{
	for (int i = 0; i < 7; i++) {
		const struct str full = str_c(day_names[i]), brief = str_of(full.p, SHORT_NAME);

		if (!begins(r, brief))
			continue;
		if (begins(r, full)) {
			take_text(r, full);
			take_text(r, STR(", "));
			take_rfc850(r, c, now);
			return;
		}
		take_text(r, brief);
		if (begins(r, STR(" "))) {
			take_text(r, STR(" "));
			take_asctime(r, c);
		} else {
			take_text(r, STR(", "));
			take_fixdate(r, c);
		}
		return;
	}
	r->bad = true;
}

static int month_days(const struct civil *c)
{
	static const uint8_t days[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	const bool leap = (c->year % 4 == 0 && c->year % 100 != 0) || c->year % 400 == 0;

	return days[c->month - 1] + (leap && c->month == 2);
}

int http_date_parse(struct str text, int64_t now, int64_t *out_seconds)
{
	struct reader r = {text, false};
	struct civil c = {0};

	take_date(&r, &c, now);
	if (r.bad || r.rest.n)
		return ERR_SYNTAX;
	if (c.day < 1 || c.day > month_days(&c))
		return ERR_SYNTAX;
	if (c.hour > 23 || c.minute > 59 || c.second > 60) /* 60: a leap second */
		return ERR_SYNTAX;
	*out_seconds = days_of(&c) * SECONDS_PER_DAY + c.hour * 3600 + c.minute * 60 + c.second;
	return 0;
}
