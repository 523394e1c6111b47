/* SPDX-License-Identifier: BSD-2-Clause */
#include "conf/include.h"

#include <errno.h>

#include "base/err.h"
#include "conf/expand.h"
#include "conf/values.h"

/* The files of one load. */
struct files {
	struct reader *rd;
	struct str paths[INCLUDE_FILES_MAX]; /* read so far, in order */
	unsigned n;
	unsigned open[INCLUDE_DEPTH_MAX + 1]; /* the chain being read: indexes of <paths> */
	unsigned depth;
};

static int read_file(struct files *f, struct str path, struct place asked_at,
		     struct node **out_root);

static struct str directory_of(struct str path)
{
	size_t n = path.n;

	while (n && path.p[n - 1] != '/')
		n--;
	return str_of(path.p, n);
}

static bool is_pattern(struct str s)
{
	return str_find(s, '*') >= 0 || str_find(s, '?') >= 0 || str_find(s, '[') >= 0;
}

/* ---- merging ---- */

static void given_twice(struct reader *rd, const struct node *have, const struct node *more)
{
	char first[512];
	struct shown shown;

	report_error(rd->report, more->key_at, "\"%s\" is given twice; the first is at %s",
		     show(more->key, &shown), place_text(have->key_at, first, sizeof(first)));
}

static void append_all(struct node *have, struct node *more)
{
	struct node *next;

	for (struct node *n = more->first; n; n = next) {
		next = n->next;
		node_append(have, n);
	}
}

/* Two lists or maps become one; a null is an empty one. */
static bool same_kind(struct reader *rd, struct node *have, const struct node *more,
		      enum node_kind kind)
{
	if (more->kind == NODE_NULL)
		return false;
	if (have->kind == NODE_NULL)
		have->kind = more->kind;
	if (have->kind == kind && more->kind == kind)
		return true;
	given_twice(rd, have, more);
	return false;
}

static void merge_named(struct reader *rd, struct node *have, struct node *more)
{
	struct node *next;

	for (struct node *n = more->first; n; n = next) {
		next = n->next;
		struct node *same = node_find(have, n->key);
		if (same)
			given_twice(rd, same, n);
		else
			node_append(have, n);
	}
}

static void merge_block(struct reader *rd, const struct conf_section *s, struct node *have,
			struct node *more);

/* <more> gives what <have> gives already. */
static void merge_entry(struct reader *rd, const struct conf_row *row, struct node *have,
			struct node *more)
{
	if (row && row->type == CONF_TYPE_BLOCK) {
		if (same_kind(rd, have, more, NODE_MAP))
			merge_block(rd, conf_section(row->of), have, more);
	} else if (row && row->type == CONF_TYPE_NAMED) {
		if (same_kind(rd, have, more, NODE_MAP))
			merge_named(rd, have, more);
	} else if (row && row->type == CONF_TYPE_BLOCKS) {
		if (same_kind(rd, have, more, NODE_LIST))
			append_all(have, more);
	} else if (!str_eq(more->key, STR("version")) || !str_eq(have->text, more->text)) {
		given_twice(rd, have, more);
	}
}

static void merge_block(struct reader *rd, const struct conf_section *s, struct node *have,
			struct node *more)
{
	struct node *next;

	for (struct node *n = more->first; n; n = next) {
		next = n->next;
		struct node *same = node_find(have, n->key);
		if (same)
			merge_entry(rd, conf_row_find(s, n->key), same, n);
		else
			node_append(have, n);
	}
}

/* ---- reading ---- */

/* Adds a path to the list, unless it is there: a file counts once. */
static bool enlist(struct files *f, struct str path, struct place at)
{
	struct shown shown;

	for (unsigned i = 0; i < f->n; i++) {
		if (!str_eq(f->paths[i], path))
			continue;
		bool is_open = false;
		for (unsigned d = 0; d < f->depth; d++)
			is_open = is_open || f->open[d] == i;
		report_error(f->rd->report, at,
			     is_open ? "include: %s includes itself"
				     : "include: %s is included twice",
			     show(path, &shown));
		return false;
	}
	if (f->n == INCLUDE_FILES_MAX || f->depth > INCLUDE_DEPTH_MAX) {
		report_error(
			f->rd->report, at,
			f->n == INCLUDE_FILES_MAX
				? "include: too many files; 1024 are allowed"
				: "include: files include each other too deeply; 8 levels are allowed");
		return false;
	}
	f->open[f->depth] = f->n;
	f->paths[f->n++] = path;
	return true;
}

/* Reads and merges one included file; a null tree means that it was reported. */
static int include_file(struct files *f, struct str path, struct place at, struct node *root)
{
	struct node *more = NULL;
	int rc = read_file(f, path, at, &more);

	if (rc == ERR_SYNTAX)
		return 0;
	if (rc)
		return rc;
	merge_block(f->rd, conf_section(CONF_SECTION_root), root, more);
	return 0;
}

static int include_pattern(struct files *f, struct str pattern, struct place at, struct node *root)
{
	struct str paths, path;
	struct shown shown;
	int error = 0;
	int rc = source_glob(f->rd->src, pattern, &error, &paths);

	if (rc == ERR_MISSING) {
		report_error(f->rd->report, at, "include: %s: cannot be searched: %s",
			     show(pattern, &shown), strerror(error));
		return 0;
	}
	if (rc)
		return rc;
	while (paths.n && str_next(&paths, 0, &path)) {
		struct str own = arena_str(&f->rd->box->arena, path);
		rc = own.p ? include_file(f, own, at, root) : ERR_NOMEM;
		if (rc)
			return rc;
	}
	return 0;
}

static int include_one(struct files *f, const struct node *n, struct node *root)
{
	if (n->kind != NODE_SCALAR || n->text.n == 0)
		return 0; /* the schema says what is wrong */
	struct str dir = n->text.p[0] == '/' ? STR_NONE : directory_of(str_c(n->at.file));
	struct str path =
		arena_printf(&f->rd->box->arena, "%.*s%.*s", STR_ARG(dir), STR_ARG(n->text));
	if (!path.p)
		return ERR_NOMEM;
	return is_pattern(path) ? include_pattern(f, path, n->at, root)
				: include_file(f, path, n->at, root);
}

static void take_out(struct node *map, struct node *child)
{
	struct node **link = &map->first, *before = NULL;

	while (*link != child) {
		before = *link;
		link = &before->next;
	}
	*link = child->next;
	if (map->last == child)
		map->last = before;
	map->n--;
}

/* Follows the include key of <root>. Only the main file's stays, for the schema to check. */
static int follow(struct files *f, struct node *root)
{
	struct node *n = node_find(root, STR("include"));
	int rc = 0;

	if (!n)
		return 0;
	if (f->depth > 1) {
		take_out(root, n);
		if (n->kind == NODE_MAP || n->kind == NODE_NULL)
			report_error(f->rd->report, n->at, "include: must be %s, not %s",
				     conf_type_how(CONF_TYPE_INCLUDE), node_kind_text(n));
	}
	if (n->kind == NODE_SCALAR)
		return include_one(f, n, root);
	for (const struct node *c = n->kind == NODE_LIST ? n->first : NULL; c && !rc; c = c->next)
		rc = include_one(f, c, root);
	return rc;
}

static int parse_file(struct files *f, struct str path, struct place at, struct place asked_at,
		      struct node **out_root)
{
	struct reader *rd = f->rd;
	struct str bytes;
	int error = 0;
	int rc = source_file(rd->src, path, SOURCE_YAML_MAX, &error, &bytes);

	if (rc == ERR_MISSING) {
		const char *why = error == EFBIG    ? "larger than 4 MiB"
				  : error == EINVAL ? "not a plain file"
						    : strerror(error);
		if (asked_at.file)
			report_error(rd->report, asked_at, "include: %s: cannot be read: %s",
				     path.p, why);
		else
			report_error(rd->report, at, "cannot be read: %s", why);
		return ERR_SYNTAX;
	}
	if (!rc)
		rc = yaml_parse(&rd->box->arena, at, bytes, rd->report, out_root);
	if (!rc)
		rc = expand_tree(&rd->box->arena, rd->src, rd->report, *out_root);
	return rc;
}

static int read_file(struct files *f, struct str path, struct place asked_at,
		     struct node **out_root)
{
	struct place at = {.file = path.p, .file_no = f->n};

	if (!enlist(f, path, asked_at))
		return ERR_SYNTAX;
	f->depth++;
	int rc = parse_file(f, path, at, asked_at, out_root);
	if (!rc)
		rc = follow(f, *out_root);
	f->depth--;
	return rc;
}

int include_tree(struct reader *rd, const char *file, struct node **out_root)
{
	struct files *f = box_alloc(rd, sizeof(*f));
	struct str path = arena_str(&rd->box->arena, str_c(file));

	if (!f || !path.p)
		return ERR_NOMEM;
	f->rd = rd;
	return read_file(f, path, (struct place){0}, out_root);
}
