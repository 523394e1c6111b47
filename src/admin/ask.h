/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One command on its way: asked by a session of the admin socket or by an HTTP request, answered
 * at once or later. The one who asks owns the ask and may drop it at any time; a command that
 * waits (for the master, for the workers) finds out through ask->drop. Every wait has a deadline
 * of its own, so each ask that is not dropped ends. Admin process only.
 */
#ifndef ADMIN_ASK_H
#define ADMIN_ASK_H

#include "admin/proto.h"
#include "net/loop.h"

struct admin;
struct ask;

/* Who asks. */
struct ask_peer {
	bool may_operate; /* root or the daemon's own user */
	uint32_t uid;
	int32_t pid;
};

/* Called once, when the answer is complete; may be called before ask_begin() returns. */
typedef void ask_done_fn(struct ask *ask, void *arg);

enum { ASK_MAGIC = 0x61736b31, ASK_BODY_MAX = 16 << 20 };

/* Zero-initialised is ready for ask_init(). */
struct ask {
	uint32_t magic;
	struct admin *admin;
	const struct proto_request *request; /* words; valid until ask_begin() returns */
	const struct ask_peer *peer;	     /* NULL: an HTTP client; it may only read */

	struct buf out;	      /* the answer's text */
	enum proto_code code; /* how it ended */
	bool ended;

	/* for a command that waits: */
	struct list_node node;	 /* among those who wait for the same thing */
	struct loop_timer timer; /* its deadline */
	void (*drop)(struct ask *ask,
		     void *waiting); /* the asker lost interest; NULL = not waiting */
	void *waiting;		     /* the command's own state */

	ask_done_fn *done;
	void *arg;
};

void ask_init(struct ask *ask, struct admin *admin, ask_done_fn *done, void *arg);

/* Runs the command that <request> names. Calls done, now or later, unless dropped before. */
void ask_begin(struct ask *ask, const struct proto_request *request, const struct ask_peer *peer);

/* Ends it with a text of one line in place of what was written; newline added. */
void ask_fail(struct ask *ask, enum proto_code code, const char *fmt, ...) PRINTF(3, 4);

/* Ends it: for commands. The buffer holds the answer. */
void ask_end(struct ask *ask, enum proto_code code);

/* Frees what it holds; done will not be called any more. */
void ask_fini(struct ask *ask);

#endif
