# SPDX-License-Identifier: BSD-2-Clause
# The public HTTP cache suite; needs node, npm and, the first time, the network. Not part of check.
EXTRA_DIST += \
	tests/conformance/client.mjs tests/conformance/exceptions tests/conformance/origin.mjs \
	tests/conformance/package-lock.json tests/conformance/package.json tests/conformance/run

conformance: all
	TIERCEL=$(abs_builddir)/tiercel $(srcdir)/tests/conformance/run $(CONFORMANCE_FLAGS)
.PHONY: conformance
