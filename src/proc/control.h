/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The channel between the master and one child: a SOCK_SEQPACKET pair that carries short
 * messages (tbl/control.h) with text and descriptors. Order is kept; nothing blocks: what the
 * peer does not take yet waits in a bounded queue. The other side is never trusted to send
 * sense: what is malformed, unknown or not meant for this side is dropped and counted.
 * One loop, one thread.
 */
#ifndef PROC_CONTROL_H
#define PROC_CONTROL_H

#include "base/str.h"
#include "net/loop.h"

/* Who may receive a message. */
enum control_side {
	CONTROL_TO_MASTER = 1,
	CONTROL_TO_WORKER = 2,
	CONTROL_TO_ADMIN = 4,
	CONTROL_TO_CHILD = CONTROL_TO_WORKER | CONTROL_TO_ADMIN,
};

enum control_type {
	CONTROL_NONE = 0,
#define CONTROL(name, to, fds, help) CONTROL_##name,
#include "tbl/control.h"
#undef CONTROL
	CONTROL_COUNT
};

enum {
	CONTROL_TEXT = 60 * 1024,	  /* longest text; longer ones are cut when sent */
	CONTROL_FDS = 2,		  /* most descriptors in one message */
	CONTROL_QUEUE = 64 * 1024 * 1024, /* bytes that may wait for a peer that does not read */
};

struct control_msg {
	enum control_type type;
	uint32_t id;	      /* ties an answer to its question; else as the row says */
	int32_t status;	      /* 0, or as the row says */
	struct str text;      /* received: NUL behind it, dead when the handler returns */
	int fds[CONTROL_FDS]; /* received: closed after the handler unless taken */
	unsigned n_fds;
};

struct control_link;

/* One message came. May close the link. */
typedef void control_fn(void *arg, struct control_msg *msg);

/* The peer is gone (it closed, died, or was cut off); the link is closed already. Called once. */
typedef void control_closed_fn(void *arg);

struct control_link {
	uint32_t magic;
	int fd;	       /* -1 when closed */
	unsigned side; /* CONTROL_TO_ bit of this end */
	struct loop_io io;
	struct list out;  /* messages that wait for room */
	size_t queued;	  /* their bytes */
	uint64_t dropped; /* messages received that made no sense */
	control_fn *on_msg;
	control_closed_fn *on_closed;
	void *arg;
};

/* "LISTEN", or "?" for an unknown type. */
const char *control_name(unsigned type);

/* Two connected ends, non-blocking, close-on-exec; ERR_SYS. */
MUST_CHECK int control_pair(int out_fds[2]);

/*
 * One message, now. 0; ERR_BUSY when the peer's queue is full; ERR_MISSING when the peer is gone;
 * ERR_SYS. Descriptors are copied: the caller keeps its own.
 */
MUST_CHECK int control_send(int fd, const struct control_msg *msg);

/*
 * One message into <buffer> of <size> bytes (at least CONTROL_TEXT + 64). 0 and the caller owns
 * msg->fds; ERR_BUSY when there is none; ERR_MISSING when the peer is gone; ERR_SYNTAX for one
 * that was dropped because it is malformed or not for <side>.
 */
MUST_CHECK int control_recv(int fd, unsigned side, char *buffer, size_t size,
			    struct control_msg *out);

/* A link over <fd>, which it takes (closed on failure). */
MUST_CHECK int control_open(struct control_link *link, struct loop *loop, int fd, unsigned side,
			    control_fn *on_msg, control_closed_fn *on_closed, void *arg);

/* Handles what has come already, as the loop would: for the last words of a child that died. */
void control_read(struct control_link *link);

/* Closes without calling on_closed; what is queued is dropped. Harmless when closed. */
void control_close(struct control_link *link);

/*
 * Sends, or queues a copy (descriptors are duplicated). Failure means that the peer is gone or
 * hopelessly behind: then on_closed follows from the loop, and the caller need not care.
 */
void control_say(struct control_link *link, const struct control_msg *msg);

/* The same for a message without descriptors. */
void control_tell(struct control_link *link, enum control_type type, uint32_t id, int32_t status,
		  struct str text);

/* Takes descriptor <i> out of a received message; -1 when there is none. */
int control_take_fd(struct control_msg *msg, unsigned i);

#endif
