"""Own generators of a source that is read in the caller's process."""

from __future__ import annotations

import random
import threading
from concurrent.futures import wait
from typing import Any, Callable, Optional

import numpy as np
import pytest

from seq2data.source.adapt import adapt
from seq2data.workers.task import Task
from seq2data.workers.threads.pool import ThreadPool
from seq2data.workers.threads.random_state import state_of
from tests.contract.own_generators import draw
from tests.sources import Squares

# Ends a test that waits in vain.
_PATIENCE_S = 30
# How long one reader gives another to do what it must not be able to.
_CHANCE_S = 0.5

OpenPool = Callable[..., ThreadPool]


def submitted(
    pool: ThreadPool, *indices: int, entropy: Optional[int] = None
) -> list[Task]:
    tasks = [Task(2, entropy, (index,)) for index in indices]
    for task in tasks:
        pool.submit(task)
    return tasks


def batch_of(task: Task) -> Any:
    result = task.future.result(_PATIENCE_S)
    assert result.error is None
    return result.runs[0].arrays[0][0]


class Meeting(Squares):
    """Batches 1 and 2 are read at the same time; they draw if told so."""

    def __init__(self, rng: Any, *, draws: bool) -> None:
        super().__init__()
        self.rng = rng
        self.draws = draws
        self.barrier = threading.Barrier(2)

    def __getitem__(self, index: int) -> Any:
        drawn = draw(self.rng) if self.draws else 0
        if index:
            self.barrier.wait(_PATIENCE_S)
        return np.array([index, drawn])


@pytest.mark.parametrize(
    ("rng", "draws", "entropy"),
    [
        (np.random.default_rng(), True, None),  # every draw is a new one anyway
        (np.random.default_rng(), False, 3),
        (np.random.default_rng(5), False, None),
        (random.Random(5), False, 3),
    ],
)
def test_batches_are_read_at_once_where_they_need_no_state_of_their_own(
    rng: Any, draws: bool, entropy: Optional[int], open_pool: OpenPool
) -> None:
    pool = open_pool(Meeting(rng, draws=draws))
    batch_of(submitted(pool, 0, entropy=entropy)[0])
    first, second = submitted(pool, 1, 2, entropy=entropy)
    assert [batch_of(first)[0], batch_of(second)[0]] == [1, 2]


class Meddling(Squares):
    """Batches 1 and 2 draw twice, and let the other one draw in between."""

    def __init__(self, rng: Any) -> None:
        super().__init__()
        self.rng = rng
        self.has_drawn = {1: threading.Event(), 2: threading.Event()}

    def __getitem__(self, index: int) -> Any:
        if index == 0:
            return np.zeros(2)
        first = draw(self.rng)
        self.has_drawn[index].set()
        self.has_drawn[3 - index].wait(_CHANCE_S)
        return np.array([first, draw(self.rng)])


@pytest.mark.parametrize("entropy", [None, 3])
@pytest.mark.parametrize("make", [random.Random, np.random.RandomState])
def test_batches_that_draw_do_not_disturb_each_other(
    make: Any, entropy: Optional[int], open_pool: OpenPool
) -> None:
    alone = open_pool(Meddling(make(5)), 1)
    expected = [
        batch_of(submitted(alone, index, entropy=entropy)[0]) for index in (0, 1, 2)
    ]
    pool = open_pool(Meddling(make(5)))
    tasks = submitted(pool, 0, 1, 2, entropy=entropy)
    np.testing.assert_array_equal([batch_of(task) for task in tasks], expected)


def test_two_sources_that_share_a_generator_do_not_disturb_each_other(
    open_pool: OpenPool,
) -> None:
    rng = random.Random(5)
    before = state_of(rng).value
    one, other = Meddling(rng), Meddling(rng)
    one.has_drawn = other.has_drawn
    expected = batch_of(submitted(open_pool(Meddling(random.Random(5))), 1)[0])
    tasks = [submitted(open_pool(source), 1)[0] for source in (one, other)]
    for task in tasks:
        np.testing.assert_array_equal(batch_of(task), expected)
    assert state_of(rng).value == before


class Raising(Squares):
    def __init__(self, rng: Any) -> None:
        super().__init__()
        self.rng = rng

    def __getitem__(self, index: int) -> Any:
        self.rng.random()
        raise LookupError("no such row")


def test_generator_is_left_as_it_was_though_reading_raises(open_pool: OpenPool) -> None:
    rng = np.random.default_rng(5)
    before = state_of(rng).value
    tasks = submitted(open_pool(Raising(rng)), 0, 1, 2, entropy=3)
    wait([task.future for task in tasks])
    assert state_of(rng).value == before


class Waiting(Squares):
    """Has drawn when it tells so, and waits."""

    def __init__(self, rng: Any) -> None:
        super().__init__()
        self.rng = rng
        self.has_drawn, self.gate = threading.Event(), threading.Event()

    def __getitem__(self, index: int) -> Any:
        self.rng.random()
        self.has_drawn.set()
        assert self.gate.wait(_PATIENCE_S)
        return np.zeros(2)


def test_pass_that_begins_in_the_middle_of_a_draw_begins_from_the_users_state(
    open_pool: OpenPool,
) -> None:
    source = Waiting(random.Random(5))
    before = state_of(source.rng).value
    pool = open_pool(source)
    tasks = submitted(pool, 0)
    assert source.has_drawn.wait(_PATIENCE_S)
    assert source.rng.getstate() != before
    assert state_of(source.rng).value == before
    assert pool.load(adapt(source)) is False
    source.gate.set()
    batch_of(tasks[0])
    source.rng.random()
    assert pool.load(adapt(source)) is True


def test_unseeded_generator_that_has_moved_is_no_change(open_pool: OpenPool) -> None:
    source = Waiting(random.Random())
    pool = open_pool(source)
    source.rng.random()
    assert pool.load(adapt(source)) is False
    source.rng.seed(3)
    assert pool.load(adapt(source)) is True
