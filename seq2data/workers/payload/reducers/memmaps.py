"""Memory-mapped arrays, and their views: mapped again from the file, never copied.

A worker's map is read-only where the user's is, else copy-on-write (mode 'c'), also for
'r+' and 'w+': what the parent has written into the file is seen, but what a worker
writes stays with it, as it does with any other array of the source. Workers that wrote
into the file would change each other's batches, in an order that depends on chance.

A copy-on-write map that the parent has written into has data that no file has; that is
sent, as an ordinary array's, and so is that of a file that is not there any more.
"""

from __future__ import annotations

import mmap
import os
import re
from pathlib import Path
from typing import Any, Optional

import numpy as np

from seq2data.workers.payload.registry import Recipe, register

_MAPS = Path("/proc/self/smaps")


def _reduce(array: np.ndarray) -> Optional[Recipe]:
    kind = type(array)
    if kind is not np.ndarray and not issubclass(kind, np.memmap):
        return None  # a record array, say
    origin = _origin(array)
    if origin is None or array.dtype.hasobject or not array.size:
        return None
    mapping: Any = origin._mmap
    base = np.frombuffer(mapping, np.uint8).ctypes.data
    low, high = _bounds(array)
    # A map begins at a whole number of pages, at or before the array that it was for.
    start = origin.offset - origin.offset % mmap.ALLOCATIONGRANULARITY
    first, last = start + low - base, start + high - base
    if not _has_file(origin.filename, last):
        return None
    if origin.mode == "c" and _is_written(base, len(mapping)):
        return None
    mode = "r" if origin.mode == "r" or not array.flags.writeable else "c"
    place = array.ctypes.data - low
    layout = (array.shape, array.dtype, array.strides, place)
    stretch = (origin.filename, mode, first, last - first)
    return _map, (kind, stretch, layout)


def _map(kind: type, stretch: tuple[Any, ...], layout: tuple[Any, ...]) -> Any:
    path, mode, first, nbytes = stretch
    whole: Any = np.memmap(path, np.uint8, mode, first, (nbytes,))
    shape, dtype, strides, place = layout
    array: Any = np.ndarray(shape, dtype, whole, place, strides)
    if issubclass(kind, np.memmap):
        array = array.view(kind)
        for name in ("_mmap", "filename", "offset", "mode"):
            setattr(array, name, getattr(whole, name))
    return array


def _origin(array: Any) -> Optional[Any]:
    """The memmap whose memory an array has."""
    while isinstance(array, np.ndarray):
        if isinstance(array, np.memmap) and array._mmap is not None:  # type: ignore[attr-defined]  # no stub
            return array
        array = array.base
    return None


def _bounds(array: np.ndarray) -> tuple[int, int]:
    """The addresses of its first byte, and after its last."""
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
    """Whether a private map has pages of its own; true where the system cannot say."""
    if not _MAPS.exists():
        return True
    within = False
    for line in _MAPS.read_text().splitlines():
        stretch = re.match(r"([0-9a-f]+)-([0-9a-f]+) ", line)
        if stretch:
            start, end = (int(part, 16) for part in stretch.groups())
            within = start < address + nbytes and end > address
        elif within and re.match(r"(Anonymous|Swap): +[1-9]", line):
            return True
    return False


register(np.memmap, _reduce)
register(np.ndarray, _reduce)
