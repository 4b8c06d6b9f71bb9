"""A large batch's tensor is the memory that the worker wrote."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from tensorflow import keras

import seq2data
from tests.sources import Squares

pytestmark = pytest.mark.tensorflow

_SAMPLES = 50_000  # of 3 float32: 600 KB, more than what travels in chunks


class Pairs(Squares):
    """Large inputs and targets."""

    def __getitem__(self, index: int) -> Any:
        x = np.full((self.batch_size, 3), index, np.float32)
        return x, x[:, :1].copy()


def lies_in_shared_memory(address: int) -> bool:
    """Whether the kernel has a segment of ours mapped there."""
    for line in Path("/proc/self/maps").read_text().splitlines():
        start, end = (int(word, 16) for word in line.split()[0].split("-"))
        if start <= address < end:
            return "/memfd:seq2data" in line
    return False


def address_of(tensor: tf.Tensor) -> int:
    return int(np.asarray(memoryview(tensor)).ctypes.data)


def test_tensor_shares_the_workers_memory(start_method: str) -> None:
    dataset = seq2data.to_dataset(Squares(6, _SAMPLES), workers=2)
    assert all(lies_in_shared_memory(address_of(x)) for x, _ in dataset)


def test_tensor_of_plain_tensorflow_does_not() -> None:
    dataset = tf.data.Dataset.from_tensors(np.zeros([_SAMPLES, 3], np.float32))
    assert not any(lies_in_shared_memory(address_of(x)) for x in dataset)


def test_model_fit_trains_on_the_workers_memory() -> None:
    found: list[bool] = []

    class Model(keras.Model):
        def __init__(self) -> None:
            super().__init__()
            self.dense = keras.layers.Dense(1)

        def call(self, x: Any) -> Any:
            return self.dense(x)

        def train_step(self, data: Any) -> Any:
            found.append(all(lies_in_shared_memory(address_of(part)) for part in data))
            return {"loss": tf.constant(0.0)}

    model = Model()
    model.compile(optimizer="sgd", loss="mse", run_eagerly=True)
    dataset = seq2data.to_dataset(Pairs(4, 150_000), workers=2)
    model.fit(dataset, verbose=0, shuffle=False)
    assert found == [True] * 4


def test_tensors_that_are_held_keep_their_values() -> None:
    dataset = seq2data.to_dataset(Squares(40, _SAMPLES), workers=2)
    held = [x for x, _ in dataset]
    for _ in dataset:
        pass
    assert len(held) == 40
    for index, x in enumerate(held):
        assert bool(tf.reduce_all(x == index))


def test_memory_is_written_again_when_nobody_holds_it() -> None:
    dataset = seq2data.to_dataset(Squares(80, _SAMPLES), workers=1, max_queue_size=2)
    addresses = [address_of(x) for x, _ in dataset]
    assert len(set(addresses)) < len(addresses) / 4
