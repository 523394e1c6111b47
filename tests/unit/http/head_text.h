/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A parsed head as one line of text, for tables of cases:
 *   "GET /x 1.1 n=2 length=5 keep expect"    "200 [OK] 1.0 n=0 close end"    "trailers n=1"
 * kind: method target | status [reason]; minor; number of fields; framing; persistence; flags.
 */
#ifndef TESTS_HEAD_TEXT_H
#define TESTS_HEAD_TEXT_H

#include <inttypes.h>
#include <stdio.h>

#include "http/parse.h"

/* The framing's word; CLOSE reads "close-delimited". */
static inline void head_framing_text(const struct http_msg *m, char *out, size_t size)
{
	static const char *const words[] = {"none", NULL, "chunked", "close-delimited", "tunnel"};

	if (m->framing == HTTP_FRAMING_LENGTH)
		snprintf(out, size, "length=%" PRIu64, m->content_length);
	else
		snprintf(out, size, "%s", words[m->framing]);
}

static inline int head_start_text(const struct http_msg *m, char *out, size_t size)
{
	if (m->kind == HTTP_REQUEST)
		return snprintf(out, size, "%.*s %.*s 1.%d ",
				STR_ARG(http_span_str(m, m->method_text)),
				STR_ARG(http_span_str(m, m->target)), m->minor);
	if (m->kind == HTTP_RESPONSE)
		return snprintf(out, size, "%u [%.*s] 1.%d ", m->status,
				STR_ARG(http_span_str(m, m->reason)), m->minor);
	return snprintf(out, size, "trailers ");
}

static inline const char *head_text(const struct http_msg *m, char *out, size_t size)
{
	char framing[40];
	size_t at = (size_t)head_start_text(m, out, size);

	if (at >= size)
		return out;
	head_framing_text(m, framing, sizeof(framing));
	if (m->kind == HTTP_TRAILERS)
		snprintf(out + at, size - at, "n=%u", m->n_fields);
	else
		snprintf(out + at, size - at, "n=%u %s %s%s%s%s%s", m->n_fields, framing,
			 m->keep_alive ? "keep" : "end", m->expect_continue ? " expect" : "",
			 m->upgrade ? " upgrade" : "", m->connection_names ? " names" : "",
			 m->te_trailers ? " te" : "");
	return out;
}

#endif
