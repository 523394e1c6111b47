/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the service manager is told, and what it passed at start. Everything does nothing when
 * there is no manager, or in a build without libsystemd. Master only.
 */
#ifndef PROC_NOTIFY_H
#define PROC_NOTIFY_H

#include "base/prelude.h"

/* Number of descriptors passed (LISTEN_FDS), the first in *out_first; clears the variables. */
int notify_listen_fds(int *out_first);

/* Start-up or a reload is complete. */
void notify_ready(void);

/* A reload begins (with the time that Type=notify-reload wants). */
void notify_reloading(void);

void notify_stopping(void);

/* One line for `systemctl status`. */
void notify_status(const char *fmt, ...) PRINTF(1, 2);

/* How often the manager wants to hear from us, ns; 0 = not at all. */
int64_t notify_watchdog_interval(void);

/* Still alive. */
void notify_watchdog(void);

#endif
