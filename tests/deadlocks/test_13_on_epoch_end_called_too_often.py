"""`on_epoch_end` is called too often, or too early.

tensorflow#35911, tensorflow#45962: with workers Keras 2 calls it from its reader
thread and from `fit`; Keras 3 calls it once before the training begins.
"""

from __future__ import annotations

import os
import time
from itertools import product
from typing import Any

from tests.deadlocks.program import Outcome
from tests.deadlocks.scenario import Numbered, batch, fit_legacy, recorder

TRAINING, VALIDATION, EPOCHS = 6, 3, 3
LEGACY_S = 90  # Keras 2 waits 5 s at the end of each epoch


class Counting(Numbered):
    """A batch tells `10 * epoch + index`, and its hook begins the next epoch."""

    def __init__(self, num_batches: int) -> None:
        super().__init__(num_batches)
        self.epoch = 0

    def on_epoch_end(self) -> None:
        self.epoch += 1
        CALLS.append((os.getpid(), len(STEPS)))

    def __getitem__(self, index: int) -> Any:
        return batch(10 * self.epoch + index)


# Not in the source, which is sent to workers.
CALLS: list[tuple[int, int]] = []
STEPS: list[int] = []


def ours() -> None:
    from seq2data import to_dataset

    for workers, use_multiprocessing in product((0, 1, 2, 8), (True, False)):
        reading = {"workers": workers, "use_multiprocessing": use_multiprocessing}
        sources = [Counting(TRAINING), Counting(VALIDATION)]
        train, validation = [to_dataset(source, **reading) for source in sources]
        CALLS.clear()
        model = recorder()
        options = {"validation_data": validation, "verbose": 0}
        model.fit(train, epochs=EPOCHS, **options)
        print([source.epoch for source in sources])
        print({pid for pid, _ in CALLS} == {os.getpid()})
        print(model.seen == due(TRAINING), model.evaluated == due(VALIDATION))
    print("once per epoch")


def due(num_batches: int) -> list[int]:
    return [10 * epoch + i for epoch in range(EPOCHS) for i in range(num_batches)]


def legacy() -> None:
    from tensorflow import keras

    # Reading is ahead of the steps, as it should be; that is what shows the defect.
    slow = keras.callbacks.LambdaCallback(
        on_train_batch_end=lambda step, logs: (STEPS.append(step), time.sleep(0.3))
    )
    source = Counting(TRAINING)
    options = {"callbacks": [slow], "use_multiprocessing": False}
    fit_legacy(source, epochs=EPOCHS, **options)
    print([steps for _, steps in CALLS])
    print(f"{source.epoch} calls in {EPOCHS} epochs")


def test_hook_is_called_once_per_epoch(ours: Outcome) -> None:
    assert ours.succeed()[:-1] == ["[3, 3]", "True", "True True"] * 8


def test_legacy(legacy: Outcome) -> None:
    assert int(legacy.summary.split()[0]) > EPOCHS
