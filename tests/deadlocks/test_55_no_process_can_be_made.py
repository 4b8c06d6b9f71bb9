"""The machine refuses further processes.

`fork` fails with EAGAIN at the limit of `ulimit -u` or of a container's cgroup.
"""

from __future__ import annotations

import os
from typing import Any

from tests.deadlocks.program import HANGS, Outcome
from tests.deadlocks.scenario import Numbered, fit_legacy, indices


class Refusing(Numbered):
    """Loading it makes the process that loads it unable to fork; root has no limit."""

    def __init__(self, forks: int) -> None:
        super().__init__()
        self.forks = forks

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        refuse(self.forks)


def refuse(allowed: int) -> None:
    """Lets `os.fork` fail as the kernel does, after so many."""
    fork = os.fork
    left = [allowed]

    def refused() -> int:
        if not left[0]:
            raise BlockingIOError(11, "Resource temporarily unavailable")
        left[0] -= 1
        return fork()

    os.fork = refused


def ours() -> None:
    from seq2data import to_dataset
    from seq2data.errors import WorkerCrashError

    try:
        to_dataset(Refusing(0), workers=2)
    except WorkerCrashError as error:
        print("`Refusing` could be started" in str(error), "unavailable" in str(error))
    print(indices(to_dataset(Refusing(1), workers=4)) == list(range(12)))
    print("an error, or as many workers as there may be")


def legacy() -> None:
    refuse(0)
    fit_legacy(Numbered())


def test_error_says_why_and_one_worker_is_enough(ours: Outcome) -> None:
    assert ours.succeed()[:2] == ["True True", "True"]


def test_legacy(legacy: Outcome) -> None:
    assert legacy.summary == HANGS or "unavailable" in legacy.errors
