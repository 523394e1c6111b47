#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Reload, upgrade (SIGUSR2) and restart (through a service manager that keeps descriptors) under load,
with every byte checked at the client. What must hold: no failed request, and the cache is as warm as
before: the share of hits does not drop. Exit status 1 if not.

    tests/soak/cache_reload.py [--rounds 3] [--clients 12] [--objects 800] [--each 4]
                               [--only reload,upgrade,restart]
"""

import argparse
import importlib.util
import json
import os
import signal
import sys
import time

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

from cache_load import Checked, OriginProcess, configuration, usage
from lib import Proxy, find_program, wait_for

DROP = 0.05  # of the share of hits


def crash_tests():
    """The service manager of tests/crash."""
    path = os.path.join(HERE, "..", "crash", "test_50_restart.py")
    spec = importlib.util.spec_from_file_location("test_50_restart", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def share(load, seconds):
    """The share of hits over so many seconds."""
    _, h0, c0 = load.figures()
    time.sleep(seconds)
    _, h1, c1 = load.figures()
    return (h1 - h0) / max(1, c1 - c0)


def reload_(proxy):
    """With a change each time."""
    conf = json.loads(proxy.conf_text)
    grace = 10 + len(proxy.log()) % 7
    conf["shutdown_grace"] = f"{grace}s"
    conf["routes"][0]["cache"] = {"stale_if_error": f"{grace}m"}
    proxy.reload(conf)


def upgrade(proxy):
    before = proxy.log().count("took over")
    proxy.signal(signal.SIGUSR2)
    wait_for(lambda: proxy.log().count("took over") > before, "the upgrade", 60)


def restart(proxy):
    proxy.restart()


EVENTS = {"reload": reload_, "upgrade": upgrade, "restart": restart}


def measure(proxy, origin, a, what, say):
    """Rounds of one kind of event; returns complaints."""
    complaints = []
    load = Checked(proxy.port(), a.objects, slow=False).start(a.clients)
    try:
        time.sleep(a.each)  # warm
        before = share(load, a.each)
        for i in range(a.rounds):
            at, broken = time.monotonic(), len(load.broken)
            EVENTS[what](proxy)
            took = time.monotonic() - at
            after = share(load, a.each)
            rss, fds, worker_fds = usage(proxy)
            say(f"{what} {i + 1}: {took * 1000:.0f} ms, hits {before:.3f} before and {after:.3f} after, "
                f"{len(load.broken) - broken} failed, {load.done} answers so far, "
                f"RSS {rss >> 10} KiB, {fds} descriptors")
            if after < before - DROP:
                complaints.append(f"{what}: the share of hits went from {before:.3f} to {after:.3f}")
    finally:
        load.stop()
    complaints += [f"{what}: failed: {w}" for _, w in (load.broken + load.wrong)[:5]]
    if load.longest_gap > 3:
        complaints.append(f"{what}: no answer for {load.longest_gap:.1f} s")
    return complaints


def run(a, say=print):
    complaints = []
    for what in a.only.split(","):
        origin = OriginProcess(a.objects)
        try:
            conf = configuration(origin, size="128MiB")
            if what == "restart":
                crash = crash_tests()
                if not crash.built_with_systemd():
                    say("restart: built without libsystemd, left out")
                    continue
                manager = crash.Manager()
                try:
                    proxy = crash.Managed(conf, manager)
                    try:
                        complaints += measure(proxy, origin, a, what, say)
                    finally:
                        proxy.deaths_expected = True
                        proxy.close()
                finally:
                    manager.close()
            else:
                with Proxy(conf) as proxy:
                    proxy.deaths_expected = True
                    complaints += measure(proxy, origin, a, what, say)
        finally:
            origin.close()
    return complaints


def arguments(given=None):
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--rounds", type=int, default=3)
    p.add_argument("--clients", type=int, default=12)
    p.add_argument("--objects", type=int, default=800)
    p.add_argument("--each", type=float, default=4, help="seconds of load between the events")
    p.add_argument("--only", default="reload,upgrade,restart")
    return p.parse_args(given)


def main():
    assert find_program(), "no tiercel"
    complaints = run(arguments())
    for c in complaints:
        print(f"FAILED: {c}")
    sys.exit(bool(complaints))


if __name__ == "__main__":
    main()
