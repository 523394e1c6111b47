/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Cache directives as values: Cache-Control (RFC 9111 5.2, RFC 5861, RFC 8246), Pragma (5.4) and
 * targeted fields (RFC 9213). Pure: text in, numbers and slices out; the slices point into the
 * message. What is malformed is read the safe way, and the header says which that is.
 */
#ifndef HTTP_CC_H
#define HTTP_CC_H

#include "http/msg.h"

/* Directives without a value, or whose presence counts. */
enum cc_flag {
	CC_NO_STORE = 1u << 0,
	CC_NO_CACHE = 1u << 1,	      /* without field names: the whole response */
	CC_NO_CACHE_FIELDS = 1u << 2, /* no-cache="a, b": see <no_cache> */
	CC_PRIVATE = 1u << 3,	      /* without field names */
	CC_PRIVATE_FIELDS = 1u << 4,  /* private="a, b": see <private_> */
	CC_PUBLIC = 1u << 5,
	CC_MUST_REVALIDATE = 1u << 6,
	CC_PROXY_REVALIDATE = 1u << 7,
	CC_MUST_UNDERSTAND = 1u << 8,
	CC_NO_TRANSFORM = 1u << 9,
	CC_IMMUTABLE = 1u << 10,
	CC_ONLY_IF_CACHED = 1u << 11,
	CC_PRESENT = 1u << 12, /* there was such a field */
	CC_PRAGMA = 1u << 13,  /* request: Pragma: no-cache and no Cache-Control (5.4) */
};

enum { CC_FIELDS_MAX = 4 };

#define CC_NONE (-1) /* the directive is absent */
#define CC_BAD                                                                                     \
	(-2)		 /* present, but not a number or given twice with different values:
					   the response counts as stale (4.2.1), a permission as not
					   given, a demand of the request as the strictest */
#define CC_ANY INT64_MAX /* max-stale without a value */
#define CC_SECONDS_MAX INT64_C(2147483648) /* larger ones count as this (1.2.2) */

struct cc {
	unsigned flags; /* enum cc_flag */
	/* Seconds; CC_NONE, CC_BAD. */
	int64_t max_age, s_maxage, stale_while_revalidate, stale_if_error;
	int64_t max_stale, min_fresh; /* requests */
	/* Field lists inside the quotes, in order; further ones than fit make the whole directive
	 * count without field names. */
	struct str no_cache[CC_FIELDS_MAX], private_[CC_FIELDS_MAX];
	uint8_t n_no_cache, n_private;
};

/*
 * Reads all lines of Cache-Control of a request or response (and Pragma of a request). Directives of
 * the other kind of message are ignored as unknown ones are (5.2.3). Arguments are read as token or
 * quoted string (5.2); no white space around '='. What restricts counts whatever stands behind it
 * ("no-store=x"); what permits (public, immutable, must-understand) only without argument. A quoted
 * string that never ends hides nothing: behind it restrictions still count and numbers are CC_BAD.
 */
void cc_parse(const struct http_msg *m, struct cc *out_cc);

/*
 * Reads the targeted field <name> (RFC 9213 2.1): a Structured Fields dictionary. False, and
 * nothing is changed, if it is absent, empty or does not parse: then the next target counts, or
 * Cache-Control. Values of the wrong type make the directive count as absent (no "20" as string);
 * a negative Integer is CC_BAD. Of several members of one name the last counts; parameters are
 * ignored.
 */
bool cc_parse_targeted(const struct http_msg *m, struct str name, struct cc *out_cc);

#endif
