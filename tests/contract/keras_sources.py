"""Sequences of the installed Keras; importing this module loads TensorFlow."""

from __future__ import annotations

from typing import Any

import numpy as np
from tensorflow import keras


class WithInit(keras.utils.Sequence):
    """As today's Keras asks for it."""

    def __init__(self, count: int = 4) -> None:
        super().__init__()
        self.count = count
        self.ended = 0

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> Any:
        return np.full((2, 3), index, np.float32), np.full(2, self.ended)

    def on_epoch_end(self) -> None:
        self.ended += 1


class WithoutInit(WithInit):
    """As Keras 2 tutorials taught it."""

    def __init__(self, count: int = 4) -> None:
        self.count = count
        self.ended = 0


class Tensors(WithInit):
    """Batches made by TensorFlow, eagerly."""

    def __getitem__(self, index: int) -> Any:
        import tensorflow as tf

        sparse = tf.sparse.from_dense(tf.one_hot([index, 1], 5))
        return tf.fill((2, 3), float(index)), {"s": sparse, "t": tf.constant("text")}
