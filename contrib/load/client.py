# SPDX-License-Identifier: BSD-2-Clause
"""What `phased` and `quick` share: a small HTTP/1.1 client on asyncio, and the report."""
import argparse
import asyncio
import ipaddress
import ssl
import sys
import time
from urllib.parse import urlsplit

BODY = b"0123456789abcdef" * 64  # 1 KiB for POST requests


class Failure(Exception):
    """The request got no whole, acceptable answer; the text says why."""


class Target:
    def __init__(self, url):
        parts = urlsplit(url if "//" in url else "http://" + url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("not an http URL: " + url)
        self.host = parts.hostname
        self.tls = ssl.create_default_context() if parts.scheme == "https" else None
        self.port = parts.port or (443 if self.tls else 80)
        self.path = (parts.path or "/") + ("?" + parts.query if parts.query else "")
        self.authority = parts.netloc.rpartition("@")[2]

    def is_local(self):
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"

    def request(self, method):
        head = "%s %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: tiercel-load\r\nAccept: */*\r\n" % (
            method, self.path, self.authority)
        if method == "POST":
            head += "Content-Type: application/octet-stream\r\nContent-Length: %d\r\n" % len(BODY)
            return head.encode() + b"\r\n" + BODY
        return head.encode() + b"\r\n"


class Connection:
    """One keep-alive connection; opened when first used, and again after the server closed it."""

    resent = 0  # all connections: requests sent again because an idle connection was closed

    def __init__(self, target):
        self.target = target
        self.reader = self.writer = None

    async def open(self):
        try:
            self.reader, self.writer = await asyncio.open_connection(
                self.target.host, self.target.port, ssl=self.target.tls)
        except OSError as error:
            raise Failure("connect: " + (error.strerror or str(error)))

    def close(self):
        if self.writer:
            self.writer.close()
        self.reader = self.writer = None

    async def ask(self, method, timeout):
        """One exchange: (status, body bytes). Anything else is a Failure, and the connection is gone."""
        try:
            return await asyncio.wait_for(self.exchange(method), timeout)
        except asyncio.TimeoutError:
            self.close()
            raise Failure("no whole answer within %g s" % timeout)
        except (OSError, asyncio.IncompleteReadError, ValueError) as error:
            self.close()
            raise Failure("answer cut short: " + type(error).__name__)
        except Failure:
            self.close()
            raise

    async def exchange(self, method):
        fresh = self.writer is None
        if fresh:
            await self.open()
        try:
            self.writer.write(self.target.request(method))
            await self.writer.drain()
            line = await self.reader.readline()
        except ConnectionError:
            line = b""
        if not line:
            # a server may close an idle connection at any moment: one new attempt, as browsers do
            self.close()
            if fresh or method != "GET":
                raise Failure("closed without an answer")
            Connection.resent += 1
            return await self.exchange(method)
        while True:
            status = int(line.split()[1])
            fields = await self.fields()
            if status >= 200:
                break
            line = await self.reader.readline()
        size = await self.body(status, fields)
        if "close" in fields.get("connection", "") or line.startswith(b"HTTP/1.0"):
            self.close()
        return status, size

    async def fields(self):
        out = {}
        while True:
            line = await self.reader.readline()
            if line in (b"\r\n", b"\n"):
                return out
            if not line.endswith(b"\n"):
                raise Failure("answer cut short: head")
            name, _, value = line.decode("latin-1").partition(":")
            out[name.strip().lower()] = value.strip().lower()

    async def body(self, status, fields):
        if status in (204, 304):
            return 0
        if "chunked" in fields.get("transfer-encoding", ""):
            size = 0
            while True:
                n = int((await self.reader.readline()).split(b";")[0], 16)
                await self.skip(n)
                if not n:
                    await self.fields()
                    return size
                await self.reader.readline()
                size += n
        if "content-length" in fields:
            size = int(fields["content-length"])
            await self.skip(size)
            return size
        size = len(await self.reader.read())
        self.close()
        return size

    async def skip(self, size):
        while size:
            size -= len(await self.reader.readexactly(min(size, 65536)))


class Report:
    def __init__(self, name):
        self.name = name
        self.times = []  # seconds, of whole answers
        self.statuses = {}
        self.failures = {}
        self.bytes = 0
        self.began = time.monotonic()
        self.ended = None

    def good(self, status, size, seconds):
        self.times.append(seconds)
        self.bytes += size
        self.statuses[status] = self.statuses.get(status, 0) + 1
        if status >= 500:
            self.bad("status %d" % status)

    def bad(self, why):
        self.failures[why] = self.failures.get(why, 0) + 1

    def failed(self):
        return sum(self.failures.values())

    def lost(self):
        return sum(n for why, n in self.failures.items() if not why.startswith("status "))

    def quantile(self, q):
        return 1000 * self.times[min(len(self.times) - 1, int(q * len(self.times)))]

    def line(self):
        self.times.sort()
        seconds = (self.ended or time.monotonic()) - self.began
        n = len(self.times)
        text = "%-22s %6.1f s  %7d requests  %8.1f/s  %8.2f MB/s  failed %d" % (
            self.name, seconds, n + self.lost(), n / seconds, self.bytes / seconds / 1e6, self.failed())
        if n:
            text += "\n%22s p50 %.1f ms   p90 %.1f ms   p99 %.1f ms   max %.1f ms   statuses %s" % (
                "", self.quantile(.5), self.quantile(.9), self.quantile(.99), 1000 * self.times[-1],
                " ".join("%d:%d" % item for item in sorted(self.statuses.items())))
        if Connection.resent:
            text += "\n%22s %d sent again on a new connection" % ("", Connection.resent)
        for why, count in sorted(self.failures.items()):
            text += "\n%22s %d x %s" % ("", count, why)
        return text


def options(doc, **more):
    """The command line that both share; <more> adds numbers with their defaults and bounds."""
    parser = argparse.ArgumentParser(description=doc.strip(),
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("url", help="for example http://127.0.0.1:8080/")
    parser.add_argument("--posts", type=float, default=20, metavar="PERCENT",
                        help="share of POST requests with a 1 KiB body (default 20)")
    parser.add_argument("--timeout", type=float, default=10, help="seconds per request (default 10)")
    parser.add_argument("--remote", action="store_true",
                        help="allow a target that is not this machine: you answer for it")
    for name, (default, low, high, text) in more.items():
        parser.add_argument("--" + name, type=type(default), default=default,
                            help="%s (default %g, %g to %g)" % (text, default, low, high))
    args = parser.parse_args()
    for name, (_, low, high, _) in more.items():
        if not low <= getattr(args, name) <= high:
            parser.error("--%s: from %g to %g" % (name, low, high))
    try:
        args.target = Target(args.url)
    except ValueError as error:
        parser.error(str(error))
    if not args.target.is_local() and not args.remote:
        parser.error("%s is not this machine; say --remote if you mean it" % args.target.host)
    args.method = lambda i: "POST" if (i * args.posts) % 100 >= 100 - args.posts else "GET"
    return args


def run(main, *args):
    """Runs the coroutine to its end; exit status 1 when a request failed."""
    try:
        failed = asyncio.run(main(*args))
    except KeyboardInterrupt:
        sys.exit(130)
    sys.exit(1 if failed else 0)
