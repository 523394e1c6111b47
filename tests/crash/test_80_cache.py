# SPDX-License-Identifier: BSD-2-Clause
"""The cache while workers are killed and while everything is replaced, in short: tests/soak has the long
forms. Every byte is checked."""

import os
import sys

import pytest

from lib import has_asan

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "soak"))

import cache_kill
import cache_reload


@pytest.mark.slow
@pytest.mark.parametrize("size", ["4MiB", "64MiB"])
def test_workers_are_killed(size):
    a = cache_kill.arguments(["--seconds", "20", "--size", size, "--clients", "8" if has_asan() else "16",
                              "--objects", "800"])
    assert cache_kill.run(a) == []


@pytest.mark.slow
@pytest.mark.parametrize("what", ["reload", "upgrade", "restart"])
def test_nothing_gets_cold(what):
    a = cache_reload.arguments(["--rounds", "2", "--each", "3", "--only", what, "--clients", "6" if has_asan() else "12",
                                "--objects", "400"])
    assert cache_reload.run(a) == []
