/* SPDX-License-Identifier: BSD-2-Clause */
#include "conf/check.h"

#include <strings.h>

#include "conf/checker.h"
#include "conf/httptext.h"
#include "conf/suggest.h"
#include "conf/values.h"

/* ---- listeners and admin ---- */

static bool same_address(const struct conf_address *a, const struct conf_address *b)
{
	if (!a->text || !b->text || a->kind != b->kind)
		return false;
	if (a->kind == CONF_ADDR_UNIX)
		return strcmp(a->path, b->path) == 0;
	return a->port == b->port && strcmp(a->host, b->host) == 0;
}

/* True once something was said about <b>. */
static bool check_same_listener(const struct checker *k, const struct conf_listener *a,
				const struct conf_listener *b)
{
	char first[512];

	if (same_address(&a->address, &b->address))
		report_error(k->report, AT(k, listener, b, address),
			     "address: %s is taken by the listener at %s", b->address.text,
			     place_text(AT(k, listener, a, address), first, sizeof(first)));
	else if (a->name && b->name && strcmp(a->name, b->name) == 0)
		report_error(k->report, AT_OR(k, listener, b, name, b),
			     "name: \"%s\" is taken by the listener at %s; names must differ",
			     b->name, place_text(item_place(k, a), first, sizeof(first)));
	else
		return false;
	return true;
}

static void check_admin(const struct checker *k, const struct conf_listener *l)
{
	const struct conf_admin *admin = &k->c->admin;

	if (admin->listen && same_address(admin->listen, &l->address))
		report_error(k->report, AT(k, admin, admin, listen),
			     "listen: %s is the address of listener \"%s\"; give it another one",
			     admin->listen->text, l->name ? l->name : "");
	if (admin->socket && l->address.kind == CONF_ADDR_UNIX &&
	    strcmp(admin->socket, l->address.path) == 0)
		report_error(k->report, AT(k, listener, l, address),
			     "address: %s is the socket of admin; give it another one",
			     l->address.path);
}

static void check_listeners(const struct checker *k)
{
	for (size_t i = 0; i < k->c->n_listeners; i++) {
		const struct conf_listener *l = &k->c->listeners[i];
		for (size_t before = 0; before < i; before++)
			if (check_same_listener(k, &k->c->listeners[before], l))
				break;
		check_admin(k, l);
		if (l->n_protocols == 0 && was_read(k, l) && !IS_BAD(k, listener, l, protocols))
			report_error(k->report, AT_OR(k, listener, l, protocols, l),
				     "protocols: the list is empty; allowed: h1");
	}
}

/* ---- upstreams ---- */

static void check_server(const struct checker *k, const struct conf_upstream *u, size_t i)
{
	char first[512];

	for (size_t before = 0; before < i; before++) {
		if (!same_address(&u->servers[before].address, &u->servers[i].address))
			continue;
		report_error(k->report, item_place(k, &u->servers[i]),
			     "servers: %s is given twice, first at %s; use a weight",
			     u->servers[i].address.text,
			     place_text(item_place(k, &u->servers[before]), first, sizeof(first)));
		return;
	}
}

static void check_upstream(const struct checker *k, const struct conf_upstream *u)
{
	for (size_t i = 0; i < u->n_servers; i++)
		check_server(k, u, i);
	if (u->pool.max_idle > u->pool.max_connections &&
	    origin_of(k, CONF_SECTION_pool, "max_idle", &u->pool.max_idle))
		report_warning(k->report, AT(k, pool, &u->pool, max_idle),
			       "max_idle: %u is more than max_connections, which is %u",
			       u->pool.max_idle, u->pool.max_connections);
}

static bool is_used(const struct conf *c, const char *upstream)
{
	for (size_t i = 0; i < c->n_routes; i++) {
		const struct conf_route *r = &c->routes[i];
		if ((r->upstream && strcmp(r->upstream, upstream) == 0) ||
		    (r->fallback.upstream && strcmp(r->fallback.upstream, upstream) == 0))
			return true;
	}
	return false;
}

static void check_upstreams(const struct checker *k)
{
	for (size_t i = 0; i < k->c->n_upstreams; i++) {
		const struct conf_upstream *u = &k->c->upstreams[i];
		check_upstream(k, u);
		if (k->report->n_errors == 0 && !is_used(k->c, u->name))
			report_warning(k->report, item_place(k, u),
				       "upstream \"%s\" is not used by any route", u->name);
	}
}

/* ---- routes ---- */

static void check_reference(const struct checker *k, struct place at, const char *name)
{
	struct suggestion near;
	struct shown shown;
	char hint[100];

	if (conf_find_upstream(k->c, name) ||
	    (!k->c->n_upstreams && IS_BAD(k, root, k->c, upstreams)))
		return;
	suggest_begin(&near, str_c(name));
	for (size_t i = 0; i < k->c->n_upstreams; i++)
		suggest_offer(&near, k->c->upstreams[i].name);
	report_error(k->report, at, "upstream: there is no upstream \"%s\"%s",
		     show(str_c(name), &shown),
		     near.best		 ? suggest_text(&near, hint, sizeof(hint))
		     : k->c->n_upstreams ? "; it must be a name from upstreams"
					 : "; there is no upstreams block");
}

static void check_target(const struct checker *k, const struct conf_route *r)
{
	bool answers = r->answer.status != 0;

	if (IS_BAD(k, route, r, upstream) || IS_BAD(k, answer, &r->answer, body_file) ||
	    IS_BAD(k, answer, &r->answer, status) || IS_BAD(k, answer, &r->answer, location))
		return;
	if (r->upstream && answers)
		report_error(k->report, AT(k, route, r, upstream),
			     "a route has either an upstream or an answer, not both");
	else if (!r->upstream && !answers && !item_is_bad(k, r))
		report_error(k->report, item_place(k, r),
			     "this route goes nowhere; give it an upstream or an answer");
	if (r->upstream)
		check_reference(k, AT(k, route, r, upstream), r->upstream);
}

static bool is_redirect(uint32_t status)
{
	return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

static void check_answer(const struct checker *k, const struct conf_route *r)
{
	const struct conf_answer *a = &r->answer;

	if (a->body_file &&
	    box_origin(k->box, &a->body,
		       conf_row_find(conf_section(CONF_SECTION_answer), STR("body"))))
		report_error(k->report, AT(k, answer, a, body),
			     "body: there is a body_file as well; one of them is allowed");
	if (is_redirect(a->status) && !a->location && !IS_BAD(k, answer, a, location))
		report_error(k->report, AT_OR(k, answer, a, status, r),
			     "status: %u needs a location", a->status);
	if (a->location && !is_redirect(a->status) && a->status != 201 &&
	    !IS_BAD(k, answer, a, status))
		report_error(k->report, AT(k, answer, a, location),
			     "location: status %u has none; 201, 301, 302, 303, 307 and 308 have",
			     a->status);
	if (a->status == 206 || a->status == 304)
		report_error(
			k->report, AT(k, answer, a, status),
			"status: %u only makes sense for a condition or a range that was asked for",
			a->status);
	/* RFC 9110 15.3.5, 15.3.6 */
	if ((a->status == 204 || a->status == 205) && a->body.n)
		report_error(k->report, AT(k, answer, a, status),
			     "status: an answer with %u has no body", a->status);
}

/* What an upstream needs and a fixed answer does not. */
static void check_useless(const struct checker *k, const struct conf_route *r)
{
	const struct conf_rewrite *w = &r->rewrite;

	if (!r->answer.status || r->upstream)
		return;
	if (w->strip_prefix)
		report_warning(k->report, AT(k, rewrite, w, strip_prefix),
			       "strip_prefix: has no effect on a route with an answer");
	if (w->add_prefix)
		report_warning(k->report, AT(k, rewrite, w, add_prefix),
			       "add_prefix: has no effect on a route with an answer");
	if (w->host)
		report_warning(k->report, AT(k, rewrite, w, host),
			       "host: has no effect on a route with an answer");
}

static void check_fallback(const struct checker *k, const struct conf_route *r)
{
	const struct conf_fallback *f = &r->fallback;
	const bool fixed = f->status || f->body_file || f->body.p;

	if (f->body_file &&
	    box_origin(k->box, &f->body,
		       conf_row_find(conf_section(CONF_SECTION_fallback), STR("body"))))
		report_error(k->report, AT(k, fallback, f, body),
			     "body: there is a body_file as well; one of them is allowed");
	if (f->content_type && !f->body.p && !IS_BAD(k, fallback, f, body_file))
		report_error(k->report, AT(k, fallback, f, content_type),
			     "content_type: there is no body that could have one");
	if (!f->upstream) {
		if (fixed && !r->upstream)
			report_error(k->report, AT_OR(k, fallback, f, status, r),
				     "fallback: the route has no upstream that could fail");
		return;
	}
	if (fixed)
		report_error(k->report, AT(k, fallback, f, upstream),
			     "fallback: either another upstream or a fixed answer, not both");
	check_reference(k, AT(k, fallback, f, upstream), f->upstream);
	if (r->upstream && strcmp(r->upstream, f->upstream) == 0)
		report_error(k->report, AT(k, fallback, f, upstream),
			     "fallback: \"%s\" is the upstream of the route itself", f->upstream);
	if (!r->upstream && r->answer.status)
		report_error(k->report, AT(k, fallback, f, upstream),
			     "fallback: the route has no upstream that could fail");
}

/* Does the path begin with the prefix, at the end of a segment? */
static bool has_prefix(const char *path, const char *prefix)
{
	size_t n = strlen(prefix);

	if (n && prefix[n - 1] == '/')
		return strncmp(path, prefix, n) == 0;
	return strncmp(path, prefix, n) == 0 && (path[n] == 0 || path[n] == '/');
}

static void check_rewrite(const struct checker *k, const struct conf_route *r)
{
	const struct conf_match *m = &r->match;

	if (!r->rewrite.strip_prefix || !m->path || m->path_kind == CONF_PATH_REGEX ||
	    IS_BAD(k, match, m, path))
		return;
	if (!has_prefix(m->path, r->rewrite.strip_prefix))
		report_error(k->report, AT(k, rewrite, &r->rewrite, strip_prefix),
			     "strip_prefix: the route's path %s does not begin with %s", m->path,
			     r->rewrite.strip_prefix);
}

/* ---- header operations ---- */

static void check_change(const struct checker *k, const char *name, bool request, struct place at,
			 const char *op)
{
	struct why why;

	if (!field_change_check(str_c(name), request, &why))
		report_error(k->report, at, "%s: %s %s", op, name, why.text);
}

/* Fields that tiercel writes are written after the operator's: what was set would be lost. */
static void check_own(const struct checker *k, const struct conf_route *r, const char *name,
		      struct place at, const char *op)
{
	if (r->forwarded && field_is_own(str_c(name)))
		report_error(k->report, at,
			     "%s: %s is written by tiercel; forwarded: false leaves it to you", op,
			     name);
}

static void check_repeated(const struct checker *k, const struct conf_pair *pairs, size_t i,
			   const char *op)
{
	for (size_t before = 0; before < i; before++) {
		if (!pairs[before].name || strcasecmp(pairs[before].name, pairs[i].name) != 0)
			continue;
		report_error(k->report, item_place(k, &pairs[i]),
			     "%s: %s is given twice; case makes no difference", op, pairs[i].name);
		return;
	}
}

static void check_pairs(const struct checker *k, const struct conf_route *r,
			const struct conf_pair *pairs, size_t n, bool request, const char *op)
{
	for (size_t i = 0; i < n; i++) {
		if (!pairs[i].name)
			continue;
		struct place at = item_place(k, &pairs[i]);
		check_change(k, pairs[i].name, request, at, op);
		if (request)
			check_own(k, r, pairs[i].name, at, op);
		check_repeated(k, pairs, i, op);
	}
}

static void check_ops(const struct checker *k, const struct conf_route *r,
		      const struct conf_header_ops *ops, bool request)
{
	check_pairs(k, r, ops->set, ops->n_set, request, "set");
	check_pairs(k, r, ops->add, ops->n_add, request, "add");
	for (size_t i = 0; i < ops->n_remove; i++)
		if (ops->remove[i])
			check_change(k, ops->remove[i], request, item_place(k, &ops->remove[i]),
				     "remove");
}

/* ---- routes against each other ---- */

static bool same_lists(const char **a, size_t n_a, const char **b, size_t n_b)
{
	if (n_a != n_b)
		return false;
	for (size_t i = 0; i < n_a; i++)
		if (!a[i] || !b[i] || strcmp(a[i], b[i]) != 0)
			return false;
	return true;
}

static bool same_match(const struct conf_match *a, const struct conf_match *b)
{
	return a->path && b->path && a->path_kind == b->path_kind &&
	       strcmp(a->path, b->path) == 0 &&
	       same_lists(a->host, a->n_host, b->host, b->n_host) &&
	       same_lists(a->method, a->n_method, b->method, b->n_method);
}

static bool match_is_bad(const struct checker *k, const struct conf_match *m)
{
	return IS_BAD(k, match, m, host) || IS_BAD(k, match, m, path) ||
	       IS_BAD(k, match, m, method);
}

/* True once something was said about <b>: one remark per route is enough. */
static bool check_same_route(const struct checker *k, const struct conf_route *a,
			     const struct conf_route *b)
{
	char first[512];

	if (a->name && b->name && strcmp(a->name, b->name) == 0) {
		report_error(k->report, AT_OR(k, route, b, name, b),
			     "name: \"%s\" is taken by the route at %s; names must differ", b->name,
			     place_text(item_place(k, a), first, sizeof(first)));
		return true;
	}
	if (k->report->n_errors || !same_match(&a->match, &b->match) ||
	    match_is_bad(k, &a->match) || match_is_bad(k, &b->match))
		return false;
	report_warning(k->report, item_place(k, b),
		       "this route is never taken: the one at %s matches the same",
		       place_text(item_place(k, a), first, sizeof(first)));
	return true;
}

static void check_route(const struct checker *k, const struct conf_route *r)
{
	check_target(k, r);
	check_answer(k, r);
	check_useless(k, r);
	check_fallback(k, r);
	check_rewrite(k, r);
	check_ops(k, r, &r->headers.request, true);
	check_ops(k, r, &r->headers.response, false);
	check_route_cache(k, r);
}

void check_all(const struct conf_box *box, struct conf_report *report)
{
	const struct checker k = {.box = box, .c = &box->conf, .report = report};

	check_listeners(&k);
	check_cache(&k);
	for (size_t i = 0; i < k.c->n_routes; i++) {
		if (!was_read(&k, &k.c->routes[i]))
			continue;
		check_route(&k, &k.c->routes[i]);
		for (size_t before = 0; before < i; before++)
			if (check_same_route(&k, &k.c->routes[before], &k.c->routes[i]))
				break;
	}
	check_upstreams(&k);
}
