/* SPDX-License-Identifier: BSD-2-Clause */
#include "proc/subjects.h"

#include "conf/types.h"
#include "obs/metrics.h"

static void name(struct metrics *m, enum metric_scope scope, const char *what, const char *parent)
{
	/* a full table answers with "(other)": counted together, which is what we want */
	(void)metrics_subject(m, scope, what, parent);
}

void subjects_register(struct metrics *m, const struct conf *conf)
{
	for (size_t i = 0; i < conf->n_listeners; i++)
		name(m, METRIC_SCOPE_LISTENER, conf->listeners[i].name, NULL);
	for (size_t i = 0; i < conf->n_routes; i++)
		name(m, METRIC_SCOPE_ROUTE, conf->routes[i].name, NULL);
	for (size_t i = 0; i < conf->n_upstreams; i++) {
		const struct conf_upstream *u = &conf->upstreams[i];

		name(m, METRIC_SCOPE_UPSTREAM, u->name, NULL);
		for (size_t k = 0; k < u->n_servers; k++)
			name(m, METRIC_SCOPE_SERVER, u->servers[k].address.text, u->name);
	}
}
