/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * net/resolve.h without a network: numeric addresses, and one name, "pair.test", that stands for
 * 127.0.0.1 and 127.0.0.2. Nothing ever changes or fails.
 */
#include "net/resolve.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/err.h"

struct resolver {
	unsigned watches;
};

struct resolve_watch {
	struct resolver *resolver;
	struct resolve_set set;
};

int resolver_new(struct loop *loop, const struct resolver_settings *settings, struct resolver **out)
{
	(void)loop;
	(void)settings;
	*out = calloc(1, sizeof(**out));
	return *out ? 0 : ERR_NOMEM;
}

void resolver_free(struct resolver **r)
{
	ASSERT(!*r || (*r)->watches == 0);
	free(*r);
	*r = NULL;
}

void resolver_counts(const struct resolver *r, struct resolver_counts *out)
{
	(void)r;
	*out = (struct resolver_counts){0};
}

int resolve_watch(struct resolver *r, const char *host, uint16_t port, resolve_fn *fn, void *arg,
		  struct resolve_watch **out)
{
	static const char *const pair[] = {"127.0.0.1", "127.0.0.2"};
	bool is_pair = strcmp(host, "pair.test") == 0;
	struct resolve_watch *w = calloc(1, sizeof(*w));

	(void)fn;
	(void)arg;
	if (!w)
		return ERR_NOMEM;
	for (unsigned i = 0; i < (is_pair ? 2u : 1u); i++)
		if (sock_addr_inet(&w->set.addrs[i], is_pair ? pair[i] : host, port) == 0)
			w->set.n++;
	if (w->set.n == 0) {
		free(w);
		return ERR_SYNTAX;
	}
	w->resolver = r;
	r->watches++;
	*out = w;
	return 0;
}

void resolve_unwatch(struct resolve_watch **w)
{
	if (*w)
		(*w)->resolver->watches--;
	free(*w);
	*w = NULL;
}

const struct resolve_set *resolve_set(const struct resolve_watch *w)
{
	return &w->set;
}

void resolve_hurry(struct resolve_watch *w)
{
	(void)w;
}

unsigned resolve_failures(const struct resolve_watch *w)
{
	(void)w;
	return 0;
}

const char *resolve_error(const struct resolve_watch *w)
{
	(void)w;
	return "";
}

bool resolve_timed_out(const struct resolve_watch *w)
{
	(void)w;
	return false;
}
