"""The process may not open one more file.

A receiver without room for the descriptors that a message carries gets the message and
not the descriptors, and nobody tells it (`MSG_CTRUNC` in `man 2 recvmsg`).
"""

from __future__ import annotations

import contextlib
import os
import resource
from collections.abc import Iterator
from typing import Any, Callable

import numpy as np

from tests.deadlocks.program import HANGS, Outcome
from tests.deadlocks.scenario import Numbered, fit_legacy, indices


class Large(Numbered):
    """Batches that need a segment of shared memory each."""

    def __getitem__(self, index: int) -> Any:
        return np.full((2, 50_000), index, np.float32), np.zeros((2, 1), np.float32)


@contextlib.contextmanager
def only(count: int) -> Iterator[Callable[[], None]]:
    """This process can open `count` more files; yields what takes freed ones, too."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    highest = max(map(int, os.listdir("/proc/self/fd")))
    resource.setrlimit(resource.RLIMIT_NOFILE, (highest + 1 + count, before[1]))
    taken: list[int] = []

    def take_the_rest() -> None:
        with contextlib.suppress(OSError):
            while True:
                taken.append(os.dup(0))

    try:
        take_the_rest()
        for _ in range(count):
            os.close(taken.pop())
        yield take_the_rest
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
        for descriptor in taken:
            os.close(descriptor)


def ours() -> None:
    import tensorflow as tf

    from seq2data import to_dataset
    from seq2data.errors import Seq2DataError

    ends = set()
    for count in range(0, 30, 2):
        try:
            with only(count):
                ends.add(indices(to_dataset(Large(), workers=2)) == list(range(12)))
        except (OSError, Seq2DataError, tf.errors.OpError) as error:
            ends.add("Too many open files" in str(error))
    print(ends)
    # A pass that has begun meets the limit when workers make new segments: all batches
    # are held. A descriptor that was on its way would leave room for those to come.
    dataset = to_dataset(Large(48), workers=2, max_queue_size=4)
    iterator = iter(dataset)
    held = [next(iterator)]
    try:
        with only(0) as take_the_rest:
            for element in iterator:
                held.append(element)
                take_the_rest()
        print("no descriptor was needed")
    except tf.errors.OpError as error:
        print("Too many open files" in str(error))
    print(indices(dataset) == list(range(48)))
    print("an error that says so")


def legacy() -> None:
    with only(4):
        fit_legacy(Large())


def test_end_is_the_batches_or_an_error(ours: Outcome) -> None:
    assert ours.succeed()[:3] == ["{True}", "True", "True"]


def test_legacy(legacy: Outcome) -> None:
    assert legacy.summary == HANGS or "Too many open files" in legacy.errors
