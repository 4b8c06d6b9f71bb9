"""Casts the floats of batches to `floatx`, Keras's own precision, as Keras 2 does.

Early versions feed placeholders of `floatx`, later ones cast numpy's floats
(`_process_tensorlike` in keras/engine/data_adapter.py). Old losses and metrics rely on
it: they multiply labels by predictions.
"""

from __future__ import annotations

import sys
from typing import Any

import tensorflow as tf

_FLOATS = (tf.float16, tf.float64)  # numpy's


def floatx_of(model: Any) -> tf.DType:
    """Returns the `floatx` of the Keras that the model comes from."""
    roots = [base.__module__.partition(".")[0] for base in type(model).__mro__]
    kerases = (sys.modules[name] for name in ("keras", "tf_keras") if name in roots)
    keras = next(kerases, tf.keras)  # a model of `tensorflow.python.keras` has neither
    return tf.as_dtype(keras.backend.floatx())


def in_floatx(dataset: tf.data.Dataset, floatx: tf.DType) -> tf.data.Dataset:
    """Returns the dataset with all dense tensors of floats cast to one type.

    Args:
        dataset: Any dataset; returned as it is if there is nothing to cast.
        floatx: The type.
    """
    spec = dataset.element_spec

    def is_other(leaf: Any) -> bool:
        is_dense = isinstance(leaf, (tf.TensorSpec, tf.Tensor))
        return is_dense and leaf.dtype in _FLOATS and leaf.dtype != floatx

    def cast(*parts: Any) -> Any:
        return tf.nest.map_structure(
            lambda leaf: tf.cast(leaf, floatx) if is_other(leaf) else leaf,
            parts if isinstance(spec, tuple) else parts[0],
        )

    if not any(map(is_other, tf.nest.flatten(spec))):
        return dataset
    # AutoGraph leaves a file in the temporary folder.
    return dataset.map(tf.autograph.experimental.do_not_convert(cast))
