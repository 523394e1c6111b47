/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/sim/sim.h"

#include <errno.h>
#include <fcntl.h>
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

#include "base/clock.h"
#include "conf/load.h"
#include "conf/source.h"
#include "net/sock.h"
#include "obs/log.h"
#include "proc/segment.h"
#include "proc/subjects.h"
#include "req/server.h"
#include "shm/seg.h"
#include "shm/slots.h"
#include "tests/sim/loop_sim.h"

enum { FILLERS = 3, IN_MAX = 64 * 1024, PATIENCE_MS = 1000 };

struct peer {
	struct sim *sim;
	int fd;
	size_t n; /* bytes that came and were not expected yet */
	bool eof, reset;
	char in[IN_MAX + 1];
};

struct origin {
	int fd;
	uint16_t port;
	int fillers[FILLERS]; /* what keeps a deaf one's queue full; 0 = none */
};

struct sim {
	struct loop *loop;
	struct segment memory;
	struct conf *conf;
	struct server *server;
	uint16_t port;
	int doorbells[SLOT_MAX];
	struct origin origins[SIM_ORIGINS];
	unsigned stopped;
	size_t n_peers;
	struct peer *peers[SIM_PEERS];
};

/* ---- sockets ---- */

static int bound_socket(const char *host, uint16_t *port)
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

	assert_non_null(p);
	assert_true(s->n_peers < SIM_PEERS);
	p->sim = s;
	p->fd = fd;
	s->peers[s->n_peers++] = p;
	return p;
}

/* ---- the world ---- */

static struct conf *load(struct sim *s, const struct sim_spec *spec)
{
	const char *host = spec->host ? spec->host : "127.0.0.1";
	char servers[256] = "", yaml[2048];
	struct conf_source *src = NULL;
	struct conf_report report;
	struct conf *conf = NULL;
	struct buf told = BUF_INIT;

	for (unsigned i = 0; i < MAX(spec->servers, 1u); i++) {
		size_t n = strlen(servers);
		snprintf(servers + n, sizeof(servers) - n, "%s\"%s:%u\"", i ? ", " : "", host,
			 s->origins[i].port);
	}
	snprintf(yaml, sizeof(yaml),
		 "log: {slow_request: 0s}\n"
		 "listeners: [{name: web, address: \"127.0.0.1:%u\"%s}]\n"
		 "upstreams: {app: {servers: [%s]%s}}\n"
		 "routes: [{name: r, upstream: app%s}]\n",
		 s->port, spec->listener ? spec->listener : "", servers,
		 spec->upstream ? spec->upstream : "", spec->route ? spec->route : "");
	conf_report_init(&report);
	assert_int_equal(source_new(false, &src), 0);
	assert_int_equal(source_add(src, SOURCE_FILE, 0, STR("t.yaml"), str_c(yaml)), 0);
	int rc = conf_load(src, "t.yaml", &conf, &report);
	conf_report_print(&report, &told);
	if (rc)
		fail_msg("%s%.*s", yaml, (int)told.n, told.p);
	buf_fini(&told);
	conf_report_fini(&report);
	conf_source_free(&src);
	return conf;
}

static void make_memory(struct sim *s)
{
	struct segment_want want = {.conf = s->conf, .doorbells = s->doorbells, .fd = -1};
	struct buf told = BUF_INIT;

	for (unsigned i = 0; i < SLOT_MAX; i++)
		s->doorbells[i] = -1;
	assert_int_equal(segment_open(&want, &s->memory, &told), 0);
	buf_fini(&told);
}

static void on_turn(void *arg)
{
	struct sim *s = arg;

	server_turn(s->server);
}

static void start_server(struct sim *s, int front)
{
	char why[256];
	struct server_env env = {.loop = s->loop,
				 .seg = s->memory.seg,
				 .metrics = s->memory.metrics,
				 .n_workers = 1,
				 .doorbells = s->doorbells};

	for (unsigned i = 0; i < SLOT_MAX; i++)
		s->doorbells[i] = -1;
	subjects_register(s->memory.metrics, s->conf);
	if (server_new(&env, s->conf, why, sizeof(why), &s->server))
		fail_msg("server_new: %s", why);
	assert_int_equal(listen(front, 64), 0);
	assert_int_equal(server_listen(s->server, "web", 0, front), 0);
	loop_set_turn_hook(s->loop, on_turn, s);
}

struct sim *sim_new(const struct sim_spec *spec)
{
	struct sim *s = calloc(1, sizeof(*s));
	int front;

	assert_non_null(s);
	log_init(&(struct log_settings){.level = LOG_LEVEL_ERROR,
					.target = LOG_TARGET_FD,
					.fd = open("/dev/null", O_WRONLY | O_CLOEXEC)});
	s->loop = loop_new();
	assert_non_null(s->loop);
	front = bound_socket("127.0.0.1", &s->port);
	for (unsigned i = 0; i < SIM_ORIGINS; i++) {
		s->origins[i].fd = bound_socket("127.0.0.1", &s->origins[i].port);
		assert_int_equal(listen(s->origins[i].fd, 64), 0);
	}
	s->conf = load(s, spec);
	make_memory(s);
	start_server(s, front);
	return s;
}

static void free_peer(struct peer *p)
{
	if (p->fd >= 0)
		close(p->fd);
	free(p);
}

static void close_origin(struct origin *o)
{
	for (unsigned i = 0; i < FILLERS; i++)
		if (o->fillers[i] > 0)
			close(o->fillers[i]);
	memset(o->fillers, 0, sizeof(o->fillers));
	close(o->fd);
}

void sim_free(struct sim **s_p)
{
	struct sim *s = *s_p;

	*s_p = NULL;
	loop_set_turn_hook(s->loop, NULL, NULL);
	server_free(&s->server);
	/* whatever a test did, nothing may be counted as open at its end */
	sim_expect_count(s, WORKER, connections_active, 0);
	sim_expect_count(s, WORKER, requests_active, 0);
	sim_expect_count(s, WORKER, internal_errors, 0);
	loop_free(&s->loop);
	for (size_t i = 0; i < s->n_peers; i++)
		free_peer(s->peers[i]);
	for (unsigned i = 0; i < SIM_ORIGINS; i++)
		close_origin(&s->origins[i]);
	conf_unref(&s->conf);
	segment_close(&s->memory);
	free(s);
}

void sim_advance(struct sim *s, int64_t ns)
{
	loop_sim_settle(s->loop); /* first what was sent before, now */
	loop_sim_until(s->loop, clock_mono() + ns);
	loop_sim_settle(s->loop);
}

void sim_drain(struct sim *s)
{
	server_drain(s->server, true);
}

static void on_stopped(void *arg)
{
	((struct sim *)arg)->stopped++;
}

void sim_stop(struct sim *s, int64_t grace)
{
	server_stop(s->server, grace, on_stopped, s);
	loop_sim_settle(s->loop);
}

unsigned sim_stopped(const struct sim *s)
{
	return s->stopped;
}

void sim_expect_value(struct sim *s, enum metric_scope scope, enum metric_id id, uint64_t want,
		      const char *name)
{
	static const char *const subjects[METRIC_SCOPE_COUNT] = {
		[METRIC_SCOPE_LISTENER] = "web",
		[METRIC_SCOPE_ROUTE] = "r",
		[METRIC_SCOPE_UPSTREAM] = "app",
	};
	const char *subject = subjects[scope];
	unsigned n = subject ? metrics_find(s->memory.metrics, scope, subject, NULL) : 0;
	uint64_t is = metrics_sum(s->memory.metrics, scope, n, id);

	if (is != want)
		fail_msg("%s is %llu, not %llu", name, (unsigned long long)is,
			 (unsigned long long)want);
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

void sim_no_origin(struct sim *s, unsigned origin)
{
	int fd = accept4(s->origins[origin].fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (fd >= 0)
		fail_msg("origin %u: a connection came that should not", origin);
}

/* Bound, so that nobody else gets the port, but not listening. */
void sim_origin_refuses(struct sim *s, unsigned origin)
{
	struct origin *o = &s->origins[origin];

	close_origin(o);
	o->fd = bound_socket("127.0.0.1", &o->port);
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

	close_origin(o);
	o->fd = bound_socket(host, &o->port);
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

void peer_expect(struct peer *p, const char *text)
{
	take_all(p);
	while (!strstr(p->in, text) && take_late(p))
		;
	if (!strstr(p->in, text))
		fail_msg("expected \"%s\", got %zu bytes: \"%s\"", text, p->n, p->in);
	p->n = 0;
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

void peer_get(struct peer *p, const char *path)
{
	char text[256];

	snprintf(text, sizeof(text), "GET %s HTTP/1.1\r\nHost: a.test\r\n\r\n", path);
	peer_send(p, text);
}

void peer_answer(struct peer *p, const char *body)
{
	char text[512];

	snprintf(text, sizeof(text), "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n%s",
		 strlen(body), body);
	peer_send(p, text);
}
