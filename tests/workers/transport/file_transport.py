"""The smallest transport between processes: files that the reader copies."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence

import numpy as np

from seq2data.workers.task import BatchRun
from seq2data.workers.transport.layout import read_runs
from seq2data.workers.transport.memory_files import aligned
from seq2data.workers.transport.protocol import NewSegments, Transport
from seq2data.workers.transport.runs import Loan, Run


class FileWriter:
    def __init__(self) -> None:
        self._memory: dict[int, np.ndarray] = {}
        self._unsent: list[tuple[int, int]] = []

    def make(self, nbytes: int) -> tuple[int, np.ndarray]:
        number = len(self._memory)
        with tempfile.TemporaryFile() as file:
            file.truncate(aligned(max(1, nbytes)))
            self._memory[number] = np.memmap(file, np.uint8)
            self._unsent.append((number, os.dup(file.fileno())))
        return number, self.memory(number)

    def memory(self, number: int) -> np.ndarray:
        return self._memory[number]

    def drop(self, numbers: tuple[int, ...]) -> None:
        assert numbers == ()

    def take_unsent(self) -> tuple[NewSegments, list[int]]:
        unsent, self._unsent = self._unsent, []
        sizes = tuple((number, self._memory[number].nbytes) for number, _ in unsent)
        return sizes, [descriptor for _, descriptor in unsent]


class FileReader:
    """Copies what is new; lends nothing."""

    def __init__(self, most_free: int) -> None:
        del most_free

    def lend(self) -> Loan:
        return Loan()

    def end_loan(self, loan: Loan) -> None:
        assert loan == Loan()

    def read(
        self,
        runs: Sequence[Run],
        segments: NewSegments,
        descriptors: Sequence[int],
        loan: Loan,
    ) -> tuple[BatchRun, ...]:
        del loan
        memory = {}
        for (number, nbytes), descriptor in zip(segments, descriptors):
            memory[number] = np.frombuffer(os.pread(descriptor, nbytes, 0), np.uint8)
            os.close(descriptor)
        return read_runs(runs, memory)


FILES = Transport(FileWriter, FileReader)
