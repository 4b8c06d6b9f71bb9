"""Shared memory without a name.

    worker                                   parent
    make(n): memfd, fallocate, map  --fd-->  Segment.receive: map, close the descriptor
    write batches                 --Result->  lease(): arrays that look into the map
    write again                   <--Read---  the last of those arrays has died

The worker makes a segment and keeps it mapped; the parent says, in the next Read, which
of them is free again. Neither side keeps a descriptor, so a segment has no name that
could leak, takes no room in /dev/shm, and is gone with the last process that maps it.
A free segment stays warm in both page tables, which is half the cost of a large batch.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import functools
import itertools
import mmap
import os
import tempfile
import weakref
from collections.abc import Iterator, Sequence
from typing import Callable

import numpy as np

from seq2data.workers.limits import reached

# What TensorFlow asks of memory that it takes over without a copy
# (EIGEN_MAX_ALIGN_BYTES).
ALIGNMENT = 64
# More than are on their way at a time between a worker and its parent.
_DESCRIPTORS = 16


def aligned(nbytes: int) -> int:
    """`nbytes`, rounded up to ALIGNMENT."""
    return -(-nbytes // ALIGNMENT) * ALIGNMENT


def make_file(nbytes: int) -> int:
    """A descriptor of `nbytes` of anonymous shared memory, to be mapped and written.

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
    """A descriptor of anonymous shared memory with these bytes, and where each begins.

    To write takes half the time of mapping the memory and copying into it.

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
    """An empty file in memory, which stays open if the block fills it."""
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


@functools.cache
def libc() -> ctypes.CDLL:
    """The C library, which is asked for only where there are worker processes."""
    library = ctypes.CDLL(None, use_errno=True)
    library.mmap.restype = ctypes.c_void_p
    library.mmap.argtypes = (
        *(ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int),
        *(ctypes.c_int, ctypes.c_int, ctypes.c_long),
    )
    library.munmap.argtypes = (ctypes.c_void_p, ctypes.c_size_t)
    library.memcmp.argtypes = (ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t)
    return library


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
        # Kept: the interpreter empties the module before the last arrays go.
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
        """The memory, uint8 `[nbytes]`; a new array each time."""
        return np.asarray(self)

    def __del__(self) -> None:
        if hasattr(self, "_munmap"):
            self._munmap(self._address, self.nbytes)


class SegmentStore:
    """A worker's segments, by number."""

    def __init__(self) -> None:
        self._maps: dict[int, Mapping] = {}
        self._made = 0
        self._unsent: list[tuple[int, int, int]] = []

    def make(self, nbytes: int) -> tuple[int, np.ndarray]:
        """A new segment's number and its memory, uint8 `[>= nbytes]`."""
        nbytes = -(-max(1, nbytes) // mmap.PAGESIZE) * mmap.PAGESIZE
        descriptor = make_file(nbytes)
        self._unsent.append((self._made, nbytes, descriptor))
        self._maps[self._made] = Mapping(descriptor, nbytes)
        self._made += 1
        return self._made - 1, self.memory(self._made - 1)

    def memory(self, number: int) -> np.ndarray:
        """The segment's memory, uint8 `[nbytes]`."""
        return self._maps[number].memory()

    def take_unsent(self) -> tuple[tuple[tuple[int, int], ...], list[int]]:
        """(number, bytes) and descriptors of segments the parent does not have yet.

        The caller sends the descriptors and closes them.
        """
        unsent, self._unsent = self._unsent, []
        return tuple((n, size) for n, size, _ in unsent), [fd for _, _, fd in unsent]

    def drop(self, numbers: tuple[int, ...]) -> None:
        """Forgets segments that the parent has forgotten."""
        for number in numbers:
            del self._maps[number]


class Segment:
    """The parent's view of one segment."""

    def __init__(self, number: int, nbytes: int, descriptor: int) -> None:
        """Maps the segment and closes `descriptor`."""
        self.number = number
        self.nbytes = nbytes
        try:
            self._map = Mapping(descriptor, nbytes)
        finally:
            os.close(descriptor)

    def lease(self, on_free: Callable[[Segment], object]) -> np.ndarray:
        """The memory as uint8 `[nbytes]`; calls `on_free` when no view of it is left.

        numpy hands the base of a view on to views of the view, so every array made
        from the lease keeps the lease, and with it the segment, alive. `on_free` is
        called in whatever thread drops the last one: it must not take a lock.
        """
        memory = self._map.memory()
        weakref.finalize(memory, on_free, self).atexit = False
        return memory
