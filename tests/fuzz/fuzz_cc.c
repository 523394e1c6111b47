/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Cache directives: the input is field lines of a message; the first byte says which. Nothing that
 * stands in a line may keep a no-store behind it from being seen, in the same line or another.
 * fuzz-sources: src/http src/base/str.c src/base/check.c src/base/err.c
 * fuzz-dict: tests/fuzz/cache.dict
 */
#include "fuzz.h"
#include "http/cc.h"
#include "http/parse.h"

struct head {
	struct http_msg msg;
	struct http_field fields[32];
	char text[8192];
	size_t n;
};

static bool parse(struct head *h, bool request, struct str lines, struct str end)
{
	const struct str start =
		request ? STR("GET / HTTP/1.1\r\nHost: h\r\n") : STR("HTTP/1.1 200 OK\r\n");
	struct http_parser p;

	h->msg.fields = h->fields;
	h->msg.max_fields = COUNTOF(h->fields);
	memcpy(h->text, start.p, start.n);
	memcpy(h->text + start.n, lines.p, lines.n);
	memcpy(h->text + start.n + lines.n, end.p, end.n);
	http_parser_init(&p, &h->msg, request ? HTTP_REQUEST : HTTP_RESPONSE, sizeof(h->text));
	h->n = start.n + lines.n + end.n;
	return http_parse(&p, h->text, h->n) == HTTP_DONE && h->msg.head_n == h->n;
}

static void check_seconds(int64_t v)
{
	MUST(v == CC_NONE || v == CC_BAD || (v >= 0 && v <= CC_SECONDS_MAX));
}

static void check_names(const struct head *h, const struct str *names, unsigned n, bool flag)
{
	MUST(n <= CC_FIELDS_MAX && (!flag || n > 0));
	for (unsigned i = 0; i < n; i++)
		MUST(http_is_token(names[i]) && names[i].p >= h->text &&
		     names[i].p + names[i].n <= h->text + h->n);
}

static void check_cc(const struct head *h, const struct cc *cc)
{
	check_seconds(cc->max_age);
	check_seconds(cc->s_maxage);
	check_seconds(cc->stale_while_revalidate);
	check_seconds(cc->stale_if_error);
	check_seconds(cc->min_fresh);
	if (cc->max_stale != CC_ANY)
		check_seconds(cc->max_stale);
	check_names(h, cc->no_cache, cc->n_no_cache, cc->flags & CC_NO_CACHE_FIELDS);
	check_names(h, cc->private_, cc->n_private, cc->flags & CC_PRIVATE_FIELDS);
	MUST(!(cc->flags & CC_PRAGMA) || cc->flags == CC_PRAGMA);
	MUST((cc->flags & (CC_PRESENT | CC_PRAGMA)) || cc->flags == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static struct head h;
	struct cc cc, more;

	if (n < 1 || n > 4096)
		return 0;
	const struct str lines = str_of((const char *)data + 1, n - 1);
	const bool request = data[0] & 1;

	if (parse(&h, request, lines, STR("\r\n"))) {
		cc_parse(&h.msg, &cc);
		check_cc(&h, &cc);
		if (cc_parse_targeted(&h.msg, STR("CDN-Cache-Control"), &more))
			check_cc(&h, &more);
		if (cc_parse_targeted(&h.msg, STR("X-CC"), &more))
			check_cc(&h, &more);
		if (parse(&h, request, lines, STR("Cache-Control: no-store\r\n\r\n"))) {
			cc_parse(&h.msg, &more);
			MUST(more.flags ==
			     (((cc.flags & ~(unsigned)CC_PRAGMA) | CC_PRESENT | CC_NO_STORE)));
		}
	}
	if (memchr(lines.p, '\r', lines.n)) /* several lines */
		return 0;
	/* the input as the value of one line */
	static char line[4200];
	const size_t name_n = sizeof("Cache-Control: ") - 1;

	memcpy(line, "Cache-Control: ", name_n);
	memcpy(line + name_n, lines.p, lines.n);
	if (parse(&h, request, str_of(line, name_n + lines.n), STR(",no-store\r\n\r\n"))) {
		cc_parse(&h.msg, &cc);
		check_cc(&h, &cc);
		MUST(cc.flags & CC_NO_STORE);
	}
	return 0;
}
