"""A thread holds a lock at the moment when the workers are forked.

pytorch#75147: the child gets the lock as it is, locked, and no thread that would ever
release it. In the field it is a log handler's, a connection pool's, or TensorFlow's.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator
from typing import Any

from tests.deadlocks.program import HANGS, Outcome
from tests.deadlocks.scenario import Numbered, fit_legacy, indices, recorder

LOG_LOCK = threading.Lock()


class Logs(Numbered):
    """Every batch is logged, under a lock as `logging` does it."""

    def __getitem__(self, index: int) -> Any:
        with LOG_LOCK:
            return super().__getitem__(index)


@contextlib.contextmanager
def busy_log() -> Iterator[None]:
    """Another thread logs nearly all the time."""
    has_ended = threading.Event()

    def log() -> None:
        while not has_ended.is_set():
            with LOG_LOCK:
                time.sleep(0.1)
            time.sleep(0.001)  # a chance for others in this process

    thread = threading.Thread(target=log)
    thread.start()
    try:
        yield
    finally:
        has_ended.set()
        thread.join()


def ours() -> None:
    from seq2data import to_dataset

    with busy_log():
        dataset = to_dataset(Logs(), workers=2)
        print(indices(dataset))
        print(indices(dataset))
    print("every batch once, in order")


def legacy() -> None:
    model = recorder()
    with busy_log():
        print(fit_legacy(Logs(), model).seen)


def test_workers_have_a_lock_of_their_own(ours: Outcome) -> None:
    assert ours.succeed()[:2] == [str(list(range(12)))] * 2


def test_legacy(legacy: Outcome) -> None:
    assert legacy.summary == HANGS
