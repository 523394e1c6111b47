/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The error log: one line per event, to stderr, the system's logger or a file.
 *
 *	2026-11-22T16:30:00.123Z info worker[3]: net: text
 *
 * On stderr that leads to the journal (JOURNAL_STREAM) the stamp and level become "<6>".
 * Lines are written whole, by one system call, and never waited for: if the descriptor would
 * block, the line is dropped and counted. Bytes that could fake or break a line (control bytes,
 * bytes that are not UTF-8) are escaped. More than LOG_AREA_PER_SECOND lines a second from one
 * area are suppressed, and a line tells how many.
 *
 * The process must ignore SIGPIPE. Process-wide; the process's main thread only. Time is read through base/clock.h.
 */
#ifndef OBS_LOG_H
#define OBS_LOG_H

#include "base/err.h"
#include "base/prelude.h"

enum log_level {
	LOG_LEVEL_NONE = 0,
	LOG_LEVEL_ERROR = 1, /* somebody must act */
	LOG_LEVEL_WARN = 2,  /* somebody should look */
	LOG_LEVEL_INFO = 3,  /* what the daemon does */
	LOG_LEVEL_DEBUG = 4, /* how */
};

enum log_target {
	LOG_TARGET_STDERR = 0, /* without time stamp and pid when stderr goes to the journal */
	LOG_TARGET_SYSLOG = 1, /* facility daemon, ident "tiercel" */
	LOG_TARGET_FD = 2,     /* a file that the master opened */
};

enum {
	LOG_LINE_MAX = 4096,	   /* bytes of a line, newline included; longer ones are cut */
	LOG_AREA_PER_SECOND = 100, /* lines a second per area */
};

struct log_settings {
	enum log_level level; /* least important level that is written; 0 = INFO */
	enum log_target target;
	int fd;			 /* LOG_TARGET_FD: the descriptor; log takes it */
	const char *role;	 /* "master", "worker[3]", "admin"; copied; NULL = as it is */
	const char *syslog_path; /* the logger's socket; NULL = /dev/log */
};

/* Begins, or begins anew with other settings. Without it: stderr, level info, role "tiercel". */
void log_init(const struct log_settings *settings);

/* Another level, another role (after fork). */
void log_set_level(enum log_level level);
void log_set_role(const char *role);

/* Takes <fd> as the log from now on (LOG_TARGET_FD) and closes the one before. */
void log_set_fd(int fd);

/* Opens (creates, 0640) a log file for appending: error log and access log. Never blocks, not on a
 * FIFO either. ERR_SYS, with errno. */
MUST_CHECK int log_open(const char *path, int *out_fd);

/* True if lines of <level> are written: to save the cost of making them. */
bool log_wants(enum log_level level);

/* <area> is a folder or topic ("net", "reload"): a string constant. errno is kept. */
void log_error(const char *area, const char *fmt, ...) PRINTF(2, 3);
void log_warn(const char *area, const char *fmt, ...) PRINTF(2, 3);
void log_info(const char *area, const char *fmt, ...) PRINTF(2, 3);
void log_debug(const char *area, const char *fmt, ...) PRINTF(2, 3);
void log_write(enum log_level level, const char *area, const char *fmt, ...) PRINTF(3, 4);

/* Once a second: writes the "N lines suppressed" lines that are due. */
void log_tick(void);

/* Lines dropped or suppressed so far, in this process. */
uint64_t log_dropped(void);

/* "info"; never NULL. And back: LOG_LEVEL_NONE if unknown. */
const char *log_level_name(enum log_level level);
enum log_level log_level_find(const char *name);

#endif
