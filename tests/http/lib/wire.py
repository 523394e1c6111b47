# SPDX-License-Identifier: BSD-2-Clause
"""HTTP/1.1 on a raw socket, read strictly: every deviation from RFC 9112 in what tiercel sends is
an error, so that the tests cannot overlook a sloppy proxy. Shared by the client and the origin."""

import re
import socket
import struct
import time

from .wait import DEADLINE

TOKEN = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+\Z")
VALUE = re.compile(rb"(?:[\x21-\x7e\x80-\xff](?:[\t \x21-\x7e\x80-\xff]*[\x21-\x7e\x80-\xff])?)?\Z")
STATUS_LINE = re.compile(rb"HTTP/(1\.[01]) ([1-9][0-9][0-9]) ([\t \x21-\x7e\x80-\xff]*)\Z")
REQUEST_LINE = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+) ([\x21-\x7e]+) HTTP/(1\.[01])\Z")
DIGITS = re.compile(rb"[0-9]+\Z")
HEX = re.compile(rb"[0-9A-Fa-f]+\Z")


class Malformed(AssertionError):
    """The peer broke the protocol."""


class Truncated(Malformed):
    """The connection ended inside a message: for a body that is the honest sign of trouble."""


class Fields(list):
    """Header fields in order, as (name, value) in text (latin-1)."""

    def all(self, name):
        return [v for n, v in self if n.lower() == name.lower()]

    def get(self, name, default=None):
        found = self.all(name)
        return ", ".join(found) if found else default

    def one(self, name):
        found = self.all(name)
        assert len(found) == 1, f"{name} appears {len(found)} times in {list(self)}"
        return found[0]

    def members(self, name):
        return [m.strip() for v in self.all(name) for m in v.split(",") if m.strip()]

    def __contains__(self, name):
        return bool(self.all(name))


class Message:
    """One request or response. body is None until it was read; complete says it was read whole."""

    def __init__(self, version, fields, raw_head):
        self.version, self.fields, self.raw_head = version, fields, raw_head
        self.body = None
        self.trailers = Fields()
        self.complete = False
        self.interim = []

    def __getitem__(self, name):
        return self.fields.one(name)

    def keep_alive(self):
        options = [m.lower() for m in self.fields.members("Connection")]
        return "close" not in options and (self.version == "1.1" or "keep-alive" in options)


class Response(Message):
    status = reason = None

    def __repr__(self):
        return f"<{self.status} {list(self.fields)} {self.body if self.body is None else self.body[:80]}>"


class Request(Message):
    method = target = None

    @property
    def path(self):
        return self.target.split("?")[0]

    def __repr__(self):
        return f"<{self.method} {self.target} {list(self.fields)}>"


class Stream:
    """A socket with strict reads. Everything has a deadline; a silent peer is a failed test."""

    def __init__(self, sock, timeout=DEADLINE):
        self.sock, self.timeout = sock, timeout
        sock.settimeout(timeout)
        self.buf = bytearray()
        self.eof = False      # the peer ended the stream
        self.was_reset = False  # ... and not cleanly
        self.n_read = 0

    # -- bytes out

    def send(self, data):
        """All of it; the deadline is for each step, as a slow reader may take long for the whole."""
        view = memoryview(as_bytes(data))
        while view:
            view = view[self.sock.send(view):]
        return self

    def send_slowly(self, data, piece=1, pause=0.002):
        for i in range(0, len(data), piece):
            self.send(data[i:i + piece])
            time.sleep(pause)
        return self

    def try_send(self, data):
        """Sends what the peer takes; True when all of it went."""
        try:
            self.send(data)
            return True
        except OSError:
            return False

    def half_close(self):
        self.sock.shutdown(socket.SHUT_WR)
        return self

    def close(self):
        try:
            self.sock.close()
        except OSError:
            pass

    def reset(self):
        """Ends with RST instead of FIN."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.close()

    # -- bytes in

    def fill(self, n=65536):
        """Waits for more bytes; False at the end of the stream."""
        if self.eof:
            return False
        try:
            data = self.sock.recv(n)
        except socket.timeout:
            raise AssertionError(f"nothing came for {self.timeout:.0f} s; so far {bytes(self.buf[:200])!r}")
        except ConnectionError:
            self.eof = self.was_reset = True
            return False
        if not data:
            self.eof = True
            return False
        self.n_read += len(data)
        self.buf += data
        return True

    def take(self, n):
        data = bytes(self.buf[:n])
        del self.buf[:n]
        return data

    def read_exactly(self, n):
        while len(self.buf) < n:
            if not self.fill():
                raise Truncated(f"end after {len(self.buf)} of {n} bytes")
        return self.take(n)

    def read_until(self, mark):
        while mark not in self.buf:
            if not self.fill():
                raise Truncated(f"end before {mark!r}: {bytes(self.buf[:300])!r}")
        return self.take(self.buf.index(mark) + len(mark))

    def read_all(self):
        """Everything up to the end, clean or not."""
        while self.fill():
            pass
        return self.take(len(self.buf))

    def silent(self, seconds):
        """True when neither a byte nor the end comes for <seconds>."""
        if self.buf or self.eof:
            return False
        self.sock.settimeout(max(seconds, 0.001))
        try:
            data = self.sock.recv(65536)
            self.buf += data
            self.eof = not data
            return False
        except socket.timeout:
            return True
        except ConnectionError:
            self.eof = self.was_reset = True
            return False
        finally:
            self.sock.settimeout(self.timeout)

    def expect_end(self, clean=None):
        """Nothing more may come but the end of the stream."""
        rest = self.read_all()
        assert not rest, f"unexpected bytes before the end: {rest[:300]!r}"
        if clean is not None:
            assert clean != self.was_reset, "ended " + ("with a reset" if self.was_reset else "cleanly")
        return self

    # -- HTTP

    def read_line(self):
        while b"\n" not in self.buf:
            if not self.fill():
                raise Truncated(f"end inside a line: {bytes(self.buf[:300])!r}")
        line = self.take(self.buf.index(b"\n") + 1)
        if not line.endswith(b"\r\n") or b"\r" in line[:-2] or b"\0" in line:
            raise Malformed(f"bad line end: {line!r}")
        return line[:-2]

    def read_fields(self, raw=None):
        fields = Fields()
        while True:
            line = self.read_line()
            if raw is not None:
                raw += line + b"\r\n"
            if not line:
                return fields
            name, colon, value = line.partition(b":")
            value = value.strip(b" \t")
            if not colon or not TOKEN.match(name) or not VALUE.match(value):
                raise Malformed(f"bad field line {line!r}")
            fields.append((name.decode("latin-1"), value.decode("latin-1")))

    def read_response_head(self):
        raw = bytearray()
        line = self.read_line()
        raw += line + b"\r\n"
        m = STATUS_LINE.match(line)
        if not m:
            raise Malformed(f"bad status line {line!r}")
        fields = self.read_fields(raw)
        r = Response(m[1].decode(), fields, bytes(raw))
        r.status, r.reason = int(m[2]), m[3].decode("latin-1")
        check_framing(r)
        return r

    def read_request_head(self):
        """The next request's head, or None when the stream ended before its first byte."""
        if not self.buf and not self.fill():
            return None
        raw = bytearray()
        line = self.read_line()
        raw += line + b"\r\n"
        m = REQUEST_LINE.match(line)
        if not m:
            raise Malformed(f"bad request line {line!r}")
        fields = self.read_fields(raw)
        r = Request(m[3].decode(), fields, bytes(raw))
        r.method, r.target = m[1].decode(), m[2].decode()
        check_framing(r)
        if r.version == "1.1" and len(fields.all("Host")) != 1:
            raise Malformed(f"not exactly one Host: {r}")
        return r

    def body_of(self, message, method=None):
        """A Body reader for what follows the head (RFC 9112 6.3)."""
        f = message.fields
        if isinstance(message, Response):
            if method == "HEAD" or message.status < 200 or message.status in (204, 304):
                return Body(self, message, "none")
        if "Transfer-Encoding" in f:
            return Body(self, message, "chunked")
        if "Content-Length" in f:
            return Body(self, message, "length", int(f.one("Content-Length")))
        return Body(self, message, "close" if isinstance(message, Response) else "none")

    def read_response(self, method="GET"):
        """The final response, whole; 1xx before it are in .interim. 101 has no body: a tunnel."""
        interim = []
        while True:
            r = self.read_response_head()
            if r.status >= 200 or r.status == 101:
                break
            interim.append(r)
        r.interim = interim
        self.body_of(r, method).read()
        return r

    def read_request(self):
        r = self.read_request_head()
        if r is not None:
            self.body_of(r).read()
        return r


def check_framing(m):
    """What no sender may do (RFC 9112 6.1, 6.2, 6.3)."""
    te, cl = m.fields.all("Transfer-Encoding"), m.fields.all("Content-Length")
    if te:
        if cl:
            raise Malformed(f"Content-Length beside Transfer-Encoding: {m}")
        if len(te) > 1 or te[0].lower() != "chunked" or m.version == "1.0":
            raise Malformed(f"bad Transfer-Encoding: {m}")
    if cl and (len(cl) > 1 or not DIGITS.match(cl[0].encode("latin-1"))):
        raise Malformed(f"bad Content-Length: {m}")
    if isinstance(m, Response) and (te or cl) and (m.status < 200 or m.status == 204):
        raise Malformed(f"framing on a {m.status}: {m}")  # RFC 9110 8.6, RFC 9112 6.1


class Body:
    """Reads one message's body piece by piece."""

    def __init__(self, stream, message, kind, length=0):
        self.s, self.m, self.kind, self.left = stream, message, kind, length
        self.chunks = []  # sizes seen
        self.in_chunk = 0
        self.done = kind == "none" or (kind == "length" and not length)
        if self.done:
            self._end()

    def _end(self):
        self.done = True
        self.m.complete = True

    def some(self):
        """The next bytes as they arrive; b"" at the end."""
        if self.done:
            return b""
        if self.kind == "chunked":
            return self._some_chunked()
        if not self.s.buf and not self.s.fill():
            if self.kind == "close" and not self.s.was_reset:
                self._end()
                return b""
            raise Truncated(f"body ended early, {self.left} bytes missing")
        data = self.s.take(len(self.s.buf) if self.kind == "close" else min(self.left, len(self.s.buf)))
        if self.kind == "length":
            self.left -= len(data)
            if not self.left:
                self._end()
        return data

    def _some_chunked(self):
        if not self.in_chunk:
            line = self.s.read_line()
            if not HEX.match(line):  # no extension is ever sent by tiercel, nor by our own origin
                raise Malformed(f"bad chunk line {line!r}")
            self.in_chunk = int(line, 16)
            self.chunks.append(self.in_chunk)
            if not self.in_chunk:
                self.m.trailers = self.s.read_fields()
                self._end()
                return b""
        if not self.s.buf and not self.s.fill():
            raise Truncated("body ended inside a chunk")
        data = self.s.take(min(self.in_chunk, len(self.s.buf)))
        self.in_chunk -= len(data)
        if not self.in_chunk and self.s.read_exactly(2) != b"\r\n":
            raise Malformed("no CRLF behind a chunk")
        return data

    def exactly(self, n):
        data = b""
        while len(data) < n:
            piece = self.some()
            if not piece:
                raise Truncated(f"body has {len(data)} bytes, not {n}")
            data += piece
        return data

    def read(self, limit=64 << 20):
        pieces, n = [], 0
        self.m.body = b""
        while True:
            piece = self.some()
            if not piece:
                break
            pieces.append(piece)
            n += len(piece)
            assert n <= limit, "the body never ends"
        self.m.body = b"".join(pieces)
        return self.m.body

    def drain(self, into=None):
        """Reads to the end without keeping; into.update() gets the bytes. Returns how many."""
        n = 0
        while True:
            piece = self.some()
            if not piece:
                return n
            n += len(piece)
            if into is not None:
                into.update(piece)


class Client(Stream):
    """A raw client connection to a port, a unix path, or (host, port)."""

    def __init__(self, to, timeout=DEADLINE, rcvbuf=None, source=None):
        if isinstance(to, int):
            to = ("127.0.0.1", to)
        family = socket.AF_UNIX if isinstance(to, str) else (
            socket.AF_INET6 if ":" in to[0] else socket.AF_INET)
        sock = socket.socket(family)
        if rcvbuf:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, rcvbuf)
        if source:
            sock.bind((source, 0))
        sock.settimeout(timeout)
        sock.connect(to)
        if family != socket.AF_UNIX:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        super().__init__(sock, timeout)

    def request(self, method="GET", target="/", *fields, body=None, host="test", version="1.1"):
        """Sends a well-formed request. fields are "Name: value" lines; body sets Content-Length."""
        self.send(request(method, target, *fields, body=body, host=host, version=version))
        return self

    def ask(self, method="GET", target="/", *fields, **kw):
        self.request(method, target, *fields, **kw)
        return self.read_response(method)


def as_bytes(text):
    return text if isinstance(text, bytes) else text.encode("latin-1")


def request(method="GET", target="/", *fields, body=None, host="test", version="1.1"):
    lines = [f"{method} {target} HTTP/{version}"]
    if host is not None:
        lines.append(f"Host: {host}")
    lines += fields
    if body is not None:
        lines.append(f"Content-Length: {len(body)}")
    return as_bytes("\r\n".join(lines) + "\r\n\r\n") + as_bytes(body or b"")


REASONS = {200: "OK", 204: "No Content", 304: "Not Modified", 404: "Not Found"}


def response(status=200, body=b"", *fields, version="1.1", length=True):
    """A well-formed response with Content-Length (unless length=False)."""
    body = as_bytes(body)
    lines = [f"HTTP/{version} {status} {REASONS.get(status, 'Status')}"]
    lines += fields
    if length and status >= 200 and status not in (204, 304):
        lines.append(f"Content-Length: {len(body)}")
    return as_bytes("\r\n".join(lines) + "\r\n\r\n") + body


def chunked(*pieces, trailers=()):
    """The chunked coding of some pieces."""
    out = b"".join(b"%x\r\n%s\r\n" % (len(as_bytes(p)), as_bytes(p)) for p in pieces)
    return out + b"0\r\n" + b"".join(as_bytes(t) + b"\r\n" for t in trailers) + b"\r\n"
