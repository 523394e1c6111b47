/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Datagrams to the system's logger. syslog(3) waits when the logger's socket is full, and a worker
 * must not; here such a line is lost and the caller counts it. Process-wide; log.c is the only
 * user.
 */
#ifndef OBS_SYSLOG_H
#define OBS_SYSLOG_H

#include "base/err.h"
#include "base/str.h"

#define SYSLOG_PATH "/dev/log"

/* Connects to the socket at <path> (a string that stays). No error if nobody listens yet. */
void syslog_open(const char *path);
void syslog_close(void);

/*
 * Sends <text> with facility daemon and <severity> (RFC 5424 6.2.1: 3 error .. 7 debug), connecting
 * again if the logger was restarted. ERR_BUSY (it would have waited) or ERR_SYS: the line is lost.
 */
MUST_CHECK int syslog_send(int severity, int64_t wall, struct str text);

#endif
