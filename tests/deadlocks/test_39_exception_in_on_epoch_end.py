"""`on_epoch_end` raises.

keras#12704: it used to hang. Today Keras 3 calls the hook before the first step and so
fails there, and Keras 2 fails at the right place and takes seconds to exit.
"""

from __future__ import annotations

from typing import Any

from tests.deadlocks.program import Outcome
from tests.deadlocks.scenario import Numbered, fit_legacy, indices, recorder
from tests.keras_version import IS_KERAS_3

MODES: list[dict[str, Any]] = [
    {"workers": 0},
    {"workers": 2, "use_multiprocessing": False},
    {"workers": 2},
]


class BadSchedule(Numbered):
    """Its hook fails the first time."""

    def __init__(self) -> None:
        super().__init__()
        self.calls = 0

    def on_epoch_end(self) -> None:
        self.calls += 1
        if self.calls == 1:
            raise LookupError("no such schedule")


def ours() -> None:
    import tensorflow as tf

    from seq2data import to_dataset

    for mode in MODES:
        source = BadSchedule()
        dataset = to_dataset(source, **mode)
        model = recorder()
        try:
            model.fit(dataset, epochs=3, verbose=0)
        except tf.errors.OpError as error:
            fact = "`BadSchedule.on_epoch_end` raised LookupError: no such schedule"
            print(list(model.seen), fact in str(error), source.calls)
        print(indices(dataset), source.calls)
    print("an error once, at the end of the epoch")


def legacy() -> None:
    model = recorder()
    try:
        fit_legacy(BadSchedule(), model, epochs=3)
    except Exception as error:  # noqa: BLE001  # Keras decides on its type
        steps = len(model.seen)
        print(f"{type(error).__name__} after {steps} steps of an epoch of 12")


def test_error_comes_at_the_end_of_the_epoch(ours: Outcome) -> None:
    # The hook runs as the last batch is handed over, and the error comes in its place.
    failed, complete = f"{list(range(11))} True 1", f"{list(range(12))} 2"
    assert ours.succeed()[:-1] == [failed, complete] * len(MODES)


def test_legacy(legacy: Outcome) -> None:
    steps = 0 if IS_KERAS_3 else 12
    assert legacy.summary == f"LookupError after {steps} steps of an epoch of 12"
