"""User code changes the recursion limit, the locale, tracing, garbage collection.

What scripts do to their process, 7: in the program or in workers, where it is imported
or where a batch is read.
"""

from __future__ import annotations

import atexit
import gc
import locale
import os
import sys
import threading
from pathlib import Path
from typing import Any, Callable

import numpy as np

from tests.deadlocks.habits import (
    METHODS,
    Numbered,
    assert_all_right,
    read,
    report,
    run,
)
from tests.deadlocks.program import Outcome


def trace(*_: Any) -> Any:
    """An ordinary tracer."""
    return trace


def raise_at_exit() -> None:
    raise ValueError("an atexit handler that raises")


def recursion_limit() -> None:
    sys.setrecursionlimit(120)


def locales() -> None:
    locale.setlocale(locale.LC_ALL, "C")


def tracer() -> None:
    sys.settrace(trace)
    threading.settrace(trace)


def profiler() -> None:
    sys.setprofile(lambda *_: None)


def no_collection() -> None:
    gc.disable()


def small_stacks() -> None:
    threading.stack_size(1 << 15)
    thread = threading.Thread(target=int)
    thread.start()
    thread.join()


def bad_end() -> None:
    atexit.register(raise_at_exit)


HABITS = (
    *(recursion_limit, locales, tracer, profiler, no_collection, small_stacks),
    bad_end,
)


class WhenRead(Numbered):
    """Has the habit in each read; not in the process that compares."""

    def __init__(self, habit: Callable[[], None]) -> None:
        self.habit = habit
        self.parent = os.getpid()

    def __getitem__(self, index: int) -> Any:
        if os.getpid() != self.parent:
            self.habit()
        return super().__getitem__(index)


class WhenLoaded(WhenRead):
    """Has it where the source is loaded."""

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self.habit()

    def __getitem__(self, index: int) -> Any:
        return Numbered.__getitem__(self, index)


class Settings(Numbered):
    """Tells settings that a forked worker would have."""

    def __getitem__(self, index: int) -> Any:
        return np.array([index, threading.stack_size(), sys.getrecursionlimit()])


class Traced(Numbered):
    """A tracer that raises, in workers."""

    def __init__(self) -> None:
        self.parent = os.getpid()

    def __getitem__(self, index: int) -> Any:
        if os.getpid() != self.parent:
            sys.settrace(raise_in_tracer)
        return Numbered.__getitem__(self, index)


def raise_in_tracer(*_: Any) -> Any:
    raise LookupError("in a tracer")


def workers() -> None:
    for habit in HABITS:
        report(f"{habit.__name__} when read", WhenRead(habit))
        report(f"{habit.__name__} when loaded", WhenLoaded(habit))


def parent() -> None:
    for habit in HABITS:
        habit()
        report(f"{habit.__name__} in the parent")
    sys.settrace(None)
    sys.setprofile(None)
    report("settings", Settings())


def raising_tracers() -> None:
    """Each ends in an error with the tracer's text, or with ours; none in a wait."""
    for method in METHODS:
        try:
            read(Traced(), method)
        except Exception as error:  # noqa: BLE001  # is told
            print("in a tracer" in str(error))
    read(Numbered(), "fork")
    threading.settrace(raise_in_tracer)
    for method in METHODS:
        try:
            read(Numbered(), method)
        except Exception as error:  # noqa: BLE001  # is told
            print("threading.settrace" in str(error))


def test_workers_may_have_any_setting(
    tmp_path: Path, record: Callable[[str, Outcome], None]
) -> None:
    outcome = run(tmp_path, workers)
    record("seq2data", outcome)
    assert_all_right(outcome, 2 * len(HABITS))


def test_the_parent_may_have_any_setting(tmp_path: Path) -> None:
    assert_all_right(run(tmp_path, parent), len(HABITS) + 1)


def test_a_tracer_that_raises_is_an_error(tmp_path: Path) -> None:
    assert run(tmp_path, raising_tracers).succeed() == ["True"] * 4
