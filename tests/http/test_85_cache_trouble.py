# SPDX-License-Identifier: BSD-2-Clause
"""Origins that break off, lie about lengths or talk too much: nothing of it is ever stored as whole, and
nothing of one answer ends up in another."""

import threading
import time

import pytest

from lib import (DEADLINE, CacheSite, Checked, Truncated, chunked, is_hit, ok, pattern, reset_now, response,
                 status_of,
                 wait_for)

KIB, MIB = 1 << 10, 1 << 20
HEAD = b"HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\n"


@pytest.fixture(scope="module")
def site(module_place):
    s = CacheSite(module_place, workers=2, upstream={"timeouts": {"idle": "1s"}})
    s.origin.expect_trouble = True
    return s


def ask_badly(site, path, version="1.1"):
    """The answer as far as it came: (body, was it whole?)."""
    with site.client() as c:
        c.request("GET", path, version=version)
        try:
            r = c.read_response_head()
        except Truncated:
            return None, False
        if r.status >= 500:
            return r, False
        body, data = c.body_of(r), b""
        try:
            while piece := body.some():
                data += piece
        except Truncated:
            return data, False
        return data, body.kind != "close" or not c.was_reset


SIZES = [0, 1, 100, 5000, 100 * KIB, 2 * MIB]


@pytest.mark.parametrize("how", ["close", "reset", "hang"])
@pytest.mark.parametrize("sent", SIZES)
def test_truncated_body(site, how, sent):
    """RFC 9112 8: an incomplete answer is never stored as complete, and the client can see it"""
    data = pattern(f"{how}{sent}", sent + 1000)

    def cut(c, r):
        c.send(HEAD + b"Content-Length: %d\r\n\r\n" % len(data) + data[:sent])
        if how == "hang":
            c.wait_closed()
        elif how == "reset":
            time.sleep(0.05)
            reset_now(c)
        else:
            c.close()
    path = site.put(cut, ok(b"good"))
    got, whole = ask_badly(site, path)
    if whole:
        assert got == b"good", "asked again before the first byte went out"
    else:
        assert not isinstance(got, bytes) or data.startswith(got)
    assert site.get(path).body == b"good" and site.asked(path) == 2


BROKEN_CHUNKS = [
    ("size", b"5\r\nhello\r\nzz\r\n"), ("line-end", b"5\r\nhelloXX"), ("cut-size", b"5\r\nhello\r\n5"),
    ("cut-data", b"5\r\nhello\r\n8\r\nwor"), ("no-last", b"5\r\nhello\r\n"), ("cut-last", b"5\r\nhello\r\n0\r\n"),
    ("negative", b"5\r\nhello\r\n-1\r\n"), ("huge", b"5\r\nhello\r\nfffffffffffffffff\r\nx"),
    ("trailer", b"5\r\nhello\r\n0\r\nbad trailer\r\n\r\n"),
]


@pytest.mark.parametrize("version", ["1.1", "1.0"])
@pytest.mark.parametrize("name,body", BROKEN_CHUNKS, ids=[b[0] for b in BROKEN_CHUNKS])
def test_broken_chunks(site, name, body, version):
    """RFC 9112 7.1, 8: without the last chunk it is incomplete"""
    def cut(c, r):
        c.send(HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + body)
        time.sleep(0.05)
        c.close()
    path = site.put(cut, ok(b"good"))
    got, whole = ask_badly(site, path, version)
    assert not whole or got == b"good"
    r = site.get(path)
    assert r.body == b"good" and site.asked(path) == 2 and is_hit(site.get(path))


@pytest.mark.parametrize("fields", [["Content-Length: 5", "Content-Length: 6"], ["Content-Length: 5, 6"],
                                    ["Content-Length: x"],
                                    ["Content-Length: -1"], ["Content-Length: 5 5"]])
def test_ambiguous_length(site, fields):
    """RFC 9112 6.3: an unrecoverable error: 502, and the connection is not used again"""
    text = "".join(f + "\r\n" for f in fields).encode()
    path = site.put(lambda c, r: HEAD + text + b"\r\nhello!", ok(b"good"))
    assert site.get(path).status == 502
    assert site.get(path).body == b"good" and site.asked(path) == 2
    conns = [r.conn.number for r in site.origin.saw(path)]
    assert conns[0] != conns[1]


def test_same_length_twice(site):
    """RFC 9112 6.3, RFC 9110 8.6: equal values may be taken as one; then one goes on"""
    path = site.put(HEAD + b"Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello", ok(b"good"))
    r = site.get(path)
    assert r.status == 502 or (r.body == b"hello" and r.fields.all("Content-Length") == ["5"])
    r = site.get(path)
    assert r.body in (b"hello", b"good") and len(r.fields.all("Content-Length")) == 1


def test_length_and_chunked(site):
    """RFC 9112 6.3: chunked counts, or it is an error; never both, and the connection is not trusted"""
    path = site.put(lambda c, r: HEAD + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked("hello"),
                    ok(b"good"))
    r = site.get(path)
    assert r.status == 502 or r.body == b"hello"
    assert site.get(path).body in (b"hello", b"good")
    assert site.get(site.put(ok(b"next"))).body == b"next"


@pytest.mark.parametrize("pause", [0, 0.05])
def test_more_than_declared(site, pause):
    """RFC 9112 9.3, 11.1: what is left over is nobody's answer; the connection is not pooled"""
    poison = b"HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nContent-Length: 6\r\n\r\npoison"

    def more(c, r):
        c.send(HEAD + b"Content-Length: 5\r\n\r\nhello" + (b"" if pause else poison))
        if pause:
            time.sleep(pause)
            c.try_send(poison)
            sent.set()
    sent = threading.Event()
    paths = [site.put(more) for _ in range(4)]
    for p in paths:
        assert site.get(p).body == b"hello"
        if pause:
            assert sent.wait(DEADLINE)
            sent.clear()
        other = site.put(ok(b"mine"))
        assert site.get(other).body == b"mine" and site.get(other).body == b"mine"
        r = site.get(p)
        assert r.body == b"hello" and is_hit(r)
    if not pause:
        conns = [r.conn for p in paths for r in site.origin.saw(p)]
        assert all(len(c.requests) == 1 or c.requests[-1].path in paths for c in conns)


def test_body_where_none_may_be(site):
    """RFC 9110 15.3.5, 15.4.5: 204 has no content, whatever follows it"""
    path = site.put(lambda c, r: b"HTTP/1.1 204 No Content\r\nCache-Control: max-age=60\r\n\r\nunexpected")
    for _ in range(3):
        r = site.get(path)
        assert r.status == 204 and r.body == b""
    assert site.get(site.put(ok(b"mine"))).body == b"mine"


INTERIM = [
    b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n",
    b"HTTP/1.1 102 Processing\r\n\r\n" + b"HTTP/1.1 103 Early Hints\r\nLink: <x>\r\n\r\n",
    b"HTTP/1.1 150 What\r\nCache-Control: max-age=3600\r\nX-Interim: 1\r\n\r\n",
    b"HTTP/1.1 100 Continue\r\n\r\n",
]


@pytest.mark.parametrize("interim", INTERIM, ids=["103", "102+103", "150", "100"])
def test_interim_answers(site, interim):
    """RFC 9110 15.2: passed on (100 may be left out), never stored, never taken for the answer"""
    path = site.put(lambda c, r: interim + ok(b"final"))
    first, second = site.get(path), site.get(path)
    sent = [int(l[9:12]) for l in interim.split(b"\r\n") if l.startswith(b"HTTP/")]
    assert [i.status for i in first.interim] == [s for s in sent if s != 100] or sent == [100]
    assert first.status == second.status == 200 and first.body == second.body == b"final"
    assert is_hit(second) and not second.interim and "X-Interim" not in second.fields and "Link" not in second.fields
    assert site.get(path, version="1.0").body == b"final"


def test_interim_answers_reach_the_client_at_once(site):
    go = threading.Event()

    def answer(c, r):
        c.send(INTERIM[0])
        go.wait(DEADLINE)
        return ok(b"final")
    path = site.put(answer)
    with site.client() as c:
        c.request("GET", path)
        assert c.read_response_head().status == 103
        go.set()
        assert c.read_response().body == b"final"


def test_interim_on_the_way_to_a_304(site):
    """A validation with early hints"""
    path = site.put(ok(b"x", "Age: 100", 'ETag: "v"'), lambda c,
                    r: INTERIM[0] + response(304, b"", 'ETag: "v"', "Cache-Control: max-age=60"))
    site.warm(path)
    r = site.get(path)
    assert r.status == 200 and r.body == b"x" and [i.status for i in r.interim] in ([], [103])
    assert is_hit(site.get(path))


@pytest.mark.parametrize("head", [b"HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nContent-Le", b"HTT",
                                  b"garbage\r\n\r\n",
                                  b"HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nBad Name: x\r\n\r\n",
                                  b"HTTP/1.1 20 OK\r\n\r\n"])
def test_broken_heads(site, head):
    path = site.put(lambda c, r: (c.send(head), c.close())[1], ok(b"good"))
    r = site.get(path)
    assert r.status == 502
    assert site.get(path).body == b"good"


def test_head_larger_than_any_block(site):
    """Long heads are stored, or passed on; never cut"""
    path = site.put(ok(b"x", *[f"X-{i}: {'v' * 1000}" for i in range(20)]))
    for _ in range(2):
        r = site.get(path)
        assert r.status == 200 and all(r[f"X-{i}"] == "v" * 1000 for i in range(20))


def test_many_fields(site):
    path = site.put(ok(b"x", *[f"X-{i}: {i}" for i in range(80)]))
    for _ in range(2):
        r = site.get(path)
        assert r.status == 200 and all(r[f"X-{i}"] == str(i) for i in range(80))


def test_broken_refresh_leaves_the_old_one(site):
    """A new version that breaks off does not take the place of the stored one (stale-if-error keeps it)"""
    def cut(c, r):
        c.send(HEAD + b"Content-Length: 100\r\n\r\nhalf")
        c.close()
    path = site.put(ok(b"old", "Age: 100", 'ETag: "v"'), cut, lambda c, r: c.close(), ok(b"new"))
    site.warm(path)
    got, whole = ask_badly(site, path)
    assert not whole or got in (b"old", b"new")
    r = site.get(path)
    assert r.body in (b"old", b"new") or r.status == 502
    wait_for(lambda: site.get(path).body == b"new", "the new one")


def test_leftovers_of_a_discarded_answer(site):
    """A 304 or 503 whose content nobody wants does not disturb the next on its connection"""
    path = site.put(ok(b"old", "Age: 100", 'ETag: "v"'), response(503, b"z" * 300 * KIB), response(503, b"z"),
                    ok(b"new"))
    site.warm(path)
    for _ in range(2):
        assert site.get(path).body == b"old"
        other = site.put(ok(b"mine"))
        assert site.get(other).body == b"mine"
    assert site.get(path).body == b"new"


def test_aborted_clients_of_answers_that_are_not_stored(site):
    """no-store: the origin need not send what nobody reads"""
    def endless(c, r):
        c.send(b"HTTP/1.1 200 OK\r\nCache-Control: no-store\r\nContent-Length: 1000000000\r\n\r\n")
        try:
            for _ in range(10000):
                c.send(b"x" * 100000)
        except OSError:
            return None
        return None
    path = site.put(endless)
    c = site.client()
    c.request("GET", path)
    c.body_of(c.read_response_head()).exactly(100000)
    c.reset()
    conn = site.origin.saw(path)[0].conn
    assert conn.ended.wait(DEADLINE)


def test_everything_still_works(site):
    """After all of the above"""
    def one(i):
        path = site.put(ok(pattern(i, 1000 * i)))
        assert all(site.get(path).body == pattern(i, 1000 * i) for _ in range(3)) and site.asked(path) == 1
    for t in [Checked(one, i) for i in range(20)]:
        t.result()
    assert status_of(site.get(site.put(ok(b"x", cc="no-store"))))["detail"] == "no-store"
