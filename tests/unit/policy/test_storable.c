/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a shared cache may store, sentence by sentence of RFC 9111 3 and 5.2, and what it then knows
 * of it. The citation is that of RFC 9111 where no other RFC is named.
 */
#include "policy/storable.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "cache_head.h"
#include "http/write.h"

#define CDN "CDN-Cache-Control: "
#define CC "Cache-Control: "

static const struct str targets[] = {STR("Tiercel-Cache-Control"), STR("CDN-Cache-Control")};
static const struct cache_status_ttl times[] = {{404, 10}, {502, 5}, {410, 0}};

/* The rules that rows choose from. */
static const struct cache_rules plain = {
	.set_cookie = CACHE_COOKIE_EXPLICIT, .targeted = targets, .n_targeted = COUNTOF(targets)};
static const struct cache_rules stale = {
	.set_cookie = CACHE_COOKIE_EXPLICIT, .while_revalidate = 10, .if_error = 3600};
static const struct cache_rules ttl = {.set_cookie = CACHE_COOKIE_EXPLICIT,
				       .ttl = 60,
				       .statuses = times,
				       .n_statuses = COUNTOF(times)};
static const struct cache_rules over = {.set_cookie = CACHE_COOKIE_EXPLICIT,
					.ttl = 60,
					.override = true,
					.statuses = times,
					.n_statuses = COUNTOF(times)};
static const struct cache_rules over_all = {
	.set_cookie = CACHE_COOKIE_NEVER,
	.ttl = 60,
	.override = true,
	.unsafe_ = CACHE_UNSAFE_NO_STORE | CACHE_UNSAFE_PRIVATE | CACHE_UNSAFE_SET_COOKIE |
		   CACHE_UNSAFE_AUTHORIZATION | CACHE_UNSAFE_REQUEST};
static const struct cache_rules unsafe_only = {
	.set_cookie = CACHE_COOKIE_EXPLICIT,
	.ttl = 60,
	.unsafe_ = CACHE_UNSAFE_NO_STORE | CACHE_UNSAFE_PRIVATE | CACHE_UNSAFE_SET_COOKIE |
		   CACHE_UNSAFE_AUTHORIZATION};
static const struct cache_rules over_nothing = {
	.set_cookie = CACHE_COOKIE_EXPLICIT, .override = true, .unsafe_ = CACHE_UNSAFE_NO_STORE};
static const struct cache_rules cookies = {.set_cookie = CACHE_COOKIE_STORE};
static const struct cache_rules no_cookies = {
	.set_cookie = CACHE_COOKIE_NEVER, .targeted = targets, .n_targeted = COUNTOF(targets)};
static const struct cache_rules untargeted = {.set_cookie = CACHE_COOKIE_EXPLICIT};
static const struct cache_rules bounded = {.set_cookie = CACHE_COOKIE_EXPLICIT, .l1_ttl = 100};

struct row {
	const char *rfc, *why;
	const char *request;		 /* field lines */
	uint8_t method;			 /* 0 = GET, or UNKNOWN_METHOD */
	uint16_t status;		 /* 0 = 200 */
	const char *response;		 /* field lines; see with_dates() */
	const struct cache_rules *rules; /* NULL = plain */
	enum storable verdict;
	int64_t lifetime;		    /* expected where the verdict is YES */
	unsigned flags;			    /* expected, exactly, but for STORED_STRONG */
	int64_t while_revalidate, if_error; /* expected */
};

enum { UNKNOWN_METHOD = 255 };

#define AUTH "Authorization: Basic x\r\n"
#define LM "Last-Modified: {-1000}\r\nDate: {0}\r\n"
#define NO(reason) .verdict = STORABLE_##reason
#define FOR(seconds) .lifetime = (seconds)

static const struct row rows[] = {
	/* the request method is understood by the cache */
	{"3", "GET", .response = CC "max-age=60\r\n", FOR(60)},
	{"3", "QUERY (RFC 10008)", .method = HTTP_METHOD_QUERY, .response = CC "max-age=60\r\n",
	 FOR(60)},
	{"9110 9.3.3", "POST with explicit freshness", .method = HTTP_METHOD_POST,
	 .response = CC "max-age=60\r\n", FOR(60)},
	{"9110 9.3.3", "POST without it: no guess", .method = HTTP_METHOD_POST, .response = LM,
	 NO(NO_LIFETIME)},
	{"9110 9.3.3", "POST, the operator says how long", .method = HTTP_METHOD_POST,
	 .rules = &ttl, .response = LM, FOR(60), .flags = STORED_OPERATOR},
	{"9110 9.3.2", "HEAD has no content to store", .method = HTTP_METHOD_HEAD,
	 .response = CC "max-age=60\r\n", NO(METHOD)},
	{"9110 9.3.4", "PUT", .method = HTTP_METHOD_PUT, .response = CC "max-age=60\r\n",
	 NO(METHOD)},
	{"9110 9.3.5", "DELETE", .method = HTTP_METHOD_DELETE, .response = CC "max-age=60\r\n",
	 NO(METHOD)},
	{"9110 9.3.7", "OPTIONS", .method = HTTP_METHOD_OPTIONS, .response = CC "max-age=60\r\n",
	 NO(METHOD)},
	{"9110 9.3.8", "TRACE", .method = HTTP_METHOD_TRACE, .response = CC "max-age=60\r\n",
	 NO(METHOD)},
	{"3", "unknown method", .method = UNKNOWN_METHOD, .response = CC "max-age=60\r\n",
	 NO(METHOD)},

	/* the response status code is final */
	{"3", "100 is not final", .status = 100, .response = CC "max-age=60\r\n", NO(STATUS)},
	{"3", "103 is not final", .status = 103, .response = CC "max-age=60\r\n", NO(STATUS)},
	{"3", "600 is no status", .status = 600, .response = CC "max-age=60\r\n", NO(STATUS)},
	{"3", "999 is no status", .status = 999, .response = CC "max-age=60\r\n", NO(STATUS)},
	/* 206 or 304: only understood ones */
	{"3", "304 is not stored for itself", .status = 304, .response = CC "max-age=60\r\n",
	 NO(STATUS)},
	{"3.3", "206", .status = 206,
	 .response = CC "max-age=60\r\nContent-Range: bytes 0-4/10\r\nContent-Length: 5\r\n",
	 FOR(60), .flags = STORED_PARTIAL},
	{"3.3", "206 without Content-Range", .status = 206, .response = CC "max-age=60\r\n",
	 NO(PART)},
	{"9110 15.3.7.2", "206, multipart", .status = 206,
	 .response = CC "max-age=60\r\nContent-Type: multipart/byteranges; boundary=x\r\n",
	 NO(PART)},
	{"9110 14.1", "206 of another unit", .status = 206,
	 .response = CC "max-age=60\r\nContent-Range: lines 0-4/10\r\n", NO(PART)},
	{"9110 14.4", "206, malformed Content-Range", .status = 206,
	 .response = CC "max-age=60\r\nContent-Range: bytes 4-0/10\r\n", NO(PART)},
	{"9110 14.4", "206, last byte behind the end", .status = 206,
	 .response = CC "max-age=60\r\nContent-Range: bytes 0-10/10\r\n", NO(PART)},
	{"9110 15.3.7", "206 that is longer than its range", .status = 206,
	 .response = CC "max-age=60\r\nContent-Range: bytes 4-9/10\r\nContent-Length: 7\r\n",
	 NO(PART)},
	{"3.3", "206 that is shorter: what there is of it", .status = 206,
	 .response = CC "max-age=60\r\nContent-Range: bytes 4-9/10\r\nContent-Length: 5\r\n",
	 FOR(60), .flags = STORED_PARTIAL},
	{"9110 14.4", "Content-Range means nothing on a 200",
	 .response = CC "max-age=60\r\nContent-Range: nonsense\r\n", FOR(60)},
	{"5.2.2.3", "must-understand, understood", .response = CC "max-age=60, must-understand\r\n",
	 FOR(60)},
	{"5.2.2.3", "must-understand overrules no-store",
	 .response = CC "max-age=60, must-understand, no-store\r\n", FOR(60)},
	{"5.2.2.3", "not understood", .status = 599,
	 .response = CC "max-age=60, must-understand, no-store\r\n", NO(STATUS)},
	{"5.2.2.3", "not understood, without no-store", .status = 299,
	 .response = CC "max-age=60, must-understand\r\n", NO(STATUS)},
	{"5.2.2.3", "an unknown status without the word", .status = 599,
	 .response = CC "max-age=60\r\n", FOR(60)},
	{"5.2.2.3", "must-understand says nothing against private",
	 .response = CC "max-age=60, must-understand, no-store, private\r\n", NO(PRIVATE)},
	{"6585 3", "428 MUST NOT be stored", .status = 428, .response = CC "max-age=60\r\n",
	 NO(STATUS)},
	{"6585 4", "429", .status = 429, .response = CC "max-age=60\r\n", NO(STATUS)},
	{"6585 5", "431", .status = 431, .response = CC "max-age=60\r\n", NO(STATUS)},
	{"6585 6", "511", .status = 511, .response = CC "max-age=60\r\n", NO(STATUS)},
	{"3229 10.4.1", "226 is a difference to something else", .status = 226,
	 .response = CC "max-age=60\r\n", NO(STATUS)},

	/* no-store */
	{"5.2.1.5", "the request says no-store", .request = CC "no-store\r\n",
	 .response = CC "max-age=60\r\n", NO(REQUEST_NO_STORE)},
	{"5.2.1.5", "in any case", .request = CC "max-age=0, No-Store\r\n",
	 .response = CC "max-age=60\r\n", NO(REQUEST_NO_STORE)},
	{"5.2.1", "other words of the request do not matter",
	 .request = CC "no-cache, max-age=0, only-if-cached\r\nPragma: no-cache\r\n",
	 .response = CC "max-age=60\r\n", FOR(60)},
	{"5.2.1.5", "unless the operator does not want to hear it", .request = CC "no-store\r\n",
	 .response = CC "max-age=10\r\n", .rules = &over_all, FOR(60), .flags = STORED_OPERATOR},
	{"5.2.2.5", "no-store", .response = CC "no-store\r\n", NO(NO_STORE)},
	{"5.2.2.5", "goes before all freshness",
	 .response = CC "max-age=10000, no-store\r\nExpires: {+10000}\r\nDate: {0}\r\n",
	 NO(NO_STORE)},
	{"5.2", "directives are case-insensitive", .response = CC "No-StOrE, Max-Age=60\r\n",
	 NO(NO_STORE)},
	{"5.2", "on another line", .response = CC "max-age=60\r\n" CC "no-store\r\n", NO(NO_STORE)},
	{"5.2", "inside a quoted string it is nothing",
	 .response = CC "x=\"no-store\", max-age=60\r\n", FOR(60)},
	{"5.2.2.5", "with an argument", .response = CC "max-age=60, no-store=\"x\"\r\n",
	 NO(NO_STORE)},

	/* private */
	{"5.2.2.7", "private", .response = CC "private, max-age=60\r\n", NO(PRIVATE)},
	{"5.2.2.7", "and public: the stricter one",
	 .response = CC "public, private, max-age=60\r\n", NO(PRIVATE)},
	{"5.2.2.7", "private=\"field\": the rest may be stored",
	 .response = CC "private=\"x-user\", max-age=60\r\nX-User: 1\r\n", FOR(60)},
	{"5.2.2.7", "one that it makes no sense without",
	 .response = CC "private=\"content-type\", max-age=60\r\nContent-Type: a/b\r\n",
	 NO(PRIVATE)},
	{"5.2.2.7", "and the list is empty", .response = CC "private=\"\", max-age=60\r\n",
	 NO(PRIVATE)},

	/* Authorization */
	{"3.5", "answers to authorised requests are not shared", .request = AUTH,
	 .response = CC "max-age=60\r\n", NO(AUTHORIZATION)},
	{"3.5", "nor guessed", .request = AUTH, .response = LM, NO(AUTHORIZATION)},
	{"3.5", "public", .request = AUTH, .response = CC "max-age=60, public\r\n", FOR(60)},
	{"3.5", "must-revalidate", .request = AUTH,
	 .response = CC "max-age=60, must-revalidate\r\n", FOR(60),
	 .flags = STORED_MUST_REVALIDATE},
	{"3.5", "s-maxage", .request = AUTH, .response = CC "s-maxage=60\r\n", FOR(60),
	 .flags = STORED_MUST_REVALIDATE},
	{"3.5", "s-maxage=0", .request = AUTH, .response = CC "s-maxage=0\r\nETag: \"a\"\r\n",
	 FOR(0), .flags = STORED_MUST_REVALIDATE},
	{"3.5", "malformed s-maxage allows nothing", .request = AUTH,
	 .response = CC "s-maxage=x\r\nETag: \"a\"\r\n", NO(AUTHORIZATION)},
	{"3.5", "proxy-revalidate is not among them", .request = AUTH,
	 .response = CC "max-age=60, proxy-revalidate\r\n", NO(AUTHORIZATION)},
	{"3.5", "immutable neither", .request = AUTH, .response = CC "max-age=60, immutable\r\n",
	 NO(AUTHORIZATION)},
	{"3.5", "public does not excuse no-store", .request = AUTH,
	 .response = CC "public, no-store\r\n", NO(NO_STORE)},
	{"9213 2.2", "public in a targeted field", .request = AUTH,
	 .response = CDN "max-age=60, public\r\n", FOR(60), .flags = STORED_TARGETED},
	{"9213 2.2", "public in the field that does not count", .request = AUTH,
	 .response = CDN "max-age=60\r\n" CC "public\r\n", NO(AUTHORIZATION)},
	{"3.5", "a cookie is no Authorization", .request = "Cookie: a=b\r\n",
	 .response = CC "max-age=60\r\n", FOR(60)},

	/* at least one of: public, Expires, max-age, s-maxage, a status heuristically cacheable */
	{"3", "nothing at all", .response = "", NO(NO_LIFETIME)},
	{"3", "Expires", .response = "Expires: {+60}\r\nDate: {0}\r\n", FOR(60)},
	{"3", "s-maxage", .response = CC "s-maxage=60\r\n", FOR(60),
	 .flags = STORED_MUST_REVALIDATE},
	{"3", "status, and a validator", .response = "ETag: \"a\"\r\n", FOR(0)},
	{"3", "another status and a validator", .status = 403, .response = "ETag: \"a\"\r\n",
	 NO(NO_LIFETIME)},
	{"3", "public, another status, and a validator", .status = 403,
	 .response = CC "public\r\nETag: \"a\"\r\n", FOR(0)},
	{"3", "public alone is no lifetime", .response = CC "public\r\n", NO(NO_LIFETIME)},
	{"4.2.2", "guess", .response = LM, FOR(100), .flags = STORED_HEURISTIC},
	{"4.2.2", "guess on 201", .status = 201, .response = LM, NO(NO_LIFETIME)},
	{"4.2.2", "guess on 302", .status = 302, .response = LM, NO(NO_LIFETIME)},
	{"4.2.2", "guess on 503", .status = 503, .response = LM, NO(NO_LIFETIME)},
	{"4.2.2", "guess on 599", .status = 599, .response = LM, NO(NO_LIFETIME)},
	{"4.2.2", "guess on 599 marked public", .status = 599, .response = CC "public\r\n" LM,
	 FOR(100), .flags = STORED_HEURISTIC},
	{"4.2.2", "guess on 404", .status = 404, .response = LM, FOR(100),
	 .flags = STORED_HEURISTIC},
	{"4.2.2", "explicit on 302", .status = 302, .response = CC "max-age=60\r\n", FOR(60)},
	{"4.2.2", "no guess beside max-age", .response = CC "max-age=5\r\n" LM, FOR(5)},
	{"4.2.2", "no guess beside a bad Expires", .response = "Expires: 0\r\n" LM, FOR(0)},
	{"4.2.2", "no guess beside a bad max-age", .response = CC "max-age=x\r\n" LM, FOR(0)},

	/* cannot be used at all */
	{"4", "stale at once and nothing to validate by", .response = CC "max-age=0\r\n",
	 NO(USELESS)},
	{"4", "the same with a validator", .response = CC "max-age=0\r\nETag: \"a\"\r\n", FOR(0)},
	{"4", "or a date", .response = CC "max-age=0\r\nLast-Modified: {-10}\r\n", FOR(0)},
	{"4", "a malformed ETag is none", .response = CC "max-age=0\r\nETag: a\r\n", NO(USELESS)},
	{"4", "Expires in the past", .response = "Expires: {-10}\r\nDate: {0}\r\n", NO(USELESS)},
	{"4", "it came stale, but max-stale can use it", .response = CC "max-age=10\r\nAge: 20\r\n",
	 FOR(10)},
	{"5.2.2.4", "no-cache and nothing to validate by",
	 .response = CC "no-cache, max-age=60\r\n", NO(USELESS)},
	{"5861 3", "max-age=0 with a window",
	 .response = CC "max-age=0, stale-while-revalidate=5\r\n", FOR(0), .while_revalidate = 5},
	{"5861 4", "max-age=0 with a window for errors",
	 .response = CC "max-age=0, stale-if-error=5\r\n", FOR(0), .if_error = 5},
	{"5861", "a window that is forbidden", .response = CC "s-maxage=0, stale-if-error=5\r\n",
	 NO(USELESS)},
	{"4", "the operator's window alone is no reason", .rules = &stale,
	 .response = CC "max-age=0\r\n", NO(USELESS)},

	/* what is known of it then */
	{"5.2.2.4", "no-cache", .response = CC "no-cache, max-age=60\r\nETag: \"a\"\r\n", FOR(60),
	 .flags = STORED_NO_CACHE},
	{"5.2.2.4", "no-cache=\"field\" is not for the whole",
	 .response = CC "no-cache=\"x-user\", max-age=60\r\n", FOR(60)},
	{"5.2.2.4", "unless it names what cannot be left out",
	 .response = CC "no-cache=\"vary\", max-age=60\r\nETag: \"a\"\r\n", FOR(60),
	 .flags = STORED_NO_CACHE},
	{"5.2.2.2", "must-revalidate", .response = CC "must-revalidate, max-age=60\r\n", FOR(60),
	 .flags = STORED_MUST_REVALIDATE},
	{"5.2.2.8", "proxy-revalidate", .response = CC "proxy-revalidate, max-age=60\r\n", FOR(60),
	 .flags = STORED_MUST_REVALIDATE},
	{"5.2.2.10", "s-maxage means proxy-revalidate", .response = CC "s-maxage=60\r\n", FOR(60),
	 .flags = STORED_MUST_REVALIDATE},
	{"5.2.2.6", "no-transform", .response = CC "no-transform, max-age=60\r\n", FOR(60),
	 .flags = STORED_NO_TRANSFORM},
	{"8246 2", "immutable", .response = CC "immutable, max-age=60\r\n", FOR(60),
	 .flags = STORED_IMMUTABLE},
	{"5.2.3", "unknown directives are ignored",
	 .response = CC "foo, bar=\"x, y\", max-age=60\r\n", FOR(60)},
	{"5.4", "Pragma means nothing in an answer",
	 .response = "Pragma: no-cache\r\n" CC "max-age=60\r\n", FOR(60)},
	{"4.1", "Vary: *", .response = CC "max-age=60\r\nVary: *\r\n", NO(VARY)},
	{"4.1", "among others", .response = CC "max-age=60\r\nVary: Foo, *\r\n", NO(VARY)},
	{"4.1", "on another line", .response = CC "max-age=60\r\nVary:\r\nVary: *\r\n", NO(VARY)},
	{"4.1", "a field", .response = CC "max-age=60\r\nVary: Foo\r\n", FOR(60)},

	/* RFC 5861, and the operator's windows */
	{"5861 3", "stale-while-revalidate",
	 .response = CC "max-age=60, stale-while-revalidate=30\r\n", FOR(60),
	 .while_revalidate = 30},
	{"5861 4", "stale-if-error", .response = CC "max-age=60, stale-if-error=30\r\n", FOR(60),
	 .if_error = 30},
	{"5861 4", "none at all", .rules = &stale,
	 .response = CC "max-age=60, stale-if-error=0\r\n", FOR(60), .while_revalidate = 10,
	 .flags = STORED_NO_STALE_ERROR},
	{"5861", "malformed is none", .rules = &stale,
	 .response = CC "max-age=60, stale-if-error=x, stale-while-revalidate=y\r\n", FOR(60)},
	{"4.2.4", "the operator's, where the answer says nothing", .rules = &stale,
	 .response = CC "max-age=60\r\n", FOR(60), .while_revalidate = 10, .if_error = 3600},
	{"4.2.4", "the answer's go first", .rules = &stale,
	 .response = CC "max-age=60, stale-while-revalidate=0, stale-if-error=7\r\n", FOR(60),
	 .if_error = 7},
	{"4.2.4", "must-revalidate forbids", .rules = &stale,
	 .response =
		 CC "max-age=60, must-revalidate, stale-if-error=7, stale-while-revalidate=7\r\n",
	 FOR(60), .flags = STORED_MUST_REVALIDATE},
	{"4.2.4", "proxy-revalidate forbids", .rules = &stale,
	 .response = CC "max-age=60, proxy-revalidate\r\n", FOR(60),
	 .flags = STORED_MUST_REVALIDATE},
	{"4.2.4", "s-maxage forbids", .rules = &stale, .response = CC "s-maxage=60\r\n", FOR(60),
	 .flags = STORED_MUST_REVALIDATE},
	{"4.2.4", "no-cache forbids", .rules = &stale,
	 .response = CC "no-cache, max-age=60\r\nETag: \"a\"\r\n", FOR(60),
	 .flags = STORED_NO_CACHE},

	/* targeted fields */
	{"9213 2.2", "stands in for Cache-Control",
	 .response = CDN "max-age=60\r\n" CC "no-store\r\n", FOR(60), .flags = STORED_TARGETED},
	{"9213 2.2", "and for Expires",
	 .response = CDN "max-age=60\r\nExpires: {-10}\r\nDate: {0}\r\n", FOR(60),
	 .flags = STORED_TARGETED},
	{"9213 2.2", "stricter", .response = CDN "no-store\r\n" CC "max-age=60\r\n", NO(NO_STORE)},
	{"9213 2.2", "private", .response = CDN "private\r\n" CC "max-age=60\r\n", NO(PRIVATE)},
	{"9213 2.2", "no lifetime in it: Cache-Control's does not count",
	 .response = CDN "foo\r\n" CC "max-age=60\r\nExpires: {+60}\r\n", NO(NO_LIFETIME)},
	{"9213 2.2", "but a guess does", .response = CDN "foo\r\n" CC "max-age=60\r\n" LM, FOR(100),
	 .flags = STORED_TARGETED | STORED_HEURISTIC},
	{"9213 2.2", "the first target in the list's order",
	 .response = CDN "max-age=5\r\nTiercel-Cache-Control: max-age=60\r\n", FOR(60),
	 .flags = STORED_TARGETED},
	{"9213 2.2", "empty: the next one",
	 .response = "Tiercel-Cache-Control:\r\n" CDN "max-age=60\r\n", FOR(60),
	 .flags = STORED_TARGETED},
	{"9213 2.2", "malformed: the next one",
	 .response = "Tiercel-Cache-Control: max-age=5, &\r\n" CDN "max-age=60\r\n", FOR(60),
	 .flags = STORED_TARGETED},
	{"9213 2.2", "all malformed: Cache-Control",
	 .response = CDN "max-age=60, &\r\n" CC "no-store\r\n", NO(NO_STORE)},
	{"9213 2.1", "wrong type: as if it were not there",
	 .response = CDN "max-age=\"60\"\r\n" CC "max-age=60\r\n", NO(NO_LIFETIME)},
	{"9213 2.2", "s-maxage goes before max-age there too",
	 .response = CDN "max-age=5, s-maxage=60\r\n", FOR(60),
	 .flags = STORED_TARGETED | STORED_MUST_REVALIDATE},
	{"9213 2.2", "not in the list: means nothing", .rules = &untargeted,
	 .response = CDN "no-store\r\n" CC "max-age=60\r\n", FOR(60)},

	/* Set-Cookie: ours, beyond the RFC's letter */
	{"7.3", "not shared unasked", .response = CC "max-age=60\r\nSet-Cookie: a=b\r\n",
	 NO(SET_COOKIE)},
	{"7.3", "nor guessed", .response = "Set-Cookie: a=b\r\n" LM, NO(SET_COOKIE)},
	{"7.3", "public", .response = CC "max-age=60, public\r\nSet-Cookie: a=b\r\n", FOR(60)},
	{"7.3", "s-maxage", .response = CC "s-maxage=60\r\nSet-Cookie: a=b\r\n", FOR(60),
	 .flags = STORED_MUST_REVALIDATE},
	{"7.3", "a targeted field", .response = CDN "max-age=60\r\nSet-Cookie: a=b\r\n", FOR(60),
	 .flags = STORED_TARGETED},
	{"7.3", "private=\"set-cookie\"",
	 .response = CC "max-age=60, private=\"Set-Cookie\"\r\nSet-Cookie: a=b\r\n", FOR(60)},
	{"7.3", "route: store", .rules = &cookies,
	 .response = CC "max-age=60\r\nSet-Cookie: a=b\r\n", FOR(60)},
	{"7.3", "route: never", .rules = &no_cookies,
	 .response = CC "s-maxage=60, public\r\nSet-Cookie: a=b\r\n", NO(SET_COOKIE)},
	{"7.3", "route: never, targeted", .rules = &no_cookies,
	 .response = CDN "max-age=60\r\nSet-Cookie: a=b\r\n", NO(SET_COOKIE)},

	/* the operator's lifetimes */
	{"4.2.2", "ttl where the answer gives none", .rules = &ttl, .response = "", FOR(60),
	 .flags = STORED_OPERATOR},
	{"4.2.2", "instead of a guess", .rules = &ttl, .response = LM, FOR(60),
	 .flags = STORED_OPERATOR},
	{"4.2.1", "not where it gives one", .rules = &ttl, .response = CC "max-age=5\r\n", FOR(5)},
	{"4.2.1", "nor where that is malformed", .rules = &ttl,
	 .response = CC "max-age=x\r\nETag: \"a\"\r\n", FOR(0)},
	{"4.2.2", "only for statuses kept unasked", .rules = &ttl, .status = 403, .response = "",
	 NO(NO_LIFETIME)},
	{"4.2.2", "and not for 503", .rules = &ttl, .status = 503, .response = "", NO(NO_LIFETIME)},
	{"4.2.2", "statuses", .rules = &ttl, .status = 404, .response = "", FOR(10),
	 .flags = STORED_OPERATOR},
	{"4.2.2", "statuses name any", .rules = &ttl, .status = 502, .response = "", FOR(5),
	 .flags = STORED_OPERATOR},
	{"4.2.2", "0s: not kept", .rules = &ttl, .status = 410, .response = LM, NO(NO_LIFETIME)},
	{"4.2.1", "0s: unless it says so itself", .rules = &ttl, .status = 410,
	 .response = CC "max-age=5\r\n", FOR(5)},
	{"4.2.3", "ttl counts from the arrival", .rules = &ttl, .response = "Age: 100\r\n",
	 FOR(160), .flags = STORED_OPERATOR},
	{"5.2.2.5", "ttl does not excuse no-store", .rules = &ttl, .response = CC "no-store\r\n",
	 NO(NO_STORE)},
	{"5.2.2.7", "nor private", .rules = &ttl, .response = CC "private\r\n", NO(PRIVATE)},
	{"3.5", "nor Authorization", .rules = &ttl, .request = AUTH, .response = "",
	 NO(AUTHORIZATION)},
	{"7.3", "nor Set-Cookie", .rules = &ttl, .response = "Set-Cookie: a=b\r\n", NO(SET_COOKIE)},
	{"5.2.2.4", "nor no-cache", .rules = &ttl, .response = CC "no-cache\r\nETag: \"a\"\r\n",
	 FOR(60), .flags = STORED_OPERATOR | STORED_NO_CACHE},

	/* override */
	{"4.2.1", "replaces max-age", .rules = &over, .response = CC "max-age=5\r\n", FOR(60),
	 .flags = STORED_OPERATOR},
	{"4.2.1", "replaces max-age=0", .rules = &over, .response = CC "max-age=0\r\n", FOR(60),
	 .flags = STORED_OPERATOR},
	{"4.2.1", "replaces Expires", .rules = &over, .response = "Expires: 0\r\n", FOR(60),
	 .flags = STORED_OPERATOR},
	{"4.2.1", "by status", .rules = &over, .status = 404, .response = CC "max-age=500\r\n",
	 FOR(10), .flags = STORED_OPERATOR},
	{"4.2.1", "0s: not kept, whatever it says", .rules = &over, .status = 410,
	 .response = CC "max-age=500\r\n", NO(NO_LIFETIME)},
	{"4.2.1", "other statuses as they say", .rules = &over, .status = 403,
	 .response = CC "max-age=500\r\n", FOR(500)},
	{"5.2.2.4", "no-cache: kept, but not used stale", .rules = &over,
	 .response = CC "no-cache\r\n", FOR(60), .flags = STORED_OPERATOR | STORED_MUST_REVALIDATE},
	{"5.2.2.10", "s-maxage: not used stale", .rules = &over, .response = CC "s-maxage=0\r\n",
	 FOR(60), .flags = STORED_OPERATOR | STORED_MUST_REVALIDATE},
	{"5.2.2.5", "not no-store", .rules = &over, .response = CC "no-store\r\n", NO(NO_STORE)},
	{"5.2.2.7", "not private", .rules = &over, .response = CC "private\r\n", NO(PRIVATE)},
	{"3.5", "not Authorization", .rules = &over, .request = AUTH,
	 .response = CC "max-age=5\r\n", NO(AUTHORIZATION)},
	{"7.3", "not Set-Cookie", .rules = &over, .response = CC "max-age=5\r\nSet-Cookie: a=b\r\n",
	 NO(SET_COOKIE)},
	{"5.2.1.5", "not the request's no-store", .rules = &over, .request = CC "no-store\r\n",
	 .response = "", NO(REQUEST_NO_STORE)},
	{"5.2.2.5", "unsafe: no-store", .rules = &over_all, .response = CC "no-store\r\n", FOR(60),
	 .flags = STORED_OPERATOR},
	{"5.2.2.7", "unsafe: private", .rules = &over_all, .response = CC "private\r\n", FOR(60),
	 .flags = STORED_OPERATOR},
	{"3.5", "unsafe: authorization", .rules = &over_all, .request = AUTH, .response = "",
	 FOR(60), .flags = STORED_OPERATOR},
	{"7.3", "unsafe: set-cookie", .rules = &over_all, .response = "Set-Cookie: a=b\r\n",
	 FOR(60), .flags = STORED_OPERATOR},
	{"5.2.2.5", "unsafe adds to override only", .rules = &unsafe_only,
	 .response = CC "no-store\r\n", NO(NO_STORE)},
	{"5.2.2.7", "unsafe without override: private", .rules = &unsafe_only,
	 .response = CC "private\r\n", NO(PRIVATE)},
	{"5.2.2.5", "override without a lifetime breaks nothing", .rules = &over_nothing,
	 .response = CC "no-store, max-age=5\r\n", NO(NO_STORE)},
	{"4.2.1", "override without a lifetime changes nothing", .rules = &over_nothing,
	 .response = CC "max-age=5\r\n", FOR(5)},

	/* l1_ttl */
	{"4.2.1", "bound", .rules = &bounded, .response = CC "max-age=500\r\n", FOR(100)},
	{"4.2.1", "not longer", .rules = &bounded, .response = CC "max-age=50\r\n", FOR(50)},
	{"4.2.1", "counts from the arrival", .rules = &bounded,
	 .response = CC "max-age=500\r\nAge: 50\r\n", FOR(150)},
};

static void check_row(const struct row *r)
{
	static struct head request, response;
	struct http_msg *rq = cache_request(&request, r->request);
	struct http_msg *rs = cache_response(&response, r->status ? r->status : 200, r->response);
	struct stored_meta meta = {.lifetime = -7};
	enum storable got;

	if (r->method)
		rq->method = r->method == UNKNOWN_METHOD ? HTTP_METHOD_OTHER : r->method;
	got = storable(r->rules ? r->rules : &plain, rq, rs, NOW, NOW, &meta);
	if (got != r->verdict)
		fail_msg("%s, %s: %s, not %s", r->rfc, r->why, storable_name(got),
			 storable_name(r->verdict));
	if (got != STORABLE_YES) {
		if (got != STORABLE_USELESS)
			assert_int_equal(meta.lifetime, -7); /* untouched */
		return;
	}
	if (meta.lifetime != r->lifetime || (meta.flags & ~STORED_STRONG) != r->flags)
		fail_msg("%s, %s: lifetime %lld flags %x, not %lld %x", r->rfc, r->why,
			 (long long)meta.lifetime, meta.flags, (long long)r->lifetime, r->flags);
	if (meta.while_revalidate != r->while_revalidate || meta.if_error != r->if_error)
		fail_msg("%s, %s: windows %lld %lld", r->rfc, r->why,
			 (long long)meta.while_revalidate, (long long)meta.if_error);
	assert_int_equal(meta.status, r->status ? r->status : 200);
}

static void verdicts(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNTOF(rows); i++)
		check_row(&rows[i]);
}

/* 4.2.2, RFC 9110 15.1: exactly these statuses may be kept unasked. */
static void heuristic_statuses(void **state)
{
	static const unsigned kept[] = {200, 203, 204, 300, 301, 308, 404, 405, 410, 414, 501};
	static struct head request, response;

	(void)state;
	for (unsigned status = 200, i = 0; status < 600; status++) {
		struct http_msg *rq = cache_request(&request, "");
		struct http_msg *rs = cache_response(&response, status, LM);
		struct stored_meta meta;
		const bool yes = storable(&plain, rq, rs, NOW, NOW, &meta) == STORABLE_YES;
		const bool expected = i < COUNTOF(kept) && kept[i] == status;

		i += expected;
		if (yes != expected)
			fail_msg("%u: %d", status, yes);
	}
}

struct part_row {
	const char *range;
	uint64_t first, total;
};

static void parts(void **state)
{
	static const struct part_row part_rows[] = {
		{"bytes 0-4/10", 0, 10},
		{"bytes 5-9/10", 5, 10},
		{"bytes 5-9/*", 5, STORED_UNKNOWN},
	};
	static struct head request, response;
	struct stored_meta meta;
	char lines[200];

	(void)state;
	for (size_t i = 0; i < COUNTOF(part_rows); i++) {
		snprintf(lines, sizeof(lines), CC "max-age=60\r\nContent-Range: %s\r\n",
			 part_rows[i].range);
		assert_int_equal(storable(&plain, cache_request(&request, ""),
					  cache_response(&response, 206, lines), NOW, NOW, &meta),
				 STORABLE_YES);
		assert_int_equal(meta.first, part_rows[i].first);
		assert_int_equal(meta.total, part_rows[i].total);
		assert_true(meta.flags & STORED_PARTIAL);
	}
}

struct validator_row {
	const char *rfc, *why, *response;
	size_t etag_n;
	int64_t last_modified; /* from now */
	bool strong;
};

#define NONE INT64_MAX

static void validators(void **state)
{
	static const struct validator_row validator_rows[] = {
		{"9110 8.8.3", "strong tag", "ETag: \"abc\"\r\n", 5, NONE, true},
		{"9110 8.8.3", "weak tag", "ETag: W/\"abc\"\r\n", 7, NONE, false},
		{"9110 8.8.3", "no quotes, no tag", "ETag: abc\r\n", 0, NONE, false},
		{"9110 8.8.3", "w/ is not W/", "ETag: w/\"abc\"\r\n", 0, NONE, false},
		{"9110 8.8.2.2", "date long before", "Last-Modified: {-60}\r\nDate: {0}\r\n", 0,
		 -60, true},
		{"9110 8.8.2.2", "date just before", "Last-Modified: {-59}\r\nDate: {0}\r\n", 0,
		 -59, false},
		{"9110 8.8.1", "a weak tag is no better for a date",
		 "ETag: W/\"a\"\r\nLast-Modified: {-600}\r\nDate: {0}\r\n", 5, -600, false},
		{"4.2", "a date in any case", "Last-Modified: FRI, 15 MAR 2024 11:00:00 GMT\r\n", 0,
		 -3600, true},
		{"9110 8.8.2", "no date", "Last-Modified: yesterday\r\nETag: \"a\"\r\n", 3, NONE,
		 true},
		{"5.2.2.7", "not one that is not stored",
		 "ETag: \"a\"\r\n" CC "private=\"etag\"\r\nLast-Modified: {-1}\r\n", 0, -1, false},
	};
	static struct head request, response;
	struct stored_meta meta;
	char lines[400];

	(void)state;
	for (size_t i = 0; i < COUNTOF(validator_rows); i++) {
		const struct validator_row *r = &validator_rows[i];

		snprintf(lines, sizeof(lines), CC "max-age=60\r\n%s", r->response);
		assert_int_equal(storable(&plain, cache_request(&request, ""),
					  cache_response(&response, 200, lines), NOW, NOW, &meta),
				 STORABLE_YES);
		if (meta.etag_n != r->etag_n || !!(meta.flags & STORED_STRONG) != r->strong ||
		    meta.last_modified !=
			    (r->last_modified == NONE ? STORED_NO_DATE : NOW_S + r->last_modified))
			fail_msg("%s, %s", r->rfc, r->why);
	}
}

struct drop_row {
	const char *rfc, *why, *response, *left;
};

/* The fields that may be stored. */
static void dropped(void **state)
{
	static const struct drop_row drop_rows[] = {
		{"3.1", "all fields, unknown ones too", CC "max-age=60\r\nX-A: 1\r\nFoo: 2\r\n",
		 CC "max-age=60\r\nX-A: 1\r\nFoo: 2\r\n"},
		{"5.2.2.7", "private",
		 CC "max-age=60, private=\"x-a, Foo\"\r\nX-A: 1\r\nFoo: 2\r\nBar: 3\r\nfoo: 4\r\n",
		 CC "max-age=60, private=\"x-a, Foo\"\r\nBar: 3\r\n"},
		{"5.2.2.4", "no-cache", CC "max-age=60, no-cache=x-a\r\nX-A: 1\r\nFoo: 2\r\n",
		 CC "max-age=60, no-cache=x-a\r\nFoo: 2\r\n"},
		{"3.1", "what is meant for the proxy before us",
		 CC "max-age=60\r\nProxy-Authentication-Info: x\r\nFoo: 2\r\n",
		 CC "max-age=60\r\nFoo: 2\r\n"},
		{"9213 2.2", "the targeted field's words count",
		 CDN "max-age=60, private=\"x-a\"\r\n" CC "private=\"foo\"\r\nX-A: 1\r\nFoo: 2\r\n",
		 CDN "max-age=60, private=\"x-a\"\r\n" CC "private=\"foo\"\r\nFoo: 2\r\n"},
	};
	static struct head request, response;
	struct stored_meta meta;
	struct http_writer w;
	char out[1000];

	(void)state;
	for (size_t i = 0; i < COUNTOF(drop_rows); i++) {
		struct http_msg *rs = cache_response(&response, 200, drop_rows[i].response);

		assert_int_equal(storable(&plain, cache_request(&request, ""), rs, NOW, NOW, &meta),
				 STORABLE_YES);
		http_write_init(&w, out, sizeof(out) - 1);
		http_write_fields(&w, rs);
		*w.at = '\0';
		if (strcmp(out, drop_rows[i].left) != 0)
			fail_msg("%s, %s: %s", drop_rows[i].rfc, drop_rows[i].why, out);
	}
}

struct update_row {
	const char *rfc, *why;
	const char *request, *merged, *update;
	uint32_t old_flags;
	uint16_t old_status;
	enum storable verdict;
	int64_t lifetime, age, date; /* date: from now */
	unsigned flags;
	const char *dropped; /* a field that goes, or NULL */
};

/* 4.3.4, 4.3.5: what is known after an update. */
static void updates(void **state)
{
	static const struct update_row update_rows[] = {
		{"4.3.4", "new times", "", CC "max-age=60\r\nDate: {-5}\r\n", "Date: {-5}\r\n", 0,
		 200, STORABLE_YES, 60, 5, -5, 0, NULL},
		{"4.2.3", "the update's age", "", CC "max-age=60\r\nDate: {0}\r\n",
		 "Date: {0}\r\nAge: 7\r\n", 0, 200, STORABLE_YES, 60, 7, 0, 0, NULL},
		{"4.2.3", "no Date in the update: when it came", "",
		 CC "max-age=60\r\nDate: {-500}\r\n", "", 0, 200, STORABLE_YES, 60, 0, 0, 0, NULL},
		{"4.3.4", "the stored status counts", "", LM, "Date: {0}\r\n", 0, 302,
		 STORABLE_NO_LIFETIME, 0, 0, 0, 0, NULL},
		{"4.3.4", "a part stays one", "", CC "max-age=60\r\n", "", STORED_PARTIAL, 206,
		 STORABLE_YES, 60, 0, 0, STORED_PARTIAL, NULL},
		{"5.2.2.5", "no-store in the update", "", CC "no-store\r\n", CC "no-store\r\n", 0,
		 200, STORABLE_NO_STORE, 0, 0, 0, 0, NULL},
		{"5.2.1.5", "no-store in the request", CC "no-store\r\n", CC "max-age=60\r\n", "",
		 0, 200, STORABLE_REQUEST_NO_STORE, 0, 0, 0, 0, NULL},
		{"3.5", "an authorised request", AUTH, CC "max-age=60\r\n", "", 0, 200,
		 STORABLE_AUTHORIZATION, 0, 0, 0, 0, NULL},
		{"7.3", "a new cookie is not shared", "", CC "max-age=60\r\nSet-Cookie: a=b\r\n",
		 "Set-Cookie: a=b\r\n", 0, 200, STORABLE_YES, 60, 0, 0, 0, "Set-Cookie"},
		{"7.3", "unless it may be", "", CC "max-age=60, public\r\nSet-Cookie: a=b\r\n",
		 "Set-Cookie: a=b\r\n", 0, 200, STORABLE_YES, 60, 0, 0, 0, NULL},
	};
	static struct head request, merged, update;

	(void)state;
	for (size_t i = 0; i < COUNTOF(update_rows); i++) {
		const struct update_row *r = &update_rows[i];
		struct http_msg *m = cache_response(&merged, 200, r->merged);
		struct stored_meta old = {
			.status = r->old_status, .flags = r->old_flags, .first = 3};
		struct stored_meta meta = {0};
		enum storable got = storable_updated(&plain, cache_request(&request, r->request), m,
						     cache_response(&update, 304, r->update), &old,
						     NOW, NOW, &meta);

		if (got != r->verdict)
			fail_msg("%s, %s: %s", r->rfc, r->why, storable_name(got));
		if (got != STORABLE_YES)
			continue;
		if (meta.lifetime != r->lifetime || meta.initial_age != r->age ||
		    meta.date != NOW_S + r->date || (meta.flags & ~STORED_STRONG) != r->flags ||
		    meta.status != r->old_status || meta.first != 3)
			fail_msg("%s, %s: lifetime %lld age %lld flags %x", r->rfc, r->why,
				 (long long)meta.lifetime, (long long)meta.initial_age, meta.flags);
		for (unsigned k = 0; k < m->n_fields; k++)
			assert_int_equal(m->fields[k].dropped,
					 r->dropped && str_ieq(http_field_name(m, &m->fields[k]),
							       str_c(r->dropped)));
	}
}

/* A HEAD may update (4.3.5), though its own answer is not stored. */
static void head_updates(void **state)
{
	static struct head request, merged, update;
	struct http_msg *rq = cache_request(&request, "");
	struct stored_meta old = {.status = 200}, meta;

	(void)state;
	rq->method = HTTP_METHOD_HEAD;
	assert_int_equal(storable_updated(&plain, rq,
					  cache_response(&merged, 200, CC "max-age=9\r\n"),
					  cache_response(&update, 200, CC "max-age=9\r\n"), &old,
					  NOW, NOW, &meta),
			 STORABLE_YES);
	assert_int_equal(meta.lifetime, 9);
}

static void times_kept(void **state)
{
	static struct head request, response;
	struct stored_meta meta;

	(void)state;
	assert_int_equal(storable(&plain, cache_request(&request, ""),
				  cache_response(&response, 200,
						 CC "max-age=60\r\nDate: {-3}\r\nAge: 4\r\n"),
				  NOW - 2 * NS_PER_S, NOW, &meta),
			 STORABLE_YES);
	assert_int_equal(meta.request_time, NOW - 2 * NS_PER_S);
	assert_int_equal(meta.response_time, NOW);
	assert_int_equal(meta.date, NOW_S - 3);
	assert_int_equal(meta.initial_age, 6);
	assert_int_equal(meta.reserved, 0);
	assert_true(meta.total == STORED_UNKNOWN);
	/* without Date: when it was received */
	assert_int_equal(storable(&plain, cache_request(&request, ""),
				  cache_response(&response, 200, CC "max-age=60\r\nDate: foo\r\n"),
				  NOW, NOW, &meta),
			 STORABLE_YES);
	assert_int_equal(meta.date, NOW_S);
	assert_int_equal(meta.initial_age, 0);
}

static void names(void **state)
{
	(void)state;
	assert_string_equal(storable_name(STORABLE_YES), "stored");
	assert_string_equal(storable_name(STORABLE_NO_STORE), "no-store");
	for (unsigned i = 0; i < STORABLE_COUNT; i++) {
		assert_true(http_is_token(str_c(storable_name(i))));
		assert_true(strlen(storable_help(i)) > 5);
	}
	assert_true(storable_method(HTTP_METHOD_HEAD));
	assert_false(storable_method(HTTP_METHOD_PUT));
	assert_false(storable_method(HTTP_METHOD_OTHER));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(verdicts),	cmocka_unit_test(heuristic_statuses),
		cmocka_unit_test(parts),	cmocka_unit_test(validators),
		cmocka_unit_test(dropped),	cmocka_unit_test(updates),
		cmocka_unit_test(head_updates), cmocka_unit_test(times_kept),
		cmocka_unit_test(names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
