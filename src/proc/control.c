/* SPDX-License-Identifier: BSD-2-Clause */
#include "proc/control.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/err.h"

#define CONTROL_LINK_MAGIC 0x70c1a70eU
#define CONTROL_WIRE_MAGIC 0x74636d31U

#define WORKER CONTROL_TO_WORKER
#define ADMIN CONTROL_TO_ADMIN
#define MASTER CONTROL_TO_MASTER
#define CHILD CONTROL_TO_CHILD
static const struct {
	const char *name;
	unsigned to;
	unsigned max_fds;
} rows[CONTROL_COUNT] = {
#define CONTROL(name, to, fds, help) [CONTROL_##name] = {#name, to, fds},
#include "tbl/control.h"
#undef CONTROL
};
#undef WORKER
#undef ADMIN
#undef MASTER
#undef CHILD

/* What precedes the text in a message. */
struct wire {
	uint32_t magic;
	uint32_t type;
	uint32_t id;
	int32_t status;
	uint32_t length; /* of the text */
};

/* A message that waits for room in the peer's queue; the text follows the struct. */
struct waiting {
	struct list_node node;
	struct control_msg msg; /* owns its descriptors */
};

const char *control_name(unsigned type)
{
	return type > CONTROL_NONE && type < CONTROL_COUNT ? rows[type].name : "?";
}

int control_pair(int out_fds[2])
{
	int flags = SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC;

	return socketpair(AF_UNIX, flags, 0, out_fds) == 0 ? 0 : ERR_SYS;
}

static void close_fds(struct control_msg *msg)
{
	for (unsigned i = 0; i < msg->n_fds; i++) {
		if (msg->fds[i] >= 0)
			close(msg->fds[i]);
		msg->fds[i] = -1;
	}
	msg->n_fds = 0;
}

int control_take_fd(struct control_msg *msg, unsigned i)
{
	int fd;

	if (i >= msg->n_fds)
		return -1;
	fd = msg->fds[i];
	msg->fds[i] = -1;
	return fd;
}

static void attach_fds(struct msghdr *h, const struct control_msg *msg)
{
	struct cmsghdr *c;

	if (msg->n_fds == 0) {
		h->msg_control = NULL;
		h->msg_controllen = 0;
		return;
	}
	h->msg_controllen = CMSG_SPACE(msg->n_fds * sizeof(int));
	c = CMSG_FIRSTHDR(h);
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(msg->n_fds * sizeof(int));
	memcpy(CMSG_DATA(c), msg->fds, msg->n_fds * sizeof(int));
}

int control_send(int fd, const struct control_msg *msg)
{
	_Alignas(struct cmsghdr) char space[CMSG_SPACE(CONTROL_FDS * sizeof(int))] = {0};
	size_t n = MIN(msg->text.n, (size_t)CONTROL_TEXT);
	struct wire wire = {CONTROL_WIRE_MAGIC, msg->type, msg->id, msg->status, (uint32_t)n};
	struct iovec v[2] = {{&wire, sizeof(wire)}, {(void *)(uintptr_t)msg->text.p, n}};
	struct msghdr h = {.msg_iov = v, .msg_iovlen = n ? 2 : 1, .msg_control = space};
	ssize_t sent;

	ASSERT(msg->type > CONTROL_NONE && msg->type < CONTROL_COUNT);
	ASSERT(msg->n_fds <= rows[msg->type].max_fds);
	attach_fds(&h, msg);
	do {
		sent = sendmsg(fd, &h, MSG_NOSIGNAL | MSG_DONTWAIT);
	} while (sent < 0 && errno == EINTR);
	if (sent >= 0)
		return 0;
	/* ETOOMANYREFS: too many descriptors of this user are in flight; they will arrive */
	if (errno == EAGAIN || errno == ENOBUFS || errno == ETOOMANYREFS)
		return ERR_BUSY;
	if (errno == EPIPE || errno == ECONNRESET || errno == ENOTCONN)
		return ERR_MISSING;
	return ERR_SYS;
}

/* Collects the descriptors that came; those beyond CONTROL_FDS are closed. */
static void collect_fds(struct msghdr *h, struct control_msg *out)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(h); c; c = CMSG_NXTHDR(h, c)) {
		size_t n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t i = 0; i < n; i++) {
			int fd;

			memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof(fd));
			if (out->n_fds < CONTROL_FDS)
				out->fds[out->n_fds++] = fd;
			else
				close(fd);
		}
	}
}

/* Is it whole, known, and may <side> receive it? */
static bool makes_sense(const struct wire *wire, size_t n, unsigned side, unsigned n_fds, int flags)
{
	if (flags & (MSG_TRUNC | MSG_CTRUNC) || n < sizeof(*wire))
		return false;
	if (wire->magic != CONTROL_WIRE_MAGIC || wire->length != n - sizeof(*wire))
		return false;
	if (wire->type <= CONTROL_NONE || wire->type >= CONTROL_COUNT)
		return false;
	return (rows[wire->type].to & side) && n_fds <= rows[wire->type].max_fds;
}

int control_recv(int fd, unsigned side, char *buffer, size_t size, struct control_msg *out)
{
	_Alignas(struct cmsghdr) char space[CMSG_SPACE((CONTROL_FDS + 2) * sizeof(int))];
	struct wire wire = {0};
	struct iovec v[2] = {{&wire, sizeof(wire)}, {buffer, size - 1}};
	struct msghdr h = {.msg_iov = v,
			   .msg_iovlen = 2,
			   .msg_control = space,
			   .msg_controllen = sizeof(space)};
	ssize_t n;

	do {
		n = recvmsg(fd, &h, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return errno == EAGAIN ? ERR_BUSY : ERR_MISSING;
	*out = (struct control_msg){.type = CONTROL_NONE};
	collect_fds(&h, out);
	if (n == 0 && out->n_fds == 0) /* also what an empty packet looks like: nobody sends one */
		return ERR_MISSING;
	if (!makes_sense(&wire, (size_t)n, side, out->n_fds, h.msg_flags)) {
		close_fds(out);
		return ERR_SYNTAX;
	}
	buffer[wire.length] = '\0';
	out->type = (enum control_type)wire.type;
	out->id = wire.id;
	out->status = wire.status;
	out->text = str_of(buffer, wire.length);
	return 0;
}

static void free_waiting(struct control_link *link, struct waiting *w)
{
	list_remove(&link->out, &w->node);
	link->queued -= sizeof(*w) + w->msg.text.n;
	close_fds(&w->msg);
	free(w);
}

void control_close(struct control_link *link)
{
	struct list_node *n;

	if (link->magic != CONTROL_LINK_MAGIC || link->fd < 0)
		return;
	loop_io_del(&link->io);
	close(link->fd);
	link->fd = -1;
	while ((n = list_first(&link->out)))
		free_waiting(link, CONTAINER_OF(n, struct waiting, node));
}

static void peer_gone(struct control_link *link)
{
	control_close(link);
	link->on_closed(link->arg);
}

static void flush_queue(struct control_link *link)
{
	struct list_node *n;

	while ((n = list_first(&link->out))) {
		struct waiting *w = CONTAINER_OF(n, struct waiting, node);
		int rc = control_send(link->fd, &w->msg);

		if (rc == ERR_BUSY)
			return;
		if (rc != 0) { /* reading will tell that it is over */
			shutdown(link->fd, SHUT_RDWR);
			return;
		}
		free_waiting(link, w);
	}
}

/* Reads until nothing is left: the registration is edge-triggered. */
static void read_all(struct control_link *link)
{
	static char buffer[CONTROL_TEXT + 64];
	struct control_msg msg;
	int rc;

	while (link->fd >= 0) {
		rc = control_recv(link->fd, link->side, buffer, sizeof(buffer), &msg);
		if (rc == ERR_BUSY)
			return;
		if (rc == ERR_SYNTAX) {
			link->dropped++;
			continue;
		}
		if (rc != 0) {
			peer_gone(link);
			return;
		}
		link->on_msg(link->arg, &msg);
		close_fds(&msg);
	}
}

void control_read(struct control_link *link)
{
	if (link->magic == CONTROL_LINK_MAGIC)
		read_all(link);
}

static void on_link_event(void *arg, unsigned what)
{
	struct control_link *link = arg;

	CHECK_MAGIC(link, CONTROL_LINK_MAGIC);
	if (what & LOOP_WRITE)
		flush_queue(link);
	if (what & (LOOP_READ | LOOP_HUP))
		read_all(link);
}

int control_open(struct control_link *link, struct loop *loop, int fd, unsigned side,
		 control_fn *on_msg, control_closed_fn *on_closed, void *arg)
{
	int rc;

	*link = (struct control_link){.magic = CONTROL_LINK_MAGIC,
				      .fd = fd,
				      .side = side,
				      .on_msg = on_msg,
				      .on_closed = on_closed,
				      .arg = arg};
	list_init(&link->out);
	rc = loop_io_add(loop, &link->io, fd, on_link_event, link);
	if (rc != 0) {
		close(fd);
		link->fd = -1;
	}
	return rc;
}

/* A copy of <msg> that lives until it can be sent; NULL when that is impossible. */
static struct waiting *copy_msg(const struct control_msg *msg)
{
	struct waiting *w = malloc(sizeof(*w) + msg->text.n);

	if (!w)
		return NULL;
	*w = (struct waiting){.msg = *msg};
	w->msg.n_fds = 0;
	w->msg.text.p = (char *)(w + 1);
	if (msg->text.n)
		memcpy(w + 1, msg->text.p, msg->text.n);
	for (unsigned i = 0; i < msg->n_fds; i++) {
		int fd = fcntl(msg->fds[i], F_DUPFD_CLOEXEC, 3);

		if (fd < 0) {
			close_fds(&w->msg);
			free(w);
			return NULL;
		}
		w->msg.fds[w->msg.n_fds++] = fd;
	}
	return w;
}

static void enqueue(struct control_link *link, const struct control_msg *msg)
{
	size_t cost = sizeof(struct waiting) + msg->text.n;
	struct waiting *w = link->queued + cost <= CONTROL_QUEUE ? copy_msg(msg) : NULL;

	if (!w) { /* never skip one silently: the peer would act on half of the story */
		shutdown(link->fd, SHUT_RDWR);
		return;
	}
	link->queued += cost;
	list_append(&link->out, &w->node);
}

void control_say(struct control_link *link, const struct control_msg *msg)
{
	int rc;

	if (link->magic != CONTROL_LINK_MAGIC || link->fd < 0)
		return;
	if (!list_empty(&link->out)) {
		enqueue(link, msg);
		return;
	}
	rc = control_send(link->fd, msg);
	if (rc == ERR_BUSY)
		enqueue(link, msg);
	else if (rc != 0)
		shutdown(link->fd, SHUT_RDWR);
}

void control_tell(struct control_link *link, enum control_type type, uint32_t id, int32_t status,
		  struct str text)
{
	control_say(link,
		    &(struct control_msg){.type = type, .id = id, .status = status, .text = text});
}
