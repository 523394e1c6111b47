/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A pump moves one message (a ready head, then a body) from a body source to a connection, as
 * fast as both ends allow and no further ahead than the source's window. It frames the body for
 * the receiving side, sends the head together with the first bytes, and lets the kernel move
 * large plain bodies by itself (splice(2) through a pipe). Both directions of the proxy use it.
 */
#ifndef NET_PUMP_H
#define NET_PUMP_H

#include "net/body.h"

enum pump_rc {
	PUMP_DONE = 1,	     /* head and body are with the kernel */
	PUMP_WAIT_SRC = 2,   /* nothing to send until the source has more */
	PUMP_WAIT_DST = 3,   /* the receiver is behind */
	PUMP_YIELD = 4,	     /* could go on, but others' turn: call again next turn */
	PUMP_SRC_FAILED = 5, /* the body ended badly; see the source */
	PUMP_DST_FAILED = 6, /* the receiver is gone; see its conn->error */
};

enum { PUMP_SEGMENTS = 6 };

struct pump {
	struct body_src *src; /* NULL: head only */
	struct conn *dst;
	bool chunked;	      /* frame the body in chunks */
	bool last;	      /* the segments below end the message */
	bool started;	      /* some byte was sent */
	uint8_t n_segments;   /* unsent pieces, in order */
	uint8_t data_segment; /* which of them is body data; PUMP_SEGMENTS = none */
	struct str segments[PUMP_SEGMENTS];
	char line[HTTP_CHUNK_LINE_MAX]; /* the chunk's size line */
	int pipe_r, pipe_w;		/* -1 unless splicing */
	size_t piped;			/* bytes in the pipe */
	size_t pipe_size;
	uint64_t body_bytes;	/* body bytes sent, framing excluded */
	uint64_t spliced_bytes; /* of them by splice */
	uint64_t file_bytes;	/* of them by sendfile */
};

/* <head> must live until it is sent; <src> NULL for a message without body. */
void pump_init(struct pump *p, struct conn *dst, struct str head, struct body_src *src,
	       bool chunked);

/* Gives the pipe back. The pump may be initialised again. */
void pump_fini(struct pump *p);

/* Moves what can be moved now. */
enum pump_rc pump_run(struct pump *p);

/* Has all that was taken from the source also been sent? */
static inline bool pump_empty(const struct pump *p)
{
	return p->n_segments == 0 && p->piped == 0;
}

#endif
