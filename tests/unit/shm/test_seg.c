/* SPDX-License-Identifier: BSD-2-Clause */
/* The segment: layout, sealing, checks on a segment that somebody else wrote, clean and dirty. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "shm/recover.h"
#include "shm/seg.h"
#include "shm/slots.h"

static const struct seg_spec specs[] = {
	{SEG_SLOTS, 5000, 0x11},
	{SEG_METRICS, SEG_PAGE, 0x22},
	{SEG_UPSTREAMS, 1, 0x33},
};

static struct seg *make(void)
{
	struct seg *seg = NULL;

	assert_int_equal(seg_create(specs, COUNTOF(specs), &seg), 0);
	return seg;
}

static void test_regions(void **state UNUSED)
{
	struct seg *seg = make();
	char *base = seg_base(seg);
	size_t size = 0;

	assert_int_equal(seg_size(seg), 5 * SEG_PAGE); /* header, 2, 1, 1 */
	char *slots = seg_region(seg, SEG_SLOTS, &size);
	assert_ptr_equal(slots, base + SEG_PAGE);
	assert_int_equal(size, 5000);
	char *metrics = seg_region(seg, SEG_METRICS, &size);
	assert_ptr_equal(metrics, base + 3 * SEG_PAGE);
	char *upstreams = seg_region(seg, SEG_UPSTREAMS, &size);
	assert_ptr_equal(upstreams, base + 4 * SEG_PAGE);
	assert_int_equal(size, 1);
	for (size_t i = 0; i < 2 * SEG_PAGE; i++)
		assert_int_equal(slots[i], 0);
	seg_free(&seg);
	assert_null(seg);
	seg_free(&seg);
}

static void test_missing_region(void **state UNUSED)
{
	struct seg *seg = NULL;

	assert_int_equal(seg_create(specs, 1, &seg), 0);
	assert_null(seg_region(seg, SEG_METRICS, NULL));
	seg_free(&seg);
}

static void test_fits(void **state UNUSED)
{
	struct seg *seg = make();

	assert_true(seg_region_fits(seg, SEG_SLOTS, 5000, 0x11));
	assert_false(seg_region_fits(seg, SEG_SLOTS, 5001, 0x11));
	assert_false(seg_region_fits(seg, SEG_SLOTS, 5000, 0x12));
	seg_free(&seg);
}

static void test_limits(void **state UNUSED)
{
	struct seg *seg = NULL;
	struct seg_spec none = {SEG_SLOTS, 0, 0};
	struct seg_spec huge = {SEG_SLOTS, SIZE_MAX - 100, 0};
	struct seg_spec edge = {SEG_SLOTS, SEG_SIZE_MAX - SEG_PAGE + 1, 0};

	assert_int_equal(seg_create(&none, 1, &seg), ERR_LIMIT);
	assert_int_equal(seg_create(&huge, 1, &seg), ERR_LIMIT);
	assert_int_equal(seg_create(&edge, 1, &seg), ERR_LIMIT);
	assert_null(seg);
}

/* Nobody can cut the memory under the others' feet. */
static void test_sealed(void **state UNUSED)
{
	struct seg *seg = make();
	int fd = seg_fd(seg);

	assert_int_not_equal(ftruncate(fd, SEG_PAGE), 0);
	assert_int_not_equal(ftruncate(fd, 100 * SEG_PAGE), 0);
	assert_int_equal(fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
	seg_free(&seg);
}

static void test_shared_with_child(void **state UNUSED)
{
	struct seg *seg = make();
	volatile char *p = seg_region(seg, SEG_METRICS, NULL);
	pid_t pid = fork();

	if (pid == 0) {
		p[7] = 42;
		_exit(0);
	}
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_int_equal(p[7], 42);
	seg_free(&seg);
}

static void test_map_again(void **state UNUSED)
{
	struct seg *seg = make(), *again = NULL;
	size_t size = 0;

	memcpy(seg_region(seg, SEG_UPSTREAMS, NULL), "x", 1);
	assert_int_equal(seg_map(dup(seg_fd(seg)), &again), 0);
	assert_ptr_not_equal(seg_base(seg), seg_base(again));
	assert_memory_equal(seg_region(again, SEG_UPSTREAMS, &size), "x", 1);
	assert_int_equal(size, 1);
	assert_true(seg_region_fits(again, SEG_METRICS, SEG_PAGE, 0x22));
	seg_free(&seg);
	seg_free(&again);
}

static void test_clean_and_dirty(void **state UNUSED)
{
	struct seg *seg = make(), *again = NULL;

	assert_false(seg_mark_dirty(seg)); /* dirty from the beginning */
	seg_mark_clean(seg);
	assert_int_equal(seg_map(dup(seg_fd(seg)), &again), 0);
	assert_true(seg_mark_dirty(again));
	assert_false(seg_mark_dirty(seg));
	seg_free(&seg);
	seg_free(&again);
}

/* Damage to the header: where, what is put there, what seg_check says. Offsets as drawn in
 * doc/internals/segment.md. */
static const struct {
	const char *what;
	size_t at;
	size_t bytes;
	uint64_t value;
	int rc;
} damages[] = {
	{"nothing", 48, 1, 0, 0},
	{"the dirty mark may change", 32, 4, 0, 0},
	{"magic", 0, 1, 0, ERR_CORRUPT},
	{"version", 8, 4, SEG_VERSION + 1, ERR_VERSION},
	{"number of regions", 12, 4, 2, ERR_CORRUPT},
	{"too many regions", 12, 4, UINT32_MAX, ERR_CORRUPT},
	{"size", 16, 8, 6 * SEG_PAGE, ERR_CORRUPT},
	{"hash", 24, 8, 1, ERR_CORRUPT},
	{"first region's id is the second's", 64, 4, SEG_METRICS, ERR_CORRUPT},
	{"first region's id is none", 64, 4, 0, ERR_CORRUPT},
	{"first region begins in the header", 72, 8, 0, ERR_CORRUPT},
	{"first region is not on a page", 72, 8, SEG_PAGE + 8, ERR_CORRUPT},
	{"first region begins in the second", 72, 8, 3 * SEG_PAGE, ERR_CORRUPT},
	{"first region begins behind the end", 72, 8, UINT64_C(1) << 60, ERR_CORRUPT},
	{"first region is empty", 80, 8, 0, ERR_CORRUPT},
	{"first region reaches into the second", 80, 8, 2 * SEG_PAGE + 1, ERR_CORRUPT},
	{"first region reaches behind the end", 80, 8, UINT64_MAX, ERR_CORRUPT},
	{"first region's layout", 88, 8, 0x12, ERR_CORRUPT},
	{"used beyond the end", 48, 8, 6 * SEG_PAGE, ERR_CORRUPT},
	{"used up to the middle of a page", 48, 8, 4 * SEG_PAGE + 8, ERR_CORRUPT},
	{"used up to elsewhere", 48, 8, 4 * SEG_PAGE, ERR_CORRUPT},
};

static void test_damages(void **state UNUSED)
{
	for (size_t i = 0; i < COUNTOF(damages); i++) {
		struct seg *seg = make(), *again = NULL;
		char *base = seg_base(seg);
		memcpy(base + damages[i].at, &damages[i].value, damages[i].bytes);
		int rc = seg_check(base, seg_size(seg));
		if (rc != damages[i].rc)
			fail_msg("%s: %d", damages[i].what, rc);
		assert_int_equal(seg_map(dup(seg_fd(seg)), &again), rc);
		seg_free(&again);
		seg_free(&seg);
	}
}

/* Every single damaged byte of a header with a valid hash is noticed, or harmless. */
static void test_every_byte(void **state UNUSED)
{
	struct seg *seg = make();
	unsigned char *base = seg_base(seg);

	for (size_t at = 0; at < 64 + 3 * 32; at++) {
		bool free_to_change = (at >= 32 && at < 48) || (at >= 56 && at < 64) ||
				      (at >= 64 && (at - 64) % 32 >= 4 && (at - 64) % 32 < 8);
		base[at] ^= 0xff;
		int rc = seg_check(base, seg_size(seg));
		if ((rc == 0) != free_to_change)
			fail_msg("byte %zu: %d", at, rc);
		base[at] ^= 0xff;
	}
	seg_free(&seg);
}

static void test_not_a_segment(void **state UNUSED)
{
	struct seg *seg = NULL;
	int pipes[2];

	assert_int_equal(pipe(pipes), 0);
	assert_int_equal(seg_map(pipes[0], &seg), ERR_CORRUPT);
	close(pipes[1]);

	int unsealed = memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	assert_true(unsealed >= 0);
	assert_int_equal(ftruncate(unsealed, 5 * SEG_PAGE), 0);
	struct seg *good = make(); /* the right bytes, but somebody could cut them */
	assert_int_equal(pwrite(unsealed, seg_base(good), SEG_PAGE, 0), SEG_PAGE);
	seg_free(&good);
	assert_int_equal(seg_map(unsealed, &seg), ERR_CORRUPT);
	assert_int_equal(fcntl(unsealed, F_GETFD), -1); /* taken, on failure too */

	int empty = memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	assert_int_equal(fcntl(empty, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL), 0);
	assert_int_equal(seg_map(empty, &seg), ERR_CORRUPT);
	assert_null(seg);
	assert_int_equal(seg_check("", 0), ERR_CORRUPT);
}

static void test_hash(void **state UNUSED)
{
	assert_true(seg_hash(seg_hash(0, "ab"), "c") != seg_hash(seg_hash(0, "a"), "bc"));
	assert_true(seg_hash(0, "a") == seg_hash(0, "a"));
	assert_string_equal(seg_region_name(SEG_SLOTS), "slots");
	assert_string_equal(seg_region_name((enum seg_region)99), "unknown");
}

static void test_off_within(void **state UNUSED)
{
	assert_true(off_within(0, 10, 10));
	assert_true(off_within(10, 0, 10));
	assert_false(off_within(1, 10, 10));
	assert_false(off_within(11, 0, 10));
	assert_false(off_within(UINT64_MAX, 2, 10));
	assert_false(off_within(2, UINT64_MAX, 10));
}

/* ---- another program wants other regions ---- */

/* What a program wants of a segment of slots 5000 (2 pages), metrics (1) and upstreams (1), with six
 * spare pages, and on which page each of its regions lies then; 0 = it does not fit in at all. */
static const struct {
	const char *what;
	struct seg_spec specs[4];
	enum seg_others others;
	unsigned pages[4]; /* page of each */
	bool kept[4];
	bool keep_none;
	int rc;
} refits[] = {
	{"all the same",
	 {{SEG_SLOTS, 5000, 0x11}, {SEG_METRICS, SEG_PAGE, 0x22}, {SEG_UPSTREAMS, 1, 0x33}},
	 SEG_SHARED,
	 {1, 3, 4},
	 {true, true, true},
	 false,
	 0},
	{"another layout",
	 {{SEG_SLOTS, 5000, 0x11}, {SEG_METRICS, SEG_PAGE, 0x23}, {SEG_UPSTREAMS, 1, 0x33}},
	 SEG_SHARED,
	 {1, 5, 4},
	 {true, false, true},
	 false,
	 0},
	{"another layout, nobody else there: its own place",
	 {{SEG_SLOTS, 5000, 0x11}, {SEG_METRICS, SEG_PAGE, 0x23}, {SEG_UPSTREAMS, 1, 0x33}},
	 SEG_ALONE,
	 {1, 3, 4},
	 {true, false, true},
	 false,
	 0},
	{"another size",
	 {{SEG_SLOTS, 5000, 0x11}, {SEG_METRICS, 3 * SEG_PAGE, 0x22}, {SEG_UPSTREAMS, 1, 0x33}},
	 SEG_ALONE,
	 {1, 5, 4},
	 {true, false, true},
	 false,
	 0},
	{"smaller, alone: the first gap",
	 {{SEG_SLOTS, 10, 0x11}, {SEG_METRICS, 10, 0x22}, {SEG_UPSTREAMS, 1, 0x33}},
	 SEG_ALONE,
	 {1, 2, 4},
	 {false, false, true},
	 false,
	 0},
	{"one more",
	 {{SEG_SLOTS, 5000, 0x11},
	  {SEG_METRICS, SEG_PAGE, 0x22},
	  {SEG_UPSTREAMS, 1, 0x33},
	  {SEG_L1, 6 * SEG_PAGE, 1}},
	 SEG_SHARED,
	 {1, 3, 4, 5},
	 {true, true, true, false},
	 false,
	 0},
	{"too large",
	 {{SEG_SLOTS, 5000, 0x11}, {SEG_L1, 6 * SEG_PAGE + 1, 1}},
	 SEG_SHARED,
	 {1, 0},
	 {true, false},
	 false,
	 ERR_LIMIT},
	{"too large but for the room of others",
	 {{SEG_SLOTS, 5000, 0x11}, {SEG_L1, 8 * SEG_PAGE, 1}},
	 SEG_ALONE,
	 {1, 3},
	 {true, false},
	 false,
	 0},
	{"larger than everything",
	 {{SEG_SLOTS, 5000, 0x11}, {SEG_L1, SIZE_MAX, 1}},
	 SEG_ALONE,
	 {1, 0},
	 {true, false},
	 false,
	 ERR_LIMIT},
	{"nothing is to be kept",
	 {{SEG_SLOTS, 5000, 0x11}, {SEG_METRICS, SEG_PAGE, 0x22}},
	 SEG_SHARED,
	 {5, 7},
	 {false, false},
	 true,
	 0},
	{"nothing is to be kept, alone",
	 {{SEG_SLOTS, 5000, 0x11}, {SEG_METRICS, SEG_PAGE, 0x22}},
	 SEG_ALONE,
	 {1, 3},
	 {false, false},
	 true,
	 0},
};

static struct seg *make_spare(void)
{
	struct seg *seg = NULL;

	assert_int_equal(seg_create_spare(specs, COUNTOF(specs), 6 * SEG_PAGE, &seg), 0);
	assert_int_equal(seg_size(seg), 11 * SEG_PAGE);
	for (size_t i = 0; i < COUNTOF(specs); i++)
		memset(seg_region(seg, specs[i].id, NULL), 'x', specs[i].bytes);
	return seg;
}

static void check_refit(size_t i)
{
	struct seg *seg = make_spare(), *view = NULL;
	char *other;
	bool keep[4];
	size_t n = 0;

	assert_int_equal(seg_map(dup(seg_fd(seg)), &view), 0);
	while (n < 4 && refits[i].specs[n].id)
		keep[n++] = !refits[i].keep_none;
	assert_int_equal(seg_refit(view, refits[i].specs, n, refits[i].others, keep), refits[i].rc);
	for (size_t k = 0; k < n && refits[i].rc == 0; k++) {
		size_t size = 0;
		char *p = seg_region(view, refits[i].specs[k].id, &size);

		assert_ptr_equal(p, (char *)seg_base(view) + SEG_PAGE * refits[i].pages[k]);
		assert_int_equal(size, refits[i].specs[k].bytes);
		assert_int_equal(keep[k], refits[i].kept[k]);
		assert_int_equal(p[0], keep[k] ? 'x' : 0);
		assert_int_equal(p[size - 1], keep[k] ? 'x' : 0);
	}
	/* whoever goes by the published directory still finds everything */
	other = seg_region(seg, SEG_METRICS, NULL);
	if (refits[i].others == SEG_SHARED)
		assert_int_equal(other[0], 'x');
	assert_int_equal(seg_check(seg_base(seg), seg_size(seg)), 0);
	assert_true(seg_region_fits(seg, SEG_METRICS, SEG_PAGE, 0x22));
	seg_free(&view);
	seg_free(&seg);
}

static void test_refit(void **state UNUSED)
{
	for (size_t i = 0; i < COUNTOF(refits); i++) {
		print_message("%s\n", refits[i].what);
		check_refit(i);
	}
}

/* Two programs later: room of the first is used again only when its workers are gone. */
static void test_refit_again(void **state UNUSED)
{
	struct seg_spec second[] = {{SEG_SLOTS, 5000, 0x11}, {SEG_METRICS, SEG_PAGE, 2}};
	struct seg_spec third[] = {{SEG_SLOTS, 5000, 0x11}, {SEG_METRICS, SEG_PAGE, 3}};
	static const struct {
		enum seg_others others;
		unsigned page;
	} cases[] = {{SEG_CROWDED, 6}, {SEG_SHARED, 3}, {SEG_ALONE, 3}};

	for (size_t i = 0; i < COUNTOF(cases); i++) {
		struct seg *seg = make_spare(), *b = NULL, *c = NULL;
		bool keep[2] = {true, true};

		assert_int_equal(seg_map(dup(seg_fd(seg)), &b), 0);
		assert_int_equal(seg_refit(b, second, 2, SEG_SHARED, keep), 0);
		seg_publish(b);
		assert_int_equal(seg_map(dup(seg_fd(seg)), &c), 0);
		assert_true(seg_region_fits(c, SEG_METRICS, SEG_PAGE, 2));
		assert_null(seg_region(c, SEG_UPSTREAMS, NULL));
		keep[0] = keep[1] = true;
		assert_int_equal(seg_refit(c, third, 2, cases[i].others, keep), 0);
		assert_ptr_equal(seg_region(c, SEG_METRICS, NULL),
				 (char *)seg_base(c) + SEG_PAGE * cases[i].page);
		seg_free(&seg);
		seg_free(&b);
		seg_free(&c);
	}
}

static void test_copy_and_clear(void **state UNUSED)
{
	struct seg_spec few[] = {{SEG_METRICS, SEG_PAGE, 7}, {SEG_UPSTREAMS, 2, 0x33}};
	struct seg_spec large[] = {{SEG_L1, 100 * SEG_PAGE, 7}};
	struct seg *seg = make(), *other = NULL, *a = NULL, *b = NULL;
	char *p;

	memset(seg_region(seg, SEG_METRICS, NULL), 'm', SEG_PAGE);
	assert_int_equal(seg_create(few, 2, &other), 0);
	assert_int_equal(seg_copy_region(other, seg, SEG_METRICS), 0);
	p = seg_region(other, SEG_METRICS, NULL);
	assert_int_equal(p[0], 'm');
	assert_int_equal(p[SEG_PAGE - 1], 'm');
	assert_int_equal(seg_copy_region(other, seg, SEG_UPSTREAMS), ERR_RANGE);
	assert_int_equal(seg_copy_region(other, seg, SEG_SLOTS), ERR_MISSING);
	assert_int_equal(seg_clear_region(other, SEG_METRICS), 0);
	assert_int_equal(p[0], 0);
	assert_int_equal(seg_clear_region(other, SEG_SLOTS), ERR_MISSING);

	/* holes stay holes */
	assert_int_equal(seg_create(large, 1, &a), 0);
	assert_int_equal(seg_create(large, 1, &b), 0);
	p = seg_region(a, SEG_L1, NULL);
	p[50 * SEG_PAGE] = 'a';
	p[100 * SEG_PAGE - 1] = 'z';
	assert_int_equal(seg_copy_region(b, a, SEG_L1), 0);
	p = seg_region(b, SEG_L1, NULL);
	assert_int_equal(p[50 * SEG_PAGE], 'a');
	assert_int_equal(p[100 * SEG_PAGE - 1], 'z');
	struct stat st;
	assert_int_equal(fstat(seg_fd(b), &st), 0);
	assert_true(st.st_blocks <= 4 * SEG_PAGE / 512);
	seg_free(&seg);
	seg_free(&other);
	seg_free(&a);
	seg_free(&b);
}

static void test_trim(void **state UNUSED)
{
	struct seg_spec second[] = {{SEG_METRICS, SEG_PAGE, 0x22}};
	struct seg *seg = make_spare();
	bool keep[1] = {true};
	struct stat st;
	char *p;

	assert_int_equal(seg_refit(seg, second, 1, SEG_SHARED, keep), 0);
	memset((char *)seg_base(seg) + 8 * SEG_PAGE, 'y', SEG_PAGE);
	seg_publish(seg);
	seg_trim(seg);
	p = seg_region(seg, SEG_METRICS, NULL);
	assert_int_equal(p[0], 'x');
	assert_int_equal(p[SEG_PAGE], 0); /* upstreams */
	assert_int_equal(p[-1], 0);	  /* slots */
	assert_int_equal(seg_check(seg_base(seg), seg_size(seg)), 0);
	assert_int_equal(fstat(seg_fd(seg), &st), 0);
	assert_true(st.st_blocks <= 5 * SEG_PAGE / 512); /* reading made pages of zeros again */
	seg_free(&seg);
}

/* ---- recovery ---- */

static char called[64];

static void on_recover(struct seg *seg, unsigned slot, void *arg)
{
	size_t n = strlen(called);

	assert_non_null(seg);
	snprintf(called + n, sizeof(called) - n, "%s%u ", (const char *)arg, slot);
}

static void test_recover(void **state UNUSED)
{
	static char first[] = "s", second[] = "u";
	struct seg *seg = make();

	called[0] = '\0';
	recover_register(SEG_UPSTREAMS, on_recover, second);
	recover_register(SEG_SLOTS, on_recover, first);
	recover_slot(seg, 7);
	assert_string_equal(called, "s7 u7 ");
	recover_register(SEG_SLOTS, NULL, NULL);
	recover_slot(seg, 8);
	assert_string_equal(called, "s7 u7 u8 ");
	recover_register(SEG_UPSTREAMS, NULL, NULL);
	seg_free(&seg);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_regions),	       cmocka_unit_test(test_missing_region),
		cmocka_unit_test(test_fits),	       cmocka_unit_test(test_limits),
		cmocka_unit_test(test_sealed),	       cmocka_unit_test(test_shared_with_child),
		cmocka_unit_test(test_map_again),      cmocka_unit_test(test_clean_and_dirty),
		cmocka_unit_test(test_damages),	       cmocka_unit_test(test_every_byte),
		cmocka_unit_test(test_not_a_segment),  cmocka_unit_test(test_hash),
		cmocka_unit_test(test_off_within),     cmocka_unit_test(test_recover),
		cmocka_unit_test(test_refit),	       cmocka_unit_test(test_refit_again),
		cmocka_unit_test(test_copy_and_clear), cmocka_unit_test(test_trim),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
