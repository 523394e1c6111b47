# SPDX-License-Identifier: BSD-2-Clause
"""A scripted origin on a raw socket: sends exactly the bytes a test says, with any pause, close or
reset in between, and remembers what came in.

    Origin()                        "hello" to everything, keep-alive
    Origin(b"HTTP/1.1 ...")         these bytes to everything
    Origin(fn)                      fn(conn, request) per whole request; returns bytes, or None
                                    when it has done all itself
    Origin(head=fn)                 fn(conn, request) once the head is there, body not yet read
    Origin(conn=fn)                 fn(conn) per connection
"""

import os
import socket
import struct
import threading

from .wait import DEADLINE, wait_for
from .wire import Malformed, Stream, Truncated, response


class Conn(Stream):
    """One connection at the origin."""

    def __init__(self, origin, sock, number):
        super().__init__(sock)
        self.origin, self.number = origin, number
        self.requests = []
        self.received = bytearray()  # the first MiB, exactly as it came
        self.closed_by_peer = threading.Event()
        self.ended = threading.Event()  # the script is through

    def fill(self, n=65536):
        before = len(self.buf)
        more = super().fill(n)
        if more:
            with self.origin.lock:
                self.origin.bytes += len(self.buf) - before
            if len(self.received) < 1 << 20:
                self.received += self.buf[before:]
        else:
            self.closed_by_peer.set()
        return more

    def read_request_head(self):
        self.sock.settimeout(None)  # a connection may be idle for as long as the proxy likes
        if not self.buf and not self.fill():
            return None
        self.sock.settimeout(self.timeout)
        r = super().read_request_head()
        if r is not None:
            r.conn = self
            self.requests.append(r)
            with self.origin.lock:
                self.origin.requests.append(r)
        return r

    def wait_closed(self, timeout=DEADLINE):
        """Waits until the peer ends the connection; "eof" or "reset". Drops what still comes."""
        self.sock.settimeout(timeout)
        while self.fill():
            self.buf.clear()
        return "reset" if self.was_reset else "eof"


class Origin:
    def __init__(self, answer=None, *, conn=None, head=None, address=None, backlog=1024,
                 accept=True, rcvbuf=None):
        self.answer = answer if answer is not None else response(200, "hello", "Content-Type: text/plain")
        self.head = head
        self.script = conn or self.keep_alive
        self.lock = threading.Lock()
        self.requests, self.connections, self.errors = [], [], []
        self.bytes = 0
        self.expect_trouble = False  # a test that breaks the protocol on purpose sets it
        self.closing = False
        self.path = address
        self.backlog, self.rcvbuf = backlog, rcvbuf
        self.port = None
        self._open()
        if accept:
            self._start()

    # -- life cycle

    def _open(self):
        if self.path:
            self.listener = socket.socket(socket.AF_UNIX)
            if os.path.exists(self.path):
                os.unlink(self.path)
            self.listener.bind(self.path)
            os.chmod(self.path, 0o777)
        else:
            self.listener = socket.socket()
            self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if self.rcvbuf:
                self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, self.rcvbuf)
            self.listener.bind(("127.0.0.1", self.port or 0))
            self.port = self.listener.getsockname()[1]
        self.listener.listen(self.backlog)

    def _start(self):
        self.thread = threading.Thread(target=self._accept, args=(self.listener,), daemon=True)
        self.thread.start()

    @property
    def address(self):
        return f"unix:{self.path}" if self.path else f"127.0.0.1:{self.port}"

    def stop_listening(self):
        """New connections are refused from now on; open ones go on."""
        self.closing = True
        try:
            self.listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.listener.close()

    def listen_again(self):
        self.closing = False
        self._open()
        self._start()

    def close(self):
        self.stop_listening()
        for c in list(self.connections):
            try:
                c.sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        for c in list(self.connections):
            c.ended.wait(5)
            c.close()

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.close()

    def _accept(self, listener):
        while not self.closing:
            try:
                sock, _ = listener.accept()
            except OSError:
                return
            if not self.path:
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self.lock:
                c = Conn(self, sock, len(self.connections))
                self.connections.append(c)
            threading.Thread(target=self._serve, args=(c,), daemon=True).start()

    def _serve(self, c):
        try:
            self.script(c)
        except (Truncated, OSError):
            pass  # the proxy left in the middle: tests look at complete, closed_by_peer
        except Exception as e:
            if not self.closing:
                self.errors.append(e)
        finally:
            c.close()
            c.ended.set()

    # -- what it says

    def keep_alive(self, c):
        """Answers request after request until one side ends."""
        while True:
            r = c.read_request_head()
            if r is None:
                return
            if self.head:
                out = self.head(c, r)
            else:
                c.body_of(r).read()
                out = self.answer(c, r) if callable(self.answer) else self.answer
                if r.method == "HEAD" and not callable(self.answer):
                    out = out[:out.index(b"\r\n\r\n") + 4]
            if out is not None:
                c.send(out)
            if c.eof or c.sock.fileno() < 0:
                return
            if not r.keep_alive() or (out and b"\r\nconnection: close\r\n" in out.lower()) \
                    or (out and out.startswith(b"HTTP/1.0")):
                return

    # -- what it saw

    def paths(self):
        with self.lock:
            return [r.path for r in self.requests]

    def saw(self, path):
        with self.lock:
            return [r for r in self.requests if r.path == path]

    def wait_requests(self, n, timeout=DEADLINE):
        wait_for(lambda: len(self.requests) >= n, f"{n} requests at the origin, saw {len(self.requests)}",
                 timeout)
        return self.requests[n - 1]

    def wait_connections(self, n, timeout=DEADLINE):
        wait_for(lambda: len(self.connections) >= n, f"{n} connections at the origin", timeout)
        return self.connections[n - 1]

    def open_connections(self):
        return [c for c in self.connections if not c.ended.is_set()]

    def check(self):
        """No script may have failed: what the proxy sends is well formed."""
        if not self.expect_trouble:
            assert not self.errors, f"at the origin: {self.errors[0]!r}"


def reset_now(c):
    """For scripts: end with RST."""
    c.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    c.sock.close()


class BlackHole:
    """A listening socket that never accepts and whose backlog is full, so that a connect hangs."""

    def __init__(self):
        self.listener = socket.socket()
        self.listener.bind(("127.0.0.1", 0))
        self.listener.listen(0)
        self.port = self.listener.getsockname()[1]
        self.fillers = []
        for _ in range(8):
            s = socket.socket()
            s.setblocking(False)
            try:
                s.connect(("127.0.0.1", self.port))
            except BlockingIOError:
                pass
            self.fillers.append(s)

    @property
    def address(self):
        return f"127.0.0.1:{self.port}"

    def close(self):
        for s in self.fillers + [self.listener]:
            s.close()

    def check(self):
        pass


__all__ = ["BlackHole", "Conn", "Malformed", "Origin", "reset_now"]
