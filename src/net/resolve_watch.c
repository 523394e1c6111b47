/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A watch goes round: ask for A and AAAA at once, wait for both, take what is good, sleep until
 * the lifetime or the pause is over. One timer serves both the wait and the sleep. The answers
 * come in the library's own time; they are noted, and the round is ended by a task of our loop.
 */
#include "net/resolve_priv.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/err.h"
#include "obs/log.h"

static void on_timer(void *arg);

/* Sets. */

static bool set_has(const struct resolve_set *set, const struct sock_addr *a)
{
	for (unsigned i = 0; i < set->n; i++)
		if (sock_addr_eq(&set->addrs[i], a))
			return true;
	return false;
}

static void set_add(struct resolve_set *set, const struct sock_addr *list, unsigned n)
{
	for (unsigned i = 0; i < n && set->n < RESOLVE_MAX; i++)
		if (!set_has(set, &list[i]))
			set->addrs[set->n++] = list[i];
}

/* Neither has an address twice. */
static bool same_set(const struct resolve_set *a, const struct resolve_set *b)
{
	for (unsigned i = 0; i < a->n; i++)
		if (!set_has(b, &a->addrs[i]))
			return false;
	return a->n == b->n;
}

/* The round was good. Tells the owner of a change, last of all: it may end the watch. */
static void take_set(struct resolve_watch *w, const struct resolve_set *set, bool quiet)
{
	if (w->failures)
		log_info("dns", "%s: known again", w->host);
	w->failures = 0;
	w->error = "";
	w->timed_out = false;
	if (same_set(&w->set, set))
		return;
	w->set = *set;
	w->resolver->counts.changes++;
	if (!quiet)
		w->fn(w->arg, &w->set);
}

/* Rounds. */

static void sleep_for(struct resolve_watch *w, int64_t ns)
{
	loop_timer_set(w->resolver->loop, &w->timer, clock_mono() + ns, on_timer, w);
}

static void end_badly(struct resolve_watch *w)
{
	const struct resolver_settings *s = &w->resolver->settings;
	const struct family *v4 = &w->families[FAMILY_V4];
	int64_t pause = s->retry_min << MIN(w->failures, 20U);

	w->resolver->counts.failures++;
	w->timed_out = v4->outcome == OUTCOME_TIMEOUT;
	w->error = v4->error;
	/* the owner hears of changes alone, so the first failure of a row is told here */
	if (w->failures++ == 0)
		log_warn("dns", "%s: %s; %s", w->host, w->error,
			 w->set.n ? "the last addresses stay in use" : "no address is known");
	sleep_for(w, MIN(pause, s->retry_max));
}

/* What one family's outcome means for its addresses, in a round that was good. */
static void settle(struct family *f)
{
	if (f->outcome == OUTCOME_GOOD) {
		memcpy(f->good, f->fresh, f->n_new * sizeof(f->good[0]));
		f->n = f->n_new;
	} else if (f->outcome == OUTCOME_EMPTY) {
		f->n = 0; /* the name lives, without this family */
	}
}

static void end_round(struct resolve_watch *w)
{
	const struct resolver_settings *s = &w->resolver->settings;
	struct resolve_set set = {.n = 0};
	int64_t ttl = INT64_MAX;

	w->asking = false;
	for (unsigned i = 0; i < FAMILIES; i++)
		if (w->families[i].outcome == OUTCOME_GOOD)
			ttl = MIN(ttl, MAX(w->families[i].ttl, 0) * NS_PER_S);
	if (ttl == INT64_MAX) {
		end_badly(w);
		return;
	}
	for (unsigned i = 0; i < FAMILIES; i++) {
		settle(&w->families[i]);
		set_add(&set, w->families[i].good, w->families[i].n);
	}
	sleep_for(w, MIN(MAX(ttl, s->min_ttl), s->max_ttl));
	take_set(w, &set, false);
}

void resolve_on_answers(void *watch)
{
	struct resolve_watch *w = watch;

	CHECK_MAGIC(w, WATCH_MAGIC);
	if (w->asking)
		end_round(w);
}

/* Longer than the library needs to give up, search domains included. */
static int64_t round_limit(const struct resolver_settings *s)
{
	int64_t timeout = s->timeout ? s->timeout : 5 * NS_PER_S;

	return timeout * (s->tries ? s->tries : 3) * 2 + NS_PER_S;
}

static void ask_dns(struct resolve_watch *w)
{
	w->asking = true;
	w->resolver->counts.lookups++;
	sleep_for(w, round_limit(&w->resolver->settings));
	resolve_ask(w);
}

static bool is_localhost(const char *host)
{
	struct str h = str_c(host), dot = STR(".localhost");

	return str_ieq(h, STR("localhost")) ||
	       (h.n > dot.n && str_ieq(str_of(h.p + h.n - dot.n, dot.n), dot));
}

/* What can be known without asking anybody. */
static bool known_locally(const struct resolve_watch *w, struct resolve_set *out)
{
	out->n = hosts_find(w->resolver->hosts, str_c(w->host), w->port, out->addrs, RESOLVE_MAX);
	if (out->n == 0 && is_localhost(w->host)) {
		if (sock_addr_inet(&out->addrs[0], "127.0.0.1", w->port) ||
		    sock_addr_inet(&out->addrs[1], "::1", w->port))
			return false;
		out->n = 2;
	}
	return out->n > 0;
}

/* <quiet>: the owner is calling and will look at the set itself. */
static void begin_round(struct resolve_watch *w, bool quiet)
{
	struct resolve_set set;

	if (w->asking)
		return;
	w->begun = clock_mono();
	loop_timer_clear(w->resolver->loop, &w->timer);
	if (known_locally(w, &set))
		take_set(w, &set, quiet); /* until the file changes */
	else
		ask_dns(w);
}

/* The wait or the sleep is over. */
static void on_timer(void *arg)
{
	struct resolve_watch *w = arg;

	CHECK_MAGIC(w, WATCH_MAGIC);
	if (!w->asking) {
		begin_round(w, false);
		return;
	}
	resolve_drop(w);
	loop_undefer(w->resolver->loop, &w->finish);
	end_round(w);
}

/* Watches. */

void resolve_look_again(struct resolve_watch *w)
{
	if (w->numeric)
		return;
	resolve_drop(w);
	loop_undefer(w->resolver->loop, &w->finish);
	w->asking = false;
	loop_timer_set(w->resolver->loop, &w->timer, clock_mono(), on_timer, w);
}

static bool is_name(struct str s)
{
	if (s.n == 0 || s.n > 253)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		char c = ascii_lower(s.p[i]);
		if (!ascii_digit(c) && !(c >= 'a' && c <= 'z') && !strchr("-._", c))
			return false;
		if (c == '.' && (i == 0 || s.p[i - 1] == '.'))
			return false;
	}
	return true;
}

void resolve_watch_free(struct resolve_watch *w)
{
	struct resolver *r = w->resolver;

	resolve_drop(w);
	loop_timer_clear(r->loop, &w->timer);
	loop_undefer(r->loop, &w->finish);
	if (list_linked(&w->node))
		list_remove(&r->watches, &w->node);
	w->magic = 0;
	free(w->host);
	free(w);
}

int resolve_watch(struct resolver *r, const char *host, uint16_t port, resolve_fn *fn, void *arg,
		  struct resolve_watch **out_watch)
{
	struct str name = str_c(host);
	struct resolve_watch *w = calloc(1, sizeof(*w));

	CHECK_MAGIC(r, RESOLVER_MAGIC);
	if (!w)
		return ERR_NOMEM;
	w->magic = WATCH_MAGIC;
	w->error = "";
	w->resolver = r;
	w->port = port;
	w->fn = fn;
	w->arg = arg;
	w->numeric = sock_addr_inet(&w->set.addrs[0], host, port) == 0;
	if (w->numeric)
		w->set.n = 1;
	if (name.n > 1 && name.p[name.n - 1] == '.') {
		w->absolute = true;
		name.n--;
	}
	int rc = w->numeric || is_name(name) ? 0 : ERR_SYNTAX;
	w->host = rc ? NULL : str_dup(name);
	if (!w->host) {
		resolve_watch_free(w);
		return rc ? rc : ERR_NOMEM;
	}
	list_append(&r->watches, &w->node);
	if (!w->numeric)
		begin_round(w, true);
	*out_watch = w;
	return 0;
}

void resolve_unwatch(struct resolve_watch **w)
{
	if (!*w)
		return;
	CHECK_MAGIC(*w, WATCH_MAGIC);
	resolve_watch_free(*w);
	*w = NULL;
}

const struct resolve_set *resolve_set(const struct resolve_watch *w)
{
	return &w->set;
}

void resolve_hurry(struct resolve_watch *w)
{
	int64_t due = MAX(clock_mono(), w->begun + NS_PER_S);

	if (w->numeric || w->asking || (loop_timer_is_set(&w->timer) && w->timer.due <= due))
		return;
	loop_timer_set(w->resolver->loop, &w->timer, due, on_timer, w);
}

unsigned resolve_failures(const struct resolve_watch *w)
{
	return w->failures;
}

const char *resolve_error(const struct resolve_watch *w)
{
	return w->error;
}

bool resolve_timed_out(const struct resolve_watch *w)
{
	return w->timed_out;
}
