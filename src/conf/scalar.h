/* SPDX-License-Identifier: BSD-2-Clause */
/* Inside conf/: a text as a YAML scalar. */
#ifndef CONF_SCALAR_H
#define CONF_SCALAR_H

#include "base/buf.h"

/* Where the scalar stands. */
enum scalar_use {
	SCALAR_VALUE = 1, /* behind a key */
	SCALAR_ITEM = 2,  /* inside [ ] */
	SCALAR_KEY = 3,	  /* as a key, which the environment never completes */
};

/*
 * Appends <s> so that conf_load reads the same text again: as it is where YAML lets it be, else in
 * double quotes.
 */
void scalar_print(struct buf *out, struct str s, enum scalar_use use);

#endif
