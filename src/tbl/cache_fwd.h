/* SPDX-License-Identifier: BSD-2-Clause */
/* Why a request went to the origin: `fwd` of Cache-Status (RFC 9211 2.2). CACHE_FWD(id, name, help) */
CACHE_FWD(BYPASS, "bypass", "the route does not cache, or the request may not be answered from a cache")
CACHE_FWD(METHOD, "method", "answers to this method are not reused")
CACHE_FWD(URI_MISS, "uri-miss", "nothing is stored under the key")
CACHE_FWD(VARY_MISS, "vary-miss", "what is stored was selected by other request fields")
CACHE_FWD(MISS, "miss", "nothing stored can be used")
CACHE_FWD(REQUEST, "request", "fresh, but the request asked for more (no-cache, max-age, min-fresh)")
CACHE_FWD(STALE, "stale", "what is stored is stale")
CACHE_FWD(PARTIAL, "partial", "only a part is stored")
