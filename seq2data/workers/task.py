"""What a pool is asked for, and what comes back."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future, InvalidStateError
from dataclasses import dataclass, field
from typing import Callable, Optional

import numpy as np

from seq2data.errors import Seq2DataError
from seq2data.source.structure import Structure


@dataclass
class BatchRun:
    """Consecutive batches of equal shapes.

    Attributes:
        count: The number of batches.
        structure: Their nesting.
        arrays: One array `[count, ...]` for each leaf.
    """

    count: int
    structure: Structure
    arrays: Sequence[np.ndarray]

    def split(self, count: int) -> tuple[BatchRun, BatchRun]:
        """Returns the first `count` batches, and the rest."""
        first = [array[:count] for array in self.arrays]
        rest = [array[count:] for array in self.arrays]
        return (
            BatchRun(count, self.structure, first),
            BatchRun(self.count - count, self.structure, rest),
        )


def concatenate(runs: Sequence[BatchRun]) -> BatchRun:
    """Joins runs of equal shapes; a single run keeps its memory."""
    if len(runs) == 1:
        return runs[0]
    arrays = [np.concatenate(parts) for parts in zip(*(run.arrays for run in runs))]
    return BatchRun(sum(run.count for run in runs), runs[0].structure, arrays)


@dataclass
class TaskResult:
    """The batches of a task, in order, and why some are missing.

    Attributes:
        runs: The batches that were read.
        seconds: The time that reading them took.
        error: The error of the first missing batch.
        is_exhausted: True if a generator had no further item.
    """

    runs: tuple[BatchRun, ...] = ()
    seconds: float = 0.0
    error: Optional[Seq2DataError] = None
    is_exhausted: bool = False


def _always() -> bool:
    return True


@dataclass(eq=False)
class Task:
    """Batches that are read one after the other by one worker.

    Attributes:
        epoch: The number of the epoch.
        entropy: Seeds each batch's random state; None leaves it alone.
        indices: The batches.
        is_wanted: Returns False when the batches need not be read any longer. Called
            in any thread; it must not take a lock.
        is_repeatable: True if another worker may read them again when one dies.
        future: Gets the TaskResult, or is cancelled.
        attempts: How many workers have died while they read them.
    """

    epoch: int
    entropy: Optional[int]
    indices: tuple[int, ...]
    is_wanted: Callable[[], bool] = _always
    is_repeatable: bool = True
    future: Future[TaskResult] = field(default_factory=Future)
    attempts: int = 0

    def cancel_if_unwanted(self) -> bool:
        """Cancels the future if the batches are not wanted.

        Returns:
            True if the task has ended, so that it need not be read.
        """
        if not self.is_wanted():
            self.future.cancel()
        return self.future.done()

    def finish(self, result: TaskResult) -> None:
        """Ends the future, unless it has ended before."""
        # It may end in another thread at any moment, so it is not asked beforehand.
        try:
            self.future.set_result(result)
        except InvalidStateError:
            return
