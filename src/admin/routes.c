/* SPDX-License-Identifier: BSD-2-Clause */
#include "admin/routes.h"

#include <stdlib.h>

#include "base/err.h"
#include "conf/types.h"

int routes_compile(const struct conf *conf, struct route_table **out_table)
{
	struct route_rule *rules = calloc(conf->n_routes + 1, sizeof(*rules));
	int rc;

	if (!rules)
		return ERR_NOMEM;
	for (size_t i = 0; i < conf->n_routes; i++) {
		const struct conf_match *m = &conf->routes[i].match;

		rules[i] = (struct route_rule){
			.hosts = m->host,
			.n_hosts = m->n_host,
			.path_kind = (enum route_path_kind)m->path_kind,
			.path = m->path,
			.methods = m->method,
			.n_methods = m->n_method,
		};
	}
	rc = route_compile(rules, conf->n_routes, out_table, NULL);
	free(rules);
	return rc;
}

const struct conf_route *routes_find(const struct conf *conf, const struct route_table *table,
				     struct str host, struct str path, struct str method)
{
	int rule = route_find(table, host, path, method);

	return rule >= 0 ? &conf->routes[rule] : NULL;
}
