# SPDX-License-Identifier: BSD-2-Clause
"""Reload, seen from the processes: all or nothing, and nobody is lost on the way."""

import os
import signal
import socket
import urllib.request

import pytest

from lib import DEADLINE, Client, Load, free_port, procfs, response, wait_for


def conf(listen=None, workers=2, **top):
    listen = listen or {"web": "127.0.0.1:@port:web"}
    out = {"workers": workers,
           "listeners": [{"name": n, "address": a} for n, a in listen.items()],
           "routes": [{"name": top.pop("route", "all"), "answer": {"status": 200, "body": top.pop("body", "hello")}}]}
    out.update(top)
    return out


def over_unix(path):
    with socket.socket(socket.AF_UNIX) as s:
        s.settimeout(DEADLINE)
        s.connect(path)
        s.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        data = b""
        while piece := s.recv(4096):
            data += piece
    return data


def test_bad_file_by_signal_keeps_the_old(place):
    site = place.proxy(conf())
    site.write("version: 1\nbogus: [")
    site.signal(signal.SIGHUP)
    site.wait_log("reload failed")
    assert site.get().body == b"hello"
    site.write(conf(body="good again"))
    site.signal(signal.SIGHUP)
    wait_for(lambda: site.get().body == b"good again", "the good file")


def test_all_or_nothing(place):
    """One address that cannot be opened: the other new one is closed again, routes stay"""
    site = place.proxy(conf())
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port, new = taken.getsockname()[1], free_port()
        r = site.reload(conf({"web": "127.0.0.1:@port:web", "new": f"127.0.0.1:{new}",
                              "ux": "unix:@dir/new.sock", "bad": f"127.0.0.1:{port}"}, body="changed"),
                        check=False)
    assert r.returncode != 0 and f"127.0.0.1:{port}" in r.stdout + r.stderr
    assert not procfs.listening(new) and not os.path.exists(site.dir + "/new.sock")
    assert site.get().body == b"hello"
    assert not site.lost()


def test_missing_log_directory_keeps_the_old(place):
    site = place.proxy(conf())
    r = site.reload(conf(body="changed", log={"output": "/no/such/dir/x.log"}), check=False)
    assert r.returncode != 0 and "/no/such/dir/x.log" in r.stdout + r.stderr
    assert site.get().body == b"hello"


STEPS = [
    ("more workers", dict(workers=4), 4),
    ("fewer workers", dict(workers=1), 1),
]


@pytest.mark.parametrize("what,change,n", STEPS, ids=[s[0] for s in STEPS])
def test_worker_count_under_load(place, what, change, n):
    site = place.proxy(conf(workers=2))
    site.deaths_expected = True  # those that are not needed any more
    with Load(site.port()) as load:
        load.wait_done(50)
        site.reload(conf(**change))
        wait_for(lambda: len(site.workers()) == n, f"{n} workers")
        load.wait_done(300)
        site.reload(conf(workers=2))
        wait_for(lambda: len(site.workers()) == 2, "2 workers")
        load.wait_done(300)
    assert not load.failures
    assert "died" not in site.log()


def test_listeners_come_and_go(place):
    site = place.proxy(conf())
    with Load(site.port()) as load:
        site.reload(conf({"web": "127.0.0.1:@port:web", "second": "127.0.0.1:@port:second",
                          "ux": "unix:@dir/ux.sock"}))
        assert site.get(name="second").body == b"hello"
        assert over_unix(site.dir + "/ux.sock").endswith(b"hello")
        site.reload(conf())
        wait_for(lambda: not procfs.listening(site.port("second")), "the second listener to close")
        assert not os.path.exists(site.dir + "/ux.sock")
        load.wait_done(50)
    assert not load.failures and not site.lost()


MOVES = [
    ("renamed", {"other": "127.0.0.1:@port:web"}),
    ("wildcard", {"web": "0.0.0.0:@port:web"}),
]


@pytest.mark.parametrize("what,listen", MOVES, ids=[m[0] for m in MOVES])
def test_listener_moves_on_its_port(place, what, listen):
    site = place.proxy(conf())
    for _ in range(3):
        site.reload(conf(listen))
        for _ in range(5):
            assert site.get().body == b"hello"
        site.reload(conf())
        for _ in range(5):
            assert site.get().body == b"hello"
    assert not site.lost()


def test_renaming_loses_no_connection(place):
    site = place.proxy(conf())
    with Load(site.port(), keepalive=0, fresh=6) as load:
        for i in range(5):
            site.reload(conf({f"name{i}": "127.0.0.1:@port:web"}))
            load.wait_done(60)
    assert not load.failures


def test_admin_listener_changes(place):
    """The reply to the reload still comes; then a new admin process serves the new address"""
    def admin(name):
        return dict(admin={"socket": "@dir/admin.sock", "listen": f"127.0.0.1:@port:{name}"})

    def health(name):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{site.port(name)}/health", timeout=DEADLINE) as r:
                return r.status
        except OSError:
            return None
    site = place.proxy(conf(**admin("one")))
    site.deaths_expected = True  # the admin process is replaced
    assert health("one") == 200
    site.reload(conf(**admin("later_two")))
    wait_for(lambda: health("later_two") == 200, "the new address")
    assert health("one") is None
    assert site.ctl("status").returncode == 0
    assert "died" not in site.log()


def test_log_file_rotation(place):
    site = place.proxy(conf(log={"output": "@dir/error.log",
                                 "access": {"output": "@dir/access.log", "format": "combined"}}))
    paths = [os.path.join(site.dir, n) for n in ("error.log", "access.log")]
    site.get("/before")
    wait_for(lambda: "/before" in open(paths[1]).read(), "the first line")
    for p in paths:
        os.rename(p, p + ".1")
    site.signal(signal.SIGUSR1)
    wait_for(lambda: all(os.path.exists(p) for p in paths), "the new files")

    def logged():
        site.get("/after")
        return "/after" in open(paths[1]).read()
    wait_for(logged, "a line in the new access log")
    wait_for(lambda: "opened again" in open(paths[0]).read(), "a line in the new error log")
    for pid in site.workers():  # nobody holds the old files
        links = [os.readlink(f"/proc/{pid}/fd/{n}") for n in os.listdir(f"/proc/{pid}/fd")]
        assert not [l for l in links if l.endswith(".1")]


def test_access_log_switched_on_and_off(place):
    site = place.proxy(conf())
    path = os.path.join(site.dir, "access.log")
    site.reload(conf(log={"access": {"output": "@dir/access.log"}}))
    site.get("/seen")
    wait_for(lambda: "/seen" in open(path).read(), "the line")
    site.reload(conf())
    site.get("/unseen")
    assert "/unseen" not in open(path).read()


def test_worker_killed_between_reloads(place):
    """Whatever a replacement starts with, in the end all have the same"""
    site = place.proxy(conf(workers=3))
    site.deaths_expected = True
    for i in range(8):
        os.kill(site.workers()[0], signal.SIGKILL)
        site.reload(conf(workers=3, body=f"version {i}"), check=False)
        for _ in range(12):
            assert site.get().body == f"version {i}".encode()


@pytest.mark.slow
def test_worker_that_does_not_answer(place):
    """The others do not wait for ever, keep what they have, and the next reload finds everything in order"""
    site = place.proxy(conf())
    stuck = site.workers()[0]
    os.kill(stuck, signal.SIGSTOP)
    try:
        r = site.reload(conf(body="changed"), check=False)
        assert r.returncode != 0 and "did not answer" in r.stdout + r.stderr
    finally:
        os.kill(stuck, signal.SIGCONT)
    site.wait_log("moves again")
    for _ in range(10):
        assert site.get().body == b"hello"
    site.reload(conf(body="changed"))
    for _ in range(10):
        assert site.get().body == b"changed"
    assert not site.lost()


def test_many_reloads_at_once(place):
    """They are joined: the last one asked for is the last one done"""
    site = place.proxy(conf())
    with Load(site.port()) as load:
        for i in range(20):
            site.write(conf(body=f"version {i}"))
            site.signal(signal.SIGHUP)
        wait_for(lambda: site.get().body == b"version 19", "the last one")
        for _ in range(10):
            assert site.get().body == b"version 19"
    assert not load.failures and not site.lost()


def test_descriptors_do_not_pile_up(place):
    site = place.proxy(conf(log={"access": {"output": "@dir/access.log"}}))
    site.reload(conf(body="warm", log={"access": {"output": "@dir/access.log"}}))
    before = {p: procfs.fds(p) for p in [site.pid] + site.children()}
    for i in range(10):
        site.reload(conf(body=f"{i}", log={"access": {"output": "@dir/access.log"}}))

    def settled():
        now = {p: procfs.fds(p) for p in before}
        return all(now[p] <= before[p] for p in before)
    wait_for(settled, "as many descriptors as before")
