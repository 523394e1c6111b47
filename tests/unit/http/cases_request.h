/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Request heads. GOOD(name, where it is written, bytes, head_text) and
 * BAD(name, where it is written, bytes, error). H stands for a valid Host line. Inputs are
 * limited to 1024 bytes and 8 fields by the test.
 */
#define H "Host: a\r\n"

GOOD(simple, "RFC 9112 3", "GET / HTTP/1.1\r\n" H "\r\n", "GET / 1.1 n=1 none keep")
GOOD(http10, "RFC 9112 9.3", "GET / HTTP/1.0\r\n\r\n", "GET / 1.0 n=0 none end")
GOOD(http12, "RFC 9110 2.5", "GET / HTTP/1.2\r\n" H "\r\n", "GET / 1.1 n=1 none keep")
GOOD(query, "RFC 9112 3.2.1", "GET /a?b=c&d=%20 HTTP/1.1\r\n" H "\r\n",
     "GET /a?b=c&d=%20 1.1 n=1 none keep")
GOOD(absolute, "RFC 9112 3.2.2", "GET http://b/c HTTP/1.1\r\n" H "\r\n",
     "GET http://b/c 1.1 n=1 none keep")
GOOD(asterisk, "RFC 9112 3.2.4", "OPTIONS * HTTP/1.1\r\n" H "\r\n", "OPTIONS * 1.1 n=1 none keep")
GOOD(authority, "RFC 9112 3.2.3", "CONNECT b:443 HTTP/1.1\r\n" H "\r\n",
     "CONNECT b:443 1.1 n=1 none keep")
GOOD(method_unknown, "RFC 9110 9.1", "M-SEARCH / HTTP/1.1\r\n" H "\r\n",
     "M-SEARCH / 1.1 n=1 none keep")
GOOD(method_case, "RFC 9110 9.1", "get / HTTP/1.1\r\n" H "\r\n", "get / 1.1 n=1 none keep")
GOOD(method_32, "RFC 9112 3.1", "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345 / HTTP/1.1\r\n" H "\r\n",
     "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345 / 1.1 n=1 none keep")
GOOD(method_signs, "RFC 9110 5.6.2", "!#$%&'*+-.^_`|~ / HTTP/1.1\r\n" H "\r\n",
     "!#$%&'*+-.^_`|~ / 1.1 n=1 none keep")
GOOD(one_empty_line, "RFC 9112 2.2", "\r\nGET / HTTP/1.1\r\n" H "\r\n", "GET / 1.1 n=1 none keep")
GOOD(two_empty_lines, "RFC 9112 2.2", "\r\n\r\nGET / HTTP/1.1\r\n" H "\r\n",
     "GET / 1.1 n=1 none keep")
GOOD(odd_target, "RFC 9112 3.2", "GET /{a}|b\"<>^`\\ HTTP/1.1\r\n" H "\r\n",
     "GET /{a}|b\"<>^`\\ 1.1 n=1 none keep")
GOOD(body_after, "RFC 9112 6", "POST / HTTP/1.1\r\n" H "Content-Length: 3\r\n\r\nabc",
     "POST / 1.1 n=2 length=3 keep")
GOOD(pipelined, "RFC 9112 9.3.2", "GET /1 HTTP/1.1\r\n" H "\r\nGET /2 HTTP/1.1\r\n" H "\r\n",
     "GET /1 1.1 n=1 none keep")
GOOD(binary_after, "RFC 9112 6", "PUT / HTTP/1.1\r\n" H "Content-Length: 2\r\n\r\n\0\n",
     "PUT / 1.1 n=2 length=2 keep")

/* Fields */
GOOD(no_space, "RFC 9112 5", "GET / HTTP/1.1\r\nHost:a\r\n\r\n", "GET / 1.1 n=1 none keep")
GOOD(much_space, "RFC 9112 5", "GET / HTTP/1.1\r\nHost: \t a \t \r\n\r\n",
     "GET / 1.1 n=1 none keep")
GOOD(empty_value, "RFC 9110 5.5", "GET / HTTP/1.1\r\n" H "A:\r\nB: \r\n\r\n",
     "GET / 1.1 n=3 none keep")
GOOD(tab_inside, "RFC 9110 5.5", "GET / HTTP/1.1\r\n" H "A: b\tc\r\n\r\n",
     "GET / 1.1 n=2 none keep")
GOOD(obs_text, "RFC 9110 5.5", "GET / HTTP/1.1\r\n" H "A: \xc3\xa4\xff\x80\r\n\r\n",
     "GET / 1.1 n=2 none keep")
GOOD(colon_in_value, "RFC 9112 5", "GET / HTTP/1.1\r\n" H "A::b:\r\n\r\n",
     "GET / 1.1 n=2 none keep")
GOOD(name_case, "RFC 9110 5.1", "POST / HTTP/1.1\r\nhOsT: a\r\ncONTENT-lENGTH: 1\r\n\r\n",
     "POST / 1.1 n=2 length=1 keep")
GOOD(eight_fields, "RFC 9112 2.3",
     "GET / HTTP/1.1\r\n" H "a:\r\nb:\r\nc:\r\nd:\r\ne:\r\nf:\r\ng:\r\n\r\n",
     "GET / 1.1 n=8 none keep")
GOOD(long_value, "RFC 9110 5.4",
     "GET / HTTP/1.1\r\n" H
     "A: 0123456789abcdef0123456789abcdef0123456789abcdef\t0123456789\r\n\r\n",
     "GET / 1.1 n=2 none keep")

/* Framing */
GOOD(length_0, "RFC 9112 6.2", "POST / HTTP/1.1\r\n" H "Content-Length: 0\r\n\r\n",
     "POST / 1.1 n=2 length=0 keep")
GOOD(length_max, "RFC 9110 8.6",
     "POST / HTTP/1.1\r\n" H "Content-Length: 9223372036854775807\r\n\r\n",
     "POST / 1.1 n=2 length=9223372036854775807 keep")
GOOD(length_zeros, "RFC 9110 8.6", "POST / HTTP/1.1\r\n" H "Content-Length: 007\r\n\r\n",
     "POST / 1.1 n=2 length=7 keep")
GOOD(length_http10, "RFC 9112 6.2", "POST / HTTP/1.0\r\nContent-Length: 7\r\n\r\n",
     "POST / 1.0 n=1 length=7 end")
GOOD(length_get, "RFC 9112 6.3", "GET / HTTP/1.1\r\n" H "Content-Length: 7\r\n\r\n",
     "GET / 1.1 n=2 length=7 keep")
GOOD(chunked, "RFC 9112 6.1", "POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n",
     "POST / 1.1 n=2 chunked keep")
GOOD(chunked_case, "RFC 9112 7", "POST / HTTP/1.1\r\n" H "transfer-encoding:CHUNKED \r\n\r\n",
     "POST / 1.1 n=2 chunked keep")

/* Connection options */
GOOD(close, "RFC 9112 9.6", "GET / HTTP/1.1\r\n" H "Connection: close\r\n\r\n",
     "GET / 1.1 n=2 none end")
GOOD(close_in_list, "RFC 9110 7.6.1", "GET / HTTP/1.1\r\n" H "Connection: a, ,Close\r\n\r\n",
     "GET / 1.1 n=2 none end names")
GOOD(close_second_line, "RFC 9110 5.3",
     "GET / HTTP/1.1\r\n" H "Connection: keep-alive\r\nConnection: close\r\n\r\n",
     "GET / 1.1 n=3 none end")
GOOD(keep_alive_10, "RFC 9112 9.3", "GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n",
     "GET / 1.0 n=1 none keep")
GOOD(close_beats_keep, "RFC 9112 9.3", "GET / HTTP/1.0\r\nConnection: keep-alive, close\r\n\r\n",
     "GET / 1.0 n=1 none end")
GOOD(closer, "RFC 9110 7.6.1", "GET / HTTP/1.1\r\n" H "Connection: closer\r\n\r\n",
     "GET / 1.1 n=2 none keep names")
GOOD(upgrade, "RFC 9110 7.8",
     "GET / HTTP/1.1\r\n" H "Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
     "GET / 1.1 n=3 none keep upgrade")
GOOD(upgrade_unlisted, "RFC 9110 7.8", "GET / HTTP/1.1\r\n" H "Upgrade: websocket\r\n\r\n",
     "GET / 1.1 n=2 none keep")
GOOD(upgrade_10, "RFC 9110 7.8",
     "GET / HTTP/1.0\r\n" H "Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
     "GET / 1.0 n=3 none end")
GOOD(te, "RFC 9110 10.1.4",
     "GET / HTTP/1.1\r\n" H "Connection: TE\r\nTE: gzip;q=0.5, trailers\r\n\r\n",
     "GET / 1.1 n=3 none keep te")
GOOD(te_without, "RFC 9110 10.1.4", "GET / HTTP/1.1\r\n" H "TE: gzip\r\n\r\n",
     "GET / 1.1 n=2 none keep")
GOOD(expect, "RFC 9110 10.1.1",
     "POST / HTTP/1.1\r\n" H "Content-Length: 5\r\nExpect: 100-Continue\r\n\r\n",
     "POST / 1.1 n=3 length=5 keep expect")
GOOD(expect_10, "RFC 9110 10.1.1",
     "POST / HTTP/1.0\r\n" H "Content-Length: 5\r\nExpect: 100-continue\r\n\r\n",
     "POST / 1.0 n=3 length=5 end")
GOOD(expect_other, "RFC 9110 10.1.1", "POST / HTTP/1.1\r\n" H "Expect: cake\r\n\r\n",
     "POST / 1.1 n=2 none keep")

/* Host */
GOOD(host_port, "RFC 9112 3.2", "GET / HTTP/1.1\r\nHost: a.example:8080\r\n\r\n",
     "GET / 1.1 n=1 none keep")
GOOD(host_ipv6, "RFC 3986 3.2.2", "GET / HTTP/1.1\r\nHost: [2001:db8::1]:80\r\n\r\n",
     "GET / 1.1 n=1 none keep")

BAD(connection_length, "RFC 9110 7.6.1",
    "POST / HTTP/1.1\r\n" H "Connection: content-length\r\nContent-Length: 5\r\n\r\n",
    CONNECTION_BAD)
BAD(connection_host, "RFC 9110 7.6.1", "GET / HTTP/1.1\r\n" H "Connection: close, Host\r\n\r\n",
    CONNECTION_BAD)

/* Start line */
BAD(http09, "RFC 9112 2.3", "GET /\r\n\r\n", START_LINE)
BAD(no_target, "RFC 9112 3", "GET\r\n\r\n", START_LINE)
BAD(no_version, "RFC 9112 3", "GET / \r\n\r\n", START_LINE)
BAD(version_case, "RFC 9112 2.3", "GET / http/1.1\r\n" H "\r\n", START_LINE)
BAD(version_short, "RFC 9112 2.3", "GET / HTTP/1\r\n" H "\r\n", START_LINE)
BAD(version_long, "RFC 9112 2.3", "GET / HTTP/1.10\r\n" H "\r\n", START_LINE)
BAD(version_01, "RFC 9112 2.3", "GET / HTTP/01.1\r\n" H "\r\n", START_LINE)
BAD(version_letters, "RFC 9112 2.3", "GET / HTTP/x.1\r\n" H "\r\n", START_LINE)
BAD(version_comma, "RFC 9112 2.3", "GET / HTTP/1,1\r\n" H "\r\n", START_LINE)
BAD(version_2, "RFC 9110 15.6.6", "GET / HTTP/2.0\r\n" H "\r\n", VERSION)
BAD(version_0, "RFC 9110 15.6.6", "GET / HTTP/0.9\r\n" H "\r\n", VERSION)
BAD(preface, "RFC 9113 3.4", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", VERSION)
BAD(space_after, "RFC 9112 3", "GET / HTTP/1.1 \r\n" H "\r\n", START_LINE)
BAD(two_spaces, "RFC 9112 3", "GET  / HTTP/1.1\r\n" H "\r\n", TARGET)
BAD(two_spaces_later, "RFC 9112 3", "GET /  HTTP/1.1\r\n" H "\r\n", START_LINE)
BAD(space_in_target, "RFC 9112 3.2", "GET /a b HTTP/1.1\r\n" H "\r\n", START_LINE)
BAD(tab_for_space, "RFC 9112 3", "GET\t/ HTTP/1.1\r\n" H "\r\n", METHOD)
BAD(tab_in_target, "RFC 9112 3.2", "GET /a\tb HTTP/1.1\r\n" H "\r\n", TARGET)
BAD(tab_before_version, "RFC 9112 3", "GET /\tHTTP/1.1\r\n" H "\r\n", TARGET)
BAD(space_first, "RFC 9112 3", " GET / HTTP/1.1\r\n" H "\r\n", METHOD)
BAD(method_33, "RFC 9112 3.1", "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456 / HTTP/1.1\r\n" H "\r\n", METHOD)
BAD(method_sign, "RFC 9110 9.1", "G(T / HTTP/1.1\r\n" H "\r\n", METHOD)
BAD(method_high, "RFC 9110 9.1", "G\xc3T / HTTP/1.1\r\n" H "\r\n", METHOD)
BAD(method_colon, "RFC 9110 9.1", "GET: / HTTP/1.1\r\n" H "\r\n", METHOD)
BAD(fragment, "RFC 9112 3.2", "GET /#a HTTP/1.1\r\n" H "\r\n", TARGET)
BAD(target_high, "RFC 9112 3.2", "GET /\xc3\xa4 HTTP/1.1\r\n" H "\r\n", TARGET)
BAD(target_high_16, "RFC 9112 3.2", "GET /0123456789abcdefghijk\x80l HTTP/1.1\r\n" H "\r\n", TARGET)
BAD(target_del, "RFC 9112 3.2", "GET /\x7f HTTP/1.1\r\n" H "\r\n", CONTROL)
BAD(target_nul, "RFC 9112 3.2", "GET /\0 HTTP/1.1\r\n" H "\r\n", CONTROL)
BAD(three_empty_lines, "RFC 9112 2.2", "\r\n\r\n\r\nGET / HTTP/1.1\r\n" H "\r\n", EMPTY_LINES)
BAD(tls_hello, "RFC 9112 3", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", CONTROL)

/* Line ends and controls */
BAD(lf_start, "RFC 9112 2.2", "GET / HTTP/1.1\n" H "\r\n", BARE_LF)
BAD(lf_field, "RFC 9112 2.2", "GET / HTTP/1.1\r\nHost: a\n\r\n", BARE_LF)
BAD(lf_end, "RFC 9112 2.2", "GET / HTTP/1.1\r\n" H "\n", BARE_LF)
BAD(lf_first, "RFC 9112 2.2", "\nGET / HTTP/1.1\r\n" H "\r\n", BARE_LF)
BAD(lf_in_value, "RFC 9112 2.2", "GET / HTTP/1.1\r\n" H "A: b\nX: y\r\n\r\n", BARE_LF)
BAD(cr_in_value, "RFC 9112 2.2", "GET / HTTP/1.1\r\n" H "A: b\rX: y\r\n\r\n", BARE_CR)
BAD(cr_in_start, "RFC 9112 2.2", "GET /\r HTTP/1.1\r\n" H "\r\n", BARE_CR)
BAD(cr_cr_lf, "RFC 9112 2.2", "GET / HTTP/1.1\r\r\n" H "\r\n", BARE_CR)
BAD(cr_end, "RFC 9112 2.2", "GET / HTTP/1.1\r\n" H "\rX", BARE_CR)
BAD(nul_in_value, "RFC 9110 5.5", "GET / HTTP/1.1\r\n" H "A: b\0c\r\n\r\n", CONTROL)
BAD(nul_in_name, "RFC 9110 5.1", "GET / HTTP/1.1\r\n" H "A\0B: c\r\n\r\n", CONTROL)
BAD(esc_in_value, "RFC 9110 5.5", "GET / HTTP/1.1\r\n" H "A: \x1b[1m\r\n\r\n", CONTROL)
BAD(del_in_value, "RFC 9110 5.5", "GET / HTTP/1.1\r\n" H "A: b\x7f\r\n\r\n", CONTROL)
BAD(control_far, "RFC 9110 5.5",
    "GET / HTTP/1.1\r\n" H "A: 0123456789abcdef0123456789abcdef0123456789\x01\r\n\r\n", CONTROL)
BAD(vt_as_space, "RFC 9110 5.6.3", "GET / HTTP/1.1\r\n" H "A:\vb\r\n\r\n", CONTROL)

/* Field lines */
BAD(fold, "RFC 9112 5.2", "GET / HTTP/1.1\r\n" H "A: b\r\n c\r\n\r\n", OBS_FOLD)
BAD(fold_tab, "RFC 9112 5.2", "GET / HTTP/1.1\r\n" H "A: b\r\n\tc\r\n\r\n", OBS_FOLD)
BAD(fold_colon, "RFC 9112 5.2", "GET / HTTP/1.1\r\n" H "A: b\r\n C: d\r\n\r\n", OBS_FOLD)
BAD(fold_empty, "RFC 9112 5.2", "GET / HTTP/1.1\r\n" H "A: b\r\n \r\n\r\n", OBS_FOLD)
BAD(fold_first, "RFC 9112 2.2", "GET / HTTP/1.1\r\n " H "\r\n", OBS_FOLD)
BAD(space_colon, "RFC 9112 5.1", "GET / HTTP/1.1\r\n" H "A : b\r\n\r\n", SPACE_BEFORE_COLON)
BAD(tab_colon, "RFC 9112 5.1", "GET / HTTP/1.1\r\nHost\t: a\r\n\r\n", SPACE_BEFORE_COLON)
BAD(space_colon_length, "RFC 9112 5.1", "POST / HTTP/1.1\r\n" H "Content-Length : 5\r\n\r\n",
    SPACE_BEFORE_COLON)
BAD(space_in_name, "RFC 9110 5.1", "GET / HTTP/1.1\r\n" H "A B: c\r\n\r\n", FIELD_NAME)
BAD(empty_name, "RFC 9110 5.1", "GET / HTTP/1.1\r\n" H ": c\r\n\r\n", FIELD_NAME)
BAD(name_sign, "RFC 9110 5.1", "GET / HTTP/1.1\r\n" H "A(: c\r\n\r\n", FIELD_NAME)
BAD(name_quote, "RFC 9110 5.1", "GET / HTTP/1.1\r\n" H "\"A\": c\r\n\r\n", FIELD_NAME)
BAD(name_at, "RFC 9110 5.1", "GET / HTTP/1.1\r\n" H "hos@: c\r\n\r\n", FIELD_NAME)
BAD(name_high, "RFC 9110 5.1", "GET / HTTP/1.1\r\n" H "A\xe4: c\r\n\r\n", FIELD_NAME)
BAD(no_colon, "RFC 9112 5", "GET / HTTP/1.1\r\n" H "Abc\r\n\r\n", NO_COLON)
BAD(no_colon_next_has, "RFC 9112 5", "GET / HTTP/1.1\r\nAbc\r\n" H "\r\n", NO_COLON)
BAD(second_start_line, "RFC 9112 5", "GET / HTTP/1.1\r\nGET / HTTP/1.1\r\n" H "\r\n", NO_COLON)
BAD(nine_fields, "RFC 9110 5.4",
    "GET / HTTP/1.1\r\n" H "a:\r\nb:\r\nc:\r\nd:\r\ne:\r\nf:\r\ng:\r\nh:\r\n\r\n", TOO_MANY_FIELDS)

/* Host */
BAD(host_missing, "RFC 9112 3.2", "GET / HTTP/1.1\r\n\r\n", HOST_MISSING)
BAD(host_twice, "RFC 9112 3.2", "GET / HTTP/1.1\r\n" H H "\r\n", HOST_REPEATED)
BAD(host_twice_10, "RFC 9112 3.2", "GET / HTTP/1.0\r\n" H H "\r\n", HOST_REPEATED)
BAD(host_empty, "RFC 9112 3.2", "GET / HTTP/1.1\r\nHost:\r\n\r\n", HOST_BAD)
BAD(host_list, "RFC 9112 3.2", "GET / HTTP/1.1\r\nHost: a, b\r\n\r\n", HOST_BAD)
BAD(host_comma, "RFC 9112 3.2", "GET / HTTP/1.1\r\nHost: a,b\r\n\r\n", HOST_BAD)
BAD(host_path, "RFC 9112 3.2", "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", HOST_BAD)
BAD(host_user, "RFC 9112 3.2", "GET / HTTP/1.1\r\nHost: u@a\r\n\r\n", HOST_BAD)
BAD(host_port_big, "RFC 9112 3.2", "GET / HTTP/1.1\r\nHost: a:65536\r\n\r\n", HOST_BAD)
BAD(host_port_text, "RFC 9112 3.2", "GET / HTTP/1.1\r\nHost: a:b\r\n\r\n", HOST_BAD)
BAD(host_bad_10, "RFC 9112 3.2", "GET / HTTP/1.0\r\nHost: a b\r\n\r\n", HOST_BAD)

/* Framing */
BAD(both, "RFC 9112 11.2",
    "POST / HTTP/1.1\r\n" H "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
    LENGTH_AND_CODING)
BAD(both_turned, "RFC 9112 11.2",
    "POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n",
    LENGTH_AND_CODING)
BAD(both_10, "RFC 9112 6.1",
    "POST / HTTP/1.0\r\n" H "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n",
    LENGTH_AND_CODING)
BAD(length_differs, "RFC 9112 6.3",
    "POST / HTTP/1.1\r\n" H "Content-Length: 5\r\nContent-Length: 6\r\n\r\n", LENGTH_DIFFERS)
BAD(length_twice, "RFC 9110 8.6",
    "POST / HTTP/1.1\r\n" H "Content-Length: 5\r\nContent-Length: 5\r\n\r\n", FIELD_REPEATED)
BAD(length_twice_bad, "RFC 9110 8.6",
    "POST / HTTP/1.1\r\n" H "Content-Length: 5\r\nContent-Length: x\r\n\r\n", LENGTH_BAD)
BAD(length_list, "RFC 9110 8.6", "POST / HTTP/1.1\r\n" H "Content-Length: 5, 5\r\n\r\n", LENGTH_BAD)
BAD(length_plus, "RFC 9110 8.6", "POST / HTTP/1.1\r\n" H "Content-Length: +5\r\n\r\n", LENGTH_BAD)
BAD(length_minus, "RFC 9110 8.6", "POST / HTTP/1.1\r\n" H "Content-Length: -5\r\n\r\n", LENGTH_BAD)
BAD(length_hex, "RFC 9110 8.6", "POST / HTTP/1.1\r\n" H "Content-Length: 0x5\r\n\r\n", LENGTH_BAD)
BAD(length_point, "RFC 9110 8.6", "POST / HTTP/1.1\r\n" H "Content-Length: 5.0\r\n\r\n", LENGTH_BAD)
BAD(length_empty, "RFC 9110 8.6", "POST / HTTP/1.1\r\n" H "Content-Length:\r\n\r\n", LENGTH_BAD)
BAD(length_space, "RFC 9110 8.6", "POST / HTTP/1.1\r\n" H "Content-Length: 5 5\r\n\r\n", LENGTH_BAD)
BAD(length_2_63, "RFC 9110 8.6",
    "POST / HTTP/1.1\r\n" H "Content-Length: 9223372036854775808\r\n\r\n", LENGTH_BAD)
BAD(length_2_64, "RFC 9110 8.6",
    "POST / HTTP/1.1\r\n" H "Content-Length: 18446744073709551621\r\n\r\n", LENGTH_BAD)
BAD(length_20_digits, "RFC 9110 8.6",
    "POST / HTTP/1.1\r\n" H "Content-Length: 00000000000000000005\r\n\r\n", LENGTH_BAD)
BAD(length_get_bad, "RFC 9112 6.3", "GET / HTTP/1.1\r\n" H "Content-Length: a\r\n\r\n", LENGTH_BAD)
BAD(coding_gzip_chunked, "RFC 9112 6.1",
    "POST / HTTP/1.1\r\n" H "Transfer-Encoding: gzip, chunked\r\n\r\n", CODING_UNKNOWN)
BAD(coding_gzip_chunked_2, "RFC 9112 6.1",
    "POST / HTTP/1.1\r\n" H "Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n",
    CODING_UNKNOWN)
BAD(coding_gzip, "RFC 9112 6.3", "POST / HTTP/1.1\r\n" H "Transfer-Encoding: gzip\r\n\r\n",
    CODING_BAD)
BAD(coding_identity, "RFC 9112 6.3", "POST / HTTP/1.1\r\n" H "Transfer-Encoding: identity\r\n\r\n",
    CODING_BAD)
BAD(coding_xchunked, "RFC 9112 11.2", "POST / HTTP/1.1\r\n" H "Transfer-Encoding: xchunked\r\n\r\n",
    CODING_BAD)
BAD(coding_not_last, "RFC 9112 6.1",
    "POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked, gzip\r\n\r\n", CODING_BAD)
BAD(coding_twice, "RFC 9112 6.1",
    "POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked, chunked\r\n\r\n", CODING_BAD)
BAD(coding_two_lines, "RFC 9112 6.1",
    "POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
    CODING_BAD)
BAD(coding_empty, "RFC 9112 6.1", "POST / HTTP/1.1\r\n" H "Transfer-Encoding:\r\n\r\n", CODING_BAD)
BAD(coding_comma, "RFC 9112 6.1", "POST / HTTP/1.1\r\n" H "Transfer-Encoding: ,chunked\r\n\r\n",
    CODING_BAD)
BAD(coding_parameter, "RFC 9112 7",
    "POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked;a=b\r\n\r\n", CODING_BAD)
BAD(coding_quoted, "RFC 9112 7", "POST / HTTP/1.1\r\n" H "Transfer-Encoding: \"chunked\"\r\n\r\n",
    CODING_BAD)
BAD(coding_http10, "RFC 9112 6.1", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n",
    CODING_HTTP10)
BAD(coding_space, "RFC 9112 7", "POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunk ed\r\n\r\n",
    CODING_BAD)

#undef H
