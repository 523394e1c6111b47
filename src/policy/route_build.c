/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From rules to the table that route.c searches: one row for each pair of rule and host, sorted so
 * that the rows of one host, and in it of one path, lie together; then hosts and entries are cut
 * out of the sorted rows.
 */
#include "policy/route_priv.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/err.h"
#include "http/target.h"

struct row {
	struct str host; /* as in route_host.name */
	bool wildcard;
	struct str path; /* as in route_entry.path */
	enum route_path_kind kind;
	bool any_method;
	unsigned rule;
};

struct build {
	struct route_table *t;
	const struct route_rule *rules;
	size_t n;
	struct row *rows;
	size_t n_rows;
	struct route_error error;
};

static int fail(struct build *b, size_t rule, const char *what, size_t offset, const char *text)
{
	b->error.rule = rule;
	b->error.what = what;
	b->error.offset = offset;
	snprintf(b->error.text, sizeof(b->error.text), "%s", text);
	return ERR_SYNTAX;
}

/* Step 1: each rule's own values. */

static int copy_methods(struct build *b, size_t i)
{
	const struct route_rule *r = &b->rules[i];
	struct route_methods *m = &b->t->methods[i];

	m->list = arena_alloc(&b->t->arena, (r->n_methods + 1) * sizeof(m->list[0]));
	if (!m->list)
		return ERR_NOMEM;
	for (; m->n < r->n_methods; m->n++) {
		m->list[m->n] = arena_str(&b->t->arena, str_c(r->methods[m->n]));
		if (!m->list[m->n].p)
			return ERR_NOMEM;
	}
	return 0;
}

/* Bytes that a request can only send percent-encoded are written so. <out>: 3 bytes each. */
static size_t encode(const char *text, char *out)
{
	static const char hex[] = "0123456789ABCDEF";
	char *at = out;

	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;
		if (c > 0x20 && c < 0x7F) {
			*at++ = (char)c;
			continue;
		}
		*at++ = '%';
		*at++ = hex[c >> 4];
		*at++ = hex[c & 15];
	}
	return (size_t)(at - out);
}

/* A plain path in the form it is compared in. */
static int plain_path(struct build *b, size_t i, struct str *out)
{
	const struct route_rule *r = &b->rules[i];
	const char *text = r->path ? r->path : "";

	if (r->path_kind == ROUTE_EXACT && strcmp(text, "*") == 0) {
		*out = STR("*");
		return 0;
	}
	if (r->path_kind == ROUTE_PREFIX && (!*text || strcmp(text, "/") == 0)) {
		*out = STR("");
		return 0;
	}
	if (text[0] != '/')
		return fail(b, i, text, 0, "a path begins with '/'");
	size_t query = strcspn(text, "?#");
	if (text[query])
		return fail(b, i, text, query, "a path has no query and no fragment");
	char *coded = arena_alloc(&b->t->arena, strlen(text) * 3 * 2);
	if (!coded)
		return ERR_NOMEM;
	size_t n = encode(text, coded);
	ssize_t normal = http_path_normalise(str_of(coded, n), coded + n);
	if (normal < 0)
		return fail(b, i, text, 0, "malformed escape, or a path above the root");
	*out = str_of(coded + n, (size_t)normal);
	return 0;
}

static int rule_path(struct build *b, size_t i, struct str *out)
{
	const struct route_rule *r = &b->rules[i];

	if (r->path_kind != ROUTE_REGEX)
		return plain_path(b, i, out);
	const char *pattern = r->path ? r->path : "";
	int rc = route_regex_new(pattern, &b->t->regexes[i], &b->error);
	if (rc) {
		b->error.rule = i;
		b->error.what = pattern;
		return rc;
	}
	*out = arena_str(&b->t->arena, str_c(pattern));
	return out->p ? 0 : ERR_NOMEM;
}

static bool host_byte(char c)
{
	c = ascii_lower(c);
	return ascii_digit(c) || (c >= 'a' && c <= 'z') || (c && strchr("-._:[]", c));
}

/* Fills host and wildcard of <row> from "name", "*.suffix" or "*". */
static int row_host(struct build *b, struct row *row, const char *text)
{
	const char *name = text;

	row->host = STR("");
	if (strcmp(text, "*") == 0)
		return 0;
	if (text[0] == '*') {
		row->wildcard = true;
		name++;
		if (name[0] != '.' || name[1] == '\0')
			return fail(b, row->rule, text, 1, "a wildcard looks like *.example.com");
	}
	struct str host = arena_str(&b->t->arena, str_c(name));
	if (!host.p)
		return ERR_NOMEM;
	if (host.n > 1 && host.p[host.n - 1] == '.')
		host.n--;
	if (host.n == 0 || host.n > ROUTE_HOST_MAX)
		return fail(b, row->rule, text, 0, "a host name has 1 to 253 bytes");
	if (host.p[0] == '.' && !row->wildcard)
		return fail(b, row->rule, text, 0, "a wildcard looks like *.example.com");
	for (size_t i = 0; i < host.n; i++) {
		if (!host_byte(host.p[i]))
			return fail(b, row->rule, text, i + row->wildcard,
				    "not allowed in a host name (no port, no scheme)");
		((char *)host.p)[i] = ascii_lower(host.p[i]);
	}
	row->host = host;
	return 0;
}

/* All hosts of one rule. */
static int add_rows(struct build *b, size_t i)
{
	const struct route_rule *r = &b->rules[i];
	struct row row = {
		.kind = r->path_kind,
		.any_method = r->n_methods == 0,
		.rule = (unsigned)i,
	};
	int rc = copy_methods(b, i);

	if (rc == 0)
		rc = rule_path(b, i, &row.path);
	for (size_t h = 0; rc == 0 && h < MAX(r->n_hosts, (size_t)1); h++) {
		row.wildcard = false;
		rc = row_host(b, &row, r->n_hosts ? r->hosts[h] : "*");
		if (rc == 0)
			b->rows[b->n_rows++] = row;
	}
	return rc;
}

/* Step 2: sort. Any host first (its name is empty). */

static int same_host_cmp(const struct row *a, const struct row *b)
{
	int rc = route_path_cmp(a->host, b->host);

	return rc ? rc : (int)a->wildcard - (int)b->wildcard;
}

static int same_entry_cmp(const struct row *a, const struct row *b)
{
	int rc = same_host_cmp(a, b);

	if (rc == 0)
		rc = (int)a->kind - (int)b->kind;
	return rc ? rc : route_path_cmp(a->path, b->path);
}

static int row_cmp(const void *va, const void *vb)
{
	const struct row *a = va, *b = vb;
	int rc = same_entry_cmp(a, b);

	if (rc == 0)
		rc = (int)a->any_method - (int)b->any_method;
	return rc ? rc : (a->rule > b->rule) - (a->rule < b->rule);
}

/* Step 3: cut into entries and hosts. */

static int make_entry(struct build *b, const struct row *rows, size_t n, struct route_entry *e)
{
	unsigned *list = arena_alloc(&b->t->arena, n * sizeof(*list));

	if (!list)
		return ERR_NOMEM;
	*e = (struct route_entry){
		.path = rows->path, .kind = rows->kind, .rules = list, .parent = -1};
	e->regex = b->t->regexes[rows->rule];
	for (size_t i = 0; i < n; i++) {
		/* a rule that names a host twice counts once */
		if (e->n_rules && list[e->n_rules - 1] == rows[i].rule)
			continue;
		list[e->n_rules++] = rows[i].rule;
		e->n_with_method += !rows[i].any_method;
	}
	return 0;
}

static unsigned first_rule(const struct route_entry *e)
{
	unsigned first = e->rules[0];

	for (unsigned i = 1; i < e->n_rules; i++)
		first = MIN(first, e->rules[i]);
	return first;
}

static int regex_order(const void *va, const void *vb)
{
	unsigned a = first_rule(va), b = first_rule(vb);

	return (a > b) - (a < b);
}

/* An entry's parent is the nearest earlier one, or one of its parents, that it begins with. */
static void link_parents(struct route_entries *s)
{
	for (size_t i = 1; i < s->n; i++) {
		int p = (int)i - 1;
		while (p >= 0 && !str_starts(s->list[i].path, s->list[p].path))
			p = s->list[p].parent;
		s->list[i].parent = p;
	}
}

/* Entries of rows[0..n): one host and kind. */
static int make_entries(struct build *b, const struct row *rows, size_t n,
			struct route_entries *out)
{
	out->list = arena_alloc(&b->t->arena, n * sizeof(out->list[0]));
	if (!out->list)
		return ERR_NOMEM;
	for (size_t i = 0, end; i < n; i = end) {
		for (end = i + 1; end < n && same_entry_cmp(&rows[i], &rows[end]) == 0;)
			end++;
		int rc = make_entry(b, rows + i, end - i, &out->list[out->n]);
		if (rc)
			return rc;
		out->n++;
	}
	if (rows->kind == ROUTE_REGEX)
		qsort(out->list, out->n, sizeof(out->list[0]), regex_order);
	if (rows->kind == ROUTE_PREFIX)
		link_parents(out);
	return 0;
}

static void hash_insert(struct route_table *t, struct route_host *h)
{
	h->hash = ROUTE_HASH_SEED;
	for (size_t i = h->name.n; i-- > 0;)
		h->hash = route_hash_step(h->hash, h->name.p[i]);
	size_t at = h->hash & t->hash_mask;
	while (t->hash[at])
		at = (at + 1) & t->hash_mask;
	t->hash[at] = h;
	t->n_named++;
	t->n_wildcards += h->wildcard;
}

/* The host of rows[0..n). */
static int make_host(struct build *b, const struct row *rows, size_t n)
{
	struct route_host *h = &b->t->any;
	int rc = 0;

	if (rows->host.n) {
		h = arena_zalloc(&b->t->arena, sizeof(*h));
		if (!h)
			return ERR_NOMEM;
		h->name = rows->host;
		h->wildcard = rows->wildcard;
		hash_insert(b->t, h);
	}
	for (size_t i = 0, end; rc == 0 && i < n; i = end) {
		for (end = i + 1; end < n && rows[end].kind == rows[i].kind;)
			end++;
		rc = make_entries(b, rows + i, end - i,
				  rows[i].kind == ROUTE_EXACT	? &h->exact
				  : rows[i].kind == ROUTE_REGEX ? &h->regex
								: &h->prefix);
	}
	return rc;
}

static int cut_rows(struct build *b)
{
	size_t slots = 2;

	while (slots < b->n_rows * 2)
		slots *= 2;
	b->t->hash = arena_zalloc(&b->t->arena, slots * sizeof(b->t->hash[0]));
	if (!b->t->hash)
		return ERR_NOMEM;
	b->t->hash_mask = slots - 1;
	for (size_t i = 0, end; i < b->n_rows; i = end) {
		for (end = i + 1;
		     end < b->n_rows && same_host_cmp(&b->rows[i], &b->rows[end]) == 0;)
			end++;
		int rc = make_host(b, b->rows + i, end - i);
		if (rc)
			return rc;
	}
	return 0;
}

static int build(struct build *b)
{
	size_t pairs = 1;

	for (size_t i = 0; i < b->n; i++)
		pairs += MAX(b->rules[i].n_hosts, (size_t)1);
	b->rows = calloc(pairs, sizeof(*b->rows));
	b->t->methods = arena_zalloc(&b->t->arena, (b->n + 1) * sizeof(b->t->methods[0]));
	b->t->regexes = arena_zalloc(&b->t->arena, (b->n + 1) * sizeof(b->t->regexes[0]));
	if (!b->rows || !b->t->methods || !b->t->regexes)
		return ERR_NOMEM;
	b->t->n_rules = b->n;
	for (size_t i = 0; i < b->n; i++) {
		int rc = add_rows(b, i);
		if (rc)
			return rc;
	}
	qsort(b->rows, b->n_rows, sizeof(*b->rows), row_cmp);
	return cut_rows(b);
}

int route_compile(const struct route_rule *rules, size_t n, struct route_table **out_table,
		  struct route_error *error)
{
	struct route_table *t = calloc(1, sizeof(*t));
	struct build b = {.t = t, .rules = rules, .n = n};

	if (!t)
		return ERR_NOMEM;
	arena_init(&t->arena, NULL, 0, 0);
	int rc = route_scratch_new(&t->scratch);
	if (rc == 0)
		rc = build(&b);
	free(b.rows);
	if (rc == 0) {
		*out_table = t;
		return 0;
	}
	route_table_free(&t);
	if (rc == ERR_SYNTAX && error)
		*error = b.error;
	return rc;
}

void route_table_free(struct route_table **table)
{
	struct route_table *t = *table;

	if (!t)
		return;
	for (size_t i = 0; i < t->n_rules; i++)
		route_regex_free(&t->regexes[i]);
	route_scratch_free(&t->scratch);
	arena_fini(&t->arena);
	free(t);
	*table = NULL;
}
