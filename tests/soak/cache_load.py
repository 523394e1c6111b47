# SPDX-License-Identifier: BSD-2-Clause
"""Load on the cache in which every byte is checked: used by cache_kill.py and cache_reload.py.

The body of an object is a function of its name, its version and its variant, so that a client knows what
it must get: a slice of one large block of random bytes, at a place of its own. The origin counts the
version up when it gets a POST; an answer that was begun after that POST was answered must not be older."""

import hashlib
import json
import os
import random
import re
import signal
import socket
import sys
import threading
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "http"))

from lib import Client, DEADLINE, Truncated, chunked, procfs
from lib.wire import Stream

KIB, MIB = 1 << 10, 1 << 20
BLOB = random.Random(42).randbytes(16 * MIB)
VIEW = memoryview(BLOB)
SIZES = [0, 1, 100, 500, 900, 2000, 3500, 4000, 5000, 9000, 15000, 16384, 20000, 40000, 65536, 100000, 200000, 300000,
         700000, MIB, 3 * MIB]
WEIGHTS = [3] + [8] * 13 + [4] * 4 + [2, 2, 1]
N_KINDS = 10
FAULTY = 9
TAGGED = (0, 1, 2, 8)


class Object:
    """What is known of one URL without asking anybody."""

    def __init__(self, number):
        rnd = random.Random(number)
        self.number, self.path = number, f"/o/{number}"
        self.kind = number % N_KINDS
        self.size = rnd.choices(SIZES, WEIGHTS)[0]
        if self.size:
            self.size = max(1, self.size + rnd.randrange(-40, 40))

    def body(self, version, variant):
        seed = hashlib.blake2b(f"{self.number}/{version}/{variant}".encode(), digest_size=8).digest()
        at = int.from_bytes(seed, "big") % (len(BLOB) - self.size)
        return VIEW[at:at + self.size]

    def fields(self, version, variant):
        """Kind by kind: kept long, validated, refreshed in the background, chunked with and without trailers,
        never stored, by a request field, slow in the middle, validated each time, breaking off at times."""
        cc = ["max-age=3600", "max-age=1", "max-age=1, stale-while-revalidate=20", "max-age=60", "max-age=2",
              "no-store",
              "max-age=60", "max-age=30", "no-cache", "max-age=1"][self.kind]
        out = [f"Cache-Control: {cc}", f"X-Object: {self.number}", f"X-Version: {version}", f"X-Variant: {variant}",
               f"Cache-Tag: t{self.number % 50}"]
        if self.kind in TAGGED:
            out.append(f'ETag: "{self.number}-{version}"')
        if self.kind == 6:
            out.append("Vary: X-Variant")
        return out


# -- the origin, a process of its own


class Server:
    def __init__(self, objects):
        self.objects = objects
        self.versions = [1] * objects
        self.lock = threading.Lock()
        self.catalogue = {}

    def object(self, number):
        if number not in self.catalogue:
            self.catalogue[number] = Object(number)
        return self.catalogue[number]

    def answer(self, c, r):
        number = int(r.path.rpartition("/")[2])
        o = self.object(number)
        if r.method == "POST":
            with self.lock:
                self.versions[number] += 1
                version = self.versions[number]
            return c.send(f"HTTP/1.1 200 OK\r\nX-Version: {version}\r\nContent-Length: 0\r\n\r\n")
        version = self.versions[number]
        variant = r.fields.get("X-Variant", "-") if o.kind == 6 else "-"
        head = ["HTTP/1.1 200 OK"] + o.fields(version, variant)
        if r.fields.get("If-None-Match") == f'"{number}-{version}"':
            head[0] = "HTTP/1.1 304 Not Modified"
            return c.send("\r\n".join(head) + "\r\n\r\n")
        body = o.body(version, variant)
        if o.kind in (3, 4):
            head.append("Transfer-Encoding: chunked")
        else:
            head.append(f"Content-Length: {o.size}")
        c.send("\r\n".join(head) + "\r\n\r\n")
        if r.method == "HEAD":
            return None
        if o.kind in (3, 4):
            step = max(1, o.size // 5 + 1)
            pieces = [bytes(body[i:i + step]) for i in range(0, o.size, step)]
            return c.send(chunked(*pieces, trailers=[f"X-Sum: {version}"] if o.kind == 4 else []))
        if o.kind == FAULTY and o.size and random.random() < 0.3:
            c.send(bytes(body[:random.randrange(o.size)]))
            raise Truncated("on purpose")
        if o.kind == 7:
            half = o.size // 2
            c.send(bytes(body[:half]))
            time.sleep(0.02)
            return c.send(bytes(body[half:]))
        return c.send(bytes(body))

    def serve(self, sock):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        c = Stream(sock, 60)
        try:
            while True:
                sock.settimeout(None)
                r = c.read_request_head()
                if r is None:
                    return
                sock.settimeout(60)
                c.body_of(r).read()
                self.answer(c, r)
        except (OSError, Truncated):
            pass
        finally:
            c.close()

    def run(self, listener):
        while True:
            sock, _ = listener.accept()
            threading.Thread(target=self.serve, args=(sock,), daemon=True).start()


class OriginProcess:
    def __init__(self, objects):
        listener = socket.socket()
        listener.bind(("127.0.0.1", 0))
        listener.listen(1024)
        self.address = "127.0.0.1:%d" % listener.getsockname()[1]
        self.pid = os.fork()
        if not self.pid:
            try:
                signal.signal(signal.SIGINT, signal.SIG_IGN)
                Server(objects).run(listener)
            finally:
                os._exit(0)
        listener.close()

    def close(self):
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)


# -- the clients


class Wrong(AssertionError):
    """A wrong byte, an old version, an answer that nobody could give: never excused."""


class Checked:
    """The state that all clients share, and their figures."""

    def __init__(self, port, objects, seed=1, slow=True):
        self.port, self.objects, self.slow, self.seed = port, objects, slow, seed
        self.catalogue = [Object(i) for i in range(objects)]
        self.order = list(range(objects))
        random.Random(seed).shuffle(self.order)
        self.weights = [1 / (i + 1) ** 0.9 for i in range(objects)]
        self.newest = [1] * objects  # what a POST has been answered with
        self.lock = threading.Lock()
        self.done, self.hits, self.bytes, self.posts, self.left, self.cut, self.purges = 0, 0, 0, 0, 0, 0, 0
        self.cacheable = 0
        self.broken, self.wrong = [], []  # (time, what)
        self.last_good, self.longest_gap, self.gap_at = time.monotonic(), 0.0, 0.0
        self.stopping = False
        self.threads = []

    def start(self, clients):
        self.last_good = time.monotonic()
        self.threads = [threading.Thread(target=self.client, args=(i,), daemon=True) for i in range(clients)]
        for t in self.threads:
            t.start()
        return self

    def purge_too(self, proxy, origin):
        """Beside the clients: changes objects behind the proxy's back and purges them; from then on the old
        version is not to be seen."""
        self.threads.append(threading.Thread(target=self.purger, args=(proxy, int(origin.address.rpartition(":")[2])),
                                             daemon=True))
        self.threads[-1].start()
        return self

    def purger(self, proxy, port):
        rnd = random.Random(self.seed)
        while not self.stopping:
            o = self.catalogue[rnd.choice(self.order[:self.objects // 4])]
            with Client(port) as c:
                version = int(c.ask("POST", o.path, body="x")["X-Version"])
            what = rnd.choice([("url", f"http://test{o.path}"), ("prefix", f"http://test{o.path}"),
                               ("tag", f"t{o.number % 50}"),
                               ("url", f"http://test{o.path}", "--soft"), ("host",
                                       "test"), ("all",)][:rnd.choice((4, 4, 4, 4, 6))])
            r = proxy.ctl("purge", *what, check=False)
            if r.returncode:
                self.wrong.append((time.monotonic(), f"purge {what}: {r.stdout}{r.stderr}"))
            with self.lock:
                if "--soft" not in what:
                    self.newest[o.number] = max(self.newest[o.number], version)
                self.purges += 1
            time.sleep(0.1)

    def stop(self):
        self.stopping = True
        for t in self.threads:
            t.join(2 * DEADLINE)
            if t.is_alive():
                self.wrong.append((time.monotonic(), "a client hangs"))

    def good(self):
        now = time.monotonic()
        with self.lock:
            self.done += 1
            if now - self.last_good > self.longest_gap:
                self.longest_gap, self.gap_at = now - self.last_good, now
            self.last_good = now

    def figures(self):
        """(requests, hits among those that could be)"""
        with self.lock:
            return self.done, self.hits, self.cacheable

    def client(self, number):
        rnd = random.Random(f"{self.seed}-{number}")
        cum, total = [], 0
        for w in self.weights:
            total += w
            cum.append(total)
        c = None
        while not self.stopping:
            begun = time.monotonic()
            try:
                if c is None:
                    c = Client(self.port, timeout=DEADLINE, rcvbuf=16384 if self.slow and rnd.random() < 0.1
                               else None)
                o = self.catalogue[rnd.choices(self.order, cum_weights=cum)[0]]
                try:
                    stays = self.one(c, o, rnd)
                except Truncated:
                    if o.kind != FAULTY:
                        raise
                    stays, self.cut = False, self.cut + 1
                self.good()
                if not stays:
                    c.close()
                    c = None
            except (OSError, Truncated) as e:
                if isinstance(e, TimeoutError):
                    self.wrong.append((time.monotonic(), f"no connection: {e!r}"))
                self.broken.append((time.monotonic(), f"{e!r} after {time.monotonic() - begun:.2f} s"[:200]))
                c = c and c.close()
                time.sleep(0.01)
            except AssertionError as e:
                self.wrong.append((time.monotonic(), repr(e)[:600]))
                c = c and c.close()
        if c:
            c.close()

    def one(self, c, o, rnd):
        """One request with everything checked; does the connection stay?"""
        dice = rnd.random()
        if dice < 0.03:
            return self.change(c, o)
        fields, method, want_range = [], "GET", None
        oldest = self.newest[o.number]
        variant = rnd.choice("abc") if o.kind == 6 else "-"
        if o.kind == 6:
            fields.append(f"X-Variant: {variant}")
        if dice < 0.06 and o.kind in TAGGED:  # without a validator a HEAD may update what it cannot tell apart
            method = "HEAD"
        elif dice < 0.11 and o.size > 10:
            a = rnd.randrange(o.size)
            want_range = (a, rnd.randrange(a, min(o.size, a + 300000)))
            fields.append("Range: bytes=%d-%d" % want_range)
        elif dice < 0.14:
            fields.append("Cache-Control: no-cache")
        elif dice < 0.16:
            fields.append(f'If-None-Match: "{o.number}-{oldest}"')
        c.request(method, o.path, *fields)
        r = c.read_response_head()
        if r.status == 304:
            tag = f'"{o.number}-{oldest}"'
            if f"If-None-Match: {tag}" not in fields or r.fields.get("ETag") != tag:
                raise Wrong(f"304 nobody asked for: {r}")
            return r.keep_alive()
        if o.kind == FAULTY and r.status == 502:
            c.body_of(r, method).read()
            return r.keep_alive()
        if r.status not in (200, 206) or (r.status == 206 and not want_range):
            raise Wrong(f"{r}")
        if r.fields.get("X-Object") != str(o.number) or r.fields.get("X-Variant") != variant:
            raise Wrong(f"head of another object for {o.path} {variant}: {r}")
        version = int(r["X-Version"])
        if version < oldest:
            raise Wrong(f"{o.path}: version {version} after {oldest} was there: {list(r.fields)}")
        want = o.body(version, variant)
        if r.status == 206:
            m = re.match(r"bytes (\d+)-(\d+)/(\d+)\Z", r["Content-Range"])
            if not m or (int(m[1]), int(m[2]), int(m[3])) != (*want_range, o.size):
                raise Wrong(f"{r} for {want_range}")
            want = want[want_range[0]:want_range[1] + 1]
        if "Content-Length" in r.fields and int(r["Content-Length"]) != len(want):
            raise Wrong(f"{o.path}: length {r['Content-Length']}, not {len(want)}")
        if method != "HEAD" and not self.read(c, r, o, want, rnd):
            return False
        status = r.fields.get("Cache-Status", "")
        with self.lock:
            if o.kind not in (5, 8) and not fields[1 if o.kind == 6 else 0:] and method == "GET":
                self.cacheable += 1
                self.hits += "; hit" in status
        return r.keep_alive()

    def read(self, c, r, o, want, rnd):
        body, at = c.body_of(r), 0
        pause = 0.003 if self.slow and rnd.random() < 0.03 else 0
        leave = rnd.randrange(o.size) if self.slow and o.size > 5000 and rnd.random() < 0.02 else None
        while piece := body.some():
            if piece != want[at:at + len(piece)]:
                n = next((i for i, (a, b) in enumerate(zip(piece, want[at:])) if a != b), len(want) - at)
                raise Wrong(f"{o.path} (kind {o.kind}, {o.size} bytes): wrong bytes from {at + n}, they are of "
                            f"{self.whose(piece[n:n + 64])}: {list(r.fields)}")
            at += len(piece)
            if pause:
                time.sleep(pause)
            if leave is not None and at > leave:
                self.left += 1
                c.reset()
                return False
        if at != len(want):
            raise Wrong(f"{o.path}: {at} bytes passed for {len(want)}: {list(r.fields)}")
        self.bytes += at
        return True

    def whose(self, some):
        """For the report: where do such bytes belong?"""
        at = BLOB.find(some)
        if at < 0 or not any(some):
            return f"nobody: {some[:16]!r}"
        out = []
        for o in self.catalogue:
            for version in range(1, self.newest[o.number] + 3):
                for variant in "abc" if o.kind == 6 else "-":
                    seed = hashlib.blake2b(f"{o.number}/{version}/{variant}".encode(), digest_size=8).digest()
                    begin = int.from_bytes(seed, "big") % (len(BLOB) - o.size)
                    if begin <= at < begin + o.size:
                        out.append(f"{o.number}/{version}/{variant} from {at - begin}")
        return ", ".join(out[:10])

    def change(self, c, o):
        """A new version at the origin; its answer makes the old one void here."""
        c.request("POST", o.path, body="x")
        r = c.read_response()
        if r.status != 200:
            raise Wrong(f"POST: {r}")
        with self.lock:
            self.newest[o.number] = max(self.newest[o.number], int(r["X-Version"]))
            self.posts += 1
        return r.keep_alive()


def usage(proxy):
    """(resident private bytes of master and admin, their descriptors, the most descriptors of a worker)"""
    names = {p: procfs.cmdline(p) for p in proxy.children()}
    lasting = [proxy.pid] + [p for p, n in names.items() if n.startswith("tiercel-admin ")]
    workers = [p for p, n in names.items() if n.startswith("tiercel-w")]
    rss = fds = worker_fds = 0
    for p in lasting + workers:
        try:
            if p in workers:
                worker_fds = max(worker_fds, procfs.fds(p))
            else:
                rss += procfs.rss_private(p)
                fds += procfs.fds(p)
        except OSError:
            pass
    return rss, fds, worker_fds


def cache_figures(proxy):
    """Of `tiercelctl cache`."""
    return json.loads(proxy.ctl("cache", "--json").stdout)["space"]


def configuration(origin, *, workers=2, size="16MiB", **top):
    return {"workers": workers, "cache": {"l1": {"size": size}}, "shutdown_grace": "10s",
            "listeners": [{"name": "web", "address": "127.0.0.1:@port:web"}],
            "admin": {"listen": "127.0.0.1:@port:admin"},
            "upstreams": {"o": {"servers": [origin.address], "pool": {"max_connections": 400, "queue": 2000}}},
            "routes": [{"upstream": "o"}], **top}


__all__ = ["Checked", "OriginProcess", "Wrong", "cache_figures", "configuration", "usage"]
