/* SPDX-License-Identifier: BSD-2-Clause */
#include "http/body.h"

#include "base/check.h"
#include "http/scan.h"

enum state {
	STATE_SIZE = 0,	    /* hex digits; ext_n counts them */
	STATE_SPACE = 1,    /* white space behind the size: an extension must follow */
	STATE_EXT = 2,	    /* in the extensions */
	STATE_SIZE_LF = 3,  /* CR of the size line seen */
	STATE_DATA = 4,	    /* <left> bytes of data */
	STATE_DATA_CR = 5,  /* data done, CRLF must follow */
	STATE_DATA_LF = 6,  /* its CR seen */
	STATE_TRAILERS = 7, /* last chunk seen */
	STATE_BAD = 8,
};

/* What RFC 9112 7.1 leaves to us: 16 digits hold 2^64, extensions have no use known to us. */
enum { SIZE_DIGITS_MAX = 16, EXT_MAX = 256 };
#define SIZE_LIMIT (UINT64_C(1) << 60)

static int hex_value(char c)
{
	if (ascii_digit(c))
		return c - '0';
	c = ascii_lower(c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static enum state begin_ext(struct http_chunked *c, enum state next)
{
	c->ext_n = 1;
	return next;
}

/* A byte of the size: 1*HEXDIG, then CR or an extension (RFC 9112 7.1). */
static enum state on_size(struct http_chunked *c, char b)
{
	const int digit = hex_value(b);

	if (digit >= 0) {
		c->left = c->left << 4 | (unsigned)digit;
		if (++c->ext_n > SIZE_DIGITS_MAX || c->left >= SIZE_LIMIT)
			return STATE_BAD;
		return STATE_SIZE;
	}
	if (c->ext_n == 0)
		return STATE_BAD;
	if (b == '\r')
		return STATE_SIZE_LF;
	if (b == ';')
		return begin_ext(c, STATE_EXT);
	return is_ows(b) ? begin_ext(c, STATE_SPACE) : STATE_BAD;
}

/* A byte of the extensions: ignored (RFC 9112 7.1.1), but counted and without controls. */
static enum state on_ext(struct http_chunked *c, char b)
{
	if (b == '\r')
		return STATE_SIZE_LF;
	if (http_is_class(b, HTTP_C_CTL) || ++c->ext_n > EXT_MAX)
		return STATE_BAD;
	return STATE_EXT;
}

static enum state on_space(struct http_chunked *c, char b)
{
	if (++c->ext_n > EXT_MAX)
		return STATE_BAD;
	if (b == ';')
		return STATE_EXT;
	return is_ows(b) ? STATE_SPACE : STATE_BAD;
}

static enum state on_size_lf(const struct http_chunked *c, char b)
{
	if (b != '\n')
		return STATE_BAD;
	return c->left ? STATE_DATA : STATE_TRAILERS;
}

static enum state on_data_lf(struct http_chunked *c, char b)
{
	c->ext_n = 0;
	return b == '\n' ? STATE_SIZE : STATE_BAD;
}

/* The next state for one byte outside data. */
static enum state on_byte(struct http_chunked *c, char b)
{
	switch ((enum state)c->state) {
	case STATE_SIZE:
		return on_size(c, b);
	case STATE_SPACE:
		return on_space(c, b);
	case STATE_EXT:
		return on_ext(c, b);
	case STATE_SIZE_LF:
		return on_size_lf(c, b);
	case STATE_DATA_CR:
		return b == '\r' ? STATE_DATA_LF : STATE_BAD;
	case STATE_DATA_LF:
		return on_data_lf(c, b);
	default:
		return STATE_BAD;
	}
}

static enum http_chunk_rc take_data(struct http_chunked *c, struct str in, size_t *out_used,
				    struct str *out_data)
{
	const size_t n = in.n < c->left ? in.n : (size_t)c->left;

	c->left -= n;
	if (c->left == 0)
		c->state = STATE_DATA_CR;
	*out_data = str_of(in.p, n);
	*out_used += n;
	return HTTP_CHUNK_DATA;
}

enum http_chunk_rc http_chunked_next(struct http_chunked *c, const char *p, size_t n,
				     size_t *out_used, struct str *out_data)
{
	size_t i = 0;

	*out_data = STR_NONE;
	while (i < n && c->state != STATE_DATA && c->state < STATE_TRAILERS)
		c->state = (uint8_t)on_byte(c, p[i++]);
	*out_used = i;
	if (c->state == STATE_BAD)
		return HTTP_CHUNK_BAD;
	if (c->state == STATE_TRAILERS)
		return HTTP_CHUNK_TRAILERS;
	if (i == n)
		return HTTP_CHUNK_MORE;
	ASSERT(c->state == STATE_DATA && c->left > 0);
	return take_data(c, str_of(p + i, n - i), out_used, out_data);
}

size_t http_chunk_line(char out[HTTP_CHUNK_LINE_MAX], uint64_t size)
{
	size_t digits = 1;

	while (digits < 16 && size >> (4 * digits))
		digits++;
	for (size_t i = 0; i < digits; i++)
		out[i] = "0123456789abcdef"[size >> (4 * (digits - 1 - i)) & 15];
	out[digits] = '\r';
	out[digits + 1] = '\n';
	return digits + 2;
}
