/* SPDX-License-Identifier: BSD-2-Clause */
/* The access log: formats, escapes, cut texts, and a descriptor that would block or fails. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

#include "obs/access.h"
#include "obs/log.h"

#define WALL (INT64_C(1795365000) * NS_PER_S + 123456789) /* 2026-11-22T16:30:00.123Z */

static char got[4 << 20];

static struct access_rec typical(void)
{
	struct access_rec rec = access_rec_empty;

	rec.time = WALL;
	rec.id = STR("0af7651916cd43dd8448eb211c80319c");
	rec.client = STR("192.0.2.7");
	rec.client_port = 51234;
	rec.listener = STR("web");
	rec.protocol = STR("HTTP/1.1");
	rec.method = STR("GET");
	rec.host = STR("shop.example");
	rec.target = STR("/api/items?page=2&sort=price");
	rec.path = STR("/api/items");
	rec.status = 200;
	rec.bytes_out = 1024;
	rec.duration = 12345678;
	rec.first_byte = 12000000;
	rec.route = STR("shop");
	rec.upstream = STR("legacy");
	rec.server = STR("127.0.0.1:8081");
	rec.upstream_status = 200;
	rec.attempts = 1;
	rec.reused = 1;
	rec.first_byte_time = 11000000;
	rec.upstream_time = 12100000;
	rec.user_agent = STR("Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 "
			     "Firefox/128.0");
	rec.referer = STR("https://shop.example/");
	return rec;
}

static struct access *make(enum access_format format, const char *const *fields, size_t n)
{
	struct access *a = NULL;
	size_t bad = 0;

	assert_int_equal(access_new(format, fields, n, &a, &bad), 0);
	return a;
}

static const char *line_of(enum access_format format, const char *const *fields, size_t n,
			   const struct access_rec *rec)
{
	struct access *a = make(format, fields, n);
	struct buf b = BUF_INIT;

	access_line(a, rec, &b);
	assert_int_equal(b.error, 0);
	assert_true(b.n < sizeof(got));
	memcpy(got, b.p, b.n);
	got[b.n] = '\0';
	buf_fini(&b);
	access_free(&a);
	return got;
}

static void test_json(void **state UNUSED)
{
	struct access_rec rec = typical();

	assert_string_equal(
		line_of(ACCESS_JSON, NULL, 0, &rec),
		"{\"time\":\"2026-11-22T16:30:00.123Z\","
		"\"id\":\"0af7651916cd43dd8448eb211c80319c\",\"client\":\"192.0.2.7\","
		"\"client_port\":51234,\"listener\":\"web\",\"protocol\":\"HTTP/1.1\","
		"\"method\":\"GET\",\"host\":\"shop.example\","
		"\"target\":\"/api/items?page=2&sort=price\",\"path\":\"/api/items\","
		"\"status\":200,\"bytes_in\":0,\"bytes_out\":1024,\"duration\":0.012345,"
		"\"first_byte\":0.012000,\"route\":\"shop\",\"upstream\":\"legacy\","
		"\"server\":\"127.0.0.1:8081\",\"upstream_status\":200,\"attempts\":1,"
		"\"reused\":true,\"first_byte_time\":0.011000,\"upstream_time\":0.012100,"
		"\"user_agent\":\"Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 "
		"Firefox/128.0\",\"referer\":\"https://shop.example/\"}\n");
	rec = access_rec_empty;
	assert_string_equal(line_of(ACCESS_JSON, NULL, 0, &rec),
			    "{\"time\":\"1970-01-01T00:00:00.000Z\",\"bytes_in\":0,"
			    "\"bytes_out\":0}\n");
}

static void test_json_fields(void **state UNUSED)
{
	static const char *const some[] = {"status", "reason", "queue_time", "target"};
	static const char *const absent[] = {"reason", "reused"};
	struct access_rec rec = typical();

	assert_string_equal(line_of(ACCESS_JSON, some, 4, &rec),
			    "{\"status\":200,\"target\":\"/api/items?page=2&sort=price\"}\n");
	rec.reused = -1;
	assert_string_equal(line_of(ACCESS_JSON, absent, 2, &rec), "{}\n");
}

static void test_combined(void **state UNUSED)
{
	struct access_rec rec = typical();

	assert_string_equal(line_of(ACCESS_COMBINED, NULL, 0, &rec),
			    "192.0.2.7 - - [22/Nov/2026:16:30:00 +0000] "
			    "\"GET /api/items?page=2&sort=price HTTP/1.1\" 200 1024 "
			    "\"https://shop.example/\" \"Mozilla/5.0 (X11; Linux x86_64; "
			    "rv:128.0) Gecko/20100101 Firefox/128.0\"\n");
	rec.user_agent = rec.client = STR_NONE;
	rec.referer = STR("\x1f \x7f~");
	rec.status = 0;
	rec.target = STR("/a\"b\\c\n\x01 \xc3\xbc"
			 "d");
	assert_string_equal(line_of(ACCESS_COMBINED, NULL, 0, &rec),
			    "- - - [22/Nov/2026:16:30:00 +0000] "
			    "\"GET /a\\x22b\\x5Cc\\x0A\\x01 \\xC3\\xBC"
			    "d HTTP/1.1\" - 1024 \"\\x1F \\x7F~\" \"-\"\n");
}

static void test_fields(void **state UNUSED)
{
	static const char *const some[] = {"time",   "client",	 "reason",     "user_agent",
					   "reused", "duration", "queue_time", "status",
					   "host",   "bytes_in"};
	struct access_rec rec = typical();

	rec.host = STR("-");
	rec.user_agent = STR("a b\"c");
	assert_string_equal(line_of(ACCESS_FIELDS, some, 10, &rec),
			    "2026-11-22T16:30:00.123Z 192.0.2.7 - \"a b\\x22c\" true 0.012345 - "
			    "200 \"-\" 0\n");
}

static void test_unknown_field(void **state UNUSED)
{
	static const char *const some[] = {"time", "tiem"};
	struct access *a = NULL;
	size_t bad = 99;

	assert_int_equal(access_new(ACCESS_FIELDS, some, 2, &a, &bad), ERR_MISSING);
	assert_int_equal(bad, 1);
	assert_null(a);
	assert_true(access_field_known("upstream_time"));
	assert_false(access_field_known("tiem"));
	access_free(&a);
}

static const struct {
	int64_t ns;
	const char *text;
} seconds[] = {
	{0, "0.000000"},
	{999, "0.000000"},
	{1000, "0.000001"},
	{999999999, "0.999999"},
	{NS_PER_S, "1.000000"},
	{INT64_C(123456) * NS_PER_S + 5 * NS_PER_MS, "123456.005000"},
	{INT64_MAX, "9223372036.854775"},
	{-1, "-"},
};

static void test_seconds(void **state UNUSED)
{
	static const char *const field[] = {"duration"};
	char expected[64];

	for (size_t i = 0; i < COUNTOF(seconds); i++) {
		struct access_rec rec = access_rec_empty;
		rec.duration = seconds[i].ns;
		snprintf(expected, sizeof(expected), "%s\n", seconds[i].text);
		assert_string_equal(line_of(ACCESS_FIELDS, field, 1, &rec), expected);
	}
}

static void test_stamps(void **state UNUSED)
{
	static const struct {
		int64_t wall;
		const char *text;
	} cases[] = {
		{INT64_C(951782399) * NS_PER_S + 999999999, "2000-02-28T23:59:59.999Z\n"},
		{INT64_C(951782400) * NS_PER_S, "2000-02-29T00:00:00.000Z\n"},
		{INT64_C(951782400) * NS_PER_S + 7 * NS_PER_MS, "2000-02-29T00:00:00.007Z\n"},
		{INT64_C(4102444799) * NS_PER_S, "2099-12-31T23:59:59.000Z\n"},
		{INT64_C(951782399) * NS_PER_S, "2000-02-28T23:59:59.000Z\n"}, /* back */
		{-5, "1970-01-01T00:00:00.000Z\n"},
		{0, "1970-01-01T00:00:00.000Z\n"},
	};
	static const char *const field[] = {"time"};
	struct access *a = make(ACCESS_FIELDS, field, 1);
	struct buf b = BUF_INIT;

	for (size_t i = 0; i < COUNTOF(cases); i++) {
		struct access_rec rec = access_rec_empty;
		rec.time = cases[i].wall;
		buf_reset(&b);
		access_line(a, &rec, &b);
		buf_char(&b, '\0');
		assert_string_equal(b.p, cases[i].text);
	}
	buf_fini(&b);
	access_free(&a);
}

/* ---- escapes: what another JSON reader gets back ---- */

/* <text> as it must come back: bytes that are not UTF-8 become U+FFFD. */
static void expect_text(struct str text, struct buf *out)
{
	while (text.n > 0) {
		size_t n = str_utf8_len(text);
		if (n)
			buf_add(out, text.p, n);
		else
			buf_c(out, "\xef\xbf\xbd");
		text = str_of(text.p + MAX(n, (size_t)1), text.n - MAX(n, (size_t)1));
	}
}

static void check_roundtrip(struct str text)
{
	static const char *const field[] = {"target"};
	struct access_rec rec = access_rec_empty;
	struct buf expected = BUF_INIT;
	json_error_t error;

	rec.target = text;
	line_of(ACCESS_JSON, field, 1, &rec);
	json_t *root = json_loads(got, JSON_ALLOW_NUL, &error);
	if (!root)
		fail_msg("%s in %s", error.text, got);
	json_t *value = json_object_get(root, "target");
	expect_text(text, &expected);
	assert_int_equal(json_string_length(value), expected.n);
	assert_memory_equal(json_string_value(value), expected.p, expected.n);
	buf_fini(&expected);
	json_decref(root);
}

/* Every byte at every place of a word of eight, with and without something behind it. */
static void test_every_byte(void **state UNUSED)
{
	char text[24];

	for (unsigned c = 0; c < 256; c++)
		for (size_t n = 1; n <= 20; n++)
			for (size_t at = 0; at<n; at += n> 9 ? 3 : 1) {
				memset(text, 'a', n);
				text[at] = (char)c;
				check_roundtrip(str_of(text, n));
			}
}

/* Two odd bytes in one word: the borrow of one must not hide the other. */
static void test_pairs(void **state UNUSED)
{
	static const unsigned char odd[] = {0,	  1,   0x1f, ' ',  '!',	 '"',  '#', '[',
					    '\\', ']', 0x7e, 0x7f, 0x80, 0xc3, 0xff};
	char text[9];

	for (size_t a = 0; a < sizeof(odd); a++)
		for (size_t b = 0; b < sizeof(odd); b++)
			for (size_t at = 0; at < 7; at++) {
				memset(text, 'x', sizeof(text));
				text[at] = (char)odd[a];
				text[at + 1] = (char)odd[b];
				check_roundtrip(str_of(text, sizeof(text)));
			}
}

/* Lines whose texts are too long: still one line of valid JSON with all the other fields. */
static void check_long(const char *unit, size_t n)
{
	struct access_rec rec = typical();
	char *text = malloc(n + 8);
	size_t filled = 0;
	json_error_t error;

	while (filled < n) {
		memcpy(text + filled, unit, strlen(unit));
		filled += strlen(unit);
	}
	rec.target = rec.path = rec.user_agent = rec.referer = rec.host = str_of(text, filled);
	for (unsigned format = ACCESS_JSON; format <= ACCESS_FIELDS; format++) {
		line_of((enum access_format)format, NULL, 0, &rec);
		size_t length = strlen(got);
		assert_in_range(length, 1, ACCESS_LINE_MAX);
		assert_ptr_equal(strchr(got, '\n'), got + length - 1);
		if (format != ACCESS_JSON)
			continue;
		json_t *root = json_loads(got, 0, &error);
		if (!root)
			fail_msg("%s (%zu of %s)", error.text, n, unit);
		assert_int_equal(json_integer_value(json_object_get(root, "status")), 200);
		assert_non_null(json_object_get(root, "referer"));
		if (n > 32000)
			assert_non_null(
				strstr(json_string_value(json_object_get(root, "target")), "..."));
		assert_null(strstr(got, "\\ufffd")); /* not cut within a character */
		json_decref(root);
	}
	free(text);
}

static void test_long_texts(void **state UNUSED)
{
	static const char *const units[] = {"x",  "\"", "\x01", "\xc3\xbc", "\xf0\x9f\xa6\x85",
					    "\\a"};

	for (size_t i = 0; i < COUNTOF(units); i++) {
		for (size_t n = 900; n < 7000; n += 61)
			check_long(units[i], n);
		check_long(units[i], 33000);
		check_long(units[i], 1000000);
	}
}

/* ---- the way out ---- */

static size_t drain(int fd)
{
	size_t n = 0;

	for (;;) {
		ssize_t rc = read(fd, got + n, sizeof(got) - 1 - n);
		if (rc <= 0)
			break;
		n += (size_t)rc;
	}
	got[n] = '\0';
	return n;
}

static unsigned count_lines(const char *text)
{
	unsigned n = 0;

	for (; *text; text++)
		n += *text == '\n';
	return n;
}

static int to_pipe(struct access *a)
{
	int pipes[2];

	assert_int_equal(pipe(pipes), 0);
	fcntl(pipes[0], F_SETFL, O_NONBLOCK);
	access_set_fd(a, pipes[1]);
	return pipes[0];
}

static void test_off(void **state UNUSED)
{
	struct access *a = make(ACCESS_JSON, NULL, 0);
	struct access_rec rec = typical();

	assert_false(access_on(a));
	access_write(a, &rec);
	access_flush(a);
	int fd = to_pipe(a);
	assert_true(access_on(a));
	access_flush(a);
	assert_int_equal(drain(fd), 0);
	assert_int_equal(access_take_dropped(a), 0);
	access_free(&a);
	assert_null(a);
	close(fd);
}

static void test_flush(void **state UNUSED)
{
	struct access *a = make(ACCESS_COMBINED, NULL, 0);
	struct access_rec rec = typical();
	int fd = to_pipe(a);

	access_write(a, &rec);
	assert_int_equal(drain(fd), 0); /* held until the turn ends */
	access_flush(a);
	assert_true(drain(fd) > 0);
	assert_int_equal(count_lines(got), 1);
	for (int i = 0; i < 400; i++)
		access_write(a, &rec);
	assert_true(drain(fd) > ACCESS_FLUSH / 2); /* more than half full: written */
	access_free(&a);			   /* and the rest at the end */
	unsigned lines = count_lines(got);
	drain(fd);
	assert_int_equal(lines + count_lines(got), 400);
	close(fd);
}

/* Nobody reads: lines are dropped and counted, and what was written is whole. */
static void test_full_pipe(void **state UNUSED)
{
	struct access *a = make(ACCESS_JSON, NULL, 0);
	struct access_rec rec = typical();
	int fd = to_pipe(a);
	unsigned lines = 0;

	alarm(20);
	for (int i = 0; i < 1000; i++)
		access_write(a, &rec);
	alarm(0);
	uint64_t dropped = access_take_dropped(a);
	assert_in_range(dropped, 100, 900);
	assert_int_equal(access_take_dropped(a), 0);
	for (int i = 0; i < 10; i++) {
		drain(fd);
		lines += count_lines(got);
		assert_true(lines == 0 || got[0] == '{' || got[0] == '\0');
		access_flush(a);
	}
	assert_int_equal(lines + dropped, 1000);
	access_free(&a);
	close(fd);
}

/* Every write to a pipe is whole lines, and small enough that the kernel does not mix it with
 * another worker's. A pipe in packet mode shows the single writes. */
static void test_pipe_writes(void **state UNUSED)
{
	struct access *a = make(ACCESS_JSON, NULL, 0);
	struct access_rec rec = typical();
	int pipes[2];
	ssize_t n;

	assert_int_equal(pipe2(pipes, O_DIRECT | O_NONBLOCK), 0);
	access_set_fd(a, pipes[1]);
	for (int i = 0; i < 40; i++) {
		access_write(a, &rec);
		rec.user_agent.n = 20 + (size_t)i; /* lines of different lengths */
	}
	access_flush(a);
	while ((n = read(pipes[0], got, PIPE_BUF)) > 0) {
		assert_int_equal(got[0], '{');
		assert_int_equal(got[n - 1], '\n');
	}
	assert_int_equal(access_take_dropped(a), 0);
	access_free(&a);
	close(pipes[0]);
}

static void test_full_socket(void **state UNUSED)
{
	struct access *a = make(ACCESS_JSON, NULL, 0);
	struct access_rec rec = typical();
	int pair[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	fcntl(pair[0], F_SETFL, O_NONBLOCK);
	access_set_fd(a, pair[1]);
	alarm(20);
	for (int i = 0; i < 3000; i++)
		access_write(a, &rec);
	alarm(0);
	assert_true(access_take_dropped(a) > 0);
	while (drain(pair[0]) > 0) {
		assert_int_equal(got[0], '{'); /* goes on where it stopped */
		access_flush(a);
		size_t n = strlen(got);
		while (n > 0 && got[n - 1] != '\n') { /* the rest of a cut line */
			size_t more = drain(pair[0]);
			assert_true(more > 0);
			n = 0;
			got[0] = '{';
			break;
		}
	}
	close(pair[0]);
	access_write(a, &rec);
	access_flush(a); /* nobody listens: no SIGPIPE, lines are lost and counted */
	assert_true(access_take_dropped(a) > 0);
	access_free(&a);
}

/* A disk that is full in the middle of a line, and has room again later. */
static void test_full_disk(void **state UNUSED)
{
	char path[] = "/tmp/tiercel-test-XXXXXX";
	static const char *const fields[] = {"client", "host", "status"};
	struct access *a = make(ACCESS_FIELDS, fields, 3);
	struct access_rec rec = typical();
	struct rlimit unlimited, limit;
	int fd = mkstemp(path);

	close(fd);
	assert_int_equal(log_open(path, &fd), 0);
	access_set_fd(a, fd);
	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &unlimited);
	limit = unlimited;
	limit.rlim_cur = 70; /* two lines and a half of 27 bytes */
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	for (int i = 0; i < 5; i++)
		access_write(a, &rec);
	access_flush(a);
	assert_int_equal(access_take_dropped(a), 3);
	access_write(a, &rec);
	access_flush(a); /* still full: kept, since the torn line cannot be ended */
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &unlimited), 0);
	access_write(a, &rec);
	access_flush(a);
	assert_int_equal(access_take_dropped(a), 0);
	fd = open(path, O_RDONLY);
	drain(fd);
	close(fd);
	assert_string_equal(got, "192.0.2.7 shop.example 200\n192.0.2.7 shop.example 200\n"
				 "192.0.2.7 shop.e\n"
				 "192.0.2.7 shop.example 200\n192.0.2.7 shop.example 200\n");
	access_free(&a);
	unlink(path);
}

/* Several workers write to one file and one pipe: every line is whole. */
static void many_writers(int fd_read, int fd_write, bool pipe_like)
{
	enum { WRITERS = 3, LINES = 4000 };
	pid_t pids[WRITERS];
	unsigned lines = 0;

	for (unsigned i = 0; i < WRITERS; i++) {
		if ((pids[i] = fork()) != 0)
			continue;
		struct access *a = make(ACCESS_JSON, NULL, 0);
		struct access_rec rec = typical();
		access_set_fd(a, fd_write);
		for (int k = 0; k < LINES; k++) {
			access_write(a, &rec);
			if (pipe_like && k % 50 == 0)
				usleep(100);
		}
		access_free(&a);
		_exit(0);
	}
	close(fd_write);
	FILE *in = fdopen(fd_read, "r");
	struct access_rec rec = typical();
	char *expected = strdup(line_of(ACCESS_JSON, NULL, 0, &rec));
	if (!pipe_like)
		for (unsigned i = 0; i < WRITERS; i++)
			assert_int_equal(waitpid(pids[i], NULL, 0), pids[i]);
	while (fgets(got, sizeof(got), in)) {
		assert_string_equal(got, expected);
		lines++;
	}
	if (pipe_like)
		for (unsigned i = 0; i < WRITERS; i++)
			assert_int_equal(waitpid(pids[i], NULL, 0), pids[i]);
	else
		assert_int_equal(lines, WRITERS * LINES);
	assert_true(lines > 0);
	free(expected);
	fclose(in);
}

static void test_many_writers(void **state UNUSED)
{
	char path[] = "/tmp/tiercel-test-XXXXXX";
	int fd = mkstemp(path), pipes[2], out = -1;

	assert_int_equal(log_open(path, &out), 0);
	many_writers(fd, out, false);
	unlink(path);
	assert_int_equal(pipe(pipes), 0);
	many_writers(pipes[0], pipes[1], true);
}

/* ---- slow requests ---- */

static void test_slow(void **state UNUSED)
{
	struct access_rec rec = typical();
	struct buf b = BUF_INIT;

	rec.duration = 1234567890;
	rec.queue_time = 100 * NS_PER_MS;
	access_slow_text(&rec, &b);
	buf_char(&b, '\0');
	assert_string_equal(b.p, "GET shop.example/api/items?page=2&sort=price 200: 1.234s "
				 "(queue 0.100s, upstream's first byte 0.011s, upstream 0.012s, "
				 "first byte sent 0.012s) route=shop upstream=legacy "
				 "server=127.0.0.1:8081 client=192.0.2.7 "
				 "id=0af7651916cd43dd8448eb211c80319c");
	rec = access_rec_empty;
	buf_reset(&b);
	access_slow_text(&rec, &b);
	buf_char(&b, '\0');
	assert_string_equal(b.p, "-  0: 0.000s");
	buf_fini(&b);
}

/* ---- cost; a figure for people, not a condition ---- */

static int64_t cpu_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return (int64_t)ts.tv_sec * NS_PER_S + ts.tv_nsec;
}

static void test_cost(void **state UNUSED)
{
	enum { LINES = 100000 };
	struct access *a = make(ACCESS_JSON, NULL, 0);
	struct access_rec rec = typical();
	struct buf b = BUF_INIT;

	int64_t start = cpu_now();
	for (int i = 0; i < LINES; i++) {
		rec.time += NS_PER_US;
		buf_reset(&b);
		access_line(a, &rec, &b);
	}
	int64_t ns = cpu_now() - start;
	print_message("%lld ns of CPU per JSON line of %zu bytes\n", (long long)(ns / LINES), b.n);
	buf_fini(&b);
	access_free(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_json),	      cmocka_unit_test(test_json_fields),
		cmocka_unit_test(test_combined),      cmocka_unit_test(test_fields),
		cmocka_unit_test(test_unknown_field), cmocka_unit_test(test_seconds),
		cmocka_unit_test(test_stamps),	      cmocka_unit_test(test_every_byte),
		cmocka_unit_test(test_pairs),	      cmocka_unit_test(test_long_texts),
		cmocka_unit_test(test_off),	      cmocka_unit_test(test_flush),
		cmocka_unit_test(test_full_pipe),     cmocka_unit_test(test_pipe_writes),
		cmocka_unit_test(test_full_socket),   cmocka_unit_test(test_full_disk),
		cmocka_unit_test(test_many_writers),  cmocka_unit_test(test_slow),
		cmocka_unit_test(test_cost),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
