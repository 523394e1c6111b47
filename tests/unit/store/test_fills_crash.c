/* SPDX-License-Identifier: BSD-2-Clause */
/* Fills between processes: no wake-up is lost when leader and watchers race; leaders and
 * watchers that are killed leave nothing behind. */
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/rng.h"
#include "net/doorbell.h"
#include "shm/seg.h"
#include "shm/slots.h"
#include "store/fills.h"

enum {
	ROUNDS = 200,	 /* fills, one after the other */
	STEPS = 200,	 /* steps of each */
	FOLLOWERS = 3,	 /* processes that follow each of them */
	PATIENCE = 5000, /* ms without a ring after which a wake-up counts as lost */
};

static struct seg *seg;
static int bells[SLOT_MAX];

/* What the leader publishes in place of an object's length. */
static struct shared {
	uint64_t length;
	uint32_t round;
	uint32_t lead_entry, lead_number; /* the ticket of the round */
	uint32_t joined;		  /* followers that watch */
	uint32_t done;			  /* followers that saw the end */
} * shared;

static int setup(void **state)
{
	struct seg_spec spec = {SEG_FILLS, fills_region_bytes(), fills_region_layout()};

	(void)state;
	if (seg_create(&spec, 1, &seg))
		return -1;
	fills_format(seg);
	for (unsigned i = 0; i < SLOT_MAX; i++)
		bells[i] = i <= FOLLOWERS ? doorbell_new() : -1;
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		      0);
	return shared == MAP_FAILED ? -1 : 0;
}

static int teardown(void **state)
{
	(void)state;
	munmap(shared, sizeof(*shared));
	for (unsigned i = 0; i <= FOLLOWERS; i++)
		close(bells[i]);
	seg_free(&seg);
	return 0;
}

static struct l1_hash key(uint64_t n)
{
	return (struct l1_hash){.hi = n * UINT64_C(0x9e3779b97f4a7c15), .lo = n};
}

static uint32_t get(const uint32_t *word)
{
	return __atomic_load_n(word, __ATOMIC_ACQUIRE);
}

/* A child goes with its parent: a failed test does not wait. */
static pid_t fork_child(void)
{
	pid_t pid = fork();

	if (pid == 0)
		prctl(PR_SET_PDEATHSIG, SIGKILL);
	return pid;
}

/* ---- the race ---- */

struct follower {
	struct fills *f;
	unsigned slot;
	struct fill_watch w;
	bool moved;
};

static void on_moved(void *arg)
{
	((struct follower *)arg)->moved = true;
}

/* Sleeps as a worker's loop does; false: nobody rang. */
static bool sleep_until_rung(struct follower *me)
{
	struct pollfd p = {.fd = bells[me->slot], .events = POLLIN};

	while (!me->moved) {
		if (!fills_due(me->f) && poll(&p, 1, PATIENCE) <= 0)
			return false;
		(void)doorbell_answer(bells[me->slot]);
		fills_turn(me->f);
	}
	me->moved = false;
	return true;
}

/* Follows one fill to its end; the length never goes back, and at the end is whole. */
static int follow(struct follower *me, const struct fill_ticket *t)
{
	uint64_t seen = 0;

	fills_watch(me->f, &me->w, t, on_moved, me);
	__atomic_fetch_add(&shared->joined, 1, __ATOMIC_ACQ_REL);
	for (;;) {
		struct fill_state s;
		fills_state(me->f, t, &s);
		uint64_t length = __atomic_load_n(&shared->length, __ATOMIC_ACQUIRE);
		if (length < seen)
			return 2;
		seen = length;
		if (s.phase == FILL_ENDED)
			break;
		/* some steps are waited for at once, some after a pause of no particular length */
		for (unsigned spin = (unsigned)(seen * 7919 % 400); spin; spin--)
			__asm__ volatile("");
		if (!sleep_until_rung(me))
			return 3;
	}
	fills_unwatch(me->f, &me->w);
	return seen == STEPS ? 0 : 4;
}

static NORETURN void be_follower(unsigned slot)
{
	struct follower me = {.f = fills_attach(seg, slot, bells), .slot = slot};
	int rc = me.f ? 0 : 1;

	for (uint32_t round = 1; round <= ROUNDS && rc == 0; round++) {
		while (get(&shared->round) < round)
			usleep(20);
		struct fill_ticket t = {.entry = shared->lead_entry, .number = shared->lead_number};
		rc = follow(&me, &t);
		__atomic_fetch_add(&shared->done, 1, __ATOMIC_ACQ_REL);
	}
	_exit(rc);
}

static void lead_round(struct fills *f, uint32_t round, struct rng *rng)
{
	struct l1_hash k = key(round);
	struct fill_ticket t;

	assert_int_equal(fills_join(f, &k, false, &t), FILLS_LEAD);
	__atomic_store_n(&shared->length, 0, __ATOMIC_RELEASE);
	__atomic_store_n(&shared->joined, 0, __ATOMIC_RELEASE);
	__atomic_store_n(&shared->done, 0, __ATOMIC_RELEASE);
	shared->lead_entry = t.entry;
	shared->lead_number = t.number;
	__atomic_store_n(&shared->round, round, __ATOMIC_RELEASE);
	/* half of the rounds begin while followers are still on their way */
	while (round % 2 && get(&shared->joined) < FOLLOWERS)
		usleep(20);
	for (uint64_t i = 1; i <= STEPS; i++) {
		__atomic_store_n(&shared->length, i, __ATOMIC_RELEASE);
		fills_progress(f, &t);
		for (uint64_t spin = rng_below(rng, 300); spin; spin--)
			__asm__ volatile("");
		/* stand still now and then: if a wake-up of the last step was lost, nothing hides it */
		if (i % 50 == 0)
			usleep(200);
	}
	fills_end(f, &t, FILL_RESULT_STORED, 0);
}

static void test_no_wakeup_is_lost(void **state UNUSED)
{
	struct fills *f = fills_attach(seg, 0, bells);
	pid_t pids[FOLLOWERS];
	struct rng rng;
	int status;

	assert_non_null(f);
	rng_seed(&rng, 42);
	for (unsigned i = 0; i < FOLLOWERS; i++) {
		pids[i] = fork_child();
		if (pids[i] == 0)
			be_follower(i + 1);
	}
	for (uint32_t round = 1; round <= ROUNDS; round++) {
		lead_round(f, round, &rng);
		for (unsigned ms = 0; get(&shared->done) < FOLLOWERS; ms++) {
			assert_true(ms < 4 * PATIENCE);
			usleep(1000);
		}
	}
	for (unsigned i = 0; i < FOLLOWERS; i++) {
		assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
		assert_int_equal(status, 0);
	}
	fills_detach(&f);
}

/* ---- the same at its narrowest: one step against one watch ---- */

enum { DUELS = 100000 };

/* Both processes spin, to come as close together as can be; they give way now and then, for machines
 * with one processor. */
static void meet(uint32_t *mine, const uint32_t *other, uint32_t round)
{
	__atomic_store_n(mine, round, __ATOMIC_RELEASE);
	for (unsigned i = 1; get(other) < round; i++)
		if (i % 1024 == 0)
			usleep(1);
}

static void spin(uint64_t n)
{
	for (; n; n--)
		__asm__ volatile("");
}

static NORETURN void be_dueller(void)
{
	struct fills *f = fills_attach(seg, 1, bells);
	struct follower me = {.f = f, .slot = 1};
	struct l1_hash k = key(1);
	struct fill_ticket t;
	struct rng rng;

	rng_seed(&rng, 2);
	if (fills_join(f, &k, false, &t) != FILLS_WAIT)
		_exit(1);
	for (uint32_t round = 1; round <= DUELS; round++) {
		meet(&shared->joined, &shared->round, 2 * round);
		fills_turn(f); /* what is left of the last round's bell */
		spin(rng_below(&rng, 100));
		fills_watch(f, &me.w, &t, on_moved, &me);
		uint64_t saw = __atomic_load_n(&shared->length, __ATOMIC_RELAXED);
		meet(&shared->joined, &shared->round, 2 * round + 1);
		/* the leader has made its step: it was seen, or the bell is set */
		if (saw != round && !fills_due(f))
			_exit(2);
		fills_turn(f);
		fills_unwatch(f, &me.w);
	}
	_exit(0);
}

/* Until the other is there, or dead. */
static void await(uint32_t round, pid_t pid)
{
	for (unsigned i = 1; get(&shared->joined) < round; i++) {
		siginfo_t info = {.si_pid = 0};
		if (i % 4096 == 0 &&
		    waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
		    info.si_pid == pid)
			return;
	}
}

static void test_step_against_watch(void **state UNUSED)
{
	struct fills *f = fills_attach(seg, 0, bells);
	struct l1_hash k = key(1);
	struct fill_ticket t;
	struct rng rng;
	int status;

	rng_seed(&rng, 1);
	memset(shared, 0, sizeof(*shared));
	assert_int_equal(fills_join(f, &k, false, &t), FILLS_LEAD);
	pid_t pid = fork_child();
	if (pid == 0)
		be_dueller();
	for (uint32_t round = 1; round <= DUELS; round++) {
		fills_progress(f, &t); /* takes off what is left of the last round */
		__atomic_store_n(&shared->round, 2 * round, __ATOMIC_RELEASE);
		await(2 * round, pid);
		spin(rng_below(&rng, 100));
		__atomic_store_n(&shared->length, round, __ATOMIC_RELAXED);
		fills_progress(f, &t);
		__atomic_store_n(&shared->round, 2 * round + 1, __ATOMIC_RELEASE);
		await(2 * round + 1, pid);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	fills_end(f, &t, FILL_RESULT_STORED, 0);
	fills_detach(&f);
}

/* ---- deaths ---- */

/* Leads, tells and ends fills of few keys, until it is killed. */
static NORETURN void be_busy(unsigned slot)
{
	struct fills *f = fills_attach(seg, slot, bells);
	struct follower me = {.f = f, .slot = slot};
	struct rng rng;

	rng_seed(&rng, (uint64_t)getpid());
	for (;;) {
		struct l1_hash k = key(rng_below(&rng, 40));
		struct fill_ticket t;
		enum fills_join rc = fills_join(f, &k, rng_below(&rng, 2), &t);
		if (rc == FILLS_WAIT) {
			fills_watch(f, &me.w, &t, on_moved, &me);
			fills_turn(f);
			fills_unwatch(f, &me.w);
		}
		if (rc != FILLS_LEAD)
			continue;
		fills_object(f, &t, 1);
		fills_progress(f, &t);
		fills_end(f, &t, (enum fill_result)rng_below(&rng, 4), NS_PER_MS);
	}
}

/* Any moment will do for a death: afterwards every key can be led, and the counts are right. */
static void test_killed_at_any_moment(void **state UNUSED)
{
	struct fills *f = fills_attach(seg, 0, bells);
	struct fills_figures n;
	struct rng rng;

	assert_non_null(f);
	rng_seed(&rng, 7);
	for (unsigned i = 0; i < 150; i++) {
		pid_t pids[2];
		for (unsigned j = 0; j < 2; j++) {
			pids[j] = fork_child();
			if (pids[j] == 0)
				be_busy(j + 1);
		}
		usleep((useconds_t)(500 + rng_below(&rng, 4000)));
		kill(pids[0], SIGKILL);
		assert_int_equal(waitpid(pids[0], NULL, 0), pids[0]);
		fills_recover(seg, 1, bells); /* the other one goes on meanwhile */
		kill(pids[1], SIGKILL);
		assert_int_equal(waitpid(pids[1], NULL, 0), pids[1]);
		fills_recover(seg, 2, bells);
		fills_figures(f, &n);
		assert_int_equal(n.in_flight, 0);
		for (unsigned k = 0; k < 40; k++) {
			struct l1_hash h = key(k);
			struct fill_ticket t;
			assert_int_equal(fills_join(f, &h, true, &t), FILLS_LEAD);
			fills_unmark(f, &h);
			fills_end(f, &t, FILL_RESULT_STORED, 0);
		}
	}
	fills_figures(f, &n);
	assert_true(n.led > 150 * 40);
	fills_detach(&f);
}

/* The leader of a fill that others sleep on is killed: recovery wakes them, one of them leads. */
static void test_killed_leader_wakes_all(void **state UNUSED)
{
	struct l1_hash k = key(1);
	struct follower me = {.f = fills_attach(seg, 2, bells), .slot = 2};
	struct fill_ticket t;
	struct fill_state s;
	pid_t pid = fork_child();

	if (pid == 0) {
		struct fills *f = fills_attach(seg, 1, bells);
		int rc = fills_join(f, &k, false, &t);
		__atomic_store_n(&shared->joined, (uint32_t)rc, __ATOMIC_RELEASE);
		for (;;)
			pause();
	}
	for (unsigned ms = 0; !get(&shared->joined) && ms < PATIENCE; ms++)
		usleep(1000);
	assert_int_equal(get(&shared->joined), FILLS_LEAD);
	assert_int_equal(fills_join(me.f, &k, false, &t), FILLS_WAIT);
	fills_watch(me.f, &me.w, &t, on_moved, &me);
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	fills_recover(seg, 1, bells);
	assert_true(sleep_until_rung(&me));
	fills_state(me.f, &t, &s);
	assert_int_equal(s.phase, FILL_ENDED);
	assert_int_equal(s.result, FILL_RESULT_UNKNOWN);
	fills_unwatch(me.f, &me.w);
	assert_int_equal(fills_join(me.f, &k, false, &t), FILLS_LEAD);
	fills_end(me.f, &t, FILL_RESULT_STORED, 0);
	fills_detach(&me.f);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_no_wakeup_is_lost),
		TEST(test_step_against_watch),
		TEST(test_killed_at_any_moment),
		TEST(test_killed_leader_wakes_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
