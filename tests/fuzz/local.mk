# SPDX-License-Identifier: BSD-2-Clause
# Kept inputs replayed without a fuzzer. A new target <name> needs fuzz_<name>.c, corpus/<name>/,
# and its three lines here; see fuzz.h.
FUZZ_REPLAYS = \
	tests/fuzz/replay_admin_line \
	tests/fuzz/replay_chunked \
	tests/fuzz/replay_request \
	tests/fuzz/replay_response \
	tests/fuzz/replay_target
check_PROGRAMS += $(FUZZ_REPLAYS)
TESTS += $(FUZZ_REPLAYS)
EXTRA_DIST += tests/fuzz/run tests/fuzz/http.dict tests/fuzz/seeds.c tests/fuzz/corpus

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
