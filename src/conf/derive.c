/* SPDX-License-Identifier: BSD-2-Clause */
#include "conf/derive.h"

#include <stdio.h>
#include <stdlib.h>

#include "conf/httptext.h"

/* Names go into labels and command lines: what does not fit there becomes _. */
static struct str tidy(char *text, size_t n)
{
	n = MIN(n, (size_t)NAME_MAX_BYTES - 6); /* room for a suffix */
	for (size_t i = 0; i < n; i++)
		if (!name_char(text[i]))
			text[i] = '_';
	return str_of(text, n);
}

static void name_listeners(struct reader *rd)
{
	struct conf *c = &rd->box->conf;

	for (size_t i = 0; i < c->n_listeners; i++) {
		struct conf_listener *l = &c->listeners[i];
		if (l->name || !l->address.text)
			continue;
		struct str name = arena_str(&rd->box->arena, str_c(l->address.text));
		if (!name.p) {
			reader_nomem(rd);
			return;
		}
		name = tidy((char *)name.p, name.n);
		((char *)name.p)[name.n] = 0;
		l->name = name.p;
	}
}

/* "<host><path>", or "default" for the route that takes everything. */
static struct str route_name(const struct conf_match *m, struct buf *b)
{
	static const char *const kinds[] = {
		[CONF_PATH_PREFIX] = "", [CONF_PATH_EXACT] = "=", [CONF_PATH_REGEX] = "~"};
	const char *host = m->n_host && m->host[0] ? m->host[0] : "";
	const char *path = m->path ? m->path : "/";

	buf_reset(b);
	if (!*host && m->path_kind <= CONF_PATH_PREFIX && strcmp(path, "/") == 0)
		buf_c(b, "default");
	else
		buf_printf(b, "%s%s%s", host, kinds[m->path_kind], path);
	return tidy(b->p, b->n);
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The names in use, sorted, so that a thousand routes are no square of work. */
struct names {
	const char **sorted;
	size_t n;
	char last[NAME_MAX_BYTES + 8]; /* the name that got a suffix last ... */
	unsigned suffix;	       /* ... and which */
};

static bool is_taken(const struct names *names, const char *name)
{
	return names->n && bsearch(&name, names->sorted, names->n, sizeof(name), by_text);
}

static void add_name(struct names *names, const char *name)
{
	size_t i = names->n++;

	while (i > 0 && strcmp(names->sorted[i - 1], name) > 0) {
		names->sorted[i] = names->sorted[i - 1];
		i--;
	}
	names->sorted[i] = name;
}

/* The wanted name, or with -2, -3, ... behind it. */
static const char *unique(struct reader *rd, struct names *names, struct str wanted)
{
	char name[NAME_MAX_BYTES + 8];
	unsigned k = str_eq(str_c(names->last), wanted) ? names->suffix : 1;

	str_copy(name, sizeof(name), wanted);
	while (is_taken(names, name))
		snprintf(name, sizeof(name), "%.*s-%u", STR_ARG(wanted), ++k);
	str_copy(names->last, sizeof(names->last), wanted);
	names->suffix = k;
	return box_str(rd, str_c(name));
}

/* Names that were written come first, so that adding an unnamed route never renames one. */
static void name_routes(struct reader *rd)
{
	struct conf *c = &rd->box->conf;
	struct names names = {.sorted = box_alloc(rd, (c->n_routes + 1) * sizeof(char *))};
	struct buf b = BUF_INIT;

	for (size_t i = 0; !rd->rc && i < c->n_routes; i++)
		if (c->routes[i].name)
			add_name(&names, c->routes[i].name);
	for (size_t i = 0; !rd->rc && i < c->n_routes; i++) {
		if (c->routes[i].name)
			continue;
		struct str wanted = route_name(&c->routes[i].match, &b);
		if (b.error)
			reader_nomem(rd);
		else
			c->routes[i].name = unique(rd, &names, wanted);
		if (!rd->rc)
			add_name(&names, c->routes[i].name);
	}
	buf_fini(&b);
}

static const char *type_of(const char *body_file)
{
	static const struct {
		const char *ending, *type;
	} types[] = {
		{".html", "text/html; charset=utf-8"},
		{".htm", "text/html; charset=utf-8"},
		{".json", "application/json"},
		{".css", "text/css; charset=utf-8"},
		{".js", "text/javascript; charset=utf-8"},
		{".xml", "application/xml"},
		{".svg", "image/svg+xml"},
		{".png", "image/png"},
	};

	for (size_t i = 0; body_file && i < COUNTOF(types); i++)
		if (str_ends(str_c(body_file), str_c(types[i].ending)))
			return types[i].type;
	return "text/plain; charset=utf-8";
}

static void complete_fallback(struct conf_fallback *f)
{
	if (f->body.p && !f->status)
		f->status = 503;
	if (f->body.p && !f->content_type)
		f->content_type = type_of(f->body_file);
}

static void complete_answer(struct conf_answer *a)
{
	if (!a->status && a->location)
		a->status = 302;
	if (!a->status && a->body.p)
		a->status = 200;
	if (a->body.p && !a->content_type)
		a->content_type = type_of(a->body_file);
}

/* A small cache with the default for its objects: no more than the quarter that check_cache.c allows. */
static void fit_object(struct conf *c)
{
	struct conf_cache_l1 *l1 = &c->cache.l1;
	unsigned line;

	if (l1->size && !conf_origin(c, &l1->max_object, &line))
		l1->max_object = MIN(l1->max_object, l1->size / 4);
}

void derive(struct reader *rd)
{
	struct conf *c = &rd->box->conf;

	fit_object(c);

	name_listeners(rd);
	name_routes(rd);
	for (size_t i = 0; i < c->n_routes; i++) {
		complete_fallback(&c->routes[i].fallback);
		complete_answer(&c->routes[i].answer);
	}
}
