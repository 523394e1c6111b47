/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The log files as the master sees them: it alone opens them (before and after rotation), its
 * children get descriptors. Master only.
 */
#ifndef PROC_LOGS_H
#define PROC_LOGS_H

#include "base/buf.h"
#include "obs/log.h"

struct conf_log;
struct jail;

struct logs {
	enum log_target target;
	enum log_level level;
	int log_fd;    /* LOG_TARGET_FD, else -1 */
	int access_fd; /* -1 = no access log */
};

#define LOGS_INIT ((struct logs){.log_fd = -1, .access_fd = -1})

/* Opens what <conf> names; files that did not exist belong to the jail's user. <why> on failure. */
MUST_CHECK int logs_open(struct logs *out, const struct conf_log *conf, const struct jail *jail,
			 struct buf *why);

/* Makes them this process's log (the error log writes to a copy of the descriptor). */
void logs_use(const struct logs *logs, const char *role);

void logs_close(struct logs *logs);

#endif
