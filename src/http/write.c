/* SPDX-License-Identifier: BSD-2-Clause */
#include "http/write.h"

void http_write_u64(struct http_writer *w, uint64_t v)
{
	char room[STR_U64_MAX];

	http_write_str(w, str_digits(v, room));
}

/* "HTTP/1.1 200 OK\r\n", whole; the phrase is found by position. */
static const struct status_row {
	uint16_t code;
	uint8_t n; /* length of the line */
	const char *line;
} status_rows[] = {
#define STATUS(code, reason)                                                                       \
	{code, sizeof("HTTP/1.1 " #code " " reason "\r\n") - 1,                                    \
	 "HTTP/1.1 " #code " " reason "\r\n"},
#include "tbl/statuses.h"
#undef STATUS
};

enum {
	FIRST_STATUS = 100,
	LAST_STATUS = 599,
	PHRASE_AT = sizeof("HTTP/1.1 200 ") - 1,
};

enum status_index {
#define STATUS(code, reason) STATUS_INDEX_##code,
#include "tbl/statuses.h"
#undef STATUS
};

/* 1 + row of a status, or 0. */
static const uint8_t status_index[LAST_STATUS - FIRST_STATUS + 1] = {
#define STATUS(code, reason) [code - FIRST_STATUS] = STATUS_INDEX_##code + 1,
#include "tbl/statuses.h"
#undef STATUS
};

static const struct status_row *status_row(unsigned status)
{
	if (status < FIRST_STATUS || status > LAST_STATUS)
		return NULL;
	const unsigned index = status_index[status - FIRST_STATUS];
	return index ? &status_rows[index - 1] : NULL;
}

struct str http_reason(unsigned status)
{
	const struct status_row *row = status_row(status);

	return row ? str_of(row->line + PHRASE_AT, row->n - PHRASE_AT - 2u) : STR_NONE;
}

void http_write_status_line(struct http_writer *w, unsigned status, struct str reason)
{
	const struct status_row *row = reason.n ? NULL : status_row(status);

	if (row) {
		http_write_bytes(w, row->line, row->n);
		return;
	}
	http_write_lit(w, "HTTP/1.1 ");
	http_write_u64(w, status);
	http_write_lit(w, " "); /* stays without a phrase, RFC 9112 4 */
	http_write_str(w, reason);
	http_write_lit(w, "\r\n");
}

/*
 * Offset behind the line of <f> if the source bytes can be sent as they are, else 0: "Name:" with
 * at most one white space, the value, CRLF. A field whose value the engine pointed elsewhere, or
 * with white space behind its value, is written anew.
 */
static uint32_t line_end(const struct http_msg *m, const struct http_field *f)
{
	const uint32_t colon = f->name + f->name_n;
	const uint32_t end = f->value + f->value_n;
	const char *p = m->base;

	if (f->value <= colon || f->value > colon + 2 || end + 2 > m->head_n)
		return 0;
	if (p[colon] != ':' || (f->value == colon + 2 && p[colon + 1] != ' '))
		return 0;
	return p[end] == '\r' && p[end + 1] == '\n' ? end + 2 : 0;
}

static void flush(struct http_writer *w, const struct http_msg *m, uint32_t from, uint32_t to)
{
	if (to > from)
		http_write_bytes(w, m->base + from, to - from);
}

void http_write_fields(struct http_writer *w, const struct http_msg *m)
{
	uint32_t from = 0, to = 0; /* the run not yet written */

	for (const struct http_field *f = m->fields; f < m->fields + m->n_fields; f++) {
		if (f->dropped)
			continue;
		const uint32_t end = line_end(m, f);

		if (end && f->name == to) {
			to = end;
			continue;
		}
		flush(w, m, from, to);
		from = end ? f->name : 0;
		to = end;
		if (!end)
			http_write_field(w, http_field_name(m, f), http_field_value(m, f));
	}
	flush(w, m, from, to);
}
