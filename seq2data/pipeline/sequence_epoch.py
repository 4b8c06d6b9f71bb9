"""Reads one epoch of an indexable source ahead, in order.

The window holds the tasks that are being read, or were read and not yet taken. It never
holds more than `max_queue_size` plus `workers` tasks, so memory is bounded however slow
the consumer is. It is filled up when a batch is taken.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import Optional, Union

from seq2data.errors import ReadError, Seq2DataError, WorkerCrashError
from seq2data.pipeline.cancellation import CancellationToken
from seq2data.pipeline.readers import Reading
from seq2data.pipeline.task_wait import SLICE_S
from seq2data.plan.epochs import Epoch
from seq2data.workers.task import BatchRun, Task, concatenate


class SequenceEpoch:
    """One epoch over an indexable source; one thread at a time uses it.

    Args:
        reading: Reads the batches.
        epoch: Orders them.
        first_batches: Batches that were read before, by index; used instead of reading.
        token: Cancelled when the iterator is gone; tasks that no worker has begun are
            dropped then.
    """

    def __init__(
        self,
        reading: Reading,
        epoch: Epoch,
        first_batches: Mapping[int, BatchRun],
        token: CancellationToken,
    ) -> None:
        self._reading = reading
        self._task_wait = reading.task_wait()
        self._epoch = epoch
        self._first_batches = dict(first_batches)
        self._token = token
        # Batches that are in the window or were in it, batches that were taken, and
        # those that were taken before the last time.
        self._submitted = 0
        self._delivered = 0
        self._taken = 0
        # In the epoch's order: tasks, and batches of `first_batches`.
        self._window: deque[Union[Task, BatchRun]] = deque()
        # Batches that have left the window and were not taken yet.
        self._runs: deque[BatchRun] = deque()
        # What comes after `_runs`, until it is raised; and its text, which stays.
        self._errors: list[Seq2DataError] = []
        self._failure = ""

    @property
    def index(self) -> int:
        """The source's index of the first batch that `take` has returned last."""
        return self._epoch.indices(self._taken, self._taken + 1)[0]

    @property
    def num_left(self) -> int:
        """The number of batches that were not taken yet."""
        return self._epoch.num_batches - self._delivered

    def read_ahead(self) -> int:
        """Fills the window; returns how many tasks and batches are ahead."""
        self._fill()
        return len(self._window) + len(self._runs)

    def take(self, most: int) -> Optional[BatchRun]:
        """Returns the batches that come next, None if none is there after SLICE_S.

        Args:
            most: How many at most; they have equal shapes.

        Raises:
            Seq2DataError: The next batch could not be read.
        """
        self._fill()
        while not self._runs:
            if self._errors:
                # Popped and in no variable: its traceback refers to this frame and so
                # to all of the dataset, which must go when the consumer drops it.
                raise self._errors.pop()
            if self._failure:
                raise ReadError(f"this epoch has ended in an error: {self._failure}")
            if not self._receive(SLICE_S):
                return None
        taken = self._gather(most)
        self._taken = self._delivered
        for run in taken:
            self._delivered += run.count
        self._fill()
        return taken[0] if len(taken) == 1 else concatenate(taken)

    def _receive(self, wait_s: float) -> bool:
        """Moves the window's head to `_runs` or `_errors`; True if it was there."""
        if not self._window:
            return False
        head = self._window[0]
        if isinstance(head, BatchRun):
            self._runs.append(head)
        else:
            result = self._task_wait.wait(head, wait_s)
            if result is None:
                return False
            if isinstance(result.error, WorkerCrashError) and len(head.indices) > 1:
                self._read_one_by_one(head)
                return False
            if result.error is not None:
                self._errors.append(result.error)
                self._failure = str(result.error)
            self._runs.extend(result.runs)
            self._reading.chunk_size.observe(result.seconds, len(head.indices))
        self._window.popleft()
        return True

    def _read_one_by_one(self, task: Task) -> None:
        """Replaces a task by one for each of its batches, for one kills its workers.

        The consumer gets the batches before that one, and may not take that one at all.
        """
        self._window.popleft()
        singly = [self._submit((index,)) for index in task.indices]
        self._window.extendleft(reversed(singly))

    def _gather(self, most: int) -> list[BatchRun]:
        """Takes batches of equal shapes that are there, `most` at most."""
        taken: list[BatchRun] = []
        left = most
        while left and (self._runs or (not self._failure and self._receive(0))):
            if not self._runs or (taken and not _fits(taken[0], self._runs[0])):
                break
            run = self._runs.popleft()
            if run.count > left:
                run, rest = run.split(left)
                self._runs.appendleft(rest)
            taken.append(run)
            left -= run.count
        return taken

    def _fill(self) -> None:
        most = self._reading.most_tasks
        while len(self._window) < most and self._submitted < self._epoch.num_batches:
            self._window.append(self._next_entry())

    def _next_entry(self) -> Union[Task, BatchRun]:
        """Returns what comes next into the window; submits it if it is a task."""
        start = self._submitted
        count = self._reading.chunk_size.next(self._epoch.num_batches - start)
        indices = self._epoch.indices(start, start + count)
        if self._first_batches:
            if indices[0] in self._first_batches:
                self._submitted += 1
                return self._first_batches.pop(indices[0])
            known = [
                i for i, index in enumerate(indices) if index in self._first_batches
            ]
            indices = indices[: known[0]] if known else indices
        self._submitted += len(indices)
        return self._submit(indices)

    def _submit(self, indices: tuple[int, ...]) -> Task:
        task = Task(
            self._epoch.number, self._reading.entropy, indices, self._token.is_valid
        )
        self._reading.pool.submit(task)
        return task


def _fits(one: BatchRun, other: BatchRun) -> bool:
    return one.structure == other.structure and all(
        a.dtype == b.dtype and a.shape[1:] == b.shape[1:]
        for a, b in zip(one.arrays, other.arrays)
    )
