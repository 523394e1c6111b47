/* SPDX-License-Identifier: BSD-2-Clause */
/* The test's ends of connections: clients and origins, what they send and what they expect. */
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "net/sock.h"
#include "tests/sim/world.h"

/* ---- sockets ---- */

int sim_bound_socket(const char *host, uint16_t *port)
{
	struct sock_addr a;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), one = 1;

	assert_true(fd > 0);
	assert_int_equal(sock_addr_inet(&a, host, *port), 0);
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)), 0);
	if (bind(fd, &a.sa, a.n))
		fail_msg("bind %s:%u: %s", host, *port, strerror(errno));
	a.n = sizeof(a.in);
	assert_int_equal(getsockname(fd, &a.sa, &a.n), 0);
	*port = ntohs(a.in.sin_port);
	return fd;
}

static int connect_to(uint16_t port)
{
	struct sock_addr a;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	assert_true(fd > 0);
	assert_int_equal(sock_addr_inet(&a, "127.0.0.1", port), 0);
	assert_true(connect(fd, &a.sa, a.n) == 0 || errno == EINPROGRESS);
	return fd;
}

static struct peer *new_peer(struct sim *s, int fd)
{
	struct peer *p = calloc(1, sizeof(*p));
	int one = 1;

	assert_non_null(p);
	/* what is sent is there at once: the kernel is not to wait, in real time, for an ACK */
	assert_int_equal(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)), 0);
	assert_true(s->n_peers < SIM_PEERS);
	p->sim = s;
	p->fd = fd;
	s->peers[s->n_peers++] = p;
	return p;
}

void sim_free_peer(struct peer *p)
{
	if (p->fd >= 0)
		close(p->fd);
	free(p);
}

void sim_close_origin(struct origin *o)
{
	for (unsigned i = 0; i < FILLERS; i++)
		if (o->fillers[i] > 0)
			close(o->fillers[i]);
	memset(o->fillers, 0, sizeof(o->fillers));
	close(o->fd);
}

/* ---- origins ---- */

struct peer *sim_client(struct sim *s)
{
	struct peer *p = new_peer(s, connect_to(s->port));

	loop_sim_settle(s->loop);
	return p;
}

struct peer *sim_origin(struct sim *s, unsigned origin)
{
	struct pollfd pfd = {.fd = s->origins[origin].fd, .events = POLLIN};

	(void)poll(&pfd, 1, PATIENCE_MS);
	int fd = accept4(pfd.fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd < 0)
		fail_msg("origin %u: no connection came: %s", origin, strerror(errno));
	return new_peer(s, fd);
}

struct peer *sim_next_origin(struct sim *s, unsigned origin)
{
	int fd = accept4(s->origins[origin].fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	return fd >= 0 ? new_peer(s, fd) : NULL;
}

void sim_no_origin(struct sim *s, unsigned origin)
{
	if (sim_next_origin(s, origin))
		fail_msg("origin %u: a connection came that should not", origin);
}

/* Bound, so that nobody else gets the port, but not listening. */
void sim_origin_refuses(struct sim *s, unsigned origin)
{
	struct origin *o = &s->origins[origin];

	sim_close_origin(o);
	o->fd = sim_bound_socket("127.0.0.1", &o->port);
}

/* Its queue is full: further SYNs go unanswered. */
void sim_origin_is_deaf(struct sim *s, unsigned origin)
{
	struct origin *o = &s->origins[origin];

	assert_int_equal(listen(o->fd, 0), 0);
	for (unsigned i = 0; i < FILLERS; i++)
		o->fillers[i] = connect_to(o->port);
}

void sim_origin_listens(struct sim *s, unsigned origin, const char *host)
{
	struct origin *o = &s->origins[origin];

	sim_close_origin(o);
	o->fd = sim_bound_socket(host, &o->port);
	assert_int_equal(listen(o->fd, 64), 0);
}

/* ---- peers ---- */

void peer_send_n(struct peer *p, const char *bytes, size_t n)
{
	assert_int_equal(send(p->fd, bytes, n, MSG_NOSIGNAL), (ssize_t)n);
	loop_sim_settle(p->sim->loop);
}

bool peer_try_send(struct peer *p, const char *bytes, size_t n)
{
	ssize_t sent = send(p->fd, bytes, n, MSG_NOSIGNAL);

	loop_sim_settle(p->sim->loop);
	return sent > 0;
}

void peer_send(struct peer *p, const char *text)
{
	peer_send_n(p, text, strlen(text));
}

void peer_shut(struct peer *p)
{
	assert_int_equal(shutdown(p->fd, SHUT_WR), 0);
	loop_sim_settle(p->sim->loop);
}

void peer_close(struct peer *p, bool reset)
{
	if (reset)
		sock_set_reset_on_close(p->fd);
	close(p->fd);
	p->fd = -1;
	loop_sim_settle(p->sim->loop);
}

/* Reads once; false when there is nothing more now. */
static bool take(struct peer *p, char *to, size_t room, size_t *out_n)
{
	ssize_t got = recv(p->fd, to, room, 0);

	*out_n = got > 0 ? (size_t)got : 0;
	if (got == 0 && !p->reset)
		p->eof = true;
	else if (got < 0 && errno == ECONNRESET)
		p->reset = true;
	else if (got < 0)
		assert_int_equal(errno, EAGAIN);
	return got > 0;
}

static void take_all(struct peer *p)
{
	size_t n;

	loop_sim_settle(p->sim->loop);
	while (p->n < IN_MAX && take(p, p->in + p->n, IN_MAX - p->n, &n))
		p->n += n;
	p->in[p->n] = 0;
}

/* On a busy machine the kernel may be late: waits in real time, while the virtual one stands still.
 * False when nothing more came, or the end had come before. */
static bool take_late(struct peer *p)
{
	struct pollfd pfd = {.fd = p->fd, .events = POLLIN};

	if (p->eof || p->reset || poll(&pfd, 1, PATIENCE_MS) <= 0)
		return false;
	take_all(p);
	return true;
}

const char *peer_look(struct peer *p, size_t *out_n)
{
	take_all(p);
	*out_n = p->n;
	return p->in;
}

void peer_forget(struct peer *p, size_t n)
{
	p->n -= n;
	memmove(p->in, p->in + n, p->n + 1);
}

bool peer_ended(const struct peer *p)
{
	return p->eof || p->reset;
}

static const char *missing(const struct peer *p, const char *const *texts)
{
	for (; *texts; texts++)
		if (!strstr(p->in, *texts))
			return *texts;
	return NULL;
}

void peer_expect_texts(struct peer *p, const char *const *texts)
{
	take_all(p);
	while (missing(p, texts) && take_late(p))
		;
	if (missing(p, texts))
		fail_msg("expected \"%s\", got %zu bytes: \"%s\"", missing(p, texts), p->n, p->in);
	p->n = 0;
}

void peer_expect(struct peer *p, const char *text)
{
	peer_expect_all(p, text);
}

void peer_expect_no(struct peer *p, const char *text)
{
	take_all(p);
	if (strstr(p->in, text))
		fail_msg("not expected: \"%s\" in \"%s\"", text, p->in);
}

void peer_expect_error(struct peer *p, unsigned status, const char *token)
{
	char line[32], field[128];

	snprintf(line, sizeof(line), "HTTP/1.1 %u ", status);
	snprintf(field, sizeof(field), "; error=%s", token);
	take_all(p);
	while (!strstr(p->in, field) && take_late(p))
		;
	if (strncmp(p->in, line, strlen(line)) != 0 || !strstr(p->in, field))
		fail_msg("expected %s and %s, got \"%s\"", line, field, p->in);
	p->n = 0;
}

void peer_expect_silence(struct peer *p)
{
	take_all(p);
	if (p->n || p->eof || p->reset)
		fail_msg("expected nothing, got \"%s\"%s", p->in,
			 p->reset ? " and RST" : (p->eof ? " and FIN" : ""));
}

static void expect_end(struct peer *p, bool reset)
{
	take_all(p);
	while (!p->n && take_late(p))
		;
	if (p->n || p->reset != reset || p->eof == reset)
		fail_msg("expected %s, got \"%s\"%s%s", reset ? "RST" : "FIN", p->in,
			 p->reset ? " and RST" : "", p->eof ? " and FIN" : "");
}

void peer_expect_closed(struct peer *p)
{
	expect_end(p, false);
}

void peer_expect_broken(struct peer *p)
{
	expect_end(p, true);
}

size_t peer_swallow(struct peer *p)
{
	size_t sum = 0, n;
	bool more = true;

	while (more) {
		more = false;
		for (; take(p, p->in, IN_MAX, &n); sum += n)
			more = true;
		loop_sim_settle(p->sim->loop);
	}
	p->n = 0;
	return sum;
}

/* ---- counted bodies ---- */

char peer_counted(uint64_t at)
{
	return (char)('a' + (at ^ at >> 8 ^ at >> 16) % 26);
}

size_t peer_send_counted(struct peer *p, size_t n)
{
	char block[16 * 1024];
	size_t sum = 0;

	while (sum < n) {
		size_t part = MIN(n - sum, sizeof(block));
		for (size_t i = 0; i < part; i++)
			block[i] = peer_counted(p->body_out + i);
		ssize_t sent = send(p->fd, block, part, MSG_NOSIGNAL);
		loop_sim_settle(p->sim->loop);
		if (sent <= 0)
			break;
		p->body_out += (size_t)sent;
		sum += (size_t)sent;
	}
	return sum;
}

static void count_bytes(struct peer *p, const char *in, size_t n)
{
	size_t i = 0;

	for (; i < n && p->line_ends < 4; i++)
		p->line_ends = in[i] == "\r\n\r\n"[p->line_ends] ? p->line_ends + 1 : 0;
	for (; i < n; i++, p->body_in++)
		if (in[i] != peer_counted(p->body_in))
			fail_msg("byte %llu of the body is wrong", (unsigned long long)p->body_in);
}

uint64_t peer_take_counted(struct peer *p)
{
	bool more = true;
	size_t n;

	while (more) {
		more = false;
		for (; take(p, p->in, IN_MAX, &n); more = true)
			count_bytes(p, p->in, n);
		loop_sim_settle(p->sim->loop);
	}
	return p->body_in;
}

/* ---- requests and answers ---- */

void peer_ask(struct peer *p, const char *line, const char *fields)
{
	char text[1024];

	snprintf(text, sizeof(text), "%s HTTP/1.1\r\nHost: a.test\r\n%s\r\n", line, fields);
	peer_send(p, text);
}

void peer_get(struct peer *p, const char *path)
{
	char line[256];

	snprintf(line, sizeof(line), "GET %s", path);
	peer_ask(p, line, "");
}

void peer_reply(struct peer *p, const char *fields, const char *body)
{
	char text[1024];

	snprintf(text, sizeof(text), "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n%s\r\n%s",
		 strlen(body), fields, body);
	peer_send(p, text);
}

void peer_answer(struct peer *p, const char *body)
{
	peer_reply(p, "", body);
}

struct peer *sim_ask(struct sim *s, struct peer *client, const char *path)
{
	char line[256];

	snprintf(line, sizeof(line), "GET %s HTTP/1.1\r\n", path);
	peer_get(client, path);
	struct peer *o = sim_origin(s, 0);
	peer_expect(o, line);
	return o;
}

struct peer *sim_serve(struct sim *s, struct peer *client, const char *path, const char *fields,
		       const char *body)
{
	struct peer *o = sim_ask(s, client, path);

	peer_reply(o, fields, body);
	peer_expect_all(client, "HTTP/1.1 200 OK\r\n", body);
	return o;
}
