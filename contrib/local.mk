# SPDX-License-Identifier: BSD-2-Clause
# What a newcomer runs, the service unit, and the test targets that need more than `make check`.
EXTRA_DIST += \
	.ci/run \
	contrib/bench/parse_bench.c \
	contrib/bench/run \
	contrib/check \
	contrib/demo/backend.py \
	contrib/deps \
	contrib/load/client.py \
	contrib/load/phased \
	contrib/load/quick \
	contrib/quickstart \
	contrib/systemd/tiercel.service.in \
	debian/changelog \
	debian/conf/tiercel.yaml \
	debian/conf/welcome.html \
	debian/control \
	debian/copyright \
	debian/rules \
	debian/source/format \
	debian/tests/control \
	debian/tests/smoke \
	debian/tiercel.dirs \
	debian/tiercel.docs \
	debian/tiercel.install \
	debian/tiercel.logrotate \
	debian/tiercel.postinst \
	debian/tiercel.postrm

# ---- service unit: where asked (--with-systemdsystemunitdir), else below the prefix ----
if INSTALL_UNIT
unitdir = $(systemdsystemunitdir)
else
unitdir = $(prefix)/lib/systemd/system
endif
nodist_unit_DATA = contrib/systemd/tiercel.service
CLEANFILES += $(nodist_unit_DATA)

contrib/systemd/tiercel.service: contrib/systemd/tiercel.service.in Makefile
	$(AM_V_GEN)$(MKDIR_P) $(@D) && \
	sed -e 's,@sbindir\@,$(sbindir),g' -e 's,@bindir\@,$(bindir),g' -e 's,@sysconfdir\@,$(sysconfdir),g' \
		$(srcdir)/contrib/systemd/tiercel.service.in >$@.new && mv $@.new $@

# ---- hit ratios of the cache's own code: make contrib/replay/replay ----
EXTRA_PROGRAMS = contrib/replay/replay
contrib_replay_replay_SOURCES = contrib/replay/replay.c
contrib_replay_replay_LDADD = libstore.a libshm.a libbase.a $(XXHASH_LIBS) -lpthread -lm

# ---- tests against the real daemon ----
# The first Python on the PATH may be one without pytest, beside the system's own.
BLACK_BOX = python=python3; $$python -c 'import pytest' 2>/dev/null || python=/usr/bin/python3; \
	TIERCEL_BUILD='$(abs_builddir)' $$python -B -m pytest $(PYTEST_FLAGS)

.PHONY: check-http check-crash check-all check-asan check-tsan bench

# the black-box suites, without what takes long; check-all: with it
check-http: all
	$(BLACK_BOX) $(BLACK_BOX_MARK) $(srcdir)/tests/http
check-crash: all
	$(BLACK_BOX) $(BLACK_BOX_MARK) $(srcdir)/tests/crash
check-all: check
	$(MAKE) -k check-http check-crash BLACK_BOX_MARK=
BLACK_BOX_MARK = -m 'not slow'

# the unit tests and the black-box suite in a build of their own, below this one
check-asan: SAN = address,undefined
check-tsan: SAN = thread
# (what a process under TSan holds in memory says nothing about ours)
check-tsan: SAN_FLAGS = PYTEST_FLAGS="-k 'not cost_memory and not unread_answers'"
check-asan check-tsan:
	$(MKDIR_P) $@.build
	cd $@.build && $(abs_top_srcdir)/configure --quiet --enable-werror --enable-slow-checks \
		--enable-sanitizers=$(SAN) CFLAGS='-O1 -g'
	$(MAKE) -C $@.build -k check check-http check-crash $(SAN_FLAGS)

# CPU time per request on this machine (see contrib/bench/run --help)
bench: all
	TIERCEL_BUILD='$(abs_builddir)' $(srcdir)/contrib/bench/run $(BENCH_FLAGS)

# every fuzz target for FUZZ_SECONDS; needs clang
FUZZ_SECONDS = 60
.PHONY: fuzz-short
fuzz-short:
	$(srcdir)/tests/fuzz/run --seconds $(FUZZ_SECONDS) --build '$(abs_builddir)/fuzz' \
		`cd $(srcdir)/tests/fuzz && ls fuzz_*.c | sed 's/^fuzz_//; s/\.c$$//'`
