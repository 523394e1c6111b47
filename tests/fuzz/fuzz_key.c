/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Cache keys and No-Vary-Search: the input is a byte of settings, a line with the rule (or the name
 * to filter), a line with the query, and a request's field lines. A query in normal form stays as
 * it is; so does one that No-Vary-Search has been through.
 * fuzz-sources: src/policy/key.c src/policy/key_search.c src/policy/query.c src/http
 * fuzz-sources: src/base/str.c src/base/check.c src/base/err.c src/base/sha256.c
 * fuzz-dict: tests/fuzz/cache.dict
 */
#include "fuzz.h"
#include "http/parse.h"
#include "policy/key.h"

enum { INPUT_MAX = 2048, KEY_MAX = 16384 };

struct written {
	char text[KEY_MAX];
	size_t n, url_n;
};

static void write_key(struct written *out, const struct key_rules *rules,
		      const struct key_parts *parts)
{
	struct http_writer w;

	http_write_init(&w, out->text, sizeof(out->text));
	out->url_n = key_write(rules, parts, &w);
	MUST(!w.overflow);
	out->n = http_write_n(&w);
	MUST(out->url_n <= out->n);
	MUST(!memchr(out->text, '\n', out->url_n));
	MUST(out->n == out->url_n || out->text[out->url_n] == '\n');
}

static void check_key(const struct key_rules *rules, const struct key_parts *parts)
{
	static struct written first, again, small;
	struct key_parts normal = *parts;
	struct http_writer w;
	size_t room;

	write_key(&first, rules, parts);
	const char *mark = memchr(first.text, '?', first.url_n);
	normal.query = STR_NONE;
	if (mark)
		normal.query = str_of(mark + 1, (size_t)(first.text + first.url_n - mark) - 1);
	write_key(&again, rules, &normal);
	MUST(first.n == again.n && memcmp(first.text, again.text, first.n) == 0);
	room = first.n ? seed_of((const uint8_t *)first.text, first.n) % first.n : 0;
	http_write_init(&w, small.text, room);
	key_write(rules, parts, &w);
	MUST(w.overflow);
}

static void check_search(struct str rule, struct str query)
{
	static char first[KEY_MAX], again[KEY_MAX];
	struct http_writer w, v;

	http_write_init(&w, first, sizeof(first));
	if (!key_no_vary_search(rule, query, &w)) {
		MUST(http_write_n(&w) == 0);
		return;
	}
	MUST(!w.overflow);
	http_write_init(&v, again, sizeof(again));
	MUST(key_no_vary_search(rule, str_of(first, http_write_n(&w)), &v));
	MUST(str_eq(str_of(first, http_write_n(&w)), str_of(again, http_write_n(&v))));
}

static bool parse(struct http_msg *m, struct str lines)
{
	static const char start[] = "POST / HTTP/1.1\r\nHost: h\r\n";
	static struct http_field fields[32];
	static char text[INPUT_MAX + 64];
	struct http_parser p;

	*m = (struct http_msg){.fields = fields, .max_fields = COUNTOF(fields)};
	memcpy(text, start, sizeof(start) - 1);
	memcpy(text + sizeof(start) - 1, lines.p, lines.n);
	memcpy(text + sizeof(start) - 1 + lines.n, "\r\n", 2);
	http_parser_init(&p, m, HTTP_REQUEST, sizeof(text));
	return http_parse(&p, text, sizeof(start) + 1 + lines.n) == HTTP_DONE;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static const struct str headers[] = {STR("Accept"), STR("X-A")}, cookies[] = {STR("a")};
	struct str rule, query;
	struct http_msg m;

	if (n < 1 || n > INPUT_MAX)
		return 0;
	char *copy = exact_copy(data + 1, n - 1);
	struct str rest = str_of(copy, n - 1);
	const unsigned how = data[0];

	if (!str_next(&rest, '\n', &rule) || !str_next(&rest, '\n', &query))
		goto out;
	for (size_t i = 0; i < query.n; i++) /* a request target, but UTF-8 may be in it */
		if ((query.p[i] > 0 && query.p[i] <= ' ') || query.p[i] == '#' || !query.p[i])
			goto out;
	const struct key_rules rules = {.query = (uint8_t)(1 + how % 3),
					.sort_query = how & 4,
					.host = how & 8,
					.ignore_query = &rule,
					.n_ignore_query = how & 16 ? 1 : 0,
					.keep_query = &rule,
					.n_keep_query = 1,
					.headers = headers,
					.n_headers = COUNTOF(headers),
					.cookies = cookies,
					.n_cookies = COUNTOF(cookies)};
	struct key_parts parts = {.scheme = how & 32 ? STR("https") : STR("http"),
				  .host = STR("Host"),
				  .port = STR("443"),
				  .path = STR("/p"),
				  .query = query,
				  .content = rest,
				  .by_content = how & 64};
	if (parse(&m, rest.p ? rest : STR("")))
		parts.request = &m;
	else
		parts.by_content = false;
	check_key(&rules, &parts);
	check_search(rule, query);
out:
	free(copy);
	return 0;
}
