"""Legacy input code that misbehaves at a chosen batch, importable in workers."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterator
from typing import Any

import numpy as np

from tests.sources import Drawing, Squares


class UnpicklableError(Exception):
    """Pickles, but cannot be loaded again."""

    def __init__(self, first: str, second: str) -> None:
        super().__init__(f"{first} {second}")


class Misbehaving(Squares):
    """Does `what` at batch `at`."""

    def __init__(self, what: str, at: int = 3, num_batches: int = 8) -> None:
        super().__init__(num_batches)
        self.what = what
        self.at = at

    def __getitem__(self, index: int) -> Any:
        if index == self.at:
            return getattr(self, self.what)()
        return super().__getitem__(index)

    def raise_key_error(self) -> Any:
        raise KeyError("no such patient")

    def raise_file_error(self) -> Any:
        return open("/nonexistent/image.png").read()

    def raise_stop_iteration(self) -> Any:
        raise StopIteration

    def raise_unpicklable(self) -> Any:
        raise UnpicklableError("two", "arguments")

    def exit_quietly(self) -> Any:
        sys.exit(3)

    def exit_at_once(self) -> Any:
        os._exit(7)

    def kill_itself(self) -> Any:
        os.kill(os.getpid(), signal.SIGKILL)

    def return_object(self) -> Any:
        return object(), np.zeros(4)

    def return_lambda(self) -> Any:
        return {"x": np.zeros(3), "f": lambda: 0}

    def return_wider(self) -> Any:
        return np.zeros((4, 9), np.float32), np.arange(4)

    def return_float(self) -> Any:
        x, y = super().__getitem__(0)
        return x, y + 0.75

    def return_nested(self) -> Any:
        return {"x": np.zeros((4, 3), np.float32)}

    def hang(self) -> Any:
        time.sleep(600)

    def pause(self) -> Any:
        time.sleep(4)
        return super().__getitem__(self.at)

    def stop_itself(self) -> Any:
        os.kill(os.getpid(), signal.SIGSTOP)


class DiesOnce(Squares):
    """Kills the worker that reads batch 3 for the first time."""

    def __init__(self, marker: str, num_batches: int = 8) -> None:
        super().__init__(num_batches)
        self.marker = marker

    def __getitem__(self, index: int) -> Any:
        if index == 3 and not os.path.exists(self.marker):
            open(self.marker, "w").close()
            os.kill(os.getpid(), signal.SIGKILL)
        return super().__getitem__(index)


class FailsOnce(Squares):
    """Raises at batch 3 the first time that anybody reads it."""

    def __init__(self, marker: str, num_batches: int = 8) -> None:
        super().__init__(num_batches)
        self.marker = marker

    def __getitem__(self, index: int) -> Any:
        if index == 3 and not os.path.exists(self.marker):
            open(self.marker, "w").close()
            raise ConnectionError("the disk went away for a moment")
        return super().__getitem__(index)


class DrawsAndDies(Drawing):
    """Kills the worker that is the first to have drawn batch 3."""

    def __init__(self, marker: str, num_batches: int = 12) -> None:
        super().__init__(num_batches)
        self.marker = marker

    def __getitem__(self, index: int) -> Any:
        batch = super().__getitem__(index)
        if index == 3 and not os.path.exists(self.marker):
            open(self.marker, "w").close()
            os.kill(os.getpid(), signal.SIGKILL)
        return batch


class BadHook(Squares):
    """Its `on_epoch_end` fails the first time."""

    def __init__(self, num_batches: int = 5) -> None:
        super().__init__(num_batches)
        self.calls = 0

    def on_epoch_end(self) -> None:
        self.calls += 1
        if self.calls == 1:
            raise LookupError("no such schedule")


class RefusesToLoad(Squares):
    """Can be sent, but not received."""

    def __setstate__(self, state: dict[str, Any]) -> None:
        raise LookupError("no licence here")


def failing(what: str, at: int = 3) -> Iterator[Any]:
    """A generator that does `what` in place of item `at`."""
    source = Misbehaving(what, at)
    for index in range(8):
        yield source[index]


class Deadly(Squares):
    """Has many cheap batches, of which one kills each worker that reads it."""

    def __init__(self, num_batches: int, deadly: int) -> None:
        super().__init__()
        self.num_batches = num_batches
        self.deadly = deadly

    def __len__(self) -> int:
        return self.num_batches

    def __getitem__(self, index: int) -> Any:
        if index == self.deadly:
            os.kill(os.getpid(), signal.SIGKILL)
        return np.array([index])
