# SPDX-License-Identifier: BSD-2-Clause
"""Every process is killed once. Who is left goes on; who was killed comes back."""

import os
import signal
import socket
import subprocess
import threading

import pytest

from lib import DEADLINE, Checked, Client, Load, find_program, has_asan, procfs, response, stays, wait_for


def named(site, name):
    return [p for p in site.children() if procfs.cmdline(p).startswith(name + " ")]


def slow_site(place, **top):
    """An origin that answers /slow when told to; site.go lets it."""
    go = threading.Event()

    def answer(c, r):
        if r.target == "/slow":
            go.wait(DEADLINE)
        return response(200, "ok")
    site = place.site(answer, **top)
    site.go = go
    return site


def ask_slow(site):
    """A request that is in flight; .result() is its answer once site.go is set."""
    before = len(site.origin.paths())
    asked = Checked(lambda: site.get("/slow"))
    wait_for(lambda: len(site.origin.paths()) > before, "the request to reach the origin")
    return asked


def gone(pids):
    return not any(os.path.exists(f"/proc/{p}") for p in pids)


def test_killed_worker_comes_back(place):
    site = place.site(lambda c, r: response(200, "ok"), workers=2)
    site.deaths_expected = True
    before = site.workers()
    os.kill(before[0], signal.SIGKILL)
    wait_for(lambda: len(site.workers()) == 2 and site.workers() != before, "a new worker", 1.0 * DEADLINE)
    for _ in range(20):
        assert site.get().body == b"ok"
    site.wait_log(r"died: signal 9")


def test_siblings_serve_the_sockets_of_the_dead(place):
    """Its second death is followed by a pause, in which no connection may wait for it"""
    site = place.site(lambda c, r: response(200, "ok"), workers=2)
    site.deaths_expected = True
    os.kill(named(site, "tiercel-w0")[0], signal.SIGKILL)
    again = wait_for(lambda: named(site, "tiercel-w0"), "its successor")
    os.kill(again[0], signal.SIGKILL)
    site.wait_log("next try in")
    with Load(site.port(), keepalive=0, fresh=4) as load:
        load.wait_done(200)
    assert not load.failures
    wait_for(lambda: named(site, "tiercel-w0"), "the third")


def test_worker_asked_to_end_is_replaced(place):
    """SIGTERM to a worker: what it has open finishes, a new one takes its seat at once"""
    site = slow_site(place, workers=1)
    site.deaths_expected = True
    old = site.workers()[0]
    asked = ask_slow(site)
    os.kill(old, signal.SIGTERM)
    wait_for(lambda: len(site.workers()) == 2, "the new worker beside the old one")
    assert site.get("/other").body == b"ok"
    assert os.path.exists(f"/proc/{old}")
    site.go.set()
    assert asked.result().body == b"ok"
    wait_for(lambda: gone([old]), "the old worker to end")
    assert "died" not in site.log()


def test_admin_comes_back(place):
    site = place.site(lambda c, r: response(200, "ok"), admin={"listen": "127.0.0.1:@port:admin"})
    site.deaths_expected = True
    with Load(site.port()) as load:
        for _ in range(2):
            admin = wait_for(lambda: named(site, "tiercel-admin"), "the admin process")
            os.kill(admin[0], signal.SIGKILL)
            wait_for(lambda: named(site, "tiercel-admin") not in ([], admin), "its successor")
        assert site.ctl("status").returncode == 0
        load.wait_done(50)
    assert not load.failures


def test_children_end_when_the_master_dies(place):
    """In order: the request in flight is answered, new connections are not accepted"""
    site = slow_site(place, workers=2)
    children = site.children()
    asked = ask_slow(site)
    os.kill(site.pid, signal.SIGKILL)
    site.process.wait()
    wait_for(lambda: not procfs.listening(site.port()), "the listeners to close")
    wait_for(lambda: sum(not gone([p]) for p in children) == 1, "the idle ones to end")
    site.go.set()
    assert asked.result().body == b"ok"
    wait_for(lambda: gone(children), "all to end")
    site.process = None


def test_start_over_what_a_killed_master_left(place):
    """Socket files stay behind when nobody could remove them; they are no hindrance"""
    origin = place.origin(lambda c, r: response(200, "ok"))
    conf = {"workers": 2, "listeners": [{"name": "web", "address": "127.0.0.1:@port:web"},
                                        {"name": "unix", "address": "unix:@dir/web.sock"}],
            "upstreams": {"o": {"servers": [origin.address]}}, "routes": [{"upstream": "o"}]}
    site = place.proxy(conf)
    children = site.children()
    os.kill(site.pid, signal.SIGKILL)
    site.process.wait()
    wait_for(lambda: gone(children), "the children to end")
    assert os.path.exists(site.dir + "/web.sock") and os.path.exists(site.ctl_socket)
    site.process = None
    site.start()
    assert site.get().body == b"ok"
    with socket.socket(socket.AF_UNIX) as s:
        s.connect(site.dir + "/web.sock")
        s.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        s.settimeout(DEADLINE)
        assert s.recv(4096).startswith(b"HTTP/1.1 200")
    site.stop()
    assert not os.path.exists(site.dir + "/web.sock") and not os.path.exists(site.ctl_socket)


def test_panic_report(place):
    """Last words of a worker: what happened, where; told by the master"""
    site = place.site(lambda c, r: response(200, "ok"), workers=2)
    site.deaths_expected, site.trouble_expected = True, "panic|Assert|SIGABRT"
    victim = site.workers()[0]
    os.kill(victim, signal.SIGABRT)
    site.wait_log(r"died: signal 6")
    site.wait_log(rf"SIGABRT sent by pid {os.getpid()}")
    site.wait_log(r"backtrace")
    wait_for(lambda: len(site.workers()) == 2, "a new worker")
    assert site.get().body == b"ok"


@pytest.mark.slow
def test_hanging_worker(place):
    """It keeps its place for a while, but others accept for it; when it moves again, all is as before"""
    site = place.site(lambda c, r: response(200, "ok"), workers=2)
    stuck = named(site, "tiercel-w0")[0]
    os.kill(stuck, signal.SIGSTOP)
    try:
        site.wait_log("has not moved")
        with Load(site.port(), keepalive=0, fresh=4) as load:
            load.wait_done(200)
        assert not load.failures
    finally:
        os.kill(stuck, signal.SIGCONT)
    site.wait_log("moves again")
    with Load(site.port(), keepalive=2, fresh=4) as load:
        load.wait_done(200)
    assert not load.failures and not site.lost()
    assert "error" not in site.log()


def test_all_workers_killed_at_once(place):
    """Connections wait in the queues that the master holds until somebody serves them"""
    site = place.site(lambda c, r: response(200, "ok"), workers=2)
    site.deaths_expected = True
    for pid in site.workers():
        os.kill(pid, signal.SIGKILL)
    for _ in range(10):
        assert site.get().body == b"ok"


# -- the end

def test_term_finishes_what_is_open(place):
    site = slow_site(place, workers=2)
    asked = ask_slow(site)
    site.signal(signal.SIGTERM)
    wait_for(lambda: not procfs.listening(site.port()), "the listeners to close")
    assert site.process.poll() is None
    site.go.set()
    assert asked.result().body == b"ok"
    assert site.process.wait(DEADLINE) == 0
    assert not os.path.exists(site.ctl_socket)
    site.process = None


def test_second_term_stops_at_once(place):
    site = slow_site(place, shutdown_grace="60s")
    asked = Checked(lambda: site.client().ask("GET", "/slow"))
    site.origin.wait_requests(1)
    site.signal(signal.SIGTERM)
    wait_for(lambda: not procfs.listening(site.port()), "the listeners to close")
    assert stays(lambda: site.process.poll() is None, 0.3)
    site.signal(signal.SIGTERM)
    assert site.process.wait(DEADLINE) == 0
    site.process = None
    site.go.set()
    asked.join()


def test_int_stops_at_once(place):
    site = slow_site(place, shutdown_grace="60s")
    asked = Checked(lambda: site.client().ask("GET", "/slow"))
    site.origin.wait_requests(1)
    site.signal(signal.SIGINT)
    assert site.process.wait(DEADLINE / 2) == 0
    site.process = None
    site.go.set()
    asked.join()


def test_grace_ends(place):
    """A request that takes longer than the grace is cut off; the status is 0 all the same"""
    site = slow_site(place, shutdown_grace="300ms")
    asked = Checked(lambda: site.client().ask("GET", "/slow"))
    site.origin.wait_requests(1)
    site.signal(signal.SIGTERM)
    assert site.process.wait(DEADLINE / 2) == 0
    site.process = None
    site.go.set()
    asked.join()
