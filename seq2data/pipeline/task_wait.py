"""The wait for a batch, in the thread that needs it.

It ends with the batch, with the error that a worker's death or the pool's close
becomes, with `timeout`, with Ctrl-C, and in any case after a moment, so that TensorFlow
can see whether its iterator was deleted. A batch that takes very long is reported.
"""

from __future__ import annotations

import time
import warnings
from concurrent.futures import Future
from concurrent.futures import TimeoutError as NotReadyError
from typing import Any, Callable, Optional

from seq2data.errors import BatchTimeoutError
from seq2data.pipeline.interrupt import interrupt_watch
from seq2data.workers.protocol import Pool, Reader
from seq2data.workers.task import Task, TaskResult

# A pull that finds nothing returns to TensorFlow this often.
SLICE_S = 0.2
# A main thread that executes Python handles Ctrl-C itself, within this time.
_HANDLED_S = 0.1
FIRST_WARNING_S = 60.0
"""A wait is reported after this time, and then at doubling intervals."""


def ends_within(
    future: Future[Any], what: Callable[[], str], wait_s: float = SLICE_S
) -> bool:
    """Waits for a future; True if it has ended.

    Args:
        future: Of a batch or of a hook.
        what: Names the wait, for the error.
        wait_s: How long the wait may take; 0 for none.

    Raises:
        InterruptedError: Ctrl-C was pressed, and the main thread is waiting for us.
    """
    if _has_ended(future, wait_s):
        return True
    if wait_s and interrupt_watch.is_pending():
        if _has_ended(future, _HANDLED_S):
            return True
        if interrupt_watch.is_pending():
            raise InterruptedError(f"Ctrl-C ended {what()}")
    return False


def _has_ended(future: Future[Any], wait_s: float) -> bool:
    try:
        future.exception(wait_s)
    except NotReadyError:
        return False
    return True


class TaskWait:
    """Waits for one task after the other; belongs to one consumer.

    Args:
        pool: Reads them.
        name: The source's, for messages.
        timeout: Seconds that reading one may take, None for no limit.
    """

    def __init__(self, pool: Pool, name: str, timeout: Optional[float]) -> None:
        self._pool = pool
        self._name = name
        self._timeout = timeout
        self._task: Optional[Task] = None  # waited for since `_began`
        self._began = 0.0
        self._warn_after_s = FIRST_WARNING_S

    def wait(self, task: Task, wait_s: float = SLICE_S) -> Optional[TaskResult]:
        """Returns the task's result, None if it is not there after `wait_s`.

        Raises:
            InterruptedError: Ctrl-C was pressed, and the main thread is waiting for us.
        """

        def which() -> str:
            return f"the wait for {_batches(task)} of `{self._name}`"

        if ends_within(task.future, which, wait_s):
            return task.future.result()
        return self._report(task) if wait_s else None

    def _report(self, task: Task) -> Optional[TaskResult]:
        """Returns an error if the wait has taken too long; warns if it takes long."""
        now = time.monotonic()
        if task is not self._task:
            self._task = task
            self._began = now
            self._warn_after_s = FIRST_WARNING_S
        reader = self._pool.reader_of(task)
        seconds = now - (self._began if reader is None else reader.since)
        limit = self._limit(reader)
        if limit is not None and seconds > limit:
            error = self._error(task, reader, limit)
            self._pool.abandon(task)
            return TaskResult(error=error)
        if seconds > self._warn_after_s:
            self._warn_after_s *= 2
            what, where = self._describe(task, reader)
            warnings.warn(
                f"{what} has not come for {seconds:.0f} seconds; the wait goes on, "
                f"`timeout=` would end it with an error\n\n{where}",
                RuntimeWarning,
                stacklevel=2,
            )
        return None

    def _limit(self, reader: Optional[Reader]) -> Optional[float]:
        """Returns how many seconds the wait may take, None for no limit."""
        if self._timeout is None or reader is not None:
            return self._timeout
        starter = self._pool.starter()
        if starter is not None and not starter.is_loading:
            return self._timeout
        # `timeout` is for reading a batch. It does not limit the imports of the source,
        # nor the batches that are read before this one.
        return max(self._timeout, FIRST_WARNING_S)

    def _error(
        self, task: Task, reader: Optional[Reader], limit: float
    ) -> BatchTimeoutError:
        what, where = self._describe(task, reader)
        which = f"`timeout={self._timeout}` seconds"
        if limit != self._timeout:
            which = f"{limit:.0f} seconds, which a start may take beyond {which}"
        return BatchTimeoutError(
            f"{what} took longer than {which}",
            task.indices[0],
            task.epoch,
            None if reader is None else reader.pid,
            where,
        )

    def _describe(self, task: Task, reader: Optional[Reader]) -> tuple[str, str]:
        """Returns the batch with its reader, and the reader's stack."""
        batch = f"{_batches(task)} of `{self._name}` (epoch {task.epoch}"
        if reader is not None:
            return f"{batch}, worker pid {reader.pid})", reader.stacks()
        starter = self._pool.starter()
        if starter is None:
            return f"{batch}, waiting for a worker)", "(all are busy)"
        return f"{batch}, waiting for pid {starter.pid} to start a worker)", (
            starter.stacks()
        )


def _batches(task: Task) -> str:
    """Returns the batches that are read in one go; any of them may be slow."""
    if len(task.indices) == 1:
        return f"batch {task.indices[0]}"
    return f"batches {list(task.indices)}"
