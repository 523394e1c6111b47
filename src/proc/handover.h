/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What one program tells the next about what it leaves running: the descriptors that stay open over
 * the exec, and who is at the other end of them. A text of lines in a sealed memfd, whose number an
 * environment variable names; the format is drawn in doc/internals/processes.md.
 *
 * The reader believes nothing: every line is checked here, every descriptor and process by who takes
 * it over. Another version is refused as a whole, and found out by a trial run before anything is
 * at stake (proc/upgrade.h). Master only; logs nothing.
 */
#ifndef PROC_HANDOVER_H
#define PROC_HANDOVER_H

#include <sys/types.h>

#include "base/buf.h"

#define HANDOVER_VARIABLE "TIERCEL_HANDOVER"

/* The last line of a trial run that went well; with the version. */
#define HANDOVER_PROMISE "tiercel can take over, version %d"

enum {
	HANDOVER_VERSION = 1,
	HANDOVER_BYTES = 256 * 1024, /* longest text */
	HANDOVER_SLOTS = 128,
	HANDOVER_SEATS = 64,
	HANDOVER_LISTENS = 1024, /* addresses */
	HANDOVER_ASKERS = 16,
	HANDOVER_FD_MAX = 1 << 24,
	HANDOVER_PATH = 1024,
};

/* Why the program was started with a description. */
enum handover_mode {
	HANDOVER_NONE = 0,
	HANDOVER_TRIAL = 1,   /* would this program manage? Look, say so, and end */
	HANDOVER_UPGRADE = 2, /* take over, with new workers */
	HANDOVER_RESUME = 3,  /* the next program failed: go on where this one was */
};

/* How the sockets of one address came to be. */
enum handover_kind {
	HANDOVER_SPREAD = 1,  /* one per worker (SO_REUSEPORT) */
	HANDOVER_SHARED = 2,  /* one from which all accept */
	HANDOVER_MANAGER = 3, /* the same, from the service manager */
};

struct handover_listen {
	enum handover_kind kind;
	uint64_t dev, ino; /* the socket file that we made; 0 0 = none */
	int fds[HANDOVER_SEATS];
	unsigned n;
};

struct handover_worker {
	unsigned slot, seat; /* seat HANDOVER_SEATS = none: it drains */
	pid_t pid;
	int fd; /* control channel */
};

struct handover_askers {
	uint32_t ids[HANDOVER_ASKERS];
	unsigned n;
};

struct handover {
	char program[32];	  /* who wrote it: its version */
	char path[HANDOVER_PATH]; /* from where the next program is started; "" = unknown */
	pid_t pid;		  /* the master, before and after */
	uint32_t generation;
	int64_t started; /* wall clock, ns */
	bool draining;
	unsigned seats;
	bool reload;			       /* one was asked for */
	struct handover_askers reload_askers;  /* of the admin process */
	struct handover_askers upgrade_askers; /* the same */
	int exe;			       /* the program that wrote this; -1 = unknown */
	int notes;			       /* where a failed successor leaves its reason */
	int bundle;			       /* the configuration in force */
	int segment;
	int doorbells[HANDOVER_SLOTS];
	unsigned n_doorbells;
	pid_t admin_pid; /* 0 = none */
	int admin_fd;
	unsigned owner[HANDOVER_SEATS]; /* slot that accepts from socket k, or HANDOVER_SLOTS */
	struct handover_worker workers[HANDOVER_SLOTS];
	unsigned n_workers;
	struct handover_listen *listens; /* malloc'ed */
	unsigned n_listens;
};

/* Empty: no descriptor, nobody. */
void handover_init(struct handover *h);
void handover_fini(struct handover *h);

/* One more address, zeroed; NULL when out of memory or there are too many. */
struct handover_listen *handover_add_listen(struct handover *h);

/* The text. */
void handover_write(const struct handover *h, struct buf *out);

/*
 * Reads a text into an initialised <h>, which is to be given to handover_fini also on failure.
 * ERR_SYNTAX, ERR_RANGE, ERR_LIMIT, ERR_MISSING (incomplete), ERR_EXISTS (a descriptor, slot or
 * seat twice), ERR_VERSION, ERR_NOMEM.
 */
MUST_CHECK int handover_parse(struct handover *h, struct str text);

/* The text in a sealed memfd, close-on-exec. ERR_SYS, ERR_NOMEM. */
MUST_CHECK int handover_memfd(const struct handover *h, int *out_fd);

/* The same from there; a file that is not sealed against change is ERR_REFUSED. */
MUST_CHECK int handover_read(struct handover *h, int fd);

/* The variable's value: "1:upgrade:7". And back: HANDOVER_NONE if it is not one. */
void handover_variable(enum handover_mode mode, int fd, char out[64]);
enum handover_mode handover_variable_parse(const char *text, int *out_fd);

/* Calls <fn> for every descriptor that is described. */
void handover_each_fd(const struct handover *h, void (*fn)(void *arg, int fd), void *arg);

#endif
