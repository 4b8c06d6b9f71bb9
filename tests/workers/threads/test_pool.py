from __future__ import annotations

import os
import random
import threading
from collections.abc import Iterator
from concurrent.futures import Future, wait
from typing import Any, Callable

import numpy as np
import pytest

from seq2data.errors import BatchError, ReadError, WorkerCrashError
from seq2data.plan.seeds import seed_generators
from seq2data.source.adapt import adapt
from seq2data.workers.task import Task, TaskResult
from seq2data.workers.threads.pool import ThreadPool
from tests.hostile import Misbehaving, UnpicklableError
from tests.sources import Drawing, Reused, Squares, Unequal

# Ends a test that waits in vain.
_PATIENCE_S = 30
# How long one reader gives another to do what it must not be able to.
_CHANCE_S = 0.5

OpenPool = Callable[..., ThreadPool]


class SometimesDrawing(Squares):
    """Batches 2, 5, 8, ... draw; they tell what."""

    def __getitem__(self, index: int) -> Any:
        if index % 3 < 2:
            return np.array([index, 0, 0])
        return np.array([index, random.random(), np.random.rand()])


class Seeding(Squares):
    """Seeds the generators itself, as some legacy code does."""

    def __getitem__(self, index: int) -> Any:
        np.random.seed(index)
        return np.append(np.random.rand(2), random.random())


class Waiting(Squares):
    """Batch 0 waits until the test lets it go."""

    def __init__(self) -> None:
        super().__init__()
        self.begun, self.gate = threading.Event(), threading.Event()
        self.reads: list[int] = []

    def __getitem__(self, index: int) -> Any:
        self.reads.append(index)
        if index == 0:
            self.begun.set()
            assert self.gate.wait(_PATIENCE_S)
        return super().__getitem__(index)


class Ordering(Waiting):
    """Sets an attribute at each read, and notes who has read."""

    last = -1

    def __getitem__(self, index: int) -> Any:
        self.last = index
        return super().__getitem__(index)


@pytest.fixture(autouse=True)
def _own_states() -> Iterator[None]:
    """The other tests' random numbers stay what they were."""
    before = random.getstate(), np.random.get_state()
    yield
    random.setstate(before[0])
    np.random.set_state(before[1])


@pytest.fixture
def open_pool() -> Iterator[OpenPool]:
    """Makes pools, and closes them."""
    pools: list[ThreadPool] = []

    def make(source: Any, threads: int = 2) -> ThreadPool:
        pools.append(ThreadPool(adapt(source), threads))
        return pools[-1]

    yield make
    for pool in pools:
        pool.close()


def result_of(task: Task) -> TaskResult:
    return task.future.result(_PATIENCE_S)


def submitted(
    pool: ThreadPool, *chunks: tuple[int, ...], **settings: Any
) -> list[Task]:
    tasks = [Task(2, settings.get("entropy"), chunk) for chunk in chunks]
    for task in tasks:
        pool.submit(task)
    return tasks


def batches_of(task: Task) -> list[list[list[float]]]:
    """The values of each array of each batch."""
    return [
        [array[position].tolist() for array in run.arrays]
        for run in result_of(task).runs
        for position in range(run.count)
    ]


def values(batch: Any) -> list[list[float]]:
    arrays = batch if isinstance(batch, tuple) else (batch,)
    return [array.tolist() for array in arrays]


def as_a_process_reads_it(source: Any, indices: range, entropy: int) -> list[Any]:
    """A worker process seeds its generators before each batch, and reads alone."""
    batches = []
    for index in indices:
        seed_generators(entropy, 2, index)
        batches.append(values(source[index]))
    return batches


def generators_now() -> tuple[Any, ...]:
    name, keys, *rest = np.random.get_state()
    return random.getstate(), name, keys.tolist(), rest


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
            barrier.wait(_PATIENCE_S)
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
    assert source.begun.wait(_PATIENCE_S)
    assert not wait([task.future for task in tasks[1:]], _CHANCE_S).done
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
    assert source.begun.wait(_PATIENCE_S)
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
    assert source.begun.wait(_PATIENCE_S)
    unwanted = Task(2, None, (1,), is_wanted=lambda: False)
    pool.submit(unwanted)
    (last,) = submitted(pool, (2,))
    source.gate.set()
    assert len(batches_of(last)) == 1
    assert result_of(first).error is None
    assert unwanted.future.cancelled()
    assert source.reads == [0, 2]


def test_close_ends_a_wait_for_user_code_that_does_not_return() -> None:
    source = Waiting()
    pool = ThreadPool(adapt(source), 1)
    (task,) = submitted(pool, (0,))
    assert source.begun.wait(_PATIENCE_S)
    pool.close()
    error = result_of(task).error
    source.gate.set()
    assert isinstance(error, WorkerCrashError)
    assert "`Waiting`" in str(error)


def test_close_ends_the_tasks_that_have_not_begun() -> None:
    source = Waiting()
    pool = ThreadPool(adapt(source), 1)
    _, queued = submitted(pool, (0,), (1,))
    assert source.begun.wait(_PATIENCE_S)
    threads = [t for t in threading.enumerate() if "Waiting" in t.name]
    pool.close()
    source.gate.set()
    for thread in threads:
        thread.join(_PATIENCE_S)
    assert queued.future.done()


def test_close_ends_a_task_that_a_thread_is_about_to_read() -> None:
    source = Waiting()
    pool = ThreadPool(adapt(source), 1)

    def is_wanted() -> bool:
        pool.close()
        return True

    task = Task(2, None, (1,), is_wanted)
    pool.submit(task)
    assert isinstance(result_of(task).error, WorkerCrashError)
    assert source.reads == []


def test_close_ends_a_task_that_was_abandoned_before_it_began() -> None:
    source = Waiting()
    pool = ThreadPool(adapt(source), 1)
    _, queued = submitted(pool, (0,), (1,))
    assert source.begun.wait(_PATIENCE_S)
    pool.abandon(queued)
    pool.close()
    source.gate.set()
    assert isinstance(result_of(queued).error, WorkerCrashError)


def test_close_ends_a_task_that_is_submitted_after_it() -> None:
    pool = ThreadPool(adapt(Squares()), 1)
    pool.close()
    (task,) = submitted(pool, (0,))
    assert isinstance(result_of(task).error, WorkerCrashError)


def test_close_may_come_while_a_task_ends() -> None:
    first = TaskResult(seconds=1)

    class Overtaken(Future[TaskResult]):
        """Another thread ends it a moment before each result."""

        def set_result(self, result: TaskResult) -> None:
            super().set_result(first)
            super().set_result(result)

    task = Task(2, None, (0,), future=Overtaken())
    task.finish(TaskResult(seconds=2))
    assert task.future.result(0) is first


def test_close_ends_the_threads() -> None:
    pool = ThreadPool(adapt(Squares()), 3)
    wait([task.future for task in submitted(pool, (0,), (1,), (2,))])
    threads = [t for t in threading.enumerate() if t.name.startswith("seq2data")]
    pool.close()
    for thread in threads:
        thread.join(_PATIENCE_S)
    assert not any(thread.is_alive() for thread in threads)


def test_close_may_be_called_again() -> None:
    pool = ThreadPool(adapt(Squares()), 2)
    pool.close()
    pool.close(wait=False)


@pytest.mark.parametrize(
    ("source", "threads"),
    [
        *((Drawing(30), 1), (Drawing(30), 3)),
        *((Squares(30), 1), (Squares(30), 3)),
        *((Seeding(30), 1), (Seeding(30), 3)),
        (SometimesDrawing(30), 1),  # of several threads, Meddling tells
    ],
)
def test_seeded_batches_are_those_of_a_process(
    source: Any, threads: int, open_pool: OpenPool
) -> None:
    expected = as_a_process_reads_it(source, range(30), entropy=11)
    chunks = [(n, n + 1) for n in range(0, 30, 2)]
    tasks = submitted(open_pool(source, threads), *chunks, entropy=11)
    assert [batch for task in tasks for batch in batches_of(task)] == expected


@pytest.mark.parametrize(
    "source",
    [
        Drawing(),
        Squares(),
        Seeding(),
        Misbehaving("raise_key_error", at=4),
        pytest.param(
            SometimesDrawing(),
        ),
    ],
)
def test_callers_own_random_state_is_left_as_it_was(
    source: Any, open_pool: OpenPool
) -> None:
    before = generators_now()
    (task,) = submitted(open_pool(source, 1), tuple(range(8)), entropy=11)
    wait([task.future])
    assert generators_now() == before


def test_unseeded_batches_draw_from_the_callers_generators(open_pool: OpenPool) -> None:
    states = random.getstate(), np.random.get_state()
    expected = values(Drawing()[3])
    random.setstate(states[0])
    np.random.set_state(states[1])
    (task,) = submitted(open_pool(Drawing(), 1), (3,))
    assert batches_of(task) == [expected]


def test_batches_that_do_not_draw_are_read_at_once_though_seeded(
    open_pool: OpenPool,
) -> None:
    barrier = threading.Barrier(2)

    class Meeting(Squares):
        def __getitem__(self, index: int) -> Any:
            if index:
                barrier.wait(_PATIENCE_S)
            return super().__getitem__(index)

    pool = open_pool(Meeting())
    (first,) = submitted(pool, (0,), entropy=11)
    wait([first.future])  # it tells that the source does not draw
    tasks = submitted(pool, (1,), (2,), entropy=11)
    assert [result_of(task).error for task in tasks] == [None, None]


def test_item_of_a_generator_is_read_once_though_it_draws_late(
    open_pool: OpenPool,
) -> None:
    def items() -> Iterator[np.ndarray]:
        yield np.zeros(1)
        for _ in range(3):
            yield np.random.rand(1)

    pool = open_pool(items(), 1)
    tasks = [Task(0, 11, (n,), is_repeatable=False) for n in range(4)]
    for task in tasks:
        pool.submit(task)
    drawn = []
    wait([task.future for task in tasks])
    for index in range(1, 4):
        seed_generators(11, 0, index)
        drawn.append([np.random.rand(1).tolist()])
    assert [batches_of(task)[0] for task in tasks[1:]] == drawn


class Meddling(Squares):
    """Batch 1 is in the middle of drawing when batch 2 begins to draw.

    Only if their readers let it: each gives the other but a short chance.
    """

    def __init__(self) -> None:
        super().__init__()
        self.has_drawn = {1: threading.Event(), 2: threading.Event()}
        self.reads = {0: 0, 1: 0, 2: 0}

    def __getitem__(self, index: int) -> Any:
        self.reads[index] += 1
        if index == 0:
            return np.zeros(2)
        if index == 2 and self.reads[2] == 1:
            self.has_drawn[1].wait(_CHANCE_S)
        first = random.random()
        if index == 2 or self.reads[1] == 2:
            self.has_drawn[index].set()
        if index == 1 and self.reads[1] == 2:
            self.has_drawn[2].wait(_CHANCE_S)
        return np.array([first, random.random()])


def test_batch_that_draws_late_does_not_disturb_another(open_pool: OpenPool) -> None:
    pool = open_pool(Meddling())
    (first,) = submitted(pool, (0,), entropy=11)
    wait([first.future])
    tasks = submitted(pool, (1,), (2,), entropy=11)
    found = [batches_of(task)[0][0] for task in tasks]
    seed_generators(11, 2, 1)
    assert found[0] == [random.random(), random.random()]
    seed_generators(11, 2, 2)
    assert found[1] == [random.random(), random.random()]


class DrawingLate(Squares):
    """Its batch 0 does not draw; the others tell when they do, and wait then."""

    def __init__(self) -> None:
        super().__init__()
        self.has_drawn, self.may_go_on = threading.Event(), threading.Event()

    def __getitem__(self, index: int) -> Any:
        if index == 0:
            return np.zeros(2)
        first = random.random()
        self.has_drawn.set()
        self.may_go_on.wait(_CHANCE_S)
        return np.array([first, random.random()])


def test_readers_of_two_sources_do_not_disturb_each_other(open_pool: OpenPool) -> None:
    one, other = DrawingLate(), DrawingLate()
    one.may_go_on = other.has_drawn
    other_pool = open_pool(other, 1)
    (begun,) = submitted(other_pool, (0,), entropy=7)
    wait([begun.future])  # it tells that the other source does not draw
    (task,) = submitted(open_pool(one, 1), (1,), entropy=11)
    assert one.has_drawn.wait(_PATIENCE_S)
    (meddling,) = submitted(other_pool, (1,), entropy=7)
    found = batches_of(task)[0][0]
    wait([meddling.future])
    seed_generators(11, 2, 1)
    assert found == [random.random(), random.random()]
