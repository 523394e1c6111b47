/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The admin socket: a unix stream socket that speaks admin/proto.h. At most CONSOLE_SESSIONS
 * sessions; each has its own buffers and deadline, so one that stalls holds up nobody. The peer's
 * credentials decide what it may do: root and the user we run as may operate, others may read.
 * Admin process only, inside its loop.
 */
#ifndef ADMIN_CONSOLE_H
#define ADMIN_CONSOLE_H

#include "net/loop.h"

struct admin;
struct console;

enum { CONSOLE_SESSIONS = 32 };

#define CONSOLE_IDLE (30 * NS_PER_S)  /* until a request line is whole; drips do not prolong it */
#define CONSOLE_WRITE (30 * NS_PER_S) /* until the peer has taken a whole reply */

/* Accepts sessions from <listener> (not taken: the caller closes it after console_free). */
MUST_CHECK int console_new(struct admin *admin, struct loop *loop, int listener,
			   struct console **out);

/* Cuts off all sessions. */
void console_free(struct console **console);

/* Accepts no more, and ends sessions as soon as their command is answered. */
void console_finish(struct console *console);

/* Sessions open now. */
size_t console_sessions(const struct console *console);

#endif
