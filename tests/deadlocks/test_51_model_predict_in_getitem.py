"""`__getitem__` asks another Keras model, with `predict`.

keras#9964: hard-example mining or a frozen encoder inside a Sequence; a forked
worker has the model but none of the threads that run it.
"""

from __future__ import annotations

from typing import Any, Callable

import numpy as np

from tests.deadlocks.program import HANGS, Outcome, Program
from tests.deadlocks.scenario import Numbered, batch, fit_legacy, indices


class Encoded(Numbered):
    """Holds a model, made in the parent, whose answer is its input."""

    def __init__(self) -> None:
        super().__init__(num_batches=8)
        self.encoder = encoder()

    def __getitem__(self, index: int) -> Any:
        x, y = batch(index)
        return self.encoder.predict(x, verbose=0), y


class EncodedLater(Encoded):
    """Makes its model in the worker, at the first batch."""

    def __init__(self) -> None:
        self.num_batches = 8
        self.encoder = None

    def __getitem__(self, index: int) -> Any:
        if self.encoder is None:
            self.encoder = encoder()
        return super().__getitem__(index)


def encoder() -> Any:
    from tensorflow import keras

    one = keras.initializers.Constant(1.0)
    return keras.Sequential(
        [keras.Input([1]), keras.layers.Dense(1, kernel_initializer=one)]
    )


def ours() -> None:
    from seq2data import to_dataset

    for source in EncodedLater(), Encoded():
        dataset = to_dataset(source, workers=2)
        for _ in range(2):
            print(indices(dataset))
    print("every batch once, in order")


def legacy() -> None:
    np.testing.assert_array_equal(Encoded()[3][0], batch(3)[0])
    print(fit_legacy(Encoded()).seen)


def test_model_answers_in_workers(
    start: Callable[..., Program], record: Callable[..., None]
) -> None:
    outcome = start().finish(300)  # each worker imports Keras, when all want the cores
    record("seq2data", outcome)
    assert outcome.code == 0, outcome.errors
    assert outcome.lines[:4] == [str(list(range(8)))] * 4
    if outcome.left:
        raise FileExistsError(outcome.left)


def test_legacy(legacy: Outcome) -> None:
    assert legacy.summary == HANGS
