/* SPDX-License-Identifier: BSD-2-Clause */
/* What the tests of conf/ share: a source made of texts, and a load from it. */
#ifndef TESTS_CONF_TEST_H
#define TESTS_CONF_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/err.h"
#include "conf/load.h"
#include "conf/source.h"

#define LISTENERS "listeners: [{address: \"127.0.0.1:80\"}]\n"
#define UPSTREAMS "upstreams: {app: {servers: [\"127.0.0.1:81\"]}}\n"
#define ROUTES "routes: [{upstream: app}]\n"
#define BASE LISTENERS UPSTREAMS ROUTES
#define NO_LISTENERS UPSTREAMS ROUTES
#define NO_UPSTREAMS LISTENERS ROUTES
#define NO_ROUTES LISTENERS UPSTREAMS

/* A source that knows t.yaml with this text and nothing else. */
static inline struct conf_source *source_of(const char *text)
{
	struct conf_source *src = NULL;

	assert_int_equal(source_new(false, &src), 0);
	assert_int_equal(source_add(src, SOURCE_FILE, 0, STR("t.yaml"), str_c(text)), 0);
	return src;
}

/* One more thing that it knows. */
static inline void add(struct conf_source *src, enum source_kind kind, const char *key,
		       struct str value)
{
	assert_int_equal(source_add(src, kind, 0, str_c(key), value), 0);
}

/* Loads <file>; the report as text goes to <out>. NULL when it was refused. */
static inline struct conf *load_report(struct conf_source *src, const char *file, struct buf *out)
{
	struct conf_report report;
	struct conf *c = NULL;

	conf_report_init(&report);
	int rc = conf_load(src, file, &c, &report);
	conf_report_print(&report, out);
	buf_char(out, 0);
	assert_int_equal(out->error, 0);
	assert_true(rc == 0 || rc == ERR_SYNTAX);
	assert_true((rc == 0) == (c != NULL));
	assert_true((rc == 0) == (report.n_errors == 0));
	conf_report_fini(&report);
	return c;
}

/* Loads what must be right; says what was reported when it is not. */
static inline struct conf *load_good(struct conf_source *src, const char *file)
{
	struct buf out = BUF_INIT;
	struct conf *c = load_report(src, file, &out);

	if (!c)
		fail_msg("refused: %s", out.p);
	buf_fini(&out);
	return c;
}

/* The same from a text. */
static inline struct conf *load_text(const char *text)
{
	struct conf_source *src = source_of(text);
	struct conf *c = load_good(src, "t.yaml");

	conf_source_free(&src);
	return c;
}

#endif
