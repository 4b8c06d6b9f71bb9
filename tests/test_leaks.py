"""Whom the killers of tests and benchmarks may kill."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Callable

import pytest

from seq2data.source.adapt import adapt
from seq2data.workers.processes.pool import ProcessPool
from seq2data.workers.task import Task
from tests.leaks import children_of_seq2data
from tests.sources import Pids

_BENCHMARKS = Path(__file__).parents[1] / "benchmarks"
_LIMIT_S = 60.0
# A child of multiprocessing's own, as its resource tracker and its fork server are.
_TRACKER = "from multiprocessing.resource_tracker import main; import sys; main(0)"


@pytest.fixture(params=["tests", "benchmarks"])
def victims(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Callable[[int], list[int]]:
    if request.param == "tests":
        return children_of_seq2data
    monkeypatch.syspath_prepend(str(_BENCHMARKS))
    footprint = pytest.importorskip("footprint")
    return footprint.own_children  # type: ignore[no-any-return]


@contextlib.contextmanager
def _tracker() -> Iterator[int]:
    command = [sys.executable, "-c", _TRACKER]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as process:
        yield process.pid


def test_only_fork_servers_and_workers_are_killed(
    victims: Callable[[int], list[int]], start_method: str
) -> None:
    pool = ProcessPool("Pids", 1, 1, start_method=start_method)
    with _tracker() as tracker, contextlib.closing(pool):
        pool.load(adapt(Pids(2)))
        task = Task(0, None, (0,))
        pool.submit(task)
        worker = int(task.future.result(_LIMIT_S).runs[0].arrays[0][0][1])
        children = victims(os.getpid())
        assert tracker not in children
        grandchildren = [pid for child in children for pid in victims(child)]
        assert worker in children + grandchildren
