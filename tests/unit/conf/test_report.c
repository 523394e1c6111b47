/* SPDX-License-Identifier: BSD-2-Clause */
/* Every complaint, word for word and with its place. */
#include "conf_test.h"

struct report_case {
	const char *name, *text, *report;
	bool good;
};

static const struct report_case cases[] = {
#define BAD(name, text, report) {#name, text, report, false},
#define GOOD(name, text, report) {#name, text, report, true},
#include "cases_cache.h"
#include "cases_report.h"
#undef BAD
#undef GOOD
};

static void test_cases(void **state)
{
	int failed = 0;

	(void)state;
	for (size_t i = 0; i < COUNTOF(cases); i++) {
		const struct report_case *k = &cases[i];
		struct conf_source *src = source_of(k->text);
		struct buf out = BUF_INIT;
		struct conf *c = load_report(src, "t.yaml", &out);
		if (strcmp(out.p, k->report) != 0 || k->good != (c != NULL)) {
			print_error("%s: expected\n%sgot\n%s", k->name, k->report, out.p);
			failed++;
		}
		conf_unref(&c);
		conf_source_free(&src);
		buf_fini(&out);
	}
	assert_int_equal(failed, 0);
}

/* Errors of several files come in the order in which the files were read. */
static void test_order(void **state)
{
	struct conf_source *src = source_of("include: [z.yaml, a.yaml]\nx: 1\n" BASE);
	struct buf out = BUF_INIT;

	(void)state;
	add(src, SOURCE_FILE, "z.yaml", STR("# one\ny: 1\n"));
	add(src, SOURCE_FILE, "a.yaml", STR("z: 1\nlog: {level: loud}\n"));
	assert_null(load_report(src, "t.yaml", &out));
#define ALLOWED                                                                                    \
	"; allowed: version, workers, user, shutdown_grace, include, log, admin, listeners, "      \
	"cache, upstreams, routes\n"
	assert_string_equal(
		out.p,
		"t.yaml:2:1: unknown key \"x\" in the configuration" ALLOWED
		"z.yaml:2:1: unknown key \"y\" in the configuration" ALLOWED
		"a.yaml:1:1: unknown key \"z\" in the configuration" ALLOWED
		"a.yaml:2:14: level: \"loud\" is not known; allowed: error, warn, info, debug\n");
	buf_fini(&out);
	conf_source_free(&src);
}

/* A thousand errors: a hundred are told, all are counted. */
static void test_many(void **state)
{
	struct buf text = BUF_INIT, out = BUF_INIT;

	(void)state;
	for (int i = 0; i < 1000; i++)
		buf_printf(&text, "zz%d: 1\n", i);
	buf_c(&text, BASE);
	buf_char(&text, 0);
	struct conf_source *src = source_of(text.p);
	assert_null(load_report(src, "t.yaml", &out));
	assert_non_null(strstr(out.p, "t.yaml:100:1: "));
	assert_null(strstr(out.p, "t.yaml:101:1: "));
	assert_non_null(strstr(out.p, "\nand 900 more errors\n"));
	buf_fini(&text);
	buf_fini(&out);
	conf_source_free(&src);
}

static void test_main_file(void **state)
{
	static const struct {
		int status;
		const char *report;
	} files[] = {
		{2, "x.yaml: cannot be read: No such file or directory\n"},
		{13, "x.yaml: cannot be read: Permission denied\n"},
		{21, "x.yaml: cannot be read: Is a directory\n"},
		{22, "x.yaml: cannot be read: not a plain file\n"},
		{27, "x.yaml: cannot be read: larger than 4 MiB\n"},
	};

	(void)state;
	for (size_t i = 0; i < COUNTOF(files); i++) {
		struct conf_source *src = NULL;
		struct buf out = BUF_INIT;
		assert_int_equal(source_new(false, &src), 0);
		assert_int_equal(
			source_add(src, SOURCE_FILE, files[i].status, STR("x.yaml"), STR_NONE), 0);
		assert_null(load_report(src, "x.yaml", &out));
		assert_string_equal(out.p, files[i].report);
		buf_fini(&out);
		conf_source_free(&src);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases),
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_main_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
