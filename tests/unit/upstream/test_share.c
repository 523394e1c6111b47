/* SPDX-License-Identifier: BSD-2-Clause */
/* What workers share about upstreams (cells), and the balancers that look at it. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "shm/recover.h"
#include "shm/seg.h"
#include "shm/slots.h"
#include "upstream/cells.h"
#include "upstream/lb.h"

static struct seg *seg;
static struct cells *cells;

static int setup(void **state)
{
	struct seg_spec spec = {SEG_UPSTREAMS, upstream_region_bytes(), upstream_region_layout()};

	(void)state;
	if (seg_create(&spec, 1, &seg))
		return -1;
	cells = cells_attach(seg);
	return cells ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	seg_free(&seg);
	return 0;
}

static void test_limits(void **state)
{
	(void)state;
	assert_true(cells_conn_take(cells, 1, 0, 3));
	assert_true(cells_conn_take(cells, 1, 5, 3));
	assert_true(cells_conn_take(cells, 1, 5, 3));
	assert_false(cells_conn_take(cells, 1, 0, 3)); /* exact over all slots */
	assert_false(cells_conn_take(cells, 1, 2, 3));
	assert_true(cells_conn_take(cells, 2, 2, 3)); /* another upstream */
	assert_int_equal(cells_conns(cells, 1), 3);
	cells_conn_give(cells, 1, 5);
	assert_true(cells_conn_take(cells, 1, 2, 3));
	assert_false(cells_conn_take(cells, 1, 5, 3));
	assert_false(cells_conn_take(cells, 3, 0, 0));
	assert_true(cells_queue_enter(cells, 1, 0, 1));
	assert_false(cells_queue_enter(cells, 1, 5, 1));
	cells_queue_leave(cells, 1, 0);
	assert_true(cells_queue_enter(cells, 1, 5, 1));
	cells_conn_give(cells, 4, 0); /* one too many does not wrap */
	assert_int_equal(cells_conns(cells, 4), 0);
}

static void test_longest_waiting(void **state)
{
	static const struct {
		unsigned slot;
		int64_t since;
		unsigned want;
	} rows[] = {
		{0, 0, 3}, {0, 50, SLOT_NONE}, {0, 150, 3}, {3, 0, 1}, {3, 200, SLOT_NONE},
	};

	(void)state;
	assert_true(cells_conn_take(cells, 0, 4, 1)); /* slots 0-4 are in use */
	assert_int_equal(cells_longest_waiting(cells, 0, 0, 0), SLOT_NONE);
	cells_set_oldest(cells, 0, 1, 200);
	cells_set_oldest(cells, 0, 3, 100);
	for (size_t i = 0; i < COUNTOF(rows); i++)
		assert_int_equal(cells_longest_waiting(cells, 0, rows[i].slot, rows[i].since),
				 rows[i].want);
	cells_set_oldest(cells, 0, 3, 0);
	assert_int_equal(cells_longest_waiting(cells, 0, 0, 0), 1);
}

static void take_and_die(unsigned slot)
{
	bool ok = cells_conn_take(cells, 1, slot, 10) && cells_conn_take(cells, 1, slot, 10) &&
		  cells_queue_enter(cells, 1, slot, 10);

	cells_set_oldest(cells, 1, slot, 7);
	cells_active_add(cells, 9, slot, 4);
	if (ok)
		kill(getpid(), SIGKILL);
	_exit(1);
}

static void test_dead_worker(void **state)
{
	int status;

	(void)state;
	assert_true(cells_conn_take(cells, 1, 0, 10));
	cells_active_add(cells, 9, 0, 1);
	pid_t pid = fork();
	if (pid == 0)
		take_and_die(1);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	assert_int_equal(cells_conns(cells, 1), 3);
	assert_int_equal(cells_active(cells, 9), 5);
	assert_int_equal(cells_longest_waiting(cells, 1, 0, 0), 1);
	for (unsigned i = 0; i < 2; i++) { /* safe to run twice */
		recover_slot(seg, 1);
		assert_int_equal(cells_conns(cells, 1), 1);
		assert_int_equal(cells_active(cells, 9), 1);
		assert_int_equal(cells_longest_waiting(cells, 1, 0, 0), SLOT_NONE);
		assert_true(cells_queue_enter(cells, 1, 0, 1));
		cells_queue_leave(cells, 1, 0);
	}
}

static unsigned take_all(unsigned slot, unsigned tries)
{
	unsigned n = 0;

	for (unsigned i = 0; i < tries; i++)
		n += cells_conn_take(cells, 1, slot, 100);
	return n;
}

/* Four processes want 50 each, 100 exist. */
static void test_many_processes(void **state)
{
	unsigned total = 0;
	pid_t pids[4];

	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		pids[i] = fork();
		if (pids[i] == 0)
			_exit((int)take_all(i, 50));
	}
	for (unsigned i = 0; i < 4; i++) {
		int status;
		assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
		assert_true(WIFEXITED(status));
		total += (unsigned)WEXITSTATUS(status);
	}
	assert_int_equal(total, 100);
	assert_int_equal(cells_conns(cells, 1), 100);
}

enum { N = 3 };
static struct upstreams owner;
static struct group group;
static struct origin_server servers[N], *list[N];

static void make_group(const uint32_t weights[N])
{
	owner = (struct upstreams){.cells = cells};
	group = (struct group){.owner = &owner};
	rng_seed(&group.rng, 1);
	for (unsigned i = 0; i < N; i++) {
		servers[i] = (struct origin_server){.weight = weights[i], .cell = i};
		list[i] = &servers[i];
	}
}

static void spread(const struct lb_ops *lb, unsigned picks, unsigned got[N])
{
	memset(got, 0, N * sizeof(*got));
	for (unsigned i = 0; i < picks; i++)
		got[lb->pick(&group, list, N) - servers]++;
}

static void test_round_robin(void **state)
{
	static const uint32_t rows[][N] = {{1, 1, 1}, {5, 1, 1}, {1, 2, 3}, {100, 1, 10}};
	static const char *const order = "aabacaa";
	unsigned got[N];

	(void)state;
	for (size_t i = 0; i < COUNTOF(rows); i++) {
		make_group(rows[i]);
		for (unsigned round = 0; round < 3; round++) { /* exact in each round */
			spread(&lb_round_robin, rows[i][0] + rows[i][1] + rows[i][2], got);
			for (unsigned s = 0; s < N; s++)
				assert_int_equal(got[s], rows[i][s]);
		}
	}
	make_group(rows[1]);
	for (size_t i = 0; order[i]; i++) /* smooth: not aaaaabc */
		assert_int_equal(lb_round_robin.pick(&group, list, N) - servers, order[i] - 'a');
}

static void test_least_conn(void **state)
{
	static const struct {
		uint32_t weights[N];
		int active[N];
		unsigned want;
	} rows[] = {
		{{1, 1, 1}, {2, 1, 3}, 1},
		{{4, 1, 1}, {3, 1, 1}, 0}, /* 3/4 < 1 */
		{{1, 1, 9}, {1, 1, 8}, 2},
		{{1, 1, 1}, {5, 4, 0}, 2},
	};

	(void)state;
	for (size_t i = 0; i < COUNTOF(rows); i++) {
		make_group(rows[i].weights);
		for (unsigned s = 0; s < N; s++) /* spread over worker slots */
			cells_active_add(cells, s, s + 1, rows[i].active[s]);
		for (unsigned k = 0; k < 20; k++)
			assert_ptr_equal(lb_least_conn.pick(&group, list, N),
					 &servers[rows[i].want]);
		for (unsigned s = 0; s < N; s++)
			cells_active_add(cells, s, s + 1, -rows[i].active[s]);
	}
}

static void test_least_conn_ties(void **state)
{
	unsigned got[N];

	(void)state;
	make_group((const uint32_t[N]){1, 1, 1});
	spread(&lb_least_conn, 3000, got);
	for (unsigned s = 0; s < N; s++)
		assert_in_range(got[s], 900, 1100);
}

static void test_p2c(void **state)
{
	unsigned got[N];

	(void)state;
	make_group((const uint32_t[N]){1, 1, 1});
	spread(&lb_p2c, 3000, got);
	for (unsigned s = 0; s < N; s++)
		assert_in_range(got[s], 900, 1100);
	cells_active_add(cells, 1, 0, 5); /* the busiest never wins against another */
	spread(&lb_p2c, 3000, got);
	assert_int_equal(got[1], 0);
	assert_in_range(got[0], 1350, 1650);
	make_group((const uint32_t[N]){8, 1, 1});
	cells_active_add(cells, 1, 0, -5);
	spread(&lb_p2c, 3000, got); /* first draw: 8 of 10 */
	assert_in_range(got[0], 2250, 2550);
	assert_ptr_equal(lb_p2c.pick(&group, list, 1), &servers[0]);
}

static void test_by_conf(void **state)
{
	(void)state;
	assert_ptr_equal(lb_by_conf(CONF_BALANCE_ROUND_ROBIN), &lb_round_robin);
	assert_ptr_equal(lb_by_conf(CONF_BALANCE_LEAST_CONN), &lb_least_conn);
}

#define CASE(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_limits),	    CASE(test_longest_waiting),
		CASE(test_dead_worker),	    CASE(test_many_processes),
		CASE(test_round_robin),	    CASE(test_least_conn),
		CASE(test_least_conn_ties), CASE(test_p2c),
		CASE(test_by_conf),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
