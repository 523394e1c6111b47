/* SPDX-License-Identifier: BSD-2-Clause */
/* Objects that become windows: too large to keep, but no reader loses a byte. */
#include "base/rng.h"
#include "l1_test.h"

enum { SIZE = 16 * 1024 * 1024, LENGTH = 5000000, READERS = 5 };

static struct seg *seg;
static struct l1 *l1;

static int setup(void **state UNUSED)
{
	seg = l1_test_segment(SIZE);
	l1 = l1_attach(seg, 0, 1000000);
	assert_non_null(l1);
	return 0;
}

static int teardown(void **state UNUSED)
{
	l1_test_whole(l1, L1_CHECK_IDLE | L1_CHECK_SUMS);
	l1_detach(&l1);
	seg_free(&seg);
	return 0;
}

static uint64_t used(void)
{
	struct l1_figures g;

	l1_figures(l1, &g);
	return g.used;
}

static struct l1_ref begin(uint64_t length)
{
	char buf[KEY_MAX];
	struct l1_new spec = l1_test_spec(buf, 1, length);
	struct l1_ref fill;

	assert_int_equal(l1_create(l1, &spec, &fill), 0);
	return fill;
}

static uint64_t length_now(const struct l1_ref *ref)
{
	uint64_t total;

	return l1_length(l1, ref, &total);
}

/* Readers that go at their own pace; from where the object becomes a stream differs. */
static void follow(uint64_t becomes_at, unsigned readers, uint64_t seed)
{
	struct l1_ref fill = begin(STORED_UNKNOWN), refs[READERS];
	uint64_t at[READERS] = {0}, slowest = 0, length = 0;
	struct rng r;

	rng_seed(&r, seed);
	for (unsigned i = 0; i < readers; i++)
		assert_true(l1_pin(l1, &fill, &refs[i]));
	assert_int_equal(l1_test_fill(l1, &fill, 1, becomes_at), 0);
	l1_stream(l1, &fill);
	assert_true(l1_is_stream(l1, &fill));
	while (slowest < LENGTH) {
		int rc = l1_test_fill(l1, &fill, 1, LENGTH);
		assert_true(rc == 0 || rc == ERR_BUSY);
		length = length_now(&fill);
		assert_true(length > slowest); /* never stuck */
		slowest = LENGTH;
		for (unsigned i = 0; i < readers; i++) {
			uint64_t n = rng_below(&r, length - at[i] + 1);
			assert_true(l1_test_right(l1, &refs[i], 1, at[i], at[i] + n));
			at[i] += n;
			/* All have read everything now and then, to the very end of a block. */
			if (rng_below(&r, 4) == 0)
				at[i] = length;
			l1_passed(l1, &refs[i], at[i]);
			slowest = MIN(slowest, at[i]);
		}
		assert_true(used() < becomes_at * 3 / 2 + 1000000);
	}
	assert_int_equal(l1_commit(l1, &fill, STR("T: 1\r\n")), 0);
	for (unsigned i = 0; i < readers; i++) {
		assert_int_equal(l1_state(l1, &refs[i]), L1_WHOLE);
		assert_true(str_eq(l1_trailers(l1, &refs[i]), STR("T: 1\r\n")));
		l1_unpin(l1, &refs[i]);
	}
	l1_unpin(l1, &fill);
	assert_int_equal(used(), 0);
}

static void test_follow(void **state UNUSED)
{
	static const uint64_t becomes_at[] = {0, 100, 5000, 70000, 1000000};

	for (size_t i = 0; i < COUNTOF(becomes_at); i++)
		for (unsigned readers = 1; readers <= READERS; readers++)
			follow(becomes_at[i], readers, i * 10 + readers);
}

/* The slowest reader is waited for, and nobody else can find the object. */
static void test_slow_reader(void **state UNUSED)
{
	struct l1_ref fill = begin(STORED_UNKNOWN), reader, other;
	char buf[KEY_MAX];
	struct l1_key key = l1_test_key(buf, 1);

	assert_true(l1_pin(l1, &fill, &reader));
	assert_int_equal(l1_test_fill(l1, &fill, 1, LENGTH), ERR_FULL); /* max_object */
	assert_true(l1_test_find(l1, 1, &other));
	l1_unpin(l1, &other);
	l1_stream(l1, &fill);
	assert_false(l1_test_find(l1, 1, &other));
	assert_false(l1_pin_at(l1, fill.object, &key.hash, &other));
	assert_int_equal(l1_test_fill(l1, &fill, 1, LENGTH), ERR_BUSY);
	uint64_t length = length_now(&fill);
	assert_int_equal(l1_test_fill(l1, &fill, 1, LENGTH), ERR_BUSY);
	assert_int_equal(length_now(&fill), length);
	assert_true(l1_test_right(l1, &reader, 1, 0, length));
	/* A second holder begins where the first one is. */
	l1_passed(l1, &reader, length / 2);
	assert_true(l1_pin(l1, &reader, &other));
	l1_passed(l1, &reader, length);
	assert_int_equal(l1_test_fill(l1, &fill, 1, LENGTH), ERR_BUSY);
	assert_true(l1_test_right(l1, &other, 1, length / 2, length));
	l1_unpin(l1, &other);
	/* Nobody reads any more: it runs through. */
	l1_unpin(l1, &reader);
	assert_int_equal(l1_test_fill(l1, &fill, 1, LENGTH), 0);
	l1_break(l1, &fill);
	l1_unpin(l1, &fill);
}

/* Of known length, filled a byte at a time around the ends of blocks. */
static void test_known(void **state UNUSED)
{
	struct l1_ref fill = begin(900001), reader;
	uint64_t at = 0;

	assert_true(l1_pin(l1, &fill, &reader));
	assert_int_equal(l1_test_fill(l1, &fill, 1, 20000), 0);
	l1_stream(l1, &fill);
	while (at < 900001) {
		uint64_t upto = MIN(UINT64_C(900001), at + (at % 4096 > 4000 ? 1 : 999));
		assert_int_equal(l1_test_fill(l1, &fill, 1, upto), 0);
		assert_true(l1_test_right(l1, &reader, 1, at, upto));
		at = upto;
		l1_passed(l1, &reader, at);
	}
	assert_int_equal(l1_test_fill(l1, &fill, 1, 900002), ERR_SYNTAX);
	assert_int_equal(l1_commit(l1, &fill, STR_NONE), 0);
	l1_unpin(l1, &reader);
	l1_unpin(l1, &fill);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_follow),
		TEST(test_slow_reader),
		TEST(test_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
