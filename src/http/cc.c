/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Cache-Control. One table says what each directive takes; a malformed one is read so that less is
 * cached: restrictions count even when something is wrong around them, permissions do not, and a
 * number becomes CC_BAD.
 */
#include "http/cc.h"

#include "base/check.h"
#include "base/err.h"
#include "http/scan.h"
#include "http/sf.h"

enum kind {
	KIND_RESTRICT = 1, /* flag; counts even with an argument that it does not take */
	KIND_PERMIT = 2,   /* flag; only exactly as the RFC writes it */
	KIND_SECONDS = 3,
	KIND_NO_CACHE = 4, /* flag, or with a list of field names */
	KIND_PRIVATE = 5,
};

enum where { REQUEST = 1, RESPONSE = 2, BOTH = 3 };

struct row {
	struct str name;
	uint8_t kind, where;
	uint16_t at;   /* KIND_SECONDS: the member of struct cc */
	unsigned flag; /* the flags */
};

#define FLAG(name, kind, where, flag)                                                              \
	{                                                                                          \
		{name, sizeof(name) - 1}, kind, where, 0, flag                                     \
	}
#define SECONDS(name, where, member)                                                               \
	{                                                                                          \
		{name, sizeof(name) - 1}, KIND_SECONDS, where, offsetof(struct cc, member), 0      \
	}

static const struct row rows[] = {
	SECONDS("max-age", BOTH, max_age),		     /* RFC 9111 5.2.1.1, 5.2.2.1 */
	FLAG("no-cache", KIND_NO_CACHE, BOTH, CC_NO_CACHE),  /* 5.2.1.4, 5.2.2.4 */
	FLAG("no-store", KIND_RESTRICT, BOTH, CC_NO_STORE),  /* 5.2.1.5, 5.2.2.5 */
	FLAG("private", KIND_PRIVATE, RESPONSE, CC_PRIVATE), /* 5.2.2.7 */
	FLAG("public", KIND_PERMIT, RESPONSE, CC_PUBLIC),    /* 5.2.2.9 */
	SECONDS("s-maxage", RESPONSE, s_maxage),	     /* 5.2.2.10 */
	FLAG("must-revalidate", KIND_RESTRICT, RESPONSE, CC_MUST_REVALIDATE),	/* 5.2.2.2 */
	FLAG("proxy-revalidate", KIND_RESTRICT, RESPONSE, CC_PROXY_REVALIDATE), /* 5.2.2.8 */
	FLAG("must-understand", KIND_PERMIT, RESPONSE, CC_MUST_UNDERSTAND),	/* 5.2.2.3 */
	FLAG("no-transform", KIND_RESTRICT, BOTH, CC_NO_TRANSFORM),	     /* 5.2.1.6, 5.2.2.6 */
	FLAG("immutable", KIND_PERMIT, RESPONSE, CC_IMMUTABLE),		     /* RFC 8246 2 */
	SECONDS("stale-while-revalidate", RESPONSE, stale_while_revalidate), /* RFC 5861 3 */
	SECONDS("stale-if-error", BOTH, stale_if_error),		     /* RFC 5861 4 */
	SECONDS("max-stale", REQUEST, max_stale),			     /* 5.2.1.2 */
	SECONDS("min-fresh", REQUEST, min_fresh),			     /* 5.2.1.3 */
	FLAG("only-if-cached", KIND_RESTRICT, REQUEST, CC_ONLY_IF_CACHED),   /* 5.2.1.7 */
};

/* How a directive's argument was written. */
enum form {
	FORM_NONE = 1,	 /* there is none */
	FORM_TOKEN = 2,	 /* name=token */
	FORM_QUOTED = 3, /* name="..." */
	FORM_BROKEN = 4, /* none of these */
};

struct directive {
	struct str name, value; /* value: without the quotes, escapes as they came */
	enum form form;
};

/* The names beyond n_no_cache and n_private are left as they are: this runs for every request. */
static void cc_init(struct cc *cc)
{
	cc->flags = 0;
	cc->n_no_cache = cc->n_private = 0;
	cc->max_age = cc->s_maxage = CC_NONE;
	cc->stale_while_revalidate = cc->stale_if_error = CC_NONE;
	cc->max_stale = cc->min_fresh = CC_NONE;
}

/* Case is ignored (5.2). */
static const struct row *find_row(struct str name, enum where where)
{
	for (size_t i = 0; i < COUNTOF(rows); i++)
		if (rows[i].name.n == name.n && rows[i].where & where &&
		    str_ieq(rows[i].name, name))
			return &rows[i];
	return NULL;
}

/* delta-seconds (1.2.2): any number of digits; what is too large counts as the largest. */
static int64_t parse_seconds(struct str text)
{
	int64_t v = 0;

	if (text.n == 0)
		return CC_BAD;
	for (size_t i = 0; i < text.n; i++) {
		if (!ascii_digit(text.p[i]))
			return CC_BAD;
		v = MIN(v * 10 + (text.p[i] - '0'), CC_SECONDS_MAX);
	}
	return v;
}

/* The same value twice is once; different ones make the answer stale (4.2.1). */
static void set_seconds(struct cc *cc, const struct row *row, int64_t v)
{
	int64_t *member = (int64_t *)((char *)cc + row->at);

	*member = *member == CC_NONE || *member == v ? v : CC_BAD;
}

/*
 * Field names "a, b" behind those of *<n>; false if one is no name, there is none, or there is no
 * room: then the directive concerns the whole answer.
 */
static bool add_names(struct str list, struct str *names, uint8_t *n)
{
	struct str rest = list, name;
	uint8_t count = *n;

	while (str_next(&rest, ',', &name)) {
		name = str_trim(name);
		if (name.n == 0)
			continue;
		if (!http_is_token(name) || count == CC_FIELDS_MAX)
			return false;
		names[count++] = name;
	}
	if (count == *n)
		return false;
	*n = count;
	return true;
}

static void set_names(struct cc *cc, unsigned whole, const struct directive *d)
{
	const bool no_cache = whole == CC_NO_CACHE;
	struct str *names = no_cache ? cc->no_cache : cc->private_;
	uint8_t *n = no_cache ? &cc->n_no_cache : &cc->n_private;

	if ((d->form == FORM_TOKEN || d->form == FORM_QUOTED) && add_names(d->value, names, n))
		cc->flags |= no_cache ? CC_NO_CACHE_FIELDS : CC_PRIVATE_FIELDS;
	else
		cc->flags |= whole;
}

static void set_directive(struct cc *cc, const struct directive *d, enum where where)
{
	const struct row *row = find_row(d->name, where);

	if (!row) /* unknown ones are ignored (5.2.3) */
		return;
	switch ((enum kind)row->kind) {
	case KIND_SECONDS:
		if (d->form == FORM_NONE && row->at == offsetof(struct cc, max_stale))
			set_seconds(cc, row, CC_ANY);
		else if (d->form == FORM_TOKEN || d->form == FORM_QUOTED)
			set_seconds(cc, row, parse_seconds(d->value));
		else
			set_seconds(cc, row, CC_BAD);
		break;
	case KIND_NO_CACHE:
	case KIND_PRIVATE:
		if (where == REQUEST)
			cc->flags |= row->flag; /* takes no argument there */
		else
			set_names(cc, row->flag, d);
		break;
	case KIND_PERMIT:
		if (d->form == FORM_NONE)
			cc->flags |= row->flag;
		break;
	case KIND_RESTRICT:
		cc->flags |= row->flag;
		break;
	}
}

/* Behind the closing quote of the string that <s> begins with, or 0 if it does not end. */
static size_t quoted_n(struct str s)
{
	for (size_t i = 1; i < s.n; i++) {
		if (s.p[i] == '\\')
			i++;
		else if (s.p[i] == '"')
			return i + 1;
	}
	return 0;
}

/*
 * A member: token [ "=" ( token / quoted-string ) ], nothing else. White space around "=" is not
 * allowed (5.2), nor anything behind the closing quote.
 */
static struct directive split_directive(struct str member)
{
	const size_t n = scan_class(member.p, member.p + member.n, HTTP_C_TOKEN);
	struct directive d = {.name = str_of(member.p, n), .form = FORM_BROKEN};
	const struct str rest = str_of(member.p + n, member.n - n);

	if (rest.n == 0) {
		d.form = FORM_NONE;
		return d;
	}
	if (rest.p[0] != '=')
		return d;
	d.value = str_of(rest.p + 1, rest.n - 1);
	if (http_is_token(d.value)) {
		d.form = FORM_TOKEN;
	} else if (d.value.n && d.value.p[0] == '"' && quoted_n(d.value) == d.value.n) {
		d.value = str_of(d.value.p + 1, d.value.n - 2);
		d.form = FORM_QUOTED;
	}
	return d;
}

/*
 * The next member of a line, up to a comma outside quotes. A quote that never closes could hide
 * anything that follows: *<out_broken> is set, and from there commas separate in any case.
 */
static bool next_member(struct str *rest, struct str *out_member, bool *out_broken)
{
	size_t i = 0;

	if (rest->n == 0)
		return false;
	while (i < rest->n && rest->p[i] != ',') {
		const size_t n = rest->p[i] == '"' && !*out_broken
					 ? quoted_n(str_of(rest->p + i, rest->n - i))
					 : 1;

		*out_broken |= n == 0;
		i += MAX(n, 1);
	}
	*out_member = str_trim(str_of(rest->p, i));
	i = MIN(i + 1, rest->n);
	*rest = str_of(rest->p + i, rest->n - i);
	return true;
}

static void parse_line(struct cc *cc, struct str line, enum where where)
{
	struct str member;
	bool broken = false;

	while (next_member(&line, &member, &broken)) {
		struct directive d = split_directive(member);

		if (broken)
			d.form = FORM_BROKEN;
		set_directive(cc, &d, where);
	}
}

void cc_parse(const struct http_msg *m, struct cc *out_cc)
{
	const enum where where = m->kind == HTTP_REQUEST ? REQUEST : RESPONSE;
	const struct http_field *f = http_find(m, HTTP_FIELD_CACHE_CONTROL);

	cc_init(out_cc);
	if (f) {
		out_cc->flags = CC_PRESENT;
		for (; f; f = http_find_next(m, f))
			parse_line(out_cc, http_field_value(m, f), where);
	} else if (where == REQUEST && http_find(m, HTTP_FIELD_PRAGMA) &&
		   http_list_has(m, HTTP_FIELD_PRAGMA, STR("no-cache"))) {
		out_cc->flags = CC_PRAGMA;
	}
}

/*
 * One member of a targeted field. RFC 9213 2.1 infers the types: a directive without a value is
 * the Boolean true, seconds are an Integer, field names a String (or Token). What has another type
 * must not be coerced, so it is as if the directive were not there. The last member of a name
 * counts (RFC 9651 4.2.2), so each one undoes those before it.
 */
static void set_typed(struct cc *cc, struct str key, const struct sf_value *v)
{
	const struct row *row = find_row(key, RESPONSE);
	struct directive d = {.name = key, .value = v->text};

	if (!row || !str_eq(row->name, key))
		return;
	if (row->kind == KIND_SECONDS) {
		int64_t *member = (int64_t *)((char *)cc + row->at);

		*member = v->type != SF_INTEGER ? CC_NONE
			  : v->number < 0	? CC_BAD
						: MIN(v->number, CC_SECONDS_MAX);
		return;
	}
	cc->flags &= ~row->flag;
	if (row->kind == KIND_NO_CACHE) {
		cc->flags &= ~(unsigned)CC_NO_CACHE_FIELDS;
		cc->n_no_cache = 0;
	} else if (row->kind == KIND_PRIVATE) {
		cc->flags &= ~(unsigned)CC_PRIVATE_FIELDS;
		cc->n_private = 0;
	}
	d.form = v->type == SF_STRING  ? FORM_QUOTED
		 : v->type == SF_TOKEN ? FORM_TOKEN
				       : FORM_BROKEN;
	if (v->type == SF_BOOLEAN && v->number)
		cc->flags |= row->flag;
	else if ((row->kind == KIND_NO_CACHE || row->kind == KIND_PRIVATE) && d.form != FORM_BROKEN)
		set_names(cc, row->flag, &d);
}

bool cc_parse_targeted(const struct http_msg *m, struct str name, struct cc *out_cc)
{
	const enum http_field_id id = http_field_lookup(name);
	const struct http_field *f =
		id != HTTP_FIELD_OTHER ? http_find(m, id) : http_find_name(m, name, NULL);
	struct sf_value v;
	struct str key;
	struct sf sf;
	struct cc cc;

	if (!f)
		return false;
	cc_init(&cc);
	sf_begin_field(&sf, m, f);
	while (sf_dict_next(&sf, &key, &v)) {
		cc.flags |= CC_PRESENT;
		set_typed(&cc, key, &v);
	}
	if (!sf_ok(&sf) || !(cc.flags & CC_PRESENT))
		return false;
	*out_cc = cc;
	return true;
}
