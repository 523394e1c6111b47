/* SPDX-License-Identifier: BSD-2-Clause */
/* Inside conf/: places in files, and how messages about them get into a report. */
#ifndef CONF_REPORT_H
#define CONF_REPORT_H

#include "conf/load.h"

/* Where something was written. A default has no place: file is NULL. */
struct place {
	const char *file;
	unsigned file_no;      /* files in the order in which they were read */
	unsigned line, column; /* from 1; 0 = the file as a whole */
};

/* Add a message about <at>. Out of memory drops the text and still counts the error. */
void report_error(struct conf_report *r, struct place at, const char *fmt, ...) PRINTF(3, 4);
void report_warning(struct conf_report *r, struct place at, const char *fmt, ...) PRINTF(3, 4);

/* Puts the messages in the order of files and positions. */
void report_sort(struct conf_report *r);

/* "file:line:column" in <buffer>. */
const char *place_text(struct place at, char *buffer, size_t size);

#endif
