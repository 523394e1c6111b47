# SPDX-License-Identifier: BSD-2-Clause
"""Streaming in bounded windows: what arrives goes on at once, a slow side holds the fast one back,
and memory does not grow with the size of a message."""

import hashlib
import threading

import pytest

from lib import DEADLINE, Checked, Truncated, chunked, has_asan, procfs, reset_now, response, wait_for

H = "Host: test\r\n"
MIB = 1 << 20
WINDOW = 64 << 10


def pattern(name, size):
    """Bytes that tell one object from another, cheap to make in any size."""
    block = hashlib.shake_128(str(name).encode()).digest(1 << 16)
    return (block * (size // len(block) + 1))[:size]


def digest(data):
    return hashlib.sha256(data).hexdigest()


def allowance(streams):
    """Two windows per stream and a constant; sanitizers add their own."""
    bound = streams * 2 * WINDOW + 8 * MIB
    return bound * 3 + 64 * MIB if has_asan() else bound


# -- flushed at once

def stepped(head, pieces, end=b""):
    """Sends a piece only when told that the one before has arrived."""
    def script(c, r):
        c.send(head)
        for p in pieces:
            assert c.origin.go.acquire(timeout=DEADLINE)
            c.send(p)
        c.send(end)
    return script


FLUSHED = [
    ("events-chunked", b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n",
     lambda d: b"%x\r\n%s\r\n" % (len(d), d), b"0\r\n\r\n", ()),
    ("events-close", b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n",
     lambda d: d, None, ()),
    ("events-1.0", b"HTTP/1.0 200 OK\r\nContent-Type: text/event-stream\r\n\r\n", lambda d: d, None, ()),
    ("chunked", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
     lambda d: b"%x\r\n%s\r\n" % (len(d), d), b"0\r\n\r\n", ()),
    ("incremental-request", b"HTTP/1.1 200 OK\r\nContent-Length: 24\r\n\r\n", lambda d: d, b"", ("Incremental: ?1",)),
    ("incremental-answer", b"HTTP/1.1 200 OK\r\nIncremental: ?1\r\nContent-Length: 24\r\n\r\n", lambda d: d, b"", ()),
    ("large-length", b"HTTP/1.1 200 OK\r\nContent-Length: 24\r\n\r\n", lambda d: d, b"", ()),
]


@pytest.mark.parametrize("what,head,code,end,ask", FLUSHED, ids=[f[0] for f in FLUSHED])
def test_flushed_at_once(place, what, head, code, end, ask):
    """Each piece reaches the client before the next one is sent"""
    events = [f"data: {i:05}\n".encode() for i in range(2)]
    events = [e.ljust(12, b".") for e in events]

    def script(c, r):
        stepped(head, [code(e) for e in events], end or b"")(c, r)
        if end is None:
            c.close()
    site = place.site(script)
    site.origin.go = threading.Semaphore(0)
    with site.client() as c:
        c.request("GET", "/", *ask)
        r = c.read_response_head()  # the head comes before any of the body
        body = c.body_of(r)
        for e in events:
            site.origin.go.release()
            assert body.exactly(len(e)) == e
        assert body.some() == b"" and r.complete


def test_upload_is_streamed(place):
    """The origin has the first bytes before the client sends the last ones"""
    def script(c, r):
        body = c.body_of(r)
        while True:
            piece = body.some()
            if not piece:
                break
            c.origin.got += piece
        return response(200, c.origin.got)
    for head, code, end in ((f"POST / HTTP/1.1\r\n{H}Content-Length: 10\r\n\r\n", lambda d: d, b""),
                            (f"POST / HTTP/1.1\r\n{H}Transfer-Encoding: chunked\r\n\r\n",
                             lambda d: b"%x\r\n%s\r\n" % (len(d), d), b"0\r\n\r\n")):
        site = place.site(head=script)
        site.origin.got = b""
        with site.client() as c:
            c.send(head)
            site.origin.wait_requests(1)
            for i in range(5):
                c.send(code(b"%d." % i))
                wait_for(lambda: len(site.origin.got) == 2 * i + 2, "the piece at the origin")
            c.send(end)
            assert c.read_response().body == b"0.1.2.3.4."


def test_both_ways_at_once(place):
    """An origin that answers while it reads: neither side waits for the other's end"""
    def script(c, r):
        body = c.body_of(r)
        c.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while True:
            piece = body.some()
            if not piece:
                break
            c.send(b"%x\r\n" % len(piece) + piece + b"\r\n")
        c.send(b"0\r\n\r\n")
    site = place.site(head=script, listener={"limits": {"body_size": "100MiB"}})
    data = pattern("both", 16 * MIB)
    with site.client() as c:
        c.send(f"POST / HTTP/1.1\r\n{H}Content-Length: {len(data)}\r\n\r\n")
        sender = Checked(c.send, data)
        got = hashlib.sha256()
        r = c.read_response_head()
        assert c.body_of(r).drain(got) == len(data)
        sender.result()
        assert got.hexdigest() == digest(data)
        assert c.ask("POST", "/", body="again").body == b"again"


# -- large bodies

SIZE = 32 * MIB


@pytest.fixture(scope="module")
def large(module_place):
    """/length/N, /chunked/N, /close/N: SIZE bytes of pattern N."""
    made = {}

    def script(c, r):
        _, framing, n = r.path.split("/")
        data = made.setdefault(n, pattern(n, SIZE))
        if framing == "length":
            return response(200, data)
        if framing == "chunked":
            c.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
            for i in range(0, SIZE, 100000):
                piece = data[i:i + 100000]
                c.send(b"%x\r\n" % len(piece) + piece + b"\r\n")
            c.send(b"0\r\n\r\n")
            return None
        c.send(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + data)
        c.close()
    s = module_place.site(script)
    s.digest = lambda n: digest(made[n])
    return s


@pytest.mark.parametrize("framing", ["length", "chunked", "close"])
def test_large_download(large, framing):
    with large.client() as c:
        for n in "a", "b":
            c.request(target=f"/{framing}/{n}")
            r = c.read_response_head()
            got = hashlib.sha256()
            assert c.body_of(r).drain(got) == SIZE
            assert got.hexdigest() == large.digest(n)


@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_slow_readers_do_not_cost_memory(large, framing):
    """30 clients that read in small steps: two windows each at most, and every byte right"""
    pid = large.workers()[0]
    before = procfs.rss(pid)
    procfs.reset_peak(pid)

    def one(i):
        with large.client(rcvbuf=16384) as c:
            c.request(target=f"/{framing}/{i % 3}")
            r = c.read_response_head()
            got = hashlib.sha256()
            body, n = c.body_of(r), 0
            while n < 2 * MIB:
                data = body.some()
                n += len(data)
                got.update(data)
                if n % 7 == 0:
                    c.silent(0)
            n += body.drain(got)
            assert n == SIZE and got.hexdigest() == large.digest(str(i % 3))
    for t in [Checked(one, i) for i in range(30)]:
        t.result(10 * DEADLINE)
    grown = procfs.peak(pid) - before
    assert grown <= allowance(30), f"{grown / 30 / 1024:.0f} KiB per stream"


def test_unread_answers_stop_the_origin(place):
    """Back-pressure: a client that does not read stops the origin's sending, and costs windows only"""
    n_streams, size = 50, 64 * MIB
    block = pattern("unread", 1 << 16)
    sent = [0] * n_streams

    def script(c, r):
        k = int(r.path[1:])
        c.send(f"HTTP/1.1 200 OK\r\nContent-Length: {size}\r\n\r\n".encode())
        c.sock.settimeout(None)
        while sent[k] < size:
            sent[k] += c.sock.send(block)
    site = place.site(script)
    pid = site.workers()[0]
    before = procfs.rss(pid)
    procfs.reset_peak(pid)
    clients = []
    for k in range(n_streams):
        c = site.client(rcvbuf=4096)
        c.request(target=f"/{k}")
        clients.append(c)
    for c in clients:
        assert c.fill()
    last = []

    def settled():
        last.append(sum(sent))
        return len(last) > 10 and last[-1] == last[-10]
    wait_for(settled, "the origin to be held back", step=0.05)
    assert max(sent) < size, "an unread answer was taken whole"
    grown = procfs.peak(pid) - before
    assert grown <= allowance(n_streams), f"{grown / n_streams / 1024:.0f} KiB per stream"
    for c in clients:
        c.reset()
    for c in site.origin.connections:
        assert c.ended.wait(DEADLINE)


def test_upload_to_a_slow_origin(place):
    """64 MiB to an origin that reads late: bounded, the client is held back, every byte right"""
    size = 64 * MIB
    data = pattern("up", size)
    go = threading.Event()

    def script(c, r):
        assert go.wait(DEADLINE)
        got = hashlib.sha256()
        n = c.body_of(r).drain(got)
        return response(200, f"{n} {got.hexdigest()}")
    site = place.site(head=script, listener={"limits": {"body_size": "1GiB"}})
    pid = site.workers()[0]
    before = procfs.rss(pid)
    procfs.reset_peak(pid)
    sent = []

    def send(c):
        for i in range(0, size, MIB):
            c.send(data[i:i + MIB])
            sent.append(MIB)
    with site.client() as c:
        c.send(f"POST / HTTP/1.1\r\n{H}Content-Length: {size}\r\n\r\n")
        sender = Checked(send, c)
        site.origin.wait_requests(1)
        last = []

        def settled():
            last.append(len(sent))
            return len(last) > 20 and last[-1] == last[-20]
        wait_for(settled, "the client to be held back", step=0.02)
        assert sum(sent) < size, "an upload that nobody reads was taken whole"
        go.set()
        r = c.read_response()
        sender.result()
        assert r.body.decode() == f"{size} {digest(data)}"
    grown = procfs.peak(pid) - before
    assert grown <= allowance(1), f"{grown >> 10} KiB"


@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_uploads_with_checksum(place, framing):
    def script(c, r):
        got = hashlib.sha256()
        n = c.body_of(r).drain(got)
        return response(200, f"{n} {got.hexdigest()}")
    site = place.site(head=script, listener={"limits": {"body_size": "0"}})
    data = pattern(framing, 20 * MIB + 17)

    def one(_):
        with site.client() as c:
            for _ in range(2):
                if framing == "length":
                    c.send(f"POST / HTTP/1.1\r\n{H}Content-Length: {len(data)}\r\n\r\n")
                    c.send(data)
                else:
                    c.send(f"POST / HTTP/1.1\r\n{H}Transfer-Encoding: chunked\r\n\r\n")
                    for i in range(0, len(data), 77777):
                        piece = data[i:i + 77777]
                        c.send(b"%x\r\n" % len(piece) + piece + b"\r\n")
                    c.send(b"0\r\n\r\n")
                assert c.read_response().body.decode() == f"{len(data)} {digest(data)}"
    for t in [Checked(one, i) for i in range(3)]:
        t.result()


# -- broken in the middle: whatever was in a pipe or a window must not turn up anywhere else

@pytest.mark.parametrize("who", ["client-close", "client-reset", "origin-close", "origin-reset"])
def test_large_answers_broken_off(place, who):
    """RFC 9112 8: and the next answers are whole and their own"""
    def script(c, r):
        name = r.path[1:]
        data = pattern(name, 4 * MIB)
        if who.startswith("origin") and name.startswith("cut"):
            c.send(f"HTTP/1.1 200 OK\r\nContent-Length: {len(data)}\r\n\r\n".encode())
            c.send(data[:MIB + len(name) * 1000])
            reset_now(c) if who == "origin-reset" else c.close()
            return None
        return response(200, data)
    site = place.site(script)
    for i in range(12):
        c = site.client(rcvbuf=8192 if i % 2 else None)
        c.request(target=f"/cut-{i}")
        if who.startswith("origin"):
            with pytest.raises(Truncated):
                c.read_response()
            c.close()
        else:
            c.body_of(c.read_response_head()).exactly(100000 + 50000 * i)
            c.reset() if who == "client-reset" else c.close()
        with site.client() as good:
            for k in range(2):
                want = pattern(f"good-{i}-{k}", 4 * MIB)
                assert good.ask(target=f"/good-{i}-{k}").body == want


@pytest.mark.parametrize("how", ["close", "reset"])
def test_uploads_broken_off(place, how):
    def script(c, r):
        got = hashlib.sha256()
        n = c.body_of(r).drain(got)
        return response(200, f"{n} {got.hexdigest()}")
    site = place.site(head=script, listener={"limits": {"body_size": "0"}})
    want = pattern("whole", 3 * MIB)
    for i in range(8):
        c = site.client()
        c.send(f"POST /cut-{i} HTTP/1.1\r\n{H}Content-Length: {3 * MIB}\r\n\r\n".encode())
        c.send(pattern(i, 200000 * (i + 1)))
        getattr(c, how)()
        with site.client() as good:
            assert good.ask("POST", "/good", body=want).body.decode() == f"{3 * MIB} {digest(want)}"
    for r in site.origin.requests:
        if r.path.startswith("/cut"):
            r.conn.ended.wait(DEADLINE)
            assert not r.complete


def test_pipelined_behind_a_large_answer(place):
    """The bytes behind a spliced body are the next head"""
    site = place.site(lambda c, r: response(200, pattern(r.path, 2 * MIB if r.path.startswith("/big") else 10)))
    with site.client() as c:
        paths = ["/big-1", "/small-1", "/big-2", "/small-2", "/small-3", "/big-3"]
        sender = Checked(c.send, "".join(f"GET {p} HTTP/1.1\r\n{H}\r\n" for p in paths))
        for p in paths:
            assert c.read_response().body == pattern(p, 2 * MIB if p.startswith("/big") else 10)
        sender.result()


def test_head_of_a_large_answer(place):
    site = place.site(lambda c, r: response(200, b"", f"Content-Length: {1 << 40}", length=False)
                      if r.method == "HEAD" else response(200, "x"))
    with site.client() as c:
        assert c.ask("HEAD")["Content-Length"] == str(1 << 40)
        assert c.ask().body == b"x"


def test_sizes_around_the_windows(place):
    """Every boundary at which one way of moving bytes gives over to another"""
    sizes = sorted({max(0, b + d) for b in (4096, 8192, 16384, 32768, 65536, 131072, 262144, 1 << 20)
                    for d in (-1, 0, 1)})
    site = place.site(lambda c, r: response(200, pattern(r.path, int(r.path[1:]))))
    with site.client() as c:
        for n in sizes:
            assert c.ask(target=f"/{n}").body == pattern(f"/{n}", n)
        c.send("".join(f"GET /{n} HTTP/1.1\r\n{H}\r\n" for n in sizes))
        for n in sizes:
            assert c.read_response().body == pattern(f"/{n}", n)


def test_tiny_chunks(place):
    """50,000 chunks of one byte: correct, and not one packet each for ever"""
    data = b"0123456789" * 5000
    site = place.site(lambda c, r: b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked(
        *[data[i:i + 1] for i in range(len(data))]))
    assert site.get().body == data


@pytest.mark.slow
def test_idle_connections_are_cheap(place):
    """Idle keep-alive connections hold no buffers (soak/idle.py measures 10,000 of them)"""
    site = place.site(listener={"timeouts": {"keepalive": "10m"}})
    pid = site.workers()[0]
    warm = [site.client() for _ in range(50)]
    for c in warm:
        assert c.ask().status == 200
    before = procfs.rss(pid)
    clients = []
    for _ in range(400):
        c = site.client()
        assert c.ask().status == 200
        clients.append(c)
    each = (procfs.rss(pid) - before) / len(clients)
    assert each < (20000 if has_asan() else 2000), f"{each:.0f} bytes each"
    for c in clients + warm:
        c.close()
