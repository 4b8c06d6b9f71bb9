"""User code puts another object in the place of `sys.stdout`, or closes it.

What scripts do to their process, 6: a `Tee` has `write` alone, a daemon has no standard
streams, a disk is full. What was printed has nothing to do with the batch.
"""

from __future__ import annotations

import io
import logging
import os
import sys
from pathlib import Path
from typing import Any, Callable

from tests.deadlocks.habits import (
    METHODS,
    Numbered,
    assert_all_right,
    read,
    report,
    run,
)
from tests.deadlocks.program import Outcome


class Tee:
    """Has no `flush`, no `closed` and no descriptor."""

    def __init__(self, stream: Any) -> None:
        self.stream = stream

    def write(self, text: str) -> None:
        self.stream.write(text)


class Refusing:
    """As a stream whose reader has gone."""

    def write(self, text: str) -> None:
        raise BrokenPipeError(text)

    def flush(self) -> None:
        raise RuntimeError("of the user's own")


class Logger(io.TextIOBase):
    def write(self, text: str) -> int:
        logging.getLogger("habits").info(text)
        return len(text)


def tee() -> None:
    sys.stdout, sys.stderr = Tee(sys.__stdout__), Tee(sys.__stderr__)


def refusing() -> None:
    sys.stdout = sys.stderr = Refusing()


def logger() -> None:
    sys.stdout = sys.stderr = Logger()


def none() -> None:
    sys.stdout = sys.stderr = None


def nothing() -> None:
    for name in ("stdout", "stderr", "stdin"):
        sys.__dict__.pop(name, None)


def no_stream() -> None:
    sys.stdout, sys.stderr = 3, "stderr"


def closed() -> None:
    for stream in (sys.stdout, sys.stderr):
        stream.close()


def full() -> None:
    sys.stdout = open("/dev/full", "w")  # noqa: SIM115
    print("is not written at once")


def no_descriptors() -> None:
    os.closerange(0, 3)


HABITS = (
    *(tee, refusing, logger, none, nothing, no_stream, closed, full),
    no_descriptors,
)


class WhenRead(Numbered):
    """Has the habit in each read."""

    def __init__(self, habit: Callable[[], None]) -> None:
        self.habit = habit

    def __getitem__(self, index: int) -> Any:
        if os.getpid() != _parent:
            self.habit()
        return super().__getitem__(index)


class WhenLoaded(WhenRead):
    """Has it where the source is loaded."""

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self.habit()

    def __getitem__(self, index: int) -> Any:
        return Numbered.__getitem__(self, index)


_parent = -1


def workers() -> None:
    global _parent  # workers get it, and differ
    _parent = os.getpid()
    for habit in HABITS:
        report(f"{habit.__name__} when read", WhenRead(habit))
        report(f"{habit.__name__} when loaded", WhenLoaded(habit))


def parent() -> None:
    before = sys.stdout, sys.stderr
    for habit in (tee, refusing, logger, none, no_stream, full):
        habit()
        found = {method: read(Numbered(), method) for method in METHODS}
        sys.stdout, sys.stderr = before
        for method in METHODS:
            right = [int(batch[0, 0]) for batch in found[method]] == list(range(12))
            print(f"{habit.__name__} in the parent, {method}: {'right' * right}")


def daemon() -> None:
    """Nobody else's messages go into our sockets."""
    results = os.dup(1)
    os.closerange(0, 3)
    for method in METHODS:
        batches = read(Noisy(), method)
        right = [int(batch[0, 0]) for batch in batches] == list(range(12))
        os.write(results, f"daemon, {method}: {'right' * right}\n".encode())


class Noisy(Numbered):
    """Prints as libraries in C do, which know the numbers alone."""

    def __getitem__(self, index: int) -> Any:
        for descriptor in (1, 2):
            os.write(descriptor, b"a message\n")
        return super().__getitem__(index)


def test_workers_may_have_any_stream(
    tmp_path: Path, record: Callable[[str, Outcome], None]
) -> None:
    outcome = run(tmp_path, workers)
    record("seq2data", outcome)
    assert_all_right(outcome, 2 * len(HABITS))


def test_the_parent_may_have_any_stream(tmp_path: Path) -> None:
    assert_all_right(run(tmp_path, parent), 6)


def test_a_daemon_without_streams_is_served(tmp_path: Path) -> None:
    assert_all_right(run(tmp_path, daemon), 1)
