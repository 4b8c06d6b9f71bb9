"""The wait for a batch, in the thread that needs it.

It ends on the batch, on the error that a worker's death or the pool's close becomes, on
`timeout`, on Ctrl-C, and anyhow after a moment, so that TensorFlow can see whether its
iterator was deleted. A batch that takes very long is reported while the wait goes on.
"""

from __future__ import annotations

import time
import warnings
from concurrent.futures import TimeoutError as NotReadyError
from typing import Optional

from seq2data.errors import BatchTimeoutError
from seq2data.pipeline.interrupt import interrupt_watch
from seq2data.workers.protocol import Pool, Reader
from seq2data.workers.task import Task, TaskResult

# A pull that finds nothing returns to TensorFlow this often.
SLICE_S = 0.2
# A main thread that executes Python handles Ctrl-C itself, within this time.
_HANDLED_S = 0.1
_FIRST_WARNING_S = 60.0


class TaskWait:
    """Waits for one task after the other.

    Args:
        pool: Reads them.
        name: The source's, for messages.
        timeout: Seconds that reading one may take, None for no limit.
    """

    def __init__(self, pool: Pool, name: str, timeout: Optional[float]) -> None:
        self._pool = pool
        self._name = name
        self._timeout = timeout
        self._task: Optional[Task] = None
        self._began = 0.0
        self._warn_after_s = _FIRST_WARNING_S

    def wait(self, task: Task, wait_s: float = SLICE_S) -> Optional[TaskResult]:
        """The task's result, None if it is not there after `wait_s`.

        Raises:
            InterruptedError: Ctrl-C was pressed, and the main thread is waiting for us.
        """
        result = _result(task, wait_s)
        if result is not None or not wait_s:
            return result
        if interrupt_watch.is_pending():
            result = _result(task, _HANDLED_S)
            if result is None and interrupt_watch.is_pending():
                which = f"{_batches(task)} of `{self._name}`"
                raise InterruptedError(f"Ctrl-C ended the wait for {which}")
        return result or self._complain(task)

    def _complain(self, task: Task) -> Optional[TaskResult]:
        now = time.monotonic()
        if task is not self._task:
            self._task = task
            self._began = now
            self._warn_after_s = _FIRST_WARNING_S
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
        """How many seconds the wait may take, None for no limit."""
        if self._timeout is None or reader is not None:
            return self._timeout
        starter = self._pool.starter()
        if starter is not None and not starter.is_loading:
            return self._timeout
        # It is for reading, and says nothing of how long the source's imports take, or
        # the batches that are before this one.
        return max(self._timeout, _FIRST_WARNING_S)

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
        """Which batch, read by whom, and where that is."""
        batch = f"{_batches(task)} of `{self._name}` (epoch {task.epoch}"
        if reader is not None:
            return f"{batch}, worker pid {reader.pid})", reader.stacks()
        starter = self._pool.starter()
        if starter is None:
            return (
                f"{batch}, waiting for a worker)",
                "(all are busy)",
            )
        return f"{batch}, waiting for pid {starter.pid} to start a worker)", (
            starter.stacks()
        )


def _batches(task: Task) -> str:
    """The batches that are read in one go, of which any may be meant."""
    if len(task.indices) == 1:
        return f"batch {task.indices[0]}"
    return f"batches {list(task.indices)}"


def _result(task: Task, wait_s: float) -> Optional[TaskResult]:
    try:
        return task.future.result(wait_s)
    except NotReadyError:
        return None
