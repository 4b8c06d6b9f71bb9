"""The pool of threads reads what the source gives."""

from __future__ import annotations

import os
import threading
from concurrent.futures import wait
from typing import Any

import numpy as np
import pytest

from seq2data.errors import BatchError, ReadError
from seq2data.source.adapt import adapt
from seq2data.workers.task import Task
from tests.hostile import Misbehaving, UnpicklableError
from tests.sources import Reused, Squares, Unequal
from tests.workers.threads.pools import (
    CHANCE_S,
    LIMIT_S,
    OpenPool,
    Ordering,
    Waiting,
    batches_of,
    result_of,
    submitted,
    values,
)


@pytest.mark.parametrize("threads", [1, 2, 5])
@pytest.mark.parametrize("source", [Squares(), Unequal()])
def test_batches_are_those_of_the_source(
    threads: int, source: Any, open_pool: OpenPool
) -> None:
    chunks = [(0,), (1, 2, 3), (4, 5), (11, 7, 9)]
    tasks = submitted(open_pool(source, threads), *chunks)
    expected = [[values(source[i]) for i in chunk] for chunk in chunks]
    assert [batches_of(task) for task in tasks] == expected


def test_batches_of_equal_shapes_come_as_one_run(open_pool: OpenPool) -> None:
    (task,) = submitted(open_pool(Squares()), (0, 1, 2, 3))
    assert [run.count for run in result_of(task).runs] == [4]


def test_buffer_that_the_source_uses_again_is_copied(open_pool: OpenPool) -> None:
    tasks = submitted(open_pool(Reused(), 1), (0, 1), (2,))
    wait([task.future for task in tasks])
    firsts = [batch[0][0][0] for task in tasks for batch in batches_of(task)]
    assert firsts == [0, 1, 2]


def test_arrays_lie_at_a_multiple_of_64_bytes(open_pool: OpenPool) -> None:
    (task,) = submitted(open_pool(Unequal()), tuple(range(12)))
    places = [
        array[position].ctypes.data
        for run in result_of(task).runs
        for array in run.arrays
        for position in range(run.count)
        if array.size
    ]
    assert {place % 64 for place in places} == {0}


def test_time_that_reading_took_is_told(open_pool: OpenPool) -> None:
    (task,) = submitted(open_pool(Squares()), (0, 1))
    assert result_of(task).seconds > 0


def test_several_batches_are_read_at_once(open_pool: OpenPool) -> None:
    barrier = threading.Barrier(3)

    class Meeting(Squares):
        def __getitem__(self, index: int) -> Any:
            barrier.wait(LIMIT_S)
            return super().__getitem__(index)

    tasks = submitted(open_pool(Meeting(), 3), (0,), (1,), (2,))
    assert [result_of(task).error for task in tasks] == [None] * 3


def test_no_more_threads_than_asked_for_read(open_pool: OpenPool) -> None:
    readers = set()

    class Telling(Squares):
        def __getitem__(self, index: int) -> Any:
            readers.add(threading.current_thread())
            return super().__getitem__(index)

    tasks = submitted(open_pool(Telling(), 2), *((n,) for n in range(12)))
    wait([task.future for task in tasks])
    assert 1 <= len(readers) <= 2
    assert threading.current_thread() not in readers
    assert all(reader.daemon for reader in readers)


def test_tasks_start_in_the_order_in_which_they_came(open_pool: OpenPool) -> None:
    order: list[int] = []

    class Telling(Squares):
        def __getitem__(self, index: int) -> Any:
            order.append(index)
            return super().__getitem__(index)

    tasks = submitted(open_pool(Telling(), 1), (3,), (1, 2), (0,))
    wait([task.future for task in tasks])
    assert order == [3, 1, 2, 0]


def test_first_task_of_a_pass_is_read_before_the_others_where_reading_sets_something(
    open_pool: OpenPool,
) -> None:
    source = Ordering()
    pool = open_pool(source, threads=3)
    result_of(submitted(pool, (5,))[0])
    pool.load(adapt(source))
    tasks = submitted(pool, (0,), (1,), (2,))
    assert source.begun.wait(LIMIT_S)
    assert not wait([task.future for task in tasks[1:]], CHANCE_S).done
    source.gate.set()
    for task in tasks:
        result_of(task)
    assert source.reads[:2] == [5, 0]


def test_tasks_of_an_earlier_pass_do_not_wait_for_the_first_of_a_later_one(
    open_pool: OpenPool,
) -> None:
    source = Ordering()
    source.gate.set()
    pool = open_pool(source, threads=2)
    result_of(submitted(pool, (5,))[0])
    pool.load(adapt(source))
    tasks = submitted(pool, *((index,) for index in range(6)))
    for _ in range(3):
        pool.load(adapt(source))
        tasks += submitted(pool, *((index,) for index in range(6)))
    assert [result_of(task).error for task in tasks] == [None] * 24


def test_abandoned_first_task_keeps_nobody_waiting(open_pool: OpenPool) -> None:
    source = Ordering()
    pool = open_pool(source)
    result_of(submitted(pool, (5,))[0])
    pool.load(adapt(source))
    first, second = submitted(pool, (0,), (1,))
    assert source.begun.wait(LIMIT_S)
    pool.abandon(first)
    assert result_of(second).error is None
    source.gate.set()


def test_source_itself_is_read_so_changes_are_seen(open_pool: OpenPool) -> None:
    source = Squares()
    pool = open_pool(source)
    assert pool.load(adapt(source)) is False
    source.batch_size = 1
    assert pool.load(adapt(source)) is True
    assert pool.load(adapt(source)) is False
    (task,) = submitted(pool, (3,))
    assert batches_of(task) == [[[[3, 3, 3]], [9]]]


def test_users_exception_is_the_cause_itself(open_pool: OpenPool) -> None:
    (task,) = submitted(open_pool(Misbehaving("raise_key_error", at=1)), (0, 1, 2))
    result = result_of(task)
    assert isinstance(result.error, ReadError)
    assert isinstance(result.error.__cause__, KeyError)
    assert result.error.__cause__.__traceback__ is not None
    assert (result.error.index, result.error.epoch) == (1, 2)
    assert result.error.pid == os.getpid()
    assert "raise_key_error" in result.error.worker_traceback


def test_exception_that_does_not_pickle_is_the_cause_all_the_same(
    open_pool: OpenPool,
) -> None:
    (task,) = submitted(open_pool(Misbehaving("raise_unpicklable", at=0)), (0,))
    assert isinstance(result_of(task).error, ReadError)
    assert isinstance(result_of(task).error.__cause__, UnpicklableError)


def test_batches_before_the_exception_are_not_lost(open_pool: OpenPool) -> None:
    (task,) = submitted(open_pool(Misbehaving("raise_key_error", at=2)), (0, 1, 2, 3))
    assert batches_of(task) == [values(Squares()[0]), values(Squares()[1])]


@pytest.mark.parametrize(
    "what", ["raise_key_error", "exit_quietly", "raise_stop_iteration", "return_object"]
)
def test_thread_survives_what_user_code_does(what: str, open_pool: OpenPool) -> None:
    bad, good = submitted(open_pool(Misbehaving(what, at=0), 1), (0,), (1,))
    assert result_of(bad).error is not None
    assert batches_of(good) == [values(Squares()[1])]


def test_bad_batch_is_told_with_its_index(open_pool: OpenPool) -> None:
    (task,) = submitted(open_pool(Misbehaving("return_object", at=1)), (0, 1))
    error = result_of(task).error
    assert isinstance(error, BatchError)
    assert error.index == 1


def test_end_of_a_generator_is_told(open_pool: OpenPool) -> None:
    pool = open_pool((np.array([n]) for n in range(2)), 1)
    tasks = submitted(pool, (0,), (1,), (2,))
    assert [result_of(task).is_exhausted for task in tasks] == [False, False, True]
    assert result_of(tasks[2]).runs == ()
    assert result_of(tasks[2]).error is None


def test_task_that_nobody_wants_is_not_read(open_pool: OpenPool) -> None:
    source = Waiting()
    pool = open_pool(source, 1)
    (first,) = submitted(pool, (0,))
    assert source.begun.wait(LIMIT_S)
    unwanted = Task(2, None, (1,), is_wanted=lambda: False)
    pool.submit(unwanted)
    (last,) = submitted(pool, (2,))
    source.gate.set()
    assert len(batches_of(last)) == 1
    assert result_of(first).error is None
    assert unwanted.future.cancelled()
    assert source.reads == [0, 2]
