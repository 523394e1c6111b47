/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Listening sockets: opened by the master, owned by it for as long as the address is configured,
 * lent to workers as copies. TCP addresses get several sockets (SO_REUSEPORT), one per worker, so
 * that the kernel spreads connections and a dead worker's queue can be served by another; unix
 * sockets and those that the service manager passed are one socket from which all accept.
 * Sets share sockets by address: a reload keeps what stays and opens only what is new.
 * Master only; logs nothing.
 */
#ifndef PROC_LISTEN_H
#define PROC_LISTEN_H

#include "base/buf.h"
#include "net/sock.h"

struct conf_address;

enum { LISTEN_BACKLOG = 4096 };

/* The sockets of one address; counted, because two sets may hold it during a reload. */
struct listen_socks {
	unsigned refs;
	struct sock_addr addr;
	bool shared;	/* one socket for all workers */
	bool inherited; /* came from the service manager: never unlinked */
	bool held;	/* an earlier program may need the socket file again: not unlinked yet */
	dev_t dev;	/* the socket file that we made; ino 0 = none */
	ino_t ino;
	unsigned n; /* sockets */
	int *fds;
};

/* One address to listen on. */
struct listen_want {
	const char *name; /* for LISTEN messages and errors */
	const struct conf_address *address;
	bool spread; /* may have several sockets */
	mode_t mode; /* of a unix socket's file */
};

struct listen_entry {
	char *name;
	struct listen_socks *socks;
};

struct listen_set {
	struct listen_entry *entries;
	size_t n;
};

/* Who shall own socket files; uid (uid_t)-1 leaves them to us. */
struct listen_owner {
	uid_t uid;
	gid_t gid;
};

/* Equal for our purposes: the kernel may return a unix path with or without its NUL. */
bool listen_same_address(const struct sock_addr *a, const struct sock_addr *b);

/*
 * Opens all of <wants>, sharing sockets with <old> (may be NULL) where the address is the same, and
 * taking those that were inherited (proc/inherit.h).
 * <n_sockets> per TCP address that may be spread. All or nothing: on failure everything opened
 * here is closed again and <why> says which address failed and why.
 */
MUST_CHECK int listen_open(struct listen_set *out, const struct listen_want *wants, size_t n_wants,
			   unsigned n_sockets, const struct listen_set *old,
			   struct listen_owner owner, struct buf *why);

/* Raises the sockets of every spread address to <n_sockets>; what cannot be is told in <why>. */
MUST_CHECK int listen_grow(struct listen_set *set, unsigned n_sockets, struct buf *why);

/* Lets go; closes sockets that no other set holds and removes their files. */
void listen_close(struct listen_set *set);

/* The most sockets that an address has which are not shared: as many as there are to be served. */
unsigned listen_most(const struct listen_set *set);

/* The entry of <set> with these sockets, or NULL. */
const struct listen_entry *listen_find(const struct listen_set *set,
				       const struct listen_socks *socks);

#endif
