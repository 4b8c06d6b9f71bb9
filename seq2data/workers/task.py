"""What a reader is asked for, and what comes back of it."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from concurrent.futures import Future, InvalidStateError
from dataclasses import dataclass, field
from typing import Callable, Optional

import numpy as np

from seq2data.errors import Seq2DataError
from seq2data.source.structure import Structure


@dataclass(frozen=True)
class BatchRun:
    """Consecutive batches of equal shapes.

    Attributes:
        count: How many.
        structure: Their nesting.
        arrays: Each `[count, ...]`.
    """

    count: int
    structure: Structure
    arrays: Sequence[np.ndarray]

    def split(self, count: int) -> tuple[BatchRun, BatchRun]:
        """The first `count` batches, and the rest."""
        first = [array[:count] for array in self.arrays]
        rest = [array[count:] for array in self.arrays]
        return (
            BatchRun(count, self.structure, first),
            BatchRun(self.count - count, self.structure, rest),
        )


def concatenate(runs: Sequence[BatchRun]) -> BatchRun:
    """One run of all; a single one keeps its memory."""
    if len(runs) == 1:
        return runs[0]
    arrays = [np.concatenate(parts) for parts in zip(*(run.arrays for run in runs))]
    return BatchRun(sum(run.count for run in runs), runs[0].structure, arrays)


@dataclass(frozen=True)
class TaskResult:
    """The batches of a task, in order, and why some are missing.

    Attributes:
        runs: The batches that were read.
        seconds: Spent reading them.
        error: What the first missing batch ended in.
        is_exhausted: Whether a generator had no further item.
    """

    runs: tuple[BatchRun, ...] = ()
    seconds: float = 0.0
    error: Optional[Seq2DataError] = None
    is_exhausted: bool = False


def _always() -> bool:
    return True


@dataclass(eq=False)
class Task:
    """Batches to read in one go; its Future gets a TaskResult.

    Attributes:
        epoch: Number of the pass.
        entropy: Seeds each batch's random state; None leaves it alone.
        indices: Of the batches.
        is_wanted: Asked before a worker starts on it; no means drop it.
        is_repeatable: Whether another worker may read it again if one dies.
        future: Ends in a TaskResult, or is cancelled.
        attempts: How many workers died over it.
    """

    epoch: int
    entropy: Optional[int]
    indices: tuple[int, ...]
    is_wanted: Callable[[], bool] = _always
    is_repeatable: bool = True
    future: Future[TaskResult] = field(default_factory=Future)
    attempts: int = 0

    def start(self) -> bool:
        """Whether it is to be read: it has not ended, and somebody wants it."""
        if not self.is_wanted():
            self.future.cancel()
        return not self.future.done()

    def finish(self, result: TaskResult) -> None:
        """Ends the future, unless it has ended before."""
        # Not asked beforehand: a close in another thread may come between.
        with contextlib.suppress(InvalidStateError):
            self.future.set_result(result)
