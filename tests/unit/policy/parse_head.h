/* SPDX-License-Identifier: BSD-2-Clause */
/* For tests: a message from its field lines. */
#ifndef TESTS_POLICY_PARSE_HEAD_H
#define TESTS_POLICY_PARSE_HEAD_H

#include <stdio.h>

#include "http/parse.h"

struct head {
	struct http_msg msg;
	struct http_field fields[64];
	char text[4096];
};

/* <lines> holds whole lines, each with CRLF; a request gets "Host: h" unless <lines> begins with Host. */
static inline struct http_msg *parse_head(struct head *h, enum http_kind kind, const char *lines)
{
	struct http_parser p;
	const char *start = kind == HTTP_REQUEST    ? "GET / HTTP/1.1\r\n"
			    : kind == HTTP_RESPONSE ? "HTTP/1.1 200 OK\r\n"
						    : "";
	bool has_host = strncmp(lines, "Host:", 5) == 0;
	const char *host = kind == HTTP_REQUEST && !has_host ? "Host: h\r\n" : "";
	int n = snprintf(h->text, sizeof(h->text), "%s%s%s\r\n", start, host, lines);

	h->msg.fields = h->fields;
	h->msg.max_fields = COUNTOF(h->fields);
	http_parser_init(&p, &h->msg, kind, sizeof(h->text));
	if (http_parse(&p, h->text, (size_t)n) != HTTP_DONE) {
		fail_msg("test head does not parse (%s): %s", http_parse_error_name(p.error),
			 lines);
		return NULL;
	}
	return &h->msg;
}

#endif
