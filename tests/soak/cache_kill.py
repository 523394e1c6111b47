#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""kill -9 of random workers under load, with every byte checked at the client. What must hold: no wrong
byte, no old version after a change was answered, only visibly broken connections and only near a kill,
service goes on within seconds, memory and descriptors of what lives on do not grow, and in the end the
inspector finds the segment whole with no pin and no block leaked. Exit status 1 if not.

    tests/soak/cache_kill.py [--seconds 600] [--workers 2] [--clients 16] [--objects 3000] [--size 16MiB]
                             [--seed N] [--pause 0.2,3]
"""

import argparse
import os
import random
import signal
import subprocess
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from cache_load import Checked, OriginProcess, cache_figures, configuration, usage
from lib import Proxy, find_program, wait_for

NEAR = 3.0  # seconds behind a kill in which a connection may break
GAP = 5.0   # the longest time without any good answer
OVERHEAD = 0.12  # of the bytes in use: rounding, which is a few percent, and what has leaked


def segment(pid):
    """Where the inspector finds the master's segment."""
    for fd in os.listdir(f"/proc/{pid}/fd"):
        try:
            if os.readlink(f"/proc/{pid}/fd/{fd}") == "/memfd:tiercel (deleted)":
                return f"/proc/{pid}/fd/{fd}"
        except OSError:
            pass
    return None


def inspect(proxy, *options):
    """What tiercel-shm says of the segment: a list of complaints and its text."""
    program = find_program("tiercel-shm")
    if not program:
        return [], "no tiercel-shm: the segment was not inspected"
    r = subprocess.run([program, *options, segment(proxy.pid)], capture_output=True, text=True, timeout=300)
    text = (r.stdout + r.stderr).strip()
    return ([f"tiercel-shm {' '.join(options)}: {text[-2000:]}"] if r.returncode else []), text[-2000:]


def leaks(proxy, say):
    """Nobody asks any more: nothing may be pinned or filling, and what is in use is used for something."""
    def idle():
        f = cache_figures(proxy)
        return f if not f["pins"] and not f["filling"] else None
    try:
        f = wait_for(idle, "pins and fills to end", 20)
    except AssertionError as e:
        return [f"{e}: {cache_figures(proxy)}"]
    say(f"in the cache: {f}")
    return [f"{f['overhead']:.0%} of the cache is in use for nothing"] if f["overhead"] > OVERHEAD else []


def excused(broken, kills):
    return [b for b in broken if not any(-0.2 <= b[0] - k <= NEAR for k in kills)]


def kill_one(proxy, rnd):
    workers = proxy.workers()
    if not workers:
        return None
    pid = rnd.choice(workers)
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return None
    return time.monotonic()


def run(a, say=print):
    """Returns a list of complaints."""
    rnd = random.Random(a.seed)
    low, high = (float(x) for x in a.pause.split(","))
    origin = OriginProcess(a.objects)
    complaints = []
    try:
        with Proxy(configuration(origin, workers=a.workers, size=a.size)) as proxy:
            proxy.deaths_expected = True
            load = Checked(proxy.port(), a.objects, a.seed).start(a.clients).purge_too(proxy, origin)
            begin, kills, marks = time.monotonic(), [], []
            said = begin
            while time.monotonic() - begin < a.seconds and not load.wrong:
                time.sleep(rnd.uniform(low, high))
                at = kill_one(proxy, rnd)
                if at:
                    kills.append(at)
                if time.monotonic() - said > max(10, a.seconds / 20):
                    said = time.monotonic()
                    complaints += inspect(proxy, "--freeze", "--quiet")[0]
                    marks.append(usage(proxy))
                    say(f"{said - begin:5.0f} s: {load.done} answers, {load.hits}/{load.cacheable} hits, "
                        f"{len(kills)} kills, "
                        f"{len(load.broken)} broken, longest gap {load.longest_gap:.2f} s, "
                        f"RSS {marks[-1][0] >> 10} KiB, {marks[-1][1]} descriptors, {marks[-1][2]} in a worker")
            seconds = time.monotonic() - begin
            # all workers back, load goes on a while undisturbed, then ends
            wait_for(lambda: len(proxy.workers()) == a.workers, "all workers", 60)
            quiet = time.monotonic()
            while time.monotonic() - quiet < NEAR + 1:
                time.sleep(0.1)
            load.stop()
            complaints += [f"wrong: {w}" for _, w in load.wrong[:5]]
            lost = excused(load.broken, kills)
            complaints += [f"broken {min((t - k for k in kills if k <= t), default=-1):.1f} s after the last kill: {b}"
                           for t, b in lost[:5]]
            if load.longest_gap > GAP:
                complaints.append(f"no answer for {load.longest_gap:.1f} s")
            say(f"{seconds:.0f} s: {load.done} answers ({load.bytes >> 20} MiB checked), "
                f"{load.hits} of {load.cacheable} hits, "
                f"{load.posts} changes, {load.purges} purges, {load.left} clients left, {load.cut} cut by the origin, "
                f"{len(kills)} kills, {len(load.broken)} broken connections "
                f"({len(lost)} not near a kill), longest gap {load.longest_gap:.2f} s")
            if len(marks) >= 4:
                first, last = marks[len(marks) // 4], marks[-1]
                if last[0] > first[0] + (8 << 20):
                    complaints.append(f"resident memory grew from {first[0]} to {last[0]}")
                if last[1] > first[1] + 16:
                    complaints.append(f"descriptors grew from {first[1]} to {last[1]}")
            complaints += leaks(proxy, say)
            more, text = inspect(proxy, "--idle")
            say(text)
            complaints += more
    finally:
        origin.close()
    return complaints


def arguments(given=None):
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--seconds", type=float, default=600)
    p.add_argument("--workers", type=int, default=2)
    p.add_argument("--clients", type=int, default=16)
    p.add_argument("--objects", type=int, default=3000)
    p.add_argument("--size", default="16MiB")
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--pause", default="0.2,3", help="seconds between kills, from,to")
    return p.parse_args(given)


def main():
    complaints = run(arguments())
    for c in complaints:
        print(f"FAILED: {c}")
    sys.exit(bool(complaints))


if __name__ == "__main__":
    main()
