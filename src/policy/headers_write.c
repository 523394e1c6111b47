/* SPDX-License-Identifier: BSD-2-Clause */
/* The lines that the proxy writes itself. */
#include "policy/headers.h"

static void write_token(struct http_writer *w, bool *first, struct str token)
{
	if (!*first)
		http_write_lit(w, ", ");
	http_write_str(w, token);
	*first = false;
}

void headers_write_connection(struct http_writer *w, const struct http_msg *m, unsigned flags)
{
	bool first = true;

	if (!flags)
		return;
	http_write_lit(w, "Connection: ");
	if (flags & HEADERS_CLOSE)
		write_token(w, &first, STR("close"));
	if (flags & HEADERS_KEEP_ALIVE)
		write_token(w, &first, STR("keep-alive"));
	if (flags & HEADERS_UPGRADE)
		write_token(w, &first, STR("upgrade"));
	if (flags & HEADERS_TE)
		write_token(w, &first, STR("TE"));
	http_write_lit(w, "\r\n");
	if (flags & HEADERS_UPGRADE)
		for (const struct http_field *f = http_find(m, HTTP_FIELD_UPGRADE); f;
		     f = http_find_next(m, f))
			http_write_field(w, STR("Upgrade"), http_field_value(m, f));
	if (flags & HEADERS_TE)
		http_write_lit(w, "TE: trailers\r\n");
}

void headers_write_via(struct http_writer *w, const struct http_msg *m,
		       const struct headers_ops *ops)
{
	if (headers_replaced(ops, HTTP_FIELD_VIA))
		return;
	if (m->minor == 0)
		http_write_lit(w, "Via: 1.0 tiercel\r\n");
	else
		http_write_lit(w, "Via: 1.1 tiercel\r\n");
}

/* The second word of a member: received-by (RFC 9110 7.6.3). */
static struct str received_by(struct str member)
{
	struct str word = STR_NONE;

	for (int i = 0; i < 2; i++) {
		size_t n = 0;
		member = str_trim(member);
		while (n < member.n && member.p[n] != ' ' && member.p[n] != '\t')
			n++;
		word = str_of(member.p, n);
		member = str_of(member.p + n, member.n - n);
	}
	return word;
}

unsigned headers_via_count(const struct http_msg *m)
{
	unsigned count = 0;
	struct str rest, member;

	for (const struct http_field *f = http_find(m, HTTP_FIELD_VIA); f;
	     f = http_find_next(m, f)) {
		rest = http_field_value(m, f);
		while (http_list_next(&rest, &member))
			count += str_ieq(received_by(member), STR("tiercel"));
	}
	return count;
}

void headers_write_ops(struct http_writer *w, const struct headers_ops *ops)
{
	for (size_t i = 0; ops && i < ops->n; i++)
		if (ops->list[i].kind != HEADERS_REMOVE)
			http_write_field(w, ops->list[i].name, ops->list[i].value);
}

#define LIT(s)                                                                                     \
	{                                                                                          \
		s, sizeof(s) - 1                                                                   \
	}

static const struct security_row {
	struct str name, line;
	bool tls;
} security_rows[] = {
#define SECURITY_HEADER(name, value, tls) {LIT(name), LIT(name ": " value "\r\n"), tls},
#include "tbl/security_headers.h"
#undef SECURITY_HEADER
};

static bool ops_mention(const struct headers_ops *ops, struct str name)
{
	for (size_t i = 0; ops && i < ops->n; i++)
		if (str_ieq(ops->list[i].name, name))
			return true;
	return false;
}

void headers_write_security(struct http_writer *w, const struct http_msg *m,
			    const struct headers_ops *ops, bool tls)
{
	for (size_t i = 0; i < COUNTOF(security_rows); i++) {
		const struct security_row *row = &security_rows[i];
		if (row->tls && !tls)
			continue;
		if ((m && http_find_name(m, row->name, NULL)) || ops_mention(ops, row->name))
			continue;
		http_write_str(w, row->line);
	}
}
