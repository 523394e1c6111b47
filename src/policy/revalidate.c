/* SPDX-License-Identifier: BSD-2-Clause */
#include "policy/revalidate.h"

#include "base/err.h"
#include "http/cond.h"
#include "http/date.h"
#include "policy/fresh.h"

/* Drops all lines of a known field. */
static void drop(struct http_msg *m, enum http_field_id id)
{
	for (struct http_field *f = http_find(m, id); f; f = http_find_next(m, f))
		f->dropped = true;
}

void revalidate_mark(struct http_msg *request, bool range)
{
	drop(request, HTTP_FIELD_IF_MATCH);
	drop(request, HTTP_FIELD_IF_NONE_MATCH);
	drop(request, HTTP_FIELD_IF_MODIFIED_SINCE);
	drop(request, HTTP_FIELD_IF_UNMODIFIED_SINCE);
	if (range) {
		drop(request, HTTP_FIELD_RANGE);
		drop(request, HTTP_FIELD_IF_RANGE);
	}
}

/* Did an earlier source have the same tag? */
static bool is_repeated(const struct revalidate_source *sources, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (str_eq(sources[k].etag, sources[i].etag))
			return true;
	return false;
}

void revalidate_write(struct http_writer *w, const struct revalidate_source *sources, size_t n)
{
	char date[HTTP_DATE_N];
	bool first = true;

	for (size_t i = 0; i < n; i++) {
		if (sources[i].etag.n == 0 || is_repeated(sources, i))
			continue;
		if (first)
			http_write_lit(w, "If-None-Match: ");
		else
			http_write_lit(w, ", ");
		http_write_str(w, sources[i].etag);
		first = false;
	}
	if (!first)
		http_write_lit(w, "\r\n");
	if (n == 0 || sources[0].last_modified == STORED_NO_DATE)
		return;
	http_date_write(date, sources[0].last_modified);
	http_write_field(w, STR("If-Modified-Since"), str_of(date, sizeof(date)));
}

/* Its ETag where that is one, else empty. */
static struct str etag_of(const struct http_msg *m)
{
	const struct str etag = http_value(m, HTTP_FIELD_ETAG);

	return etag.n && cond_etag_valid(etag) ? etag : STR_NONE;
}

static int64_t last_modified_of(const struct http_msg *m)
{
	const struct str text = http_value(m, HTTP_FIELD_LAST_MODIFIED);

	return text.n ? fresh_date(text, 0) : STORED_NO_DATE;
}

/*
 * A strong tag must be the same (RFC 9111 4.3.4: otherwise the 304 MUST NOT be used). Servers that
 * compress weaken the tag of the 200 and forget to in the 304: then the date has to agree as well.
 */
static bool tag_selects(struct str ours, struct str theirs, bool same_date)
{
	if (!cond_etag_strong(theirs))
		return cond_etag_weak_eq(ours, theirs);
	return cond_etag_strong_eq(ours, theirs) || (same_date && cond_etag_weak_eq(ours, theirs));
}

bool revalidate_selects(const struct http_msg *not_modified, struct str etag, int64_t last_modified,
			bool sole)
{
	const struct str theirs = etag_of(not_modified);
	const int64_t date = last_modified_of(not_modified);
	const bool same_date = date != STORED_NO_DATE && date == last_modified;

	if (theirs.n)
		return etag.n ? tag_selects(etag, theirs, same_date) : same_date;
	if (date != STORED_NO_DATE)
		return same_date;
	return sole;
}

/*
 * Fields that an update does not touch (RFC 9111 3.2): those of the connection or of the proxy
 * before us (3.1), what the stored bytes and ranges depend on, and what we write ourselves.
 */
static bool is_kept(const struct http_msg *m, const struct http_field *f)
{
	static const struct str others[] = {STR("Content-MD5"), STR("Content-Digest"),
					    STR("Proxy-Authentication-Info")};

	switch (f->id) {
	case HTTP_FIELD_CONTENT_LENGTH:
	case HTTP_FIELD_CONTENT_ENCODING:
	case HTTP_FIELD_CONTENT_RANGE:
	case HTTP_FIELD_AGE:
	case HTTP_FIELD_VIA:
	case HTTP_FIELD_TRAILER:
		return true;
	case HTTP_FIELD_OTHER:
		for (size_t i = 0; i < COUNTOF(others); i++)
			if (str_ieq(http_field_name(m, f), others[i]))
				return true;
		return false;
	default:
		return http_field_flags(f->id) & HTTP_FIELD_IS_HOP;
	}
}

/* Does <f> of the update go into the stored head? The stored ETag stays: it named these bytes. */
static bool is_taken(const struct http_msg *stored, const struct http_msg *update,
		     const struct http_field *f)
{
	if (f->dropped || is_kept(update, f))
		return false;
	return f->id != HTTP_FIELD_ETAG || !http_find(stored, HTTP_FIELD_ETAG);
}

static const struct http_field *find_same(const struct http_msg *m, const struct http_msg *of,
					  const struct http_field *f)
{
	return f->id ? http_find(m, f->id) : http_find_name(m, http_field_name(of, f), NULL);
}

/* Is the stored line <f> replaced by lines of the update? Date always is (see the header). */
static bool is_replaced(const struct http_msg *stored, const struct http_msg *update,
			const struct http_field *f)
{
	const struct http_field *u = find_same(update, stored, f);

	if (f->id == HTTP_FIELD_DATE)
		return true;
	for (; u; u = u->id ? http_find_next(update, u)
			    : http_find_name(update, http_field_name(update, u), u))
		if (is_taken(stored, update, u))
			return true;
	return false;
}

static void write_line(struct http_writer *w, const struct http_msg *m, const struct http_field *f)
{
	http_write_field(w, http_field_name(m, f), http_field_value(m, f));
}

void revalidate_merge(struct http_writer *w, const struct http_msg *stored,
		      const struct http_msg *update)
{
	const struct http_field *f;

	for (f = stored->fields; f < stored->fields + stored->n_fields; f++)
		if (!f->dropped && !is_replaced(stored, update, f))
			write_line(w, stored, f);
	for (f = update->fields; f < update->fields + update->n_fields; f++)
		if (is_taken(stored, update, f))
			write_line(w, update, f);
}

bool revalidate_head_agrees(const struct http_msg *head_answer, struct str etag,
			    int64_t last_modified, uint64_t length)
{
	const struct str theirs = etag_of(head_answer);
	const int64_t date = last_modified_of(head_answer);

	if (theirs.n && !(etag.n && cond_etag_weak_eq(etag, theirs)))
		return false;
	if (date != STORED_NO_DATE && date != last_modified)
		return false;
	return !head_answer->has_length || head_answer->content_length == length;
}
