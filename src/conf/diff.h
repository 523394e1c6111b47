/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a reload changes. Listeners, upstreams and routes are compared by name, servers by address.
 */
#ifndef CONF_DIFF_H
#define CONF_DIFF_H

#include "base/buf.h"
#include "conf/types.h"

/* What it takes for a change to come into force, mildest first (tbl/conf.h, column reload). */
enum conf_reload {
	CONF_RELOAD_NONE = 0,	 /* nothing changed */
	CONF_RELOAD_LIVE = 1,	 /* running workers take it over */
	CONF_RELOAD_WORKERS = 2, /* new worker processes */
	CONF_RELOAD_RESTART = 3, /* a restart; a reload leaves the old value in force */
};

/* The answer of conf_diff. */
struct conf_changes {
	enum conf_reload most; /* the severest change */
	size_t n[4];	       /* changes by enum conf_reload */
};

/*
 * Appends one line per changed setting to <out>, such as
 *   live: routes.api.timeout: 0s -> 5s
 *   needs new workers: workers: auto -> 4
 *   needs a restart: user: tiercel -> www
 * The order of routes matters and is reported when it alone changed.
 */
void conf_diff(const struct conf *before, const struct conf *after, struct buf *out,
	       struct conf_changes *out_changes);

#endif
