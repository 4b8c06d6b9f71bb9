"""A worker, or the process that starts workers, is stopped (SIGSTOP, a debugger).

It is alive, so nothing tells that it will not answer; `timeout=` has to mean what it
says all the same.
"""

from __future__ import annotations

import os
import signal
import time
from typing import Any

from tests.deadlocks.program import Outcome
from tests.deadlocks.scenario import Numbered, indices

_TIMEOUT_S = 2.0


class Stopping(Numbered):
    """The first reader of batch 5 stops itself, or who has started it, or both die."""

    def __init__(self, habit: Any) -> None:
        super().__init__()
        self.habit = habit
        self.marker = f"stopped-{habit.__name__}"

    def __getitem__(self, index: int) -> Any:
        if index == 5 and not os.path.exists(self.marker):
            with open(self.marker, "w") as file:
                file.write(str(os.getppid()))
            self.habit()
        return super().__getitem__(index)


def stop_worker() -> None:
    os.kill(os.getpid(), signal.SIGSTOP)


def stop_starter() -> None:
    """Its worker dies, and the next one is not started."""
    os.kill(os.getppid(), signal.SIGSTOP)
    os.kill(os.getpid(), signal.SIGKILL)


class StoppedWhileLoading(Stopping):
    """The first process that loads it is stopped."""

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        if not os.path.exists(self.marker):
            open(self.marker, "w").close()
            stop_worker()


def stop_while_loading() -> None:
    """Only the name of a habit."""


def ours() -> None:
    from seq2data import to_dataset

    for habit in stop_worker, stop_starter, stop_while_loading:
        kind = StoppedWhileLoading if habit is stop_while_loading else Stopping
        began = time.monotonic()
        try:
            indices(to_dataset(kind(habit), workers=1, timeout=_TIMEOUT_S))
        except Exception as error:  # noqa: BLE001  # TensorFlow makes a text of it
            text = str(error)
            # The warning that a batch does not come is due after 60 seconds.
            is_soon = time.monotonic() - began < 55
            print("`timeout=2.0` seconds" in text, "it is stopped" in text, is_soon)
        print(indices(to_dataset(kind(habit), workers=2, timeout=_TIMEOUT_S)))
    print("an error that says so, and the next pass has new processes")


def test_time_limit_is_kept(ours: Outcome) -> None:
    lines = ours.succeed()
    whole = str(list(range(12)))
    assert lines[:6] == ["True True True", whole] * 3
