"""`predict` with worker processes, three times.

keras#5048: batches that are read in other times than their order. Keras keeps it today,
and so must seq2data.
"""

from __future__ import annotations

import time
from typing import Any

from tests.deadlocks.program import Outcome
from tests.deadlocks.scenario import Numbered, as_sequence
from tests.keras_version import IS_KERAS_3

NUM_BATCHES, WORKERS, CALLS = 24, 4, 3
LEGACY_S = 90  # Keras 2 waits 5 s at the end of each call


class Jittered(Numbered):
    """Later batches are often there before earlier ones."""

    def __getitem__(self, index: int) -> Any:
        time.sleep((index * 7 % 5) * 0.01)
        return super().__getitem__(index)


def predicted(source: Any, **options: Any) -> list[bool]:
    from tensorflow import keras

    layers = [keras.Input((1,)), keras.layers.Activation("linear")]
    model = keras.Sequential(layers)
    results = [model.predict(source, verbose=0, **options) for _ in range(CALLS)]
    due = [index for index in range(NUM_BATCHES) for _ in range(2)]
    return [result[:, 0].tolist() == due for result in results]


def ours() -> None:
    from seq2data import to_dataset

    for use_multiprocessing in True, False:
        dataset = to_dataset(
            Jittered(NUM_BATCHES),
            workers=WORKERS,
            use_multiprocessing=use_multiprocessing,
        )
        print(predicted(dataset))
    print("in order")


def legacy() -> None:
    sequence = as_sequence(Jittered(NUM_BATCHES), WORKERS)
    pool = {} if IS_KERAS_3 else {"workers": WORKERS, "use_multiprocessing": True}
    is_right = all(predicted(sequence, **pool))
    print("in order" if is_right else "disorder")


def test_results_have_the_order_of_the_batches(ours: Outcome) -> None:
    assert ours.succeed()[:-1] == [str([True] * CALLS)] * 2


def test_legacy(legacy: Outcome) -> None:
    assert legacy.summary == "in order"
