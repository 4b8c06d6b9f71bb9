"""There is no memory for what a batch holds.

Memory that is promised and is not there is a SIGBUS at its first use; seq2data asks for
it first (`posix_fallocate`).
"""

from __future__ import annotations

import resource
from typing import Any

import numpy as np

from tests.deadlocks.program import HANGS, Outcome
from tests.deadlocks.scenario import Numbered, fit_legacy, indices


class Limited(Numbered):
    """At batch 5 the worker has come to a limit of memory.

    That batch is the longest: what an earlier one had cannot serve again.
    """

    def __init__(self, limit: str, nbytes: int) -> None:
        super().__init__()
        self.limit = limit
        self.nbytes = nbytes

    def __getitem__(self, index: int) -> Any:
        rows = 4 if index == 5 else 2
        x = np.full((rows, 400_000), index, np.float32)
        y = np.zeros((rows, 1), np.float32)
        if index == 5:
            number = getattr(resource, self.limit)
            resource.setrlimit(number, (self.nbytes, resource.getrlimit(number)[1]))
        return x, y


def ours() -> None:
    import tensorflow as tf

    from seq2data import to_dataset

    # Address space: no map; file size: no file in memory.
    for limit in "RLIMIT_AS", "RLIMIT_FSIZE":
        dataset = to_dataset(
            Limited(limit, 1 << 20),
            workers=2,
            output_signature=(
                tf.TensorSpec([None, 400_000], tf.float32),
                tf.TensorSpec([None, 1], tf.float32),
            ),
        )
        try:
            indices(dataset)
        except tf.errors.OpError as error:
            text = str(error)
            print("batch 5 of `Limited`" in text, "OSError" in text or "Memory" in text)
    print("an error that names the batch")


def legacy() -> None:
    seen = fit_legacy(Limited("RLIMIT_AS", 1 << 20)).seen
    print(f"{len(seen)} of 12 batches")


def test_error_names_the_batch(ours: Outcome) -> None:
    assert ours.succeed()[:2] == ["True True"] * 2


def test_legacy(legacy: Outcome) -> None:
    # A batch is pickled into a pipe: whether there is room is the worker's luck.
    assert legacy.summary in (HANGS, "12 of 12 batches") or legacy.code != 0
