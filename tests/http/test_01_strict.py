# SPDX-License-Identifier: BSD-2-Clause
"""What two implementations could read in two ways is refused (RFC 9112 11): the client gets an
error and the end of its connection, and nothing at all reaches the origin."""

import itertools

import pytest

from lib import wait_for
from lib.wire import request

BAD = {400}
H = "Host: test\r\n"
SMUGGLED = "GET /smuggled HTTP/1.1\r\nHost: test\r\n\r\n"
numbers = itertools.count()


@pytest.fixture(scope="module")
def site(module_place):
    s = module_place.site(listener={"limits": {"header_size": "8KiB", "header_fields": 20,
                                               "body_size": "1MiB"}})
    return s


def fence(site, seen, connection=None):
    """A good request; the origin must have seen it and nothing else since <seen>."""
    path = f"/fence-{next(numbers)}"
    assert site.get(path).status == 200
    assert [r.path for r in site.origin.requests[seen:]] == [path]
    site.origin.check()


def refused(site, data, statuses=BAD):
    seen, bytes_before = len(site.origin.requests), site.origin.bytes
    with site.client() as c:
        c.try_send(data)
        r = c.read_response()
        assert r.status in statuses, r
        assert not r.keep_alive(), r
        assert "Date" in r.fields, r  # RFC 9110 6.6.1
        c.expect_end()
    assert site.origin.bytes == bytes_before
    fence(site, seen)
    return r


def names(cases):
    return [c[0] for c in cases]


# -- framing: RFC 9112 6.1, 6.3

FRAMING = [
    # what, header lines, statuses
    ("cl-and-te", "Content-Length: 6\r\nTransfer-Encoding: chunked", BAD),
    ("te-and-cl", "Transfer-Encoding: chunked\r\nContent-Length: 6", BAD),
    ("cl-0-and-te", "Content-Length: 0\r\nTransfer-Encoding: chunked", BAD),
    ("te-identity", "Transfer-Encoding: identity", {400, 501}),
    ("te-identity-and-cl", "Transfer-Encoding: identity\r\nContent-Length: 6", BAD),
    ("te-twice", "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked", BAD),
    ("te-chunked-chunked", "Transfer-Encoding: chunked, chunked", BAD),
    ("te-chunked-not-last", "Transfer-Encoding: chunked, gzip", {400, 501}),
    ("te-chunked-then-identity", "Transfer-Encoding: chunked, identity", {400, 501}),
    ("te-chunked-then-x", "Transfer-Encoding: chunked\r\nTransfer-Encoding: x", {400, 501}),
    ("te-gzip", "Transfer-Encoding: gzip", {400, 501}),
    ("te-gzip-chunked", "Transfer-Encoding: gzip, chunked", {501}),
    ("te-unknown", "Transfer-Encoding: xchunked", {400, 501}),
    ("te-unknown-suffix", "Transfer-Encoding: chunkedx", {400, 501}),
    ("te-parameter", "Transfer-Encoding: chunked;a=b", {400, 501}),
    ("te-quoted", 'Transfer-Encoding: "chunked"', {400, 501}),
    ("te-quotes-single", "Transfer-Encoding: 'chunked'", {400, 501}),
    ("te-empty", "Transfer-Encoding:", {400, 501}),
    ("te-empty-and-cl", "Transfer-Encoding:\r\nContent-Length: 6", BAD),
    ("te-comma", "Transfer-Encoding: ,", {400, 501}),
    ("te-vtab", "Transfer-Encoding: \x0bchunked", BAD),
    ("te-nul", "Transfer-Encoding: chunked\0", BAD),
    ("te-formfeed", "Transfer-Encoding:\x0cchunked", BAD),
    ("te-space-before-colon", "Transfer-Encoding : chunked", BAD),
    ("te-tab-before-colon", "Transfer-Encoding\t: chunked", BAD),
    ("te-leading-space", " Transfer-Encoding: chunked", BAD),
    ("te-folded", "Transfer-Encoding:\r\n chunked", BAD),
    ("te-in-value-cr", "X: y\rTransfer-Encoding: chunked", BAD),
    ("te-in-value-lf", "X: y\nTransfer-Encoding: chunked", BAD),
    ("cl-differ", "Content-Length: 6\r\nContent-Length: 5", BAD),
    ("cl-differ-list", "Content-Length: 6, 5", BAD),
    ("cl-plus", "Content-Length: +6", BAD),
    ("cl-minus", "Content-Length: -6", BAD),
    ("cl-minus-zero", "Content-Length: -0", BAD),
    ("cl-hex", "Content-Length: 0x6", BAD),
    ("cl-hexdigits", "Content-Length: a", BAD),
    ("cl-float", "Content-Length: 6.0", BAD),
    ("cl-exponent", "Content-Length: 6e0", BAD),
    ("cl-empty", "Content-Length:", BAD),
    ("cl-space-inside", "Content-Length: 6 6", BAD),
    ("cl-word", "Content-Length: six", BAD),
    ("cl-trailing-junk", "Content-Length: 6a", BAD),
    ("cl-trailing-comma", "Content-Length: 6,", BAD),
    ("cl-leading-comma", "Content-Length: ,6", BAD),
    ("cl-quoted", 'Content-Length: "6"', BAD),
    ("cl-underscore", "Content-Length: 1_0", BAD),
    ("cl-over-64-bits", "Content-Length: 18446744073709551622", {400, 413}),
    ("cl-over-63-bits", "Content-Length: 9223372036854775814", {400, 413}),
    ("cl-endless", "Content-Length: " + "9" * 300, {400, 413}),
    ("cl-zeroes-over-64-bits", "Content-Length: 36893488147419103238", {400, 413}),
    ("cl-space-before-colon", "Content-Length : 6", BAD),
    ("cl-arabic-digits", "Content-Length: \xd9\xa6", BAD),
    ("cl-control", "Content-Length: 6\x08", BAD),
]


@pytest.mark.parametrize("what,lines,statuses", FRAMING, ids=names(FRAMING))
def test_framing(site, what, lines, statuses):
    """RFC 9112 6.1, 6.3, 11.2"""
    refused(site, f"POST /bad HTTP/1.1\r\n{H}{lines}\r\n\r\n0\r\n\r\nG{SMUGGLED}", statuses)


def test_te_in_http_1_0(site):
    """RFC 9112 6.1: a 1.0 message with Transfer-Encoding has faulty framing"""
    refused(site, f"POST /bad HTTP/1.0\r\n{H}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n{SMUGGLED}")


@pytest.mark.parametrize("lines", ["Content-Length: 5\r\nContent-Length: 5", "Content-Length: 5, 5"])
def test_equal_lengths(site, lines):
    """RFC 9110 8.6: refused, or made into one: never forwarded as they are"""
    seen = len(site.origin.requests)
    with site.client() as c:
        c.send(f"POST /equal HTTP/1.1\r\n{H}{lines}\r\n\r\nhello")
        r = c.read_response()
        if r.status == 400:
            c.expect_end()
            assert len(site.origin.requests) == seen
        else:
            assert r.status == 200
            got = site.origin.requests[seen]  # strictly parsed: exactly one Content-Length
            assert got.body == b"hello"


@pytest.mark.parametrize("te", ["chunked", "Chunked", "CHUNKED", "\tchunked ", "chunked \t"])
def test_good_chunked(site, te):
    """RFC 9112 7: coding names are case-insensitive, white space around a value is none of it"""
    seen = len(site.origin.requests)
    with site.client() as c:
        c.send(f"POST /good HTTP/1.1\r\n{H}Transfer-Encoding:{te}\r\n\r\n3\r\nabc\r\n0\r\n\r\n")
        assert c.read_response().status == 200
    assert site.origin.requests[seen].body == b"abc"


# -- lines and fields: RFC 9112 2.2, 5, 5.1, 5.2; RFC 9110 5.5

LINES = [
    ("bare-lf-in-head", f"GET /bad HTTP/1.1\n{H}\r\n"),
    ("bare-lf-after-field", "GET /bad HTTP/1.1\r\nHost: test\n\r\n"),
    ("bare-lf-end", "GET /bad HTTP/1.1\r\nHost: test\r\n\n"),
    ("only-lf", "GET /bad HTTP/1.1\nHost: test\n\n"),
    ("bare-cr-in-value", f"GET /bad HTTP/1.1\r\n{H}X: a\rb\r\n\r\n"),
    ("bare-cr-for-crlf", "GET /bad HTTP/1.1\rHost: test\r\r"),
    ("cr-cr-lf", "GET /bad HTTP/1.1\r\r\nHost: test\r\n\r\n"),
    ("field-cr-cr-lf", "GET /bad HTTP/1.1\r\nHost: test\r\r\n\r\n"),
    ("cr-in-name", f"GET /bad HTTP/1.1\r\n{H}X\rY: a\r\n\r\n"),
    ("lf-in-value", f"GET /bad HTTP/1.1\r\n{H}X: a\nb: c\r\n\r\n"),
    ("nul-in-value", f"GET /bad HTTP/1.1\r\n{H}X: a\0b\r\n\r\n"),
    ("nul-in-name", f"GET /bad HTTP/1.1\r\n{H}X\0: a\r\n\r\n"),
    ("nul-in-target", f"GET /b\0d HTTP/1.1\r\n{H}\r\n"),
    ("bell-in-value", f"GET /bad HTTP/1.1\r\n{H}X: a\x07b\r\n\r\n"),
    ("escape-in-value", f"GET /bad HTTP/1.1\r\n{H}X: \x1b[0m\r\n\r\n"),
    ("del-in-value", f"GET /bad HTTP/1.1\r\n{H}X: a\x7f\r\n\r\n"),
    ("space-before-colon", f"GET /bad HTTP/1.1\r\n{H}X : a\r\n\r\n"),
    ("tab-before-colon", f"GET /bad HTTP/1.1\r\n{H}X\t: a\r\n\r\n"),
    ("space-in-name", f"GET /bad HTTP/1.1\r\n{H}X Y: a\r\n\r\n"),
    ("no-name", f"GET /bad HTTP/1.1\r\n{H}: a\r\n\r\n"),
    ("no-colon", f"GET /bad HTTP/1.1\r\n{H}X\r\n\r\n"),
    ("name-with-slash", f"GET /bad HTTP/1.1\r\n{H}X/Y: a\r\n\r\n"),
    ("name-with-paren", f"GET /bad HTTP/1.1\r\n{H}X(Y): a\r\n\r\n"),
    ("name-with-quote", f'GET /bad HTTP/1.1\r\n{H}"X": a\r\n\r\n'),
    ("name-with-at", f"GET /bad HTTP/1.1\r\n{H}X@Y: a\r\n\r\n"),
    ("name-with-8-bit", f"GET /bad HTTP/1.1\r\n{H}X\xe9: a\r\n\r\n"),
    ("name-with-control", f"GET /bad HTTP/1.1\r\n{H}X\x01: a\r\n\r\n"),
    ("obs-fold-space", f"GET /bad HTTP/1.1\r\n{H}X: a\r\n b\r\n\r\n"),
    ("obs-fold-tab", f"GET /bad HTTP/1.1\r\n{H}X: a\r\n\tb\r\n\r\n"),
    ("obs-fold-host", "GET /bad HTTP/1.1\r\nHost:\r\n test\r\n\r\n"),
    ("space-first-field", f"GET /bad HTTP/1.1\r\n X: a\r\n{H}\r\n"),  # RFC 9112 2.2
    ("tab-first-field", f"GET /bad HTTP/1.1\r\n\tX: a\r\n{H}\r\n"),
    ("space-only-line", f"GET /bad HTTP/1.1\r\n{H} \r\n\r\n"),
    ("many-empty-lines", "\r\n" * 50 + f"GET /bad HTTP/1.1\r\n{H}\r\n"),
    ("lf-before-request", f"\nGET /bad HTTP/1.1\r\n{H}\r\n"),
    ("cr-before-request", f"\rGET /bad HTTP/1.1\r\n{H}\r\n"),
    ("tls-hello", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + "\x00" * 200 + "\r\n\r\n"),
    ("h2-preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
    ("ssh", "SSH-2.0-OpenSSH_9.2\r\n\r\n"),
    ("smtp", "EHLO test\r\n\r\n"),
    ("binary", "\xff\xfe\x00\x01\x80\x90\r\n\r\n"),
]


@pytest.mark.parametrize("what,data", LINES, ids=names(LINES))
def test_lines(site, what, data):
    """RFC 9112 2.2, 5, 5.1, 5.2, RFC 9110 5.5"""
    refused(site, data + SMUGGLED, {400, 505, 501})


START = [
    # RFC 9112 3
    ("two-spaces", "GET  /bad HTTP/1.1", BAD),
    ("two-spaces-2", "GET /bad  HTTP/1.1", BAD),
    ("tab", "GET\t/bad HTTP/1.1", BAD),
    ("tab-2", "GET /bad\tHTTP/1.1", BAD),
    ("leading-space", " GET /bad HTTP/1.1", BAD),
    ("trailing-space", "GET /bad HTTP/1.1 ", {400, 505}),
    ("space-in-target", "GET /b ad HTTP/1.1", {400, 505}),
    ("vtab", "GET\x0b/bad HTTP/1.1", BAD),
    ("no-target", "GET HTTP/1.1", BAD),
    ("empty-target", "GET  HTTP/1.1", BAD),
    ("no-method", "/bad HTTP/1.1", BAD),
    ("only-method", "GET", BAD),
    ("method-at", "G@T /bad HTTP/1.1", BAD),
    ("method-colon", "GET: /bad HTTP/1.1", BAD),
    ("method-8-bit", "G\xc9T /bad HTTP/1.1", BAD),
    ("method-control", "G\x01T /bad HTTP/1.1", BAD),
    ("http-0.9", "GET /bad", {400, 505}),
    # RFC 9112 2.3
    ("version-lower", "GET /bad http/1.1", {400, 505}),
    ("version-mixed", "GET /bad Http/1.1", {400, 505}),
    ("version-2.0", "GET /bad HTTP/2.0", {505}),
    ("version-2", "GET /bad HTTP/2", {400, 505}),
    ("version-3.0", "GET /bad HTTP/3.0", {505}),
    ("version-0.9", "GET /bad HTTP/0.9", {400, 505}),
    ("version-1", "GET /bad HTTP/1", {400, 505}),
    ("version-1.", "GET /bad HTTP/1.", {400, 505}),
    ("version-1.10", "GET /bad HTTP/1.10", {400, 505}),
    ("version-01.1", "GET /bad HTTP/01.1", {400, 505}),
    ("version-1.1.1", "GET /bad HTTP/1.1.1", {400, 505}),
    ("version-1,1", "GET /bad HTTP/1,1", {400, 505}),
    ("version-11", "GET /bad HTTP/11", {400, 505}),
    ("version-space", "GET /bad HTTP /1.1", {400, 505}),
    ("version-plus", "GET /bad HTTP/+1.1", {400, 505}),
    ("version-x", "GET /bad HTTP/1.x", {400, 505}),
    ("version-name", "GET /bad HTTPS/1.1", {400, 505}),
    ("version-icap", "GET /bad ICAP/1.0", {400, 505}),
    # RFC 9112 3.2, RFC 3986
    ("relative", "GET bad HTTP/1.1", BAD),
    ("question", "GET ?a HTTP/1.1", BAD),
    ("asterisk-get", "GET * HTTP/1.1", BAD),
    ("asterisk-path", "OPTIONS *x HTTP/1.1", BAD),
    ("authority-get", "GET test:80 HTTP/1.1", BAD),
    ("fragment", "GET /bad#x HTTP/1.1", BAD),
    ("8-bit", "GET /b\xe4d HTTP/1.1", BAD),
    ("del", "GET /b\x7fd HTTP/1.1", BAD),
    ("control", "GET /b\x01d HTTP/1.1", BAD),
    ("escape-nul", "GET /b%00d HTTP/1.1", BAD),
    ("escape-half", "GET /b% HTTP/1.1", BAD),
    ("escape-short", "GET /b%4 HTTP/1.1", BAD),
    ("escape-bad", "GET /b%zzd HTTP/1.1", BAD),
    ("above-root", "GET /../bad HTTP/1.1", BAD),
    ("above-root-escaped", "GET /%2e%2e/bad HTTP/1.1", BAD),
    ("above-root-deep", "GET /a/../../bad HTTP/1.1", BAD),
    ("absolute-no-host", "GET http:///bad HTTP/1.1", BAD),
    ("absolute-no-slashes", "GET http:bad HTTP/1.1", BAD),
    ("absolute-userinfo", "GET http://user@test/bad HTTP/1.1", BAD),
    ("absolute-bad-port", "GET http://test:port/bad HTTP/1.1", BAD),
    ("absolute-big-port", "GET http://test:99999/bad HTTP/1.1", BAD),
    ("absolute-fragment", "GET http://test/bad#x HTTP/1.1", BAD),
    ("connect-path", "CONNECT /bad HTTP/1.1", {400, 405, 501}),
    ("connect-no-port", "CONNECT test HTTP/1.1", {400, 405, 501}),
    ("connect", "CONNECT test:80 HTTP/1.1", {400, 405, 501}),  # RFC 9110 9.3.6: we are no tunnel
]


@pytest.mark.parametrize("what,line,statuses", START, ids=names(START))
def test_start_line(site, what, line, statuses):
    """RFC 9112 3, 3.1, 3.2, 2.3"""
    refused(site, f"{line}\r\n{H}\r\n{SMUGGLED}", statuses)


HOSTS = [
    # RFC 9112 3.2, RFC 9110 7.2, RFC 3986 3.2.2
    ("missing", ""),
    ("twice", "Host: test\r\nHost: test\r\n"),
    ("twice-differ", "Host: test\r\nHost: other\r\n"),
    ("twice-case", "Host: test\r\nhOST: other\r\n"),
    ("empty", "Host:\r\n"),
    ("spaces", "Host:   \r\n"),
    ("space-inside", "Host: te st\r\n"),
    ("list", "Host: test, other\r\n"),
    ("slash", "Host: test/path\r\n"),
    ("url", "Host: http://test\r\n"),
    ("userinfo", "Host: user@test\r\n"),
    ("question", "Host: test?a\r\n"),
    ("fragment", "Host: test#a\r\n"),
    ("backslash", "Host: test\\other\r\n"),
    ("port-word", "Host: test:http\r\n"),
    ("port-big", "Host: test:65536\r\n"),
    ("port-huge", "Host: test:4294967376\r\n"),
    ("port-minus", "Host: test:-1\r\n"),
    ("port-plus", "Host: test:+80\r\n"),
    ("port-twice", "Host: test:80:80\r\n"),
    ("only-port", "Host: :80\r\n"),
    ("v6-open", "Host: [::1\r\n"),
    ("v6-junk", "Host: [::1]x\r\n"),
    ("v6-bare", "Host: ::1\r\n"),
    ("v6-empty", "Host: []\r\n"),
    ("v6-bad", "Host: [::g]\r\n"),
    ("8-bit", "Host: t\xe9st\r\n"),
    ("nul", "Host: te\0st\r\n"),
    ("angle", "Host: <test>\r\n"),
    ("quotes", 'Host: "test"\r\n'),
    ("escape-bad", "Host: te%zzst\r\n"),
]


@pytest.mark.parametrize("what,lines", HOSTS, ids=names(HOSTS))
def test_host(site, what, lines):
    """RFC 9112 3.2: 400 for no Host, several, or one that is not valid"""
    refused(site, f"GET /bad HTTP/1.1\r\n{lines}\r\n{SMUGGLED}")


def test_host_bad_in_absolute_form_too(site):
    """RFC 9112 3.2: the rule for Host holds for every request, also one in absolute form"""
    refused(site, f"GET http://test/bad HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n{SMUGGLED}")
    refused(site, f"GET http://test/bad HTTP/1.1\r\n\r\n{SMUGGLED}")


# -- limits: RFC 9112 3, RFC 6585 5

def test_limit_field_size(site):
    r = refused(site, f"GET /bad HTTP/1.1\r\n{H}X: {'a' * 9000}\r\n\r\n", {431})
    assert r["Content-Type"] == "application/problem+json"


def test_limit_fields_total(site):
    lines = "".join(f"X-{i}: {'a' * 900}\r\n" for i in range(12))
    refused(site, f"GET /bad HTTP/1.1\r\n{H}{lines}\r\n", {431})


def test_limit_field_count(site):
    lines = "".join(f"X-{i}: a\r\n" for i in range(30))
    refused(site, f"GET /bad HTTP/1.1\r\n{H}{lines}\r\n", {431})


def test_field_count_at_the_limit(site):
    lines = "".join(f"X-{i}: a\r\n" for i in range(19))
    with site.client() as c:
        c.send(f"GET /good HTTP/1.1\r\n{H}{lines}\r\n")
        assert c.read_response().status == 200


def test_limit_target(site):
    refused(site, f"GET /{'a' * 9000} HTTP/1.1\r\n{H}\r\n", {414})


def test_limit_without_line_end(site):
    """No line end in sight: refused as soon as the limit is passed, not when the line is whole"""
    refused(site, f"GET /{'a' * 9000}", {414})
    refused(site, f"GET /bad HTTP/1.1\r\n{H}X: {'a' * 9000}", {431})


def test_limit_method(site):
    refused(site, f"{'A' * 9000} /bad HTTP/1.1\r\n{H}\r\n", {400, 501, 414, 431})


def test_long_target_below_the_limit(site):
    """RFC 9112 3: at least 8000 octets should do; here up to the head's limit"""
    seen = len(site.origin.requests)
    target = "/" + "a" * 7900
    assert site.get(target).status == 200
    assert site.origin.requests[seen].target == target


# -- chunked bodies: RFC 9112 7.1

CHUNKED = f"POST /chunks HTTP/1.1\r\n{H}Transfer-Encoding: chunked\r\n\r\n"

CHUNKS = [
    ("size-empty", "\r\nabc\r\n0\r\n\r\n"),
    ("size-word", "xyz\r\nabc\r\n0\r\n\r\n"),
    ("size-0x", "0x3\r\nabc\r\n0\r\n\r\n"),
    ("size-plus", "+3\r\nabc\r\n0\r\n\r\n"),
    ("size-minus", "-3\r\nabc\r\n0\r\n\r\n"),
    ("size-minus-1", "-1\r\nabc\r\n0\r\n\r\n"),
    ("size-leading-space", " 3\r\nabc\r\n0\r\n\r\n"),
    ("size-trailing-space", "3 \r\nabc\r\n0\r\n\r\n"),
    ("size-tab", "3\t\r\nabc\r\n0\r\n\r\n"),
    ("size-underscore", "0_3\r\nabc\r\n0\r\n\r\n"),
    ("size-64-bits", "ffffffffffffffff\r\nabc\r\n0\r\n\r\n"),
    ("size-65-bits", "10000000000000003\r\nabc\r\n0\r\n\r\n"),
    ("size-zeroes-wrap", "100000000000000000000003\r\nabc\r\n0\r\n\r\n"),
    ("size-bare-lf", "3\nabc\r\n0\r\n\r\n"),
    ("size-cr-only", "3\rabc\r\n0\r\n\r\n"),
    ("size-cr-cr-lf", "3\r\r\nabc\r\n0\r\n\r\n"),
    ("size-nul", "3\0\r\nabc\r\n0\r\n\r\n"),
    ("size-comma", "3,3\r\nabc\r\n0\r\n\r\n"),
    ("size-dot", "3.0\r\nabc\r\n0\r\n\r\n"),
    ("data-too-long", "3\r\nabcd\r\n0\r\n\r\n"),
    ("data-too-short", "4\r\nabc\r\n0\r\n\r\n"),
    ("data-bare-lf", "3\r\nabc\n0\r\n\r\n"),
    ("data-cr-only", "3\r\nabc\r0\r\n\r\n"),
    ("data-no-crlf", "3\r\nabc0\r\n\r\n"),
    ("ext-bare-lf", "3;a\nabc\r\n0\r\n\r\n"),  # the "TERM.EXT" family of smuggling
    ("ext-cr", "3;a\rb\r\nabc\r\n0\r\n\r\n"),
    ("ext-nul", "3;a\0\r\nabc\r\n0\r\n\r\n"),
    ("ext-control", "3;a=\x01\r\nabc\r\n0\r\n\r\n"),
    ("ext-endless", "3;" + "a" * 70000 + "\r\nabc\r\n0\r\n\r\n"),
    ("ext-no-semicolon", "3 a\r\nabc\r\n0\r\n\r\n"),
    ("last-bare-lf", "3\r\nabc\r\n0\n\r\n"),
    ("last-ext-bare-lf", "3\r\nabc\r\n0;a\n\r\n"),
    ("last-word", "3\r\nabc\r\nz\r\n\r\n"),
    ("trailer-bare-lf", "3\r\nabc\r\n0\r\nX: a\n\r\n"),
    ("trailer-end-lf", "3\r\nabc\r\n0\r\n\n"),
    ("trailer-space-colon", "3\r\nabc\r\n0\r\nX : a\r\n\r\n"),
    ("trailer-fold", "3\r\nabc\r\n0\r\nX: a\r\n b\r\n\r\n"),
    ("trailer-nul", "3\r\nabc\r\n0\r\nX: a\0\r\n\r\n"),
    ("trailer-no-colon", "3\r\nabc\r\n0\r\nX\r\n\r\n"),
    ("trailer-endless", "3\r\nabc\r\n0\r\nX: " + "a" * 70000 + "\r\n\r\n"),
    ("trailer-request", "3\r\nabc\r\n0\r\nGET /smuggled HTTP/1.1\r\nX: a\r\n\r\n"),
]


@pytest.mark.parametrize("pause", [False, True], ids=["at-once", "head-first"])
@pytest.mark.parametrize("what,body", CHUNKS, ids=names(CHUNKS))
def test_chunks(site, what, body, pause):
    """RFC 9112 7.1, 7.1.1, 7.1.2: the head may be on its way already when the body turns out bad.
    Then the origin must see a broken request, never a whole one, and the client the end."""
    seen = len(site.origin.requests)
    with site.client() as c:
        if pause:
            c.send(CHUNKED)
            wait_for(lambda: len(site.origin.requests) > seen, "the head at the origin", timeout=5)
            c.try_send(body + SMUGGLED)
        else:
            c.try_send(CHUNKED + body + SMUGGLED)
        r = c.read_response()
        assert r.status in (400, 413, 431), r
        assert not r.keep_alive()
        c.expect_end()
    fence_path = f"/fence-{next(numbers)}"
    assert site.get(fence_path).status == 200
    got = site.origin.requests[seen:]
    assert [r.path for r in got if r.path != "/chunks"] == [fence_path]
    for r in got:
        if r.path == "/chunks":
            r.conn.ended.wait(10)
            assert not r.complete, "the origin got a whole request out of a broken one"
    site.origin.check()


GOOD_CHUNKS = [
    ("plain", "3\r\nabc\r\n0\r\n\r\n"),
    ("two", "1\r\na\r\n2\r\nbc\r\n0\r\n\r\n"),
    ("leading-zeroes", "0003\r\nabc\r\n0000\r\n\r\n"),
    ("extension", "3;name=value\r\nabc\r\n0\r\n\r\n"),
    ("extension-quoted", '3;name="a;b"\r\nabc\r\n0\r\n\r\n'),
    ("extension-last", "3\r\nabc\r\n0;x\r\n\r\n"),
    ("crlf-in-data", "3\r\nabc\r\n0\r\n\r\n"),
]


@pytest.mark.parametrize("what,body", GOOD_CHUNKS, ids=names(GOOD_CHUNKS))
@pytest.mark.parametrize("piece", [0, 1], ids=["at-once", "byte-by-byte"])
def test_good_chunks(site, what, body, piece):
    """RFC 9112 7.1.1: extensions are read over, and not forwarded"""
    seen = len(site.origin.requests)
    with site.client() as c:
        if piece:
            c.send_slowly((CHUNKED + body).encode(), 1, 0.0005)
        else:
            c.send(CHUNKED + body)
        assert c.read_response().status == 200
        assert c.ask(target="/next").status == 200  # the connection goes on
    assert [(r.path, r.body) for r in site.origin.requests[seen:]] == [("/chunks", b"abc"), ("/next", b"")]


def test_data_that_looks_like_an_end(site):
    """RFC 9112 7.1: chunk data is opaque"""
    seen = len(site.origin.requests)
    data = "0\r\n\r\n" + SMUGGLED
    with site.client() as c:
        c.send(CHUNKED + f"{len(data):X}\r\n{data}\r\n0\r\n\r\n")
        assert c.read_response().status == 200
    assert site.origin.requests[seen].body == data.encode()
    assert len(site.origin.requests) == seen + 1


# -- what must be accepted

GOOD = [
    ("empty-line-before", f"\r\nGET /good HTTP/1.1\r\n{H}\r\n"),  # RFC 9112 2.2
    ("version-1.2", f"GET /good HTTP/1.2\r\n{H}\r\n"),  # RFC 9110 2.5
    ("unknown-method", f"FROBNICATE /good HTTP/1.1\r\n{H}\r\n"),
    ("method-token-chars", f"M!#$%&'*+-.^_`|~9 /good HTTP/1.1\r\n{H}\r\n"),
    ("name-token-chars", f"GET /good HTTP/1.1\r\n{H}!#$%&'*+-.^`|~9: a\r\n\r\n"),
    ("empty-value", f"GET /good HTTP/1.1\r\n{H}X:\r\n\r\n"),
    ("no-space", "GET /good HTTP/1.1\r\nHost:test\r\n\r\n"),
    ("spaces-around", "GET /good HTTP/1.1\r\nHost: \t test \t \r\n\r\n"),
    ("tab-inside", f"GET /good HTTP/1.1\r\n{H}X: a\tb\r\n\r\n"),
    ("8-bit-value", f"GET /good HTTP/1.1\r\n{H}X: \xe4\xff\x80\r\n\r\n"),
    ("host-port", "GET /good HTTP/1.1\r\nHost: test:8080\r\n\r\n"),
    ("host-empty-port", "GET /good HTTP/1.1\r\nHost: test:\r\n\r\n"),
    ("host-v6", "GET /good HTTP/1.1\r\nHost: [::1]:8080\r\n\r\n"),
    ("host-v4", "GET /good HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"),
    ("host-case", "GET /good HTTP/1.1\r\nhOsT: test\r\n\r\n"),
    ("query-chars", f"GET /good?a=b&c=/?:@!$'()*+,; HTTP/1.1\r\n{H}\r\n"),
    ("http-1.0-no-host", "GET /good HTTP/1.0\r\n\r\n"),
    ("get-with-body", f"GET /good HTTP/1.1\r\n{H}Content-Length: 3\r\n\r\nabc"),
    ("leading-zeroes", f"POST /good HTTP/1.1\r\n{H}Content-Length: 0003\r\n\r\nabc"),
]


@pytest.mark.parametrize("what,data", GOOD, ids=names(GOOD))
@pytest.mark.parametrize("piece", [0, 1], ids=["at-once", "byte-by-byte"])
def test_good(site, what, data, piece):
    seen = len(site.origin.requests)
    with site.client() as c:
        if piece:
            c.send_slowly(data.encode("latin-1"), 1, 0.0005)
        else:
            c.send(data)
        assert c.read_response().status == 200
    assert len(site.origin.requests) == seen + 1
    site.origin.check()


# -- in the middle of a connection

@pytest.mark.parametrize("bad", [
    "GET /bad HTTP/1.1\r\n\r\n",
    f"POST /bad HTTP/1.1\r\n{H}Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
    f"GET /bad HTTP/1.1\r\n{H}X : a\r\n\r\n",
    "garbage\r\n\r\n",
])
def test_bad_one_behind_a_good_one(site, bad):
    """RFC 9112 9.3.2: the good one is answered first, what follows the bad one is never read"""
    seen = len(site.origin.requests)
    with site.client() as c:
        c.send(request(target="/first") + bad.encode() + request(target="/third"))
        assert c.read_response().status == 200
        r = c.read_response()
        assert r.status == 400 and not r.keep_alive()
        c.expect_end()
    assert site.origin.paths()[seen:] == ["/first"]


def test_body_left_over_is_not_a_request(site):
    """RFC 9112 9.3: more bytes than Content-Length says are the next request, and a bad one"""
    seen = len(site.origin.requests)
    with site.client() as c:
        c.send(f"POST /short HTTP/1.1\r\n{H}Content-Length: 3\r\n\r\nabcdef\r\n\r\n")
        assert c.read_response().status == 200
        assert c.read_response().status == 400
        c.expect_end()
    assert [(r.path, r.body) for r in site.origin.requests[seen:]] == [("/short", b"abc")]


def test_refusal_is_readable_after_a_large_upload(place):
    """RFC 9112 9.6: the connection lingers, so that the error is not lost to a reset"""
    site = place.site(listener={"limits": {"body_size": "1KiB"}})
    for _ in range(5):
        with site.client() as c:
            c.try_send(f"POST / HTTP/1.1\r\n{H}Content-Length: 3000000\r\n\r\n")
            c.try_send(b"x" * 3000000)
            assert c.read_response().status == 413


def test_underscore_twins_are_dropped(site):
    """X_Forwarded_For must not pose as X-Forwarded-For behind a CGI-like back end"""
    seen = len(site.origin.requests)
    site.get("/us", "X_Forwarded_For: 6.6.6.6", "Content_Length: 7", "X_Custom: stays")
    got = site.origin.requests[seen]
    assert "X_Forwarded_For" not in got.fields and "Content_Length" not in got.fields
    assert got["X_Custom"] == "stays"
