/* SPDX-License-Identifier: BSD-2-Clause */
#include "policy/problem.h"

#include "base/check.h"

#define LIT(s)                                                                                     \
	{                                                                                          \
		s, sizeof(s) - 1                                                                   \
	}

static const struct problem_row {
	uint16_t status;
	const char *name;
	struct str token, title, detail;
} rows[PROXY_ERROR_COUNT] = {
	[PROXY_ERROR_NONE] = {500, "none", LIT(""), LIT("Internal Server Error"), LIT("")},
#define PROXY_ERROR(id, status, token, title, detail)                                              \
	[PROXY_ERROR_##id] = {status, #id, LIT(token), LIT(title), LIT(detail)},
#include "tbl/proxy_errors.h"
#undef PROXY_ERROR
};

const struct str problem_content_type = LIT("application/problem+json");

enum { DETAIL_MAX = 512, ID_MAX = 128 };

static const struct problem_row *row_of(enum proxy_error e)
{
	ASSERT((unsigned)e < PROXY_ERROR_COUNT);
	return &rows[e];
}

unsigned problem_status(enum proxy_error e)
{
	return row_of(e)->status;
}

const char *problem_name(enum proxy_error e)
{
	return row_of(e)->name;
}

struct str problem_token(enum proxy_error e)
{
	return row_of(e)->token;
}

struct str problem_detail(enum proxy_error e)
{
	return row_of(e)->detail;
}

static struct str cut(struct str s, size_t n)
{
	return str_of(s.p, MIN(s.n, n));
}

/*
 * The inside of a JSON string. Our texts are ASCII; what else got in (a field name of a broken
 * message, say) is of no known encoding and becomes U+FFFD.
 */
static void write_json(struct http_writer *w, struct str s)
{
	static const char hex[] = "0123456789abcdef";

	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];
		if (c == '"' || c == '\\') {
			http_write_bytes(w, "\\", 1);
			http_write_bytes(w, s.p + i, 1);
		} else if (c >= 0x80) {
			http_write_lit(w, "\\ufffd");
		} else if (c < 0x20 || c == 0x7F) {
			char escape[6] = {'\\', 'u', '0', '0', hex[c >> 4], hex[c & 15]};
			http_write_bytes(w, escape, sizeof(escape));
		} else {
			http_write_bytes(w, s.p + i, 1);
		}
	}
}

void problem_body(struct http_writer *w, enum proxy_error e, struct str detail,
		  struct str request_id)
{
	const struct problem_row *r = row_of(e);

	http_write_lit(w, "{\"type\":\"about:blank\",\"title\":\"");
	http_write_str(w, r->title);
	http_write_lit(w, "\",\"status\":");
	http_write_u64(w, r->status);
	http_write_lit(w, ",\"detail\":\"");
	write_json(w, detail.n ? cut(detail, DETAIL_MAX) : r->detail);
	if (request_id.n) {
		http_write_lit(w, "\",\"instance\":\"urn:tiercel:");
		write_json(w, cut(request_id, ID_MAX));
	}
	http_write_lit(w, "\"}\n");
}

/* A String of RFC 9651 3.3.3: visible ASCII and spaces, two characters escaped. */
static void write_sf_string(struct http_writer *w, struct str s)
{
	http_write_lit(w, "\"");
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i] >= ' ' && s.p[i] <= '~' ? s.p[i] : '?';
		if (c == '"' || c == '\\')
			http_write_lit(w, "\\");
		http_write_bytes(w, &c, 1);
	}
	http_write_lit(w, "\"");
}

void problem_proxy_status(struct http_writer *w, enum proxy_error e, struct str details,
			  struct str next_hop)
{
	const struct problem_row *r = row_of(e);

	if (r->token.n == 0)
		return;
	http_write_lit(w, "Proxy-Status: tiercel; error=");
	http_write_str(w, r->token);
	if (next_hop.n) {
		http_write_lit(w, "; next-hop=");
		write_sf_string(w, cut(next_hop, DETAIL_MAX));
	}
	if (details.n) {
		http_write_lit(w, "; details=");
		write_sf_string(w, cut(details, DETAIL_MAX));
	}
	http_write_lit(w, "\r\n");
}
