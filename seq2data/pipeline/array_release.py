"""Makes TensorFlow drop the arrays that it has finished with.

TensorFlow may not drop a numpy array in a thread that does not hold the interpreter's
lock, so it queues it until arrays are next exchanged with Python (`DelayedNumpyDecref`
in tensorflow/python/lib/core/ndarray_tensor_bridge.cc). Without such an exchange a
deleted iterator would go unnoticed.
"""

from __future__ import annotations

from typing import Any

import tensorflow as tf


class ArrayRelease:
    """Exchanges one array with TensorFlow, unless a pull has done so since.

    Attributes:
        has_exchanged: True if arrays were exchanged since the last call. Every pull
            exchanges some, and sets it.
    """

    def __init__(self) -> None:
        self.has_exchanged = False
        self._tensor: Any = None
        # Out of the graph that is being made, if one is. Where a program has no eager
        # execution at all, sessions hold the iterators, and none is deleted.
        with tf.init_scope(), tf.device("CPU:0"):
            if tf.executing_eagerly():
                self._tensor = tf.constant([0.0])

    def __call__(self) -> None:
        if not self.has_exchanged and self._tensor is not None:
            self._tensor.numpy()
        self.has_exchanged = False
