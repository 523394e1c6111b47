/* SPDX-License-Identifier: BSD-2-Clause */
#include "upstream/pick.h"

#include "net/resolve.h"
#include "upstream/lb.h"

/* Why no server has an address: the first failure found, unless some name is still on its way. */
static enum proxy_error why_none(const struct group *g)
{
	enum proxy_error why = PROXY_ERROR_destination_unavailable;

	for (size_t i = 0; i < g->n_servers; i++) {
		const struct resolve_watch *w = g->servers[i]->watch;
		if (resolve_failures(w) == 0)
			return PROXY_ERROR_NONE;
		why = resolve_timed_out(w) ? PROXY_ERROR_dns_timeout : PROXY_ERROR_dns_error;
	}
	return why;
}

struct origin_server *pick_server(struct group *g, const struct origin_server *avoid,
				  enum proxy_error *out_error)
{
	struct origin_server *able[PICK_SERVERS_MAX], *avoided = NULL;
	size_t n = 0;

	for (size_t i = 0; i < g->n_servers && n < PICK_SERVERS_MAX; i++) {
		struct origin_server *s = g->servers[i];
		if (!origin_server_known(s))
			continue;
		if (s == avoid)
			avoided = s;
		else
			able[n++] = s;
	}
	if (n == 0 && avoided)
		return avoided;
	if (n == 0) {
		*out_error = why_none(g);
		return NULL;
	}
	return n == 1 ? able[0] : g->set.lb->pick(g, able, n);
}
