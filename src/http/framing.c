/* SPDX-License-Identifier: BSD-2-Clause */
#include "http/framing.h"

#include "base/check.h"
#include "http/scan.h"
#include "http/target.h"

/*
 * Content-Length is 1*DIGIT (RFC 9110 8.6). 19 digits hold every number below 2^63; more of them
 * are refused, leading zeros included, because somebody's counter would overflow.
 */
enum { LENGTH_DIGITS_MAX = 19 };

static bool length_of(struct str value, uint64_t *out_length)
{
	return value.n <= LENGTH_DIGITS_MAX && str_u64(value, out_length) == 0 &&
	       *out_length <= INT64_MAX;
}

/*
 * A list ("5, 5") is refused everywhere. Identical repeated lines are refused in a request, where
 * nobody honest sends them; in a response RFC 9110 8.6 lets us take them as one, and back ends
 * behind careless gateways do send them: the first stays, the others are not forwarded.
 */
static enum http_parse_error read_length(struct http_msg *m)
{
	struct http_field *f = http_find(m, HTTP_FIELD_CONTENT_LENGTH);
	uint64_t again;

	if (!f)
		return HTTP_PARSE_OK;
	if (!length_of(http_field_value(m, f), &m->content_length))
		return HTTP_PARSE_LENGTH_BAD;
	while ((f = http_find_next(m, f))) {
		if (!length_of(http_field_value(m, f), &again))
			return HTTP_PARSE_LENGTH_BAD;
		if (again != m->content_length)
			return HTTP_PARSE_LENGTH_DIFFERS;
		if (m->kind == HTTP_REQUEST)
			return HTTP_PARSE_FIELD_REPEATED;
		f->dropped = 1;
	}
	m->has_length = true;
	return HTTP_PARSE_OK;
}

/*
 * Which error a Transfer-Encoding other than "chunked" is. A request whose last coding is not
 * chunked has no end that could be found: 400 (RFC 9112 6.3 item 4). Codings in front of a last
 * chunked are well-formed, just not ours: 501 (RFC 9112 6.1).
 */
static enum http_parse_error explain_coding(const struct http_msg *m, const struct http_field *f)
{
	unsigned others = 0, chunked = 0;
	struct str rest, member;

	for (; f; f = http_find_next(m, f)) {
		rest = http_field_value(m, f);
		while (http_list_next(&rest, &member)) {
			if (chunked)
				return HTTP_PARSE_CODING_BAD;
			if (str_ieq(member, STR("chunked")))
				chunked++;
			else if (http_is_class(member.p[0], HTTP_C_TOKEN))
				others++;
			else
				return HTTP_PARSE_CODING_BAD;
		}
	}
	if (others && (chunked || m->kind == HTTP_RESPONSE))
		return HTTP_PARSE_CODING_UNKNOWN;
	return HTTP_PARSE_CODING_BAD;
}

static enum http_parse_error read_coding(struct http_msg *m)
{
	const struct http_field *f = http_find(m, HTTP_FIELD_TRANSFER_ENCODING);

	if (!f)
		return HTTP_PARSE_OK;
	if (http_find(m, HTTP_FIELD_CONTENT_LENGTH))
		return HTTP_PARSE_LENGTH_AND_CODING; /* RFC 9112 6.3 item 3, 11.2 */
	if (m->minor == 0)
		return HTTP_PARSE_CODING_HTTP10; /* RFC 9112 6.1: faulty framing */
	if (!str_ieq(http_field_value(m, f), STR("chunked")) || http_find_next(m, f))
		return explain_coding(m, f);
	m->framing = HTTP_FRAMING_CHUNKED;
	return HTTP_PARSE_OK;
}

/* Exactly one well-formed Host in HTTP/1.1, at most one in HTTP/1.0 (RFC 9112 3.2). */
static enum http_parse_error check_host(const struct http_msg *m)
{
	const struct http_field *f = http_find(m, HTTP_FIELD_HOST);
	struct str host, port;

	if (!f)
		return m->minor == 0 ? HTTP_PARSE_OK : HTTP_PARSE_HOST_MISSING;
	if (http_find_next(m, f))
		return HTTP_PARSE_HOST_REPEATED;
	if (http_authority_parse(http_field_value(m, f), &host, &port) < 0)
		return HTTP_PARSE_HOST_BAD;
	return HTTP_PARSE_OK;
}

struct options {
	bool close, keep_alive, upgrade, names, bad;
};

/*
 * Somebody who took "Connection: Content-Length" at its word would forward a body that nobody
 * finds the end of (RFC 9110 7.6.1 forbids to send it).
 */
static bool is_for_everybody(struct str option)
{
	const enum http_field_id id = http_field_lookup(option);

	return id == HTTP_FIELD_CONTENT_LENGTH || id == HTTP_FIELD_HOST;
}

static void read_option(struct str option, struct options *o)
{
	if (str_ieq(option, STR("close")))
		o->close = true;
	else if (str_ieq(option, STR("keep-alive")))
		o->keep_alive = true;
	else if (str_ieq(option, STR("upgrade")))
		o->upgrade = true;
	else if (is_for_everybody(option))
		o->bad = true;
	else if (!str_ieq(option, STR("te")))
		o->names = true;
}

/* Connection options and persistence (RFC 9110 7.6.1, RFC 9112 9.3). */
static enum http_parse_error read_connection(struct http_msg *m)
{
	const struct http_field *f = http_find(m, HTTP_FIELD_CONNECTION);
	struct options o = {0};
	struct str rest, option;

	for (; f; f = http_find_next(m, f)) {
		rest = http_field_value(m, f);
		while (http_list_next(&rest, &option))
			read_option(option, &o);
	}
	m->keep_alive = !o.close && (m->minor > 0 || o.keep_alive);
	m->connection_names = o.names;
	/* RFC 9110 7.8: Upgrade in an HTTP/1.0 message is ignored. */
	m->upgrade = o.upgrade && m->minor > 0 && http_find(m, HTTP_FIELD_UPGRADE);
	return o.bad ? HTTP_PARSE_CONNECTION_BAD : HTTP_PARSE_OK;
}

static enum http_parse_error finish_request(struct http_msg *m)
{
	enum http_parse_error e = check_host(m);

	if (e)
		return e;
	if (m->has_length)
		m->framing = HTTP_FRAMING_LENGTH;
	if (http_find(m, HTTP_FIELD_EXPECT)) /* RFC 9110 10.1.1 */
		m->expect_continue =
			m->minor > 0 && http_list_has(m, HTTP_FIELD_EXPECT, STR("100-continue"));
	if (http_find(m, HTTP_FIELD_TE))
		m->te_trailers = http_list_has(m, HTTP_FIELD_TE, STR("trailers"));
	return HTTP_PARSE_OK;
}

static enum http_parse_error finish_response(struct http_msg *m)
{
	const bool bodiless = m->status < 200 || m->status == 204;

	/*
	 * RFC 9112 6.1 and RFC 9110 8.6 forbid both fields here. The message ends at the empty
	 * line all the same, but whoever sent this may let a body follow: do not go on.
	 */
	if (bodiless && (m->framing == HTTP_FRAMING_CHUNKED || m->content_length > 0))
		m->keep_alive = false;
	if (m->framing == HTTP_FRAMING_NONE)
		m->framing = m->has_length ? HTTP_FRAMING_LENGTH : HTTP_FRAMING_CLOSE;
	return HTTP_PARSE_OK;
}

enum http_parse_error http_framing_finish(struct http_msg *m)
{
	enum http_parse_error e;

	if (m->kind == HTTP_TRAILERS)
		return HTTP_PARSE_OK;
	e = read_coding(m);
	if (!e)
		e = read_length(m);
	if (!e)
		e = read_connection(m);
	if (e)
		return e;
	return m->kind == HTTP_REQUEST ? finish_request(m) : finish_response(m);
}

enum http_framing http_response_framing(const struct http_msg *m, enum http_method request_method)
{
	ASSERT(m->kind == HTTP_RESPONSE);
	if (m->status == 101)
		return HTTP_FRAMING_TUNNEL;
	if (m->status < 200 || m->status == 204 || m->status == 304)
		return HTTP_FRAMING_NONE;
	if (request_method == HTTP_METHOD_HEAD)
		return HTTP_FRAMING_NONE;
	if (request_method == HTTP_METHOD_CONNECT && m->status < 300)
		return HTTP_FRAMING_TUNNEL;
	return (enum http_framing)m->framing;
}
