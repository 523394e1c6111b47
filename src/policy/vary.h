/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Content negotiation (RFC 9111 4.1): which request fields selected a stored response, and do those
 * of another request match? The selecting fields are kept as bytes in a form of our own, the same
 * in L1 and L2: for each name in Vary, lower case, sorted, once: u16 name length, name, u16 value
 * length (VARY_ABSENT: the field was not there), value in normal form. Pure.
 */
#ifndef POLICY_VARY_H
#define POLICY_VARY_H

#include "http/write.h"

enum { VARY_FIELDS_MAX = 32, VARY_ABSENT = 0xffff };

enum vary_rc {
	VARY_NONE = 1, /* no Vary, or an empty one: no bytes */
	VARY_SOME = 2,
	VARY_STAR =
		3, /* "*" is a member, or a field that the origin gets otherwise than the request has
			  it (Forwarded, Via): matches nothing (4.1) */
	VARY_LIMIT = 4, /* too many or too long: treat like STAR */
};

/*
 * The selecting fields of <response> (all lines of Vary) with their values in <request>, into <w>;
 * with STAR and LIMIT nothing is written. A member of Vary that is no name counts as "*".
 *
 * Normal form (4.1): several lines joined by ", ", white space around members and empty members
 * removed where the field is a list or unknown; Accept-Encoding and Accept-Language: names in lower
 * case, sorted (the usual codings first, as browsers write them), each once, weights in their
 * shortest form and those of 1 dropped, "x-gzip" = "gzip". Everything else keeps its bytes and
 * order. What is `dropped` counts all the same: it is the client's request that selects.
 */
enum vary_rc vary_write(const struct http_msg *request, const struct http_msg *response,
			struct http_writer *w);

/* Do the selecting fields <spec> match <request>? Empty matches everything. */
bool vary_match(struct str spec, const struct http_msg *request);

/* Is <spec>, found in outside bytes, well-formed? */
bool vary_valid(struct str spec);

/* Walks a valid spec: false at the end. <value> has p == NULL for an absent field. */
bool vary_next(struct str *rest, struct str *out_name, struct str *out_value);

#endif
