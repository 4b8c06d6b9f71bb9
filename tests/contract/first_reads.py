"""Classes that change themselves at their first read; importable in workers."""

from __future__ import annotations

import atexit
import os
import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from tests.sources import Squares

LENGTH = 24


class DrawsOrder(Squares):
    """Draws the order of its rows at the first read, from a generator of some kind."""

    def __init__(self, kind: str) -> None:
        super().__init__(LENGTH)
        self.kind = kind
        self.order: Any = None
        self.epoch = 0

    def __getitem__(self, index: int) -> Any:
        if self.order is None:
            self.order = self.draw()
        return np.array([self.order[index], self.epoch])

    def draw(self) -> Any:
        if self.kind == "numpy":
            return np.random.permutation(LENGTH)
        if self.kind == "random":
            return random.sample(range(LENGTH), LENGTH)
        return np.random.default_rng().permutation(LENGTH)

    def on_epoch_end(self) -> None:
        self.epoch += 1
        self.order = None


class Starts(Squares):
    """Has from batch 0 what the other batches need."""

    def __len__(self) -> int:
        return LENGTH

    def on_epoch_end(self) -> None:
        self.num_batches += 1  # a new version for the workers

    def __getitem__(self, index: int) -> Any:
        if index == 0:
            self.start()
        return np.array([self.use(index), self.num_batches])

    def start(self) -> None:
        self.offset = 1

    def use(self, index: int) -> int:
        return index * self.offset


class StartsThreads(Starts):
    def start(self) -> None:
        self.executor = ThreadPoolExecutor(2)

    def use(self, index: int) -> int:
        return self.executor.submit(lambda: index).result()


class TidiesUp(Starts):
    """Has something to do when the process ends that made the first read."""

    path = Path()

    def start(self) -> None:
        super().start()
        atexit.register(tell, self.path)


class StaysBusy(TidiesUp):
    """Has a worker that is in the middle of a batch when the others end."""

    def use(self, index: int) -> int:
        if index == LENGTH // 2:
            self.path.with_name("busy").touch()
            time.sleep(600)
        return super().use(index)


def tell(path: Path) -> None:
    with path.open("a") as file:
        file.write("tidied up\n")


class CannotBeSentAfterwards(Starts):
    def start(self) -> None:
        self.thread = threading.current_thread()

    def use(self, index: int) -> int:
        return index * bool(self.thread)


class OpensFile(Starts):
    """Numbers in a file that it opens at the first read, whichever that is."""

    file: Any = None

    def __init__(self, path: Path) -> None:
        super().__init__(LENGTH)
        path.write_bytes(b"".join(i.to_bytes(4, "little") for i in range(LENGTH)))
        self.path = path

    def __getitem__(self, index: int) -> Any:
        if self.file is None:
            self.file = self.path.open("rb")
        self.file.seek(4 * index)
        return np.array(int.from_bytes(self.file.read(4), "little"))


class FillsArray(Squares):
    """Shuffles a large array in place at the first read."""

    def __init__(self) -> None:
        super().__init__(LENGTH)
        self.rows = np.arange(LENGTH * 100_000)

    def __getitem__(self, index: int) -> Any:
        if self.rows[1] == 1:
            # Row 0 goes to the end: it tells whether this was done.
            order = np.append(np.random.default_rng().permutation(LENGTH - 1) + 1, 0)
            self.rows = self.rows.reshape(LENGTH, -1)
            self.rows[:] = self.rows[order]
            self.rows = self.rows.reshape(-1)
        return self.rows[index * 100_000]


class Tells(DrawsOrder):
    """Tells its parent's pid: who has forked it."""

    def __getitem__(self, index: int) -> Any:
        told = np.array([*super().__getitem__(index), os.getppid(), os.getpid()])
        return told, np.zeros(100_000)  # too much to be read many at a time


class Unchanged(Squares):
    def __getitem__(self, index: int) -> Any:
        return np.array([index, os.getppid()])


class RaisesAtFirst(Squares):
    def __getitem__(self, index: int) -> Any:
        raise LookupError("no such row")
