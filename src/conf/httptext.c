/* SPDX-License-Identifier: BSD-2-Clause */
#include "conf/httptext.h"

/* The columns of tbl/fields.h that matter here. */
enum { HOP = 1, LIST = 2, SINGLE = 4, NOTRAILER = 8, OWN = 16 };

static const struct {
	const char *name;
	unsigned flags;
} fields[] = {
#define FIELD(id, text, flags) {text, flags},
#include "tbl/fields.h"
#undef FIELD
};

static unsigned flags_of(struct str name)
{
	for (size_t i = 0; i < COUNTOF(fields); i++)
		if (str_ieq(str_c(fields[i].name), name))
			return fields[i].flags;
	return 0;
}

static bool is_alnum(char c)
{
	char l = ascii_lower(c);

	return ascii_digit(c) || (l >= 'a' && l <= 'z');
}

/* tchar, RFC 9110 5.6.2 */
static bool is_tchar(char c)
{
	return is_alnum(c) || (c && strchr("!#$%&'*+-.^_`|~", c));
}

static bool is_token(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!is_tchar(s.p[i]))
			return false;
	return s.n > 0;
}

bool field_name_check(struct str s, struct why *why)
{
	if (!is_token(s))
		return why_set(why, "is not the name of a header field; letters, digits and "
				    "!#$%%&'*+-.^_`|~ are allowed");
	if (s.n > 256)
		return why_set(why, "is too long; 256 characters are allowed");
	return true;
}

bool field_value_check(struct str s, struct why *why)
{
	for (size_t i = 0; i < s.n; i++)
		if (((uint8_t)s.p[i] < 0x20 && s.p[i] != '\t') || s.p[i] == 0x7f)
			return why_set(why, "has a line end or another control character");
	if (str_trim(s).n != s.n)
		return why_set(why, "begins or ends with white space");
	if (s.n > 8192)
		return why_set(why, "is too long; 8192 bytes are allowed");
	return true;
}

bool field_change_check(struct str name, bool request, struct why *why)
{
	unsigned flags = flags_of(name);

	if (flags & HOP)
		return why_set(why, "belongs to one connection and is not yours to change");
	if (str_ieq(name, STR("Content-Length")) || str_ieq(name, STR("Trailer")))
		return why_set(why, "frames the message and is not yours to change");
	if (request && str_ieq(name, STR("Host")))
		return why_set(why, "is changed with rewrite: { host: ... }");
	if (request && str_ieq(name, STR("Expect")))
		return why_set(why, "is answered by tiercel and is not yours to change");
	return true;
}

/* A message's framing, or what one connection is about. */
static bool frames(struct str name)
{
	return (flags_of(name) & HOP) || str_ieq(name, STR("Content-Length")) ||
	       str_ieq(name, STR("Trailer")) || str_ieq(name, STR("Expect"));
}

static bool is_among(struct str name, const char *const *names, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (str_ieq(name, str_c(names[i])))
			return true;
	return false;
}

bool field_key_check(struct str name, struct why *why)
{
	/* RFC 9110 13, 14: they ask for a part of what the key names. */
	static const char *const partial[] = {
		"Range",	 "If-Range",	      "If-Match",
		"If-None-Match", "If-Modified-Since", "If-Unmodified-Since",
	};

	if (frames(name))
		return why_set(why, "belongs to one message and cannot be part of a key");
	if (str_ieq(name, STR("Host")))
		return why_set(why, "is part of the key by host: true");
	if (is_among(name, partial, COUNTOF(partial)))
		return why_set(why, "is answered from the whole and cannot be part of a key");
	return true;
}

bool field_targeted_check(struct str name, struct why *why)
{
	if (frames(name) || (flags_of(name) & SINGLE))
		return why_set(why, "does not tell caches what to do; write a field such as "
				    "CDN-Cache-Control");
	if (str_ieq(name, STR("Cache-Control")))
		return why_set(why, "is what the fields of this list stand in for");
	return true;
}

bool field_tags_check(struct str name, struct why *why)
{
	static const char *const needed[] = {"Cache-Control", "Vary", "Set-Cookie",
					     "Content-Encoding", "Cache-Groups"};

	if (frames(name) || (flags_of(name) & SINGLE) || is_among(name, needed, COUNTOF(needed)))
		return why_set(why, "is needed by clients; write a field such as Surrogate-Key");
	return true;
}

bool field_is_own(struct str name)
{
	return flags_of(name) & OWN;
}

bool field_is_secret(struct str name)
{
	static const char *const secrets[] = {
		"Authorization", "Proxy-Authorization", "Cookie",
		"Set-Cookie",	 "X-Api-Key",		"X-Auth-Token",
	};

	return is_among(name, secrets, COUNTOF(secrets));
}

bool method_check(struct str s, struct why *why)
{
	char upper[33];
	bool is_upper = true;

	if (!is_token(s) || s.n >= sizeof(upper))
		return why_set(why, "is not a method; write one such as GET");
	for (size_t i = 0; i <= s.n; i++) {
		upper[i] = i == s.n ? 0 : s.p[i];
		if (upper[i] >= 'a' && upper[i] <= 'z') {
			upper[i] = (char)(upper[i] & ~0x20);
			is_upper = false;
		}
	}
	if (str_eq(str_c(upper), STR("CONNECT")))
		return why_set(why, "cannot be routed; tiercel is no forward proxy");
	if (!is_upper)
		return why_set(why,
			       "is not upper case, and methods are compared with their case; "
			       "did you mean %s?",
			       upper);
	return true;
}

static bool has_dot_segment(struct str path)
{
	struct str segment;

	while (str_next(&path, '/', &segment))
		if (str_eq(segment, STR(".")) || str_eq(segment, STR("..")))
			return true;
	return false;
}

bool path_check(struct str s, struct why *why)
{
	if (s.n == 0 || s.p[0] != '/')
		return why_set(why, "does not begin with /");
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '?' || s.p[i] == '#')
			return why_set(why, "has a query or fragment; only the path is compared");
		if ((uint8_t)s.p[i] <= 0x20 || (uint8_t)s.p[i] >= 0x7f)
			return why_set(why, "has a character that must be written as %%XX");
	}
	if (has_dot_segment(s))
		return why_set(why, "has a . or .. segment, which no request has");
	if (s.n > 4096)
		return why_set(why, "is too long; 4096 bytes are allowed");
	return true;
}

bool cookie_name_check(struct str s, struct why *why)
{
	if (!is_token(s))
		return why_set(why, "is not the name of a cookie; letters, digits and "
				    "!#$%%&'*+-.^_`|~ are allowed");
	if (s.n > 256)
		return why_set(why, "is too long; 256 characters are allowed");
	return true;
}

bool query_name_check(struct str s, struct why *why)
{
	if (s.n == 0)
		return why_set(why, "is empty");
	if (str_eq(s, STR("*")))
		return why_set(why, "is every parameter; write query: all or query: none instead");
	for (size_t i = 0; i < s.n; i++) {
		if (strchr("&=#", s.p[i]))
			return why_set(why, "has one of & = #, which end the name of a parameter");
		if ((uint8_t)s.p[i] <= 0x20 || (uint8_t)s.p[i] >= 0x7f)
			return why_set(why, "has a character that must be written as %%XX");
		if (s.p[i] == '*' && i + 1 < s.n)
			return why_set(why, "has a * that is not at its end");
	}
	if (s.n > 256)
		return why_set(why, "is too long; 256 characters are allowed");
	return true;
}

bool name_char(char c)
{
	return is_alnum(c) || (c && strchr("_-.:/*@[]=~", c));
}

bool name_check(struct str s, struct why *why)
{
	if (s.n == 0)
		return why_set(why, "is empty");
	if (s.n > NAME_MAX_BYTES)
		return why_set(why, "is too long; 128 characters are allowed");
	for (size_t i = 0; i < s.n; i++)
		if (!name_char(s.p[i]))
			return why_set(why, "has a character that names have not; letters, digits "
					    "and any of _ - . : / * @ [ ] = ~ are allowed");
	return true;
}
