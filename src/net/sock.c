/* SPDX-License-Identifier: BSD-2-Clause */
#include "net/sock.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"

int sock_addr_inet(struct sock_addr *out, const char *host, uint16_t port)
{
	struct in_addr v4;
	struct in6_addr v6;

	if (inet_pton(AF_INET, host, &v4) == 1) {
		memset(out, 0, sizeof(*out));
		out->in.sin_family = AF_INET;
		out->in.sin_port = htons(port);
		out->in.sin_addr = v4;
		out->n = sizeof(out->in);
		return 0;
	}
	if (inet_pton(AF_INET6, host, &v6) == 1) {
		memset(out, 0, sizeof(*out));
		out->in6.sin6_family = AF_INET6;
		out->in6.sin6_port = htons(port);
		out->in6.sin6_addr = v6;
		out->n = sizeof(out->in6);
		return 0;
	}
	return ERR_SYNTAX;
}

int sock_addr_unix(struct sock_addr *out, const char *path)
{
	size_t n = strlen(path);

	if (n == 0 || n >= sizeof(out->un.sun_path))
		return ERR_RANGE;
	memset(out, 0, sizeof(*out));
	out->un.sun_family = AF_UNIX;
	memcpy(out->un.sun_path, path, n + 1);
	out->n = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n + 1);
	return 0;
}

bool sock_addr_eq(const struct sock_addr *a, const struct sock_addr *b)
{
	return a->n == b->n && memcmp(&a->sa, &b->sa, a->n) == 0;
}

char *sock_addr_text(const struct sock_addr *a, char out[SOCK_TEXT])
{
	char host[INET6_ADDRSTRLEN] = "";

	if (a->n == 0)
		return str_copy(out, SOCK_TEXT, STR("-"));
	switch (a->sa.sa_family) {
	case AF_INET:
		inet_ntop(AF_INET, &a->in.sin_addr, host, sizeof(host));
		snprintf(out, SOCK_TEXT, "%s:%u", host, ntohs(a->in.sin_port));
		break;
	case AF_INET6:
		inet_ntop(AF_INET6, &a->in6.sin6_addr, host, sizeof(host));
		snprintf(out, SOCK_TEXT, "[%s]:%u", host, ntohs(a->in6.sin6_port));
		break;
	default:
		snprintf(out, SOCK_TEXT, "unix:%s",
			 a->n > offsetof(struct sockaddr_un, sun_path) ? a->un.sun_path : "");
		break;
	}
	return out;
}

void sock_peer_from(struct sock_peer *out, const struct sock_addr *a)
{
	memset(out, 0, sizeof(*out));
	if (a->n && a->sa.sa_family == AF_INET) {
		out->family = 4;
		out->port = ntohs(a->in.sin_port);
		memcpy(out->addr, &a->in.sin_addr, 4);
	} else if (a->n && a->sa.sa_family == AF_INET6) {
		out->port = ntohs(a->in6.sin6_port);
		out->family = 6;
		memcpy(out->addr, &a->in6.sin6_addr, 16);
		if (IN6_IS_ADDR_V4MAPPED(&a->in6.sin6_addr)) {
			out->family = 4;
			memmove(out->addr, out->addr + 12, 4);
		}
	}
}

static size_t v4_text(const uint8_t a[4], char *out)
{
	char *at = out;

	for (int i = 0; i < 4; i++) {
		if (i)
			*at++ = '.';
		if (a[i] >= 100)
			*at++ = (char)('0' + a[i] / 100);
		if (a[i] >= 10)
			*at++ = (char)('0' + a[i] / 10 % 10);
		*at++ = (char)('0' + a[i] % 10);
	}
	*at = '\0';
	return (size_t)(at - out);
}

size_t sock_peer_text(const struct sock_peer *p, char out[SOCK_TEXT])
{
	if (p->family == 4)
		return v4_text(p->addr, out);
	if (p->family == 6 && inet_ntop(AF_INET6, p->addr, out, SOCK_TEXT))
		return strlen(out);
	str_copy(out, SOCK_TEXT, STR("unix"));
	return 4;
}

static void set_option(int fd, int level, int name, int value)
{
	/* options are wishes: a socket that lacks one still works */
	(void)setsockopt(fd, level, name, &value, sizeof(value));
}

static bool is_inet(const struct sock_addr *a)
{
	return a->sa.sa_family == AF_INET || a->sa.sa_family == AF_INET6;
}

/* Is a process listening behind this socket file? */
static bool unix_alive(const struct sock_addr *a)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	bool alive = fd >= 0 && (connect(fd, &a->sa, a->n) == 0 || errno == EAGAIN);

	if (fd >= 0)
		close(fd);
	return alive;
}

static int clear_stale_file(const struct sock_addr *a)
{
	struct stat st;

	if (lstat(a->un.sun_path, &st) != 0)
		return 0;
	if (!S_ISSOCK(st.st_mode) || unix_alive(a)) {
		errno = EADDRINUSE;
		return ERR_EXISTS;
	}
	return unlink(a->un.sun_path) == 0 ? 0 : ERR_SYS;
}

int sock_listen(const struct sock_addr *a, bool reuseport, int backlog, int *out_fd)
{
	if (!is_inet(a)) {
		int rc = clear_stale_file(a);
		if (rc)
			return rc;
	}
	int fd = socket(a->sa.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return ERR_SYS;
	if (is_inet(a)) {
		set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1);
		if (reuseport)
			set_option(fd, SOL_SOCKET, SO_REUSEPORT, 1);
	}
	if (a->sa.sa_family == AF_INET6)
		set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
	if (bind(fd, &a->sa, a->n) || listen(fd, backlog)) {
		int saved = errno;
		close(fd);
		errno = saved;
		return errno == EADDRINUSE ? ERR_EXISTS : ERR_SYS;
	}
	*out_fd = fd;
	return 0;
}

int sock_accept(int listener, struct sock_addr *out_peer, int *out_fd)
{
	struct sock_addr peer = {.n = sizeof(peer) - sizeof(socklen_t)};
	socklen_t n = sizeof(struct sockaddr_un);
	int fd = accept4(listener, &peer.sa, &n, SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (fd < 0)
		return -errno;
	peer.n = MIN(n, (socklen_t)sizeof(struct sockaddr_un));
	if (is_inet(&peer))
		set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
	*out_peer = peer;
	*out_fd = fd;
	return 0;
}

int sock_connect(const struct sock_addr *a, int *out_fd)
{
	int fd = socket(a->sa.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return -errno;
	if (is_inet(a))
		set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
	if (connect(fd, &a->sa, a->n) && errno != EINPROGRESS) {
		int saved = errno;
		close(fd);
		return -saved;
	}
	*out_fd = fd;
	return 0;
}

int sock_error(int fd)
{
	int error = 0;
	socklen_t n = sizeof(error);

	return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &n) ? errno : error;
}

void sock_set_reset_on_close(int fd)
{
	struct linger linger = {.l_onoff = 1, .l_linger = 0};

	(void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
}
