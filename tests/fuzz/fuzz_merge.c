/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a 304 does to a stored head: the input is a request's field lines, the stored ones and those
 * of the update, with \x01 between them. What comes out must parse, have no length or age of the
 * update's, and for each other field either the stored lines or the update's. The verdicts on all
 * of them must not depend on being asked twice.
 * fuzz-sources: src/policy/revalidate.c src/policy/storable.c src/policy/fresh.c
 * fuzz-sources: src/policy/invalidate.c src/policy/reuse.c src/http
 * fuzz-sources: src/base/str.c src/base/check.c src/base/err.c
 * fuzz-dict: tests/fuzz/cache.dict
 */
#include "fuzz.h"
#include "http/parse.h"
#include "policy/invalidate.h"
#include "policy/reuse.h"
#include "policy/revalidate.h"
#include "policy/storable.h"

#define TIME (INT64_C(1710504000) * NS_PER_S)

struct head {
	struct http_msg msg;
	struct http_field fields[128];
	char text[16384];
};

static bool parse(struct head *h, enum http_kind kind, struct str lines)
{
	const struct str start = kind == HTTP_REQUEST ? STR("GET / HTTP/1.1\r\nHost: h\r\n")
						      : STR("HTTP/1.1 200 OK\r\n");
	struct http_parser p;
	size_t n = start.n + lines.n;

	h->msg.fields = h->fields;
	h->msg.max_fields = COUNTOF(h->fields);
	memcpy(h->text, start.p, start.n);
	if (lines.n)
		memcpy(h->text + start.n, lines.p, lines.n);
	memcpy(h->text + n, "\r\n", 2);
	http_parser_init(&p, &h->msg, kind, sizeof(h->text));
	return http_parse(&p, h->text, n + 2) == HTTP_DONE && h->msg.head_n == n + 2;
}

static unsigned count(const struct http_msg *m, struct str name)
{
	unsigned n = 0;

	for (const struct http_field *f = NULL; (f = http_find_name(m, name, f));)
		n += !f->dropped; /* the parser drops a length that is there twice */
	return n;
}

static void check_merged(const struct http_msg *stored, const struct http_msg *update,
			 const struct http_msg *merged)
{
	for (unsigned i = 0; i < merged->n_fields; i++) {
		const struct str name = http_field_name(merged, &merged->fields[i]);
		const unsigned n = count(merged, name);

		MUST(n == count(stored, name) || n == count(update, name));
	}
	MUST(!http_find(merged, HTTP_FIELD_AGE) || http_find(stored, HTTP_FIELD_AGE));
	MUST(!merged->has_length ||
	     (stored->has_length && merged->content_length == stored->content_length));
	MUST(!http_find(merged, HTTP_FIELD_DATE) == !http_find(update, HTTP_FIELD_DATE));
}

static const struct str targets[] = {STR("CDN-Cache-Control")};
static const struct cache_rules rules = {.set_cookie = CACHE_COOKIE_EXPLICIT,
					 .while_revalidate = 5,
					 .if_error = 60,
					 .targeted = targets,
					 .n_targeted = 1};

static void check_meta(const struct stored_meta *m, const struct head *request)
{
	struct reuse_request rq = {.ignore = false};

	MUST(m->lifetime >= 0 && m->initial_age >= 0 && m->while_revalidate >= 0 &&
	     m->if_error >= 0 && m->reserved == 0);
	MUST(!(m->flags & (STORED_MUST_REVALIDATE | STORED_NO_CACHE)) ||
	     (m->while_revalidate == 0 && m->if_error == 0));
	cc_parse(&request->msg, &rq.cc);
	const enum reuse verdict = reuse_verdict(m, &rq, false, TIME);
	MUST(verdict != REUSE_NONE && (verdict != REUSE_FRESH || m->lifetime > m->initial_age));
	if (m->flags & STORED_MUST_REVALIDATE && m->lifetime <= m->initial_age)
		MUST(verdict == REUSE_VALIDATE && !reuse_stale_on_error(m, &rq, TIME));
}

static bool storable_twice(const struct head *request, struct head *response,
			   struct stored_meta *meta)
{
	struct stored_meta again = {0};

	memset(meta, 0, sizeof(*meta));
	const enum storable first =
		storable(&rules, &request->msg, &response->msg, TIME - 1, TIME, meta);
	MUST(storable(&rules, &request->msg, &response->msg, TIME - 1, TIME, &again) == first);
	MUST(memcmp(meta, &again, sizeof(again)) == 0);
	if (first == STORABLE_YES)
		check_meta(meta, request);
	return first == STORABLE_YES;
}

static void check_uris(const struct http_msg *m)
{
	static struct invalidate_room room;
	const struct invalidate_uri target = {STR("http"), STR("h"), STR_NONE, STR("/a/b"),
					      STR("q")};
	struct invalidate_uri out[INVALIDATE_URIS_MAX];
	static struct invalidate_groups groups;
	const size_t n = invalidate_uris(&target, HTTP_METHOD_POST, m, &room, out);

	MUST(n >= 1 && n <= INVALIDATE_URIS_MAX);
	for (size_t i = 0; i < n; i++) {
		MUST(invalidate_same_origin(&target, &out[i]));
		MUST(out[i].path.n && out[i].path.p[0] == '/');
	}
	invalidate_member_of(m, &groups);
	for (unsigned i = 0; i < groups.n; i++)
		MUST(groups.name[i].n > 0 && groups.name[i].n <= INVALIDATE_GROUP_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static struct head request, stored, update, merged;
	static char out[16000];
	struct str rest = str_of((const char *)data, n), lines[3];
	struct stored_meta meta, renewed;
	struct http_writer w;

	if (n > 4096)
		return 0;
	for (unsigned i = 0; i < COUNTOF(lines); i++)
		if (!str_next(&rest, 1, &lines[i]))
			return 0;
	if (!parse(&request, HTTP_REQUEST, lines[0]) || !parse(&stored, HTTP_RESPONSE, lines[1]) ||
	    !parse(&update, HTTP_RESPONSE, lines[2]))
		return 0;
	check_uris(&update.msg);
	http_write_init(&w, out, sizeof(out));
	revalidate_merge(&w, &stored.msg, &update.msg);
	MUST(!w.overflow);
	if (stored.msg.n_fields + update.msg.n_fields > (int)COUNTOF(merged.fields))
		return 0;
	if (!parse(&merged, HTTP_RESPONSE, str_of(out, http_write_n(&w))))
		return 0; /* framing fields of both together may not be allowed */
	check_merged(&stored.msg, &update.msg, &merged.msg);
	if (!storable_twice(&request, &stored, &meta))
		return 0;
	const struct str etag = http_value(&stored.msg, HTTP_FIELD_ETAG);
	revalidate_selects(&update.msg, meta.etag_n ? etag : STR_NONE, meta.last_modified, true);
	revalidate_head_agrees(&update.msg, meta.etag_n ? etag : STR_NONE, meta.last_modified, 10);
	if (storable_updated(&rules, &request.msg, &merged.msg, &update.msg, &meta, TIME, TIME + 1,
			     &renewed) == STORABLE_YES)
		check_meta(&renewed, &request);
	return 0;
}
