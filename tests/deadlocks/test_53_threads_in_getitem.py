"""`__getitem__` uses threads, of an executor that the source made.

more-executors#140: an executor made in the parent counts the threads that it has there;
in a forked worker they are missing, and what is submitted waits for them.
"""

from __future__ import annotations

import queue
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Optional

import numpy as np

from tests.deadlocks.program import HANGS, Outcome
from tests.deadlocks.scenario import Numbered, fit_legacy, indices


class Threaded(Numbered):
    """New threads for each batch."""

    def __getitem__(self, index: int) -> Any:
        with ThreadPoolExecutor(4) as executor:
            return assembled(executor, index)


class ExecutorKept(Numbered):
    """One executor for the source's whole life, made when it is first needed.

    Keras needs it before it forks; a full executor starts no more threads then.
    """

    executor: Optional[ThreadPoolExecutor] = None

    def __getitem__(self, index: int) -> Any:
        if self.executor is None:
            self.executor = ThreadPoolExecutor(1)
        return assembled(self.executor, index)


class Background(Numbered):
    """A thread of its own, which is never told to end, answers for it."""

    asked: Optional[queue.Queue[int]] = None

    def __getitem__(self, index: int) -> Any:
        if self.asked is None:
            self.asked, self.answers = queue.Queue(), queue.Queue()
            threading.Thread(target=self.run, daemon=True).start()
        self.asked.put(index)
        return self.answers.get()

    def run(self) -> None:
        while True:
            self.answers.put(super().__getitem__(self.asked.get()))


class ExecutorMade(Threaded):
    """An executor made with the source; every worker has one of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.executor = ThreadPoolExecutor(4)

    def __getitem__(self, index: int) -> Any:
        return assembled(self.executor, index)


def assembled(executor: ThreadPoolExecutor, index: int) -> Any:
    rows = list(executor.map(row, [index, index]))
    return np.stack(rows), np.zeros((2, 1), np.float32)


def row(index: int) -> np.ndarray:
    return np.full([1], index, np.float32)


def ours() -> None:
    from seq2data import to_dataset

    for source in Threaded(), ExecutorKept(), Background(), ExecutorMade():
        dataset = to_dataset(source, workers=2)
        for _ in range(2):
            print(indices(dataset))
    print("every batch once, in order")


def legacy() -> None:
    print(list(fit_legacy(Threaded()).seen))
    print(fit_legacy(ExecutorKept()).seen)


def test_threads_work_in_workers(ours: Outcome) -> None:
    lines = ours.succeed()
    assert lines[:8] == [str(list(range(12)))] * 8


def test_legacy(legacy: Outcome) -> None:
    assert legacy.lines[0] == str(list(range(12)))
    assert legacy.summary == HANGS
