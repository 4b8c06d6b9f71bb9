"""`steps_per_epoch` asks for more batches than there are.

keras#12773: depending on version and workers the training stops in its first epoch, or
trains epochs that are too short, or recycles the data; it returns normally.
"""

from __future__ import annotations

from itertools import product
from typing import Any

from tests.deadlocks.program import Outcome
from tests.deadlocks.scenario import Numbered, fit_legacy, recorder

NUM_BATCHES, STEPS, EPOCHS = 10, 25, 3
WANTED = STEPS * EPOCHS
LEGACY_S = 60  # Keras 2 waits 5 s at the end of each epoch


class Counting(Numbered):
    """Counts its completed passes."""

    def __init__(self) -> None:
        super().__init__(NUM_BATCHES)
        self.passes = 0

    def on_epoch_end(self) -> None:
        self.passes += 1


def ours() -> None:
    from seq2data import to_dataset

    short = []
    for workers, use_multiprocessing in product((0, 1, 2, 8), (True, False)):
        reading = {"workers": workers, "use_multiprocessing": use_multiprocessing}
        source = Counting()
        seen = trained_on(to_dataset(source, **reading).repeat())
        due = [step % NUM_BATCHES for step in range(WANTED)]
        print(seen == due, source.passes)
        # Without `repeat` Keras is told that there is no more, and does what it does.
        short.append(trained_on(to_dataset(Counting(), **reading)))
    print("without `repeat`:", len(short[0]), all(seen == short[0] for seen in short))
    print("all steps with `repeat`, with any workers")


def trained_on(dataset: Any) -> list[int]:
    model = recorder()
    model.fit(dataset, steps_per_epoch=STEPS, epochs=EPOCHS, verbose=0)
    return list(model.seen)


def legacy() -> None:
    seen = fit_legacy(
        Numbered(NUM_BATCHES),
        steps_per_epoch=STEPS,
        epochs=EPOCHS,
        workers=1,
        use_multiprocessing=False,
    ).seen
    print(f"{len(seen)} of {WANTED} steps, no error")


def test_all_steps_are_made_with_any_workers(ours: Outcome) -> None:
    lines = ours.succeed()
    assert lines[:8] == [f"True {WANTED // NUM_BATCHES}"] * 8
    assert lines[8].startswith("without `repeat`: ")
    assert lines[8].endswith(" True")


def test_legacy(legacy: Outcome) -> None:
    assert legacy.code == 0
    assert int(legacy.summary.split()[0]) < WANTED
