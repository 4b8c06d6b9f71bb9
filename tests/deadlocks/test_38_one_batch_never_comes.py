"""One `__getitem__` never returns.

keras#13878: Keras waits for ever, and says nothing of where.
"""

from __future__ import annotations

import os
import signal
import time
from typing import Any

from tests.deadlocks.program import HANGS, Outcome
from tests.deadlocks.scenario import Numbered, fit_legacy, indices


class Stuck(Numbered):
    """Batch 5 waits for a server that never answers."""

    def __init__(self, seconds: float = 600) -> None:
        super().__init__()
        self.seconds = seconds

    def __getitem__(self, index: int) -> Any:
        if index == 5:
            self.ask_server()
        return super().__getitem__(index)

    def ask_server(self) -> None:
        time.sleep(self.seconds)


class Frozen(Stuck):
    """Somebody has stopped the worker."""

    def ask_server(self) -> None:
        os.kill(os.getpid(), signal.SIGSTOP)


def report(source: Any, **options: Any) -> None:
    import tensorflow as tf

    from seq2data import to_dataset

    try:
        indices(to_dataset(source, timeout=1, workers=2, **options))
    except tf.errors.OpError as error:
        text = str(error)
        name = type(source).__name__
        print(
            f"batch 5 of `{name}` (epoch 0, worker pid " in text,
            "`timeout=1` seconds" in text,
            "in ask_server" in text,
            "kill -CONT" in text,
        )


def ours() -> None:
    import warnings

    import tensorflow as tf

    from seq2data import to_dataset
    from seq2data.pipeline import task_wait

    report(Stuck())
    # A thread cannot be ended: this one ends by itself before we look what is left.
    report(Stuck(seconds=5), use_multiprocessing=False)
    report(Frozen())
    # Without a limit the wait goes on; the first warning comes earlier than in life.
    task_wait.FIRST_WARNING_S = 0.5
    iterator = iter(to_dataset(Stuck(), workers=2))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            for _ in iterator:
                pass
        except tf.errors.OpError as error:
            print("RuntimeWarning: batch 5 of `Stuck`" in str(error))
            print("in ask_server" in str(error))
    print("an error (or, without `timeout`, a warning) with the worker's stack")


def legacy() -> None:
    fit_legacy(Stuck())


def test_stuck_batch_is_reported(ours: Outcome) -> None:
    lines = ours.succeed()
    assert lines[:2] == ["True True True False"] * 2
    assert lines[2] == "True True False True"
    assert lines[3:5] == ["True", "True"]


def test_legacy(legacy: Outcome) -> None:
    assert legacy.summary == HANGS
