"""Workers share the position of one file that was opened in `__init__`.

pytorch#11887: forks and threads move the same position, so one reads where another one
went: wrong batches, and no error where the file is long enough.
"""

from __future__ import annotations

import io
import time
from pathlib import Path
from typing import Any, BinaryIO, Callable, Optional

import numpy as np
import pytest

from seq2data.options import usable_cores
from tests.deadlocks.program import Outcome, Program
from tests.deadlocks.scenario import fit_legacy

_BODY = 16
_RECORD = 1 + _BODY


class Records:
    """Sixty records of a raw file: a header, and a body full of the record's index."""

    def __init__(self) -> None:
        # A few more than are read: who reads at a wrong position still finds something.
        np.arange(80, dtype=np.float32).repeat(_RECORD).tofile("records.raw")
        self.file = Path("records.raw").resolve().open("rb", buffering=0)

    def __len__(self) -> int:
        return 60

    def __getitem__(self, index: int) -> Any:
        return self.read(self.file, index)

    def read(self, file: BinaryIO, index: int) -> Any:
        file.seek(index * _RECORD * 4)
        file.read(4)
        time.sleep(0.005)  # it looks at the header
        x = np.frombuffer(file.read(_BODY * 4), np.float32)
        return x[:, None], np.zeros((_BODY, 1), np.float32)


class ReopenedRecords(Records):
    """Every worker opens the file for itself, when it first reads."""

    def __init__(self) -> None:
        super().__init__()
        self.path = self.file.name
        self.file.close()
        self.opened: Optional[BinaryIO] = None
        del self.file

    def __getitem__(self, index: int) -> Any:
        if self.opened is None:
            self.opened = io.FileIO(self.path)
        return self.read(self.opened, index)


def wrong_batches(dataset: Any) -> int:
    """How many batches are not what their place says, or a mixture."""
    return sum(not np.all(x.numpy() == place) for place, (x, _) in enumerate(dataset))


def ours() -> None:
    from seq2data import to_dataset

    for source in Records(), ReopenedRecords():
        print(wrong_batches(to_dataset(source, workers=4)))
    print("every worker has a position of its own")


def default_workers() -> None:
    from seq2data import to_dataset

    print(wrong_batches(to_dataset(Records())))


def legacy() -> None:
    model = fit_legacy(Records(), workers=4)
    wrong = sum(seen != place for place, seen in enumerate(model.seen))
    print(f"{wrong} of {len(model.seen)} batches wrong, silently")


def test_no_batch_is_wrong(ours: Outcome) -> None:
    assert ours.succeed()[:2] == ["0", "0"]


@pytest.mark.skipif(usable_cores() < 2, reason="one thread disturbs nobody")
def test_default_reads_no_wrong_batch(
    start: Callable[..., Program],
) -> None:
    assert start("default_workers").finish(60.0).succeed()[-1] == "0"


def test_legacy(legacy: Outcome) -> None:
    wrong, _, rest = legacy.summary.partition(" ")
    assert rest == "of 60 batches wrong, silently"
    assert int(wrong) > 0
