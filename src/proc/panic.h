/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A worker's last words. When an assert fails or a fatal signal comes, a report (what happened,
 * where, in which request, the return addresses) is written to the worker's slot in the shared
 * segment; then the process dies of the signal as it would have. The master logs the report.
 * Everything that runs then is async-signal-safe.
 */
#ifndef PROC_PANIC_H
#define PROC_PANIC_H

#include "base/prelude.h"

struct slot;

/*
 * Writes what the worker was doing (the request, its step) into <out> of <size> bytes and returns
 * the length. Called in a signal handler: may only read, and must expect half-changed structures.
 */
typedef size_t panic_subject_fn(void *arg, char *out, size_t size);

/* Installs the handlers. <subject> may be NULL. Once, in the worker, before it serves. */
void panic_init(struct slot *slot, unsigned slot_number, panic_subject_fn *subject, void *arg);

#endif
