# SPDX-License-Identifier: BSD-2-Clause
# Kept inputs replayed without a fuzzer. A new target <name> needs fuzz_<name>.c, corpus/<name>/,
# and its three lines here; see fuzz.h.
FUZZ_REPLAYS = \
	tests/fuzz/replay_admin_line \
	tests/fuzz/replay_cc \
	tests/fuzz/replay_chunked \
	tests/fuzz/replay_conf \
	tests/fuzz/replay_forwarded \
	tests/fuzz/replay_handover \
	tests/fuzz/replay_hosts \
	tests/fuzz/replay_key \
	tests/fuzz/replay_merge \
	tests/fuzz/replay_proxyproto \
	tests/fuzz/replay_range \
	tests/fuzz/replay_request \
	tests/fuzz/replay_response \
	tests/fuzz/replay_rewrite \
	tests/fuzz/replay_sf \
	tests/fuzz/replay_target \
	tests/fuzz/replay_vary
check_PROGRAMS += $(FUZZ_REPLAYS)
TESTS += $(FUZZ_REPLAYS)
EXTRA_DIST += tests/fuzz/run tests/fuzz/http.dict tests/fuzz/cache.dict tests/fuzz/conf.dict tests/fuzz/handover.dict tests/fuzz/seeds.c tests/fuzz/corpus

FUZZ_MAIN = tests/fuzz/replay_main.c tests/fuzz/fuzz.h

tests_fuzz_replay_admin_line_SOURCES = $(FUZZ_MAIN) tests/fuzz/fuzz_admin_line.c
tests_fuzz_replay_admin_line_LDADD = libadmin.a libbase.a

tests_fuzz_replay_chunked_SOURCES = $(FUZZ_MAIN) tests/fuzz/fuzz_chunked.c
tests_fuzz_replay_chunked_LDADD = libhttp.a libbase.a

tests_fuzz_replay_request_SOURCES = $(FUZZ_MAIN) tests/fuzz/fuzz_request.c tests/fuzz/head_check.h
tests_fuzz_replay_request_LDADD = libhttp.a libbase.a

tests_fuzz_replay_response_SOURCES = $(FUZZ_MAIN) tests/fuzz/fuzz_response.c tests/fuzz/head_check.h
tests_fuzz_replay_response_LDADD = libhttp.a libbase.a

tests_fuzz_replay_target_SOURCES = $(FUZZ_MAIN) tests/fuzz/fuzz_target.c
tests_fuzz_replay_target_LDADD = libhttp.a libbase.a

tests_fuzz_replay_conf_SOURCES = $(FUZZ_MAIN) tests/fuzz/fuzz_conf.c
tests_fuzz_replay_conf_LDADD = libconf.a libbase.a $(LIBYAML_LIBS)

tests_fuzz_replay_forwarded_SOURCES = $(FUZZ_MAIN) tests/fuzz/fuzz_forwarded.c
tests_fuzz_replay_forwarded_LDADD = libpolicy.a libhttp.a libbase.a

tests_fuzz_replay_hosts_SOURCES = $(FUZZ_MAIN) tests/fuzz/fuzz_hosts.c
tests_fuzz_replay_hosts_LDADD = libnet.a libbase.a

tests_fuzz_replay_proxyproto_SOURCES = $(FUZZ_MAIN) tests/fuzz/fuzz_proxyproto.c
tests_fuzz_replay_proxyproto_LDADD = libnet.a libbase.a

tests_fuzz_replay_rewrite_SOURCES = $(FUZZ_MAIN) tests/fuzz/fuzz_rewrite.c
tests_fuzz_replay_rewrite_LDADD = libpolicy.a libhttp.a libbase.a

tests_fuzz_replay_cc_SOURCES = $(FUZZ_MAIN) tests/fuzz/fuzz_cc.c
tests_fuzz_replay_cc_LDADD = libhttp.a libbase.a

tests_fuzz_replay_key_SOURCES = $(FUZZ_MAIN) tests/fuzz/fuzz_key.c
tests_fuzz_replay_key_LDADD = libpolicy.a libhttp.a libbase.a

tests_fuzz_replay_range_SOURCES = $(FUZZ_MAIN) tests/fuzz/fuzz_range.c
tests_fuzz_replay_range_LDADD = libhttp.a libbase.a

tests_fuzz_replay_sf_SOURCES = $(FUZZ_MAIN) tests/fuzz/fuzz_sf.c
tests_fuzz_replay_sf_LDADD = libhttp.a libbase.a

tests_fuzz_replay_handover_SOURCES = $(FUZZ_MAIN) tests/fuzz/fuzz_handover.c
tests_fuzz_replay_handover_LDADD = libproc.a libbase.a

tests_fuzz_replay_merge_SOURCES = $(FUZZ_MAIN) tests/fuzz/fuzz_merge.c
tests_fuzz_replay_merge_LDADD = libpolicy.a libhttp.a libbase.a

tests_fuzz_replay_vary_SOURCES = $(FUZZ_MAIN) tests/fuzz/fuzz_vary.c
tests_fuzz_replay_vary_LDADD = libpolicy.a libhttp.a libbase.a
