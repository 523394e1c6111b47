# SPDX-License-Identifier: BSD-2-Clause
UNIT_TESTS += \
	tests/unit/store/test_fills \
	tests/unit/store/test_fills_crash \
	tests/unit/store/test_l1 \
	tests/unit/store/test_l1_check \
	tests/unit/store/test_l1_crash \
	tests/unit/store/test_l1_full \
	tests/unit/store/test_l1_lend \
	tests/unit/store/test_l1_stream \
	tests/unit/store/test_purge

STORE_TEST_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
STORE_TEST_LIBS = libstore.a libnet.a libpolicy.a libhttp.a libshm.a libbase.a $(XXHASH_LIBS) $(CMOCKA_LIBS) -lpthread

tests_unit_store_test_fills_SOURCES = tests/unit/store/test_fills.c
tests_unit_store_test_fills_CFLAGS = $(STORE_TEST_CFLAGS)
tests_unit_store_test_fills_LDADD = $(STORE_TEST_LIBS)

tests_unit_store_test_fills_crash_SOURCES = tests/unit/store/test_fills_crash.c
tests_unit_store_test_fills_crash_CFLAGS = $(STORE_TEST_CFLAGS)
tests_unit_store_test_fills_crash_LDADD = $(STORE_TEST_LIBS)

tests_unit_store_test_purge_SOURCES = tests/unit/store/test_purge.c
tests_unit_store_test_purge_CFLAGS = $(STORE_TEST_CFLAGS)
tests_unit_store_test_purge_LDADD = $(STORE_TEST_LIBS)

tests_unit_store_test_l1_SOURCES = tests/unit/store/test_l1.c tests/unit/store/l1_test.h
tests_unit_store_test_l1_CFLAGS = $(STORE_TEST_CFLAGS)
tests_unit_store_test_l1_LDADD = $(STORE_TEST_LIBS)

tests_unit_store_test_l1_full_SOURCES = tests/unit/store/test_l1_full.c tests/unit/store/l1_test.h
tests_unit_store_test_l1_full_CFLAGS = $(STORE_TEST_CFLAGS)
tests_unit_store_test_l1_full_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=posix_fallocate
tests_unit_store_test_l1_full_LDADD = $(STORE_TEST_LIBS) -lm

tests_unit_store_test_l1_crash_SOURCES = tests/unit/store/test_l1_crash.c tests/unit/store/l1_test.h
tests_unit_store_test_l1_crash_CFLAGS = $(STORE_TEST_CFLAGS)
tests_unit_store_test_l1_crash_LDADD = $(STORE_TEST_LIBS)

tests_unit_store_test_l1_stream_SOURCES = tests/unit/store/test_l1_stream.c tests/unit/store/l1_test.h
tests_unit_store_test_l1_stream_CFLAGS = $(STORE_TEST_CFLAGS)
tests_unit_store_test_l1_stream_LDADD = $(STORE_TEST_LIBS)

tests_unit_store_test_l1_check_SOURCES = tests/unit/store/test_l1_check.c tests/unit/store/l1_test.h
tests_unit_store_test_l1_check_CFLAGS = $(STORE_TEST_CFLAGS)
tests_unit_store_test_l1_check_LDADD = $(STORE_TEST_LIBS)

tests_unit_store_test_l1_lend_SOURCES = tests/unit/store/test_l1_lend.c tests/unit/store/l1_test.h
tests_unit_store_test_l1_lend_CFLAGS = $(STORE_TEST_CFLAGS)
tests_unit_store_test_l1_lend_LDADD = $(STORE_TEST_LIBS)
