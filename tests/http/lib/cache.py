# SPDX-License-Identifier: BSD-2-Clause
"""Tools for the tests of the cache: an origin whose answers a test lays out path by path, a site with
one route per host name, and a strict reader of Cache-Status."""

import hashlib
import itertools
import re
import selectors
import socket
import struct
import threading
import time
from email.utils import formatdate

from .promtext import Metrics
from .proxy import merged, simple
from .wait import DEADLINE
from .wire import Stream, as_bytes, request, response

MEMBER = re.compile(r"([A-Za-z*][A-Za-z0-9.:/*!#$%&'+^_`|~-]*)((?:; ?[a-z*][a-z0-9_.*-]*"
                    r"(?:=(?:-?[0-9]{1,15}|[A-Za-z*][A-Za-z0-9.:/*!#$%&'+^_`|~-]*|\"[^\"]*\"))?)*)\Z")
KNOWN = {"hit", "fwd", "fwd-status", "ttl", "stored", "collapsed", "key", "detail"}
FWD = {"bypass", "method", "uri-miss", "vary-miss", "miss", "request", "stale", "partial"}


class CacheStatus(dict):
    """The parameters of our member (RFC 9211 2), which has to be the last one."""

    def __init__(self, message):
        super().__init__()
        members = message.fields.members("Cache-Status")
        assert members, f"no Cache-Status: {message}"
        parsed = [MEMBER.match(m) for m in members]
        assert all(parsed), f"not a list of items: {members}"
        assert [m[1] for m in parsed].count("tiercel") == 1 and parsed[-1][1] == "tiercel", members
        self.others = members[:-1]
        for part in parsed[-1][2].split(";")[1:]:
            name, eq, value = part.strip().partition("=")
            assert name in KNOWN and name not in self, members
            self[name] = (int(value) if re.match(r"-?\d+\Z", value) else value) if eq else True
        assert ("hit" in self) != ("fwd" in self), f"either hit or fwd (RFC 9211 2.1, 2.2): {members}"
        assert self.get("fwd", "miss") in FWD, members

    @property
    def hit(self):
        return "hit" in self


def status_of(message):
    return CacheStatus(message)


def is_hit(message):
    return CacheStatus(message).hit


def date(seconds=0, now=None):
    """An HTTP-date so many seconds from now."""
    return formatdate((now or time.time()) + seconds, usegmt=True)


def pattern(name, size):
    """Bytes that tell one object from another, and every place in it from every other."""
    return hashlib.shake_128(str(name).encode()).digest(size)


class Shelf:
    """Answers by path. put(path, a, b, c): a to the first request, b to the second, c from then on;
    each bytes, or fn(conn, request) returning bytes or None. Other paths: 500."""

    def __init__(self):
        self.lock = threading.Lock()
        self.answers, self.given = {}, {}

    def put(self, path, *answers):
        with self.lock:
            self.answers[path], self.given[path] = answers, 0
        return path

    def __call__(self, c, r):
        with self.lock:
            answers = self.answers.get(r.path)
            n = self.given.get(r.path, 0)
            self.given[r.path] = n + 1
        if not answers:
            return response(500, f"nothing on the shelf for {r.path}")
        answer = answers[min(n, len(answers) - 1)]
        if callable(answer):
            return answer(c, r)
        if r.method == "HEAD":
            return answer[:answer.index(b"\r\n\r\n") + 4]
        return answer


_numbers = itertools.count(1)


def fresh_path(name="o"):
    """A path that no test has used yet."""
    return f"/{name}-{next(_numbers)}"


def ok(body=b"hello", *fields, cc="max-age=60", status=200):
    """A cacheable answer."""
    given = (f"Cache-Control: {cc}",) if cc else ()
    return response(status, body, "Content-Type: text/plain", *given, *fields)


class CacheSite:
    """A proxy in front of a Shelf. hosts: {host name: additions to its route}; every other host has a
    route without a word about the cache."""

    def __init__(self, place, hosts=None, *, upstream=None, listener=None, **top):
        self.shelf = Shelf()
        self.origin = place.origin(self.shelf)
        routes = [merged({"match": {"host": name}, "upstream": "origin"}, more)
                  for name, more in (hosts or {}).items()] + [{"upstream": "origin"}]
        self.conf = simple(self.origin, routes=routes, upstream=upstream, listener=listener, **top)
        self.proxy = place.proxy(self.conf)

    def put(self, *answers, name="o"):
        return self.shelf.put(fresh_path(name), *answers)

    def asked(self, path):
        """How often the origin was asked for it."""
        return len(self.origin.saw(path))

    def get(self, path, *fields, host="test", **kw):
        return self.proxy.get(path, *fields, host=host, **kw)

    def warm(self, path, *fields, host="test", **kw):
        """Asks once, and makes sure that the next one could be a hit."""
        r = self.get(path, *fields, host=host, **kw)
        assert status_of(r).get("stored"), r
        return r

    def client(self, **kw):
        return self.proxy.client(**kw)

    def metric(self, name, **labels):
        """The sum over all samples of a metric (needs admin.listen with @port:admin)."""
        return Metrics(self.proxy.get("/metrics", name="admin").body.decode()).sum(name, **labels)


class Answer:
    """One client of a herd: the bytes, when the first and the last came, and how it ended."""

    def __init__(self, method):
        self.method, self.raw, self.first, self.last, self.was_reset = method, bytearray(), None, None, False

    def parsed(self):
        """The response; Truncated if it is not whole."""
        s = Stream.__new__(Stream)
        s.buf, s.eof, s.was_reset, s.n_read = bytearray(self.raw), True, self.was_reset, 0
        r = s.read_response(self.method)
        assert not s.buf, f"more than one answer: {bytes(s.buf[:100])!r}"
        return r


class Herd:
    """Many clients that ask at the same moment, in one thread: connects first, then sends all, then reads
    until each is closed. started is the time of the first send."""

    def __init__(self, port, n, path, *fields, host="test", method="GET", rcvbuf=None, version="1.1"):
        self.socks, self.answers = [], []
        self.text = request(method, path, "Connection: close", *fields, host=host, version=version)
        for _ in range(n):
            s = socket.socket()
            if rcvbuf:
                s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, rcvbuf)
            s.connect(("127.0.0.1", port))
            s.setblocking(False)
            self.socks.append(s)
            self.answers.append(Answer(method))

    def send(self):
        self.started = time.monotonic()
        for s in self.socks:
            s.send(self.text)
        return self

    def read(self, timeout=DEADLINE):
        """All answers; fails if one does not end."""
        sel = selectors.DefaultSelector()
        for s, a in zip(self.socks, self.answers):
            sel.register(s, selectors.EVENT_READ, a)
        end = time.monotonic() + timeout
        while sel.get_map():
            ready = sel.select(0.5)
            now = time.monotonic()
            for key, _ in ready:
                a, data = key.data, b""
                try:
                    data = key.fileobj.recv(1 << 18)
                except ConnectionError:
                    a.was_reset = True
                a.raw += data
                a.first = a.first or (now if data else None)
                if not data:
                    a.last = now
                    sel.unregister(key.fileobj)
                    key.fileobj.close()
            assert now < end, f"{len(sel.get_map())} of {len(self.socks)} clients got no end"
        return self.answers

    def run(self, timeout=DEADLINE):
        return self.send().read(timeout)

    @property
    def took(self):
        return max(a.last for a in self.answers) - self.started

    @property
    def spread(self):
        """Between the first client that was done and the last."""
        return max(a.last for a in self.answers) - min(a.last for a in self.answers)


def data_segments_in(sock):
    """TCP segments with data that came in (tcpi_data_segs_in)."""
    info = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 192)
    return struct.unpack_from("I", info, 152)[0]


def multipart(message):
    """The parts of a multipart/byteranges answer (RFC 9110 14.6): [(first, last, total, type, data)]."""
    m = re.match(r'multipart/byteranges; boundary="?([0-9A-Za-z\'()+_,./:=?-]{1,70})"?\Z', message["Content-Type"])
    assert m, message
    rest, out = b"\r\n" + message.body, []
    mark = b"\r\n--" + as_bytes(m[1])
    begin, *parts = rest.split(mark)
    assert begin == b"" and parts and parts[-1] in (b"--", b"--\r\n"), message
    for p in parts[:-1]:
        assert p.startswith(b"\r\n"), p
        head, found, data = p[2:].partition(b"\r\n\r\n")
        assert found, p
        fields = dict(l.split(": ", 1) for l in head.decode().split("\r\n"))
        r = re.match(r"bytes (\d+)-(\d+)/(\d+)\Z", fields["Content-Range"])
        out.append((int(r[1]), int(r[2]), int(r[3]), fields.get("Content-Type"), data))
    return out
