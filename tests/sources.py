"""Well-behaved legacy input code, importable in workers."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from typing import Any

import numpy as np


class Squares:
    """Batches that tell their index; a pure function of it."""

    def __init__(self, num_batches: int = 12, batch_size: int = 4) -> None:
        self.num_batches = num_batches
        self.batch_size = batch_size

    def __len__(self) -> int:
        return self.num_batches

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        x = np.full((self.batch_size, 3), index, np.float32)
        y = np.arange(self.batch_size) + index * index
        return x, y


class Pids(Squares):
    """Batches that tell the process that read them."""

    def __getitem__(self, index: int) -> Any:
        return np.array([index, os.getpid()])


class Drawing(Squares):
    """Batches of what the global generators give."""

    def __getitem__(self, index: int) -> Any:
        return np.concatenate([np.random.rand(2), [random.random(), index]])


class Epochs(Squares):
    """Knows how many epochs have ended; each batch tells it."""

    def __init__(self, num_batches: int = 5) -> None:
        super().__init__(num_batches)
        self.epoch = 0
        self.calls: list[int] = []

    def __getitem__(self, index: int) -> Any:
        return np.array([self.epoch, index])

    def on_epoch_end(self) -> None:
        self.epoch += 1
        self.calls.append(os.getpid())


class Counted(Squares):
    """Writes each read to a file, so that reads in any process can be counted."""

    def __init__(self, path: str, num_batches: int = 6) -> None:
        super().__init__(num_batches)
        self.path = path

    def __getitem__(self, index: int) -> Any:
        with open(self.path, "a") as file:
            file.write(f"{index}\n")
        return super().__getitem__(index)


class Unequal(Squares):
    """Every batch has another length and another width."""

    def __getitem__(self, index: int) -> Any:
        return np.full((1 + index % 3, 1 + index % 4), index), np.full(index % 5, 1.5)


class Reused(Squares):
    """Fills the same buffer for every batch."""

    def __init__(self, num_batches: int = 12) -> None:
        super().__init__(num_batches)
        self.buffer = np.zeros((4, 3), np.float32)

    def __getitem__(self, index: int) -> Any:
        self.buffer[:] = index
        return self.buffer


class Logged(Squares):
    """Writes what it is asked for to a file, which any process can read."""

    def __init__(self, path: str, num_batches: int = 6, floats: int = 4) -> None:
        super().__init__(num_batches)
        self.path = path
        self.floats = floats

    def __getitem__(self, index: int) -> Any:
        self._log(index)
        return np.full(self.floats, index, np.float32)

    def on_epoch_end(self) -> None:
        self._log("end")

    def _log(self, what: Any) -> None:
        with open(self.path, "a") as file:
            file.write(f"{what}\n")


class Gated(Logged):
    """Reads of other batches than the first and the last wait for a FIFO's writer."""

    def __init__(self, path: str, gate: str, num_batches: int, floats: int) -> None:
        super().__init__(path, num_batches, floats)
        self.gate = gate

    def __getitem__(self, index: int) -> Any:
        batch = super().__getitem__(index)
        if 0 < index < self.num_batches - 1:
            open(self.gate).close()
        return batch


class Lengths(Squares):
    """Has another number of batches in each epoch, the last one for good."""

    def __init__(self, *lengths: int) -> None:
        super().__init__(0)
        self.lengths = lengths
        self.epoch = 0

    def __len__(self) -> int:
        return self.lengths[min(self.epoch, len(self.lengths) - 1)]

    def __getitem__(self, index: int) -> Any:
        if index >= len(self):
            raise IndexError(index)
        return np.array([self.epoch, index])

    def on_epoch_end(self) -> None:
        self.epoch += 1


class Begun(Epochs):
    """Counts epochs where they begin, as Keras 3 lets it."""

    def __init__(self, num_batches: int = 5) -> None:
        super().__init__(num_batches)
        self.begun = 0

    def __getitem__(self, index: int) -> Any:
        return np.array([self.begun, self.epoch, index])

    def on_epoch_begin(self) -> None:
        self.begun += 1


def counting(stop: int = 5, start: int = 0) -> Iterator[Any]:
    """Yields batches that tell their position."""
    for index in range(start, stop):
        yield np.full((2, 3), index, np.float32), np.array([index, index])


def pids(stop: int = 5) -> Iterator[Any]:
    """Yields the process that reads it."""
    for _ in range(stop):
        yield np.array(os.getpid())


def endless() -> Iterator[Any]:
    """A legacy generator: it never ends."""
    index = 0
    while True:
        yield np.full((2, 3), index, np.float32), np.array([index, index])
        index += 1


class OnlyIter:
    """Iterable, and nothing else; each iterator starts anew."""

    def __init__(self, stop: int = 5) -> None:
        self.stop = stop

    def __iter__(self) -> Iterator[Any]:
        return counting(self.stop)


class LegacyIterator:
    """An iterator as people wrote them for Python 2 and Keras 2."""

    def __init__(self, stop: int = 5) -> None:
        self.stop = stop
        self.index = 0

    def __iter__(self) -> LegacyIterator:
        return self

    def __next__(self) -> Any:
        if self.index == self.stop:
            raise StopIteration
        self.index += 1
        return np.full((2, 3), self.index - 1, np.float32), np.zeros(2, int)


class Regression(Epochs):
    """`y = 2 x` in batches of eight."""

    def __init__(self, num_batches: int = 5) -> None:
        super().__init__(num_batches)

    def __getitem__(self, index: int) -> Any:
        x = np.linspace(-1, 1, 8, dtype=np.float32).reshape(8, 1) + index / 10
        return x, 2 * x


class Pictures:
    """Pictures and their labels."""

    kinds = ("cat", "dog")

    def __init__(self, count: int, *, size: int = 4) -> None:
        self.count = count
        self.size = size

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> Any:
        return np.full((2, self.size), index, np.float32), np.arange(2)

    @classmethod
    def three(cls) -> Pictures:
        return cls(3)
