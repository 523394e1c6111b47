/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A URL's query as parameters, the way web forms write it: "name=value" joined by '&', '+' and
 * "%20" a space. Names are compared decoded, so "utm%5Fsource" is "utm_source". Private to the
 * cache key's files. Pure.
 */
#ifndef POLICY_QUERY_H
#define POLICY_QUERY_H

#include "base/str.h"

enum { QUERY_PARAMS_MAX = 256 };

/* The next parameter that is not empty; false at the end. */
bool query_next(struct str *rest, struct str *out_param);

/* Of one parameter: up to the first '=', and behind it (empty if there is none). */
struct str query_name(struct str param);
struct str query_value(struct str param);

/* Walks decoded bytes: the next one, or -1 at the end. A malformed escape stands for itself. */
int query_byte(struct str *rest);

/* The order of two names, decoded: below, 0, above. */
int query_name_cmp(struct str a, struct str b);

/* Is the name <pattern>? A '*' at its end matches any rest. */
bool query_name_matches(struct str name, struct str pattern);

/* Sorts parameters by name; those of one name keep their order. At most QUERY_PARAMS_MAX. */
void query_sort(struct str *params, size_t n);

#endif
