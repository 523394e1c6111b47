/* SPDX-License-Identifier: BSD-2-Clause */
/* The description of what one program hands to the next: written and read, and nothing believed. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/err.h"
#include "proc/handover.h"

enum { BELLS = 1000 }; /* first doorbell's descriptor */

/* Everything that can be there. */
static void fill(struct handover *h)
{
	struct handover_listen *l;

	handover_init(h);
	snprintf(h->program, sizeof(h->program), "1.2.3");
	snprintf(h->path, sizeof(h->path), "/usr/sbin/with a space");
	h->pid = 77;
	h->generation = 5;
	h->started = 1234567890123456789;
	h->draining = true;
	h->seats = 2;
	h->reload = true;
	h->reload_askers = (struct handover_askers){{8, 9}, 2};
	h->upgrade_askers = (struct handover_askers){{UINT32_MAX}, 1};
	h->exe = 3;
	h->notes = 4;
	h->bundle = 5;
	h->segment = 6;
	for (int i = 0; i < HANDOVER_SLOTS; i++)
		h->doorbells[h->n_doorbells++] = BELLS + i;
	l = handover_add_listen(h);
	*l = (struct handover_listen){.kind = HANDOVER_SPREAD, .fds = {10, 11, 12}, .n = 3};
	l = handover_add_listen(h);
	*l = (struct handover_listen){
		.kind = HANDOVER_SHARED, .dev = 64, .ino = UINT64_MAX, .fds = {13}, .n = 1};
	l = handover_add_listen(h);
	*l = (struct handover_listen){.kind = HANDOVER_MANAGER, .fds = {14}, .n = 1};
	h->workers[h->n_workers++] = (struct handover_worker){0, 1, 100, 20};
	h->workers[h->n_workers++] = (struct handover_worker){127, HANDOVER_SEATS, 101, 21};
	h->owner[0] = 0;
	h->owner[63] = 127;
	h->admin_pid = 102;
	h->admin_fd = 22;
}

static void test_round_trip(void **state UNUSED)
{
	struct handover a, b;
	struct buf text = BUF_INIT, again = BUF_INIT;
	int fd = -1;

	fill(&a);
	handover_write(&a, &text);
	assert_int_equal(handover_memfd(&a, &fd), 0);
	assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
	handover_init(&b);
	assert_int_equal(handover_read(&b, fd), 0);
	handover_write(&b, &again);
	assert_int_equal(text.n, again.n);
	assert_memory_equal(text.p, again.p, text.n);
	assert_int_equal(b.listens[1].ino, UINT64_MAX);
	assert_string_equal(b.path, "/usr/sbin/with a space");
	close(fd);
	handover_fini(&a);
	handover_fini(&b);
	buf_fini(&text);
	buf_fini(&again);
}

static void count(void *arg, int fd)
{
	*(int *)arg += fd;
}

static void test_each_fd(void **state UNUSED)
{
	struct handover h;
	int sum = 0, want = 3 + 4 + 5 + 6 + 10 + 11 + 12 + 13 + 14 + 20 + 21 + 22;

	fill(&h);
	for (int i = 0; i < HANDOVER_SLOTS; i++)
		want += BELLS + i;
	handover_each_fd(&h, count, &sum);
	assert_int_equal(sum, want);
	h.exe = -1;
	h.admin_pid = 0;
	sum = 0;
	handover_each_fd(&h, count, &sum);
	assert_int_equal(sum, want - 3 - 22);
	handover_fini(&h);
}

/* A line of the whole text is replaced by others (the text before the first space tells which), or
 * lines are added where none is named. */
static const struct {
	const char *what, *line, *by;
	int rc;
} changes[] = {
	{"nothing", "pid", "pid 77\n", 0},
	{"no exe", "exe", "", 0},
	{"no path", "path", "", 0},
	{"no reload", "reload", "", 0},
	{"no admin", "admin", "", 0},
	{"no listener is left but one", "listen", "listen shared 0 0 13\n", 0},
	{"another version", "tiercel-handover", "tiercel-handover 2\n", ERR_VERSION},
	{"version with more", "tiercel-handover", "tiercel-handover 1 1\n", ERR_VERSION},
	{"no version", "tiercel-handover", "tiercel-handover\n", ERR_SYNTAX},
	{"another title", "tiercel-handover", "tiercel 1\n", ERR_SYNTAX},
	{"empty line", "draining", "draining 0\n\n", ERR_SYNTAX},
	{"unknown line", NULL, "colour 7\n", ERR_SYNTAX},
	{"unknown line without a value", NULL, "colour\n", ERR_SYNTAX},
	{"key without a value", "pid", "pid\n", ERR_SYNTAX},
	{"empty value", "pid", "pid \n", ERR_SYNTAX},
	{"two values", "pid", "pid 77 78\n", ERR_SYNTAX},
	{"trailing space", "pid", "pid 77 \n", ERR_SYNTAX},
	{"two spaces", "pid", "pid  77\n", ERR_SYNTAX},
	{"tab", "pid", "pid\t77\n", ERR_SYNTAX},
	{"carriage return", "pid", "pid 77\r\n", ERR_SYNTAX},
	{"signed", "pid", "pid +77\n", ERR_SYNTAX},
	{"negative", "pid", "pid -77\n", ERR_SYNTAX},
	{"hexadecimal", "pid", "pid 0x77\n", ERR_SYNTAX},
	{"pid 0", "pid", "pid 0\n", ERR_RANGE},
	{"pid beyond what there is", "pid", "pid 2147483648\n", ERR_RANGE},
	{"number of many digits", "pid", "pid 99999999999999999999999\n", ERR_RANGE},
	{"pid twice", NULL, "pid 77\n", ERR_EXISTS},
	{"no pid", "pid", "", ERR_MISSING},
	{"no program", "program", "", ERR_MISSING},
	{"no generation", "generation", "", ERR_MISSING},
	{"no start", "started", "", ERR_MISSING},
	{"no draining", "draining", "", ERR_MISSING},
	{"no seats", "seats", "", ERR_MISSING},
	{"no notes", "notes", "", ERR_MISSING},
	{"no bundle", "bundle", "", ERR_MISSING},
	{"no segment", "segment", "", ERR_MISSING},
	{"no doorbells", "doorbell", "", ERR_MISSING},
	{"one doorbell too many", NULL, "doorbell 900\n", ERR_LIMIT},
	{"no end", "end", "", ERR_MISSING},
	{"something behind the end", "end", "end\npid 77\n", ERR_SYNTAX},
	{"end with a value", "end", "end 1\n", ERR_SYNTAX},
	{"program name that is too long", "program", "program 12345678901234567890123456789012\n",
	 ERR_LIMIT},
	{"relative path", "path", "path tiercel\n", ERR_SYNTAX},
	{"path without a path", "path", "path \n", ERR_SYNTAX},
	{"generation 0", "generation", "generation 0\n", ERR_RANGE},
	{"last generation of all", "generation", "generation 4294967295\n", ERR_RANGE},
	{"started in the far future", "started", "started 9223372036854775808\n", ERR_RANGE},
	{"draining 2", "draining", "draining 2\n", ERR_RANGE},
	{"no seat at all", "seats", "seats 0\n", ERR_RANGE},
	{"too many seats", "seats", "seats 65\n", ERR_RANGE},
	{"asker 0", NULL, "upgrade-asker 0\n", ERR_RANGE},
	{"too many askers", NULL,
	 "upgrade-asker 1\nupgrade-asker 1\nupgrade-asker 1\nupgrade-asker 1\nupgrade-asker 1\n"
	 "upgrade-asker 1\nupgrade-asker 1\nupgrade-asker 1\nupgrade-asker 1\nupgrade-asker 1\n"
	 "upgrade-asker 1\nupgrade-asker 1\nupgrade-asker 1\nupgrade-asker 1\nupgrade-asker 1\n"
	 "upgrade-asker 1\n",
	 ERR_LIMIT},
	{"standard error", "segment", "segment 2\n", ERR_RANGE},
	{"descriptor beyond what there is", "segment", "segment 16777217\n", ERR_RANGE},
	{"one descriptor twice", "segment", "segment 13\n", ERR_EXISTS},
	{"one descriptor as doorbell and log", NULL, "listen shared 0 0 1005\n", ERR_EXISTS},
	{"listener without a kind", NULL, "listen 0 0 30\n", ERR_SYNTAX},
	{"listener of an unknown kind", NULL, "listen tcp 0 0 30\n", ERR_SYNTAX},
	{"listener without a socket", NULL, "listen shared 0 0\n", ERR_SYNTAX},
	{"listener without a file", NULL, "listen shared 30\n", ERR_SYNTAX},
	{"shared listener with two sockets", NULL, "listen shared 0 0 30 31\n", ERR_LIMIT},
	{"manager's listener with two sockets", NULL, "listen manager 0 0 30 31\n", ERR_LIMIT},
	{"listener with the same socket twice", NULL, "listen spread 0 0 30 30\n", ERR_EXISTS},
	{"worker in a slot that is taken", NULL, "worker 0 64 103 30\n", ERR_EXISTS},
	{"worker on a seat that is taken", NULL, "worker 3 1 103 30\n", ERR_EXISTS},
	{"another worker without a seat", NULL, "worker 3 64 103 30\n", 0},
	{"worker twice", NULL, "worker 3 64 100 30\n", ERR_EXISTS},
	{"worker in no slot", NULL, "worker 128 64 103 30\n", ERR_RANGE},
	{"worker beyond the seats", NULL, "worker 3 65 103 30\n", ERR_RANGE},
	{"worker without a channel", NULL, "worker 3 64 103\n", ERR_SYNTAX},
	{"two owners", NULL, "owner 0 1\n", ERR_EXISTS},
	{"owner of no socket", NULL, "owner 64 1\n", ERR_RANGE},
	{"owner in no slot", NULL, "owner 1 128\n", ERR_RANGE},
	{"two admins", NULL, "admin 104 31\n", ERR_EXISTS},
	{"NUL", NULL, "pi\0d", ERR_SYNTAX},
};

static bool is_line(const char *line, const char *key)
{
	size_t n = strlen(key);

	return strncmp(line, key, n) == 0 && (line[n] == ' ' || line[n] == '\n');
}

/* The text of fill() with one change. */
static void change(const char *whole, const char *key, const char *by, struct buf *out)
{
	bool done = false;

	for (const char *at = whole; *at;) {
		size_t n = (size_t)(strchr(at, '\n') - at) + 1;
		bool here = key ? is_line(at, key) : is_line(at, "end");

		if (here && !done)
			buf_c(out, by);
		if (!here || !key)
			buf_add(out, at, n);
		done = done || here;
		at += n;
	}
	assert_true(done);
}

static void test_changes(void **state UNUSED)
{
	struct buf whole = BUF_INIT;
	struct handover h;

	fill(&h);
	handover_write(&h, &whole);
	buf_char(&whole, '\0');
	handover_fini(&h);
	for (size_t i = 0; i < COUNTOF(changes); i++) {
		struct buf text = BUF_INIT;
		int rc;

		change(whole.p, changes[i].line, changes[i].by, &text);
		handover_init(&h);
		rc = handover_parse(&h, buf_slice(&text));
		if (rc != changes[i].rc)
			fail_msg("%s: %s", changes[i].what, err_text(rc));
		handover_fini(&h);
		buf_fini(&text);
	}
	buf_fini(&whole);
}

/* Whatever is cut off is missed. */
static void test_every_cut(void **state UNUSED)
{
	struct buf whole = BUF_INIT;
	struct handover h;

	fill(&h);
	handover_write(&h, &whole);
	handover_fini(&h);
	for (size_t n = 0; n < whole.n - 1; n++) {
		char *copy = malloc(n + 1);

		memcpy(copy, whole.p, n);
		handover_init(&h);
		if (handover_parse(&h, str_of(copy, n)) == 0)
			fail_msg("cut at %zu", n);
		handover_fini(&h);
		free(copy);
	}
	buf_fini(&whole);
}

static void test_file(void **state UNUSED)
{
	struct handover h;
	int pipes[2], fd;

	fill(&h);
	assert_int_equal(pipe(pipes), 0);
	assert_int_equal(handover_read(&h, pipes[0]), ERR_REFUSED);
	assert_int_equal(handover_read(&h, -1), ERR_REFUSED);
	close(pipes[0]);
	close(pipes[1]);
	fd = memfd_create("test", MFD_ALLOW_SEALING);
	assert_int_equal(write(fd, "tiercel-handover 1\n", 19), 19);
	assert_int_equal(handover_read(&h, fd), ERR_REFUSED);
	assert_int_equal(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE), 0);
	assert_int_equal(handover_read(&h, fd),
			 ERR_REFUSED); /* it could be sealed otherwise later */
	assert_int_equal(fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL), 0);
	assert_int_equal(handover_read(&h, fd), ERR_MISSING);
	close(fd);
	handover_fini(&h);
}

static void test_variable(void **state UNUSED)
{
	static const struct {
		const char *text;
		enum handover_mode mode;
	} cases[] = {
		{"1:trial:7", HANDOVER_TRIAL},
		{"1:upgrade:7", HANDOVER_UPGRADE},
		{"1:resume:7", HANDOVER_RESUME},
		{"", HANDOVER_NONE},
		{"1", HANDOVER_NONE},
		{"1:upgrade", HANDOVER_NONE},
		{"1:upgrade:", HANDOVER_NONE},
		{"2:upgrade:7", HANDOVER_NONE},
		{"1:other:7", HANDOVER_NONE},
		{"1:upgrade:2", HANDOVER_NONE},
		{"1:upgrade:-7", HANDOVER_NONE},
		{"1:upgrade:7:", HANDOVER_NONE},
		{"1::7", HANDOVER_NONE},
		{"1:upgrade:99999999999", HANDOVER_NONE},
	};
	char text[64];
	int fd;

	for (size_t i = 0; i < COUNTOF(cases); i++) {
		fd = -1;
		assert_int_equal(handover_variable_parse(cases[i].text, &fd), cases[i].mode);
		assert_int_equal(fd, cases[i].mode ? 7 : -1);
		if (cases[i].mode) {
			handover_variable(cases[i].mode, 7, text);
			assert_string_equal(text, cases[i].text);
		}
	}
}

static void test_too_many_listens(void **state UNUSED)
{
	struct handover h;

	handover_init(&h);
	for (unsigned i = 0; i < HANDOVER_LISTENS; i++)
		assert_non_null(handover_add_listen(&h));
	assert_null(handover_add_listen(&h));
	handover_fini(&h);
	assert_int_equal(h.n_listens, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_each_fd),
		cmocka_unit_test(test_changes),
		cmocka_unit_test(test_every_cut),
		cmocka_unit_test(test_file),
		cmocka_unit_test(test_variable),
		cmocka_unit_test(test_too_many_listens),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
