/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The `explain` command: the way of a request through the configuration, without sending it. It
 * asks the same functions that the workers ask (policy/), so it cannot tell another story.
 */
#include <stdlib.h>

#include "admin/admin.h"
#include "admin/ask.h"
#include "admin/cache.h"
#include "admin/cmds.h"
#include "admin/question.h"
#include "admin/routes.h"
#include "base/err.h"
#include "conf/load.h"
#include "conf/rows.h"
#include "policy/rewrite.h"

static const char *origin_form(const struct http_target *t)
{
	return t->form == HTTP_TARGET_ABSOLUTE ? "the URL" : "the Host field";
}

static void write_time(struct buf *out, const char *name, int64_t ns)
{
	if (ns == 0)
		buf_printf(out, "%s none", name);
	else if (ns % NS_PER_S == 0)
		buf_printf(out, "%s %llds", name, (long long)(ns / NS_PER_S));
	else
		buf_printf(out, "%s %lldms", name, (long long)(ns / NS_PER_MS));
}

static void write_size(struct buf *out, uint64_t bytes)
{
	static const char *const units[] = {"", "KiB", "MiB", "GiB", "TiB"};
	unsigned unit = 0;

	while (unit + 1 < COUNTOF(units) && bytes && bytes % 1024 == 0) {
		bytes /= 1024;
		unit++;
	}
	buf_printf(out, "%llu%s", (unsigned long long)bytes, unit ? units[unit] : " bytes");
}

static const char *balance_name(enum conf_balance balance)
{
	const struct conf_words *words = conf_words(CONF_WORDS_balance);

	return balance >= 1 && balance <= words->n_words ? words->words[balance - 1].word : "?";
}

static void write_upstream(struct buf *out, const char *label, const struct conf_upstream *u)
{
	buf_printf(out, "%-10s %s:", label, u->name);
	for (size_t i = 0; i < u->n_servers; i++) {
		buf_printf(out, "%s %s", i ? "," : "", u->servers[i].address.text);
		if (u->servers[i].weight != 1)
			buf_printf(out, " (weight %u)", u->servers[i].weight);
	}
	if (u->n_servers > 1)
		buf_printf(out, "; chosen by %s", balance_name(u->balance));
	buf_printf(out, "\n%-10s %u connections at most, %u requests may wait up to", "pool",
		   u->pool.max_connections, u->pool.queue);
	write_time(out, "", u->pool.acquire_timeout);
	buf_printf(out, "\n%-10s ", "timeouts");
	write_time(out, "connect", u->timeouts.connect);
	write_time(out, ", first byte", u->timeouts.first_byte);
	write_time(out, ", pause", u->timeouts.idle);
	write_time(out, ", total", u->timeouts.total);
	buf_char(out, '\n');
}

/* What the upstream would be sent. */
static void write_request(struct buf *out, const struct conf_route *route, const struct question *q)
{
	struct rewrite rewrite = {str_c(route->rewrite.strip_prefix),
				  str_c(route->rewrite.add_prefix)};
	struct str host = route->rewrite.host ? str_c(route->rewrite.host) : q->host_field;
	size_t room = rewrite_room(&rewrite, &q->target);
	char *target = malloc(room + 1);
	ssize_t n =
		target ? rewrite_target(&rewrite, &q->target, q->path, target, room) : ERR_NOMEM;

	if (n >= 0)
		buf_printf(out, "%-10s %.*s %.*s, Host: %.*s\n", "sent", STR_ARG(q->method), (int)n,
			   target, STR_ARG(host.n ? host : STR("(none)")));
	free(target);
}

static void write_ops(struct buf *out, const char *what, const struct conf_header_ops *ops)
{
	if (ops->n_set + ops->n_add + ops->n_remove == 0)
		return;
	buf_printf(out, "%-10s of the %s:", "fields", what);
	for (size_t i = 0; i < ops->n_remove; i++)
		buf_printf(out, " -%s", ops->remove[i]);
	/* values may be secrets: names are enough */
	for (size_t i = 0; i < ops->n_set; i++)
		buf_printf(out, " =%s", ops->set[i].name);
	for (size_t i = 0; i < ops->n_add; i++)
		buf_printf(out, " +%s", ops->add[i].name);
	buf_char(out, '\n');
}

static void write_fallback(struct buf *out, const struct conf_route *route)
{
	if (route->fallback.upstream)
		buf_printf(out, "%-10s upstream %s\n", "fallback", route->fallback.upstream);
	else if (route->fallback.status || route->fallback.body.n)
		buf_printf(out, "%-10s a fixed answer with status %u\n", "fallback",
			   route->fallback.status ? route->fallback.status : 503);
}

static void write_limits(struct buf *out, const struct conf *conf, const struct conf_route *route)
{
	if (route->max_body) {
		buf_printf(out, "%-10s ", "body");
		write_size(out, route->max_body);
		buf_c(out, " at most\n");
	} else {
		buf_printf(out, "%-10s", "body");
		for (size_t i = 0; i < conf->n_listeners; i++) {
			uint64_t limit = conf->listeners[i].limits.body_size;

			buf_printf(out, "%s ", i ? "," : "");
			if (limit)
				write_size(out, limit);
			else
				buf_c(out, "any size");
			buf_printf(out, "%s on %s", limit ? " at most" : "",
				   conf->listeners[i].name);
		}
		buf_char(out, '\n');
	}
	if (route->timeout) {
		buf_printf(out, "%-10s ", "time");
		write_time(out, "whole request", route->timeout);
		buf_char(out, '\n');
	}
	if (route->access.n_allow || route->access.n_deny)
		buf_printf(out, "%-10s depends on the client: %zu networks allowed, %zu denied\n",
			   "access", route->access.n_allow, route->access.n_deny);
}

static void write_route(struct ask *ask, const struct conf_route *route, const struct question *q)
{
	const struct conf *conf = ask->admin->conf;
	struct buf *out = &ask->out;

	if (route->upstream) {
		const struct conf_upstream *u = conf_find_upstream(conf, route->upstream);

		if (u)
			write_upstream(out, "upstream", u);
		write_request(out, route, q);
		write_fallback(out, route);
	} else {
		buf_printf(out, "%-10s answered here, status %u\n", "answer", route->answer.status);
	}
	write_limits(out, conf, route);
	write_ops(out, "request", &route->headers.request);
	write_ops(out, "answer", &route->headers.response);
	if (route->security_headers)
		buf_printf(out, "%-10s the security_headers preset, where the answer lacks them\n",
			   "fields");
	if (route->upstream)
		cache_explain(ask->admin, route, q, out);
}

static void explain(struct ask *ask, const struct question *q, const struct route_table *table)
{
	struct str path = q->path;
	struct buf *out = &ask->out;
	const struct conf_route *route =
		routes_find(ask->admin->conf, table, q->host, path, q->method);

	buf_printf(out, "%-10s %.*s, path %.*s, ", "request", STR_ARG(q->method), STR_ARG(path));
	if (q->host.n)
		buf_printf(out, "host %.*s from %s\n", STR_ARG(q->host), origin_form(&q->target));
	else
		buf_c(out, "no host (say -H Host:NAME, or a whole URL)\n");
	buf_printf(out, "%-10s %s\n", "route", route ? route->name : "none: answered 404");
	buf_printf(out, "%-10s ", "because");
	route_explain(table, q->host, path, q->method, out);
	buf_char(out, '\n');
	if (route)
		write_route(ask, route, q);
	ask_end(ask, PROTO_OK);
}

void cmd_explain(struct ask *ask)
{
	struct route_table *table = NULL;
	struct question q;
	int rc;

	if (!question_take(ask, &q))
		return;
	rc = routes_compile(ask->admin->conf, &table);
	if (rc)
		ask_fail(ask, PROTO_FAILED, "%s", err_text(rc));
	else
		explain(ask, &q, table);
	route_table_free(&table);
	question_fini(&q);
}
