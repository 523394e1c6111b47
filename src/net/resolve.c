/* SPDX-License-Identifier: BSD-2-Clause */
/* The DNS library, which nobody else knows, and what all watches share. */
#include "net/resolve.h"

#include <event2/dns.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/err.h"
#include "net/resolve_priv.h"
#include "obs/log.h"

static const char resolv_conf[] = "/etc/resolv.conf";

/* A question on its way. It lives until the library calls back, whatever becomes of the watch. */
struct query {
	struct resolve_watch *watch; /* NULL: nobody waits any more */
	struct evdns_request *request;
	unsigned family; /* index into watch->families */
};

static const char *error_text(int error)
{
	switch (error) {
	case DNS_ERR_NOTEXIST:
		return "no such name";
	case DNS_ERR_NODATA:
		return "the name has no address";
	case DNS_ERR_SERVERFAILED:
		return "the name server failed";
	case DNS_ERR_REFUSED:
		return "the name server refused to answer";
	case DNS_ERR_TRUNCATED:
		return "the answer was too long";
	case DNS_ERR_TIMEOUT:
	case DNS_ERR_CANCEL:
		return "no name server gave an answer in time";
	default:
		return "the name server's answer was of no use";
	}
}

static enum outcome outcome_of(int error, int count)
{
	if (error == DNS_ERR_NONE)
		return count > 0 ? OUTCOME_GOOD : OUTCOME_EMPTY;
	if (error == DNS_ERR_NOTEXIST || error == DNS_ERR_NODATA)
		return OUTCOME_EMPTY;
	return error == DNS_ERR_TIMEOUT ? OUTCOME_TIMEOUT : OUTCOME_FAILED;
}

static void address_from(struct sock_addr *a, bool v6, const void *bytes, uint16_t port)
{
	memset(a, 0, sizeof(*a));
	if (v6) {
		a->in6.sin6_family = AF_INET6;
		a->in6.sin6_port = htons(port);
		memcpy(&a->in6.sin6_addr, bytes, 16);
		a->n = sizeof(a->in6);
	} else {
		a->in.sin_family = AF_INET;
		a->in.sin_port = htons(port);
		memcpy(&a->in.sin_addr, bytes, 4);
		a->n = sizeof(a->in);
	}
}

static void note_answer(struct resolve_watch *w, struct family *f, int error, int count, int ttl,
			const char *addresses)
{
	bool v6 = f == &w->families[FAMILY_V6];

	f->error = error_text(error == DNS_ERR_NONE ? DNS_ERR_NODATA : error);
	f->outcome = outcome_of(error, count);
	f->ttl = ttl;
	f->n_new = 0;
	if (f->outcome != OUTCOME_GOOD)
		return;
	for (int i = 0; i < count && f->n_new < RESOLVE_MAX; i++)
		address_from(&f->fresh[f->n_new++], v6, addresses + i * (v6 ? 16 : 4), w->port);
}

/* The library's answer; always from its own turn, never from within a call of ours. */
static void on_answer(int error, char type, int count, int ttl, void *addresses, void *arg)
{
	struct query *q = arg;
	struct resolve_watch *w = q->watch;

	(void)type;
	if (w) {
		struct family *f = &w->families[q->family];
		CHECK_MAGIC(w, WATCH_MAGIC);
		ASSERT(f->query == q);
		f->query = NULL;
		note_answer(w, f, error, count, ttl, addresses);
		if (!resolve_is_waiting(w))
			loop_defer(w->resolver->loop, &w->finish, resolve_on_answers, w);
	}
	free(q);
}

void resolve_drop(struct resolve_watch *w)
{
	for (unsigned i = 0; i < FAMILIES; i++) {
		struct family *f = &w->families[i];
		struct query *q = f->query;
		if (!q)
			continue;
		f->query = NULL;
		f->outcome = OUTCOME_TIMEOUT;
		f->error = error_text(DNS_ERR_TIMEOUT);
		q->watch = NULL;
		evdns_cancel_request(w->resolver->dns, q->request);
	}
}

static void ask(struct resolve_watch *w, unsigned family)
{
	struct family *f = &w->families[family];
	struct evdns_base *dns = w->resolver->dns;
	int flags = w->absolute ? DNS_QUERY_NO_SEARCH : 0;
	struct query *q = malloc(sizeof(*q));

	f->outcome = OUTCOME_FAILED; /* until we know better */
	f->error = error_text(DNS_ERR_UNKNOWN);
	if (!q)
		return;
	*q = (struct query){.watch = w, .family = family};
	if (family == FAMILY_V4)
		q->request = evdns_base_resolve_ipv4(dns, w->host, flags, on_answer, q);
	else
		q->request = evdns_base_resolve_ipv6(dns, w->host, flags, on_answer, q);
	if (q->request)
		f->query = q;
	else
		free(q);
}

void resolve_ask(struct resolve_watch *w)
{
	ask(w, FAMILY_V4);
	ask(w, FAMILY_V6);
	if (!resolve_is_waiting(w))
		loop_defer(w->resolver->loop, &w->finish, resolve_on_answers, w);
}

/* The resolver. */

/* Name servers and search domains of resolv.conf, if it is another one than last time. */
static void read_resolv_conf(struct resolver *r)
{
	struct stat now = {0};

	if (r->own_server || stat(resolv_conf, &now))
		return;
	if (now.st_ino == r->resolv_seen.st_ino && now.st_size == r->resolv_seen.st_size &&
	    now.st_mtim.tv_sec == r->resolv_seen.st_mtim.tv_sec &&
	    now.st_mtim.tv_nsec == r->resolv_seen.st_mtim.tv_nsec)
		return;
	r->resolv_seen = now;
	evdns_base_clear_nameservers_and_suspend(r->dns);
	evdns_base_search_clear(r->dns);
	/* a file that says nothing gives the library's default, a server on this host */
	evdns_base_resolv_conf_parse(r->dns, DNS_OPTIONS_ALL & ~DNS_OPTION_HOSTSFILE, resolv_conf);
	evdns_base_resume(r->dns);
}

static void on_tick(void *arg)
{
	struct resolver *r = arg;

	CHECK_MAGIC(r, RESOLVER_MAGIC);
	read_resolv_conf(r);
	if (hosts_refresh(r->hosts))
		LIST_EACH (&r->watches, node)
			resolve_look_again(CONTAINER_OF(node, struct resolve_watch, node));
	loop_timer_set(r->loop, &r->tick, clock_mono() + r->settings.hosts_period, on_tick, r);
}

static int64_t or_default(int64_t value, int64_t standing)
{
	return value ? value : standing;
}

static void fill_defaults(struct resolver_settings *s)
{
	s->min_ttl = or_default(s->min_ttl, NS_PER_S);
	s->max_ttl = or_default(s->max_ttl, 300 * NS_PER_S);
	s->retry_min = or_default(s->retry_min, NS_PER_S);
	s->retry_max = or_default(s->retry_max, 30 * NS_PER_S);
	s->hosts_period = or_default(s->hosts_period, 5 * NS_PER_S);
}

static void set_options(struct resolver *r)
{
	char text[32];

	if (r->settings.timeout) {
		snprintf(text, sizeof(text), "%.3f", (double)r->settings.timeout / NS_PER_S);
		evdns_base_set_option(r->dns, "timeout:", text);
	}
	if (r->settings.tries) {
		snprintf(text, sizeof(text), "%u", r->settings.tries);
		evdns_base_set_option(r->dns, "attempts:", text);
	}
}

static void on_library_log(int is_warning, const char *text)
{
	log_write(is_warning ? LOG_LEVEL_WARN : LOG_LEVEL_DEBUG, "dns", "%s", text);
}

static int set_up_dns(struct resolver *r, const char *nameserver)
{
	evdns_set_log_fn(on_library_log);
	r->dns = evdns_base_new(loop_event_base(r->loop), EVDNS_BASE_DISABLE_WHEN_INACTIVE);
	if (!r->dns)
		return ERR_NOMEM;
	if (nameserver) {
		r->own_server = true;
		if (evdns_base_nameserver_ip_add(r->dns, nameserver))
			return ERR_SYNTAX;
	} else {
		read_resolv_conf(r);
		if (evdns_base_count_nameservers(r->dns) == 0)
			evdns_base_nameserver_ip_add(r->dns, "127.0.0.1");
	}
	set_options(r);
	return 0;
}

int resolver_new(struct loop *loop, const struct resolver_settings *settings,
		 struct resolver **out_resolver)
{
	struct resolver *r = calloc(1, sizeof(*r));
	const char *file = settings && settings->hosts_file ? settings->hosts_file : "/etc/hosts";

	if (!r)
		return ERR_NOMEM;
	r->magic = RESOLVER_MAGIC;
	r->loop = loop;
	list_init(&r->watches);
	if (settings)
		r->settings = *settings;
	fill_defaults(&r->settings);
	r->hosts = hosts_new(file);
	int rc = r->hosts ? set_up_dns(r, r->settings.nameserver) : ERR_NOMEM;
	if (rc) {
		resolver_free(&r);
		return rc;
	}
	r->settings.nameserver = r->settings.hosts_file = NULL; /* the caller's strings */
	loop_timer_set(loop, &r->tick, clock_mono() + r->settings.hosts_period, on_tick, r);
	*out_resolver = r;
	return 0;
}

void resolver_free(struct resolver **resolver)
{
	struct resolver *r = *resolver;

	if (!r)
		return;
	CHECK_MAGIC(r, RESOLVER_MAGIC);
	LIST_EACH (&r->watches, node)
		resolve_watch_free(CONTAINER_OF(node, struct resolve_watch, node));
	loop_timer_clear(r->loop, &r->tick);
	if (r->dns)
		evdns_base_free(r->dns, 1);
	hosts_free(&r->hosts);
	r->magic = 0;
	free(r);
	*resolver = NULL;
}

void resolver_counts(const struct resolver *r, struct resolver_counts *out_counts)
{
	*out_counts = r->counts;
}
