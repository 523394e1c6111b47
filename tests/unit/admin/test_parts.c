/* SPDX-License-Identifier: BSD-2-Clause */
/* The pure parts of the admin process: health, Host check, figures, tables. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "admin/figures.h"
#include "admin/health.h"
#include "admin/table.h"
#include "admin/web.h"
#include "conf/types.h"
#include "obs/window.h"

static void health(void **state)
{
	static const struct conf_admin_health limits = {
		.window = 60 * NS_PER_S, .max_average = 500 * NS_PER_MS, .max_error_rate = 0.05};
	static const struct {
		const char *name;
		uint64_t requests;
		double error_rate;
		int64_t average_ms;
		unsigned workers;
		bool draining, healthy;
	} rows[] = {
		{"quiet", 0, 0, 0, 2, false, true},
		{"fine", 1000, 0.01, 20, 2, false, true},
		{"errors at the limit", 100, 0.05, 20, 2, false, true},
		{"errors above it", 100, 0.051, 20, 2, false, false},
		{"average at the limit", 100, 0, 500, 2, false, true},
		{"average above it", 100, 0, 501, 2, false, false},
		{"few requests, all bad", HEALTH_MIN_REQUESTS - 1, 1, 9000, 2, false, true},
		{"enough requests, all bad", HEALTH_MIN_REQUESTS, 1, 9000, 2, false, false},
		{"draining", 1000, 0, 1, 2, true, false},
		{"no workers", 1000, 0, 1, 0, false, false},
	};

	(void)state;
	for (size_t i = 0; i < COUNTOF(rows); i++) {
		struct window_figures f = {.requests = rows[i].requests,
					   .error_rate = rows[i].error_rate,
					   .average = rows[i].average_ms * NS_PER_MS};
		struct health h = health_judge(&limits, &f, rows[i].workers, rows[i].draining);

		if (h.healthy != rows[i].healthy || !h.reason != h.healthy)
			fail_msg("%s: %d, %s", rows[i].name, h.healthy, h.reason ? h.reason : "-");
	}
}

/* DNS rebinding: a page of another site reaches us under its own name, never under one of these. */
static void hosts(void **state)
{
	static const struct {
		const char *host, *name;
		bool local;
	} rows[] = {
		{"localhost", NULL, true},
		{"localhost:9180", NULL, true},
		{"LOCALHOST.:9180", NULL, true},
		{"grafana.localhost", NULL, true},
		{"127.0.0.1", NULL, true},
		{"127.0.0.1:9180", NULL, true},
		{"127.255.0.3", NULL, true},
		{"[::1]", NULL, true},
		{"[::1]:9180", NULL, true},
		{"", NULL, true},
		{"box.lan:9180", "box.lan", true},
		{"box.lan", NULL, false},
		{"evil.example", NULL, false},
		{"evil.example:9180", NULL, false},
		{"127.0.0.1.evil.example", NULL, false},
		{"localhost.evil.example", NULL, false},
		{"evillocalhost", NULL, false},
		{".localhost", NULL, false},
		{"128.0.0.1", NULL, false},
		{"0.0.0.0", NULL, false},
		{"0177.0.0.1", NULL, false},
		{"2130706433", NULL, false},
		{"[::]", NULL, false},
		{"[::1", NULL, false},
		{"::1", NULL, false},
		{"user@localhost", NULL, false},
	};

	(void)state;
	for (size_t i = 0; i < COUNTOF(rows); i++) {
		if (web_host_is_local(str_c(rows[i].host), rows[i].name) != rows[i].local)
			fail_msg("%s", rows[i].host);
	}
}

static void figures(void **state)
{
	static const struct {
		const char *(*write)(const json_t *value, char out[FIGURE]);
		double value;
		const char *text;
	} rows[] = {
		{figure_time, 0, "0 ms"},
		{figure_time, 42e-6, "42 us"},
		{figure_time, 0.00123, "1.23 ms"},
		{figure_time, 0.0123, "12.3 ms"},
		{figure_time, 0.123, "123 ms"},
		{figure_time, 1.234, "1.23 s"},
		{figure_time, 75, "75.0 s"},
		{figure_age, 59.9, "59 s"},
		{figure_age, 3599, "59 min"},
		{figure_age, 7260, "2 h 1 min"},
		{figure_age, 90000, "1 d 1 h"},
		{figure_bytes, 2048, "2 KiB"},
		{figure_bytes, 3.5 * 1048576, "3.5 MiB"},
		{figure_bytes, 2147483648.0, "2.00 GiB"},
		{figure_number, 0.25, "0.2"},
		{figure_number, 1234, "1234"},
		{figure_number, 123456, "123.5k"},
		{figure_number, 2500000, "2.50M"},
		{figure_percent, 0, "0%"},
		{figure_percent, 0.0025, "0.25%"},
		{figure_percent, 0.5, "50%"},
	};
	char out[FIGURE];

	(void)state;
	for (size_t i = 0; i < COUNTOF(rows); i++) {
		json_t *value = json_real(rows[i].value);

		assert_string_equal(rows[i].write(value, out), rows[i].text);
		assert_string_equal(rows[i].write(NULL, out), "-");
		assert_string_equal(rows[i].write(json_null(), out), "-");
		json_decref(value);
	}
}

static void expect_table(struct table *t, const char *want)
{
	struct buf out = BUF_INIT;

	table_end(t, &out);
	buf_char(&out, '\0');
	assert_int_equal(out.error, 0);
	assert_string_equal(out.p, want);
	buf_fini(&out);
}

static void tables(void **state)
{
	struct table t;

	(void)state;
	table_init(&t, "name|>size|what");
	table_cell(&t, "a");
	table_cellf(&t, "%d", 12345);
	table_cell(&t, "x");
	table_cell(&t, "\xc3\xa4\xc3\xb6");
	table_cell(&t, "");
	table_cell(&t, "");
	expect_table(&t, "name   size  what\n"
			 "a     12345  x\n"
			 "\xc3\xa4\xc3\xb6           \n");
}

/* Cells hold what clients sent: nothing of it may reach the terminal as a command. */
static void tables_disarm(void **state)
{
	static const struct {
		const char *cell, *shown;
	} rows[] = {
		{"\x1b[2Jx", "?[2Jx"},	 {"a\nb\tc\x7f", "a?b?c?"},
		{"\xc2\x9bx", "??x"},	 {"\xff\xfe", "??"},
		{"\xe2\x82", "??"},	 {"\xe2\x82\xac", "\xe2\x82\xac"},
		{"\xf0\x9f\x8c", "???"}, {"\xc3", "?"},
		{"\xc0\x8a", "??"},
	};

	(void)state;
	for (size_t i = 0; i < COUNTOF(rows); i++) {
		char want[64];
		struct table t;

		snprintf(want, sizeof(want), "h\n%s\n", rows[i].shown);
		table_init(&t, "h");
		table_cell(&t, rows[i].cell);
		expect_table(&t, want);
	}
}

static void tables_cut(void **state)
{
	struct table t;

	(void)state;
	table_init(&t, "h");
	t.widest = 3;
	table_cell(&t, "abc");
	table_cell(&t, "abcd");
	table_cell(&t, "\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4");
	expect_table(&t, "h\nabc\nabc...\n\xc3\xa4\xc3\xa4\xc3\xa4...\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(health),	 cmocka_unit_test(hosts),
		cmocka_unit_test(figures),	 cmocka_unit_test(tables),
		cmocka_unit_test(tables_disarm), cmocka_unit_test(tables_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
