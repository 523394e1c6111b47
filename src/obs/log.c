/* SPDX-License-Identifier: BSD-2-Clause */
#include "obs/log.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/str.h"
#include "obs/stamp.h"
#include "obs/syslog.h"

/* How a descriptor is written to without waiting. */
enum sink {
	SINK_PLAIN = 0,	 /* a file, or non-blocking: write */
	SINK_SOCKET = 1, /* send with MSG_DONTWAIT */
	SINK_POLL = 2,	 /* a pipe or terminal that blocks: ask poll first */
};

enum { AREAS = 16, ROLE_MAX = 32 };

/* Lines of one area in the current second. */
struct area {
	const char *name;    /* string constant; NULL = unused */
	int64_t since;	     /* beginning of its second, monotonic */
	uint32_t lines;	     /* written in it */
	uint32_t suppressed; /* kept back in it */
};

static struct {
	enum log_level level;
	enum log_target target;
	int fd; /* where lines go (not with syslog) */
	enum sink sink;
	bool journal; /* stderr is the journal's: it adds stamp and pid itself */
	bool torn;    /* the last write ended within a line */
	char role[ROLE_MAX];
	uint64_t dropped; /* lines lost or suppressed */
	struct stamp stamp;
	struct area areas[AREAS]; /* the last one is shared by all that find no room */
} log_state = {.level = LOG_LEVEL_INFO, .fd = STDERR_FILENO, .sink = SINK_POLL, .role = "tiercel"};

static const char *const level_names[] = {"none", "error", "warn", "info", "debug"};

const char *log_level_name(enum log_level level)
{
	return (unsigned)level < COUNTOF(level_names) ? level_names[level] : "unknown";
}

enum log_level log_level_find(const char *name)
{
	for (unsigned i = LOG_LEVEL_ERROR; i < COUNTOF(level_names); i++)
		if (strcmp(name, level_names[i]) == 0)
			return (enum log_level)i;
	return LOG_LEVEL_NONE;
}

/* ---- where lines go ---- */

static enum sink sink_of(int fd)
{
	struct stat st;
	int flags = fcntl(fd, F_GETFL);

	if (fstat(fd, &st) || S_ISREG(st.st_mode) || (flags >= 0 && (flags & O_NONBLOCK)))
		return SINK_PLAIN;
	return S_ISSOCK(st.st_mode) ? SINK_SOCKET : SINK_POLL;
}

/* systemd tells by device and inode which stream is the journal's: systemd.exec(5). */
static bool is_journal(int fd)
{
	const char *stream = getenv("JOURNAL_STREAM");
	unsigned long long device, inode;
	struct stat st;

	if (!stream || sscanf(stream, "%llu:%llu", &device, &inode) != 2 || fstat(fd, &st))
		return false;
	return st.st_dev == device && st.st_ino == inode;
}

static void use_fd(int fd)
{
	log_state.fd = fd;
	log_state.sink = sink_of(fd);
	log_state.torn = false;
}

static void close_target(void)
{
	if (log_state.target == LOG_TARGET_SYSLOG)
		syslog_close();
	if (log_state.target == LOG_TARGET_FD && log_state.fd >= 0)
		close(log_state.fd);
	log_state.target = LOG_TARGET_STDERR;
}

void log_init(const struct log_settings *settings)
{
	close_target();
	log_state.level = settings->level ? settings->level : LOG_LEVEL_INFO;
	log_state.target = settings->target;
	log_state.journal = false;
	if (settings->role)
		log_set_role(settings->role);
	if (settings->target == LOG_TARGET_SYSLOG) {
		syslog_open(settings->syslog_path ? settings->syslog_path : SYSLOG_PATH);
	} else if (settings->target == LOG_TARGET_FD) {
		use_fd(settings->fd);
	} else {
		use_fd(STDERR_FILENO);
		log_state.journal = is_journal(STDERR_FILENO);
	}
}

void log_set_level(enum log_level level)
{
	log_state.level = level;
}

void log_set_role(const char *role)
{
	str_copy(log_state.role, sizeof(log_state.role), str_c(role));
}

void log_set_fd(int fd)
{
	close_target();
	log_state.target = LOG_TARGET_FD;
	log_state.journal = false;
	use_fd(fd);
}

int log_open(const char *path, int *out_fd)
{
	/* O_RDWR where the path is a FIFO: opening for writing alone fails while nobody reads. */
	struct stat st;
	int mode = stat(path, &st) == 0 && S_ISFIFO(st.st_mode) ? O_RDWR : O_WRONLY;
	int fd = open(path, mode | O_APPEND | O_CREAT | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0640);

	if (fd < 0)
		return ERR_SYS;
	*out_fd = fd;
	return 0;
}

uint64_t log_dropped(void)
{
	return log_state.dropped;
}

/* ---- one line ---- */

/* One system call; -1 with errno EAGAIN rather than wait. */
static ssize_t put(const char *p, size_t n)
{
	struct pollfd ready = {.fd = log_state.fd, .events = POLLOUT};

	if (log_state.sink == SINK_SOCKET)
		return send(log_state.fd, p, n, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (log_state.sink == SINK_POLL && poll(&ready, 1, 0) != 1) {
		errno = EAGAIN;
		return -1;
	}
	return write(log_state.fd, p, n);
}

/* Writes line[1..n), which ends in a newline; line[0] is a newline too, sent only to end a line
 * that was torn before. */
static void put_line(const char *line, size_t n)
{
	const char *p = log_state.torn ? line : line + 1;
	ssize_t rc;

	n -= (size_t)(p - line);
	do {
		rc = put(p, n);
	} while (rc < 0 && errno == EINTR);
	if (rc == (ssize_t)n) {
		log_state.torn = false;
		return;
	}
	log_state.dropped++;
	if (rc > 0)
		log_state.torn = true;
}

/* Length of the piece at <s> that may stand in a line as it is; 0 = one byte must be escaped. */
static size_t harmless(struct str s)
{
	unsigned char c = (unsigned char)s.p[0];
	size_t n = str_utf8_len(s);

	if (c < 0x20 || c == 0x7f)
		return 0;
	if (n == 2 && c == 0xc2 && (unsigned char)s.p[1] < 0xa0)
		return 0; /* C1 control characters: terminals obey some of them */
	return n;
}

/* Appends <text> to out[at..end), escaped; what does not fit is replaced by "...". */
static size_t append_escaped(char *out, size_t at, size_t end, struct str text)
{
	static const char hex[] = "0123456789abcdef";

	for (size_t i = 0; i < text.n;) {
		size_t n = harmless(str_of(text.p + i, text.n - i));
		if (at + MAX(n, (size_t)4) + 3 > end) {
			memcpy(out + at, "...", 3);
			return at + 3;
		}
		if (n) {
			memcpy(out + at, text.p + i, n);
			at += n;
			i += n;
		} else {
			unsigned char c = (unsigned char)text.p[i++];
			memcpy(out + at, "\\x", 2);
			out[at + 2] = hex[c >> 4];
			out[at + 3] = hex[c & 15];
			at += 4;
		}
	}
	return at;
}

static int severity(enum log_level level)
{
	static const int by_level[] = {6, 3, 4, 6, 7};

	return by_level[level];
}

/* What stands before the role: nothing for loggers that add it themselves. */
static size_t append_prefix(char *out, enum log_level level)
{
	if (log_state.target == LOG_TARGET_SYSLOG)
		return 0;
	if (log_state.journal)
		return (size_t)sprintf(out, "<%d>", severity(level));
	stamp_rfc3339(&log_state.stamp, clock_wall(), out);
	return STAMP_RFC3339_N + (size_t)sprintf(out + STAMP_RFC3339_N, " %s ", level_names[level]);
}

static void emit(enum log_level level, const char *area, struct str text)
{
	char line[LOG_LINE_MAX + 1];
	size_t n = 1;

	line[0] = '\n';
	n += append_prefix(line + n, level);
	n += (size_t)snprintf(line + n, sizeof(line) - n, "%s: %.64s: ", log_state.role, area);
	n = append_escaped(line, n, sizeof(line) - 1, text);
	if (log_state.target == LOG_TARGET_SYSLOG) {
		if (syslog_send(severity(level), clock_wall(), str_of(line + 1, n - 1)))
			log_state.dropped++;
		return;
	}
	line[n++] = '\n';
	put_line(line, n);
}

/* ---- floods ---- */

static struct area *find_area(const char *name)
{
	struct area *a = log_state.areas;

	for (; a < log_state.areas + AREAS - 1; a++) {
		if (!a->name)
			a->name = name;
		if (a->name == name || strcmp(a->name, name) == 0)
			return a;
	}
	if (!a->name)
		a->name = "other";
	return a;
}

/* Ends the area's second if it is over, and tells what was kept back in it. */
static void area_turn(struct area *a, int64_t now)
{
	char text[48];

	if (now - a->since < NS_PER_S && now >= a->since)
		return;
	uint32_t suppressed = a->suppressed;
	a->since = now;
	a->lines = a->suppressed = 0;
	if (suppressed) {
		int n = snprintf(text, sizeof(text), "%u line%s suppressed", suppressed,
				 suppressed == 1 ? "" : "s");
		emit(LOG_LEVEL_WARN, a->name, str_of(text, (size_t)n));
	}
}

/* Whether one more line of <area> may be written. */
static bool area_allows(const char *name)
{
	struct area *a = find_area(name);

	area_turn(a, clock_mono());
	if (a->lines < LOG_AREA_PER_SECOND) {
		a->lines++;
		return true;
	}
	a->suppressed++;
	log_state.dropped++;
	return false;
}

void log_tick(void)
{
	for (unsigned i = 0; i < AREAS && log_state.areas[i].name; i++)
		area_turn(&log_state.areas[i], clock_mono());
}

/* ---- the calls ---- */

bool log_wants(enum log_level level)
{
	return level <= log_state.level;
}

static void PRINTF(3, 0)
	write_va(enum log_level level, const char *area, const char *fmt, va_list ap)
{
	char text[LOG_LINE_MAX];
	int saved = errno;

	/* Debug lines are never kept back: who asks for them wants them all. */
	if (!log_wants(level) || (level != LOG_LEVEL_DEBUG && !area_allows(area)))
		return;
	errno = saved; /* for %m */
	int n = vsnprintf(text, sizeof(text), fmt, ap);
	if (n > 0) {
		size_t length = MIN((size_t)n, sizeof(text) - 1);
		while (length > 0 && text[length - 1] == '\n')
			length--;
		emit(level, area, str_of(text, length));
	}
	errno = saved;
}

void log_write(enum log_level level, const char *area, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	write_va(level, area, fmt, ap);
	va_end(ap);
}

#define LOG_FUNCTION(name, level)                                                                  \
	void name(const char *area, const char *fmt, ...)                                          \
	{                                                                                          \
		va_list ap;                                                                        \
                                                                                                   \
		va_start(ap, fmt);                                                                 \
		write_va(level, area, fmt, ap);                                                    \
		va_end(ap);                                                                        \
	}

LOG_FUNCTION(log_error, LOG_LEVEL_ERROR)
LOG_FUNCTION(log_warn, LOG_LEVEL_WARN)
LOG_FUNCTION(log_info, LOG_LEVEL_INFO)
LOG_FUNCTION(log_debug, LOG_LEVEL_DEBUG)
