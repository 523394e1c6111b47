/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What was open before this program began: sockets and the segment, from the service manager
 * (socket activation and its store of descriptors) or from the program before (proc/handover.h).
 * Listening sockets wait here until listen_open() claims their address. Master only; logs nothing.
 */
#ifndef PROC_INHERIT_H
#define PROC_INHERIT_H

#include "base/buf.h"
#include "base/err.h"

struct handover_listen;
struct listen_socks;
struct sock_addr;

/* Names in the service manager's store. */
#define INHERIT_SEGMENT "tiercel-segment"
#define INHERIT_LISTEN "tiercel-listen-" /* and the address */

enum { INHERIT_NAME = 160 };

/* The name of a socket bound to <addr>: "tiercel-listen-127.0.0.1_80". */
void inherit_name(const struct sock_addr *addr, char out[INHERIT_NAME]);

/*
 * Collects what the service manager passed; once, at start. Returns how many sockets there are.
 * *out_segment: a segment that we stored, the caller's; else -1.
 */
int inherit_from_manager(int *out_segment);

/* Copies the sockets of one address; what is no listening socket is left out. ERR_SYS, ERR_NOMEM. */
MUST_CHECK int inherit_offer(const struct handover_listen *l);

/* Moves the sockets for s->addr into <s>; <spread>: several will do. ERR_MISSING, ERR_NOMEM. */
MUST_CHECK int inherit_claim(struct listen_socks *s, bool spread);

/*
 * Closes what no address wanted, takes it out of the manager's store, and removes socket files
 * that the program before had made; the text names what the operator passed in vain ("": nothing).
 */
void inherit_end(struct buf *out_unused);

#endif
