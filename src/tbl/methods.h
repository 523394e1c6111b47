/* SPDX-License-Identifier: BSD-2-Clause */
/* Known methods (RFC 9110 9, RFC 10008). METHOD(id, text, safe, idempotent); CONNECT is refused. */
METHOD(GET, "GET", true, true)
METHOD(HEAD, "HEAD", true, true)
METHOD(POST, "POST", false, false)
METHOD(PUT, "PUT", false, true)
METHOD(DELETE, "DELETE", false, true)
METHOD(CONNECT, "CONNECT", false, false)
METHOD(OPTIONS, "OPTIONS", true, true)
METHOD(TRACE, "TRACE", true, true)
METHOD(PATCH, "PATCH", false, false)
METHOD(QUERY, "QUERY", true, true)
METHOD(PURGE, "PURGE", false, true)
