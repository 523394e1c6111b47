# SPDX-License-Identifier: BSD-2-Clause
"""Another program takes over (SIGUSR2, tiercelctl upgrade): nobody notices; or it does not, and nobody
notices that either."""

import hashlib
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import textwrap
import threading

import pytest

from lib import DEADLINE, Checked, Load, find_program, has_asan, procfs, response, stays, wait_for

VERSION = subprocess.run([find_program(), "--version"], capture_output=True, text=True).stdout.split()[1] \
    if find_program() else "0.0.0"
NEXT = VERSION[:-1] + ("7" if VERSION[-1] != "7" else "6")


class Program:
    """A copy of the daemon that can be replaced by others, at the path where it was started."""

    def __init__(self, directory):
        self.dir = directory
        self.path = os.path.join(directory, "tiercel")
        self.original = find_program()
        shutil.copy(self.original, self.path)
        shutil.copy(find_program("tiercelctl"), directory)

    def put(self, contents, mode=0o755):
        """As a package manager does it: the running file is not written to."""
        with open(self.path + ".new", "wb") as f:
            f.write(contents)
        os.chmod(self.path + ".new", mode)
        os.replace(self.path + ".new", self.path)

    def patched(self, *changes):
        with open(self.original, "rb") as f:
            code = f.read()
        for old, new in changes:
            assert len(old) == len(new) and old in code
            code = code.replace(old, new)
        return code

    def next(self, *changes):
        """Installs the next version, which may differ in more than its number."""
        self.put(self.patched((VERSION.encode() + b"\0", NEXT.encode() + b"\0"), *changes))

    def script(self, text):
        self.put(b"#!/bin/bash\n" + textwrap.dedent(text).encode())


@pytest.fixture
def program(monkeypatch):
    with tempfile.TemporaryDirectory(prefix="tiercel-") as d:
        os.chmod(d, 0o755)
        p = Program(d)
        monkeypatch.setenv("TIERCEL", p.path)
        yield p


def ok_site(place, **top):
    site = place.site(lambda c, r: response(200, "ok"), **{"workers": 2, **top})
    site.deaths_expected = True  # every upgrade has workers of its own
    return site


def upgraded(site, old, timeout=DEADLINE):
    """Waits until none of <old> is left and as many others are there."""
    def done():
        now = site.workers()
        return len(now) == len(old) and not set(now) & set(old)
    wait_for(done, "the new workers alone", timeout)


def status_line(site):
    return site.ctl("status").stdout.splitlines()[0]


def slots_hash():
    """Text in the program from which the layout of a region is derived, and another one."""
    return b"slots 1\0", b"slots 2\0"


# -- it works


def test_next_version_takes_over(program, place):
    site = ok_site(place)
    old, pid, ino = site.workers(), site.pid, os.stat(site.ctl_socket).st_ino
    assert VERSION in status_line(site)
    program.next()
    r = site.ctl("upgrade")
    assert f"{NEXT} took over from tiercel {VERSION}" in r.stdout
    upgraded(site, old)
    assert site.process.poll() is None and site.pid == pid
    assert NEXT in status_line(site)
    assert os.stat(site.ctl_socket).st_ino == ino, "the socket is the same one"
    assert site.get().body == b"ok"
    site.stop()
    assert not os.path.exists(site.ctl_socket)


def test_nothing_fails_under_load(program, place):
    """Keep-alive clients, new connections, uploads; three upgrades"""
    site = place.site(lambda c, r: response(200, hashlib.sha256(r.body or b"").hexdigest()), workers=2)
    site.deaths_expected = True
    data = os.urandom(30000)
    want = hashlib.sha256(data).hexdigest().encode()
    with Load(site.port(), keepalive=6, fresh=4) as gets, \
            Load(site.port(), keepalive=3, fresh=2, method="POST", body=data,
                 check=lambda path, status, body: None if body == want else f"{status} {body[:80]}") as posts:
        for i in range(3):
            gets.wait_done(100)
            site.signal(signal.SIGUSR2)
            wait_for(lambda: site.log().count("took over") == i + 1, "the upgrade", 2 * DEADLINE)
        gets.wait_done(200)
        posts.wait_done(50)
    assert not gets.failures and not posts.failures
    assert "died" not in site.log()


def test_what_is_open_goes_on(program, place):
    """A long download, an upload and a tunnel, each begun before and ended after"""
    go = threading.Event()
    piece = os.urandom(50000)

    def script(c):
        while (r := c.read_request_head()) is not None:
            if r.target == "/tunnel":
                c.send(b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
                while c.buf or c.fill():
                    c.send(c.take(len(c.buf)))
                return
            body = b"" if r.target != "/up" else c.body_of(r).read()
            if r.target == "/down":
                c.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n" + piece)
                go.wait(DEADLINE)
                c.send(piece)
            else:
                c.send(response(200, hashlib.sha256(body).hexdigest()))
    site = place.site(conn=script, workers=2, shutdown_grace="20s")
    site.deaths_expected = True
    old = site.workers()
    with site.client() as down, site.client() as up, site.client() as tunnel:
        down.request("GET", "/down")
        assert down.read_response_head().status == 200
        assert down.read_exactly(50000) == piece
        up.send(b"POST /up HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n" + piece)
        tunnel.request("GET", "/tunnel", "Connection: Upgrade", "Upgrade: echo")
        assert tunnel.read_response_head().status == 101
        tunnel.send(b"before")
        assert tunnel.read_exactly(6) == b"before"
        program.next()
        site.ctl("upgrade")
        wait_for(lambda: len(set(site.workers()) - set(old)) == 2, "new workers")
        assert site.get("/other").status == 200
        tunnel.send(b"after")
        assert tunnel.read_exactly(5) == b"after"
        up.send(piece)
        assert up.read_response().body == hashlib.sha256(piece * 2).hexdigest().encode()
        go.set()
        assert down.read_exactly(50000) == piece
    upgraded(site, old)
    assert "died" not in site.log()


def test_grace_bounds_the_old_workers(program, place):
    go = threading.Event()

    def answer(c, r):
        if r.target == "/slow":
            go.wait(DEADLINE)
        return response(200, "ok")
    site = place.site(answer, shutdown_grace="300ms")
    site.deaths_expected = True
    old = site.workers()
    cut = Checked(lambda: site.client().ask("GET", "/slow"))
    site.origin.wait_requests(1)
    site.ctl("upgrade")
    upgraded(site, old)
    go.set()
    cut.join()


def test_all_kinds_of_listeners(program, place):
    """The very same sockets, and the files of those that are no longer wanted go"""
    conf = {"workers": 2, "listeners": [{"name": "web", "address": "127.0.0.1:@port:web"},
                                        {"name": "ux", "address": "unix:@dir/web.sock"},
                                        {"name": "gone", "address": "unix:@dir/gone.sock"}],
            "admin": {"listen": "127.0.0.1:@port:admin"},
            "routes": [{"answer": {"status": 200, "body": "hello"}}]}
    site = place.proxy(conf)
    site.deaths_expected = True

    def sockets():
        inodes = set()
        for table in ("/proc/net/tcp", "/proc/net/unix"):
            with open(table) as f:
                for line in f:
                    if site.dir in line or f":{site.port():04X}" in line and " 0A " in line:
                        inodes.add(line.split()[6 if "unix" in table else 9])
        return inodes
    before, files = sockets(), set(os.listdir(site.dir))
    program.next()
    site.ctl("upgrade")
    assert site.get().body == b"hello"
    wait_for(lambda: b"200" in over_unix(site.dir + "/web.sock"), "the unix listener")
    assert site.get("/health", name="admin").status == 200
    assert sockets() == before and set(os.listdir(site.dir)) == files
    site.write({**conf, "listeners": conf["listeners"][:2] + [{"name": "new", "address": "unix:@dir/new.sock"}]})
    site.ctl("upgrade")
    assert not os.path.exists(site.dir + "/gone.sock")
    assert b"200" in over_unix(site.dir + "/new.sock") and b"200" in over_unix(site.dir + "/web.sock")


def over_unix(path):
    with socket.socket(socket.AF_UNIX) as s:
        s.settimeout(DEADLINE)
        s.connect(path)
        s.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        data = b""
        while part := s.recv(4096):
            data += part
        return data


@pytest.mark.parametrize("n", [1, 4])
def test_other_number_of_workers(program, place, n):
    site = ok_site(place, workers=2)
    old = site.workers()
    site.write(site.conf_text.replace('"workers": 2', f'"workers": {n}'))
    with Load(site.port(), keepalive=3, fresh=6) as load:
        load.wait_done(30)
        site.ctl("upgrade")
        wait_for(lambda: len(site.workers()) == n and not set(site.workers()) & set(old), f"{n} workers")
        load.wait_done(200)
    assert not load.failures


def test_counters_go_on(program, place):
    """The old workers count until they end, in the same segment"""
    site = ok_site(place, admin={"listen": "127.0.0.1:@port:admin"})

    def counted():
        text = site.get("/metrics", name="admin").body.decode()
        return sum(float(m[1]) for m in re.finditer(r'^tiercel_listener_requests_total\{[^}]*\} (\S+)', text, re.M))
    for _ in range(10):
        site.get()
    assert counted() == 10
    for i in range(3):
        old = site.workers()
        site.ctl("upgrade")
        site.get()
        assert counted() == 11 + i
        upgraded(site, old)
        assert counted() == 11 + i


def test_pid_file_of_the_supervisor_stays_true(program, place):
    """Signals to the same process go on to work"""
    site = ok_site(place)
    site.ctl("upgrade")
    site.write(site.conf_text.replace('"upstream": "origin"', '"answer": {"status": 200, "body": "changed"}'))
    site.signal(signal.SIGHUP)
    wait_for(lambda: site.get().body == b"changed", "the reload")
    os.kill(site.workers()[0], signal.SIGKILL)
    wait_for(lambda: len(site.workers()) == 2, "a replacement")
    site.signal(signal.SIGTERM)
    assert site.process.wait(DEADLINE) == 0
    site.process = None


def test_descriptors_do_not_pile_up(program, place):
    site = ok_site(place, log={"access": {"output": "@dir/access.log"}})

    def all_fds():
        return [procfs.fds(p) for p in [site.pid] + site.workers()]
    old = site.workers()
    site.ctl("upgrade")
    upgraded(site, old)
    before = all_fds()
    for _ in range(3):
        old = site.workers()
        site.ctl("upgrade")
        upgraded(site, old)
    wait_for(lambda: all(a <= b for a, b in zip(all_fds(), before)), "as many descriptors as before")


def test_upgrades_asked_for_at_once(program, place):
    site = ok_site(place)
    with Load(site.port()) as load:
        load.wait_done(20)
        for _ in range(5):
            site.signal(signal.SIGUSR2)
        asked = [Checked(lambda: site.ctl("upgrade", check=False)) for _ in range(3)]
        for a in asked:
            assert a.result().returncode == 0
        load.wait_done(100)
    assert not load.failures


def test_reload_during_an_upgrade(program, place):
    """Asked for at the same time, in either order: both happen"""
    site = ok_site(place, routes=[{"answer": {"status": 200, "body": "version 0"}}])
    with Load(site.port()) as load:
        for i in range(1, 7):
            site.write(site.conf_text.replace(f"version {i - 1}", f"version {i}"))
            first, second = ("upgrade", "reload") if i % 2 else ("reload", "upgrade")
            a = Checked(lambda: site.ctl(first, check=False))
            b = Checked(lambda: site.ctl(second, check=False))
            assert a.result().returncode == 0 and b.result().returncode == 0, site.log()
            assert site.get().body == f"version {i}".encode()
            load.wait_done(20)
    assert not load.failures


def test_killed_worker_during_upgrades(program, place):
    site = ok_site(place)
    for _ in range(5):
        asked = Checked(lambda: site.ctl("upgrade", check=False))
        for pid in site.workers()[:1]:
            try:
                os.kill(pid, signal.SIGKILL)
            except OSError:
                pass
        assert asked.result().returncode == 0
        assert site.get().body == b"ok"
    wait_for(lambda: len(site.workers()) == 2, "two workers")


def test_another_layout(program, place):
    """The slots are laid out otherwise: that region begins anew, the others stay; the old workers end"""
    site = ok_site(place)
    old = site.workers()
    with Load(site.port()) as load:
        load.wait_done(50)
        program.next(slots_hash())
        r = site.ctl("upgrade")
        assert "slots cold (laid out otherwise), metrics warm" in r.stdout
        load.wait_done(50)
        upgraded(site, old)
        old = site.workers()
        r = site.ctl("upgrade")
        assert "cold" not in r.stdout
        upgraded(site, old)
    assert not load.failures
    assert "died" not in site.log()


# -- the cache


def body_of(path):
    """Some bytes, many for some paths; always the same ones."""
    size = {"0": 100, "1": 5000, "2": 70000, "3": 700000}.get(path[-1], 1000)
    return hashlib.shake_128(path.encode()).digest(size)


def cached_site(place, **top):
    site = place.site(lambda c, r: response(200, body_of(r.path), "Cache-Control: max-age=600"),
                      route={"cache": {"key": {"query": "none"}}},
                      **{"workers": 2, "cache": {"l1": {"size": "64MiB"}}, **top})
    site.deaths_expected = True
    return site


PATHS = [f"/{i}" for i in range(40)]


def all_hits(site):
    before = len(site.origin.requests)
    for path in PATHS:
        r = site.get(path)
        assert r.body == body_of(path)
        assert "hit" in r["Cache-Status"], (path, r["Cache-Status"])
    assert len(site.origin.requests) == before


def test_cache_stays(program, place):
    site = cached_site(place)
    for path in PATHS:
        assert site.get(path).body == body_of(path)
    all_hits(site)
    for _ in range(3):
        old = site.workers()
        program.next()
        assert "l1 warm, fills warm, purge warm" in site.ctl("upgrade").stdout
        all_hits(site)
        upgraded(site, old)
        all_hits(site)
    os.kill(site.workers()[0], signal.SIGKILL)
    wait_for(lambda: len(site.workers()) == 2, "a replacement")
    all_hits(site)


def test_cache_stays_under_load(program, place):
    """Not one more request at the origin, not one wrong byte"""
    site = cached_site(place)
    want = {}

    def check(path, status, body):
        key = path.split("?")[0]
        return None if status == 200 and body == want.setdefault(key, body_of(key)) else f"{status}, {len(body)} bytes"
    loads = [Load(site.port(), keepalive=2, fresh=1, path=path, check=check) for path in ("/1", "/3")]
    with loads[0] as small, loads[1] as large:
        for i in range(3):
            small.wait_done(50)
            large.wait_done(20)
            site.signal(signal.SIGUSR2)
            wait_for(lambda: site.log().count("took over") == i + 1, "the upgrade", 2 * DEADLINE)
        large.wait_done(20)
    assert not small.failures and not large.failures
    assert len(site.origin.requests) == 2


def test_object_that_is_being_fetched(program, place):
    """An old worker fetches it; who asks a new one gets it as it comes, and the origin sees one request"""
    go = threading.Event()
    first, second = os.urandom(50000), os.urandom(50000)

    def script(c):
        while c.read_request_head() is not None:
            c.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\nCache-Control: max-age=600\r\n\r\n" + first)
            go.wait(DEADLINE)
            c.send(second)
    site = place.site(conn=script, workers=2, cache={"l1": {"size": "64MiB"}}, shutdown_grace="20s")
    site.deaths_expected = True
    old = site.workers()
    with site.client() as a, site.client() as b:
        a.request("GET", "/big")
        assert a.read_response_head().status == 200
        assert a.read_exactly(50000) == first
        site.ctl("upgrade")
        wait_for(lambda: len(set(site.workers()) - set(old)) == 2, "new workers")
        b.close()
        with site.client() as new:
            new.request("GET", "/big")
            assert new.read_response_head().status == 200
            assert new.read_exactly(50000) == first
            go.set()
            assert new.read_exactly(50000) == second
        assert a.read_exactly(50000) == second
    assert len(site.origin.requests) == 1
    upgraded(site, old)
    r = site.get("/big")
    assert r.body == first + second and "hit" in r["Cache-Status"]
    assert len(site.origin.requests) == 1


def test_three_generations(program, place):
    """Workers of the first and second program still finish when the third one lays regions out otherwise"""
    go = threading.Event()

    def answer(c, r):
        if r.target.startswith("/slow"):
            go.wait(DEADLINE)
            return response(200, "slow")
        return response(200, body_of(r.target), "Cache-Control: max-age=600")
    site = place.site(answer, workers=1, cache={"l1": {"size": "64MiB"}}, shutdown_grace="60s")
    site.deaths_expected = True
    slow, warm = [], []
    for i in range(4):
        for path in PATHS:
            site.get(path)
        slow.append(Checked(lambda n=i: site.get(f"/slow{n}")))
        wait_for(lambda: sum(r.target.startswith("/slow") for r in site.origin.requests) == i + 1, "the request")
        program.next((b"metrics 1\0", b"metrics %d\0" % (i + 2)))
        said = site.ctl("upgrade").stdout
        assert "metrics cold" in said
        warm.append("l1 warm" in said)
        if warm[-1]:
            all_hits(site)
        assert site.get("/1").body == body_of("/1")
    assert warm == [True, True, False, True], "the spare room ends at the third, which begins a new segment"
    assert len(site.workers()) == 5
    go.set()
    for s in slow:
        assert s.result().body == b"slow"
    wait_for(lambda: len(site.workers()) == 1, "the old workers to end")
    assert "died" not in site.log()
    assert "l1 warm" in site.ctl("upgrade").stdout


# -- it does not work

def refused(site, program, text):
    """The upgrade fails with <text>, and nothing else happens."""
    old, pid = site.workers(), site.pid
    with Load(site.port()) as load:
        load.wait_done(20)
        r = site.ctl("upgrade", check=False)
        assert r.returncode == 1 and re.search(text, r.stdout + r.stderr), r.stdout + r.stderr
        load.wait_done(50)
    assert not load.failures
    assert site.process.poll() is None and site.pid == pid
    assert site.workers() == old
    assert VERSION in status_line(site)
    assert re.search(text, site.log())
    site.write(site.conf_text)  # whatever the test did to it


BROKEN = [
    ("nothing there", None, r"No such file"),
    ("not executable", (b"#!/bin/sh\n", 0o644), r"Permission denied"),
    ("not a program", (b"\0\1\2\3 garbage", 0o755), r"Exec format error"),
    ("some other program", (b"#!/bin/sh\nexit 0\n", 0o755), r"no program that could take over"),
    ("fails", (b"#!/bin/sh\necho cannot find libfoo.so.3 >&2\nexit 127\n", 0o755),
     r"(?s)cannot find libfoo.*exit status 127"),
    ("crashes", (b"#!/bin/sh\nkill -SEGV $$\n", 0o755), r"signal 11"),
]


@pytest.mark.parametrize("what,new,text", BROKEN, ids=[b[0] for b in BROKEN])
def test_broken_program(program, place, what, new, text):
    site = ok_site(place)
    site.trouble_expected = "Segmentation"
    if new:
        program.put(*new)
    else:
        os.unlink(program.path)
    refused(site, program, text)
    program.next()
    site.ctl("upgrade")
    assert NEXT in status_line(site)


def test_bad_configuration(program, place):
    site = ok_site(place)
    good = site.conf_text
    site.write("version: 1\nbogus: [")
    refused(site, program, "tiercel.yaml:")
    site.write(good)
    site.ctl("upgrade")


def test_program_of_another_protocol(program, place):
    site = ok_site(place)
    program.script(f"""
        export TIERCEL_HANDOVER=${{TIERCEL_HANDOVER/#1:/2:}}
        exec {program.original} "$@"
        """)
    refused(site, program, "made by another version")


@pytest.mark.slow
def test_program_that_hangs(program, place):
    site = ok_site(place)
    program.script("sleep 1000")
    refused(site, program, "no answer within 10 s")


# -- it works in the trial, and then it does not

def came_back(site, text):
    """The exec had happened; the old program is there again, with everything that it had."""
    old, pid = site.workers(), site.pid
    with Load(site.port()) as load:
        load.wait_done(20)
        r = site.ctl("upgrade", check=False, timeout=4 * DEADLINE)
        assert r.returncode == 1 and re.search(text, r.stdout + r.stderr), r.stdout + r.stderr + site.log()
        assert "nothing has changed" in r.stdout + r.stderr
        load.wait_done(50)
    assert not load.failures
    assert site.process.poll() is None and site.pid == pid
    wait_for(lambda: site.workers() == old, "the old workers alone")
    assert VERSION in status_line(site)
    with open(f"/proc/{pid}/comm") as f:
        assert f.read().strip() == "tiercel"


def test_address_in_use(program, place):
    """The trial opens nothing; the new program cannot open this one, and finds its way back"""
    site = ok_site(place)
    good = site.conf_text
    program.next()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        site.write(good.replace('"listeners": [', f'"listeners": [{{"name": "x", "address": "127.0.0.1:{port}"}},'
                                                  '{"name": "y", "address": "unix:@dir/y.sock"},'))
        came_back(site, f"127.0.0.1:{port}")
        assert not os.path.exists(site.dir + "/y.sock")
    site.write(good)
    for number in (signal.SIGHUP, signal.SIGUSR1):
        site.signal(number)
    wait_for(lambda: "reload done" in site.log(), "a reload by the old program")
    old = site.workers()
    site.ctl("upgrade")
    upgraded(site, old)
    assert NEXT in status_line(site)


HELPER = """
import os, signal, sys
pid, number = int(sys.argv[1]), int(sys.argv[2])
print("ready", flush=True)
while True:
    with open(f"/proc/{pid}/status") as f:
        for line in f:
            if line.startswith("SigCgt"):
                caught = int(line.split()[1], 16)
    if caught >> (number - 1) & 1:
        os.kill(pid, number)
        break
"""

CRASHES = [(signal.SIGSEGV, "crashed with signal 11"), (signal.SIGABRT, "crashed with signal 06"),
           (signal.SIGALRM, "not ready in time")]


@pytest.mark.parametrize("number,text", CRASHES, ids=[c[0].name for c in CRASHES])
def test_crash_after_the_exec(program, place, number, text):
    """A signal as soon as the new program has handlers for it, which is when it begins"""
    if number == signal.SIGSEGV and has_asan():
        pytest.skip("the sanitizer has a handler of its own")
    # a file that takes a while to read: the helper shall not come too late
    many = [{"match": {"host": f"h{i}.example"}, "answer": {"status": 200, "body": "x" * 100}} for i in range(3000)]
    site = ok_site(place, routes=many + [{"upstream": "origin"}])
    with open(program.dir + "/helper.py", "w") as f:
        f.write(HELPER)
    program.script(f"""
        if [[ $TIERCEL_HANDOVER == *upgrade* ]]; then
            exec 9< <(exec {sys.executable} -S {program.dir}/helper.py $$ {int(number)})
            read -r line <&9
            trap '' {int(number)}
        fi
        exec {program.original} "$@"
        """)
    came_back(site, text)
    program.next()
    site.ctl("upgrade")
    assert NEXT in status_line(site)


def test_comes_back_to_what_ran(program, place):
    """The file says something else by now: what is in force again is what was in force before"""
    site = ok_site(place, routes=[{"answer": {"status": 200, "body": "before"}}])
    good = site.conf_text
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        site.write(good.replace("before", "after").replace(
            '"listeners": [', '"listeners": [{"name": "x", "address": "127.0.0.1:%d"},' % taken.getsockname()[1]))
        came_back(site, "in use")
        victim = site.workers()[0]
        os.kill(victim, signal.SIGKILL)
        wait_for(lambda: len(site.workers()) == 2 and victim not in site.workers(), "a replacement")
        for _ in range(10):
            assert site.get().body == b"before"


def test_stop_during_an_upgrade(program, place):
    """SIGTERM wins, whenever it comes"""
    for pause in (0, 0.002, 0.005, 0.02):
        site = ok_site(place)
        site.signal(signal.SIGUSR2)
        stays(lambda: True, pause)
        site.signal(signal.SIGTERM)
        assert site.process.wait(DEADLINE) == 0, site.log()
        site.process = None
        assert not os.path.exists(site.ctl_socket)
