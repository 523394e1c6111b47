# SPDX-License-Identifier: BSD-2-Clause
"""Stop and start again under a service manager that keeps descriptors (FDSTORE): listeners and segment
are those from before. The manager here is the test itself."""

import array
import hashlib
import os
import re
import signal
import socket
import struct
import subprocess
import tempfile
import threading

import pytest

from lib import DEADLINE, Load, find_program, procfs, response, stays, wait_for
from lib.proxy import Proxy

SEGMENT = "tiercel-segment"


def built_with_systemd():
    r = subprocess.run([find_program(), "--version"], capture_output=True, text=True)
    return "systemd" in r.stdout


pytestmark = pytest.mark.skipif("not built_with_systemd()", reason="built without libsystemd")


class Manager:
    """What a service manager does: takes notifications, keeps descriptors, hands them to the next start."""

    def __init__(self):
        self.dir = tempfile.mkdtemp(prefix="tiercel-")
        self.address = os.path.join(self.dir, "notify.sock")
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(self.address)
        os.chmod(self.address, 0o777)
        self.said, self.kept = [], []  # texts; (name, descriptor)
        self.lock = threading.Lock()
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        while True:
            try:
                text, anc, _, _ = self.socket.recvmsg(65536, socket.CMSG_SPACE(256 * 4))
            except OSError:
                return
            fds = array.array("i")
            for level, kind, data in anc:
                if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
                    fds.frombytes(data[:len(data) - len(data) % fds.itemsize])
            if not text:
                return
            with self.lock:
                self.hear(text.decode(), list(fds))

    def hear(self, text, fds):
        lines = dict(line.partition("=")[::2] for line in text.splitlines())
        name = lines.get("FDNAME", "stored")
        if lines.get("FDSTOREREMOVE") == "1":
            for n, fd in [k for k in self.kept if k[0] == name]:
                os.close(fd)
                self.kept.remove((n, fd))
        for fd in fds:
            if lines.get("FDSTORE") == "1" and not any(os.path.sameopenfile(fd, k) for _, k in self.kept):
                self.kept.append((name, fd))
            else:
                os.close(fd)
        self.said.append(text)

    def names(self):
        with self.lock:
            return sorted(n for n, _ in self.kept)

    def segment(self):
        with self.lock:
            return next(fd for n, fd in self.kept if n == SEGMENT)

    def segment_file(self):
        """Its inode; None while there is none."""
        with self.lock:
            return next((os.fstat(fd).st_ino for n, fd in self.kept if n == SEGMENT), None)

    def close(self):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
            s.sendto(b"", self.address)
        self.thread.join(DEADLINE)
        self.socket.close()
        for _, fd in self.kept:
            os.close(fd)
        os.unlink(self.address)
        os.rmdir(self.dir)


class Managed(Proxy):
    def __init__(self, conf, manager):
        self.manager = manager
        super().__init__(conf)

    def start(self):
        kept = list(self.manager.kept)
        program = find_program()
        env = self.environment()
        env["NOTIFY_SOCKET"] = self.manager.address
        env["LISTEN_FDS"] = str(len(kept))
        env["LISTEN_FDNAMES"] = ":".join(n for n, _ in kept)
        # the shell knows the pid that the daemon will have, and moves the descriptors where they belong
        moves = " ".join(f"{3 + i}<&{200 + i}-" for i in range(len(kept)))
        spare = [os.dup2(fd, 200 + i) for i, (_, fd) in enumerate(kept)]
        self.manager.said.clear()
        try:
            with open(self.log_file, "ab") as log:
                self.process = subprocess.Popen(
                    ["bash", "-c", f"export LISTEN_PID=$$; exec {moves}; exec {program} -c {self.file}"],
                    stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=env, cwd=self.dir, pass_fds=spare)
        finally:
            for fd in spare:
                os.close(fd)
        wait_for(lambda: any("READY=1" in s for s in self.manager.said) or self.process.poll() is not None, "READY")
        assert self.process.poll() is None, self.log()
        wait_for(lambda: SEGMENT in self.manager.names(), "the segment to be kept")
        self.first_workers = self.workers()
        return self

    def end(self, how=signal.SIGTERM, status=0):
        kids = self.children()
        self.process.send_signal(how)
        assert self.process.wait(DEADLINE) == status, self.log()
        wait_for(lambda: not any(os.path.exists(f"/proc/{p}") for p in kids), "all to end")
        self.process = None

    def restart(self, how=signal.SIGTERM, status=0):
        self.end(how, status)
        return self.start()

    def memory(self):
        """What became of the regions at the last start."""
        found = re.findall(r"shared memory: (.*)", self.log())
        return found[-1] if found else None

    def all_warm(self):
        return self.memory() and re.fullmatch(r"\w+ warm(, \w+ warm)+", self.memory())

    def cold(self):
        return re.findall(r"(\w+) cold", self.memory())


@pytest.fixture
def manager(place):
    m = Manager()
    place.keep(Keeper(m))
    yield m


class Keeper:
    """Closes the manager after the daemons."""

    def __init__(self, manager):
        self.close = manager.close
        self.check = lambda: None


def conf(**top):
    return {"workers": 2, "listeners": [{"name": "web", "address": "127.0.0.1:@port:web"}],
            "admin": {"listen": "127.0.0.1:@port:admin"},
            "routes": [{"answer": {"status": 200, "body": "hello"}}], **top}


def managed(place, manager, **top):
    site = place.keep(Managed(conf(**top), manager))
    site.deaths_expected = True
    return site


def counted(site):
    text = site.get("/metrics", name="admin").body.decode()
    return sum(float(m[1]) for m in re.finditer(r'^tiercel_listener_requests_total\{[^}]*\} (\S+)', text, re.M))


def listen_name(site, name="web"):
    return f"tiercel-listen-127.0.0.1_{site.port(name)}"


def test_what_is_kept(place, manager):
    site = managed(place, manager)
    wait_for(lambda: manager.names() == [listen_name(site)] * 2 + [SEGMENT], "sockets and segment")
    assert site.memory() is None, "the first start finds nothing"


def test_warm(place, manager):
    """Counters go on, the sockets are the same ones, and what came in between was not refused"""
    site = managed(place, manager)
    for _ in range(7):
        assert site.get().body == b"hello"
    assert counted(site) == 7
    site.end()
    waiting = [site.client() for _ in range(5)]  # nobody is there; the kernel takes them in
    for c in waiting:
        c.request("GET", "/")
    site.start()
    assert site.all_warm(), site.memory()
    for c in waiting:
        assert c.read_response().body == b"hello"
        c.close()
    assert counted(site) == 12
    assert manager.names() == [listen_name(site)] * 2 + [SEGMENT]


def test_many_restarts_under_load(place, manager):
    site = managed(place, manager)
    with Load(site.port(), keepalive=4, fresh=4) as load:
        for _ in range(4):
            load.wait_done(40)
            site.restart()
        load.wait_done(40)
    assert not load.failures
    assert counted(site) == load.done
    assert len(manager.kept) == 3


def test_killed_master_is_not_trusted(place, manager):
    """Only what is single numbers is taken over, in a new segment"""
    site = managed(place, manager)
    for _ in range(5):
        site.get()
    ino = manager.segment_file()
    site.restart(signal.SIGKILL, -9)
    memory = site.memory()
    assert "slots cold (not left in order)" in memory and "metrics copied" in memory
    assert counted(site) == 5
    wait_for(lambda: manager.segment_file() not in (None, ino), "the new segment in its place")
    site.restart()
    assert site.all_warm(), site.memory()
    assert counted(site) == 5


def test_killed_worker_then_clean_stop(place, manager):
    site = managed(place, manager)
    site.get()
    os.kill(site.workers()[0], signal.SIGKILL)
    wait_for(lambda: len(site.workers()) == 2, "a replacement")
    site.restart()
    assert site.all_warm(), site.memory()
    assert counted(site) == 1


def body_of(path):
    size = {"0": 100, "1": 5000, "2": 70000, "3": 700000}.get(path[-1], 1000)
    return hashlib.shake_128(path.encode()).digest(size)


PATHS = [f"/{i}" for i in range(40)]


def cached(place, manager, **top):
    origin = place.origin(lambda c, r: response(200, body_of(r.target), "Cache-Control: max-age=600"))
    site = managed(place, manager, cache={"l1": {"size": "64MiB"}}, upstreams={"o": {"servers": [origin.address]}},
                   routes=[{"upstream": "o"}], **top)
    site.origin = origin
    return site


def hits(site):
    """Asks for everything; how many answers came from the cache."""
    n = 0
    for path in PATHS:
        r = site.get(path)
        assert r.status == 200 and r.body == body_of(path)
        n += "; hit" in r["Cache-Status"]
    return n


def test_the_cache_is_warm(place, manager):
    site = cached(place, manager)
    assert hits(site) == 0 and hits(site) == len(PATHS)
    for _ in range(3):
        site.restart()
        assert site.all_warm(), site.memory()
        assert hits(site) == len(PATHS)
    assert len(site.origin.requests) == len(PATHS)


def test_the_cache_of_a_killed_master_is_not_trusted(place, manager):
    site = cached(place, manager)
    hits(site)
    site.restart(signal.SIGKILL, -9)
    assert "l1 cold (not left in order)" in site.memory()
    assert hits(site) == 0 and hits(site) == len(PATHS)


def test_half_an_object(place, manager):
    """What was being fetched when the time was over is not there, or it is whole"""
    go = threading.Event()

    def script(c):
        while (r := c.read_request_head()) is not None:
            c.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\nCache-Control: max-age=600\r\n\r\n" + b"a" * 50000)
            if not go.wait(DEADLINE):
                return
            c.send(b"b" * 50000)
    origin = place.origin(conn=script)
    origin.expect_trouble = True
    site = managed(place, manager, upstreams={"o": {"servers": [origin.address]}}, routes=[{"upstream": "o"}],
                   shutdown_grace="200ms")
    with site.client() as c:
        c.request("GET", "/half")
        assert c.read_response_head().status == 200
        assert c.read_exactly(50000) == b"a" * 50000
        site.restart()
    assert site.all_warm(), site.memory()
    go.set()
    r = site.get("/half")
    assert r.body == b"a" * 50000 + b"b" * 50000
    assert "hit" not in r["Cache-Status"]
    assert "; hit" in site.get("/half")["Cache-Status"]


# -- a segment that somebody has changed

HEADER = struct.Struct("<QIIQQIiqQQ")
ENTRY = struct.Struct("<IIQQQ")


def fnv(h, data):
    for b in data:
        h = (h ^ b) * 0x100000001b3 & (1 << 64) - 1
    return h


def directory(fd):
    """The header's numbers and the entries, as doc/internals/segment.md draws them."""
    data = os.pread(fd, 4096, 0)
    head = list(HEADER.unpack_from(data))
    return head, [list(ENTRY.unpack_from(data, 64 + 32 * i)) for i in range(head[2])]


def write_directory(fd, head, entries):
    h = fnv(fnv(0xcbf29ce484222325, b"directory\0"), struct.pack("<Q", head[8]))
    for e in entries:
        h = fnv(h, struct.pack("<QQQQ", e[0], e[2], e[3], e[4]))
    head[2], head[4] = len(entries), h
    data = HEADER.pack(*head).ljust(64, b"\0") + b"".join(ENTRY.pack(*e) for e in entries)
    os.pwrite(fd, data.ljust(4096, b"\0"), 0)


def change(fd, index, field, value):
    head, entries = directory(fd)
    entries[index][field] = value
    write_directory(fd, head, entries)


def test_directory_is_understood(place, manager):
    """The test's own writer makes what the daemon made"""
    site = managed(place, manager)
    site.end()
    before = os.pread(manager.segment(), 4096, 0)
    write_directory(manager.segment(), *directory(manager.segment()))
    assert os.pread(manager.segment(), 4096, 0) == before
    site.start()
    assert site.all_warm(), site.memory()


@pytest.mark.parametrize("index", [3, 4, 5])
def test_the_cache_is_warm_as_a_whole(place, manager, index):
    """Its regions refer to each other"""
    site = managed(place, manager)
    site.end()
    change(manager.segment(), index, 4, 12345)
    site.start()
    assert site.cold() == ["l1", "fills", "purge"]
    assert site.memory().count("with the rest of the cache") == 2
    assert site.get().body == b"hello"
    site.restart()
    assert site.all_warm(), site.memory()


def test_size_of_the_cache_changes(place, manager):
    """It begins anew; the rest is as it was, and the memory of the old one is given back"""
    site = managed(place, manager, cache={"l1": {"size": "64MiB"}})
    site.get()
    sizes = []
    for size in ("32MiB", "128MiB", "4GiB", "0", "64MiB"):
        site.end()
        site.write(conf(cache={"l1": {"size": size}}))
        site.start()
        assert "l1" in site.cold() or size == "0"
        assert site.get().body == b"hello"
        sizes.append(os.fstat(manager.segment()).st_blocks)
        site.restart()
        assert site.all_warm(), site.memory()
    assert counted(site) == 6
    assert sizes[-1] < 2 * sizes[0]


LAYOUTS = [(0, "slots"), (1, "metrics"), (2, "upstreams")]


@pytest.mark.parametrize("index,name", LAYOUTS, ids=[x[1] for x in LAYOUTS])
def test_another_layout(place, manager, index, name):
    """That region begins anew, in the same segment; the next start finds all of it"""
    site = managed(place, manager)
    for _ in range(3):
        site.get()
    site.end()
    ino = manager.segment_file()
    change(manager.segment(), index, 4, 12345)
    site.start()
    assert f"{name} cold (laid out otherwise)" in site.memory() and site.cold() == [name]
    assert site.get().body == b"hello"
    assert counted(site) == (1 if name == "metrics" else 4)
    assert manager.segment_file() == ino
    site.restart()
    assert site.all_warm(), site.memory()
    assert counted(site) == (1 if name == "metrics" else 4)


def test_a_region_is_missing_and_another_is_too_many(place, manager):
    site = managed(place, manager)
    site.get()
    site.end()
    head, entries = directory(manager.segment())
    entries[2][0] = 31  # of a program that we do not know
    write_directory(manager.segment(), head, entries)
    site.start()
    assert "upstreams cold (was not there)" in site.memory() and site.cold() == ["upstreams"]
    assert counted(site) == 1


def no_segment(fd):
    os.pwrite(fd, b"\0" * 8, 0)


def damaged(fd):
    os.pwrite(fd, b"\xff" * 100, 100)


def another_version(fd):
    os.pwrite(fd, b"\2", 8)


RUBBISH = [no_segment, damaged, another_version]


@pytest.mark.parametrize("spoil", RUBBISH, ids=[f.__name__ for f in RUBBISH])
def test_rubbish(place, manager, spoil):
    site = managed(place, manager)
    site.end()
    spoil(manager.segment())
    site.start()
    assert "all cold" in site.memory()
    assert site.get().body == b"hello"
    assert manager.names().count(SEGMENT) == 1
    site.restart()
    assert site.all_warm(), site.memory()


def test_not_even_memory(place, manager):
    """Under the segment's name: a pipe; a file that is not sealed"""
    site = managed(place, manager)
    for make in (lambda: os.pipe()[0], lambda: os.memfd_create("x", os.MFD_CLOEXEC)):
        site.end()
        old, new = manager.segment(), make()
        os.dup2(new, old)
        os.close(new)
        site.start()
        assert "all cold" in site.memory()
        assert site.get().body == b"hello"


# -- sockets

def test_address_is_no_longer_wanted(place, manager):
    """Its sockets are closed and taken out of the store"""
    site = managed(place, manager)
    old = listen_name(site)
    site.end()
    site.write(conf(listeners=[{"name": "web", "address": "127.0.0.1:@port:other"}]))
    site.start()
    wait_for(lambda: old not in manager.names(), "it to be forgotten")
    assert listen_name(site, "other") in manager.names()
    assert not procfs.listening(site.port("web"))
    assert site.get(name="other").body == b"hello"


def test_reload_changes_what_is_kept(place, manager):
    site = managed(place, manager)
    site.reload(conf(listeners=[{"name": "web", "address": "127.0.0.1:@port:web"},
                                {"name": "new", "address": "127.0.0.1:@port:new"}]))
    wait_for(lambda: manager.names() == sorted([listen_name(site)] * 2 + [listen_name(site, "new")] * 2 + [SEGMENT]),
             "the new ones to be kept")
    site.reload(conf(listeners=[{"name": "web", "address": "127.0.0.1:@port:new"}], workers=3))
    wait_for(lambda: manager.names() == [listen_name(site, "new")] * 3 + [SEGMENT], "the old ones to be forgotten")
    assert not procfs.listening(site.port("web"))
    site.restart()
    assert site.get(name="new").body == b"hello"


@pytest.mark.parametrize("n", [1, 4])
def test_other_number_of_workers(place, manager, n):
    """Of many sockets none is forgotten by fewer workers, and more workers get some of their own"""
    site = managed(place, manager, workers=3)
    site.end()
    waiting = [site.client() for _ in range(12)]
    for c in waiting:
        c.request("GET", "/")
    site.write(conf(workers=n))
    site.start()
    for c in waiting:
        assert c.read_response().body == b"hello"
        c.close()
    assert manager.names().count(listen_name(site)) == max(n, 3)
    with Load(site.port(), keepalive=2, fresh=6) as load:
        load.wait_done(100)
    assert not load.failures


def test_upgrade_between(place, manager):
    """What the manager keeps is still right"""
    site = managed(place, manager)
    site.get()
    for _ in range(2):
        site.ctl("upgrade")
    assert counted(site) == 1
    assert manager.names() == [listen_name(site)] * 2 + [SEGMENT]
    assert not any("MAINPID" in s for s in manager.said)
    begin = next(i for i, s in enumerate(manager.said) if "RELOADING=1" in s)
    wait_for(lambda: any("READY=1" in s for s in manager.said[begin:]), "READY after the upgrade")
    wait_for(lambda: len(site.workers()) == 2, "the old workers to end")
    site.restart()
    assert site.all_warm(), site.memory()
    assert counted(site) == 1


def test_failed_upgrade_under_a_manager(place, manager):
    site = managed(place, manager)
    good = site.conf_text
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        site.write(good.replace('"listeners": [', '"listeners": [{"name": "x", "address": "127.0.0.1:%d"},'
                                % taken.getsockname()[1]))
        assert site.ctl("upgrade", check=False).returncode == 1
    wait_for(lambda: "READY=1" in manager.said[-1] or any("READY=1" in s for s in manager.said[-3:]), "READY")
    site.write(good)
    assert manager.names() == [listen_name(site)] * 2 + [SEGMENT]
    site.restart()
    assert site.all_warm(), site.memory()


def test_socket_of_the_operator_beside_ours(place, manager):
    """Socket activation and the store at once"""
    with socket.socket() as own:
        own.bind(("127.0.0.1", 0))
        own.listen()
        port = own.getsockname()[1]
        manager.kept.append(("web.socket", os.dup(own.fileno())))
        site = managed(place, manager, listeners=[{"name": "web", "address": "127.0.0.1:@port:web"},
                                                  {"name": "given", "address": f"127.0.0.1:{port}"}])
        site.ports["given"] = port
        for _ in range(2):
            assert site.get(name="given").body == b"hello" and site.get().body == b"hello"
            assert manager.names().count("web.socket") == 1 and len(manager.kept) == 4
            site.restart()
        site.ctl("upgrade")
        assert site.get(name="given").body == b"hello"
    assert stays(lambda: site.process.poll() is None, 0.1)
