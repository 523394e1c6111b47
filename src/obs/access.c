/* SPDX-License-Identifier: BSD-2-Clause */
#include "obs/access.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"
#include "obs/access_format.h"

#define ACCESS_MAGIC 0xacce5510u

_Static_assert(ACCESS_FLUSH + ACCESS_LINE_MAX <= ACCESS_BUFFER, "room for one line after a flush");

/* What the descriptor is. */
enum sink {
	SINK_FILE = 0,
	SINK_PIPE = 1, /* or a terminal; shared with other workers: only writes up to PIPE_BUF
			  stay whole */
	SINK_SOCKET = 2,
};

struct access {
	uint32_t magic;		 /* ACCESS_MAGIC */
	int fd;			 /* owned; -1 = off */
	enum sink sink;		 /* what <fd> is */
	bool torn;		 /* the last write ended within a line */
	uint64_t dropped;	 /* lines lost since access_take_dropped */
	struct access_plan plan; /* the format */
	size_t n;		 /* bytes held */
	char held[ACCESS_BUFFER];
};

int access_new(enum access_format format, const char *const *fields, size_t n_fields,
	       struct access **out, size_t *out_bad)
{
	struct access *a = malloc(sizeof(*a));

	if (!a)
		return ERR_NOMEM;
	a->magic = ACCESS_MAGIC;
	a->fd = -1;
	a->sink = SINK_FILE;
	a->torn = false;
	a->dropped = 0;
	a->n = 0;
	int rc = access_plan_init(&a->plan, format, fields, n_fields, out_bad);
	if (rc) {
		free(a);
		return rc;
	}
	*out = a;
	return 0;
}

void access_free(struct access **pointer)
{
	struct access *a = *pointer;

	*pointer = NULL;
	if (!a)
		return;
	access_set_fd(a, -1);
	access_plan_fini(&a->plan);
	a->magic = 0;
	free(a);
}

/* ---- the buffer's way out ---- */

static uint64_t count_lines(const char *p, size_t n)
{
	const char *end = p + n;
	uint64_t lines = 0;

	while ((p = memchr(p, '\n', (size_t)(end - p))) != NULL) {
		lines++;
		p++;
	}
	return lines;
}

static void drop_held(struct access *a)
{
	a->dropped += count_lines(a->held, a->n);
	a->n = 0;
}

/* How many of <n> bytes to write at once: up to the last newline that keeps a pipe's write whole,
 * or the first line if even that is longer. */
static size_t piece(const struct access *a, const char *p, size_t n)
{
	size_t cut = PIPE_BUF;

	if (a->sink != SINK_PIPE || n <= PIPE_BUF)
		return n;
	while (cut > 0 && p[cut - 1] != '\n')
		cut--;
	if (cut > 0)
		return cut;
	const char *newline = memchr(p, '\n', n);
	return newline ? (size_t)(newline - p) + 1 : n;
}

static ssize_t put(const struct access *a, const char *p, size_t n)
{
	struct pollfd ready = {.fd = a->fd, .events = POLLOUT};
	ssize_t rc;

	if (a->sink == SINK_PIPE && poll(&ready, 1, 0) != 1) {
		errno = EAGAIN;
		return -1;
	}
	do {
		rc = a->sink == SINK_SOCKET ? send(a->fd, p, n, MSG_DONTWAIT | MSG_NOSIGNAL)
					    : write(a->fd, p, n);
	} while (rc < 0 && errno == EINTR);
	return rc;
}

/* Ends a line that an earlier write left half-way; false if that cannot be done now. */
static bool mend(struct access *a)
{
	if (a->torn && put(a, "\n", 1) == 1)
		a->torn = false;
	return !a->torn;
}

void access_flush(struct access *a)
{
	size_t at = 0;

	CHECK_MAGIC(a, ACCESS_MAGIC);
	if (a->n == 0)
		return;
	if (!mend(a))
		return;
	while (at < a->n) {
		ssize_t rc = put(a, a->held + at, piece(a, a->held + at, a->n - at));
		if (rc < 0)
			break;
		at += (size_t)rc;
	}
	bool failed = at < a->n && errno != EAGAIN;
	bool within_line = at > 0 && a->held[at - 1] != '\n';
	memmove(a->held, a->held + at, a->n - at);
	a->n -= at;
	if (failed) { /* a full disk, say: keep nothing, or it would be tried for ever */
		a->torn = within_line;
		drop_held(a);
	}
}

void access_set_fd(struct access *a, int fd)
{
	struct stat st;

	CHECK_MAGIC(a, ACCESS_MAGIC);
	if (a->fd >= 0) {
		access_flush(a);
		close(a->fd);
	}
	drop_held(a);
	a->fd = fd;
	a->torn = false;
	a->sink = SINK_FILE;
	if (fd >= 0 && fstat(fd, &st) == 0)
		a->sink = S_ISREG(st.st_mode)	 ? SINK_FILE
			  : S_ISSOCK(st.st_mode) ? SINK_SOCKET
						 : SINK_PIPE;
}

bool access_on(const struct access *a)
{
	return a->fd >= 0;
}

void access_write(struct access *a, const struct access_rec *rec)
{
	CHECK_MAGIC(a, ACCESS_MAGIC);
	if (a->fd < 0)
		return;
	if (a->n > ACCESS_FLUSH)
		access_flush(a);
	if (a->n > ACCESS_BUFFER - ACCESS_LINE_MAX) {
		a->dropped++;
		return;
	}
	a->n += access_plan_line(&a->plan, rec, a->held + a->n);
}

uint64_t access_take_dropped(struct access *a)
{
	uint64_t n = a->dropped;

	a->dropped = 0;
	return n;
}

void access_line(struct access *a, const struct access_rec *rec, struct buf *out)
{
	char *to = buf_room(out, ACCESS_LINE_MAX);

	CHECK_MAGIC(a, ACCESS_MAGIC);
	if (to)
		out->n += access_plan_line(&a->plan, rec, to);
}

/* ---- slow_request ---- */

static void add_seconds(struct buf *out, int64_t ns)
{
	int64_t ms = ns / NS_PER_MS;

	buf_printf(out, "%lld.%03llds", (long long)(ms / 1000), (long long)(ms % 1000));
}

static void add_phase(struct buf *out, const char **before, const char *name, int64_t ns)
{
	if (ns < 0)
		return;
	buf_c(out, *before);
	buf_c(out, name);
	buf_char(out, ' ');
	add_seconds(out, ns);
	*before = ", ";
}

static void add_named(struct buf *out, const char *name, struct str value)
{
	if (value.n == 0)
		return;
	buf_char(out, ' ');
	buf_c(out, name);
	buf_char(out, '=');
	buf_str(out, value);
}

void access_slow_text(const struct access_rec *rec, struct buf *out)
{
	enum { TARGET_MAX = 512 };
	const char *before = " (";
	struct str target = rec->target;

	buf_str(out, rec->method.n ? rec->method : STR("-"));
	buf_char(out, ' ');
	buf_str(out, rec->host);
	buf_add(out, target.p, MIN(target.n, (size_t)TARGET_MAX));
	if (target.n > TARGET_MAX)
		buf_c(out, "...");
	buf_printf(out, " %u: ", rec->status);
	add_seconds(out, MAX(rec->duration, (int64_t)0));
	add_phase(out, &before, "queue", rec->queue_time);
	add_phase(out, &before, "connect", rec->connect_time);
	add_phase(out, &before, "upstream's first byte", rec->first_byte_time);
	add_phase(out, &before, "upstream", rec->upstream_time);
	add_phase(out, &before, "first byte sent", rec->first_byte);
	if (before[0] == ',')
		buf_char(out, ')');
	add_named(out, "route", rec->route);
	add_named(out, "upstream", rec->upstream);
	add_named(out, "server", rec->server);
	add_named(out, "client", rec->client);
	add_named(out, "id", rec->id);
}
