/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The operator's HTTP listener (evhttp): /metrics, /health, /api/ and the dashboard. Read-only, GET
 * and HEAD alone, but for POST /api/purge where admin.purge is set. There is no password, so on a loopback address the Host field is checked,
 * or a web page could read it through a name that points here (DNS rebinding). Admin process
 * only, inside its loop.
 */
#ifndef ADMIN_WEB_H
#define ADMIN_WEB_H

#include "base/str.h"

struct admin;
struct web;

enum {
	WEB_CONNECTIONS = 256, /* open at once; further ones wait in the kernel's queue */
	WEB_HEADERS = 16384,   /* bytes of a request head */
	WEB_BODY = 8192,       /* bytes of a request body: a purge */
	WEB_TIMEOUT = 15,      /* seconds in which a connection moves no byte */
};

/* Serves on the <n> listening sockets (not taken: they stay the caller's). */
MUST_CHECK int web_new(struct admin *admin, const int *fds, unsigned n, struct web **out);
void web_free(struct web **web);

/* Once a second: accepts again after there were too many connections. */
void web_second(struct web *web);

/* Takes no new connections; answers from now on end theirs. */
void web_finish(struct web *web);

/* Requests that wait for their answer; after web_finish() also connections that are open. */
size_t web_waiting(const struct web *web);

/*
 * Does a Host field name this machine's loopback? "localhost", names below it, 127.0.0.0/8, [::1],
 * or <name> (NULL = none), each with or without a port. An empty one (HTTP/1.0) does: browsers
 * always send it.
 */
bool web_host_is_local(struct str host, const char *name);

#endif
