# SPDX-License-Identifier: BSD-2-Clause
# The engine on virtual time: loop_sim.c and resolve_sim.c stand in for what libnet.a has.
UNIT_TESTS += tests/sim/test_client_time tests/sim/test_upstream_time tests/sim/test_lifecycle \
	tests/sim/test_cache_time tests/sim/test_cache_coalesce tests/sim/test_cache_leave \
	tests/sim/test_cache_body tests/sim/test_cache_stream tests/sim/test_cache_change \
	tests/sim/test_cache_reload tests/sim/test_cache_storm

SIM_SOURCES = \
	tests/sim/loop_sim.c tests/sim/loop_sim.h \
	tests/sim/resolve_sim.c \
	tests/sim/sim.c tests/sim/sim.h tests/sim/world.h tests/sim/peers.c
SIM_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)
SIM_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
SIM_LIBS = libproc.a libreq.a libfetch.a libupstream.a libstore.a libnet.a libpolicy.a libobs.a libhttp.a \
	libconf.a libshm.a libbase.a $(LIBYAML_LIBS) $(PCRE2_LIBS) $(XXHASH_LIBS) $(CMOCKA_LIBS) -lm

tests_sim_test_client_time_SOURCES = tests/sim/test_client_time.c $(SIM_SOURCES)
tests_sim_test_client_time_CPPFLAGS = $(SIM_CPPFLAGS)
tests_sim_test_client_time_CFLAGS = $(SIM_CFLAGS)
tests_sim_test_client_time_LDADD = $(SIM_LIBS)

tests_sim_test_upstream_time_SOURCES = tests/sim/test_upstream_time.c $(SIM_SOURCES)
tests_sim_test_upstream_time_CPPFLAGS = $(SIM_CPPFLAGS)
tests_sim_test_upstream_time_CFLAGS = $(SIM_CFLAGS)
tests_sim_test_upstream_time_LDADD = $(SIM_LIBS)

tests_sim_test_lifecycle_SOURCES = tests/sim/test_lifecycle.c $(SIM_SOURCES)
tests_sim_test_lifecycle_CPPFLAGS = $(SIM_CPPFLAGS)
tests_sim_test_lifecycle_CFLAGS = $(SIM_CFLAGS)
tests_sim_test_lifecycle_LDADD = $(SIM_LIBS)

tests_sim_test_cache_time_SOURCES = tests/sim/test_cache_time.c $(SIM_SOURCES)
tests_sim_test_cache_time_CPPFLAGS = $(SIM_CPPFLAGS)
tests_sim_test_cache_time_CFLAGS = $(SIM_CFLAGS)
tests_sim_test_cache_time_LDADD = $(SIM_LIBS)

tests_sim_test_cache_coalesce_SOURCES = tests/sim/test_cache_coalesce.c $(SIM_SOURCES)
tests_sim_test_cache_coalesce_CPPFLAGS = $(SIM_CPPFLAGS)
tests_sim_test_cache_coalesce_CFLAGS = $(SIM_CFLAGS)
tests_sim_test_cache_coalesce_LDADD = $(SIM_LIBS)

tests_sim_test_cache_body_SOURCES = tests/sim/test_cache_body.c $(SIM_SOURCES)
tests_sim_test_cache_body_CPPFLAGS = $(SIM_CPPFLAGS)
tests_sim_test_cache_body_CFLAGS = $(SIM_CFLAGS)
tests_sim_test_cache_body_LDADD = $(SIM_LIBS)

tests_sim_test_cache_change_SOURCES = tests/sim/test_cache_change.c $(SIM_SOURCES)
tests_sim_test_cache_change_CPPFLAGS = $(SIM_CPPFLAGS)
tests_sim_test_cache_change_CFLAGS = $(SIM_CFLAGS)
tests_sim_test_cache_change_LDADD = $(SIM_LIBS)

tests_sim_test_cache_storm_SOURCES = tests/sim/test_cache_storm.c $(SIM_SOURCES)
tests_sim_test_cache_storm_CPPFLAGS = $(SIM_CPPFLAGS)
tests_sim_test_cache_storm_CFLAGS = $(SIM_CFLAGS)
tests_sim_test_cache_storm_LDADD = $(SIM_LIBS)

tests_sim_test_cache_leave_SOURCES = tests/sim/test_cache_leave.c $(SIM_SOURCES)
tests_sim_test_cache_leave_CPPFLAGS = $(SIM_CPPFLAGS)
tests_sim_test_cache_leave_CFLAGS = $(SIM_CFLAGS)
tests_sim_test_cache_leave_LDADD = $(SIM_LIBS)

tests_sim_test_cache_stream_SOURCES = tests/sim/test_cache_stream.c $(SIM_SOURCES)
tests_sim_test_cache_stream_CPPFLAGS = $(SIM_CPPFLAGS)
tests_sim_test_cache_stream_CFLAGS = $(SIM_CFLAGS)
tests_sim_test_cache_stream_LDADD = $(SIM_LIBS)

tests_sim_test_cache_reload_SOURCES = tests/sim/test_cache_reload.c $(SIM_SOURCES)
tests_sim_test_cache_reload_CPPFLAGS = $(SIM_CPPFLAGS)
tests_sim_test_cache_reload_CFLAGS = $(SIM_CFLAGS)
tests_sim_test_cache_reload_LDADD = $(SIM_LIBS)
