/* SPDX-License-Identifier: BSD-2-Clause */
#include "policy/vary.h"

#include <endian.h>

/*
 * A value in normal form is either written, or compared with one that was: the same code makes
 * both, so that they cannot differ, and a match needs no memory.
 */
struct sink {
	struct http_writer *w; /* NULL: compare */
	const char *at, *end;  /* what is expected next */
	bool differs;
};

static inline void put_byte(struct sink *s, char c)
{
	if (s->w)
		http_write_bytes(s->w, &c, 1);
	else if (s->at < s->end && *s->at == c)
		s->at++;
	else
		s->differs = true;
}

static void put_str(struct sink *s, struct str text)
{
	if (s->w) {
		http_write_str(s->w, text);
	} else if (!str_eq(str_of(s->at, MIN((size_t)(s->end - s->at), text.n)), text)) {
		s->differs = true;
	} else {
		s->at += text.n;
	}
}

static void put_lower(struct sink *s, struct str text)
{
	for (size_t i = 0; i < text.n && !s->differs; i++)
		put_byte(s, ascii_lower(text.p[i]));
}

static inline void put_comma(struct sink *s)
{
	put_byte(s, ',');
	put_byte(s, ' ');
}

/* A member of Accept-Encoding or Accept-Language. */
struct choice {
	uint64_t key;	 /* the name's first 8 bytes, lower case: they sort as numbers */
	uint8_t rank;	 /* sorts before the name */
	const char *p;	 /* the name */
	uint16_t n;	 /* its length */
	uint16_t weight; /* thousandths */
};

/* What is longer, or more, is left in the order it came in. */
enum { CHOICES_MAX = 24, CHOICE_NAME_MAX = 64, KEY_BYTES = 8, WEIGHT_ONE = 1000 };

/* The first 8 of <n> bytes at <p> as a number that sorts like them; <end> ends what may be read. */
static inline uint64_t key_of(const char *p, size_t n, const char *end)
{
	const uint64_t fold = UINT64_C(0x2020202020202020); /* leaves all but letters alone */
	uint64_t key = 0;

	if (LIKELY(end - p >= KEY_BYTES)) {
		memcpy(&key, p, KEY_BYTES);
		key = be64toh(key | fold);
		return n < KEY_BYTES ? key & ~(UINT64_MAX >> 8 * n) : key;
	}
	for (unsigned i = 0; i < KEY_BYTES; i++)
		key = key << 8 | (i < n ? (uint8_t)(p[i] | 0x20) : 0);
	return key;
}

static int compare_choices(const struct choice *a, const struct choice *b)
{
	const unsigned n = MIN(a->n, b->n);

	if (a->rank != b->rank)
		return a->rank - b->rank;
	if (a->key != b->key)
		return a->key < b->key ? -1 : 1;
	for (unsigned i = KEY_BYTES; i < n; i++) {
		const int diff = ascii_lower(a->p[i]) - ascii_lower(b->p[i]);

		if (diff)
			return diff;
	}
	if (a->n != b->n)
		return a->n < b->n ? -1 : 1;
	return a->weight - b->weight;
}

static inline const char *skip_space(const char *p, const char *end)
{
	while (p < end && (*p == ' ' || *p == '\t'))
		p++;
	return p;
}

/* Those of codings and language ranges; a name with others is not looked into. */
static inline bool is_name_byte(char c)
{
	const char folded = (char)(c | 0x20);

	return (folded >= 'a' && folded <= 'z') || ascii_digit(c) || c == '-' || c == '*';
}

/* "0", "0.5", "1.000" (RFC 9110 12.4.2) in thousandths. Returns what follows, or NULL. */
static const char *parse_weight(const char *p, const char *end, uint16_t *out_weight)
{
	unsigned v, unit = 100;

	if (p == end || (*p != '0' && *p != '1'))
		return NULL;
	v = *p++ == '1' ? WEIGHT_ONE : 0;
	if (p < end && *p == '.')
		for (p++; p < end && ascii_digit(*p) && unit; p++, unit /= 10)
			v += unit * (unsigned)(*p - '0');
	*out_weight = (uint16_t)v;
	return v <= WEIGHT_ONE ? p : NULL;
}

/* "name" or "name;q=0.5". Returns the comma or end behind it, or NULL if it is something else. */
static const char *parse_choice(const char *p, const char *end, struct choice *c)
{
	c->p = p;
	c->rank = 0;
	c->weight = WEIGHT_ONE;
	while (p < end && is_name_byte(*p))
		p++;
	if (p == c->p || p - c->p > CHOICE_NAME_MAX)
		return NULL;
	c->n = (uint16_t)(p - c->p);
	p = skip_space(p, end);
	if (p < end && *p == ';') {
		p = skip_space(p + 1, end);
		if (end - p < 3 || ascii_lower(p[0]) != 'q' || p[1] != '=')
			return NULL;
		p = parse_weight(p + 2, end, &c->weight);
		if (!p)
			return NULL;
		p = skip_space(p, end);
	}
	return p == end || *p == ',' ? p : NULL;
}

/*
 * The order that browsers write codings in: most requests are in normal form as they come, and a
 * comparison of bytes is enough for them.
 */
static const struct str usual_order[] = {STR("gzip"), STR("deflate"), STR("br"), STR("zstd")};

/* RFC 9110 8.4.1: recipients treat "x-gzip" as "gzip", "x-compress" as "compress". */
static void know_coding(struct choice *c)
{
	struct str name = str_of(c->p, c->n);

	if (str_ieq(name, STR("x-gzip")) || str_ieq(name, STR("x-compress")))
		name = str_of(name.p + 2, name.n - 2);
	c->p = name.p;
	c->n = (uint16_t)name.n;
	for (c->rank = 0; c->rank < COUNTOF(usual_order); c->rank++)
		if (str_ieq(name, usual_order[c->rank]))
			break;
}

/* Into its place in the sorted list, once. */
static unsigned insert_choice(struct choice *list, unsigned n, const struct choice *c)
{
	unsigned at = n;

	for (; at > 0; at--) {
		const int order = compare_choices(c, &list[at - 1]);

		if (order == 0)
			return n;
		if (order > 0)
			break;
	}
	for (unsigned i = n; i > at; i--)
		list[i] = list[i - 1];
	list[at] = *c;
	return n + 1;
}

/* All members of all lines, sorted: the order means nothing (RFC 9110 12.5.3, 12.5.4). */
static bool gather_choices(const struct http_msg *m, const struct http_field *f,
			   struct choice *list, unsigned *out_n)
{
	const bool codings = f->id == HTTP_FIELD_ACCEPT_ENCODING;
	unsigned n = 0;

	for (; f; f = http_find_next(m, f)) {
		const struct str value = http_field_value(m, f);
		const char *p = value.p, *const end = p + value.n;
		struct choice c;

		while ((p = skip_space(p, end)) < end) {
			if (*p == ',') { /* an empty member, or the end of the last one */
				p++;
				continue;
			}
			p = n < CHOICES_MAX ? parse_choice(p, end, &c) : NULL;
			if (!p)
				return false;
			if (codings)
				know_coding(&c);
			c.key = key_of(c.p, c.n, end);
			n = insert_choice(list, n, &c);
		}
	}
	*out_n = n;
	return true;
}

/* ";q=0.25": the shortest form; nothing for 1. */
static void put_weight(struct sink *s, unsigned weight)
{
	if (weight == WEIGHT_ONE)
		return;
	put_str(s, STR(";q=0"));
	if (weight)
		put_byte(s, '.');
	for (unsigned unit = 100; weight; weight %= unit, unit /= 10)
		put_byte(s, (char)('0' + weight / unit));
}

static void put_name(struct sink *s, const struct choice *c)
{
	if (!s->w && c->n <= KEY_BYTES && s->end - s->at >= KEY_BYTES) {
		s->differs |= key_of(s->at, c->n, s->end) != c->key;
		s->at += c->n;
		return;
	}
	put_lower(s, str_of(c->p, c->n));
}

static void put_choices(struct sink *s, const struct choice *list, unsigned n)
{
	for (unsigned i = 0; i < n && !s->differs; i++) {
		if (i)
			put_comma(s);
		put_name(s, &list[i]);
		put_weight(s, list[i].weight);
	}
}

/* The next line of the field: by id, or by a name that no known field has. */
static const struct http_field *find_other(const struct http_msg *m, struct str name,
					   const struct http_field *f)
{
	for (; f < m->fields + m->n_fields; f++)
		if (f->id == HTTP_FIELD_OTHER && f->name_n == name.n &&
		    str_ieq(http_field_name(m, f), name))
			return f;
	return NULL;
}

static const struct http_field *find_field(const struct http_msg *m, struct str name)
{
	const enum http_field_id id = http_field_lookup_clean(name);

	return id == HTTP_FIELD_OTHER ? find_other(m, name, m->fields) : http_find(m, id);
}

static const struct http_field *next_line(const struct http_msg *m, const struct http_field *f)
{
	return f->id == HTTP_FIELD_OTHER ? find_other(m, http_field_name(m, f), f + 1)
					 : http_find_next(m, f);
}

/* A line of a list: white space around its members goes (RFC 9111 4.1). */
static void put_members(struct sink *s, struct str line, bool *first)
{
	struct str member;

	while (!s->differs && http_list_next(&line, &member)) {
		if (!*first)
			put_comma(s);
		put_str(s, member);
		*first = false;
	}
}

/* The same where nobody knows whether it is a list: white space around commas does not count, but
 * empty members do, since to who reads it otherwise they may. */
static void put_pieces(struct sink *s, struct str line, bool *first)
{
	bool quoted = false;
	size_t at = 0;

	for (size_t i = 0; i <= line.n && !s->differs; i++) {
		if (i < line.n && quoted && line.p[i] == '\\') {
			i++;
			continue;
		}
		if (i < line.n && line.p[i] == '"')
			quoted = !quoted;
		if (i < line.n && (quoted || line.p[i] != ','))
			continue;
		if (!*first)
			put_comma(s);
		put_str(s, str_trim(str_of(line.p + at, MIN(i, line.n) - at)));
		*first = false;
		at = i + 1;
	}
}

/* All lines as one (4.1). */
static void put_lines(struct sink *s, const struct http_msg *m, const struct http_field *f)
{
	const bool list = http_field_flags(f->id) & HTTP_FIELD_IS_LIST;
	bool first = true;

	for (; f && !s->differs; f = next_line(m, f)) {
		const struct str line = http_field_value(m, f);

		if (f->id == HTTP_FIELD_OTHER) {
			put_pieces(s, line, &first);
			continue;
		}
		if (list) {
			put_members(s, line, &first);
			continue;
		}
		if (line.n == 0)
			continue;
		if (!first)
			put_comma(s);
		put_str(s, line);
		first = false;
	}
}

static void put_value(struct sink *s, const struct http_msg *m, const struct http_field *f)
{
	struct choice list[CHOICES_MAX];
	unsigned n;

	if ((f->id == HTTP_FIELD_ACCEPT_ENCODING || f->id == HTTP_FIELD_ACCEPT_LANGUAGE) &&
	    gather_choices(m, f, list, &n))
		put_choices(s, list, n);
	else
		put_lines(s, m, f);
}

/* Numbers in the spec: little-endian on every machine, since L2 is shared. */
static void put_u16(struct http_writer *w, size_t v)
{
	const char bytes[2] = {(char)(v & 0xff), (char)(v >> 8)};

	http_write_bytes(w, bytes, 2);
}

static size_t get_u16(const char *p)
{
	return (size_t)(uint8_t)p[0] | (size_t)(uint8_t)p[1] << 8;
}

static void write_one(struct http_writer *w, const struct http_msg *request, struct str name)
{
	const struct http_field *f = find_field(request, name);
	struct sink s = {.w = w};
	char *length;
	size_t n;

	put_u16(w, name.n);
	put_lower(&s, name);
	length = w->at;
	put_u16(w, VARY_ABSENT);
	if (!f || w->overflow)
		return;
	put_value(&s, request, f);
	n = (size_t)(w->at - length) - 2;
	if (n >= VARY_ABSENT) {
		w->overflow = true;
		return;
	}
	length[0] = (char)(n & 0xff);
	length[1] = (char)(n >> 8);
}

static int compare_names(struct str a, struct str b)
{
	const size_t n = MIN(a.n, b.n);

	for (size_t i = 0; i < n; i++) {
		const int diff = ascii_lower(a.p[i]) - ascii_lower(b.p[i]);

		if (diff)
			return diff;
	}
	return (a.n > b.n) - (a.n < b.n);
}

/* The names, sorted, each once. */
/* Fields that the origin gets with another value than the request has: what they selected is not known
 * from the request. Scheme and host as forwarded are part of the key and need no selecting. */
static bool is_rewritten(struct str name)
{
	static const struct str family = {"x-forwarded-", 12};
	enum http_field_id id = http_field_lookup(name);

	return (http_field_flags(id) & HTTP_FIELD_IS_OWN) || id == HTTP_FIELD_VIA ||
	       id == HTTP_FIELD_X_REQUEST_ID || str_ieq(name, STR("X-Real-IP")) ||
	       (name.n > family.n && str_ieq(str_of(name.p, family.n), family));
}

static bool is_in_key(struct str name)
{
	return str_ieq(name, STR("X-Forwarded-Proto")) || str_ieq(name, STR("X-Forwarded-Host"));
}

static enum vary_rc gather_names(const struct http_msg *response, struct str *names,
				 unsigned *out_n)
{
	struct str rest, name;
	unsigned n = 0, at;

	for (const struct http_field *f = http_find(response, HTTP_FIELD_VARY); f;
	     f = http_find_next(response, f)) {
		rest = http_field_value(response, f);
		while (http_list_next(&rest, &name)) {
			if (str_eq(name, STR("*")) || !http_is_token(name))
				return VARY_STAR;
			if (is_in_key(name))
				continue;
			if (is_rewritten(name))
				return VARY_STAR;
			for (at = n; at > 0 && compare_names(name, names[at - 1]) < 0;)
				at--;
			if (at > 0 && compare_names(name, names[at - 1]) == 0)
				continue;
			if (n == VARY_FIELDS_MAX)
				return VARY_LIMIT;
			memmove(names + at + 1, names + at, (n - at) * sizeof(*names));
			names[at] = name;
			n++;
		}
	}
	*out_n = n;
	return n ? VARY_SOME : VARY_NONE;
}

enum vary_rc vary_write(const struct http_msg *request, const struct http_msg *response,
			struct http_writer *w)
{
	const struct http_writer before = *w;
	struct str names[VARY_FIELDS_MAX];
	unsigned n;
	enum vary_rc rc = gather_names(response, names, &n);

	if (rc != VARY_SOME)
		return rc;
	for (unsigned i = 0; i < n && !w->overflow; i++)
		write_one(w, request, names[i]);
	if (!w->overflow)
		return VARY_SOME;
	*w = before;
	return VARY_LIMIT;
}

bool vary_next(struct str *rest, struct str *out_name, struct str *out_value)
{
	const char *p = rest->p;
	size_t n;

	if (rest->n == 0)
		return false;
	*out_name = str_of(p + 2, get_u16(p));
	p += 2 + out_name->n;
	n = get_u16(p);
	*out_value = n == VARY_ABSENT ? STR_NONE : str_of(p + 2, n);
	p += 2 + out_value->n;
	*rest = str_of(p, rest->n - (size_t)(p - rest->p));
	return true;
}

static bool matches_one(const struct http_msg *request, struct str name, struct str value)
{
	const struct http_field *f = find_field(request, name);
	struct sink s = {.at = value.p};

	if (!f || !value.p)
		return !f && !value.p;
	if (LIKELY(str_eq(http_field_value(request, f), value) && !next_line(request, f)))
		return true;
	s.end = value.p + value.n;
	put_value(&s, request, f);
	return !s.differs && s.at == s.end;
}

bool vary_match(struct str spec, const struct http_msg *request)
{
	struct str name, value;

	while (vary_next(&spec, &name, &value))
		if (!matches_one(request, name, value))
			return false;
	return true;
}

/* Takes one length and what it counts off the front. */
static bool take(struct str *rest, bool may_be_absent, struct str *out)
{
	size_t n;

	if (rest->n < 2)
		return false;
	n = get_u16(rest->p);
	if (n == VARY_ABSENT && may_be_absent)
		n = 0;
	if (rest->n - 2 < n)
		return false;
	*out = str_of(rest->p + 2, n);
	*rest = str_of(rest->p + 2 + n, rest->n - 2 - n);
	return true;
}

static bool is_lower(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] != ascii_lower(s.p[i]))
			return false;
	return true;
}

bool vary_valid(struct str spec)
{
	struct str name, value, last = STR_NONE;

	for (unsigned n = 0; spec.n; n++) {
		if (n == VARY_FIELDS_MAX || !take(&spec, false, &name) || !http_is_token(name) ||
		    !is_lower(name) || (last.n && compare_names(last, name) >= 0))
			return false;
		if (!take(&spec, true, &value) || !http_is_value(value))
			return false;
		last = name;
	}
	return true;
}
