# SPDX-License-Identifier: BSD-2-Clause
UNIT_TESTS += \
	tests/unit/policy/test_forwarded \
	tests/unit/policy/test_headers \
	tests/unit/policy/test_ip \
	tests/unit/policy/test_problem \
	tests/unit/policy/test_rewrite \
	tests/unit/policy/test_route

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
