# SPDX-License-Identifier: BSD-2-Clause
"""Processes that die, and configurations that are wrong. Same tools and fixtures as tests/http."""

import importlib.util
import os
import sys

sys.dont_write_bytecode = True

HTTP = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "http")
sys.path.insert(0, HTTP)

_spec = importlib.util.spec_from_file_location("http_conftest", os.path.join(HTTP, "conftest.py"))
_http = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_http)

place = _http.place
pytest_collection_modifyitems = _http.pytest_collection_modifyitems
