/* SPDX-License-Identifier: BSD-2-Clause */
#include "policy/rewrite.h"

#include "base/err.h"

static int hex_value(char c)
{
	if (ascii_digit(c))
		return c - '0';
	c = ascii_lower(c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool is_unreserved(int c)
{
	return ascii_digit((char)c) ||
	       (ascii_lower((char)c) >= 'a' && ascii_lower((char)c) <= 'z') ||
	       (c && strchr("-._~", c));
}

/* An escape keeps its own number space, so that "%2F" and "/" differ. */
enum { ESCAPED = 0x100 };

/*
 * Takes one unit of a path in normal form off the front of <s>: a character, or an escape that
 * must stay one. A broken escape is taken as a plain '%'.
 */
static int next_unit(struct str *s)
{
	int c = (unsigned char)s->p[0];
	size_t n = 1;

	if (c == '%' && s->n >= 3 && hex_value(s->p[1]) >= 0 && hex_value(s->p[2]) >= 0) {
		c = hex_value(s->p[1]) * 16 + hex_value(s->p[2]);
		n = 3;
		if (!is_unreserved(c))
			c |= ESCAPED;
	}
	s->p += n;
	s->n -= n;
	return c;
}

/* Does the path hold "." or ".." as a segment, written in any way? */
static bool has_dot_segments(struct str path)
{
	int dots = 0; /* of the segment so far; -1: it is something else */

	if (!memchr(path.p, '.', path.n) && !memchr(path.p, '%', path.n))
		return false;
	while (path.n) {
		int c = next_unit(&path);
		if (c == '/') {
			if (dots > 0)
				return true;
			dots = 0;
		} else {
			dots = c == '.' && dots >= 0 && dots < 2 ? dots + 1 : -1;
		}
	}
	return dots > 0;
}

/*
 * Takes <prefix> off the front of *<path> when it matches in normal form and ends at a segment
 * boundary; false leaves *<path> alone.
 */
static bool strip(struct str *path, struct str prefix)
{
	struct str at = *path;
	int last = '/';

	while (prefix.n) {
		if (at.n == 0 || (last = next_unit(&prefix)) != next_unit(&at))
			return false;
	}
	if (last != '/' && at.n && at.p[0] != '/')
		return false;
	*path = at;
	return true;
}

/* Is this '%' the beginning of a whole escape, of anything but NUL? */
static bool is_escape(struct str s, size_t at)
{
	if (at + 2 >= s.n)
		return false;
	int high = hex_value(s.p[at + 1]), low = hex_value(s.p[at + 2]);
	return high >= 0 && low >= 0 && high + low > 0;
}

static bool is_prefix(struct str s)
{
	if (s.n == 0)
		return true;
	if (s.p[0] != '/' || has_dot_segments(s))
		return false;
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] <= ' ' || s.p[i] > '~' || s.p[i] == '?' || s.p[i] == '#')
			return false;
		if (s.p[i] == '%' && !is_escape(s, i))
			return false;
	}
	return true;
}

int rewrite_check(const struct rewrite *r)
{
	return is_prefix(r->strip) && is_prefix(r->add) ? 0 : ERR_SYNTAX;
}

size_t rewrite_room(const struct rewrite *r, const struct http_target *t)
{
	return r->add.n + 2 + t->path.n + 1 + t->query.n;
}

static struct str without_slashes(struct str s)
{
	while (s.n && s.p[0] == '/') {
		s.p++;
		s.n--;
	}
	return s;
}

/* The two parts of the new path, with one slash between them; <rest> is what was not stripped. */
static size_t join(struct str add, struct str rest, char *out)
{
	size_t n = 0;
	bool more = rest.n > 0;

	rest = without_slashes(rest);
	add = without_slashes(add);
	out[n++] = '/';
	if (add.n) {
		memcpy(out + n, add.p, add.n);
		n += add.n;
	}
	if (more && out[n - 1] != '/')
		out[n++] = '/';
	if (rest.n)
		memcpy(out + n, rest.p, rest.n);
	return n + rest.n;
}

static size_t write_path(const struct rewrite *r, struct str raw, struct str normal, char *out)
{
	if (rewrite_wanted(r) && raw.n && raw.p[0] == '/') {
		struct str path = has_dot_segments(raw) ? normal : raw;
		bool stripped = r->strip.n && strip(&path, r->strip);
		if (stripped || r->add.n)
			return join(r->add, path, out);
	}
	memcpy(out, raw.p, raw.n);
	return raw.n;
}

ssize_t rewrite_target(const struct rewrite *r, const struct http_target *t, struct str normal,
		       char *out, size_t size)
{
	if (size < rewrite_room(r, t))
		return ERR_LIMIT;
	size_t n = write_path(r, t->path, normal, out);
	if (t->query.p) {
		out[n++] = '?';
		if (t->query.n)
			memcpy(out + n, t->query.p, t->query.n);
		n += t->query.n;
	}
	return (ssize_t)n;
}
