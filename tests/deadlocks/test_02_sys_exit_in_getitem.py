"""`sys.exit()` in `__getitem__`.

bpo-22393: a pool's worker catches `Exception` only, so SystemExit ends it, thread or
process, and its task never ends.
"""

from __future__ import annotations

import sys
from typing import Any

from tests.deadlocks.program import HANGS, Outcome
from tests.deadlocks.scenario import Numbered, fit_legacy, indices


class Exits(Numbered):
    """Leaves at batch 5."""

    def __getitem__(self, index: int) -> Any:
        if index == 5:
            sys.exit("no licence")
        return super().__getitem__(index)


def ours() -> None:
    import tensorflow as tf

    from seq2data import to_dataset

    for use_multiprocessing in True, False:
        dataset = to_dataset(
            Exits(), workers=2, use_multiprocessing=use_multiprocessing
        )
        try:
            indices(dataset)
        except tf.errors.OpError as error:
            print("batch 5" in str(error), "SystemExit: no licence" in str(error))
    print("an error that names the batch")


def legacy() -> None:
    print(fit_legacy(Exits(), use_multiprocessing=False).seen)


def test_error_names_the_batch_and_the_exit(ours: Outcome) -> None:
    assert ours.succeed()[:2] == ["True True"] * 2


def test_legacy(legacy: Outcome) -> None:
    assert legacy.summary == HANGS
