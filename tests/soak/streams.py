#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Memory of many slow streams: 200 clients that read a 256 MiB answer at 5 MB/s each, then 1 GiB
uploads to a slow back end. Prints the workers' resident memory before and at its peak, per stream.

    tests/soak/streams.py [--clients 200] [--size 256] [--rate 5] [--workers 1]
                          [--uploads 4] [--upload-size 1024] [--upload-rate 100]
"""

import argparse
import hashlib
import os
import resource
import selectors
import socket
import sys
import threading
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "http"))

from lib import Proxy, procfs
from lib.wire import Client

MIB = 1 << 20
TICK = 0.02


def serve(listener, size, upload_rate):
    """The back end: GET sends <size> bytes from a file in memory, POST reads at <upload_rate>."""
    memory = os.memfd_create("answer")
    block = hashlib.shake_128(b"soak").digest(MIB)
    for _ in range(size // MIB):
        os.write(memory, block)

    def one(sock):
        c = Client.__new__(Client)
        super(Client, c).__init__(sock, 3600)
        try:
            while True:
                r = c.read_request_head()
                if r is None:
                    return
                if r.method == "GET":
                    sock.settimeout(None)
                    c.send(f"HTTP/1.1 200 OK\r\nContent-Length: {size}\r\n\r\n")
                    at = 0
                    while at < size:
                        at += os.sendfile(sock.fileno(), memory, at, size - at)
                else:
                    body, n = c.body_of(r), 0
                    while True:
                        piece = body.some()
                        if not piece:
                            break
                        n += len(piece)
                        if upload_rate:
                            time.sleep(len(piece) / upload_rate)
                    text = str(n)
                    c.send(f"HTTP/1.1 200 OK\r\nContent-Length: {len(text)}\r\n\r\n{text}")
        except (OSError, AssertionError):
            pass
        finally:
            c.close()
    while True:
        sock, _ = listener.accept()
        threading.Thread(target=one, args=(sock,), daemon=True).start()


def read_slowly(port, n, size, rate):
    """n clients, each <size> bytes at <rate> bytes/s. Returns (seconds, bytes)."""
    sel, buf = selectors.DefaultSelector(), bytearray(MIB)
    left = {}
    for _ in range(n):
        c = Client(port, timeout=60)
        c.request(target="/answer")
        left[c] = None
    for c in left:
        r = c.read_response_head()
        assert r.status == 200 and int(r["Content-Length"]) == size, r
        left[c] = size - len(c.buf)
        c.sock.setblocking(False)
        sel.register(c.sock, selectors.EVENT_READ, c)
    begin = time.monotonic()
    credit = {c: 0.0 for c in left}
    last = begin
    while left:
        now = time.monotonic()
        for c in list(left):
            credit[c] = min(credit[c] + rate * (now - last), rate)
            want = int(min(credit[c], left[c], MIB))
            if want <= 0:
                continue
            try:
                got = c.sock.recv_into(buf, want, socket.MSG_TRUNC)  # counted, not copied
            except BlockingIOError:
                continue
            assert got, f"an answer ended {left[c]} bytes early"
            credit[c] -= got
            left[c] -= got
            if not left[c]:
                del left[c]
                c.close()
        last = now
        time.sleep(max(0.0, TICK - (time.monotonic() - now)))
    return time.monotonic() - begin, n * size


def upload(port, size, results):
    block = b"u" * MIB
    with Client(port, timeout=3600) as c:
        c.send(f"POST /up HTTP/1.1\r\nHost: soak\r\nContent-Length: {size}\r\n\r\n")
        for _ in range(size // MIB):
            c.send(block)
        r = c.read_response()
        assert r.status == 200 and int(r.body) == size, r
        results.append(r)


def watch(proxy, name, streams, fn):
    pids = proxy.workers()
    before = sum(procfs.rss(p) for p in pids)
    for p in pids:
        procfs.reset_peak(p)
    cpu = sum(procfs.cpu_seconds(p) for p in pids)
    seconds, total = fn()
    peak = sum(procfs.peak(p) for p in pids)
    cpu = sum(procfs.cpu_seconds(p) for p in pids) - cpu
    after = sum(procfs.rss(p) for p in pids)
    print(f"{name}: {streams} streams, {total / MIB:.0f} MiB in {seconds:.1f} s "
          f"({total / streams / seconds / 1e6:.2f} MB/s each), worker CPU {cpu * 1e6 / (total / MIB):.0f} us/MiB")
    print(f"  RSS before {before >> 10} KiB, peak {peak >> 10} KiB, after {after >> 10} KiB; "
          f"grown {(peak - before) / 1024:.0f} KiB = {(peak - before) / streams / 1024:.1f} KiB per stream")


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--clients", type=int, default=200)
    p.add_argument("--size", type=int, default=256, help="MiB of the answer")
    p.add_argument("--rate", type=float, default=5, help="MB/s per client")
    p.add_argument("--workers", type=int, default=1)
    p.add_argument("--uploads", type=int, default=4)
    p.add_argument("--upload-size", type=int, default=1024, help="MiB per upload")
    p.add_argument("--upload-rate", type=float, default=100, help="MB/s that the back end reads per upload")
    a = p.parse_args()
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 65536), hard))

    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(1024)
    child = os.fork()
    if not child:
        try:
            serve(listener, a.size * MIB, a.upload_rate * 1e6)
        finally:
            os._exit(0)
    address = "127.0.0.1:%d" % listener.getsockname()[1]
    try:
        with Proxy({"workers": a.workers, "log": {"slow_request": "0s"},
                    "listeners": [{"name": "web", "address": "127.0.0.1:@port:web", "limits": {"body_size": "0"}}],
                    "upstreams": {"o": {"servers": [address], "pool": {"max_connections": 2 * a.clients + 100}}},
                    "routes": [{"upstream": "o"}]}) as proxy:
            for _ in range(3):  # warm: what is allocated once is not counted per stream
                assert proxy.get("/up", method="POST", body="x").status == 200
            if a.clients:
                watch(proxy, "downloads", a.clients,
                      lambda: read_slowly(proxy.port(), a.clients, a.size * MIB, a.rate * 1e6))
            if a.uploads:
                def uploads():
                    results, begin = [], time.monotonic()
                    threads = [threading.Thread(target=upload, args=(proxy.port(), a.upload_size * MIB, results))
                               for _ in range(a.uploads)]
                    for t in threads:
                        t.start()
                    for t in threads:
                        t.join()
                    assert len(results) == a.uploads, "an upload failed"
                    return time.monotonic() - begin, a.uploads * a.upload_size * MIB
                watch(proxy, "uploads", a.uploads, uploads)
    finally:
        os.kill(child, 9)
        os.waitpid(child, 0)


if __name__ == "__main__":
    main()
