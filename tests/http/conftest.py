# SPDX-License-Identifier: BSD-2-Clause
"""Fixtures: a proxy in front of a scripted origin, both checked when the test is over."""

import sys

sys.dont_write_bytecode = True  # the source tree may be read-only (make distcheck)

import pytest

from lib import Origin, Proxy, find_program, simple


def pytest_collection_modifyitems(items):
    if find_program():
        return
    skip = pytest.mark.skip(reason="no tiercel was built (TIERCEL, TIERCEL_BUILD)")
    for item in items:
        if "test_00_harness" not in item.nodeid:
            item.add_marker(skip)


class Place:
    """Origins and proxies of one test or module; the end of it checks and closes all."""

    def __init__(self):
        self.things = []

    def origin(self, *args, **kw):
        o = Origin(*args, **kw)
        self.things.append(o)
        return o

    def keep(self, thing):
        self.things.append(thing)
        return thing

    def proxy(self, conf, **kw):
        p = Proxy(conf, **kw)
        self.things.append(p)
        return p

    def site(self, answer=None, *, conn=None, head=None, **conf):
        """A proxy in front of one origin; the proxy with the origin as .origin."""
        origin = self.origin(answer, conn=conn, head=head)
        p = self.proxy(simple(origin, **conf))
        p.origin = origin
        return p

    def close(self):
        """Proxies first, so that they drain in front of living origins."""
        first = None
        for thing in sorted(self.things, key=lambda t: not isinstance(t, Proxy)):
            try:
                thing.close()
                if not isinstance(thing, Proxy):
                    thing.check()
            except Exception as e:
                first = first or e
        if first:
            raise first


@pytest.fixture
def place():
    p = Place()
    yield p
    p.close()


@pytest.fixture(scope="module")
def module_place():
    p = Place()
    yield p
    p.close()
