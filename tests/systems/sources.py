"""Sources with an accident, importable in workers."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from tests.sources import Squares

ROWS = 40


class Large(Squares):
    """Batches of 2 MB, which no socket holds."""

    def __getitem__(self, index: int) -> Any:
        return np.arange(500_000, dtype=np.float32) * index, np.array(["text", "é"])


class Accident(Squares):
    """Has one at batch 5, in the first worker that comes to it."""

    def __init__(self, marker: Path) -> None:
        super().__init__()
        self.marker = marker

    def __getitem__(self, index: int) -> Any:
        if index == 5 and not self.marker.exists():
            self.marker.touch()
            self.happen()
        return super().__getitem__(index)

    def happen(self) -> None:
        os.kill(os.getpid(), signal.SIGKILL)


class LeavesChild(Accident):
    """Leaves behind a child that holds the worker's socket, whose pid is noted."""

    def happen(self) -> None:
        # What the main thread forks dies with it on Linux.
        thread = threading.Thread(target=self.fork)
        thread.start()
        thread.join()
        super().happen()

    def fork(self) -> None:
        pid = os.fork()
        if pid == 0:
            signal.pause()
        self.marker.write_text(str(pid))


class LosesMaker(Accident):
    """Is stuck while the process that has made the worker is killed."""

    def happen(self) -> None:
        os.kill(os.getppid(), signal.SIGKILL)
        time.sleep(600)


class Raises(Squares):
    def __getitem__(self, index: int) -> Any:
        if index == 7:
            raise KeyError("no such row")
        return super().__getitem__(index)


class Stuck(Squares):
    def __getitem__(self, index: int) -> Any:
        if index == 7:
            time.sleep(600)
        return super().__getitem__(index)


class ShufflesArray(Squares):
    """Shuffles a large array in place when a batch is read first, whichever it is."""

    def __init__(self) -> None:
        super().__init__(ROWS)
        self.rows = np.repeat(np.arange(ROWS), 4_000).reshape(ROWS, -1)
        self.is_shuffled = np.zeros(100_000, np.int8)

    def __getitem__(self, index: int) -> Any:
        if not self.is_shuffled[0]:
            self.is_shuffled[0] = 1
            np.random.shuffle(self.rows)
        return self.rows[index, :3]


def counting() -> Iterator[Any]:
    for index in range(9):
        yield np.full((3, 2), index, np.float32), np.array([index])
