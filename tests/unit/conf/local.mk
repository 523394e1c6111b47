# SPDX-License-Identifier: BSD-2-Clause
CONF_TESTS = \
	tests/unit/conf/test_bundle \
	tests/unit/conf/test_load \
	tests/unit/conf/test_nomem \
	tests/unit/conf/test_print \
	tests/unit/conf/test_report \
	tests/unit/conf/test_types
UNIT_TESTS += $(CONF_TESTS)

CONF_TEST_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
CONF_TEST_LIBS = libconf.a libbase.a $(LIBYAML_LIBS) $(CMOCKA_LIBS)

tests_unit_conf_test_bundle_SOURCES = tests/unit/conf/test_bundle.c tests/unit/conf/conf_test.h
tests_unit_conf_test_bundle_CFLAGS = $(CONF_TEST_CFLAGS)
tests_unit_conf_test_bundle_LDADD = $(CONF_TEST_LIBS)

tests_unit_conf_test_load_SOURCES = tests/unit/conf/test_load.c tests/unit/conf/conf_test.h
tests_unit_conf_test_load_CFLAGS = $(CONF_TEST_CFLAGS)
tests_unit_conf_test_load_LDADD = $(CONF_TEST_LIBS)

tests_unit_conf_test_print_SOURCES = tests/unit/conf/test_print.c tests/unit/conf/conf_test.h
tests_unit_conf_test_print_CFLAGS = $(CONF_TEST_CFLAGS)
tests_unit_conf_test_print_LDADD = $(CONF_TEST_LIBS)

tests_unit_conf_test_report_SOURCES = tests/unit/conf/test_report.c tests/unit/conf/conf_test.h tests/unit/conf/cases_report.h \
	tests/unit/conf/cases_cache.h
tests_unit_conf_test_report_CFLAGS = $(CONF_TEST_CFLAGS)
tests_unit_conf_test_report_LDADD = $(CONF_TEST_LIBS)

tests_unit_conf_test_types_SOURCES = tests/unit/conf/test_types.c tests/unit/conf/conf_test.h
tests_unit_conf_test_types_CFLAGS = $(CONF_TEST_CFLAGS)
tests_unit_conf_test_types_LDADD = $(CONF_TEST_LIBS)

# Every allocation of libconf and libbase goes through the test.
tests_unit_conf_test_nomem_SOURCES = tests/unit/conf/test_nomem.c tests/unit/conf/conf_test.h
tests_unit_conf_test_nomem_CFLAGS = $(CONF_TEST_CFLAGS)
tests_unit_conf_test_nomem_LDFLAGS = $(AM_LDFLAGS) \
	-Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=reallocarray
tests_unit_conf_test_nomem_LDADD = $(CONF_TEST_LIBS)
