/* SPDX-License-Identifier: BSD-2-Clause */
/* The loop: timers on a clock that stands still, deferred tasks, descriptors, signals. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/clock.h"
#include "net/loop.h"

enum { TIMERS = 4 };

static struct loop *loop;
static struct buf trace;
static struct loop_timer kick, timers[TIMERS];
static struct loop_task tasks[3];
static const int64_t t0 = 1000 * NS_PER_S;

static void note(void *arg)
{
	buf_char(&trace, *(const char *)arg);
}

static void nothing(void *arg)
{
	(void)arg;
}

static void set(unsigned i, int64_t ms)
{
	static const char names[] = "abcd";

	loop_timer_set(loop, &timers[i], t0 + ms * NS_PER_MS, note, (void *)&names[i]);
}

/* Lets the clock jump there and the timers run: a timer that is long due wakes the loop. */
static void jump(int64_t ms)
{
	loop_timer_set(loop, &kick, 1, nothing, NULL);
	clock_set(t0 + ms * NS_PER_MS, t0);
	for (unsigned i = 0; loop_timer_is_set(&kick) && i < 100; i++)
		loop_turn(loop, true);
	assert_false(loop_timer_is_set(&kick));
}

static void expect(const char *want)
{
	buf_char(&trace, 0);
	assert_string_equal(trace.p, want);
	buf_reset(&trace);
}

static void test_timer_order(void **state)
{
	(void)state;
	set(0, 300);
	set(1, 100);
	set(2, 200);
	set(3, 100000); /* many wheel rounds: 512 * 16 ms is one */
	jump(99);
	expect("");
	jump(120);
	expect("b");
	jump(400);
	expect("ca");
	for (int64_t ms = 4000; ms < 100000; ms += 4000)
		jump(ms);
	expect("");
	jump(99999);
	expect("");
	jump(100020);
	expect("d");
}

static void test_timer_moves(void **state)
{
	(void)state;
	set(0, 100);
	set(0, 500); /* later: moves when found */
	set(1, 500);
	set(1, 100); /* earlier: at once */
	set(2, 100);
	loop_timer_clear(loop, &timers[2]);
	loop_timer_clear(loop, &timers[2]);
	assert_false(loop_timer_is_set(&timers[2]));
	jump(150);
	expect("b");
	assert_true(loop_timer_is_set(&timers[0]));
	jump(499);
	expect("");
	jump(520);
	expect("a");
	assert_false(loop_timer_is_set(&timers[0]));
}

static void test_long_sleep(void **state)
{
	(void)state;
	set(0, 50);
	set(1, 9000);
	set(2, 70000);
	set(3, 10000000);
	jump(3600000);
	assert_int_equal(trace.n, 3);
	buf_reset(&trace);
	jump(10000100);
	expect("d");
}

static void set_again(void *arg)
{
	buf_char(&trace, 'x');
	loop_timer_clear(loop, &timers[1]); /* due in the same tick */
	loop_timer_set(loop, &timers[0], clock_mono() + 50 * NS_PER_MS, set_again, arg);
}

static void test_set_in_callback(void **state)
{
	(void)state;
	loop_timer_set(loop, &timers[0], t0 + 100 * NS_PER_MS, set_again, NULL);
	set(1, 100);
	jump(120);
	expect("x");
	jump(160);
	expect("");
	jump(200);
	expect("x");
	loop_timer_clear(loop, &timers[0]);
}

static void defer_again(void *arg)
{
	buf_char(&trace, '1');
	loop_undefer(loop, &tasks[1]);
	loop_defer(loop, &tasks[2], note, arg);
}

static void test_tasks(void **state)
{
	(void)state;
	loop_defer(loop, &tasks[0], defer_again, "3");
	loop_defer(loop, &tasks[0], note, "!"); /* already waits */
	loop_defer(loop, &tasks[1], note, "2");
	loop_turn(loop, true); /* does not block while tasks wait */
	expect("1");
	loop_turn(loop, true); /* what a task defers runs in the next turn */
	expect("3");
	loop_turn(loop, false);
	expect("");
}

static unsigned seen, calls;

static void on_io(void *arg, unsigned what)
{
	(void)arg;
	seen |= what;
	calls++;
}

static void test_io(void **state)
{
	struct loop_io io = {0};
	char byte;
	int fd[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fd), 0);
	assert_int_equal(loop_io_add(loop, &io, fd[0], on_io, NULL), 0);
	seen = calls = 0;
	loop_turn(loop, true);
	assert_int_equal(seen, LOOP_WRITE);
	loop_turn(loop, false);
	assert_int_equal(calls, 1); /* an edge is told once */
	assert_int_equal(write(fd[1], "ab", 2), 2);
	loop_turn(loop, true);
	assert_true(seen & LOOP_READ);
	assert_int_equal(read(fd[0], &byte, 1), 1);
	calls = 0;
	loop_turn(loop, false);
	assert_int_equal(calls, 0); /* though a byte is left */
	shutdown(fd[1], SHUT_WR);
	loop_turn(loop, true);
	assert_true(seen & LOOP_HUP);
	loop_io_del(&io);
	loop_io_del(&io);
	calls = 0;
	assert_int_equal(loop_io_add_level(loop, &io, fd[0], on_io, NULL), 0);
	loop_turn(loop, true);
	loop_turn(loop, true);
	assert_int_equal(calls, 2); /* level: as long as there is something */
	loop_io_del(&io);
	close(fd[0]);
	close(fd[1]);
}

static void on_signal(void *arg, int signo)
{
	*(int *)arg = signo;
	loop_stop(loop);
}

static void test_signal(void **state)
{
	int got = 0;

	(void)state;
	assert_int_equal(loop_signal(loop, SIGUSR1, on_signal, &got), 0);
	raise(SIGUSR1);
	loop_run(loop);
	assert_int_equal(got, SIGUSR1);
}

static int setup(void **state)
{
	(void)state;
	alarm(20);
	clock_set(t0, t0);
	loop = loop_new();
	return loop ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	memset(timers, 0, sizeof(timers));
	loop_free(&loop);
	buf_fini(&trace);
	return 0;
}

#define CASE(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_timer_order),	    CASE(test_timer_moves), CASE(test_long_sleep),
		CASE(test_set_in_callback), CASE(test_tasks),	    CASE(test_io),
		CASE(test_signal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
