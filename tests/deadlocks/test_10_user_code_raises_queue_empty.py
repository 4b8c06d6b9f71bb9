"""The user's code raises `queue.Empty`.

No issue is known. Keras ends its own waits with this exception and catches the user's
along with it: the batch is lost, and the training waits for it.
"""

from __future__ import annotations

import queue
from typing import Any

from tests.deadlocks.program import HANGS, Outcome
from tests.deadlocks.scenario import Numbered, fit_legacy, indices

# What code of ours, of `concurrent.futures` or of tf.data could take for its own.
RAISED = [
    queue.Empty,
    StopIteration,
    TimeoutError,
    EOFError,
    BrokenPipeError,
    InterruptedError,
    GeneratorExit,
    KeyboardInterrupt,
]


class Raises(Numbered):
    """Batch 5 raises `error`."""

    def __init__(self, error: type[BaseException]) -> None:
        super().__init__()
        self.error = error

    def __getitem__(self, index: int) -> Any:
        if index == 5:
            raise self.error("of the user's")
        return super().__getitem__(index)


def ours() -> None:
    import tensorflow as tf

    from seq2data import to_dataset

    for use_multiprocessing in True, False:
        for error_type in RAISED:
            dataset = to_dataset(
                Raises(error_type), workers=2, use_multiprocessing=use_multiprocessing
            )
            iterator = iter(dataset)
            before = indices([next(iterator) for _ in range(5)])
            try:
                next(iterator)
            except tf.errors.OpError as error:
                fact = f"{error_type.__name__}: of the user's"
                print(before, fact in str(error), "batch 5" in str(error))
    print("an error that names the batch")


def legacy() -> None:
    print(fit_legacy(Raises(queue.Empty)).seen)


def test_exceptions_of_control_flow_are_errors(ours: Outcome) -> None:
    lines = ours.succeed()
    assert lines[:-1] == ["[0, 1, 2, 3, 4] True True"] * 2 * len(RAISED)


def test_legacy(legacy: Outcome) -> None:
    assert legacy.summary == HANGS
