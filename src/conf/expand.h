/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Inside conf/: ${NAME} and ${NAME:-default} in values. $$ is a dollar sign; a $ before anything
 * else stands for itself, so that patterns keep their anchors. The result is not expanded again.
 */
#ifndef CONF_EXPAND_H
#define CONF_EXPAND_H

#include "conf/source.h"
#include "conf/yaml.h"

/* Expands every value under <root>; what goes wrong is reported. ERR_NOMEM, ERR_LIMIT. */
MUST_CHECK int expand_tree(struct arena *a, struct conf_source *src, struct conf_report *report,
			   struct node *root);

#endif
