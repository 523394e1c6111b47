/* SPDX-License-Identifier: BSD-2-Clause */
#include "admin/question.h"

#include "admin/ask.h"
#include "admin/cmds.h"
#include "base/err.h"
#include "http/parse.h"

/* -H "Name: value", from the fourth word on: false when malformed. *out_host: of Host. */
static bool take_fields(const struct proto_request *r, struct buf *head, struct str *out_host)
{
	for (unsigned i = 3; i < r->n; i += 2) {
		struct str rest = i + 1 < r->n ? str_c(r->word[i + 1]) : STR_NONE, name;

		if (strcmp(r->word[i], "-H") != 0 || str_find(rest, ':') < 1)
			return false;
		(void)str_next(&rest, ':', &name);
		name = str_trim(name);
		if (str_ieq(name, STR("host")))
			*out_host = str_trim(rest);
		else
			buf_printf(head, "%.*s: %.*s\r\n", STR_ARG(name), STR_ARG(str_trim(rest)));
	}
	return true;
}

static bool scheme_is_ours(struct str scheme)
{
	return scheme.n == 0 || str_ieq(scheme, STR("http")) || str_ieq(scheme, STR("https"));
}

/* NULL, or what is wrong. */
static const char *take_target(struct question *q, struct str target, struct str host_field)
{
	ssize_t n;

	q->known_method = http_method_lookup(q->method);
	if (http_target_parse(target, q->known_method, &q->target))
		return "not a request target: give a path such as /x or a URL such as http://host/x";
	if (!scheme_is_ours(q->target.scheme))
		return "not an http or https URL";
	if (q->target.form == HTTP_TARGET_ABSOLUTE || q->target.form == HTTP_TARGET_AUTHORITY) {
		/* RFC 9112 3.2.2: the target's authority wins over Host */
		q->host = q->target.host;
		q->port = q->target.port;
		q->host_field = str_of(q->host.p, q->host.n + (q->port.n ? q->port.n + 1 : 0));
	} else if (host_field.n) {
		q->host_field = host_field;
		if (http_authority_parse(host_field, &q->host, &q->port))
			return "not a host: give -H Host:name or -H Host:name:port";
	}
	n = http_path_normalise(q->target.path, q->normal);
	if (n < 0)
		return "the path is malformed: the request would be refused (400)";
	q->path = str_of(q->normal, (size_t)n);
	return NULL;
}

/* The head as it would come, for the parser. Without a host it is one of HTTP/1.0. */
static const char *parse_head(struct question *q, struct str target, struct str fields)
{
	struct http_parser parser;

	buf_printf(&q->head, "%.*s %.*s HTTP/1.%d\r\n", STR_ARG(q->method), STR_ARG(target),
		   q->host_field.n ? 1 : 0);
	if (q->host_field.n)
		buf_printf(&q->head, "Host: %.*s\r\n", STR_ARG(q->host_field));
	buf_str(&q->head, fields);
	buf_c(&q->head, "\r\n");
	if (q->head.error)
		return "out of memory";
	q->msg.fields = q->fields;
	q->msg.max_fields = QUESTION_FIELDS;
	http_parser_init(&parser, &q->msg, HTTP_REQUEST, (uint32_t)q->head.n);
	if (http_parse(&parser, q->head.p, q->head.n) == HTTP_DONE)
		return NULL;
	return parser.error ? http_parse_error_text((enum http_parse_error)parser.error)
			    : "not a request";
}

bool question_take(struct ask *ask, struct question *q)
{
	const struct proto_request *r = ask->request;
	struct buf fields = BUF_INIT;
	struct str host = STR_NONE;
	const char *wrong;

	*q = (struct question){0};
	if (r->n < 3 || !take_fields(r, &fields, &host)) {
		buf_fini(&fields);
		cmds_usage(ask);
		return false;
	}
	q->method = str_c(r->word[1]);
	wrong = take_target(q, str_c(r->word[2]), host);
	if (!wrong)
		wrong = parse_head(q, str_c(r->word[2]), buf_slice(&fields));
	buf_fini(&fields);
	if (!wrong)
		return true;
	ask_fail(ask, PROTO_USAGE, "%s", wrong);
	question_fini(q);
	return false;
}

const char *question_url(struct str url, struct question *q)
{
	const char *wrong;

	*q = (struct question){.method = STR("GET")};
	wrong = take_target(q, url, STR_NONE);
	if (!wrong && q->target.form != HTTP_TARGET_ABSOLUTE)
		wrong = "give a whole URL such as http://host/x";
	if (!wrong)
		wrong = parse_head(q, url, STR_NONE);
	if (wrong)
		question_fini(q);
	return wrong;
}

void question_fini(struct question *q)
{
	buf_fini(&q->head);
}
