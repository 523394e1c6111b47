/* SPDX-License-Identifier: BSD-2-Clause */
#include "http/cond.h"

#include "base/err.h"
#include "http/date.h"
#include "http/scan.h"

static bool is_weak(struct str etag)
{
	return etag.n > 2 && etag.p[0] == 'W' && etag.p[1] == '/'; /* 'W' is case-sensitive */
}

static struct str opaque(struct str etag)
{
	return is_weak(etag) ? str_of(etag.p + 2, etag.n - 2) : etag;
}

/* etagc (8.8.3): visible ASCII without '"', and 0x80 and above. A backslash escapes nothing. */
static bool is_etagc(char c)
{
	const uint8_t b = (uint8_t)c;

	return b == 0x21 || (b >= 0x23 && b != 0x7f);
}

/* Length of the entity tag that <s> begins with, or 0. */
static size_t etag_n(struct str s)
{
	const size_t start = is_weak(s) ? 2 : 0;
	size_t i = start + 1;

	if (s.n <= start || s.p[start] != '"')
		return 0;
	while (i < s.n && is_etagc(s.p[i]))
		i++;
	return i < s.n && s.p[i] == '"' ? i + 1 : 0;
}

bool cond_etag_valid(struct str etag)
{
	return etag.n && etag_n(etag) == etag.n;
}

bool cond_etag_strong(struct str etag)
{
	return cond_etag_valid(etag) && !is_weak(etag);
}

bool cond_etag_weak_eq(struct str a, struct str b)
{
	return str_eq(opaque(a), opaque(b)) && cond_etag_valid(a) && cond_etag_valid(b);
}

bool cond_etag_strong_eq(struct str a, struct str b)
{
	return str_eq(a, b) && cond_etag_strong(a);
}

/*
 * The next well-formed entity tag of a list. Members that are none are passed over, up to the next
 * comma: they match nothing.
 */
static bool next_etag(struct str *rest, struct str *out_etag)
{
	while (rest->n) {
		size_t n;

		if (is_ows(rest->p[0]) || rest->p[0] == ',') {
			*rest = str_of(rest->p + 1, rest->n - 1);
			continue;
		}
		n = etag_n(*rest);
		const struct str tag = str_of(rest->p, n);
		const char *end = rest->p + rest->n, *p = rest->p + n;

		while (p < end && is_ows(*p))
			p++;
		const bool whole = n && (p == end || *p == ',');

		p = scan_byte(p, end, ',');
		*rest = str_of(p, (size_t)(end - p));
		if (whole) {
			*out_etag = tag;
			return true;
		}
	}
	return false;
}

typedef bool etag_eq_fn(struct str a, struct str b);

/* Does the field list <etag>, or "*" (alone: 13.1.1, 13.1.2)? */
static bool lists_etag(const struct http_msg *m, const struct http_field *f, struct str etag,
		       etag_eq_fn *eq)
{
	struct str rest = http_field_value(m, f), tag;

	if (str_eq(rest, STR("*")))
		return !http_find_next(m, f);
	for (; f; f = http_find_next(m, f)) {
		rest = http_field_value(m, f);
		while (next_etag(&rest, &tag))
			if (eq(tag, etag))
				return true;
	}
	return false;
}

/* A date field of the request; false if absent, doubled or malformed: then it is ignored (13.1.3).
 * Two-digit years are taken relative to the stored answer, which is near enough to now. */
static bool request_date(const struct http_msg *m, const struct http_field *f,
			 const struct cond_validators *v, int64_t *out_seconds)
{
	const int64_t now = v->date != COND_NO_DATE	       ? v->date
			    : v->last_modified != COND_NO_DATE ? v->last_modified
							       : 0;

	return f && !http_find_next(m, f) &&
	       http_date_parse(http_field_value(m, f), now, out_seconds) == 0;
}

bool cond_any(const struct http_msg *request)
{
	/* an absent field's index has all bits set */
	return (request->first[HTTP_FIELD_IF_NONE_MATCH] &
		request->first[HTTP_FIELD_IF_MODIFIED_SINCE] & request->first[HTTP_FIELD_IF_MATCH] &
		request->first[HTTP_FIELD_IF_UNMODIFIED_SINCE]) != HTTP_NO_FIELD;
}
_Static_assert(HTTP_NO_FIELD == 0xff, "cond_any ands the indices");

/* Steps 1 and 2 of 13.2.2: is one of the "only if it is still this" conditions false? */
static bool is_failed(const struct http_msg *m, const struct cond_validators *v)
{
	const struct http_field *f = http_find(m, HTTP_FIELD_IF_MATCH);
	int64_t date;

	if (f)
		return !lists_etag(m, f, v->etag, cond_etag_strong_eq);
	f = http_find(m, HTTP_FIELD_IF_UNMODIFIED_SINCE);
	return v->last_modified != COND_NO_DATE && request_date(m, f, v, &date) &&
	       v->last_modified > date;
}

/* Steps 3 and 4: does the client have it already? */
static bool is_known(const struct http_msg *m, const struct cond_validators *v)
{
	const struct http_field *f = http_find(m, HTTP_FIELD_IF_NONE_MATCH);
	int64_t date, modified;

	if (f) /* If-Modified-Since does not count then (13.1.3) */
		return lists_etag(m, f, v->etag, cond_etag_weak_eq);
	/* RFC 9111 4.3.2: without Last-Modified the answer's Date */
	modified = v->last_modified != COND_NO_DATE ? v->last_modified : v->date;
	f = http_find(m, HTTP_FIELD_IF_MODIFIED_SINCE);
	return modified != COND_NO_DATE && request_date(m, f, v, &date) && modified <= date;
}

enum cond_rc cond_evaluate(const struct http_msg *request, const struct cond_validators *v)
{
	if (request->method != HTTP_METHOD_GET && request->method != HTTP_METHOD_HEAD)
		return COND_GO_ON;
	if (!cond_any(request))
		return COND_GO_ON;
	if (is_failed(request, v))
		return COND_FAILED;
	return is_known(request, v) ? COND_NOT_MODIFIED : COND_GO_ON;
}

/* 8.8.2.2: a date is strong if the answer was made at least a second after the change. */
static bool is_strong_date(const struct cond_validators *v)
{
	return v->last_modified != COND_NO_DATE && v->date != COND_NO_DATE &&
	       v->date > v->last_modified;
}

bool cond_if_range(const struct http_msg *request, const struct cond_validators *v)
{
	const struct http_field *f = http_find(request, HTTP_FIELD_IF_RANGE);
	struct str text;
	int64_t date;

	if (!f)
		return true;
	if (http_find_next(request, f))
		return false;
	text = http_field_value(request, f);
	if (cond_etag_valid(text))
		return cond_etag_strong_eq(text, v->etag);
	return is_strong_date(v) && request_date(request, f, v, &date) && date == v->last_modified;
}
