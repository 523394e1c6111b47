/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The commands of tbl/cmds.h: choice of the handler, privilege, help. A handler cmd_<id>() ends
 * the ask (ask_end, ask_fail) before it returns, or leaves it waiting with ask->drop set.
 */
#ifndef ADMIN_CMDS_H
#define ADMIN_CMDS_H

#include "base/str.h"

struct ask;

/* Runs the command that ask->request names. */
void cmds_run(struct ask *ask);

/* Ends the ask with the command's usage line: for handlers whose arguments are wrong. */
void cmds_usage(struct ask *ask);

/* The only argument allowed is "--json": true and *out_json, or the ask ended with usage. */
bool cmds_json_only(struct ask *ask, bool *out_json);

#define CMDS_NOW_(fn) void fn(struct ask *ask);
#define CMDS_LATER_(fn)
#define COMMAND(id, word, arguments, privilege, when, line, text) CMDS_##when##_(cmd_##id)
#include "tbl/cmds.h"
#undef COMMAND
#undef CMDS_NOW_
#undef CMDS_LATER_

#endif
