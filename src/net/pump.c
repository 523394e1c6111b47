/* SPDX-License-Identifier: BSD-2-Clause */
#include "net/pump.h"

#include <fcntl.h>
#include <unistd.h>

/*
 * Splicing pays from about here on: below, two extra system calls and a pipe cost more than the
 * copy. A turn's share keeps one fast stream from starving the rest of the loop.
 */
enum {
	SPLICE_MIN = 64 * 1024,
	FILE_MIN = 64 * 1024, /* the same for sendfile: below, the copy is cheaper */
	PIPE_WANTED = 1024 * 1024,
	LARGE_PIPES_MAX = 16,
	PIPES_KEPT = 16,
	COPY_SHARE = 512 * 1024,
	SPLICE_SHARE = 4 * 1024 * 1024,
};

/* Pipes that are empty and wait for the next large body. */
static struct pipe_pair {
	int r, w;
	size_t size;
} spare[PIPES_KEPT];
static size_t n_spare, n_large;

static bool pipe_open(struct pump *p)
{
	int fd[2];

	if (n_spare) {
		struct pipe_pair *s = &spare[--n_spare];
		p->pipe_r = s->r;
		p->pipe_w = s->w;
		p->pipe_size = s->size;
		return true;
	}
	if (pipe2(fd, O_NONBLOCK | O_CLOEXEC))
		return false;
	p->pipe_r = fd[0];
	p->pipe_w = fd[1];
	/* the kernel bounds what one user's pipes may hold: few large ones, the rest as they come */
	int size = n_large < LARGE_PIPES_MAX ? fcntl(fd[1], F_SETPIPE_SZ, PIPE_WANTED) : -1;
	if (size > 0)
		n_large++;
	else
		size = fcntl(fd[1], F_GETPIPE_SZ);
	p->pipe_size = size > 0 ? (size_t)size : 4096;
	return true;
}

static void pipe_drop(struct pump *p)
{
	if (p->pipe_r < 0)
		return;
	if (p->piped == 0 && n_spare < PIPES_KEPT) {
		spare[n_spare++] = (struct pipe_pair){p->pipe_r, p->pipe_w, p->pipe_size};
	} else {
		if (p->pipe_size >= PIPE_WANTED)
			n_large--;
		close(p->pipe_r);
		close(p->pipe_w);
	}
	p->pipe_r = p->pipe_w = -1;
	p->piped = 0;
}

void pump_init(struct pump *p, struct conn *dst, struct str head, struct body_src *src,
	       bool chunked)
{
	*p = (struct pump){.src = src,
			   .dst = dst,
			   .chunked = chunked,
			   .data_segment = PUMP_SEGMENTS,
			   .pipe_r = -1,
			   .pipe_w = -1};
	if (head.n)
		p->segments[p->n_segments++] = head;
	p->last = src == NULL;
}

void pump_fini(struct pump *p)
{
	pipe_drop(p);
}

static void push(struct pump *p, struct str s)
{
	ASSERT(p->n_segments < PUMP_SEGMENTS);
	if (s.n)
		p->segments[p->n_segments++] = s;
}

static void push_data(struct pump *p, struct str data)
{
	if (p->chunked)
		push(p, str_of(p->line, http_chunk_line(p->line, data.n)));
	p->data_segment = p->n_segments;
	push(p, data);
}

static void push_end(struct pump *p, bool after_data)
{
	p->last = true;
	if (!p->chunked)
		return;
	push(p, after_data ? STR("\r\n0\r\n") : STR("0\r\n"));
	push(p, p->src->ops->trailers(p->src));
	push(p, STR("\r\n"));
}

/* Adds what the source has ready to the segments; 0, or what to return when it has nothing. */
static enum pump_rc gather(struct pump *p)
{
	struct str data;
	bool last;

	switch (p->src->ops->peek(p->src, &data, &last)) {
	case BODY_DATA:
		push_data(p, data);
		if (last)
			push_end(p, true);
		else if (p->chunked)
			push(p, STR("\r\n"));
		return 0;
	case BODY_END:
		push_end(p, false);
		return 0;
	case BODY_WAIT:
		return PUMP_WAIT_SRC;
	case BODY_BAD:
		break;
	}
	return PUMP_SRC_FAILED;
}

/* Takes <n> sent bytes off the front of the segments. */
static void sent(struct pump *p, size_t n)
{
	uint8_t i = 0;

	if (n)
		p->started = true;
	while (i < p->n_segments) {
		struct str *s = &p->segments[i];
		size_t eaten = MIN(n, s->n);
		if (i == p->data_segment && eaten) {
			p->src->ops->consume(p->src, eaten);
			p->body_bytes += eaten;
		}
		s->p += eaten;
		s->n -= eaten;
		n -= eaten;
		if (s->n)
			break;
		i++;
	}
	if (i == 0)
		return;
	memmove(p->segments, p->segments + i, sizeof(p->segments[0]) * (size_t)(p->n_segments - i));
	p->n_segments = (uint8_t)(p->n_segments - i);
	if (p->data_segment != PUMP_SEGMENTS)
		p->data_segment =
			p->data_segment < i ? PUMP_SEGMENTS : (uint8_t)(p->data_segment - i);
}

/* Sends the segments; 0 when all are out. <more>: the rest follows at once. */
static enum pump_rc send_segments(struct pump *p, bool more)
{
	while (p->n_segments) {
		struct iovec v[PUMP_SEGMENTS];
		size_t n;
		if (!p->dst->writable)
			return PUMP_WAIT_DST;
		for (int i = 0; i < p->n_segments; i++)
			v[i] = (struct iovec){(void *)p->segments[i].p, p->segments[i].n};
		switch (conn_sendv(p->dst, v, p->n_segments, more, &n)) {
		case IO_OK:
			sent(p, n);
			break;
		case IO_AGAIN:
			return PUMP_WAIT_DST;
		case IO_EOF:
		case IO_ERR:
			return PUMP_DST_FAILED;
		}
	}
	return 0;
}

/* Empties the pipe into the receiver; 0 when it is empty. */
static enum pump_rc drain_pipe(struct pump *p)
{
	while (p->piped) {
		size_t n;
		if (!p->dst->writable)
			return PUMP_WAIT_DST;
		switch (conn_splice_out(p->dst, p->pipe_r, p->piped, false, &n)) {
		case IO_OK:
			p->piped -= n;
			p->body_bytes += n;
			p->spliced_bytes += n;
			p->started = true;
			break;
		case IO_AGAIN:
			return PUMP_WAIT_DST;
		case IO_EOF:
		case IO_ERR:
			return PUMP_DST_FAILED;
		}
	}
	return 0;
}

/* Moves bytes by splice while they can be; 0 when bytes must go the other way. */
static enum pump_rc splice_run(struct pump *p)
{
	size_t share = SPLICE_SHARE;
	bool drained = false;

	for (;;) {
		uint64_t left;
		size_t n, want;
		enum pump_rc rc = drain_pipe(p);
		if (rc)
			return rc;
		struct conn *from = p->chunked ? NULL : p->src->ops->direct(p->src, &left);
		if (!from || !p->dst->ops->can_splice || (p->pipe_r < 0 && left < SPLICE_MIN))
			return 0;
		if (!from->readable)
			return PUMP_WAIT_SRC;
		/* what was short once is looked at again next turn: by then there is more to move */
		if (share == 0 || drained)
			return PUMP_YIELD;
		if (p->pipe_r < 0 && !pipe_open(p))
			return 0;
		want = MIN(left, p->pipe_size);
		switch (conn_splice_in(from, p->pipe_w, want, &n)) {
		case IO_OK:
			drained = n < want;
			p->src->ops->took(p->src, n);
			p->piped = n;
			share -= MIN(share, n);
			break;
		case IO_AGAIN:
			return PUMP_WAIT_SRC;
		case IO_EOF: /* the source's own reading finds out what that means */
		case IO_ERR:
			return 0;
		}
	}
}

/* What the source offers as a range of a file; 0 = nothing, or too little to begin with. */
static size_t file_range(struct pump *p, int *out_fd, uint64_t *out_at)
{
	size_t n;

	if (p->chunked || !p->src->ops->file || !p->dst->ops->can_splice)
		return 0;
	*out_fd = p->src->ops->file(p->src, out_at, &n);
	return *out_fd < 0 || (n < FILE_MIN && p->file_bytes == 0) ? 0 : n;
}

/* Lets the kernel send from the file; 0 when bytes must go the other way. A head goes first. */
static enum pump_rc file_run(struct pump *p)
{
	size_t share = SPLICE_SHARE, want, n;
	uint64_t at;
	int fd;

	while (p->data_segment == PUMP_SEGMENTS && (want = file_range(p, &fd, &at))) {
		enum pump_rc rc = send_segments(p, true);
		if (rc)
			return rc;
		if (share == 0)
			return PUMP_YIELD;
		if (!p->dst->writable)
			return PUMP_WAIT_DST;
		switch (conn_sendfile(p->dst, fd, at, MIN(want, share), &n)) {
		case IO_OK:
			p->src->ops->took(p->src, n);
			p->started = true;
			p->body_bytes += n;
			p->file_bytes += n;
			share -= n;
			break;
		case IO_AGAIN:
			return PUMP_WAIT_DST;
		case IO_EOF:
			return PUMP_SRC_FAILED;
		case IO_ERR:
			return PUMP_DST_FAILED;
		}
	}
	return 0;
}

/* Moves by the kernel alone what can be moved so. */
static enum pump_rc kernel_run(struct pump *p)
{
	enum pump_rc rc = p->src->ops->file ? file_run(p) : 0;

	return rc || p->n_segments ? rc : splice_run(p);
}

enum pump_rc pump_run(struct pump *p)
{
	size_t share = COPY_SHARE;

	for (;;) {
		enum pump_rc have = 0, rc = 0;
		if (!p->last)
			rc = kernel_run(p);
		if (rc)
			return rc;
		if (!p->last && p->data_segment == PUMP_SEGMENTS)
			have = gather(p);
		if (have == PUMP_SRC_FAILED)
			return have;
		size_t before = p->body_bytes;
		rc = send_segments(p, false);
		if (rc)
			return rc;
		if (p->last)
			return PUMP_DONE;
		if (have)
			return have;
		share -= MIN(share, p->body_bytes - before);
		if (share == 0)
			return PUMP_YIELD;
	}
}
