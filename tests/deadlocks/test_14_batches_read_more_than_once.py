"""`__getitem__` is called more often than there are batches.

tensorflow#47728, tf-keras#50: Keras reads the first batches to learn their shapes and
reads them again to train; with workers Keras 2 reads a whole epoch that nobody uses.
"""

from __future__ import annotations

import os
import time
from itertools import product
from pathlib import Path
from typing import Any

from tests.deadlocks.program import Outcome
from tests.deadlocks.scenario import Numbered, fit_legacy, recorder

NUM_BATCHES, EPOCHS = 6, 2
LEGACY_S = 60  # Keras 2 waits 5 s at the end of each epoch


class Logged(Numbered):
    """Logs each of its calls in a file, as `epoch index`."""

    def __init__(self, log: str) -> None:
        super().__init__(NUM_BATCHES)
        self.log = os.path.abspath(log)
        self.epoch = 0

    def on_epoch_end(self) -> None:
        self.epoch += 1

    def __getitem__(self, index: int) -> Any:
        with open(self.log, "a") as log:
            log.write(f"{self.epoch} {index}\n")
        return super().__getitem__(index)


class Stateful(Logged):
    """Changes itself while it is read, as a loader does that holds an iterator."""

    calls = 0

    def __getitem__(self, index: int) -> Any:
        self.calls += 1
        return super().__getitem__(index)


def ours() -> None:
    from seq2data import to_dataset

    due = sorted(f"{e} {i}" for e in range(EPOCHS) for i in range(NUM_BATCHES))
    for workers, use_multiprocessing in product((0, 1, 2, 8), (True, False)):
        reading = {"workers": workers, "use_multiprocessing": use_multiprocessing}
        for kind in Logged, Stateful:
            log = Path(f"log-{kind.__name__}-{workers}-{use_multiprocessing}")
            dataset = to_dataset(kind(str(log)), **reading)
            recorder().fit(dataset, epochs=EPOCHS, verbose=0)
            is_once = sorted(log.read_text().splitlines()) == due
            print(kind.__name__, is_once, *([] if is_once else reading.values()))
    print("each batch is read once per epoch")


def legacy() -> None:
    from tensorflow import keras

    # Reading is ahead of the steps, as it should be; that is what shows the defect.
    slow = keras.callbacks.LambdaCallback(
        on_train_batch_end=lambda step, logs: time.sleep(0.3)
    )
    fit_legacy(Logged("log"), callbacks=[slow], use_multiprocessing=False)
    calls = len(Path("log").read_text().splitlines())
    print(f"{calls} calls for {NUM_BATCHES} batches")


def test_each_batch_is_read_once_per_epoch(ours: Outcome) -> None:
    lines = [line for line in ours.succeed() if line.startswith("Logged")]
    assert lines == ["Logged True"] * 8


def test_each_batch_of_a_stateful_source_is_read_once(ours: Outcome) -> None:
    lines = [line for line in ours.succeed() if line.startswith("Stateful")]
    assert lines == ["Stateful True"] * 8


def test_legacy(legacy: Outcome) -> None:
    assert int(legacy.summary.split()[0]) > NUM_BATCHES
