"""An ordinary exception in `__getitem__`.

keras#12704: it used to hang. Today it arrives, as `UnknownError` inside kilobytes of
text, which does not tell the batch's index.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from tests.deadlocks.program import Outcome
from tests.deadlocks.scenario import Numbered, fit_legacy, recorder

MODES: list[dict[str, Any]] = [
    {"workers": 0},
    {"workers": 2, "use_multiprocessing": False},
    {"workers": 2},
]


class Missing(Numbered):
    """The file of batch 5 does not exist."""

    def __getitem__(self, index: int) -> Any:
        if index == 5:
            Path("/nonexistent/photo-5.png").read_bytes()
        return super().__getitem__(index)


def ours() -> None:
    import os

    import tensorflow as tf

    from seq2data import to_dataset

    for mode in MODES:
        model = recorder()
        try:
            model.fit(to_dataset(Missing(), **mode), verbose=0)
        except tf.errors.OpError as error:
            text = str(error)
            facts = (
                "FileNotFoundError: [Errno 2] No such file or directory",
                "/nonexistent/photo-5.png",
                "batch 5 of `Missing` (epoch 0",
                'test_04_ordinary_exception.py", line',
                'Path("/nonexistent/photo-5.png").read_bytes()',
            )
            print(list(model.seen), all(fact in text for fact in facts))
            pid = re.findall(r"pid (\d+)", text)
            print(bool(pid) and (int(pid[0]) != os.getpid()))
    print("an error with its type, text, index and traceback")


def legacy() -> None:
    try:
        fit_legacy(Missing())
    except Exception as error:  # noqa: BLE001  # its type is what is looked at
        found = "with" if "batch 5" in str(error) else "without"
        print(f"{type(error).__name__} {found} the batch's index")


def test_error_tells_all_about_it(ours: Outcome) -> None:
    lines = ours.succeed()
    assert lines[0:6:2] == ["[0, 1, 2, 3, 4] True"] * 3
    # Only processes are other processes.
    assert lines[1:6:2] == ["False", "False", "True"]


def test_legacy(legacy: Outcome) -> None:
    assert legacy.summary == "UnknownError without the batch's index"
