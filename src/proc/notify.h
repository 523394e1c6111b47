/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the service manager is told, and what it passed at start. Everything does nothing when
 * there is no manager, or in a build without libsystemd. Master only.
 */
#ifndef PROC_NOTIFY_H
#define PROC_NOTIFY_H

#include "base/prelude.h"

/*
 * Number of descriptors passed (LISTEN_FDS), the first in *out_first; clears the variables. Their
 * names in *out_names, an array to free together with its entries; NULL when there are none.
 */
int notify_listen_fds(int *out_first, char ***out_names);

/*
 * The manager keeps a copy of the <n> descriptors under <name> until the next start; one that it
 * has already it does not keep twice. What it can keep is limited by its unit (FileDescriptorStoreMax).
 */
void notify_store(const char *name, const int *fds, unsigned n);

/* It forgets all that it keeps under <name>. */
void notify_unstore(const char *name);

/* Start-up, a reload or an upgrade is complete. */
void notify_ready(void);

/* A reload or an upgrade begins (with the time that Type=notify-reload wants). */
void notify_reloading(void);

void notify_stopping(void);

/* One line for `systemctl status`. */
void notify_status(const char *fmt, ...) PRINTF(1, 2);

/* How often the manager wants to hear from us, ns; 0 = not at all. */
int64_t notify_watchdog_interval(void);

/* Still alive. */
void notify_watchdog(void);

#endif
