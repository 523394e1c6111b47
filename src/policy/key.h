/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The cache key (RFC 9111 2): what makes two requests ask for the same thing. Text, so that it can
 * be compared in full, shown and logged:
 *
 *	http://host[:port]/path?query		the URL part: what a purge by URL means
 *	\nspelled path				as the origin is asked, where that is not the normal form
 *	\nforwarded-host host			another host that a trusted proxy named
 *	\nno-vary-search rule			what the query was reduced by
 *	\nname: value				a request field the route names; several lines are joined
 *	\ncookie name=value			a cookie the route names; each time it occurs
 *	\nQUERY <length> <sha-256>		for QUERY and POST: the content (RFC 10008 2.7)...
 *	\ncontent-type: ...			...and what says how to read it
 *	\ncontent-encoding: ...
 *
 * What is absent has no line; an empty field has one. No value can contain a newline, so no
 * request can write a line that it does not have. Host in lower case (where it is left out: "@" and the
 * route's name), the default port dropped, the path in normal form, the query as the route rules
 * (dropped, filtered, sorted) with escapes in normal form (where all of a
 * parameter's are well-formed). GET and HEAD share a key. Pure.
 *
 * With a filter or sort_query the query is read as parameters: empty ones are dropped, and with
 * none left the '?' too. Sorting is by decoded name, those of one name keep their order; a query of
 * more than 256 parameters stays as it is. Without, nothing is touched but escapes.
 */
#ifndef POLICY_KEY_H
#define POLICY_KEY_H

#include "http/write.h"

enum key_query { KEY_QUERY_ALL = 1, KEY_QUERY_NONE = 2, KEY_QUERY_LISTED = 3 };

struct key_rules {
	uint8_t query; /* enum key_query */
	bool sort_query;
	bool host;			/* the host is part of the key... */
	struct str realm;		/* ... or else this, the route's name, behind an '@' */
	const struct str *ignore_query; /* ALL: without these names; a final '*' matches any rest */
	size_t n_ignore_query;
	const struct str *keep_query; /* LISTED: only these, in the same notation */
	size_t n_keep_query;
	const struct str *headers; /* names */
	size_t n_headers;
	const struct str *cookies; /* names; case counts */
	size_t n_cookies;
};

/* What the key is made of. */
struct key_parts {
	struct str scheme;		/* "http" or "https" */
	struct str host;		/* without port; IPv6 in brackets */
	struct str port;		/* digits or empty */
	struct str path;		/* normal form */
	struct str query;		/* as sent, p == NULL when there is no '?' */
	const struct http_msg *request; /* for headers and cookies; NULL: none (purge by URL) */
	struct str spelled; /* the path as sent, where that is not its normal form; empty: it is */
	struct str forwarded_host; /* another host that the origin is told of; empty: none */
	struct str search_rule; /* the No-Vary-Search by which <query> was reduced; empty: none */
	struct str content;	/* QUERY, POST: the request's content, as sent */
	bool by_content;	/* needs <request> */
};

/*
 * Writes the key; returns the length of its URL part. An overflow is latched in <w>: the caller
 * treats the request as not cacheable.
 */
size_t key_write(const struct key_rules *rules, const struct key_parts *parts,
		 struct http_writer *w);

/*
 * No-Vary-Search (draft-ietf-httpbis-no-vary-search): writes <query> (p == NULL: none) without what
 * the origin says does not matter, in a form of our own: two queries are equivalent under the rule
 * when what is written is equal. <rule> is the field's value, several lines joined by ", ". False,
 * and nothing is written, if the rule does not parse or is the default (only equal queries are
 * equivalent), names more than 64 parameters, or more than 256 of <query> matter.
 */
bool key_no_vary_search(struct str rule, struct str query, struct http_writer *w);

#endif
