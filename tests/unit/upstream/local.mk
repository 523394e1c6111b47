# SPDX-License-Identifier: BSD-2-Clause
UNIT_TESTS += tests/unit/upstream/test_share

tests_unit_upstream_test_share_SOURCES = tests/unit/upstream/test_share.c
tests_unit_upstream_test_share_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_upstream_test_share_LDADD = libupstream.a libshm.a libbase.a $(CMOCKA_LIBS) -lpthread
