/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A load, a bundle, a print and a diff with each single allocation failing once: the answer is
 * ERR_NOMEM or a right one, never a crash, a leak or a half-made configuration.
 */
#include "conf_test.h"

#include <unistd.h>

#include "conf/bundle.h"
#include "conf/diff.h"
#include "conf/print.h"

static long left; /* allocations until one fails; 0 = none does */

static bool fails(void)
{
	return left > 0 && --left == 0;
}

void *__real_malloc(size_t n);
void *__wrap_malloc(size_t n);
void *__real_calloc(size_t n, size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t n);
void *__wrap_realloc(void *p, size_t n);
void *__real_reallocarray(void *p, size_t n, size_t size);
void *__wrap_reallocarray(void *p, size_t n, size_t size);

void *__wrap_malloc(size_t n)
{
	return fails() ? NULL : __real_malloc(n);
}

void *__wrap_calloc(size_t n, size_t size)
{
	return fails() ? NULL : __real_calloc(n, size);
}

void *__wrap_realloc(void *p, size_t n)
{
	return fails() ? NULL : __real_realloc(p, n);
}

void *__wrap_reallocarray(void *p, size_t n, size_t size)
{
	return fails() ? NULL : __real_reallocarray(p, n, size);
}

static const char good[] =
	"include: d/*.yaml\nuser: ${U:-x}\nlog: {access: {output: /a, format: [time, id]}}\n"
	"admin: {listen: \"127.0.0.1:1\"}\n" NO_ROUTES "routes:\n"
	"  - {upstream: app, match: {host: [a, \"*.b\"], method: GET}, access: {allow: 10.0.0.0/8},\n"
	"     fallback: {body_file: b}, headers: {request: {set: {A: b}, remove: [C]}},\n"
	"     cache: {key: {ignore_query: [u*]}, statuses: {404: 1s}, tags: [], unsafe: request}}\n"
	"  - {answer: {body: x}}\n"
	"cache: {l1: {size: 32MiB}}\n";

static const char bad[] = "x: 1\nlog: {level: loud}\n" NO_ROUTES
			  "routes: [{upstream: none, headers: {request: {set: {Host: a}}}}]\n";

/* 0 or ERR_NOMEM, and a configuration only with the former. */
static struct conf *load_with(struct conf_source *src, const char *file, int expected)
{
	struct conf_report report;
	struct conf *c = NULL;

	conf_report_init(&report);
	int rc = conf_load(src, file, &c, &report);
	if (rc != expected && rc != ERR_NOMEM)
		fail_msg("%s", err_name(rc));
	assert_true((rc == 0) == (c != NULL));
	conf_report_fini(&report);
	return c;
}

static void through_bundle(struct conf_source *src, const struct conf *c)
{
	struct conf_source *copy = NULL;
	struct conf_changes changes;
	struct buf out = BUF_INIT;
	int fd = -1;

	conf_print(c, &out);
	assert_true(out.error == 0 || out.error == ERR_NOMEM);
	buf_fini(&out);
	int rc = conf_bundle_memfd(src, &fd);
	assert_true(rc == 0 || rc == ERR_NOMEM);
	if (rc)
		return;
	rc = conf_bundle_source(fd, &copy);
	assert_true(rc == 0 || rc == ERR_NOMEM);
	close(fd);
	struct conf *again = rc ? NULL : load_with(copy, NULL, 0);
	if (again)
		conf_diff(c, again, &out, &changes);
	if (out.n && !out.error)
		fail_msg("%.*s", STR_ARG(buf_slice(&out)));
	buf_fini(&out);
	conf_unref(&again);
	conf_source_free(&copy);
}

/* Fails the <n>th allocation; false once there are fewer. */
static bool run(const char *text, int expected, long n)
{
	struct conf_source *src = source_of(text);

	add(src, SOURCE_GLOB, "d/*.yaml", STR("d/a.yaml\0"));
	add(src, SOURCE_FILE, "d/a.yaml", STR("upstreams: {two: {servers: \"a:1\"}}\n"));
	add(src, SOURCE_FILE, "b", STR("sorry"));
	left = n;
	struct conf *c = load_with(src, "t.yaml", expected);
	if (c)
		through_bundle(src, c);
	bool reached = left == 0;
	left = 0;
	conf_unref(&c);
	conf_source_free(&src);
	return reached;
}

static void sweep(const char *text, int expected)
{
	long n = 1;

	while (run(text, expected, n))
		n++;
	assert_true(n > 5); /* it did sweep */
}

static void test_good(void **state)
{
	(void)state;
	sweep(good, 0);
}

static void test_bad(void **state)
{
	(void)state;
	sweep(bad, ERR_SYNTAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_bad),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
