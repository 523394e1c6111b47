/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The chunked coding (RFC 9112 7.1), both ways. The decoder is fed bytes as they come and hands
 * back slices of data in place; it is strict (no bare LF, bounded extensions, no sign or space in
 * sizes, sizes below 2^60). Pure.
 */
#ifndef HTTP_BODY_H
#define HTTP_BODY_H

#include "base/str.h"

enum http_chunk_rc {
	HTTP_CHUNK_MORE = 0,	 /* all bytes given were used; feed more */
	HTTP_CHUNK_DATA = 1,	 /* *out_data is body data (a slice of the input) */
	HTTP_CHUNK_TRAILERS = 2, /* last chunk seen: what follows is a trailer section
				    (parse it as HTTP_TRAILERS) */
	HTTP_CHUNK_BAD = 3,	 /* malformed; the connection is not to be used again */
};

struct http_chunked {
	uint64_t left;	/* data bytes still to come in this chunk */
	uint32_t ext_n; /* bytes of extensions seen in this chunk's line */
	uint8_t state;	/* private */
};

/* Zero-initialised is ready to use. */
#define HTTP_CHUNKED_INIT ((struct http_chunked){0})

/*
 * Takes the next piece from p[0..n). *out_used is how many bytes it consumed, data included. Call
 * again with the rest until it asks for MORE or ends. Works for any split of the input.
 */
enum http_chunk_rc http_chunked_next(struct http_chunked *c, const char *p, size_t n,
				     size_t *out_used, struct str *out_data);

/* Size line of one chunk: hex digits and CRLF into <out>; returns its length (at most 18). */
enum { HTTP_CHUNK_LINE_MAX = 18 };
size_t http_chunk_line(char out[HTTP_CHUNK_LINE_MAX], uint64_t size);

#endif
