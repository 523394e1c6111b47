# SPDX-License-Identifier: BSD-2-Clause
# The operator's manual, written by hand.
EXTRA_DIST += \
	doc/comparison.md \
	doc/configuration.md \
	doc/errors.md \
	doc/getting-started.md \
	doc/operations.md \
	doc/security.md \
	doc/streaming.md
