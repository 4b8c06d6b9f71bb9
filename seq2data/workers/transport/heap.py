"""The segments of readers in the caller's process: plain memory, aligned the same."""

from __future__ import annotations

import numpy as np

from seq2data.workers.transport.memory_files import ALIGNMENT


class HeapStore:
    """Gives memory that lives as long as the arrays in it."""

    def __init__(self) -> None:
        self._memory: dict[int, np.ndarray] = {}

    def make(self, nbytes: int) -> tuple[int, np.ndarray]:
        """A new piece's number and its memory, uint8 `[nbytes]`."""
        raw = np.empty(nbytes + ALIGNMENT, np.uint8)
        start = -raw.ctypes.data % ALIGNMENT
        number = len(self._memory)
        self._memory[number] = raw[start : start + nbytes]
        return number, self._memory[number]

    def memory(self, number: int) -> np.ndarray:
        """The piece's memory."""
        return self._memory[number]
