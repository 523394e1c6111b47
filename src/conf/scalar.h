/* SPDX-License-Identifier: BSD-2-Clause */
/* Inside conf/: a text as a YAML scalar. */
#ifndef CONF_SCALAR_H
#define CONF_SCALAR_H

#include "base/buf.h"

/*
 * Appends <s> so that conf_load reads the same text again: as it is where YAML lets it be, else in
 * double quotes. <in_list>: it stands inside [ ].
 */
void scalar_print(struct buf *out, struct str s, bool in_list);

#endif
