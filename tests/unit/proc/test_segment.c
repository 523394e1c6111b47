/* SPDX-License-Identifier: BSD-2-Clause */
/* How the master comes by a segment: made, stored over a restart, handed over by a program that is
 * still there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/err.h"
#include "conf/types.h"
#include "obs/metrics.h"
#include "proc/segment.h"
#include "shm/seg.h"
#include "shm/slots.h"

static int doorbells[SLOT_MAX];
static struct conf conf;

/* Opens with <fd>; what was told is compared with <told> (NULL: nothing). */
static struct segment open_as(struct segment_want want, const char *told)
{
	struct buf text = BUF_INIT;
	struct segment s;

	want.conf = &conf;
	want.doorbells = doorbells;
	assert_int_equal(segment_open(&want, &s, &text), 0);
	buf_char(&text, '\0');
	if (!told && text.n > 1)
		fail_msg("told: %s", text.p);
	if (told && !strstr(text.p, told))
		fail_msg("told: %s, not %s", text.p, told);
	buf_fini(&text);
	return s;
}

static struct metric_row *row(const struct segment *s, unsigned slot)
{
	return metrics_row(s->metrics, METRIC_SCOPE_WORKER, 0, slot);
}

/* A segment in which something was counted and a slot is lived in. */
static struct segment make(void)
{
	struct segment s = open_as((struct segment_want){.fd = -1}, NULL);

	assert_false(s.inherited);
	metric_add(row(&s, 3), METRIC_WORKER_loop_turns, 42);
	metric_set(row(&s, 3), METRIC_WORKER_rss_bytes, 1000);
	slot_claim(s.slots, 3, 1);
	return s;
}

static void test_new(void **state UNUSED)
{
	struct segment s = make();

	assert_int_equal(slots_count(s.slots), SLOT_MAX);
	assert_false(seg_mark_dirty(s.seg));
	segment_close(&s);
	assert_null(s.seg);
}

static void test_left_in_order(void **state UNUSED)
{
	struct segment s = make(), next;

	seg_mark_clean(s.seg);
	next = open_as((struct segment_want){.fd = dup(seg_fd(s.seg))}, "slots warm, metrics warm");
	assert_true(next.inherited && next.same_slots);
	assert_int_equal(metric_get(row(&next, 3), METRIC_WORKER_loop_turns), 42);
	assert_int_equal(metric_get(row(&next, 3), METRIC_WORKER_rss_bytes), 0); /* a gauge */
	assert_int_equal(slot_state(slot_get(next.slots, 3)), WORKER_FREE);
	assert_false(seg_mark_dirty(s.seg)); /* in use again */
	segment_close(&s);
	segment_close(&next);
}

static void test_not_left_in_order(void **state UNUSED)
{
	struct segment s = make(), next;

	next = open_as((struct segment_want){.fd = dup(seg_fd(s.seg))},
		       "slots cold (not left in order), metrics copied");
	assert_true(next.inherited && !next.same_slots);
	assert_int_equal(metric_get(row(&next, 3), METRIC_WORKER_loop_turns), 42);
	assert_int_equal(metric_get(row(&next, 3), METRIC_WORKER_rss_bytes), 0);
	/* the old one is left alone: somebody may still be there */
	metric_add(row(&s, 3), METRIC_WORKER_loop_turns, 1);
	assert_int_equal(metric_get(row(&next, 3), METRIC_WORKER_loop_turns), 42);
	segment_close(&s);
	segment_close(&next);
}

static void test_in_use(void **state UNUSED)
{
	struct segment s = make(), next;

	next = open_as((struct segment_want){.fd = dup(seg_fd(s.seg)), .live = true},
		       "slots warm, metrics warm");
	assert_true(next.inherited && next.same_slots);
	/* nothing was repaired: who lives there lives */
	assert_int_equal(slot_state(slot_get(next.slots, 3)), WORKER_STARTING);
	assert_int_equal(metric_get(row(&next, 3), METRIC_WORKER_rss_bytes), 1000);
	metric_add(row(&s, 3), METRIC_WORKER_loop_turns, 1);
	assert_int_equal(metric_get(row(&next, 3), METRIC_WORKER_loop_turns), 43);
	segment_close(&s);
	segment_close(&next);
}

/* A segment as another program would have laid it out. */
static struct seg *foreign(uint64_t slots_hash, size_t spare)
{
	struct seg_spec specs[] = {
		{SEG_SLOTS, slots_size(SLOT_MAX), slots_hash},
		{SEG_METRICS, metrics_size(SLOT_MAX), metrics_layout()},
	};
	struct metrics *m;
	struct seg *seg;

	assert_int_equal(seg_create_spare(specs, 2, spare, &seg), 0);
	m = metrics_attach(seg);
	metric_add(metrics_row(m, METRIC_SCOPE_WORKER, 0, 5), METRIC_WORKER_loop_turns, 7);
	metrics_detach(&m);
	return seg;
}

static const struct {
	const char *what;
	size_t spare;
	bool clean, live;
	const char *told;
} others[] = {
	{"room is there", SIZE_MAX / 2, true, false,
	 "slots cold (laid out otherwise), metrics warm, upstreams cold (was not there)"},
	{"room is there, and workers", SIZE_MAX / 2, false, true,
	 "slots cold (laid out otherwise), metrics warm, upstreams cold (was not there)"},
	{"no room: another segment", 0, false, true,
	 "slots cold (laid out otherwise), metrics copied, upstreams cold (was not there)"},
};

static void test_of_another_program(void **state UNUSED)
{
	for (size_t i = 0; i < COUNTOF(others); i++) {
		struct seg *seg = foreign(1, others[i].spare ? (size_t)1 << 32 : 0);
		struct segment s;

		if (others[i].clean)
			seg_mark_clean(seg);
		s = open_as((struct segment_want){.fd = dup(seg_fd(seg)), .live = others[i].live},
			    others[i].told);
		assert_true(s.inherited);
		assert_false(s.same_slots);
		assert_int_equal(metric_get(row(&s, 5), METRIC_WORKER_loop_turns), 7);
		assert_int_equal(slot_state(slot_get(s.slots, 0)), WORKER_FREE);
		segment_close(&s);
		seg_free(&seg);
	}
}

/* A stored region whose contents are no good begins anew. */
static void test_damaged_region(void **state UNUSED)
{
	struct segment s = make(), next;

	memset(seg_region(s.seg, SEG_METRICS, NULL), 0xff, 100);
	seg_mark_clean(s.seg);
	next = open_as((struct segment_want){.fd = dup(seg_fd(s.seg))}, "metrics cold (damaged)");
	assert_int_equal(metric_get(row(&next, 3), METRIC_WORKER_loop_turns), 0);
	segment_close(&s);
	segment_close(&next);
}

static void test_no_segment(void **state UNUSED)
{
	int pipes[2];
	struct segment s;

	assert_int_equal(pipe(pipes), 0);
	close(pipes[1]);
	s = open_as((struct segment_want){.fd = pipes[0]}, "all cold");
	assert_false(s.inherited || s.same_slots);
	segment_close(&s);
}

static void test_try(void **state UNUSED)
{
	struct segment s = make();
	struct buf told = BUF_INIT;

	assert_int_equal(segment_try(dup(seg_fd(s.seg)), &conf, &told), 0);
	buf_char(&told, '\0');
	assert_non_null(strstr(told.p, "slots warm"));
	buf_reset(&told);
	memset(seg_base(s.seg), 0, 8);
	assert_int_equal(segment_try(dup(seg_fd(s.seg)), &conf, &told), ERR_CORRUPT);
	buf_fini(&told);
	segment_close(&s);
}

static int set_up(void **state UNUSED)
{
	for (unsigned i = 0; i < SLOT_MAX; i++)
		doorbells[i] = -1;
	conf.cache.l1.size = 8 << 20;
	conf.cache.l1.max_object = 1 << 20;
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_new),
		cmocka_unit_test(test_left_in_order),
		cmocka_unit_test(test_not_left_in_order),
		cmocka_unit_test(test_in_use),
		cmocka_unit_test(test_of_another_program),
		cmocka_unit_test(test_damaged_region),
		cmocka_unit_test(test_no_segment),
		cmocka_unit_test(test_try),
	};

	return cmocka_run_group_tests(tests, set_up, NULL);
}
