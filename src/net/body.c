/* SPDX-License-Identifier: BSD-2-Clause */
#include "net/body.h"

enum { TRAILERS_MAX = 8 * 1024 };

static struct h1_body *of(struct body_src *s)
{
	return CONTAINER_OF(s, struct h1_body, src);
}

static bool over_limit(struct h1_body *b, uint64_t more)
{
	b->total += more;
	if (b->limit == 0 || b->total <= b->limit)
		return false;
	b->ended = H1_BODY_TOO_LARGE;
	return true;
}

/* Takes raw bytes of a body without coding over to the data. */
static void accept_plain(struct h1_body *b)
{
	uint64_t n = b->end - b->raw;

	if (b->framing == HTTP_FRAMING_LENGTH) {
		n = MIN(n, b->left);
		b->left -= n;
	}
	b->ready += (uint32_t)n;
	b->raw += (uint32_t)n;
	if (over_limit(b, n))
		return;
	if (b->framing == HTTP_FRAMING_LENGTH && b->left == 0)
		b->ended = H1_BODY_WHOLE;
}

/* Closes the gaps of lines that are not to be forwarded; returns the bytes left. */
static uint32_t drop_lines(const struct http_msg *m, char *p)
{
	uint32_t to = 0;

	for (unsigned i = 0; i < m->n_fields; i++) {
		uint32_t from = m->fields[i].name;
		uint32_t end = i + 1u < m->n_fields ? m->fields[i + 1].name : m->head_n - 2;
		if (m->fields[i].dropped)
			continue;
		memmove(p + to, p + from, end - from);
		to += end - from;
	}
	return to;
}

static void parse_trailers(struct h1_body *b)
{
	const char *p = (*b->win)->bytes + b->raw;

	switch (http_parse(&b->parser, p, b->end - b->raw)) {
	case HTTP_DONE:
		b->trailer_at = b->raw;
		b->trailer_n = drop_lines(&b->trailer_msg, (*b->win)->bytes + b->raw);
		b->raw += b->trailer_msg.head_n;
		b->ended = H1_BODY_WHOLE;
		break;
	case HTTP_MORE:
		break;
	case HTTP_BAD:
		b->ended = H1_BODY_MALFORMED;
		break;
	}
}

static void begin_trailers(struct h1_body *b)
{
	b->in_trailers = true;
	b->trailer_msg.fields = b->trailer_fields;
	b->trailer_msg.max_fields = COUNTOF(b->trailer_fields);
	http_parser_init(&b->parser, &b->trailer_msg, HTTP_TRAILERS, TRAILERS_MAX);
}

/* Decodes chunks in place: data moves down over the framing, so that it lies in one piece. */
static void accept_chunked(struct h1_body *b)
{
	char *w = (*b->win)->bytes;

	while (b->raw < b->end && !b->in_trailers && b->ended == H1_BODY_OPEN) {
		size_t used = 0;
		struct str data = STR_NONE;
		enum http_chunk_rc rc =
			http_chunked_next(&b->chunked, w + b->raw, b->end - b->raw, &used, &data);
		if (data.n) {
			memmove(w + b->at + b->ready, data.p, data.n);
			b->ready += (uint32_t)data.n;
			if (over_limit(b, data.n))
				return;
		}
		b->raw += (uint32_t)used;
		if (rc == HTTP_CHUNK_BAD)
			b->ended = H1_BODY_MALFORMED;
		else if (rc == HTTP_CHUNK_TRAILERS)
			begin_trailers(b);
	}
	if (b->in_trailers && b->ended == H1_BODY_OPEN && b->raw < b->end)
		parse_trailers(b);
}

static void accept_bytes(struct h1_body *b)
{
	if (b->ended != H1_BODY_OPEN || b->raw == b->end)
		return;
	if (b->framing == HTTP_FRAMING_CHUNKED)
		accept_chunked(b);
	else
		accept_plain(b);
}

/* Makes room behind <end>; false when the window is full of bytes nobody has taken. */
static bool make_room(struct h1_body *b)
{
	char *w;

	if (!*b->win) {
		*b->win = window_take();
		if (!*b->win)
			return false;
	}
	w = (*b->win)->bytes;
	if (b->ready == 0 && b->raw == b->end && b->at != b->floor) {
		b->overwritten = true;
		b->at = b->raw = b->end = b->floor;
	}
	if (b->end < WINDOW_SIZE)
		return true;
	uint32_t gap = b->raw - (b->at + b->ready);
	if (b->at == b->floor && gap == 0)
		return false;
	memmove(w + b->floor, w + b->at, b->ready);
	memmove(w + b->floor + b->ready, w + b->raw, b->end - b->raw);
	b->overwritten = true;
	b->end -= (b->at - b->floor) + gap;
	b->at = b->floor;
	b->raw = b->at + b->ready;
	return true;
}

static void on_stream_end(struct h1_body *b)
{
	b->ended = b->framing == HTTP_FRAMING_CLOSE ? H1_BODY_WHOLE : H1_BODY_TRUNCATED;
}

/* Reads once; false when nothing came. */
static bool read_more(struct h1_body *b)
{
	size_t n;

	if (!make_room(b)) {
		/* cannot be: the caller pulls all data first, and trailers are bounded below it */
		b->ended = H1_BODY_MALFORMED;
		return true;
	}
	uint64_t room = WINDOW_SIZE - b->end;
	switch (conn_recv(b->conn, (*b->win)->bytes + b->end, room, &n)) {
	case IO_OK:
		b->end += (uint32_t)n;
		return true;
	case IO_AGAIN:
		return false;
	case IO_EOF:
		/* an error that somebody else's call has taken (splice) leaves an end behind */
		if (b->conn->error)
			b->ended = H1_BODY_BROKEN;
		else
			on_stream_end(b);
		return true;
	case IO_ERR:
		b->ended = H1_BODY_BROKEN;
		return true;
	}
	return false;
}

static enum body_rc ended_rc(const struct h1_body *b)
{
	return b->ended == H1_BODY_WHOLE ? BODY_END : BODY_BAD;
}

static enum body_rc h1_peek(struct body_src *s, struct str *out_data, bool *out_last)
{
	struct h1_body *b = of(s);

	for (;;) {
		if (b->ended == H1_BODY_OPEN)
			accept_bytes(b);
		if (b->ended == H1_BODY_TOO_LARGE)
			return BODY_BAD;
		if (b->ready) {
			*out_data = str_of((*b->win)->bytes + b->at, b->ready);
			*out_last = b->ended == H1_BODY_WHOLE;
			return BODY_DATA;
		}
		if (b->ended != H1_BODY_OPEN)
			return ended_rc(b);
		if (!b->conn->readable || !read_more(b))
			return BODY_WAIT;
	}
}

static void h1_consume(struct body_src *s, size_t n)
{
	struct h1_body *b = of(s);

	ASSERT(n <= b->ready);
	b->at += (uint32_t)n;
	b->ready -= (uint32_t)n;
}

static struct str h1_trailers(struct body_src *s)
{
	struct h1_body *b = of(s);

	if (b->ended != H1_BODY_WHOLE || b->trailer_n == 0)
		return STR_NONE;
	return str_of((*b->win)->bytes + b->trailer_at, b->trailer_n);
}

static struct conn *h1_direct(struct body_src *s, uint64_t *out_n)
{
	struct h1_body *b = of(s);

	if (b->ready || b->raw != b->end || b->ended != H1_BODY_OPEN || !b->conn->ops->can_splice)
		return NULL;
	if (b->framing == HTTP_FRAMING_LENGTH)
		*out_n = b->left;
	else if (b->framing == HTTP_FRAMING_CLOSE)
		*out_n = UINT64_MAX;
	else
		return NULL;
	return b->limit ? NULL : b->conn;
}

static void h1_took(struct body_src *s, uint64_t n)
{
	struct h1_body *b = of(s);

	b->total += n;
	b->overwritten = true;
	if (b->framing != HTTP_FRAMING_LENGTH)
		return;
	ASSERT(n <= b->left);
	b->left -= n;
	if (b->left == 0)
		b->ended = H1_BODY_WHOLE;
}

static bool h1_rewind(struct body_src *s)
{
	return h1_body_rewind(of(s));
}

static const struct body_ops h1_ops = {
	.peek = h1_peek,
	.consume = h1_consume,
	.trailers = h1_trailers,
	.direct = h1_direct,
	.took = h1_took,
	.rewind = h1_rewind,
};

void h1_body_init(struct h1_body *b, struct conn *conn, struct window **win, uint32_t floor,
		  uint32_t end, enum http_framing framing, uint64_t length)
{
	ASSERT(framing != HTTP_FRAMING_TUNNEL);
	b->src.ops = &h1_ops;
	b->conn = conn;
	b->win = win;
	b->floor = b->at = b->raw = b->start = floor;
	b->end = end;
	b->ready = 0;
	b->framing = (uint8_t)framing;
	b->ended = H1_BODY_OPEN;
	b->in_trailers = b->overwritten = false;
	b->left = length;
	b->limit = 0;
	b->total = 0;
	b->chunked = HTTP_CHUNKED_INIT;
	b->trailer_at = b->trailer_n = 0;
	if (framing == HTTP_FRAMING_NONE || (framing == HTTP_FRAMING_LENGTH && length == 0))
		b->ended = H1_BODY_WHOLE;
	else
		accept_bytes(b);
}

void h1_body_limit(struct h1_body *b, uint64_t limit)
{
	b->limit = limit;
	if (limit && b->total > limit)
		b->ended = H1_BODY_TOO_LARGE;
}

struct str h1_body_rest(const struct h1_body *b)
{
	if (!*b->win || b->ended != H1_BODY_WHOLE)
		return STR_NONE;
	return str_of((*b->win)->bytes + b->raw, b->end - b->raw);
}

bool h1_body_rewind(struct h1_body *b)
{
	if (b->overwritten)
		return false;
	b->ready += b->at - b->start;
	b->at = b->start;
	return true;
}

/* ---- bytes in memory ---- */

static enum body_rc mem_peek(struct body_src *s, struct str *out_data, bool *out_last)
{
	struct mem_body *b = CONTAINER_OF(s, struct mem_body, src);

	*out_data = b->rest;
	*out_last = true;
	return b->rest.n ? BODY_DATA : BODY_END;
}

static void mem_consume(struct body_src *s, size_t n)
{
	struct mem_body *b = CONTAINER_OF(s, struct mem_body, src);

	b->rest.p += n;
	b->rest.n -= n;
}

static struct str mem_trailers(struct body_src *s)
{
	(void)s;
	return STR_NONE;
}

static struct conn *mem_direct(struct body_src *s, uint64_t *out_n)
{
	(void)s;
	(void)out_n;
	return NULL;
}

static void mem_took(struct body_src *s, uint64_t n)
{
	(void)s;
	(void)n;
	ASSERT(!"memory is never spliced");
}

static bool mem_rewind(struct body_src *s)
{
	struct mem_body *b = CONTAINER_OF(s, struct mem_body, src);

	b->rest = b->all;
	return true;
}

static const struct body_ops mem_ops = {
	.peek = mem_peek,
	.consume = mem_consume,
	.trailers = mem_trailers,
	.direct = mem_direct,
	.took = mem_took,
	.rewind = mem_rewind,
};

void mem_body_init(struct mem_body *b, struct str all)
{
	*b = (struct mem_body){.src.ops = &mem_ops, .all = all, .rest = all};
}
