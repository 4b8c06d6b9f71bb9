"""The validation generator is endless, and no number of steps is given.

keras#8595, keras-core#720: the first evaluation goes on for ever, without a message,
and looks like a deadlock.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count, product
from typing import Any

from tests.deadlocks.program import HANGS, Outcome
from tests.deadlocks.scenario import Numbered, batch, fit_legacy, recorder

STEPS, EPOCHS = 4, 2
LEGACY_S = 15


def endless() -> Iterator[Any]:
    return map(batch, count())


def ours() -> None:
    from seq2data import to_dataset

    # A dataset cannot refuse to be endless: Keras asks it for no number of steps. Its
    # user can limit it, and each evaluation then goes on where the last one stopped.
    for is_object, is_taken in product((True, False), repeat=2):
        validation = to_dataset(endless() if is_object else endless, workers=2)
        limit = {} if is_taken else {"validation_steps": STEPS}
        model = recorder()
        model.fit(
            to_dataset(Numbered(3), workers=2),
            validation_data=validation.take(STEPS) if is_taken else validation,
            epochs=EPOCHS,
            verbose=0,
            **limit,
        )
        follows = list(model.evaluated) == list(range(STEPS * EPOCHS))
        print(model.seen == [0, 1, 2] * EPOCHS, follows)
    print("ends with `take` or `validation_steps`")


def legacy() -> None:
    source = (item for item in endless())
    fit_legacy(
        Numbered(3),
        validation_data=source,
        epochs=EPOCHS,
        workers=1,
        use_multiprocessing=False,
    )
    print("ends")


def test_limited_validation_ends(ours: Outcome) -> None:
    assert ours.succeed()[:-1] == ["True True"] * 4


def test_legacy(legacy: Outcome) -> None:
    assert legacy.summary == HANGS
