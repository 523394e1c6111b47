/* SPDX-License-Identifier: BSD-2-Clause */
/* Trailer sections; rows as in cases_request.h. */
GOOD(none, "RFC 9112 7.1.2", "\r\n", "trailers n=0")
GOOD(two, "RFC 9112 7.1.2", "A: b\r\nServer-Timing: c\r\n\r\nGET", "trailers n=2")
GOOD(proxy_status, "RFC 9209 2", "Proxy-Status: x\r\n\r\n", "trailers n=1")

GOOD(length, "RFC 9110 6.5.1", "Content-Length: 5\r\n\r\n", "trailers n=1")
GOOD(coding, "RFC 9110 6.5.1", "A: b\r\nTransfer-Encoding: chunked\r\n\r\n", "trailers n=2")
GOOD(host, "RFC 9110 6.5.1", "host: a\r\n\r\n", "trailers n=1")
GOOD(set_cookie, "RFC 9110 6.5.1", "Set-Cookie: a=b\r\n\r\n", "trailers n=1")
BAD(fold_first, "RFC 9112 5.2", " a\r\n\r\n", OBS_FOLD)
BAD(lf, "RFC 9112 2.2", "A: b\n\n", BARE_LF)
BAD(cr, "RFC 9112 2.2", "\rX", BARE_CR)
BAD(no_colon, "RFC 9112 5", "GET / HTTP/1.1\r\n\r\n", NO_COLON)
