"""`__getitem__` uses a `multiprocessing.Pool` of its own.

pytorch#15950: the workers of a pool are daemonic, and those may have no children, so
the batch fails where the same line works without workers.
"""

from __future__ import annotations

import multiprocessing
from typing import Any, Optional

import numpy as np

from tests.deadlocks.program import Outcome
from tests.deadlocks.scenario import Numbered, fit_legacy, indices


class Pooled(Numbered):
    """A new pool for each batch."""

    def __getitem__(self, index: int) -> Any:
        with multiprocessing.Pool(2) as pool:
            return assembled(pool, index)


class PoolKept(Numbered):
    """One pool for a worker's whole life, which nobody closes."""

    pool: Optional[Any] = None

    def __getitem__(self, index: int) -> Any:
        if self.pool is None:
            self.pool = multiprocessing.Pool(2)
        return assembled(self.pool, index)


def assembled(pool: Any, index: int) -> Any:
    rows = pool.map(row, [index, index])
    return np.stack(rows), np.zeros((2, 1), np.float32)


def row(index: int) -> np.ndarray:
    return np.full([1], index, np.float32)


def ours() -> None:
    from seq2data import to_dataset

    for source in Pooled(), PoolKept():
        dataset = to_dataset(source, workers=2)
        for _ in range(2):
            print(indices(dataset))
    print("every batch once, in order")


def legacy() -> None:
    print(fit_legacy(Pooled()).seen)


def test_pools_work_in_workers(ours: Outcome) -> None:
    assert ours.succeed()[:4] == [str(list(range(12)))] * 4


def test_legacy(legacy: Outcome) -> None:
    # With the error at hand, Keras 2 sometimes still waits for its other workers.
    assert "daemonic processes are not allowed to have children" in legacy.errors
