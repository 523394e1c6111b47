/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fields of the access log. LOGFIELD(id, type, help); the name in the log is the id.
 * Types and when the field is absent (left out of JSON, "-" elsewhere):
 *   text     struct str; absent when empty
 *   size     uint64_t; never absent
 *   count    uint32_t; absent when 0
 *   stamp    int64_t ns since the epoch, printed as RFC 3339 UTC with ms; never absent
 *   seconds  int64_t ns, printed as seconds with 6 decimals; absent when negative
 *   flag     int8_t 0 or 1, printed as false or true; absent when negative
 * The order here is the order of a JSON line.
 */
LOGFIELD(time, stamp, "when the answer ended")
LOGFIELD(id, text, "request id: the client's X-Request-Id, or one made here")
LOGFIELD(client, text, "client address: as the proxy chain of trusted_proxies tells it")
LOGFIELD(client_port, count, "client port, when the connection is the client's own")
LOGFIELD(peer, text, "address at the other end of the connection, when it is not the client")
LOGFIELD(listener, text, "name of the listener")
LOGFIELD(protocol, text, "HTTP/1.0 or HTTP/1.1")
LOGFIELD(method, text, "method")
LOGFIELD(host, text, "host that was asked for")
LOGFIELD(target, text, "request target as it came")
LOGFIELD(path, text, "path part of the target, normalised, without the query")
LOGFIELD(status, count, "status of the answer; 499 when the client left before there was one")
LOGFIELD(bytes_in, size, "body bytes of the request")
LOGFIELD(bytes_out, size, "body bytes of the answer that were sent")
LOGFIELD(duration, seconds, "from the request head to the last byte of the answer")
LOGFIELD(first_byte, seconds, "from the request head to the first byte of the answer")
LOGFIELD(route, text, "name of the route")
LOGFIELD(cache, text, "what the cache did: hit, stale, revalidated, collapsed, miss, bypass; absent where the route does not cache")
LOGFIELD(upstream, text, "name of the upstream")
LOGFIELD(server, text, "server that answered, or was tried last")
LOGFIELD(upstream_status, count, "status of the upstream's answer")
LOGFIELD(attempts, count, "how often the request was sent")
LOGFIELD(reused, flag, "whether the upstream connection came from the pool")
LOGFIELD(queue_time, seconds, "time spent waiting for an upstream connection")
LOGFIELD(connect_time, seconds, "time to connect")
LOGFIELD(first_byte_time, seconds, "from the request sent to the upstream's answer head")
LOGFIELD(upstream_time, seconds, "from the request sent to the upstream's last byte")
LOGFIELD(connection_requests, count, "number of the request on its connection")
LOGFIELD(reason, text, "why the request ended, if not normally")
LOGFIELD(proxy_error, text, "error that the proxy answered with (RFC 9209 name)")
LOGFIELD(user_agent, text, "User-Agent")
LOGFIELD(referer, text, "Referer")
LOGFIELD(content_type, text, "Content-Type of the answer")
LOGFIELD(request_id, text, "the client's X-Request-Id, as it came")
LOGFIELD(forwarded_for, text, "X-Forwarded-For, as it came")
LOGFIELD(traceparent, text, "traceparent (W3C Trace Context)")
LOGFIELD(trailers, flag, "whether the answer ended with trailer fields")
