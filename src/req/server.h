/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One worker's whole client service: its listeners, client connections, and the configuration in
 * force. The process layer (proc/) creates it, hands it listening sockets and new configurations,
 * and tells it to drain or stop; everything about requests happens behind it.
 */
#ifndef REQ_SERVER_H
#define REQ_SERVER_H

#include "base/buf.h"

struct conf;
struct conf_listener;
struct loop;
struct metrics;
struct seg;
struct server;

struct server_env {
	struct loop *loop;
	struct seg *seg;
	struct metrics *metrics;
	unsigned slot;	      /* this worker's slot in the segment */
	unsigned n_workers;   /* workers that share the node's limits */
	const int *doorbells; /* eventfd of every slot (SLOT_MAX entries, -1 = none) */
};

/* Takes a reference to <conf>. 0 or an ERR_ code with a reason in <why>. */
MUST_CHECK int server_new(const struct server_env *env, struct conf *conf, char *why,
			  size_t why_size, struct server **out);
void server_free(struct server **server);

/*
 * Starts to accept from <fd> (taken; closed on failure) for the listener named <name> of the
 * configuration in force. <index> tells several sockets of one listener apart.
 */
MUST_CHECK int server_listen(struct server *server, const char *name, unsigned index, int fd);

/* Accepts what is queued on that socket, then closes it. Unknown ones are ignored. */
void server_unlisten(struct server *server, const char *name, unsigned index);

/*
 * Reload. prepare: builds everything <next> needs beside what is in force; no effect on traffic.
 * Then exactly one of commit (requests from now on use it) or abort.
 */
MUST_CHECK int server_prepare(struct server *server, struct conf *next, char *why, size_t why_size);
void server_commit(struct server *server);
void server_abort(struct server *server);

/* This many workers share the node's limits from now on. */
void server_set_workers(struct server *server, unsigned n);

/* What the request that runs right now is: "GET host/path (step)"; returns the length. For the panic
 * report: async-signal-safe, reads only. */
size_t server_doing(void *unused, char *out, size_t size);

/* Checks what only the engine can: routes, rewrites, header operations. One line per fault is added
 * to <told>; 0 or ERR_SYNTAX. No side effects. */
MUST_CHECK int server_check(const struct conf *conf, struct buf *told);

/* Takes <fd> as the access log's destination (-1: off). */
void server_set_access_fd(struct server *server, int fd);

/* The doorbell of this worker rang: another worker freed a shared connection slot. */
void server_on_doorbell(struct server *server);

/* Answers carry "Connection: close" from now on (or no longer); connections are still accepted. */
void server_drain(struct server *server, bool on);

/*
 * Stops accepting, finishes open requests, gives idle connections a moment for one last request;
 * after <grace> ns what is left is cut off. Calls done(arg) once, when nothing is open.
 */
void server_stop(struct server *server, int64_t grace, void (*done)(void *arg), void *arg);

/* Requests in flight, one JSON object per line, at most what fits into <out>'s cap. */
void server_report(struct server *server, struct buf *out);

/* At the end of each loop turn: the access log's lines are written. */
void server_turn(struct server *server);

/* Once a second: gauges. */
void server_second(struct server *server);

#endif
