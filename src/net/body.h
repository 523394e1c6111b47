/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Message bodies as something to pull from. A body_src is asked for the bytes it has ready and
 * told how many were used; it never reads ahead of its window, so a reader that stops pulling
 * stops the peer by TCP's own flow control. h1_body is the source behind HTTP/1.x framing, on
 * either side of the proxy. One loop, one thread.
 */
#ifndef NET_BODY_H
#define NET_BODY_H

#include "http/body.h"
#include "http/parse.h"
#include "net/conn.h"
#include "net/window.h"

enum body_rc {
	BODY_WAIT = 1, /* nothing now; the source's connection will tell */
	BODY_DATA = 2, /* *out_data holds bytes */
	BODY_END = 3,  /* all was pulled */
	BODY_BAD = 4,  /* malformed, truncated or broken: nothing more will come */
};

struct body_src;

struct body_ops {
	/* What is ready; *out_last when the body ends with these bytes. The slice lives until
	 * consumed or the next call. */
	enum body_rc (*peek)(struct body_src *s, struct str *out_data, bool *out_last);
	/* <n> bytes of the last peek were used. */
	void (*consume)(struct body_src *s, size_t n);
	/* Trailer lines ("Name: value\r\n"...), once the end is known; may be empty. */
	struct str (*trailers)(struct body_src *s);
	/* The connection whose next *out_n bytes are plain body bytes and none is buffered here;
	 * NULL when bytes must go through peek. */
	struct conn *(*direct)(struct body_src *s, uint64_t *out_n);
	/* The next bytes as a range of a file (for sendfile(2)): up to *out_n at *out_at; -1 when
	 * they must go through peek. Taking them is told by took. NULL: never. */
	int (*file)(struct body_src *s, uint64_t *out_at, size_t *out_n);
	/* <n> of the bytes of direct or file were taken. */
	void (*took)(struct body_src *s, uint64_t n);
	/* Begins again from the first byte; false if that cannot be. NULL: never can. */
	bool (*rewind)(struct body_src *s);
};

struct body_src {
	const struct body_ops *ops;
};

/* A body that lies in memory: static answers, and requests whose content was collected. */
struct mem_body {
	struct body_src src;
	struct str all, rest;
};

void mem_body_init(struct mem_body *b, struct str all);

enum h1_body_end {
	H1_BODY_OPEN = 0,      /* more to come */
	H1_BODY_WHOLE = 1,     /* complete, by its own framing */
	H1_BODY_TRUNCATED = 2, /* the connection ended first */
	H1_BODY_MALFORMED = 3, /* bad chunked coding or trailers */
	H1_BODY_BROKEN = 4,    /* the connection failed; conn->error */
	H1_BODY_TOO_LARGE = 5, /* above the limit */
};

/*
 * Bytes lie in the window like this:
 *   [floor .. at) used   [at .. at+ready) decoded data   [raw .. end) as received
 * Without chunked coding raw bytes and data are the same, and raw == at + ready.
 */
struct h1_body {
	struct body_src src;
	struct conn *conn;
	struct window **win; /* the owner's; taken here when needed, given back by the owner */
	uint32_t floor;	     /* bytes below belong to the head and stay */
	uint32_t at, ready;
	uint32_t raw, end;
	uint8_t framing; /* enum http_framing */
	uint8_t ended;	 /* enum h1_body_end */
	bool in_trailers;
	bool overwritten; /* data below <at> is gone: no rewind */
	uint64_t left;	  /* LENGTH: bytes not yet received into ready */
	uint64_t limit;	  /* most body bytes allowed; 0 = any */
	uint64_t total;	  /* body bytes received so far, framing excluded */
	uint32_t start;	  /* where the body began in the window */
	struct http_chunked chunked;
	struct http_parser parser; /* trailers */
	struct http_msg trailer_msg;
	struct http_field trailer_fields[16];
	uint32_t trailer_at, trailer_n; /* the trailer lines in the window */
};

/*
 * Begins a body whose first bytes may already be in **win at [floor, end). <length> for
 * HTTP_FRAMING_LENGTH.
 */
void h1_body_init(struct h1_body *b, struct conn *conn, struct window **win, uint32_t floor,
		  uint32_t end, enum http_framing framing, uint64_t length);

/* A body of unknown length may have at most <limit> bytes (0 = any): more is H1_BODY_TOO_LARGE. */
void h1_body_limit(struct h1_body *b, uint64_t limit);

/* Bytes received behind the body's end (a pipelined request), as a slice of the window. */
struct str h1_body_rest(const struct h1_body *b);

/* Puts all data pulled so far back, if the window still holds it from the first byte. */
bool h1_body_rewind(struct h1_body *b);

static inline bool h1_body_whole(const struct h1_body *b)
{
	return b->ended == H1_BODY_WHOLE && b->ready == 0;
}

#endif
