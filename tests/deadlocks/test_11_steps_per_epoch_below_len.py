"""`steps_per_epoch` is smaller than the number of batches.

keras#8282, keras#10164, tensorflow#28710: Keras 2 begins every epoch at batch 0, and
Keras 3 with workers keeps what it had read ahead and begins at batch 0 as well: most
batches are never trained on, others twice.
"""

from __future__ import annotations

import random
from itertools import product

from tests.deadlocks.program import Outcome
from tests.deadlocks.scenario import Numbered, fit_legacy, recorder
from tests.keras_version import IS_KERAS_3

NUM_BATCHES, STEPS, EPOCHS = 40, 10, 4
LEGACY_S = 90  # Keras 2 waits 5 s at the end of each epoch


def ours() -> None:
    for workers, use_multiprocessing in product((0, 1, 2, 8), (True, False)):
        reading = {"workers": workers, "use_multiprocessing": use_multiprocessing}
        seen = trained_on(NUM_BATCHES, STEPS, EPOCHS, **reading)
        print(seen == list(range(NUM_BATCHES)))
    print("any numbers")
    draw = random.Random(11)
    for _ in range(12):
        length, steps, epochs = (draw.randint(1, most) for most in (20, 25, 4))
        seen = trained_on(
            length,
            steps,
            epochs,
            workers=draw.choice((0, 1, 2, 8)),
            use_multiprocessing=draw.choice((True, False)),
            max_queue_size=draw.choice((1, 3, 10)),
        )
        print(seen == [step % length for step in range(steps * epochs)])
    print("every epoch goes on where the last one stopped")


def trained_on(length: int, steps: int, epochs: int, **reading: int) -> list[int]:
    from seq2data import to_dataset

    dataset = to_dataset(Numbered(length), **reading)
    if steps * epochs > length:
        dataset = dataset.repeat()  # as the legacy way began anew at its end
    model = recorder()
    model.fit(dataset, steps_per_epoch=steps, epochs=epochs, verbose=0)
    return model.seen


def legacy() -> None:
    source = Numbered(NUM_BATCHES)
    seen = fit_legacy(source, steps_per_epoch=STEPS, epochs=EPOCHS).seen
    print(seen)
    print(f"{NUM_BATCHES - len(set(seen))} of {NUM_BATCHES} batches never seen")


def test_epochs_go_on_with_any_workers(ours: Outcome) -> None:
    lines = ours.succeed()
    assert lines[:8] == ["True"] * 8
    assert lines[8:-1] == ["any numbers"] + ["True"] * 12


def test_legacy(legacy: Outcome) -> None:
    never_seen = int(legacy.summary.split()[0])
    if not IS_KERAS_3:
        assert never_seen == NUM_BATCHES - STEPS
    else:
        assert never_seen > 0  # how many is a matter of timing
