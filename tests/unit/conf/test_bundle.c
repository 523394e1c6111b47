/* SPDX-License-Identifier: BSD-2-Clause */
/* Bundles: the round trip, and everything that a damaged one may be. */
#include "conf_test.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "conf/bundle.h"
#include "conf/diff.h"

static void must_be_same(const struct conf *a, const struct conf *b)
{
	struct conf_changes changes;
	struct buf out = BUF_INIT;

	conf_diff(a, b, &out, &changes);
	assert_int_equal(changes.most, CONF_RELOAD_NONE);
	assert_int_equal(out.n, 0);
	buf_fini(&out);
}

static struct conf_source *rich_source(void)
{
	struct conf_source *src = source_of("include: d/*.yaml\nuser: ${U:-x}\n" NO_ROUTES);

	add(src, SOURCE_GLOB, "d/*.yaml", STR("d/a.yaml\0"));
	add(src, SOURCE_FILE, "d/a.yaml",
	    STR("routes: [{answer: {body_file: b}}, {match: {path: /x}, upstream: app}]\n"));
	add(src, SOURCE_FILE, "d/b", STR("bytes\0\xff"));
	assert_int_equal(source_add(src, SOURCE_ENV, ENOENT, STR("U"), STR_NONE), 0);
	return src;
}

static void test_round_trip(void **state)
{
	struct conf_source *src = rich_source(), *copy = NULL;
	struct conf *c = load_good(src, "t.yaml"), *again;
	int fd = -1;

	(void)state;
	assert_int_equal(conf_bundle_memfd(src, &fd), 0);
	/* Sealed: nobody changes it on the way. */
	assert_int_equal(write(fd, "x", 1), -1);
	assert_int_equal(ftruncate(fd, 0), -1);
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	assert_int_equal(conf_bundle_source(fd, &copy), 0);
	assert_int_equal(setenv("U", "changed", 1), 0);
	again = load_good(copy, NULL);
	must_be_same(c, again);
	assert_string_equal(again->user, "x");
	assert_true(str_eq(again->routes[0].answer.body, STR("bytes\0\xff")));
	conf_unref(&c);
	conf_unref(&again);
	conf_source_free(&src);
	conf_source_free(&copy);
	close(fd);
}

/* The bundle of rich_source as bytes. */
static struct buf bundle_bytes(void)
{
	struct conf_source *src = rich_source();
	struct conf *c = load_good(src, "t.yaml");
	struct buf b = BUF_INIT;
	int fd = -1;

	assert_int_equal(conf_bundle_memfd(src, &fd), 0);
	off_t n = lseek(fd, 0, SEEK_END);
	char *room = buf_room(&b, (size_t)n);
	assert_non_null(room);
	assert_int_equal(pread(fd, room, (size_t)n, 0), n);
	b.n = (size_t)n;
	close(fd);
	conf_unref(&c);
	conf_source_free(&src);
	return b;
}

/* Any cut and any changed byte is found. */
static void test_damage(void **state)
{
	struct buf b = bundle_bytes();
	struct conf_source *src = NULL;

	(void)state;
	for (size_t n = 0; n < b.n; n++)
		assert_true(conf_bundle_decode(str_of(b.p, n), &src) < 0);
	for (size_t i = 0; i < b.n; i++) {
		b.p[i] ^= 0x40;
		int rc = conf_bundle_decode(buf_slice(&b), &src);
		if (rc != ERR_CORRUPT && rc != ERR_VERSION)
			fail_msg("byte %zu: %d", i, rc);
		b.p[i] ^= 0x40;
	}
	buf_char(&b, 0);
	assert_int_equal(conf_bundle_decode(buf_slice(&b), &src), ERR_CORRUPT);
	assert_null(src);
	buf_fini(&b);
}

static void put(struct buf *b, uint64_t v, unsigned bytes)
{
	for (unsigned i = 0; i < bytes; i++)
		buf_char(b, (char)(v >> (8 * i)));
}

/* A right header before these entries. */
static int decode_entries(uint32_t count, const struct buf *entries)
{
	struct buf b = BUF_INIT;
	uint64_t sum = UINT64_C(0xcbf29ce484222325);
	struct conf_source *src = NULL;

	for (size_t i = 0; i < entries->n; i++)
		sum = (sum ^ (uint8_t)entries->p[i]) * UINT64_C(0x100000001b3);
	buf_c(&b, "TIERCONF");
	put(&b, 1, 4);
	put(&b, count, 4);
	put(&b, 32 + entries->n, 8);
	put(&b, sum, 8);
	buf_str(&b, buf_slice(entries));
	int rc = conf_bundle_decode(buf_slice(&b), &src);
	conf_source_free(&src);
	buf_fini(&b);
	return rc;
}

/* Lies behind a right checksum. */
static void test_lies(void **state)
{
	static const struct {
		uint32_t count, kind, status, key_n, value_n;
		const char *bytes;
		size_t n;
		int rc;
	} cases[] = {
		{1, SOURCE_FILE, 0, 1, 1, "kv", 2, 0},
		{1, SOURCE_ENV, ENOENT, 1, 0, "k", 1, 0},
		{0, SOURCE_FILE, 0, 1, 1, "kv", 2, ERR_CORRUPT}, /* bytes left over */
		{2, SOURCE_FILE, 0, 1, 1, "kv", 2, ERR_CORRUPT}, /* an entry short */
		{UINT32_MAX, SOURCE_FILE, 0, 1, 1, "kv", 2, ERR_CORRUPT},
		{1, 0, 0, 1, 1, "kv", 2, ERR_CORRUPT},
		{1, SOURCE_ENV + 1, 0, 1, 1, "kv", 2, ERR_CORRUPT},
		{1, UINT32_MAX, 0, 1, 1, "kv", 2, ERR_CORRUPT},
		{1, SOURCE_FILE, UINT32_MAX, 1, 1, "kv", 2, ERR_CORRUPT},
		{1, SOURCE_FILE, 0, 2, 1, "kv", 2, ERR_CORRUPT},
		{1, SOURCE_FILE, 0, 1, UINT32_MAX, "kv", 2, ERR_CORRUPT},
		{1, SOURCE_FILE, 0, UINT32_MAX, 1, "kv", 2, ERR_CORRUPT},
		{1, SOURCE_FILE, 0, UINT32_MAX, UINT32_MAX, "kv", 2, ERR_CORRUPT},
		{1, SOURCE_FILE, 0, 2, 0, "k\0", 2, ERR_CORRUPT}, /* a path with a NUL */
	};

	(void)state;
	for (size_t i = 0; i < COUNTOF(cases); i++) {
		struct buf b = BUF_INIT;
		put(&b, cases[i].kind, 4);
		put(&b, cases[i].status, 4);
		put(&b, cases[i].key_n, 4);
		put(&b, cases[i].value_n, 4);
		buf_add(&b, cases[i].bytes, cases[i].n);
		int rc = decode_entries(cases[i].count, &b);
		if (rc != cases[i].rc)
			fail_msg("row %zu: %s", i, err_name(rc));
		buf_fini(&b);
	}
}

/* A bundle without a main file loads nothing and breaks nothing. */
static void test_no_main(void **state)
{
	struct conf_source *src = source_of(BASE);
	struct conf_report report;
	struct conf *c = NULL;

	(void)state;
	conf_report_init(&report);
	assert_int_equal(conf_load(src, NULL, &c, &report), ERR_CORRUPT);
	conf_report_fini(&report);
	conf_source_free(&src);
}

static void test_bad_fds(void **state)
{
	struct conf_source *src = NULL;
	int fd = memfd_create("test", MFD_CLOEXEC);

	(void)state;
	assert_int_equal(conf_bundle_source(-1, &src), ERR_SYS);
	assert_int_equal(conf_bundle_source(fd, &src), ERR_CORRUPT);
	assert_int_equal(ftruncate(fd, 100), 0);
	assert_int_equal(conf_bundle_source(fd, &src), ERR_CORRUPT);
	assert_int_equal(ftruncate(fd, INT64_C(1) << 40), 0);
	assert_int_equal(conf_bundle_source(fd, &src), ERR_LIMIT);
	close(fd);
	src = source_of(BASE);
	assert_int_equal(conf_bundle_write(src, -1), ERR_SYS);
	conf_source_free(&src);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip), cmocka_unit_test(test_damage),
		cmocka_unit_test(test_lies),	   cmocka_unit_test(test_no_main),
		cmocka_unit_test(test_bad_fds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
