/* SPDX-License-Identifier: BSD-2-Clause */
/* Inside conf/: rules between settings, after each one is known to be right in itself. */
#ifndef CONF_CHECK_H
#define CONF_CHECK_H

#include "conf/box.h"

/* Reports what does not fit together. Leaves alone what was reported as wrong before. */
void check_all(const struct conf_box *box, struct conf_report *report);

#endif
