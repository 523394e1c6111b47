/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What must hold for every input of the head parser: the same verdict and the same message for any
 * cut of the input; slices inside the head; an accepted head obeys the grammar when looked at
 * again by simple means; its fields written and parsed again are the same fields.
 */
#ifndef TESTS_HEAD_CHECK_H
#define TESTS_HEAD_CHECK_H

#include "base/rng.h"
#include "fuzz.h"
#include "http/parse.h"
#include "http/write.h"

enum { FUZZ_MAX_HEAD = 4096, FUZZ_MAX_FIELDS = 20 };

struct parsed {
	struct http_parser parser;
	struct http_msg msg;
	struct http_field fields[FUZZ_MAX_FIELDS];
	enum http_parse_rc rc;
	char *copy; /* the bytes that msg.base refers to */
};

static void parsed_init(struct parsed *p, enum http_kind kind)
{
	memset(p, 0, sizeof(*p));
	p->msg.fields = p->fields;
	p->msg.max_fields = FUZZ_MAX_FIELDS;
	http_parser_init(&p->parser, &p->msg, kind, FUZZ_MAX_HEAD);
}

static void parsed_feed(struct parsed *p, const uint8_t *data, size_t n)
{
	free(p->copy);
	p->copy = exact_copy(data, n);
	p->rc = http_parse(&p->parser, p->copy, n);
}

static void parse_whole(struct parsed *p, enum http_kind kind, const uint8_t *data, size_t n)
{
	parsed_init(p, kind);
	parsed_feed(p, data, n);
}

/* Cuts of random length: single bytes, a few, or many. */
static void parse_cut(struct parsed *p, enum http_kind kind, const uint8_t *data, size_t n)
{
	struct rng rng;
	size_t fed = 0;

	rng_seed(&rng, seed_of(data, n));
	const uint64_t longest = 1 + rng_below(&rng, n < 8 ? 8 : n);
	parsed_init(p, kind);
	parsed_feed(p, data, 0);
	while (fed < n && p->rc == HTTP_MORE) {
		fed += 1 + rng_below(&rng, longest);
		fed = MIN(n, fed);
		parsed_feed(p, data, fed);
	}
}

static void check_same(const struct parsed *a, const struct parsed *b)
{
	const struct http_msg *x = &a->msg, *y = &b->msg;

	MUST(a->rc == b->rc);
	MUST(a->parser.error == b->parser.error);
	if (a->rc != HTTP_DONE)
		return;
	/* from <kind> to <first> there is no padding; the pointers before differ */
	MUST(memcmp(&x->kind, &y->kind,
		    offsetof(struct http_msg, first) - offsetof(struct http_msg, kind)) == 0);
	MUST(memcmp(x->first, y->first, sizeof(x->first)) == 0);
	MUST(x->n_fields == y->n_fields);
	MUST(memcmp(a->fields, b->fields, sizeof(a->fields[0]) * x->n_fields) == 0);
}

static void check_span(const struct http_msg *m, struct http_span s)
{
	MUST(s.at <= m->head_n && s.n <= m->head_n - s.at);
}

/* One field: in order, inside, a token, a value without controls, not padded. */
static void check_field(const struct http_msg *m, const struct http_field *f, uint32_t *at)
{
	const struct str name = http_field_name(m, f), value = http_field_value(m, f);

	MUST(f->name >= *at && f->value > f->name + f->name_n);
	MUST(f->value + f->value_n + 2 <= m->head_n);
	MUST(m->base[f->name + f->name_n] == ':');
	MUST(http_is_token(name) && http_is_value(value));
	MUST(f->id == http_field_lookup(name));
	MUST(!f->id || str_ieq(name, http_field_text(f->id)));
	MUST(!f->id || m->first[f->id] <= f - m->fields);
	*at = f->value + f->value_n;
}

/* Every LF of the head behind a CR and the other way round, the empty line last, no NUL. */
static void check_lines(const struct http_msg *m)
{
	for (uint32_t i = 0; i < m->head_n; i++) {
		const char c = m->base[i];

		MUST(c != '\0' && c != 0x7f);
		MUST(c != '\r' || m->base[i + 1] == '\n');
		MUST(c != '\n' || (i > 0 && m->base[i - 1] == '\r'));
	}
	MUST(m->head_n >= 2 && memcmp(m->base + m->head_n - 2, "\r\n", 2) == 0);
	MUST(m->head_n == 2 || m->base[m->head_n - 3] == '\n');
}

/* Framing: never from two sources (RFC 9112 6.3, 11.2). */
static void check_framing(const struct http_msg *m)
{
	const bool coded = http_find(m, HTTP_FIELD_TRANSFER_ENCODING);
	const bool sized = http_find(m, HTTP_FIELD_CONTENT_LENGTH);

	if (m->kind == HTTP_TRAILERS) {
		for (unsigned i = 0; i < m->n_fields; i++)
			MUST(m->fields[i].dropped ==
			     !!(http_field_flags(m->fields[i].id) & HTTP_FIELD_IS_NOTRAILER));
		MUST(m->framing == HTTP_FRAMING_NONE && !m->has_length);
		return;
	}
	MUST(!(coded && sized));
	MUST(coded == (m->framing == HTTP_FRAMING_CHUNKED));
	MUST(sized == (m->framing == HTTP_FRAMING_LENGTH) && sized == m->has_length);
	MUST(!coded || str_ieq(http_value(m, HTTP_FIELD_TRANSFER_ENCODING), STR("chunked")));
	MUST(m->minor <= 1);
}

static void write_start(struct http_writer *w, const struct http_msg *m)
{
	if (m->kind == HTTP_REQUEST) {
		http_write_str(w, http_span_str(m, m->method_text));
		http_write_lit(w, " ");
		http_write_str(w, http_span_str(m, m->target));
		http_write_str(w, m->minor ? STR(" HTTP/1.1\r\n") : STR(" HTTP/1.0\r\n"));
	} else if (m->kind == HTTP_RESPONSE) {
		/* the writer knows HTTP/1.1 only; the minor decides about persistence */
		http_write_str(w, m->minor ? STR("HTTP/1.1 ") : STR("HTTP/1.0 "));
		http_write_u64(w, m->status);
		http_write_lit(w, " ");
		http_write_str(w, http_span_str(m, m->reason));
		http_write_lit(w, "\r\n");
	}
}

/* Written out and read again: the same fields, the same meaning. */
static void check_round_trip(const struct http_msg *m)
{
	static char out[FUZZ_MAX_HEAD * 2];
	struct http_writer w;
	struct parsed again;
	unsigned k = 0;

	http_write_init(&w, out, sizeof(out));
	write_start(&w, m);
	http_write_fields(&w, m);
	http_write_lit(&w, "\r\n");
	MUST(!w.overflow);
	parsed_init(&again, m->kind);
	again.parser.max_head = sizeof(out);
	parsed_feed(&again, (const uint8_t *)out, http_write_n(&w));
	MUST(again.rc == HTTP_DONE && again.msg.head_n == http_write_n(&w));
	for (unsigned i = 0; i < m->n_fields; i++) {
		const struct http_field *f = &m->fields[i], *g = &again.fields[k];

		if (f->dropped)
			continue;
		MUST(k++ < again.msg.n_fields);
		MUST(str_eq(http_field_name(m, f), http_field_name(&again.msg, g)));
		MUST(str_eq(http_field_value(m, f), http_field_value(&again.msg, g)));
	}
	MUST(k == again.msg.n_fields);
	MUST(m->framing == again.msg.framing && m->content_length == again.msg.content_length);
	MUST(m->keep_alive == again.msg.keep_alive && m->upgrade == again.msg.upgrade);
	free(again.copy);
}

static void check_accepted(const struct http_msg *m)
{
	uint32_t at = 0;

	check_lines(m);
	check_span(m, m->method_text);
	check_span(m, m->target);
	check_span(m, m->reason);
	for (unsigned i = 0; i < m->n_fields; i++)
		check_field(m, &m->fields[i], &at);
	check_framing(m);
	check_round_trip(m);
}

/* Everything; on return <whole> is what the input parsed to (free its copy). */
static void check_head(struct parsed *whole, enum http_kind kind, const uint8_t *data, size_t n)
{
	struct parsed cut;

	parse_whole(whole, kind, data, n);
	parse_cut(&cut, kind, data, n);
	check_same(whole, &cut);
	MUST(whole->rc != HTTP_BAD || whole->parser.error != HTTP_PARSE_OK);
	if (whole->rc == HTTP_DONE) {
		check_accepted(&whole->msg);
		check_accepted(&cut.msg);
	}
	free(cut.copy);
}

#endif
