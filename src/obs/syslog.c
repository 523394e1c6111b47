/* SPDX-License-Identifier: BSD-2-Clause */
#include "obs/syslog.h"

#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { FACILITY_DAEMON = 3 << 3 };

static const char *socket_path = SYSLOG_PATH;
static int fd = -1;

static void reconnect(void)
{
	struct sockaddr_un to = {.sun_family = AF_UNIX};

	syslog_close();
	if (strlen(socket_path) >= sizeof(to.sun_path))
		return;
	str_copy(to.sun_path, sizeof(to.sun_path), str_c(socket_path));
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd >= 0 && connect(fd, (struct sockaddr *)&to, sizeof(to)))
		syslog_close();
}

void syslog_open(const char *path)
{
	socket_path = path;
	reconnect();
}

void syslog_close(void)
{
	if (fd >= 0)
		close(fd);
	fd = -1;
}

/* "<30>Nov 22 16:30:00 tiercel[123]: ", the form that every logger reads (RFC 3164 4.1). */
static size_t header(char *out, size_t size, int severity, int64_t wall)
{
	static const char months[12][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
					   "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
	time_t t = (time_t)(wall / NS_PER_S);
	struct tm tm = {0};

	localtime_r(&t, &tm);
	int n = snprintf(
		out, size, "<%d>%s %2d %02d:%02d:%02d tiercel[%d]: ", FACILITY_DAEMON | severity,
		months[tm.tm_mon], tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec, (int)getpid());
	return MIN((size_t)n, size - 1);
}

static int send_once(const char *head, size_t head_n, struct str text)
{
	struct iovec iov[2] = {{(void *)(uintptr_t)head, head_n},
			       {(void *)(uintptr_t)text.p, text.n}};
	struct msghdr msg = {.msg_iov = iov, .msg_iovlen = 2};

	if (fd < 0)
		return ERR_MISSING;
	if (sendmsg(fd, &msg, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0)
		return 0;
	return errno == EAGAIN || errno == ENOBUFS ? ERR_BUSY : ERR_SYS;
}

int syslog_send(int severity, int64_t wall, struct str text)
{
	char head[64];
	size_t n = header(head, sizeof(head), severity, wall);
	int rc = send_once(head, n, text);

	if (rc == 0 || rc == ERR_BUSY)
		return rc;
	reconnect();
	rc = send_once(head, n, text);
	return rc == ERR_MISSING ? ERR_SYS : rc;
}
