"""`len()` changes between epochs.

keras PR 13037: Keras asks for the length at another moment than it calls the hook that
changes it, so epochs are cut short or run into the next one.
"""

from __future__ import annotations

import time
from itertools import chain, product
from typing import Any

from tests.deadlocks.program import Outcome
from tests.deadlocks.scenario import Numbered, batch, fit_legacy, indices, recorder

PLAN = (4, 7, 2)
DUE = [[10 * epoch + index for index in range(PLAN[epoch])] for epoch in range(3)]
LEGACY_S = 60  # Keras 2 waits 5 s at the end of each epoch


class Planned(Numbered):
    """Has as many batches as its epoch shall have; they tell `10 * epoch + index`."""

    def __init__(self) -> None:
        super().__init__()
        self.epoch = 0

    def __len__(self) -> int:
        return PLAN[min(self.epoch, len(PLAN) - 1)]

    def on_epoch_end(self) -> None:
        self.epoch += 1

    def __getitem__(self, index: int) -> Any:
        return batch(10 * self.epoch + index)


def ours() -> None:
    from seq2data import to_dataset

    for workers, use_multiprocessing in product((0, 1, 2, 8), (True, False)):
        reading = {"workers": workers, "use_multiprocessing": use_multiprocessing}
        dataset = to_dataset(Planned(), **reading)
        print([indices(dataset) for _ in PLAN] == DUE)
    # Keras asks a dataset for its length once per `fit`, so each epoch is a `fit`.
    model, source = recorder(), Planned()
    for _ in PLAN:
        model.fit(to_dataset(source, workers=2), verbose=0)
    print(model.seen == list(chain(*DUE)))
    print("epochs of 4, 7 and 2 batches")


def legacy() -> None:
    from tensorflow import keras

    model, ends = recorder(), [0]
    # Reading is ahead of the steps, as it should be; that is what shows the defect.
    slow = keras.callbacks.LambdaCallback(
        on_train_batch_end=lambda step, logs: time.sleep(0.3),
        on_epoch_end=lambda epoch, logs: ends.append(len(model.seen)),
    )
    options = {"epochs": 3, "callbacks": [slow], "use_multiprocessing": False}
    fit_legacy(Planned(), model, **options)
    lengths = [str(end - begin) for begin, end in zip(ends, ends[1:])]
    print(f"epochs of {', '.join(lengths)} batches, not 4, 7, 2")


def test_each_epoch_has_its_length(ours: Outcome) -> None:
    assert ours.succeed()[:-1] == ["True"] * 9


def test_legacy(legacy: Outcome) -> None:
    lengths = legacy.summary.removeprefix("epochs of ").partition(" batches")[0]
    assert lengths != ", ".join(map(str, PLAN))
    assert legacy.code == 0
