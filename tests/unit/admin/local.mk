# SPDX-License-Identifier: BSD-2-Clause
UNIT_TESTS += \
	tests/unit/admin/test_parts \
	tests/unit/admin/test_proto

tests_unit_admin_test_parts_SOURCES = tests/unit/admin/test_parts.c
tests_unit_admin_test_parts_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_admin_test_parts_LDADD = libadmin.a libobs.a libshm.a libbase.a $(JANSSON_LIBS) $(CMOCKA_LIBS) -lm -lpthread

tests_unit_admin_test_proto_SOURCES = tests/unit/admin/test_proto.c
tests_unit_admin_test_proto_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_admin_test_proto_LDADD = libadmin.a libbase.a $(CMOCKA_LIBS)
EXTRA_DIST += tests/http/test_86_cache_admin.py tests/http/test_admin.py tests/http/lib/promtext.py
