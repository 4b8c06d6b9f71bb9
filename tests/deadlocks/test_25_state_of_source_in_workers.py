"""The source changes between epochs, or while it is read.

Each worker process has a copy of it: what the training script changes must reach these
copies by the next epoch, and what a worker changes stays in that worker.
"""

from __future__ import annotations

from itertools import product
from typing import Any

from tests.deadlocks.program import Outcome
from tests.deadlocks.scenario import Numbered, batch, fit_legacy, recorder

NUM_BATCHES, EPOCHS = 12, 3
CALLS = NUM_BATCHES * EPOCHS


class Scaled(Numbered):
    """A batch tells `scale`, `sizes[0]` and `index`, two digits each."""

    def __init__(self) -> None:
        super().__init__(NUM_BATCHES)
        self.scale = 0
        self.sizes = [0]

    def __getitem__(self, index: int) -> Any:
        return batch(10_000 * self.scale + 100 * self.sizes[0] + index)


class Counting(Scaled):
    """Counts its calls."""

    calls = 0

    def __getitem__(self, index: int) -> Any:
        self.calls += 1
        return super().__getitem__(index)


def changes(source: Scaled) -> Any:
    """A callback that sets one attribute after each epoch and changes another."""
    from tensorflow import keras

    class Changes(keras.callbacks.Callback):
        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            source.scale = epoch + 1
            source.sizes[0] += 1

    return Changes()


def ours() -> None:
    from seq2data import to_dataset

    due = [10_100 * epoch + i for epoch in range(EPOCHS) for i in range(NUM_BATCHES)]
    for workers, use_multiprocessing in product((0, 1, 2, 8), (True, False)):
        reading = {"workers": workers, "use_multiprocessing": use_multiprocessing}
        for source in Scaled(), Counting():
            model = recorder()
            dataset = to_dataset(source, **reading)
            model.fit(dataset, epochs=EPOCHS, callbacks=[changes(source)], verbose=0)
            print(model.seen == due)
        if workers and use_multiprocessing:
            print("calls that came back:", source.calls)
    print("documented:", "stays in the worker" in str(to_dataset.__doc__))
    print("changes arrive with the next epoch")


def legacy() -> None:
    source = Counting()
    fit_legacy(source, epochs=EPOCHS)
    print(f"{source.calls} of {CALLS} calls left a trace")


def test_changes_arrive_with_the_next_epoch(ours: Outcome) -> None:
    lines = ours.succeed()[:-1]
    assert lines.count("True") == 16
    assert lines.count("calls that came back: 0") == 3
    assert lines[-1] == "documented: True"
    assert len(lines) == 20


def test_legacy(legacy: Outcome) -> None:
    assert int(legacy.summary.split()[0]) < NUM_BATCHES
