# SPDX-License-Identifier: BSD-2-Clause
EXTRA_DIST += src/tbl/errors.h
EXTRA_DIST += src/tbl/fields.h src/tbl/methods.h src/tbl/parse_errors.h src/tbl/statuses.h
EXTRA_DIST += src/tbl/regions.h src/tbl/locks.h src/tbl/worker_states.h src/tbl/counters.h src/tbl/logfields.h
EXTRA_DIST += src/tbl/control.h src/tbl/master_states.h
EXTRA_DIST += src/tbl/reasons.h src/tbl/steps_fetch.h src/tbl/steps_req.h
