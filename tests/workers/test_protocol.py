"""The rules that every kind of worker keeps: `seq2data.workers.protocol`."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from concurrent.futures import CancelledError
from typing import Any, Callable

import numpy as np
import pytest

from seq2data.errors import ReadError, Seq2DataError, WorkerCrashError
from seq2data.plan.seeds import seed_generators
from seq2data.source.adapt import Source, adapt
from seq2data.workers.processes.pool import ProcessPool
from seq2data.workers.protocol import Pool
from seq2data.workers.task import Task, TaskResult
from seq2data.workers.threads.pool import ThreadPool
from tests.sources import Drawing, Squares
from tests.workers.inline_pool import InlinePool

_LIMIT_S = 60.0


def processes(workers: int, method: str) -> Callable[[Source], Pool]:
    return lambda source: ProcessPool(source.name, workers, 4, start_method=method)


KINDS: dict[str, Callable[[Source], Pool]] = {
    "forked": processes(2, "fork"),
    "executed": processes(2, "exec"),
    "one process": processes(1, "fork"),
    "threads": lambda source: ThreadPool(source, 2),
    "one thread": lambda source: ThreadPool(source, 1),
    "inline": InlinePool,
}
OpenPool = Callable[[Any], Pool]


class Failing(Squares):
    """Batch 3 raises."""

    def __getitem__(self, index: int) -> Any:
        if index == 3:
            raise KeyError("three")
        return super().__getitem__(index)


class Setting(Squares):
    """Each batch tells an attribute, which the program sets."""

    value = 1

    def __getitem__(self, index: int) -> Any:
        return np.array([index, self.value])


@pytest.fixture(params=KINDS.values(), ids=list(KINDS))
def open_pool(request: pytest.FixtureRequest) -> Iterator[OpenPool]:
    pools: list[Pool] = []

    def made(sequence: Any) -> Pool:
        source = adapt(sequence)
        pools.append(request.param(source))
        pools[-1].load(source)
        return pools[-1]

    yield made
    for pool in pools:
        pool.close()


def results(pool: Pool, tasks: Sequence[Task]) -> list[TaskResult]:
    for task in tasks:
        pool.submit(task)
    return [task.future.result(_LIMIT_S) for task in tasks]


def values(result: TaskResult) -> list[Any]:
    return [
        [array[position].tolist() for array in run.arrays]
        for run in result.runs
        for position in range(run.count)
    ]


def plain(sequence: Any, indices: Sequence[int]) -> list[Any]:
    return [[array.tolist() for array in sequence[index]] for index in indices]


def test_tasks_give_what_plain_indexing_gives(open_pool: OpenPool) -> None:
    indices = [(0, 1, 2), (5,), (3, 4), (11, 10), tuple(range(6, 10))]
    found = results(open_pool(Squares()), [Task(0, None, each) for each in indices])
    assert list(map(values, found)) == [plain(Squares(), each) for each in indices]
    assert [result.error for result in found] == [None] * 5
    assert all(result.seconds > 0 for result in found)


def test_exception_ends_its_task_and_no_other(open_pool: OpenPool) -> None:
    tasks = [Task(2, None, each) for each in [(1, 2), (2, 3, 4), (4, 5)]]
    first, failed, last = results(open_pool(Failing()), tasks)
    assert values(failed) == plain(Squares(), [2])
    assert isinstance(failed.error, ReadError)
    assert (failed.error.index, failed.error.epoch) == (3, 2)
    assert isinstance(failed.error.__cause__, KeyError)
    assert values(first) + values(last) == plain(Squares(), [1, 2, 4, 5])


def test_unwanted_task_is_cancelled_and_not_read(open_pool: OpenPool) -> None:
    pool = open_pool(Failing())
    unwanted = Task(0, None, (3,), is_wanted=lambda: False)
    (read,) = results(pool, [Task(0, None, (1,))])
    pool.submit(unwanted)
    with pytest.raises(CancelledError):
        unwanted.future.result(_LIMIT_S)
    assert values(read) == plain(Squares(), [1])


def test_what_a_batch_draws_depends_on_entropy_epoch_and_index_alone(
    open_pool: OpenPool,
) -> None:
    asked = [(0, 1), (0, 0), (1, 1), (0, 5), (1, 0), (0, 2)]
    pool = open_pool(Drawing())
    found = results(pool, [Task(epoch, 7, (index,)) for epoch, index in asked])
    state = random.getstate(), np.random.get_state()
    expected = []
    for epoch, index in asked:
        seed_generators(7, epoch, index)
        expected.append([[Drawing()[index].tolist()]])
    random.setstate(state[0])
    np.random.set_state(state[1])
    assert list(map(values, found)) == expected


def test_later_tasks_see_the_source_as_it_was_loaded_last(open_pool: OpenPool) -> None:
    sequence = Setting()
    pool = open_pool(sequence)
    source = adapt(sequence)
    assert not pool.load(source)
    before = results(pool, [Task(0, None, (index,)) for index in range(3)])
    sequence.value = 2
    assert pool.load(source)
    after = results(pool, [Task(1, None, (index,)) for index in range(3)])
    assert list(map(values, before)) == [[[[index, 1]]] for index in range(3)]
    assert list(map(values, after)) == [[[[index, 2]]] for index in range(3)]


def test_end_of_a_generator_is_no_error(open_pool: OpenPool) -> None:
    pool = open_pool(two_items)
    tasks = [Task(0, None, (index,), is_repeatable=False) for index in range(3)]
    if pool.readers.startswith("2"):
        pytest.skip("a generator has one reader")
    found = results(pool, tasks)
    assert list(map(values, found)) == [[[[0, 0]]], [[[1, 1]]], []]
    assert [result.is_exhausted for result in found] == [False, False, True]
    assert [result.error for result in found] == [None] * 3


def two_items() -> Iterator[Any]:
    yield np.zeros(2)
    yield np.ones(2)


def test_task_that_has_ended_has_no_reader(open_pool: OpenPool) -> None:
    pool = open_pool(Squares())
    task = Task(0, None, (0,))
    results(pool, [task])
    assert pool.reader_of(task) is None


def test_tasks_that_are_left_at_close_end_in_an_error(open_pool: OpenPool) -> None:
    pool = open_pool(Squares())
    results(pool, [Task(0, None, (0,))])
    pool.close()
    pool.close()
    (left,) = results(pool, [Task(0, None, (1,))])
    assert isinstance(left.error, WorkerCrashError)
    assert isinstance(left.error, Seq2DataError)


def test_pool_says_what_it_is(open_pool: OpenPool) -> None:
    pool = open_pool(Squares())
    assert pool.readers
    assert pool.shares_generators is not isinstance(pool, ProcessPool)
    assert pool.starter() is None or pool.starter().pid > 0  # type: ignore[union-attr]
