"""Submodules that a function uses are found, and looked for once."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import cloudpickle

from seq2data.workers.payload.payload import pack
from seq2data.workers.payload.submodules import find_once


def by_value(code: str) -> dict[str, Any]:
    """The names that `code` defines in a `__main__`, which no worker can import."""
    names: dict[str, Any] = {"__name__": "__main__"}
    exec(code, names)
    return names


def test_function_of_main_is_looked_through_once_for_submodules() -> None:
    # cloudpickle itself goes through all of `sys.modules` each time.
    function = by_value("import os\ndef path(): return os.path.join('a', 'b')")["path"]
    first = pack(function, None)
    before = find_once.cache_info()
    assert pack(function, first) is first
    after = find_once.cache_info()
    assert (after.hits, after.misses) == (before.hits + 1, before.misses)


def test_submodule_that_a_function_uses_is_loaded_with_it() -> None:
    function = by_value(
        "import xml.dom.minidom\ndef use(): return xml.dom.minidom.__name__"
    )["use"]
    load_it = "import pickle, sys; print(pickle.load(sys.stdin.buffer)())"
    for _ in range(2):  # the second time the search is remembered
        done = subprocess.run(
            [sys.executable, "-c", load_it],
            input=cloudpickle.dumps(function),
            capture_output=True,
            check=False,
        )
        assert done.stdout == b"xml.dom.minidom\n", done.stderr
