/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Why an answer is not stored. STORABLE(id, name, help)
 * The name appears in Cache-Status (detail), in explain, in the log and in metrics.
 */
STORABLE(METHOD, "method", "answers to this method cannot be reused (RFC 9111 3)")
STORABLE(STATUS, "status", "the status is not understood, or not final (RFC 9111 3)")
STORABLE(REQUEST_NO_STORE, "request-no-store", "the request says no-store (RFC 9111 5.2.1.5)")
STORABLE(NO_STORE, "no-store", "the answer says no-store (RFC 9111 5.2.2.5)")
STORABLE(PRIVATE, "private", "the answer says private (RFC 9111 5.2.2.7)")
STORABLE(AUTHORIZATION, "authorization",
	 "the request was authorised and the answer does not allow sharing (RFC 9111 3.5)")
STORABLE(SET_COOKIE, "set-cookie", "the answer sets a cookie and does not say that it may be shared")
STORABLE(VARY, "vary", "Vary: *, or more fields than can be kept (RFC 9111 4.1)")
STORABLE(PART, "part", "a part without a usable Content-Range (RFC 9111 3.3)")
STORABLE(NO_LIFETIME, "no-lifetime", "nothing says how long it is fresh, and nothing can be guessed")
STORABLE(USELESS, "useless", "stale at once, with nothing to validate it by")
STORABLE(TOO_LARGE, "too-large", "larger than cache.l1.max_object")
STORABLE(NO_ROOM, "no-room", "no room could be made for it")
STORABLE(OBSERVED, "observed", "the route only observes")
