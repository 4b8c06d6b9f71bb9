"""Turns what a legacy source returns into the batch that Keras 2 makes of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from seq2data.source.records import parts_of

_NUMBERS = (bool, int, float, np.number, np.bool_)


def as_it_is(batch: Any) -> Any:
    """Returns the batch: `to_dataset` changes nothing."""
    return batch


def as_keras_batch(batch: Any) -> Any:
    """Returns the batch with a tuple for a record, and arrays for lists of numbers.

    The fields of a namedtuple, dataclass or `attrs` object are x, y and sample_weight,
    in this order, as many as there are. A record inside x or y stays a record. A list
    of numbers or texts becomes an array. (`_standardize_batch` in
    keras/engine/data_adapter.py of Keras 2.15, `standardize_input_data` in
    keras/engine/training_utils.py of Keras 2.3.)
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
