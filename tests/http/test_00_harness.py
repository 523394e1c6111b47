# SPDX-License-Identifier: BSD-2-Clause
"""The tools themselves: a strict reader that is not strict would make every other test worthless."""

import socket

import pytest

from lib import BlackHole, Client, Malformed, Origin, Stream, Truncated, chunked, reset_now, response


def reader(data, close=True):
    a, b = socket.socketpair()
    a.sendall(data)
    if close:
        a.close()
    s = Stream(b, timeout=5)
    s.other = a
    return s


GOOD = [
    (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", b"hello"),
    (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", b"hello"),
    (b"HTTP/1.1 200 OK\r\n\r\nhello", b"hello"),
    (b"HTTP/1.1 204 No Content\r\n\r\n", b""),
    (b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n", b""),
]


@pytest.mark.parametrize("data,body", GOOD)
def test_reads_good_responses(data, body):
    assert reader(data).read_response().body == body


BAD = [
    b"HTTP/1.1 200 OK\nContent-Length: 0\n\n",
    b"HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Length : 0\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\x01: 1\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nA: b\x00c\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;a=b\r\nhello\r\n0\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello0\r\n\r\n",
    b"HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n",
]


@pytest.mark.parametrize("data", BAD)
def test_refuses_bad_responses(data):
    with pytest.raises(Malformed):
        reader(data).read_response()


CUT = [
    b"HTTP/1.1 200 OK\r\nContent-Le",
    b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nhello",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n6\r\nhello",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n",
]


@pytest.mark.parametrize("data", CUT)
def test_notices_truncation(data):
    with pytest.raises(Truncated):
        reader(data).read_response()


def test_nothing_may_follow():
    s = reader(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\nX")
    s.read_response()
    with pytest.raises(AssertionError):
        s.expect_end()


def test_origin_serves_and_remembers():
    with Origin() as o:
        with Client(o.port) as c:
            assert c.ask(target="/a").body == b"hello"
            assert c.ask("POST", "/b", body="xyz").body == b"hello"
            assert c.ask("HEAD", "/c").body == b""
        assert o.paths() == ["/a", "/b", "/c"]
        assert o.requests[1].body == b"xyz" and o.requests[1].complete
        assert len(o.connections) == 1
        assert bytes(o.connections[0].received).startswith(b"GET /a HTTP/1.1\r\nHost: test\r\n\r\nPOST")
        o.check()


def test_origin_reset_and_truncation():
    def script(c, r):
        c.send(response(200, "hello world")[:-3])
        if r.path == "/reset":
            reset_now(c)
        else:
            c.close()
    with Origin(script) as o:
        for path in "/reset", "/close":
            with Client(o.port) as c, pytest.raises(Truncated):
                c.ask(target=path)


def test_origin_sees_incomplete_requests():
    with Origin() as o:
        with Client(o.port) as c:
            c.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc")
        o.wait_connections(1).ended.wait(5)
        assert len(o.requests) == 1 and not o.requests[0].complete


def test_chunked_coding():
    data = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked("ab", "c", trailers=["X: 1"])
    r = reader(data).read_response()
    assert r.body == b"abc" and r.trailers == [("X", "1")]


def test_blackhole_never_connects():
    hole = BlackHole()
    with pytest.raises(OSError):
        Client(hole.port, timeout=0.5)
    hole.close()
