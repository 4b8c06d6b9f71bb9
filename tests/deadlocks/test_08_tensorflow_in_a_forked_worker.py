"""`__getitem__` runs TensorFlow operations, in forked workers.

tensorflow#35317, keras#20619: a fork has none of the threads of TensorFlow's runtime,
so the first operation that is handed to them waits for ever.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.deadlocks.program import HANGS, Outcome
from tests.deadlocks.scenario import Numbered, fit_legacy, indices, recorder


class Scaled(Numbered):
    """Scales its images with TensorFlow."""

    def __getitem__(self, index: int) -> Any:
        import tensorflow as tf

        images = np.full((4, 64, 64, 3), index, np.float32)
        half = tf.image.resize(images, (32, 32))
        # Large enough for TensorFlow to split the work among its threads.
        product = tf.linalg.matmul(tf.ones((512, 512)), tf.ones((512, 512)))
        x = tf.reduce_mean(half) + tf.reduce_mean(product) - 512.0
        return tf.fill((2, 1), x).numpy(), np.zeros((2, 1), np.float32)


class WithTensor(Scaled):
    """Holds a tensor, so that whoever loads it starts TensorFlow's threads."""

    def __init__(self) -> None:
        super().__init__()
        import tensorflow as tf

        self.scale = tf.constant(1.0)

    def __getitem__(self, index: int) -> Any:
        x, y = super().__getitem__(index)
        return self.scale * x, y


class Surroundings(Numbered):
    """Its batches tell whether the worker has TensorFlow and sees a GPU."""

    def __getitem__(self, index: int) -> Any:
        import os
        import sys

        has_tensorflow = "tensorflow" in sys.modules
        sees_gpu = os.environ.get("CUDA_VISIBLE_DEVICES") != ""
        return np.float32([has_tensorflow, sees_gpu]), np.float32([0])


def ours() -> None:
    from seq2data import to_dataset

    print(indices(to_dataset(Scaled(), workers=2)))
    print(indices(to_dataset(WithTensor(), workers=2)))
    dataset = to_dataset(Surroundings(), workers=2)
    print({tuple(facts.numpy().tolist()) for facts, _ in dataset})
    print("every batch once, in order")


def legacy() -> None:
    # The model has used the runtime before the fork, as training always has.
    print(fit_legacy(Scaled(), recorder()).seen)


def test_workers_run_tensorflow(ours: Outcome) -> None:
    lines = ours.succeed()
    assert lines[:2] == [str(list(range(12)))] * 2
    assert lines[2] == "{(0.0, 0.0)}"


def test_legacy(legacy: Outcome) -> None:
    assert legacy.summary == HANGS
