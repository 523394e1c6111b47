/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Serialising heads into a bounded buffer: every append checks for room, the first overflow is
 * latched and asked for once at the end. Inline, because each answer goes through it.
 */
#ifndef HTTP_WRITE_H
#define HTTP_WRITE_H

#include "http/msg.h"

struct http_writer {
	char *start, *at, *end;
	bool overflow; /* something did not fit; the contents are useless */
};

static inline void http_write_init(struct http_writer *w, char *p, size_t n)
{
	*w = (struct http_writer){p, p, p + n, false};
}

static inline void http_write_bytes(struct http_writer *w, const char *p, size_t n)
{
	if (UNLIKELY((size_t)(w->end - w->at) < n)) {
		w->overflow = true;
		return;
	}
	memcpy(w->at, p, n);
	w->at += n;
}

static inline void http_write_str(struct http_writer *w, struct str s)
{
	if (s.n)
		http_write_bytes(w, s.p, s.n);
}

#define http_write_lit(w, literal) http_write_bytes(w, "" literal, sizeof(literal) - 1)

void http_write_u64(struct http_writer *w, uint64_t v);

/* "Name: value\r\n" */
static inline void http_write_field(struct http_writer *w, struct str name, struct str value)
{
	http_write_str(w, name);
	http_write_lit(w, ": ");
	http_write_str(w, value);
	http_write_lit(w, "\r\n");
}

static inline size_t http_write_n(const struct http_writer *w)
{
	return (size_t)(w->at - w->start);
}

/*
 * "HTTP/1.1 200 OK\r\n"; known statuses with our phrase come from a table of ready lines. An empty
 * <reason> means: the table's phrase, or none.
 */
void http_write_status_line(struct http_writer *w, unsigned status, struct str reason);

/* The reason phrase of a status (tbl/statuses.h), or an empty slice. */
struct str http_reason(unsigned status);

/* The known method's text ("GET"). */
struct str http_method_text(enum http_method m);

/* Properties of RFC 9110 9.2; OTHER is neither. */
bool http_method_safe(enum http_method m);
bool http_method_idempotent(enum http_method m);

/*
 * All fields of <m> that are not `dropped`, as "Name: value\r\n" lines. Copies whole runs of
 * adjacent lines at once where the source bytes already look like that ("Name:value" is left so).
 */
void http_write_fields(struct http_writer *w, const struct http_msg *m);

#endif
