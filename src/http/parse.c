/* SPDX-License-Identifier: BSD-2-Clause */
#include "http/parse.h"

#include "base/check.h"
#include "http/framing.h"
#include "http/scan.h"

enum state {
	STATE_START = 1,  /* start line next; empty lines may be skipped before a request */
	STATE_START2 = 2, /* the same, one empty line was skipped */
	STATE_START3 = 3, /* the same, two were; no more */
	STATE_FIELDS = 4, /* field line or the empty line next */
	STATE_DONE = 5,
	STATE_BAD = 6,
};

enum { METHOD_MAX = 32, NAME_MAX_BYTES = UINT16_MAX };

static const struct error_row {
	const char *name, *text;
	int status;
} error_rows[HTTP_PARSE_ERROR_COUNT] = {
	[HTTP_PARSE_OK] = {"OK", "no error", 200},
#define PARSE_ERROR(id, status, text) [HTTP_PARSE_##id] = {#id, text, status},
#include "tbl/parse_errors.h"
#undef PARSE_ERROR
};

static const struct error_row *error_row(enum http_parse_error e)
{
	ASSERT((unsigned)e < HTTP_PARSE_ERROR_COUNT);
	return &error_rows[e];
}

int http_parse_error_status(enum http_parse_error e)
{
	return error_row(e)->status;
}

const char *http_parse_error_name(enum http_parse_error e)
{
	return error_row(e)->name;
}

const char *http_parse_error_text(enum http_parse_error e)
{
	return error_row(e)->text;
}

void http_parser_init(struct http_parser *p, struct http_msg *m, enum http_kind kind,
		      uint32_t max_head)
{
	struct http_field *fields = m->fields;
	const uint16_t max_fields = m->max_fields;

	ASSERT(kind >= HTTP_REQUEST && kind <= HTTP_TRAILERS);
	ASSERT(max_fields <= HTTP_MAX_FIELDS && (fields || max_fields == 0));
	*m = (struct http_msg){.fields = fields, .max_fields = max_fields, .kind = (uint8_t)kind};
	memset(m->first, HTTP_NO_FIELD, sizeof(m->first));
	*p = (struct http_parser){
		.msg = m,
		.max_head = max_head,
		.state = kind == HTTP_TRAILERS ? STATE_FIELDS : STATE_START,
	};
}

static struct http_span span_of(const char *base, const char *from, const char *to)
{
	return (struct http_span){(uint32_t)(from - base), (uint32_t)(to - from)};
}

/* "HTTP/1.1": upper case, one digit on both sides (RFC 9112 2.3). */
static enum http_parse_error parse_version(const char *p, size_t n, enum http_parse_error malformed,
					   uint8_t *out_minor)
{
	if (n != 8 || memcmp(p, "HTTP/", 5) != 0)
		return malformed;
	if (!ascii_digit(p[5]) || p[6] != '.' || !ascii_digit(p[7]))
		return malformed;
	if (p[5] != '1')
		return HTTP_PARSE_VERSION;
	*out_minor = p[7] != '0'; /* a higher minor is understood as 1 (RFC 9110 2.5) */
	return HTTP_PARSE_OK;
}

/* method SP request-target SP HTTP-version (RFC 9112 3), with exactly one space each. */
static enum http_parse_error parse_request_line(struct http_msg *m, const char *line,
						const char *end)
{
	const size_t method_n = scan_class(line, end, HTTP_C_TOKEN);
	const char *target = line + method_n + 1, *target_end;

	if (line + method_n == end)
		return HTTP_PARSE_START_LINE;
	if (method_n == 0 || method_n > METHOD_MAX || line[method_n] != ' ')
		return HTTP_PARSE_METHOD;
	target_end = scan_target(target, end);
	if (target_end == end) /* no version: HTTP/0.9 is not spoken here */
		return HTTP_PARSE_START_LINE;
	if (target_end == target || *target_end != ' ')
		return HTTP_PARSE_TARGET;
	m->method = (uint8_t)http_method_lookup(str_of(line, method_n));
	m->method_text = span_of(m->base, line, line + method_n);
	m->target = span_of(m->base, target, target_end);
	return parse_version(target_end + 1, (size_t)(end - target_end - 1), HTTP_PARSE_START_LINE,
			     &m->minor);
}

/*
 * HTTP-version SP status-code SP [reason-phrase] (RFC 9112 4). The second space may be missing
 * when there is no reason: many servers do so, and nothing can be misread.
 */
static enum http_parse_error parse_status_line(struct http_msg *m, const char *line,
					       const char *end)
{
	const char *code = line + 9, *reason = line + 12;
	enum http_parse_error e;

	if (end - line < 12 || line[8] != ' ')
		return HTTP_PARSE_STATUS;
	e = parse_version(line, 8, HTTP_PARSE_STATUS, &m->minor);
	if (e)
		return e;
	if (code[0] == '0' || scan_class(code, reason, HTTP_C_DIGIT) != 3)
		return HTTP_PARSE_STATUS;
	if (reason < end && *reason++ != ' ')
		return HTTP_PARSE_STATUS;
	m->status = (uint16_t)((code[0] - '0') * 100 + (code[1] - '0') * 10 + (code[2] - '0'));
	m->reason = span_of(m->base, reason, end);
	return HTTP_PARSE_OK;
}

/* What is wrong with a line that does not begin with a field name and a colon. */
static enum http_parse_error explain_name(const char *line, const char *end)
{
	const char *at = line + scan_class(line, end, HTTP_C_TOKEN);

	if (is_ows(*line))
		return HTTP_PARSE_OBS_FOLD; /* RFC 9112 5.2, and 2.2 for the first line */
	if (scan_byte(line, end, ':') == end)
		return HTTP_PARSE_NO_COLON;
	if (at > line && is_ows(*at)) {
		while (is_ows(*at))
			at++;
		if (*at == ':')
			return HTTP_PARSE_SPACE_BEFORE_COLON; /* RFC 9112 5.1 */
	}
	return HTTP_PARSE_FIELD_NAME;
}

static enum http_parse_error add_field(struct http_msg *m, const char *line, size_t name_n,
				       const char *end, enum http_field_id id)
{
	const char *value = line + name_n + 1;

	if (m->n_fields == m->max_fields)
		return HTTP_PARSE_TOO_MANY_FIELDS;
	while (value < end && is_ows(*value))
		value++;
	while (end > value && is_ows(end[-1]))
		end--;
	m->fields[m->n_fields] = (struct http_field){
		.name = (uint32_t)(line - m->base),
		.value = (uint32_t)(value - m->base),
		.value_n = (uint32_t)(end - value),
		.name_n = (uint16_t)name_n,
		.id = (uint8_t)id,
		/* RFC 9110 6.5.1: such a field means nothing in a trailer section */
		.dropped =
			m->kind == HTTP_TRAILERS && http_field_flags(id) & HTTP_FIELD_IS_NOTRAILER,
	};
	if (m->first[id] == HTTP_NO_FIELD)
		m->first[id] = (uint8_t)m->n_fields;
	m->n_fields++;
	return HTTP_PARSE_OK;
}

/*
 * field-name ":" OWS field-value OWS (RFC 9112 5). A name found in the table is a token, so only
 * unknown ones are looked at byte by byte. <limit> ends the bytes that may be read at all.
 */
static enum http_parse_error parse_field(struct http_msg *m, const char *line, const char *end,
					 const char *limit)
{
	const char *colon = scan_byte(line, limit, ':');
	const size_t name_n = (size_t)(colon - line);
	enum http_field_id id;

	if (colon >= end || name_n == 0)
		return explain_name(line, end);
	id = http_field_lookup_clean(str_of(line, name_n));
	if (id == HTTP_FIELD_OTHER) {
		if (scan_class(line, colon, HTTP_C_TOKEN) != name_n)
			return explain_name(line, end);
		if (name_n > NAME_MAX_BYTES)
			return HTTP_PARSE_HEAD_TOO_LARGE;
	}
	return add_field(m, line, name_n, end, id);
}

/* An empty line: skipped before a request, else it ends the head. */
static enum http_parse_error parse_empty(struct http_parser *p, const char *end)
{
	struct http_msg *m = p->msg;

	if (p->state == STATE_FIELDS) {
		m->head_n = (uint32_t)(end + 2 - m->base);
		p->state = STATE_DONE;
		return http_framing_finish(m);
	}
	if (m->kind == HTTP_RESPONSE)
		return HTTP_PARSE_STATUS;
	if (p->state == STATE_START3) /* RFC 9112 2.2 asks for one; two is what people send */
		return HTTP_PARSE_EMPTY_LINES;
	p->state++;
	return HTTP_PARSE_OK;
}

/* One complete line, [line, end) without its CRLF. */
static enum http_parse_error parse_line(struct http_parser *p, const char *line, const char *end,
					const char *limit)
{
	enum http_parse_error e;

	if (line == end)
		return parse_empty(p, end);
	if (LIKELY(p->state == STATE_FIELDS))
		return parse_field(p->msg, line, end, limit);
	if (p->msg->kind == HTTP_REQUEST)
		e = parse_request_line(p->msg, line, end);
	else
		e = parse_status_line(p->msg, line, end);
	p->state = STATE_FIELDS;
	return e;
}

static enum http_parse_rc fail(struct http_parser *p, enum http_parse_error e)
{
	p->error = (uint8_t)e;
	p->state = STATE_BAD;
	return HTTP_BAD;
}

/* The line is not complete. Refused when it could not become so within the limit. */
static enum http_parse_rc more(struct http_parser *p, size_t n)
{
	if (n < p->max_head)
		return HTTP_MORE;
	if (p->msg->kind == HTTP_REQUEST && p->state < STATE_FIELDS)
		return fail(p, HTTP_PARSE_TARGET_LONG);
	return fail(p, HTTP_PARSE_HEAD_TOO_LARGE);
}

/* A byte that no line may contain and that does not begin CRLF. */
static enum http_parse_error explain_stop(char c)
{
	if (c == '\r')
		return HTTP_PARSE_BARE_CR;
	return c == '\n' ? HTTP_PARSE_BARE_LF : HTTP_PARSE_CONTROL; /* RFC 9112 2.2 */
}

/*
 * The order of verdicts does not depend on how the input was cut: a line is looked at for
 * forbidden bytes from left to right, then parsed once it is complete, and nothing behind it
 * matters until then.
 */
enum http_parse_rc http_parse(struct http_parser *p, const char *base, size_t n)
{
	const char *const limit = base + MIN(n, p->max_head);
	enum http_parse_error e;

	p->msg->base = base;
	while (p->state < STATE_DONE) {
		const char *stop = scan_line(base + p->scan, limit);

		p->scan = (uint32_t)(stop - base);
		if (stop == limit || (*stop == '\r' && stop + 1 == limit))
			return more(p, n);
		if (UNLIKELY(*stop != '\r' || stop[1] != '\n'))
			return fail(p, explain_stop(*stop));
		e = parse_line(p, base + p->line, stop, limit);
		if (UNLIKELY(e))
			return fail(p, e);
		p->line = p->scan = (uint32_t)(stop + 2 - base);
	}
	return p->state == STATE_DONE ? HTTP_DONE : HTTP_BAD;
}

bool http_parse_response(struct str head, struct http_msg *m, struct http_field *fields)
{
	struct http_parser parser;

	m->fields = fields;
	m->max_fields = HTTP_MAX_FIELDS;
	http_parser_init(&parser, m, HTTP_RESPONSE, (uint32_t)head.n + 1);
	return http_parse(&parser, head.p, head.n) == HTTP_DONE;
}
