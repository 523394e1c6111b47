/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A connected byte stream with edge-triggered readiness. Reading and writing never block; after
 * IO_AGAIN the owner waits for the next on_event. The transport's work is behind conn_ops, so
 * that TLS can take the place of plain sockets without anybody above knowing.
 */
#ifndef NET_CONN_H
#define NET_CONN_H

#include <sys/uio.h>

#include "net/loop.h"

enum io_rc {
	IO_OK = 1,    /* some bytes moved */
	IO_AGAIN = 2, /* nothing now; an event will come */
	IO_EOF = 3,   /* the peer ended the stream cleanly */
	IO_ERR = 4,   /* broken; conn->error is the errno */
};

struct conn;

struct conn_ops {
	enum io_rc (*recv)(struct conn *c, void *p, size_t n, size_t *out_n);
	enum io_rc (*sendv)(struct conn *c, const struct iovec *v, int n, bool more, size_t *out_n);
	bool can_splice; /* conn->fd carries the plain bytes */
};

extern const struct conn_ops conn_plain;

struct conn {
	struct loop_io io; /* the registration; io.fn is the owner's event function */
	const struct conn_ops *ops;
	int fd;	       /* -1 when closed */
	int error;     /* errno of the last IO_ERR */
	bool readable; /* a recv may give something */
	bool drained;  /* the last recv was short: most likely nothing is left. Looked at
				       between messages only; inside one a recv makes sure, because
				       an RST behind the bytes may have shared their edge */
	bool writable; /* a send may take something */
	bool hup;      /* the peer has sent FIN: read on until EOF */
};

/* Takes <fd> (non-blocking) and watches it; on failure the fd is closed. */
MUST_CHECK int conn_open(struct conn *c, struct loop *loop, int fd, loop_io_fn *on_event,
			 void *arg);

/* Owner's event function calls this first: turns <what> into the flags above. */
void conn_note(struct conn *c, unsigned what);

/* Up to <n> bytes. IO_OK with *out_n > 0, or another code and *out_n 0. */
enum io_rc conn_recv(struct conn *c, void *p, size_t n, size_t *out_n);

/*
 * Sends what the kernel takes now. <more>: more will follow at once (MSG_MORE). IO_OK may have
 * taken only a part; then writable is false.
 */
enum io_rc conn_sendv(struct conn *c, const struct iovec *v, int n, bool more, size_t *out_n);

/* Moves up to <n> bytes between the stream and a pipe (splice(2)). Plain transport only. */
enum io_rc conn_splice_in(struct conn *c, int pipe_w, size_t n, size_t *out_n);
enum io_rc conn_splice_out(struct conn *c, int pipe_r, size_t n, bool more, size_t *out_n);

/* Sends up to <n> bytes of <fd> from <at> (sendfile(2)). Plain transport only. IO_EOF: the file has
 * no such bytes. */
enum io_rc conn_sendfile(struct conn *c, int fd, uint64_t at, size_t n, size_t *out_n);

/*
 * For a stream on which nothing should come: true when the peer closed it, it broke, or sent
 * bytes (which are left unread). One system call, and none when no event was seen.
 */
bool conn_unexpected(struct conn *c);

/* Between messages: what a short read left is taken as nothing, which saves a recv. */
static inline void conn_settle(struct conn *c)
{
	if (c->drained)
		c->readable = c->drained = false;
}

/* Unwatches and closes. <reset>: with RST, so that the peer sees a broken stream. */
void conn_close(struct conn *c, bool reset);

#endif
