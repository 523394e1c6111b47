/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files of the simulated world share: its memory. Tests see sim.h only. */
#ifndef TESTS_SIM_WORLD_H
#define TESTS_SIM_WORLD_H

#include "proc/segment.h"
#include "shm/slots.h"
#include "tests/sim/loop_sim.h"
#include "tests/sim/sim.h"

struct conf;
struct server;

enum { FILLERS = 3, IN_MAX = 64 * 1024, PATIENCE_MS = 1000 };

struct peer {
	struct sim *sim;
	int fd;
	size_t n; /* bytes that came and were not expected yet */
	bool eof, reset;
	unsigned line_ends;	    /* of the empty line behind a head: how much of it was seen */
	uint64_t body_in, body_out; /* bytes of a counted body that came, that were sent */
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

/* Sockets on loopback, not blocking; <*port> 0 = any, and it is set (peers.c). */
int sim_bound_socket(const char *host, uint16_t *port);

/* With the world's end (peers.c). */
void sim_free_peer(struct peer *p);
void sim_close_origin(struct origin *o);

#endif
