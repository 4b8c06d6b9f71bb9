"""Floats in Keras's own precision, as Keras 2 had them whatever a source made.

It fed placeholders of `floatx`, and later cast numpy's floats (`_process_tensorlike` in
keras/engine/data_adapter.py). Losses and metrics of that time rely on it: they multiply
labels by predictions.
"""

from __future__ import annotations

import sys
from typing import Any

import tensorflow as tf

_FLOATS = (tf.float16, tf.float64)  # numpy's


def floatx_of(model: Any) -> tf.DType:
    """That of the Keras which the model is of."""
    roots = [base.__module__.partition(".")[0] for base in type(model).__mro__]
    kerases = (sys.modules[name] for name in ("keras", "tf_keras") if name in roots)
    keras = next(kerases, tf.keras)  # a model of `tensorflow.python.keras` has neither
    return tf.as_dtype(keras.backend.floatx())


def in_floatx(dataset: tf.data.Dataset, floatx: tf.DType) -> tf.data.Dataset:
    """The dataset with all dense tensors of floats in that type.

    Args:
        dataset: Any; one that has no others is returned as it is.
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
    # AutoGraph would leave a file in the temporary folder.
    return dataset.map(tf.autograph.experimental.do_not_convert(cast))
