"""Shared memory without a name, between processes.

    worker                                   training process
    make(n): memfd, fallocate, map  --fd-->  map, close the descriptor
    write batches                 --Result->  arrays that look into the map
    write again                   <--Loan---  the last of those arrays has died

The worker makes a segment and keeps it mapped. The training process says with a later
task that the segment is free again. Neither side keeps a descriptor: a segment has no
name that could leak, takes no room in /dev/shm, and is gone with the last process that
maps it. A free segment stays warm in both page tables, which saves half the cost of a
large batch.
"""

from __future__ import annotations

import mmap
import os
import weakref
from collections import deque
from collections.abc import Sequence
from typing import Callable

import numpy as np

from seq2data.workers.task import BatchRun
from seq2data.workers.transport.layout import read_runs
from seq2data.workers.transport.memory_files import Mapping, make_file
from seq2data.workers.transport.protocol import NewSegments, Transport
from seq2data.workers.transport.runs import Loan, Run


class SegmentWriter:
    """The segments of a worker, by number."""

    def __init__(self) -> None:
        self._maps: dict[int, Mapping] = {}
        self._made = 0
        self._unsent: list[tuple[int, int, int]] = []

    def make(self, nbytes: int) -> tuple[int, np.ndarray]:
        """Makes a segment; returns its number and its memory, uint8 `[>= nbytes]`."""
        nbytes = -(-max(1, nbytes) // mmap.PAGESIZE) * mmap.PAGESIZE
        descriptor = make_file(nbytes)
        self._unsent.append((self._made, nbytes, descriptor))
        self._maps[self._made] = Mapping(descriptor, nbytes)
        self._made += 1
        return self._made - 1, self.memory(self._made - 1)

    def memory(self, number: int) -> np.ndarray:
        """Returns the memory of a segment, uint8 `[nbytes]`."""
        return self._maps[number].memory()

    def drop(self, numbers: tuple[int, ...]) -> None:
        """Forgets segments that the reader has forgotten."""
        for number in numbers:
            del self._maps[number]

    def take_unsent(self) -> tuple[NewSegments, list[int]]:
        """Removes and returns the segments that the reader does not have yet."""
        unsent, self._unsent = self._unsent, []
        return tuple((n, size) for n, size, _ in unsent), [fd for _, _, fd in unsent]


class SegmentReader:
    """The segments of one worker, as the training process sees them.

    Args:
        most_free: How many free segments are kept for further batches.
    """

    def __init__(self, most_free: int) -> None:
        self._most_free = most_free
        self._segments: dict[int, Segment] = {}
        # Any thread may append: a segment is free when its last array dies.
        self._free: deque[Segment] = deque()
        self._dropped: list[int] = []

    def lend(self) -> Loan:
        """Returns the number of a free segment, and those of which there are enough."""
        lent = self._free.pop().number if self._free else None
        while len(self._free) > self._most_free:
            self._drop(self._free.popleft().number)
        dropped, self._dropped = tuple(self._dropped), []
        return Loan(lent, dropped)

    def end_loan(self, loan: Loan) -> None:
        """Takes back a segment that was lent for a task that has not begun."""
        if loan.segment is not None:
            self._free.append(self._segments[loan.segment])
        self._dropped += loan.dropped

    def read(
        self,
        runs: Sequence[Run],
        segments: NewSegments,
        descriptors: Sequence[int],
        loan: Loan,
    ) -> tuple[BatchRun, ...]:
        """Returns the batches; a segment is free again when its last array dies.

        Raises:
            OSError: This process has no memory for them.
        """
        if segments:
            try:
                self._receive(segments, descriptors)
            except OSError:
                self._give_up(segments, loan)
                raise
        memory: dict[int, np.ndarray] = {}
        for run in runs:
            if run.segment is not None and run.segment not in memory:
                segment = self._segments[run.segment]
                memory[run.segment] = segment.lease(self._free.append)
        if loan.segment is not None and loan.segment not in memory:
            self._drop(loan.segment)  # the batches have outgrown it
        for number, _ in segments:
            if number not in memory:
                self._free.append(self._segments[number])
        return read_runs(runs, memory)

    def _receive(self, segments: NewSegments, descriptors: Sequence[int]) -> None:
        left = deque(descriptors)
        try:
            for number, nbytes in segments:
                self._segments[number] = Segment(number, nbytes, left.popleft())
        finally:
            for descriptor in left:
                os.close(descriptor)

    def _give_up(self, segments: NewSegments, loan: Loan) -> None:
        """Lets all segments of an answer be used again or forgotten, on both sides."""
        # What the loan had dropped is dropped: the writer has begun the task.
        self.end_loan(Loan(loan.segment))
        for number, _ in segments:
            if number in self._segments:
                self._free.append(self._segments[number])
            else:
                self._dropped.append(number)

    def _drop(self, number: int) -> None:
        del self._segments[number]
        self._dropped.append(number)


class Segment:
    """One segment, as the training process sees it."""

    def __init__(self, number: int, nbytes: int, descriptor: int) -> None:
        """Maps the segment and closes `descriptor`."""
        self.number = number
        try:
            self._map = Mapping(descriptor, nbytes)
        finally:
            os.close(descriptor)

    def lease(self, on_free: Callable[[Segment], object]) -> np.ndarray:
        """Returns the memory as uint8 `[nbytes]`.

        Args:
            on_free: Called when no view of the memory is left, in the thread that
                drops the last one. It must not take a lock.

        numpy hands the base of a view on to views of the view, so every array made
        from the lease keeps the lease, and with it the segment, alive.
        """
        memory = self._map.memory()
        weakref.finalize(memory, on_free, self).atexit = False
        return memory


SEGMENTS = Transport(SegmentWriter, SegmentReader)
