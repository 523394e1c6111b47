/* SPDX-License-Identifier: BSD-2-Clause */
#include "policy/fresh.h"

#include "base/err.h"
#include "http/date.h"

/* The longest form is "Wednesday, 06-Nov-94 08:49:37 GMT". */
enum { LONGEST_DATE = 40 };

static bool is_letter(char c)
{
	c = ascii_lower(c);
	return c >= 'a' && c <= 'z';
}

/* Words as HTTP writes them: "Sun", "Nov", and at the end "GMT". */
static void restore_case(struct str text, char *out)
{
	bool inside = false;

	for (size_t i = 0; i < text.n; i++) {
		const char c = ascii_lower(text.p[i]);

		out[i] = is_letter(c) && !inside ? (char)(c - 0x20) : c;
		inside = is_letter(c);
	}
	if (str_ends(str_of(out, text.n), STR(" Gmt")))
		memcpy(out + text.n - 3, "GMT", 3);
}

int64_t fresh_date(struct str text, int64_t now)
{
	char proper[LONGEST_DATE];
	int64_t seconds;

	if (http_date_parse(text, now, &seconds) == 0)
		return seconds;
	if (text.n > sizeof(proper))
		return FRESH_NO_DATE;
	restore_case(text, proper);
	return http_date_parse(str_of(proper, text.n), now, &seconds) == 0 ? seconds
									   : FRESH_NO_DATE;
}

/* Digits only; large values saturate (RFC 9111 1.2.2). -1 for what is no number. */
static int64_t parse_seconds(struct str text)
{
	int64_t v = 0;

	if (text.n == 0)
		return -1;
	for (size_t i = 0; i < text.n; i++) {
		if (!ascii_digit(text.p[i]))
			return -1;
		v = MIN(v * 10 + (text.p[i] - '0'), CC_SECONDS_MAX);
	}
	return v;
}

int64_t fresh_age_value(const struct http_msg *response)
{
	struct str rest, member;

	for (const struct http_field *f = http_find(response, HTTP_FIELD_AGE); f;
	     f = http_find_next(response, f)) {
		rest = http_field_value(response, f);
		if (http_list_next(&rest, &member))
			return MAX(parse_seconds(member), 0);
	}
	return 0;
}

int64_t fresh_initial_age(int64_t age_value, int64_t date, int64_t request_time,
			  int64_t response_time)
{
	const int64_t delay = response_time > request_time
				      ? (response_time - request_time) / NS_PER_S
				      : 0; /* the clock was set back */
	const int64_t apparent = date == FRESH_NO_DATE ? 0 : response_time / NS_PER_S - date;

	return MAX(apparent, age_value + delay);
}

/*
 * Expires in seconds from <date>. Several different ones count as stale (RFC 9111 4.2.1 leaves
 * the choice between that and the first), and so does "0" and whatever else is no date (5.3).
 */
static int64_t expires_lifetime(const struct fresh_question *q, const struct http_field *first)
{
	const struct str text = http_field_value(q->response, first);
	int64_t expires;

	for (const struct http_field *f = first; (f = http_find_next(q->response, f));)
		if (!str_eq(http_field_value(q->response, f), text))
			return 0;
	expires = fresh_date(text, q->date);
	return expires == FRESH_NO_DATE ? 0 : MAX(expires - q->date, 0);
}

static int64_t guess(const struct fresh_question *q)
{
	const int64_t unchanged = q->date - q->last_modified;

	return MIN(MAX(unchanged, 0) / 10, FRESH_GUESS_MAX);
}

int64_t fresh_lifetime(const struct fresh_question *q, enum fresh_source *out_source)
{
	const struct http_field *expires =
		q->no_expires ? NULL : http_find(q->response, HTTP_FIELD_EXPIRES);

	if (q->cc->s_maxage != CC_NONE) {
		*out_source = FRESH_S_MAXAGE;
		return MAX(q->cc->s_maxage, 0);
	}
	if (q->cc->max_age != CC_NONE) {
		*out_source = FRESH_MAX_AGE;
		return MAX(q->cc->max_age, 0);
	}
	if (expires) {
		*out_source = FRESH_EXPIRES;
		return expires_lifetime(q, expires);
	}
	if (q->may_guess && q->last_modified != FRESH_NO_DATE) {
		*out_source = FRESH_GUESS;
		return guess(q);
	}
	*out_source = FRESH_NOWHERE;
	return 0;
}

bool fresh_status_heuristic(unsigned status)
{
	switch (status) {
	case 200:
	case 203:
	case 204:
	case 206:
	case 300:
	case 301:
	case 308:
	case 404:
	case 405:
	case 410:
	case 414:
	case 501:
		return true;
	default:
		return false;
	}
}

bool fresh_status_understood(unsigned status)
{
	if (!fresh_status_storable(status))
		return false;
	switch (status / 100) {
	case 2:
		return status <= 206;
	case 3:
		return status <= 308 && status != 306;
	case 4:
		return (status <= 417 && status != 402) || status == 421 || status == 422 ||
		       status == 426 || status == 451;
	default:
		return status <= 505;
	}
}

bool fresh_status_storable(unsigned status)
{
	switch (status) {
	case 226: /* RFC 3229: a difference to something only the client has */
	case 304:
	case 428:
	case 429:
	case 431:
	case 511:
		return false;
	default:
		return status >= 200 && status < 600;
	}
}
