/* SPDX-License-Identifier: BSD-2-Clause */
#include "net/conn.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/err.h"
#include "net/sock.h"

int conn_open(struct conn *c, struct loop *loop, int fd, loop_io_fn *on_event, void *arg)
{
	memset(c, 0, sizeof(*c));
	c->ops = &conn_plain;
	c->fd = fd;
	int rc = loop_io_add(loop, &c->io, fd, on_event, arg);
	if (rc) {
		close(fd);
		c->fd = -1;
	}
	return rc;
}

void conn_note(struct conn *c, unsigned what)
{
	if (what & (LOOP_READ | LOOP_HUP)) {
		c->readable = true;
		c->drained = false;
	}
	if (what & LOOP_WRITE)
		c->writable = true;
	if (what & LOOP_HUP)
		c->hup = true;
}

static bool would_block(int error)
{
	return error == EAGAIN || error == EWOULDBLOCK || error == EINTR;
}

static enum io_rc failed(struct conn *c, int error)
{
	c->error = error;
	return IO_ERR;
}

static enum io_rc plain_recv(struct conn *c, void *p, size_t n, size_t *out_n)
{
	ssize_t got = recv(c->fd, p, n, 0);

	if (got > 0) {
		/* a short read emptied the socket; but when FIN is known, it is to be read too */
		c->drained = (size_t)got < n && !c->hup;
		*out_n = (size_t)got;
		return IO_OK;
	}
	if (got == 0)
		return IO_EOF;
	if (!would_block(errno))
		return failed(c, errno);
	if (errno != EINTR)
		c->readable = false;
	return IO_AGAIN;
}

static enum io_rc plain_sendv(struct conn *c, const struct iovec *v, int n, bool more,
			      size_t *out_n)
{
	struct msghdr m = {.msg_iov = (struct iovec *)v, .msg_iovlen = (size_t)n};
	int flags = MSG_NOSIGNAL | (more ? MSG_MORE : 0);
	/* one piece needs no message header to be copied in */
	ssize_t sent =
		n == 1 ? send(c->fd, v->iov_base, v->iov_len, flags) : sendmsg(c->fd, &m, flags);
	size_t want = 0;

	if (sent < 0) {
		if (!would_block(errno))
			return failed(c, errno);
		c->writable = errno == EINTR; /* interrupted is not full: no new edge would come */
		return IO_AGAIN;
	}
	for (int i = 0; i < n; i++)
		want += v[i].iov_len;
	if ((size_t)sent < want)
		c->writable = false;
	*out_n = (size_t)sent;
	return IO_OK;
}

const struct conn_ops conn_plain = {
	.recv = plain_recv,
	.sendv = plain_sendv,
	.can_splice = true,
};

enum io_rc conn_recv(struct conn *c, void *p, size_t n, size_t *out_n)
{
	*out_n = 0;
	if (c->fd < 0)
		return failed(c, EBADF);
	return c->ops->recv(c, p, n, out_n);
}

enum io_rc conn_sendv(struct conn *c, const struct iovec *v, int n, bool more, size_t *out_n)
{
	*out_n = 0;
	if (c->fd < 0)
		return failed(c, EBADF);
	return c->ops->sendv(c, v, n, more, out_n);
}

static ssize_t move(int from, int to, size_t n, bool more)
{
	return splice(from, NULL, to, NULL, n,
		      SPLICE_F_NONBLOCK | SPLICE_F_MOVE | (more ? SPLICE_F_MORE : 0));
}

enum io_rc conn_splice_in(struct conn *c, int pipe_w, size_t n, size_t *out_n)
{
	ssize_t got = move(c->fd, pipe_w, n, false);

	*out_n = 0;
	if (got > 0) {
		*out_n = (size_t)got;
		return IO_OK;
	}
	if (got == 0)
		return IO_EOF;
	if (!would_block(errno))
		return failed(c, errno);
	/* either the socket is empty or the pipe is full: the caller knows the pipe */
	c->readable = errno == EINTR;
	return IO_AGAIN;
}

enum io_rc conn_splice_out(struct conn *c, int pipe_r, size_t n, bool more, size_t *out_n)
{
	ssize_t sent = move(pipe_r, c->fd, n, more);

	*out_n = 0;
	if (sent > 0) {
		*out_n = (size_t)sent;
		return IO_OK;
	}
	if (sent < 0 && !would_block(errno))
		return failed(c, errno);
	c->writable = sent < 0 && errno == EINTR;
	return IO_AGAIN;
}

enum io_rc conn_sendfile(struct conn *c, int fd, uint64_t at, size_t n, size_t *out_n)
{
	off_t from = (off_t)at;
	ssize_t sent = sendfile(c->fd, fd, &from, n);

	*out_n = 0;
	if (sent > 0) {
		*out_n = (size_t)sent;
		if ((size_t)sent < n)
			c->writable = false;
		return IO_OK;
	}
	if (sent == 0)
		return IO_EOF;
	if (!would_block(errno))
		return failed(c, errno);
	c->writable = errno == EINTR;
	return IO_AGAIN;
}

bool conn_unexpected(struct conn *c)
{
	char byte;

	if (c->fd < 0)
		return true;
	if (!c->readable)
		return false;
	ssize_t got = recv(c->fd, &byte, 1, MSG_PEEK);
	if (got >= 0)
		return true;
	if (!would_block(errno))
		return true;
	c->readable = false;
	return false;
}

void conn_close(struct conn *c, bool reset)
{
	if (c->fd < 0)
		return;
	loop_io_del(&c->io);
	if (reset)
		sock_set_reset_on_close(c->fd);
	close(c->fd);
	c->fd = -1;
	c->readable = c->writable = false;
}
