# SPDX-License-Identifier: BSD-2-Clause
"""The black-box tests' own tools."""

from . import procfs
from .cache import (CacheSite, CacheStatus, Herd, Shelf, data_segments_in, date, fresh_path, is_hit, multipart,
                    ok, pattern, status_of)
from .load import Load
from .origin import BlackHole, Origin, reset_now
from .proxy import Proxy, check_file, find_program, has_asan, merged, simple, user_name
from .wait import DEADLINE, Checked, free_port, stays, together, wait_for
from .wire import (Client, Fields, Malformed, Request, Response, Stream, Truncated, chunked, request,
                   response)

__all__ = ["BlackHole", "CacheSite", "CacheStatus", "Checked", "Client", "DEADLINE", "Fields", "Herd", "Load",
           "Malformed", "Origin", "Proxy", "Request", "Response", "Shelf", "Stream", "Truncated", "check_file",
           "chunked", "data_segments_in", "date", "find_program", "free_port", "fresh_path", "has_asan",
           "is_hit", "merged", "multipart", "ok", "pattern", "procfs", "request", "reset_now", "response",
           "simple", "stays", "status_of", "together", "user_name", "wait_for"]
