"""Nothing happens for seconds at each end of an epoch.

keras#6055: Keras 2's old iterator waits 5 s for a batch that will not come before the
next epoch, or the end of the training, may go on.
"""

from __future__ import annotations

import time
from typing import Any

from tests.deadlocks.program import Outcome
from tests.deadlocks.scenario import Numbered, fit_legacy, recorder
from tests.keras_version import IS_KERAS_3

NUM_BATCHES, EPOCHS = 8, 6
IDLE_S = 2.0  # in all; the criterion of 50 ms per epoch is a benchmark's
LEGACY_S = 90


def stopwatch() -> Any:
    """A callback that keeps `idle`: from each epoch's last step to what comes next."""
    from tensorflow import keras

    class Stopwatch(keras.callbacks.Callback):
        def __init__(self) -> None:
            super().__init__()
            self.idle: list[float] = []
            self.began = 0.0

        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            if batch == 0 and self.began:
                self.stop()
            time.sleep(0.02)  # a training step
            self.began = time.monotonic()

        def stop(self) -> None:
            self.idle.append(time.monotonic() - self.began)

    return Stopwatch()


def ours() -> None:
    from seq2data import to_dataset

    idle = []
    for use_multiprocessing in True, False:
        dataset = to_dataset(
            Numbered(NUM_BATCHES), workers=2, use_multiprocessing=use_multiprocessing
        )
        model, watch = recorder(), stopwatch()
        model.fit(dataset, epochs=EPOCHS, callbacks=[watch], verbose=0)
        watch.stop()  # `fit` has to return, too
        print(model.seen == [*range(NUM_BATCHES)] * EPOCHS, sum(watch.idle) < IDLE_S)
        idle += watch.idle
    print([f"{seconds:.3f}" for seconds in idle])
    print(f"at most {1000 * max(idle):.0f} ms")


def legacy() -> None:
    watch = stopwatch()
    options = {"epochs": EPOCHS, "callbacks": [watch], "use_multiprocessing": False}
    fit_legacy(Numbered(NUM_BATCHES), **options)
    watch.stop()
    print([f"{seconds:.3f}" for seconds in watch.idle])
    print(f"up to {1000 * max(watch.idle):.0f} ms")


def test_next_epoch_follows_at_once(ours: Outcome) -> None:
    lines = ours.succeed(same=2)  # what follows are times
    assert lines[:2] == ["True True"] * 2, lines


def test_legacy(legacy: Outcome) -> None:
    assert legacy.code == 0
    if not IS_KERAS_3:  # on a loaded machine not each time
        assert int(legacy.summary.split()[2]) > 4000
