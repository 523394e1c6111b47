/* SPDX-License-Identifier: BSD-2-Clause */
/* What is said about the settings of the cache; as in cases_report.h. */
#define CACHE(text) "routes: [{upstream: app, cache: {" text "}}]\n" NO_ROUTES
#define KEY(text) CACHE("key: {" text "}")

/* ---- cache.l1 ---- */
GOOD(l1_none, "cache: {l1: {size: 0}}\n" BASE, "")
GOOD(l1_none_unit, "cache: {l1: {size: 0B}}\n" BASE, "")
GOOD(l1_none_object, "cache: {l1: {size: 0, max_object: 1GiB}}\n" BASE, "")
GOOD(l1_least, "cache: {l1: {size: 4MiB}}\n" BASE, "")
BAD(l1_small, "cache: {l1: {size: 4095KiB}}\n" BASE,
    "t.yaml:1:20: size: 4095KiB is too small; 0 (no cache) or 4MiB and more is allowed\n")
BAD(l1_large, "cache: {l1: {size: 17TiB}}\n" BASE,
    "t.yaml:1:20: size: 17TiB is too large; 0 to 16TiB is allowed\n")
GOOD(l1_object, "cache: {l1: {size: 64MiB, max_object: 16MiB}}\n" BASE, "")
BAD(l1_object_large, "cache: {l1: {size: 63MiB, max_object: 16MiB}}\n" BASE,
    "t.yaml:1:39: max_object: 16MiB is more than a quarter of the cache; 16128KiB is allowed\n")
BAD(l1_object_larger, "cache: {l1: {max_object: 65MiB}}\n" BASE,
    "t.yaml:1:26: max_object: 65MiB is more than a quarter of the cache; 64MiB is allowed\n")
BAD(l1_both, "cache: {l1: {size: 1MiB, max_object: 1MiB}}\n" BASE,
    "t.yaml:1:20: size: 1MiB is too small; 0 (no cache) or 4MiB and more is allowed\n")
BAD(l1_bad_size, "cache: {l1: {size: big, max_object: 1TiB}}\n" BASE,
    "t.yaml:1:20: size: \"big\" does not begin with a number\n")

/* ---- a route: words and values ---- */
GOOD(route_all,
     CACHE("enabled: true, mode: observe, ttl: 1m, override: true, l1_ttl: 1h, "
	   "stale_while_revalidate: 10s, stale_if_error: 1d, methods: [GET, HEAD, QUERY, POST], "
	   "key_body: 1KiB, key: {query: listed, keep_query: [a, \"b[]\", c*], sort_query: true, "
	   "headers: [X-A, Cookie], cookies: [lang], host: false}, variants: 3, "
	   "statuses: {404: 10s, 500: 0s}, set_cookie: store, targeted: [X-Cache-Control], "
	   "coalesce: {wait: 0s}, no_vary_search: false, cache_groups: false, tags: xkey, "
	   "status_header: false, purge: {allow: [10.0.0.0/8, \"::1\"]}"),
     "")
GOOD(route_lists_empty,
     CACHE("targeted: [], tags: [], unsafe: [], key: {keep_query: [], ignore_query: [], "
	   "headers: [], cookies: []}, statuses: {}"),
     "")
GOOD(route_null, "routes: [{upstream: app, cache: }]\n" NO_ROUTES, "")
GOOD(route_off, CACHE("enabled: false, ttl: 1m"), "")
BAD(route_unknown, CACHE("ttll: 1s"),
    "t.yaml:1:34: unknown key \"ttll\" in a route's cache; did you mean \"ttl\"?\n")
BAD(route_deeper, CACHE("sort_query: true"),
    "t.yaml:1:34: unknown key \"sort_query\" in a route's cache; it belongs in a route's cache key\n")
BAD(route_far, CACHE("quux: 1"),
    "t.yaml:1:34: unknown key \"quux\" in a route's cache; allowed: enabled, mode, ttl, override, "
    "unsafe, l1_ttl, stale_while_revalidate, stale_if_error, methods, key_body, key, variants, "
    "statuses, set_cookie, targeted, coalesce, no_vary_search, cache_groups, tags, status_header, "
    "purge\n")
BAD(route_list, "routes: [{upstream: app, cache: [true]}]\n" NO_ROUTES,
    "t.yaml:1:33: cache: must be a block of settings, not a list\n")
BAD(route_l2_ttl, CACHE("l2_ttl: 1h"),
    "t.yaml:1:34: \"l2_ttl\" is not in this version yet (the memcached tier)\n")
BAD(route_mode, CACHE("mode: dry"),
    "t.yaml:1:40: mode: \"dry\" is not known; allowed: enforce, observe\n")
BAD(route_ttl_bare, CACHE("ttl: 60"),
    "t.yaml:1:39: ttl: \"60\" has no unit; write 60s for seconds or 60ms for milliseconds\n")
BAD(route_ttl_long, CACHE("ttl: 3651d"),
    "t.yaml:1:39: ttl: 3651d is too large; 0s to 3650d is allowed\n")
BAD(route_times,
    CACHE("l1_ttl: 3651d, stale_while_revalidate: x, stale_if_error: -1s, coalesce: {wait: 11m}"),
    "t.yaml:1:42: l1_ttl: 3651d is too large; 0s to 3650d is allowed\n"
    "t.yaml:1:73: stale_while_revalidate: \"x\" does not begin with a number\n"
    "t.yaml:1:92: stale_if_error: \"-1s\" must not be negative\n"
    "t.yaml:1:114: wait: 11m is too large; 0s to 10m is allowed\n")
BAD(route_variants, CACHE("variants: 0"),
    "t.yaml:1:44: variants: 0 is too small; 1 to 1000 is allowed\n")
BAD(route_bools,
    CACHE("enabled: yes, override: 1, no_vary_search: x, cache_groups: [], status_header: off"),
    "t.yaml:1:43: enabled: \"yes\" is not true or false; did you mean true?\n"
    "t.yaml:1:58: override: \"1\" is not true or false; did you mean true?\n"
    "t.yaml:1:77: no_vary_search: \"x\" is not true or false\n"
    "t.yaml:1:94: cache_groups: must be true or false, not a list\n"
    "t.yaml:1:113: status_header: \"off\" is not true or false; did you mean false?\n")
BAD(route_set_cookie, CACHE("set_cookie: always"),
    "t.yaml:1:46: set_cookie: \"always\" is not known; allowed: explicit, store, never\n")

/* ---- methods ---- */
BAD(methods_put, CACHE("methods: [GET, PUT]"),
    "t.yaml:1:49: methods: \"PUT\" is not known; allowed: GET, HEAD, QUERY, POST; did you mean \"POST\"?\n")
BAD(methods_case, CACHE("methods: [get]"),
    "t.yaml:1:44: methods: \"get\" is not known; allowed: GET, HEAD, QUERY, POST; did you mean \"GET\"?\n")
BAD(methods_empty, CACHE("methods: []"),
    "t.yaml:1:43: methods: the list is empty; enabled: false keeps nothing\n")
BAD(methods_twice, CACHE("methods: [GET, POST, GET]"), "t.yaml:1:55: methods: GET is given twice\n")
BAD(methods_head, CACHE("methods: HEAD"),
    "t.yaml:1:43: methods: HEAD is answered from what GET has left; add GET\n")
GOOD(methods_post, CACHE("methods: POST, key_body: 1MiB"), "")
GOOD(methods_key_body, CACHE("key_body: 1MiB"),
     "t.yaml:1:44: warning: key_body: has no effect without QUERY or POST in methods\n")
BAD(key_body_range, CACHE("key_body: 2MiB"),
    "t.yaml:1:44: key_body: 2MiB is too large; 1B to 1MiB is allowed\n")

/* ---- statuses ---- */
BAD(statuses, CACHE("statuses: {199: 1s, 600: 1s, 206: 1s, 304: 1s, 40: 1s, 5xx: 1s, 0404: 1s}"),
    "t.yaml:1:45: statuses: \"199\" is out of range; 200 to 599 is allowed\n"
    "t.yaml:1:54: statuses: \"600\" is out of range; 200 to 599 is allowed\n"
    "t.yaml:1:63: statuses: \"206\" is a part of another answer; write 200 for the whole\n"
    "t.yaml:1:72: statuses: \"304\" is a part of another answer; write 200 for the whole\n"
    "t.yaml:1:81: statuses: \"40\" is not a status; 200 to 599 is allowed\n"
    "t.yaml:1:89: statuses: \"5xx\" is not a status; 200 to 599 is allowed\n"
    "t.yaml:1:98: statuses: \"0404\" is not a status; 200 to 599 is allowed\n")
BAD(statuses_list, CACHE("statuses: [404]"),
    "t.yaml:1:44: statuses: must be statuses and times such as {404: 10s}, not a list\n")
BAD(statuses_time, CACHE("statuses: {404: 10, 500: [], 501: , 502: 3651d}"),
    "t.yaml:1:50: statuses: \"10\" has no unit; write 10s for seconds or 10ms for milliseconds\n"
    "t.yaml:1:59: statuses: must be statuses and times such as {404: 10s}, not a list\n"
    "t.yaml:1:68: statuses: has no value; write statuses and times such as {404: 10s}\n"
    "t.yaml:1:75: statuses: 3651d is too large; 0s to 3650d is allowed\n")
BAD(statuses_twice, CACHE("statuses: {404: 1s, \"404\": 2s}"),
    "t.yaml:1:54: \"404\" is given twice; the first is at t.yaml:1:45\n")

GOOD(whole_seconds,
     CACHE("ttl: 1000ms, l1_ttl: 0.5m, statuses: {404: 2000000us}, coalesce: {wait: 1ms}"), "")
BAD(half_seconds,
    CACHE("ttl: 500ms, l1_ttl: 1.5s, stale_while_revalidate: 1us, stale_if_error: 1001ms, "
	  "statuses: {404: 10ms}"),
    "t.yaml:1:39: ttl: lifetimes in HTTP are whole seconds\n"
    "t.yaml:1:54: l1_ttl: lifetimes in HTTP are whole seconds\n"
    "t.yaml:1:84: stale_while_revalidate: lifetimes in HTTP are whole seconds\n"
    "t.yaml:1:105: stale_if_error: lifetimes in HTTP are whole seconds\n"
    "t.yaml:1:129: statuses: lifetimes in HTTP are whole seconds\n")

/* ---- override and unsafe ---- */
GOOD(override_ttl, CACHE("override: true, ttl: 1s"), "")
GOOD(override_statuses, CACHE("override: true, statuses: {404: 0s}"), "")
BAD(override_nothing, CACHE("override: true"),
    "t.yaml:1:44: override: there is nothing to put in its place; give ttl or statuses\n")
BAD(override_bad_ttl, CACHE("override: true, ttl: x"),
    "t.yaml:1:55: ttl: \"x\" does not begin with a number\n")
GOOD(ttl_bound, CACHE("ttl: 2m, l1_ttl: 1m"),
     "t.yaml:1:39: warning: ttl: is more than l1_ttl, which is the bound\n")
BAD(unsafe_word, CACHE("unsafe: [no_store, vary]"),
    "t.yaml:1:43: unsafe: \"no_store\" is not known; allowed: no-store, private, set-cookie, "
    "authorization, request; did you mean \"no-store\"?\n"
    "t.yaml:1:53: unsafe: \"vary\" is not known; allowed: no-store, private, set-cookie, "
    "authorization, request\n")
BAD(unsafe_alone, CACHE("unsafe: [no-store, private, set-cookie, authorization, request]"),
    "t.yaml:1:43: unsafe: no-store adds to override: true, which is not there\n"
    "t.yaml:1:53: unsafe: private adds to override: true, which is not there\n"
    "t.yaml:1:62: unsafe: set-cookie adds to override: true, which is not there\n"
    "t.yaml:1:74: unsafe: authorization adds to override: true, which is not there\n"
    "t.yaml:1:89: warning: unsafe: request breaks a rule of HTTP: Cache-Control and Pragma of "
    "requests are not heeded (RFC 9111 5.2.1)\n")
BAD(unsafe_bad_override, CACHE("unsafe: private, override: x"),
    "t.yaml:1:61: override: \"x\" is not true or false\n")
BAD(unsafe_twice, CACHE("unsafe: [request, request]"),
    "t.yaml:1:43: warning: unsafe: request breaks a rule of HTTP: Cache-Control and Pragma of "
    "requests are not heeded (RFC 9111 5.2.1)\n"
    "t.yaml:1:52: unsafe: request is given twice\n")
GOOD(unsafe_all,
     CACHE("ttl: 1s, override: true, unsafe: [no-store, private, set-cookie, authorization, request]"),
     "t.yaml:1:68: warning: unsafe: no-store breaks a rule of HTTP: answers that say no-store are "
     "kept (RFC 9111 5.2.2.5)\n"
     "t.yaml:1:78: warning: unsafe: private breaks a rule of HTTP: answers that say private are "
     "kept and given to everybody (RFC 9111 5.2.2.7)\n"
     "t.yaml:1:87: warning: unsafe: set-cookie breaks a rule of HTTP: answers with Set-Cookie are "
     "kept, and everybody gets the cookie (RFC 9111 7.3)\n"
     "t.yaml:1:99: warning: unsafe: authorization breaks a rule of HTTP: answers to requests with "
     "Authorization are kept and given to everybody (RFC 9111 3.5)\n"
     "t.yaml:1:114: warning: unsafe: request breaks a rule of HTTP: Cache-Control and Pragma of "
     "requests are not heeded (RFC 9111 5.2.1)\n")
BAD(unsafe_never, CACHE("ttl: 1s, override: true, unsafe: set-cookie, set_cookie: never"),
    "t.yaml:1:67: unsafe: set-cookie contradicts set_cookie: never\n")

/* ---- key ---- */
GOOD(key_ignore, KEY("ignore_query: [utm_*, \"%61\"]"), "")
BAD(key_query, KEY("query: some"),
    "t.yaml:1:47: query: \"some\" is not known; allowed: all, none, listed; did you mean \"none\"?\n")
BAD(key_listed, KEY("query: listed"),
    "t.yaml:1:47: query: listed needs keep_query, the parameters that count\n")
BAD(key_listed_empty, KEY("query: listed, keep_query: []"),
    "t.yaml:1:47: query: listed needs keep_query, the parameters that count\n")
BAD(key_listed_bad, KEY("query: listed, keep_query: {}"),
    "t.yaml:1:67: keep_query: must be names of query parameters such as page or utm_*, not a block\n")
BAD(key_keep_all, KEY("keep_query: [a]"),
    "t.yaml:1:52: keep_query: counts with query: listed only\n")
BAD(key_keep_none, KEY("query: none, keep_query: [a]"),
    "t.yaml:1:65: keep_query: counts with query: listed only\n")
BAD(key_ignore_none, KEY("query: none, ignore_query: a"),
    "t.yaml:1:67: ignore_query: counts with query: all only\n")
BAD(key_ignore_listed, KEY("query: listed, keep_query: a, ignore_query: b"),
    "t.yaml:1:84: ignore_query: counts with query: all only\n")
GOOD(key_sort_none, KEY("query: none, sort_query: true"),
     "t.yaml:1:65: warning: sort_query: has no effect with query: none\n")
BAD(key_names, KEY("ignore_query: [\"\", \"*\", a*b, a=b, \"a&b\", \"a#b\", \"a b\", \"\u00fc\"]"),
    "t.yaml:1:55: ignore_query: \"\" is empty\n"
    "t.yaml:1:59: ignore_query: \"*\" is every parameter; write query: all or query: none instead\n"
    "t.yaml:1:64: ignore_query: \"a*b\" has a * that is not at its end\n"
    "t.yaml:1:69: ignore_query: \"a=b\" has one of & = #, which end the name of a parameter\n"
    "t.yaml:1:74: ignore_query: \"a&b\" has one of & = #, which end the name of a parameter\n"
    "t.yaml:1:81: ignore_query: \"a#b\" has one of & = #, which end the name of a parameter\n"
    "t.yaml:1:88: ignore_query: \"a b\" has a character that must be written as %XX\n"
    "t.yaml:1:95: ignore_query: \"\u00fc\" has a character that must be written as %XX\n")
BAD(key_twice, KEY("ignore_query: [a, A, a], headers: [X-A, x-a], cookies: [c, C, c]"),
    "t.yaml:1:61: ignore_query: a is given twice\n"
    "t.yaml:1:80: headers: x-a is given twice; case makes no difference\n"
    "t.yaml:1:102: cookies: c is given twice\n")
BAD(key_headers, KEY("headers: [\"a b\", Host, range, If-None-Match, Connection, Content-Length]"),
    "t.yaml:1:50: headers: \"a b\" is not the name of a header field; letters, digits and "
    "!#$%&'*+-.^_`|~ are allowed\n"
    "t.yaml:1:57: headers: Host is part of the key by host: true\n"
    "t.yaml:1:63: headers: range is answered from the whole and cannot be part of a key\n"
    "t.yaml:1:70: headers: If-None-Match is answered from the whole and cannot be part of a key\n"
    "t.yaml:1:85: headers: Connection belongs to one message and cannot be part of a key\n"
    "t.yaml:1:97: headers: Content-Length belongs to one message and cannot be part of a key\n")
BAD(key_cookies, KEY("cookies: [\"a=b\"]"),
    "t.yaml:1:50: cookies: \"a=b\" is not the name of a cookie; letters, digits and "
    "!#$%&'*+-.^_`|~ are allowed\n")
BAD(key_many, KEY("cookies: [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q]"),
    "t.yaml:1:98: cookies: too many entries; 16 are allowed\n")

/* ---- fields ---- */
BAD(targeted,
    CACHE("targeted: [CDN-Cache-Control, cache-control, cdn-cache-control, Expires, Connection]"),
    "t.yaml:1:64: targeted: cache-control is what the fields of this list stand in for\n"
    "t.yaml:1:79: targeted: cdn-cache-control is given twice; case makes no difference\n"
    "t.yaml:1:98: targeted: Expires does not tell caches what to do; write a field such as "
    "CDN-Cache-Control\n"
    "t.yaml:1:107: targeted: Connection does not tell caches what to do; write a field such as "
    "CDN-Cache-Control\n")
BAD(tags, CACHE("tags: [xkey, XKEY, Content-Type, set-cookie, Content-Length]"),
    "t.yaml:1:47: tags: XKEY is given twice; case makes no difference\n"
    "t.yaml:1:53: tags: Content-Type is needed by clients; write a field such as Surrogate-Key\n"
    "t.yaml:1:67: tags: set-cookie is needed by clients; write a field such as Surrogate-Key\n"
    "t.yaml:1:79: tags: Content-Length is needed by clients; write a field such as Surrogate-Key\n")
BAD(tags_many, CACHE("tags: [a, b, c, d, e, f, g, h, i]"),
    "t.yaml:1:65: tags: too many entries; 8 are allowed\n")

/* ---- purge ---- */
GOOD(purge_null, CACHE("purge: "), "")
BAD(purge_empty, CACHE("purge: {}"),
    "t.yaml:1:34: purge: needs allow, the networks whose clients may purge\n")
BAD(purge_allow_empty, CACHE("purge: {allow: []}"),
    "t.yaml:1:49: purge: needs allow, the networks whose clients may purge\n")
BAD(purge_allow_bad, CACHE("purge: {allow: [here]}"),
    "t.yaml:1:50: allow: \"here\" is not a network; write one as 10.0.0.0/8 or 2001:db8::/32\n")
BAD(purge_bool, CACHE("purge: true"),
    "t.yaml:1:41: purge: must be a block of settings, not a single value\n")
GOOD(purge_all, CACHE("purge: {allow: [10.0.0.1, 0.0.0.0/0, \"::/0\"]}"),
     "t.yaml:1:60: warning: purge: every client may drop what is kept\n"
     "t.yaml:1:71: warning: purge: every client may drop what is kept\n")
GOOD(purge_method,
     "routes: [{upstream: app, match: {method: [GET]}, cache: {purge: {allow: \"::1\"}}}]\n" NO_ROUTES,
     "t.yaml:1:58: warning: purge: has no effect: match.method of this route has no PURGE\n")

/* ---- no effect ---- */
GOOD(effect_size, "cache: {l1: {size: 0}}\n" CACHE("ttl: 1m"),
     "t.yaml:2:26: warning: cache: has no effect: cache.l1.size is 0\n")
GOOD(effect_size_off, "cache: {l1: {size: 0}}\n" CACHE("ttl: 1m, enabled: false"), "")
GOOD(effect_answer,
     "routes: [{answer: {status: 200}, cache: {ttl: 1m}, match: {path: /a}}, {upstream: app}]\n" NO_ROUTES,
     "t.yaml:1:34: warning: cache: has no effect on a route with an answer\n")
#undef CACHE
#undef KEY
