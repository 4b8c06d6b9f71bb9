"""Training and validation data from 8 workers each, with one TensorFlow thread.

tensorflow#32454: a Python function that waits inside a pipeline holds one of the
threads that the training step, or another pipeline, needs.
"""

from __future__ import annotations

import time
from typing import Any, Callable

from tests.deadlocks.program import Program
from tests.deadlocks.scenario import Numbered, fit_legacy, recorder

ONE_THREAD = {"TF_NUM_INTEROP_THREADS": "1", "TF_NUM_INTRAOP_THREADS": "1"}
TRAINING, VALIDATION, EPOCHS = 40, 16, 2
DUE = [
    f"trained: {EPOCHS * list(range(TRAINING))}",
    f"evaluated: {EPOCHS * list(range(VALIDATION))}",
]


class Waits(Numbered):
    """Its batches come later than the training wants them."""

    def __getitem__(self, index: int) -> Any:
        time.sleep(0.02)
        return super().__getitem__(index)


def show(model: Any) -> None:
    print("trained:", list(model.seen))
    print("evaluated:", list(model.evaluated))
    print("every batch once, in order")


def ours() -> None:
    from seq2data import to_dataset

    training, validation = (
        # TensorFlow reads ahead of both while the other one is in use.
        to_dataset(Waits(number), workers=8).prefetch(2)
        for number in (TRAINING, VALIDATION)
    )
    model = recorder()
    model.fit(training, validation_data=validation, epochs=EPOCHS, verbose=0)
    show(model)


def legacy() -> None:
    show(
        fit_legacy(
            Waits(TRAINING),
            workers=8,
            validation_data=Waits(VALIDATION),
            epochs=EPOCHS,
        )
    )


def test_all_batches_arrive(
    start: Callable[..., Program], record: Callable[..., None]
) -> None:
    outcome = start(**ONE_THREAD).finish(120)
    record("seq2data", outcome)
    assert outcome.succeed()[:2] == DUE


def test_legacy(start: Callable[..., Program], record: Callable[..., None]) -> None:
    outcome = start("legacy", **ONE_THREAD).finish(60)
    record("legacy", outcome)
    assert outcome.lines[:2] == DUE, outcome.errors
