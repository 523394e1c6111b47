/* SPDX-License-Identifier: BSD-2-Clause */
/* Inside conf/: what follows from other settings when it is not written. */
#ifndef CONF_DERIVE_H
#define CONF_DERIVE_H

#include "conf/box.h"

/* Names of listeners and routes, statuses and content types of fixed answers. */
void derive(struct reader *rd);

#endif
