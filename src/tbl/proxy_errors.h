/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Errors that the proxy answers itself.
 * PROXY_ERROR(id, HTTP status, Proxy-Status error token of RFC 9209 2.3 or "", title, detail)
 * The id is the name in logs and metrics. Rows are appended, never renumbered.
 *
 * The client's side. Refusals of the request carry no token unless the registry has one that says
 * exactly that: http_request_error is for a 4xx made here (RFC 9209 2.3.17).
 */
PROXY_ERROR(bad_request, 400, "http_request_error", "Bad Request", "The request is malformed.")
PROXY_ERROR(forbidden, 403, "http_request_denied", "Forbidden",
	    "This client address is not allowed here.")
PROXY_ERROR(no_route, 404, "http_request_error", "Not Found", "No route matches this request.")
PROXY_ERROR(method_not_allowed, 405, "http_request_error", "Method Not Allowed",
	    "The method is not allowed here.")
PROXY_ERROR(request_timeout, 408, "http_request_error", "Request Timeout",
	    "The request did not arrive in time.")
PROXY_ERROR(length_required, 411, "http_request_error", "Length Required",
	    "The request needs a Content-Length.")
PROXY_ERROR(body_too_large, 413, "http_request_error", "Content Too Large",
	    "The request's content is larger than allowed.")
PROXY_ERROR(uri_too_long, 414, "http_request_error", "URI Too Long",
	    "The request target is longer than allowed.")
PROXY_ERROR(expectation_failed, 417, "http_request_error", "Expectation Failed",
	    "The Expect field asks for something unknown.")
PROXY_ERROR(misdirected, 421, "http_request_error", "Misdirected Request",
	    "This server does not answer for that host.")
PROXY_ERROR(header_too_large, 431, "http_request_error", "Request Header Fields Too Large",
	    "The header section is larger than allowed.")
PROXY_ERROR(not_implemented, 501, "http_request_error", "Not Implemented",
	    "The request needs something that is not implemented here.")
PROXY_ERROR(version_not_supported, 505, "http_request_error", "HTTP Version Not Supported",
	    "This version of HTTP is not supported.")
/* Names and connections to the upstream. */
PROXY_ERROR(dns_error, 502, "dns_error", "Bad Gateway", "The back end's name could not be resolved.")
PROXY_ERROR(dns_timeout, 504, "dns_timeout", "Gateway Timeout",
	    "The back end's name was not resolved in time.")
PROXY_ERROR(destination_unavailable, 503, "destination_unavailable", "Service Unavailable",
	    "No back end is available.")
PROXY_ERROR(connection_refused, 502, "connection_refused", "Bad Gateway",
	    "The back end refused the connection.")
PROXY_ERROR(connection_unroutable, 502, "destination_ip_unroutable", "Bad Gateway",
	    "The back end's address cannot be reached.")
PROXY_ERROR(connection_terminated, 502, "connection_terminated", "Bad Gateway",
	    "The back end closed the connection before it answered.")
PROXY_ERROR(connection_timeout, 504, "connection_timeout", "Gateway Timeout",
	    "The connection to the back end was not made in time.")
PROXY_ERROR(connection_read_timeout, 504, "connection_read_timeout", "Gateway Timeout",
	    "The back end stopped sending.")
PROXY_ERROR(connection_write_timeout, 504, "connection_write_timeout", "Gateway Timeout",
	    "The back end stopped reading.")
PROXY_ERROR(queue_full, 503, "connection_limit_reached", "Service Unavailable",
	    "Too many requests are waiting for the back end.")
PROXY_ERROR(acquire_timeout, 503, "connection_limit_reached", "Service Unavailable",
	    "No connection to the back end became free in time.")
/* What the upstream answered. */
PROXY_ERROR(http_response_timeout, 504, "http_response_timeout", "Gateway Timeout",
	    "The back end did not answer in time.")
PROXY_ERROR(http_protocol_error, 502, "http_protocol_error", "Bad Gateway",
	    "The back end's answer is not valid HTTP.")
PROXY_ERROR(http_response_incomplete, 502, "http_response_incomplete", "Bad Gateway",
	    "The back end's answer ended early.")
PROXY_ERROR(http_response_header_section_size, 502, "http_response_header_section_size",
	    "Bad Gateway", "The header section of the back end's answer is too large.")
PROXY_ERROR(http_response_body_size, 502, "http_response_body_size", "Bad Gateway",
	    "The back end's answer is larger than allowed.")
PROXY_ERROR(http_response_transfer_coding, 502, "http_response_transfer_coding", "Bad Gateway",
	    "The back end used a transfer coding that is not known or is malformed.")
PROXY_ERROR(http_upgrade_failed, 502, "http_upgrade_failed", "Bad Gateway",
	    "The back end did not switch protocols as asked.")
PROXY_ERROR(total_timeout, 504, "http_response_timeout", "Gateway Timeout",
	    "The request took longer than allowed.")
PROXY_ERROR(not_in_cache, 504, "", "Gateway Timeout",
	    "The request allows only a stored response, and none can be used.")
PROXY_ERROR(collapsed_failed, 502, "destination_unavailable", "Bad Gateway",
	    "The back end failed for another request that this one was waiting with.")
/* Ourselves. */
PROXY_ERROR(proxy_internal_error, 500, "proxy_internal_error", "Internal Server Error",
	    "The proxy could not go on with this request.")
PROXY_ERROR(proxy_configuration_error, 500, "proxy_configuration_error", "Internal Server Error",
	    "The proxy's configuration does not allow an answer.")
PROXY_ERROR(proxy_loop_detected, 502, "proxy_loop_detected", "Bad Gateway",
	    "The request has passed through this proxy too often.")
PROXY_ERROR(out_of_memory, 503, "proxy_internal_error", "Service Unavailable",
	    "The proxy is out of memory.")
PROXY_ERROR(draining, 503, "connection_limit_reached", "Service Unavailable",
	    "This proxy is being taken out of service.")
PROXY_ERROR(too_many_connections, 503, "connection_limit_reached", "Service Unavailable",
	    "The proxy serves as many connections as it may.")
