/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Words that a setting may take. Between CHOICES(enum) and CHOICES_END(enum):
 *   CHOICE(C name, "word", NOW or LATER, "what it means")
 * LATER: a word of the user's contract that this version does not know how to do yet.
 * The C enum is `enum conf_<enum>`; its values are CONF_<C name>, numbered from 1.
 */
CHOICES(level)
CHOICE(LEVEL_ERROR, "error", NOW, "only what failed")
CHOICE(LEVEL_WARN, "warn", NOW, "and what will fail soon or was slow")
CHOICE(LEVEL_INFO, "info", NOW, "and what an operator did: start, reload, drain")
CHOICE(LEVEL_DEBUG, "debug", NOW, "and every decision; for one machine and a short time")
CHOICES_END(level)

CHOICES(protocol)
CHOICE(PROTOCOL_H1, "h1", NOW, "HTTP/1.1 and HTTP/1.0")
CHOICE(PROTOCOL_H2, "h2", LATER, "HTTP/2, by ALPN on TLS, by prior knowledge on plain")
CHOICES_END(protocol)

CHOICES(upstream_protocol)
CHOICE(UPSTREAM_HTTP, "http", NOW, "HTTP/1.1 over TCP or a unix socket")
CHOICE(UPSTREAM_HTTPS, "https", LATER, "HTTP/1.1 over TLS")
CHOICES_END(upstream_protocol)

CHOICES(balance)
CHOICE(BALANCE_ROUND_ROBIN, "round_robin", NOW, "each server in turn, by weight")
CHOICE(BALANCE_LEAST_CONN, "least_conn", NOW, "the server with the fewest requests in flight per weight")
CHOICE(BALANCE_P2C, "p2c", NOW, "the better of two drawn at random, by requests in flight")
CHOICE(BALANCE_HASH, "hash", LATER, "the same key always meets the same server")
CHOICES_END(balance)

CHOICES(mode)
CHOICE(MODE_ENFORCE, "enforce", NOW, "do it")
CHOICE(MODE_OBSERVE, "observe", NOW, "count and log what would be done, and do nothing of it")
CHOICES_END(mode)

CHOICES(key_query)
CHOICE(KEY_QUERY_ALL, "all", NOW, "all of it, but for `ignore_query`")
CHOICE(KEY_QUERY_NONE, "none", NOW, "nothing of it")
CHOICE(KEY_QUERY_LISTED, "listed", NOW, "the parameters of `keep_query`")
CHOICES_END(key_query)

CHOICES(cache_method)
CHOICE(CACHE_GET, "GET", NOW, "the usual")
CHOICE(CACHE_HEAD, "HEAD", NOW, "from what GET has left")
CHOICE(CACHE_QUERY, "QUERY", NOW, "by the request's body (RFC 10008)")
CHOICE(CACHE_POST, "POST", NOW, "by the request's body, for back ends that use POST for reading")
CHOICES_END(cache_method)

CHOICES(set_cookie)
CHOICE(SET_COOKIE_EXPLICIT, "explicit", NOW,
       "kept where the answer says public or s-maxage or has a field of `targeted`")
CHOICE(SET_COOKIE_STORE, "store", NOW, "kept like any other")
CHOICE(SET_COOKIE_NEVER, "never", NOW, "never kept")
CHOICES_END(set_cookie)

CHOICES(unsafe)
CHOICE(UNSAFE_NO_STORE, "no-store", NOW, "answers that say no-store are kept (RFC 9111 5.2.2.5)")
CHOICE(UNSAFE_PRIVATE, "private", NOW,
       "answers that say private are kept and given to everybody (RFC 9111 5.2.2.7)")
CHOICE(UNSAFE_SET_COOKIE, "set-cookie", NOW,
       "answers with Set-Cookie are kept, and everybody gets the cookie (RFC 9111 7.3)")
CHOICE(UNSAFE_AUTHORIZATION, "authorization", NOW,
       "answers to requests with Authorization are kept and given to everybody (RFC 9111 3.5)")
CHOICE(UNSAFE_REQUEST, "request", NOW,
       "Cache-Control and Pragma of requests are not heeded (RFC 9111 5.2.1)")
CHOICES_END(unsafe)
