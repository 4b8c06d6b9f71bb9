"""Which dimensions of the batches of a model may vary."""

from __future__ import annotations

from typing import Any

from seq2data.source.spec import BatchSpec
from seq2data.train.removed import is_keras_3


def loosened(spec: BatchSpec, model: Any) -> BatchSpec:
    """The spec that batches of all sizes keep to which the model takes.

    Models of Keras 2 train on batches of which only the rank is known. Keras 3 looks at
    dimensions when it traces: it takes labels of `[batch, 1]` for classes only where
    the 1 is known, and has a convolution compiled by XLA where the channels are not
    (`sparse_categorical_crossentropy` and `conv` in keras/src/backend/tensorflow/nn.py).
    """
    return spec if is_of_keras_3(model) else spec.ranks_only()


def is_of_keras_3(model: Any) -> bool:
    """Whether it is a model of Keras 3."""
    roots = {base.__module__.partition(".")[0] for base in type(model).__mro__}
    return "keras" in roots and is_keras_3("keras")
