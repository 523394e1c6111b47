/* SPDX-License-Identifier: BSD-2-Clause */
/* Worker slots: the life of a slot, and reports that are never torn. */
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "shm/seg.h"
#include "shm/slots.h"

static struct seg *make(unsigned n)
{
	struct seg_spec spec = {SEG_SLOTS, slots_size(n), slots_layout()};
	struct seg *seg = NULL;

	assert_int_equal(seg_create(&spec, 1, &seg), 0);
	return seg;
}

static void test_attach(void **state UNUSED)
{
	struct seg *seg = make(5);
	struct slots *slots = slots_attach(seg);

	assert_non_null(slots);
	assert_int_equal(slots_count(slots), 5);
	assert_ptr_equal(slots_attach(seg), slots); /* again: nothing changes */
	slot_claim(slots, 2, 1);
	assert_ptr_equal(slots_attach(seg), slots);
	assert_int_equal(slot_state(slot_get(slots, 2)), WORKER_STARTING);
	memset(slots, 0x55, 8);
	assert_null(slots_attach(seg));
	seg_free(&seg);

	struct seg_spec other = {SEG_METRICS, 100, 0};
	assert_int_equal(seg_create(&other, 1, &seg), 0);
	assert_null(slots_attach(seg));
	seg_free(&seg);
}

static void test_life(void **state UNUSED)
{
	struct seg *seg = make(3);
	struct slots *slots = slots_attach(seg);
	struct slot *slot = slot_get(slots, 0);

	assert_int_equal(slots_find_free(slots), 0);
	slot_claim(slots, 0, 1234);
	slot_set_pid(slot, 77);
	assert_int_equal(slots_find_free(slots), 1);
	assert_int_equal(slots_find_pid(slots, 77), 0);
	assert_int_equal(slots_find_pid(slots, 78), SLOT_NONE);
	assert_int_equal(slots_find_pid(slots, 0), SLOT_NONE);
	assert_int_equal(slot->generation, 1);
	assert_int_equal(slot->started, 1234);
	assert_true(slot_set_state(slot, WORKER_RUNNING));
	slot_beat(slot, 99);
	assert_int_equal(slot->heartbeat, 99);
	assert_true(slot_set_state(slot, WORKER_DRAINING));
	slot_gone(slot, 9, false);
	assert_int_equal(slot_state(slot), WORKER_GONE);
	assert_int_equal(slot->deaths, 1);
	assert_int_equal(slot->last_status, 9);
	slot_release(slot);
	assert_int_equal(slots_find_pid(slots, 77), SLOT_NONE);
	slot_claim(slots, 0, 1235);
	assert_int_equal(slot->generation, 2);
	assert_int_equal(slot->heartbeat, 0);
	slot_gone(slot, 0, true);
	assert_int_equal(slot->deaths, 1);
	slot_claim(slots, 1, 0);
	slot_claim(slots, 2, 0);
	assert_int_equal(slots_find_free(slots), SLOT_NONE);
	seg_free(&seg);
}

/* Every pair of states: F(ree) S(tarting) R(unning) D(raining) G(one). */
static void test_edges(void **state UNUSED)
{
	static const char *const allowed = "FS SR SD SG RD RG DR DG GF";
	static const char letters[] = "FSRDG";
	struct slot *slot = calloc(1, sizeof(*slot));

	assert_non_null(slot);
	for (unsigned from = 0; from < WORKER_STATE_COUNT; from++)
		for (unsigned to = 0; to < WORKER_STATE_COUNT; to++) {
			char edge[3] = {letters[from], letters[to], 0};
			bool good = strstr(allowed, edge) != NULL;
			slot->state = from;
			assert_int_equal(slot_set_state(slot, (enum worker_state)to), good);
			assert_int_equal(slot_state(slot), good ? to : from);
		}
	slot->state = 1000; /* damaged: nothing follows */
	assert_false(slot_set_state(slot, WORKER_FREE));
	assert_false(slot_may_follow(WORKER_FREE, (enum worker_state)31));
	assert_string_equal(worker_state_name(WORKER_DRAINING), "draining");
	assert_string_equal(worker_state_name(1000), "unknown");
	free(slot);
}

static void test_report(void **state UNUSED)
{
	struct seg *seg = make(1);
	struct slot *slot = slot_get(slots_attach(seg), 0);
	char *text = malloc(SLOT_REPORT_MAX);
	enum slot_report kind;
	uint32_t want = 0;
	size_t n = 0;

	assert_false(slot_report_wanted(slot, &want));
	uint32_t asked = slot_report_ask(slot);
	assert_int_equal(slot_report_read(slot, asked, &kind, text, &n), ERR_BUSY);
	assert_true(slot_report_wanted(slot, &want));
	assert_int_equal(want, asked);
	slot_report_write(slot, SLOT_REPORT_REQUESTS, want, "one\ntwo\n", 8);
	assert_false(slot_report_wanted(slot, &want));
	assert_int_equal(slot_report_read(slot, asked, &kind, text, &n), 0);
	assert_int_equal(kind, SLOT_REPORT_REQUESTS);
	assert_int_equal(n, 8);
	assert_memory_equal(text, "one\ntwo\n", 8);

	/* Two ask at once; one answer serves both. */
	uint32_t a = slot_report_ask(slot), b = slot_report_ask(slot);
	assert_true(slot_report_wanted(slot, &want));
	slot_report_write(slot, SLOT_REPORT_REQUESTS, want, "", 0);
	assert_int_equal(slot_report_read(slot, a, &kind, text, &n), 0);
	assert_int_equal(n, 0);
	assert_int_equal(slot_report_read(slot, b, &kind, text, &n), 0);

	/* Last words answer nobody's question, but are there for who looks. */
	asked = slot_report_ask(slot);
	slot_report_write(slot, SLOT_REPORT_PANIC, 0, "oh", 2);
	assert_int_equal(slot_report_read(slot, asked, &kind, text, &n), ERR_BUSY);
	assert_int_equal(slot_report_read(slot, 0, &kind, text, &n), 0);
	assert_int_equal(kind, SLOT_REPORT_PANIC);
	assert_memory_equal(text, "oh", 2);
	free(text);
	seg_free(&seg);
}

/* Numbers go around the end of 32 bits and skip 0, which means "no question". */
static void test_report_wraps(void **state UNUSED)
{
	struct seg *seg = make(1);
	struct slot *slot = slot_get(slots_attach(seg), 0);
	char *text = malloc(SLOT_REPORT_MAX);
	enum slot_report kind;
	size_t n;

	slot->report_want = slot->report_seen = UINT32_MAX - 1;
	uint32_t last = slot_report_ask(slot), next = slot_report_ask(slot);
	assert_int_equal(last, UINT32_MAX);
	assert_int_equal(next, 1);
	slot_report_write(slot, SLOT_REPORT_REQUESTS, last, "", 0);
	assert_int_equal(slot_report_read(slot, next, &kind, text, &n), ERR_BUSY);
	slot_report_write(slot, SLOT_REPORT_REQUESTS, next, "", 0);
	assert_int_equal(slot_report_read(slot, last, &kind, text, &n), 0);
	free(text);
	seg_free(&seg);
}

static void test_report_cut(void **state UNUSED)
{
	struct seg *seg = make(1);
	struct slot *slot = slot_get(slots_attach(seg), 0);
	char *text = malloc(2 * SLOT_REPORT_MAX), *got = malloc(SLOT_REPORT_MAX);
	enum slot_report kind;
	size_t n = 0;

	memset(text, 'x', 2 * SLOT_REPORT_MAX);
	slot_report_write(slot, SLOT_REPORT_REQUESTS, 0, text, SLOT_REPORT_MAX);
	assert_int_equal(slot_report_read(slot, 0, &kind, got, &n), 0);
	assert_int_equal(n, SLOT_REPORT_MAX);
	slot_report_write(slot, SLOT_REPORT_REQUESTS, 0, text, SLOT_REPORT_MAX + 1);
	assert_int_equal(slot_report_read(slot, 0, &kind, got, &n), 0);
	assert_int_equal(n, SLOT_REPORT_MAX);
	text[1000] = '\n';
	slot_report_write(slot, SLOT_REPORT_REQUESTS, 0, text, 2 * SLOT_REPORT_MAX);
	assert_int_equal(slot_report_read(slot, 0, &kind, got, &n), 0);
	assert_int_equal(n, 1001);

	slot->report_n = UINT32_MAX; /* damaged: the copy stays within the area */
	assert_int_equal(slot_report_read(slot, 0, &kind, got, &n), 0);
	assert_int_equal(n, SLOT_REPORT_MAX);
	free(text);
	free(got);
	seg_free(&seg);
}

/* ---- torn reads ---- */

/* Report number <i>: its length and every byte tell the number. */
static size_t fill(char *text, uint32_t i)
{
	size_t n = 1 + i * 7919u % SLOT_REPORT_MAX;

	memset(text, 'a' + (int)(i % 26), n);
	memcpy(text, &i, MIN(n, sizeof(i)));
	return n;
}

static void write_reports(struct slot *slot, uint32_t count)
{
	char *text = malloc(SLOT_REPORT_MAX);

	for (uint32_t i = 1; text && (count == 0 || i <= count); i++) {
		size_t n = fill(text, i);
		slot_report_write(slot, SLOT_REPORT_REQUESTS, i, text, n);
	}
	free(text);
}

/* Reads until report <last> was there; returns how many whole reports it saw, or -1 at a torn
 * one. */
static int read_reports(const struct slot *slot, uint32_t last)
{
	char *got = malloc(SLOT_REPORT_MAX), *expected = malloc(SLOT_REPORT_MAX);
	int whole = 0;

	for (uint32_t number = 0; number < last;) {
		enum slot_report kind;
		size_t n;
		if (slot_report_read(slot, 1, &kind, got, &n))
			continue;
		number = __atomic_load_n(&slot->report_seen, __ATOMIC_ACQUIRE);
		uint32_t found = 0;
		if (n >= sizeof(found))
			memcpy(&found, got, sizeof(found));
		else
			continue;
		if (fill(expected, found) != n || memcmp(got, expected, n) != 0) {
			whole = -1;
			break;
		}
		whole++;
	}
	free(got);
	free(expected);
	return whole;
}

static void *thread_writer(void *arg)
{
	write_reports(arg, 4000);
	return NULL;
}

static void *thread_reader(void *arg)
{
	return (void *)(intptr_t)read_reports(arg, 4000);
}

static void test_not_torn_threads(void **state UNUSED)
{
	struct seg *seg = make(1);
	struct slot *slot = slot_get(slots_attach(seg), 0);
	pthread_t writer, readers[2];
	void *whole = NULL;

	for (size_t i = 0; i < COUNTOF(readers); i++)
		assert_int_equal(pthread_create(&readers[i], NULL, thread_reader, slot), 0);
	assert_int_equal(pthread_create(&writer, NULL, thread_writer, slot), 0);
	pthread_join(writer, NULL);
	for (size_t i = 0; i < COUNTOF(readers); i++) {
		pthread_join(readers[i], &whole);
		assert_true((intptr_t)whole > 0);
	}
	seg_free(&seg);
}

static void test_not_torn_processes(void **state UNUSED)
{
	struct seg *seg = make(1);
	struct slot *slot = slot_get(slots_attach(seg), 0);
	pid_t pid = fork();

	if (pid == 0) {
		write_reports(slot, 20000);
		_exit(0);
	}
	assert_true(read_reports(slot, 20000) > 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	seg_free(&seg);
}

/* Writers that are killed at any moment: a reader sees a whole report or none, and the next
 * process in the slot can write again. */
static void test_killed_writers(void **state UNUSED)
{
	struct seg *seg = make(1);
	struct slots *slots = slots_attach(seg);
	struct slot *slot = slot_get(slots, 0);
	char *got = malloc(SLOT_REPORT_MAX), *expected = malloc(SLOT_REPORT_MAX);
	int odd = 0;

	for (int round = 0; round < 60; round++) {
		enum slot_report kind;
		size_t n;
		pid_t pid = fork();
		if (pid == 0) {
			write_reports(slot, 0);
			_exit(0);
		}
		usleep(1000 + (useconds_t)(round * 37 % 700));
		kill(pid, SIGKILL);
		assert_int_equal(waitpid(pid, NULL, 0), pid);
		odd += slot->report_seq & 1;
		if (slot_report_read(slot, 0, &kind, got, &n) == 0 && n >= 4 &&
		    kind == SLOT_REPORT_REQUESTS) {
			uint32_t found;
			memcpy(&found, got, sizeof(found));
			assert_int_equal(fill(expected, found), n);
			assert_memory_equal(got, expected, n);
		}
		slot_report_write(slot, SLOT_REPORT_PANIC, 0, "after", 5);
		assert_int_equal(slot_report_read(slot, 0, &kind, got, &n), 0);
		assert_int_equal(n, 5);
	}
	print_message("killed within a report: %d of 60\n", odd);
	free(got);
	free(expected);
	seg_free(&seg);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_attach),
		cmocka_unit_test(test_life),
		cmocka_unit_test(test_edges),
		cmocka_unit_test(test_report),
		cmocka_unit_test(test_report_wraps),
		cmocka_unit_test(test_report_cut),
		cmocka_unit_test(test_not_torn_threads),
		cmocka_unit_test(test_not_torn_processes),
		cmocka_unit_test(test_killed_writers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
