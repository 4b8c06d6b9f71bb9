"""The process pool: answers, deaths, errors and its end."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections import deque
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Callable

import numpy as np
import pytest

from seq2data.errors import (
    BatchError,
    PayloadError,
    ReadError,
    WorkerCrashError,
)
from seq2data.source.adapt import adapt
from seq2data.workers.processes.pool import ProcessPool
from seq2data.workers.task import Task, TaskResult
from tests.hostile import DiesOnce, Misbehaving
from tests.sources import Pids, Reused, Squares

_LIMIT_S = 60.0

MakePool = Callable[..., ProcessPool]


def read(pool: ProcessPool, *indices: int, **options: Any) -> TaskResult:
    task = Task(0, None, indices, **options)
    pool.submit(task)
    return task.future.result(_LIMIT_S)


def waited_for(find: Callable[[], Any]) -> Any:
    """What `find` gives as soon as that is true."""
    deadline = time.monotonic() + _LIMIT_S
    while not (found := find()):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return found


def values(result: TaskResult, leaf: int = 0) -> list[Any]:
    assert result.error is None
    return [batch for run in result.runs for batch in run.arrays[leaf].tolist()]


def test_batches_are_those_of_the_sequence(make_pool: MakePool) -> None:
    sequence = Squares()
    result = read(make_pool(sequence), 5, 0, 11)
    assert values(result, 0) == [sequence[i][0].tolist() for i in (5, 0, 11)]
    assert values(result, 1) == [sequence[i][1].tolist() for i in (5, 0, 11)]


def test_batches_are_read_in_other_processes(make_pool: MakePool) -> None:
    pool = make_pool(Pids())
    pids = {pid for _, pid in values(read(pool, *range(6)))}
    assert os.getpid() not in pids


def test_a_buffer_that_the_source_fills_again_does_no_harm(make_pool: MakePool) -> None:
    found = values(read(make_pool(Reused()), *range(12)))
    assert [batch[0][0] for batch in found] == list(range(12))


def test_arrays_stay_as_they_are_while_further_batches_are_read(
    make_pool: MakePool,
) -> None:
    pool = make_pool(Squares(batch_size=50_000), workers=1)
    held = [read(pool, index).runs[0].arrays[0] for index in range(12)]
    assert len(held) == 12
    for index, array in enumerate(held):
        assert (array == index).all()


def test_a_segment_is_written_again_once_its_arrays_are_gone(
    make_pool: MakePool,
) -> None:
    pool = make_pool(Squares(batch_size=50_000), workers=1)

    def address(index: int) -> int:
        return read(pool, index).runs[0].arrays[0].ctypes.data

    addresses = {address(index) for index in range(12)}
    assert len(addresses) <= 2


@pytest.mark.parametrize(
    ("what", "kind", "text"),
    [
        ("raise_key_error", KeyError, "no such patient"),
        ("raise_file_error", FileNotFoundError, "/nonexistent/image.png"),
        ("raise_stop_iteration", StopIteration, "StopIteration"),
        ("exit_quietly", SystemExit, "3"),
    ],
)
def test_an_exception_arrives_with_type_index_and_traceback(
    make_pool: MakePool, what: str, kind: type[BaseException], text: str
) -> None:
    error = read(make_pool(Misbehaving(what)), 2, 3, 4).error
    assert isinstance(error, ReadError)
    assert isinstance(error.__cause__, kind)
    assert error.index == 3
    assert text in str(error)
    assert f"in {what}" in error.worker_traceback


def test_batches_before_the_failing_one_arrive(make_pool: MakePool) -> None:
    result = read(make_pool(Misbehaving("raise_key_error")), 1, 2, 3, 4)
    assert sum(run.count for run in result.runs) == 2


def test_an_exception_that_cannot_travel_arrives_in_words(make_pool: MakePool) -> None:
    pool = make_pool(Misbehaving("raise_unpicklable"))
    error = read(pool, 3).error
    assert isinstance(error, ReadError)
    assert error.__cause__ is None
    assert "UnpicklableError: two arguments" in str(error)
    assert values(read(pool, 1))


@pytest.mark.parametrize("what", ["return_object", "return_lambda"])
def test_a_batch_that_is_no_array_names_index_and_leaf(
    make_pool: MakePool, what: str
) -> None:
    error = read(make_pool(Misbehaving(what)), 3).error
    assert isinstance(error, BatchError)
    assert error.index == 3
    assert "[0]" in str(error) or "['f']" in str(error)


@pytest.mark.parametrize(
    ("what", "words"), [("kill_itself", "SIGKILL"), ("exit_at_once", "exit code 7")]
)
def test_a_batch_that_always_kills_ends_in_the_exit_status(
    make_pool: MakePool, what: str, words: str
) -> None:
    pool = make_pool(Misbehaving(what))
    error = read(pool, 3).error
    assert isinstance(error, WorkerCrashError)
    assert words in str(error)
    assert "batch 3" in str(error)
    assert values(read(pool, 1)), "the pool goes on"


def test_a_batch_whose_worker_died_is_read_again(
    make_pool: MakePool, tmp_path: Path
) -> None:
    pool = make_pool(DiesOnce(str(tmp_path / "marker")))
    result = read(pool, 2, 3, 4)
    assert [batch[0][0] for batch in values(result)] == [2, 3, 4]


def test_a_generators_item_is_not_read_again(make_pool: MakePool) -> None:
    pool = make_pool(Misbehaving("kill_itself"), workers=1)
    error = read(pool, 3, is_repeatable=False).error
    assert isinstance(error, WorkerCrashError)


def test_reader_of_a_stuck_batch_is_known_with_its_stack(make_pool: MakePool) -> None:
    pool = make_pool(Misbehaving("hang"))
    task = Task(0, None, (3,))
    pool.submit(task)
    reader = waited_for(lambda: pool.reader_of(task))
    assert waited_for(lambda: "in hang" in reader.stacks())


class EmptyAtTheSecondLook(deque[Task]):
    """The dispatcher ends the task between two looks of another thread."""

    def __bool__(self) -> bool:
        had_any = len(self) > 0
        self.clear()
        return had_any


def test_task_may_end_while_its_reader_is_looked_for(
    make_pool: MakePool, monkeypatch: pytest.MonkeyPatch
) -> None:
    pool, task = make_pool(Squares()), Task(0, None, (0,))
    tasks = EmptyAtTheSecondLook([task])
    worker = SimpleNamespace(tasks=tasks, pid=1, stacks=-1, since=0.0)
    with monkeypatch.context() as looking:
        looking.setattr(pool._dispatcher, "workers", [worker])
        reader = pool.reader_of(task)
    assert reader is None or reader.pid == 1


def test_stopped_worker_is_known_as_such(make_pool: MakePool) -> None:
    pool = make_pool(Misbehaving("hang"))
    task = Task(0, None, (3,))
    pool.submit(task)
    reader = waited_for(lambda: pool.reader_of(task))
    assert waited_for(lambda: "in hang" in reader.stacks())
    os.kill(reader.pid, signal.SIGSTOP)
    assert f"kill -CONT {reader.pid}" in reader.stacks()


def test_abandoned_task_ends_and_its_worker_is_replaced(make_pool: MakePool) -> None:
    pool = make_pool(Misbehaving("hang"), workers=1)
    task, behind = Task(0, None, (3,)), Task(0, None, (4,))
    pool.submit(task)
    pool.submit(behind)
    reader = waited_for(lambda: pool.reader_of(task))
    pool.abandon(task)
    assert isinstance(task.future.result(_LIMIT_S).error, WorkerCrashError)
    assert values(behind.future.result(_LIMIT_S))
    with pytest.raises(ProcessLookupError):
        waited_for(lambda: os.kill(reader.pid, 0))


def test_task_submitted_to_a_closed_pool_ends(make_pool: MakePool) -> None:
    pool = make_pool(Squares())
    pool.close()
    assert isinstance(read(pool, 0).error, WorkerCrashError)


def test_nobody_waits_longer_than_close(make_pool: MakePool) -> None:
    pool = make_pool(Misbehaving("hang"))
    task = Task(0, None, (3,))
    waiting = Task(0, None, (3, 3))
    pool.submit(task)
    pool.submit(waiting)
    pool.close()
    assert isinstance(task.future.result(0).error, WorkerCrashError)
    assert isinstance(waiting.future.result(0).error, WorkerCrashError)


def test_a_task_that_nobody_wants_is_not_read(make_pool: MakePool) -> None:
    pool = make_pool(Squares(), workers=1)
    unwanted = Task(0, None, (1,), is_wanted=lambda: False)
    pool.submit(unwanted)
    assert values(read(pool, 2))
    assert unwanted.future.cancelled()


def test_workers_see_the_source_as_it_was_loaded_last(make_pool: MakePool) -> None:
    sequence = Squares(batch_size=2)
    pool = make_pool(sequence)
    assert len(values(read(pool, 1))[0]) == 2
    sequence.batch_size = 3
    assert pool.load(adapt(sequence))
    assert len(values(read(pool, 1))[0]) == 3
    assert not pool.load(adapt(sequence))


def test_a_source_that_cannot_be_sent_names_the_attribute() -> None:
    sequence = Squares()
    sequence.reader = {"main": threading.current_thread()}  # type: ignore[attr-defined]
    pool = ProcessPool("Squares", 1, 2)
    try:
        with pytest.raises(PayloadError, match=r"Squares\.reader\['main'\]"):
            pool.load(adapt(sequence))
    finally:
        pool.close()


class Unloadable(Squares):
    """Cannot be loaded in a worker."""

    def __reduce__(self) -> Any:
        return _refuse, ()


def _refuse() -> None:
    raise ImportError("no module named `secret`")


def test_a_source_that_workers_cannot_load_says_why(make_pool: MakePool) -> None:
    error = read(make_pool(Unloadable()), 1).error
    assert isinstance(error, ReadError)
    assert "no module named `secret`" in str(error)


def test_numbers_of_every_dtype_arrive_as_they_are(make_pool: MakePool) -> None:
    sequence = [np.arange(5).astype(dtype) for dtype in "?bBhHiIlLefdFD"]
    result = read(make_pool(sequence), *range(len(sequence)))
    assert [run.arrays[0].dtype for run in result.runs] == [a.dtype for a in sequence]


def test_a_worker_stuck_in_an_unwanted_batch_is_taken_away(make_pool: MakePool) -> None:
    pool = make_pool(Misbehaving("hang"), workers=1)
    is_wanted = True
    stuck = Task(0, None, (3,), is_wanted=lambda: is_wanted)
    pool.submit(stuck)
    assert waited_for(lambda: pool.reader_of(stuck))
    is_wanted = False
    assert values(read(pool, 1))


def test_all_workers_are_used_when_each_task_could_wait_for_a_busy_one(
    make_pool: MakePool,
) -> None:
    pool = make_pool(Pids(), workers=2)
    seen = {pid for _, pid in values(read(pool, 0))}
    deadline = time.monotonic() + _LIMIT_S
    # Two at a time, and both short: the first worker could take one ahead for ever.
    while len(seen) < 2 and time.monotonic() < deadline:
        tasks = [Task(0, None, (index,)) for index in range(2)]
        for task in tasks:
            pool.submit(task)
        results = [task.future.result(_LIMIT_S) for task in tasks]
        seen |= {pid for result in results for _, pid in values(result)}
    assert len(seen) == 2
