"""Sources and helpers of the tests of thread pools."""

from __future__ import annotations

import random
import threading
from typing import Any, Callable

import numpy as np

from seq2data.plan.seeds import seed_generators
from seq2data.workers.task import Task, TaskResult
from seq2data.workers.threads.pool import ThreadPool
from tests.sources import Squares

# Ends a test that waits in vain.
LIMIT_S = 30
# How long one reader gives another to do what it must not be able to.
CHANCE_S = 0.5

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
            assert self.gate.wait(LIMIT_S)
        return super().__getitem__(index)


class Ordering(Waiting):
    """Sets an attribute at each read, and notes who has read."""

    last = -1

    def __getitem__(self, index: int) -> Any:
        self.last = index
        return super().__getitem__(index)


def result_of(task: Task) -> TaskResult:
    return task.future.result(LIMIT_S)


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
