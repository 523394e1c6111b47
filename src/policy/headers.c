/* SPDX-License-Identifier: BSD-2-Clause */
/* Which fields are not forwarded. */
#include "policy/headers.h"

#include "base/check.h"
#include "base/err.h"

/* Why a known field may have to be dropped; a message's mask says which reasons hold for it. */
enum {
	DROP_HOP = 1,	    /* belongs to one connection */
	DROP_FORWARDED = 2, /* says where the request came from */
	DROP_HOST = 4,
	DROP_LENGTH = 8,
	DROP_EXPECT = 16,
};

/* From the rows' flags to the reasons; evaluated by the compiler. */
enum { HOP = DROP_HOP, OWN = DROP_FORWARDED, LIST = 0, SINGLE = 0, NOTRAILER = 0 };

static const uint8_t reasons[HTTP_FIELD_COUNT] = {
#define FIELD(id, text, flags)                                                                     \
	[HTTP_FIELD_##id] = (flags) | (HTTP_FIELD_##id == HTTP_FIELD_HOST ? DROP_HOST : 0) |       \
			    (HTTP_FIELD_##id == HTTP_FIELD_CONTENT_LENGTH ? DROP_LENGTH : 0) |     \
			    (HTTP_FIELD_##id == HTTP_FIELD_EXPECT ? DROP_EXPECT : 0),
#include "tbl/fields.h"
#undef FIELD
};

/* Fields that the operator may not touch: they describe framing or the connection. */
static bool is_fenced(enum http_field_id id)
{
	return (http_field_flags(id) & HTTP_FIELD_IS_HOP) || id == HTTP_FIELD_CONTENT_LENGTH ||
	       id == HTTP_FIELD_TRAILER || id == HTTP_FIELD_EXPECT || id == HTTP_FIELD_HOST;
}

static int check_op(const struct headers_op *op)
{
	if (!http_is_token(op->name) || !http_is_value(op->value))
		return ERR_SYNTAX;
	return op->id != HTTP_FIELD_OTHER && is_fenced(op->id) ? ERR_REFUSED : 0;
}

int headers_ops_init(struct headers_ops *ops, struct headers_op *list, size_t n, size_t *out_bad)
{
	struct headers_ops made = {.list = list, .n = n};

	for (size_t i = 0; i < n; i++) {
		list[i].id = (uint8_t)http_field_lookup(list[i].name);
		int rc = check_op(&list[i]);
		if (rc) {
			if (out_bad)
				*out_bad = i;
			return rc;
		}
		made.room += list[i].name.n + list[i].value.n + sizeof(": \r\n") - 1;
		if (list[i].kind == HEADERS_ADD)
			continue;
		if (list[i].id == HTTP_FIELD_OTHER)
			made.other = true;
		else
			made.replaced[list[i].id] = 1;
	}
	*ops = made;
	return 0;
}

/* Does a SET or REMOVE mean the field <name>, which is no known one? */
static bool ops_replace(const struct headers_ops *ops, struct str name)
{
	if (!ops || !ops->other)
		return false;
	for (size_t i = 0; i < ops->n; i++)
		if (ops->list[i].kind != HEADERS_ADD && str_ieq(ops->list[i].name, name))
			return true;
	return false;
}

bool headers_replaced_name(const struct headers_ops *ops, struct str name)
{
	enum http_field_id id = http_field_lookup(name);

	return id == HTTP_FIELD_OTHER ? ops_replace(ops, name) : headers_replaced(ops, id);
}

/* Names in Connection that could be fields we do not know. */
struct named {
	struct str list[HEADERS_NAMED_MAX];
	unsigned n;
};

static int collect_named(struct named *named, const struct http_msg *m)
{
	struct str rest, member;

	named->n = 0;
	if (!m->connection_names)
		return 0;
	for (const struct http_field *f = http_find(m, HTTP_FIELD_CONNECTION); f;
	     f = http_find_next(m, f)) {
		rest = http_field_value(m, f);
		while (http_list_next(&rest, &member)) {
			if (http_field_lookup(member) != HTTP_FIELD_OTHER)
				continue;
			if (named->n == HEADERS_NAMED_MAX)
				return ERR_LIMIT;
			named->list[named->n++] = member;
		}
	}
	return 0;
}

static bool is_named(const struct named *named, struct str name)
{
	for (unsigned i = 0; i < named->n; i++)
		if (str_ieq(named->list[i], name))
			return true;
	return false;
}

/* Does the name belong to the family of fields by which proxies speak of a client? */
static bool is_forwarding(struct str name)
{
	static const struct str start = {"x-forwarded-", 12};

	if (name.n < 9 || (name.p[0] | 0x20) != 'x')
		return false;
	return (name.n > start.n && str_ieq(str_of(name.p, start.n), start)) ||
	       str_ieq(name, STR("X-Real-IP"));
}

/* What a request's unknown field may be taken for. */
struct suspicion {
	const struct headers_ops *ops;
	bool untrusted; /* the peer may not speak of clients */
};

/* Would a server that cannot tell '_' from '-' take this for a field that matters? */
static bool is_disguised(const struct suspicion *s, struct str name)
{
	char dashed[64];

	if (!memchr(name.p, '_', name.n) || name.n > sizeof(dashed))
		return false;
	for (size_t i = 0; i < name.n; i++)
		dashed[i] = (char)(name.p[i] == '_' ? '-' : name.p[i]);
	struct str plain = str_of(dashed, name.n);
	return http_field_lookup(plain) != HTTP_FIELD_OTHER || ops_replace(s->ops, plain) ||
	       (s->untrusted && is_forwarding(plain));
}

/* <suspicion>: NULL for responses. */
static int mark(struct http_msg *m, const struct headers_ops *ops, unsigned mask,
		const struct suspicion *suspicion)
{
	struct named named;
	int rc = collect_named(&named, m);

	if (rc)
		return rc;
	for (struct http_field *f = m->fields; f < m->fields + m->n_fields; f++) {
		if (f->id != HTTP_FIELD_OTHER) {
			f->dropped |= (reasons[f->id] & mask) || headers_replaced(ops, f->id);
			continue;
		}
		struct str name = http_field_name(m, f);
		if (is_named(&named, name) || ops_replace(ops, name))
			f->dropped = 1;
		else if (suspicion && (is_disguised(suspicion, name) ||
				       (suspicion->untrusted && is_forwarding(name))))
			f->dropped = 1;
	}
	return 0;
}

int headers_mark_request(struct http_msg *m, const struct headers_request *how)
{
	struct suspicion suspicion = {how->ops, !how->peer_trusted};
	unsigned mask = DROP_HOP;

	if (how->write_forwarded || !how->peer_trusted)
		mask |= DROP_FORWARDED;
	if (how->replace_host)
		mask |= DROP_HOST;
	if (how->drop_length)
		mask |= DROP_LENGTH;
	if (!how->keep_expect)
		mask |= DROP_EXPECT;
	return mark(m, how->ops, mask, &suspicion);
}

int headers_mark_response(struct http_msg *m, const struct headers_response *how)
{
	int rc = mark(m, how->ops, DROP_HOP | (how->drop_length ? DROP_LENGTH : 0), NULL);
	struct http_field *f = NULL;

	/* The preset's only removal: what the answer was made with is nobody's business. */
	while (rc == 0 && how->security && (f = http_find_name(m, STR("X-Powered-By"), f)))
		f->dropped = 1;
	return rc;
}

void headers_mark_trailers(struct http_msg *m)
{
	for (struct http_field *f = m->fields; f < m->fields + m->n_fields; f++)
		if (f->id != HTTP_FIELD_OTHER &&
		    (http_field_flags(f->id) & (HTTP_FIELD_IS_HOP | HTTP_FIELD_IS_NOTRAILER)))
			f->dropped = 1;
}
