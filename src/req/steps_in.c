/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The first steps: is this a request we accept, which route takes it, and may it use the route?
 */
#include "http/target.h"
#include "obs/metrics.h"
#include "req/request.h"

/* As often as this a request may have passed through us before it counts as a loop. */
enum { LOOPS_MAX = 8 };

/* Refuses a message that breaks the protocol: nothing behind it will be read. */
static enum step reject(struct request *r, enum proxy_error error, struct str detail)
{
	r->must_close = true;
	return request_refuse(r, error, detail);
}

static enum step refuse_parse_error(struct request *r)
{
	enum http_parse_error e = r->parser.error;
	enum proxy_error error = PROXY_ERROR_bad_request;

	metric_add(r->server->row, METRIC_WORKER_requests_bad, 1);
	switch (http_parse_error_status(e)) {
	case 414:
		error = PROXY_ERROR_uri_too_long;
		break;
	case 431:
		error = PROXY_ERROR_header_too_large;
		break;
	case 501:
		error = PROXY_ERROR_not_implemented;
		break;
	case 505:
		error = PROXY_ERROR_version_not_supported;
		break;
	default:
		break;
	}
	return reject(r, error, str_c(http_parse_error_text(e)));
}

/* The authority of an absolute target counts, not Host (RFC 9112 3.2.2). */
static bool find_host(struct request *r)
{
	if (r->target.form == HTTP_TARGET_ABSOLUTE) {
		const char *end = r->target.port.n ? r->target.port.p + r->target.port.n
						   : r->target.host.p + r->target.host.n;
		r->authority = str_of(r->target.host.p, (size_t)(end - r->target.host.p));
		r->host = r->target.host;
		r->port = r->target.port;
		return true;
	}
	r->authority = http_value(&r->msg, HTTP_FIELD_HOST);
	if (r->authority.n == 0)
		return true; /* HTTP/1.0 without Host, or an empty one */
	return http_authority_parse(r->authority, &r->host, &r->port) == 0;
}

static bool normalise_path(struct request *r)
{
	if (r->target.form == HTTP_TARGET_ASTERISK) {
		r->path = r->target.path;
		return true;
	}
	char *out = arena_alloc(&r->arena, r->target.path.n + 1);
	ssize_t n = out ? http_path_normalise(r->target.path, out) : -1;
	if (n < 0)
		return false;
	arena_trim(&r->arena, out + n);
	r->path = str_of(out, (size_t)n);
	return true;
}

/* Methods that this proxy refuses or answers on behalf of the origin. */
static enum step check_method(struct request *r)
{
	uint64_t hops;
	struct str max_forwards = http_value(&r->msg, HTTP_FIELD_MAX_FORWARDS);

	switch (r->msg.method) {
	case HTTP_METHOD_CONNECT:
		return reject(r, PROXY_ERROR_not_implemented,
			      STR("CONNECT is not available here."));
	case HTTP_METHOD_TRACE:
		/* it shows a page's scripts what they must not see; nobody needs it here */
		return reject(r, PROXY_ERROR_method_not_allowed, STR_NONE);
	case HTTP_METHOD_OPTIONS:
		/* RFC 9110 7.6.2: with Max-Forwards 0 the recipient is the final one */
		if (max_forwards.p && str_u64(max_forwards, &hops) == 0 && hops == 0)
			return STEP_ANSWER;
		break;
	default:
		break;
	}
	return STEP_ROUTE;
}

enum step step_check(struct request *r)
{
	struct client *c = r->client;

	if (r->parser.error)
		return refuse_parse_error(r);
	h1_body_init(&r->body, &c->conn, &c->win, r->msg.head_n, c->have,
		     (enum http_framing)r->msg.framing, r->msg.content_length);
	forwarded_peer_init(&r->peer, &c->ip, &r->lconf->trust);
	forwarded_client(&r->peer, &r->lconf->trust, &r->msg, &r->who);
	if (http_target_parse(http_span_str(&r->msg, r->msg.target), r->msg.method, &r->target))
		return reject(r, PROXY_ERROR_bad_request, STR("The request target is malformed."));
	if (!find_host(r))
		return reject(r, PROXY_ERROR_bad_request, STR("Host is malformed."));
	if (!normalise_path(r))
		return reject(r, PROXY_ERROR_bad_request, STR("The path is malformed."));
	if (http_find(&r->msg, HTTP_FIELD_EXPECT) && !r->msg.expect_continue && r->msg.minor >= 1)
		return reject(r, PROXY_ERROR_expectation_failed, STR_NONE);
	if (http_find(&r->msg, HTTP_FIELD_VIA) && headers_via_count(&r->msg) > LOOPS_MAX)
		return reject(r, PROXY_ERROR_proxy_loop_detected, STR_NONE);
	return check_method(r);
}

enum step step_route(struct request *r)
{
	int i = route_find(r->snap->table, r->host, r->path,
			   http_span_str(&r->msg, r->msg.method_text));

	if (i == ROUTE_LIMIT)
		return request_refuse(r, PROXY_ERROR_bad_request,
				      STR("The path takes too long to match."));
	if (i < 0)
		return request_refuse(r, PROXY_ERROR_no_route, STR_NONE);
	r->route = &r->snap->routes[i];
	metric_add(r->route->row, METRIC_ROUTE_requests, 1);
	return STEP_ADMIT;
}

enum step step_admit(struct request *r)
{
	const struct conf_route *c = r->route->conf;
	uint64_t limit = c->max_body ? c->max_body : r->lconf->conf->limits.body_size;

	if (!acl_open(&r->route->access) && acl_check(&r->route->access, &r->who.ip) != ACL_ALLOWED)
		return request_refuse(r, PROXY_ERROR_forbidden, STR_NONE);
	if (limit && r->msg.framing == HTTP_FRAMING_LENGTH && r->msg.content_length > limit)
		return request_refuse(r, PROXY_ERROR_body_too_large, STR_NONE);
	if (r->msg.framing == HTTP_FRAMING_CHUNKED)
		h1_body_limit(&r->body, limit);
	if (c->timeout)
		r->deadline = r->begun + c->timeout;
	if (r->msg.method == HTTP_METHOD_PURGE && r->route->cache.purge && r->server->fills.l1)
		return STEP_PURGE;
	if (!r->route->group)
		return STEP_ANSWER;
	if (!r->route->cache.on || !r->server->fills.l1)
		return STEP_FETCH;
	return cache_wants_content(r) ? STEP_COLLECT : STEP_LOOKUP;
}
