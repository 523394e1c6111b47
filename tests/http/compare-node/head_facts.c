/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What tiercel's parser makes of heads, for comparing: head_facts request|response FILE...
 * prints one JSON object per file; the names are those of compare.js.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "http/parse.h"
#include "http/target.h"

enum { MAX_HEAD = 16384, INPUT_MAX = 1 << 20 };

static struct http_field fields[HTTP_MAX_FIELDS];

static void put_member(struct buf *b, const char *name, struct str value)
{
	buf_char(b, ',');
	buf_json(b, str_c(name));
	buf_char(b, ':');
	buf_json(b, value);
}

static void put_number(struct buf *b, const char *name, uint64_t value)
{
	buf_char(b, ',');
	buf_json(b, str_c(name));
	buf_char(b, ':');
	buf_u64(b, value);
}

/* A response is taken as the answer to a GET. */
static void put_framing(struct buf *b, const struct http_msg *m)
{
	static const char *const words[] = {"none", "length", "chunked", "close", "tunnel"};
	enum http_framing f = (enum http_framing)m->framing;

	if (m->kind == HTTP_RESPONSE)
		f = http_response_framing(m, HTTP_METHOD_GET);
	put_member(b, "framing", str_c(words[f]));
	put_number(b, "length", f == HTTP_FRAMING_LENGTH ? m->content_length : 0);
}

static void put_accepted(struct buf *b, const struct http_msg *m)
{
	put_member(b, "verdict", STR("accept"));
	if (m->kind == HTTP_REQUEST) {
		put_member(b, "method", http_span_str(m, m->method_text));
		put_member(b, "target", http_span_str(m, m->target));
	} else {
		put_number(b, "status", m->status);
	}
	put_number(b, "minor", m->minor);
	put_number(b, "fields", m->n_fields);
	put_number(b, "head", m->head_n);
	put_number(b, "keep", m->keep_alive);
	put_framing(b, m);
}

static void put_refused(struct buf *b, const char *error)
{
	put_member(b, "verdict", STR("refuse"));
	put_member(b, "error", str_c(error));
}

/* The engine's second look at a request. */
static bool has_good_target(const struct http_msg *m)
{
	struct http_target t;

	return m->kind != HTTP_REQUEST ||
	       http_target_parse(http_span_str(m, m->target), m->method, &t) == 0;
}

static void put_facts(struct buf *b, enum http_kind kind, const char *input, size_t n)
{
	struct http_msg m = {.fields = fields, .max_fields = COUNTOF(fields)};
	struct http_parser p;

	http_parser_init(&p, &m, kind, MAX_HEAD);
	switch (http_parse(&p, input, n)) {
	case HTTP_DONE:
		if (has_good_target(&m))
			put_accepted(b, &m);
		else
			put_refused(b, "TARGET_FORM");
		break;
	case HTTP_MORE:
		put_member(b, "verdict", STR("more"));
		break;
	case HTTP_BAD:
		put_refused(b, http_parse_error_name(p.error));
		break;
	}
}

static int print_facts(enum http_kind kind, const char *path)
{
	static char input[INPUT_MAX];
	struct buf b = BUF_INIT;
	FILE *f = fopen(path, "rb");

	if (!f) {
		perror(path);
		return 1;
	}
	const size_t n = fread(input, 1, sizeof(input), f);

	fclose(f);
	buf_c(&b, "{\"file\":");
	buf_json(&b, str_c(path));
	put_facts(&b, kind, input, n);
	buf_c(&b, "}\n");
	fwrite(b.p, 1, b.n, stdout);
	buf_fini(&b);
	return 0;
}

int main(int argc, char **argv)
{
	const enum http_kind kind =
		argc > 1 && strcmp(argv[1], "response") == 0 ? HTTP_RESPONSE : HTTP_REQUEST;
	int r = argc > 2 ? 0 : 2;

	for (int i = 2; i < argc; i++)
		r |= print_facts(kind, argv[i]);
	return r;
}
