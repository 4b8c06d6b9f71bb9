"""Turns what a legacy source gave into the batch that Keras 2 took it for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from seq2data.source.records import parts_of

_NUMBERS = (bool, int, float, np.number, np.bool_)


def as_it_is(batch: Any) -> Any:
    """What is done to the batches of `to_dataset`, which are the user's own."""
    return batch


def as_keras_batch(batch: Any) -> Any:
    """The batch as a plain tuple if it has parts, with arrays for lists of numbers.

    A namedtuple, dataclass or `attrs` object is (x, y, sample_weight) in the order of
    its fields, as far as it has them; inside x or y it stays. A list of numbers or
    texts is an array. (`_standardize_batch` in keras/engine/data_adapter.py of Keras
    2.15, `standardize_input_data` in keras/engine/training_utils.py of Keras 2.3.)
    """
    parts = parts_of(batch)
    if parts is not None:
        batch = parts.values
    if isinstance(batch, tuple):
        return tuple(map(_with_arrays, batch))
    return _with_arrays(batch)


def _with_arrays(value: Any) -> Any:
    if isinstance(value, Mapping) and not hasattr(value, "shape"):
        return {key: _with_arrays(value[key]) for key in value}
    if not isinstance(value, (list, tuple)):
        return value
    if any(_are_all(value, kinds) for kinds in (_NUMBERS, str, bytes)):
        return np.asarray(value)
    items = tuple(map(_with_arrays, value))
    parts = parts_of(value)
    return items if parts is None else parts.record.make(items)


def _are_all(items: Any, kinds: Any) -> bool:
    return bool(items) and all(isinstance(item, kinds) for item in items)
