# SPDX-License-Identifier: BSD-2-Clause
UNIT_TESTS += \
	tests/unit/policy/test_cache_status \
	tests/unit/policy/test_forwarded \
	tests/unit/policy/test_fresh \
	tests/unit/policy/test_headers \
	tests/unit/policy/test_invalidate \
	tests/unit/policy/test_ip \
	tests/unit/policy/test_key \
	tests/unit/policy/test_problem \
	tests/unit/policy/test_reuse \
	tests/unit/policy/test_revalidate \
	tests/unit/policy/test_rewrite \
	tests/unit/policy/test_route \
	tests/unit/policy/test_storable \
	tests/unit/policy/test_vary

POLICY_TEST_LIBS = libpolicy.a libhttp.a libbase.a $(PCRE2_LIBS) $(CMOCKA_LIBS)

tests_unit_policy_test_forwarded_SOURCES = tests/unit/policy/test_forwarded.c \
	tests/unit/policy/parse_head.h
tests_unit_policy_test_forwarded_LDADD = $(POLICY_TEST_LIBS)
tests_unit_policy_test_forwarded_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)

tests_unit_policy_test_headers_SOURCES = tests/unit/policy/test_headers.c \
	tests/unit/policy/parse_head.h
tests_unit_policy_test_headers_LDADD = $(POLICY_TEST_LIBS)
tests_unit_policy_test_headers_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)

tests_unit_policy_test_ip_SOURCES = tests/unit/policy/test_ip.c
tests_unit_policy_test_ip_LDADD = $(POLICY_TEST_LIBS)
tests_unit_policy_test_ip_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)

tests_unit_policy_test_problem_SOURCES = tests/unit/policy/test_problem.c
tests_unit_policy_test_problem_LDADD = $(POLICY_TEST_LIBS)
tests_unit_policy_test_problem_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)

tests_unit_policy_test_rewrite_SOURCES = tests/unit/policy/test_rewrite.c
tests_unit_policy_test_rewrite_LDADD = $(POLICY_TEST_LIBS)
tests_unit_policy_test_rewrite_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)

tests_unit_policy_test_route_SOURCES = tests/unit/policy/test_route.c
tests_unit_policy_test_route_LDADD = $(POLICY_TEST_LIBS)
tests_unit_policy_test_route_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)

tests_unit_policy_test_cache_status_SOURCES = tests/unit/policy/test_cache_status.c
tests_unit_policy_test_cache_status_LDADD = $(POLICY_TEST_LIBS)
tests_unit_policy_test_cache_status_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)

tests_unit_policy_test_key_SOURCES = tests/unit/policy/test_key.c \
	tests/unit/policy/parse_head.h
tests_unit_policy_test_key_LDADD = $(POLICY_TEST_LIBS)
tests_unit_policy_test_key_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)

tests_unit_policy_test_fresh_SOURCES = tests/unit/policy/test_fresh.c \
	tests/unit/policy/cache_head.h tests/unit/policy/parse_head.h
tests_unit_policy_test_fresh_LDADD = $(POLICY_TEST_LIBS)
tests_unit_policy_test_fresh_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)

tests_unit_policy_test_invalidate_SOURCES = tests/unit/policy/test_invalidate.c \
	tests/unit/policy/cache_head.h tests/unit/policy/parse_head.h
tests_unit_policy_test_invalidate_LDADD = $(POLICY_TEST_LIBS)
tests_unit_policy_test_invalidate_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)

tests_unit_policy_test_reuse_SOURCES = tests/unit/policy/test_reuse.c \
	tests/unit/policy/cache_head.h tests/unit/policy/parse_head.h
tests_unit_policy_test_reuse_LDADD = $(POLICY_TEST_LIBS)
tests_unit_policy_test_reuse_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)

tests_unit_policy_test_revalidate_SOURCES = tests/unit/policy/test_revalidate.c \
	tests/unit/policy/cache_head.h tests/unit/policy/parse_head.h
tests_unit_policy_test_revalidate_LDADD = $(POLICY_TEST_LIBS)
tests_unit_policy_test_revalidate_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)

tests_unit_policy_test_storable_SOURCES = tests/unit/policy/test_storable.c \
	tests/unit/policy/cache_head.h tests/unit/policy/parse_head.h
tests_unit_policy_test_storable_LDADD = $(POLICY_TEST_LIBS)
tests_unit_policy_test_storable_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)

tests_unit_policy_test_vary_SOURCES = tests/unit/policy/test_vary.c \
	tests/unit/policy/cache_head.h tests/unit/policy/parse_head.h
tests_unit_policy_test_vary_LDADD = $(POLICY_TEST_LIBS)
tests_unit_policy_test_vary_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
