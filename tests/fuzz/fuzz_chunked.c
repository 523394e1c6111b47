/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Chunked bodies: whole and cut, against a decoder written for being read, not for speed.
 * fuzz-sources: src/http src/base/str.c src/base/rng.c src/base/check.c
 * fuzz-dict: tests/fuzz/http.dict
 */
#include <ctype.h>

#include "base/rng.h"
#include "fuzz.h"
#include "http/body.h"

struct decoded {
	enum http_chunk_rc rc;
	char *data;
	size_t n, used;
};

/* The reference: a cursor over the whole input. */
struct cursor {
	const uint8_t *p, *end;
};

static int peek(const struct cursor *c)
{
	return c->p < c->end ? *c->p : EOF;
}

/* Takes <wanted>: DATA when it was there, MORE at the end of input, else BAD. */
static enum http_chunk_rc want(struct cursor *c, int wanted)
{
	if (peek(c) == EOF)
		return HTTP_CHUNK_MORE;
	return *c->p++ == wanted ? HTTP_CHUNK_DATA : HTTP_CHUNK_BAD;
}

static enum http_chunk_rc ref_size(struct cursor *c, uint64_t *out_size)
{
	char digits[20] = "";
	size_t n = 0;

	while (peek(c) != EOF && isxdigit(peek(c))) {
		digits[n++] = (char)*c->p++;
		if (n > 16 || strtoull(digits, NULL, 16) >> 60)
			return HTTP_CHUNK_BAD;
	}
	*out_size = strtoull(digits, NULL, 16);
	if (peek(c) == EOF)
		return HTTP_CHUNK_MORE;
	return n ? HTTP_CHUNK_DATA : HTTP_CHUNK_BAD;
}

static enum http_chunk_rc ref_extensions(struct cursor *c)
{
	const uint8_t *begin = c->p;

	if (peek(c) == '\r')
		return HTTP_CHUNK_DATA;
	while (peek(c) == ' ' || peek(c) == '\t')
		if (++c->p - begin > 256)
			return HTTP_CHUNK_BAD;
	if (peek(c) == EOF)
		return HTTP_CHUNK_MORE;
	if (peek(c) != ';')
		return HTTP_CHUNK_BAD;
	for (; peek(c) != EOF && peek(c) != '\r'; c->p++)
		if ((peek(c) < ' ' && peek(c) != '\t') || peek(c) == 0x7f || c->p - begin >= 256)
			return HTTP_CHUNK_BAD;
	return peek(c) == EOF ? HTTP_CHUNK_MORE : HTTP_CHUNK_DATA;
}

/* CRLF; DATA when it was there. */
static enum http_chunk_rc ref_crlf(struct cursor *c)
{
	const enum http_chunk_rc rc = want(c, '\r');

	return rc == HTTP_CHUNK_DATA ? want(c, '\n') : rc;
}

/* One chunk; DATA when it is whole, TRAILERS when it was the last. */
static enum http_chunk_rc ref_chunk(struct cursor *c, struct decoded *out)
{
	uint64_t size = 0;
	enum http_chunk_rc rc = ref_size(c, &size);

	if (rc == HTTP_CHUNK_DATA)
		rc = ref_extensions(c);
	if (rc == HTTP_CHUNK_DATA)
		rc = ref_crlf(c);
	if (rc != HTTP_CHUNK_DATA)
		return rc;
	if (size == 0)
		return HTTP_CHUNK_TRAILERS;
	const size_t n = MIN(size, (size_t)(c->end - c->p));
	memcpy(out->data + out->n, c->p, n);
	out->n += n;
	c->p += n;
	return n < size ? HTTP_CHUNK_MORE : ref_crlf(c);
}

static void decode_reference(struct decoded *out, const uint8_t *data, size_t n)
{
	struct cursor c = {data, data + n};

	do
		out->rc = ref_chunk(&c, out);
	while (out->rc == HTTP_CHUNK_DATA);
	out->used = (size_t)(c.p - data);
}

/* Feeds one piece until nothing of it is left. */
static void feed(struct http_chunked *c, struct decoded *out, const uint8_t *data, size_t n)
{
	char *copy = exact_copy(data, n);
	size_t at = 0, used;
	struct str got;

	do {
		out->rc = http_chunked_next(c, copy + at, n - at, &used, &got);
		MUST(used <= n - at);
		MUST(out->rc == HTTP_CHUNK_DATA ? got.n > 0 : got.n == 0);
		if (got.n) {
			MUST(got.p >= copy + at && got.p + got.n == copy + at + used);
			memcpy(out->data + out->n, got.p, got.n);
			out->n += got.n;
		}
		at += used;
	} while (out->rc == HTTP_CHUNK_DATA);
	MUST(out->rc != HTTP_CHUNK_MORE || at == n);
	out->used += at;
	free(copy);
}

static void decode(struct decoded *out, const uint8_t *data, size_t n, uint64_t longest)
{
	struct http_chunked c = HTTP_CHUNKED_INIT;
	struct rng rng;
	size_t fed = 0;

	rng_seed(&rng, seed_of(data, n));
	out->rc = HTTP_CHUNK_MORE;
	while (fed < n && out->rc == HTTP_CHUNK_MORE) {
		size_t piece = 1 + rng_below(&rng, longest);

		piece = MIN(n - fed, piece);
		feed(&c, out, data + fed, piece);
		fed += piece;
	}
}

static void check_same(const struct decoded *a, const struct decoded *b)
{
	MUST(a->rc == b->rc);
	MUST(a->n == b->n && memcmp(a->data, b->data, a->n) == 0);
	MUST(a->rc == HTTP_CHUNK_BAD || a->used == b->used);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct decoded reference = {.data = malloc(n + 1)}, got = {.data = malloc(n + 1)};
	const uint64_t cuts[] = {1, 7, n + 1};

	MUST(reference.data && got.data);
	decode_reference(&reference, data, n);
	for (size_t i = 0; n && i < COUNTOF(cuts); i++) {
		got.n = got.used = 0;
		decode(&got, data, n, cuts[i]);
		check_same(&reference, &got);
	}
	free(reference.data);
	free(got.data);
	return 0;
}
