"""Each epoch validates on other batches.

keras#17453: with `validation_steps` below the number of batches, Keras 3's workers go
on where the last evaluation stopped, so `val_loss` compares different data.
"""

from __future__ import annotations

from itertools import product

from tests.deadlocks.program import Outcome
from tests.deadlocks.scenario import Numbered, fit_legacy, recorder
from tests.keras_version import IS_KERAS_3

STEPS, EPOCHS = 4, 4
SAME = list(range(STEPS)) * EPOCHS
LEGACY_S = 90  # Keras 2 waits 5 s at the end of each epoch


def ours() -> None:
    from seq2data import to_dataset

    for workers, use_multiprocessing in product((0, 1, 2, 8), (True, False)):
        reading = {"workers": workers, "use_multiprocessing": use_multiprocessing}
        train = to_dataset(Numbered(3), **reading)
        validation = to_dataset(Numbered(10), **reading)
        model = recorder()
        options = {"validation_data": validation, "validation_steps": STEPS}
        model.fit(train, epochs=EPOCHS, verbose=0, **options)
        print(model.seen == [0, 1, 2] * EPOCHS, model.evaluated == SAME)
    print("the same batches in each epoch")


def legacy() -> None:
    evaluated = fit_legacy(
        Numbered(3),
        epochs=EPOCHS,
        validation_data=Numbered(10),
        validation_steps=STEPS,
        use_multiprocessing=False,
    ).evaluated
    passes = [evaluated[i : i + STEPS] for i in range(0, len(evaluated), STEPS)]
    print(len(passes))
    print("on", ", ".join(f"{part[0]}-{part[-1]}" for part in passes))


def test_each_epoch_validates_on_the_same_batches(ours: Outcome) -> None:
    assert ours.succeed()[:-1] == ["True True"] * 8


def test_legacy(legacy: Outcome) -> None:
    same = "on " + ", ".join(["0-3"] * EPOCHS)
    assert (legacy.summary == same) != IS_KERAS_3
    assert legacy.lines[0] == str(EPOCHS)
