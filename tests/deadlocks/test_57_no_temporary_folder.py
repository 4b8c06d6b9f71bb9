"""The temporary folder is missing, read-only or full.

`multiprocessing` keeps its sockets and locks there or in /dev/shm.
"""

from __future__ import annotations

import os
import tempfile
from typing import Any

from tests.deadlocks.program import Outcome
from tests.deadlocks.scenario import Numbered, fit_legacy, indices


def take_away() -> None:
    """Leaves the program no folder that it could write temporary files to."""

    def nowhere(*_: Any, **__: Any) -> Any:
        raise OSError(30, "Read-only file system")

    os.environ["TMPDIR"] = "/proc/nothing"
    tempfile.tempdir = "/proc/nothing"
    tempfile.mkdtemp = tempfile.mkstemp = nowhere


def ours() -> None:
    from seq2data import to_dataset

    take_away()
    for options in {"workers": 2}, {"workers": 2, "use_multiprocessing": False}:
        print(indices(to_dataset(Numbered(), **options)) == list(range(12)))
    print("no difference")


def legacy() -> None:
    take_away()
    fit_legacy(Numbered())
    print("no difference")


def test_it_is_not_needed(ours: Outcome) -> None:
    assert ours.succeed()[:2] == ["True", "True"]


def test_legacy(legacy: Outcome) -> None:
    assert legacy.summary == "no difference" or "Read-only" in legacy.errors
