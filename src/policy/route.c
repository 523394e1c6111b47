/* SPDX-License-Identifier: BSD-2-Clause */
#include "policy/route.h"

#include <stdlib.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "base/arena.h"
#include "base/check.h"
#include "base/err.h"
#include "policy/route_priv.h"

/*
 * What one expression may cost. The library counts steps anew at each position where a match could
 * begin, so the limit shrinks as the path grows: REGEX_BUDGET bounds the sum. A step is a few ns.
 */
enum {
	REGEX_PATH_MAX = 4096,
	REGEX_BUDGET = 20 * 1000 * 1000,
	REGEX_DEPTH = 1000,
	REGEX_HEAP_KIB = 1024,
};

struct route_regex {
	pcre2_code *code;
};

struct route_scratch {
	pcre2_match_context *context;
	pcre2_match_data *data;
};

/* Making and freeing expressions (the table's skeleton is built in route_build.c). */

int route_regex_new(const char *pattern, struct route_regex **out_regex, struct route_error *error)
{
	struct route_regex *re = calloc(1, sizeof(*re));
	PCRE2_SIZE offset = 0;
	int code = 0;

	if (!re)
		return ERR_NOMEM;
	re->code = pcre2_compile((PCRE2_SPTR)pattern, PCRE2_ZERO_TERMINATED,
				 PCRE2_NEVER_BACKSLASH_C | PCRE2_NEVER_UTF | PCRE2_NEVER_UCP, &code,
				 &offset, NULL);
	if (!re->code) {
		free(re);
		error->offset = offset;
		pcre2_get_error_message(code, (PCRE2_UCHAR *)error->text, sizeof(error->text));
		return ERR_SYNTAX;
	}
	/* Without memory that is writable and executable there is no JIT: slower, not wrong. */
	pcre2_jit_compile(re->code, PCRE2_JIT_COMPLETE);
	*out_regex = re;
	return 0;
}

void route_regex_free(struct route_regex **re)
{
	if (*re) {
		pcre2_code_free((*re)->code);
		free(*re);
		*re = NULL;
	}
}

int route_scratch_new(struct route_scratch **out_scratch)
{
	struct route_scratch *s = calloc(1, sizeof(*s));

	if (!s)
		return ERR_NOMEM;
	s->context = pcre2_match_context_create(NULL);
	s->data = pcre2_match_data_create(1, NULL);
	if (!s->context || !s->data) {
		route_scratch_free(&s);
		return ERR_NOMEM;
	}
	pcre2_set_depth_limit(s->context, REGEX_DEPTH);
	pcre2_set_heap_limit(s->context, REGEX_HEAP_KIB);
	*out_scratch = s;
	return 0;
}

void route_scratch_free(struct route_scratch **s)
{
	if (*s) {
		pcre2_match_data_free((*s)->data);
		pcre2_match_context_free((*s)->context);
		free(*s);
		*s = NULL;
	}
}

/* 1 match, 0 none, ROUTE_LIMIT. */
static int regex_match(const struct route_table *t, const struct route_regex *re, struct str path)
{
	if (path.n > REGEX_PATH_MAX)
		return ROUTE_LIMIT;
	pcre2_set_match_limit(t->scratch->context, MIN(20000 + 4 * (uint32_t)path.n,
						       REGEX_BUDGET / ((uint32_t)path.n + 1)));
	int rc = pcre2_match(re->code, (PCRE2_SPTR)path.p, path.n, 0, 0, t->scratch->data,
			     t->scratch->context);
	if (rc >= 0)
		return 1;
	return rc == PCRE2_ERROR_NOMATCH ? 0 : ROUTE_LIMIT;
}

/* Finding. */

struct query {
	const struct route_table *t;
	struct str path, method;
	unsigned wrong_method;		 /* routes that only the method kept from matching */
	const struct route_entry *entry; /* of the winner */
	bool by_method;
};

static bool rule_names_method(const struct route_methods *m, struct str method)
{
	for (size_t i = 0; i < m->n; i++)
		if (str_eq(m->list[i], method))
			return true;
	return false;
}

/* The best rule of an entry whose path matched, or ROUTE_NONE. */
static int pick_rule(struct query *q, const struct route_entry *e)
{
	for (unsigned i = 0; i < e->n_rules; i++) {
		unsigned rule = e->rules[i];
		bool by_method = i < e->n_with_method;
		if (by_method && !rule_names_method(&q->t->methods[rule], q->method)) {
			q->wrong_method++;
			continue;
		}
		q->entry = e;
		q->by_method = by_method;
		return (int)rule;
	}
	return ROUTE_NONE;
}

/* Number of entries whose path is not greater than <path>; they are sorted. */
static size_t entries_up_to(const struct route_entries *s, struct str path)
{
	size_t low = 0, high = s->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (route_path_cmp(s->list[middle].path, path) <= 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static int find_exact(struct query *q, const struct route_entries *s)
{
	size_t n = entries_up_to(s, q->path);

	if (n == 0 || !str_eq(s->list[n - 1].path, q->path))
		return ROUTE_NONE;
	return pick_rule(q, &s->list[n - 1]);
}

static int find_regex(struct query *q, const struct route_entries *s)
{
	for (size_t i = 0; i < s->n; i++) {
		int rc = regex_match(q->t, s->list[i].regex, q->path);
		if (rc == ROUTE_LIMIT)
			return rc;
		int rule = rc ? pick_rule(q, &s->list[i]) : ROUTE_NONE;
		if (rule >= 0)
			return rule;
	}
	return ROUTE_NONE;
}

static bool prefix_matches(struct str prefix, struct str path)
{
	if (prefix.n == 0)
		return true;
	return str_starts(path, prefix) &&
	       (path.n == prefix.n || path.p[prefix.n] == '/' || prefix.p[prefix.n - 1] == '/');
}

/*
 * Every prefix of the path is the greatest entry not above the path, or one that it begins with:
 * whatever sorts between a prefix of the path and the path begins with that prefix too.
 */
static int find_prefix(struct query *q, const struct route_entries *s)
{
	size_t n = entries_up_to(s, q->path);

	for (int i = (int)n - 1; i >= 0; i = s->list[i].parent) {
		if (!prefix_matches(s->list[i].path, q->path))
			continue;
		int rule = pick_rule(q, &s->list[i]);
		if (rule >= 0)
			return rule;
	}
	return ROUTE_NONE;
}

static int find_in_host(struct query *q, const struct route_host *h)
{
	int rule = h->exact.n ? find_exact(q, &h->exact) : ROUTE_NONE;

	if (rule == ROUTE_NONE && h->regex.n)
		rule = find_regex(q, &h->regex);
	if (rule == ROUTE_NONE && h->prefix.n)
		rule = find_prefix(q, &h->prefix);
	return rule;
}

static const struct route_host *lookup_host(const struct route_table *t, struct str name,
					    uint64_t hash, bool wildcard)
{
	for (size_t i = hash & t->hash_mask; t->hash[i]; i = (i + 1) & t->hash_mask) {
		const struct route_host *h = t->hash[i];
		if (h->hash == hash && h->wildcard == wildcard && str_eq(h->name, name))
			return h;
	}
	return NULL;
}

/*
 * A host in lower case. One pass from the right gives the hash of the whole and of each suffix
 * that begins with a dot.
 */
struct host_key {
	char name[ROUTE_HOST_MAX];
	size_t n;
	uint64_t hash;
	unsigned n_dots;
	struct {
		uint64_t hash;
		size_t at;
	} dots[ROUTE_HOST_MAX / 2 + 1]; /* rightmost first */
};

static void host_key(struct host_key *k, struct str host)
{
	uint64_t h = ROUTE_HASH_SEED;

	k->n_dots = 0;
	k->n = host.n;
	for (size_t i = host.n; i-- > 0;) {
		char c = ascii_lower(host.p[i]);
		k->name[i] = c;
		h = route_hash_step(h, c);
		if (c == '.' && i > 0 && k->n_dots < COUNTOF(k->dots)) {
			k->dots[k->n_dots].hash = h;
			k->dots[k->n_dots++].at = i;
		}
	}
	k->hash = h;
}

/* Routes of the exact name, then of the longest wildcard. */
static int find_named(struct query *q, struct str host, const struct route_host **out_host)
{
	const struct route_table *t = q->t;
	const struct route_host *h;
	struct host_key key;
	int rule = ROUTE_NONE;

	host_key(&key, host);
	*out_host = h = lookup_host(t, str_of(key.name, key.n), key.hash, false);
	if (h)
		rule = find_in_host(q, h);
	for (unsigned i = t->n_wildcards ? key.n_dots : 0; rule == ROUTE_NONE && i-- > 0;) {
		size_t at = key.dots[i].at;
		*out_host = h =
			lookup_host(t, str_of(key.name + at, key.n - at), key.dots[i].hash, true);
		if (h)
			rule = find_in_host(q, h);
	}
	return rule;
}

/* Looks at the hosts from the most to the least specific; *out_host is where the winner was. */
static int find(struct query *q, struct str host, const struct route_host **out_host)
{
	const struct route_table *t = q->t;
	int rule = ROUTE_NONE;

	if (host.n && host.p[host.n - 1] == '.')
		host.n--;
	if (t->n_named && host.n && host.n <= ROUTE_HOST_MAX)
		rule = find_named(q, host, out_host);
	if (rule == ROUTE_NONE) {
		*out_host = &t->any;
		rule = find_in_host(q, &t->any);
	}
	return rule;
}

int route_find(const struct route_table *t, struct str host, struct str path, struct str method)
{
	struct query q = {.t = t, .path = path, .method = method};
	const struct route_host *at;

	return find(&q, host, &at);
}

int route_find_why(const struct route_table *t, struct str host, struct str path, struct str method,
		   struct route_why *out_why)
{
	struct query q = {.t = t, .path = path, .method = method};
	const struct route_host *at = NULL;
	int rule = find(&q, host, &at);

	if (rule >= 0)
		*out_why = (struct route_why){
			.rule = rule,
			.host_kind = at == &t->any  ? ROUTE_HOST_ANY
				     : at->wildcard ? ROUTE_HOST_WILDCARD
						    : ROUTE_HOST_EXACT,
			.path_kind = q.entry->kind,
			.by_method = q.by_method,
			.host = at->name,
			.path = q.entry->path,
			.wrong_method = q.wrong_method,
		};
	return rule;
}

void route_explain(const struct route_table *t, struct str host, struct str path, struct str method,
		   struct buf *out)
{
	static const char *const path_kinds[] = {
		[ROUTE_PREFIX] = "longest matching prefix",
		[ROUTE_EXACT] = "path exactly",
		[ROUTE_REGEX] = "first matching expression",
	};
	struct route_why why;
	int rule = route_find_why(t, host, path, method, &why);

	if (rule == ROUTE_LIMIT)
		buf_c(out,
		      "an expression needs too many steps on this path: the request is refused");
	if (rule == ROUTE_NONE)
		buf_c(out, "no route matches");
	if (rule < 0)
		return;
	if (why.host_kind == ROUTE_HOST_ANY)
		buf_c(out, "any host");
	else
		buf_printf(out, "host %s%.*s", why.host_kind == ROUTE_HOST_WILDCARD ? "*" : "",
			   STR_ARG(why.host));
	if (why.path_kind == ROUTE_PREFIX && why.path.n == 0)
		buf_c(out, ", any path");
	else
		buf_printf(out, ", %s %.*s", path_kinds[why.path_kind], STR_ARG(why.path));
	if (why.by_method)
		buf_printf(out, ", method %.*s", STR_ARG(method));
	else
		buf_c(out, ", any method");
	if (why.wrong_method)
		buf_printf(out, " (passed over by method: %u)", why.wrong_method);
}
