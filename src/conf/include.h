/* SPDX-License-Identifier: BSD-2-Clause */
/* Inside conf/: the main file and the files it includes as one tree. */
#ifndef CONF_INCLUDE_H
#define CONF_INCLUDE_H

#include "conf/box.h"

enum { INCLUDE_DEPTH_MAX = 8, INCLUDE_FILES_MAX = 1024 };

/*
 * Reads <file> and what it includes, fills in the environment, and merges: blocks into blocks,
 * lists behind lists; what is given twice is reported. 0 with *out_root; ERR_SYNTAX when the main
 * file gave no tree (reported); ERR_NOMEM, ERR_LIMIT. Errors in included files are only reported.
 */
MUST_CHECK int include_tree(struct reader *rd, const char *file, struct node **out_root);

#endif
