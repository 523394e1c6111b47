# SPDX-License-Identifier: BSD-2-Clause
"""Load in the background while something happens to the daemon: keep-alive clients and clients that
connect anew for each request. Every irregularity is kept with its time and its client."""

import asyncio
import threading
import time

from .wait import DEADLINE, wait_for


class Failure:
    def __init__(self, client, when, what, begun):
        self.client, self.when, self.what, self.begun = client, when, what, begun

    def __repr__(self):
        return f"<{self.client}: {self.what}>"


class Load:
    """with Load(port) as load: ...; afterwards load.failures and load.done.

    check(path, status, body) returns a complaint or None."""

    def __init__(self, port, keepalive=6, fresh=4, path="/load", check=None, pause=0.0, method="GET", body=b""):
        self.port, self.path, self.pause = port, path, pause
        self.kinds = ["keepalive"] * keepalive + ["fresh"] * fresh
        self.check = check or (lambda path, status, body: None if status == 200 else f"status {status}")
        self.method, self.body = method, body
        self.failures, self.done, self.stopping = [], 0, False
        self.bodies = {}
        self.connects = 0
        self.per_client = {}

    def __enter__(self):
        self.thread = threading.Thread(target=lambda: asyncio.run(self._run()), daemon=True)
        self.thread.start()
        self.wait_done(len(self.kinds))
        return self

    def __exit__(self, *unused):
        self.stop()

    def stop(self):
        self.stopping = True
        self.thread.join(3 * DEADLINE)
        assert not self.thread.is_alive(), "a request of the load never ended"

    def wait_done(self, more, timeout=2 * DEADLINE):
        """Waits until <more> further requests went well."""
        begin = self.done
        wait_for(lambda: self.done - begin >= more or self.failures, "the load to go on", timeout)

    def wait_good(self, more, timeout=2 * DEADLINE):
        """The same, however many have failed."""
        begin = self.done
        wait_for(lambda: self.done - begin >= more, "the load to go on", timeout)

    async def _run(self):
        await asyncio.gather(*[self._client(f"{kind}-{i}", kind) for i, kind in enumerate(self.kinds)])

    async def _client(self, name, kind):
        reader = writer = None
        n = 0
        while not self.stopping:
            begun = float("inf")  # not yet connected: nothing was promised
            n += 1
            try:
                if writer is None:
                    self.connects += 1
                    reader, writer = await asyncio.wait_for(
                        asyncio.open_connection("127.0.0.1", self.port), DEADLINE)
                path = f"{self.path}?{name}-{n}"
                close = "Connection: close\r\n" if kind == "fresh" else ""
                length = f"Content-Length: {len(self.body)}\r\n" if self.body else ""
                writer.write(f"{self.method} {path} HTTP/1.1\r\nHost: load\r\n{close}{length}\r\n".encode() + self.body)
                begun = time.monotonic()
                status, body, stays = await asyncio.wait_for(self._answer(reader), 2 * DEADLINE)
                complaint = self.check(path, status, body)
                if complaint:
                    raise AssertionError(complaint)
                self.done += 1
                self.per_client[name] = time.monotonic()
                key = body[:40]
                self.bodies[key] = self.bodies.get(key, 0) + 1
                if not stays:
                    writer.close()
                    writer = None
            except Exception as e:
                self.failures.append(Failure(name, time.monotonic(), repr(e)[:200], begun))
                if writer is not None:
                    writer.close()
                writer = None
                await asyncio.sleep(0.005)
            if self.pause:
                await asyncio.sleep(self.pause)
        if writer is not None:
            writer.close()

    @staticmethod
    async def _answer(reader):
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        status = int(head[9:12])
        fields = {}
        for line in head.split("\r\n")[1:-2]:
            name, _, value = line.partition(":")
            fields[name.strip().lower()] = value.strip()
        if "content-length" in fields:
            body = await reader.readexactly(int(fields["content-length"]))
        elif fields.get("transfer-encoding") == "chunked":
            body = b""
            while True:
                size = int((await reader.readuntil(b"\r\n")).strip(), 16)
                body += (await reader.readexactly(size + 2))[:-2]
                if not size:
                    break
        else:
            body = await reader.read()
        return status, body, "close" not in fields.get("connection", "").lower()
