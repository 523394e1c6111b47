/* SPDX-License-Identifier: BSD-2-Clause */
/* No-Vary-Search: what the origin says about its query parameters (draft-ietf-httpbis-no-vary-search). */
#include "policy/key.h"

#include "base/check.h"
#include "http/sf.h"
#include "policy/query.h"

enum { NAMES_MAX = 64, NAME_MAX_N = 256 };

/* A list of names in the rule. */
struct names {
	enum sf_type type; /* of the member; SF_INNER: <at> is filled */
	bool on;	   /* SF_BOOLEAN: true */
	bool strings;	   /* SF_INNER: all items are strings */
	size_t n;
	struct str at[NAMES_MAX]; /* escapes of the structured field not resolved */
};

/* The "URL search variance" of the draft. */
struct variance {
	struct names params, except;
	enum sf_type key_order_type;
	bool key_order;
};

static bool read_names(struct sf *sf, const struct sf_value *v, struct names *out)
{
	struct sf_value item;

	out->type = v->type;
	out->on = v->type == SF_BOOLEAN && v->number;
	out->strings = true;
	out->n = 0;
	while (v->type == SF_INNER && sf_inner_next(sf, &item)) {
		out->strings &= item.type == SF_STRING;
		if (out->n == NAMES_MAX || item.text.n > NAME_MAX_N)
			return false;
		out->at[out->n++] = item.text;
	}
	return true;
}

/* False for the default variance, and for what the draft says is to be read as that (section 4). */
static bool is_effective(const struct variance *v)
{
	if (v->key_order_type && v->key_order_type != SF_BOOLEAN)
		return false;
	if (v->params.type && v->params.type != SF_BOOLEAN &&
	    (v->params.type != SF_INNER || !v->params.strings))
		return false;
	if (v->except.type && (!v->params.on || v->except.type != SF_INNER || !v->except.strings))
		return false;
	return v->key_order || v->params.on || v->params.n;
}

static bool read_rule(struct str rule, struct variance *v)
{
	struct sf_value value;
	struct str key;
	struct sf sf;

	v->params.type = v->except.type = v->key_order_type = SF_NONE;
	v->params.on = v->key_order = false;
	v->params.n = v->except.n = 0;
	sf_begin(&sf, rule);
	while (sf_dict_next(&sf, &key, &value)) {
		if (str_eq(key, STR("key-order"))) {
			v->key_order_type = value.type;
			v->key_order = value.type == SF_BOOLEAN && value.number;
		} else if (str_eq(key, STR("params"))) {
			if (!read_names(&sf, &value, &v->params))
				return false;
		} else if (str_eq(key, STR("except"))) {
			if (!read_names(&sf, &value, &v->except))
				return false;
		}
	}
	return sf_ok(&sf) && is_effective(v);
}

/* Is <name> of the query the rule's <key>, a string whose escapes are still there? */
static bool is_name(struct str name, struct str key)
{
	char text[NAME_MAX_N];
	size_t n = 0;

	ASSERT(key.n <= sizeof(text));
	for (int c; (c = sf_string_next(&key)) >= 0;)
		text[n++] = (char)c;
	return query_name_cmp(name, str_of(text, n)) == 0;
}

static bool matters(const struct variance *v, struct str param)
{
	const struct names *names = v->params.on ? &v->except : &v->params;
	const struct str name = query_name(param);

	for (size_t i = 0; i < names->n; i++)
		if (is_name(name, names->at[i]))
			return v->params.on;
	return !v->params.on;
}

/* Decoded and encoded again, so that what decodes to the same is written the same. */
static void write_text(struct http_writer *w, struct str text)
{
	for (int c; (c = query_byte(&text)) >= 0;) {
		const char hex[3] = {'%', "0123456789ABCDEF"[c >> 4], "0123456789ABCDEF"[c & 15]};
		const char byte = (char)c;

		if (c > 0x20 && c < 0x7f && c != '%' && c != '&' && c != '=' && c != '+')
			http_write_bytes(w, &byte, 1);
		else
			http_write_bytes(w, hex, sizeof(hex));
	}
}

static void write_param(struct http_writer *w, struct str param, bool first)
{
	if (!first)
		http_write_lit(w, "&");
	write_text(w, query_name(param));
	http_write_lit(w, "=");
	write_text(w, query_value(param));
}

bool key_no_vary_search(struct str rule, struct str query, struct http_writer *w)
{
	struct str params[QUERY_PARAMS_MAX], rest = query, param;
	struct variance v;
	size_t n = 0;

	if (!read_rule(rule, &v))
		return false;
	while (query_next(&rest, &param)) {
		if (!matters(&v, param))
			continue;
		if (n == QUERY_PARAMS_MAX)
			return false;
		params[n++] = param;
	}
	if (v.key_order)
		query_sort(params, n);
	for (size_t i = 0; i < n; i++)
		write_param(w, params[i], i == 0);
	return true;
}
