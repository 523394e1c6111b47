/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Socket addresses and the options that our sockets have. Descriptors are non-blocking and
 * close-on-exec. No loop, no state.
 */
#ifndef NET_SOCK_H
#define NET_SOCK_H

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/str.h"

/* Any address we listen on or connect to. */
struct sock_addr {
	union {
		struct sockaddr sa;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
		struct sockaddr_un un;
	};
	socklen_t n; /* length for the kernel; 0 = unset */
};

/* A peer as requests remember it: 20 bytes. */
struct sock_peer {
	uint8_t addr[16]; /* v4 in the first four */
	uint16_t port;	  /* host order */
	uint8_t family;	  /* 4, 6, or 0 for a unix socket */
};

/* Numeric host (v4, v6 without brackets) and port; ERR_SYNTAX when it is not numeric. */
MUST_CHECK int sock_addr_inet(struct sock_addr *out, const char *host, uint16_t port);
MUST_CHECK int sock_addr_unix(struct sock_addr *out, const char *path);
bool sock_addr_eq(const struct sock_addr *a, const struct sock_addr *b);

/* "1.2.3.4:80", "[::1]:80", "unix:/path"; returns <out>. */
enum { SOCK_TEXT = 128 };
char *sock_addr_text(const struct sock_addr *a, char out[SOCK_TEXT]);

void sock_peer_from(struct sock_peer *out, const struct sock_addr *a);
/* The address alone ("1.2.3.4", "::1", "unix"); returns its length. */
size_t sock_peer_text(const struct sock_peer *p, char out[SOCK_TEXT]);

/*
 * A listening socket. <reuseport> for one of several that share an address. A stale unix socket
 * file that nobody listens on is replaced; a live one is ERR_EXISTS. -1 with errno is
 * ERR_SYS/ERR_EXISTS as the return value.
 */
MUST_CHECK int sock_listen(const struct sock_addr *a, bool reuseport, int backlog, int *out_fd);

/* Accepts one; IO errors as -errno, 0 on success. Sets TCP_NODELAY. */
MUST_CHECK int sock_accept(int listener, struct sock_addr *out_peer, int *out_fd);

/* Begins to connect (may finish later); 0 or -errno. */
MUST_CHECK int sock_connect(const struct sock_addr *a, int *out_fd);

/* The error of a connect that ended, or 0 (SO_ERROR). */
int sock_error(int fd);

/* Makes close() send RST: visibly broken, not a clean end. */
void sock_set_reset_on_close(int fd);

#endif
