/* SPDX-License-Identifier: BSD-2-Clause */
#include "conf/schema.h"

#include <stdio.h>

#include "conf/httptext.h"
#include "conf/suggest.h"
#include "conf/values.h"

/* ---- keys that are not there ---- */

/* "name, address, ..." */
static const char *list_keys(const struct conf_section *s, char *buffer, size_t size)
{
	size_t used = 0;

	for (size_t i = 0; i < s->n_rows && used < size; i++)
		if (s->rows[i].type != CONF_TYPE_MAP_KEY)
			used += (size_t)snprintf(buffer + used, size - used, "%s%s",
						 used ? ", " : "", s->rows[i].key);
	return buffer;
}

/* The block inside <s>, at any depth, that has the key; NULL if none has. */
static const struct conf_section *home_of(const struct conf_section *s, struct str key)
{
	for (size_t i = 0; i < s->n_rows; i++) {
		if (!conf_row_is_block(&s->rows[i]))
			continue;
		const struct conf_section *inner = conf_section(s->rows[i].of);
		if (conf_row_find(inner, key))
			return inner;
		const struct conf_section *deeper = home_of(inner, key);
		if (deeper)
			return deeper;
	}
	return NULL;
}

/* What may have been meant: a key spelled nearly so, one that lives elsewhere, or any. */
static void unknown_key(struct reader *rd, const struct conf_section *s, const struct node *n)
{
	struct suggestion near;
	struct shown shown;
	char hint[80], keys[400];
	const char *name = show(n->key, &shown), *key;
	const struct conf_section *root = conf_section(CONF_SECTION_root);
	const struct conf_section *home = home_of(s, n->key);

	suggest_begin(&near, n->key);
	for (size_t i = 0; i < s->n_rows; i++)
		if (s->rows[i].type != CONF_TYPE_MAP_KEY)
			suggest_offer(&near, s->rows[i].key);
	for (size_t i = 0; (key = conf_later_key(s, i)); i++)
		suggest_offer(&near, key);
	if (near.best)
		report_error(rd->report, n->key_at, "unknown key \"%s\" in %s%s", name, s->title,
			     suggest_text(&near, hint, sizeof(hint)));
	else if (home || conf_row_find(root, n->key))
		report_error(rd->report, n->key_at, "unknown key \"%s\" in %s; it belongs in %s",
			     name, s->title, home ? home->title : root->title);
	else
		report_error(rd->report, n->key_at, "unknown key \"%s\" in %s; allowed: %s", name,
			     s->title, list_keys(s, keys, sizeof(keys)));
}

static bool check_keys(struct reader *rd, const struct conf_section *s, const struct node *map)
{
	struct shown shown;
	bool ok = true;

	for (const struct node *n = map->first; n; n = n->next) {
		if (conf_row_find(s, n->key))
			continue;
		ok = false;
		const char *what = conf_later_find(s, n->key);
		if (what)
			report_error(rd->report, n->key_at,
				     "\"%s\" is not in this version yet (%s)", show(n->key, &shown),
				     what);
		else
			unknown_key(rd, s, n);
	}
	return ok;
}

/* ---- blocks ---- */

static bool wrong_block(struct reader *rd, const struct conf_row *row, const struct node *n)
{
	report_error(rd->report, n->at, "%s: must be %s, not %s", row->key,
		     conf_type_how(row->type), node_kind_text(n));
	return false;
}

static bool read_block(struct reader *rd, const struct conf_row *row, const struct node *n,
		       void *base)
{
	bool ok = n->kind == NODE_MAP || n->kind == NODE_NULL
			  ? schema_read(rd, conf_section(row->of), n, n->key_at,
					(char *)base + row->offset)
			  : wrong_block(rd, row, n);
	struct node at_key = *n;

	at_key.at = n->key_at;
	if (n->kind != NODE_NULL) /* nothing but comments is as good as absent */
		box_note(rd, (char *)base + row->offset, row, &at_key, !ok);
	return ok;
}

/* A bare scalar in a list of servers is the server's address. */
static bool read_short(struct reader *rd, const struct conf_section *s, const struct node *n,
		       void *base)
{
	struct node map = {.kind = NODE_MAP, .at = n->at, .key_at = n->at};
	struct node address = *n;

	address.key = str_c(s->rows[0].key);
	address.next = NULL;
	node_append(&map, &address);
	return schema_read(rd, s, &map, n->at, base);
}

static bool read_item(struct reader *rd, const struct conf_row *row, const struct node *n,
		      void *base)
{
	const struct conf_section *s = conf_section(row->of);
	bool ok;

	if (n->kind == NODE_MAP) {
		ok = schema_read(rd, s, n, n->at, base);
	} else if (n->kind == NODE_SCALAR && row->of == CONF_SECTION_server) {
		ok = read_short(rd, s, n, base);
	} else {
		report_error(rd->report, n->at, "%s: each item must be a block of settings, not %s",
			     row->key, node_kind_text(n));
		ok = false;
	}
	box_note(rd, base, NULL, n, !ok);
	return ok;
}

/* The name of a block in a map; sections of maps begin with their MAP_KEY row. */
static bool read_map_key(struct reader *rd, const struct conf_section *s, const struct node *n,
			 void *base)
{
	struct shown shown;
	struct why why;

	*(const char **)((char *)base + s->rows[0].offset) = box_str(rd, n->key);
	if (name_check(n->key, &why))
		return true;
	report_error(rd->report, n->key_at, "the name of %s: \"%s\" %s", s->title,
		     show(n->key, &shown), why.text);
	return false;
}

static bool read_named(struct reader *rd, const struct conf_row *row, const struct node *n,
		       void *base)
{
	const struct conf_section *s = conf_section(row->of);
	bool ok = read_map_key(rd, s, n, base);

	if (n->kind == NODE_MAP || n->kind == NODE_NULL) {
		ok = schema_read(rd, s, n, n->key_at, base) && ok;
	} else {
		struct shown shown;
		report_error(rd->report, n->at, "%s.%s: must be a block of settings, not %s",
			     row->key, show(n->key, &shown), node_kind_text(n));
		ok = false;
	}
	struct node at_key = *n;
	at_key.at = n->key_at;
	box_note(rd, base, NULL, &at_key, !ok);
	return ok;
}

enum { ITEMS_MAX = 4096 };

/* BLOCKS and NAMED: an array of structs. */
static bool read_array(struct reader *rd, const struct conf_row *row, const struct node *n,
		       void *base)
{
	const size_t size = conf_section(row->of)->size;
	const enum node_kind kind = row->type == CONF_TYPE_NAMED ? NODE_MAP : NODE_LIST;
	bool lone = n->kind == NODE_SCALAR && row->of == CONF_SECTION_server;
	size_t count = lone ? 1 : n->n;
	bool ok = true;

	if (n->kind != kind && n->kind != NODE_NULL && !lone)
		return wrong_block(rd, row, n);
	if (count == 0 && row->required) {
		report_error(rd->report, n->key_at, "%s: needs at least one entry", row->key);
		return false;
	}
	if (count > ITEMS_MAX) {
		report_error(rd->report, n->key_at, "%s: too many entries; 4096 are allowed",
			     row->key);
		return false;
	}
	char *items = count ? box_alloc(rd, count * size) : NULL;
	if (!items)
		return !rd->rc;
	list_set(base, row, (struct list_view){items, count});
	if (lone)
		return read_item(rd, row, n, items);
	for (const struct node *c = n->first; c && !rd->rc; c = c->next, items += size)
		if (!(kind == NODE_MAP ? read_named : read_item)(rd, row, c, items))
			ok = false;
	return ok;
}

/* ---- rows ---- */

static bool read_given(struct reader *rd, const struct conf_row *row, const struct node *n,
		       void *base)
{
	if (row->type == CONF_TYPE_BLOCK)
		return read_block(rd, row, n, base);
	if (!conf_row_is_block(row))
		return value_read(rd, row, n, base);
	bool ok = read_array(rd, row, n, base);
	box_note(rd, (char *)base + row->offset, row, n, !ok);
	return ok;
}

static bool read_absent(struct reader *rd, const struct conf_section *s, const struct conf_row *row,
			struct place at, void *base)
{
	if (row->required) {
		report_error(rd->report, at, "%s needs \"%s\": %s", s->title, row->key,
			     conf_type_how(row->type));
		return false;
	}
	if (row->type == CONF_TYPE_BLOCK)
		return schema_read(rd, conf_section(row->of), NULL, at, (char *)base + row->offset);
	if (!conf_row_is_block(row))
		value_default(rd, row, base);
	return true;
}

bool schema_read(struct reader *rd, const struct conf_section *section, const struct node *map,
		 struct place at, void *base)
{
	bool ok = !map || check_keys(rd, section, map);

	for (size_t i = 0; i < section->n_rows && !rd->rc; i++) {
		const struct conf_row *row = &section->rows[i];
		if (row->type == CONF_TYPE_MAP_KEY)
			continue;
		const struct node *n = map ? node_find(map, str_c(row->key)) : NULL;
		if (n)
			ok = read_given(rd, row, n, base) && ok;
		else
			ok = read_absent(rd, section, row, at, base) && ok;
	}
	return ok;
}
