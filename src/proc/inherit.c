/* SPDX-License-Identifier: BSD-2-Clause */
#include "proc/inherit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proc/handover.h"
#include "proc/listen.h"
#include "proc/notify.h"

enum from { FROM_MANAGER = 1, FROM_STORE = 2, FROM_PROGRAM = 3 };

/* The sockets of one address that nobody has claimed yet; n 0 = claimed. */
struct heir {
	struct sock_addr addr;
	enum from from;
	bool spread;
	uint64_t dev, ino; /* socket file of the program before */
	int fds[HANDOVER_SEATS];
	unsigned n;
};

static struct {
	struct heir *list;
	unsigned n;
} heirs;

void inherit_name(const struct sock_addr *addr, char out[INHERIT_NAME])
{
	char text[SOCK_TEXT];

	snprintf(out, INHERIT_NAME, INHERIT_LISTEN "%s", sock_addr_text(addr, text));
	for (char *p = out; *p; p++)
		if (*p == ':') /* separates names */
			*p = '_';
}

/* The address of a listening stream socket. */
static bool listens_at(int fd, struct sock_addr *out)
{
	socklen_t size = sizeof(struct sockaddr_un), on_size = sizeof(int), type_size = sizeof(int);
	int on = 0, type = 0;

	*out = (struct sock_addr){0};
	if (getsockname(fd, &out->sa, &size) != 0 ||
	    getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &on, &on_size) != 0 || !on ||
	    getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &type_size) != 0 || type != SOCK_STREAM)
		return false;
	out->n = size;
	return true;
}

static struct heir *find(const struct sock_addr *addr)
{
	for (unsigned i = 0; i < heirs.n; i++)
		if (heirs.list[i].n && listen_same_address(&heirs.list[i].addr, addr))
			return &heirs.list[i];
	return NULL;
}

static struct heir *add(const struct sock_addr *addr, enum from from)
{
	struct heir *list = realloc(heirs.list, (heirs.n + 1) * sizeof(*list));

	if (!list)
		return NULL;
	heirs.list = list;
	list[heirs.n] = (struct heir){.addr = *addr, .from = from};
	return &list[heirs.n++];
}

/* Takes <fd>. Several sockets of one address are one heir only where they are ours. */
static bool take(int fd, enum from from)
{
	struct sock_addr addr;
	struct heir *h;

	(void)fcntl(fd, F_SETFD, FD_CLOEXEC);
	if (!listens_at(fd, &addr))
		return false;
	(void)fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
	h = from == FROM_STORE ? find(&addr) : NULL;
	if (!h || h->from != from)
		h = add(&addr, from);
	if (!h || h->n == HANDOVER_SEATS)
		return false;
	h->spread = from == FROM_STORE;
	h->fds[h->n++] = fd;
	return true;
}

int inherit_from_manager(int *out_segment)
{
	char **names = NULL;
	int first, sockets = 0, n = notify_listen_fds(&first, &names);

	*out_segment = -1;
	for (int i = 0; i < n; i++) {
		struct str name = str_c(names ? names[i] : "");
		bool ours = str_starts(name, STR(INHERIT_LISTEN));

		if (str_eq(name, STR(INHERIT_SEGMENT)) && *out_segment < 0) {
			(void)fcntl(first + i, F_SETFD, FD_CLOEXEC);
			*out_segment = first + i;
		} else if (take(first + i, ours ? FROM_STORE : FROM_MANAGER)) {
			sockets++;
		} else {
			close(first + i);
		}
		if (names)
			free(names[i]);
	}
	free(names);
	return sockets;
}

int inherit_offer(const struct handover_listen *l)
{
	struct sock_addr addr;
	struct heir *h;

	if (!listens_at(l->fds[0], &addr))
		return ERR_SYS;
	h = add(&addr, FROM_PROGRAM);
	if (!h)
		return ERR_NOMEM;
	if (l->kind == HANDOVER_MANAGER)
		h->from = FROM_MANAGER;
	h->spread = l->kind == HANDOVER_SPREAD;
	h->dev = l->dev;
	h->ino = l->ino;
	for (unsigned i = 0; i < l->n; i++) {
		struct sock_addr other;
		int fd;

		if (!listens_at(l->fds[i], &other) || !listen_same_address(&addr, &other))
			return ERR_SYS;
		fd = fcntl(l->fds[i], F_DUPFD_CLOEXEC, 3);
		if (fd < 0)
			return ERR_SYS;
		h->fds[h->n++] = fd;
	}
	return 0;
}

int inherit_claim(struct listen_socks *s, bool spread)
{
	struct heir *h = find(&s->addr);

	if (!h)
		return ERR_MISSING;
	s->fds = calloc(h->n, sizeof(*s->fds));
	if (!s->fds) {
		errno = ENOMEM;
		return ERR_NOMEM;
	}
	s->shared = !h->spread || !spread;
	s->inherited = h->from == FROM_MANAGER;
	s->held = h->from == FROM_PROGRAM;
	s->dev = h->dev;
	s->ino = h->ino;
	for (unsigned i = 0; i < h->n; i++)
		if (i == 0 || !s->shared)
			s->fds[s->n++] = h->fds[i];
		else
			close(h->fds[i]);
	h->n = 0;
	return 0;
}

static void remove_file(const struct heir *h)
{
	struct stat st;

	if (h->ino && h->addr.sa.sa_family == AF_UNIX && lstat(h->addr.un.sun_path, &st) == 0 &&
	    st.st_ino == h->ino && st.st_dev == h->dev)
		(void)unlink(h->addr.un.sun_path);
}

void inherit_end(struct buf *out_unused)
{
	char text[SOCK_TEXT], name[INHERIT_NAME];

	for (unsigned i = 0; i < heirs.n; i++) {
		struct heir *h = &heirs.list[i];

		for (unsigned k = 0; k < h->n; k++)
			close(h->fds[k]);
		if (h->n == 0)
			continue;
		remove_file(h);
		if (h->from != FROM_MANAGER) {
			inherit_name(&h->addr, name);
			notify_unstore(name);
			continue;
		}
		if (out_unused->n)
			buf_c(out_unused, ", ");
		buf_c(out_unused, sock_addr_text(&h->addr, text));
	}
	free(heirs.list);
	heirs.list = NULL;
	heirs.n = 0;
}
