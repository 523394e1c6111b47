#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""A back end with bad manners, for tours and tests: slow, flaky, streaming, big.

    contrib/demo/backend.py [--port N] [--port-file FILE] [--quiet]

    /hello    a greeting, and the request's header fields as they arrived
    /slow     answers after two seconds (?seconds=N)
    /news     takes a second (?seconds=N), says that it may be kept for a minute (?max_age=N, ?swr=N
              for stale-while-revalidate), has an ETag and the tag "news"; knows If-None-Match
    /counts   how many requests came for what since the start
    /stream   chunked text, one line a second (?lines=N, ?interval=S)
    /events   the same as server-sent events
    /big      64 MiB of a known pattern (?mib=N)
    /upload   reads the body (POST, PUT); answers with its length and SHA-256 (?delay=S per 64 KiB)
    /flaky    in turn: 200, 500, an answer cut in the middle, a closed connection
"""
import argparse
import collections
import hashlib
import itertools
import json
import os
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

BLOCK = bytes(range(256)) * 256  # 64 KiB of a pattern that shows shifted or mixed bytes
turns = itertools.count()
counts = collections.Counter()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # head and body are two writes
    timeout = 60

    def version_string(self):
        return "demo-backend"

    def setup(self):
        super().setup()
        self.query = {}

    def number(self, name, default):
        try:
            return float(self.query[name][0])
        except (KeyError, ValueError):
            return default

    def log_message(self, form, *args):
        if not self.server.quiet:
            sys.stderr.write("backend: %s\n" % (form % args))

    def answer(self, status, body, content_type="text/plain; charset=utf-8", **fields):
        if isinstance(body, str):
            body = body.encode()
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        for name, value in fields.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    # ---- request bodies -------------------------------------------------------------------

    def exactly(self, size):
        while size:
            block = self.rfile.read(min(size, 65536))
            if not block:
                raise ConnectionError("the body ended early")
            size -= len(block)
            yield block

    def body_blocks(self):
        """The request's body in pieces, whichever way it is framed."""
        if "chunked" not in self.headers.get("Transfer-Encoding", "").lower():
            yield from self.exactly(int(self.headers.get("Content-Length") or 0))
            return
        while True:
            size = int(self.rfile.readline().split(b";")[0], 16)
            yield from self.exactly(size)
            if not size:
                break
            self.rfile.readline()
        while self.rfile.readline().strip():
            pass  # trailer fields

    # ---- pages ----------------------------------------------------------------------------

    def page_hello(self):
        fields = "".join("  %s: %s\n" % item for item in self.headers.items())
        self.answer(200, "hello from the back end\nyour request as it arrived here:\n  %s\n%s"
                    % (self.requestline, fields))

    def page_slow(self):
        time.sleep(min(self.number("seconds", 2.0), 60))
        self.answer(200, "sorry for the wait\n")

    def page_news(self):
        body = "Nothing new today.\n"
        fields = {"Cache-Control": "max-age=%d" % self.number("max_age", 60),
                  "ETag": '"%s"' % hashlib.sha256(body.encode()).hexdigest()[:8],
                  "Surrogate-Key": "news"}
        if "swr" in self.query:
            fields["Cache-Control"] += ", stale-while-revalidate=%d" % self.number("swr", 0)
        if fields["ETag"] in self.headers.get("If-None-Match", ""):
            self.send_response(304)  # cheap: nothing has to be made
            for item in fields.items():
                self.send_header(*item)
            self.end_headers()
            return
        time.sleep(min(self.number("seconds", 1.0), 60))
        self.answer(200, body, **fields)

    def page_counts(self):
        self.answer(200, "".join("%5d  %s\n" % (n, what) for what, n in sorted(counts.items())) or "none\n",
                    Cache_Control="no-store")

    def chunks(self, content_type, form):
        lines, interval = int(self.number("lines", 5)), self.number("interval", 1.0)
        self.send_response(200)
        self.send_header("Content-Type", content_type)
        self.send_header("Cache-Control", "no-store")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for i in range(1, lines + 1):
            if i > 1:
                time.sleep(interval)
            data = (form % i).encode()
            self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
            self.wfile.flush()
        self.wfile.write(b"0\r\n\r\n")

    def page_stream(self):
        self.chunks("text/plain; charset=utf-8", "line %d\n")

    def page_events(self):
        self.chunks("text/event-stream", "data: event %d\n\n")

    def page_big(self):
        blocks = int(self.number("mib", 64) * 16)
        self.send_response(200)
        self.send_header("Content-Type", "application/octet-stream")
        self.send_header("Content-Length", str(blocks * len(BLOCK)))
        self.end_headers()
        for _ in range(blocks if self.command != "HEAD" else 0):
            self.wfile.write(BLOCK)

    def page_upload(self):
        total, digest, delay = 0, hashlib.sha256(), self.number("delay", 0)
        for block in self.body_blocks():
            total += len(block)
            digest.update(block)
            if delay:
                time.sleep(delay)
        self.answer(200, json.dumps({"bytes": total, "sha256": digest.hexdigest()}) + "\n",
                    "application/json")

    def page_flaky(self):
        turn = next(turns) % 4
        if turn == 0:
            self.answer(200, "this time it worked\n")
        elif turn == 1:
            self.answer(500, "this time it did not\n")
        elif turn == 2:
            self.send_response(200)
            self.send_header("Content-Length", "1000")
            self.end_headers()
            self.wfile.write(b"this answer promises 1000 bytes and stops he")
            self.close_connection = True
        else:
            self.close_connection = True

    def handle_request(self):
        parts = urlsplit(self.path)
        self.query = parse_qs(parts.query)
        page = getattr(self, "page_" + parts.path.strip("/").split("/")[-1], None)
        if page is None:
            page = lambda: self.answer(404, "the back end has no such page\n")
        if page != self.page_counts:
            counts[self.command + " " + self.path] += 1
        if page != self.page_upload and self.command not in ("GET", "HEAD"):
            for _ in self.body_blocks():
                pass
        try:
            page()
        except (BrokenPipeError, ConnectionError):
            self.close_connection = True

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = handle_request


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request, client_address):
        pass  # clients that leave are everyday life here


def main():
    options = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    options.add_argument("--port", type=int, default=8081, help="0 = any free port")
    options.add_argument("--port-file", help="write the port there once it is open")
    options.add_argument("--quiet", action="store_true")
    args = options.parse_args()
    server = Server(("127.0.0.1", args.port), Handler)
    server.quiet = args.quiet
    if args.port_file:
        with open(args.port_file + ".new", "w") as out:
            out.write("%d\n" % server.server_address[1])
        os.rename(args.port_file + ".new", args.port_file)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        pass


if __name__ == "__main__":
    main()
