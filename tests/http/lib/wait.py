# SPDX-License-Identifier: BSD-2-Clause
"""Waiting. A test never sleeps for a fixed time and hopes: it waits for a condition with a
deadline. The deadlines are generous, because a slow machine is no reason to fail."""

import os
import random
import socket
import threading
import time

# What nothing on a loopback takes, even with sanitizers on a loaded machine.
DEADLINE = float(os.environ.get("TIERCEL_TEST_DEADLINE", "30"))


def wait_for(condition, what="the condition", timeout=DEADLINE, step=0.01):
    """The first true value of condition(); fails with <what> when the deadline passes."""
    end = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"waited {timeout:.0f} s in vain for {what}")
        time.sleep(step)


def stays(condition, seconds, step=0.02):
    """True when condition() held all the time. For things that must NOT happen: keep it short."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if not condition():
            return False
        time.sleep(step)
    return condition()


_ports_lock = threading.Lock()
_ports_given = set()


def free_port():
    """A port nobody listens on, below the range that the kernel gives to outgoing connections."""
    with _ports_lock:
        while True:
            port = random.randrange(12000, 32000)
            if port in _ports_given:
                continue
            with socket.socket() as s:
                try:
                    s.bind(("127.0.0.1", port))
                except OSError:
                    continue
            _ports_given.add(port)
            return port


class Checked(threading.Thread):
    """A thread whose exception is raised again by join()."""

    def __init__(self, fn, *args, **kw):
        super().__init__(daemon=True)
        self.fn, self.args, self.kw = fn, args, kw
        self.value = self.error = None
        self.start()

    def run(self):
        try:
            self.value = self.fn(*self.args, **self.kw)
        except BaseException as e:  # handed to whoever joins
            self.error = e

    def result(self, timeout=4 * DEADLINE):
        self.join(timeout)
        assert not self.is_alive(), "a helper thread hangs"
        if self.error:
            raise self.error
        return self.value


def together(n, fn):
    """fn(i) for n values of i in threads at once; their results in order."""
    threads = [Checked(fn, i) for i in range(n)]
    return [t.result() for t in threads]
