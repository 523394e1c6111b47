/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The operator's command line: sends one command over the admin socket (admin/proto.h) and prints
 * the answer. Only `top` stays: it asks again every second. The daemon does all the thinking.
 */
#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <termios.h>
#include <unistd.h>

#include "admin/proto.h"
#include "base/err.h"

enum {
	PATIENCE = 75,	     /* seconds for an answer; a reload may take a minute */
	EVERY_MS = 1000,     /* top: between two looks */
	BODY_MAX = 64 << 20, /* largest answer that is believed */
	KEY_CTRL_C = 3,
};

struct session {
	const char *path;
	int fd; /* -1 = not connected */
};

/* ---- usage ---- */

static const struct {
	const char *word, *arguments, *line;
	bool later;
} commands[] = {
#define NOW false
#define LATER true
#define COMMAND(id, word, arguments, privilege, when, line, text) {word, arguments, line, when},
#include "tbl/cmds.h"
#undef COMMAND
#undef NOW
#undef LATER
};

static void write_usage(FILE *to)
{
	fprintf(to, "usage: tiercelctl [-s SOCKET] COMMAND [ARGUMENT]...\n\n");
	for (size_t i = 0; i < COUNTOF(commands); i++) {
		if (!commands[i].later)
			fprintf(to, "  %-10s %s\n", commands[i].word, commands[i].line);
	}
	fprintf(to,
		"\n  -s, --socket SOCKET  the daemon's admin socket (%s)\n"
		"  -h, --help           this text; `tiercelctl help COMMAND` says more\n"
		"  -V, --version        the version of this program\n\n"
		"Exit status: 0 done, 1 refused or failed, 2 wrong usage.\n",
		PROTO_DEFAULT_SOCKET);
}

/* ---- one question, one answer ---- */

static void complain(const char *path)
{
	int error = errno;

	fprintf(stderr, "tiercelctl: %s: %s\n", path, strerror(error));
	if (error == ENOENT || error == ECONNREFUSED)
		fprintf(stderr, "No daemon answers there. Is tiercel running? If its configuration "
				"names another admin.socket, give it with -s.\n");
	else if (error == EACCES || error == EPERM)
		fprintf(stderr, "The socket is for root, the daemon's user and its group.\n");
	else if (error == EAGAIN || error == EWOULDBLOCK)
		fprintf(stderr, "The daemon did not answer in time.\n");
}

static void session_close(struct session *s)
{
	if (s->fd >= 0)
		close(s->fd);
	s->fd = -1;
}

/* 0, or -1 with errno. */
static int session_open(struct session *s)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	struct timeval patience = {.tv_sec = PATIENCE};
	size_t n = strlen(s->path);
	int error;

	if (s->fd >= 0)
		return 0;
	if (n >= sizeof(a.sun_path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	memcpy(a.sun_path, s->path, n + 1);
	s->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (s->fd < 0)
		return -1;
	setsockopt(s->fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	setsockopt(s->fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	if (connect(s->fd, (struct sockaddr *)&a, sizeof(a)) == 0)
		return 0;
	error = errno;
	session_close(s);
	errno = error;
	return -1;
}

static int send_all(int fd, struct str line)
{
	while (line.n) {
		ssize_t n = send(fd, line.p, line.n, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		line = str_of(line.p + n, line.n - (size_t)n);
	}
	return 0;
}

/* Up to <n> bytes more into <in>: how many, 0 at the end, -1 with errno. */
static ssize_t receive(int fd, struct buf *in, size_t n)
{
	char *to = buf_room(in, n);
	ssize_t got;

	if (!to) {
		errno = ENOMEM;
		return -1;
	}
	do {
		got = recv(fd, to, n, 0);
	} while (got < 0 && errno == EINTR);
	if (got > 0)
		in->n += (size_t)got;
	return got;
}

/* The status line, byte by byte: what follows it belongs to the body. */
static int receive_head(int fd, struct proto_head *out)
{
	struct buf line = BUF_INIT;
	ssize_t got;
	int rc;

	do {
		got = receive(fd, &line, 1);
	} while (got == 1 && line.p[line.n - 1] != '\n' && line.n < PROTO_HEAD);
	rc = got == 1 ? proto_head_read(str_of(line.p, line.n - 1), out) : 0;
	buf_fini(&line);
	if (got == 0)
		errno = ECONNRESET;
	else if (got == 1 && rc)
		errno = EPROTO;
	return got == 1 && rc == 0 ? 0 : -1;
}

static int receive_body(int fd, const struct proto_head *head, struct buf *body)
{
	if (!head->until_eof && head->length > BODY_MAX) {
		errno = EMSGSIZE;
		return -1;
	}
	while (head->until_eof || body->n < head->length) {
		size_t want = head->until_eof ? 4096 : (size_t)head->length - body->n;
		ssize_t got = receive(fd, body, want);

		if (got == 0 && head->until_eof)
			return 0;
		if (got == 0)
			errno = ECONNRESET; /* an answer that is cut is no answer */
		if (got <= 0)
			return -1;
	}
	return 0;
}

/* One command: 0 with its code and text, or -1 with errno. */
static int session_ask(struct session *s, struct str line, enum proto_code *out_code,
		       struct buf *body)
{
	struct proto_head head;
	int error;

	buf_reset(body);
	body->cap = BODY_MAX;
	if (session_open(s))
		return -1;
	/* a daemon that turns us away answers and closes: read before giving up */
	error = send_all(s->fd, line) ? errno : 0;
	if (receive_head(s->fd, &head) == 0 && receive_body(s->fd, &head, body) == 0) {
		*out_code = head.code;
		return 0;
	}
	error = error ? error : errno;
	session_close(s);
	errno = error;
	return -1;
}

static int run_once(struct session *s, struct str line)
{
	struct buf body = BUF_INIT;
	enum proto_code code;
	FILE *to;

	if (session_ask(s, line, &code, &body)) {
		complain(s->path);
		buf_fini(&body);
		return PROTO_FAILED;
	}
	to = code == PROTO_OK ? stdout : stderr;
	fwrite(body.p, 1, body.n, to);
	buf_fini(&body);
	if (fflush(to) && code == PROTO_OK) {
		fprintf(stderr, "tiercelctl: cannot write: %s\n", strerror(errno));
		return PROTO_FAILED;
	}
	return (int)code;
}

/* ---- top ---- */

static volatile sig_atomic_t asked_to_end;
static struct termios terminal_before;

static void on_signal(int signo)
{
	(void)signo;
	asked_to_end = 1;
}

/* Another screen, no cursor, keys as they are pressed; and back. */
static void begin_screen(void)
{
	struct sigaction end = {.sa_handler = on_signal}, nothing = {.sa_handler = SIG_IGN};
	struct termios raw;

	sigaction(SIGINT, &end, NULL);
	sigaction(SIGTERM, &end, NULL);
	sigaction(SIGHUP, &end, NULL);
	sigaction(SIGPIPE, &nothing, NULL);
	if (tcgetattr(STDIN_FILENO, &terminal_before) == 0) {
		raw = terminal_before;
		raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
		tcsetattr(STDIN_FILENO, TCSANOW, &raw);
	}
	fputs("\033[?1049h\033[?25l", stdout);
}

static void end_screen(void)
{
	fputs("\033[?25h\033[?1049l", stdout);
	fflush(stdout);
	tcsetattr(STDIN_FILENO, TCSANOW, &terminal_before);
}

/* As many bytes of <line> as fit into <columns>. */
static size_t fitting(struct str line, unsigned columns)
{
	unsigned used = 0;

	for (size_t i = 0; i < line.n; i++) {
		if (((unsigned char)line.p[i] & 0xc0) != 0x80 && ++used > columns)
			return i;
	}
	return line.n;
}

/* Writes over what is there: no flicker. */
static void draw(struct str text)
{
	struct winsize size;
	struct str line;

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) || size.ws_row == 0 || size.ws_col == 0)
		size = (struct winsize){.ws_row = 24, .ws_col = 80};
	fputs("\033[H", stdout);
	for (unsigned row = 1; row < size.ws_row && str_next(&text, '\n', &line); row++) {
		fwrite(line.p, 1, fitting(line, size.ws_col), stdout);
		fputs("\033[K\r\n", stdout);
	}
	fputs("\033[J", stdout);
	fflush(stdout);
}

/* Waits for the next look; false when the user wants to leave. */
static bool wait_for_next(void)
{
	struct pollfd keys = {.fd = STDIN_FILENO, .events = POLLIN};
	char key = 0;

	if (poll(&keys, 1, EVERY_MS) == 1 && read(STDIN_FILENO, &key, 1) <= 0)
		return false;
	return !asked_to_end && key != 'q' && key != 'Q' && key != KEY_CTRL_C;
}

static int run_top(struct session *s, struct str line)
{
	struct buf body = BUF_INIT;
	enum proto_code code = PROTO_OK;
	char note[512];

	begin_screen();
	do {
		if (session_ask(s, line, &code, &body) == 0) {
			draw(buf_slice(&body));
			continue;
		}
		/* it may be restarting: go on trying */
		snprintf(note, sizeof(note), "%s: %s\nTrying again; q ends this.", s->path,
			 strerror(errno));
		draw(str_c(note));
	} while (code == PROTO_OK && wait_for_next());
	end_screen();
	if (code != PROTO_OK)
		fwrite(body.p, 1, body.n, stderr);
	buf_fini(&body);
	return (int)code;
}

/* ---- command line ---- */

static int run(struct session *s, const char *const *words, unsigned n)
{
	struct buf line = BUF_INIT;
	bool live = n == 1 && strcmp(words[0], "top") == 0 && isatty(STDOUT_FILENO) &&
		    isatty(STDIN_FILENO);
	int rc = proto_join(&line, words, n);

	if (rc) {
		fprintf(stderr, "tiercelctl: the command line: %s\n",
			rc == ERR_LIMIT ? "too long" : err_text(rc));
		rc = PROTO_USAGE;
	} else {
		rc = live ? run_top(s, buf_slice(&line)) : run_once(s, buf_slice(&line));
	}
	buf_fini(&line);
	return rc;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{"socket", required_argument, NULL, 's'},
		{"help", no_argument, NULL, 'h'},
		{"version", no_argument, NULL, 'V'},
		{NULL, 0, NULL, 0},
	};
	struct session s = {.path = PROTO_DEFAULT_SOCKET, .fd = -1};
	int option, rc;

	/* '+': what follows the command is the command's */
	while ((option = getopt_long(argc, argv, "+s:hV", options, NULL)) != -1) {
		switch (option) {
		case 's':
			s.path = optarg;
			break;
		case 'h':
			write_usage(stdout);
			return PROTO_OK;
		case 'V':
			printf("tiercelctl %s\n", PACKAGE_VERSION);
			return PROTO_OK;
		default:
			write_usage(stderr);
			return PROTO_USAGE;
		}
	}
	if (optind == argc) {
		write_usage(stderr);
		return PROTO_USAGE;
	}
	rc = run(&s, (const char *const *)argv + optind, (unsigned)(argc - optind));
	session_close(&s);
	return rc;
}
