/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A session reads a line, runs it as an ask, writes the reply, and reads the next line. It reads
 * no further while an ask is under way, so a peer that sends without reading fills its own socket.
 */
#include "admin/console.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "admin/ask.h"
#include "base/clock.h"
#include "base/err.h"
#include "net/conn.h"
#include "net/sock.h"

enum session_state {
	SESSION_READING = 1, /* waits for a whole line */
	SESSION_WORKING,     /* an ask is under way */
	SESSION_WRITING,     /* the reply is going out */
	SESSION_CLOSED,	     /* freed at the end of the turn */
};

enum { CONSOLE_MAGIC = 0x636f6e31, SESSION_MAGIC = 0x73657331, ACCEPTS_PER_TURN = 8 };

struct session {
	uint32_t magic;
	enum session_state state;
	struct console *console;
	struct list_node node; /* among the console's sessions */
	struct conn conn;
	struct loop_timer deadline;
	struct loop_task end;	 /* frees it */
	struct loop_timer pause; /* before the next of several requests sent at once */
	struct ask_peer peer;
	bool last;     /* close after this reply */
	bool answered; /* it had a reply already: reading is being idle */

	char in[PROTO_LINE];
	size_t have; /* bytes in <in> */
	struct proto_request request;

	struct ask ask;
	char head[PROTO_HEAD];
	size_t head_n, sent; /* sent counts head and body together */
};

struct console {
	uint32_t magic;
	struct admin *admin;
	struct loop *loop;
	struct loop_io listener;
	int fd;
	struct list sessions;
};

static void session_step(struct session *s);

static void on_end(void *arg)
{
	struct session *s = arg;

	CHECK_MAGIC(s, SESSION_MAGIC);
	ASSERT(s->state == SESSION_CLOSED);
	s->magic = 0;
	free(s);
}

static void session_close(struct session *s)
{
	if (s->state == SESSION_CLOSED)
		return;
	s->state = SESSION_CLOSED;
	ask_fini(&s->ask);
	loop_timer_clear(s->console->loop, &s->deadline);
	loop_timer_clear(s->console->loop, &s->pause);
	list_remove(&s->console->sessions, &s->node);
	conn_close(&s->conn, false);
	loop_defer(s->console->loop, &s->end, on_end, s);
}

static void on_deadline(void *arg)
{
	struct session *s = arg;

	CHECK_MAGIC(s, SESSION_MAGIC);
	session_close(s);
}

static void session_wait(struct session *s, int64_t patience)
{
	loop_timer_set(s->console->loop, &s->deadline, clock_mono() + patience, on_deadline, s);
}

/* The answer is there: also called from inside ask_begin(). */
static void on_answer(struct ask *ask, void *arg)
{
	struct session *s = arg;
	struct proto_head head = {.code = ask->code, .length = ask->out.n};

	CHECK_MAGIC(s, SESSION_MAGIC);
	s->head_n = proto_head_write(s->head, &head);
	s->sent = 0;
	s->state = SESSION_WRITING;
	session_wait(s, CONSOLE_WRITE);
}

/* The same for an ask that took its time: somebody has to go on writing. */
static void on_late_answer(struct ask *ask, void *arg)
{
	on_answer(ask, arg);
	session_step(arg);
}

static void begin_ask(struct session *s)
{
	s->state = SESSION_WORKING;
	loop_timer_clear(s->console->loop, &s->deadline);
	ask_init(&s->ask, s->console->admin, on_answer, s);
}

/* Answers a line that is no request, and ends the session after it. */
static void refuse(struct session *s, const char *why)
{
	begin_ask(s);
	s->last = true;
	ask_fail(&s->ask, PROTO_USAGE, "%s", why);
}

static const char *complaint(int rc)
{
	if (rc == ERR_VERSION)
		return "a request begins with \"tiercel/1\"; use tiercelctl of the same version";
	if (rc == ERR_LIMIT)
		return "the request is too long";
	return "malformed request: control characters, or a quote that is not closed";
}

/* Takes the first line out of the input; false when it is not whole yet. */
static bool take_line(struct session *s)
{
	char *end = memchr(s->in, '\n', s->have);
	size_t used;
	int rc;

	if (!end) {
		if (s->have == sizeof(s->in))
			refuse(s, complaint(ERR_LIMIT));
		return s->have == sizeof(s->in);
	}
	used = (size_t)(end - s->in) + 1;
	rc = proto_split(str_of(s->in, used - 1), &s->request);
	memmove(s->in, s->in + used, s->have - used);
	s->have -= used;
	if (rc) {
		refuse(s, complaint(rc));
		return true;
	}
	begin_ask(s);
	ask_begin(&s->ask, &s->request, &s->peer);
	if (!s->ask.ended)
		s->ask.done = on_late_answer;
	return true;
}

/* True when the state changed. */
static bool read_some(struct session *s)
{
	size_t n;

	if (take_line(s))
		return true;
	if (!s->conn.readable)
		return false;
	switch (conn_recv(&s->conn, s->in + s->have, sizeof(s->in) - s->have, &n)) {
	case IO_OK:
		s->have += n;
		return true;
	case IO_AGAIN:
		return false;
	case IO_EOF:
	case IO_ERR:
		break;
	}
	session_close(s);
	return true;
}

static void on_pause_over(void *arg)
{
	struct session *s = arg;

	CHECK_MAGIC(s, SESSION_MAGIC);
	session_step(s);
}

/*
 * The reply is out. True when the session may go on at once: one that has sent several requests
 * in one go lets the others have a turn in between.
 */
static bool next_request(struct session *s)
{
	ask_fini(&s->ask);
	s->state = SESSION_READING;
	s->answered = true;
	if (s->last) {
		session_close(s);
		return true;
	}
	session_wait(s, CONSOLE_IDLE);
	if (s->have == 0)
		return true;
	loop_timer_set(s->console->loop, &s->pause, clock_mono(), on_pause_over, s);
	return false;
}

/* True when the state changed. */
static bool write_some(struct session *s)
{
	size_t total = s->head_n + s->ask.out.n, n, at = s->sent;
	struct iovec v[2];
	int parts = 0;

	if (at == total) {
		return next_request(s);
	}
	if (at < s->head_n)
		v[parts++] = (struct iovec){s->head + at, s->head_n - at};
	at = at > s->head_n ? at - s->head_n : 0;
	if (s->ask.out.n)
		v[parts++] = (struct iovec){s->ask.out.p + at, s->ask.out.n - at};
	switch (conn_sendv(&s->conn, v, parts, false, &n)) {
	case IO_OK:
		s->sent += n;
		return true;
	case IO_AGAIN:
		return false;
	case IO_EOF:
	case IO_ERR:
		break;
	}
	session_close(s);
	return true;
}

/* Goes on until there is something to wait for. */
static void session_step(struct session *s)
{
	for (bool moved = true; moved;) {
		switch (s->state) {
		case SESSION_READING:
			moved = read_some(s);
			break;
		case SESSION_WRITING:
			moved = write_some(s);
			break;
		case SESSION_WORKING:
		case SESSION_CLOSED:
			moved = false;
			break;
		}
	}
}

static void on_session(void *arg, unsigned what)
{
	struct session *s = arg;

	CHECK_MAGIC(s, SESSION_MAGIC);
	if (s->state == SESSION_CLOSED)
		return;
	conn_note(&s->conn, what);
	if (!loop_timer_is_set(&s->pause))
		session_step(s);
}

static struct ask_peer peer_of(int fd)
{
	struct ucred c;
	socklen_t n = sizeof(c);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &c, &n) || n != sizeof(c))
		return (struct ask_peer){.uid = UINT32_MAX};
	return (struct ask_peer){
		.may_operate = c.uid == 0 || c.uid == geteuid(), .uid = c.uid, .pid = c.pid};
}

/* Says so without waiting: the socket's buffer is empty and takes it. */
static void turn_away(int fd)
{
	static const char why[] = "too many sessions of the admin socket; try again later\n";
	struct proto_head head = {.code = PROTO_FAILED, .length = sizeof(why) - 1};
	char out[PROTO_HEAD + sizeof(why)];
	size_t n = proto_head_write(out, &head);

	memcpy(out + n, why, sizeof(why) - 1);
	n += sizeof(why) - 1;
	if (send(fd, out, n, MSG_DONTWAIT | MSG_NOSIGNAL) < 0) {
		/* then it learns from the close */
	}
	close(fd);
}

static void session_new(struct console *c, int fd)
{
	struct session *s;

	if (c->sessions.count >= CONSOLE_SESSIONS || !(s = calloc(1, sizeof(*s)))) {
		turn_away(fd);
		return;
	}
	s->magic = SESSION_MAGIC;
	s->state = SESSION_READING;
	s->console = c;
	s->peer = peer_of(fd);
	if (conn_open(&s->conn, c->loop, fd, on_session, s)) {
		free(s);
		return;
	}
	list_append(&c->sessions, &s->node);
	session_wait(s, CONSOLE_IDLE);
}

static void on_listener(void *arg, unsigned what)
{
	struct console *c = arg;
	struct sock_addr peer;
	int fd;

	(void)what;
	CHECK_MAGIC(c, CONSOLE_MAGIC);
	for (unsigned i = 0; i < ACCEPTS_PER_TURN; i++) {
		if (sock_accept(c->fd, &peer, &fd))
			return;
		session_new(c, fd);
	}
}

int console_new(struct admin *admin, struct loop *loop, int listener, struct console **out)
{
	struct console *c = calloc(1, sizeof(*c));
	int rc;

	if (!c)
		return ERR_NOMEM;
	c->magic = CONSOLE_MAGIC;
	c->admin = admin;
	c->loop = loop;
	c->fd = listener;
	list_init(&c->sessions);
	rc = loop_io_add_level(loop, &c->listener, listener, on_listener, c);
	if (rc) {
		free(c);
		return rc;
	}
	*out = c;
	return 0;
}

void console_free(struct console **console)
{
	struct console *c = *console;

	if (!c)
		return;
	CHECK_MAGIC(c, CONSOLE_MAGIC);
	loop_io_del(&c->listener);
	LIST_EACH (&c->sessions, n) {
		struct session *s = CONTAINER_OF(n, struct session, node);

		session_close(s);
		loop_undefer(c->loop, &s->end);
		on_end(s);
	}
	c->magic = 0;
	free(c);
	*console = NULL;
}

void console_finish(struct console *c)
{
	loop_io_del(&c->listener);
	LIST_EACH (&c->sessions, n) {
		struct session *s = CONTAINER_OF(n, struct session, node);

		s->last = true;
		/* one that has just come has its question on the way */
		if (s->state == SESSION_READING && s->answered)
			session_close(s);
	}
}

size_t console_sessions(const struct console *console)
{
	return console->sessions.count;
}
