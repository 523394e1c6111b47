/* SPDX-License-Identifier: BSD-2-Clause */
#include "http/target.h"

#include <arpa/inet.h>

#include "base/err.h"
#include "http/scan.h"

enum { PORT_DIGITS_MAX = 5, PORT_MAX = 65535 };

/* [IPv6] at the front of <text>; returns its length with brackets, or 0. No zones, no IPvFuture. */
static size_t ipv6_n(struct str text)
{
	const ssize_t close = str_find(text, ']');
	char copy[INET6_ADDRSTRLEN];
	struct in6_addr parsed;

	if (close < 0 || (size_t)close > sizeof(copy))
		return 0;
	for (ssize_t i = 1; i < close; i++) /* a NUL must not end the text early */
		if (!strchr("0123456789abcdefABCDEF:.", text.p[i]) || !text.p[i])
			return 0;
	str_copy(copy, sizeof(copy), str_of(text.p + 1, (size_t)close - 1));
	return inet_pton(AF_INET6, copy, &parsed) == 1 ? (size_t)close + 1 : 0;
}

/* ":" port behind a host. RFC 3986 3.2.3 allows ":" alone; it means the default port. */
static int parse_port(struct str text, struct str *out_port)
{
	uint64_t port;

	if (text.n == 0) {
		*out_port = STR_NONE;
		return 0;
	}
	if (text.p[0] != ':' || text.n - 1 > PORT_DIGITS_MAX)
		return ERR_SYNTAX;
	text = str_of(text.p + 1, text.n - 1);
	if (text.n && (str_u64(text, &port) < 0 || port < 1 || port > PORT_MAX))
		return ERR_SYNTAX;
	*out_port = text;
	return 0;
}

/*
 * A registered name is taken without escapes: "%41" and "A" would be one host to a back end that
 * decodes and two to everybody who compares bytes. A comma is refused because that is how two
 * Host lines look after somebody joined them.
 */
int http_authority_parse(struct str text, struct str *out_host, struct str *out_port)
{
	size_t host_n;
	int r;

	if (text.n == 0)
		return ERR_SYNTAX;
	if (text.p[0] == '[')
		host_n = ipv6_n(text);
	else
		host_n = scan_class(text.p, text.p + text.n, HTTP_C_HOST);
	if (host_n == 0)
		return ERR_SYNTAX;
	r = parse_port(str_of(text.p + host_n, text.n - host_n), out_port);
	if (r == 0)
		*out_host = str_of(text.p, host_n);
	return r;
}

/* Path and query of what begins with the path; an empty path is left to the caller. */
static void split_query(struct str text, struct http_target *t)
{
	const ssize_t mark = str_find(text, '?');

	t->path = mark < 0 ? text : str_of(text.p, (size_t)mark);
	if (mark >= 0)
		t->query = str_of(text.p + mark + 1, text.n - (size_t)mark - 1);
}

static int parse_authority_form(struct str target, struct http_target *t)
{
	t->form = HTTP_TARGET_AUTHORITY;
	if (http_authority_parse(target, &t->host, &t->port) < 0)
		return ERR_SYNTAX;
	return t->port.n ? 0 : ERR_SYNTAX; /* RFC 9110 9.3.6: the port is not optional */
}

/*
 * "http://host/path?query" (RFC 9112 3.2.2). Only http and https: this is a gateway. No path means
 * "/", or "*" for OPTIONS without a query (RFC 9112 3.2.4).
 */
static int parse_absolute_form(struct str target, enum http_method method, struct http_target *t)
{
	const ssize_t colon = str_find(target, ':');
	struct str rest;
	size_t n = 0;

	if (colon < 0)
		return ERR_SYNTAX;
	t->form = HTTP_TARGET_ABSOLUTE;
	t->scheme = str_of(target.p, (size_t)colon);
	rest = str_of(target.p + colon, target.n - (size_t)colon);
	if (!str_ieq(t->scheme, STR("http")) && !str_ieq(t->scheme, STR("https")))
		return ERR_SYNTAX;
	if (!str_starts(rest, STR("://")))
		return ERR_SYNTAX;
	rest = str_of(rest.p + 3, rest.n - 3);
	while (n < rest.n && rest.p[n] != '/' && rest.p[n] != '?')
		n++;
	if (http_authority_parse(str_of(rest.p, n), &t->host, &t->port) < 0)
		return ERR_SYNTAX;
	split_query(str_of(rest.p + n, rest.n - n), t);
	if (t->path.n == 0)
		t->path = method == HTTP_METHOD_OPTIONS && !t->query.p ? STR("*") : STR("/");
	return 0;
}

static int parse_form(struct str target, enum http_method method, struct http_target *t)
{
	if (method == HTTP_METHOD_CONNECT)
		return parse_authority_form(target, t);
	if (target.p[0] == '/') {
		t->form = HTTP_TARGET_ORIGIN;
		split_query(target, t);
		return 0;
	}
	if (str_eq(target, STR("*"))) {
		t->form = HTTP_TARGET_ASTERISK;
		t->path = target;
		return method == HTTP_METHOD_OPTIONS ? 0 : ERR_SYNTAX;
	}
	return parse_absolute_form(target, method, t);
}

int http_target_parse(struct str target, enum http_method method, struct http_target *out_target)
{
	struct http_target t = {0};
	int r;

	if (target.n == 0 || scan_target(target.p, target.p + target.n) != target.p + target.n)
		return ERR_SYNTAX;
	r = parse_form(target, method, &t);
	if (r == 0)
		*out_target = t;
	return r;
}

static int hex_value(char c)
{
	if (ascii_digit(c))
		return c - '0';
	c = ascii_lower(c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Escapes in normal form, in one go from <path> to <out>; the length, or ERR_SYNTAX. */
static ssize_t decode_escapes(struct str path, char *out)
{
	size_t n = 0;

	for (size_t i = 0; i < path.n; i++) {
		if (path.p[i] != '%') {
			out[n++] = path.p[i];
			continue;
		}
		const int high = i + 2 < path.n ? hex_value(path.p[i + 1]) : -1;
		const int low = i + 2 < path.n ? hex_value(path.p[i + 2]) : -1;
		const int c = high * 16 + low;

		if (high < 0 || low < 0 || c == 0)
			return ERR_SYNTAX;
		if (http_is_class((char)c, HTTP_C_UNRESERVED)) {
			out[n++] = (char)c;
		} else {
			out[n++] = '%';
			out[n++] = "0123456789ABCDEF"[high];
			out[n++] = "0123456789ABCDEF"[low];
		}
		i += 2;
	}
	return (ssize_t)n;
}

/* Start of the last segment of out[0..n), which begins with '/': behind its last slash. */
static size_t last_segment(const char *out, size_t n)
{
	while (n > 0 && out[n - 1] != '/')
		n--;
	return n;
}

/*
 * Dot segments out of p[0..n), in place (RFC 3986 5.2.4). <to> is always behind a slash when a
 * segment begins, so ".." drops that slash's segment and what is left ends in a slash again.
 */
static ssize_t remove_dots(char *p, size_t n)
{
	size_t to = 1, at = 1;

	while (at < n) {
		const char *slash = memchr(p + at, '/', n - at);
		const size_t end = slash ? (size_t)(slash - p) : n;
		const struct str segment = str_of(p + at, end - at);

		if (str_eq(segment, STR(".."))) {
			if (to == 1)
				return ERR_SYNTAX; /* above the root */
			to = last_segment(p, to - 1);
		} else if (!str_eq(segment, STR("."))) {
			memmove(p + to, segment.p, segment.n);
			to += segment.n;
			if (slash)
				p[to++] = '/';
		}
		at = end + 1;
	}
	return (ssize_t)to;
}

/* Nothing to do: no escape, and no segment that begins with a dot. */
static bool is_plain(struct str path)
{
	for (const char *p = path.p, *end = p + path.n; p < end; p++) {
		if (*p == '%' || (*p == '/' && p + 1 < end && p[1] == '.'))
			return false;
	}
	return true;
}

ssize_t http_path_normalise(struct str path, char *out)
{
	ssize_t n;

	if (str_eq(path, STR("*"))) {
		out[0] = '*';
		return 1;
	}
	if (path.n == 0 || path.p[0] != '/')
		return ERR_SYNTAX;
	if (is_plain(path)) {
		memcpy(out, path.p, path.n);
		return (ssize_t)path.n;
	}
	n = decode_escapes(path, out);
	return n < 0 ? n : remove_dots(out, (size_t)n);
}
