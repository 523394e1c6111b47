# SPDX-License-Identifier: BSD-2-Clause
"""The black-box tests' own tools."""

from . import procfs
from .load import Load
from .origin import BlackHole, Origin, reset_now
from .proxy import Proxy, check_file, find_program, has_asan, merged, simple, user_name
from .wait import DEADLINE, Checked, free_port, stays, together, wait_for
from .wire import (Client, Fields, Malformed, Request, Response, Stream, Truncated, chunked, request,
                   response)

__all__ = ["BlackHole", "Checked", "Client", "DEADLINE", "Fields", "Load", "Malformed", "Origin", "Proxy",
           "Request", "Response", "Stream", "Truncated", "check_file", "chunked", "find_program",
           "free_port", "has_asan", "merged", "procfs", "request", "reset_now", "response", "simple", "stays",
           "together", "user_name", "wait_for"]
