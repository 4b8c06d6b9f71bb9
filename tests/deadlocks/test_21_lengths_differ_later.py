"""The first batches have one length, a later one another.

keras#19748: Keras 3 takes the lengths of the first two batches for all, and its error,
three layers deep, does not tell how to say otherwise. Keras 2 lets them vary.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.deadlocks.program import Outcome
from tests.deadlocks.scenario import Numbered, fit_legacy, indices
from tests.keras_version import IS_KERAS_3

MODES: list[dict[str, Any]] = [
    {"workers": 0},
    {"workers": 2, "use_multiprocessing": False},
    {"workers": 2},
]


class Sentences(Numbered):
    """Those of batch 5 have nine words, the others seven."""

    def __getitem__(self, index: int) -> Any:
        words = np.full((2, 9 if index == 5 else 7), index, np.float32)
        return words, np.zeros((2, 1), np.float32)


def ours() -> None:
    import tensorflow as tf

    from seq2data import to_dataset

    signature = (
        tf.TensorSpec([None, None], tf.float32),
        tf.TensorSpec([None, 1], tf.float32),
    )
    for mode in MODES:
        iterator = iter(to_dataset(Sentences(), **mode))
        before = indices([next(iterator) for _ in range(5)])
        facts = ("[0] of batch 5", "(2, 9)", "(None, 7)", "output_signature")
        try:
            next(iterator)
        except tf.errors.OpError as error:
            cure = "tf.TensorSpec((None, None)"
            print(before, all(fact in str(error) for fact in (*facts, cure)))
        cured = list(to_dataset(Sentences(), output_signature=signature, **mode))
        lengths = {x.shape[1] for x, _ in cured[:5] + cured[6:]}
        print(indices(cured), lengths, cured[5][0].shape[1])
    print("an error that tells the cure")


def legacy() -> None:
    try:
        print(len(fit_legacy(Sentences()).seen), "steps")
    except Exception as error:  # noqa: BLE001  # its type is what is looked at
        cure = "with" if "output_signature" in str(error) else "without"
        print(f"{type(error).__name__} {cure} the cure")


def test_other_length_is_an_error_and_can_be_allowed(ours: Outcome) -> None:
    expected = ["[0, 1, 2, 3, 4] True", f"{list(range(12))} {{7}} 9"]
    assert ours.succeed()[:-1] == expected * len(MODES)


def test_legacy(legacy: Outcome) -> None:
    if not IS_KERAS_3:
        assert legacy.summary == "12 steps"
    else:
        assert legacy.summary == "InvalidArgumentError without the cure"
