/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The `purge` command. What is given for people (a URL, the beginning of one, a host) is brought
 * into the form that keys have, under the rules of the routes that it may concern. A purge is a
 * few stores in the segment: the reply comes when all workers heed it.
 */
#include "admin/admin.h"
#include "admin/ask.h"
#include "admin/cache.h"
#include "admin/cmds.h"
#include "admin/question.h"
#include "admin/routes.h"
#include "base/err.h"
#include "conf/types.h"
#include "obs/log.h"

/* The command line. */
struct wish {
	const char *word; /* "url" */
	enum purge_kind kind;
	struct str subject;
	bool soft, json;
};

/* What was done. */
struct deed {
	struct buf text; /* the subjects as keys have them, one per line */
	uint64_t seq;	 /* of the last one */
	unsigned n;
};

static const struct {
	const char *word;
	enum purge_kind kind;
} kinds[] = {
	{"url", PURGE_URL},   {"prefix", PURGE_PREFIX}, {"tag", PURGE_TAG},
	{"host", PURGE_HOST}, {"all", PURGE_ALL},
};

static bool take_kind(const char *word, struct wish *out)
{
	for (size_t i = 0; i < COUNTOF(kinds); i++) {
		if (strcmp(word, kinds[i].word) != 0)
			continue;
		out->word = kinds[i].word;
		out->kind = kinds[i].kind;
		return true;
	}
	return false;
}

/* KIND [SUBJECT], and --soft and --json wherever they stand. */
static bool take_wish(const struct proto_request *r, struct wish *out)
{
	unsigned n = 0;

	*out = (struct wish){0};
	for (unsigned i = 1; i < r->n; i++) {
		if (strcmp(r->word[i], "--soft") == 0)
			out->soft = true;
		else if (strcmp(r->word[i], "--json") == 0)
			out->json = true;
		else if (n == 0 && !take_kind(r->word[i], out))
			return false;
		else if (n == 1)
			out->subject = str_c(r->word[i]);
		else if (n > 1)
			return false;
		n += r->word[i][0] != '-' || r->word[i][1] != '-';
	}
	return n == (out->kind == PURGE_ALL ? 1u : 2u) && (n == 1 || out->subject.n);
}

/* ---- one subject ---- */

static void purge_one(struct ask *ask, const struct wish *w, struct str subject, struct deed *deed)
{
	deed->seq = purge_add(ask->admin->cache.purge, w->kind, subject, w->soft);
	deed->n++;
	buf_str(&deed->text, subject);
	buf_char(&deed->text, '\n');
}

/* Was it purged in this deed already? */
static bool did(const struct deed *deed, struct str subject)
{
	struct str rest = buf_slice(&deed->text), line;

	while (rest.n && str_next(&rest, '\n', &line))
		if (str_eq(line, subject))
			return true;
	return false;
}

/* ---- url ---- */

static void purge_key(struct ask *ask, const struct wish *w, const struct cache_place *place,
		      struct deed *deed)
{
	struct str url = str_of(place->key.text.p, place->key.url_n);

	if (!did(deed, url))
		purge_one(ask, w, url, deed);
}

static int purge_url_on(struct ask *ask, const struct wish *w, const struct conf_route *route,
			const struct question *q, struct deed *deed)
{
	struct cache_place place;
	int rc = cache_place_init(&place, route, q);

	if (rc == 0)
		purge_key(ask, w, &place, deed);
	/* it may be stored without the parts of its query that do not matter */
	if (rc == 0 && cache_search(ask->admin, &place, route, q))
		purge_key(ask, w, &place, deed);
	cache_place_fini(&place);
	return rc;
}

/* The methods whose answers may be stored can have routes, and so keys, of their own. */
static int purge_url_routes(struct ask *ask, const struct wish *w, const struct question *q,
			    struct deed *deed)
{
	static const struct str methods[] = {{"GET", 3}, {"HEAD", 4}, {"QUERY", 5}, {"POST", 4}};
	struct route_table *table = NULL;
	int rc = routes_compile(ask->admin->conf, &table);

	for (size_t i = 0; i < COUNTOF(methods) && rc == 0; i++) {
		const struct conf_route *route =
			routes_find(ask->admin->conf, table, q->host, q->path, methods[i]);
		if (route && route->upstream)
			rc = purge_url_on(ask, w, route, q, deed);
	}
	route_table_free(&table);
	return rc;
}

static const char *purge_url(struct ask *ask, const struct wish *w, struct deed *deed)
{
	struct question q;
	const char *wrong = question_url(w->subject, &q);

	if (wrong)
		return wrong;
	int rc = purge_url_routes(ask, w, &q, deed);
	question_fini(&q);
	if (rc)
		return err_text(rc);
	return deed->n ? NULL : "no route with an upstream takes this URL: nothing of it is stored";
}

/* ---- prefix ---- */

static void add_lower(struct buf *out, struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		buf_char(out, ascii_lower(s.p[i]));
}

/* The path in the form that keys have, if that can be said of a part of one: a dot at the end may
 * be the beginning of a name. */
static void add_path(struct buf *out, struct str path)
{
	ssize_t query = str_find(path, '?');
	struct str whole = query < 0 ? path : str_of(path.p, (size_t)query);
	char *room = buf_room(out, path.n + 1);
	ssize_t n = -1;

	if (!room)
		return;
	if (whole.n && whole.p[whole.n - 1] != '.')
		n = http_path_normalise(whole, room);
	if (n < 0) {
		buf_str(out, path);
		return;
	}
	out->n += (size_t)n;
	buf_str(out, str_of(path.p + whole.n, path.n - whole.n));
}

/* "http://Host:80/a%7e" becomes "http://host/a~". Without a path behind it, the end of the host may
 * be cut off: it stays as it is. */
static const char *prefix_of(struct str given, struct buf *out, struct str *out_path)
{
	const char *at = memmem(given.p, given.n, "://", 3);

	if (!at)
		return "give the beginning of a URL, such as http://host/dir/";
	size_t scheme = (size_t)(at - given.p) + 3;
	struct str rest = str_of(given.p + scheme, given.n - scheme);
	ssize_t slash = str_find(rest, '/');
	struct str authority = slash < 0 ? rest : str_of(rest.p, (size_t)slash);

	if (slash >= 0 && str_ieq(str_of(given.p, scheme), STR("http://")) &&
	    str_ends(authority, STR(":80")))
		authority.n -= 3;
	if (slash >= 0 && str_ieq(str_of(given.p, scheme), STR("https://")) &&
	    str_ends(authority, STR(":443")))
		authority.n -= 4;
	add_lower(out, str_of(given.p, scheme));
	add_lower(out, authority);
	*out_path = slash < 0 ? STR_NONE : str_of(rest.p + (size_t)slash, rest.n - (size_t)slash);
	add_path(out, *out_path);
	return out->error ? err_text(out->error) : NULL;
}

/* Keys of routes that leave out the host begin with the route's name instead. */
static void purge_path_of(struct ask *ask, const struct wish *w, struct deed *deed, struct str path)
{
	const struct conf *conf = ask->admin->conf;
	struct buf text = BUF_INIT;

	for (size_t i = 0; i < conf->n_routes; i++) {
		const struct conf_route *r = &conf->routes[i];
		if (!r->upstream || r->cache.key.host)
			continue;
		buf_reset(&text);
		buf_printf(&text, "http://@%s", r->name);
		add_path(&text, path);
		if (!text.error && !did(deed, buf_slice(&text)))
			purge_one(ask, w, buf_slice(&text), deed);
	}
	buf_fini(&text);
}

static const char *purge_prefix(struct ask *ask, const struct wish *w, struct deed *deed)
{
	struct buf text = BUF_INIT;
	struct str path = STR_NONE;
	const char *wrong = prefix_of(w->subject, &text, &path);

	if (!wrong && text.n > PURGE_PREFIX_MAX)
		wrong = "longer than 1024 bytes";
	if (!wrong)
		purge_one(ask, w, buf_slice(&text), deed);
	if (!wrong && path.n)
		purge_path_of(ask, w, deed, path);
	buf_fini(&text);
	return wrong;
}

/* ---- host ---- */

static const char *purge_host(struct ask *ask, const struct wish *w, struct deed *deed)
{
	struct str host, port;
	struct buf lower = BUF_INIT;

	if (http_authority_parse(w->subject, &host, &port))
		return "not a host name";
	if (port.n)
		return "give the host without a port: all its ports are meant";
	add_lower(&lower, host);
	if (!lower.error)
		purge_one(ask, w, buf_slice(&lower), deed);
	buf_fini(&lower);
	return deed->n ? NULL : err_text(ERR_NOMEM);
}

/* ---- the command ---- */

static const char *do_wish(struct ask *ask, const struct wish *w, struct deed *deed)
{
	switch (w->kind) {
	case PURGE_URL:
		return purge_url(ask, w, deed);
	case PURGE_PREFIX:
		return purge_prefix(ask, w, deed);
	case PURGE_HOST:
		return purge_host(ask, w, deed);
	default:
		purge_one(ask, w, w->subject, deed);
		return NULL;
	}
}

static void reply_json(struct ask *ask, const struct wish *w, const struct deed *deed)
{
	struct str rest = buf_slice(&deed->text), line;
	const char *before = "";

	buf_printf(&ask->out, "{\"purged\":\"%s\",\"soft\":%s,\"sequence\":%llu,\"subjects\":[",
		   w->word, w->soft ? "true" : "false", (unsigned long long)deed->seq);
	while (w->kind != PURGE_ALL && rest.n && str_next(&rest, '\n', &line)) {
		buf_c(&ask->out, before);
		buf_json(&ask->out, line);
		before = ",";
	}
	buf_c(&ask->out, "]}\n");
}

static void reply_text(struct ask *ask, const struct wish *w, const struct deed *deed)
{
	struct str rest = buf_slice(&deed->text), line;

	while (rest.n && str_next(&rest, '\n', &line))
		buf_printf(&ask->out, "%s %s%s%.*s\n", w->soft ? "made stale:" : "purged:", w->word,
			   line.n ? " " : "", STR_ARG(line));
	buf_printf(&ask->out, "in force on all workers, sequence %llu\n",
		   (unsigned long long)deed->seq);
}

void cmd_purge(struct ask *ask)
{
	struct deed deed = {.text = BUF_INIT};
	const char *wrong;
	struct wish w;

	if (!take_wish(ask->request, &w)) {
		cmds_usage(ask);
		return;
	}
	if (!ask->admin->cache.purge) {
		ask_fail(ask, PROTO_FAILED, "there is no cache: cache.l1.size is 0");
		return;
	}
	wrong = do_wish(ask, &w, &deed);
	if (wrong) {
		ask_fail(ask, deed.n ? PROTO_FAILED : PROTO_USAGE, "purge %s: %s", w.word, wrong);
	} else {
		log_info("admin", "purge %s %.*s%s: sequence %llu", w.word, STR_ARG(w.subject),
			 w.soft ? " (soft)" : "", (unsigned long long)deed.seq);
		if (w.json)
			reply_json(ask, &w, &deed);
		else
			reply_text(ask, &w, &deed);
		ask_end(ask, PROTO_OK);
	}
	buf_fini(&deed.text);
}
