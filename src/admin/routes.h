/* SPDX-License-Identifier: BSD-2-Clause */
/* Which route a request would take: the configuration's routes, compiled as the workers do it. */
#ifndef ADMIN_ROUTES_H
#define ADMIN_ROUTES_H

#include "policy/route.h"

struct conf;
struct conf_route;

/* The caller frees the table. Its rules are conf->routes in order. ERR_NOMEM, ERR_SYNTAX. */
MUST_CHECK int routes_compile(const struct conf *conf, struct route_table **out_table);

/* The route that wins, or NULL. */
const struct conf_route *routes_find(const struct conf *conf, const struct route_table *table,
				     struct str host, struct str path, struct str method);

#endif
