"""Casts batches of other dtypes to the dataset's dtype, for a model of Keras.

Keras 2 casts all to `floatx`, or to the first batch's dtype, even 2.75 to 2. Here a
cast changes no value that the model sees. Floats are cast to `floatx` or a longer
float, and whole numbers to a dtype that holds each of them. Floats are never cast to
whole numbers.
"""

from __future__ import annotations

from typing import Optional

import numpy as np

_WHOLE = "biu"


def common_dtype(one: np.dtype, other: np.dtype) -> Optional[np.dtype]:
    """Returns the dtype for a leaf that has both dtypes, `one` first; None for none."""
    if one.kind == "f" and other.kind in _WHOLE:
        return one
    kinds = one.kind, other.kind
    if kinds != ("f", "f") and not all(kind in _WHOLE for kind in kinds):
        return None
    both = np.promote_types(one, other)
    return both if (both.kind == "f") == (one.kind == "f") else None


def cast(array: np.ndarray, dtype: np.dtype, floatx: np.dtype) -> Optional[np.ndarray]:
    """Returns the array in a dtype, None if a value that the model sees would change.

    Args:
        array: The array.
        dtype: The dtype of the dataset.
        floatx: The dtype that floats are cast to before the model sees them.
    """
    kinds = array.dtype.kind, dtype.kind
    if kinds == ("f", "f"):
        return _cast_floats(array, dtype, floatx)
    if kinds[0] not in _WHOLE or not _holds(array, dtype):
        return None
    if dtype.kind == "f" and not _holds(array, floatx):
        return None
    return array.astype(dtype)


def _cast_floats(
    array: np.ndarray, dtype: np.dtype, floatx: np.dtype
) -> Optional[np.ndarray]:
    with np.errstate(over="ignore"):
        made = array.astype(dtype)
    is_seen_as_before = dtype.itemsize >= min(floatx.itemsize, array.dtype.itemsize)
    if is_seen_as_before or np.array_equal(made, array, equal_nan=True):
        return made
    return None


def _holds(array: np.ndarray, dtype: np.dtype) -> bool:
    """True if a dtype holds each of these whole numbers."""
    if dtype.kind not in _WHOLE + "f":
        return False
    if not array.size:
        return True
    least, most = int(array.min()), int(array.max())
    if dtype.kind == "f":
        limit = 2 ** (np.finfo(dtype).nmant + 1)
        return (-limit <= least and most <= limit) or _are_floats(array, dtype)
    if dtype.kind == "b":
        return least >= 0 and most <= 1
    info = np.iinfo(dtype)
    return int(info.min) <= least and most <= int(info.max)


def _are_floats(array: np.ndarray, dtype: np.dtype) -> bool:
    with np.errstate(over="ignore"):
        floats = array.astype(dtype)
    # As numbers of Python, since numpy casts both sides to floats to compare them.
    return bool(array.ravel().tolist() == floats.ravel().tolist())
