# SPDX-License-Identifier: BSD-2-Clause
"""Deadlines and limits for clients: slow heads, slow bodies, idle and unread connections."""

import resource
import time

import pytest

from lib import DEADLINE, Checked, Client, response, simple, stays, wait_for

H = "Host: test\r\n"


def test_slowloris(place):
    """RFC 9110 15.5.9: the head's deadline is not renewed by single bytes"""
    site = place.site(listener={"timeouts": {"header": "500ms"}})
    with site.client() as c:
        begin = time.monotonic()
        data = f"GET / HTTP/1.1\r\n{H}" + "".join(f"X-{i}: a\r\n" for i in range(1000))
        for byte in data.encode():
            if not c.try_send(bytes([byte])) or not c.silent(0.02):
                break
            assert time.monotonic() - begin < DEADLINE, "still there after 500 ms"
        rest = c.read_all() if not c.buf else bytes(c.buf)
        assert not rest or rest.startswith(b"HTTP/1.1 408")
    assert not site.origin.requests


def test_header_timeout_answer(place):
    site = place.site(listener={"timeouts": {"header": "300ms"}})
    with site.client() as c:
        c.send("GET / HTTP/1.1\r\nHo")
        r = c.read_response()
        assert r.status == 408 and not r.keep_alive()
        c.expect_end()


def test_header_timeout_with_nothing_sent(place):
    """A connection on which nothing ever comes is closed without words"""
    site = place.site(listener={"timeouts": {"header": "300ms", "keepalive": "300ms"}})
    with site.client() as c:
        c.expect_end()


def test_many_slow_ones_do_not_hold_up_others(place):
    site = place.site(listener={"timeouts": {"header": "20s"}})
    slow = [site.client() for _ in range(100)]
    for c in slow:
        c.send("GET / HTTP/1.1\r\n")
    for _ in range(10):
        assert site.get().status == 200
    for c in slow:
        c.send(f"{H}\r\n")
    for c in slow:
        assert c.read_response().status == 200
        c.close()


def test_second_head_on_a_connection(place):
    """The header deadline begins anew with each request"""
    site = place.site(listener={"timeouts": {"header": "600ms", "keepalive": "30s"}})
    with site.client() as c:
        assert c.ask().status == 200
        assert c.silent(0.8)  # idle time is not header time
        assert c.ask().status == 200
        c.send("GET / HT")
        assert c.read_response().status == 408
        c.expect_end()


def test_body_timeout(place):
    """A pause inside the body: 408 or the end, and the origin sees a broken request"""
    site = place.site(listener={"timeouts": {"body": "400ms"}})
    with site.client() as c:
        c.send(f"POST / HTTP/1.1\r\n{H}Content-Length: 10\r\n\r\nabc")
        rest = c.read_all()
        assert not rest or rest.startswith(b"HTTP/1.1 408")
    for r in site.origin.requests:
        assert r.conn.closed_by_peer.wait(20)
        assert not r.complete


def test_body_timeout_is_about_pauses(place):
    site = place.site(listener={"timeouts": {"body": "3s"}})
    with site.client() as c:
        c.send(f"POST / HTTP/1.1\r\n{H}Content-Length: 16\r\n\r\n")
        for _ in range(16):
            c.send("x")
            time.sleep(0.2)
        assert c.read_response().status == 200


def test_keepalive_timeout(place):
    """RFC 9112 9.5: closed without words, cleanly"""
    site = place.site(listener={"timeouts": {"keepalive": "400ms"}})
    with site.client() as c:
        assert c.ask().status == 200
        c.expect_end(clean=True)


def test_keepalive_timeout_spares_slow_answers(place):
    """Waiting for the origin is not idleness"""
    def script(c, r):
        time.sleep(1)
        return response(200, "late")
    site = place.site(script, listener={"timeouts": {"keepalive": "300ms", "header": "300ms", "body": "300ms",
                                                     "write": "300ms"}})
    assert site.get().body == b"late"


def endless(c, r):
    c.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    piece = b"10000\r\n" + b"x" * 65536 + b"\r\n"
    while c.try_send(piece):
        pass
    c.closed_by_peer.set()


def test_write_timeout(place):
    """A client that takes nothing is cut off, and the origin's work with it"""
    site = place.site(endless, listener={"timeouts": {"write": "500ms"}})
    with site.client(rcvbuf=4096) as c:
        c.request()
        assert site.origin.wait_requests(1).conn.closed_by_peer.wait(DEADLINE)
        assert c.sock.fileno() >= 0


def test_write_timeout_is_about_pauses(place):
    """A slow but steady reader is left alone"""
    size = 5 << 20
    site = place.site(response(200, b"x" * size), listener={"timeouts": {"write": "3s"}})
    with site.client(rcvbuf=16384) as c:
        c.request()
        body = c.body_of(c.read_response_head())
        n = 0
        while n < size:
            piece = body.exactly(min(150000, size - n))
            n += len(piece)
            time.sleep(0.1)
        assert body.some() == b""


def test_connection_limit(place):
    """limits.connections: the next ones wait in the kernel until one leaves; nobody is turned away"""
    site = place.site(workers=1, listener={"limits": {"connections": 4}})
    held = [site.client() for _ in range(4)]
    for c in held:
        assert c.ask().status == 200
    waiting = [site.client() for _ in range(3)]
    for c in waiting:
        c.request()
    n = len(site.origin.requests)
    assert stays(lambda: len(site.origin.requests) == n, 0.5)
    for c in held:
        assert c.ask().status == 200  # those inside go on
    for i, c in enumerate(waiting):
        held[i].close()
        assert c.read_response().status == 200
    for c in held + waiting:
        c.close()


def test_connection_limit_across_workers(place):
    site = place.site(workers=2, listener={"limits": {"connections": 6}})
    clients = [site.client() for _ in range(20)]
    for c in clients:
        c.request()
    answered = set()

    def look():
        for i, c in enumerate(clients):
            if i not in answered and not c.silent(0.01):
                answered.add(i)
        return False
    try:
        wait_for(look, timeout=1.5)
    except AssertionError:
        pass
    assert 1 <= len(answered) <= 6
    for i in list(range(20)):  # each one that leaves lets another one in
        todo = [k for k in answered if clients[k].sock.fileno() >= 0]
        for k in todo:
            assert clients[k].read_response().status == 200
            clients[k].close()
        if len(answered) == 20:
            break
        wait_for(lambda: look() or [k for k in answered if clients[k].sock.fileno() >= 0], "the next ones")
    assert len(answered) == 20


def test_open_files_run_out(place):
    """Fewer descriptors than clients: no crash, no spinning, whole again afterwards"""
    origin = place.origin()
    site = place.proxy(simple(origin), start=False)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(200, hard), hard))
    try:
        site.start()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    clients = []
    for _ in range(400):
        try:
            clients.append(Client(site.port(), timeout=DEADLINE))
        except OSError:
            break
    for c in clients:
        c.try_send(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    for c in clients:
        c.close()
    wait_for(lambda: Checked(site.get).result().status == 200, "service to be whole again")


@pytest.mark.parametrize("what", ["close", "reset"])
def test_clients_that_vanish(place, what):
    """At any moment; nothing is left behind"""
    site = place.site()
    for data in (b"", b"G", b"GET / HTTP/1.1\r\nHost: x\r\n", b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
                 b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nab") * 10:
        c = site.client()
        c.try_send(data)
        getattr(c, what)()
    assert site.get().status == 200
    wait_for(lambda: not site.ctl("requests").stdout.count("GET /"), "no request in flight")
