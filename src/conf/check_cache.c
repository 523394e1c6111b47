/* SPDX-License-Identifier: BSD-2-Clause */
/* Rules between the settings of the cache. */
#include <strings.h>

#include "conf/checker.h"
#include "conf/httptext.h"
#include "conf/number.h"
#include "conf/values.h"

/* The least that is worth a segment: fewer pages could not hold a mix of sizes. */
enum { L1_LEAST = 4 << 20 };

/* One object may take this part of the cache. */
enum { L1_SHARE = 4 };

/* Room for a size or a time as text. */
struct figure {
	char text[32];
};

static const char *size_text(uint64_t bytes, struct figure *figure)
{
	struct buf b = BUF_INIT;

	number_print_size(&b, bytes);
	str_copy(figure->text, sizeof(figure->text), buf_slice(&b));
	buf_fini(&b);
	return figure->text;
}

void check_cache(const struct checker *k)
{
	const struct conf_cache_l1 *l1 = &k->c->cache.l1;
	struct figure is, allowed;

	if (IS_BAD(k, cache_l1, l1, size) || !l1->size)
		return;
	if (l1->size < L1_LEAST)
		report_error(k->report, AT(k, cache_l1, l1, size),
			     "size: %s is too small; 0 (no cache) or 4MiB and more is allowed",
			     size_text(l1->size, &is));
	else if (IS_GIVEN(k, cache_l1, l1, max_object) && l1->max_object > l1->size / L1_SHARE)
		report_error(k->report, AT(k, cache_l1, l1, max_object),
			     "max_object: %s is more than a quarter of the cache; %s is allowed",
			     size_text(l1->max_object, &is),
			     size_text(l1->size / L1_SHARE, &allowed));
}

/* ---- lists ---- */

/* A list of names of a route's cache. */
struct names {
	const char *key; /* of the setting */
	const char **at;
	size_t n;
	size_t most;				    /* how many are allowed */
	bool (*check)(struct str, struct why *why); /* NULL: nothing beyond the reader's */
	bool any_case;				    /* case makes no difference */
};

static bool same_name(const struct names *names, const char *a, const char *b)
{
	return names->any_case ? strcasecmp(a, b) == 0 : strcmp(a, b) == 0;
}

static void check_name(const struct checker *k, const struct names *names, size_t i)
{
	const char *name = names->at[i];
	struct place at = item_place(k, &names->at[i]);
	struct why why;

	if (names->check && !names->check(str_c(name), &why)) {
		report_error(k->report, at, "%s: %s %s", names->key, name, why.text);
		return;
	}
	for (size_t before = 0; before < i; before++) {
		if (!names->at[before] || !same_name(names, names->at[before], name))
			continue;
		report_error(k->report, at, "%s: %s is given twice%s", names->key, name,
			     names->any_case ? "; case makes no difference" : "");
		return;
	}
}

static void check_names(const struct checker *k, struct names names)
{
	if (names.n > names.most) {
		report_error(k->report, item_place(k, &names.at[names.most]),
			     "%s: too many entries; %zu are allowed", names.key, names.most);
		return;
	}
	for (size_t i = 0; i < names.n; i++)
		if (names.at[i])
			check_name(k, &names, i);
}

/* Words of one setting; enums of all kinds are numbers here. */
static bool is_repeated(const unsigned *words, size_t i)
{
	for (size_t before = 0; before < i; before++)
		if (words[before] == words[i])
			return true;
	return false;
}

static void check_words(const struct checker *k, const char *key, const unsigned *words, size_t n,
			enum conf_words_id id)
{
	for (size_t i = 0; i < n; i++)
		if (words[i] && is_repeated(words, i))
			report_error(k->report, item_place(k, &words[i]), "%s: %s is given twice",
				     key, conf_words(id)->words[words[i] - 1].word);
}

/* ---- a route's key ---- */

static void check_key_lists(const struct checker *k, const struct conf_cache_key *key)
{
	const struct names lists[] = {
		{"keep_query", key->keep_query, key->n_keep_query, 64, NULL, false},
		{"ignore_query", key->ignore_query, key->n_ignore_query, 64, NULL, false},
		{"headers", key->headers, key->n_headers, 16, field_key_check, true},
		{"cookies", key->cookies, key->n_cookies, 16, NULL, false},
	};

	for (size_t i = 0; i < COUNTOF(lists); i++)
		check_names(k, lists[i]);
}

static void check_key(const struct checker *k, const struct conf_cache_key *key)
{
	const bool listed = key->query == CONF_KEY_QUERY_LISTED;

	check_key_lists(k, key);
	if (IS_BAD(k, cache_key, key, query))
		return;
	if (listed && !key->n_keep_query && !IS_BAD(k, cache_key, key, keep_query))
		report_error(k->report, AT(k, cache_key, key, query),
			     "query: listed needs keep_query, the parameters that count");
	if (!listed && key->n_keep_query)
		report_error(k->report, AT(k, cache_key, key, keep_query),
			     "keep_query: counts with query: listed only");
	if (key->query != CONF_KEY_QUERY_ALL && key->n_ignore_query)
		report_error(k->report, AT(k, cache_key, key, ignore_query),
			     "ignore_query: counts with query: all only");
	if (key->query == CONF_KEY_QUERY_NONE && key->sort_query)
		report_warning(k->report, AT(k, cache_key, key, sort_query),
			       "sort_query: has no effect with query: none");
}

/* ---- what is kept ---- */

static bool has_method(const struct conf_route_cache *c, enum conf_cache_method method)
{
	for (size_t i = 0; i < c->n_methods; i++)
		if (c->methods[i] == method)
			return true;
	return false;
}

static void check_methods(const struct checker *k, const struct conf_route_cache *c)
{
	const struct conf_row *key_body =
		conf_row_find(conf_section(CONF_SECTION_route_cache), STR("key_body"));

	if (IS_BAD(k, route_cache, c, methods))
		return;
	check_words(k, "methods", (const unsigned *)c->methods, c->n_methods,
		    CONF_WORDS_cache_method);
	if (!c->n_methods)
		report_error(k->report, AT(k, route_cache, c, methods),
			     "methods: the list is empty; enabled: false keeps nothing");
	if (has_method(c, CONF_CACHE_HEAD) && !has_method(c, CONF_CACHE_GET))
		report_error(k->report, AT(k, route_cache, c, methods),
			     "methods: HEAD is answered from what GET has left; add GET");
	if (!size_is_default(key_body, c) && !has_method(c, CONF_CACHE_QUERY) &&
	    !has_method(c, CONF_CACHE_POST) && !IS_BAD(k, route_cache, c, key_body))
		report_warning(k->report, AT(k, route_cache, c, key_body),
			       "key_body: has no effect without QUERY or POST in methods");
}

/* Ages and lifetimes have no finer unit (RFC 9111 1.2.2). */
static void check_seconds(const struct checker *k, const char *key, int64_t time, struct place at)
{
	if (time % NS_PER_S)
		report_error(k->report, at, "%s: lifetimes in HTTP are whole seconds", key);
}

#define CHECK_SECONDS(k, c, key) check_seconds(k, #key, (c)->key, AT(k, route_cache, c, key))

static void check_times(const struct checker *k, const struct conf_route_cache *c)
{
	CHECK_SECONDS(k, c, ttl);
	CHECK_SECONDS(k, c, l1_ttl);
	CHECK_SECONDS(k, c, stale_while_revalidate);
	CHECK_SECONDS(k, c, stale_if_error);
	for (size_t i = 0; i < c->n_statuses; i++)
		check_seconds(k, "statuses", c->statuses[i].time, item_place(k, &c->statuses[i]));
}

static void check_lifetime(const struct checker *k, const struct conf_route_cache *c)
{
	check_times(k, c);
	if (c->override && !c->ttl && !c->n_statuses && !IS_BAD(k, route_cache, c, ttl) &&
	    !IS_BAD(k, route_cache, c, statuses))
		report_error(
			k->report, AT(k, route_cache, c, override),
			"override: there is nothing to put in its place; give ttl or statuses");
	if (c->l1_ttl && c->ttl > c->l1_ttl)
		report_warning(k->report, AT(k, route_cache, c, ttl),
			       "ttl: is more than l1_ttl, which is the bound");
}

/* True once something was said. */
static bool check_contradiction(const struct checker *k, const struct conf_route_cache *c,
				enum conf_unsafe rule, const char *word, struct place at)
{
	if (rule != CONF_UNSAFE_REQUEST && !c->override) {
		if (!IS_BAD(k, route_cache, c, override))
			report_error(k->report, at,
				     "unsafe: %s adds to override: true, which is not there", word);
		return true;
	}
	if (rule == CONF_UNSAFE_SET_COOKIE && c->set_cookie == CONF_SET_COOKIE_NEVER) {
		report_error(k->report, at, "unsafe: %s contradicts set_cookie: never", word);
		return true;
	}
	return false;
}

static void check_unsafe(const struct checker *k, const struct conf_route_cache *c)
{
	const unsigned *words = (const unsigned *)c->unsafe;

	check_words(k, "unsafe", words, c->n_unsafe, CONF_WORDS_unsafe);
	for (size_t i = 0; i < c->n_unsafe; i++) {
		if (!words[i] || is_repeated(words, i))
			continue;
		const struct conf_word *w = &conf_words(CONF_WORDS_unsafe)->words[c->unsafe[i] - 1];
		struct place at = item_place(k, &c->unsafe[i]);
		if (!check_contradiction(k, c, c->unsafe[i], w->word, at))
			report_warning(k->report, at, "unsafe: %s breaks a rule of HTTP: %s",
				       w->word, w->text);
	}
}

static void check_fields(const struct checker *k, const struct conf_route_cache *c)
{
	check_names(k, (struct names){"targeted", c->targeted, c->n_targeted, 8,
				      field_targeted_check, true});
	check_names(k, (struct names){"tags", c->tags, c->n_tags, 8, field_tags_check, true});
}

/* ---- purge ---- */

static bool takes_method(const struct conf_match *m, const char *method)
{
	for (size_t i = 0; i < m->n_method; i++)
		if (m->method[i] && strcmp(m->method[i], method) == 0)
			return true;
	return m->n_method == 0;
}

static void check_purge(const struct checker *k, const struct conf_route *r)
{
	const struct conf_purge *p = &r->cache.purge;
	const struct origin *block = IS_GIVEN(k, route_cache, &r->cache, purge);

	if (!block || block->bad)
		return;
	if (!p->n_allow)
		report_error(k->report,
			     IS_GIVEN(k, purge, p, allow) ? AT(k, purge, p, allow) : block->at,
			     "purge: needs allow, the networks whose clients may purge");
	for (size_t i = 0; i < p->n_allow; i++)
		if (p->allow[i].family && !p->allow[i].bits)
			report_warning(k->report, item_place(k, &p->allow[i]),
				       "purge: every client may drop what is kept");
	if (!takes_method(&r->match, "PURGE"))
		report_warning(k->report, block->at,
			       "purge: has no effect: match.method of this route has no PURGE");
}

/* ---- a route ---- */

/* Something that nobody writes unless answers are to be kept. */
static bool asks_for_much(const struct conf_route_cache *c)
{
	return c->enabled &&
	       (c->ttl || c->override || c->n_statuses || c->n_unsafe || c->purge.n_allow);
}

/* A block that says something and changes nothing. */
static void check_effect(const struct checker *k, const struct conf_route *r)
{
	const struct origin *block = IS_GIVEN(k, route, r, cache);

	if (!block || block->bad || !asks_for_much(&r->cache))
		return;
	if (r->answer.status && !r->upstream)
		report_warning(k->report, block->at,
			       "cache: has no effect on a route with an answer");
	else if (!k->c->cache.l1.size && !IS_BAD(k, cache_l1, &k->c->cache.l1, size))
		report_warning(k->report, block->at, "cache: has no effect: cache.l1.size is 0");
}

void check_route_cache(const struct checker *k, const struct conf_route *r)
{
	const struct conf_route_cache *c = &r->cache;
	const struct origin *block = IS_GIVEN(k, route, r, cache);

	if (block && block->no_block)
		return; /* its struct is empty, which was reported */
	check_effect(k, r);
	check_lifetime(k, c);
	check_unsafe(k, c);
	check_methods(k, c);
	check_key(k, &c->key);
	check_fields(k, c);
	check_purge(k, r);
}
