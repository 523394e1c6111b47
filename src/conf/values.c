/* SPDX-License-Identifier: BSD-2-Clause */
#include "conf/values.h"

#include "base/check.h"
#include "conf/elements.h"
#include "conf/suggest.h"

/* What goes through pointer and length is copied: the pointer's true type differs by row. */
struct list_view list_get(const void *base, const struct conf_row *row)
{
	struct list_view v;

	memcpy(&v, (const char *)base + row->offset, sizeof(v));
	return v;
}

void list_set(void *base, const struct conf_row *row, struct list_view v)
{
	memcpy((char *)base + row->offset, &v, sizeof(v));
}

static struct conf_log_access *log_access_of(const struct conf_row *row, const void *base)
{
	ASSERT(row->type == CONF_TYPE_LOG_FORMAT);
	return (struct conf_log_access *)(uintptr_t)base;
}

/* ---- reading ---- */

/* "must be a number, not a list" */
static bool wrong_kind(struct reader *rd, const struct conf_row *row, const struct node *n)
{
	struct shown shown;

	if (n->kind == NODE_NULL && row->type == CONF_TYPE_PAIRS && n->key.n)
		report_error(rd->report, n->at, "%s: %s has no value; write \"\" for an empty one",
			     row->key, show(n->key, &shown));
	else if (n->kind == NODE_NULL)
		report_error(rd->report, n->at, "%s: has no value; write %s", row->key,
			     conf_type_how(row->type));
	else
		report_error(rd->report, n->at, "%s: must be %s, not %s", row->key,
			     conf_type_how(row->type), node_kind_text(n));
	return false;
}

static bool read_item(struct reader *rd, const struct conf_row *row, const struct node *n,
		      void *into)
{
	bool ok = n->failed		   ? false
		  : n->kind == NODE_SCALAR ? element_ops(row)->read(rd, row, n, into)
					   : wrong_kind(rd, row, n);

	box_note(rd, into, NULL, n, !ok);
	return ok;
}

/* The children of a list or map, or a single scalar, into a new array. */
static bool read_items(struct reader *rd, const struct conf_row *row, const struct node *n,
		       struct list_view *out)
{
	const size_t size = element_ops(row)->size;
	size_t count = n->kind == NODE_SCALAR ? 1 : n->n;
	bool ok = true;

	char *items = count ? box_alloc(rd, count * size) : NULL;
	*out = (struct list_view){items, items ? count : 0};
	if (!items)
		return !rd->rc;
	if (n->kind == NODE_SCALAR)
		return read_item(rd, row, n, items);
	for (const struct node *child = n->first; child; child = child->next, items += size)
		if (!read_item(rd, row, child, items))
			ok = false;
	return ok;
}

static bool read_many(struct reader *rd, const struct conf_row *row, const struct node *n,
		      void *base)
{
	struct list_view v;

	if (n->kind == NODE_MAP)
		return wrong_kind(rd, row, n);
	bool ok = read_items(rd, row, n, &v);
	list_set(base, row, v);
	return ok;
}

static bool read_pairs(struct reader *rd, const struct conf_row *row, const struct node *n,
		       void *base)
{
	struct list_view v;

	if (n->kind == NODE_SCALAR || n->kind == NODE_LIST)
		return wrong_kind(rd, row, n);
	bool ok = read_items(rd, row, n, &v);
	list_set(base, row, v);
	return ok;
}

static bool bad_format(struct reader *rd, const struct conf_row *row, const struct node *n)
{
	struct suggestion near;
	struct why why;
	char hint[80];

	suggest_begin(&near, n->text);
	suggest_offer(&near, "json");
	suggest_offer(&near, "combined");
	why_set(&why, "is not known; allowed: json, combined or a list of fields%s",
		suggest_text(&near, hint, sizeof(hint)));
	return element_bad(rd, row, n, &why);
}

static bool read_format(struct reader *rd, const struct conf_row *row, const struct node *n,
			void *base)
{
	struct conf_log_access *access = log_access_of(row, base);
	struct list_view v;

	if (n->kind == NODE_MAP || n->kind == NODE_NULL)
		return wrong_kind(rd, row, n);
	if (n->kind == NODE_SCALAR) {
		if (!str_eq(n->text, STR("json")) && !str_eq(n->text, STR("combined")))
			return bad_format(rd, row, n);
		access->format = n->text.p[0] == 'j' ? "json" : "combined";
		return true;
	}
	if (n->n == 0) {
		report_error(rd->report, n->at, "%s: the list of fields is empty", row->key);
		return false;
	}
	bool ok = read_items(rd, row, n, &v);
	access->format = "fields";
	access->fields = v.items;
	access->n_fields = v.n;
	return ok;
}

static bool read_shape(struct reader *rd, const struct conf_row *row, const struct node *n,
		       void *base)
{
	const struct element_ops *ops = element_ops(row);

	if (n->failed)
		return false;
	switch (ops->shape) {
	case ONE:
		if (n->kind != NODE_SCALAR)
			return wrong_kind(rd, row, n);
		return ops->read(rd, row, n, (char *)base + row->offset);
	case MANY:
		return read_many(rd, row, n, base);
	case PAIRS:
		return read_pairs(rd, row, n, base);
	case FORMAT:
		return read_format(rd, row, n, base);
	}
	return false;
}

bool value_read(struct reader *rd, const struct conf_row *row, const struct node *n, void *base)
{
	bool ok = read_shape(rd, row, n, base);

	box_note(rd, (char *)base + row->offset, row, n, !ok);
	return ok;
}

/* "[a, b]" as a list. */
static void default_list(struct reader *rd, struct str text, struct node *list)
{
	struct str inside = str_of(text.p + 1, text.n - 2), item;

	ASSERT(text.n > 2 && text.p[text.n - 1] == ']');
	list->kind = NODE_LIST;
	while (str_next(&inside, ',', &item)) {
		struct node *n = box_alloc(rd, sizeof(*n));
		if (!n)
			return;
		*n = (struct node){.kind = NODE_SCALAR, .text = str_trim(item)};
		node_append(list, n);
	}
}

/* Defaults are texts like any other; a bad one in the table is our own fault. */
void value_default(struct reader *rd, const struct conf_row *row, void *base)
{
	struct node n = {.kind = NODE_SCALAR, .text = str_c(row->def)};
	size_t notes = rd->box->n_origins;

	if (!row->def)
		return;
	if (row->def[0] == '[')
		default_list(rd, n.text, &n);
	bool ok = !rd->rc && read_shape(rd, row, &n, base);
	ASSERT(ok || rd->rc);
	rd->box->n_origins = notes;
}

/* ---- writing ---- */

bool value_is_map(const struct conf_row *row)
{
	return element_ops(row)->shape == PAIRS;
}

bool value_is_list(const struct conf_row *row, const void *base)
{
	enum element_shape shape = element_ops(row)->shape;

	if (shape == FORMAT)
		return log_access_of(row, base)->n_fields > 0;
	return shape == MANY;
}

static const void *member_of(const struct conf_row *row, const void *base)
{
	return (const char *)base + row->offset;
}

/* A TEXT that is the contents of the file before it is not set by itself. */
static bool text_is_set(const struct conf_row *row, const void *base)
{
	const struct str *text = member_of(row, base);
	const char *file;

	ASSERT(row[-1].type == CONF_TYPE_BODY_FILE);
	memcpy(&file, member_of(row - 1, base), sizeof(file));
	return text->p && !file;
}

bool value_is_set(const struct conf_row *row, const void *base)
{
	const struct element_ops *ops = element_ops(row);
	const char *pointer;

	if (ops->shape == MANY || ops->shape == PAIRS)
		return row->def || list_get(base, row).n > 0;
	if (row->type == CONF_TYPE_TEXT)
		return text_is_set(row, base);
	if (row->type == CONF_TYPE_COUNT && !row->def)
		return *(const uint32_t *)member_of(row, base) != 0;
	if (ops->size != sizeof(pointer) || row->type == CONF_TYPE_TIME ||
	    row->type == CONF_TYPE_SIZE || row->type == CONF_TYPE_PERCENT)
		return true;
	memcpy(&pointer, member_of(row, base), sizeof(pointer));
	return pointer != NULL;
}

size_t value_count(const struct conf_row *row, const void *base)
{
	enum element_shape shape = element_ops(row)->shape;

	if (shape == FORMAT && value_is_list(row, base))
		return log_access_of(row, base)->n_fields;
	return shape == MANY || shape == PAIRS ? list_get(base, row).n : 1;
}

const void *value_at(const struct conf_row *row, const void *base, size_t i)
{
	const struct element_ops *ops = element_ops(row);

	ASSERT(i < value_count(row, base));
	if (ops->shape == FORMAT && value_is_list(row, base))
		return &log_access_of(row, base)->fields[i];
	if (ops->shape == MANY || ops->shape == PAIRS)
		return (const char *)list_get(base, row).items + i * ops->size;
	return member_of(row, base);
}

bool size_is_default(const struct conf_row *row, const void *base)
{
	uint64_t bytes = 0;
	struct why why;

	ASSERT(row->type == CONF_TYPE_SIZE && row->def);
	ASSERT(number_size(str_c(row->def), &bytes, &why));
	return *(const uint64_t *)member_of(row, base) == bytes;
}

void value_write(struct buf *out, const struct conf_row *row, const void *element)
{
	element_ops(row)->write(out, row, element);
}

void value_write_key(struct buf *out, const struct conf_row *row, const void *element)
{
	ASSERT(value_is_map(row));
	element_ops(row)->write_key(out, element);
}
