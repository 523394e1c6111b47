/* SPDX-License-Identifier: BSD-2-Clause */
/* The error log: form of a line, escapes, floods, descriptors that would block. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/str.h"
#include "obs/log.h"

#define WALL (INT64_C(1795365000) * NS_PER_S + 123456789) /* 2026-11-22T16:30:00.123Z */

static char got[1 << 20];

/* A log that goes to a pipe; returns the end to read from. */
static int begin(enum log_level level)
{
	int pipes[2];

	clock_set(clock_mono_exact() + 10 * NS_PER_S, WALL); /* a new second: floods are over */
	assert_int_equal(pipe(pipes), 0);
	fcntl(pipes[0], F_SETFL, O_NONBLOCK);
	log_init(&(struct log_settings){
		.level = level, .target = LOG_TARGET_FD, .fd = pipes[1], .role = "worker[3]"});
	return pipes[0];
}

static const char *take(int fd)
{
	ssize_t n = read(fd, got, sizeof(got) - 1);

	got[n > 0 ? n : 0] = '\0';
	return got;
}

static void end(int fd)
{
	log_init(&(struct log_settings){.level = LOG_LEVEL_INFO, .role = "test"});
	close(fd);
}

static void test_line(void **state UNUSED)
{
	int fd = begin(LOG_LEVEL_DEBUG);

	log_error("net", "text %d", 1);
	assert_string_equal(take(fd), "2026-11-22T16:30:00.123Z error worker[3]: net: text 1\n");
	log_warn("conf", "%s", "w");
	assert_string_equal(take(fd), "2026-11-22T16:30:00.123Z warn worker[3]: conf: w\n");
	log_info("conf", "ends in a newline\n\n");
	assert_string_equal(take(fd),
			    "2026-11-22T16:30:00.123Z info worker[3]: conf: ends in a newline\n");
	log_debug("conf", "d");
	assert_string_equal(take(fd), "2026-11-22T16:30:00.123Z debug worker[3]: conf: d\n");
	errno = ENOENT;
	log_write(LOG_LEVEL_INFO, "sys", "%m");
	assert_string_equal(
		take(fd),
		"2026-11-22T16:30:00.123Z info worker[3]: sys: No such file or directory\n");
	assert_int_equal(errno, ENOENT);
	end(fd);
}

static void test_levels(void **state UNUSED)
{
	int fd = begin(LOG_LEVEL_WARN);

	log_info("a", "no");
	log_debug("a", "no");
	assert_string_equal(take(fd), "");
	assert_false(log_wants(LOG_LEVEL_INFO));
	assert_true(log_wants(LOG_LEVEL_ERROR));
	log_set_level(LOG_LEVEL_INFO);
	log_set_role("master");
	log_info("a", "yes");
	assert_string_equal(take(fd), "2026-11-22T16:30:00.123Z info master: a: yes\n");
	assert_int_equal(log_level_find("debug"), LOG_LEVEL_DEBUG);
	assert_int_equal(log_level_find("none"), LOG_LEVEL_NONE);
	assert_string_equal(log_level_name(LOG_LEVEL_WARN), "warn");
	end(fd);
}

/* What a client may send, and what stands in the log: never a second line, never a control. */
static const struct {
	const char *text, *line;
} escapes[] = {
	{"plain \"quoted\" \\ back", "plain \"quoted\" \\ back"},
	{"a\nerror: faked", "a\\x0aerror: faked"},
	{"\r\t\x01\x1f\x7f ~", "\\x0d\\x09\\x01\\x1f\\x7f ~"},
	{"\x1b[31mred", "\\x1b[31mred"},
	{"gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc\xc3\x9f"},
	{"\xe2\x82\xac \xf0\x9f\xa6\x85", "\xe2\x82\xac \xf0\x9f\xa6\x85"},
	{"\xc2\x9b"
	 "31m",
	 "\\xc2\\x9b31m"}, /* C1 */
	{"\xff\xc3", "\\xff\\xc3"},
	{"\xed\xa0\x80", "\\xed\\xa0\\x80"}, /* a surrogate */
};

static void test_escapes(void **state UNUSED)
{
	char expected[256];
	int fd = begin(LOG_LEVEL_INFO);

	for (size_t i = 0; i < COUNTOF(escapes); i++) {
		log_info("t", "%s", escapes[i].text);
		snprintf(expected, sizeof(expected),
			 "2026-11-22T16:30:00.123Z info worker[3]: t: %s\n", escapes[i].line);
		assert_string_equal(take(fd), expected);
	}
	end(fd);
}

/* Long lines are cut, at a whole character, and still end in one newline. */
static void test_long(void **state UNUSED)
{
	static const char *const units[] = {"x", "\xe2\x82\xac", "\x01"};
	int fd = begin(LOG_LEVEL_INFO);
	char *text = malloc(20001);

	for (size_t u = 0; u < COUNTOF(units); u++)
		for (size_t shift = 0; shift < 4; shift++) {
			size_t n = 0, step = strlen(units[u]);
			memset(text, 'y', shift);
			for (n = shift; n + step <= 20000; n += step)
				memcpy(text + n, units[u], step);
			text[n] = '\0';
			log_info("t", "%s", text);
			take(fd);
			size_t length = strlen(got);
			assert_in_range(length, LOG_LINE_MAX - 60, LOG_LINE_MAX);
			assert_ptr_equal(strchr(got, '\n'), got + length - 1);
			assert_memory_equal(got + length - 4, "...\n", 4);
			for (struct str s = str_of(got, length - 1); s.n > 0;) {
				size_t c = str_utf8_len(s);
				assert_true(c > 0 || u == 1);
				if (c == 0)
					fail_msg("cut within a character");
				s = str_of(s.p + c, s.n - c);
			}
		}
	free(text);
	end(fd);
}

static unsigned count_lines(const char *text)
{
	unsigned n = 0;

	for (; *text; text++)
		n += *text == '\n';
	return n;
}

static void test_flood(void **state UNUSED)
{
	int fd = begin(LOG_LEVEL_DEBUG);
	uint64_t before = log_dropped();
	int64_t start = clock_mono();

	for (int i = 0; i < 250; i++)
		log_warn("flood", "line %d", i);
	assert_int_equal(count_lines(take(fd)), LOG_AREA_PER_SECOND);
	assert_int_equal(log_dropped() - before, 150);
	log_warn("other area", "is not held back");
	assert_int_equal(count_lines(take(fd)), 1);
	for (int i = 0; i < 150; i++)
		log_debug("flood", "asked for");
	assert_int_equal(count_lines(take(fd)), 150);
	log_tick(); /* not due yet */
	assert_string_equal(take(fd), "");

	clock_set(start + NS_PER_S, WALL);
	log_tick();
	assert_string_equal(
		take(fd), "2026-11-22T16:30:00.123Z warn worker[3]: flood: 150 lines suppressed\n");
	log_tick();
	assert_string_equal(take(fd), "");

	/* The next line of the area tells it too. */
	for (int i = 0; i < 101; i++)
		log_error("flood", "again");
	take(fd);
	clock_set(start + 3 * NS_PER_S, WALL);
	log_error("flood", "after");
	assert_string_equal(take(fd),
			    "2026-11-22T16:30:00.123Z warn worker[3]: flood: 1 line suppressed\n"
			    "2026-11-22T16:30:00.123Z error worker[3]: flood: after\n");
	end(fd);
}

/* More areas than there is room for share one allowance, and none is lost below it. */
static void test_many_areas(void **state UNUSED)
{
	static char names[40][16];
	int fd = begin(LOG_LEVEL_INFO);

	for (int i = 0; i < 40; i++) {
		snprintf(names[i], sizeof(names[i]), "area%d", i);
		log_info(names[i], "x");
	}
	assert_int_equal(count_lines(take(fd)), 40);
	end(fd);
}

/* A pipe that nobody reads: lines are lost and counted, the caller never waits. */
static void test_full_pipe(void **state UNUSED)
{
	int fd = begin(LOG_LEVEL_DEBUG);
	uint64_t before = log_dropped();
	unsigned written = 0;

	alarm(20);
	for (int i = 0; i < 5000; i++)
		log_debug("full", "%0100d", i);
	alarm(0);
	uint64_t dropped = log_dropped() - before;
	assert_true(dropped > 0);
	while (*take(fd))
		written += count_lines(got);
	assert_int_equal(written + dropped, 5000);
	log_info("full", "there again");
	assert_string_equal(take(fd),
			    "2026-11-22T16:30:00.123Z info worker[3]: full: there again\n");
	end(fd);
}

/* stderr of a service is a stream socket. */
static void test_full_socket(void **state UNUSED)
{
	int pair[2];
	uint64_t before = log_dropped();

	clock_set(clock_mono() + 10 * NS_PER_S, WALL);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	log_init(&(struct log_settings){
		.level = LOG_LEVEL_DEBUG, .target = LOG_TARGET_FD, .fd = pair[1]});
	alarm(20);
	for (int i = 0; i < 20000; i++)
		log_debug("full", "%0100d", i);
	alarm(0);
	assert_true(log_dropped() > before);
	close(pair[0]);
	log_debug("full", "nobody listens"); /* no SIGPIPE, no wait */
	end(-1);
}

/* A disk that is full in the middle of a line: the next line does not continue the torn one. */
static void test_torn_line(void **state UNUSED)
{
	char path[] = "/tmp/tiercel-test-XXXXXX";
	struct rlimit unlimited, limit;
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(log_open(path, &fd), 0);
	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &unlimited);
	limit = unlimited;
	limit.rlim_cur = 70;
	clock_set(clock_mono() + 10 * NS_PER_S, WALL);
	log_init(&(struct log_settings){.target = LOG_TARGET_FD, .fd = fd, .role = "worker[3]"});
	log_info("t", "one");
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	log_info("t", "two, cut");
	log_info("t", "three, lost");
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &unlimited), 0);
	log_info("t", "four");
	fd = open(path, O_RDONLY);
	take(fd);
	assert_int_equal(count_lines(got), 3);
	assert_non_null(strstr(got, "one\n2026-11-22T16:30:"));
	assert_non_null(strstr(got, "\n2026-11-22T16:30:00.123Z info worker[3]: t: four\n"));
	unlink(path);
	end(fd);
}

static void test_open(void **state UNUSED)
{
	char folder[] = "/tmp/tiercel-test-XXXXXX", path[64];
	struct stat st;
	int fd = -1;

	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/log", folder);
	umask(0);
	assert_int_equal(log_open(path, &fd), 0);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0640);
	assert_int_equal(fcntl(fd, F_GETFL) & O_APPEND, O_APPEND);
	close(fd);
	unlink(path);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(log_open(path, &fd), 0); /* nobody reads it; does not wait */
	close(fd);
	unlink(path);
	snprintf(path, sizeof(path), "%s/none/log", folder);
	assert_int_equal(log_open(path, &fd), ERR_SYS);
	assert_int_equal(errno, ENOENT);
	rmdir(folder);
}

/* Another descriptor (log rotation): the old one is closed. */
static void test_set_fd(void **state UNUSED)
{
	int old = begin(LOG_LEVEL_INFO), pipes[2];

	log_info("t", "old");
	assert_non_null(strstr(take(old), "old\n"));
	assert_int_equal(pipe(pipes), 0);
	log_set_fd(pipes[1]);
	assert_int_equal(read(old, got, 1), 0); /* end of file */
	log_info("t", "new");
	assert_non_null(strstr(take(pipes[0]), "new\n"));
	close(old);
	end(pipes[0]);
}

static void test_journal(void **state UNUSED)
{
	int pipes[2], saved = dup(STDERR_FILENO);
	char stream[64];
	struct stat st;

	assert_int_equal(pipe(pipes), 0);
	fcntl(pipes[0], F_SETFL, O_NONBLOCK);
	dup2(pipes[1], STDERR_FILENO);
	assert_int_equal(fstat(STDERR_FILENO, &st), 0);
	snprintf(stream, sizeof(stream), "%llu:%llu", (unsigned long long)st.st_dev,
		 (unsigned long long)st.st_ino);
	setenv("JOURNAL_STREAM", stream, 1);
	clock_set(clock_mono() + 10 * NS_PER_S, WALL);
	log_init(&(struct log_settings){.role = "master"});
	log_error("t", "to the journal");
	setenv("JOURNAL_STREAM", "1:1", 1);
	log_init(&(struct log_settings){.role = "master"});
	log_error("t", "not the journal");
	dup2(saved, STDERR_FILENO);
	assert_string_equal(take(pipes[0]), "<3>master: t: to the journal\n"
					    "2026-11-22T16:30:00.123Z error master: t: not the "
					    "journal\n");
	unsetenv("JOURNAL_STREAM");
	close(saved);
	close(pipes[0]);
	close(pipes[1]);
}

/* ---- the system's logger ---- */

static int logger(const char *path)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);

	str_copy(at.sun_path, sizeof(at.sun_path), str_c(path));
	unlink(path);
	assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	return fd;
}

static void test_syslog(void **state UNUSED)
{
	char folder[] = "/tmp/tiercel-test-XXXXXX", path[64], expected[128];
	uint64_t before = log_dropped();

	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/log", folder);
	setenv("TZ", "UTC", 1);
	clock_set(clock_mono() + 10 * NS_PER_S, WALL);
	struct log_settings settings = {.target = LOG_TARGET_SYSLOG,
					.level = LOG_LEVEL_DEBUG,
					.role = "master",
					.syslog_path = path};
	log_init(&settings); /* nobody listens yet */
	log_info("t", "lost");
	assert_int_equal(log_dropped() - before, 1);
	int fd = logger(path);
	log_info("t", "one\n");
	snprintf(expected, sizeof(expected), "<30>Nov 22 16:30:00 tiercel[%d]: master: t: one",
		 (int)getpid());
	assert_string_equal(take(fd), expected);
	close(fd); /* the logger is restarted */
	fd = logger(path);
	log_error("t", "two");
	assert_non_null(strstr(take(fd), "<27>Nov 22 "));
	assert_non_null(strstr(got, "t: two"));

	alarm(20); /* a logger that hangs */
	before = log_dropped();
	for (int i = 0; i < 5000; i++)
		log_debug("t", "%d", i);
	alarm(0);
	assert_true(log_dropped() > before);
	end(fd);
	unlink(path);
	rmdir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_line),	  cmocka_unit_test(test_levels),
		cmocka_unit_test(test_escapes),	  cmocka_unit_test(test_long),
		cmocka_unit_test(test_flood),	  cmocka_unit_test(test_many_areas),
		cmocka_unit_test(test_full_pipe), cmocka_unit_test(test_full_socket),
		cmocka_unit_test(test_torn_line), cmocka_unit_test(test_open),
		cmocka_unit_test(test_set_fd),	  cmocka_unit_test(test_journal),
		cmocka_unit_test(test_syslog),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
