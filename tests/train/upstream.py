"""Sources of the tests of what Keras's own tests check; workers need no Keras."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Optional

import numpy as np

ENDLESS = 10**6


def batch(index: int, rows: int = 4) -> Any:
    return np.full((rows, 3), index, np.float64), np.full((rows, 1), index % 2)


def items(count: int = ENDLESS, weighted: bool = False) -> Iterator[Any]:
    for index in range(count):
        x, y = batch(index)
        yield (x, y, np.full(4, index + 1.0)) if weighted else (x, y)


class Locked:
    """An iterator that several threads may call, as old recipes make one."""

    def __init__(self, iterator: Iterator[Any]) -> None:
        self.iterator = iterator
        self.lock = threading.Lock()

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        with self.lock:
            return next(self.iterator)


class Batches:
    """A legacy class without a base of Keras; remembers what was read."""

    def __init__(self, length: int) -> None:
        self.length = length
        self.read: list[int] = []
        self.ends = 0

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, index: int) -> Any:
        self.read.append(index)
        return batch(index)

    def on_epoch_end(self) -> None:
        self.ends += 1


class Growing(Batches):
    """Always the same rows, in larger and fewer batches with every pass."""

    def __init__(self, rows: int, batch_size: int) -> None:
        super().__init__(0)
        self.rows = rows
        self.batch_size = batch_size

    def __len__(self) -> int:
        return -(-self.rows // self.batch_size)

    def __getitem__(self, index: int) -> Any:
        return batch(index, self.batch_size)

    def on_epoch_end(self) -> None:
        super().on_epoch_end()
        self.batch_size += 2


class Scaled:
    """Batch `i` holds `i * scale`; every pass ends in a scale three times as large."""

    def __init__(self, length: int, scale: int = 1) -> None:
        self.length = length
        self.scale = scale

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, index: int) -> np.ndarray:
        return np.full((2, 3), index * self.scale)

    def on_epoch_end(self) -> None:
        self.scale *= 3


class Halving(Scaled):
    """Every pass has half as many batches as the one before."""

    def on_epoch_end(self) -> None:
        super().on_epoch_end()
        self.length = -(-self.length // 2)


class Faulty(Scaled):
    """Has none of its batches, or only that one is missing."""

    def __init__(self, length: int, missing: Optional[int] = None) -> None:
        super().__init__(length)
        self.missing = missing

    def __getitem__(self, index: int) -> np.ndarray:
        if self.missing in (None, index):
            raise IndexError(index, "no such batch")
        return super().__getitem__(index)


class Deadly(Scaled):
    """Whoever is the first to read batch 7 dies."""

    def __init__(self, length: int, marker: Path) -> None:
        super().__init__(length)
        self.marker = marker

    def __getitem__(self, index: int) -> np.ndarray:
        if index == 7 and not self.marker.exists():
            self.marker.touch()
            os._exit(3)
        return super().__getitem__(index)


def cycle(source: Any) -> Iterator[np.ndarray]:
    while True:
        for index in range(len(source)):
            yield source[index]


def once(source: Any) -> Iterator[np.ndarray]:
    for index in range(len(source)):
        yield source[index]
