"""The source cannot be sent to workers that are started afresh (spawn).

uqfoundation/multiprocess#19: Keras 2 makes its pool in a helper thread. The thread dies
of the error, and the training waits for the batches it was to bring.
"""

from __future__ import annotations

import multiprocessing
import threading
from typing import Any

from tests.deadlocks.program import HANGS, Outcome
from tests.deadlocks.scenario import Numbered, as_sequence, indices, recorder
from tests.keras_version import IS_KERAS_3


class Watched(Numbered):
    """Has a thread among its things."""

    def __init__(self) -> None:
        super().__init__()
        self.tools: dict[str, Any] = {"watch": threading.Thread(target=print)}


class RefusesToLoad(Numbered):
    """Can be sent, but fails where it arrives."""

    def __setstate__(self, state: dict[str, Any]) -> None:
        raise LookupError("no licence on this machine")


def ours() -> None:
    from seq2data import PayloadError, Seq2DataError, to_dataset

    try:
        to_dataset(Watched(), workers=2)
    except PayloadError as error:
        print("Watched.tools['watch']" in str(error), "Thread`" in str(error))
    try:
        to_dataset(RefusesToLoad(), workers=2)
    except Seq2DataError as error:
        print("LookupError: no licence on this machine" in str(error))
    # What the first error advises.
    print(indices(to_dataset(Watched(), workers=2, use_multiprocessing=False)))
    print("an error at once that names the attribute")


def legacy() -> None:
    multiprocessing.set_start_method("spawn")
    sequence = as_sequence(Watched())
    # The scenario's own wrapper would not pickle either, and it is not to blame.
    type(sequence).__reduce__ = lambda self: (as_sequence, (self.source,))
    pool = {} if IS_KERAS_3 else {"workers": 2, "use_multiprocessing": True}
    try:
        recorder().fit(sequence, verbose=0, shuffle=False, **pool)
    except Exception as error:  # Keras 3 wraps it
        if "cannot pickle '_thread." not in str(error):
            raise
        print(f"{type(error).__name__} that does not name the attribute")


def test_error_names_the_attribute(ours: Outcome) -> None:
    lines = ours.succeed()
    assert lines[:2] == ["True True", "True"]
    assert lines[2] == str(list(range(12)))


def test_legacy(legacy: Outcome) -> None:
    if not IS_KERAS_3:
        assert legacy.summary == HANGS
    else:
        assert legacy.summary == "InvalidArgumentError that does not name the attribute"
