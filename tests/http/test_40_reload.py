# SPDX-License-Identifier: BSD-2-Clause
"""The life of the daemon under load: reload, drain, dead workers, the end. Zero failed requests
unless a worker was killed, and then only those that it held."""

import hashlib
import os
import signal
import threading
import time

import pytest

from lib import DEADLINE, Checked, Client, Load, has_asan, procfs, response, simple, wait_for


def two_sites(place, workers=2, **top):
    """A daemon with two origins "a" and "b", the route on a; .conf(x) makes a configuration for x."""
    a = place.origin(lambda c, r: response(200, "a"))
    b = place.origin(lambda c, r: response(200, "b"))

    def conf(which, extra_listener=False, n=0):
        listeners = [{"name": "web", "address": "127.0.0.1:@port:web"}]
        if extra_listener:
            listeners.append({"name": "later", "address": "127.0.0.1:@port:later"})
        out = {"workers": workers, "listeners": listeners,
               "upstreams": {f"up{n}": {"servers": [{"a": a, "b": b}[which].address]}},
               "routes": [{"upstream": f"up{n}"},
                          {"match": {"path": f"/generation-{n}"}, "answer": {"status": 200, "body": f"{n}"}}]}
        out.update(top)
        return out
    site = place.proxy(conf("a"))
    site.conf, site.a, site.b = conf, a, b
    return site


# -- reload

def test_reload_switches_the_upstream(place):
    site = two_sites(place)
    assert site.get().body == b"a"
    site.reload(site.conf("b", n=1))
    for _ in range(10):
        assert site.get().body == b"b"
    assert site.get("/generation-1").body == b"1"
    assert len(site.workers()) == 2 and not site.lost()


def test_reload_by_signal(place):
    site = two_sites(place)
    site.write(site.conf("b"))
    site.signal(signal.SIGHUP)
    wait_for(lambda: site.get().body == b"b", "the new configuration")


def test_reload_reaches_open_connections(place):
    """A kept-alive connection's next request is under the new configuration"""
    site = two_sites(place)
    with site.client() as c:
        assert c.ask().body == b"a"
        site.reload(site.conf("b"))
        assert c.ask().body == b"b"


def test_reload_without_changes(place):
    site = two_sites(place)
    r = site.reload()
    assert r.returncode == 0
    assert site.get().body == b"a"


def test_reload_tells_what_changed(place):
    site = two_sites(place)
    conf = site.conf("a")
    conf["upstreams"]["up0"]["pool"] = {"max_connections": 7}
    out = site.reload(conf).stdout
    assert "max_connections" in out and "7" in out


BROKEN = [
    ("syntax", "version: 1\nroutes: [", "tiercel.yaml:"),
    ("unknown-key", None, "upsteams"),
    ("missing-upstream", None, "nobody"),
    ("port-in-use", None, "in use"),
    ("empty", "", ""),
]


@pytest.mark.parametrize("what,text,says", BROKEN, ids=[b[0] for b in BROKEN])
def test_bad_reload_keeps_serving(place, what, text, says):
    """All or nothing: the reply says what is wrong, nothing changes"""
    site = two_sites(place)
    taken = None
    if text is None:
        conf = site.conf("b", n=1)
        if what == "unknown-key":
            conf["upsteams"] = conf.pop("upstreams")
        elif what == "missing-upstream":
            conf["routes"][0]["upstream"] = "nobody"
        else:
            taken = place.origin()
            conf["listeners"].append({"name": "other", "address": taken.address})
        text = conf
    kids = site.children()
    r = site.reload(text, check=False)
    assert r.returncode != 0
    assert says.lower() in (r.stdout + r.stderr).lower()
    assert site.get().body == b"a"
    assert site.children() == kids
    site.reload(site.conf("b", n=2))
    assert site.get().body == b"b"


def test_new_and_removed_listeners(place):
    site = two_sites(place)
    site.reload(site.conf("a", extra_listener=True))
    with site.client("later") as c:
        assert c.ask().body == b"a"
        site.reload(site.conf("b"))
        wait_for(lambda: not procfs.listening(site.port("later")), "the listener to be closed")
        try:
            assert c.ask().body in (b"a", b"b")  # an open connection may be served on, or be told to go
        except (AssertionError, OSError):
            pass
    assert site.get().body == b"b"


def test_listener_settings_change(place):
    site = two_sites(place)
    conf = site.conf("a")
    conf["listeners"][0]["limits"] = {"body_size": "10B"}
    r = site.reload(conf, check=False)
    if r.returncode:
        conf["listeners"][0]["limits"] = {"body_size": "1KiB"}
        site.reload(conf)
    with site.client() as c:
        c.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5000\r\n\r\n")
        assert c.read_response().status == 413


def test_reload_under_load(place):
    """Twenty reloads that flip routes, upstreams and listeners: no request fails, a long download
    that began before the first one ends whole"""
    size = 8 << 20
    slow = threading.Event()
    data = hashlib.shake_128(b"long").digest(size)

    def long_one(c, r):
        c.send(f"HTTP/1.1 200 OK\r\nContent-Length: {size}\r\n\r\n".encode())
        for i in range(0, size, 1 << 18):
            c.send(data[i:i + (1 << 18)])
            if i == 1 << 20:
                assert slow.wait(10 * DEADLINE)
    site = two_sites(place)
    down = place.origin(long_one)
    conf = site.conf("a")
    conf["upstreams"]["long"] = {"servers": [down.address]}
    conf["routes"].append({"match": {"path": "/long"}, "upstream": "long"})
    site.reload(conf)

    def download():
        with site.client() as c:
            return c.ask(target="/long").body
    download = Checked(download)
    down.wait_requests(1)
    with Load(site.port()) as load:
        for n in range(20):
            which = "ab"[n % 2]
            conf = site.conf(which, extra_listener=n % 3 == 0, n=n)
            if n % 2:
                site.reload(conf)
            else:
                site.write(conf)
                site.signal(signal.SIGHUP)
                wait_for(lambda: site.get(f"/generation-{n}").body == str(n).encode(), f"generation {n}")
            assert site.get(f"/generation-{n}").body == str(n).encode()
            load.wait_done(30)
        load.wait_done(50)
    assert not load.failures, load.failures[:10]
    assert set(load.bodies) == {b"a", b"b"}
    assert not site.lost(), "a reload must not replace workers"
    slow.set()
    assert download.result() == data


@pytest.mark.parametrize("before,after", [(2, 4), (3, 1)])
def test_reload_changes_the_number_of_workers(place, before, after):
    """workers: applied (or said to need a restart), with no failed request in either case"""
    site = two_sites(place, workers=before)
    conf = site.conf("b", n=1)
    conf["workers"] = after
    site.deaths_expected = True
    with Load(site.port()) as load:
        out = site.reload(conf).stdout
        wait_for(lambda: site.get("/generation-1").body == b"1", "the new configuration")
        load.wait_done(100)
        if "restart" not in out:
            wait_for(lambda: len(site.workers()) == after, "the new number of workers")
        load.wait_done(100)
    assert not load.failures, load.failures[:10]


def test_body_files_and_environment_reload(place):
    """Workers do not read files: what the configuration names comes with it"""
    site = two_sites(place)
    site.put_file("page.html", "one")
    conf = site.conf("a")
    conf["routes"].append({"match": {"path": "/page"}, "answer": {"body_file": "@dir/page.html"}})
    site.reload(conf)
    assert site.get("/page").body == b"one"
    site.put_file("page.html", "two")
    assert site.get("/page").body == b"one"
    site.reload()
    assert site.get("/page").body == b"two"


def test_include_reload(place):
    origin = place.origin()
    site = place.proxy(simple(origin), start=False)
    site.put_file("extra.yaml", "routes:\n  - match: { path: /extra }\n    answer: { status: 200, body: one }\n")
    conf = simple(origin)
    conf["include"] = "@dir/extra*.yaml"
    site.write(conf)
    site.start()
    assert site.get("/extra").body == b"one"
    site.put_file("extra.yaml", "routes:\n  - match: { path: /extra }\n    answer: { status: 200, body: two }\n")
    site.reload()
    assert site.get("/extra").body == b"two"


# -- dead workers

def test_worker_killed_under_load(place):
    """Only what that worker held fails: each client at most once per kill, and then all is well"""
    site = two_sites(place)
    site.deaths_expected = True
    with Load(site.port(), keepalive=8, fresh=6) as load:
        for kills in range(1, 3):
            load.wait_good(50)
            victim = site.workers()[0]
            os.kill(victim, signal.SIGKILL)
            killed = time.monotonic()
            wait_for(lambda: len([p for p in site.workers() if p != victim]) == 2, "a new worker")
            whole = time.monotonic() - killed
            print(f"whole again {whole * 1000:.0f} ms after kill -9")
            load.wait_good(300)
    per_client = {}
    for f in load.failures:
        per_client[f.client] = per_client.get(f.client, 0) + 1
    assert all(n <= 2 for n in per_client.values()), load.failures[:20]
    for f in load.failures:
        assert "refused" not in f.what.lower() and "status" not in f.what, f


def test_worker_killed_while_idle(place):
    """No request in flight, none lost"""
    site = two_sites(place)
    site.deaths_expected = True
    for _ in range(3):
        os.kill(site.workers()[0], signal.SIGKILL)
        for _ in range(30):
            assert site.get().status == 200
    wait_for(lambda: len(site.workers()) == 2, "both workers")


def test_only_worker_killed(place):
    """With a single worker: clients wait in the listener's queue for the next one"""
    site = two_sites(place, workers=1)
    site.deaths_expected = True
    assert site.get().status == 200
    os.kill(site.workers()[0], signal.SIGKILL)
    assert site.get().status == 200


@pytest.mark.parametrize("number", [signal.SIGSEGV, signal.SIGABRT])
def test_worker_crash(place, number):
    """A crash is logged, and repaired like a kill"""
    if has_asan():
        pytest.skip("sanitizers report the signal itself")
    site = two_sites(place)
    site.deaths_expected = True
    site.trouble_expected = "."
    victim = site.workers()[0]
    os.kill(victim, number)
    site.wait_log(rf"{victim}")
    wait_for(lambda: len(site.workers()) == 2 and victim not in site.workers(), "a new worker")
    assert site.get().status == 200


def test_admin_process_killed(place):
    """Traffic does not notice; the command socket comes back"""
    site = two_sites(place)
    site.deaths_expected = True
    admin = [p for p in site.children() if p not in site.workers()]
    assert admin, "no admin process"
    with Load(site.port()) as load:
        for pid in admin:
            os.kill(pid, signal.SIGKILL)
        wait_for(lambda: site.ctl("status", check=False).returncode == 0, "tiercelctl to work again")
        load.wait_done(100)
    assert not load.failures


def test_worker_stopped_does_not_stop_others(place):
    """A worker that hangs keeps only its own clients waiting"""
    site = two_sites(place)
    victim = site.workers()[0]
    os.kill(victim, signal.SIGSTOP)
    try:
        done = 0
        for _ in range(12):
            try:
                with Client(site.port(), timeout=0.5) as c:
                    done += c.ask().status == 200
            except AssertionError:
                pass
        assert done >= 1
    finally:
        os.kill(victim, signal.SIGCONT)
    assert site.get().status == 200
    site.deaths_expected = True


# -- drain and the end

def test_drain_under_load(place):
    """Answers say close, new connections are still served, nothing fails; off again afterwards"""
    site = two_sites(place)
    with Load(site.port()) as load:
        site.ctl("drain")
        wait_for(lambda: "close" in site.get_open().fields.members("Connection"), "Connection: close")
        load.wait_done(100)
        site.ctl("drain", "off")
        wait_for(lambda: site.get_open().keep_alive(), "keep-alive again")
        load.wait_done(100)
    assert not load.failures, load.failures[:10]


def test_stop_finishes_what_is_open(place):
    """TERM: requests in flight are answered whole, also slow ones; then the end, with status 0"""
    release = threading.Event()

    def script(c, r):
        if r.path == "/slow":
            assert release.wait(DEADLINE)
        elif r.path == "/body":
            c.send(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nabc")
            assert release.wait(DEADLINE)
            c.send(b"def")
            return None
        return response(200, "done")
    site = place.site(script, shutdown_grace="60s", workers=2)
    clients = []
    for path in ["/slow", "/body"] * 5:
        c = site.client()
        c.request(target=path)
        clients.append((path, c))
    site.origin.wait_requests(10)
    site.signal(signal.SIGTERM)
    wait_for(lambda: not procfs.listening(site.port()), "the listener to close")
    assert site.process.poll() is None
    release.set()
    for path, c in clients:
        r = c.read_response()
        assert r.status == 200 and r.body == (b"done" if path == "/slow" else b"abcdef")
        c.expect_end()
    site.process.wait(DEADLINE)
    assert site.process.returncode == 0
    site.process = None


def test_stop_under_load(place):
    """TERM in the middle of load"""
    site = two_sites(place, shutdown_grace="60s")
    with Load(site.port()) as load:
        load.wait_done(50)
        term = time.monotonic()
        site.signal(signal.SIGTERM)
        site.process.wait(2 * DEADLINE)
    assert site.process.returncode == 0
    site.process = None
    # what began before is answered; later ones may be refused, or find their idle connection closed
    # (RFC 9112 9.3.1), but there is never half an answer or an error
    # ("begun" is a moment before the connect: that one may already be refused)
    assert not [f for f in load.failures if f.begun < term and "refused" not in f.what.lower()], load.failures
    for f in load.failures:
        assert "refused" in f.what.lower() or "reset" in f.what.lower() or "(0 bytes" in f.what or \
            "('0 bytes" in f.what or "Broken pipe" in f.what, f


def test_grace_ends(place):
    """What does not end by itself is cut off when the grace is over"""
    site = place.site(lambda c, r: c.wait_closed() and None, shutdown_grace="500ms")
    with site.client() as c:
        c.request()
        site.origin.wait_requests(1)
        site.signal(signal.SIGTERM)
        c.read_all()
        site.process.wait(2 * DEADLINE)
    assert site.process.returncode == 0
    site.process = None


def test_idle_connections_do_not_hold_up_the_end(place):
    site = place.site(shutdown_grace="10m")
    clients = [site.client() for _ in range(20)]
    for c in clients:
        assert c.ask().status == 200
    never = [site.client() for _ in range(5)]
    site.signal(signal.SIGTERM)
    for c in clients + never:
        c.expect_end()
        c.close()
    site.process.wait(2 * DEADLINE)
    assert site.process.returncode == 0
    site.process = None


def test_restart_on_the_same_port(place):
    """The port is free again at once, also with connections in TIME_WAIT"""
    site = two_sites(place)
    assert site.get().status == 200
    site.stop()
    site.start()
    assert site.get().status == 200


def test_status_command(place):
    site = two_sites(place)
    site.get()
    out = site.ctl("status").stdout
    for pid in site.workers():
        assert str(pid) in out
    assert "web" in out and "running" in out
    assert site.ctl("nonsense", check=False).returncode != 0
    assert "reload" in site.ctl("help").stdout


def test_explain(place):
    site = two_sites(place)
    out = site.ctl("explain", "GET", "/generation-0").stdout
    assert "/generation-0" in out
    out = site.ctl("explain", "GET", "http://test/x").stdout
    assert "up0" in out
