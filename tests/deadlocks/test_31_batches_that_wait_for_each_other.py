"""Batches that can only be read at the same time, with one TensorFlow thread.

tensorflow#48418, #32454: Python functions in a parallel map run on tf.data's threads,
of which there are as many as cores, so fewer at once than `num_parallel_calls` says.
"""

from __future__ import annotations

import os
import threading
import time
from typing import Any, Callable

from tests.deadlocks.program import HANGS, Outcome, Program
from tests.deadlocks.scenario import Numbered, batch, indices

PARTIES = 4
TOGETHER = range(30, 30 + PARTIES)


class Meets(Numbered):
    """Some batches in the middle wait until all of them are being read."""

    def __init__(self, folder: str) -> None:
        super().__init__(num_batches=60 + PARTIES)
        self.folder = folder

    def __getitem__(self, index: int) -> Any:
        time.sleep(0.01)  # slow enough that a worker is given one batch at a time
        if index in TOGETHER:
            open(f"{self.folder}/{index}", "w").close()
            while len(os.listdir(self.folder)) < PARTIES:
                time.sleep(0.01)  # processes share no event
        return batch(index)


def ours() -> None:
    from seq2data import to_dataset

    for mode in "processes", "threads":
        os.mkdir(mode)
        dataset = to_dataset(
            Meets(mode), workers=PARTIES, use_multiprocessing=mode == "processes"
        )
        print(mode, indices(dataset) == list(range(len(Meets(mode)))))
    print("every batch once, in order")


def legacy() -> None:
    import tensorflow as tf

    # More than tf.data's pool has threads, on any machine.
    parties = PARTIES * (os.cpu_count() or 1)
    barrier = threading.Barrier(parties)

    def read(index: tf.Tensor) -> tf.Tensor:
        barrier.wait()
        return index

    def parallel(index: tf.Tensor) -> tf.Tensor:
        return tf.py_function(read, [index], tf.int64)

    dataset = tf.data.Dataset.range(parties).map(parallel, parties)
    print([int(index) for index in dataset])


def test_user_code_needs_no_thread_of_tensorflow(
    start: Callable[..., Program], record: Callable[..., None]
) -> None:
    program = start(TF_NUM_INTEROP_THREADS="1", TF_NUM_INTRAOP_THREADS="1")
    outcome = program.finish(120)
    record("seq2data", outcome)
    assert outcome.succeed()[:2] == ["processes True", "threads True"]


def test_legacy(legacy: Outcome) -> None:
    assert legacy.summary == HANGS
