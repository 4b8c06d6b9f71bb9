"""Plain memory, aligned like segments: between threads of the training process."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from seq2data.workers.task import BatchRun
from seq2data.workers.transport.layout import read_runs
from seq2data.workers.transport.memory_files import ALIGNMENT
from seq2data.workers.transport.protocol import NewSegments, Transport
from seq2data.workers.transport.runs import Loan, Run


class HeapWriter:
    """Makes memory that lives as long as the arrays in it."""

    def __init__(self) -> None:
        self._memory: dict[int, np.ndarray] = {}
        self._made = 0

    def make(self, nbytes: int) -> tuple[int, np.ndarray]:
        """Makes a segment; returns its number and its memory, uint8 `[nbytes]`."""
        raw = np.empty(nbytes + ALIGNMENT, np.uint8)
        start = -raw.ctypes.data % ALIGNMENT
        number, self._made = self._made, self._made + 1
        self._memory[number] = raw[start : start + nbytes]
        return number, self._memory[number]

    def memory(self, number: int) -> np.ndarray:
        """Returns the memory of a segment."""
        return self._memory[number]

    def drop(self, numbers: tuple[int, ...]) -> None:
        """Does nothing: `take_unsent` forgets the segments."""

    def take_unsent(self) -> tuple[NewSegments, list[int]]:
        """Removes and returns all segments, with their memory."""
        unsent, self._memory = self._memory, {}
        return tuple(unsent.items()), []


class HeapReader:
    """Finds the arrays in the memory itself.

    Args:
        most_free: Has no effect: each segment is used once.
    """

    def __init__(self, most_free: int) -> None:
        del most_free

    def lend(self) -> Loan:
        """Lends nothing: the memory goes with the last array in it."""
        return Loan()

    def end_loan(self, loan: Loan) -> None:
        """Does nothing, for nothing is lent."""

    def read(
        self,
        runs: Sequence[Run],
        segments: NewSegments,
        descriptors: Sequence[int],
        loan: Loan,
    ) -> tuple[BatchRun, ...]:
        """Returns the batches of an answer."""
        del descriptors, loan
        return read_runs(runs, dict(segments))


HEAP = Transport(HeapWriter, HeapReader)
