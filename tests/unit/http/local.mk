# SPDX-License-Identifier: BSD-2-Clause
# The parser and decoder tests are built twice: with the CPU's vector instructions and without.
HTTP_TESTS = \
	tests/unit/http/test_body \
	tests/unit/http/test_cc \
	tests/unit/http/test_cond \
	tests/unit/http/test_date \
	tests/unit/http/test_fields \
	tests/unit/http/test_parse \
	tests/unit/http/test_parse_portable \
	tests/unit/http/test_range \
	tests/unit/http/test_sf \
	tests/unit/http/test_target \
	tests/unit/http/test_write
UNIT_TESTS += $(HTTP_TESTS)

HTTP_TEST_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
HTTP_TEST_LIBS = libhttp.a libbase.a $(CMOCKA_LIBS)

tests_unit_http_test_body_SOURCES = tests/unit/http/test_body.c tests/unit/http/cases_chunked.h
tests_unit_http_test_body_CFLAGS = $(HTTP_TEST_CFLAGS)
tests_unit_http_test_body_LDADD = $(HTTP_TEST_LIBS)

tests_unit_http_test_date_SOURCES = tests/unit/http/test_date.c
tests_unit_http_test_date_CFLAGS = $(HTTP_TEST_CFLAGS)
tests_unit_http_test_date_LDADD = $(HTTP_TEST_LIBS)

tests_unit_http_test_fields_SOURCES = tests/unit/http/test_fields.c
tests_unit_http_test_fields_CFLAGS = $(HTTP_TEST_CFLAGS)
tests_unit_http_test_fields_LDADD = $(HTTP_TEST_LIBS)

tests_unit_http_test_parse_SOURCES = tests/unit/http/test_parse.c tests/unit/http/head_text.h \
	tests/unit/http/cases_request.h tests/unit/http/cases_response.h \
	tests/unit/http/cases_trailers.h
tests_unit_http_test_parse_CFLAGS = $(HTTP_TEST_CFLAGS)
tests_unit_http_test_parse_LDADD = $(HTTP_TEST_LIBS)

tests_unit_http_test_parse_portable_SOURCES = $(tests_unit_http_test_parse_SOURCES) \
	$(libhttp_a_SOURCES)
tests_unit_http_test_parse_portable_CPPFLAGS = $(AM_CPPFLAGS) -DHTTP_SCAN_PORTABLE
tests_unit_http_test_parse_portable_CFLAGS = $(HTTP_TEST_CFLAGS)
tests_unit_http_test_parse_portable_LDADD = libbase.a $(CMOCKA_LIBS)

tests_unit_http_test_target_SOURCES = tests/unit/http/test_target.c
tests_unit_http_test_target_CFLAGS = $(HTTP_TEST_CFLAGS)
tests_unit_http_test_target_LDADD = $(HTTP_TEST_LIBS)

tests_unit_http_test_write_SOURCES = tests/unit/http/test_write.c
tests_unit_http_test_write_CFLAGS = $(HTTP_TEST_CFLAGS)
tests_unit_http_test_write_LDADD = $(HTTP_TEST_LIBS)

tests_unit_http_test_cc_SOURCES = tests/unit/http/test_cc.c tests/unit/policy/parse_head.h
tests_unit_http_test_cc_CFLAGS = $(HTTP_TEST_CFLAGS)
tests_unit_http_test_cc_LDADD = $(HTTP_TEST_LIBS)

tests_unit_http_test_cond_SOURCES = tests/unit/http/test_cond.c tests/unit/policy/parse_head.h
tests_unit_http_test_cond_CFLAGS = $(HTTP_TEST_CFLAGS)
tests_unit_http_test_cond_LDADD = $(HTTP_TEST_LIBS)

tests_unit_http_test_range_SOURCES = tests/unit/http/test_range.c tests/unit/policy/parse_head.h
tests_unit_http_test_range_CFLAGS = $(HTTP_TEST_CFLAGS)
tests_unit_http_test_range_LDADD = $(HTTP_TEST_LIBS)

tests_unit_http_test_sf_SOURCES = tests/unit/http/test_sf.c tests/unit/policy/parse_head.h
tests_unit_http_test_sf_CFLAGS = $(HTTP_TEST_CFLAGS)
tests_unit_http_test_sf_LDADD = $(HTTP_TEST_LIBS)
