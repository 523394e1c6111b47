/* SPDX-License-Identifier: BSD-2-Clause */
/* Elements that are more than one member, or look beyond their own text. */
#include <errno.h>

#include "base/check.h"
#include "conf/elements.h"
#include "conf/httptext.h"
#include "conf/suggest.h"

bool read_route_path(struct reader *rd, const struct conf_row *row, const struct node *n,
		     void *into)
{
	struct conf_match *m = CONTAINER_OF(into, struct conf_match, path);
	struct str path = n->text;
	struct why why;

	m->path_kind = CONF_PATH_PREFIX;
	if (path.n && (path.p[0] == '=' || path.p[0] == '~')) {
		m->path_kind = path.p[0] == '=' ? CONF_PATH_EXACT : CONF_PATH_REGEX;
		path = str_trim(str_of(path.p + 1, path.n - 1));
	}
	if (m->path_kind == CONF_PATH_REGEX) {
		if (path.n == 0 || path.n > 1024) {
			why_set(&why, "needs a pattern of 1 to 1024 characters behind ~");
			return element_bad(rd, row, n, &why);
		}
	} else if (!path_check(path, &why)) {
		return element_bad(rd, row, n, &why);
	}
	return element_take(rd, path, into);
}

void write_route_path(struct buf *out, const struct conf_row *row, const void *element)
{
	const struct conf_match *m = CONTAINER_OF(element, struct conf_match, path);

	buf_c(out, m->path_kind == CONF_PATH_EXACT   ? "= "
		   : m->path_kind == CONF_PATH_REGEX ? "~ "
						     : "");
	write_string(out, row, element);
}

/* A path relative to the file that <n> stands in. */
static struct str resolve(struct reader *rd, const struct node *n)
{
	struct str file = str_c(n->at.file), dir = STR_NONE;

	for (size_t i = file.n; i > 0 && dir.n == 0; i--)
		if (file.p[i - 1] == '/')
			dir = str_of(file.p, i);
	if (n->text.n && n->text.p[0] == '/')
		dir = STR_NONE;
	struct str path = arena_printf(&rd->box->arena, "%.*s%.*s", STR_ARG(dir), STR_ARG(n->text));
	if (!path.p)
		reader_nomem(rd);
	return path;
}

/* The table has the TEXT row behind the BODY_FILE row. */
static struct str *body_of(const struct conf_row *row, const void *member)
{
	ASSERT(row->type == CONF_TYPE_BODY_FILE && row[1].type == CONF_TYPE_TEXT);
	return (struct str *)((char *)(uintptr_t)member - row->offset + row[1].offset);
}

bool read_body_file(struct reader *rd, const struct conf_row *row, const struct node *n, void *into)
{
	struct str path = resolve(rd, n), contents;
	int error = 0;

	if (!path.p || !read_string(rd, row, n, into))
		return false;
	int rc = source_file(rd->src, path, SOURCE_BODY_MAX, &error, &contents);
	if (rc == 0) {
		struct str *body = body_of(row, into);
		*body = arena_str(&rd->box->arena, contents);
		if (!body->p)
			reader_nomem(rd);
		return element_take(rd, path, into);
	}
	if (!error) {
		rd->rc = rc;
		return false;
	}
	struct why why;
	if (error == EFBIG)
		why_set(&why, "is too large; 1 MiB is allowed");
	else if (error == EINVAL)
		why_set(&why, "is not a plain file");
	else
		why_set(&why, "cannot be read: %s", strerror(error));
	return element_bad(rd, row, n, &why);
}

/* One name of a field list; the words json and combined are told apart before. */
bool read_log_field(struct reader *rd, const struct conf_row *row, const struct node *n, void *into)
{
	static const char *const fields[] = {
#define LOGFIELD(id, type, help) #id,
#include "tbl/logfields.h"
#undef LOGFIELD
	};
	struct suggestion near;
	struct why why;
	char hint[80];

	suggest_begin(&near, n->text);
	for (size_t i = 0; i < COUNTOF(fields); i++) {
		if (str_eq(n->text, str_c(fields[i])))
			return element_take(rd, n->text, into);
		suggest_offer(&near, fields[i]);
	}
	why_set(&why, "is not a field of the access log%s",
		suggest_text(&near, hint, sizeof(hint)));
	return element_bad(rd, row, n, &why);
}

/* A header field: the key is its name. */
bool read_pair(struct reader *rd, const struct conf_row *row, const struct node *n, void *into)
{
	struct conf_pair *pair = into;
	struct shown shown;
	struct why why;

	if (!field_name_check(n->key, &why)) {
		report_error(rd->report, n->key_at, "%s: \"%s\" %s", row->key, show(n->key, &shown),
			     why.text);
		return false;
	}
	/* The value may be a secret: it is not shown. */
	if (!field_value_check(n->text, &why)) {
		report_error(rd->report, n->at, "%s: the value of %s %s", row->key,
			     show(n->key, &shown), why.text);
		return false;
	}
	return element_take(rd, n->key, &pair->name) && element_take(rd, n->text, &pair->value);
}

void write_pair(struct buf *out, const struct conf_row *row UNUSED, const void *element)
{
	const struct conf_pair *pair = element;

	buf_c(out, pair->value ? pair->value : "");
}

void write_pair_key(struct buf *out, const void *element)
{
	const struct conf_pair *pair = element;

	buf_c(out, pair->name ? pair->name : "");
}

/* A status whose answers can be kept by themselves, and a time. */
static bool status_check(struct str s, uint32_t *out_status, struct why *why)
{
	uint64_t v;

	if (s.n != 3 || !number_count(s, &v, why))
		return why_set(why, "is not a status; 200 to 599 is allowed");
	if (v < 200 || v > 599)
		return why_set(why, "is out of range; 200 to 599 is allowed");
	if (v == 206 || v == 304)
		return why_set(why, "is a part of another answer; write 200 for the whole");
	*out_status = (uint32_t)v;
	return true;
}

bool read_status_time(struct reader *rd, const struct conf_row *row, const struct node *n,
		      void *into)
{
	struct conf_status_time *at = into;
	struct shown shown;
	struct why why;

	if (!status_check(n->key, &at->status, &why)) {
		report_error(rd->report, n->key_at, "%s: \"%s\" %s", row->key, show(n->key, &shown),
			     why.text);
		return false;
	}
	return read_time(rd, row, n, &at->time);
}

void write_status_time(struct buf *out, const struct conf_row *row, const void *element)
{
	write_time(out, row, &((const struct conf_status_time *)element)->time);
}

void write_status_time_key(struct buf *out, const void *element)
{
	buf_u64(out, ((const struct conf_status_time *)element)->status);
}
