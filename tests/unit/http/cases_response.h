/* SPDX-License-Identifier: BSD-2-Clause */
/* Response heads; rows as in cases_request.h. */
GOOD(ok, "RFC 9112 4", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
     "200 [OK] 1.1 n=1 length=5 keep")
GOOD(no_reason, "RFC 9112 4", "HTTP/1.1 200 \r\n\r\n", "200 [] 1.1 n=0 close-delimited keep")
GOOD(no_space, "RFC 9112 4", "HTTP/1.1 200\r\n\r\n", "200 [] 1.1 n=0 close-delimited keep")
GOOD(reason_words, "RFC 9112 4", "HTTP/1.1 404 Not \t Found \xe4\r\n\r\n",
     "404 [Not \t Found \xe4] 1.1 n=0 close-delimited keep")
GOOD(http10, "RFC 9112 9.3", "HTTP/1.0 200 OK\r\n\r\n", "200 [OK] 1.0 n=0 close-delimited end")
GOOD(http10_keep, "RFC 9112 9.3",
     "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 0\r\n\r\n",
     "200 [OK] 1.0 n=2 length=0 keep")
GOOD(http19, "RFC 9110 2.5", "HTTP/1.9 200 OK\r\n\r\n", "200 [OK] 1.1 n=0 close-delimited keep")
GOOD(status_100, "RFC 9110 15.2", "HTTP/1.1 100 Continue\r\n\r\n",
     "100 [Continue] 1.1 n=0 close-delimited keep")
GOOD(status_999, "RFC 9110 15", "HTTP/1.1 999 Odd\r\n\r\n",
     "999 [Odd] 1.1 n=0 close-delimited keep")
GOOD(chunked, "RFC 9112 6.1", "HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n",
     "200 [OK] 1.1 n=1 chunked keep")
GOOD(length_twice, "RFC 9110 8.6",
     "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\n",
     "200 [OK] 1.1 n=2 length=5 keep")
GOOD(close, "RFC 9112 9.6", "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 5\r\n\r\n",
     "200 [OK] 1.1 n=2 length=5 end")
GOOD(switching, "RFC 9110 7.8",
     "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n",
     "101 [Switching Protocols] 1.1 n=2 close-delimited keep upgrade")
GOOD(no_content, "RFC 9112 6.3", "HTTP/1.1 204 No Content\r\n\r\n",
     "204 [No Content] 1.1 n=0 close-delimited keep")
GOOD(no_content_chunked, "RFC 9112 6.1",
     "HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n",
     "204 [No Content] 1.1 n=1 chunked end")
GOOD(no_content_length, "RFC 9110 8.6", "HTTP/1.1 204 No Content\r\nContent-Length: 7\r\n\r\n",
     "204 [No Content] 1.1 n=1 length=7 end")
GOOD(not_modified_length, "RFC 9110 15.4.5",
     "HTTP/1.1 304 Not Modified\r\nContent-Length: 7\r\n\r\n",
     "304 [Not Modified] 1.1 n=1 length=7 keep")
GOOD(no_fields_host, "RFC 9112 3.2", "HTTP/1.1 200 OK\r\nHost: a b\r\nHost: c\r\n\r\n",
     "200 [OK] 1.1 n=2 close-delimited keep")

BAD(empty_line_first, "RFC 9112 4", "\r\nHTTP/1.1 200 OK\r\n\r\n", STATUS)
BAD(version_2, "RFC 9110 2.5", "HTTP/2.0 200 OK\r\n\r\n", VERSION)
BAD(version_2_short, "RFC 9112 2.3", "HTTP/2 200 OK\r\n\r\n", STATUS)
BAD(version_case, "RFC 9112 2.3", "http/1.1 200 OK\r\n\r\n", STATUS)
BAD(version_icy, "RFC 9112 2.3", "ICY 200 OK\r\n\r\n", STATUS)
BAD(only_version, "RFC 9112 4", "HTTP/1.1\r\n\r\n", STATUS)
BAD(two_digits, "RFC 9110 15", "HTTP/1.1 20 OK\r\n\r\n", STATUS)
BAD(four_digits, "RFC 9110 15", "HTTP/1.1 2000 OK\r\n\r\n", STATUS)
BAD(status_099, "RFC 9110 15", "HTTP/1.1 099 OK\r\n\r\n", STATUS)
BAD(status_letters, "RFC 9110 15", "HTTP/1.1 2OO OK\r\n\r\n", STATUS)
BAD(status_minus, "RFC 9110 15", "HTTP/1.1 -20 OK\r\n\r\n", STATUS)
BAD(two_spaces, "RFC 9112 4", "HTTP/1.1  200 OK\r\n\r\n", STATUS)
BAD(tab, "RFC 9112 4", "HTTP/1.1\t200 OK\r\n\r\n", STATUS)
BAD(tab_after_code, "RFC 9112 4", "HTTP/1.1 200\tOK\r\n\r\n", STATUS)
BAD(reason_nul, "RFC 9112 4", "HTTP/1.1 200 O\0K\r\n\r\n", CONTROL)
BAD(lf, "RFC 9112 2.2", "HTTP/1.1 200 OK\n\n", BARE_LF)
BAD(cr, "RFC 9112 2.2", "HTTP/1.1 200 OK\rA: b\r\n\r\n", BARE_CR)
BAD(fold, "RFC 9112 5.2", "HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n", OBS_FOLD)
BAD(space_colon, "RFC 9112 5.1", "HTTP/1.1 200 OK\r\nA : b\r\n\r\n", SPACE_BEFORE_COLON)
BAD(html, "RFC 9112 4", "<html><body>hello</body></html>\r\n", STATUS)
BAD(both, "RFC 9112 6.3",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n", LENGTH_AND_CODING)
BAD(length_differs, "RFC 9112 6.3",
    "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n", LENGTH_DIFFERS)
BAD(length_list, "RFC 9112 6.3", "HTTP/1.1 200 OK\r\nContent-Length: 5, 5\r\n\r\n", LENGTH_BAD)
BAD(length_minus, "RFC 9112 6.3", "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", LENGTH_BAD)
BAD(coding_gzip, "RFC 9112 6.3", "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
    CODING_UNKNOWN)
BAD(coding_twice, "RFC 9112 6.1", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked, chunked\r\n\r\n",
    CODING_BAD)
BAD(coding_http10, "RFC 9112 6.1", "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
    CODING_HTTP10)
BAD(nine_fields, "RFC 9110 5.4",
    "HTTP/1.1 200 OK\r\na:\r\nb:\r\nc:\r\nd:\r\ne:\r\nf:\r\ng:\r\nh:\r\ni:\r\n\r\n",
    TOO_MANY_FIELDS)
BAD(connection_length, "RFC 9110 7.6.1",
    "HTTP/1.1 200 OK\r\nConnection: Content-Length\r\nContent-Length: 5\r\n\r\n", CONNECTION_BAD)
