/* SPDX-License-Identifier: BSD-2-Clause */
/* Cache-Status (RFC 9211); each line is read again as a structured field. */
#include "policy/cache_status.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "http/sf.h"

#define NO_TTL .ttl = CACHE_STATUS_NO_TTL

static const struct {
	const char *rfc;
	struct cache_status status;
	const char *want;
} cases[] = {
	{"9211 2", {NO_TTL}, ""},
	{"9211 2.1", {.hit = true, NO_TTL}, "; hit"},
	{"9211 2.5", {.hit = true, .ttl = 42, .detail = {"l1", 2}}, "; hit; ttl=42; detail=l1"},
	{"9211 2.5", {.hit = true, .ttl = -7}, "; hit; ttl=-7"},
	{"9211 2.5", {.hit = true, .ttl = 0}, "; hit; ttl=0"},
	{"9651 3.3.1", {.hit = true, .ttl = INT64_MAX}, "; hit; ttl=999999999999999"},
	{"9651 3.3.1", {.hit = true, .ttl = INT64_MIN + 1}, "; hit; ttl=-999999999999999"},
	{"9211 2.2", {.fwd = CACHE_FWD_URI_MISS, NO_TTL}, "; fwd=uri-miss"},
	{"9211 2.2", {.fwd = CACHE_FWD_BYPASS, NO_TTL}, "; fwd=bypass"},
	{"9211 2.3",
	 {.fwd = CACHE_FWD_STALE, .fwd_status = 304, .stored = true, .ttl = 60},
	 "; fwd=stale; fwd-status=304; stored; ttl=60"},
	{"9211 2.6",
	 {.fwd = CACHE_FWD_MISS, .collapsed = true, NO_TTL, .detail = {"no-store", 8}},
	 "; fwd=miss; collapsed; detail=no-store"},
	/* hit and fwd exclude each other; stored and collapsed belong to fwd */
	{"9211 2.1",
	 {.hit = true, .fwd = CACHE_FWD_MISS, .stored = true, .collapsed = true, NO_TTL},
	 "; hit"},
};

static void test_write(void **state)
{
	char text[256], want[256];
	struct http_writer w;
	struct sf_value v;
	struct str key;
	struct sf sf;

	(void)state;
	for (size_t i = 0; i < COUNTOF(cases); i++) {
		http_write_init(&w, text, sizeof(text) - 1);
		cache_status_write(&w, &cases[i].status);
		text[http_write_n(&w)] = '\0';
		snprintf(want, sizeof(want), "Cache-Status: tiercel%s\r\n", cases[i].want);
		if (w.overflow || strcmp(text, want) != 0)
			fail_msg("RFC %s: row %zu: %s", cases[i].rfc, i, text);
		sf_begin(&sf, str_of(text + 14, strlen(text) - 16));
		assert_true(sf_list_next(&sf, &v) && v.type == SF_TOKEN);
		while (sf_param_next(&sf, &key, &v))
			;
		assert_false(sf_list_next(&sf, &v));
		assert_true(sf_ok(&sf));
	}
}

static void test_no_room(void **state)
{
	const struct cache_status s = {.hit = true, .ttl = 12345, .detail = STR("l1")};
	char text[64];

	(void)state;
	for (size_t n = 0; n <= sizeof(text); n++) {
		struct http_writer w;

		http_write_init(&w, text, n);
		cache_status_write(&w, &s);
		assert_int_equal(w.overflow, n < strlen("Cache-Status: tiercel; hit; ttl=12345; "
							"detail=l1\r\n"));
	}
}

static void test_names(void **state)
{
	(void)state;
	assert_string_equal(cache_fwd_name(CACHE_FWD_VARY_MISS), "vary-miss");
	assert_string_equal(cache_fwd_name(CACHE_FWD_NONE), "");
	assert_string_equal(cache_fwd_name(CACHE_FWD_COUNT), "");
	for (unsigned i = 1; i < CACHE_FWD_COUNT; i++)
		assert_true(http_is_token(str_c(cache_fwd_name(i))));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_write),
		cmocka_unit_test(test_no_room),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
