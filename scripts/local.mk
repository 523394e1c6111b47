# SPDX-License-Identifier: BSD-2-Clause
# Checks of the source tree itself; part of `make check`.
TREE_CHECKS = \
	scripts/check-docs \
	scripts/check-headers \
	scripts/check-layers \
	scripts/check-magic \
	scripts/check-style \
	scripts/test-checks

dist_check_SCRIPTS += $(TREE_CHECKS)
TESTS += $(TREE_CHECKS)

AM_TESTS_ENVIRONMENT = \
	CC='$(CC)'; CFLAGS='$(AM_CPPFLAGS) -DHAVE_CONFIG_H -I. $(LIBEVENT_CFLAGS) $(JANSSON_CFLAGS) $(PCRE2_CFLAGS)'; \
	export CC CFLAGS;
