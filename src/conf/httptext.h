/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Inside conf/: names and texts that end up in messages. Pure functions; a fallible one returns
 * true or says in <why> what is wrong.
 */
#ifndef CONF_HTTPTEXT_H
#define CONF_HTTPTEXT_H

#include "conf/number.h"

/* A field name: a token (RFC 9110 5.1, 5.6.2). */
MUST_CHECK bool field_name_check(struct str s, struct why *why);

/* A field value: no control characters but tab, no outer white space (RFC 9110 5.5). */
MUST_CHECK bool field_value_check(struct str s, struct why *why);

/* May an operator change this field? Not those that frame a message or belong to one connection. */
MUST_CHECK bool field_change_check(struct str name, bool request, struct why *why);

/* May the values of this request field be part of a cache key? */
MUST_CHECK bool field_key_check(struct str name, struct why *why);

/* May this response field be one that stands in for Cache-Control (RFC 9213)? */
MUST_CHECK bool field_targeted_check(struct str name, struct why *why);

/* May the words of this response field be tags, and the field be kept from clients? */
MUST_CHECK bool field_tags_check(struct str name, struct why *why);

/* Is it one that tiercel writes for the upstream (X-Forwarded-For, ...)? */
bool field_is_own(struct str name);

/* Does it usually carry a secret? */
bool field_is_secret(struct str name);

/* A method (RFC 9110 9.1) that a proxy can forward. */
MUST_CHECK bool method_check(struct str s, struct why *why);

/* A path: begins with /, no query, no fragment, no dot segments, visible ASCII. */
MUST_CHECK bool path_check(struct str s, struct why *why);

/* The name of a cookie: a token (RFC 6265 4.1.1). */
MUST_CHECK bool cookie_name_check(struct str s, struct why *why);

/* The name of a query parameter as it stands in a URL, or its beginning and a *. */
MUST_CHECK bool query_name_check(struct str s, struct why *why);

/* The name of a listener, an upstream or a route. */
MUST_CHECK bool name_check(struct str s, struct why *why);
bool name_char(char c);
enum { NAME_MAX_BYTES = 128 };

#endif
