#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""What an idle keep-alive connection costs: opens 10,000, one request on each, and prints the
worker's resident bytes per connection and its CPU time while all of them are idle.

    tests/soak/idle.py [--connections 10000] [--seconds 10] [--workers 1]
"""

import argparse
import os
import resource
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "http"))

from lib import Origin, Proxy, procfs, simple
from lib.wire import Client


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--connections", type=int, default=10000)
    p.add_argument("--seconds", type=float, default=10)
    p.add_argument("--workers", type=int, default=1)
    a = p.parse_args()
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, a.connections + 10000), hard))
    with Origin() as origin, Proxy(simple(
            origin, workers=a.workers, log={"slow_request": "0s"},
            listener={"limits": {"connections": a.connections + 1000}, "timeouts": {"keepalive": "1h"}})) as proxy:
        def connect(n):
            out = []
            for _ in range(n):
                c = Client(proxy.port(), timeout=60)
                r = c.ask()
                assert r.status == 200 and r.keep_alive(), r
                out.append(c)
            return out
        warm = connect(100)
        pids = proxy.workers()
        before = sum(procfs.rss(x) for x in pids)
        private = sum(procfs.rss_private(x) for x in pids)
        clients = connect(a.connections)
        after = sum(procfs.rss(x) for x in pids)
        after_private = sum(procfs.rss_private(x) for x in pids)
        cpu = sum(procfs.cpu_seconds(x) for x in pids)
        time.sleep(a.seconds)
        cpu = sum(procfs.cpu_seconds(x) for x in pids) - cpu
        settled = sum(procfs.rss(x) for x in pids)
        print(f"{a.connections} idle connections: RSS {before >> 10} -> {after >> 10} KiB "
              f"({settled >> 10} KiB {a.seconds:.0f} s later)")
        print(f"  {(after - before) / a.connections:.0f} bytes each "
              f"({(after_private - private) / a.connections:.0f} of them private; settled "
              f"{(settled - before) / a.connections:.0f})")
        print(f"  CPU while idle: {cpu / a.seconds * 1000:.2f} ms per second")
        sample = clients[:: max(1, len(clients) // 100)]
        begin = time.monotonic()
        for c in sample:
            assert c.ask().status == 200
        print(f"  still alive: {len(sample)} of {len(sample)} asked, "
              f"{(time.monotonic() - begin) / len(sample) * 1e6:.0f} us per request")
        for c in clients + warm:
            c.close()


if __name__ == "__main__":
    main()
