# SPDX-License-Identifier: BSD-2-Clause
"""Upstream pools: limits across workers, the queue and its order, idle connections, balancing."""

import os
import signal
import threading
import time

import pytest

from lib import Checked, response, simple, wait_for


class Gate:
    """An origin script that holds requests until told, and knows how many it holds."""

    def __init__(self):
        self.lock = threading.Lock()
        self.held, self.most, self.order = 0, 0, []
        self.tickets = threading.Semaphore(0)

    def __call__(self, c, r):
        with self.lock:
            self.held += 1
            self.most = max(self.most, self.held)
            self.order.append(r.path)
        self.tickets.acquire(timeout=60)
        with self.lock:
            self.held -= 1
        return response(200, r.path)

    def let(self, n=1):
        for _ in range(n):
            self.tickets.release()

    def wait_held(self, n):
        wait_for(lambda: self.held >= n, f"{n} requests held at the origin")


def gated(place, pool, workers=1, **kw):
    gate = Gate()
    origin = place.origin(gate)
    site = place.proxy(simple(origin, workers=workers, upstream={"pool": pool}, **kw))
    site.origin, site.gate = origin, gate
    return site


def asker(site, target):
    c = site.client()
    c.request(target=target)
    return c


@pytest.mark.parametrize("workers", [1, 2])
def test_max_connections(place, workers):
    """Never more, over all workers; everybody is served in the end"""
    site = gated(place, {"max_connections": 3, "queue": 100, "acquire_timeout": "60s"}, workers)
    clients = [asker(site, f"/{i}") for i in range(20)]
    site.gate.wait_held(3)
    for _ in range(20):
        site.gate.let()
        time.sleep(0.01)  # room for a fourth to slip in
    answers = [c.read_response() for c in clients]
    assert [r.status for r in answers] == [200] * 20
    assert site.gate.most == 3
    assert sorted(r.body.decode() for r in answers) == sorted(f"/{i}" for i in range(20))
    for c in clients:
        c.close()


def test_queue_is_first_come_first_served(place):
    site = gated(place, {"max_connections": 1, "queue": 100, "acquire_timeout": "60s"})
    clients = [asker(site, "/first")]
    site.gate.wait_held(1)
    for i in range(10):
        clients.append(asker(site, f"/{i}"))
        wait_for(lambda: f"/{i}" in site.ctl("requests").stdout, "the request in the queue")
    site.gate.let(11)
    for c in clients:
        assert c.read_response().status == 200
        c.close()
    assert site.gate.order == ["/first"] + [f"/{i}" for i in range(10)]


def test_queue_full(place):
    """RFC 9110 15.6.4: at once, and honest"""
    site = gated(place, {"max_connections": 1, "queue": 2, "acquire_timeout": "60s"})
    first = asker(site, "/0")
    site.gate.wait_held(1)
    rest = [asker(site, f"/{i}") for i in range(1, 6)]
    refused = []

    def look():
        for c in rest:
            if c not in refused and not c.silent(0.02):
                refused.append(c)
        return len(refused) >= 3
    wait_for(look, "three refusals")
    for c in refused:
        r = c.read_response()
        assert r.status == 503 and "connection_limit_reached" in r["Proxy-Status"]
    assert len(refused) == 3
    site.gate.let(3)
    for c in [first] + rest:
        if c not in refused:
            assert c.read_response().status == 200
        c.close()


def test_no_queue(place):
    site = gated(place, {"max_connections": 1, "queue": 0})
    first = asker(site, "/0")
    site.gate.wait_held(1)
    assert site.get("/1").status == 503
    site.gate.let()
    assert first.read_response().status == 200
    first.close()


def test_acquire_timeout(place):
    site = gated(place, {"max_connections": 1, "queue": 10, "acquire_timeout": "300ms"})
    first = asker(site, "/0")
    site.gate.wait_held(1)
    r = site.get("/1")
    assert r.status == 503 and "connection_limit_reached" in r["Proxy-Status"]
    site.gate.let()
    assert first.read_response().status == 200
    first.close()
    site.gate.let()
    assert site.get("/2").status == 200


def test_who_leaves_the_queue_is_not_sent(place):
    site = gated(place, {"max_connections": 1, "queue": 10, "acquire_timeout": "60s"})
    first = asker(site, "/0")
    site.gate.wait_held(1)
    gone = asker(site, "/gone")
    wait_for(lambda: "/gone" in site.ctl("requests").stdout, "it to be queued")
    gone.reset()
    wait_for(lambda: "/gone" not in site.ctl("requests").stdout, "it to be forgotten")
    last = asker(site, "/last")
    site.gate.let(2)
    assert first.read_response().status == 200
    assert last.read_response().status == 200
    assert site.gate.order == ["/0", "/last"]
    first.close()
    last.close()


def test_slots_come_back(place):
    """After refusals, resets and clients that left, the whole limit is there again"""
    def script(c, r):
        if r.path == "/bad":
            c.send(b"nonsense\r\n\r\n")
            c.close()
        elif r.path == "/hang":
            c.wait_closed()
        else:
            return response(200, "x")
    origin = place.origin(script)
    origin.expect_trouble = True
    site = place.proxy(simple(origin, workers=2, upstream={"pool": {"max_connections": 4, "queue": 50},
                                                           "timeouts": {"first_byte": "5s"}}))
    for _ in range(6):
        for path in "/bad", "/ok":
            site.get(path)
        c = asker(site, "/hang")
        wait_for(lambda: [x for x in origin.open_connections() if x.requests and x.requests[-1].path == "/hang"])
        c.reset()
    for c in origin.connections:
        wait_for(lambda: c.ended.is_set() or c.requests[-1].path != "/hang", "the hanging ones to be cancelled")

    def four(_):
        return [site.get("/ok").status for _ in range(5)]
    assert sum([Checked(four, i).result() for i in range(4)], []) == [200] * 20


def test_limit_survives_a_dead_worker(place):
    """The slots that a killed worker held are free again"""
    gate = Gate()
    origin = place.origin(gate)
    site = place.proxy(simple(origin, workers=1, upstream={"pool": {"max_connections": 2, "queue": 10}}))
    site.deaths_expected = True
    clients = [asker(site, f"/{i}") for i in range(2)]
    gate.wait_held(2)
    os.kill(site.workers()[0], signal.SIGKILL)
    for c in clients:
        c.read_all()
        c.close()
    gate.let(100)
    wait_for(site.workers, "a new worker")
    assert [site.get().status for _ in range(4)] == [200] * 4
    clients = [site.get().status for _ in range(4)]
    assert clients == [200] * 4


# -- idle connections

def test_idle_timeout(place):
    site = place.site(upstream={"pool": {"idle_timeout": "300ms"}})
    assert site.get().status == 200
    assert site.origin.connections[0].closed_by_peer.wait(20)
    assert site.get().status == 200
    assert len(site.origin.connections) == 2


def test_max_idle(place):
    """Beyond it, connections are closed after use"""
    gate = Gate()
    origin = place.origin(gate)
    site = place.proxy(simple(origin, upstream={"pool": {"max_idle": 2}}))
    clients = [asker(site, f"/{i}") for i in range(6)]
    gate.wait_held(6)
    gate.let(6)
    for c in clients:
        assert c.read_response().status == 200
        c.close()
    wait_for(lambda: len(origin.open_connections()) <= 2, "the others to be closed")
    assert len(origin.open_connections()) == 2


def test_max_idle_zero(place):
    site = place.site(upstream={"pool": {"max_idle": 0}})
    for _ in range(3):
        assert site.get().status == 200
    wait_for(lambda: not site.origin.open_connections(), "every connection to be closed")
    assert len(site.origin.connections) == 3


def test_max_requests(place):
    site = place.site(upstream={"pool": {"max_requests": 3}})
    with site.client() as c:
        for _ in range(9):
            assert c.ask().status == 200
    assert [len(x.requests) for x in site.origin.connections] == [3, 3, 3]


# -- balancing

def balanced(place, balance, weights, n=120, workers=1):
    origins = [place.origin(response(200, str(i))) for i in range(len(weights))]
    conf = simple(origins[0], workers=workers, upstream={"balance": balance})
    conf["upstreams"]["origin"]["servers"] = [{"address": o.address, "weight": w}
                                              for o, w in zip(origins, weights)]
    site = place.proxy(conf)
    with site.client() as c:
        for _ in range(n):
            assert c.ask().status == 200
    return [len(o.requests) for o in origins]


def test_round_robin(place):
    assert balanced(place, "round_robin", [1, 1, 1]) == [40, 40, 40]


def test_round_robin_weighted(place):
    assert balanced(place, "round_robin", [1, 2, 3]) == [20, 40, 60]


@pytest.mark.parametrize("balance", ["p2c", "least_conn"])
def test_everybody_gets_some(place, balance):
    counts = balanced(place, balance, [1, 1, 1], 300)
    assert min(counts) >= 20


@pytest.mark.parametrize("balance", ["least_conn", "p2c"])
def test_a_stuck_server_is_avoided(place, balance):
    """With one server holding all it got, the other one gets most of the rest"""
    gate = Gate()
    stuck, free = place.origin(gate), place.origin(response(200, "free"))
    conf = simple(stuck, upstream={"balance": balance})
    conf["upstreams"]["origin"]["servers"] = [stuck.address, free.address]
    site = place.proxy(conf)
    clients = [asker(site, f"/{i}") for i in range(60)]
    wait_for(lambda: len(free.requests) + gate.held == 60, "all requests at a server")
    assert gate.held < 45
    gate.let(1000)
    for c in clients:
        assert c.read_response().status == 200
        c.close()


def test_upstreams_command(place):
    site = place.site()
    site.get()
    out = site.ctl("upstreams").stdout
    assert "origin" in out and site.origin.address in out
