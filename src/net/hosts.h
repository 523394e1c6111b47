/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The hosts file: names to addresses without any server (hosts(5)). Private to net/resolve.c. The
 * file is small and local, so it is read as a whole, in place, when it changed.
 */
#ifndef NET_HOSTS_H
#define NET_HOSTS_H

#include "net/sock.h"

struct hosts;

enum { HOSTS_MAX_BYTES = 4 << 20 }; /* what is beyond is not looked at */

/* NULL when out of memory. A file that is not there is an empty one. */
MUST_CHECK struct hosts *hosts_new(const char *path);
void hosts_free(struct hosts **h);

/* Reads the file again if it is another one than last time; true if so. */
bool hosts_refresh(struct hosts *h);

/*
 * Up to <max> addresses of <name> (case ignored) into <out>, each with <port>: IPv4 first, else in
 * the file's order; returns how many.
 */
unsigned hosts_find(const struct hosts *h, struct str name, uint16_t port, struct sock_addr *out,
		    unsigned max);

/* The same over text instead of a file; for tests. */
unsigned hosts_find_in(struct str text, struct str name, uint16_t port, struct sock_addr *out,
		       unsigned max);

#endif
