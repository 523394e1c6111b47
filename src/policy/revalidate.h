/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Validation (RFC 9111 4.3): conditional requests to the origin, and what a 304 or the answer to a
 * HEAD changes in a stored response (3.2, 4.3.4, 4.3.5). Stored heads are field lines
 * ("Name: value\r\n"..., no status line, no empty line at the end). Pure.
 */
#ifndef POLICY_REVALIDATE_H
#define POLICY_REVALIDATE_H

#include "http/write.h"
#include "policy/stored.h"

/* Marks the client's own preconditions (If-*, and Range with <range>) in a request as dropped:
 * the cache asks for itself. */
void revalidate_mark(struct http_msg *request, bool range);

/* "If-None-Match: ...\r\nIf-Modified-Since: ...\r\n" for the stored responses; several ETags make a
 * list (4.3.1). If-Modified-Since only for the first. Writes nothing without validators. */
struct revalidate_source {
	struct str etag;
	int64_t last_modified; /* STORED_NO_DATE = none */
};
void revalidate_write(struct http_writer *w, const struct revalidate_source *sources, size_t n);

/*
 * Does the 304's validator select this stored response (4.3.4)? Without any in the 304: only if it
 * is the sole candidate (<sole>). False for the sole one: the 304 is about something else and MUST
 * NOT be used; ask again without conditions.
 */
bool revalidate_selects(const struct http_msg *not_modified, struct str etag, int64_t last_modified,
			bool sole);

/*
 * The stored fields <head> (already parsed into <stored>) updated by those of <update>, into <w>
 * (3.2): every field of <update> that is not `dropped` replaces all stored lines of its name, but
 * for those of the connection or of another proxy (3.1), what the stored bytes depend on
 * (Content-Length, Content-Encoding, Content-Range, Content-MD5, Content-Digest; not Content-Type,
 * which is updated), a stored ETag, which named these bytes, and Age and Via, which we write.
 *
 * The stored Date never stays: an answer's Date is the update's, and where that has none the caller
 * writes one (RFC 9110 6.6.1). What to store is then for storable_updated() to say.
 */
void revalidate_merge(struct http_writer *w, const struct http_msg *stored,
		      const struct http_msg *update);

/*
 * A 200 to HEAD: is the stored response still the one (4.3.5: each of Content-Length, ETag and
 * Last-Modified that it has is the stored one's)? Then update it; if not it counts as stale.
 */
bool revalidate_head_agrees(const struct http_msg *head_answer, struct str etag,
			    int64_t last_modified, uint64_t length);

#endif
