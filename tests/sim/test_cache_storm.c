/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Clients and an origin that do whatever comes to mind, by a seed: ask, leave, answer in pieces, break
 * off, take their time. Whatever happens, no client may take for whole what is not, and when all
 * have left nothing is under way any more.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/rng.h"
#include "tests/sim/sim.h"

#define MS NS_PER_MS
#define S NS_PER_S

enum { CLIENTS = 6, ORIGINS = 24, STEPS = 250, SEEDS = 8, BODY_MAX = 6000, PATHS = 2 };

enum framing { BY_LENGTH, BY_CHUNKS, BY_END };

struct client {
	struct peer *peer;
	bool asked, head, purge;
};

struct origin {
	struct peer *peer;
	bool answering;	      /* a part of the answer is out */
	enum framing framing; /* of it */
	size_t at, n;	      /* bytes of its body: sent, in all */
};

struct storm {
	struct sim *sim;
	struct rng rng;
	struct client clients[CLIENTS];
	struct origin origins[ORIGINS];
	unsigned answers;
};

static unsigned dice(struct storm *st, unsigned n)
{
	return (unsigned)rng_below(&st->rng, n);
}

/* ---- clients ---- */

/* A body is counted bytes and a mark at its very end: without it, it is not whole. */
static void check_body(const char *body, size_t n)
{
	for (size_t i = 0; i + 1 < n; i++)
		if (body[i] != peer_counted(i))
			fail_msg("byte %zu of %zu is wrong", i, n);
	if (n && body[n - 1] != '!')
		fail_msg("a body of %zu bytes passes for whole and is not", n);
}

/* Puts the chunks at <p> together; the length of all, or 0 if the last is not there. */
static size_t join_chunks(const char *p, const char *end, char *to, size_t *out_n)
{
	const char *begin = p;

	*out_n = 0;
	for (;;) {
		const char *data = strstr(p, "\r\n");
		size_t n = data ? strtoul(p, NULL, 16) : 0;
		if (!data || (size_t)(end - data) < n + 4)
			return 0;
		if (n == 0)
			return (size_t)(data + 4 - begin);
		assert_true(*out_n + n <= BODY_MAX);
		memcpy(to + *out_n, data + 2, n);
		*out_n += n;
		p = data + 2 + n + 2;
	}
}

/* The length of a whole answer at <in>, which is checked; 0: it is not whole. */
static size_t take_answer(const struct client *c, const char *in, size_t n)
{
	const char *end = strstr(in, "\r\n\r\n"), *length = strstr(in, "\r\nContent-Length: ");
	char joined[BODY_MAX];
	size_t body_n;

	if (!end)
		return 0;
	end += 4;
	unsigned status = (unsigned)strtoul(in + 9, NULL, 10);
	assert_memory_equal(in, "HTTP/1.1 ", 9);
	if (c->head || status == 304)
		return (size_t)(end - in);
	if (length && length < end) {
		body_n = strtoul(length + 18, NULL, 10);
		if ((size_t)(in + n - end) < body_n)
			return 0;
		if (status == 200 && !c->purge)
			check_body(end, body_n);
		return (size_t)(end - in) + body_n;
	}
	assert_non_null(strstr(in, "\r\nTransfer-Encoding: chunked\r\n"));
	size_t used = join_chunks(end, in + n, joined, &body_n);
	if (used && status == 200)
		check_body(joined, body_n);
	return used ? (size_t)(end - in) + used : 0;
}

static void hear(struct storm *st, struct client *c)
{
	size_t n, used;
	const char *in = peer_look(c->peer, &n);

	if (c->asked && (used = take_answer(c, in, n)) > 0) {
		peer_forget(c->peer, used);
		c->asked = false;
		st->answers++;
		in = peer_look(c->peer, &n);
	}
	if (!c->asked && n)
		fail_msg("more than an answer: \"%s\"", in);
	if (!peer_ended(c->peer))
		return;
	peer_close(c->peer, false);
	*c = (struct client){0};
}

static void ask(struct storm *st, struct client *c)
{
	static const char *const lines[] = {"GET", "GET", "GET",  "GET",  "GET",
					    "GET", "GET", "HEAD", "POST", "PURGE"};
	static const char *const fields[] = {
		"",
		"",
		"Range: bytes=10-20\r\n",
		"Cache-Control: no-cache\r\n",
		"Cache-Control: max-age=1\r\n",
		"If-None-Match: \"v1\"\r\n",
		"Authorization: x\r\n",
		"",
		"Content-Length: 0\r\n",
		"",
	};
	unsigned what = dice(st, COUNTOF(lines));
	char line[32];

	(void)snprintf(line, sizeof(line), "%s /%u", lines[what], dice(st, PATHS));
	c->asked = true;
	c->head = strcmp(lines[what], "HEAD") == 0;
	c->purge = strcmp(lines[what], "PURGE") == 0;
	peer_ask(c->peer, line, fields[what]);
}

static void move_client(struct storm *st)
{
	struct client *c = &st->clients[dice(st, CLIENTS)];

	if (!c->peer) {
		c->peer = sim_client(st->sim);
	} else if (!c->asked) {
		ask(st, c);
	} else if (dice(st, 6) == 0) {
		peer_close(c->peer, dice(st, 2));
		*c = (struct client){0};
		return;
	}
	hear(st, c);
}

/* ---- the origin ---- */

static void accept_all(struct storm *st)
{
	for (unsigned i = 0; i < ORIGINS; i++)
		if (!st->origins[i].peer)
			st->origins[i].peer = sim_next_origin(st->sim, 0);
}

static void hang_up(struct origin *o, bool reset)
{
	peer_close(o->peer, reset);
	*o = (struct origin){0};
}

/* Some more of the body, or all the rest. */
static void send_some(struct storm *st, struct origin *o)
{
	char piece[BODY_MAX + 64];
	size_t left = o->n - o->at, n = dice(st, 3) ? left : dice(st, (unsigned)left + 1);
	int at = 0;
	bool last = n == left;

	if (o->framing == BY_CHUNKS && n)
		at = snprintf(piece, sizeof(piece), "%zx\r\n", n);
	for (size_t i = 0; i < n; i++)
		piece[(size_t)at + i] = o->at + i + 1 == o->n ? '!' : peer_counted(o->at + i);
	o->at += n;
	n += (size_t)at;
	if (o->framing == BY_CHUNKS)
		n += (size_t)sprintf(piece + n, "%s%s", n ? "\r\n" : "", last ? "0\r\n\r\n" : "");
	if (n && !peer_try_send(o->peer, piece, n)) {
		hang_up(o, false);
		return;
	}
	if (last && o->framing == BY_END)
		hang_up(o, false);
	else if (last)
		o->answering = false;
}

static void begin_answer(struct storm *st, struct origin *o)
{
	static const char *const cache_control[] = {
		"max-age=2", "max-age=2, stale-while-revalidate=3", "max-age=0", "no-store",
		"max-age=2, must-revalidate"};
	char head[512], length[64];

	o->framing = (enum framing)dice(st, 3);
	o->at = 0;
	o->n = 1 + dice(st, dice(st, 2) ? 30 : BODY_MAX - 1);
	o->answering = true;
	(void)snprintf(length, sizeof(length), "Content-Length: %zu\r\n", o->n);
	if (o->framing != BY_LENGTH)
		(void)snprintf(length, sizeof(length), "%s",
			       o->framing == BY_CHUNKS ? "Transfer-Encoding: chunked\r\n"
						       : "Connection: close\r\n");
	(void)snprintf(head, sizeof(head),
		       "HTTP/1.1 200 OK\r\nCache-Control: %s\r\n%s%sETag: \"v%u\"\r\n\r\n",
		       cache_control[dice(st, COUNTOF(cache_control))], length,
		       dice(st, 8) ? "" : "Vary: Range\r\n", 1 + dice(st, 2));
	if (!peer_try_send(o->peer, head, strlen(head)))
		hang_up(o, false);
	else if (dice(st, 2))
		send_some(st, o);
}

static void answer(struct storm *st, struct origin *o, const char *in)
{
	static const char *const others[] = {
		"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 4\r\n\r\nbusy",
		"HTTP/1.1 404 Not Found\r\nCache-Control: max-age=3\r\nContent-Length: 0\r\n\r\n",
		"HTTP/1.1 200 OK\r\nCache-Control: max-age=3\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
		"nonsense\r\n\r\n",
	};
	char not_modified[128];
	const char *tag = strstr(in, "If-None-Match: \"");
	unsigned what = dice(st, 12);

	if (strncmp(in, "HEAD ", 5) == 0) {
		peer_send(o->peer, "HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n");
	} else if (tag && what < 7) {
		(void)snprintf(
			not_modified, sizeof(not_modified),
			"HTTP/1.1 304 Not Modified\r\nCache-Control: max-age=2\r\nETag: %.4s\r\n\r\n",
			tag + 15);
		peer_send(o->peer, not_modified);
	} else if (what < 8) {
		begin_answer(st, o);
	} else {
		peer_send(o->peer, others[what - 8]);
		if (what - 8 >= 2)
			hang_up(o, false);
	}
}

static struct origin *some_origin(struct storm *st)
{
	unsigned first = dice(st, ORIGINS);

	for (unsigned i = 0; i < ORIGINS; i++)
		if (st->origins[(first + i) % ORIGINS].peer)
			return &st->origins[(first + i) % ORIGINS];
	return NULL;
}

static void move_origin(struct storm *st)
{
	struct origin *o;
	size_t n;

	accept_all(st);
	if (!(o = some_origin(st)))
		return;
	const char *in = peer_look(o->peer, &n), *end = strstr(in, "\r\n\r\n");
	if (peer_ended(o->peer) || dice(st, 25) == 0) {
		/* FIN would be the proper end of an answer that has no other */
		hang_up(o, (o->answering && o->framing == BY_END) || dice(st, 2));
	} else if (o->answering) {
		send_some(st, o);
	} else if (end) {
		char request[2048];
		(void)snprintf(request, sizeof(request), "%.*s", (int)(end + 4 - in), in);
		peer_forget(o->peer, (size_t)(end + 4 - in));
		answer(st, o, request);
	}
}

/* ---- the storm ---- */

static void blow(struct storm *st)
{
	for (int i = 0; i < STEPS; i++) {
		switch (dice(st, 12)) {
		case 0:
			sim_advance(st->sim, (int64_t)dice(st, 1500) * MS);
			break;
		case 1:
		case 2:
		case 3:
		case 4:
		case 5:
			move_client(st);
			break;
		default:
			move_origin(st);
			break;
		}
		for (unsigned k = 0; k < CLIENTS; k++)
			if (st->clients[k].peer && dice(st, 2))
				hear(st, &st->clients[k]);
	}
}

/* That it blows at all: seen from the counters, over all seeds. */
static uint64_t seen[5];

static void count_seen(struct sim *s)
{
	static const enum metric_id ids[COUNTOF(seen)] = {
		METRIC_ROUTE_cache_hits, METRIC_ROUTE_cache_collapsed,
		METRIC_ROUTE_cache_revalidated, METRIC_ROUTE_cache_stored,
		METRIC_ROUTE_cache_broken};

	for (size_t i = 0; i < COUNTOF(seen); i++)
		seen[i] += sim_count_value(s, METRIC_SCOPE_ROUTE, ids[i]);
}

static void storm(uint64_t seed)
{
	struct storm st = {0};

	rng_seed(&st.rng, seed);
	st.sim = sim_new(&(struct sim_spec){
		.upstream = ", timeouts: {connect: 2s, first_byte: 3s, idle: 4s}",
		.route = ", cache: {stale_if_error: 4s, coalesce: {wait: 2s}, "
			 "purge: {allow: [127.0.0.1]}}",
		.l1 = seed % 2 ? ", max_object: 4KiB" : NULL});
	blow(&st);
	for (unsigned k = 0; k < CLIENTS; k++)
		if (st.clients[k].peer)
			peer_close(st.clients[k].peer, dice(&st, 2));
	sim_advance(st.sim, 60 * S);
	sim_expect_quiet(st.sim);
	assert_true(st.answers > 0);
	count_seen(st.sim);
	sim_free(&st.sim);
}

static void storms(void **state)
{
	const char *one = getenv("STORM_SEED");

	(void)state;
	if (one) {
		storm(strtoull(one, NULL, 10));
		return;
	}
	for (uint64_t seed = 1; seed <= SEEDS; seed++) {
		print_message("seed %llu\n", (unsigned long long)seed);
		storm(seed);
	}
	for (size_t i = 0; i < COUNTOF(seen); i++)
		assert_true(seen[i] > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(storms)};

	return cmocka_run_group_tests_name("sim_cache_storm", tests, NULL, NULL);
}
