/* SPDX-License-Identifier: BSD-2-Clause */
#include "policy/invalidate.h"

#include "base/err.h"
#include "http/sf.h"
#include "http/target.h"
#include "http/write.h"

/* The parts of a reference (RFC 3986 appendix B); p == NULL: not there. */
struct reference {
	struct str scheme, authority, path, query;
};

static struct str from(struct str s, size_t n)
{
	return str_of(s.p + n, s.n - n);
}

/* Length of the front part without any of <stops>. */
static size_t span_until(struct str s, const char *stops)
{
	size_t n = 0;

	while (n < s.n && !strchr(stops, s.p[n]))
		n++;
	return n;
}

/* "http:" at the front, if it is that of a URI: a letter first, then those of RFC 3986 3.1. */
static struct str scheme_of(struct str text)
{
	const size_t n = span_until(text, ":/?#");

	if (n == 0 || n == text.n || text.p[n] != ':')
		return STR_NONE;
	return str_of(text.p, n);
}

static struct reference split(struct str text)
{
	struct reference r = {.scheme = scheme_of(text)};
	size_t n = span_until(text, "#");

	text.n = n; /* the fragment is no business of a cache */
	if (r.scheme.p)
		text = from(text, r.scheme.n + 1);
	if (str_starts(text, STR("//"))) {
		text = from(text, 2);
		n = span_until(text, "/?");
		r.authority = str_of(text.p, n);
		text = from(text, n);
	}
	n = span_until(text, "?");
	r.path = str_of(text.p, n);
	if (n < text.n)
		r.query = from(text, n + 1);
	return r;
}

/* No white space, no controls, no bytes above ASCII. */
static bool is_visible(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] <= ' ' || s.p[i] >= 0x7f)
			return false;
	return true;
}

/* A path that is being put together. */
struct builder {
	char *out;
	size_t n;
	bool overflow;
};

static void add(struct builder *b, struct str s)
{
	if (b->n + s.n > INVALIDATE_PATH_MAX) {
		b->overflow = true;
		return;
	}
	if (s.n)
		memcpy(b->out + b->n, s.p, s.n);
	b->n += s.n;
}

/* Everything up to the last '/' of the base, then the reference (RFC 3986 5.2.3). */
static void merge_paths(struct builder *b, struct str base, struct str path)
{
	while (base.n && base.p[base.n - 1] != '/')
		base.n--;
	add(b, base.n ? base : STR("/"));
	add(b, path);
}

/* RFC 3986 5.2.4, in place. What goes above the root stays at the root. */
static size_t remove_dots(char *path, size_t n)
{
	size_t out = 0, i = 0;

	while (i < n) {
		size_t end = i + 1; /* path[i] is a '/' */

		while (end < n && path[end] != '/')
			end++;
		const struct str segment = str_of(path + i + 1, end - i - 1);
		const bool up = str_eq(segment, STR(".."));

		if (up)
			while (out > 0 && path[--out] != '/')
				;
		if (up || str_eq(segment, STR("."))) {
			if (end == n) /* a last dot segment leaves its slash */
				path[out++] = '/';
		} else {
			memmove(path + out, path + i, end - i);
			out += end - i;
		}
		i = end;
	}
	return out;
}

/* The path of the reference, whole and in normal form, in <path>. */
static int build_path(const struct invalidate_uri *base, const struct reference *r, char *path,
		      struct str *out_path)
{
	char raw[INVALIDATE_PATH_MAX];
	struct builder b = {raw, 0, false};
	ssize_t n;

	if (r->path.n && r->path.p[0] == '/')
		add(&b, r->path);
	else if (r->authority.p)
		add(&b, r->path.n ? r->path : STR("/"));
	else if (r->path.n == 0)
		add(&b, base->path);
	else
		merge_paths(&b, base->path, r->path);
	if (b.overflow)
		return ERR_LIMIT;
	if (b.n == 0 || raw[0] != '/')
		return ERR_SYNTAX;
	n = http_path_normalise(str_of(raw, remove_dots(raw, b.n)), path);
	if (n < 0)
		return (int)n;
	*out_path = str_of(path, (size_t)n);
	return 0;
}

int invalidate_resolve(const struct invalidate_uri *base, struct str text, char *path,
		       struct invalidate_uri *out_uri)
{
	struct reference r = split(text);
	struct invalidate_uri uri = *base;
	int rc;

	if (!is_visible(text))
		return ERR_SYNTAX;
	if (r.scheme.p && !str_ieq(r.scheme, STR("http")) && !str_ieq(r.scheme, STR("https")))
		return ERR_SYNTAX;
	if (r.scheme.p && !r.authority.p)
		return ERR_SYNTAX; /* "http:x": RFC 3986 5.2.2 lets a strict parser refuse it */
	if (r.scheme.p)
		uri.scheme = r.scheme;
	if (r.authority.p) {
		uri.port = STR_NONE;
		rc = http_authority_parse(r.authority, &uri.host, &uri.port);
		if (rc < 0)
			return rc;
	}
	/* An empty reference is the base, with its query. */
	if (r.authority.p || r.path.n || r.query.p)
		uri.query = r.query;
	rc = build_path(base, &r, path, &uri.path);
	if (rc < 0)
		return rc;
	*out_uri = uri;
	return 0;
}

static struct str port_of(const struct invalidate_uri *u)
{
	if (u->port.n)
		return u->port;
	return str_ieq(u->scheme, STR("https")) ? STR("443") : STR("80");
}

bool invalidate_same_origin(const struct invalidate_uri *a, const struct invalidate_uri *b)
{
	uint64_t x, y;

	return str_ieq(a->scheme, b->scheme) && str_ieq(a->host, b->host) &&
	       str_u64(port_of(a), &x) == 0 && str_u64(port_of(b), &y) == 0 && x == y;
}

bool invalidate_same_uri(const struct invalidate_uri *a, const struct invalidate_uri *b)
{
	return invalidate_same_origin(a, b) && str_eq(a->path, b->path) &&
	       !a->query.p == !b->query.p && str_eq(a->query, b->query);
}

bool invalidate_applies(enum http_method method, unsigned status)
{
	return !http_method_safe(method) && status >= 200 && status < 400;
}

/* Adds what the field names, unless it is of another origin (4.4: MUST NOT) or there already. */
static size_t add_named(const struct http_msg *response, enum http_field_id id, char *path,
			struct invalidate_uri *out, size_t n)
{
	const struct http_field *f = http_find(response, id);
	struct invalidate_uri uri;

	if (!f || invalidate_resolve(&out[0], http_field_value(response, f), path, &uri) < 0 ||
	    !invalidate_same_origin(&out[0], &uri))
		return n;
	for (size_t i = 0; i < n; i++)
		if (invalidate_same_uri(&out[i], &uri))
			return n;
	out[n] = uri;
	return n + 1;
}

size_t invalidate_uris(const struct invalidate_uri *target, enum http_method method,
		       const struct http_msg *response, struct invalidate_room *room,
		       struct invalidate_uri out[INVALIDATE_URIS_MAX])
{
	size_t n = 1;

	if (!invalidate_applies(method, response->status))
		return 0;
	out[0] = *target;
	n = add_named(response, HTTP_FIELD_LOCATION, room->bytes[0], out, n);
	return add_named(response, HTTP_FIELD_CONTENT_LOCATION, room->bytes[1], out, n);
}

bool invalidate_post_names_target(const struct invalidate_uri *target,
				  const struct http_msg *response)
{
	const struct http_field *f = http_find(response, HTTP_FIELD_CONTENT_LOCATION);
	char path[INVALIDATE_PATH_MAX];
	struct invalidate_uri uri;

	return f && invalidate_resolve(target, http_field_value(response, f), path, &uri) == 0 &&
	       invalidate_same_uri(target, &uri);
}

/* The string's bytes, escapes resolved; left out if it is empty or too long. */
static void add_group(struct invalidate_groups *g, struct str text, size_t *used)
{
	char *const start = g->bytes + *used;
	size_t n = 0;
	int c;

	if (g->n == INVALIDATE_GROUPS_MAX || *used + text.n > sizeof(g->bytes))
		return;
	while ((c = sf_string_next(&text)) >= 0)
		start[n++] = (char)c;
	if (n == 0 || n > INVALIDATE_GROUP_MAX)
		return;
	g->name[g->n++] = str_of(start, n);
	*used += n;
}

static void read_groups(const struct http_msg *m, enum http_field_id id,
			struct invalidate_groups *g)
{
	const struct http_field *f = http_find(m, id);
	struct sf_value value;
	bool strings = true;
	size_t used = 0;
	struct sf sf;

	g->n = 0;
	if (!f)
		return;
	sf_begin_field(&sf, m, f);
	while (sf_list_next(&sf, &value)) {
		if (value.type == SF_STRING)
			add_group(g, value.text, &used);
		else
			strings = false;
	}
	if (!strings || !sf_ok(&sf))
		g->n = 0;
}

void invalidate_member_of(const struct http_msg *response, struct invalidate_groups *out_groups)
{
	read_groups(response, HTTP_FIELD_CACHE_GROUPS, out_groups);
}

void invalidate_group_purges(enum http_method method, const struct http_msg *response,
			     struct invalidate_groups *out_groups)
{
	out_groups->n = 0;
	if (!http_method_safe(method))
		read_groups(response, HTTP_FIELD_CACHE_GROUP_INVALIDATION, out_groups);
}
