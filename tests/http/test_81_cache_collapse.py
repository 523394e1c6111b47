# SPDX-License-Identifier: BSD-2-Clause
"""One fetch for many clients, over two workers: what they get, when, and what happens if somebody leaves
or dies on the way."""

import hashlib
import os
import signal
import threading
import time

import pytest

from lib import (DEADLINE, CacheSite, Checked, Herd, Truncated, chunked, has_asan, is_hit, multipart, ok, pattern,
                 procfs,
                 reset_now, response, status_of, together, wait_for)

KIB, MIB = 1 << 10, 1 << 20
SLOW = 3 if has_asan() else 1  # times are not what sanitizers are for
ROUTES = {
    "short.test": {"cache": {"coalesce": {"wait": "300ms"}}},
    "alone.test": {"cache": {"coalesce": {"wait": "0s"}}},
}
CHUNKED = b"HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nTransfer-Encoding: chunked\r\n\r\n"


def chunk(data):
    return b"%x\r\n%s\r\n" % (len(data), data)


@pytest.fixture(scope="module")
def site(module_place):
    return CacheSite(module_place, ROUTES, workers=2, cache={"l1": {"size": "128MiB"}},
                     admin={"listen": "127.0.0.1:@port:admin"})


def after(seconds, answer):
    def script(c, r):
        time.sleep(seconds)
        return answer(c, r) if callable(answer) else answer
    return script


# -- everybody gets it


@pytest.mark.parametrize("size", [10, 100 * KIB, 3 * MIB])
def test_herd(site, size, record_property):
    """200 clients, one cold object that takes 500 ms: one request at the origin"""
    data = pattern(f"herd{size}", size)
    path = site.put(after(0.5, ok(data)))
    n = 200 if size < MIB else 40
    herd = Herd(site.proxy.port(), n, path)
    answers = [a.parsed() for a in herd.run()]
    assert site.asked(path) == 1
    assert all(r.status == 200 and r.body == data for r in answers)
    kinds = [status_of(r) for r in answers]
    assert sum(not k.hit and "collapsed" not in k for k in kinds) == 1, "one leads"
    assert all(k.hit or k["fwd"] == "uri-miss" for k in kinds)
    record_property("spread_ms", round(herd.spread * 1000))
    record_property("took_ms", round(herd.took * 1000))
    print(f"herd of {n}, {size} bytes: last {herd.spread * 1000:.0f} ms behind the first, "
          f"{herd.took * 1000:.0f} ms in all")
    assert herd.spread < (0.6 if size < MIB else 5) * SLOW and is_hit(site.get(path))


def test_herd_in_front_of_a_full_cache(place):
    """A large object that the cache would not take for one client is one request for many all the same"""
    site = CacheSite(place, workers=2, cache={"l1": {"size": "32MiB"}})
    for i in range(90):
        site.get(site.put(ok(pattern(i, 500 * KIB))))
    data = pattern("full", 2 * MIB)
    path = site.put(after(0.5, ok(data)))
    herd = Herd(site.proxy.port(), 40, path)
    assert all(a.parsed().body == data for a in herd.run())
    assert site.asked(path) == 1, site.asked(path)


def test_herd_of_chunked_answers(site):
    data = pattern("chunked", 300 * KIB)
    path = site.put(after(0.2, CHUNKED + chunked(*[data[i:i + 7777] for i in range(0, len(data), 7777)])))
    assert all(a.parsed().body == data for a in Herd(site.proxy.port(), 60, path).run())
    assert site.asked(path) == 1


def test_herd_of_variants(site):
    """RFC 9111 4.1: who waits gets only what its own fields select"""
    path = site.put(lambda c, r: (time.sleep(0.2), ok(r.fields.get("X-A").encode(), "Vary: X-A"))[1])
    herds = [Herd(site.proxy.port(), 15, path, f"X-A: {v}").send() for v in "abc"]
    for v, h in zip("abc", herds):
        assert all(a.parsed().body == v.encode() for a in h.read())
    assert all(is_hit(site.get(path, f"X-A: {v}")) for v in "abc")


def test_herd_with_conditions_and_ranges(site):
    """Each waiter's own question is answered from the one object"""
    path = site.put(after(0.3, ok(b"abcdefghij", 'ETag: "v"')))
    asks = [((), 200, b"abcdefghij"), (('If-None-Match: "v"',), 304, b""), (("Range: bytes=2-3",), 206, b"cd")] * 8
    site.get(path)  # the length is then known
    site.get(path, method="DELETE")
    lead = Checked(site.get, path)
    wait_for(lambda: site.asked(path) == 3, "the leader")

    def one(i):
        return site.get(path, *asks[i][0])
    for r, (_, status, body) in zip(together(len(asks), one), asks):
        assert (r.status, r.body) == (status, body) or (r.status, r.body) == (200, b"abcdefghij")
    assert lead.result().body == b"abcdefghij"


def test_authorized_requests_are_their_own(site):
    """RFC 9111 3.5: answers to them are not shared, so nobody waits for them"""
    path = site.put(after(0.2, lambda c, r: ok(r.fields.get("Authorization", "-").encode())))
    herds = [Herd(site.proxy.port(), 3, path, *f).send() for f in ([], ["Authorization: A"], ["Authorization: B"])]
    for want, h in zip((b"-", b"A", b"B"), herds):
        assert all(a.parsed().body == want for a in h.read())


# -- as it arrives


@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_first_bytes_reach_waiters_early(site, framing):
    go = threading.Event()
    data = pattern("early", 400 * KIB)

    def dribble(c, r):
        first = data[:100 * KIB]
        c.send(CHUNKED + chunk(first) if framing == "chunked" else ok(data)[:-len(data)] + first)
        assert go.wait(DEADLINE)
        c.send(chunk(data[100 * KIB:]) + b"0\r\n\r\n" if framing == "chunked" else data[100 * KIB:])
    path = site.put(dribble)
    clients = [site.client() for _ in range(12)]
    try:
        for c in clients:
            c.request("GET", path)
        bodies = [c.body_of(c.read_response_head()) for c in clients]
        begun = [b.exactly(100 * KIB - 100) for b in bodies]  # before the rest is sent
        go.set()
        for b, first in zip(bodies, begun):
            assert first + b.read() == data
    finally:
        go.set()
        for c in clients:
            c.close()
    assert site.asked(path) == 1 and site.get(path).body == data


def test_dribbled_bytes_are_exact(site):
    """Readers that join at any moment of a slow answer"""
    data = pattern("dribble", 200 * KIB)
    step = 3001

    def dribble(c, r):
        c.send(CHUNKED)
        for i in range(0, len(data), step):
            c.send(chunk(data[i:i + step]))
            time.sleep(0.01)
        c.send(b"0\r\n\r\n")
    path = site.put(dribble)

    def one(i):
        time.sleep(0.03 * i)
        return site.get(path).body == data
    assert all(together(25, one)) and site.asked(path) == 1


def stepwise(c, head, data, steps, pause):
    c.send(head)
    step = len(data) // steps + 1
    for i in range(0, len(data), step):
        c.send(data[i:i + step])
        time.sleep(pause)


def test_ranges_of_what_is_still_coming(site):
    """RFC 9110 14.2: the length is known, so each waiter gets its own range, as soon as its bytes are there"""
    data = pattern("partly", MIB)
    path = site.put(lambda c, r: stepwise(c, ok(data, 'ETag: "v"')[:-len(data)], data, 10, 0.05))
    lead = Checked(site.get, path)
    wait_for(lambda: site.asked(path) == 1, "the leader")
    time.sleep(0.05)
    asks = [("0-99", [(0, 99)]), ("500000-700000", [(500000, 700000)]), ("-100", [(MIB - 100, MIB - 1)]),
            ("0-9,1000000-1000009", [(0, 9), (1000000, 1000009)]), ("2000000-", None)] * 4

    def one(i):
        with site.client() as c:
            r = c.ask("GET", path, f"Range: bytes={asks[i][0]}")
            return time.monotonic(), r
    begin = time.monotonic()
    for (at, r), (value, want) in zip(together(len(asks), one), asks):
        if want is None:
            assert r.status == 416 and r["Content-Range"] == f"bytes */{MIB}"
        elif len(want) > 1:
            assert [p[4] for p in multipart(r)] == [data[a:b + 1] for a, b in want]
        else:
            assert r.status == 206 and r.body == data[want[0][0]:want[0][1] + 1], value
        if value == "0-99":
            assert at - begin < 0.4 * SLOW, "not at the end of the whole"
    assert lead.result().body == data and site.asked(path) == 1


def test_conditions_on_what_is_still_coming(site):
    data = pattern("soon", 300 * KIB)
    go = threading.Event()

    def answer(c, r):
        c.send(ok(data, 'ETag: "v"')[:-len(data)] + data[:10])
        assert go.wait(DEADLINE)
        return data[10:]
    path = site.put(answer)
    lead = Checked(site.get, path)
    wait_for(lambda: site.asked(path) == 1, "the leader")
    time.sleep(0.05)
    try:
        assert site.get(path, 'If-None-Match: "v"').status == 304
    finally:
        go.set()
    assert lead.result().body == data


def test_trailers_for_those_who_wait(site):
    """RFC 9110 6.5"""
    def answer(c, r):
        c.send(CHUNKED + chunk(b"hel"))
        time.sleep(0.3)
        c.send(chunk(b"lo") + b"0\r\nX-Sum: 42\r\n\r\n")
    path = site.put(answer)
    answers = [a.parsed() for a in Herd(site.proxy.port(), 10, path).run()]
    assert all(r.body == b"hello" and r.trailers.get("X-Sum") == "42" for r in answers)
    assert site.get(path).trailers.get("X-Sum") == "42"


@pytest.mark.parametrize("cut", [False, True])
def test_http_1_0_waiters(site, cut):
    """RFC 9112 8: an answer that ends with the connection must break visibly if it is not whole"""
    data = pattern("old", 200 * KIB)

    def answer(c, r):
        c.send(CHUNKED + chunk(data[:100000]))
        time.sleep(0.3)
        if cut:
            c.close()
        else:
            c.send(chunk(data[100000:]) + b"0\r\n\r\n")
    path = site.put(answer, ok(data))
    for a in Herd(site.proxy.port(), 20, path, version="1.0").run():
        try:
            r = a.parsed()
        except Truncated:
            assert cut
            continue
        assert r.status >= 500 or r.body == data, f"{len(r.body)} bytes passed for whole"


def test_half_closed_clients(site):
    """A client that will send no more still gets what it asked for: hit, leader and waiter"""
    path = site.put(after(0.3, ok(b"hello")))
    clients = [site.client() for _ in range(6)]
    for c in clients:
        c.request("GET", path).half_close()
    for c in clients:
        assert c.read_response().body == b"hello"
        c.close()
    with site.client() as c:
        c.request("GET", path).half_close()
        r = c.read_response()
        assert r.body == b"hello" and is_hit(r)


@pytest.mark.parametrize("slow", ["leader", "waiter"])
def test_slow_reader_stalls_nobody(site, slow):
    data = pattern("slow", 8 * MIB)
    path = site.put(after(0.2, ok(data)))
    stuck = site.client(rcvbuf=4096)
    if slow == "leader":
        stuck.request("GET", path)
        wait_for(lambda: site.asked(path) == 1, "the leader")
    lead = Checked(site.get, path)
    if slow == "waiter":
        wait_for(lambda: site.asked(path) == 1, "the leader")
        stuck.request("GET", path)
    assert all(r.body == data for r in together(4, lambda i: site.get(path)))
    assert lead.result().body == data and site.asked(path) == 1
    assert stuck.read_response().body == data, "and in the end it gets it all too"
    stuck.close()


# -- somebody leaves


@pytest.mark.parametrize("how", ["reset", "close"])
@pytest.mark.parametrize("when", ["head", "body"])
def test_leaders_client_leaves(site, when, how):
    data = pattern("leaves", 500 * KIB)
    go = threading.Event()

    def answer(c, r):
        if when == "body":
            c.send(ok(data)[:-len(data)] + data[:1000])
        assert go.wait(DEADLINE)
        c.send(ok(data) if when == "head" else data[1000:])
    path = site.put(answer)
    lead = site.client()
    lead.request("GET", path)
    wait_for(lambda: site.asked(path) == 1, "the leader")
    if when == "body":
        lead.body_of(lead.read_response_head()).exactly(500)
    herd = Herd(site.proxy.port(), 30, path).send()
    time.sleep(0.1)
    getattr(lead, how)()
    time.sleep(0.1)
    go.set()
    assert all(a.parsed().body == data for a in herd.read())
    assert site.asked(path) == 1 and is_hit(site.get(path))


@pytest.mark.parametrize("when", ["head", "body"])
def test_only_client_leaves(site, when):
    """What is worth storing is fetched to its end"""
    data = pattern("only", 300 * KIB)
    go = threading.Event()

    def answer(c, r):
        if when == "body":
            c.send(ok(data)[:-len(data)] + data[:1000])
        assert go.wait(DEADLINE)
        return ok(data) if when == "head" else data[1000:]
    path = site.put(answer)
    c = site.client()
    c.request("GET", path)
    wait_for(lambda: site.asked(path) == 1, "the request")
    if when == "body":
        c.body_of(c.read_response_head()).exactly(500)
    c.reset()
    time.sleep(0.1)
    go.set()
    wait_for(lambda: site.get(path).body == data and is_hit(site.get(path)), "the stored object")
    assert site.asked(path) == 1


def test_waiters_leave(site):
    """In any number, in any moment: the others are not touched"""
    data = pattern("waiters", 600 * KIB)
    path = site.put(after(0.4, ok(data)))
    lead = Checked(site.get, path)
    wait_for(lambda: site.asked(path) == 1, "the leader")
    stay = Herd(site.proxy.port(), 10, path).send()
    for i in range(40):
        c = site.client()
        c.request("GET", path)
        c.reset() if i % 2 else c.close()
    late = [site.client() for _ in range(10)]
    for c in late:
        c.request("GET", path)
    for c in late:
        c.body_of(c.read_response_head()).exactly(10000)
        c.reset()
    assert all(a.parsed().body == data for a in stay.read()) and lead.result().body == data
    assert site.asked(path) == 1


# -- what is not storable


def test_not_storable_releases_at_once(site):
    """At the head, not at the end of the body; each then asks for itself, at the same time"""
    go = threading.Event()

    def answer(c, r):
        me = site.asked(path)
        if me == 1:
            time.sleep(0.3)
            c.send(b"HTTP/1.1 200 OK\r\nCache-Control: no-store\r\nContent-Length: 2000\r\n\r\n" + b"1" * 1000)
            assert go.wait(DEADLINE)
            return b"1" * 1000
        time.sleep(0.3)
        return ok(b"own", cc="no-store")
    path = site.put(answer)
    lead = Checked(site.get, path)
    wait_for(lambda: site.asked(path) == 1, "the leader")
    herd = Herd(site.proxy.port(), 30, path)
    answers = [a.parsed() for a in herd.run()]
    assert all(r.body == b"own" and r.status == 200 for r in answers) and site.asked(path) == 31
    assert herd.took < 3 * SLOW, "not one after the other"
    go.set()
    assert lead.result().body == b"1" * 2000
    again = Herd(site.proxy.port(), 30, path)
    assert all(a.parsed().body == b"own" for a in again.run())
    assert again.took < 2 * SLOW, "known for a while: nobody waits any more"


def test_hit_for_miss_ends(site):
    """As soon as an answer is storable it is stored"""
    path = site.put(ok(b"one", cc="no-store"), ok(b"two", cc="no-store"), ok(b"three"))
    for body in (b"one", b"two", b"three", b"three"):
        r = site.get(path)
        assert r.body == body
    assert is_hit(r) and site.asked(path) == 3


def test_private_answers_are_not_shared(site):
    """RFC 9111 5.2.2.7: not even by those who waited for them"""
    path = site.put(lambda c, r: (time.sleep(0.2), ok(r.fields.get("Cookie").encode(), cc="private, max-age=60"))[1])
    herds = [Herd(site.proxy.port(), 3, path, f"Cookie: id={i}").send() for i in range(10)]
    for i, h in enumerate(herds):
        assert all(a.parsed().body == b"id=%d" % i for a in h.read())


def test_private_fields_are_not_shared(site):
    """RFC 9111 5.2.2.7"""
    path = site.put(after(0.2, ok(b"x", "X-User: leader", cc='max-age=60, private="X-User"')))
    answers = [a.parsed() for a in Herd(site.proxy.port(), 20, path).run()]
    assert sum("X-User" in r.fields for r in answers) == 1 and site.asked(path) == 1


def test_waiters_of_what_must_be_validated(site):
    """RFC 9111 5.2.2.4: no-cache is stored; one answer serves those who waited, or each asks; never stale"""
    path = site.put(after(0.2, lambda c, r: ok(b"v%d" % site.asked(path), f'ETag: "{site.asked(path)}"',
                                               cc="no-cache")))
    for a in Herd(site.proxy.port(), 10, path).run():
        r = a.parsed()
        assert r.status == 200 and r.body.startswith(b"v")


# -- the wait is bounded


def test_wait_ends_with_stale(site):
    """The leader's origin hangs: who waits gets the stale one after coalesce.wait"""
    go = threading.Event()

    def hang(c, r):
        go.wait(DEADLINE)
        return ok(b"new")
    path = site.put(ok(b"old", cc="max-age=1"), hang)
    site.warm(path, host="short.test")
    time.sleep(2.1)  # an answer that is stale from the first would not be waited for
    lead = Checked(site.get, path, host="short.test")
    wait_for(lambda: site.asked(path) == 2, "the leader")
    herd = Herd(site.proxy.port(), 10, path, host="short.test")
    answers = [a.parsed() for a in herd.run()]
    assert all(r.body == b"old" and r.status == 200 for r in answers)
    assert 0.25 < herd.took < 2 * SLOW and site.asked(path) == 2
    go.set()
    assert lead.result().body == b"new"


def test_wait_ends_with_own_request(site):
    """Nothing stored: its own request"""
    go = threading.Event()

    def answer(c, r):
        if site.asked(path) == 1:
            go.wait(DEADLINE)
            return ok(b"late")
        return ok(b"own")
    path = site.put(answer)
    lead = Checked(site.get, path, host="short.test")
    wait_for(lambda: site.asked(path) == 1, "the leader")
    herd = Herd(site.proxy.port(), 5, path, host="short.test")
    assert all(a.parsed().body == b"own" for a in herd.run())
    assert 0.25 < herd.took < 2 * SLOW
    go.set()
    assert lead.result().body == b"late"


def test_wait_turned_off(site):
    path = site.put(after(0.3, ok(b"x")))
    herd = Herd(site.proxy.port(), 10, path, host="alone.test")
    assert all(a.parsed().body == b"x" for a in herd.run())
    assert site.asked(path) == 10


# -- the daemon changes meanwhile


def test_reload_while_it_is_fetched(place):
    """The fetch goes on with the settings it began with; who waits is served"""
    site = CacheSite(place, workers=2)
    data = pattern("reload", 300 * KIB)
    path = site.put(lambda c, r: stepwise(c, ok(data)[:-len(data)], data, 10, 0.08))
    herd = Herd(site.proxy.port(), 10, path).send()
    wait_for(lambda: site.asked(path) == 1, "the leader")
    for i in range(3):
        site.conf["routes"][0]["cache"] = {"stale_if_error": f"{i + 1}m"}
        site.proxy.reload(site.conf)
    assert all(a.parsed().body == data for a in herd.read())
    assert site.asked(path) == 1 and is_hit(site.get(path))


def test_stop_while_it_is_fetched(place):
    """SIGTERM: within the grace leader and waiters get their answers"""
    site = CacheSite(place, workers=2, shutdown_grace="20s")
    data = pattern("term", 300 * KIB)
    path = site.put(lambda c, r: stepwise(c, ok(data)[:-len(data)], data, 10, 0.08))
    herd = Herd(site.proxy.port(), 10, path).send()
    wait_for(lambda: site.asked(path) == 1, "the leader")
    site.proxy.signal(signal.SIGTERM)
    assert all(a.parsed().body == data for a in herd.read())
    assert site.proxy.process.wait(DEADLINE) == 0
    site.proxy.process = None


def test_stop_with_a_fetch_that_nobody_reads(place):
    """It may end with the grace, and does not hold up the end for longer"""
    site = CacheSite(place, shutdown_grace="1s")
    path = site.put(lambda c, r: (c.send(ok(b"x" * 10)[:-5]), c.wait_closed())[0] and None)
    c = site.client()
    c.request("GET", path)
    c.body_of(c.read_response_head()).exactly(5)
    c.reset()
    begin = time.monotonic()
    site.proxy.signal(signal.SIGTERM)
    assert site.proxy.process.wait(DEADLINE) == 0
    assert time.monotonic() - begin < 1 + 5 * SLOW
    site.proxy.process = None


def test_objects_outlive_all_workers(place):
    """L1 is the node's, not the worker's"""
    site = CacheSite(place, workers=2)
    site.proxy.deaths_expected = True
    paths = {site.put(ok(pattern(i, 1000 * i))): pattern(i, 1000 * i) for i in range(40)}
    for p in paths:
        site.warm(p)
    old = site.proxy.workers()
    for pid in old:
        os.kill(pid, signal.SIGKILL)
    wait_for(lambda: len(set(site.proxy.workers()) - set(old)) == 2, "new workers")
    for p, data in paths.items():
        r = site.get(p)
        assert is_hit(r) and r.body == data


# -- the origin fails


@pytest.mark.parametrize("how", ["close", "reset", "503", "garbage"])
def test_failing_origin(site, how):
    """Waiters get the error at once, and not one after the other"""
    def fail(c, r):
        time.sleep(0.4)
        if how == "503":
            return response(503, b"busy")
        if how == "garbage":
            c.send(b"what?\r\n\r\n")
        reset_now(c) if how == "reset" else c.close()
    site.origin.expect_trouble = True
    path = site.put(fail)
    herd = Herd(site.proxy.port(), 40, path)
    answers = [a.parsed() for a in herd.run()]
    assert all(r.status in (502, 503) for r in answers)
    assert herd.took < 2.5 * SLOW, f"{herd.took:.1f} s"
    if how != "503":  # an answer that is not storable is no failure: then each asks
        assert site.asked(path) <= 5


def test_failing_origin_with_a_stale_copy(site):
    site.origin.expect_trouble = True
    path = site.put(ok(b"old", cc="max-age=1"), lambda c, r: (time.sleep(0.3), c.close())[1])
    site.warm(path)
    time.sleep(2.1)
    herd = Herd(site.proxy.port(), 30, path)
    assert all(a.parsed().body == b"old" for a in herd.run())
    assert herd.took < 2.5 * SLOW and site.asked(path) <= 5


@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_origin_breaks_off_in_the_body(site, framing):
    """RFC 9112 8: nobody takes a part for the whole"""
    data = pattern("cut", 300 * KIB)

    def cut(c, r):
        if site.asked(path) > 1:
            return ok(b"good")
        time.sleep(0.2)
        c.send(CHUNKED + chunk(data) if framing == "chunked" else
               b"HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nContent-Length: 400000\r\n\r\n" + data)
        time.sleep(0.2)
        c.close()
    path = site.put(cut)
    for a in Herd(site.proxy.port(), 30, path).run():
        try:
            r = a.parsed()
        except Truncated:
            continue
        assert r.status >= 500 or r.body == b"good"
    wait_for(lambda: site.get(path).body == b"good", "a good one")


# -- the leader's worker dies


def leader_of(proxy, request):
    """The worker that holds the connection on which the origin got it."""
    port = request.conn.sock.getpeername()[1]
    return next(p for p in proxy.workers() if procfs.sockets_of(p, port))


def judge(a, whole):
    """A whole right answer, an honest error, or a visibly broken connection."""
    try:
        r = a.parsed()
    except Truncated:
        return "broken"
    if r.status == 200:
        assert r.body == whole, f"{len(r.body)} bytes passed for whole"
        return "whole"
    assert r.status in (502, 503, 504), r
    return "error"


@pytest.mark.parametrize("framing", ["length", "chunked"])
@pytest.mark.parametrize("when", ["head", "body"])
def test_leaders_worker_is_killed(place, when, framing):
    site = CacheSite(place, workers=2)
    site.proxy.deaths_expected = True
    site.origin.expect_trouble = True
    data = pattern("killed", 400 * KIB)
    go = threading.Event()

    def answer(c, r):
        if site.asked(path) > 1:
            return ok(data)
        if when == "body":
            c.send(CHUNKED + chunk(data[:100000]) if framing == "chunked" else ok(data)[:-len(data)] + data[:100000])
        go.wait(DEADLINE)
    path = site.put(answer)
    herd = Herd(site.proxy.port(), 40, path).send()
    first = site.origin.wait_requests(1)
    time.sleep(0.3)
    victim = leader_of(site.proxy, first)
    os.kill(victim, signal.SIGKILL)
    got = [judge(a, data) for a in herd.read()]
    go.set()
    print(f"killed in the {when} ({framing}): " + ", ".join(f"{k} {got.count(k)}" for k in sorted(set(got))))
    assert "whole" in got or when == "body", "those on the other worker are served"
    wait_for(lambda: len(site.proxy.workers()) == 2, "a new worker")
    assert site.get(path).body == data and is_hit(site.get(path))


def test_reading_workers_are_killed(place):
    """A worker dies while it reads and lends: the object stays, whole"""
    site = CacheSite(place, workers=2)
    site.proxy.deaths_expected = True
    data = pattern("reader", 5 * MIB)
    path = site.put(ok(data))
    site.warm(path)
    for _ in range(3):
        slow = [site.client(rcvbuf=4096) for _ in range(6)]
        for c in slow:
            c.request("GET", path)
        time.sleep(0.1)
        for pid in site.proxy.workers():
            os.kill(pid, signal.SIGKILL)
        wait_for(lambda: len(site.proxy.workers()) == 2, "new workers")
        for c in slow:
            c.close()
        r = site.get(path)
        assert r.body == data and is_hit(r)


# -- larger than the cache takes


def stream_site(place, **top):
    return CacheSite(place, workers=2, cache={"l1": {"size": "16MiB", "max_object": "1MiB"}},
                     admin={"listen": "127.0.0.1:@port:admin"}, **top)


def test_too_large_of_unknown_length(place):
    """Several readers at different speeds, each byte-exact; memory stays bounded; nothing is kept"""
    site = stream_site(place)
    size, block = 48 * MIB, pattern("block", MIB)
    want = hashlib.sha256(block * (size // MIB)).hexdigest()

    def endless(c, r):
        c.send(CHUNKED)
        time.sleep(0.3)
        for _ in range(size // MIB):
            c.send(chunk(block))
        c.send(b"0\r\n\r\n")
    path = site.put(endless)
    for p in site.proxy.workers():
        procfs.reset_peak(p)
    before = sum(procfs.rss_private(p) for p in site.proxy.workers())

    def read(i):
        with site.client(rcvbuf=(None, 65536, 262144)[i % 3]) as c:
            c.request("GET", path)
            body, h, n = c.body_of(c.read_response_head()), hashlib.sha256(), 0
            while piece := body.some():
                h.update(piece)
                n += len(piece)
                if i % 3 and n % 17 == 0:
                    time.sleep(0.001)
            return h.hexdigest()
    assert all(d == want for d in together(6, read))
    grown = sum(procfs.rss_private(p) for p in site.proxy.workers()) - before
    assert grown < (100 if has_asan() else 20) * MIB, grown
    n = site.asked(path)
    assert not is_hit(site.get(path)) and site.asked(path) == n + 1


def test_too_large_of_known_length(place):
    """Not storable from its head on"""
    site = stream_site(place)
    data = pattern("known", 3 * MIB)
    path = site.put(after(0.2, ok(data)))
    assert all(a.parsed().body == data for a in Herd(site.proxy.port(), 8, path).run())
    r = site.get(path)
    assert r.body == data and status_of(r)["detail"] == "too-large"


def test_stopped_reader_of_a_stream(place):
    """Who reads nothing at all does not hold up the others for ever"""
    site = stream_site(place)
    block = pattern("block", MIB)

    def endless(c, r):
        c.send(CHUNKED + chunk(block[:1000]))
        time.sleep(0.5)
        for _ in range(24):
            c.send(chunk(block))
        c.send(b"0\r\n\r\n")
    path = site.put(endless)
    lead = Checked(site.get, path)
    wait_for(lambda: site.asked(path) == 1, "the leader")
    stopped = site.client(rcvbuf=4096)
    stopped.request("GET", path)
    begin = time.monotonic()
    assert lead.result().body == block[:1000] + block * 24
    took = time.monotonic() - begin
    stopped.reset()
    assert took < DEADLINE / 2, f"{took:.1f} s"


def test_leader_leaves_a_stream(place):
    site = stream_site(place)
    block = pattern("block", MIB)
    go = threading.Event()

    def endless(c, r):
        c.send(CHUNKED + chunk(block) * 3)
        go.wait(DEADLINE)
        for _ in range(10):
            c.send(chunk(block))
        c.send(b"0\r\n\r\n")
    path = site.put(endless)
    lead = site.client()
    lead.request("GET", path)
    body = lead.body_of(lead.read_response_head())
    body.exactly(1000)
    stay = [Checked(lambda: site.get(path).body) for _ in range(3)]
    time.sleep(0.3)
    lead.reset()
    go.set()
    assert all(t.result() == block * 13 for t in stay)


def test_everybody_leaves_a_stream(place):
    """Then the origin's connection is not held up for ever"""
    site = stream_site(place)

    def endless(c, r):
        c.send(CHUNKED)
        try:
            while True:
                c.send(chunk(b"x" * 100000))
        except OSError:
            return None
    path = site.put(endless)
    clients = [site.client() for _ in range(3)]
    for c in clients:
        c.request("GET", path)
        c.body_of(c.read_response_head()).exactly(3 * MIB)
    for c in clients:
        c.reset()
    wait_for(lambda: all(r.conn.ended.is_set() for r in site.origin.saw(path)), "the origin to be let go")
    assert site.get(site.put(ok(b"next"))).body == b"next"


def test_full_cache(place):
    """4 MiB under a load of many objects and sizes: every byte right, and it goes on storing"""
    site = CacheSite(place, workers=2, cache={"l1": {"size": "4MiB"}}, admin={"listen": "127.0.0.1:@port:admin"})
    sizes = [0, 10, 700, 3000, 9000, 40000, 200000, 900000]
    paths = [(site.put(ok(pattern(i, sizes[i % 8]), cc="max-age=600")), pattern(i, sizes[i % 8])) for i in range(240)]

    def one(k):
        hits = 0
        with site.client() as c:
            for i in range(150):
                path, want = paths[(i * (k + 1) * 7 + k) % len(paths) if i % 3 else i % 24]
                r = c.ask("GET", path)
                assert r.status == 200 and r.body == want
                hits += is_hit(r)
        return hits
    hits = sum(together(8, one))
    assert hits > 50, hits
    assert site.metric("tiercel_cache_evicted_total") > 20
    assert site.metric("tiercel_cache_used_bytes") <= site.metric("tiercel_cache_size_bytes") == 4 * MIB
    tiny = [(p, w) for p, w in paths if len(w) == 10][:5]
    for p, w in tiny:
        site.get(p), site.get(p)
        assert is_hit(site.get(p))


def test_everything_pinned(place):
    """Readers hold more than the cache has: the rest passes through, nobody waits for room"""
    site = CacheSite(place, workers=2, cache={"l1": {"size": "4MiB", "max_object": "1MiB"}})
    data = {i: pattern(i, 900 * KIB) for i in range(12)}
    paths = {i: site.put(ok(d)) for i, d in data.items()}
    slow = {}
    for i in range(12):
        c = slow[i] = site.client(rcvbuf=4096)
        c.request("GET", paths[i])
        assert c.read_response_head().status == 200
    for i in range(12):
        assert site.get(paths[i]).body == data[i]
    for i, c in slow.items():
        assert c.read_exactly(900 * KIB) == data[i]
        c.close()
    assert site.get(site.put(ok(b"next"))).body == b"next"
