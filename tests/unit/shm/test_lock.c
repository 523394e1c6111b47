/* SPDX-License-Identifier: BSD-2-Clause */
/* Locks: mutual exclusion between processes, and owners that are killed. Built twice: as it is, and
 * with slow checks, where a wrong order of ranks fails an assert. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/err.h"
#include "shm/lock.h"

/* What the locks of the test protect: two numbers that must be equal. */
struct shared {
	struct lock locks[LOCK_KIND_COUNT];
	struct lock twin; /* of the same row as UPSTREAM */
	uint64_t a, b;
	uint32_t holding; /* set by a child that has the lock */
};

static struct shared *make(void)
{
	struct shared *s =
		mmap(NULL, sizeof(*s), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	assert_ptr_not_equal(s, MAP_FAILED);
	for (unsigned kind = 1; kind < LOCK_KIND_COUNT; kind++)
		lock_init(&s->locks[kind], (enum lock_kind)kind);
	lock_init(&s->twin, LOCK_UPSTREAM);
	return s;
}

static void unmake(struct shared *s)
{
	munmap(s, sizeof(*s));
}

static void wait_until(const uint32_t *flag)
{
	for (int i = 0; i < 5000 && !__atomic_load_n(flag, __ATOMIC_ACQUIRE); i++)
		usleep(1000);
	assert_true(__atomic_load_n(flag, __ATOMIC_ACQUIRE));
}

static void test_take_and_give(void **state UNUSED)
{
	struct shared *s = make();
	enum lock_rc rc = 0;

	for (unsigned kind = 1; kind < LOCK_KIND_COUNT; kind++) {
		assert_int_equal(lock_take(&s->locks[kind]), LOCK_TAKEN);
		lock_give(&s->locks[kind]);
		assert_int_equal(lock_try(&s->locks[kind], &rc), 0);
		assert_int_equal(rc, LOCK_TAKEN);
		lock_give(&s->locks[kind]);
		assert_string_not_equal(lock_kind_name(kind), "unknown");
		assert_true(lock_kind_rank(kind) > 0);
	}
	unmake(s);
}

/* Takes the lock, leaves the numbers unequal, tells so and waits to be killed. */
static NORETURN void child_hold(struct shared *s, struct lock *lock)
{
	if (lock_take(lock) == LOCK_RECOVERED)
		s->b = s->a;
	s->a++;
	__atomic_store_n(&s->holding, 1, __ATOMIC_RELEASE);
	for (;;)
		pause();
}

/* Each lock of the table: its owner is killed, the next taker is told and repairs. */
static void test_killed_owner(void **state UNUSED)
{
	struct shared *s = make();

	for (unsigned kind = 1; kind < LOCK_KIND_COUNT; kind++) {
		struct lock *lock = &s->locks[kind];
		enum lock_rc rc;
		s->holding = 0;
		pid_t pid = fork();
		if (pid == 0)
			child_hold(s, lock);
		wait_until(&s->holding);
		assert_int_equal(lock_try(lock, &rc), ERR_BUSY);
		kill(pid, SIGKILL);
		assert_int_equal(waitpid(pid, NULL, 0), pid);
		assert_int_equal(lock_take(lock), LOCK_RECOVERED);
		assert_true(s->a != s->b);
		s->b = s->a;
		lock_give(lock);
		assert_int_equal(lock->recovered, 1);
		assert_int_equal(lock_take(lock), LOCK_TAKEN); /* told once */
		assert_true(s->a == s->b);
		lock_give(lock);
	}
	unmake(s);
}

/* The one that repairs is killed too: the next one is told again. */
static void test_killed_repairer(void **state UNUSED)
{
	struct shared *s = make();
	struct lock *lock = &s->locks[LOCK_UPSTREAM];
	enum lock_rc rc = 0;

	for (int i = 0; i < 3; i++) {
		s->holding = 0;
		pid_t pid = fork();
		if (pid == 0)
			child_hold(s, lock);
		wait_until(&s->holding);
		kill(pid, SIGKILL);
		assert_int_equal(waitpid(pid, NULL, 0), pid);
	}
	assert_int_equal(lock_try(lock, &rc), 0);
	assert_int_equal(rc, LOCK_RECOVERED);
	assert_int_equal(lock->recovered, 3);
	lock_give(lock);
	unmake(s);
}

/* A waiter that is asleep in the lock is woken by the owner's death. */
static void test_waiter_is_woken(void **state UNUSED)
{
	struct shared *s = make();
	struct lock *lock = &s->locks[LOCK_UPSTREAM];
	int status = -1;
	pid_t owner = fork();

	if (owner == 0)
		child_hold(s, lock);
	wait_until(&s->holding);
	pid_t waiter = fork();
	if (waiter == 0) {
		alarm(10);
		enum lock_rc rc = lock_take(lock);
		s->b = s->a;
		lock_give(lock);
		_exit(rc == LOCK_RECOVERED ? 0 : 1);
	}
	usleep(50 * 1000); /* most likely asleep by now; correct in any case */
	kill(owner, SIGKILL);
	assert_int_equal(waitpid(owner, NULL, 0), owner);
	assert_int_equal(waitpid(waiter, &status, 0), waiter);
	assert_int_equal(status, 0);
	unmake(s);
}

static void count_up(struct shared *s, unsigned rounds)
{
	for (unsigned i = 0; i < rounds; i++) {
		if (lock_take(&s->locks[LOCK_UPSTREAM]) == LOCK_RECOVERED)
			s->b = s->a;
		/* Not atomic on purpose: only the lock keeps this right. */
		volatile uint64_t *a = &s->a, *b = &s->b;
		*a = *a + 1;
		*b = *b + 1;
		lock_give(&s->locks[LOCK_UPSTREAM]);
	}
}

static void test_exclusion(void **state UNUSED)
{
	enum { CHILDREN = 4, ROUNDS = 20000 };
	struct shared *s = make();
	pid_t pids[CHILDREN];

	for (int i = 0; i < CHILDREN; i++) {
		pids[i] = fork();
		if (pids[i] == 0) {
			count_up(s, ROUNDS);
			_exit(0);
		}
	}
	for (int i = 0; i < CHILDREN; i++)
		assert_int_equal(waitpid(pids[i], NULL, 0), pids[i]);
	assert_int_equal(s->a, CHILDREN * ROUNDS);
	assert_int_equal(s->b, CHILDREN * ROUNDS);
	unmake(s);
}

/* Processes that count and are killed at random moments: the lock survives all of them, and the
 * numbers agree whenever it is held. */
static void test_killed_at_random(void **state UNUSED)
{
	struct shared *s = make();
	unsigned recovered = 0;

	for (int round = 0; round < 100; round++) {
		pid_t pid = fork();
		if (pid == 0) {
			count_up(s, UINT32_MAX);
			_exit(0);
		}
		usleep(500 + (useconds_t)(round * 61 % 900));
		kill(pid, SIGKILL);
		assert_int_equal(waitpid(pid, NULL, 0), pid);
		if (lock_take(&s->locks[LOCK_UPSTREAM]) == LOCK_RECOVERED) {
			recovered++;
			s->b = s->a;
		}
		assert_int_equal(s->a, s->b);
		lock_give(&s->locks[LOCK_UPSTREAM]);
	}
	print_message("killed holding the lock: %u of 100\n", recovered);
	unmake(s);
}

/* Runs <fn> in a child; true if it died of an assert. */
static bool aborts(void (*fn)(struct shared *), struct shared *s)
{
	int status = 0;
	pid_t pid = fork();

	if (pid == 0) {
		close(STDERR_FILENO);
		signal(SIGABRT, SIG_DFL);
		fn(s);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
}

static void one_after_the_other(struct shared *s)
{
	for (int i = 0; i < 2; i++) {
		struct lock *lock = i ? &s->twin : &s->locks[LOCK_UPSTREAM];
		if (lock_take(lock) != LOCK_TAKEN)
			_exit(1);
		lock_give(lock);
	}
}

/* Two of one rank at a time: two processes could wait for each other. */
static void both(struct shared *s)
{
	if (lock_take(&s->locks[LOCK_UPSTREAM]) != LOCK_TAKEN || lock_take(&s->twin) != LOCK_TAKEN)
		_exit(1);
	lock_give(&s->twin);
	lock_give(&s->locks[LOCK_UPSTREAM]);
}

static void give_what_is_not_ours(struct shared *s)
{
	lock_give(&s->locks[LOCK_UPSTREAM]);
}

static void test_misuse(void **state UNUSED)
{
	struct shared *s = make();

	assert_false(aborts(one_after_the_other, s));
	assert_true(aborts(give_what_is_not_ours, s));
#ifdef SLOW_CHECKS
	assert_true(aborts(both, s));
#else
	assert_false(aborts(both, s));
#endif
	unmake(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_take_and_give),	cmocka_unit_test(test_killed_owner),
		cmocka_unit_test(test_killed_repairer), cmocka_unit_test(test_waiter_is_woken),
		cmocka_unit_test(test_exclusion),	cmocka_unit_test(test_killed_at_random),
		cmocka_unit_test(test_misuse),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
