/* SPDX-License-Identifier: BSD-2-Clause */
#include "upstream/exchange.h"

#include "obs/metrics.h"

static void expect_head(struct exchange *x)
{
	x->msg.fields = x->fields;
	x->msg.max_fields = HTTP_MAX_FIELDS;
	http_parser_init(&x->parser, &x->msg, HTTP_RESPONSE, EXCHANGE_HEAD_MAX);
}

void exchange_begin(struct exchange *x, struct upconn *uc)
{
	x->uc = uc;
	x->win = NULL;
	x->head_at = x->end = 0;
	x->any = false;
	x->body.ended = H1_BODY_OPEN;
	expect_head(x);
}

static enum exchange_rc failed(enum proxy_error why, enum proxy_error *out_error)
{
	*out_error = why;
	return EXCHANGE_FAILED;
}

static enum exchange_rc bad_head(const struct exchange *x, enum proxy_error *out_error)
{
	switch (x->parser.error) {
	case HTTP_PARSE_HEAD_TOO_LARGE:
	case HTTP_PARSE_TOO_MANY_FIELDS:
		return failed(PROXY_ERROR_http_response_header_section_size, out_error);
	case HTTP_PARSE_CODING_BAD:
	case HTTP_PARSE_CODING_UNKNOWN:
		return failed(PROXY_ERROR_http_response_transfer_coding, out_error);
	default:
		return failed(PROXY_ERROR_http_protocol_error, out_error);
	}
}

/* Moves what is left behind interim heads to the front, so that a full head always fits. */
static void compact(struct exchange *x)
{
	if (x->head_at == 0)
		return;
	memmove(x->win->bytes, x->win->bytes + x->head_at, x->end - x->head_at);
	x->end -= x->head_at;
	x->head_at = 0;
}

static enum exchange_rc parse(struct exchange *x, enum proxy_error *out_error)
{
	if (x->end == x->head_at)
		return EXCHANGE_WAIT;
	switch (http_parse(&x->parser, x->win->bytes + x->head_at, x->end - x->head_at)) {
	case HTTP_DONE:
		return EXCHANGE_HEAD;
	case HTTP_BAD:
		return bad_head(x, out_error);
	case HTTP_MORE:
		break;
	}
	return EXCHANGE_WAIT;
}

enum exchange_rc exchange_read_head(struct exchange *x, enum proxy_error *out_error)
{
	struct conn *c = &x->uc->conn;

	for (;;) {
		enum exchange_rc rc = parse(x, out_error);
		size_t n;
		if (rc != EXCHANGE_WAIT || !c->readable)
			return rc;
		if (!x->win && !(x->win = window_take()))
			return failed(PROXY_ERROR_out_of_memory, out_error);
		compact(x);
		switch (conn_recv(c, x->win->bytes + x->end, WINDOW_SIZE - x->end, &n)) {
		case IO_OK:
			x->end += (uint32_t)n;
			x->any = true;
			break;
		case IO_AGAIN:
			if (x->end == 0)
				window_give(&x->win);
			return EXCHANGE_WAIT;
		case IO_EOF:
		case IO_ERR:
			return failed(x->any ? PROXY_ERROR_http_response_incomplete
					     : PROXY_ERROR_connection_terminated,
				      out_error);
		}
	}
}

void exchange_next_head(struct exchange *x)
{
	x->head_at += x->msg.head_n;
	expect_head(x);
}

void exchange_begin_body(struct exchange *x, enum http_method method)
{
	enum http_framing framing = http_response_framing(&x->msg, method);

	ASSERT(framing != HTTP_FRAMING_TUNNEL);
	/* body bytes go to the front of the window once what has come with the head is used */
	h1_body_init(&x->body, &x->uc->conn, &x->win, x->head_at + x->msg.head_n, x->end, framing,
		     x->msg.content_length);
	x->body.floor = 0;
}

struct str exchange_rest(const struct exchange *x)
{
	uint32_t at = x->head_at + x->msg.head_n;

	return x->win ? str_of(x->win->bytes + at, x->end - at) : STR_NONE;
}

bool exchange_reusable(const struct exchange *x)
{
	const struct h1_body *b = &x->body;

	return h1_body_whole(b) && b->framing != HTTP_FRAMING_CLOSE && x->msg.keep_alive &&
	       (!x->win || b->raw == b->end);
}

void exchange_end(struct exchange *x, bool keep, bool reset)
{
	if (x->uc) {
		x->uc->on_event = NULL;
		pool_release(&x->uc, keep, reset);
	}
	window_give(&x->win);
}
