/* SPDX-License-Identifier: BSD-2-Clause */
/* Inside conf/: the walk of a tree of nodes along the table. */
#ifndef CONF_SCHEMA_H
#define CONF_SCHEMA_H

#include "conf/box.h"

/*
 * Fills the struct of <section> at <base> from <map>, which may be NULL, and with defaults. <at> is
 * where complaints about missing settings go. False if anything was reported.
 */
bool schema_read(struct reader *rd, const struct conf_section *section, const struct node *map,
		 struct place at, void *base);

#endif
