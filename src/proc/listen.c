/* SPDX-License-Identifier: BSD-2-Clause */
#include "proc/listen.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"
#include "base/err.h"
#include "conf/types.h"
#include "proc/inherit.h"

bool listen_same_address(const struct sock_addr *a, const struct sock_addr *b)
{
	char ta[SOCK_TEXT], tb[SOCK_TEXT];

	return strcmp(sock_addr_text(a, ta), sock_addr_text(b, tb)) == 0;
}

static int resolve(const struct conf_address *a, struct sock_addr *out, struct buf *why)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM,
				 .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
	struct addrinfo *list;
	char port[8];
	int rc;

	if (a->kind == CONF_ADDR_UNIX)
		return sock_addr_unix(out, a->path);
	if (sock_addr_inet(out, a->host, a->port) == 0)
		return 0;
	snprintf(port, sizeof(port), "%u", a->port);
	rc = getaddrinfo(a->host, port, &hints, &list);
	if (rc != 0) {
		buf_printf(why, "%s: %s", a->text, gai_strerror(rc));
		return ERR_MISSING;
	}
	memset(out, 0, sizeof(*out));
	memcpy(&out->sa, list->ai_addr, list->ai_addrlen);
	out->n = list->ai_addrlen;
	freeaddrinfo(list);
	return 0;
}

static void explain(const struct listen_socks *s, struct buf *why)
{
	char text[SOCK_TEXT];

	buf_printf(why, "cannot listen on %s: %s", sock_addr_text(&s->addr, text), strerror(errno));
	if (errno == EADDRINUSE)
		buf_c(why, " (another process listens there)");
	else if (errno == EACCES && s->addr.sa.sa_family != AF_UNIX)
		buf_c(why, " (ports below 1024 need root or CAP_NET_BIND_SERVICE)");
}

static void release(struct listen_socks **socks)
{
	struct listen_socks *s = *socks;
	struct stat st;

	*socks = NULL;
	if (!s || --s->refs > 0)
		return;
	for (unsigned i = 0; i < s->n; i++)
		close(s->fds[i]);
	/* the file, unless somebody has put another one there meanwhile */
	if (s->ino && !s->held && lstat(s->addr.un.sun_path, &st) == 0 && st.st_ino == s->ino &&
	    st.st_dev == s->dev)
		(void)unlink(s->addr.un.sun_path);
	free(s->fds);
	free(s);
}

static int own_socket_file(struct listen_socks *s, mode_t mode, struct listen_owner owner)
{
	const char *path = s->addr.un.sun_path;
	struct stat st;

	if (lstat(path, &st) != 0)
		return ERR_SYS;
	s->dev = st.st_dev;
	s->ino = st.st_ino;
	if (owner.uid != (uid_t)-1 && chown(path, owner.uid, owner.gid) != 0)
		return ERR_SYS;
	return chmod(path, mode) == 0 ? 0 : ERR_SYS;
}

/* Opens sockets until there are <n>. */
static int add_sockets(struct listen_socks *s, unsigned n)
{
	int *fds;

	if (s->n >= n)
		return 0;
	fds = realloc(s->fds, n * sizeof(*fds));
	if (!fds) {
		errno = ENOMEM;
		return ERR_NOMEM;
	}
	s->fds = fds;
	while (s->n < n) {
		int rc = sock_listen(&s->addr, !s->shared, LISTEN_BACKLOG, &fds[s->n]);

		if (rc != 0)
			return rc;
		s->n++;
	}
	return 0;
}

static uint16_t port_of(const struct sock_addr *a)
{
	return a->sa.sa_family == AF_INET6 ? a->in6.sin6_port : a->in.sin_port;
}

static bool has_port(const struct listen_set *set, const struct sock_addr *addr)
{
	for (size_t i = 0; set && i < set->n; i++) {
		const struct sock_addr *a = &set->entries[i].socks->addr;

		if (a->sa.sa_family != AF_UNIX && port_of(a) == port_of(addr))
			return true;
	}
	return false;
}

/*
 * Is somebody else on this port? With SO_REUSEPORT a second instance of the same user would
 * silently get half of our connections; one socket without it finds out. It cannot be asked where
 * we have the port ourselves, at another address.
 */
static int check_alone(const struct sock_addr *addr, const struct listen_set *a,
		       const struct listen_set *b)
{
	int fd, rc;

	if (has_port(a, addr) || has_port(b, addr))
		return 0;
	rc = sock_listen(addr, false, 1, &fd);
	if (rc == 0)
		close(fd);
	return rc;
}

/* How listen_open() goes about it. */
struct opening {
	unsigned n_sockets;
	const struct listen_set *old;  /* what is open already */
	const struct listen_set *done; /* what this call has opened so far */
	struct listen_owner owner;
	struct buf *why;
};

static int open_socks(struct listen_socks *s, const struct listen_want *want,
		      const struct opening *o)
{
	int rc = inherit_claim(s, want->spread);
	bool fresh = rc == ERR_MISSING;

	if (!fresh && (rc != 0 || s->shared))
		return rc;
	if (fresh)
		s->shared = !want->spread || s->addr.sa.sa_family == AF_UNIX;
	rc = fresh && !s->shared ? check_alone(&s->addr, o->old, o->done) : 0;
	if (rc == 0)
		rc = add_sockets(s, s->shared ? 1 : o->n_sockets);
	if (rc == 0 && s->addr.sa.sa_family == AF_UNIX)
		rc = own_socket_file(s, want->mode, o->owner);
	return rc;
}

static struct listen_socks *find_address(const struct listen_set *set, const struct sock_addr *addr)
{
	for (size_t i = 0; set && i < set->n; i++)
		if (listen_same_address(&set->entries[i].socks->addr, addr))
			return set->entries[i].socks;
	return NULL;
}

/* The sockets for <want>: shared with <old>, or new ones. */
static int get_socks(struct listen_socks **out, const struct listen_want *want,
		     const struct opening *o)
{
	struct sock_addr addr = {0};
	struct listen_socks *s;
	int rc = resolve(want->address, &addr, o->why);

	if (rc != 0)
		return rc;
	s = find_address(o->old, &addr);
	if (s) {
		s->refs++;
		*out = s;
		return 0;
	}
	s = calloc(1, sizeof(*s));
	if (!s)
		return ERR_NOMEM;
	s->refs = 1;
	s->addr = addr;
	rc = open_socks(s, want, o);
	if (rc != 0) {
		explain(s, o->why);
		release(&s);
		return rc;
	}
	*out = s;
	return 0;
}

int listen_open(struct listen_set *out, const struct listen_want *wants, size_t n_wants,
		unsigned n_sockets, const struct listen_set *old, struct listen_owner owner,
		struct buf *why)
{
	struct listen_set set = {.entries = calloc(n_wants + 1, sizeof(*set.entries))};
	struct opening o = {n_sockets, old, &set, owner, why};
	int rc = set.entries ? 0 : ERR_NOMEM;

	for (size_t i = 0; rc == 0 && i < n_wants; i++) {
		struct listen_entry *e = &set.entries[set.n];

		rc = get_socks(&e->socks, &wants[i], &o);
		if (rc != 0)
			break;
		set.n++;
		e->name = str_dup(str_c(wants[i].name));
		if (!e->name)
			rc = ERR_NOMEM;
	}
	if (rc != 0) {
		if (why->n == 0)
			buf_c(why, err_text(rc));
		listen_close(&set);
		return rc;
	}
	*out = set;
	return 0;
}

int listen_grow(struct listen_set *set, unsigned n_sockets, struct buf *why)
{
	int rc = 0;

	for (size_t i = 0; i < set->n; i++) {
		struct listen_socks *s = set->entries[i].socks;

		if (s->shared || s->n >= n_sockets)
			continue;
		int grown = add_sockets(s, n_sockets);
		if (grown != 0 && rc == 0) {
			explain(s, why);
			rc = grown;
		}
	}
	return rc;
}

void listen_close(struct listen_set *set)
{
	for (size_t i = 0; i < set->n; i++) {
		free(set->entries[i].name);
		release(&set->entries[i].socks);
	}
	free(set->entries);
	*set = (struct listen_set){0};
}

unsigned listen_most(const struct listen_set *set)
{
	unsigned most = 0;

	for (size_t i = 0; i < set->n; i++)
		if (!set->entries[i].socks->shared)
			most = MAX(most, set->entries[i].socks->n);
	return most;
}

const struct listen_entry *listen_find(const struct listen_set *set,
				       const struct listen_socks *socks)
{
	for (size_t i = 0; i < set->n; i++)
		if (set->entries[i].socks == socks)
			return &set->entries[i];
	return NULL;
}
