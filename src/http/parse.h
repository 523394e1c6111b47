/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The strict, incremental head parser (RFC 9112). It is the one place where bytes become a message
 * and the one place for the smuggling rules: whatever two implementations could read in two ways
 * is an error with a name (tbl/parse_errors.h), never a guess. Reads each complete line once;
 * bytes are scanned 16 or 32 at a time where the CPU allows. No I/O, no clock, no allocation.
 */
#ifndef HTTP_PARSE_H
#define HTTP_PARSE_H

#include "http/msg.h"

enum http_parse_error {
	HTTP_PARSE_OK = 0,
#define PARSE_ERROR(id, status, text) HTTP_PARSE_##id,
#include "tbl/parse_errors.h"
#undef PARSE_ERROR
	HTTP_PARSE_ERROR_COUNT
};

enum http_parse_rc {
	HTTP_MORE = 0, /* not complete; call again with more bytes */
	HTTP_DONE = 1, /* msg is filled; msg->head_n bytes were used */
	HTTP_BAD = 2,  /* parser->error says why; msg is not to be used */
};

struct http_parser {
	struct http_msg *msg; /* being filled */
	uint32_t max_head;    /* limit for the whole head in bytes */
	uint32_t line;	      /* offset of the first line not yet parsed */
	uint32_t scan;	      /* no line end before this offset (>= line) */
	uint8_t state;	      /* private: which line comes next */
	uint8_t error;	      /* enum http_parse_error once HTTP_BAD was returned */
};

/*
 * Begins a message. The caller set msg->fields and msg->max_fields (room for them); all else in
 * <m> is initialised here. More fields than max_fields, or a head above <max_head>, is an error.
 */
void http_parser_init(struct http_parser *p, struct http_msg *m, enum http_kind kind,
		      uint32_t max_head);

/*
 * Parses on. <base> is the buffer's start (it may have moved since), <n> all bytes in it so far,
 * never fewer than before. Empty lines before a request line are skipped (RFC 9112 2.2, at most
 * two); before a response they are an error. After HTTP_DONE the head is base[0..msg->head_n).
 * <max_head> bytes without a whole head are refused at once, so a buffer of that size is enough.
 */
enum http_parse_rc http_parse(struct http_parser *p, const char *base, size_t n);

/* A whole response head that lies in memory, in one call; <fields> has room for HTTP_MAX_FIELDS. */
bool http_parse_response(struct str head, struct http_msg *m, struct http_field *fields);

/* Status to answer a bad request with (400, 414, 431, 501, 505), name and text of an error. */
int http_parse_error_status(enum http_parse_error e);
const char *http_parse_error_name(enum http_parse_error e);
const char *http_parse_error_text(enum http_parse_error e);

/*
 * Framing of a response depends on its request (RFC 9112 6.3): HEAD, 1xx, 204, 304 have no body,
 * 2xx to CONNECT and 101 become tunnels. Reads msg as the parser left it.
 */
enum http_framing http_response_framing(const struct http_msg *m, enum http_method request_method);

#endif
