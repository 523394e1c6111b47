# SPDX-License-Identifier: BSD-2-Clause
# The operator's manual, written by hand.
EXTRA_DIST += \
	doc/cache.md \
	doc/comparison.md \
	doc/configuration.md \
	doc/errors.md \
	doc/getting-started.md \
	doc/internals/STATUS.md \
	doc/internals/admin.md \
	doc/internals/cache.md \
	doc/internals/conformance.md \
	doc/internals/fills-and-purge.md \
	doc/internals/l1.md \
	doc/internals/processes.md \
	doc/internals/segment.md \
	doc/operations.md \
	doc/security.md \
	doc/streaming.md

# The reference and most of the manual pages, made from the tables: `make update-docs` renews them.
EXTRA_DIST += \
	doc/man/tiercelctl.1.in \
	doc/reference/access-log.md \
	doc/reference/commands.md \
	doc/reference/configuration.md \
	doc/reference/metrics.md
dist_man_MANS += doc/man/tiercel.8 doc/man/tiercel-shm.8 doc/man/tiercel.yaml.5 doc/man/tiercelctl.1

dist_check_SCRIPTS += tests/docs/check-generated
TESTS += tests/docs/check-generated

update-docs: genconf gentables
	$(srcdir)/tests/docs/check-generated --update .
.PHONY: update-docs
