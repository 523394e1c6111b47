# SPDX-License-Identifier: BSD-2-Clause
"""Everything at once: clients and an origin that do random legal and illegal things for a while. What
must hold: an answer that looks whole is whole and belongs to its request, and nothing breaks down.
The seed is printed; TIERCEL_TEST_SEED repeats a run's choices (the timing is the machine's)."""

import hashlib
import os
import random
import signal
import time

import pytest

from lib import DEADLINE, Checked, Client, Truncated, reset_now, simple, wait_for
from lib.wire import request

SEED = int(os.environ.get("TIERCEL_TEST_SEED", "0")) or random.randrange(1, 1 << 30)
FAULTS = ["none"] * 12 + ["cut", "reset", "garbage", "hang-up", "reset-early", "extra"]
SIZES = [0, 1, 100, 5000, 65535, 65537, 300000, 2000000]


def body_for(ident, size):
    block = hashlib.shake_128(ident.encode()).digest(4096)
    return (block * (size // 4096 + 1))[:size]


def origin_script(c, r):
    """/ident/size/framing/fault"""
    _, ident, size, framing, fault = r.path.split("/")
    up = c.body_of(r).read()
    if up != body_for(ident + "up", len(up)):
        c.origin.errors.append(AssertionError(f"wrong upload for {r.path}: {len(up)} bytes"))
    if fault == "hang-up":
        c.close()
        return None
    if fault == "reset-early":
        reset_now(c)
        return None
    if fault == "garbage":
        c.send(b"\0garbage\r\n\r\n" + body_for(ident, 500))
        c.close()
        return None
    data = body_for(ident, int(size))
    if framing == "length":
        out = f"HTTP/1.1 200 OK\r\nContent-Length: {len(data)}\r\n\r\n".encode() + data
    elif framing == "chunked":
        rnd = random.Random(ident)
        out, at = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", 0
        while at < len(data):
            n = rnd.choice([1, 10, 1000, 8000, 70000])
            piece = data[at:at + n]
            out += b"%x\r\n" % len(piece) + piece + b"\r\n"
            at += n
        out += b"0\r\n\r\n"
    else:
        out = b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + data
    if fault in ("cut", "reset") and framing != "close":
        cut = random.Random(ident).randrange(0, len(out) - 1)
        c.send(out[:cut])
        reset_now(c) if fault == "reset" else c.close()
        return None
    if fault == "reset" and framing == "close":
        c.send(out[:-1] if data else out)
        reset_now(c)
        return None
    if fault == "extra" and framing != "close":
        out += b"HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nsmuggled"
        c.send(out)
        c.close()
        return None
    c.send(out)
    if framing == "close":
        c.close()
    return None


class Player:
    """One client that plays random requests until the time is over."""

    def __init__(self, port, number, end, forgiving=False):
        self.port, self.end = port, end
        self.forgiving = forgiving  # workers are killed: any answer may break off, none may be wrong
        self.rnd = random.Random(SEED + number)
        self.n, self.number = 0, number
        self.whole = self.failed = 0

    def plan(self):
        self.n += 1
        rnd = self.rnd
        method = rnd.choice(["GET", "GET", "GET", "POST", "HEAD"])
        ident = f"{self.number}-{self.n}"
        size = rnd.choice(SIZES)
        fault = rnd.choice(FAULTS)
        framing = rnd.choice(["length", "length", "chunked", "close"])
        up = body_for(ident + "up", rnd.choice([0, 10, 70000])) if method == "POST" else None
        if method == "HEAD":
            fault, size, framing = "none", 0, "length"
        if fault == "extra":
            size = min(size, 5000)  # in one segment with the answer: later, nobody could tell them apart
        target = f"/{ident}/{size}/{framing}/{fault}"
        return method, target, up, body_for(ident, size), fault

    def check(self, c, plan):
        """Reads one answer; False when the connection is over."""
        method, target, _, data, fault = plan
        try:
            r = c.read_response(method)
        except Truncated:
            assert self.forgiving or fault not in ("none", "extra"), f"{target}: broken without a reason"
            self.failed += 1
            return False
        if r.status == 200:
            assert r.body == (b"" if method == "HEAD" else data), f"{target}: wrong bytes"
            self.whole += 1
        else:
            # a POST on a pooled connection that the origin was just closing cannot be replayed
            assert self.forgiving or fault != "none" or (method == "POST" and r.status == 502), f"{target}: {r}"
            assert r.status in (502, 504), f"{target}: {r}"
            self.failed += 1
        return r.keep_alive()

    def play(self, n=None):

        while time.monotonic() < self.end if n is None else self.n < n:
            rnd = self.rnd
            c = Client(self.port, rcvbuf=rnd.choice([None, None, 8192]))
            try:
                for _ in range(rnd.randrange(1, 6)):
                    if not self.round(c, rnd):
                        break
            except OSError:
                if not self.forgiving:
                    raise
            finally:
                c.reset() if rnd.random() < 0.1 else c.close()
        return self.whole, self.failed

    def round(self, c, rnd):
        kind = rnd.random()
        if kind < 0.6:
            plan = self.plan()
            c.request(plan[0], plan[1], body=plan[2])
            return self.check(c, plan)
        if kind < 0.8:  # pipelined
            plans = [self.plan() for _ in range(rnd.randrange(2, 6))]
            c.send(b"".join(request(p[0], p[1], body=p[2]) for p in plans if p[2] is None or len(p[2]) < 100))
            for p in plans:
                if (p[2] is None or len(p[2]) < 100) and not self.check(c, p):
                    return False
            return True
        if kind < 0.9:  # in pieces
            plan = self.plan()
            data = request(plan[0], plan[1], body=plan[2])
            at = rnd.randrange(1, len(data))
            c.send(data[:at])
            time.sleep(0.001)
            c.send(data[at:])
            return self.check(c, plan)
        plan = self.plan()  # leaves in the middle
        data = request(plan[0], plan[1], body=plan[2])
        if kind < 0.95:
            c.try_send(data[:rnd.randrange(1, len(data))])
        else:
            c.try_send(data)
            c.sock.settimeout(0.01)
            try:
                c.sock.recv(rnd.choice([10, 1000, 100000]))
            except OSError:
                pass
        return False


def torture(place, seconds, during=None, forgiving=False, **conf):
    print(f"seed {SEED}")
    origin = place.origin(head=origin_script)
    site = place.proxy(simple(origin, workers=2, upstream={"pool": {"max_connections": 8, "queue": 1000, "max_idle": 8,
                                                                    "acquire_timeout": "60s"}}, **conf))
    end = time.monotonic() + seconds
    players = [Checked(Player(site.port(), i, end, forgiving).play) for i in range(12)]
    site.deaths_expected = forgiving
    while time.monotonic() < end and during:
        during(site, origin)
    results = [p.result(seconds + 4 * DEADLINE) for p in players]
    whole, failed = sum(r[0] for r in results), sum(r[1] for r in results)
    print(f"{whole} whole answers, {failed} honest failures")
    assert whole > 50
    wait_for(lambda: site.ctl("requests", "--json").stdout.count('"target"') == 0, "nothing to be left in flight")
    # the pool has all its places again
    many = [Checked(site.get, f"/after-{i}/1000/length/none") for i in range(30)]
    assert [m.result().status for m in many] == [200] * 30
    return site


def test_torture(place):
    torture(place, 6)


def test_torture_with_reloads(place):
    def during(site, origin):
        site.reload(simple(origin, workers=2, routes=[{"upstream": "origin"}, {
            "match": {"path": f"/x{time.monotonic_ns()}"}, "answer": {"status": 200}}],
            upstream={"pool": {"max_connections": random.choice([6, 8, 20]), "queue": 1000,
                               "acquire_timeout": "60s"}}))
        time.sleep(0.05)
    torture(place, 5, during)


def test_torture_with_dead_workers(place):
    """kill -9 again and again: answers break off visibly, none is wrong, no place in a pool is lost"""
    def during(site, origin):
        workers = site.workers()
        if len(workers) == 2:
            os.kill(random.choice(workers), signal.SIGKILL)
        time.sleep(0.4)
    torture(place, 5, during, forgiving=True)


@pytest.mark.slow
def test_torture_long(place):
    torture(place, 60)
