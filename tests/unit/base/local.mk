# SPDX-License-Identifier: BSD-2-Clause
UNIT_TESTS += tests/unit/base/test_base tests/unit/base/test_memory \
	tests/unit/base/test_sha256

tests_unit_base_test_base_SOURCES = tests/unit/base/test_base.c
tests_unit_base_test_base_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_base_test_base_LDADD = libbase.a $(CMOCKA_LIBS)

tests_unit_base_test_memory_SOURCES = tests/unit/base/test_memory.c
tests_unit_base_test_memory_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_base_test_memory_LDADD = libbase.a $(CMOCKA_LIBS)

tests_unit_base_test_sha256_SOURCES = tests/unit/base/test_sha256.c
tests_unit_base_test_sha256_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_base_test_sha256_LDADD = libbase.a $(CMOCKA_LIBS)
