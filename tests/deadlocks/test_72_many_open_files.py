"""The program has more than 1,024 files open.

What scripts do to their process, 3: `select.select` takes no descriptor above 1,023.
"""

from __future__ import annotations

import os
import resource
import signal
import sys
import time
from pathlib import Path
from typing import Any, Callable

import pytest

from tests.deadlocks.habits import Numbered, assert_all_right, report, run
from tests.deadlocks.program import Outcome

_COUNT = 1100


class Opening(Numbered):
    """Workers open so many files, too."""

    def __getitem__(self, index: int) -> Any:
        open_files()
        return super().__getitem__(index)


def open_files() -> None:
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(20 * _COUNT, most), most))
    _open.extend(os.open(os.devnull, os.O_RDONLY) for _ in range(_COUNT))


_open: list[int] = []


def parent() -> None:
    open_files()
    report("1,100 open files")


def workers() -> None:
    report("1,100 more for each batch", Opening())


def stacks() -> None:
    from seq2data.workers.wire.stacks import offer_stacks, python_stacks, stack_pipe

    open_files()
    reader, writer = stack_pipe()
    offer_stacks(writer)
    ready, teller = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.write(teller, b"x")
        time.sleep(3600)
    os.read(ready, 1)
    print("in stacks" in python_stacks(pid, reader))
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)


needs_files = pytest.mark.skipif(
    resource.getrlimit(resource.RLIMIT_NOFILE)[1] < 14 * _COUNT,
    reason="needs a hard limit (`ulimit -Hn`) of 15,400 open files",
)


@needs_files
def test_the_parent_may_have_many(
    tmp_path: Path, record: Callable[[str, Outcome], None]
) -> None:
    outcome = run(tmp_path, parent)
    record("seq2data", outcome)
    assert_all_right(outcome, 1)


@needs_files
def test_workers_may_have_many(tmp_path: Path) -> None:
    assert_all_right(run(tmp_path, workers), 1)


@needs_files
@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")
def test_stacks_are_read_among_many(tmp_path: Path) -> None:
    assert run(tmp_path, stacks).succeed() == ["True"]
