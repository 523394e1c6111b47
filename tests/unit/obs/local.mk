# SPDX-License-Identifier: BSD-2-Clause
UNIT_TESTS += \
	tests/unit/obs/test_access \
	tests/unit/obs/test_expose \
	tests/unit/obs/test_hist \
	tests/unit/obs/test_log \
	tests/unit/obs/test_metrics \
	tests/unit/obs/test_window

OBS_TEST_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
OBS_TEST_LIBS = libobs.a libshm.a libbase.a $(CMOCKA_LIBS) $(JANSSON_LIBS) -lpthread -lm

tests_unit_obs_test_access_SOURCES = tests/unit/obs/test_access.c
tests_unit_obs_test_access_CFLAGS = $(OBS_TEST_CFLAGS)
tests_unit_obs_test_access_LDADD = $(OBS_TEST_LIBS)

tests_unit_obs_test_expose_SOURCES = tests/unit/obs/test_expose.c
tests_unit_obs_test_expose_CFLAGS = $(OBS_TEST_CFLAGS)
tests_unit_obs_test_expose_LDADD = $(OBS_TEST_LIBS)

tests_unit_obs_test_hist_SOURCES = tests/unit/obs/test_hist.c
tests_unit_obs_test_hist_CFLAGS = $(OBS_TEST_CFLAGS)
tests_unit_obs_test_hist_LDADD = $(OBS_TEST_LIBS)

tests_unit_obs_test_log_SOURCES = tests/unit/obs/test_log.c
tests_unit_obs_test_log_CFLAGS = $(OBS_TEST_CFLAGS)
tests_unit_obs_test_log_LDADD = $(OBS_TEST_LIBS)

tests_unit_obs_test_metrics_SOURCES = tests/unit/obs/test_metrics.c
tests_unit_obs_test_metrics_CFLAGS = $(OBS_TEST_CFLAGS)
tests_unit_obs_test_metrics_LDADD = $(OBS_TEST_LIBS)

tests_unit_obs_test_window_SOURCES = tests/unit/obs/test_window.c
tests_unit_obs_test_window_CFLAGS = $(OBS_TEST_CFLAGS)
tests_unit_obs_test_window_LDADD = $(OBS_TEST_LIBS)
