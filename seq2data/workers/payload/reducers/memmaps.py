"""Memory-mapped arrays and their views: a worker maps the file again.

A worker's map is read-only where the user's is, else copy-on-write (mode 'c'), also for
'r+' and 'w+'. So a worker sees what the parent has written into the file, and what a
worker writes stays in that worker, as with any other array of the source. Workers that
wrote into the file would change each other's batches, in an order that depends on
chance.

Two kinds of map are sent as ordinary arrays: a copy-on-write map that the parent has
written into, for no file has its data, and a map whose file was removed.
"""

from __future__ import annotations

import mmap
import os
from typing import Any, Optional

import numpy as np

from seq2data.workers.payload.registry import Recipe, register
from seq2data.workers.system.proc import (
    counts_copied_pages,
    mapped_ranges_with_copied_kb,
)


def _reduce(array: np.ndarray) -> Optional[Recipe]:
    kind = type(array)
    if kind is not np.ndarray and not issubclass(kind, np.memmap):
        return None  # a record array, for example
    origin = _origin(array)
    if origin is None or array.dtype.hasobject or not array.size:
        return None
    mapping: Any = origin._mmap
    base = np.frombuffer(mapping, np.uint8).ctypes.data
    low, high = _bounds(array)
    # A map begins at a page, at or before the first byte of the array.
    start = origin.offset - origin.offset % mmap.ALLOCATIONGRANULARITY
    first, last = start + low - base, start + high - base
    if not _has_file(origin.filename, last):
        return None
    if origin.mode == "c" and _is_written(base, len(mapping)):
        return None
    mode = "r" if origin.mode == "r" or not array.flags.writeable else "c"
    place = array.ctypes.data - low
    layout = (array.shape, array.dtype, array.strides, place)
    part = (origin.filename, mode, first, last - first)
    return _map, (kind, part, layout)


def _map(kind: type, part: tuple[Any, ...], layout: tuple[Any, ...]) -> Any:
    path, mode, first, nbytes = part
    whole: Any = np.memmap(path, np.uint8, mode, first, (nbytes,))
    shape, dtype, strides, place = layout
    array: Any = np.ndarray(shape, dtype, whole, place, strides)
    if issubclass(kind, np.memmap):
        array = array.view(kind)
        for name in ("_mmap", "filename", "offset", "mode"):
            setattr(array, name, getattr(whole, name))
    return array


def _origin(array: Any) -> Optional[Any]:
    """Returns the memmap whose memory an array has, None if there is none."""
    while isinstance(array, np.ndarray):
        if isinstance(array, np.memmap) and array._mmap is not None:  # type: ignore[attr-defined]  # no stub
            return array
        array = array.base
    return None


def _bounds(array: np.ndarray) -> tuple[int, int]:
    """Returns the address of the first byte of an array, and the one after its last."""
    low = high = array.ctypes.data
    for length, stride in zip(array.shape, array.strides):
        if stride < 0:
            low += (length - 1) * stride
        else:
            high += (length - 1) * stride
    return low, high + array.itemsize


def _has_file(path: Any, nbytes: int) -> bool:
    return path is not None and os.path.isfile(path) and os.path.getsize(path) >= nbytes


def _is_written(address: int, nbytes: int) -> bool:
    """True if a copy-on-write map was written to, or if the system cannot tell."""
    return not counts_copied_pages() or any(
        one.copied_kb > 0 and one.start < address + nbytes and one.stop > address
        for one in mapped_ranges_with_copied_kb()
    )


register(np.memmap, _reduce)
register(np.ndarray, _reduce)
