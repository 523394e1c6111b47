# SPDX-License-Identifier: BSD-2-Clause
"""Upgrade tunnels (RFC 9110 7.8): plain echo, and WebSocket with a real client and server."""

import asyncio
import hashlib
import threading

import pytest

from lib import Checked, reset_now, response, simple, wait_for

UP = ("Connection: Upgrade", "Upgrade: echo")
SWITCH = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n"


def echo_script(c):
    r = c.read_request_head()
    if r is None:
        return
    c.request_seen = r
    if "upgrade" not in [m.lower() for m in r.fields.members("Connection")]:
        c.send(response(200, "plain"))
        return
    c.send(SWITCH)
    while c.buf or c.fill():
        c.send(c.take(len(c.buf)))


@pytest.fixture
def site(place):
    return place.site(conn=echo_script)


def switched(site, *fields, data=b""):
    c = site.client()
    c.request("GET", "/echo", *(fields or UP))
    if data:
        c.send(data)
    r = c.read_response_head()
    assert r.status == 101 and r["Upgrade"] == "echo" and "upgrade" in [
        m.lower() for m in r.fields.members("Connection")]
    return c


def test_tunnel(site):
    """RFC 9110 7.8: bytes both ways, whatever they are"""
    with switched(site) as c:
        got = site.origin.requests[0]
        assert got["Upgrade"] == "echo"
        for data in b"hello", b"\0\r\n\r\n", b"GET / HTTP/1.1\r\n\r\n", b"x" * 100000:
            sender = Checked(c.send, data)
            assert c.read_exactly(len(data)) == data
            sender.result()


def test_early_data(site):
    """Bytes sent right behind the request belong to the new protocol"""
    with switched(site, data=b"early") as c:
        assert c.read_exactly(5) == b"early"


def test_bytes_behind_the_101(place):
    """The origin's first bytes in the segment of its 101"""
    def script(c):
        c.read_request_head()
        c.send(SWITCH + b"greeting")
        c.wait_closed()
    site = place.site(conn=script)
    with switched(site) as c:
        assert c.read_exactly(8) == b"greeting"


def test_tunnel_both_ways_at_once(site):
    data = hashlib.shake_128(b"tunnel").digest(8 << 20)
    with switched(site) as c:
        sender = Checked(c.send, data)
        got = hashlib.sha256()
        n = 0
        while n < len(data):
            if not c.buf:
                assert c.fill()
            piece = c.take(len(c.buf))
            n += len(piece)
            got.update(piece)
        sender.result()
        assert got.digest() == hashlib.sha256(data).digest()


def test_half_close_passes_through(site):
    """The client has said all; the rest of the echo still comes"""
    with switched(site) as c:
        c.send(b"last words").half_close()
        assert c.read_all() == b"last words"


def test_origin_ends_the_tunnel(place):
    def script(c):
        c.read_request_head()
        c.send(SWITCH + b"bye")
    site = place.site(conn=script)
    with switched(site) as c:
        assert c.read_all() == b"bye"


def test_origin_resets_the_tunnel(place):
    def script(c):
        c.read_request_head()
        c.send(SWITCH)
        c.read_exactly(2)
        reset_now(c)
    site = place.site(conn=script)
    with switched(site) as c:
        c.send("go")
        c.expect_end()


def test_client_leaves_the_tunnel(site):
    for how in "close", "reset":
        c = switched(site)
        getattr(c, how)()
        conn = site.origin.connections[-1]
        assert conn.closed_by_peer.wait(20)


def test_upgrade_refused(place):
    """RFC 9110 7.8: an origin may ignore it; the connection goes on as HTTP"""
    site = place.site(response(200, "no"))
    with site.client() as c:
        r = c.ask("GET", "/", *UP)
        assert r.status == 200 and r.body == b"no" and "Upgrade" not in r.fields.members("Connection")
        assert c.ask().body == b"no"


def test_upgrade_required(place):
    """RFC 9110 15.5.22: 426 with Upgrade passes through"""
    site = place.site(lambda c, r: response(426, "", "Upgrade: echo", "Connection: Upgrade"))
    r = site.get("/")
    assert r.status == 426


def test_101_unasked(place):
    """RFC 9110 15.2.2: a 101 that nobody asked for is an error, not a tunnel"""
    site = place.site(lambda c, r: SWITCH + response(200, "x"))
    with site.client() as c:
        assert c.ask().status == 502
    assert site.get("/").status == 502


def test_upgrade_of_1_0_is_ignored(site):
    """RFC 9110 7.8: Upgrade in a 1.0 request is ignored"""
    with site.client() as c:
        c.request("GET", "/", *UP, version="1.0")
        assert c.read_response_head().status == 200


def test_tunnel_outlives_keepalive_timeouts(place):
    """A tunnel that is in use is not an idle connection"""
    site = place.site(conn=echo_script, listener={"timeouts": {"keepalive": "300ms", "header": "300ms"}})
    with switched(site) as c:
        for _ in range(4):
            assert c.silent(0.25)
            c.send("x")
            assert c.read_exactly(1) == b"x"


# -- WebSocket: RFC 6455

try:
    import websockets
except ImportError:
    websockets = None


@pytest.mark.skipif(websockets is None, reason="python3-websockets is missing")
@pytest.mark.parametrize("compression", [None, "deflate"])
def test_websocket(place, compression):
    """RFC 6455 with a real client and server: text, binary, fragments, ping, large, close"""
    started, box = threading.Event(), {}

    async def serve(ws):
        async for message in ws:
            await ws.send(message)

    async def server():
        box["stop"] = asyncio.Event()
        box["loop"] = asyncio.get_running_loop()
        async with websockets.serve(serve, "127.0.0.1", 0, max_size=None, compression=compression) as s:
            box["port"] = s.sockets[0].getsockname()[1]
            started.set()
            await box["stop"].wait()

    thread = Checked(asyncio.run, server())
    assert started.wait(20)

    class Address:
        address = f"127.0.0.1:{box['port']}"
    site = place.proxy(simple(Address))

    async def client():
        url = f"ws://127.0.0.1:{site.port()}/socket"
        async with websockets.connect(url, max_size=None, compression=compression) as ws:
            for message in "hello", "\u00e4\u20ac", b"\0\1\2", "x" * 200000, b"y" * 3000000, "":
                await ws.send(message)
                assert await ws.recv() == message
            await ws.send(["frag", "men", "ted"])
            assert await ws.recv() == "fragmented"
            await asyncio.wait_for(await ws.ping(), 20)
        assert ws.close_code == 1000

    async def many():
        await asyncio.gather(*[client() for _ in range(5)])
    try:
        asyncio.run(many())
    finally:
        box["loop"].call_soon_threadsafe(box["stop"].set)
        thread.result()


def test_tunnels_are_counted_as_open_requests(site):
    """`tiercelctl requests` shows what is in flight"""
    with switched(site):
        out = wait_for(lambda: site.ctl("requests").stdout, "a request in flight")
        assert "/echo" in out
