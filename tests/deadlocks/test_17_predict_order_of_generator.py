"""`predict` over a generator with workers gives its results in another order.

keras#5048, keras#6745: workers take items from the generator one by one, and nothing
keeps these in order. The usual remedy, an iterator class with a lock, is refused by
Keras 3.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from itertools import product
from typing import Any

import numpy as np

from tests.deadlocks.program import Outcome
from tests.keras_version import IS_KERAS_3

NUM_BATCHES = 24


def jittered() -> Iterator[Any]:
    """Batches that tell 0, 1, 2, ..., of very different durations."""
    for index in range(NUM_BATCHES):
        time.sleep((index * 7 % 5) * 0.004)
        yield (np.full((2, 1), index, np.float32),)


class Locked:
    """What everybody copied from the issue: a generator with a lock around it."""

    def __init__(self, generator: Iterator[Any]) -> None:
        self.generator = generator
        self.lock = threading.Lock()

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        with self.lock:
            return next(self.generator)


def identity() -> Any:
    from tensorflow import keras

    layers = [keras.Input((1,)), keras.layers.Activation("linear")]
    return keras.Sequential(layers)


def is_in_order(predicted: Any) -> bool:
    return predicted[::2, 0].tolist() == predicted[1::2, 0].tolist() == [*range(24)]


def ours() -> None:
    from seq2data import to_dataset

    model = identity()
    for workers, use_multiprocessing in product((0, 1, 2, 8), (True, False)):
        for source in jittered, jittered(), Locked(jittered()):
            dataset = to_dataset(
                source, workers=workers, use_multiprocessing=use_multiprocessing
            )
            print(is_in_order(model.predict(dataset, verbose=0)))
    print("in order")


def legacy() -> None:
    options = {"steps": NUM_BATCHES, "verbose": 0}
    if not IS_KERAS_3:
        options.update(workers=4, use_multiprocessing=False)
    try:
        predicted = identity().predict(Locked(jittered()), **options)
        print(predicted[::2, 0].tolist())
        print("in order" if is_in_order(predicted) else "disorder")
    except ValueError as error:
        print(error)
        print("the iterator class is refused")


def test_results_have_the_order_of_the_items(ours: Outcome) -> None:
    assert ours.succeed()[:-1] == ["True"] * 24


def test_legacy(legacy: Outcome) -> None:
    if not IS_KERAS_3:
        assert legacy.summary == "disorder"
    else:
        assert legacy.summary == "the iterator class is refused"
