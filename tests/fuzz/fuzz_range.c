/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Ranges and preconditions: the input is a request's field lines, the first byte the length of the
 * representation; the whole is read as a Content-Range and as an entity tag too. What is sent is
 * never more than there is, and a 304 only goes to who names the tag or a date.
 * fuzz-sources: src/http src/base/str.c src/base/check.c src/base/err.c
 * fuzz-dict: tests/fuzz/cache.dict
 */
#include "fuzz.h"
#include "http/cond.h"
#include "http/parse.h"
#include "http/range.h"

static void check_ranges(const struct http_msg *m, uint64_t length)
{
	struct range ranges[RANGES_MAX];
	struct range_set set;
	uint64_t sum = 0;
	unsigned n = 0;

	if (range_parse(m, &set) != RANGE_SOME)
		return;
	MUST(set.n >= 1 && set.n <= RANGES_MAX);
	if (range_resolve(&set, length, ranges, &n) != RANGE_SOME)
		return;
	MUST(n >= 1 && n <= set.n);
	for (unsigned i = 0; i < n; i++) {
		MUST(ranges[i].first <= ranges[i].last && ranges[i].last < length);
		sum += ranges[i].last - ranges[i].first + 1;
		MUST(sum <= length);
	}
}

static void check_conditions(const struct http_msg *m)
{
	const struct cond_validators v = {STR("\"x\""), 784111777, 784111787};
	const struct cond_validators none = {STR_NONE, COND_NO_DATE, COND_NO_DATE};
	const enum cond_rc rc = cond_evaluate(m, &v);

	MUST(rc == COND_GO_ON || cond_any(m));
	MUST(rc != COND_NOT_MODIFIED || http_find(m, HTTP_FIELD_IF_NONE_MATCH) ||
	     http_find(m, HTTP_FIELD_IF_MODIFIED_SINCE));
	if (cond_evaluate(m, &none) == COND_NOT_MODIFIED)
		MUST(str_eq(http_value(m, HTTP_FIELD_IF_NONE_MATCH), STR("*")));
	MUST(!cond_if_range(m, &none) || !http_find(m, HTTP_FIELD_IF_RANGE));
	cond_if_range(m, &v);
}

static void check_values(struct str text)
{
	struct range r;
	uint64_t length;

	if (range_content_parse(text, &r, &length) == 0)
		MUST(r.first <= r.last && r.last < length);
	MUST(cond_etag_valid(text) || !cond_etag_strong(text));
	MUST(cond_etag_weak_eq(text, text) == cond_etag_valid(text));
	MUST(cond_etag_strong_eq(text, text) == cond_etag_strong(text));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static const char start[] = "GET / HTTP/1.1\r\nHost: h\r\n";
	static struct http_field fields[32];
	static char text[8192];
	struct http_msg m = {.fields = fields, .max_fields = COUNTOF(fields)};
	const size_t start_n = sizeof(start) - 1;
	struct http_parser p;

	if (n < 1 || n > 4096)
		return 0;
	char *copy = exact_copy(data + 1, n - 1);

	check_values(str_of(copy, n - 1));
	free(copy);
	memcpy(text, start, start_n);
	memcpy(text + start_n, data + 1, n - 1);
	memcpy(text + start_n + n - 1, "\r\n", 2);
	http_parser_init(&p, &m, HTTP_REQUEST, sizeof(text));
	if (http_parse(&p, text, start_n + n + 1) != HTTP_DONE)
		return 0;
	check_ranges(&m, data[0] < 250 ? data[0] : UINT64_MAX - 1);
	check_conditions(&m);
	return 0;
}
