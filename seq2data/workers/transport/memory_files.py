"""Makes files in memory without a name, and maps them."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import itertools
import mmap
import os
import tempfile
from collections.abc import Iterator, Sequence
from typing import Callable

import numpy as np

from seq2data.workers.system.libc import libc
from seq2data.workers.system.limits import reached

# What TensorFlow requires of memory that it takes over without a copy
# (EIGEN_MAX_ALIGN_BYTES).
ALIGNMENT = 64


def aligned(nbytes: int) -> int:
    """Rounds up to a multiple of ALIGNMENT."""
    return -(-nbytes // ALIGNMENT) * ALIGNMENT


# More than are on their way at a time between a worker and its parent.
_DESCRIPTORS = 16


def make_file(nbytes: int) -> int:
    """Makes anonymous shared memory of `nbytes`; returns its descriptor.

    Raises:
        OSError: There is not that much memory. Asking first turns what would be a
            SIGBUS at the first write into this error.
    """
    with _new_file(nbytes) as descriptor:
        if hasattr(os, "posix_fallocate"):
            os.posix_fallocate(descriptor, 0, nbytes)
        else:
            os.truncate(descriptor, nbytes)
    return descriptor


def write_file(pieces: Sequence[np.ndarray]) -> tuple[int, list[int]]:
    """Writes bytes into anonymous shared memory.

    Writing takes half the time of mapping the memory and copying into it.

    Returns:
        Its descriptor, and where each piece begins.

    Args:
        pieces: Each uint8 `[nbytes]`.

    Raises:
        OSError: There is not that much memory.
    """
    ends = list(itertools.accumulate(aligned(piece.nbytes) for piece in pieces))
    offsets = [0, *ends[:-1]]
    with _new_file(ends[-1]) as descriptor:
        os.truncate(descriptor, max(1, ends[-1]))
        for piece, offset in zip(pieces, offsets):
            left = piece.data
            while left:
                written = os.pwrite(descriptor, left, offset)
                left, offset = left[written:], offset + written
    return descriptor, offsets


@contextlib.contextmanager
def _new_file(nbytes: int) -> Iterator[int]:
    """Opens an empty file in memory, and closes it if the block raises OSError."""
    descriptor = None
    try:
        descriptor = _open_file()
        yield descriptor
    except OSError as error:
        if descriptor is not None:
            os.close(descriptor)
        more = _DESCRIPTORS if error.errno == errno.EMFILE else nbytes
        message = f"{error.strerror}: no {nbytes:,} bytes of shared memory"
        raise OSError(error.errno, message + reached(error.errno, more)) from error


def _open_file() -> int:
    if hasattr(os, "memfd_create"):
        return os.memfd_create("seq2data", os.MFD_CLOEXEC)
    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())


_MAP_FAILED = ctypes.c_void_p(-1).value


class Mapping:
    """A file in memory, mapped until the last array made from it is gone.

    `mmap.mmap` would keep a descriptor open for each (before Python 3.13), and a
    thousand batches held by the user would exhaust them.

    Args:
        descriptor: Stays the caller's, and may be closed.
        nbytes: How much of the file to map.
        is_private: Writes are not shared, and copy the page that they touch.
    """

    def __init__(self, descriptor: int, nbytes: int, is_private: bool = False) -> None:
        flags = mmap.MAP_PRIVATE if is_private else mmap.MAP_SHARED
        if not is_private:
            # Puts the pages into the page table now, instead of one fault each later.
            flags |= getattr(mmap, "MAP_POPULATE", 0)
        protection = mmap.PROT_READ | mmap.PROT_WRITE
        address = libc().mmap(None, nbytes, protection, flags, descriptor, 0)
        if address == _MAP_FAILED:
            number = ctypes.get_errno()
            message = f"{os.strerror(number)}: mapping {nbytes:,} bytes"
            raise OSError(number, message + reached(number, nbytes))
        self._address: int = address
        # Kept here: at its exit the interpreter empties modules before the last arrays
        # die.
        self._munmap: Callable[[int, int], int] = libc().munmap
        self.nbytes = nbytes

    @property
    def __array_interface__(self) -> dict[str, object]:
        return {
            "version": 3,
            "shape": (self.nbytes,),
            "typestr": "|u1",
            "data": (self._address, False),
        }

    def memory(self) -> np.ndarray:
        """Returns the memory, uint8 `[nbytes]`, as a new array each time."""
        return np.asarray(self)

    def __del__(self) -> None:
        if hasattr(self, "_munmap"):
            self._munmap(self._address, self.nbytes)
