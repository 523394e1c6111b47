/* SPDX-License-Identifier: BSD-2-Clause */
/* Fills within one process: who leads, who waits, marks, tickets, watchers. Two views of one
 * region stand for two workers. Processes that race and die: test_fills_crash.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "net/doorbell.h"
#include "shm/seg.h"
#include "shm/slots.h"
#include "store/fills.h"

static struct seg *seg;
static int bells[SLOT_MAX];
static struct fills *a, *b; /* workers in slots 3 and 100 */

enum { SLOT_A = 3, SLOT_B = 100 };

static int setup(void **state)
{
	struct seg_spec spec = {SEG_FILLS, fills_region_bytes(), fills_region_layout()};

	(void)state;
	if (seg_create(&spec, 1, &seg))
		return -1;
	fills_format(seg);
	for (unsigned i = 0; i < SLOT_MAX; i++)
		bells[i] = i == SLOT_A || i == SLOT_B ? doorbell_new() : -1;
	a = fills_attach(seg, SLOT_A, bells);
	b = fills_attach(seg, SLOT_B, bells);
	clock_set(NS_PER_S, NS_PER_S);
	return a && b ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	fills_detach(&a);
	fills_detach(&b);
	close(bells[SLOT_A]);
	close(bells[SLOT_B]);
	seg_free(&seg);
	return 0;
}

static struct l1_hash key(uint64_t n)
{
	uint64_t x = n * UINT64_C(0x9e3779b97f4a7c15) + 1;

	return (struct l1_hash){.hi = x ^ x >> 29,
				.lo = x * UINT64_C(0xbf58476d1ce4e5b9) ^ x >> 31};
}

static struct fill_state state_of(struct fills *f, const struct fill_ticket *t)
{
	struct fill_state s;

	fills_state(f, t, &s);
	return s;
}

static struct fills_figures figures(void)
{
	struct fills_figures n;

	fills_figures(a, &n);
	return n;
}

/* ---- leading and waiting ---- */

static void test_one_leads(void **state UNUSED)
{
	struct l1_hash k = key(1), other = key(2);
	struct fill_ticket lead, wait, wait2, second;

	assert_false(fills_busy(b, &k));
	assert_int_equal(fills_join(a, &k, false, &lead), FILLS_LEAD);
	assert_true(fills_busy(a, &k) && fills_busy(b, &k));
	assert_false(fills_busy(b, &other));
	assert_int_equal(fills_join(b, &k, false, &wait), FILLS_WAIT);
	assert_int_equal(fills_join(a, &k, true, &wait2), FILLS_WAIT);
	assert_int_equal(fills_join(b, &other, false, &second), FILLS_LEAD);
	assert_int_equal(state_of(b, &wait).phase, FILL_WAITING);
	assert_int_equal(figures().in_flight, 2);
	fills_end(b, &second, FILL_RESULT_STORED, 0);

	fills_object(a, &lead, 4711);
	assert_int_equal(state_of(b, &wait).phase, FILL_OBJECT);
	assert_int_equal(state_of(b, &wait).object, 4711);
	fills_end(a, &lead, FILL_RESULT_STORED, 0);
	assert_int_equal(lead.entry, 0);
	assert_int_equal(state_of(b, &wait).phase, FILL_ENDED);
	assert_int_equal(state_of(b, &wait).result, FILL_RESULT_STORED);
	assert_false(fills_busy(b, &k));

	/* the next use of the entry is none of the old ticket's business */
	assert_int_equal(fills_join(b, &k, false, &lead), FILLS_LEAD);
	assert_int_equal(lead.entry, wait.entry);
	assert_int_equal(state_of(b, &wait).phase, FILL_ENDED);
	assert_int_equal(state_of(b, &wait).result, FILL_RESULT_UNKNOWN);
	assert_int_equal(state_of(a, &lead).phase, FILL_WAITING);
	fills_end(b, &lead, FILL_RESULT_FAILED, 0);
	struct fills_figures n = figures();
	assert_int_equal(n.in_flight, 0);
	assert_int_equal(n.led, 3);
	assert_int_equal(n.waited, 2);
}

/* Every call with a ticket that is over is harmless. */
static void test_stale_tickets(void **state UNUSED)
{
	struct l1_hash k = key(1);
	struct fill_ticket lead, old, none = {0};

	assert_int_equal(fills_join(a, &k, false, &lead), FILLS_LEAD);
	old = lead;
	fills_end(a, &lead, FILL_RESULT_STORED, 0);
	fills_end(a, &lead, FILL_RESULT_FAILED, 0); /* cleared */
	for (int again = 0; again < 2; again++) {
		struct fill_ticket tickets[] = {old, none};
		for (size_t i = 0; i < COUNTOF(tickets); i++) {
			fills_object(a, &tickets[i], 99);
			fills_progress(a, &tickets[i]);
			fills_end(a, &tickets[i], FILL_RESULT_FAILED, NS_PER_S);
			assert_int_equal(tickets[i].entry, 0);
		}
		if (again == 0) /* now with the entry in use by another leader */
			assert_int_equal(fills_join(b, &k, false, &lead), FILLS_LEAD);
	}
	assert_int_equal(state_of(b, &lead).phase, FILL_WAITING);
	assert_int_equal(state_of(b, &none).phase, FILL_ENDED);
	fills_end(b, &lead, FILL_RESULT_STORED, 0);
	assert_int_equal(figures().in_flight, 0);
}

/* More fills of one bucket than there are places: alone, counted; a place that is free again is
 * found. Keys with equal low bits share a bucket. */
static void test_full(void **state UNUSED)
{
	struct fill_ticket t[64];
	unsigned led = 0, alone = 0;

	for (unsigned i = 0; i < COUNTOF(t); i++) {
		struct l1_hash k = {.hi = i, .lo = UINT64_C(7) + ((uint64_t)i << 32)};
		enum fills_join rc = fills_join(a, &k, false, &t[led]);
		assert_true(rc == FILLS_LEAD || rc == FILLS_ALONE);
		if (rc == FILLS_LEAD)
			led++;
		else
			alone++;
	}
	assert_int_equal(led, 32);
	assert_int_equal(alone, 32);
	assert_int_equal(figures().alone_full, alone);
	fills_end(a, &t[9], FILL_RESULT_STORED, 0);
	struct l1_hash k = {.hi = 1000, .lo = 7};
	assert_int_equal(fills_join(b, &k, false, &t[40]), FILLS_LEAD);
	fills_end(b, &t[40], FILL_RESULT_STORED, 0);
	for (unsigned i = 0; i < led; i++)
		fills_end(a, &t[i], FILL_RESULT_STORED, 0);
	assert_int_equal(figures().in_flight, 0);
}

/* A thousand at once find room, whatever their hashes. */
static void test_many(void **state UNUSED)
{
	static struct fill_ticket t[1000];

	for (unsigned i = 0; i < COUNTOF(t); i++) {
		struct l1_hash k = key(i);
		assert_int_equal(fills_join(i % 2 ? a : b, &k, false, &t[i]), FILLS_LEAD);
	}
	assert_int_equal(figures().in_flight, COUNTOF(t));
	for (unsigned i = 0; i < COUNTOF(t); i++) {
		struct fill_ticket w;
		struct l1_hash k = key(i);
		assert_int_equal(fills_join(a, &k, false, &w), FILLS_WAIT);
		assert_int_equal(w.entry, t[i].entry);
		fills_end(i % 2 ? a : b, &t[i], FILL_RESULT_STORED, 0);
	}
	assert_int_equal(figures().in_flight, 0);
}

/* ---- marks ---- */

static void at(int64_t ms)
{
	clock_set(NS_PER_S + ms * NS_PER_MS, NS_PER_S);
}

static void test_marks(void **state UNUSED)
{
	static const struct {
		int64_t ns, at_ms;
		bool marked;
	} rows[] = {
		/* lasts at least as long as asked, and 0.2 s longer at most */
		{NS_PER_S, 0, true},
		{NS_PER_S, 999, true},
		{NS_PER_S, 1200, false},
		{30 * NS_PER_S, 29999, true},
		{30 * NS_PER_S, 30200, false},
		{1, 0, true},
		{1, 200, false},
		{0, 0, false},
		{-5, 0, false},
		{INT64_MAX, 86400 * 1000, true},
	};
	struct l1_hash k = key(5), other = key(6);
	struct fill_ticket t;

	for (size_t i = 0; i < COUNTOF(rows); i++) {
		at(0);
		fills_unmark(a, &k);
		fills_mark(a, &k, rows[i].ns);
		at(rows[i].at_ms);
		assert_int_equal(fills_busy(b, &k), rows[i].marked);
		assert_false(fills_busy(b, &other));
	}
	/* marked: alone, but for who is told to lead in any case */
	assert_int_equal(fills_join(b, &k, false, &t), FILLS_ALONE);
	assert_int_equal(figures().alone_marked, 1);
	assert_int_equal(fills_join(b, &k, true, &t), FILLS_LEAD);
	fills_unmark(b, &k);
	fills_end(b, &t, FILL_RESULT_STORED, 5 * NS_PER_S);
	assert_false(fills_busy(a, &k)); /* only NOT_STORABLE leaves a mark */
	assert_int_equal(fills_join(a, &k, false, &t), FILLS_LEAD);
	fills_end(a, &t, FILL_RESULT_NOT_STORABLE, 5 * NS_PER_S);
	assert_int_equal(fills_join(b, &k, false, &t), FILLS_ALONE);
}

/* Many marks: most of them are remembered, none appears on a key that was never marked. */
static void test_marks_are_lossy_not_wrong(void **state UNUSED)
{
	enum { N = 40000 };
	unsigned kept = 0;

	at(0);
	for (unsigned i = 0; i < N; i++) {
		struct l1_hash k = key(i);
		fills_mark(a, &k, (i % 2 ? 60 : 30) * NS_PER_S);
	}
	at(40 * 1000);
	for (unsigned i = 0; i < N; i++) {
		struct l1_hash k = key(i), never = key(i + N);
		bool marked = fills_busy(b, &k);
		assert_true(i % 2 || !marked);
		assert_false(fills_busy(b, &never));
		kept += marked;
	}
	assert_true(kept > N / 2 * 95 / 100);
	/* a full set gives up the mark that ends first: all later ones of one set are found */
	for (unsigned i = 0; i < 12; i++) {
		struct l1_hash k = {.hi = UINT64_C(77) << 32 | (i + 1), .lo = i};
		fills_mark(a, &k, (i + 100) * NS_PER_S);
	}
	for (unsigned i = 4; i < 12; i++) {
		struct l1_hash k = {.hi = UINT64_C(77) << 32 | (i + 1), .lo = i};
		assert_true(fills_busy(a, &k));
	}
}

/* ---- watching ---- */

struct watcher {
	struct fill_watch w;
	struct fills *f;
	unsigned calls;
	struct fill_state last;
	struct watcher *unwatch;      /* whom a call unwatches, and frees if it is the owner */
	bool is_freed;		      /* a call frees the watcher itself */
	struct fill_ticket *progress; /* a call makes local progress */
};

static unsigned freed;

static void on_moved(void *arg)
{
	struct watcher *w = arg;

	w->calls++;
	fills_state(w->f, &w->w.ticket, &w->last);
	if (w->unwatch)
		fills_unwatch(w->unwatch->f, &w->unwatch->w);
	if (w->progress)
		fills_progress(w->f, w->progress);
	if (w->is_freed) {
		fills_unwatch(w->f, &w->w);
		freed++;
		free(w);
	}
}

static void watch(struct watcher *w, struct fills *f, const struct fill_ticket *t)
{
	w->f = f;
	fills_watch(f, &w->w, t, on_moved, w);
}

static void test_local_watcher(void **state UNUSED)
{
	struct l1_hash k = key(1);
	struct fill_ticket lead, t;
	struct watcher w = {0};

	assert_int_equal(fills_join(a, &k, false, &lead), FILLS_LEAD);
	assert_int_equal(fills_join(a, &k, false, &t), FILLS_WAIT);
	watch(&w, a, &t);
	assert_false(fills_due(a));
	assert_false(fills_turn(a));
	for (unsigned i = 1; i <= 3; i++) {
		fills_progress(a, &lead);
		fills_progress(a, &lead);	  /* two steps, one call */
		assert_int_equal(w.calls, i - 1); /* not from inside */
		assert_true(fills_due(a));
		assert_true(fills_turn(a));
		assert_int_equal(w.calls, i);
		assert_false(fills_due(a));
		assert_false(fills_turn(a));
	}
	fills_object(a, &lead, 12);
	assert_true(fills_turn(a));
	assert_int_equal(w.last.phase, FILL_OBJECT);
	fills_end(a, &lead, FILL_RESULT_FAILED, 0);
	assert_true(fills_turn(a));
	assert_int_equal(w.last.phase, FILL_ENDED);
	assert_int_equal(w.last.result, FILL_RESULT_FAILED);
	assert_false(doorbell_answer(bells[SLOT_A])); /* no bell for oneself */
	fills_unwatch(a, &w.w);
	fills_unwatch(a, &w.w); /* harmless */
	assert_int_equal(w.calls, 5);
}

static void test_remote_watcher(void **state UNUSED)
{
	struct l1_hash k = key(1), other = key(2);
	struct fill_ticket lead, lead2, t, t2;
	struct watcher w = {0}, w2 = {0};

	assert_int_equal(fills_join(a, &k, false, &lead), FILLS_LEAD);
	assert_int_equal(fills_join(a, &other, false, &lead2), FILLS_LEAD);
	fills_progress(a, &lead);
	assert_false(doorbell_answer(bells[SLOT_B])); /* nobody watches: no bell */
	assert_int_equal(fills_join(b, &k, false, &t), FILLS_WAIT);
	assert_int_equal(fills_join(b, &other, false, &t2), FILLS_WAIT);
	watch(&w, b, &t);
	watch(&w2, b, &t2);
	fills_progress(a, &lead);
	assert_true(doorbell_answer(bells[SLOT_B]));
	fills_progress(a, &lead);
	assert_false(doorbell_answer(bells[SLOT_B])); /* rings merge until the turn */
	assert_true(fills_due(b) && fills_turn(b));
	assert_int_equal(w.calls, 1);
	assert_int_equal(w2.calls, 0); /* another fill */
	assert_false(fills_due(b) || fills_turn(b));
	fills_end(a, &lead, FILL_RESULT_STORED, 0);
	assert_true(doorbell_answer(bells[SLOT_B]) && fills_turn(b));
	assert_int_equal(w.calls, 2);
	assert_int_equal(w.last.result, FILL_RESULT_STORED);
	/* who still watches is told of the entry's next uses, and finds his own over */
	fills_unwatch(b, &w.w);
	fills_end(a, &lead2, FILL_RESULT_STORED, 0);
	assert_true(fills_turn(b));
	assert_int_equal(w2.calls, 1);
	assert_int_equal(w.calls, 2);
	fills_unwatch(b, &w2.w);
	(void)doorbell_answer(bells[SLOT_B]);
}

/* A second watcher sets the worker's bit again before the first was called: both are called. */
static void test_late_watcher_hides_nothing(void **state UNUSED)
{
	struct l1_hash k = key(1);
	struct fill_ticket lead, t;
	struct watcher w = {0}, late = {0};

	assert_int_equal(fills_join(a, &k, false, &lead), FILLS_LEAD);
	assert_int_equal(fills_join(b, &k, false, &t), FILLS_WAIT);
	watch(&w, b, &t);
	fills_progress(a, &lead);
	watch(&late, b, &t);
	assert_true(fills_turn(b));
	assert_int_equal(w.calls, 1);
	fills_progress(a, &lead);
	assert_true(fills_turn(b));
	assert_int_equal(w.calls, 2);
	assert_true(late.calls >= 1);
	fills_unwatch(b, &w.w);
	fills_unwatch(b, &late.w);
	fills_end(a, &lead, FILL_RESULT_STORED, 0);
}

/* What a called function may do, from each place among three watchers of one fill. */
static void test_functions_do_as_they_like(void **state UNUSED)
{
	for (unsigned actor = 0; actor < 3; actor++) {
		for (unsigned victim = 0; victim < 3; victim++) {
			struct l1_hash k = key(1);
			struct fill_ticket lead, t;
			struct watcher w[3] = {{.calls = 0}};
			assert_int_equal(fills_join(a, &k, false, &lead), FILLS_LEAD);
			assert_int_equal(fills_join(a, &k, false, &t), FILLS_WAIT);
			for (unsigned i = 0; i < 3; i++)
				watch(&w[i], a, &t);
			w[actor].unwatch = &w[victim];
			fills_progress(a, &lead);
			assert_true(fills_turn(a));
			fills_progress(a, &lead);
			assert_true(fills_turn(a));
			for (unsigned i = 0; i < 3; i++) {
				/* the victim was called if its turn came before the actor's */
				unsigned want = i != victim ? 2 : victim <= actor ? 1 : 0;
				assert_int_equal(w[i].calls, want);
				fills_unwatch(a, &w[i].w);
			}
			fills_end(a, &lead, FILL_RESULT_STORED, 0);
		}
	}
}

static void test_owner_is_freed(void **state UNUSED)
{
	struct l1_hash k = key(1);
	struct fill_ticket lead, t;
	struct watcher last = {0};

	freed = 0;
	assert_int_equal(fills_join(a, &k, false, &lead), FILLS_LEAD);
	assert_int_equal(fills_join(a, &k, false, &t), FILLS_WAIT);
	for (unsigned i = 0; i < 200; i++) {
		struct watcher *w = calloc(1, sizeof(*w));
		assert_non_null(w);
		w->is_freed = true;
		watch(w, a, &t);
	}
	watch(&last, a, &t);
	last.progress = &lead; /* moves the fill while it is being told of */
	fills_progress(a, &lead);
	assert_true(fills_turn(a));
	assert_int_equal(freed, 200);
	assert_int_equal(last.calls, 1);
	assert_true(fills_due(a)); /* its own progress waits for the next turn */
	last.progress = NULL;
	assert_true(fills_turn(a));
	assert_int_equal(last.calls, 2);
	assert_false(fills_due(a));
	fills_unwatch(a, &last.w);
	fills_end(a, &lead, FILL_RESULT_STORED, 0);
}

/* ---- life of the region ---- */

static void test_recover(void **state UNUSED)
{
	struct fill_ticket ta[50], tb[50], wait;
	struct watcher w = {0};

	for (unsigned i = 0; i < 50; i++) {
		struct l1_hash ka = key(i), kb = key(1000 + i);
		assert_int_equal(fills_join(a, &ka, false, &ta[i]), FILLS_LEAD);
		assert_int_equal(fills_join(b, &kb, false, &tb[i]), FILLS_LEAD);
	}
	struct l1_hash k = key(7);
	assert_int_equal(fills_join(b, &k, false, &wait), FILLS_WAIT);
	watch(&w, b, &wait);
	for (unsigned twice = 0; twice < 2; twice++)
		fills_recover(seg, SLOT_A, bells);
	assert_true(doorbell_answer(bells[SLOT_B]));
	assert_true(fills_due(b) && fills_turn(b));
	assert_int_equal(w.calls, 1);
	assert_int_equal(w.last.phase, FILL_ENDED);
	assert_int_equal(w.last.result, FILL_RESULT_UNKNOWN);
	fills_unwatch(b, &w.w);
	assert_int_equal(figures().ended_by_death, 50);
	assert_int_equal(figures().in_flight, 50);
	for (unsigned i = 0; i < 50; i++) {
		assert_int_equal(state_of(b, &tb[i]).phase, FILL_WAITING); /* others go on */
		assert_int_equal(state_of(b, &ta[i]).phase, FILL_ENDED);
		struct l1_hash ka = key(i);
		assert_int_equal(fills_join(b, &ka, false, &ta[i]), FILLS_LEAD);
		fills_end(b, &ta[i], FILL_RESULT_STORED, 0);
		fills_end(b, &tb[i], FILL_RESULT_STORED, 0);
	}
	assert_int_equal(figures().in_flight, 0);
}

static void test_revive(void **state UNUSED)
{
	struct l1_hash k = key(1), marked = key(2);
	struct fill_ticket t;
	struct fills *look;

	assert_int_equal(fills_join(a, &k, false, &t), FILLS_LEAD);
	fills_mark(a, &marked, NS_PER_S);
	fills_recover(seg, SLOT_B, NULL);
	fills_revive(seg);
	look = fills_attach(seg, SLOT_NONE, NULL);
	assert_non_null(look);
	assert_false(fills_busy(look, &k));
	assert_true(fills_busy(look, &marked));
	assert_false(fills_due(a));
	assert_int_equal(figures().in_flight, 0);
	assert_int_equal(figures().led, 1);
	fills_detach(&look);
	fills_detach(&look);
}

static void test_no_region(void **state UNUSED)
{
	struct seg_spec spec = {SEG_PURGE, 4096, 1};
	struct seg_spec small = {SEG_FILLS, 4096, 1};
	struct seg *other;

	assert_int_equal(seg_create(&spec, 1, &other), 0);
	assert_null(fills_attach(other, 0, bells));
	fills_recover(other, 0, bells);
	seg_free(&other);
	assert_int_equal(seg_create(&small, 1, &other), 0);
	assert_null(fills_attach(other, 0, bells));
	seg_free(&other);
	/* there, but not formatted */
	small.bytes = fills_region_bytes();
	assert_int_equal(seg_create(&small, 1, &other), 0);
	assert_null(fills_attach(other, 0, bells));
	seg_free(&other);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_one_leads),
		TEST(test_stale_tickets),
		TEST(test_full),
		TEST(test_many),
		TEST(test_marks),
		TEST(test_marks_are_lossy_not_wrong),
		TEST(test_local_watcher),
		TEST(test_remote_watcher),
		TEST(test_late_watcher_hides_nothing),
		TEST(test_functions_do_as_they_like),
		TEST(test_owner_is_freed),
		TEST(test_recover),
		TEST(test_revive),
		TEST(test_no_region),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
