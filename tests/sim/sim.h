/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A world for tests of what depends on time: the real engine (one server, one upstream "app", one
 * route "r", one listener "web") between clients and origins that the test plays itself, over
 * loopback sockets, on virtual time. Every call below lets the engine do all it can do now, so
 * what is expected has happened when the call before returned. Failures end the cmocka test.
 */
#ifndef TESTS_SIM_H
#define TESTS_SIM_H

#include "base/prelude.h"
#include "obs/metrics.h"

enum { SIM_ORIGINS = 2, SIM_PEERS = 256 };

struct sim;

/* The test's end of a connection: a client's, or an origin's. Freed with the world. */
struct peer;

/* Extra YAML (flow style) for each part, beginning with a comma; NULL = none. */
struct sim_spec {
	const char *listener, *upstream, *route;
	const char *l1;	    /* of cache.l1, which is 8 MiB */
	const char *before; /* routes before "r": "{...}, " */
	const char *host;   /* of the servers; NULL = 127.0.0.1 */
	unsigned servers;   /* how many of the origins are servers; 0 = one */
};

struct sim *sim_new(const struct sim_spec *spec);
void sim_free(struct sim **s);

/* Lets time pass, with everything that is due on the way. */
void sim_advance(struct sim *s, int64_t ns);

/* As the engine's owner: another configuration is in force from now on. */
void sim_reload(struct sim *s, const struct sim_spec *spec);

/* As the engine's owner: drain, stop with a grace; how often "stopped" was told. */
void sim_drain(struct sim *s);
void sim_stop(struct sim *s, int64_t grace);
unsigned sim_stopped(const struct sim *s);

/* A client that is connected to the engine. */
struct peer *sim_client(struct sim *s);

/* The cache as a whole: fetches that lead or are nobody's to join, and objects (also filling). */
void sim_expect_fills(struct sim *s, unsigned in_flight, unsigned objects);
/* Nothing is under way: no fetch, no filling object, no pin. So it must be when the world ends, too,
 * and all of the region must be in order. */
void sim_expect_quiet(struct sim *s);

/* The connection that the engine has made to this origin; there must be one. */
struct peer *sim_origin(struct sim *s, unsigned origin);
/* The same, or NULL. */
struct peer *sim_next_origin(struct sim *s, unsigned origin);
/* There must be none. */
void sim_no_origin(struct sim *s, unsigned origin);

/* The origin refuses connections / takes none and refuses none / listens again. */
void sim_origin_refuses(struct sim *s, unsigned origin);
void sim_origin_is_deaf(struct sim *s, unsigned origin);
void sim_origin_listens(struct sim *s, unsigned origin, const char *host);

void peer_send(struct peer *p, const char *text);
void peer_send_n(struct peer *p, const char *bytes, size_t n);
/* The same as far as the engine takes it; false when it took nothing. */
bool peer_try_send(struct peer *p, const char *bytes, size_t n);
/* Says that nothing more will be sent (FIN), and stays. */
void peer_shut(struct peer *p);
/* As a peer that left: FIN, or RST. */
void peer_close(struct peer *p, bool reset);

/* What came since the last call contains <text>; it is forgotten then. */
void peer_expect(struct peer *p, const char *text);
/* The same for several texts, in any order. */
#define peer_expect_all(p, ...) peer_expect_texts(p, (const char *const[]){__VA_ARGS__, NULL})
void peer_expect_texts(struct peer *p, const char *const *texts);
/* What has come so far does not contain <text>; it is not forgotten. */
void peer_expect_no(struct peer *p, const char *text);
/* The same for an error of ours: its status and its Proxy-Status token (RFC 9209). */
void peer_expect_error(struct peer *p, unsigned status, const char *token);
/* Nothing came since then, and the connection is open. */
void peer_expect_silence(struct peer *p);
/* Nothing more came, and the engine has closed: in order, or visibly broken (RST). */
void peer_expect_closed(struct peer *p);
void peer_expect_broken(struct peer *p);
/* For those who look for themselves: what came and was not forgotten, with a 0 behind it; forgets the
 * first <n> bytes; true when nothing more can come. */
const char *peer_look(struct peer *p, size_t *out_n);
void peer_forget(struct peer *p, size_t n);
bool peer_ended(const struct peer *p);
/* Takes all that comes, how much ever, and counts it. */
size_t peer_swallow(struct peer *p);

/* Bodies too large to look at: each byte depends on its place. Sends the next <n> bytes of one, as
 * far as the engine takes them, and returns how many; forgets what came up to the end of its head
 * and takes what follows, which must go on where the last call ended; returns how many in all. */
char peer_counted(uint64_t at);
size_t peer_send_counted(struct peer *p, size_t n);
uint64_t peer_take_counted(struct peer *p);

/* A client's request for <path>; any line and fields ("GET /", "Range: ...\r\n"). */
void peer_get(struct peer *p, const char *path);
void peer_ask(struct peer *p, const char *line, const char *fields);
/* The origin's answer; with fields. */
void peer_answer(struct peer *p, const char *body);
void peer_reply(struct peer *p, const char *fields, const char *body);

/* Openings: the client asks for <path>, and the request comes over a connection that the engine
 * has made for it; the same with the whole exchange. */
struct peer *sim_ask(struct sim *s, struct peer *client, const char *path);
struct peer *sim_serve(struct sim *s, struct peer *client, const char *path, const char *fields,
		       const char *body);

/* The counter of the only subject there is. */
uint64_t sim_count_value(struct sim *s, enum metric_scope scope, enum metric_id id);
/* sim_expect_count(s, UPSTREAM, queued, 1). */
void sim_expect_value(struct sim *s, enum metric_scope scope, enum metric_id id, uint64_t want,
		      const char *name);
#define sim_expect_count(s, scope, id, want)                                                       \
	sim_expect_value(s, METRIC_SCOPE_##scope, METRIC_##scope##_##id, want, #scope " " #id)

#endif
