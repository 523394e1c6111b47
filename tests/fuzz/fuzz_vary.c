/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Selecting fields: the input is an answer's field lines and those of two requests, with \x01
 * between them. A request matches what was written for it, and two requests match if and only if
 * the same was written for both: the quick comparison and the written form must not disagree. The
 * input is also read as the bytes of a stored form.
 * fuzz-sources: src/policy/vary.c src/http src/base/str.c src/base/check.c src/base/err.c
 * fuzz-dict: tests/fuzz/cache.dict
 */
#include "fuzz.h"
#include "http/parse.h"
#include "policy/vary.h"

struct head {
	struct http_msg msg;
	struct http_field fields[64];
	char text[8192];
};

static bool parse(struct head *h, bool request, struct str lines)
{
	const struct str start =
		request ? STR("GET / HTTP/1.1\r\nHost: h\r\n") : STR("HTTP/1.1 200 OK\r\n");
	struct http_parser p;
	size_t n = start.n + lines.n;

	h->msg.fields = h->fields;
	h->msg.max_fields = COUNTOF(h->fields);
	memcpy(h->text, start.p, start.n);
	memcpy(h->text + start.n, lines.p, lines.n);
	memcpy(h->text + n, "\r\n", 2);
	http_parser_init(&p, &h->msg, request ? HTTP_REQUEST : HTTP_RESPONSE, sizeof(h->text));
	return http_parse(&p, h->text, n + 2) == HTTP_DONE && h->msg.head_n == n + 2;
}

/* Bytes that come from elsewhere: read to the end, and no further. */
static void check_bytes(const uint8_t *data, size_t n, const struct http_msg *request)
{
	char *copy = exact_copy(data, n);
	struct str rest = str_of(copy, n), name, value;

	if (vary_valid(rest)) {
		vary_match(rest, request);
		while (vary_next(&rest, &name, &value))
			MUST(name.n > 0 && name.p + name.n <= copy + n &&
			     (!value.p || value.p + value.n <= copy + n));
		MUST(rest.n == 0);
	}
	free(copy);
}

static struct str write_spec(const struct head *request, const struct head *response, char *out,
			     size_t size, enum vary_rc *rc)
{
	struct http_writer w;

	http_write_init(&w, out, size);
	*rc = vary_write(&request->msg, &response->msg, &w);
	MUST(!w.overflow && (*rc == VARY_SOME || http_write_n(&w) == 0));
	return str_of(out, http_write_n(&w));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static struct head response, first, second;
	static char a_bytes[4096], b_bytes[4096];
	struct str rest = str_of((const char *)data, n), answer, one, two;
	enum vary_rc a_rc, b_rc;

	if (n > 4096 || !parse(&first, true, STR("Accept-Encoding: gzip\r\na: 1\r\n")))
		return 0;
	check_bytes(data, n, &first.msg);
	if (!str_next(&rest, 1, &answer) || !str_next(&rest, 1, &one) || !str_next(&rest, 1, &two))
		return 0;
	if (!parse(&response, false, answer) || !parse(&first, true, one) ||
	    !parse(&second, true, two))
		return 0;
	const struct str a = write_spec(&first, &response, a_bytes, sizeof(a_bytes), &a_rc);
	const struct str b = write_spec(&second, &response, b_bytes, sizeof(b_bytes), &b_rc);
	MUST(vary_valid(a) && vary_valid(b));
	if (a_rc > VARY_SOME || b_rc > VARY_SOME)
		return 0;
	MUST(vary_match(a, &first.msg) && vary_match(b, &second.msg));
	MUST(vary_match(a, &second.msg) == str_eq(a, b));
	MUST(vary_match(b, &first.msg) == str_eq(a, b));
	return 0;
}
