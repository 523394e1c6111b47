# SPDX-License-Identifier: BSD-2-Clause
# Our head parser's verdicts against node's, over the fuzz corpora.
check_PROGRAMS += tests/http/compare-node/head_facts
dist_check_SCRIPTS += tests/http/compare-node/compare
TESTS += tests/http/compare-node/compare
EXTRA_DIST += tests/http/compare-node/compare.js tests/http/compare-node/classes.js
tests_http_compare_node_head_facts_SOURCES = tests/http/compare-node/head_facts.c
tests_http_compare_node_head_facts_LDADD = libhttp.a libbase.a
