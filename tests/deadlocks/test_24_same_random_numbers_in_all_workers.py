"""All workers, and all epochs, draw the same random numbers.

pytorch#5059, keras#11365: forked workers inherit the state of `numpy.random`, and in
each epoch they are forked from the same state again.
"""

from __future__ import annotations

import random
import time
from itertools import product
from typing import Any, Callable

import numpy as np

from tests.deadlocks.program import Outcome, Program
from tests.deadlocks.scenario import Numbered, batch, fit_legacy, indices

NUM_BATCHES, EPOCHS = 12, 2
DRAWS = NUM_BATCHES * EPOCHS
MOST = 1 << 24  # what float32 can tell apart


class Augmented(Numbered):
    """A batch tells what it has drawn."""

    def __init__(self, module: str) -> None:
        super().__init__(NUM_BATCHES)
        self.module = module

    def __getitem__(self, index: int) -> Any:
        if self.module == "numpy":
            return batch(np.random.randint(MOST))
        if self.module == "random":
            return batch(random.randrange(MOST))
        import tensorflow as tf

        return batch(int(tf.random.uniform([], 0, MOST, tf.int32)))


class Slow(Augmented):
    """Keeps a worker busy until the others have taken a batch, too."""

    def __getitem__(self, index: int) -> Any:
        time.sleep(0.1)
        return super().__getitem__(index)


def drawn(module: str, **options: Any) -> list[int]:
    from seq2data import to_dataset

    dataset = to_dataset(Augmented(module), **options)
    return [draw for _ in range(EPOCHS) for draw in indices(dataset)]


def ours() -> None:
    for module in "numpy", "random":
        reference = drawn(module, workers=0, seed=24)
        for workers, use_multiprocessing in product((0, 1, 2, 8), (True, False)):
            reading = {"workers": workers, "use_multiprocessing": use_multiprocessing}
            is_same = drawn(module, seed=24, **reading) == reference
            unseeded = drawn(module, **reading) + drawn(module, **reading)
            print(is_same, len(set(reference)), len(set(unseeded)))
    print("distinct, and with a seed repeatable")


def by_tensorflow() -> None:
    one = drawn("tensorflow", workers=2, seed=24)
    print(len(set(one)), one == drawn("tensorflow", workers=1, seed=24))


def legacy() -> None:
    seen = fit_legacy(Slow("numpy"), epochs=EPOCHS, workers=3).seen
    print(seen)
    print(f"{len(set(seen))} distinct of {DRAWS} draws")


def test_draws_are_distinct_and_repeatable(ours: Outcome) -> None:
    assert ours.succeed()[:-1] == [f"True {DRAWS} {2 * DRAWS}"] * 16


def test_draws_from_tensorflow_are_distinct_and_repeatable(
    start: Callable[..., Program],
) -> None:
    outcome = start("by_tensorflow").finish(limit_s=120)
    assert outcome.succeed() == [f"{DRAWS} True"]


def test_legacy(legacy: Outcome) -> None:
    assert int(legacy.summary.split()[0]) < DRAWS
