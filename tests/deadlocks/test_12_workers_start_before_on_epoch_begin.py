"""Workers read before `on_epoch_begin` has returned.

keras#23283: Keras 3 starts the workers first and calls the hook then, so what the hook
prepares reaches them an epoch late.
"""

from __future__ import annotations

import time
from itertools import product
from typing import Any

from tests.deadlocks.program import Outcome
from tests.deadlocks.scenario import Numbered, batch, fit_legacy, recorder
from tests.keras_version import IS_KERAS_3

NUM_BATCHES, EPOCHS = 6, 3
UNFINISHED = -1
EXPECTED = [10 * epoch + index for epoch in range(EPOCHS) for index in range(6)]


class Prepared(Numbered):
    """Takes its time to prepare an epoch; a batch tells `10 * epoch + index`."""

    def __init__(self) -> None:
        super().__init__(NUM_BATCHES)
        self.epoch = -1
        self.is_ready = False

    def on_epoch_begin(self) -> None:
        self.is_ready = False
        time.sleep(0.3)
        self.epoch += 1
        self.is_ready = True

    def __getitem__(self, index: int) -> Any:
        return batch(10 * self.epoch + index if self.is_ready else UNFINISHED)


def ours() -> None:
    from seq2data import to_dataset

    for workers, use_multiprocessing in product((0, 1, 2, 8), (True, False)):
        source = Prepared()
        dataset = to_dataset(
            source, workers=workers, use_multiprocessing=use_multiprocessing
        )
        model = recorder()
        model.fit(dataset, epochs=EPOCHS, verbose=0)
        print(model.seen == EXPECTED, "calls:", source.epoch + 1)
    print("every batch from its own epoch")


def legacy() -> None:
    if not IS_KERAS_3:
        print("Keras 2 has no such hook")
        return
    seen = fit_legacy(Prepared(), epochs=EPOCHS, use_multiprocessing=False).seen
    print(seen)
    stale = sum(told != due for told, due in zip(seen, EXPECTED))
    print(f"{stale} of {len(EXPECTED)} batches too early")


def test_batches_follow_the_hook(ours: Outcome) -> None:
    assert ours.succeed()[:-1] == [f"True calls: {EPOCHS}"] * 8


def test_legacy(legacy: Outcome) -> None:
    if not IS_KERAS_3:
        assert legacy.summary == "Keras 2 has no such hook"
    else:
        # The first batches of each epoch for certain; the others if they are quick.
        assert int(legacy.summary.split()[0]) >= EPOCHS
