"""A task that waits behind another is begun once: by its worker or by the next."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from seq2data.source.adapt import adapt
from seq2data.workers.processes.pool import ProcessPool
from seq2data.workers.task import Task
from seq2data.workers.wire.recall import RecallPipe, RecallReader
from tests.sources import Squares

_LIMIT_S = 60.0


class Gates(Squares):
    """Tells what it reads; batches from 100 on wait until a file is there."""

    def __init__(self, folder: Path) -> None:
        super().__init__(200)
        self.folder = folder

    def __getitem__(self, index: int) -> Any:
        with (self.folder / "reads").open("a") as reads:
            reads.write(f"{index}\n")
        if index >= 100:
            while not (self.folder / f"open-{index}").exists():
                time.sleep(0.01)  # another process opens it
        return super().__getitem__(index)


@pytest.fixture
def recalls() -> Iterator[RecallPipe]:
    with closing(RecallPipe()) as recalls:
        yield recalls


@pytest.fixture
def reader(recalls: RecallPipe) -> Iterator[RecallReader]:
    with closing(RecallReader(os.dup(recalls.fileno()))) as reader:
        yield reader


def test_task_is_the_workers_unless_it_was_recalled(
    recalls: RecallPipe, reader: RecallReader
) -> None:
    first = recalls.offer()
    assert reader.claim(first)
    assert recalls.recall() == []
    second = recalls.offer()
    assert recalls.recall() == [second]
    assert not reader.claim(second)


def test_task_behind_one_that_was_recalled_is_the_workers(
    recalls: RecallPipe, reader: RecallReader
) -> None:
    gone = [recalls.offer(), recalls.offer()]
    assert recalls.recall() == gone
    kept = recalls.offer()
    assert [reader.claim(number) for number in (*gone, kept)] == [False, False, True]
    assert recalls.recall() == []


def test_numbers_come_again_only_after_many_others(
    recalls: RecallPipe, reader: RecallReader
) -> None:
    numbers = []
    for _ in range(600):
        numbers.append(recalls.offer())
        assert reader.claim(numbers[-1])
    assert len(set(numbers[-256:])) == 256


@pytest.fixture
def pool(start_method: str, tmp_path: Path) -> Iterator[ProcessPool]:
    pool = ProcessPool("Gates", 2, 8, start_method=start_method)
    pool.load(adapt(Gates(tmp_path)))
    yield pool
    pool.close()


def submit(pool: ProcessPool, index: int) -> Task:
    task = Task(0, None, (index,))
    pool.submit(task)
    return task


def value(task: Task) -> Any:
    result = task.future.result(_LIMIT_S)
    assert result.error is None
    return result.runs[0].arrays[0][0].tolist()


def wait_for_read(folder: Path, index: int) -> None:
    deadline = time.monotonic() + _LIMIT_S
    while str(index) not in (folder / "reads").read_text().split():
        assert time.monotonic() < deadline
        time.sleep(0.01)  # the worker writes to a file, which nobody can await


def test_batch_behind_a_stuck_one_is_read_by_a_worker_that_is_idle(
    pool: ProcessPool, tmp_path: Path
) -> None:
    for index in range(20):  # short ones, so that workers get a second task each
        value(submit(pool, index))
    stuck = [submit(pool, index) for index in (100, 101)]
    for index in (100, 101):
        wait_for_read(tmp_path, index)
    behind = [submit(pool, index) for index in (50, 51)]
    (tmp_path / "open-101").touch()
    source = Squares(200)
    for index, task in zip((50, 51), behind):  # one of them lay behind 100
        assert value(task) == source[index][0].tolist()
    assert not stuck[0].future.done()
    (tmp_path / "open-100").touch()
    for task in stuck:
        value(task)
    for index in range(60, 80):
        assert value(submit(pool, index)) == source[index][0].tolist()
    reads = sorted(map(int, (tmp_path / "reads").read_text().split()))
    assert reads == [*range(20), 50, 51, *range(60, 80), 100, 101]
