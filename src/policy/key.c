/* SPDX-License-Identifier: BSD-2-Clause */
#include "policy/key.h"

#include "base/check.h"
#include "base/err.h"
#include "base/sha256.h"
#include "policy/query.h"

static void write_byte(struct http_writer *w, char c)
{
	http_write_bytes(w, &c, 1);
}

static void write_lower(struct http_writer *w, struct str s)
{
	char *at = w->at;

	http_write_str(w, s);
	for (; at < w->at; at++)
		*at = ascii_lower(*at);
}

/* ":port" unless it is the scheme's (RFC 9110 4.2.3). */
static void write_port(struct http_writer *w, const struct key_parts *parts)
{
	const struct str usual = parts->scheme.n == 5 ? STR("443") : STR("80");
	struct str port = parts->port;

	while (port.n > 1 && *port.p == '0')
		port = str_of(port.p + 1, port.n - 1);
	if (port.n == 0 || str_eq(port, usual))
		return;
	http_write_lit(w, ":");
	http_write_str(w, port);
}

static bool is_unreserved(int c)
{
	const char lower = ascii_lower((char)c);

	return (lower >= 'a' && lower <= 'z') || ascii_digit((char)c) || c == '-' || c == '.' ||
	       c == '_' || c == '~';
}

/* Does every '%' begin an escape? */
static bool is_well_escaped(struct str text)
{
	for (ssize_t at; (at = str_find(text, '%')) >= 0;) {
		struct str rest = str_of(text.p + at, text.n - (size_t)at);

		query_byte(&rest);
		if (rest.p == text.p + at + 1)
			return false;
		text = rest;
	}
	return true;
}

/*
 * Escaped unreserved characters decoded, other escapes in upper case (RFC 3986 6.2.2). Where an
 * escape is malformed everything stays as it is: decoded characters must not complete it
 * ("%c%32" is not "%c2").
 */
static void write_normal(struct http_writer *w, struct str text)
{
	ssize_t at;

	if (!is_well_escaped(text)) {
		http_write_str(w, text);
		return;
	}
	while ((at = str_find(text, '%')) >= 0) {
		struct str rest = str_of(text.p + at, text.n - (size_t)at);
		const int c = query_byte(&rest);

		http_write_bytes(w, text.p, (size_t)at);
		if (is_unreserved(c)) {
			write_byte(w, (char)c);
		} else {
			http_write_lit(w, "%");
			write_byte(w, "0123456789ABCDEF"[c >> 4]);
			write_byte(w, "0123456789ABCDEF"[c & 15]);
		}
		text = rest;
	}
	http_write_str(w, text);
}

static bool is_listed(struct str name, const struct str *patterns, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (query_name_matches(name, patterns[i]))
			return true;
	return false;
}

static bool is_wanted(const struct key_rules *rules, struct str param)
{
	const struct str name = query_name(param);

	if (rules->query == KEY_QUERY_LISTED)
		return is_listed(name, rules->keep_query, rules->n_keep_query);
	return !is_listed(name, rules->ignore_query, rules->n_ignore_query);
}

/* The wanted parameters in the order they came; how many. */
static size_t write_wanted(const struct key_rules *rules, struct str query, struct http_writer *w)
{
	struct str param;
	size_t n = 0;

	while (query_next(&query, &param)) {
		if (!is_wanted(rules, param))
			continue;
		write_byte(w, n++ ? '&' : '?');
		write_normal(w, param);
	}
	return n;
}

static void write_sorted(const struct key_rules *rules, struct str query, struct http_writer *w)
{
	struct str params[QUERY_PARAMS_MAX], rest = query, param;
	size_t n = 0;

	while (query_next(&rest, &param)) {
		if (!is_wanted(rules, param))
			continue;
		if (n == QUERY_PARAMS_MAX) {
			write_wanted(rules, query, w);
			return;
		}
		params[n++] = param;
	}
	query_sort(params, n);
	for (size_t i = 0; i < n; i++) {
		write_byte(w, i ? '&' : '?');
		write_normal(w, params[i]);
	}
}

static void write_query(const struct key_rules *rules, struct str query, struct http_writer *w)
{
	if (!query.p || rules->query == KEY_QUERY_NONE)
		return;
	if (rules->sort_query) {
		write_sorted(rules, query, w);
	} else if (rules->query == KEY_QUERY_LISTED || rules->n_ignore_query) {
		write_wanted(rules, query, w);
	} else {
		http_write_lit(w, "?");
		write_normal(w, query);
	}
}

/* "\nname: value, value" of all lines of a field, nothing if it is absent. */
static void write_field(struct http_writer *w, const struct http_msg *m, struct str name)
{
	const struct http_field *f = http_find_name(m, name, NULL);

	if (!f)
		return;
	http_write_lit(w, "\n");
	write_lower(w, name);
	http_write_lit(w, ": ");
	http_write_str(w, http_field_value(m, f));
	while ((f = http_find_name(m, name, f))) {
		http_write_lit(w, ", ");
		http_write_str(w, http_field_value(m, f));
	}
}

/* "\ncookie name=value" for each time the cookie occurs (RFC 6265 4.2.1). */
static void write_cookie(struct http_writer *w, const struct http_msg *m, struct str name)
{
	const struct http_field *f = http_find(m, HTTP_FIELD_COOKIE);
	struct str rest, pair;

	for (; f; f = http_find_next(m, f)) {
		rest = http_field_value(m, f);
		while (str_next(&rest, ';', &pair)) {
			pair = str_trim(pair);
			if (!str_eq(str_trim(query_name(pair)), name))
				continue;
			http_write_lit(w, "\ncookie ");
			http_write_str(w, pair);
		}
	}
}

/* "\nname value"; names without a colon are ours. */
static void write_word(struct http_writer *w, const char *name, struct str value)
{
	if (value.n == 0)
		return;
	http_write_lit(w, "\n");
	http_write_str(w, str_c(name));
	http_write_lit(w, " ");
	http_write_str(w, value);
}

/* The request's content and what says how to read it (RFC 10008 2.7). */
static void write_content(struct http_writer *w, const struct key_parts *parts)
{
	const struct http_msg *m = parts->request;
	uint8_t digest[SHA256_N];

	ASSERT(m);
	http_write_lit(w, "\n");
	http_write_str(w, http_span_str(m, m->method_text));
	http_write_lit(w, " ");
	http_write_u64(w, parts->content.n);
	http_write_lit(w, " ");
	sha256(parts->content, digest);
	for (size_t i = 0; i < SHA256_N; i++) {
		write_byte(w, "0123456789abcdef"[digest[i] >> 4]);
		write_byte(w, "0123456789abcdef"[digest[i] & 15]);
	}
	write_field(w, m, STR("Content-Type"));
	write_field(w, m, STR("Content-Encoding"));
}

size_t key_write(const struct key_rules *rules, const struct key_parts *parts,
		 struct http_writer *w)
{
	const size_t start = http_write_n(w);
	size_t url_n;

	http_write_str(w, parts->scheme);
	http_write_lit(w, "://");
	if (rules->host) {
		write_lower(w, parts->host);
		write_port(w, parts);
	} else {
		http_write_lit(w, "@"); /* no host has it: routes do not share keys by chance */
		http_write_str(w, rules->realm);
	}
	http_write_str(w, parts->path);
	write_query(rules, parts->query, w);
	url_n = http_write_n(w) - start;
	write_word(w, "spelled", parts->spelled);
	write_word(w, "forwarded-host", parts->forwarded_host);
	write_word(w, "no-vary-search", parts->search_rule);
	for (size_t i = 0; parts->request && i < rules->n_headers; i++)
		write_field(w, parts->request, rules->headers[i]);
	for (size_t i = 0; parts->request && i < rules->n_cookies; i++)
		write_cookie(w, parts->request, rules->cookies[i]);
	if (parts->by_content)
		write_content(w, parts);
	return url_n;
}
