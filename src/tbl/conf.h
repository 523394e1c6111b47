/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Every setting, one row each; sections in the order in which C needs them (inner ones first).
 *
 *   SECTION(id, "what one of these is called", "one-liner")  ...rows...  SECTION_END(id)
 *   SETTING(section, key, type, of, presence, range, reload, since, "one-liner", "explanation")
 *
 * type      a row of tbl/conf_types.h: how it is written, what it is in C
 * of        ENUM, ENUMS: the set of words (tbl/conf_choices.h); BLOCK, BLOCKS, NAMED: the section;
 *           else NONE
 * presence  DEFAULT("text"): what is in force when the key is absent, as one would write it;
 *           UNSET("example"): absent means absent; REQUIRED("example"): must be written; blocks
 *           and names of blocks have no example: ""
 * range     RANGE("least", "most") as one would write them, or ANY
 * reload    LIVE: a reload applies it; WORKERS: a reload starts new workers; RESTART: needs one
 * since     the first version that has it
 *
 * Expanded by conf/types.h (the structs), conf/rows.c (the table that parser, printer, differ and
 * schema walk) and, through that, the reference page, the manual page and the sample.
 */
SECTION(log_access, "the access log", "One line per request, off unless an output is given.")
SETTING(log_access, output, ACCESS_OUTPUT, NONE, UNSET("/var/log/tiercel/access.log"), ANY, LIVE, "0.1",
	"Where access lines go: `stderr` or a file; off unless given.",
	"Lines are collected and written in large pieces. When the file cannot take them, they are "
	"dropped and counted; a request never waits for its log line. The file is opened by the "
	"master and opened anew on SIGUSR1, so that it can be rotated by renaming.")
SETTING(log_access, format, LOG_FORMAT, NONE, DEFAULT("json"), ANY, LIVE, "0.1",
	"`json`, `combined`, or a list of fields such as `[time, client, status]`.",
	"`json` writes one object per line; a field without a value is left out. `combined` is the "
	"well-known format of web servers. A list writes those fields, separated by spaces. The page "
	"access-log lists the fields.")
SECTION_END(log_access)

SECTION(log, "log", "Error log and access log.")
SETTING(log, level, ENUM, level, DEFAULT("info"), ANY, LIVE, "0.1",
	"How much the error log says.",
	"Repeated lines are limited in rate and counted, whatever the level.")
SETTING(log, output, LOG_OUTPUT, NONE, DEFAULT("stderr"), ANY, LIVE, "0.1",
	"Where the error log goes: `stderr`, `syslog` or a file.",
	"Under a service manager `stderr` ends in its journal. A file is opened by the master and "
	"opened anew on SIGUSR1.")
SETTING(log, access, BLOCK, log_access, UNSET(""), ANY, LIVE, "0.1", "The access log.", "")
SETTING(log, slow_request, TIME, NONE, DEFAULT("1s"), RANGE("0s", "1h"), LIVE, "0.1",
	"Requests slower than this get one warning line with the time of each phase; 0s = off.",
	"The line names the route, the server and how long queueing, connecting, waiting for the "
	"first byte and sending took.")
SECTION_END(log)

SECTION(admin_health, "admin.health", "When /health answers 503.")
SETTING(admin_health, window, TIME, NONE, DEFAULT("1m"), RANGE("1s", "1h"), LIVE, "0.1",
	"The time over which the figures are taken.", "")
SETTING(admin_health, max_average, TIME, NONE, DEFAULT("500ms"), RANGE("1ms", "1h"), LIVE, "0.1",
	"Average duration of a request above which the node is unhealthy.", "")
SETTING(admin_health, max_error_rate, PERCENT, NONE, DEFAULT("5%"), RANGE("0%", "100%"), LIVE,
	"0.1", "Share of answers with a 5xx status above which the node is unhealthy.", "")
SECTION_END(admin_health)

SECTION(admin, "admin", "The operator's side: command socket, metrics, health, dashboard.")
SETTING(admin, socket, SOCKET_PATH, NONE, DEFAULT("/run/tiercel/admin.sock"), ANY, LIVE, "0.1",
	"Unix socket on which tiercelctl commands are answered.",
	"Who may open the socket may command the proxy: its mode is 0660.")
SETTING(admin, listen, ADDRESS_OR_OFF, NONE, UNSET("127.0.0.1:9180"), ANY, LIVE, "0.1",
	"Address for /metrics, /health, /api/ and the dashboard; off unless given.",
	"There is no password: keep it on a loopback or private address.")
SETTING(admin, purge, BOOL, NONE, DEFAULT("false"), ANY, LIVE, "0.1",
	"`POST /api/purge` on `listen` may purge the cache.",
	"Whoever reaches the address may do it then. tiercelctl purge needs no such leave.")
SETTING(admin, health, BLOCK, admin_health, UNSET(""), ANY, LIVE, "0.1", "When /health answers 503.",
	"")
SECTION_END(admin)

SECTION(listener_limits, "a listener's limits", "What a client may send at most.")
SETTING(listener_limits, header_size, SIZE, NONE, DEFAULT("32KiB"), RANGE("1KiB", "48KiB"), LIVE,
	"0.1", "Largest request head, start line included; 431 beyond it.", "")
SETTING(listener_limits, header_fields, COUNT, NONE, DEFAULT("100"), RANGE("8", "250"), LIVE, "0.1",
	"Most header fields in a request; 431 beyond it.", "")
SETTING(listener_limits, body_size, SIZE, NONE, DEFAULT("10MiB"), RANGE("0", "1024TiB"), LIVE,
	"0.1", "Largest request body; 413 beyond it; 0 = no limit.",
	"Bodies are streamed, never collected, so a large limit costs no memory.")
SETTING(listener_limits, connections, COUNT, NONE, DEFAULT("10000"), RANGE("1", "10000000"), LIVE,
	"0.1", "Most open client connections of this listener on this node.",
	"Further clients wait in the kernel's queue until a connection closes.")
SECTION_END(listener_limits)

SECTION(listener_timeouts, "a listener's timeouts", "How long a client may take.")
SETTING(listener_timeouts, header, TIME, NONE, DEFAULT("10s"), RANGE("10ms", "1h"), LIVE, "0.1",
	"From the first byte of a request to the end of its head; 408 beyond it.",
	"The clock does not start again with each byte, so a slow drip does not hold a connection.")
SETTING(listener_timeouts, body, TIME, NONE, DEFAULT("60s"), RANGE("10ms", "1h"), LIVE, "0.1",
	"Longest pause inside a request body.", "")
SETTING(listener_timeouts, keepalive, TIME, NONE, DEFAULT("60s"), RANGE("10ms", "24h"), LIVE, "0.1",
	"How long a connection may stay open without a request.", "")
SETTING(listener_timeouts, write, TIME, NONE, DEFAULT("60s"), RANGE("10ms", "1h"), LIVE, "0.1",
	"Longest pause in which a client takes nothing of an answer.", "")
SECTION_END(listener_timeouts)

SECTION(listener, "a listener", "An address on which clients are served.")
SETTING(listener, name, NAME, NONE, UNSET("web"), ANY, LIVE, "0.1",
	"Name in logs, metrics and commands; the address unless given.", "")
SETTING(listener, address, ADDRESS, NONE, REQUIRED("0.0.0.0:8080"), ANY, LIVE, "0.1",
	"`host:port`, `[v6]:port` or `unix:/path`.",
	"A reload that adds an address opens it before anything else changes; one that removes an "
	"address serves what was accepted, then closes it.")
SETTING(listener, protocols, ENUMS, protocol, DEFAULT("h1"), ANY, LIVE, "0.1",
	"What is spoken on this address.", "")
SETTING(listener, proxy_protocol, BOOL, NONE, DEFAULT("false"), ANY, LIVE, "0.1",
	"Expect a PROXY protocol header, v1 or v2, on every connection.",
	"The client address is then the one in that header. A connection without one is closed, so "
	"only switch it on behind a balancer that sends it.")
SETTING(listener, trusted_proxies, CIDRS, NONE, UNSET("[10.0.0.0/8]"), ANY, LIVE, "0.1",
	"Networks whose X-Forwarded-For and Forwarded fields are believed.",
	"From other clients these fields are dropped. The client address is the last one in the chain "
	"that is not a trusted proxy.")
SETTING(listener, limits, BLOCK, listener_limits, UNSET(""), ANY, LIVE, "0.1",
	"What a client may send at most.", "")
SETTING(listener, timeouts, BLOCK, listener_timeouts, UNSET(""), ANY, LIVE, "0.1",
	"How long a client may take.", "")
SECTION_END(listener)

SECTION(cache_l1, "cache.l1", "The cache in shared memory.")
SETTING(cache_l1, size, SIZE, NONE, DEFAULT("256MiB"), RANGE("0", "16TiB"), RESTART, "0.1",
	"Size of the cache, 4MiB at least; 0 = no cache.",
	"All workers share one piece of memory, which is made at the start and outlives reloads and "
	"dead workers. Memory is taken as the cache fills.")
SETTING(cache_l1, max_object, SIZE, NONE, DEFAULT("16MiB"), RANGE("1KiB", "4TiB"), LIVE, "0.1",
	"Largest answer that is kept; a quarter of the size at most.",
	"Larger ones are passed on and counted. Unless written, it shrinks with a small cache to a "
	"quarter of its size.")
SECTION_END(cache_l1)

SECTION(cache, "cache", "Where answers are kept. What is kept, each route says.")
SETTING(cache, l1, BLOCK, cache_l1, UNSET(""), ANY, LIVE, "0.1", "The cache in shared memory.", "")
SECTION_END(cache)

SECTION(server, "a server", "One back end of an upstream; a bare address is short for it.")
SETTING(server, address, ADDRESS, NONE, REQUIRED("127.0.0.1:8081"), ANY, LIVE, "0.1",
	"`host:port`, `[v6]:port` or `unix:/path`.",
	"A name is resolved without blocking, and again and again while the proxy runs; when that "
	"fails, the last good answer stays in use.")
SETTING(server, weight, COUNT, NONE, DEFAULT("1"), RANGE("1", "1000"), LIVE, "0.1",
	"Share of the requests, relative to the other servers.", "")
SECTION_END(server)

SECTION(pool, "an upstream's pool", "Connections kept to an upstream's servers.")
SETTING(pool, max_connections, COUNT, NONE, DEFAULT("100"), RANGE("1", "1000000"), LIVE, "0.1",
	"Most connections to the upstream, over all workers.", "")
SETTING(pool, max_idle, COUNT, NONE, DEFAULT("32"), RANGE("0", "1000000"), LIVE, "0.1",
	"Most idle connections kept for reuse, over all workers; 0 = none.", "")
SETTING(pool, idle_timeout, TIME, NONE, DEFAULT("50s"), RANGE("10ms", "24h"), LIVE, "0.1",
	"How long an idle connection is kept.",
	"Keep it below the keep-alive time of the servers, so that we close first.")
SETTING(pool, max_requests, COUNT, NONE, DEFAULT("1000"), RANGE("0", "1000000000"), LIVE, "0.1",
	"Requests after which a connection is not used again; 0 = no limit.", "")
SETTING(pool, queue, COUNT, NONE, DEFAULT("128"), RANGE("0", "1000000"), LIVE, "0.1",
	"Most requests that wait for a connection, first come, first served; 0 = none waits.",
	"A request that finds the queue full is answered 503 at once.")
SETTING(pool, acquire_timeout, TIME, NONE, DEFAULT("5s"), RANGE("0s", "1h"), LIVE, "0.1",
	"Longest wait for a connection; 503 beyond it.", "")
SECTION_END(pool)

SECTION(upstream_timeouts, "an upstream's timeouts", "How long a server may take.")
SETTING(upstream_timeouts, connect, TIME, NONE, DEFAULT("3s"), RANGE("1ms", "5m"), LIVE, "0.1",
	"To connect to one server.", "")
SETTING(upstream_timeouts, first_byte, TIME, NONE, DEFAULT("30s"), RANGE("0s", "24h"), LIVE, "0.1",
	"From the end of the request to the first byte of the answer; 504 beyond it; 0s = none.", "")
SETTING(upstream_timeouts, idle, TIME, NONE, DEFAULT("60s"), RANGE("0s", "24h"), LIVE, "0.1",
	"Longest pause inside an answer, or in which a server takes nothing of a request; 0s = none.",
	"")
SETTING(upstream_timeouts, total, TIME, NONE, DEFAULT("0s"), RANGE("0s", "24h"), LIVE, "0.1",
	"For the whole exchange; 0s = none.", "")
SECTION_END(upstream_timeouts)

SECTION(upstream, "an upstream", "A group of back-end servers under one name.")
SETTING(upstream, name, MAP_KEY, NONE, UNSET(""), ANY, LIVE, "0.1", "Its key in the map.", "")
SETTING(upstream, servers, BLOCKS, server, REQUIRED(""), ANY, LIVE, "0.1",
	"The servers: addresses, or `{ address: ..., weight: ... }`.", "")
SETTING(upstream, protocol, ENUM, upstream_protocol, DEFAULT("http"), ANY, LIVE, "0.1",
	"What the servers speak.", "")
SETTING(upstream, balance, ENUM, balance, DEFAULT("p2c"), ANY, LIVE, "0.1",
	"How a server is chosen.", "")
SETTING(upstream, pool, BLOCK, pool, UNSET(""), ANY, LIVE, "0.1", "Connections kept to the servers.",
	"")
SETTING(upstream, timeouts, BLOCK, upstream_timeouts, UNSET(""), ANY, LIVE, "0.1",
	"How long a server may take.", "")
SECTION_END(upstream)

SECTION(match, "a route's match", "Which requests the route takes; all that is given must fit.")
SETTING(match, host, HOSTS, NONE, UNSET("shop.example"), ANY, LIVE, "0.1",
	"A host or a list of hosts; `*.example` takes every name below example; any unless given.",
	"Compared without regard to case and without the port. The most specific host wins.")
SETTING(match, path, ROUTE_PATH, NONE, DEFAULT("/"), ANY, LIVE, "0.1",
	"Beginning of the path; `= /exact` for the whole path, `~ regex` for a pattern.",
	"Among routes of one host an exact path wins, then the first pattern that matches, then the "
	"longest beginning. A pattern may match anywhere in the path unless it is anchored with ^ and $.")
SETTING(match, method, METHODS, NONE, UNSET("[GET, HEAD]"), ANY, LIVE, "0.1",
	"A method or a list of methods; any unless given.", "")
SECTION_END(match)

SECTION(rewrite, "a route's rewrite", "What is changed in the request line and Host.")
SETTING(rewrite, strip_prefix, URL_PREFIX, NONE, UNSET("/api"), ANY, LIVE, "0.1",
	"Taken off the front of the path before it is sent upstream.",
	"The route's path must begin with it.")
SETTING(rewrite, add_prefix, URL_PREFIX, NONE, UNSET("/v1"), ANY, LIVE, "0.1",
	"Put in front of the path, after strip_prefix.", "")
SETTING(rewrite, host, AUTHORITY, NONE, UNSET("app.internal"), ANY, LIVE, "0.1",
	"Host sent upstream; the client's unless given.", "")
SECTION_END(rewrite)

SECTION(cache_key, "a route's cache key",
	"What makes two requests ask for the same thing, beside the path.")
SETTING(cache_key, query, ENUM, key_query, DEFAULT("all"), ANY, LIVE, "0.1",
	"How much of the query counts.", "What does not count is still sent to the back end.")
SETTING(cache_key, keep_query, QUERY_NAMES, NONE, UNSET("[page, lang]"), ANY, LIVE, "0.1",
	"With `query: listed`: the parameters that count.",
	"A `*` at the end stands for any rest. Case counts.")
SETTING(cache_key, ignore_query, QUERY_NAMES, NONE, UNSET("[utm_*, fbclid]"), ANY, LIVE, "0.1",
	"With `query: all`: the parameters that do not count.",
	"A `*` at the end stands for any rest. Case counts.")
SETTING(cache_key, sort_query, BOOL, NONE, DEFAULT("false"), ANY, LIVE, "0.1",
	"The order of the parameters does not count.",
	"Off, because a server may give the order a meaning. The order among parameters of one name "
	"always counts.")
SETTING(cache_key, headers, FIELD_NAMES, NONE, UNSET("[X-Tenant]"), ANY, LIVE, "0.1",
	"Request fields whose values count.",
	"For back ends that choose by a field and do not say so in Vary.")
SETTING(cache_key, cookies, COOKIE_NAMES, NONE, UNSET("[lang]"), ANY, LIVE, "0.1",
	"Cookies whose values count.", "")
SETTING(cache_key, host, BOOL, NONE, DEFAULT("true"), ANY, LIVE, "0.1",
	"Host and port count.",
	"Switch it off only where every host of the route shows the same: answers are shared between "
	"them.")
SECTION_END(cache_key)

SECTION(coalesce, "a route's coalesce", "Requests that wait for another's answer.")
SETTING(coalesce, wait, TIME, NONE, DEFAULT("5s"), RANGE("0s", "10m"), LIVE, "0.1",
	"How long a request waits for the head of an answer that another has asked for; 0s = off.",
	"After it the request gets a stale answer where one may be used, else it asks the back end "
	"itself. What begins to arrive is passed on to all as it comes.")
SECTION_END(coalesce)

SECTION(purge, "a route's purge", "The PURGE method; off unless the block is there.")
SETTING(purge, allow, CIDRS, NONE, UNSET("[127.0.0.1, \"::1\"]"), ANY, LIVE, "0.1",
	"Networks whose clients may drop an answer with `PURGE` and its URL; must be given.",
	"Others get 403. tiercelctl purge needs no such block.")
SECTION_END(purge)

SECTION(route_cache, "a route's cache",
	"What is kept of this route's answers. Without a word here, what HTTP allows a shared cache.")
SETTING(route_cache, enabled, BOOL, NONE, DEFAULT("true"), ANY, LIVE, "0.1",
	"Keep and reuse answers of this route.",
	"The answers' own Cache-Control decides, and the settings below. false: every request goes to "
	"the back end.")
SETTING(route_cache, mode, ENUM, mode, DEFAULT("enforce"), ANY, LIVE, "0.1",
	"`observe` decides, counts, logs and tells in Cache-Status, but keeps and reuses nothing.", "")
SETTING(route_cache, ttl, TIME, NONE, DEFAULT("0s"), RANGE("0s", "3650d"), LIVE, "0.1",
	"Lifetime of answers that give none themselves; 0s = only what HTTP allows.",
	"Whole seconds, like all lifetimes. For the statuses that a cache may keep unasked (200, 203, "
	"204, 300, 301, 308, 404, 405, 410, 414, 501); `statuses` names others.")
SETTING(route_cache, override, BOOL, NONE, DEFAULT("false"), ANY, LIVE, "0.1",
	"`ttl` and `statuses` replace what the answer says.",
	"Not where it says no-store or private, has a Set-Cookie, or answers a request with "
	"Authorization: `unsafe` must name these.")
SETTING(route_cache, unsafe, ENUMS, unsafe, UNSET("[request]"), ANY, LIVE, "0.1",
	"Rules of HTTP to break, by name; each one is warned of.",
	"All but `request` add to `override`. One client's answers may reach another: be sure that "
	"the route has none that are personal.")
SETTING(route_cache, l1_ttl, TIME, NONE, DEFAULT("0s"), RANGE("0s", "3650d"), LIVE, "0.1",
	"Longest lifetime in this cache, whatever the answer says; 0s = no bound.", "")
SETTING(route_cache, stale_while_revalidate, TIME, NONE, DEFAULT("0s"), RANGE("0s", "3650d"), LIVE,
	"0.1", "How long past its lifetime an answer may be used while a new one is fetched.",
	"Where the answer itself does not say (RFC 5861 3). 0s, because RFC 9111 4.2.4 allows stale "
	"answers only where the back end is out of reach, or by agreement: this setting is that "
	"agreement. Answers that forbid it (must-revalidate, proxy-revalidate, no-cache, s-maxage) are "
	"never used stale.")
SETTING(route_cache, stale_if_error, TIME, NONE, DEFAULT("1h"), RANGE("0s", "3650d"), LIVE, "0.1",
	"How long past its lifetime an answer may be used when the back end is out of reach or fails.",
	"Where the answer itself does not say (RFC 5861 4); a failure is a status of 500, 502, 503 or "
	"504. RFC 9111 4.2.4 allows stale answers where the back end is out of reach; where it answers "
	"with an error, this setting is the agreement that the RFC asks for. Answers that forbid it "
	"(must-revalidate, proxy-revalidate, no-cache, s-maxage) are never used stale.")
SETTING(route_cache, methods, ENUMS, cache_method, DEFAULT("[GET, HEAD]"), ANY, LIVE, "0.1",
	"Methods whose answers are kept and reused.", "HEAD is answered from what GET has left.")
SETTING(route_cache, key_body, SIZE, NONE, DEFAULT("64KiB"), RANGE("1B", "1MiB"), LIVE, "0.1",
	"Largest body of a QUERY or POST that is collected to be part of the key.",
	"Requests with a larger one go to the back end.")
SETTING(route_cache, key, BLOCK, cache_key, UNSET(""), ANY, LIVE, "0.1",
	"What makes two requests ask for the same thing.", "")
SETTING(route_cache, variants, COUNT, NONE, DEFAULT("64"), RANGE("1", "1000"), LIVE, "0.1",
	"Most answers that are kept for one key, told apart by Vary.",
	"One more takes the place of the one that was used least lately.")
SETTING(route_cache, statuses, STATUS_TIMES, NONE, UNSET("{404: 10s}"),
	RANGE("0s", "3650d"), LIVE, "0.1",
	"Lifetime by status, for answers that give none themselves; goes before `ttl`.",
	"0s = such an answer is not kept unless it says so itself.")
SETTING(route_cache, set_cookie, ENUM, set_cookie, DEFAULT("explicit"), ANY, LIVE, "0.1",
	"What becomes of answers with Set-Cookie.",
	"HTTP allows a shared cache to keep them; a cookie that was meant for one client would reach "
	"all.")
SETTING(route_cache, targeted, FIELD_NAMES, NONE, DEFAULT("[CDN-Cache-Control]"), ANY, LIVE, "0.1",
	"Fields that stand in for Cache-Control and Expires where an answer has them (RFC 9213).",
	"The first of the list that is there counts. `[]` = none.")
SETTING(route_cache, coalesce, BLOCK, coalesce, UNSET(""), ANY, LIVE, "0.1",
	"Requests that wait for another's answer.", "")
SETTING(route_cache, no_vary_search, BOOL, NONE, DEFAULT("true"), ANY, LIVE, "0.1",
	"Heed No-Vary-Search: the answer says which query parameters do not count.", "")
SETTING(route_cache, cache_groups, BOOL, NONE, DEFAULT("true"), ANY, LIVE, "0.1",
	"Heed Cache-Groups and Cache-Group-Invalidation (RFC 9875).", "")
SETTING(route_cache, tags, FIELD_NAMES, NONE, DEFAULT("[Surrogate-Key, Cache-Tag]"), ANY, LIVE,
	"0.1", "Response fields whose words are tags to purge by; clients do not get them.",
	"`[]` = none.")
SETTING(route_cache, status_header, BOOL, NONE, DEFAULT("true"), ANY, LIVE, "0.1",
	"Write Cache-Status on answers: hit or why not (RFC 9211).", "")
SETTING(route_cache, purge, BLOCK, purge, UNSET(""), ANY, LIVE, "0.1",
	"The PURGE method; off unless the block is there.", "")
SECTION_END(route_cache)

SECTION(fallback, "a route's fallback", "What answers when the upstream cannot.")
SETTING(fallback, upstream, NAME, NONE, UNSET("backup"), ANY, LIVE, "0.1",
	"Another upstream that gets the request.",
	"Used when no server of the first one could be reached and nothing of an answer has come.")
SETTING(fallback, status, COUNT, NONE, UNSET("503"), RANGE("200", "599"), LIVE, "0.1",
	"Status of a fixed answer instead.", "Stands for 503 where only a body is given.")
SETTING(fallback, body_file, BODY_FILE, NONE, UNSET("/etc/tiercel/sorry.html"), ANY, LIVE, "0.1",
	"File with the body of the fixed answer, 1 MiB at most; read when the configuration is.", "")
SETTING(fallback, body, TEXT, NONE, UNSET("Back in a minute."), ANY, LIVE, "0.1",
	"The body itself, instead of a file.", "")
SETTING(fallback, content_type, FIELD_VALUE, NONE, UNSET("text/html"), ANY, LIVE, "0.1",
	"Content-Type of the body; text/plain unless given, text/html for a file that ends in .html.",
	"")
SECTION_END(fallback)

SECTION(answer, "a route's answer", "A fixed answer: the route needs no upstream.")
SETTING(answer, status, COUNT, NONE, UNSET("200"), RANGE("200", "599"), LIVE, "0.1",
	"Status; 200 unless given, 302 with a location.", "")
SETTING(answer, body_file, BODY_FILE, NONE, UNSET("/etc/tiercel/hello.html"), ANY, LIVE, "0.1",
	"File with the body, 1 MiB at most; read when the configuration is.", "")
SETTING(answer, body, TEXT, NONE, UNSET("Hello."), ANY, LIVE, "0.1", "The body itself, instead of a file.",
	"")
SETTING(answer, content_type, FIELD_VALUE, NONE, UNSET("text/plain"), ANY, LIVE, "0.1",
	"Content-Type of the body; text/plain unless given, text/html for a file that ends in .html.",
	"")
SETTING(answer, location, FIELD_VALUE, NONE, UNSET("https://www.example/"), ANY, LIVE, "0.1",
	"Location of a redirection.", "")
SECTION_END(answer)

SECTION(header_ops, "header operations", "Changes to header fields: remove, then set, then add.")
SETTING(header_ops, set, PAIRS, NONE, UNSET("{X-Tenant: a}"), ANY, LIVE, "0.1",
	"Fields written in place of any of the same name.", "")
SETTING(header_ops, add, PAIRS, NONE, UNSET("{X-Via: tiercel}"), ANY, LIVE, "0.1",
	"Fields added after those that are there.", "")
SETTING(header_ops, remove, FIELD_NAMES, NONE, UNSET("[X-Debug]"), ANY, LIVE, "0.1", "Fields taken out.", "")
SECTION_END(header_ops)

SECTION(headers, "a route's headers",
	"Changes to header fields. Those that frame a message or belong to one connection are refused.")
SETTING(headers, request, BLOCK, header_ops, UNSET(""), ANY, LIVE, "0.1",
	"In the request that goes upstream.", "")
SETTING(headers, response, BLOCK, header_ops, UNSET(""), ANY, LIVE, "0.1",
	"In the answer that goes to the client.", "")
SECTION_END(headers)

SECTION(access, "a route's access", "Who may use the route; others get 403.")
SETTING(access, allow, CIDRS, NONE, UNSET("[10.0.0.0/8]"), ANY, LIVE, "0.1",
	"Networks that may; everybody unless given.", "")
SETTING(access, deny, CIDRS, NONE, UNSET("[10.9.0.0/16]"), ANY, LIVE, "0.1",
	"Networks that may not, even where allow has them.", "")
SECTION_END(access)

SECTION(route, "a route", "Which requests go where, and what happens to them on the way.")
SETTING(route, name, NAME, NONE, UNSET("shop"), ANY, LIVE, "0.1",
	"Name in logs, metrics and commands; host and path of its match unless given.", "")
SETTING(route, match, BLOCK, match, UNSET(""), ANY, LIVE, "0.1",
	"Which requests; all unless given.", "")
SETTING(route, upstream, NAME, NONE, UNSET("app"), ANY, LIVE, "0.1",
	"The upstream that answers.", "A route has either an upstream or an answer.")
SETTING(route, rewrite, BLOCK, rewrite, UNSET(""), ANY, LIVE, "0.1",
	"What is changed in the request line and Host.", "")
SETTING(route, cache, BLOCK, route_cache, UNSET(""), ANY, LIVE, "0.1",
	"What is kept of its answers.", "")
SETTING(route, fallback, BLOCK, fallback, UNSET(""), ANY, LIVE, "0.1",
	"What answers when the upstream cannot.", "")
SETTING(route, answer, BLOCK, answer, UNSET(""), ANY, LIVE, "0.1",
	"A fixed answer instead of an upstream.", "")
SETTING(route, headers, BLOCK, headers, UNSET(""), ANY, LIVE, "0.1", "Changes to header fields.", "")
SETTING(route, security_headers, BOOL, NONE, DEFAULT("false"), ANY, LIVE, "0.1",
	"Add the usual protective header fields to answers that lack them.", "")
SETTING(route, max_body, SIZE, NONE, DEFAULT("0"), RANGE("0", "1024TiB"), LIVE, "0.1",
	"Largest request body of this route; 0 = what the listener says.", "")
SETTING(route, timeout, TIME, NONE, DEFAULT("0s"), RANGE("0s", "24h"), LIVE, "0.1",
	"For a whole request on this route; 504 beyond it; 0s = none.", "")
SETTING(route, forwarded, BOOL, NONE, DEFAULT("true"), ANY, LIVE, "0.1",
	"Write X-Forwarded-For, -Proto, -Host and Forwarded for the upstream.", "")
SETTING(route, access, BLOCK, access, UNSET(""), ANY, LIVE, "0.1", "Who may use the route.", "")
SECTION_END(route)

SECTION(root, "the configuration", "The file itself.")
SETTING(root, version, COUNT, NONE, DEFAULT("1"), RANGE("1", "1"), LIVE, "0.1",
	"Version of this file format.", "")
SETTING(root, workers, COUNT_OR_AUTO, NONE, DEFAULT("auto"), RANGE("1", "64"), WORKERS, "0.1",
	"Worker processes; `auto` = one per available CPU.", "")
SETTING(root, user, STRING, NONE, DEFAULT("tiercel"), ANY, RESTART, "0.1",
	"User to become when started as root; ignored otherwise.",
	"Workers and the admin process run as this user; only the master keeps its privileges.")
SETTING(root, shutdown_grace, TIME, NONE, DEFAULT("30s"), RANGE("0s", "24h"), LIVE, "0.1",
	"How long open requests may take to finish when the proxy is stopped.", "")
SETTING(root, include, INCLUDE, NONE, UNSET("conf.d/*.yaml"), ANY, LIVE, "0.1",
	"Further files, as a pattern or a list of patterns, such as `conf.d/*.yaml`.",
	"Relative to the file that includes them, in sorted order. Blocks are merged, lists are "
	"appended; a setting or a name that is given twice is an error. A pattern without a wildcard "
	"must exist.")
SETTING(root, log, BLOCK, log, UNSET(""), ANY, LIVE, "0.1", "Error log and access log.", "")
SETTING(root, admin, BLOCK, admin, UNSET(""), ANY, LIVE, "0.1",
	"Command socket, metrics, health, dashboard.", "")
SETTING(root, listeners, BLOCKS, listener, REQUIRED(""), ANY, LIVE, "0.1",
	"The addresses on which clients are served; at least one.", "")
SETTING(root, cache, BLOCK, cache, UNSET(""), ANY, LIVE, "0.1", "Where answers are kept.", "")
SETTING(root, upstreams, NAMED, upstream, UNSET(""), ANY, LIVE, "0.1",
	"The groups of back-end servers, by name.", "")
SETTING(root, routes, BLOCKS, route, REQUIRED(""), ANY, LIVE, "0.1",
	"Which requests go where; at least one.",
	"The most specific host wins, then the longest path, then the method; among equals the first.")
SECTION_END(root)
