"""Tells the sources that seq2data reads from those that Keras reads."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np
import tensorflow as tf

from seq2data.pipeline.source_dataset import SourceDataset
from seq2data.source.generator import is_iterator
from seq2data.train.keras_versions import is_keras_3

# Their objects can be indexed, but Keras 3 has adapters for them.
_READ_BY_KERAS = ("grain", "torch")


def is_legacy(source: Any) -> bool:
    """True if it is a Sequence, an iterator or a function, judged by its methods.

    Keras reads arrays, containers of arrays, and datasets. An iterator of a dataset is
    legacy with Keras 3, which refuses it; Keras 2 reads it.
    """
    if isinstance(source, tf.data.Dataset):
        return False
    if isinstance(source, tf.data.Iterator):
        return is_keras_3("keras")
    if hasattr(source, "__next__") or inspect.isroutine(source):
        return True
    is_indexable = hasattr(source, "__len__") and hasattr(source, "__getitem__")
    return (
        is_indexable or isinstance(source, partial) or is_iterator(source)
    ) and not (
        isinstance(source, (list, tuple, Mapping, str, bytes))
        or _is_array(source)
        or type(source).__module__.partition(".")[0] in _READ_BY_KERAS
    )


def _is_array(source: Any) -> bool:
    """True if it holds rows; False for a Sequence that happens to have a `shape`.

    Keras 2 takes an object with `shape` and `dtype` for an array
    (`GenericArrayLikeDataAdapter` in keras/engine/data_adapter.py).
    """
    if hasattr(source, "__array__"):
        return True
    if hasattr(source, "on_epoch_end") or not hasattr(source, "shape"):
        return False
    # A Sequence may keep a setting under this name: a text or a class.
    return isinstance(getattr(source, "dtype", None), (np.dtype, tf.DType))


def is_read_by_keras(source: Any) -> bool:
    """True if it is a dataset that the user made."""
    return isinstance(source, tf.data.Dataset) and not isinstance(source, SourceDataset)
