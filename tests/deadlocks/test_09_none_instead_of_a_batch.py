"""`__getitem__` returns None to skip a bad batch.

No issue is known. Keras's queue passes None over while its consumer counts batches:
Keras 3 waits for one that nobody will read, Keras 2 takes one of the next epoch.
"""

from __future__ import annotations

from typing import Any

from tests.deadlocks.program import HANGS, Outcome
from tests.deadlocks.scenario import Numbered, fit_legacy, indices
from tests.keras_version import IS_KERAS_3

MODES: list[dict[str, Any]] = [
    {"workers": 0},
    {"workers": 1},
    {"workers": 2},
    {"workers": 2, "use_multiprocessing": False},
]


class Skips(Numbered):
    """Batch 5 is bad."""

    def __getitem__(self, index: int) -> Any:
        return None if index == 5 else super().__getitem__(index)


def ours() -> None:
    import tensorflow as tf

    from seq2data import to_dataset

    for mode in MODES:
        iterator = iter(to_dataset(Skips(), **mode))
        before = indices([next(iterator) for _ in range(5)])
        try:
            next(iterator)
        except tf.errors.OpError as error:
            told = [part in str(error) for part in ("`Skips`", "batch 5", "None")]
            print(before, *told)
    print("an error that names the batch")


def legacy() -> None:
    seen = list(fit_legacy(Skips()).seen)
    print(seen)
    if seen == [0, 1, 2, 3, 4, 6, 7, 8, 9, 10, 11, 0]:
        print("batch 0 of the next epoch in its place")


def test_none_is_an_error_for_any_number_of_workers(ours: Outcome) -> None:
    assert ours.succeed()[:4] == ["[0, 1, 2, 3, 4] True True True"] * 4


def test_legacy(legacy: Outcome) -> None:
    if not IS_KERAS_3:
        assert legacy.summary == "batch 0 of the next epoch in its place"
    else:
        assert legacy.summary == HANGS
