"""Exceptions whose own code raises, leaves, waits, or gives a hundred megabytes.

Describing or sending them must not end the thread or process that was about to report.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from typing import Any

from tests.deadlocks.program import Outcome
from tests.deadlocks.scenario import Numbered, batch

_PARENT = "HOSTILE_EXCEPTIONS_PARENT"


class LeavesInReduceError(Exception):
    def __reduce__(self) -> Any:
        raise SystemExit(6)


class LeavesInTextError(Exception):
    def __str__(self) -> str:
        raise SystemExit(5)


class HasNoCauseError(Exception):
    def __getattribute__(self, name: str) -> Any:
        if name in ("__cause__", "__context__", "__traceback__"):
            raise RuntimeError(name)
        return super().__getattribute__(name)


class LeavesAtLoadError(Exception):
    def __reduce__(self) -> Any:
        return leave_in_parent, ()


class WaitsAtLoadError(Exception):
    def __reduce__(self) -> Any:
        return wait_in_parent, ()


class OwnBaseError(BaseException):
    pass


def leave_in_parent() -> Exception:
    if os.environ.get(_PARENT) == str(os.getpid()):
        raise SystemExit(7)
    return LeavesAtLoadError("text")


def wait_in_parent() -> Exception:
    if os.environ.get(_PARENT) == str(os.getpid()):
        time.sleep(600)
    return WaitsAtLoadError("text")


KINDS = (
    LeavesInReduceError,
    LeavesInTextError,
    HasNoCauseError,
    LeavesAtLoadError,
    WaitsAtLoadError,
    OwnBaseError,
)


class Raising(Numbered):
    def __init__(self, kind: Any, text: str = "text") -> None:
        super().__init__(6)
        self.kind = kind
        self.text = text

    def __getitem__(self, index: int) -> Any:
        if index == 3:
            raise self.kind(self.text)
        return batch(index)

    def items(self) -> Iterator[Any]:
        for index in range(6):
            yield self[index]


def ours() -> None:
    from seq2data import to_dataset

    os.environ[_PARENT] = str(os.getpid())
    options = [
        {"workers": 2},
        {"workers": 2, "use_multiprocessing": False},
        {"workers": 0},
    ]
    for kind, text in [(kind, "text") for kind in KINDS] + [(ValueError, "x" * 10**8)]:
        reports = []
        for kwargs in options:
            for source in (Raising(kind, text), Raising(kind, text).items):
                seen = []
                try:
                    for x, _ in to_dataset(source, **kwargs):
                        seen.append(int(x.numpy().flat[0]))
                except Exception as error:  # noqa: BLE001  # TensorFlow's own
                    is_named = "batch 3" in str(error) and kind.__name__ in str(error)
                    reports.append((seen, is_named, len(str(error)) < 10**6))
        print(kind.__name__, set(map(str, reports)), len(reports))
    print("each is an error that names batch and type")


def test_error_names_batch_and_type(ours: Outcome) -> None:
    lines = ours.succeed()
    wanted = "{'([0, 1, 2], True, True)'} 6"
    names = [*(kind.__name__ for kind in KINDS), "ValueError"]
    assert lines[:-1] == [f"{name} {wanted}" for name in names]
