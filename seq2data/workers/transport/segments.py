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

import mmap
import os
import weakref
from typing import Callable

import numpy as np

from seq2data.workers.transport.memory_files import Mapping, make_file


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
