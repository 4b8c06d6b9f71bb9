"""A worker is killed in the middle of a batch.

keras#11461, bpo-22393: `multiprocessing.Pool` replaces a dead worker but never ends
the task that it held, so the training waits for ever.
"""

from __future__ import annotations

import os
import signal
from typing import Any

from tests.deadlocks.program import HANGS, Outcome
from tests.deadlocks.scenario import Numbered, fit_legacy, indices


class KilledOnce(Numbered):
    """The OOM killer takes the first worker that reads batch 5."""

    def __init__(self, marker: str) -> None:
        super().__init__()
        self.marker = marker

    def __getitem__(self, index: int) -> Any:
        if index == 5 and not os.path.exists(self.marker):
            open(self.marker, "w").close()
            os.kill(os.getpid(), signal.SIGKILL)
        return super().__getitem__(index)


def ours() -> None:
    from seq2data import to_dataset

    dataset = to_dataset(KilledOnce("killed"), workers=2)
    print(indices(dataset))
    print(indices(dataset))
    print("every batch once, in order")


def legacy() -> None:
    print(fit_legacy(KilledOnce("killed")).seen)


def test_batch_is_read_again(ours: Outcome) -> None:
    assert ours.succeed()[:2] == [str(list(range(12)))] * 2


def test_legacy(legacy: Outcome) -> None:
    assert legacy.summary == HANGS
