/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Request targets (RFC 9112 3.2) and authorities (RFC 3986 3.2): which form, which host and port,
 * which path and query, and the path in the normal form that routes are matched against. Pure.
 */
#ifndef HTTP_TARGET_H
#define HTTP_TARGET_H

#include "http/msg.h"

enum http_target_form {
	HTTP_TARGET_NONE = 0,
	HTTP_TARGET_ORIGIN = 1,	   /* /path?query */
	HTTP_TARGET_ABSOLUTE = 2,  /* http://host/path?query */
	HTTP_TARGET_AUTHORITY = 3, /* host:port, CONNECT only */
	HTTP_TARGET_ASTERISK = 4,  /* *, OPTIONS only */
};

struct http_target {
	enum http_target_form form;
	struct str scheme; /* absolute form: as sent ("http"); else empty */
	struct str host;   /* absolute and authority form; without port, IPv6 with its brackets */
	struct str port;   /* digits, or empty */
	struct str path;   /* raw path, begins with '/'; for absolute form without path: "/"; "*" */
	struct str query;  /* behind '?', without it; p == NULL when there is no '?' */
};

/* Splits and checks <target>; ERR_SYNTAX for what the method or the grammar forbids. */
MUST_CHECK int http_target_parse(struct str target, enum http_method method,
				 struct http_target *out_target);

/* Splits and checks a Host value or authority: reg-name, IPv4 or [IPv6], optional :port
 * (1..65535). No userinfo. An empty host is ERR_SYNTAX. */
MUST_CHECK int http_authority_parse(struct str text, struct str *out_host, struct str *out_port);

/*
 * Path in normal form into <out> (room for path.n bytes): percent-encoded unreserved characters
 * decoded, other escapes in upper case, dot segments removed (RFC 3986 6.2.2), a run of slashes
 * kept as it is. Returns its length. A malformed escape is ERR_SYNTAX; %00 and going above the
 * root ("/../x") too. Fast when nothing needs to change.
 */
MUST_CHECK ssize_t http_path_normalise(struct str path, char *out);

#endif
