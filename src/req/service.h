/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Inside of a worker's client service; private to req/. See server.h for what others may use.
 */
#ifndef REQ_SERVICE_H
#define REQ_SERVICE_H

#include "base/pool.h"
#include "base/rng.h"
#include "fetch/fill.h"
#include "net/loop.h"
#include "req/server.h"
#include "req/snapshot.h"

struct access;

struct client;
struct metric_row;

enum { LISTENER_MAGIC = 0x6c697374, SERVER_MAGIC = 0x73657276 };

/* One listening socket that this worker accepts from. */
struct acceptor {
	struct list_node node; /* on listener->acceptors */
	struct listener *listener;
	struct loop_io io;
	int fd;
	unsigned index; /* which of the listener's sockets */
};

/* One listener by name; lives until its last connection is closed. */
struct listener {
	uint32_t magic;
	uint32_t refs;	       /* the server's list, and each connection */
	struct list_node node; /* on server->listeners */
	struct server *server;
	char *name;
	struct snapshot *snap;		  /* a reference: where <conf> lives */
	const struct listener_conf *conf; /* newest settings; a removed listener keeps its last */
	bool removed; /* not in the configuration in force: finishes what it has */
	struct list acceptors;
	uint32_t active; /* connections of this worker */
	bool paused;	 /* does not accept: at its limit, or out of descriptors */
	struct metric_row *row;
};

struct server {
	uint32_t magic;
	struct server_env env;
	struct loop *loop;
	struct upstreams ups;
	struct fill_env fills;	     /* L1 and what goes with it; fills.l1 NULL: no cache */
	struct l1_figures l1_seen;   /* of them, what is counted already */
	struct snapshot *snap;	     /* in force */
	struct snapshot *next;	     /* prepared */
	struct upstreams_plan *plan; /* prepared */
	struct list listeners;
	struct list clients;	   /* open connections, idle ones too */
	struct list requests;	   /* in flight */
	struct metric_row *row;	   /* this worker's */
	struct access *access_log; /* never NULL */
	int access_fd;		   /* our own copy of its descriptor; -1 = off */
	uint64_t ids[2];	   /* for request ids: random, then counting */
	bool draining;		   /* every answer ends its connection */
	bool stopping;
	struct loop_timer stop_timer; /* grace, then the end */
	struct loop_timer idle_timer; /* when idle connections have had their moment */
	void (*stop_done)(void *arg);
	void *stop_arg;
	struct loop_task fills_task;
	struct loop_task stop_task;
	char date_line[64]; /* "Date: ...\r\n" of the current second */
	size_t date_n;
	int64_t date_second;
};

/* A connection was closed: maybe the last one. */
void server_client_closed(struct server *s);

/* "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n" for now; remade once a second. */
struct str server_date_line(struct server *s);

/* A new request id: 32 hex digits, unique in the fleet for all practical purposes. */
enum { REQUEST_ID_N = 32 };
void server_request_id(struct server *s, char out[REQUEST_ID_N]);

void listener_unref(struct listener **l);

/* One of its connections was closed: it may accept again. */
void listener_released(struct listener *l);

#endif
