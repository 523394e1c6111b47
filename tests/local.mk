# Unit tests: one program per folder under src/, each folder's list in its own local.mk.
if HAVE_CMOCKA
include tests/unit/base/local.mk
include tests/unit/http/local.mk
include tests/unit/conf/local.mk
include tests/unit/shm/local.mk
include tests/unit/obs/local.mk
include tests/unit/policy/local.mk
include tests/unit/store/local.mk
include tests/unit/net/local.mk
include tests/unit/upstream/local.mk
include tests/unit/admin/local.mk
include tests/unit/proc/local.mk
include tests/sim/local.mk
endif
check_PROGRAMS += $(UNIT_TESTS)
TESTS += $(UNIT_TESTS)

include tests/fuzz/local.mk
include tests/http/local.mk
include tests/http/compare-node/local.mk
include tests/crash/local.mk
include tests/conformance/local.mk
