# SPDX-License-Identifier: BSD-2-Clause
"""Stored responses on the wire: what a hit looks like for every kind of client, answer and size."""

import json
import time

import pytest

from lib import (CacheSite, Checked, chunked, data_segments_in, date, is_hit, ok, pattern, response, status_of,
                 together, wait_for)
from lib.wire import Body, request

KIB, MIB = 1 << 10, 1 << 20
ROUTES = {
    "small.test": {"cache": {"variants": 2}},
    "ops.test": {"headers": {"response": {"set": {"X-Set": "ours"}, "add": {"X-Add": "more"},
                                          "remove": ["Server", "X-Secret"]}}},
    "safe.test": {"security_headers": True},
    "quiet.test": {"cache": {"status_header": False}},
    "off.test": {"cache": {"enabled": False}},
}


@pytest.fixture(scope="module")
def site(module_place):
    return CacheSite(module_place, ROUTES, admin={"listen": "127.0.0.1:@port:admin"},
                     cache={"l1": {"size": "96MiB"}})


# -- a miss, then a hit


def test_miss_then_hit(site):
    """RFC 9111 4, 5.1; RFC 9110 6.6.1, 7.6.3; RFC 9211"""
    stamp = date(-2)
    path = site.put(ok(b"hello", f"Date: {stamp}", 'ETag: "v1"', "X-Mine: a"))
    miss, hit = site.get(path), site.get(path)
    assert site.asked(path) == 1
    status = status_of(miss)
    assert status["fwd"] == "uri-miss" and status["stored"] and "collapsed" not in status
    status = status_of(hit)
    assert status.hit and status["detail"] == "l1" and 50 <= status["ttl"] <= 58
    assert miss.body == hit.body == b"hello"
    for r in (miss, hit):
        assert r.status == 200 and r["Date"] == stamp and r["Via"] == "1.1 tiercel" and r["Content-Length"] == "5"
        assert r["ETag"] == '"v1"' and r["X-Mine"] == "a" and r["Cache-Control"] == "max-age=60"
        assert r["Content-Type"] == "text/plain" and "Transfer-Encoding" not in r.fields
    assert 2 <= int(hit["Age"]) <= 10


def test_age_grows(site):
    """RFC 9111 4.2.3: the origin's Age and the time here, in whole seconds"""
    path = site.put(ok(b"x", "Age: 7"))
    first = site.get(path)
    assert int(first["Age"]) >= 7
    time.sleep(1.1)
    assert 8 <= int(site.get(path)["Age"]) <= 15


def test_no_age_on_a_first_answer(site):
    """RFC 9111 5.1: Age implies that the answer was not generated or validated for this request"""
    path = site.put(ok())
    assert "Age" not in site.get(path).fields
    assert site.get(path)["Age"] == "0" or int(site.get(path)["Age"]) < 5


def test_date_is_made_once(site):
    """RFC 9110 6.6.1: a recipient with a clock adds the time received; it stays with the stored answer"""
    path = site.put(ok())
    first = site.get(path)["Date"]
    time.sleep(1.1)
    assert site.get(path)["Date"] == first


def test_fields_are_kept_byte_for_byte(site):
    """RFC 9111 3.1: all fields, several lines, order, odd bytes; not those of the connection"""
    fields = ["X-A: 1", "X-B: two  words", "X-A: 2", "x-lower: \xe4\xf6", "X-Empty: ", "Link: <a>; rel=b, <c>",
              "Proxy-Authenticate: Basic", "Proxy-Authentication-Info: x=y", "Keep-Alive: timeout=5", "X-Hop: 1",
              "Connection: X-Hop"]
    path = site.put(ok(b"x", *fields))
    miss, hit = site.get(path), site.get(path)
    assert is_hit(hit)
    for r in (miss, hit):
        assert r.fields.all("X-A") == ["1", "2"] and r["X-B"] == "two  words" and r["x-lower"] == "\xe4\xf6"
        assert r["X-Empty"] == "" and r["Link"] == "<a>; rel=b, <c>"
        assert "X-Hop" not in r.fields and "Keep-Alive" not in r.fields
    assert "Proxy-Authentication-Info" not in hit.fields


def test_cache_status_of_caches_behind_us_comes_first(site):
    """RFC 9211 2: each cache appends its member"""
    path = site.put(ok(b"x", "Cache-Status: Origin.Cache; hit; ttl=5"))
    for r in (site.get(path), site.get(path)):
        assert status_of(r).others == ["Origin.Cache; hit; ttl=5"]


def test_status_header_false(site):
    path = site.put(ok())
    for _ in range(2):
        assert "Cache-Status" not in site.get(path, host="quiet.test").fields
    assert site.asked(path) == 1


def test_enabled_false(site):
    path = site.put(ok())
    for _ in range(2):
        assert "Cache-Status" not in site.get(path, host="off.test").fields
    assert site.asked(path) == 2


def test_size_0_is_no_cache(place):
    site = CacheSite(place, cache={"l1": {"size": 0}})
    path = site.put(ok())
    for _ in range(2):
        assert site.get(path).body == b"hello"
    assert site.asked(path) == 2


def test_two_workers_share(place):
    site = CacheSite(place, workers=2)
    path = site.put(ok(pattern("shared", 100 * KIB)))
    site.warm(path)
    answers = together(40, lambda i: site.get(path))
    assert all(is_hit(r) and r.body == pattern("shared", 100 * KIB) for r in answers)
    assert site.asked(path) == 1


# -- methods


def test_head_from_a_stored_get(site):
    """RFC 9111 4: HEAD may be answered from a stored GET; RFC 9110 9.3.2: the same fields"""
    path = site.put(ok(b"hello", "X-Mine: a", 'ETag: "v"'))
    site.warm(path)
    with site.client() as c:
        for _ in range(3):
            head, get = c.ask("HEAD", path), c.ask("GET", path)
            assert is_hit(head) and head.body == b"" and get.body == b"hello"
            for name in ("Content-Length", "Content-Type", "ETag", "X-Mine", "Date", "Cache-Control"):
                assert head[name] == get[name]
    assert site.asked(path) == 1


def test_head_is_not_stored_as_get(site):
    """RFC 9111 3: an answer to HEAD is no content for GET"""
    path = site.put(ok(b"hello"))
    assert site.get(path, method="HEAD")["Content-Length"] == "5"
    r = site.get(path)
    assert r.body == b"hello" and status_of(r)["fwd"] == "uri-miss"


@pytest.mark.parametrize("size", [0, 100, 100 * KIB, 2 * MIB])
def test_head_of_any_size(site, size):
    path = site.put(ok(pattern(size, size)))
    site.warm(path)
    r = site.get(path, method="HEAD")
    assert is_hit(r) and r["Content-Length"] == str(size) and r.body == b""


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS", "POST", "BREW"])
def test_other_methods_go_through(site, method):
    """RFC 9111 3: only what the method's definition allows is stored"""
    path = site.put(ok(b"x"))
    for i in (1, 2):
        body = "b" if method in ("PUT", "PATCH", "POST") else None
        r = site.get(path, method=method, body=body)
        assert r.status == 200 and status_of(r)["fwd"] in ("method", "bypass")
        assert site.asked(path) == i


# -- clients


def test_http_1_0_clients(site):
    """RFC 9112 9.3: closes unless asked to stay; never chunked"""
    path = site.put(b"HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nTransfer-Encoding: chunked\r\n\r\n"
                    + chunked("hel", "lo"))
    site.warm(path)
    with site.client() as c:
        for _ in range(3):
            r = c.ask("GET", path, "Connection: keep-alive", version="1.0")
            assert r.body == b"hello" and r["Content-Length"] == "5" and r.keep_alive() is True
            assert r["Connection"].lower() == "keep-alive"
        r = c.ask("GET", path, version="1.0")
        assert r.body == b"hello" and is_hit(r)
        c.expect_end(clean=True)


def test_close_is_heeded(site):
    """RFC 9112 9.6"""
    path = site.put(ok())
    site.warm(path)
    with site.client() as c:
        assert c.ask("GET", path).keep_alive()
        r = c.ask("GET", path, "Connection: close")
        assert is_hit(r) and r["Connection"] == "close"
        c.expect_end(clean=True)


def test_request_with_content_is_not_answered_from_the_cache(site):
    """RFC 9110 9.3.1: content of a GET has no defined meaning, so nobody knows what it asks for"""
    path = site.put(ok())
    site.warm(path)
    r = site.get(path, body="what is this")
    assert r.status in (200, 400) and not is_hit(r)


def test_unknown_length_to_http_1_0(site):
    """RFC 9112 6.1, 7: the end of the connection ends a body of unknown length; the next one has a length"""
    def dribble(c, r):
        c.send(b"HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nTransfer-Encoding: chunked\r\n\r\n")
        for p in (b"a" * 1000, b"b" * 70000, b"c"):
            c.send(b"%x\r\n%s\r\n" % (len(p), p))
            time.sleep(0.02)
        c.send(b"0\r\n\r\n")
    path = site.put(dribble)
    want = b"a" * 1000 + b"b" * 70000 + b"c"
    with site.client() as c:
        r = c.ask("GET", path, version="1.0")
        assert r.body == want and "Transfer-Encoding" not in r.fields and "Content-Length" not in r.fields
        assert not c.was_reset
    r = site.get(path, version="1.0")
    assert is_hit(r) and r["Content-Length"] == str(len(want)) and r.body == want


# -- pipelines


def test_pipelined_hits(site):
    """RFC 9112 9.3.2: all in one piece, answered in their order, and with few packets"""
    paths = [site.put(ok(pattern(i, 10 + i))) for i in range(10)]
    for p in paths:
        site.warm(p)
    n = 300
    with site.client() as c:
        c.ask("GET", paths[0])
        before = data_segments_in(c.sock)
        sender = Checked(c.send, b"".join(request("GET", paths[i % 10]) for i in range(n)))
        for i in range(n):
            r = c.read_response()
            assert is_hit(r) and r.body == pattern(i % 10, 10 + i % 10)
        sender.result()
        packets = data_segments_in(c.sock) - before
    assert packets <= n, f"{packets} packets for {n} hits"
    assert all(site.asked(p) == 1 for p in paths)


def test_pipelined_mix(site):
    """Hits, misses, large ones, HEAD and refusals in one pipeline"""
    kinds = []
    for i in range(30):
        p = site.put(ok(pattern(i, 300 * KIB if i % 5 == 0 else 50)) if i % 3 else ok(pattern(i, 99), cc="no-store"))
        if i % 2 and i % 3:
            site.warm(p)
        kinds.append((p, "HEAD" if i % 7 == 6 else "GET",
                      pattern(i, (300 * KIB if i % 5 == 0 else 50) if i % 3 else 99)))
    with site.client() as c:
        sender = Checked(c.send, b"".join(request(m, p) for p, m, _ in kinds))
        for p, m, want in kinds:
            r = c.read_response(m)
            assert r.status == 200 and r.body == (b"" if m == "HEAD" else want), p
        sender.result()


def test_slow_head_of_a_hit(site):
    """Byte by byte: the request is the same"""
    path = site.put(ok())
    site.warm(path)
    with site.client() as c:
        c.send_slowly(request("GET", path))
        assert is_hit(c.read_response())


# -- bodies

SIZES = sorted({max(0, b + d) for b in (0, 1, 512, 1024, 2048, 4096, 8192, 16384, 32768, 65536, 131072, 262144,
                                        524288, MIB) for d in (-1, 0, 1)})


def test_sizes_around_every_boundary(site):
    paths = {n: site.put(ok(pattern(f"s{n}", n)), name="size") for n in SIZES}
    with site.client() as c:
        for _ in range(3):
            for n, p in paths.items():
                r = c.ask("GET", p)
                assert r.body == pattern(f"s{n}", n) and r["Content-Length"] == str(n)
        c.send(b"".join(request("GET", p) for p in paths.values()))
        for n in paths:
            r = c.read_response()
            assert is_hit(r) and r.body == pattern(f"s{n}", n)
    assert all(site.asked(p) == 1 for p in paths.values())


def test_sizes_of_chunked_answers(site):
    """RFC 9112 7.1: decoded when stored; the length is known afterwards"""
    def answer(n):
        data = pattern(f"c{n}", n)
        step = max(1, n // 3)
        return (b"HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nTransfer-Encoding: chunked\r\n\r\n"
                + chunked(*[data[i:i + step] for i in range(0, n, step)]))
    with site.client() as c:
        for n in SIZES:
            p = site.put(answer(n))
            for i in range(2):
                r = c.ask("GET", p)
                assert r.body == pattern(f"c{n}", n)
            assert is_hit(r) and r["Content-Length"] == str(n) and site.asked(p) == 1


@pytest.mark.parametrize("size", [MIB, 5 * MIB, 5 * MIB + 4097])
def test_large_hits(site, size):
    path = site.put(ok(pattern(size, size)))
    for _ in range(3):
        assert site.get(path).body == pattern(size, size)
    assert site.asked(path) == 1


def slow_read(c, path, want, pause):
    c.request("GET", path)
    r = c.read_response_head()
    assert is_hit(r) and r["Content-Length"] == str(len(want))
    at, body = 0, Body(c, r, "length", len(want))
    while not body.done:
        piece = body.some()
        assert piece == want[at:at + len(piece)], f"wrong bytes at {at}"
        at += len(piece)
        time.sleep(pause)
    assert at == len(want)


def test_slow_readers_of_large_hits(site):
    """Byte-exact while others read, store and push objects out"""
    want = pattern("slow", 5 * MIB)
    path = site.put(ok(want))
    site.warm(path)

    def read(i):
        with site.client(rcvbuf=(4096, 65536, 300000)[i % 3]) as c:
            slow_read(c, path, want, (0.0005, 0.002, 0)[i % 3])

    def churn(i):
        for k in range(25):
            p = site.put(ok(pattern((i, k), 2 * MIB)))
            assert site.get(p).body == pattern((i, k), 2 * MIB)
    jobs = [Checked(read, i) for i in range(9)] + [Checked(churn, i) for i in range(2)]
    for j in jobs:
        j.result()


def test_client_leaves_in_a_large_hit(site):
    want = pattern("leaves", 3 * MIB)
    path = site.put(ok(want))
    wait_for(lambda: is_hit(site.get(path)), "it to be stored")  # a full cache takes large ones at the second request
    asked = site.asked(path)
    for i in range(10):
        c = site.client(rcvbuf=8192 if i % 2 else None)
        c.request("GET", path)
        c.body_of(c.read_response_head()).exactly(50000 * (i + 1))
        c.reset() if i % 3 else c.close()
    assert site.get(path).body == want and site.asked(path) == asked


def test_trailers(site):
    """RFC 9110 6.5, RFC 9111 3: stored and sent again where the client can take them"""
    path = site.put(b"HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nTrailer: X-Sum\r\nTransfer-Encoding: chunked"
                    b"\r\n\r\n" + chunked("hel", "lo", trailers=("X-Sum: 42",)))
    with site.client() as c:
        miss, hit = c.ask("GET", path), c.ask("GET", path)
        assert is_hit(hit)
        for r in (miss, hit):
            assert r.body == b"hello" and r.trailers.get("X-Sum") == "42" and "X-Sum" not in r.fields
        old = c.ask("GET", path, version="1.0")
        assert old.body == b"hello" and "X-Sum" not in old.fields
    assert site.asked(path) == 1


def test_close_delimited_origin(site):
    """RFC 9112 6.3: the end of the connection is a proper end where no length was given"""
    path = site.put(b"HTTP/1.0 200 OK\r\nCache-Control: max-age=60\r\n\r\nall of it")
    assert site.get(path).body == b"all of it"
    r = site.get(path)
    assert is_hit(r) and r.body == b"all of it" and r["Content-Length"] == "9"


# -- statuses


STATUSES = [
    ("200-empty", response(200, b"", "Cache-Control: max-age=60"), b""),
    ("204", response(204, b"", "Cache-Control: max-age=60"), b""),
    ("301", response(301, b"moved", "Location: /x", "Cache-Control: max-age=60"), b"moved"),
    ("302", response(302, b"found", "Location: /x", "Cache-Control: max-age=60"), b"found"),
    ("404", response(404, b"none", "Cache-Control: max-age=60"), b"none"),
    ("410", response(410, b"gone", "Cache-Control: max-age=60"), b"gone"),
    ("500", response(500, b"oops", "Cache-Control: max-age=60"), b"oops"),
    ("299", response(299, b"new", "Cache-Control: max-age=60"), b"new"),
    ("reason", b"HTTP/1.1 200 Fine thank you\r\nCache-Control: max-age=60\r\nContent-Length: 1\r\n\r\nx", b"x"),
    ("no-reason", b"HTTP/1.1 200 \r\nCache-Control: max-age=60\r\nContent-Length: 1\r\n\r\nx", b"x"),
    ("chunked-empty", b"HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
     b""),
]


@pytest.mark.parametrize("name,answer,body", STATUSES, ids=[s[0] for s in STATUSES])
def test_statuses(site, name, answer, body):
    """RFC 9111 3: any final status with explicit freshness; RFC 9110 8.6: none of 204's has a length"""
    path = site.put(answer)
    with site.client() as c:
        miss, hit = c.ask("GET", path), c.ask("GET", path)
        assert is_hit(hit) and site.asked(path) == 1
        assert (hit.status, hit.reason, hit.body) == (miss.status, miss.reason, body)
        assert hit.fields.get("Location") == miss.fields.get("Location")
        assert ("Content-Length" in hit.fields) == (hit.status != 204)
        assert c.ask("GET", path).body == body


HEURISTIC = [(s, s in (200, 203, 204, 300, 301, 308, 404, 405, 410, 414, 501))
             for s in (200, 201, 202, 203, 204, 300, 301, 302, 303, 307, 308, 400, 403, 404, 405, 410, 414, 451, 500,
                       501,
                       502, 503, 504)]


@pytest.mark.parametrize("status,kept", HEURISTIC)
def test_guessed_lifetimes(site, status, kept):
    """RFC 9111 4.2.2, RFC 9110 15.1: a tenth of the time since the last change, for these statuses"""
    path = site.put(response(status, b"" if status == 204 else b"x", f"Last-Modified: {date(-86400)}",
                             f"Date: {date()}"))
    site.get(path)
    hit = site.get(path)
    assert (hit.status, is_hit(hit), site.asked(path)) == (status, kept, 1 if kept else 2)
    if kept:
        assert 8000 <= status_of(hit)["ttl"] <= 8640


# -- the route's header rules


def test_header_operations_on_hits(site):
    path = site.put(ok(b"x", "Server: origin", "X-Secret: s", "X-Set: theirs", "X-Add: one"))
    for i in range(3):
        r = site.get(path, host="ops.test")
        assert is_hit(r) == (i > 0)
        assert r.fields.all("X-Set") == ["ours"] and r.fields.all("X-Add") == ["one", "more"]
        assert "X-Secret" not in r.fields and "Server" not in r.fields
    assert site.asked(path) == 1


def test_header_operations_are_not_stored(place):
    """A reload changes them for what is stored already"""
    site = CacheSite(place, {"a.test": {"headers": {"response": {"set": {"X-Set": "one"}}}}})
    path = site.put(ok())
    assert site.get(path, host="a.test")["X-Set"] == "one"
    site.conf["routes"][0]["headers"]["response"]["set"] = {"X-Set": "two"}
    site.proxy.reload(site.conf)
    r = site.get(path, host="a.test")
    assert is_hit(r) and r["X-Set"] == "two"


def test_security_headers_on_hits(site):
    path = site.put(ok(b"x", "X-Frame-Options: DENY"))
    for i in range(3):
        r = site.get(path, host="safe.test")
        assert is_hit(r) == (i > 0)
        assert r["X-Content-Type-Options"] == "nosniff" and r.fields.all("X-Frame-Options") == ["DENY"]
        assert r["Referrer-Policy"] == "strict-origin-when-cross-origin"
    assert site.asked(path) == 1


# -- Vary


def by_field(name, vary=None, cc="max-age=60"):
    """Answers with what the request had in the field."""
    return lambda c, r: ok(r.fields.get(name, "-").encode(), f"Vary: {vary or name}", cc=cc)


def test_variants(site):
    """RFC 9111 4.1"""
    path = site.put(by_field("X-Lang"))
    for round_ in range(3):
        for lang in ("de", "en", "", None):
            r = site.get(path, *([] if lang is None else [f"X-Lang: {lang}"]))
            assert r.body == (b"-" if lang is None else lang.encode()) and is_hit(r) == (round_ > 0)
    assert site.asked(path) == 4
    status = status_of(site.get(path, "X-Lang: fr"))
    assert status["fwd"] == "vary-miss" and status["stored"]


ENCODINGS = [
    ("gzip, br", ["br, gzip", "gzip,br", "gzip;q=1, br", "GZIP, Br", "gzip;q=1.0 , br;q=1.000"],
     ["gzip", "br", "gzip;q=0.5, br",
                                                                                        None]),
    ("x-gzip", ["gzip"], ["br"]),
]


@pytest.mark.parametrize("first,same,others", ENCODINGS, ids=[e[0] for e in ENCODINGS])
def test_accept_encoding_in_normal_form(site, first, same, others):
    """RFC 9111 4.1: fields match when normalising makes them equal"""
    path = site.put(by_field("Accept-Encoding"))
    site.warm(path, f"Accept-Encoding: {first}")
    for value in same:
        assert is_hit(site.get(path, f"Accept-Encoding: {value}")), value
    for value in others:
        r = site.get(path, *([] if value is None else [f"Accept-Encoding: {value}"]))
        assert not is_hit(r) and r.body == (value or "-").encode(), value


def test_vary_of_several_fields(site):
    """RFC 9111 4.1: all of them, also from several lines; their case does not count"""
    def answer(c, r):
        return ok(f"{r.fields.get('X-A')}/{r.fields.get('X-B')}".encode(), "Vary: X-A", "VARY: x-b , X-A")
    path = site.put(answer)
    for a, b in [("1", "1"), ("1", "2"), ("2", "1")] * 2:
        assert site.get(path, f"X-A: {a}", f"X-B: {b}").body == f"{a}/{b}".encode()
    assert site.asked(path) == 3
    assert is_hit(site.get(path, "x-a: 2", "X-B:   1  "))


@pytest.mark.parametrize("vary", ["*", "X-A, *", "*, X-A"])
def test_vary_star(site, vary):
    """RFC 9111 4.1: matches nothing"""
    path = site.put(ok(b"x", f"Vary: {vary}"))
    for i in (1, 2):
        r = site.get(path)
        assert not is_hit(r) and "stored" not in status_of(r) and site.asked(path) == i
    assert status_of(r)["detail"] == "vary"


def test_vary_that_changes(site):
    """RFC 9111 4.1: each stored answer by its own Vary; the newest that matches is used"""
    path = site.put(by_field("X-A"), by_field("X-B"))
    assert site.get(path, "X-A: 1", "X-B: 1").body == b"1"
    assert site.get(path, "X-A: 2", "X-B: 9").body == b"9"
    assert site.get(path, "X-A: 3", "X-B: 9").body == b"9"
    assert site.get(path, "X-A: 1", "X-B: 7").body == b"1"
    assert site.asked(path) == 2


def test_variants_are_bounded(site):
    path = site.put(by_field("X-Lang"))
    for lang in "abcd" * 3:
        assert site.get(path, f"X-Lang: {lang}", host="small.test").body == lang.encode()
    hits = [is_hit(site.get(path, f"X-Lang: {lang}", host="small.test")) for lang in "abcd"[::-1]]
    assert hits[0] and sum(hits) <= 2


# -- figures


def test_metrics(site):
    def value(result):
        return site.metric("tiercel_route_cache_total", result=result)
    before = {k: value(k) for k in ("hit", "miss", "bypass")}
    path = site.put(ok())
    site.get(path)
    for _ in range(5):
        site.get(path)
    site.get(path, method="DELETE")
    after = {k: value(k) for k in before}
    assert {k: after[k] - before[k] for k in before} == {"hit": 5, "miss": 1, "bypass": 1}


def test_access_log_says_what_the_cache_did(place):
    site = CacheSite(place, log={"access": {"output": "@dir/access.log", "format": "json"}})
    path = site.put(ok())
    site.get(path), site.get(path)

    def lines():
        with open(site.proxy.dir + "/access.log") as f:
            return [json.loads(line) for line in f]
    wait_for(lambda: len(lines()) == 2, "two lines")
    assert [line["cache"] for line in lines()] == ["miss", "hit"]
