"""Well-behaved legacy input code, importable in workers."""

from __future__ import annotations

import os
import random
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
