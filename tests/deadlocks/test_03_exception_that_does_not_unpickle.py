"""A worker's exception cannot be loaded in the parent.

cpython#79492: it pickles in the worker, and fails in the thread that loads results for
the parent's pool. The thread ends, no later result arrives, and the training waits.
"""

from __future__ import annotations

from typing import Any

from tests.deadlocks.program import HANGS, Outcome
from tests.deadlocks.scenario import Numbered, batch, fit_legacy, indices


class LabelError(Exception):
    """Loading it calls `LabelError(message)`, and one argument is missing then."""

    def __init__(self, label: str, place: str) -> None:
        super().__init__(f"no label {label} in {place}")


class Unlabelled(Numbered):
    """Batch 5 has no label."""

    def __getitem__(self, index: int) -> Any:
        if index == 5:
            raise LabelError("cat", "row 7")
        return super().__getitem__(index)


class Unsendable(Numbered):
    """Batch 5 is something that cannot travel either."""

    def __getitem__(self, index: int) -> Any:
        if index == 5:
            return lambda: batch(index)
        return super().__getitem__(index)


def ours() -> None:
    import tensorflow as tf

    from seq2data import to_dataset

    for source, facts in (
        (Unlabelled(), ("LabelError: no label cat in row 7", "Traceback", "batch 5")),
        (Unsendable(), ("function", "cannot become an array", "batch 5")),
    ):
        dataset = to_dataset(source, workers=2)
        for _ in range(2):  # the second pass finds the workers as they were
            iterator = iter(dataset)
            before = indices([next(iterator) for _ in range(5)])
            try:
                next(iterator)
            except tf.errors.OpError as error:
                print(before, all(fact in str(error) for fact in facts))
    print("an error with its type, text and traceback")


def legacy() -> None:
    print(fit_legacy(Unlabelled()).seen)


def test_error_tells_what_could_not_travel(ours: Outcome) -> None:
    assert ours.succeed()[:4] == ["[0, 1, 2, 3, 4] True"] * 4


def test_legacy(legacy: Outcome) -> None:
    assert legacy.summary == HANGS
