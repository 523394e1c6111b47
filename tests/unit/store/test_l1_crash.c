/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Workers that store, find, refresh, drop, stream and evict are killed at random instants, over and
 * over; the master's repair follows. No wrong byte is ever read, and the checker finds nothing.
 *
 *   test_l1_crash [SECONDS [SEED [TEST]]]    seconds per test; a few in all without arguments
 */
#include <signal.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/rng.h"
#include "l1_test.h"

enum {
	SIZE = 4 * 1024 * 1024,
	IDS = 600,
	WORKERS = 3,
	HOLDS = 12, /* references that a worker keeps */
	WRONG = 42, /* exit status */
};

static double seconds = 1.5;
static uint64_t seed = 1;

/* ---- what a worker does ---- */

struct worker {
	struct l1 *l1;
	struct rng rng;
	struct {
		struct l1_ref ref;
		uint64_t id;
	} held[HOLDS];
};

static uint64_t length_of(uint64_t id)
{
	static const uint64_t scale[] = {500, 3000, 14000, 40000, 150000};

	return id * 7919 % scale[id % COUNTOF(scale)];
}

/* What it holds is right, as far as it is there. */
static void verify(struct worker *w, const struct l1_ref *ref, uint64_t id)
{
	enum l1_state state = l1_state(w->l1, ref); /* before the length: it may become whole */
	uint64_t total, n = l1_length(w->l1, ref, &total), file_at;

	if (l1_is_stream(w->l1, ref) || n == 0)
		return;
	uint64_t at = rng_below(&w->rng, n);
	bool right = l1_test_right(w->l1, ref, id, at, MIN(n, at + 3000));
	if (state == L1_WHOLE)
		right = right && n == length_of(id);
	if (!right)
		_exit(WRONG);
	(void)l1_lend(w->l1, ref, at, &file_at);
}

static void store(struct worker *w, uint64_t id)
{
	char buf[KEY_MAX];
	struct l1_new spec =
		l1_test_spec(buf, id, rng_below(&w->rng, 2) ? length_of(id) : STORED_UNKNOWN);
	struct l1_ref ref;

	spec.max_variants = 3;
	spec.vary = str_of("abcd", rng_below(&w->rng, 5));
	if (l1_create(w->l1, &spec, &ref))
		return;
	uint64_t upto = rng_below(&w->rng, 20) ? length_of(id) : length_of(id) / 2;
	if (l1_test_fill(w->l1, &ref, id, upto) == 0 && upto == length_of(id) &&
	    l1_commit(w->l1, &ref, rng_below(&w->rng, 4) ? STR_NONE : STR("T: 1\r\n")) == 0)
		verify(w, &ref, id);
	l1_unpin(w->l1, &ref);
}

static void stream(struct worker *w, uint64_t id)
{
	char buf[KEY_MAX];
	struct l1_new spec = l1_test_spec(buf, id, STORED_UNKNOWN);
	struct l1_ref fill, reader;
	uint64_t at = 0, total;

	if (l1_create(w->l1, &spec, &fill))
		return;
	if (l1_pin(w->l1, &fill, &reader)) {
		(void)l1_test_fill(w->l1, &fill, id, 20000);
		l1_stream(w->l1, &fill);
		for (int i = 0; i < 20; i++) {
			int rc = l1_test_fill(w->l1, &fill, id, at + 100000);
			uint64_t n = l1_length(w->l1, &fill, &total);
			if (rc && rc != ERR_BUSY)
				break;
			if (!l1_test_right(w->l1, &reader, id, at, n))
				_exit(WRONG);
			at = n - rng_below(&w->rng, MIN(n - at, 3000) + 1);
			l1_passed(w->l1, &reader, at);
		}
		l1_unpin(w->l1, &reader);
	}
	l1_unpin(w->l1, &fill);
}

static void refresh(struct worker *w, const struct l1_ref *ref, uint64_t id)
{
	struct stored_meta meta = {
		.lifetime = INT64_C(1) << 40, .status = 200, .last_modified = STORED_NO_DATE};
	struct l1_ref fresh;

	if (l1_state(w->l1, ref) != L1_WHOLE || l1_is_stream(w->l1, ref) ||
	    l1_refresh(w->l1, ref, &meta, STR("New: 1\r\n"), 0, &fresh))
		return;
	verify(w, &fresh, id);
	l1_unpin(w->l1, &fresh);
}

static void work(struct worker *w)
{
	uint64_t id = rng_below(&w->rng, IDS);
	unsigned k = (unsigned)rng_below(&w->rng, HOLDS);
	struct l1_ref *ref = &w->held[k].ref;

	if (ref->object) {
		verify(w, ref, w->held[k].id);
		switch (rng_below(&w->rng, 8)) {
		case 0:
			l1_drop(w->l1, ref);
			break;
		case 1:
		case 2:
			refresh(w, ref, w->held[k].id);
			break;
		}
		l1_unpin(w->l1, ref);
	} else if (rng_below(&w->rng, 40) == 0) {
		stream(w, id);
	} else if (l1_test_find(w->l1, id, ref)) {
		w->held[k].id = id;
	} else {
		store(w, id);
	}
}

static NORETURN void worker(struct seg *seg, unsigned slot, uint64_t number)
{
	struct worker w = {.l1 = l1_attach(seg, slot, 200000)};

	rng_seed(&w.rng, number);
	while (w.l1)
		work(&w);
	_exit(1);
}

static pid_t start(struct seg *seg, unsigned slot, uint64_t number)
{
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		worker(seg, slot, number);
	}
	return pid;
}

/* True if it was still at work. */
static void end(pid_t pid)
{
	int status;

	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (WIFEXITED(status) && WEXITSTATUS(status) == WRONG)
		fail_msg("a worker read wrong bytes");
	if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL)
		fail_msg("a worker ended by itself: status %x", status);
}

/* ---- killing ---- */

struct scene {
	struct seg *seg;
	struct l1 *l1;
	struct rng rng;
	double until;
	unsigned kills;
};

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void open_scene(struct scene *s)
{
	*s = (struct scene){.seg = l1_test_segment(SIZE), .until = now() + seconds};
	s->l1 = l1_attach(s->seg, SLOT_NONE, SIZE);
	assert_non_null(s->l1);
	rng_seed(&s->rng, seed);
}

static void close_scene(struct scene *s, const char *what)
{
	struct l1_figures g;

	l1_figures(s->l1, &g);
	print_message("%s: %u kills, %llu of them held a shard; %llu objects\n", what, s->kills,
		      (unsigned long long)g.recovered_shards, (unsigned long long)g.objects);
	l1_detach(&s->l1);
	seg_free(&s->seg);
}

/* All are killed, repaired after, and the region is whole. */
static void test_kill_all(void **state UNUSED)
{
	struct scene s;
	pid_t pids[WORKERS];

	open_scene(&s);
	while (now() < s.until) {
		unsigned n = 1 + (unsigned)rng_below(&s.rng, WORKERS);
		for (unsigned i = 0; i < n; i++)
			pids[i] = start(s.seg, i, rng_next(&s.rng));
		for (unsigned i = 0; i < n; i++) {
			usleep((useconds_t)rng_below(&s.rng, 1500));
			end(pids[i]);
			s.kills++;
			if (rng_below(&s.rng, 2))
				l1_recover(s.seg, i, NULL);
		}
		for (unsigned i = 0; i < n; i++)
			l1_recover(s.seg, i, NULL);
		l1_test_whole(s.l1, L1_CHECK_IDLE | (s.kills % 8 ? 0 : L1_CHECK_SUMS));
	}
	l1_test_whole(s.l1, L1_CHECK_IDLE | L1_CHECK_SUMS);
	close_scene(&s, "all");
}

/* One after the other is killed and replaced, while the others go on. */
static void test_kill_one(void **state UNUSED)
{
	struct scene s;
	pid_t pids[WORKERS];

	open_scene(&s);
	for (unsigned i = 0; i < WORKERS; i++)
		pids[i] = start(s.seg, i, rng_next(&s.rng));
	while (now() < s.until) {
		unsigned i = (unsigned)rng_below(&s.rng, WORKERS);
		usleep((useconds_t)rng_below(&s.rng, 1000));
		end(pids[i]);
		s.kills++;
		l1_recover(s.seg, i, NULL);
		pids[i] = start(s.seg, i, rng_next(&s.rng));
	}
	for (unsigned i = 0; i < WORKERS; i++) {
		end(pids[i]);
		l1_recover(s.seg, i, NULL);
	}
	l1_test_whole(s.l1, L1_CHECK_IDLE | L1_CHECK_SUMS);
	close_scene(&s, "one");
}

/* Stopped behind a given number of instructions: also where a process rarely is. */
static void step_and_kill(struct scene *s, unsigned skip, unsigned steps)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		struct worker w = {.l1 = l1_attach(s->seg, 0, 200000)};
		rng_seed(&w.rng, rng_next(&s->rng));
		for (unsigned i = 0; i < skip; i++)
			work(&w);
		ptrace(PTRACE_TRACEME, 0, NULL, NULL);
		raise(SIGSTOP);
		for (;;)
			work(&w);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (!WIFSTOPPED(status))
		fail_msg("status %x", status);
	for (unsigned i = 0; i < steps; i++) {
		assert_int_equal(ptrace(PTRACE_SINGLESTEP, pid, NULL, NULL), 0);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		if (!WIFSTOPPED(status) || WSTOPSIG(status) != SIGTRAP)
			fail_msg("step %u: status %x", i, status);
	}
	end(pid);
	s->kills++;
}

static void test_kill_stepping(void **state UNUSED)
{
	struct scene s;

	open_scene(&s);
	while (now() < s.until) {
		step_and_kill(&s, (unsigned)rng_below(&s.rng, 60),
			      (unsigned)rng_below(&s.rng, 4000));
		(void)rng_next(&s.rng);
		l1_recover(s.seg, 0, NULL);
		l1_test_whole(s.l1, L1_CHECK_IDLE);
	}
	l1_test_whole(s.l1, L1_CHECK_IDLE | L1_CHECK_SUMS);
	close_scene(&s, "stepping");
}

/* What is left behind is taken over by the next program. */
static void test_revive(void **state UNUSED)
{
	struct scene s;
	pid_t pids[WORKERS];

	open_scene(&s);
	for (int round = 0; round < 30; round++) {
		struct l1_figures before, after;
		for (unsigned i = 0; i < WORKERS; i++)
			pids[i] = start(s.seg, i, rng_next(&s.rng));
		usleep(10000);
		for (unsigned i = 0; i < WORKERS; i++)
			end(pids[i]);
		s.kills += WORKERS;
		if (round % 2)
			for (unsigned i = 0; i < WORKERS; i++)
				l1_recover(s.seg, i, NULL);
		l1_figures(s.l1, &before);
		l1_detach(&s.l1);
		assert_int_equal(l1_revive(s.seg), 0);
		s.l1 = l1_attach(s.seg, SLOT_NONE, SIZE);
		l1_test_whole(s.l1, L1_CHECK_IDLE | L1_CHECK_SUMS);
		l1_figures(s.l1, &after);
		assert_int_equal(after.pins, 0);
		if (round % 2)
			assert_int_equal(before.objects, after.objects);
		assert_true(after.objects > 10);
	}
	close_scene(&s, "revive");
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kill_all),
		cmocka_unit_test(test_kill_one),
		cmocka_unit_test(test_kill_stepping),
		cmocka_unit_test(test_revive),
	};

	if (argc > 1)
		seconds = atof(argv[1]);
	if (argc > 2)
		seed = strtoull(argv[2], NULL, 10);
	if (argc > 3)
		cmocka_set_test_filter(argv[3]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
