"""Processes and threads stay after a fit that failed.

tf-keras#566, keras#8946: the enqueuer is stopped at the end of a fit only, and an
exception (a callback's, say) leaves it running, with its pool; every retry adds one.
"""

from __future__ import annotations

import gc
import multiprocessing
import os
import time
from typing import Any, Callable

import numpy as np

from tests.deadlocks.program import Outcome
from tests.deadlocks.scenario import Numbered, fit_legacy, recorder

FITS = 3


class Large(Numbered):
    """Workers are ahead when the fit fails, with a batch each."""

    def __init__(self) -> None:
        super().__init__(num_batches=60)

    def __getitem__(self, index: int) -> Any:
        x = np.full((2, 50_000), index, np.float32)
        return x[:, :1].copy(), x


def fails() -> Any:
    """A callback that raises in the middle of the first epoch."""
    from tensorflow import keras

    class Fails(keras.callbacks.Callback):
        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            if batch == 3:
                raise RuntimeError("cannot write the checkpoint")

    return Fails()


def fail(fit: Callable[[], Any]) -> None:
    try:
        fit()
    except RuntimeError as error:
        print("the callback's error:", error)


def left(before: tuple[int, int], limit_s: float) -> tuple[int, int]:
    """Threads and descriptors beside those `before`; waits for them to go."""
    deadline = time.monotonic() + limit_s
    while True:
        gc.collect()
        threads, descriptors = (now - was for now, was in zip(usage(), before))
        if max(threads, descriptors) <= 0 or time.monotonic() > deadline:
            return max(threads, 0), max(descriptors, 0)
        time.sleep(0.05)  # threads of C++ cannot be waited for


def usage() -> tuple[int, int]:
    return len(os.listdir("/proc/self/task")), len(os.listdir("/proc/self/fd"))


def ours() -> None:
    from seq2data import to_dataset
    from tests import leaks

    def fit() -> None:
        recorder().fit(
            to_dataset(Large(), workers=2), epochs=2, verbose=0, callbacks=[fails()]
        )

    fail(fit)  # what TensorFlow starts once is not left behind
    before, processes_before = usage(), leaks.ours()
    for _ in range(FITS):
        fail(fit)
        leaks.assert_nothing_left(processes_before)
    threads, descriptors = left(before, limit_s=20)
    print(f"{threads} threads, {descriptors} descriptors left")
    print("0 processes, 0 threads left")


def legacy() -> None:
    fit_legacy(Large(), workers=0, use_multiprocessing=False, epochs=1)
    before = usage()
    for _ in range(FITS):
        fail(lambda: fit_legacy(Large(), epochs=2, callbacks=[fails()]))
    threads, _ = left(before, limit_s=5)
    processes = len(multiprocessing.active_children())
    print(f"{processes} processes, {threads} threads left by {FITS} fits")
    os._exit(0)  # whether it could exit is another scenario


def test_nothing_is_left(ours: Outcome) -> None:
    *failures, counts, _ = ours.succeed()
    assert failures == ["the callback's error: cannot write the checkpoint"] * 4
    assert counts == "0 threads, 0 descriptors left"


def test_legacy(legacy: Outcome) -> None:
    words = legacy.summary.split()
    assert words[1::2] == ["processes,", "threads", "by", "fits"], legacy.errors
    assert int(words[0]) == 2 * FITS
    assert int(words[2]) >= 2 * FITS
