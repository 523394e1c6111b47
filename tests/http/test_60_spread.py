# SPDX-License-Identifier: BSD-2-Clause
"""Connections are spread evenly over the workers."""

import pytest

from lib import procfs, wait_for


@pytest.mark.parametrize("workers", [2, 3])
def test_spread(place, workers):
    """200 connections: each worker holds at least half of its fair share"""
    site = place.site(workers=workers)
    clients = [site.client() for _ in range(200)]
    for c in clients:
        assert c.ask().status == 200
    held = [procfs.sockets_of(p, site.port()) for p in site.workers()]
    assert sum(held) == 200 and min(held) >= 200 // workers // 2, held
    for c in clients:
        c.close()
    wait_for(lambda: sum(procfs.sockets_of(p, site.port()) for p in site.workers()) == 0, "all to be closed")


def test_no_descriptor_is_lost(place):
    """After many connections of all kinds the workers hold what they held before"""
    site = place.site(workers=2, upstream={"pool": {"max_idle": 0}})

    def some():
        for i in range(40):
            c = site.client()
            if i % 4:
                c.request("POST" if i % 2 else "GET", body="x" if i % 2 else None)
            if i % 3:
                c.try_send(b"rest")
            if i % 4 == 2:
                c.read_response()
            c.reset() if i % 5 == 0 else c.close()
    some()
    pids = site.workers()
    wait_for(lambda: sum(procfs.sockets_of(p, site.port()) for p in pids) == 0, "all to be closed")
    before = [procfs.fds(p) for p in pids]
    for _ in range(5):
        some()
    wait_for(lambda: [procfs.fds(p) for p in pids] <= [b + 8 for b in before] and
             sum(procfs.sockets_of(p, site.port()) for p in pids) == 0, "the descriptors to come back")
    assert all(procfs.fds(p) <= b + 8 for p, b in zip(pids, before))
