"""What every transport offers: memory that batches are written into and read from.

    writer's half (a worker)             reader's half (the training process)
                     <-- Loan with the task --  lend()
    make(), memory()
    take_unsent()    -- runs, new segments, descriptors -->  read()

A segment is a piece of memory with a number. The writer makes it and never writes into
it again before the reader has lent it back. The arrays that `read` returns stay valid
as long as anything refers to them, whatever happens to the writer.

Each half is used by one thread. Only the release of arrays may happen in any thread.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Callable, NamedTuple, Protocol

import numpy as np

from seq2data.workers.task import BatchRun
from seq2data.workers.transport.runs import Loan, Run

NewSegments = tuple[tuple[int, Any], ...]
"""The number of each segment that the reader does not have yet, and how to find it."""


class TransportWriter(Protocol):
    """The half of the process or thread that reads the source."""

    def make(self, nbytes: int) -> tuple[int, np.ndarray]:
        """Makes a segment.

        Returns:
            Its number and its memory, uint8 `[>= nbytes]`, at a multiple of 64 bytes.

        Raises:
            OSError: There is not that much memory.
        """

    def memory(self, number: int) -> np.ndarray:
        """Returns the memory of a segment, uint8 `[nbytes]`."""

    def drop(self, numbers: tuple[int, ...]) -> None:
        """Forgets segments that the reader has forgotten."""

    def take_unsent(self) -> tuple[NewSegments, list[int]]:
        """Removes and returns the new segments and their descriptors.

        The caller sends both to the reader's half, and then closes the descriptors.
        """


class TransportReader(Protocol):
    """The half of the training process."""

    def lend(self) -> Loan:
        """Returns what goes to the writer with the next task."""

    def end_loan(self, loan: Loan) -> None:
        """Takes back what was lent for a task that the writer has not begun."""

    def read(
        self,
        runs: Sequence[Run],
        segments: NewSegments,
        descriptors: Sequence[int],
        loan: Loan,
    ) -> tuple[BatchRun, ...]:
        """Returns the batches of an answer.

        Args:
            runs: Where they lie.
            segments: The new segments.
            descriptors: Their descriptors, which belong to the reader.
            loan: What was lent for the answer.

        Raises:
            OSError: This process has no memory for them.
        """


class Transport(NamedTuple):
    """A kind of transport.

    Attributes:
        writer: Makes a writer's half. A process receives it by its name.
        reader: Makes a reader's half that keeps this many segments for further batches.
    """

    writer: Callable[[], TransportWriter]
    reader: Callable[[int], TransportReader]
