"""Random state of batches that threads read."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator
from concurrent.futures import wait
from typing import Any

import numpy as np
import pytest

from seq2data.plan.seeds import seed_generators
from seq2data.workers.task import Task
from tests.hostile import Misbehaving
from tests.sources import Drawing, Squares
from tests.workers.threads.pools import (
    CHANCE_S,
    LIMIT_S,
    OpenPool,
    Seeding,
    SometimesDrawing,
    as_a_process_reads_it,
    batches_of,
    generators_now,
    result_of,
    submitted,
    values,
)


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
                barrier.wait(LIMIT_S)
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
            self.has_drawn[1].wait(CHANCE_S)
        first = random.random()
        if index == 2 or self.reads[1] == 2:
            self.has_drawn[index].set()
        if index == 1 and self.reads[1] == 2:
            self.has_drawn[2].wait(CHANCE_S)
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
        self.may_go_on.wait(CHANCE_S)
        return np.array([first, random.random()])


def test_readers_of_two_sources_do_not_disturb_each_other(open_pool: OpenPool) -> None:
    one, other = DrawingLate(), DrawingLate()
    one.may_go_on = other.has_drawn
    other_pool = open_pool(other, 1)
    (begun,) = submitted(other_pool, (0,), entropy=7)
    wait([begun.future])  # it tells that the other source does not draw
    (task,) = submitted(open_pool(one, 1), (1,), entropy=11)
    assert one.has_drawn.wait(LIMIT_S)
    (meddling,) = submitted(other_pool, (1,), entropy=7)
    found = batches_of(task)[0][0]
    wait([meddling.future])
    seed_generators(11, 2, 1)
    assert found == [random.random(), random.random()]
