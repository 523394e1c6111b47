# SPDX-License-Identifier: BSD-2-Clause
"""Back ends that are dead, slow, broken or lying: an honest 502, 503 or 504 before the first byte,
a visibly broken connection after it, and never a byte of one answer in another."""

import re
import socket
import threading
import time

import pytest

from lib import BlackHole, Checked, Stream, Truncated, free_port, reset_now, response, simple, wait_for
from lib.wire import request

H = "Host: test\r\n"


def proxy_error(r):
    m = re.search(r"error=(\w+)", r.fields.get("Proxy-Status", ""))
    return m and m[1]


class Address:
    def __init__(self, address):
        self.address = address


# -- before the first byte

def test_refused(place):
    """RFC 9110 15.6.3, RFC 9209 2.3.6"""
    site = place.proxy(simple(Address(f"127.0.0.1:{free_port()}")))
    with site.client() as c:
        for _ in range(3):
            r = c.ask()
            assert r.status == 502 and proxy_error(r) == "connection_refused"
            assert r.keep_alive()
        assert c.ask("POST", body="x" * 100).status == 502


def test_comes_back(place):
    """A back end that returns is used at once"""
    site = place.site()
    site.origin.stop_listening()
    assert site.get().status == 502
    site.origin.listen_again()
    assert site.get().status == 200


def test_connect_timeout(place):
    """RFC 9110 15.6.5, RFC 9209 2.3.7"""
    hole = place.keep(BlackHole())
    site = place.proxy(simple(hole, upstream={"timeouts": {"connect": "300ms"}}))
    with site.client() as c:
        r = c.ask()
        assert r.status == 504 and proxy_error(r) == "connection_timeout"
        assert c.ask().status == 504


BEFORE_HEAD = [
    ("close", b"", "close"),
    ("reset", b"", "reset"),
    ("half-line-close", b"HTTP/1.1 20", "close"),
    ("half-line-reset", b"HTTP/1.1 20", "reset"),
    ("half-head-close", b"HTTP/1.1 200 OK\r\nContent-Le", "close"),
    ("half-head-reset", b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n", "reset"),
    ("only-interim", b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n", "close"),
]


@pytest.mark.parametrize("what,data,end", BEFORE_HEAD, ids=[b[0] for b in BEFORE_HEAD])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_ends_before_the_head(place, what, data, end, method):
    """RFC 9112 8: no whole head is no answer"""
    def script(c, r):
        if data:
            c.send(data)
        reset_now(c) if end == "reset" else c.close()
    site = place.site(script)
    site.origin.expect_trouble = True
    with site.client() as c:
        r = c.ask(method, body="x" if method == "POST" else None)
        assert r.status == 502, r
        assert proxy_error(r) in ("connection_terminated", "http_response_incomplete", "http_protocol_error")


GARBAGE = [
    ("text", b"hello there\r\n\r\n"),
    ("html", b"<html>no head</html>\r\n\r\n"),
    ("http-0.9", b"<p>" + b"x" * 1000 + b"\n"),
    ("zeroes", b"\0" * 100 + b"\r\n\r\n"),
    ("ssh", b"SSH-2.0-OpenSSH_9.2\r\n\r\n"),
    ("h2", b"\x00\x00\x12\x04\x00\x00\x00\x00\x00\x00\x03\x00\x00\x00\x80\x00\x04\x00\x01\x00\x00\r\n\r\n"),
    ("version-2", b"HTTP/2.0 200 OK\r\nContent-Length: 2\r\n\r\nok"),
    ("version-lower", b"http/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"),
    ("status-word", b"HTTP/1.1 OK\r\nContent-Length: 2\r\n\r\nok"),
    ("status-2-digits", b"HTTP/1.1 20 OK\r\nContent-Length: 2\r\n\r\nok"),
    ("status-4-digits", b"HTTP/1.1 2000 OK\r\nContent-Length: 2\r\n\r\nok"),
    ("status-099", b"HTTP/1.1 099 OK\r\nContent-Length: 2\r\n\r\nok"),
    ("status-tab", b"HTTP/1.1\t200 OK\r\nContent-Length: 2\r\n\r\nok"),
    ("request", b"GET / HTTP/1.1\r\nHost: test\r\n\r\n"),
    ("bare-lf", b"HTTP/1.1 200 OK\nContent-Length: 2\n\nok"),
    ("field-nul", b"HTTP/1.1 200 OK\r\nX: a\0b\r\nContent-Length: 2\r\n\r\nok"),
    ("field-cr", b"HTTP/1.1 200 OK\r\nX: a\rb\r\nContent-Length: 2\r\n\r\nok"),
    ("field-no-colon", b"HTTP/1.1 200 OK\r\nX\r\nContent-Length: 2\r\n\r\nok"),
    ("field-space-colon", b"HTTP/1.1 200 OK\r\nX : a\r\nContent-Length: 2\r\n\r\nok"),
    ("cl-and-te", b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"),
    ("cl-differ", b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nokk"),
    ("cl-minus", b"HTTP/1.1 200 OK\r\nContent-Length: -2\r\n\r\nok"),
    ("cl-plus", b"HTTP/1.1 200 OK\r\nContent-Length: +2\r\n\r\nok"),
    ("cl-junk", b"HTTP/1.1 200 OK\r\nContent-Length: 2x\r\n\r\nok"),
    ("cl-huge", b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999999\r\n\r\nok"),
    ("te-unknown", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"),
    ("te-twice", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    ("head-too-large", b"HTTP/1.1 200 OK\r\nX: " + b"a" * 200000 + b"\r\nContent-Length: 2\r\n\r\nok"),
    ("fields-too-many", b"HTTP/1.1 200 OK\r\n" + b"X: a\r\n" * 3000 + b"Content-Length: 2\r\n\r\nok"),
    ("switching-unasked", b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n"),
]


@pytest.fixture(scope="module")
def garbage(module_place):
    table = {what: data for what, data in GARBAGE}
    s = module_place.site(lambda c, r: table.get(r.path[1:], response(200, r.path)))
    s.origin.expect_trouble = True
    return s


@pytest.mark.parametrize("what", [g[0] for g in GARBAGE])
def test_garbage(garbage, what):
    """RFC 9112 2.2, 4, 5, 6.3: 502, nothing of it is passed on, the connection is not used again"""
    used = len(garbage.origin.connections)
    with garbage.client() as c:
        r = c.ask(target=f"/{what}")
        assert r.status == 502, r
        assert r["Content-Type"] == "application/problem+json"
        assert proxy_error(r), r
        if r.keep_alive():
            assert c.ask(target="/good").body == b"/good"
    bad = garbage.origin.saw(f"/{what}")
    assert len(bad) == 1 or garbage.origin.connections[used:], "a garbage answer is not a reason to ask again"
    for r in bad:
        assert r.conn.requests[-1] is r, "a connection that gave garbage was used again"


LENIENT = [
    # what a strict reader may take, and must then forward properly
    ("no-reason", b"HTTP/1.1 200 \r\nContent-Length: 2\r\n\r\nok"),
    ("no-reason-no-space", b"HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nok"),
    ("obs-fold", b"HTTP/1.1 200 OK\r\nX: a\r\n b\r\nContent-Length: 2\r\n\r\nok"),
    ("cl-equal", b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nok"),
    ("empty-line-first", b"\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"),
    ("status-999", b"HTTP/1.1 999 Odd\r\nContent-Length: 2\r\n\r\nok"),
]


@pytest.mark.parametrize("what,data", LENIENT, ids=[x[0] for x in LENIENT])
def test_doubtful_heads(place, what, data):
    """RFC 9112 4, 5.2: refused, or made into a proper answer"""
    site = place.site(lambda c, r: data)
    with site.client() as c:
        r = c.ask()  # strictly read
        assert r.status == 502 or r.body == b"ok"


# -- after the first byte

CUT = [
    ("length", b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n" + b"x" * 50),
    ("length-no-body", b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n"),
    ("length-one-missing", b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n" + b"x" * 99),
    ("length-large", b"HTTP/1.1 200 OK\r\nContent-Length: 3000000\r\n\r\n" + b"x" * 2999999),
    ("chunk", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n64\r\n" + b"x" * 50),
    ("chunk-no-end", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"),
    ("chunk-half-end", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n"),
    ("chunk-bad-size", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nzz\r\n\r\n"),
    ("chunk-no-crlf", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcdef\r\n0\r\n\r\n"),
    ("chunk-bare-lf", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\nabc\n0\n\n"),
    ("chunk-only-head", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"),
    ("chunk-bad-trailer", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX : a\r\n\r\n"),
]


@pytest.mark.parametrize("end", ["close", "reset"])
@pytest.mark.parametrize("pause", [False, True], ids=["at-once", "head-first"])
@pytest.mark.parametrize("what,data", CUT, ids=[c[0] for c in CUT])
def test_truncated(place_shared, what, data, end, pause):
    """RFC 9112 8: never a short body that looks whole: the client sees a 502 or a broken answer"""
    site = place_shared
    site.say = (data, end, pause)
    with site.client() as c:
        c.request()
        try:
            r = c.read_response()
        except Truncated:
            return
        assert r.status == 502, f"a truncated answer looks whole: {r}"


@pytest.fixture(scope="module")
def place_shared(module_place):
    def script(c, r):
        data, end, pause = site.say
        if pause:
            head = data.index(b"\r\n\r\n") + 4
            c.send(data[:head])
            time.sleep(0.02)  # lets the head travel alone; right or wrong does not depend on it
            c.try_send(data[head:])
        else:
            c.try_send(data)
        reset_now(c) if end == "reset" else c.close()
    site = module_place.site(script)
    site.origin.expect_trouble = True
    return site


def test_truncated_close_delimited_reset(place):
    """RFC 9112 8: without length or chunks a reset is the only sign; it must stay visible"""
    def script(c, r):
        c.send(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nabc")
        assert c.origin.go.wait(30)
        reset_now(c)
    site = place.site(script)
    site.origin.go = threading.Event()
    with site.client() as c:
        c.request()
        r = c.read_response_head()
        body = c.body_of(r)
        assert body.exactly(3) == b"abc"
        site.origin.go.set()
        with pytest.raises(Truncated):
            body.read()


EXTRA = [
    ("length", b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok" + response(200, "smuggled")),
    ("length-one-byte", b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokX"),
    ("length-crlf", b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok\r\n"),
    ("zero", b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\nok"),
    ("chunked", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n" +
     response(200, "smuggled")),
    ("204", b"HTTP/1.1 204 No Content\r\n\r\nbody that is none"),
    ("304", b"HTTP/1.1 304 Not Modified\r\n\r\n" + response(200, "smuggled")),
    ("head", b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"),
    ("second-answer", response(200, "ok") + response(200, "smuggled")),
]


@pytest.mark.parametrize("late", [False, True], ids=["at-once", "late"])
@pytest.mark.parametrize("what,data", EXTRA, ids=[e[0] for e in EXTRA])
def test_bytes_behind_an_answer(place, what, data, late):
    """RFC 9112 6.3, 9.2, 11.1: a connection with bytes nobody asked for is not used again"""
    method = "HEAD" if what == "head" else "GET"

    def script(c, r):
        if r.path != "/bad":
            return response(200, r.path)
        if not late:
            return data
        probe = data.index(b"\r\n\r\n") + 4 if method == "HEAD" or data[9:12] in (b"204", b"304") else len(data) - 1
        c.send(data[:probe] if what != "zero" else data[:-2])
        time.sleep(0.05)  # the answer is over by now; right or wrong does not depend on it
        c.try_send(data[probe:] if what != "zero" else data[-2:])
        sent.release()
    sent = threading.Semaphore(0)
    site = place.site(script)
    site.origin.expect_trouble = True
    with site.client() as c:
        for i in range(4):
            r = c.ask(method, "/bad")
            assert r.status in (200, 204, 304, 502)
            assert b"smuggled" not in r.body
            if late:  # before that, nobody could tell them from the next answer
                assert sent.acquire(timeout=20)
            if not r.keep_alive():
                break
            good = c.ask(target=f"/good-{i}")
            assert good.status == 200 and good.body == f"/good-{i}".encode()
    for i in range(10):
        assert site.get(f"/after-{i}").body == f"/after-{i}".encode()
    if not late:
        for conn in site.origin.connections:
            bad = [i for i, r in enumerate(conn.requests) if r.path == "/bad"]
            assert not bad or bad == [len(conn.requests) - 1], "reused after bytes nobody asked for"


def test_unasked_bytes_on_an_idle_connection(place):
    """RFC 9112 9.2: bytes on an idle pooled connection are no answer to the next request"""
    go = threading.Event()

    def script(c):
        c.read_request()
        c.send(response(200, "first"))
        if c.number == 0:
            assert go.wait(30)
            c.send(response(200, "smuggled"))
            c.sent = True
        while c.read_request():
            c.send(response(200, "later"))
    site = place.site(conn=script)
    assert site.get().body == b"first"
    go.set()
    wait_for(lambda: getattr(site.origin.connections[0], "sent", False))
    for _ in range(3):
        r = site.get()
        assert r.body in (b"first", b"later"), r


# -- answers that come early

def test_answer_before_the_request_is_complete(place):
    """RFC 9112 9.5: the answer is relayed; the half-sent request's connection is not reused"""
    def script(c, r):
        c.send(response(413, "too much", "Connection: close"))
        c.half_close()
        c.wait_closed()
    site = place.site(head=script)
    site.origin.expect_trouble = True
    with site.client() as c:
        c.send(f"POST / HTTP/1.1\r\n{H}Content-Length: 5000000\r\n\r\n" + "x" * 100000)
        r = c.read_response()
        assert r.status == 413 and r.body == b"too much"
        assert not r.keep_alive()


def test_answer_then_hard_close_during_an_upload(place):
    """The same with an origin that just closes with our bytes unread (a reset follows)"""
    def script(c, r):
        c.send(response(413, "too much", "Connection: close"))
        c.close()
    site = place.site(head=script)
    site.origin.expect_trouble = True
    results = []
    for _ in range(10):
        with site.client() as c:
            c.try_send(f"POST / HTTP/1.1\r\n{H}Content-Length: 3000000\r\n\r\n".encode() + b"x" * 3000000)
            r = c.read_response()
            results.append(r.status)
    assert set(results) <= {413, 502}  # a reset may destroy the 413 in our kernel
    site.origin.check()


def test_answer_while_the_upload_goes_on(place):
    """RFC 9112 9.5: an origin that answers early but reads on: both go through whole"""
    def script(c, r):
        c.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nearly\r\n")
        body = c.body_of(r).read()
        c.send(b"%x\r\n%s\r\n0\r\n\r\n" % (len(str(len(body))), str(len(body)).encode()))
    site = place.site(head=script)
    with site.client() as c:
        c.send(f"POST / HTTP/1.1\r\n{H}Content-Length: 300000\r\n\r\n" + "x" * 1000)
        r = c.read_response_head()
        body = c.body_of(r)
        assert body.exactly(5) == b"early"
        c.send("x" * 299000)
        assert body.read() == b"300000"


def test_whole_answer_early_then_connection_reuse(place):
    """A complete answer while the upload is unfinished: whatever happens next, no mix-up"""
    def script(c, r):
        c.send(response(200, r.path))
        c.body_of(r).read()
    site = place.site(head=script)
    with site.client() as c:
        c.send(f"POST /early HTTP/1.1\r\n{H}Content-Length: 100000\r\n\r\n" + "x" * 100)
        r = c.read_response()
        assert r.body == b"/early"
        if r.keep_alive():
            c.send("x" * 99900)
            assert c.ask(target="/next").body == b"/next"
    for i in range(5):
        assert site.get(f"/{i}").body == f"/{i}".encode()


# -- stale pooled connections: RFC 9110 9.2.2, RFC 9112 9.3.1

def stale_site(place, then="close"):
    """Connection 0 answers once and dies with the next request in hand; later ones live."""
    def script(c):
        n = 0
        while True:
            r = c.read_request()
            if r is None:
                return
            if c.number == 0 and n == 1:
                reset_now(c) if then == "reset" else c.close()
                return
            c.send(response(200, f"{c.number}"))
            n += 1
    return place.site(conn=script)


@pytest.mark.parametrize("then", ["close", "reset"])
@pytest.mark.parametrize("method,body", [("GET", None), ("HEAD", None), ("DELETE", None), ("PUT", None),
                                         ("OPTIONS", None)])
def test_stale_connection_replay(place, then, method, body):
    """RFC 9110 9.2.2: an idempotent request that died on a reused connection is sent once more"""
    site = stale_site(place, then)
    with site.client() as c:
        assert c.ask().body == b"0"
        r = c.ask(method, "/again", body=body)
        assert r.status == 200
    assert [x.conn.number for x in site.origin.saw("/again")] == [0, 1]


@pytest.mark.parametrize("then", ["close", "reset"])
@pytest.mark.parametrize("method", ["POST", "PATCH", "FROB"])
def test_stale_connection_no_replay(place, then, method):
    """RFC 9110 9.2.2: what may have been processed and is not idempotent is not sent again"""
    site = stale_site(place, then)
    with site.client() as c:
        assert c.ask().body == b"0"
        assert c.ask(method, "/again", body="x").status == 502
    assert len(site.origin.saw("/again")) == 1


def test_replay_happens_once(place):
    """Every reused connection dies: one replay on a fresh one, not an endless chase"""
    def script(c):
        r = c.read_request()
        if r is None or r.path == "/doomed":
            return
        c.send(response(200, "x"))
        c.read_request()
    site = place.site(conn=script)
    with site.client() as c:
        assert c.ask().status == 200
        assert c.ask(target="/doomed").status == 502
    assert len(site.origin.saw("/doomed")) == 2


def test_dead_idle_connection_is_noticed_before_use(place):
    """A POST after the origin closed its idle connection goes to a fresh one: nothing is lost"""
    def script(c):
        r = c.read_request()
        if r:
            c.send(response(200, f"{c.number}"))
    site = place.site(conn=script)  # closes after each answer without saying so
    with site.client() as c:
        for i in range(10):
            wait_for(lambda: not site.origin.open_connections(), "the origin to have closed")
            r = c.ask("POST", "/post", body="x")
            assert r.status == 200, r
    assert len(site.origin.saw("/post")) == 10


# -- deadlines

def test_first_byte_timeout(place):
    """RFC 9209 2.3.21"""
    site = place.site(lambda c, r: c.wait_closed() and None, upstream={"timeouts": {"first_byte": "300ms"}})
    with site.client() as c:
        r = c.ask()
        assert r.status == 504 and proxy_error(r) == "http_response_timeout"
        assert r.keep_alive()
    assert site.origin.connections[0].closed_by_peer.wait(20)  # the work there is given up


def test_first_byte_timeout_in_the_middle_of_the_head(place):
    def script(c, r):
        c.send(b"HTTP/1.1 200 OK\r\nX-")
        c.wait_closed()
    site = place.site(script, upstream={"timeouts": {"first_byte": "400ms", "idle": "400ms"}})
    assert site.get().status == 504


def test_idle_timeout_in_the_body(place):
    """Too late for a 504: the answer breaks off visibly"""
    def script(c, r):
        c.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc")
        c.wait_closed()
    site = place.site(script, upstream={"timeouts": {"idle": "300ms"}})
    with site.client() as c:
        c.request()
        with pytest.raises(Truncated):
            c.read_response()
    assert site.origin.connections[0].closed_by_peer.wait(20)


def test_idle_timeout_is_about_pauses(place):
    """A slow but steady answer takes longer than the idle time and is fine"""
    def script(c, r):
        c.send(b"HTTP/1.1 200 OK\r\nContent-Length: 16\r\n\r\n")
        for _ in range(16):
            time.sleep(0.2)
            c.send(b"x")
    site = place.site(script, upstream={"timeouts": {"idle": "3s", "first_byte": "3s"}})
    assert site.get().body == b"x" * 16


def test_total_timeout(place):
    def script(c, r):
        if r.path == "/silent":
            c.wait_closed()
            return None
        c.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while c.try_send(b"1\r\nx\r\n"):
            time.sleep(0.05)
    site = place.site(script, upstream={"timeouts": {"total": "500ms"}})
    assert site.get("/silent").status == 504
    with site.client() as c:
        c.request()
        with pytest.raises(Truncated):
            c.read_response()


def test_route_timeout(place):
    site = place.site(lambda c, r: c.wait_closed() and None, route={"timeout": "300ms"})
    assert site.get().status == 504


def test_origin_that_does_not_read(place):
    """An upload that an origin never takes ends with a 504 (or a broken connection), not never"""
    site = place.site(head=lambda c, r: c.origin.never.wait(60) and None, listener={"limits": {"body_size": "1GiB"}},
                      upstream={"timeouts": {"idle": "500ms", "first_byte": "1s"}})
    site.origin.never = threading.Event()
    with site.client() as c:
        sender = Checked(c.try_send, request("POST", "/", body=b"x" * (40 << 20)))
        try:
            assert c.read_response().status == 504
        except Truncated:
            pass
        sender.result()
    site.origin.never.set()


# -- clients that leave: RFC 9110 9.2.1 says nothing of wasted work, but the origin does

def test_cancelled_while_waiting(place):
    # a fetch that may be stored goes on (test_81): this is about those that may not
    site = place.site(lambda c, r: c.wait_closed() and None, route={"cache": {"enabled": False}})
    for how in "close", "reset":
        c = site.client()
        c.request(target=f"/{how}")
        wait_for(lambda: site.origin.saw(f"/{how}"), "the request at the origin")
        getattr(c, how)()
        assert site.origin.saw(f"/{how}")[0].conn.closed_by_peer.wait(20)


def test_cancelled_in_the_body(place):
    def script(c, r):
        c.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while c.try_send(b"400\r\n" + b"x" * 1024 + b"\r\n"):
            pass
        c.closed_by_peer.set()
    site = place.site(script)
    with site.client() as c:
        c.request()
        c.body_of(c.read_response_head()).exactly(100000)
    assert site.origin.connections[0].closed_by_peer.wait(20)


def test_cancelled_upload(place):
    site = place.site()
    with site.client() as c:
        c.send(f"POST / HTTP/1.1\r\n{H}Content-Length: 1000000\r\n\r\n" + "x" * 1000)
        site.origin.wait_requests(1)
    assert site.origin.connections[0].closed_by_peer.wait(20)
    site.origin.connections[0].ended.wait(10)
    assert not site.origin.requests[0].complete


# -- names: RFC 6761 6.3

def test_localhost(place):
    origin = place.origin()
    site = place.proxy(simple(Address(f"localhost:{origin.port}")))
    for _ in range(3):
        assert site.get().body == b"hello"


def test_ipv6_server(place):
    """RFC 3986 3.2.2: an IPv6 literal in brackets"""
    def one(listener):
        sock, _ = listener.accept()
        with Stream(sock) as s:
            s.read_request()
            s.send(response(200, "six", "Connection: close"))
    with socket.socket(socket.AF_INET6) as listener:
        try:
            listener.bind(("::1", 0))
        except OSError:
            pytest.skip("no IPv6 here")
        listener.listen(5)
        site = place.proxy(simple(Address(f"[::1]:{listener.getsockname()[1]}")))
        server = Checked(one, listener)
        assert site.get().body == b"six"
        server.result()


def test_unknown_name(place):
    """RFC 9209 2.3.2: the daemon starts, says so, and the other routes work"""
    origin = place.origin()
    conf = simple(origin, routes=[{"match": {"path": "/x"}, "upstream": "lost"}, {"upstream": "origin"}])
    conf["upstreams"]["lost"] = {"servers": ["nowhere.invalid:80"], "timeouts": {"connect": "1s"}}
    site = place.proxy(conf)
    assert site.get("/").status == 200
    r = site.get("/x")
    assert r.status in (502, 503, 504) and proxy_error(r)


def test_one_of_two_servers_is_dead(place):
    """What did not reach a server may go to another one"""
    good, dead = place.origin(), free_port()
    conf = simple(good)
    conf["upstreams"]["origin"]["servers"] = [good.address, f"127.0.0.1:{dead}"]
    site = place.proxy(conf)
    got = [site.get().status for _ in range(20)]
    assert got == [200] * 20


def test_peer_that_stops_listening_with_open_connections(place):
    """Pooled connections go on while new ones are refused"""
    site = place.site()
    assert site.get().status == 200
    site.origin.stop_listening()
    assert site.get().status == 200
    assert len(site.origin.connections) == 1
